//! A chart in plain characters, for a terminal or a pipe.

use super::ticks::{Ticks, round_up, short};
use super::{Chart, Phase};
use crate::trace::schedule::timeline::Span;
use base::Time;
use std::fmt::Write as _;

/// Which lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lanes {
    /// One a process: what it does.
    Processes,
    /// One a CPU: whom it runs.
    Cpus,
    /// Both.
    Both,
}

/// Characters of a name.
const NAME: usize = 12;
/// Letters for the processes, in the lanes of CPUs.
const LETTERS: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Whoever has no letter.
const NOBODY: u8 = b'?';

impl Chart<'_> {
    /// The chart, at most `width` characters wide (but not narrower than makes sense).
    pub fn text(&self, lanes: Lanes, width: usize) -> String {
        let letters = lanes != Lanes::Processes;
        let pid = self.lanes.iter().map(|p| p.pid.to_string().len()).max();
        let name = self.lanes.iter().map(|p| p.name().len().min(NAME)).max();
        let (pid, name) = (pid.unwrap_or(1).max(3), name.unwrap_or(0));
        let gutter = 2 * usize::from(letters) + pid + 1 + name + 2;
        let room = width.saturating_sub(gutter).clamp(20, 1000);
        let scale = Scale::new(self.from, self.len(), room);
        let mut text = String::from("\n");
        scale.axis(gutter, &mut text);
        if lanes != Lanes::Cpus {
            for (index, process) in self.lanes.iter().enumerate() {
                if letters {
                    let _ = write!(text, "{} ", char::from(letter(index)));
                }
                let comm = process.name();
                let comm = comm.get(..NAME).unwrap_or(&comm);
                let _ = write!(text, "{:>pid$} {comm:<name$}  ", process.pid);
                line(&scale.process(&self.spans(process)), &mut text);
            }
        }
        if letters {
            for cpu in 0..self.accounts.cpus().len() {
                let label = format!("CPU {cpu}");
                let _ = write!(text, "{label:>left$}  ", left = gutter - 2);
                line(&self.cpu(cpu, &scale), &mut text);
            }
        }
        self.legend(lanes, &scale, width, &mut text);
        text
    }

    /// A CPU's lane: in each column the letter of the process that had most of it.
    fn cpu(&self, cpu: usize, scale: &Scale) -> Vec<u8> {
        let mut columns = vec![(Time(0), b' '); scale.columns];
        let mut used = vec![Time(0); scale.columns];
        // A process comes back within a column: its spans there are added up before they are compared.
        let mut spans = self.on_cpu(cpu);
        spans.sort_by_key(|(span, process)| (process.arrival, process.pid, span.from));
        let mut at = (usize::MAX, NOBODY, Time(0));
        for (span, process) in spans {
            let place = self.lanes.iter().position(|p| std::ptr::eq(*p, process));
            let letter = place.map_or(NOBODY, letter);
            scale.spread(&span, |column, time| {
                used[column] = used[column] + time;
                let sum = match at {
                    (c, l, sum) if c == column && l == letter => sum + time,
                    _ => time,
                };
                at = (column, letter, sum);
                if sum > columns[column].0 {
                    columns[column] = (sum, letter);
                }
            });
        }
        let start = self.accounts.start().unwrap_or_default();
        let mark = |(column, (most, letter)): (usize, &(Time, u8))| {
            let from = scale.start(column);
            let all = scale.start(column + 1).min(self.to) - from;
            match all - used[column] {
                _ if from >= self.to || from + all <= start => b' ',
                idle if idle > *most => b'.',
                _ => *letter,
            }
        };
        columns.iter().enumerate().map(mark).collect()
    }

    fn legend(&self, lanes: Lanes, scale: &Scale, width: usize, text: &mut String) {
        let mut words = Vec::new();
        if lanes != Lanes::Cpus {
            let most = self.accounts.cpus().len().saturating_sub(1);
            words.push(match most {
                0 => "0 running (on CPU 0)".to_owned(),
                _ => format!("0-{most} running (on that CPU)"),
            });
            words.push("+ ran for less than half of that time".to_owned());
            words.push("- waiting (runnable)".to_owned());
            words.push(". blocked".to_owned());
            let phases = self.lanes.iter().flat_map(|p| p.timeline.spans());
            let (mut stopped, mut zombie) = (false, false);
            for span in phases {
                stopped |= span.phase == Phase::Stopped;
                zombie |= span.phase == Phase::Zombie;
            }
            if stopped {
                words.push("s stopped".to_owned());
            }
            if zombie {
                words.push("z ended, not waited for yet".to_owned());
            }
        }
        if lanes == Lanes::Cpus {
            for (index, process) in self.lanes.iter().enumerate() {
                words.push(format!(
                    "{} {} {}",
                    char::from(letter(index)),
                    process.pid,
                    process.name()
                ));
            }
        }
        if lanes != Lanes::Processes {
            words.push(". idle CPU".to_owned());
            if self.hidden > 0 || self.lanes.len() > LETTERS.len() {
                words.push("? another process".to_owned());
            }
        }
        words.push(format!("one column is {}", short(scale.column)));
        if self.hidden > 0 {
            words.push(format!(
                "{} more processes had less CPU time (--all)",
                self.hidden
            ));
        }
        let grain = self.accounts.grain();
        if grain.0 > 0 {
            words.push(format!("thinned: less than {} is merged", short(grain)));
        }
        let mut line = String::new();
        for word in words {
            if !line.is_empty() && line.len() + 3 + word.len() > width {
                let _ = writeln!(text, "{line}");
                line.clear();
            }
            let gap = if line.is_empty() { "" } else { "   " };
            let _ = write!(line, "{gap}{word}");
        }
        let _ = writeln!(text, "{line}");
    }
}

