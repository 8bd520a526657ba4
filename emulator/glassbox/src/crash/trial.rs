//! One machine that is crashed again and again: booted once, then given one disk after the other.

use crate::disk::{self, Layer};
use crate::guest::silicas;
use abi::boot::ExitWord;
use base::{Chooser, Pages, Silent, Time};
use machine::pc::View;
use machine::peripherals::Output;
use machine::{AnyBoard, Board};
use machine::{Limits, Machine, Outcome, RestoreError, Snapshot};
use std::fmt;

/// The console ports of the command's standard streams.
const STDIN: u32 = 1;
const STDOUT: usize = 2;
const STDERR: usize = 3;

/// Virtual time between two looks at what the guest prints.
const CHUNK: Time = Time::millis(10);

/// Bytes of each output that are kept: enough for the words that a verdict quotes.
const KEPT: usize = 1 << 16;

/// Virtual time between two looks for the first disk request; below the time that one takes.
const GLANCE: Time = Time::micros(20);

/// Why a state is bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bad {
    /// The guest did not come to its end: it panicked, hung, fell into a triple fault or spent its budget.
    Guest(String),
    /// The oracle's status is not 0; with the first line that it printed.
    Oracle(u8, String),
    /// The file system is not sound after recovery: the first problem, and how many there are.
    Check(String, usize),
}

impl Bad {
    /// Who found it, in one word.
    pub const fn found_by(&self) -> &'static str {
        match self {
            Self::Guest(_) => "guest",
            Self::Oracle(..) => "oracle",
            Self::Check(..) => "fsck",
        }
    }
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest(what) => write!(f, "{what}"),
            Self::Oracle(status, said) if said.is_empty() => write!(f, "oracle: status {status}"),
            Self::Oracle(status, said) => write!(f, "oracle: status {status}: {said}"),
            Self::Check(first, 1) => write!(f, "fsck: {first}"),
            Self::Check(first, count) => write!(f, "fsck: {first} (and {} more)", count - 1),
        }
    }
}

/// A machine ready to find any disk.
pub struct Trial<'a, C: Chooser> {
    machine: Machine<AnyBoard, C>,
    start: &'a Snapshot<AnyBoard>,
    disk: &'a Layer,
    limits: Limits,
}

/// Runs `machine`, which is at power-on, to where its first disk request is under way and nothing has been read yet,
/// and takes a snapshot there. A machine that never asks its disk is taken at power-on.
///
/// # Errors
/// None that a machine can cause: its own snapshot is refused.
pub fn boot<C: Chooser>(
    machine: &mut Machine<AnyBoard, C>,
    limits: &Limits,
) -> Result<Snapshot<AnyBoard>, RestoreError> {
    let power_on = machine.snapshot();
    while let Some(disk) = machine.board.disk() {
        if machine.board.disk_completions() > 0 {
            break;
        }
        if disk.backend().in_flight() > 0 {
            return Ok(machine.snapshot());
        }
        let time = machine.now() + GLANCE;
        if machine.run(&Limits { time, ..*limits }, &mut Silent) != Outcome::TimeUp {
            break;
        }
    }
    machine.restore(&power_on)?;
    Ok(power_on)
}

impl<'a, C: Chooser> Trial<'a, C> {
    /// A trial with `machine`, which was built as the one was of which `start` is, on a disk that was `disk` at
    /// power-on. `limits.instructions` counts from `start`.
    pub const fn new(
        machine: Machine<AnyBoard, C>,
        start: &'a Snapshot<AnyBoard>,
        disk: &'a Layer,
        limits: Limits,
    ) -> Self {
        Self {
            machine,
            start,
            disk,
            limits,
        }
    }

    /// Lets the guest boot from the image with `pages` over it. Its command reads `input`.
    ///
    /// # Errors
    /// `start` is of another kind of machine.
    pub fn judge(&mut self, pages: Pages, input: &[u8]) -> Result<Option<Bad>, RestoreError> {
        self.machine.restore(self.start)?;
        if let Some(disk) = self.machine.board.disk_content() {
            disk.exchange(pages);
        }
        let mut output = Output::default();
        let outcome = self.run(input, &mut output);
        let status = match outcome {
            Outcome::Exit(word) if !ExitWord(word).is_panic() => ExitWord(word).status(),
            outcome => return Ok(Some(Bad::Guest(describe(&outcome, &output.serial)))),
        };
        if status != 0 {
            let said = [STDERR, STDOUT].map(|port| first_line(&output.ports[port]));
            let said = said.into_iter().find(|line| !line.is_empty());
            return Ok(Some(Bad::Oracle(status, said.unwrap_or_default())));
        }
        Ok(self.check())
    }

