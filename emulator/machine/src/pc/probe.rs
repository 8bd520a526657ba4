//! The registers of this ISA by the names that an assembler has for them.

use cpu::x86_64::reg;
use ir::Reg;

/// The register behind an assembler name of any width (high bytes excepted, which no compiler gives a probe), or the
/// base of a segment.
pub fn register(name: &str) -> Option<Reg> {
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
        "fs_base" => return Some(reg::FS_BASE),
        "gs_base" => return Some(reg::GS_BASE),
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
        assert_eq!(register("rdi"), Some(7));
        assert_eq!(register("r10d"), Some(10));
        assert_eq!(register("bl"), Some(3));
        assert_eq!(register("gs_base"), Some(reg::GS_BASE));
        assert!(register("r16").is_none());
        assert!(register("xmm0").is_none());
    }
}
