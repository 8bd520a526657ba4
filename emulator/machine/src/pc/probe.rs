//! What the kernel says through its probes: which are watched, and what they last said on each CPU.

use crate::loader::sdt::{Argument, Place, Site};
use base::{Ram, Width};
use cpu::x86_64::{Hart, Probes, cpu::peek};
use ir::Reg;

/// A probe that control passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Index of the site.
    pub site: u32,
    /// The arguments as they were.
    pub arguments: Vec<u64>,
}

/// The kernel's probes on the host's side; no machine state.
#[derive(Debug, Default)]
pub struct KernelProbes {
    sites: Vec<Site>,
    last: Vec<Option<Passed>>,
    passed: u64,
}

impl KernelProbes {
    /// The probes of a kernel on a board of `cpus` CPUs.
    pub fn new(sites: Vec<Site>, cpus: usize) -> Self {
        Self {
            sites,
            last: vec![None; cpus],
            passed: 0,
        }
    }

    /// Whether the kernel is one of ours.
    pub fn is_silica(&self) -> bool {
        self.sites.iter().any(|site| site.provider == "silica")
    }

    /// The sites of the probes named, for lifting.
    pub fn watch(&self, names: &[&str]) -> Probes {
        let watched = (0u32..)
            .zip(&self.sites)
            .filter(|(_, site)| names.contains(&site.name.as_str()));
        Probes::new(watched.map(|(index, site)| (site.address, index)).collect())
    }

    /// How often watched probes were passed, by all CPUs.
    pub const fn passed(&self) -> u64 {
        self.passed
    }

    /// The watched probe that CPU number `cpu` passed last.
    pub fn last(&self, cpu: usize) -> Option<&Passed> {
        self.last.get(cpu)?.as_ref()
    }

    /// Control on `hart`, CPU number `cpu`, has just passed `site`: reads the arguments.
    pub fn pass(&mut self, cpu: usize, site: u32, hart: &Hart, ram: &Ram) {
        self.passed += 1;
        let Some(arguments) = self.sites.get(site as usize).map(|site| &site.arguments) else {
            return;
        };
        let arguments = arguments
            .iter()
            .map(|argument| value(argument, hart, ram))
            .collect();
        self.last[cpu] = Some(Passed { site, arguments });
    }
}

fn value(argument: &Argument, hart: &Hart, ram: &Ram) -> u64 {
    let register = |name: &str| register(name).map_or(0, |r| hart.regs[usize::from(r)]);
    let bits = u32::from(argument.bytes) * 8;
    let raw = match &argument.place {
        Place::Register(name) => register(name),
        Place::Constant(constant) => *constant as u64,
        Place::Memory { base, offset } => {
            let width = Width::from_bytes(u64::from(argument.bytes)).unwrap_or(Width::B8);
            peek(
                hart,
                ram,
                register(base).wrapping_add(*offset as u64),
                width,
            )
            .unwrap_or(0)
        }
        Place::Unknown => 0,
    };
    if argument.signed {
        ((raw << (64 - bits)) as i64 >> (64 - bits)) as u64
    } else {
        raw & u64::MAX >> (64 - bits)
    }
}

/// The general register behind an assembler name of any width (high bytes excepted, which no compiler gives a probe).
fn register(name: &str) -> Option<Reg> {
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
    let number: Reg = name
        .strip_prefix('r')?
        .trim_end_matches(['b', 'w', 'd'])
        .parse()
        .ok()?;
    (8..16).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_have_their_encoding() {
        assert_eq!(register("rdi"), Some(7));
        assert_eq!(register("r10d"), Some(10));
        assert_eq!(register("bl"), Some(3));
        assert_eq!(register("r16"), None);
        assert_eq!(register("xmm0"), None);
    }
}
