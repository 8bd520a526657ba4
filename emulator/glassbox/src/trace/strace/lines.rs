//! Lines: what stands in front of them, and which of them is still open.

use super::Settings;
use crate::trace::calendar::time_of_day;
use base::Time;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Where results stand, in columns.
const RESULT: usize = 40;

/// What stands in front of a line besides the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// The time of day: 1 in seconds, 2 in microseconds, 3 as seconds since 1970 with microseconds.
    pub clock: u8,
    /// The time since the line before.
    pub relative: bool,
}

/// Writes lines.
pub struct Lines<W: Write> {
    /// Where they go.
    pub out: W,
    /// Seconds since 1970 at power-on.
    pub calendar: u64,
    stamps: Stamps,
    to_file: bool,
    only_one: bool,
    /// The processes there are.
    alive: BTreeSet<u32>,
    /// Whose line is open, and how many columns it has.
    open: Option<(u32, usize)>,
    /// The time of the line before.
    last: Option<Time>,
}

impl<W: Write> Lines<W> {
    /// Writes to `out`.
    pub fn new(out: W, settings: &Settings) -> Self {
        Self {
            out,
            calendar: 0,
            stamps: settings.stamps,
            to_file: settings.to_file,
            only_one: settings.pids.len() == 1,
            alive: BTreeSet::new(),
            open: None,
            last: None,
        }
    }

    /// There is a process.
    pub fn born(&mut self, pid: u32) {
        self.alive.insert(pid);
    }

    /// It is there no more.
    pub fn died(&mut self, pid: u32) {
        self.alive.remove(&pid);
    }

    /// What stands in front of a line.
    pub fn leader(&mut self, pid: u32, time: Time) -> String {
        let mut text = String::new();
        if self.to_file {
            if !self.only_one {
                text += &format!("{pid:<5} ");
            }
        } else if self.alive.len() > 1 {
            text += &format!("[pid {pid:5}] ");
        }
        let micros = time.0 / 1000;
        let (seconds, fraction) = (
            self.calendar.saturating_add(micros / 1_000_000),
            micros % 1_000_000,
        );
        match self.stamps.clock {
            0 => {}
            1 => text += &format!("{} ", time_of_day(seconds)),
            2 => text += &format!("{}.{fraction:06} ", time_of_day(seconds)),
            _ => text += &format!("{seconds}.{fraction:06} "),
        }
        if self.stamps.relative {
            let since = (time - self.last.unwrap_or(time)).0 / 1000;
            self.last = Some(time);
            let since = format!("{:6}.{:06}", since / 1_000_000, since % 1_000_000);
            match self.stamps.clock {
                0 => text += &format!("{since} "),
                _ => text += &format!("(+{since}) "),
            }
        }
        text
    }

    /// Begins a line that its process may finish later.
    pub fn open(&mut self, pid: u32, time: Time, text: &str) -> io::Result<()> {
        self.cut()?;
        let text = self.leader(pid, time) + text;
        self.out.write_all(text.as_bytes())?;
        self.open = Some((pid, text.len()));
        Ok(())
    }

    /// Goes on with a line of this process. If another one has come between, it begins anew.
    pub fn resume(&mut self, pid: u32, time: Time, begun: bool, name: &str) -> io::Result<()> {
        match self.open {
            Some((open, _)) if begun && open == pid => Ok(()),
            _ => self.open(pid, time, &format!("<... {name} resumed>")),
        }
    }

    /// Ends the open line: the arguments that were missing, and the result in its column.
    pub fn close(&mut self, arguments: &str, outcome: &str) -> io::Result<()> {
        let (_, column) = self.open.take().unwrap_or_default();
        self.rest(column, arguments, outcome)
    }

    /// Writes a line whose beginning was kept back.
    pub fn staged(&mut self, line: &str, arguments: &str, outcome: &str) -> io::Result<()> {
        self.cut()?;
        self.out.write_all(line.as_bytes())?;
        self.rest(line.len(), arguments, outcome)
    }

    fn rest(&mut self, column: usize, arguments: &str, outcome: &str) -> io::Result<()> {
        let column = column + arguments.len() + ") ".len();
        let gap = RESULT.saturating_sub(column);
        writeln!(self.out, "{arguments}) {:gap$}= {outcome}", "")
    }

    /// Writes a whole line.
    pub fn line(&mut self, pid: u32, time: Time, text: &str) -> io::Result<()> {
        self.cut()?;
        let leader = self.leader(pid, time);
        writeln!(self.out, "{leader}{text}")
    }

    /// Cuts the open line, because another process has something to say.
    fn cut(&mut self) -> io::Result<()> {
        match self.open.take() {
            Some(_) => self.out.write_all(b" <unfinished ...>\n"),
            None => Ok(()),
        }
    }

    /// There is nothing more to say.
    pub fn finish(&mut self) -> io::Result<()> {
        self.cut()
    }
}