    fn run(&mut self, mut input: &[u8], output: &mut Output) -> Outcome {
        let instructions = self.limits.instructions;
        loop {
            let limits = Limits {
                instructions: instructions.saturating_add(self.start.retired()),
                time: self.machine.now() + CHUNK,
                ..self.limits
            };
            let outcome = self.machine.run(&limits, &mut Silent);
            let new = self.machine.board.take_output();
            keep(&mut output.serial, &new.serial);
            for (kept, new) in output.ports.iter_mut().zip(&new.ports) {
                keep(kept, new);
            }
            match outcome {
                Outcome::TimeUp => {}
                Outcome::Input { port, capacity } => {
                    let mut part: &[u8] = &[];
                    if port == STDIN {
                        (part, input) = input.split_at(capacity.min(input.len()));
                    }
                    self.machine.supply(port, part);
                }
                outcome => return silicas(outcome, self.machine.board.arch()),
            }
        }
    }

    /// Checks the file system that the guest has left behind.
    fn check(&mut self) -> Option<Bad> {
        let pages = self.machine.board.disk_content()?.pages(View::Cached);
        match disk::fsck(self.disk, &pages) {
            Ok(report) if report.is_clean() => None,
            Ok(report) => {
                let first = report.problems.into_iter().next().unwrap_or_default();
                Some(Bad::Check(first, report.problem_count))
            }
            Err(error) => Some(Bad::Check(error.to_string(), 1)),
        }
    }
}

fn keep(kept: &mut Vec<u8>, new: &[u8]) {
    let room = KEPT.saturating_sub(kept.len());
    kept.extend(&new[..room.min(new.len())]);
}

/// How a guest ended that did not end well, with its kernel's last words.
fn describe(outcome: &Outcome, serial: &[u8]) -> String {
    match outcome {
        Outcome::Exit(_) => {
            let log = String::from_utf8_lossy(serial);
            let last_words = log.lines().find(|line| line.contains("panic"));
            let words = last_words.and_then(|line| line.find("kernel panic").map(|at| &line[at..]));
            escaped(words.unwrap_or("kernel panic").as_bytes())
        }
        Outcome::TripleFault { cpu } => format!("triple fault on CPU {cpu}"),
        Outcome::Gap { gap, .. } => format!("the emulator lacks something: {gap}"),
        Outcome::Hang(hang) => format!("guest hangs: {hang}"),
        Outcome::Budget => "instruction budget spent".into(),
        Outcome::PowerOff | Outcome::Reset => "switched off without a status".into(),
        other => format!("stopped: {other:?}"),
    }
}

/// The first line that is not empty; the guest's, so nothing of it may act on a terminal.
fn first_line(bytes: &[u8]) -> String {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    lines
        .find(|line| !line.is_empty())
        .map(escaped)
        .unwrap_or_default()
}

/// At most 200 bytes, printable.
fn escaped(bytes: &[u8]) -> String {
    const MOST: usize = 200;
    let end = bytes.len().min(MOST);
    let more = if end < bytes.len() { "..." } else { "" };
    format!("{}{more}", bytes[..end].escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guests_words_are_short_and_harmless() {
        assert_eq!(first_line(b"\n\x1b[2Jhi\nmore"), "\\x1b[2Jhi");
        assert_eq!(first_line(b""), "");
        assert_eq!(first_line(&[b'x'; 1000]).len(), 203);
        let log = b"[ 0.1] hello\n[    0.001462] kernel panic: cannot mount vda (a.rs:1)\n";
        let panic = describe(&Outcome::Exit(0x100), log);
        assert_eq!(panic, "kernel panic: cannot mount vda (a.rs:1)");
        assert_eq!(describe(&Outcome::Exit(0x100), b"panic"), "kernel panic");
    }
}
