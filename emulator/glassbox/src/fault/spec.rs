//! The grammar of a planned fault, in strace's inject style.
//!
//! ```text
//! SPEC    SITE[#COUNTS]=ACTION[:when=COUNTS]
//!         cut@SITE[#COUNTS][:torn@BYTES][:kept]           the power goes at that pass
//!         cut@time=TIME | cut@insn=N  [:kept]             or at that moment
//!         mem.flip@ADDRESS:BIT#time=TIME | #insn=N        one bit of physical memory turns over
//! SITE    disk.read | disk.write | disk.flush | irq.DEVICE | irq.timer | irq.N | alloc | syscall.NAME
//! ACTION  error | lost | torn@BYTES | delay:TIME | late:TIME | twice | fail | EIO ...
//! COUNTS  3 | 5..9 | 5.. | 5+2       see `when`; which actions a site knows: see `action`
//! ```
//!
//! A [`Spec`] is what the text says; [`Spec::resolve`] finds out what that is on a machine with its kernel.

use super::action::{Sort, sectors, time};
use super::plan::{Armed, Trigger};
use super::when::When;
use crate::numbers;
use crate::sites::{Board, DISK_OPS, Span};
use abi::inject::{self, Key};
use abi::nr::{self, ABSENT, Syscall};
use base::event::DiskOp;
use base::{Cut, Due, Fault, Phys, Site, Time};
use machine::names;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// A planned fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    place: Place,
    fault: Fault,
}

/// Where or when.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Passes(Named, When),
    Moment(Due),
}

/// A site by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Named {
    Disk(DiskOp),
    Timer,
    /// A device's line, by name or number.
    Line(String),
    /// An injection point, and the key of its passes that are meant.
    Point(String, PassKey),
}

/// Which passes of an injection point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PassKey {
    /// Those with this number.
    Number(u64),
    /// Those of a system call, which has a number on each instruction set.
    Call(&'static Syscall),
}

/// What is wrong with a spec, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError(String);

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SpecError {}

/// What a spec has to know of the machine that it is for.
#[derive(Clone, Debug)]
pub struct Target {
    /// Instruction set and kernel.
    pub board: Board,
    /// The physical addresses of memory.
    pub memory: Range<u64>,
}

impl FromStr for Spec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let spec = if let Some(rest) = text.strip_prefix("cut@") {
            cut(rest)
        } else if let Some(rest) = text.strip_prefix("mem.flip@") {
            flip(rest)
        } else {
            plain(text)
        };
        spec.map_err(|error| SpecError(format!("{}: {error}", text.escape_debug())))
    }
}

fn plain(text: &str) -> Result<Spec, String> {
    let (site, action) = text
        .split_once('=')
        .ok_or("it does not say what is to happen, as in disk.write#3=error")?;
    let (action, when) = split_when(action);
    let (named, sort, when) = site_and_counts(site, when, action.starts_with("value:"))?;
    Ok(Spec {
        place: Place::Passes(named, when),
        fault: sort.parse(action)?,
    })
}

/// Takes `:when=...` off the end.
fn split_when(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(":when=") {
        Some((rest, when)) => (rest, Some(when)),
        None => (text, None),
    }
}

/// `SITE[#COUNTS]`, with counts perhaps elsewhere. Names that nobody knows may be a `foreign` kernel's.
fn site_and_counts(
    text: &str,
    when: Option<&str>,
    foreign: bool,
) -> Result<(Named, Sort, When), String> {
    let (name, counts) = match (text.split_once('#'), when) {
        (Some(_), Some(_)) => return Err("its counts stand in two places".into()),
        (Some((name, counts)), None) => (name, Some(counts)),
        (None, when) => (text, when),
    };
    let (named, sort) = site(name, foreign)?;
    let when = counts.map_or(Ok(When::ALWAYS), When::parse)?;
    Ok((named, sort, when))
}

