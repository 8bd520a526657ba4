//! What /proc tells of processes (proc(5)).

use rust_alloc::format;
use rust_alloc::vec::Vec;
use ulib::number::{parse_i64, parse_u64};
use ulib::{bytes, fs};

/// A process as `/proc/<pid>/stat` describes it.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// Process id.
    pub pid: i64,
    /// Name of its program.
    pub name: Vec<u8>,
    /// State letter.
    pub state: u8,
    /// Parent.
    pub parent: i64,
    /// Process group.
    pub group: i64,
    /// Session.
    pub session: i64,
    /// Controlling terminal's device number, 0 without one.
    pub terminal: i64,
    /// Hundredths of a second in user mode and in the kernel.
    pub ticks: u64,
    /// Virtual memory, in bytes.
    pub size: u64,
    /// Resident pages.
    pub resident: u64,
}

impl Process {
    /// Reads one process; none if it has ended meanwhile.
    pub fn read(pid: &[u8]) -> Option<Process> {
        let text = fs::read_file(&[b"/proc/", pid, b"/stat"].concat()).ok()?;
        // The name may hold anything, parentheses too; the last one ends it.
        let open = text.iter().position(|b| *b == b'(')?;
        let close = text.iter().rposition(|b| *b == b')')?;
        let rest: Vec<&[u8]> = text[close + 1..]
            .split(u8::is_ascii_whitespace)
            .filter(|f| !f.is_empty())
            .collect();
        let number = |i: usize| rest.get(i).and_then(|field| parse_i64(field)).unwrap_or(0);
        Some(Process {
            pid: parse_i64(text[..open].trim_ascii())?,
            name: text.get(open + 1..close)?.to_vec(),
            state: *rest.first()?.first()?,
            parent: number(1),
            group: number(2),
            session: number(3),
            terminal: number(4),
            ticks: (number(11) + number(12)).max(0) as u64,
            size: number(20).max(0) as u64,
            resident: number(21).max(0) as u64,
        })
    }

    /// Its command line, or its name in brackets if it has none.
    pub fn command(&self) -> Vec<u8> {
        let path = format!("/proc/{}/cmdline", self.pid);
        let mut line = fs::read_file(path.as_bytes()).unwrap_or_default();
        while line.last() == Some(&0) {
            line.pop();
        }
        if line.is_empty() {
            return [b"[", &self.name[..], b"]"].concat();
        }
        line.iter_mut().filter(|b| **b == 0).for_each(|b| *b = b' ');
        line
    }
}

/// All processes, by id.
pub fn processes() -> ulib::sys::Result<Vec<Process>> {
    let entries = fs::read_dir(b"/proc")?;
    let pids = entries
        .iter()
        .filter(|entry| parse_u64(&entry.name).is_some());
    let mut found: Vec<Process> = pids
        .filter_map(|entry| Process::read(&entry.name))
        .collect();
    found.sort_by_key(|process| process.pid);
    Ok(found)
}

/// A number of `/proc/meminfo`, in KiB.
pub fn meminfo(text: &[u8], key: &str) -> Option<u64> {
    let at = bytes::find(text, format!("{key}:").as_bytes())?;
    let rest = text[at + key.len() + 1..].trim_ascii_start();
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    parse_u64(&rest[..digits])
}
