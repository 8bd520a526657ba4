//! One check of a test: what is expected of a run.

use super::predicate::Predicate;
use super::shown::quoted;
use regex_lite::Regex;
use std::fmt;

/// A check.
#[derive(Clone, Debug)]
pub struct Check {
    /// What it is called in reports.
    pub name: String,
    /// Its part of the test's points.
    pub weight: u64,
    /// A hint for whom it fails.
    pub feedback: Option<String>,
    /// Whether probes in files that the lab opens are believed, too.
    pub open: bool,
    /// What is expected.
    pub expected: Expected,
}

/// What is expected.
#[derive(Clone, Debug)]
pub enum Expected {
    /// The line's exit status.
    Status(u8),
    /// The line's standard output.
    Output(String),
    /// What it must contain.
    OutputMatches(Regex),
    /// A file on the disk afterwards.
    File(String, Content),
    /// Whether the file system is sound afterwards.
    Fsck(bool),
    /// How often something happens.
    Count(Predicate, Bounds),
    /// That one thing happens after the other.
    Order(Vec<Predicate>),
    /// That something does not happen.
    Never(Predicate),
    /// How many page frames are gone, in one sense or the other.
    FreeFrames(Frames, Bounds),
    /// How many pages processes of that name share, as the MMU has seen it.
    SharedPages(String, Bounds),
    /// A process's time, in virtual microseconds.
    Time(String, Quantity, Bounds),
    /// How the run ends.
    Ends(Ends),
}

/// Which page frames are counted; those of the page cache never are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// Those that were free before the line and are not after it.
    Lost,
    /// The most that were in use at one time of the line, what the kernel took as it started included.
    Used,
}

impl Frames {
    /// The word for what has become of them.
    pub const fn participle(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Used => "used",
        }
    }
}

/// What a file holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// These bytes.
    Exact(String),
    /// Something that matches.
    Matches(Regex),
    /// So many bytes.
    Size(u64),
    /// It is not there.
    Absent,
}

/// From where to where a number may be, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// At least.
    pub least: Option<i64>,
    /// At most.
    pub most: Option<i64>,
}

/// A time in a process's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Runnable, but not running.
    Waiting,
    /// Arrival to completion.
    Turnaround,
    /// On a CPU.
    Running,
    /// Arrival to first run.
    Response,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// The line has ended, and the trusted first program has switched the machine off.
    Ok,
    /// The kernel panicked, or a CPU shut down.
    Panic,
    /// The guest hangs.
    Hang,
    /// The instruction budget is spent.
    Budget,
    /// The power went, as a fault had it.
    PowerCut,
    /// The machine was switched off before the line had ended.
    Early,
    /// The kernel made a program do what it would not.
    Tampered,
    /// The emulator lacks something that the guest needs.
    Gap,
}

impl Bounds {
    /// Whether the number is within.
    pub fn has(self, number: i64) -> bool {
        self.least.is_none_or(|least| number >= least)
            && self.most.is_none_or(|most| number <= most)
    }
}

impl Quantity {
    /// The quantity with this name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Waiting,
            Self::Turnaround,
            Self::Running,
            Self::Response,
        ];
        all.into_iter().find(|quantity| quantity.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Turnaround => "turnaround",
            Self::Running => "running",
            Self::Response => "response",
        }
    }
}

impl Ends {
    /// The ending with this name, if a lab may expect it.
    pub fn named(name: &str) -> Option<Self> {
        let all = [
            Self::Ok,
            Self::Panic,
            Self::Hang,
            Self::Budget,
            Self::PowerCut,
        ];
        all.into_iter().find(|end| end.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Panic => "panic",
            Self::Hang => "hang",
            Self::Budget => "budget",
            Self::PowerCut => "power-cut",
            Self::Early => "early",
            Self::Tampered => "tampered",
            Self::Gap => "gap",
        }
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (Some(least), Some(most)) if least == most => write!(f, "{least}"),
            (Some(least), Some(most)) => write!(f, "{least} to {most}"),
            (Some(least), None) => write!(f, "at least {least}"),
            (None, Some(most)) => write!(f, "at most {most}"),
            (None, None) => write!(f, "any number"),
        }
    }
}

/// What is expected, in a few words.
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Output(text) => write!(f, "output {}", quoted(text.as_bytes())),
            Self::OutputMatches(pattern) => write!(f, "output that matches /{pattern}/"),
            Self::File(path, content) => {
                write!(f, "{path} ")?;
                match content {
                    Content::Exact(text) => write!(f, "with {}", quoted(text.as_bytes())),
                    Content::Matches(pattern) => write!(f, "that matches /{pattern}/"),
                    Content::Size(size) => write!(f, "of {size} bytes"),
                    Content::Absent => write!(f, "absent"),
                }
            }
            Self::Fsck(true) => f.write_str("a sound file system"),
            Self::Fsck(false) => f.write_str("a damaged file system"),
            Self::Count(what, bounds) => write!(f, "{bounds} of {what}"),
            Self::Order(list) => {
                for (index, what) in list.iter().enumerate() {
                    let joint = if index == 0 { "" } else { ", then " };
                    write!(f, "{joint}{what}")?;
                }
                Ok(())
            }
            Self::Never(what) => write!(f, "no {what}"),
            Self::FreeFrames(frames, bounds) => {
                write!(f, "{bounds} page frames {}", frames.participle())
            }
            Self::SharedPages(process, bounds) => {
                write!(f, "{bounds} pages shared by processes {process}")
            }
            Self::Time(process, quantity, bounds) => {
                write!(f, "{} of {process} {bounds} us", quantity.name())
            }
            Self::Ends(end) => write!(f, "end: {}", end.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_include_both_ends() {
        let bounds = |least, most| Bounds { least, most };
        for (bounds, inside, outside, text) in [
            (bounds(Some(2), Some(3)), 3, 4, "2 to 3"),
            (bounds(Some(2), None), 2, 1, "at least 2"),
            (bounds(None, Some(3)), -5, 4, "at most 3"),
            (bounds(Some(3), Some(3)), 3, 2, "3"),
        ] {
            assert!(bounds.has(inside) && !bounds.has(outside), "{bounds}");
            assert_eq!(bounds.to_string(), text);
        }
    }

    #[test]
    fn names_are_read_back() {
        for end in ["ok", "panic", "hang", "budget", "power-cut"] {
            assert_eq!(Ends::named(end).map(Ends::name), Some(end));
        }
        assert_eq!(Ends::named("early"), None, "nobody may expect a cheat");
        assert_eq!(Ends::named("tampered"), None, "nor this one");
        assert_eq!(Quantity::named("waiting"), Some(Quantity::Waiting));
    }
}