fn site(name: &str, foreign: bool) -> Result<(Named, Sort), String> {
    let (head, tail) = match name.split_once('.') {
        Some((head, tail)) => (head, Some(tail)),
        None => (name, None),
    };
    match (head, tail) {
        ("disk", Some(tail)) => {
            let op = DISK_OPS.iter().find(|(_, name)| *name == tail);
            let op = op.ok_or_else(|| unknown(name))?.0;
            return Ok((Named::Disk(op), Sort::Disk(op)));
        }
        ("irq", Some("timer")) => return Ok((Named::Timer, Sort::Irq)),
        ("irq", Some(device)) if !device.is_empty() => {
            return Ok((Named::Line(device.into()), Sort::Irq));
        }
        _ => {}
    }
    let (key, value) = match (inject::by_name(head), tail) {
        (Some(point), tail) => {
            let key = match (point.key, tail) {
                (Key::None, None) => PassKey::Number(0),
                (Key::Syscall, Some(call)) => match (nr::by_name(call), call.parse()) {
                    (Some(call), _) => PassKey::Call(call),
                    (None, Ok(number)) => PassKey::Number(number),
                    (None, Err(_)) => return Err(format!("there is no system call '{call}'")),
                },
                (Key::Syscall, None) => {
                    return Err("which system call? As in syscall.read#5=EIO".into());
                }
                (Key::None, Some(_)) => return Err(unknown(name)),
            };
            (key, Some(point.value))
        }
        (None, tail) if foreign && !head.is_empty() => {
            let key = tail.map_or(Ok(0), str::parse);
            (PassKey::Number(key.map_err(|_| unknown(name))?), None)
        }
        (None, _) => return Err(unknown(name)),
    };
    Ok((Named::Point(head.into(), key), Sort::Point(value)))
}

fn unknown(name: &str) -> String {
    format!(
        "there is no site '{}'; sites are disk.read, disk.write, disk.flush, irq.DEVICE, irq.timer, {} and mem.flip \
         (--fault-list shows them)",
        name.escape_debug(),
        inject::POINTS
            .iter()
            .map(|point| match point.key {
                Key::None => point.name.to_owned(),
                Key::Syscall => format!("{}.NAME", point.name),
            })
            .collect::<Vec<_>>()
            .join(", ")
    )
}

fn cut(text: &str) -> Result<Spec, String> {
    let (text, when) = split_when(text);
    let mut parts = text.split(':');
    let at = parts.next().unwrap_or_default();
    let mut how = Cut::default();
    for part in parts {
        match part.split_once('@') {
            Some(("torn", bytes)) => how.torn = sectors(bytes)?,
            None if part == "kept" => how.kept = true,
            _ => {
                return Err(format!(
                    "'{part}' says nothing of a cut; what can be said is torn@BYTES and kept"
                ));
            }
        }
    }
    let place = match moment(at)? {
        Some(due) => Place::Moment(due),
        None => {
            let (named, _, when) = site_and_counts(at, when, true)?;
            Place::Passes(named, when)
        }
    };
    let writes = matches!(place, Place::Passes(Named::Disk(DiskOp::Write), _));
    if how.torn != 0 && !writes {
        return Err("only a cut at disk.write can tear a write".into());
    }
    Ok(Spec {
        place,
        fault: Fault::Cut(how),
    })
}

/// `time=TIME` or `insn=N`.
fn moment(text: &str) -> Result<Option<Due>, String> {
    Ok(match text.split_once('=') {
        Some(("time", at)) => Some(Due {
            time: time(at)?,
            ..Due::NEVER
        }),
        Some(("insn", n)) => Some(Due {
            instructions: n
                .parse()
                .map_err(|_| format!("'{n}' is no number of instructions"))?,
            ..Due::NEVER
        }),
        _ => None,
    })
}

fn flip(text: &str) -> Result<Spec, String> {
    let form = "a flip is as in mem.flip@0x1000:3#time=2ms or #insn=5000";
    let (place, at) = text.split_once('#').ok_or(form)?;
    let (addr, bit) = place.split_once(':').ok_or(form)?;
    let value = match addr.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => addr.parse().ok(),
    };
    let addr = value.ok_or_else(|| format!("'{addr}' is no address"))?;
    let bit = bit.parse().ok().filter(|bit: &u8| *bit < 8);
    let bit = bit.ok_or("a byte's bits have the numbers 0 to 7")?;
    Ok(Spec {
        place: Place::Moment(moment(at)?.ok_or(form)?),
        fault: Fault::Flip {
            addr: Phys(addr),
            bit,
        },
    })
}

