//! What to call the ISA's numbers, for any ISA that the machine has.
//!
//! Everything that is shown about a trap comes through here, so that a tracer asks with the name of an instruction set
//! and is no wiser than a trace file, which may come from another machine.

use crate::pc::chips::line as wire;
use crate::peripherals::slot;
use crate::virt::chips::source;
use base::event::Cause;
use cpu::riscv64::names as riscv64;
use cpu::x86_64::names as x86;
use std::borrow::Cow;

/// The name by which the instruction set `x86_64` goes.
pub const X86_64: &str = "x86_64";
/// The name by which the instruction set `riscv64` goes.
pub const RISCV64: &str = "riscv64";

/// A short name for a trap: the exception's mnemonic, `syscall`, or `int 0x41` for a vector without a name.
pub fn trap(arch: &str, cause: Cause, number: u16) -> Cow<'static, str> {
    let named = |is_interrupt| match riscv64::trap(is_interrupt, number) {
        Some(name) => name.into(),
        None => format!("trap {number}").into(),
    };
    match (cause, arch) {
        // A kernel's calls of its firmware have names of their own.
        (Cause::SystemCall, RISCV64) if number != ECALL_U => named(false),
        (Cause::SystemCall, _) => "syscall".into(),
        (Cause::Interrupt, X86_64) if number != NMI => format!("int {number:#04x}").into(),
        (_, X86_64) => vector(arch, number),
        (cause, RISCV64) => named(cause == Cause::Interrupt),
        (Cause::Exception, _) => format!("exception {number}").into(),
        (Cause::Interrupt, _) => format!("interrupt {number}").into(),
        (Cause::Software, _) => format!("trap {number}").into(),
    }
}

/// RISC-V's exception of a program's system call.
const ECALL_U: u16 = cpu::riscv64::trap::cause::ECALL_U as u16;

/// The one interrupt of x86 that has a mnemonic.
const NMI: u16 = cpu::x86_64::trap::vector::NMI as u16;

/// A short name for a number that several causes may have.
pub fn vector(arch: &str, number: u16) -> Cow<'static, str> {
    let name = match arch {
        X86_64 => x86::vector(number),
        _ => None,
    };
    name.map_or_else(|| format!("int {number:#04x}").into(), Cow::Borrowed)
}

/// A short name for what a CPU counts under this number in [`cpu::hart::Counters::traps`].
pub fn counted(arch: &str, number: usize) -> Cow<'static, str> {
    match (arch, number) {
        (RISCV64, 0..32) => trap(arch, Cause::Exception, number as u16),
        (RISCV64, _) => trap(arch, Cause::Interrupt, number as u16 - 32),
        _ => vector(arch, number as u16),
    }
}

/// A short name for the number by which an interrupt is delivered.
pub fn interrupt(arch: &str, number: u16) -> Cow<'static, str> {
    trap(arch, Cause::Interrupt, number)
}

/// Whether a trap is a page fault.
pub fn is_page_fault(arch: &str, cause: Cause, number: u16) -> bool {
    use cpu::x86_64::trap::vector::PF;
    match arch {
        X86_64 => cause == Cause::Exception && number == u16::from(PF),
        RISCV64 => cause == Cause::Exception && riscv64::is_page_fault(number),
        _ => false,
    }
}

/// The ISA's number for why a translation failed, if that is what the trap is about: x86's error code, RISC-V's cause.
pub fn page_fault_code(arch: &str, cause: Cause, number: u16, error: Option<u32>) -> Option<u32> {
    match arch {
        _ if !is_page_fault(arch, cause, number) => None,
        RISCV64 => Some(number.into()),
        _ => error,
    }
}

/// Why a translation failed, by the ISA's number for it, in [`FAULT_WORDS`].
pub fn page_fault(arch: &str, code: u32) -> Vec<&'static str> {
    match arch {
        X86_64 => x86::page_fault(code),
        RISCV64 => riscv64::translation_fault(code),
        _ => Vec::new(),
    }
}

