//! What can go wrong where: the second half of a spec's grammar.

use crate::sites::UNITS;
use abi::Errno;
use abi::inject::{self, Value};
use base::event::DiskOp;
use base::{Fault, Time};

/// A sort of places at which the same can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A disk request.
    Disk(DiskOp),
    /// An interrupt.
    Irq,
    /// An injection point of the kernel, with what may be found there; a foreign kernel's takes numbers only.
    Point(Option<Value>),
}

/// Bytes of a disk's sector.
pub const SECTOR: u32 = 512;

impl Sort {
    /// The actions, as help shows them.
    pub const fn actions(self) -> &'static str {
        match self {
            Self::Disk(DiskOp::Write) => "error, lost, torn@BYTES, delay:TIME",
            Self::Disk(DiskOp::Read) => "error, torn@BYTES, delay:TIME",
            Self::Disk(DiskOp::Flush) => "error, lost, delay:TIME",
            Self::Disk(DiskOp::Other) => "error, delay:TIME",
            Self::Irq => "lost, late:TIME, twice",
            Self::Point(Some(Value::Fail)) => "fail",
            Self::Point(Some(Value::Errno)) => "the name of an error, such as EIO",
            Self::Point(None) => "value:N",
        }
    }

    /// Reads an action.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn parse(self, text: &str) -> Result<Fault, String> {
        let number = text.strip_prefix("value:");
        let fault = match self {
            Self::Disk(op) => disk(op, text)?,
            Self::Irq => match text {
                "lost" => Some(Fault::Lost),
                "twice" => Some(Fault::Twice),
                _ => match text.strip_prefix("late:") {
                    Some(span) => Some(Fault::Late(time(span)?)),
                    None => None,
                },
            },
            Self::Point(_) if number.is_some() => {
                let value = number.and_then(|text| text.parse().ok());
                let value = value.filter(|&value| value != 0);
                Some(Fault::Value(value.ok_or_else(|| {
                    format!("'{text}' is no value; values are numbers from 1")
                })?))
            }
            Self::Point(Some(Value::Fail)) => {
                (text == "fail").then_some(Fault::Value(inject::FAIL))
            }
            Self::Point(Some(Value::Errno)) => Some(errno(text)?),
            Self::Point(None) => None,
        };
        fault.ok_or_else(|| {
            format!(
                "'{text}' is nothing that can happen there; what can is {}",
                self.actions()
            )
        })
    }
}

fn disk(op: DiskOp, text: &str) -> Result<Option<Fault>, String> {
    if text == "error" {
        return Ok(Some(Fault::Error));
    }
    if let Some(span) = text.strip_prefix("delay:") {
        return Ok(Some(Fault::Late(time(span)?)));
    }
    if text == "lost" && matches!(op, DiskOp::Write | DiskOp::Flush) {
        return Ok(Some(Fault::Lost));
    }
    match text.strip_prefix("torn@") {
        Some(bytes) if matches!(op, DiskOp::Read | DiskOp::Write) => {
            Ok(Some(Fault::Torn(sectors(bytes)?)))
        }
        _ => Ok(None),
    }
}

fn errno(text: &str) -> Result<Fault, String> {
    let known = Errno::ALL.iter().find(|errno| errno.name() == text);
    // The last of them is for use inside a kernel only.
    match known {
        Some(&errno) if errno != Errno::ERESTARTSYS => Ok(Fault::Value(errno as u64)),
        _ => Err(format!("there is no error '{text}'")),
    }
}

/// A number of bytes that a disk can tear a request at.
///
/// # Errors
/// It is not a number of whole sectors.
pub fn sectors(text: &str) -> Result<u32, String> {
    let bytes = text.parse().ok();
    bytes
        .filter(|bytes: &u32| bytes.is_multiple_of(SECTOR))
        .ok_or_else(|| format!("'{text}' bytes: disks tear at whole sectors of {SECTOR} bytes"))
}

/// A span or point of time, such as `20ms` or `1.5us`.
///
/// # Errors
/// It is no time, or finer than a nanosecond.
pub fn time(text: &str) -> Result<Time, String> {
    let wrong = || format!("'{text}' is no time; times are as in 20ms, 1.5us and 1s");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = UNITS
        .iter()
        .find(|(name, _)| *name == &text[digits.len()..]);
    let (_, unit) = unit.ok_or_else(wrong)?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    if !part.bytes().all(|byte| byte.is_ascii_digit()) || part.is_empty() || part.len() > 9 {
        return Err(wrong());
    }
    let scale = 10u64.pow(part.len() as u32);
    let part = part.parse::<u64>().map_err(|_| wrong())? * unit;
    if !part.is_multiple_of(scale) {
        return Err(wrong());
    }
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    whole
        .checked_mul(*unit)
        .and_then(|ns| ns.checked_add(part / scale))
        .filter(|&ns| ns < i64::MAX as u64)
        .map(Time)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_fractions_down_to_a_nanosecond() {
        for (text, ns) in [
            ("20ms", 20_000_000),
            ("1.5us", 1_500),
            ("0s", 0),
            ("2s", 2_000_000_000),
            ("0.000000001s", 1),
        ] {
            assert_eq!(time(text), Ok(Time(ns)), "{text}");
        }
        for text in [
            "",
            "ms",
            "20",
            "1.5ns",
            "-1s",
            "1h",
            "1.s",
            ".5s",
            "1e3s",
            "9999999999999s",
            "1.0000000001s",
            "1.+5s",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_sort_of_place_knows_its_actions_and_no_others() {
        let rows: [(Sort, &[&str]); 7] = [
            (
                Sort::Disk(DiskOp::Write),
                &["error", "lost", "torn@512", "torn@0", "delay:1ms"],
            ),
            (
                Sort::Disk(DiskOp::Read),
                &["error", "torn@1024", "delay:1ms"],
            ),
            (Sort::Disk(DiskOp::Flush), &["error", "lost", "delay:1ms"]),
            (Sort::Irq, &["lost", "late:1ms", "twice"]),
            (Sort::Point(Some(Value::Fail)), &["fail", "value:2"]),
            (
                Sort::Point(Some(Value::Errno)),
                &["EIO", "ENOMEM", "value:5"],
            ),
            (Sort::Point(None), &["value:1"]),
        ];
        let all = [
            "error",
            "lost",
            "torn@512",
            "torn@0",
            "torn@1024",
            "delay:1ms",
            "late:1ms",
            "twice",
            "fail",
            "EIO",
            "ENOMEM",
            "value:1",
            "value:2",
            "value:5",
            "value:0",
            "torn@5",
            "torn@x",
            "ENOSUCH",
            "ERESTARTSYS",
            "",
            "delay:",
            "late:x",
            "Error",
        ];
        for (sort, known) in rows {
            for text in all {
                let similar = |known: &&str| {
                    let family = |text: &str| text.split(['@', ':']).next().map(str::to_owned);
                    family(known) == family(text)
                };
                match sort.parse(text) {
                    Ok(_) => assert!(known.iter().any(similar), "{sort:?} {text}"),
                    Err(error) => {
                        assert!(!known.contains(&text), "{sort:?} {text}: {error}");
                        assert!(!error.contains('\n'));
                    }
                }
            }
        }
    }
}