fn letter(index: usize) -> u8 {
    LETTERS.get(index).copied().unwrap_or(NOBODY)
}

fn line(columns: &[u8], text: &mut String) {
    let columns = String::from_utf8_lossy(columns);
    text.push_str(columns.trim_end());
    text.push('\n');
}

/// Time to columns.
struct Scale {
    from: Time,
    /// The time of one column.
    column: Time,
    columns: usize,
    len: Time,
}

/// What happened in one column.
#[derive(Clone, Copy, Default)]
struct Column {
    /// Time in each phase, as in [`MARKS`].
    phases: [Time; 5],
    /// The CPU that it ran on, and how long the longest run there was.
    cpu: (u8, Time),
}

/// Marks of phases: running is a digit.
const MARKS: &[u8; 5] = b"0-.sz";

impl Scale {
    fn new(from: Time, len: Time, room: usize) -> Self {
        let least = len.0.div_ceil(room as u64).max(1);
        // A ladder with more steps than an axis needs, so that the room is used.
        let ladder = [10, 12, 15, 20, 25, 30, 40, 50, 60, 80];
        let column = round_up(least.saturating_mul(10), &ladder) / 10;
        Self {
            from,
            column: Time(column),
            columns: len.0.div_ceil(column).max(1) as usize,
            len,
        }
    }

    /// Where a column begins.
    fn start(&self, column: usize) -> Time {
        Time(
            self.from
                .0
                .saturating_add((column as u64).saturating_mul(self.column.0)),
        )
    }

    /// Tells how much of a span lies in which columns.
    fn spread(&self, span: &Span, mut each: impl FnMut(usize, Time)) {
        let first = ((span.from - self.from).0 / self.column.0) as usize;
        for column in first..self.columns {
            let part = span.within(self.start(column), self.start(column + 1));
            if part.is_empty() {
                break;
            }
            each(column, part.len());
        }
    }

    /// A process's lane.
    fn process(&self, spans: &[Span]) -> Vec<u8> {
        let mut columns = vec![Column::default(); self.columns];
        for span in spans {
            self.spread(span, |column, time| {
                let column = &mut columns[column];
                let phase = match span.phase {
                    Phase::Running(cpu) => {
                        if time > column.cpu.1 {
                            column.cpu = (cpu, time);
                        }
                        0
                    }
                    Phase::Waiting => 1,
                    Phase::Blocked(_) => 2,
                    Phase::Stopped => 3,
                    Phase::Zombie => 4,
                    Phase::Gone => return,
                };
                column.phases[phase] = column.phases[phase] + time;
            });
        }
        columns.iter().map(Column::mark).collect()
    }