impl Spec {
    /// What it is on `target`.
    ///
    /// # Errors
    /// The machine has no such device or memory, or its kernel no such injection point.
    pub fn resolve(&self, target: &Target) -> Result<Armed, SpecError> {
        let wrong = |error: String| SpecError(format!("{self}: {error}"));
        if let Fault::Flip { addr, .. } = self.fault
            && !target.memory.contains(&addr.0)
        {
            let Range { start, end } = &target.memory;
            return Err(wrong(format!("memory lies at {start:#x}..{end:#x}")));
        }
        let trigger = match &self.place {
            Place::Moment(due) => Trigger::Moment(*due),
            Place::Passes(named, when) => {
                let site = named.resolve(&target.board).map_err(wrong)?;
                Trigger::Passes(site, *when)
            }
        };
        Ok(Armed {
            trigger,
            fault: self.fault,
        })
    }
}

impl Named {
    fn resolve(&self, board: &Board) -> Result<Site, String> {
        Ok(match self {
            Self::Disk(op) => Site::Disk(*op),
            Self::Timer => Site::Timer,
            Self::Line(device) => {
                let lines = names::lines(&board.arch);
                let known = lines.iter().find(|(name, _)| name == device);
                let number = known.map(|(_, line)| *line);
                // Interrupt controllers have fewer lines than this.
                let number = number.or_else(|| device.parse().ok().filter(|&n: &u16| n < 1024));
                Site::Line(number.ok_or_else(|| {
                    let known: Vec<_> = lines.iter().map(|(name, _)| *name).collect();
                    format!(
                        "no '{device}' interrupts; what does is timer, {}, or a line's number",
                        known.join(", ")
                    )
                })?)
            }
            Self::Point(name, key) => {
                let number = board.points.iter().position(|point| point == name);
                let number = number.ok_or_else(|| {
                    format!(
                        "this kernel has no injection point '{}'",
                        name.escape_debug()
                    )
                })?;
                Site::Point {
                    point: number as u16,
                    key: key.on(&board.arch)?,
                }
            }
        })
    }
}

impl PassKey {
    /// The key that the kernel of this instruction set has.
    fn on(self, arch: &str) -> Result<u64, String> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Call(call) => match call.numbers[numbers::isa(arch) as usize] {
                ABSENT => Err(format!("{arch} has no system call '{}'", call.name)),
                number => Ok(number),
            },
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(device) => write!(f, "irq.{device}"),
            Self::Disk(op) => f.write_str(&Board::default().site(Site::Disk(*op))),
            Self::Timer => f.write_str("irq.timer"),
            Self::Point(name, PassKey::Call(call)) => write!(f, "{name}.{}", call.name),
            Self::Point(name, PassKey::Number(key)) => {
                // A number is some call's only together with an instruction set.
                match inject::by_name(name).map(|point| point.key) {
                    Some(Key::None) => f.write_str(name),
                    None if *key == 0 => f.write_str(name),
                    _ => write!(f, "{name}.{key}"),
                }
            }
        }
    }
}

/// A board with one injection point, to name what goes wrong there.
fn alone(point: &str) -> Board {
    Board {
        points: vec![point.to_owned()],
        ..Board::default()
    }
}

