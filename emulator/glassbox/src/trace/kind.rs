//! The kinds of records: their names, the groups that a user may name, and sets of them.
//!
//! The machine's own kinds come first, then the kernel's probes in the order of [`PROBES`].

use super::record::Body;
use abi::probe::PROBES;
use base::Space;
use base::event::Cause;

/// The machine's kinds, by their numbers.
const MACHINE: [&str; 17] = [
    "trap",
    "trap_return",
    "page_walk",
    "tlb_flush",
    "asid_switch",
    "irq_raise",
    "irq_lower",
    "irq_ack",
    "ipi",
    "mmio",
    "pio",
    "msr",
    "disk_issue",
    "disk_complete",
    "console",
    "instruction",
    "fault_injected",
];

/// Groups: a name, and the patterns that it stands for.
const GROUPS: [(&str, &[&str]); 16] = [
    ("trap", &["trap", "trap_return"]),
    ("tlb", &["tlb_flush", "page_walk"]),
    ("irq", &["irq_*", "ipi"]),
    ("device", &["mmio", "pio", "msr"]),
    ("disk", &["disk_*", "block_rq_*"]),
    ("block", &["disk_*", "block_rq_*"]),
    ("sched", &["sched_*"]),
    ("lock", &["lock_*"]),
    ("journal", &["journal_*"]),
    ("process", &["process_*", "task_*"]),
    ("signal", &["signal_*"]),
    ("fault", &["page_fault", "cow_break"]),
    ("frame", &["frame_*"]),
    ("cache", &["page_cache_*", "buffer_*", "page_evict"]),
    ("syscall", &["sys_enter", "sys_exit"]),
    ("kernel", &[]),
];

/// Index of `sys_enter` among the probes.
pub const SYS_ENTER: usize = index_of("sys_enter");
/// Index of `sys_exit` among the probes.
pub const SYS_EXIT: usize = index_of("sys_exit");

/// The place of the probe `name`, which exists, in [`PROBES`].
pub const fn index_of(name: &str) -> usize {
    let mut index = 0;
    while !same(PROBES[index].name.as_bytes(), name.as_bytes()) {
        index += 1;
    }
    index
}

/// Whether two names are equal, for constants.
pub const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind(u8);

impl Kind {
    /// Page walks.
    pub const PAGE_WALK: Self = Self(2);
    /// Translations dropped.
    pub const TLB_FLUSH: Self = Self(3);
    /// Changes of the address space.
    pub const SPACE_SWITCH: Self = Self(4);
    /// Characters that go out on the console.
    pub const CONSOLE: Self = Self(14);
    /// Each instruction.
    pub const INSTRUCTION: Self = Self(15);
    /// Things that go wrong on purpose.
    pub const FAULT: Self = Self(16);

    /// All kinds.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..(MACHINE.len() + PROBES.len()) as u8).map(Self)
    }

    /// The kind of the kernel's probe `name`.
    pub fn probe(name: &str) -> Option<Self> {
        let index = PROBES.iter().position(|probe| probe.name == name)?;
        Some(Self((MACHINE.len() + index) as u8))
    }

    /// The kind of the kernel's probe number `index`. A number that no probe has does not become another kind.
    pub const fn of_probe(index: usize) -> Self {
        let number = MACHINE.len() + index;
        Self(if number > 0xff { 0xff } else { number as u8 })
    }

    /// The number of the kernel's probe of this kind, if it is one.
    pub const fn as_probe(self) -> Option<usize> {
        (self.0 as usize).checked_sub(MACHINE.len())
    }

    /// The name.
    pub fn name(self) -> &'static str {
        match self.as_probe() {
            None => MACHINE[usize::from(self.0)],
            Some(index) => PROBES.get(index).map_or("", |probe| probe.name),
        }
    }

    /// The number, from 0, in the order of [`Kind::all`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The kind of a record.
    pub fn of(body: &Body) -> Self {
        Self(match body {
            Body::Trap { .. } => 0,
            Body::Return { .. } => 1,
            Body::PageWalk { .. } => 2,
            Body::TlbFlush(_) => 3,
            Body::SpaceSwitch { .. } => 4,
            Body::IrqLine { level: true, .. } => 5,
            Body::IrqLine { .. } => 6,
            Body::IrqAck { .. } => 7,
            Body::Ipi { .. } => 8,
            Body::Device { space, .. } => match space {
                Space::Memory => 9,
                Space::Port => 10,
                Space::Local => 11,
            },
            Body::DiskIssue { .. } => 12,
            Body::DiskComplete { .. } => 13,
            Body::Console(_) => 14,
            Body::Instruction { .. } => 15,
            Body::Fault { .. } => 16,
            Body::Kernel { probe, .. } => return Self::of_probe(usize::from(*probe)),
            Body::SysEnter { .. } => return Self::of_probe(SYS_ENTER),
            Body::SysExit { .. } => return Self::of_probe(SYS_EXIT),
        })
    }
}

