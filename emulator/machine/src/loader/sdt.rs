//! SystemTap's static probes: the notes that a kernel's probes leave (`.note.stapsdt`), and where their arguments are.
//!
//! ```text
//! note content   8 bytes address of the NOP, 8 base, 8 semaphore, then provider\0 name\0 arguments\0
//! argument       SIZE@OPERAND, on x86 in AT&T syntax: 8@%rax  4@$17  -4@-20(%rbp)  8@16(%rsp)
//!                on RISC-V without signs: 8@a0  4@17  8@-8(s0)
//! ```

use super::elf::Executable;
use crate::watch::{Argument, Place};

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
    kernel
        .notes
        .iter()
        .filter(|note| note.kind == NT_STAPSDT && note.name.starts_with(b"stapsdt"))
        .filter_map(|note| site(note.content))
        .collect()
}

fn site(content: &[u8]) -> Option<Site> {
    let address = u64::from_le_bytes(content.get(..8)?.try_into().ok()?);
    let mut texts = content
        .get(24..)?
        .split(|&b| b == 0)
        .map(String::from_utf8_lossy);
    let (provider, name) = (texts.next()?.into_owned(), texts.next()?.into_owned());
    let arguments = texts.next()?.split_whitespace().map(argument).collect();
    Some(Site {
        address,
        provider,
        name,
        arguments,
    })
}

fn argument(text: &str) -> Argument {
    let (size, operand) = text.split_once('@').unwrap_or(("8", text));
    let size: i8 = size.parse().unwrap_or(8);
    Argument {
        bytes: size.unsigned_abs().clamp(1, 8),
        signed: size < 0,
        place: place(operand).unwrap_or(Place::Unknown),
    }
}

fn place(operand: &str) -> Option<Place> {
    let number = operand.strip_prefix('$').unwrap_or(operand);
    if let Ok(constant) = number.parse() {
        return Some(Place::Constant(constant));
    }
    let Some((offset, base)) = operand.strip_suffix(')').and_then(|o| o.split_once('(')) else {
        return register(operand);
    };
    let offset = match offset {
        "" => 0,
        offset => offset.parse().ok()?,
    };
    let base = Box::new(register(base)?);
    Some(Place::Memory { base, offset })
}

/// A register by its name, with a sign in front of it or without.
fn register(text: &str) -> Option<Place> {
    let name = text.strip_prefix('%').unwrap_or(text);
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric());
    is_name.then(|| Place::Register(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_are_understood_or_said_not_to_be() {
        let place = |text| argument(text).place;
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
        assert!(argument("-4@%eax").signed);
        assert_eq!(place("8@a0"), Place::Register("a0".into()));
        assert_eq!(place("4@17"), Place::Constant(17));
        assert_eq!(
            place("8@-8(s0)"),
            Place::Memory {
                base: Box::new(Place::Register("s0".into())),
                offset: -8
            }
        );
    }

    #[test]
    fn a_cut_note_is_no_site() {
        let mut content = vec![0; 24];
        content.extend(b"silica\0sched_switch\08@%rax 8@%rcx\0");
        assert_eq!(site(&content).unwrap().arguments.len(), 2);
        assert_eq!(site(&content[..20]), None);
        assert_eq!(site(&content[..30]), None);
    }
}