/// The spec as [`Spec::from_str`] reads it, in its shortest form.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = |due: &Due| match due.time {
            Time::NEVER => format!("insn={}", due.instructions),
            at => format!("time={}", Span(at)),
        };
        if let Fault::Cut(Cut { torn, kept }) = self.fault {
            match &self.place {
                Place::Moment(due) => write!(f, "cut@{}", moment(due))?,
                Place::Passes(named, when) => write!(f, "cut@{named}{when}")?,
            }
            if torn != 0 {
                write!(f, ":torn@{torn}")?;
            }
            return f.write_str(if kept { ":kept" } else { "" });
        }
        match &self.place {
            Place::Moment(due) => {
                let action = Board::default().action(Site::Moment, self.fault);
                write!(f, "mem.{action}#{}", moment(due))
            }
            Place::Passes(named, when) => {
                let (board, site) = match named {
                    Named::Disk(op) => (Board::default(), Site::Disk(*op)),
                    Named::Timer | Named::Line(_) => (Board::default(), Site::Timer),
                    Named::Point(name, _) => (alone(name), Site::Point { point: 0, key: 0 }),
                };
                write!(f, "{named}{when}={}", board.action(site, self.fault))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target() -> Target {
        Target {
            board: Board {
                arch: "x86_64".into(),
                points: vec!["alloc".into(), "coin".into(), "syscall".into()],
            },
            memory: 1 << 12..1 << 20,
        }
    }

    fn armed(text: &str) -> Armed {
        let spec: Spec = text.parse().expect("the spec is sound");
        spec.resolve(&target()).expect("the machine has this")
    }

    #[test]
    fn specs_say_where_when_and_what() {
        let passes = |site, when, fault| Armed {
            trigger: Trigger::Passes(site, when),
            fault,
        };
        let counts = |text| When::parse(text).unwrap();
        let point = |point, key| Site::Point { point, key };
        let write = Site::Disk(DiskOp::Write);
        for (text, expected) in [
            (
                "disk.write#3=error",
                passes(write, When::once(3), Fault::Error),
            ),
            (
                "disk.write#5..9=lost",
                passes(write, counts("5..9"), Fault::Lost),
            ),
            (
                "disk.write=torn@512",
                passes(write, When::ALWAYS, Fault::Torn(512)),
            ),
            (
                "disk.read#2=delay:20ms",
                passes(
                    Site::Disk(DiskOp::Read),
                    When::once(2),
                    Fault::Late(Time::millis(20)),
                ),
            ),
            (
                "irq.disk#4=twice",
                passes(Site::Line(16), When::once(4), Fault::Twice),
            ),
            (
                "irq.23=lost",
                passes(Site::Line(23), When::ALWAYS, Fault::Lost),
            ),
            (
                "irq.timer#1=lost",
                passes(Site::Timer, When::once(1), Fault::Lost),
            ),
            (
                "alloc#12=fail",
                passes(point(0, 0), When::once(12), Fault::Value(1)),
            ),
            (
                "coin.7=value:9",
                passes(point(1, 7), When::ALWAYS, Fault::Value(9)),
            ),
            (
                "syscall.read#5=EIO",
                passes(point(2, nr::READ), When::once(5), Fault::Value(5)),
            ),
            (
                "syscall.read=EIO:when=5+2",
                passes(point(2, nr::READ), counts("5+2"), Fault::Value(5)),
            ),
            (
                "disk.read=delay:1ms:when=2..",
                passes(
                    Site::Disk(DiskOp::Read),
                    counts("2.."),
                    Fault::Late(Time::millis(1)),
                ),
            ),
            (
                "cut@disk.write#7:torn@512",
                passes(
                    write,
                    When::once(7),
                    Fault::Cut(Cut {
                        torn: 512,
                        kept: false,
                    }),
                ),
            ),
            (
                "cut@syscall.fsync#2:kept",
                passes(
                    point(2, nr::FSYNC),
                    When::once(2),
                    Fault::Cut(Cut {
                        torn: 0,
                        kept: true,
                    }),
                ),
            ),
        ] {
            assert_eq!(armed(text), expected, "{text}");
        }
    }

    #[test]
    fn moments_are_times_or_instructions() {
        let flip = armed("mem.flip@0x1000:3#time=2ms");
        let due = Due {
            time: Time::millis(2),
            ..Due::NEVER
        };
        assert_eq!(flip.trigger, Trigger::Moment(due));
        let fault = Fault::Flip {
            addr: Phys(0x1000),
            bit: 3,
        };
        assert_eq!(flip.fault, fault);
        let due = Due {
            instructions: 500,
            ..Due::NEVER
        };
        assert_eq!(
            armed("mem.flip@4096:3#insn=500").trigger,
            Trigger::Moment(due)
        );
        assert_eq!(armed("cut@insn=500").trigger, Trigger::Moment(due));
    }

    #[test]
    fn what_is_printed_is_what_is_read() {
        for text in [
            "disk.write#3=error",
            "disk.write#5..9=lost",
            "disk.write=torn@512",
            "disk.flush#1=lost",
            "disk.read#2+3=delay:1500us",
            "irq.disk#4=late:1ms",
            "irq.23=twice",
            "irq.timer#9..=lost",
            "alloc#12=fail",
            "syscall.read#5+2=EIO",
            "coin.7=value:9",
            "coin=value:9",
            "cut@disk.write#7:torn@512:kept",
            "cut@time=2ms",
            "cut@insn=7:kept",
            "mem.flip@0x1000:3#insn=5",
        ] {
            let spec: Spec = text.parse().unwrap();
            assert_eq!(spec.to_string(), text);
            assert_eq!(spec.to_string().parse(), Ok(spec));
        }
        let spec: Spec = "syscall.read=EIO:when=5+2".parse().unwrap();
        assert_eq!(spec.to_string(), "syscall.read#5+2=EIO");
    }

    #[test]
    fn bad_specs_get_one_line_that_names_them_and_says_why() {
        for (text, why) in [
            ("", "what is to happen"),
            ("disk.write#3", "what is to happen"),
            ("disk.wrte#3=error", "no site 'disk.wrte'"),
            ("dsk=error", "no site 'dsk'"),
            ("disk=error", "no site 'disk'"),
            ("=error", "no site ''"),
            ("disk.write#0=error", "begin at 1"),
            ("disk.write#x=error", "no count"),
            ("disk.write#9..3=error", "ends before"),
            ("disk.write#1=error:when=2", "two places"),
            ("disk.write#1=eror", "what can is error, lost"),
            ("disk.read#1=lost", "what can is error, torn"),
            ("disk.write#1=torn@100", "whole sectors"),
            ("disk.read#1=delay:20", "no time"),
            ("irq.disk#1=error", "what can is lost"),
            ("alloc.x=fail", "no site 'alloc.x'"),
            ("alloc#1=EIO", "what can is fail"),
            ("syscall#1=EIO", "which system call"),
            ("syscall.raed#1=EIO", "no system call 'raed'"),
            ("syscall.read#1=ENOSUCH", "no error 'ENOSUCH'"),
            ("coin=value:0", "numbers from 1"),
            ("coin.x=value:1", "no site 'coin.x'"),
            ("cut@disk.write#1:burnt", "nothing of a cut"),
            ("cut@disk.flush#1:torn@512", "tear"),
            ("cut@", "no site ''"),
            ("mem.flip@0x1000#time=1ms", "a flip is as in"),
            ("mem.flip@0x1000:8#time=1ms", "0 to 7"),
            ("mem.flip@zero:1#time=1ms", "no address"),
            ("mem.flip@0:1#count=1", "a flip is as in"),
            ("mem.flip@0:1#insn=x", "instructions"),
            ("disk.\nwrite=error", "no site"),
        ] {
            let error = text.parse::<Spec>().expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains('\n'));
            assert!(error.starts_with(&text.escape_debug().to_string()));
        }
    }

    #[test]
    fn what_the_machine_has_not_is_found_when_the_machine_is_known() {
        for (text, why) in [
            (
                "mem.flip@0x100000:1#time=1ms",
                "memory lies at 0x1000..0x100000",
            ),
            (
                "mem.flip@0xfff:1#time=1ms",
                "memory lies at 0x1000..0x100000",
            ),
            ("irq.floppy=lost", "what does is timer, disk"),
            ("irq.70000=lost", "no '70000' interrupts"),
            ("dice=value:6", "no injection point 'dice'"),
            ("cut@dice", "no injection point 'dice'"),
        ] {
            let spec: Spec = text.parse().unwrap();
            let error = spec.resolve(&target()).expect_err(text).to_string();
            assert!(error.contains(why) && error.starts_with(text), "{error}");
        }
        let mut foreign = target();
        foreign.board.points.clear();
        let spec: Spec = "alloc#1=fail".parse().unwrap();
        let error = spec.resolve(&foreign).unwrap_err().to_string();
        assert!(error.contains("no injection point 'alloc'"), "{error}");
    }
}