    /// Labels of times, and below them where they are.
    fn axis(&self, gutter: usize, text: &mut String) {
        let to = self.from + self.len;
        let ticks = Ticks::new(self.from, to, (self.columns as u64 / 8).max(2));
        let mut labels = " ".repeat(gutter);
        let mut marks = " ".repeat(gutter);
        for time in ticks.between(self.from, to) {
            let column = gutter + ((time - self.from).0 / self.column.0) as usize;
            if labels.len() > column && column > gutter {
                continue;
            }
            labels = format!("{labels:<column$}{} ", ticks.label(time));
            marks = format!("{marks:<column$}|");
        }
        let _ = writeln!(text, "{}\n{}", labels.trim_end(), marks.trim_end());
    }
}

impl Column {
    /// What took most of the time; that it ran at all is worth a mark of its own.
    fn mark(&self) -> u8 {
        let [running, ..] = self.phases;
        let longest = (0..MARKS.len())
            .rev()
            .max_by_key(|phase| self.phases[*phase]);
        match longest {
            _ if self.phases.iter().all(|time| time.0 == 0) => b' ',
            Some(0) | None => b'0' + self.cpu.0 % 10,
            Some(_) if running.0 > 0 => b'+',
            Some(phase) => MARKS[phase],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::schedule::gantt::View;
    use crate::trace::schedule::testing::{Script, small};

    fn view(from: u64, to: u64, lanes: usize) -> View {
        View {
            from: Some(Time(from)),
            to: Some(Time(to)),
            lanes,
        }
    }

    #[test]
    fn lanes_show_who_runs_waits_and_is_blocked() {
        let accounts = small();
        let chart = Chart::new(
            &accounts,
            &View {
                lanes: 9,
                ..View::default()
            },
        )
        .unwrap();
        let text = chart.text(Lanes::Both, 60);
        let expected = "
                     2 ms      4 ms      6 ms      8 ms
                     |         |         |         |
A   1 init   0..........................................
B   2 sh     000000...................---0..............
C   3 <cat>     --00000000000--00000000zzz
D   4 wc         -----------000.....--000-0000.....000zz
      CPU 0  ABBBBBCCCCCCCCCCDDCCCCCCCCDDBDDDD.....DDD..
0 running (on CPU 0)   + ran for less than half of that time
- waiting (runnable)   . blocked
z ended, not waited for yet   . idle CPU
one column is 200 us
";
        assert_eq!(text, expected, "{text}");
    }

    #[test]
    fn a_narrow_terminal_gets_a_narrow_chart() {
        let accounts = small();
        let chart = Chart::new(&accounts, &view(0, 9_000_000, 9)).unwrap();
        for width in [0, 40, 80, 132, 10_000] {
            let text = chart.text(Lanes::Processes, width);
            let widest = text.lines().map(str::len).max().unwrap();
            assert!(widest <= width.max(60), "{width}: {text}");
        }
        // A column is half a millisecond, and the last run took 0.2 ms.
        let lanes = chart.text(Lanes::Processes, 31);
        let lane = |name: &str| lanes.lines().find(|l| l.contains(name)).unwrap()[11..].to_owned();
        assert_eq!(lane("sh"), "-00........-+.....");
    }

    #[test]
    fn lanes_that_do_not_fit_are_counted_and_the_window_cuts() {
        let accounts = small();
        let chart = Chart::new(&accounts, &view(6_000_000, 7_000_000, 1)).unwrap();
        let text = chart.text(Lanes::Cpus, 80);
        assert!(text.contains("A 4 wc"), "{text}");
        assert!(text.contains("3 more processes"), "{text}");
        assert!(text.contains("CPU 0  ??"), "{text}");
        assert!(Chart::new(&accounts, &view(9_500_000, 9_900_000, 9)).is_none());
        assert!(Chart::new(&accounts, &view(5, 5, 9)).is_none());
    }

    #[test]
    fn names_of_the_guest_do_not_act_on_the_terminal() {
        let mut run = Script::charted(1);
        run.fork(0, 0, 1)
            .switch(10, 0, "0 running idle 1")
            .exec(20, 1, "/bin/\x1b[2J\n");
        let accounts = run.close(1000);
        let text = Chart::new(&accounts, &view(0, 1000, 9))
            .unwrap()
            .text(Lanes::Both, 80);
        assert!(text.contains("1 \\x1b[2J\\n"), "{text}");
        assert!(
            text.bytes()
                .all(|b| b == b'\n' || (b' '..=b'~').contains(&b))
        );
    }
}
