//! The table of calls, errors and times (`-c`), in strace's form and with virtual times.

use super::syscall::calls::name;
use crate::numbers;
use base::Time;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// What is known of one call.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    calls: u64,
    errors: u64,
    time: Time,
}

/// Counts calls.
#[derive(Debug, Default)]
pub struct Summary {
    counts: BTreeMap<u64, Count>,
}

/// Headings and least widths of the columns but the last.
const COLUMNS: [(&str, usize); 5] = [
    ("% time", 6),
    ("seconds", 11),
    ("usecs/call", 11),
    ("calls", 9),
    ("errors", 9),
];
/// Heading and least width of the last.
const NAME: (&str, usize) = ("syscall", 16);

impl Summary {
    /// Counts a call in which the process used `time` of a CPU. As strace does, this leaves out calls that do not exist.
    pub fn count(&mut self, number: u64, time: Time, failed: bool) {
        if numbers::name(number).is_none() {
            return;
        }
        let count = self.counts.entry(number).or_default();
        count.calls += 1;
        count.errors += u64::from(failed);
        count.time = count.time + time;
    }

    /// Writes the table, the call that took most time first; nothing if there was no call.
    ///
    /// # Errors
    /// The place where it goes cannot take it.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        if self.counts.is_empty() {
            return Ok(());
        }
        let mut sorted: Vec<(u64, Count)> = self.counts.iter().map(|(n, c)| (*n, *c)).collect();
        sorted.sort_by_key(|(number, count)| (std::cmp::Reverse(count.time.0), *number));
        let total = sorted
            .iter()
            .fold(Count::default(), |total, (_, count)| Count {
                calls: total.calls + count.calls,
                errors: total.errors + count.errors,
                time: total.time + count.time,
            });
        let mut rows: Vec<([String; 5], String)> = sorted
            .iter()
            .map(|(number, count)| (row(count, total.time), name(*number)))
            .collect();
        let mut last = row(&total, total.time);
        last[0] = "100.00".to_owned();
        rows.push((last, "total".to_owned()));
        let mut widths = COLUMNS.map(|(_, least)| least);
        for (cells, _) in &rows {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.len());
            }
        }
        let longest = sorted.iter().map(|(number, _)| name(*number).len() + 1);
        let last = longest.max().unwrap_or(0).max(NAME.1);
        let line = |cells: [&str; 5], last: &str, out: &mut dyn Write| {
            for (cell, width) in cells.iter().zip(widths) {
                write!(out, "{cell:>width$} ")?;
            }
            writeln!(out, "{last}")
        };
        let dashes = widths.map(|width| "-".repeat(width));
        let rule = "-".repeat(last);
        line(COLUMNS.map(|(heading, _)| heading), NAME.0, out)?;
        line(std::array::from_fn(|i| &dashes[i][..]), &rule, out)?;
        let (total, calls) = rows.split_last().expect("there is a total");
        for (cells, name) in calls {
            line(std::array::from_fn(|i| &cells[i][..]), name, out)?;
        }
        line(std::array::from_fn(|i| &dashes[i][..]), &rule, out)?;
        line(std::array::from_fn(|i| &total.0[i][..]), &total.1, out)
    }
}

/// The cells of one line.
fn row(count: &Count, total: Time) -> [String; 5] {
    // In hundredths of a percent and in microseconds, rounded as C's printf does it.
    let percent = match total.0 {
        0 => 0.0,
        total => 100.0 * count.time.0 as f64 / total as f64,
    };
    let each = count.time.0 / count.calls.max(1) / 1000;
    let errors = match count.errors {
        0 => String::new(),
        errors => errors.to_string(),
    };
    [
        format!("{percent:.2}"),
        format!("{:.6}", count.time.0 as f64 / 1e9),
        each.to_string(),
        count.calls.to_string(),
        errors,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::nr;

    #[test]
    fn the_table_has_straces_form() {
        let mut summary = Summary::default();
        summary.count(nr::READ, Time::micros(30), false);
        summary.count(nr::READ, Time::micros(45), true);
        summary.count(nr::CLOCK_NANOSLEEP, Time::micros(25), false);
        summary.count(500, Time::micros(25), true);
        let mut out = Vec::new();
        summary.write(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 75.00    0.000075          37         2         1 read
 25.00    0.000025          25         1           clock_nanosleep
------ ----------- ----------- --------- --------- ----------------
100.00    0.000100          33         3         1 total
"
        );
        let mut idle = Summary::default();
        idle.count(nr::READ, Time(0), false);
        let mut out = Vec::new();
        idle.write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("\n  0.00    0.000000           0         1           read\n"),
            "{text}"
        );
        assert!(
            text.ends_with("\n100.00    0.000000           0         1           total\n"),
            "{text}"
        );
        let mut out = Vec::new();
        Summary::default().write(&mut out).unwrap();
        assert_eq!(out, b"");
    }
}
