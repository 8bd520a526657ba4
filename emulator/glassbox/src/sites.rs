//! What a person calls the places at which something can go wrong, and what goes wrong there.
//!
//! Traces and fault plans use the same words: `disk.write`, `irq.disk`, `syscall.read`; `error`, `torn@512`, `EIO`.
//! [`Board`] is what one has to know of a machine and its kernel to say them.

use crate::numbers;
use abi::inject::{self, Key, Value};
use abi::{Errno, nr};
use base::event::DiskOp;
use base::{Fault, Site, Time};
use machine::names;
use std::fmt;

/// What the words depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Board {
    /// The instruction set.
    pub arch: String,
    /// The names of the kernel's injection points, by number.
    pub points: Vec<String>,
}

/// What a disk is asked to do, in a word.
pub const DISK_OPS: [(DiskOp, &str); 4] = [
    (DiskOp::Read, "read"),
    (DiskOp::Write, "write"),
    (DiskOp::Flush, "flush"),
    (DiskOp::Other, "other"),
];

impl Board {
    /// A place's name, by which a fault can be planned there.
    pub fn site(&self, site: Site) -> String {
        match site {
            Site::FirstSlice => "slice.first".into(),
            Site::DiskLatency => "disk.latency".into(),
            Site::Disk(op) => {
                let name = DISK_OPS.iter().find(|(known, _)| *known == op);
                format!("disk.{}", name.map_or("", |(_, name)| name))
            }
            Site::Line(line) => format!("irq.{}", names::line(&self.arch, line)),
            Site::Timer => "irq.timer".into(),
            Site::Moment => "moment".into(),
            Site::Point { point, key } => {
                let name = self.point(point);
                match inject::by_name(name).map(|point| point.key) {
                    Some(Key::None) => name.into(),
                    Some(Key::Syscall) => match nr::lookup_on(numbers::isa(&self.arch), key) {
                        Some(call) => format!("{name}.{}", call.name),
                        None => format!("{name}.{key}"),
                    },
                    None if key == 0 => name.into(),
                    None => format!("{name}.{key}"),
                }
            }
        }
    }

    /// What goes wrong at `site`, as whoever plans it writes it.
    pub fn action(&self, site: Site, fault: Fault) -> String {
        match fault {
            Fault::Error => "error".into(),
            Fault::Torn(bytes) => format!("torn@{bytes}"),
            Fault::Lost => "lost".into(),
            Fault::Late(span) => match site {
                Site::Disk(_) => format!("delay:{}", Span(span)),
                _ => format!("late:{}", Span(span)),
            },
            Fault::Twice => "twice".into(),
            Fault::Flip { addr, bit } => format!("flip@{:#x}:{bit}", addr.0),
            Fault::Cut(_) => "cut".into(),
            Fault::Value(value) => {
                let point = match site {
                    Site::Point { point, .. } => inject::by_name(self.point(point)),
                    _ => None,
                };
                match point.map(|point| point.value) {
                    Some(Value::Fail) if value == inject::FAIL => "fail".into(),
                    Some(Value::Errno) => i64::try_from(value)
                        .ok()
                        .and_then(Errno::from_number)
                        .map_or_else(|| format!("value:{value}"), |errno| errno.name().into()),
                    _ => format!("value:{value}"),
                }
            }
        }
    }

    fn point(&self, point: u16) -> &str {
        let name = self.points.get(usize::from(point));
        name.map_or("unknown", String::as_str)
    }
}

/// A span of time in the largest unit that leaves no fraction: `20ms`, `1500us`.
pub struct Span(pub Time);

/// The units of time and how many nanoseconds they have.
pub const UNITS: [(&str, u64); 4] = [
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS
            .iter()
            .find(|(_, unit)| self.0.0.is_multiple_of(*unit));
        let (name, unit) = whole.unwrap_or(&("ns", 1));
        write!(f, "{}{name}", self.0.0 / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Cut, Phys};

    #[test]
    fn places_and_mishaps_are_called_as_they_are_planned() {
        let board = Board {
            arch: "x86_64".into(),
            points: vec!["alloc".into(), "coin".into(), "syscall".into()],
        };
        let point = |point, key| Site::Point { point, key };
        let late = Fault::Late(Time::micros(1500));
        for (site, fault, words) in [
            (
                Site::Disk(DiskOp::Write),
                Fault::Torn(512),
                "disk.write=torn@512",
            ),
            (Site::Disk(DiskOp::Read), late, "disk.read=delay:1500us"),
            (Site::Line(16), late, "irq.disk=late:1500us"),
            (Site::Line(21), Fault::Lost, "irq.21=lost"),
            (Site::Timer, Fault::Twice, "irq.timer=twice"),
            (point(0, 0), Fault::Value(1), "alloc=fail"),
            (point(2, nr::READ), Fault::Value(5), "syscall.read=EIO"),
            (point(2, 999), Fault::Value(9999), "syscall.999=value:9999"),
            (point(1, 7), Fault::Value(3), "coin.7=value:3"),
            (point(9, 0), Fault::Error, "unknown=error"),
            (Site::Moment, Fault::Cut(Cut::default()), "moment=cut"),
            (
                Site::Moment,
                Fault::Flip {
                    addr: Phys(0x1000),
                    bit: 3,
                },
                "moment=flip@0x1000:3",
            ),
        ] {
            let said = format!("{}={}", board.site(site), board.action(site, fault));
            assert_eq!(said, words);
        }
    }

    #[test]
    fn spans_have_no_fractions() {
        for (ns, text) in [(0, "0s"), (2_000_000_000, "2s"), (1_001, "1001ns")] {
            assert_eq!(Span(Time(ns)).to_string(), text);
        }
    }
}
