//! SystemTap's static probes: the notes that a kernel's probes leave (`.note.stapsdt`), and where their arguments are.
//!
//! ```text
//! note content   8 bytes address of the NOP, 8 base, 8 semaphore, then provider\0 name\0 arguments\0
//! argument       SIZE@OPERAND, as the ISA's assembler writes it: 8@%rax  4@$17  -4@-20(%rbp)  8@16(%rsp)
//!                                                     on RISC-V: 8@a0    4@17   -4@-20(s0)    8@16(sp)
//! ```

use super::elf::Executable;
use crate::watch::{Argument, Place};
use object::elf::EM_RISCV;

/// A place in the code that carries a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Virtual address of the probe's NOP.
    pub address: u64,
    /// Who defines the probe.
    pub provider: String,
    /// The probe's name.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<Argument>,
}

/// Whether the kernel is one of ours, by the provider of its probes.
pub fn is_silica(sites: &[Site]) -> bool {
    sites.iter().any(|site| site.provider == "silica")
}

/// All probe sites of a kernel, in the order of its notes; damaged notes are left out.
pub fn sites(kernel: &Executable<'_>) -> Vec<Site> {
    const NT_STAPSDT: u32 = 3;
    let syntax = match kernel.machine {
        EM_RISCV => Syntax::Plain,
        _ => Syntax::Signs,
    };
    kernel
        .notes
        .iter()
        .filter(|note| note.kind == NT_STAPSDT && note.name.starts_with(b"stapsdt"))
        .filter_map(|note| site(note.content, syntax))
        .collect()
}

fn site(content: &[u8], syntax: Syntax) -> Option<Site> {
    let address = u64::from_le_bytes(content.get(..8)?.try_into().ok()?);
    let mut texts = content
        .get(24..)?
        .split(|&b| b == 0)
        .map(String::from_utf8_lossy);
    let (provider, name) = (texts.next()?.into_owned(), texts.next()?.into_owned());
    let arguments = texts.next()?;
    let arguments = arguments
        .split_whitespace()
        .map(|text| argument(text, syntax))
        .collect();
    Some(Site {
        address,
        provider,
        name,
        arguments,
    })
}

/// How an assembler writes operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Syntax {
    /// AT&T's, of x86: registers and constants have signs in front.
    Signs,
    /// RISC-V's: they have none.
    Plain,
}

impl Syntax {
    fn register(self, text: &str) -> Option<Place> {
        let name = match self {
            Self::Signs => text.strip_prefix('%')?,
            Self::Plain => text,
        };
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_name.then(|| Place::Register(name.to_owned()))
    }

    fn constant(self, text: &str) -> Option<Place> {
        let digits = match self {
            Self::Signs => text.strip_prefix('$')?,
            Self::Plain => text,
        };
        digits.parse().ok().map(Place::Constant)
    }

    /// `16(%rsp)`, `(%rdi)`; with RISC-V `16(sp)`.
    fn memory(self, text: &str) -> Option<Place> {
        let (offset, base) = text.strip_suffix(')')?.split_once('(')?;
        let base = Box::new(self.register(base)?);
        let offset = match offset {
            "" => 0,
            offset => offset.parse().ok()?,
        };
        Some(Place::Memory { base, offset })
    }

    fn place(self, text: &str) -> Place {
        self.register(text)
            .or_else(|| self.constant(text))
            .or_else(|| self.memory(text))
            .unwrap_or(Place::Unknown)
    }
}

fn argument(text: &str, syntax: Syntax) -> Argument {
    let (size, operand) = text.split_once('@').unwrap_or(("8", text));
    let size: i8 = size.parse().unwrap_or(8);
    Argument {
        bytes: size.unsigned_abs().clamp(1, 8),
        signed: size < 0,
        place: syntax.place(operand),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_are_understood_or_said_not_to_be() {
        let place = |text| argument(text, Syntax::Signs).place;
        assert_eq!(place("8@%rax"), Place::Register("rax".into()));
        assert_eq!(place("-4@$-17"), Place::Constant(-17));
        assert_eq!(
            place("8@16(%rsp)"),
            Place::Memory {
                base: Box::new(Place::Register("rsp".into())),
                offset: 16
            }
        );
        assert_eq!(
            place("8@(%rdi)"),
            Place::Memory {
                base: Box::new(Place::Register("rdi".into())),
                offset: 0
            }
        );
        assert_eq!(place("8@(%rdi,%rax,8)"), Place::Unknown);
        assert_eq!(place("8@symbol(%rip"), Place::Unknown);
        assert!(argument("-4@%eax", Syntax::Signs).signed);
    }

    #[test]
    fn risc_v_has_no_signs_in_front_of_operands() {
        let place = |text| argument(text, Syntax::Plain).place;
        assert_eq!(place("8@s11"), Place::Register("s11".into()));
        assert_eq!(place("-4@-17"), Place::Constant(-17));
        assert_eq!(
            place("8@-16(sp)"),
            Place::Memory {
                base: Box::new(Place::Register("sp".into())),
                offset: -16
            }
        );
        assert_eq!(place("8@%lo(symbol)(a0)"), Place::Unknown);
    }

    #[test]
    fn a_cut_note_is_no_site() {
        let mut content = vec![0; 24];
        content.extend(b"silica\0sched_switch\08@%rax 8@%rcx\0");
        assert_eq!(site(&content, Syntax::Signs).unwrap().arguments.len(), 2);
        assert_eq!(site(&content[..20], Syntax::Signs), None);
        assert_eq!(site(&content[..30], Syntax::Signs), None);
    }
}