/// The devices that interrupt on this instruction set's board, and the interrupt controller's numbers of their lines.
pub fn lines(arch: &str) -> &'static [(&'static str, u16)] {
    const VIRTIO: u16 = wire::VIRTIO as u16;
    const VIRT: u16 = source::VIRTIO as u16;
    match arch {
        X86_64 => &[
            ("disk", VIRTIO + slot::DISK as u16),
            ("console", VIRTIO + slot::CONSOLE as u16),
            ("entropy", VIRTIO + slot::ENTROPY as u16),
            ("com1", wire::COM1 as u16),
            ("rtc", wire::RTC as u16),
            ("pit", wire::PIT as u16),
        ],
        RISCV64 => &[
            ("disk", VIRT + slot::DISK as u16),
            ("console", VIRT + slot::CONSOLE as u16),
            ("entropy", VIRT + slot::ENTROPY as u16),
            ("com1", source::UART as u16),
            ("rtc", source::RTC as u16),
        ],
        _ => &[],
    }
}

/// The device behind a line, or the line's number.
pub fn line(arch: &str, number: u16) -> Cow<'static, str> {
    let known = lines(arch).iter().find(|(_, line)| *line == number);
    known.map_or_else(|| number.to_string().into(), |(name, _)| (*name).into())
}

/// All words of [`page_fault`].
pub const FAULT_WORDS: &[&str] = &{
    let [.., denied] = riscv64::FAULT_WORDS;
    let mut words = [denied; x86::FAULT_WORDS.len() + 1];
    let (of_x86, _) = words.split_at_mut(x86::FAULT_WORDS.len());
    of_x86.copy_from_slice(&x86::FAULT_WORDS);
    words
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traps_have_short_names() {
        for (arch, cause, number, name) in [
            (X86_64, Cause::Exception, 14, "#PF"),
            (X86_64, Cause::Interrupt, 2, "NMI"),
            (X86_64, Cause::Interrupt, 0xf0, "int 0xf0"),
            (X86_64, Cause::Interrupt, 8, "int 0x08"),
            (X86_64, Cause::Exception, 9, "int 0x09"),
            (X86_64, Cause::Software, 3, "#BP"),
            (X86_64, Cause::Software, 0x80, "int 0x80"),
            (X86_64, Cause::SystemCall, 0, "syscall"),
            (RISCV64, Cause::SystemCall, 8, "syscall"),
            (RISCV64, Cause::SystemCall, 9, "ecall from S-mode"),
            (RISCV64, Cause::Exception, 13, "load page fault"),
            (RISCV64, Cause::Interrupt, 5, "supervisor timer interrupt"),
            ("pdp11", Cause::Exception, 4, "exception 4"),
            ("pdp11", Cause::Software, 4, "trap 4"),
        ] {
            assert_eq!(trap(arch, cause, number), name);
        }
    }

    #[test]
    fn lines_are_called_after_their_devices() {
        assert_eq!(line(X86_64, 16), "disk");
        assert_eq!(line(X86_64, 4), "com1");
        assert_eq!(line(X86_64, 23), "23");
        assert_eq!(line("pdp11", 16), "16");
    }

    #[test]
    fn an_unknown_instruction_set_has_no_page_faults_to_tell_of() {
        assert!(is_page_fault(X86_64, Cause::Exception, 14));
        assert!(!is_page_fault(X86_64, Cause::Software, 14));
        assert!(!is_page_fault("pdp11", Cause::Exception, 14));
        assert!(page_fault("pdp11", 7).is_empty());
    }

    #[test]
    fn each_instruction_set_says_in_its_own_way_why_a_page_fault_was() {
        let code = |arch, number, error| page_fault_code(arch, Cause::Exception, number, error);
        assert_eq!(code(X86_64, 14, Some(6)), Some(6));
        assert_eq!(code(RISCV64, 15, None), Some(15));
        assert_eq!(code(RISCV64, 14, None), None);
        assert_eq!(page_fault(X86_64, 6), ["not_present", "write", "user"]);
        assert_eq!(page_fault(RISCV64, 15), ["write"]);
        for arch in [X86_64, RISCV64] {
            let words = (0..128).flat_map(|code| page_fault(arch, code));
            assert!(words.into_iter().all(|word| FAULT_WORDS.contains(&word)));
        }
    }
}
