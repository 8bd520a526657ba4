//! Where x86-64 keeps its state in the IR's register file.
//!
//! ```text
//! 0..15    RAX RCX RDX RBX RSP RBP RSI RDI R8..R15   (the encoding's order)
//! 16..47   XMM0..XMM15, low word then high word
//! 48..53   segment bases ES CS SS DS FS GS            (the encoding's order)
//! 54       RFLAGS without the six arithmetic flags
//! 55       MXCSR
//! ```

use ir::Reg;

/// General registers, in the encoding's order.
pub const RAX: Reg = 0;
/// Counter.
pub const RCX: Reg = 1;
/// Data.
pub const RDX: Reg = 2;
/// Base.
pub const RBX: Reg = 3;
/// Stack pointer.
pub const RSP: Reg = 4;
/// Frame pointer.
pub const RBP: Reg = 5;
/// Source index.
pub const RSI: Reg = 6;
/// Destination index.
pub const RDI: Reg = 7;
/// Fifth argument of a system call.
pub const R8: Reg = 8;
/// Sixth argument of a system call.
pub const R9: Reg = 9;
/// Fourth argument of a system call.
pub const R10: Reg = 10;
/// RFLAGS' return place for SYSCALL.
pub const R11: Reg = 11;
/// The low word of XMM0; XMMn is at `XMM0 + 2 * n`.
pub const XMM0: Reg = 16;
/// The base of ES; the others follow in the encoding's order.
pub const SEG_BASE: Reg = 48;
/// The base of FS.
pub const FS_BASE: Reg = 52;
/// The base of GS.
pub const GS_BASE: Reg = 53;
/// RFLAGS without CF, PF, AF, ZF, SF and OF.
pub const RFLAGS: Reg = 54;
/// The SSE control and status register.
pub const MXCSR: Reg = 55;

/// RFLAGS bits outside the flag word (SDM vol. 1, 3.4.3).
pub mod rflags {
    /// Always set.
    pub const FIXED: u64 = 1 << 1;
    /// Trap after each instruction.
    pub const TF: u64 = 1 << 8;
    /// External interrupts are taken.
    pub const IF: u64 = 1 << 9;
    /// String instructions count down.
    pub const DF: u64 = 1 << 10;
    /// Privilege needed for port I/O.
    pub const IOPL: u64 = 3 << 12;
    /// Nested task.
    pub const NT: u64 = 1 << 14;
    /// Instruction breakpoints are off for one instruction.
    pub const RF: u64 = 1 << 16;
    /// Virtual-8086 mode.
    pub const VM: u64 = 1 << 17;
    /// Alignment checks, or the SMAP override.
    pub const AC: u64 = 1 << 18;
    /// CPUID exists if software can toggle it.
    pub const ID: u64 = 1 << 21;
}

/// The register behind an assembler name of any width (high bytes excepted, which no compiler gives a probe), or the
/// base of a segment.
pub fn named(name: &str) -> Option<Reg> {
    const NAMES: [[&str; 4]; 8] = [
        ["rax", "eax", "ax", "al"],
        ["rcx", "ecx", "cx", "cl"],
        ["rdx", "edx", "dx", "dl"],
        ["rbx", "ebx", "bx", "bl"],
        ["rsp", "esp", "sp", "spl"],
        ["rbp", "ebp", "bp", "bpl"],
        ["rsi", "esi", "si", "sil"],
        ["rdi", "edi", "di", "dil"],
    ];
    if let Some(index) = NAMES.iter().position(|names| names.contains(&name)) {
        return Some(index as Reg);
    }
    match name {
        "fs_base" => return Some(FS_BASE),
        "gs_base" => return Some(GS_BASE),
        _ => {}
    }
    let number = name
        .strip_prefix('r')
        .map(|rest| rest.trim_end_matches(['b', 'w', 'd']))
        .and_then(|digits| digits.parse().ok());
    number.filter(|number| (8..16).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_have_their_encoding() {
        assert_eq!(named("rdi"), Some(RDI));
        assert_eq!(named("r10d"), Some(R10));
        assert_eq!(named("bl"), Some(RBX));
        assert_eq!(named("gs_base"), Some(GS_BASE));
        assert!(named("r16").is_none());
        assert!(named("xmm0").is_none());
    }
}
