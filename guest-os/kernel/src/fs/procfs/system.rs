//! The files of /proc that are about the whole machine.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

use abi::Errno;

use super::system_node::{Content, Entry};
use crate::arch::{self, irq};
use crate::fs::{diskfs, mount, page_cache};
use crate::mm::address::PAGE_SIZE;
use crate::mm::{frame, kstack};
use crate::proc::{State, table};
use crate::sched;
use crate::time::{NANOS_PER_SEC, calendar_ns, now_ns};
use crate::{boot_params, drivers};

/// Ticks of a second, in which Linux counts CPU time for programs.
pub(super) const TICKS_PER_SEC: u64 = 100;

const fn text(path: &'static str, make: fn() -> String) -> Entry {
    Entry {
        path,
        content: Content::Text(make),
    }
}

const fn directory(path: &'static str) -> Entry {
    Entry {
        path,
        content: Content::Directory,
    }
}

/// What exists; a directory stands before what is in it.
pub(super) static TREE: &[Entry] = &[
    text("cmdline", cmdline),
    text("cpuinfo", cpuinfo),
    text("filesystems", filesystems),
    text("interrupts", interrupts),
    text("loadavg", loadavg),
    text("meminfo", meminfo),
    text("mounts", mounts),
    text("stat", stat),
    text("uptime", uptime),
    text("version", version),
    directory("sys"),
    directory("sys/vm"),
    Entry {
        path: "sys/vm/drop_caches",
        content: Content::Control(|| "0\n".to_string(), drop_caches),
    },
];

/// Nanoseconds as ticks.
pub(super) fn ticks(nanos: u64) -> u64 {
    nanos / (NANOS_PER_SEC / TICKS_PER_SEC)
}

fn cmdline() -> String {
    format!("{}\n", boot_params::command_line())
}

fn cpuinfo() -> String {
    let mut out = String::new();
    let khz = arch::timer::hz() / 1000;
    for cpu in 0..sched::online_cpus() {
        let _ = write!(
            out,
            "processor\t: {cpu}\nmodel name\t: {}\ncpu MHz\t\t: {}.{:03}\n\n",
            arch::MACHINE,
            khz / 1000,
            khz % 1000,
        );
    }
    out
}

fn filesystems() -> String {
    "\tsilicafs\nnodev\tdevtmpfs\nnodev\tproc\n".to_string()
}

/// One row a line that has a driver: counts by CPU, controller, what it is for.
fn interrupts() -> String {
    let cpus = sched::online_cpus();
    let mut out = String::from("    ");
    for cpu in 0..cpus {
        let _ = write!(out, "{:>11}", format!("CPU{cpu}"));
    }
    out.push('\n');
    for line in 0..irq::MAX_LINES {
        if irq::count(line, 0).is_none() {
            continue;
        }
        let _ = write!(out, "{line:>3}:");
        for cpu in 0..cpus {
            let _ = write!(out, "{:>11}", irq::count(line, cpu).unwrap_or(0));
        }
        let _ = writeln!(
            out,
            "   {}   {line}   {}",
            irq::CONTROLLER,
            drivers::interrupt_user(line as u32)
        );
    }
    out
}

/// The averages are not kept; running and all processes, and the newest number, are right.
fn loadavg() -> String {
    let (running, all) = count_states();
    let newest = table::all().last().map_or(0, |process| process.pid);
    format!("0.00 0.00 0.00 {running}/{all} {newest}\n")
}

fn count_states() -> (usize, usize) {
    let processes = table::all();
    let running = processes
        .iter()
        .filter(|p| matches!(p.state(), State::Running | State::Runnable))
        .count();
    (running, processes.len())
}

fn meminfo() -> String {
    let kib = |pages: usize| pages * PAGE_SIZE / 1024;
    let free = frame::free() + kstack::idle_frames();
    let (buffers, cached) = (diskfs::buffers(), page_cache::len());
    let mut out = String::new();
    for (name, pages) in [
        ("MemTotal", frame::total()),
        ("MemFree", free),
        ("MemAvailable", free + buffers + cached),
        ("Buffers", buffers),
        ("Cached", cached),
        ("SwapTotal", 0),
        ("SwapFree", 0),
    ] {
        let _ = writeln!(out, "{:<16}{:>8} kB", format!("{name}:"), kib(pages));
    }
    out
}

fn mounts() -> String {
    let mut out = String::new();
    for mount in mount::all() {
        let _ = writeln!(out, "{} {} {} rw 0 0", mount.source, mount.path, mount.kind);
    }
    out
}

/// CPU time is not split into kinds: busy time counts as user time, the rest is idle.
fn stat() -> String {
    let now = now_ns();
    let cpus = sched::online_cpus();
    let idle: Vec<u64> = sched::CPUS[..cpus]
        .iter()
        .map(|cpu| cpu.idle_time())
        .collect();
    let row = |idle: u64, all: u64| {
        format!(
            "{} 0 0 {} 0 0 0 0 0 0",
            ticks(all.saturating_sub(idle)),
            ticks(idle)
        )
    };
    let mut out = format!("cpu  {}\n", row(idle.iter().sum(), now * cpus as u64));
    for (cpu, idle) in idle.iter().enumerate() {
        let _ = writeln!(out, "cpu{cpu} {}", row(*idle, now));
    }
    let interrupts: u64 = (0..irq::MAX_LINES)
        .flat_map(|line| (0..cpus).filter_map(move |cpu| irq::count(line, cpu)))
        .sum();
    let (running, _) = count_states();
    let booted = (calendar_ns() - now) / NANOS_PER_SEC;
    let _ = write!(
        out,
        "intr {interrupts}\nbtime {booted}\nprocs_running {running}\nprocs_blocked 0\n"
    );
    out
}

fn uptime() -> String {
    let now = now_ns();
    let idle: u64 = sched::CPUS[..sched::online_cpus()]
        .iter()
        .map(|cpu| cpu.idle_time())
        .sum();
    let seconds = |nanos: u64| {
        format!(
            "{}.{:02}",
            nanos / NANOS_PER_SEC,
            nanos % NANOS_PER_SEC / 10_000_000
        )
    };
    format!("{} {}\n", seconds(now), seconds(idle))
}

fn version() -> String {
    format!(
        "Silica version {} ({})\n",
        env!("CARGO_PKG_VERSION"),
        arch::MACHINE
    )
}

/// Any of Linux's values drops everything that can be read again.
fn drop_caches(value: &str) -> Result<(), Errno> {
    match value {
        "1" | "2" | "3" => diskfs::drop_caches(),
        _ => Err(Errno::EINVAL),
    }
}