/// A set of kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u128);

impl Kinds {
    /// No kind.
    pub const NONE: Self = Self(0);

    /// All kinds but single instructions, which nobody wants by accident.
    pub fn all() -> Self {
        Kind::all()
            .filter(|&kind| kind != Kind::INSTRUCTION)
            .collect()
    }

    /// The kinds that a name means: one, a group, `all`, or a pattern with `*` and `?`. `None` if it means nothing.
    pub fn named(name: &str) -> Option<Self> {
        if name == "all" {
            return Some(Self::all());
        }
        if name == "kernel" {
            return Some(
                Kind::all()
                    .filter(|kind| kind.as_probe().is_some())
                    .collect(),
            );
        }
        let group = GROUPS.iter().find(|(group, _)| *group == name);
        let patterns = group.map_or_else(|| vec![name], |(_, patterns)| patterns.to_vec());
        let kinds: Self = Kind::all()
            .filter(|kind| patterns.iter().any(|p| matches(p, kind.name())))
            .collect();
        (kinds != Self::NONE).then_some(kinds)
    }

    /// Whether `kind` is in the set.
    #[inline]
    pub const fn has(self, kind: Kind) -> bool {
        self.0 >> kind.0 & 1 != 0
    }

    /// Both sets together.
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set without the other.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the sets have a kind in common.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The kinds in the set.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::all().filter(move |kind| self.has(*kind))
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |set, kind| set | 1 << kind.0))
    }
}

/// The groups that a kind belongs to.
pub fn groups(kind: Kind) -> Vec<&'static str> {
    let belongs = |name| Kinds::named(name).is_some_and(|kinds| kinds.has(kind));
    GROUPS
        .iter()
        .map(|(group, _)| *group)
        .filter(|group| belongs(group))
        .collect()
}

/// The names that a user may give, for help and for errors.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = GROUPS.iter().map(|(name, _)| *name).collect();
    names.extend(Kind::all().map(Kind::name));
    names.push("all");
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether `name` is what `pattern` means; `*` stands for any characters, `?` for one.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (mut p, mut n) = (pattern.as_bytes(), name.as_bytes());
    // The last star and what was left of the name then: where to go back to.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        match (p.split_first(), n.split_first()) {
            (Some((b'*', rest)), _) => {
                star = Some((rest, n));
                p = rest;
            }
            (Some((a, rest)), Some((b, left))) if a == b || *a == b'?' => (p, n) = (rest, left),
            (None, None) => return true,
            _ => match star {
                Some((after, [_, left @ ..])) => {
                    star = Some((after, left));
                    (p, n) = (after, left);
                }
                _ => return false,
            },
        }
    }
}

/// A cause in a word.
pub const fn cause_name(cause: Cause) -> &'static str {
    match cause {
        Cause::Exception => "exception",
        Cause::Interrupt => "interrupt",
        Cause::Software => "software",
        Cause::SystemCall => "syscall",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_groups_and_patterns_mean_kinds() {
        let named = |name| Kinds::named(name).map(|kinds| kinds.iter().count());
        assert_eq!(named("page_walk"), Some(1));
        assert_eq!(named("trap"), Some(2));
        assert_eq!(named("sys_*"), Some(2));
        assert!(named("sched").unwrap() >= 3);
        assert_eq!(named("no_such"), None);
        assert!(!Kinds::named("all").unwrap().has(Kind::INSTRUCTION));
        assert_eq!(named("instruction"), Some(1));
        assert!(Kind::all().count() < 128);
    }

    #[test]
    fn every_group_means_something() {
        for (group, _) in GROUPS {
            assert!(Kinds::named(group).is_some(), "{group}");
        }
    }

    #[test]
    fn stars_and_marks_match() {
        for (pattern, name, wanted) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b", "xaxxb", true),
            ("sched_*", "sched", false),
        ] {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }
}
