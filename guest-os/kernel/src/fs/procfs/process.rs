//! The files of /proc/<pid>.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use core::fmt::Write;
use core::sync::atomic::Ordering::Relaxed;

use super::system::ticks;
use crate::mm::address::PAGE_SIZE;
use crate::mm::region::Backing;
use crate::proc::{Pid, Process, State, table};

/// Makes a file's text; `None` if the process has ended meanwhile.
type Text = fn(&Process) -> Option<String>;

/// Name and text of each file.
pub(super) static FILES: &[(&str, Text)] = &[
    ("cmdline", cmdline),
    ("comm", |process| Some(format!("{}\n", process.comm()))),
    ("maps", maps),
    ("stat", stat),
    ("statm", statm),
    ("status", status),
];

/// Longest argument list shown.
const CMDLINE_MAX: usize = 4096;
/// The terminal of all processes, as Linux numbers the first serial port.
const TTY: u32 = 4 << 8 | 64;

/// The arguments, each with its NUL, as they are in the program's memory now.
fn cmdline(process: &Process) -> Option<String> {
    let (start, end) = process.arguments();
    let Some(space) = process.space() else {
        return Some(String::new());
    };
    let mut bytes = vec![0; end.saturating_sub(start).min(CMDLINE_MAX)];
    let len = space.peek(start, &mut bytes);
    Some(String::from_utf8_lossy(&bytes[..len]).into_owned())
}

/// `start-end rights offset device inode path` of each region.
fn maps(process: &Process) -> Option<String> {
    let mut out = String::new();
    let Some(space) = process.space() else {
        return Some(out);
    };
    let heap = space.heap();
    for region in space.regions() {
        let (offset, name) = match &region.backing {
            Backing::File { file, offset, .. } => (*offset, file.path()),
            Backing::Shared { offset, .. } => (*offset, "/dev/zero (deleted)".into()),
            Backing::Anonymous if region.grows_down => (0, "[stack]".into()),
            Backing::Anonymous if region.start < heap.1 && region.end > heap.0 => {
                (0, "[heap]".into())
            }
            Backing::Anonymous => (0, String::new()),
        };
        let place = format!(
            "{:08x}-{:08x} {} {offset:08x} 00:00 0",
            region.start, region.end, region.protection
        );
        let _ = if name.is_empty() {
            writeln!(out, "{place}")
        } else {
            writeln!(out, "{place:<73}{name}")
        };
    }
    Some(out)
}

struct Memory {
    size: usize,
    resident_pages: usize,
}

fn memory(process: &Process) -> Memory {
    match process.space() {
        Some(space) => Memory {
            size: space.size(),
            resident_pages: space.resident_pages(),
        },
        None => Memory {
            size: 0,
            resident_pages: 0,
        },
    }
}

/// The 52 numbers of proc_pid_stat(5); those that are not kept are 0.
fn stat(process: &Process) -> Option<String> {
    let (parent, group, session) = table::relations(process.pid)?;
    let memory = memory(process);
    let user_ticks = ticks(process.cpu_time.load(Relaxed));
    let started = ticks(process.started);
    let cpu = process.cpu.load(Relaxed);
    Some(format!(
        "{pid} ({name}) {state} {parent} {group} {session} {TTY} {foreground} 0 0 0 0 0 {user_ticks} 0 0 0 20 0 1 0 \
         {started} {size} {resident} 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 {cpu} 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
        pid = process.pid,
        name = process.comm(),
        state = process.state().letter(),
        foreground = foreground(),
        size = memory.size,
        resident = memory.resident_pages,
    ))
}

/// The process group in the foreground of the terminal, -1 if there is none.
fn foreground() -> i64 {
    match crate::drivers::foreground_group() {
        0 => -1,
        group => group.into(),
    }
}

fn statm(process: &Process) -> Option<String> {
    let memory = memory(process);
    Some(format!(
        "{} {} 0 0 0 0 0\n",
        memory.size / PAGE_SIZE,
        memory.resident_pages
    ))
}

fn status(process: &Process) -> Option<String> {
    let (parent, _, _): (Pid, Pid, Pid) = table::relations(process.pid)?;
    let state = match process.state() {
        State::New | State::Runnable | State::Running => "R (running)",
        State::Sleeping => "S (sleeping)",
        State::Stopped => "T (stopped)",
        State::Zombie => "Z (zombie)",
    };
    let memory = memory(process);
    let (ignored, caught) = process.signals.ignored_and_caught();
    let descriptors = process.files.lock().numbers().count();
    Some(format!(
        "Name:\t{}\nUmask:\t{:04o}\nState:\t{state}\nTgid:\t{pid}\nPid:\t{pid}\nPPid:\t{parent}\n\
         Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t{descriptors}\nVmSize:\t{:8} kB\nVmRSS:\t{:8} kB\nThreads:\t1\n\
         SigPnd:\t{:016x}\nSigBlk:\t{:016x}\nSigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}\n",
        process.comm(),
        process.file_context.lock().umask(),
        memory.size / 1024,
        memory.resident_pages * PAGE_SIZE / 1024,
        process.signals.pending(),
        process.signals.blocked(),
        pid = process.pid,
    ))
}
