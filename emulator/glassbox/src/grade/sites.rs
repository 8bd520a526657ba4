//! Which of a kernel's probes are believed.
//!
//! A probe is an instruction that does nothing, and a note in the ELF file that says what it means. A submission can
//! leave such notes, too. So a probe is believed only if
//!
//! - the instruction is there, in the code that is loaded, and is the ISA's NOP, as every honest probe has it;
//! - no other note speaks of the same instruction;
//! - the debug information knows the source file that the instruction comes from, and it is none that the lab opens;
//! - its arguments are in registers that there are.
//!
//! A check may say that it believes the others all the same.

use super::glob;
use crate::guest::{Arch, Guest, Options};
use crate::symbols::Symbols;
use crate::trace::kind::{Kind, Kinds, SYS_ENTER, SYS_EXIT};
use crate::trace::meaning::{Meaning, watches};
use machine::ConfigError;
use machine::loader::elf::Executable;
use machine::loader::sdt::Site;
use machine::{Board, Watch};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where Silica's build says its sources are, instead of the host's folder, and where they are in the repository.
const BUILT: &str = "/silica/";
const SOURCES: &str = "guest-os/";

/// The instructions that may stand at a probe.
const fn nops(arch: Arch) -> &'static [&'static [u8]] {
    match arch {
        Arch::X86_64 => &[&[0x90]],
        // C.NOP; NOP, which is ADDI x0, x0, 0
        Arch::Riscv64 => &[&[0x01, 0x00], &[0x13, 0x00, 0x00, 0x00]],
    }
}

/// The probes of a kernel that there are, and those that are believed.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Those that the emulator can watch.
    sites: Vec<Site>,
    /// The addresses of those that are not believed.
    doubted: BTreeSet<u64>,
    /// How many notes there are of each name that are not believed.
    names: BTreeMap<String, usize>,
}

impl Survey {
    /// Looks at all probes of a kernel for `arch`, loaded into a machine with `memory` bytes; `open` are the files that
    /// the lab opens.
    ///
    /// # Errors
    /// The kernel cannot be loaded, or there is no such machine.
    pub fn new(
        kernel: &Arc<[u8]>,
        arch: Arch,
        memory: u64,
        open: &[String],
    ) -> Result<Self, ConfigError> {
        let mut options = Options::new(Arc::clone(kernel));
        options.arch = arch;
        options.memory = memory;
        let mut guest = Guest::new(options)?;
        let code = machine::loader::elf::parse(kernel)?;
        let symbols = Symbols::new(kernel);
        let all = guest.machine.board.sites().to_vec();
        let mut notes: BTreeMap<u64, usize> = BTreeMap::new();
        for site in &all {
            *notes.entry(site.address).or_default() += 1;
        }
        let mut survey = Self::default();
        for site in all {
            if abi::probe::by_name(&site.name).is_none() {
                continue;
            }
            let watch = Watch {
                address: site.address,
                site: 0,
                arguments: site.arguments.clone(),
            };
            let can_be_watched = guest.machine.board.watch(&[watch], false).is_ok();
            let honest = can_be_watched
                && notes.get(&site.address) == Some(&1)
                && nops(arch)
                    .iter()
                    .any(|nop| bytes(&code, site.address).starts_with(nop))
                && symbols
                    .file(site.address)
                    .is_some_and(|file| is_closed(&file, open));
            if !honest {
                survey.doubted.insert(site.address);
                *survey.names.entry(site.name.clone()).or_default() += 1;
            }
            if can_be_watched {
                survey.sites.push(site);
            }
        }
        Ok(survey)
    }

    /// The probes of these kinds, believed or not. System calls are left out: the hardware sees them.
    pub fn watches(&self, wanted: Kinds) -> Vec<Watch> {
        watches(&self.sites, |kind| seen_by_probe(wanted, kind)).0
    }

    /// What they mean to somebody who, unless `open`, does not listen to those that are not believed.
    pub fn meanings(&self, wanted: Kinds, open: bool) -> Vec<Meaning> {
        let (watches, mut meanings) = watches(&self.sites, |kind| seen_by_probe(wanted, kind));
        for (watch, meaning) in watches.iter().zip(&mut meanings) {
            if !open && self.doubted.contains(&watch.address) {
                // An edge of no window: it is passed, and nothing comes of it.
                *meaning = Meaning::Edge;
            }
        }
        meanings
    }

    /// How many probes are believed.
    pub fn believed(&self) -> usize {
        let doubted = |site: &&Site| !self.doubted.contains(&site.address);
        self.sites.iter().filter(doubted).count()
    }

    /// How many are not, and how many of each name.
    pub fn ignored(&self) -> (usize, &BTreeMap<String, usize>) {
        (self.names.values().sum(), &self.names)
    }
}

/// Whether a kind is wanted, and its records come from probes.
fn seen_by_probe(wanted: Kinds, kind: Kind) -> bool {
    wanted.has(kind) && ![SYS_ENTER, SYS_EXIT].map(Kind::of_probe).contains(&kind)
}

/// What is loaded from a virtual address on.
fn bytes<'a>(code: &Executable<'a>, address: u64) -> &'a [u8] {
    let found = code.segments.iter().find_map(|segment| {
        let offset = address.checked_sub(segment.virt)?;
        let data = segment.data.get(usize::try_from(offset).ok()?..)?;
        (!data.is_empty()).then_some(data)
    });
    found.unwrap_or_default()
}

/// Whether a source file, as the debug information calls it, is none that the lab opens.
fn is_closed(file: &str, open: &[String]) -> bool {
    let Some(path) = in_repository(file) else {
        return false;
    };
    !open.iter().any(|pattern| glob::matches(pattern, &path))
}

/// Its path in the repository; of files from elsewhere, such as the standard library, some path that nobody opens.
fn in_repository(file: &str) -> Option<String> {
    let inside = match file.strip_prefix(BUILT) {
        Some(inside) => Some(inside),
        None => file.split_once(SOURCES).map(|(_, inside)| inside),
    };
    match inside {
        Some(inside) => Some(format!("{SOURCES}{}", glob::normal(inside)?)),
        None => glob::normal(file).map(|path| format!("/{path}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_open_by_whatever_way_its_path_goes() {
        let open = [
            "guest-os/kernel/src/mm/fault.rs".to_owned(),
            "guest-os/kcore/src/sched/**".to_owned(),
        ];
        for (file, closed) in [
            ("/silica/kernel/src/mm/fault.rs", false),
            ("/silica/kernel/src/mm/frame.rs", true),
            ("/silica/kernel/src/sched/../mm/fault.rs", false),
            ("/home/me/guest-os/kernel/src/mm/fault.rs", false),
            ("/silica/kcore/src/sched/deep/policy.rs", false),
            ("/silica/../../etc", false),
            ("/rustc/5980/library/core/src/option.rs", true),
        ] {
            assert_eq!(is_closed(file, &open), closed, "{file}");
        }
    }
}
