//! What became of the crashes, for people and for programs.

use super::cut::Cut;
use super::trial::Bad;
use serde::Serialize;
use std::fmt::{self, Write};

/// Bad states listed in the text before the rest is only counted.
const LISTED: usize = 50;

/// The workload's one run.
#[derive(Clone, Debug, Serialize)]
pub struct Workload {
    /// The shell line.
    pub line: String,
    /// Its exit status.
    pub status: u8,
    /// Write requests that the disk carried out.
    pub writes: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Flushes.
    pub flushes: u64,
}

/// A bad state.
#[derive(Clone, Debug, Serialize)]
pub struct BadState {
    /// The first cut that leads to it.
    pub cut: String,
    /// How many other cuts lead to the same disk.
    pub others: usize,
    /// The hash of the disk.
    pub disk: String,
    /// `guest`, `oracle` or `fsck`.
    pub found_by: &'static str,
    /// In words.
    pub reason: String,
    /// The command that brings it about.
    pub reproduce: String,
}

impl BadState {
    /// A state that `bad` was found in.
    pub fn new(cut: &Cut, others: usize, disk: u128, bad: &Bad, reproduce: String) -> Self {
        Self {
            cut: cut.to_string(),
            others,
            disk: format!("{disk:032x}"),
            found_by: bad.found_by(),
            reason: bad.to_string(),
            reproduce,
        }
    }
}

/// What was tried and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was crashed.
    pub workload: Workload,
    /// What was asked of the guest afterwards.
    pub oracle: Option<String>,
    /// Power cuts tried.
    pub tried: usize,
    /// Power cuts that there are.
    pub possible: usize,
    /// Different disks among those tried.
    pub distinct: usize,
    /// Those of them that are bad, in the order of their cuts.
    pub bad: Vec<BadState>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Workload {
            line,
            status,
            writes,
            bytes,
            flushes,
        } = &self.workload;
        let count = |n: u64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
        writeln!(f, "workload  {}", escaped(line))?;
        let writes = count(*writes, "write");
        let flushes = count(*flushes, "flush").replace("flushs", "flushes");
        writeln!(
            f,
            "          status {status}, {writes} of {bytes} bytes, {flushes}"
        )?;
        if let Some(oracle) = &self.oracle {
            writeln!(f, "oracle    {}", escaped(oracle))?;
        }
        let of = match self.possible {
            all if all == self.tried => String::new(),
            all => format!(" of {all}"),
        };
        let (tried, distinct, bad) = (self.tried, self.distinct, self.bad.len());
        writeln!(
            f,
            "states    {tried}{of} tried, {distinct} distinct, {bad} bad"
        )?;
        for bad in self.bad.iter().take(LISTED) {
            let mut others = String::new();
            if bad.others > 0 {
                let _ = write!(others, " (and {} more with the same disk)", bad.others);
            }
            writeln!(
                f,
                "bad: {}{others}: {}: {}",
                bad.cut, bad.reason, bad.reproduce
            )?;
        }
        if bad > LISTED {
            writeln!(
                f,
                "and {} more bad states; --json has them all",
                bad - LISTED
            )?;
        }
        Ok(())
    }
}

/// A line as one line.
fn escaped(line: &str) -> String {
    line.chars()
        .flat_map(|c| {
            let control = c.is_control();
            let plain = (!control).then_some(c);
            plain
                .into_iter()
                .chain(c.escape_default().filter(move |_| control))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_was_done_and_how_to_see_it_again() {
        let cut = "cut@disk.write#2:torn@512".parse().unwrap();
        let bad = Bad::Check("inode 3: size 1".into(), 3);
        let report = Report {
            workload: Workload {
                line: "cp a b\nrm c".into(),
                status: 0,
                writes: 1,
                bytes: 4096,
                flushes: 2,
            },
            oracle: Some("test -f b".into()),
            tried: 4,
            possible: 11,
            distinct: 3,
            bad: vec![BadState::new(&cut, 1, 5, &bad, "glassbox run".into())],
        };
        assert_eq!(
            report.to_string(),
            "workload  cp a b\\nrm c\n          status 0, 1 write of 4096 bytes, 2 flushes\n\
             oracle    test -f b\nstates    4 of 11 tried, 3 distinct, 1 bad\n\
             bad: cut@disk.write#2:torn@512 (and 1 more with the same disk): fsck: inode 3: size 1 (and 2 more): \
             glassbox run\n"
        );
    }
}
