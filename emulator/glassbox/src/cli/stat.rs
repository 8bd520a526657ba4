//! `glassbox stat`: what the machine did while it ran a shell line, in numbers.

use super::books::Books;
use super::options::StatOptions;
use super::replay::Asked;
use super::run::drive;
use super::session::Session;
use super::{Failure, tell};
use crate::trace::schedule::summary::Summary;
use crate::trace::schedule::table::tables;
use base::Time;
use machine::names;
use machine::pc::x86_64::Hart;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Instant;

/// The counters of a run.
#[derive(Debug, Serialize)]
struct Counters {
    status: u8,
    instructions: u64,
    user_instructions: u64,
    kernel_instructions: u64,
    cpus: Vec<Cpu>,
    traps: BTreeMap<String, u64>,
    syscalls: u64,
    page_walks: u64,
    tlb: Tlb,
    context_switches: u64,
    device_accesses: u64,
    disk: Disk,
    blocks_lifted: u64,
    idle_ns: u64,
    virtual_ns: u64,
    host_ns: u64,
    mips: f64,
    /// The accounts of processes, if the kernel tells of any.
    scheduling: Option<Summary>,
}

#[derive(Debug, Serialize)]
struct Cpu {
    user: u64,
    kernel: u64,
}

#[derive(Debug, Default, Serialize)]
struct Tlb {
    fetch_hits: u64,
    fetch_misses: u64,
    read_hits: u64,
    read_misses: u64,
    write_hits: u64,
    write_misses: u64,
}

#[derive(Debug, Default, Serialize)]
struct Disk {
    reads: u64,
    writes: u64,
    flushes: u64,
    sectors_read: u64,
    sectors_written: u64,
}

/// Runs the command.
pub fn stat(options: &StatOptions) -> Result<u8, Failure> {
    let asked = Asked::new(&options.machine, &options.again, &options.line)?;
    let mut session = asked.session()?;
    let mut books = Books::open(&mut session, options)?;
    let start = Instant::now();
    let outcome = drive(&mut session, &mut books.recorder)
        .map_err(|e| Failure::input(format!("standard output: {e}")))?;
    let host_ns = start.elapsed().as_nanos() as u64;
    let status = session.finish(&outcome)?;
    let accounts = books.close(session.machine.now())?;
    let mut counters = count(&session, asked.machine().arch.name(), status, host_ns);
    if options.json {
        counters.scheduling = Summary::of(&accounts);
        let json =
            serde_json::to_string_pretty(&counters).map_err(|e| Failure::input(e.to_string()))?;
        writeln!(std::io::stdout(), "{json}")
            .map_err(|e| Failure::input(format!("standard output: {e}")))?;
    } else {
        tell(table(&counters));
        tell(tables(&accounts, options.all));
    }
    drop(accounts);
    tell(books.draw()?);
    Ok(status)
}

fn count(session: &Session<'_>, arch: &str, status: u8, host_ns: u64) -> Counters {
    let machine = &session.machine;
    let harts = &machine.board.harts;
    let sum = |f: fn(&Hart) -> u64| harts.iter().map(f).sum::<u64>();
    let mut traps = BTreeMap::new();
    for hart in harts {
        for (vector, &n) in hart
            .host
            .counters
            .traps
            .iter()
            .enumerate()
            .filter(|&(_, &n)| n > 0)
        {
            *traps
                .entry(names::vector(arch, vector as u16).into_owned())
                .or_insert(0) += n;
        }
    }
    let mut tlb = Tlb::default();
    for counts in harts.iter().map(|hart| hart.tlb.counts) {
        let hits = |kind: usize| counts.lookups[kind] - counts.misses[kind];
        tlb.fetch_hits += hits(0);
        tlb.fetch_misses += counts.misses[0];
        tlb.read_hits += hits(1);
        tlb.read_misses += counts.misses[1];
        tlb.write_hits += hits(2);
        tlb.write_misses += counts.misses[2];
    }
    let disk = machine
        .board
        .chips
        .disk
        .as_ref()
        .map_or_else(Disk::default, |disk| {
            let c = disk.backend().counters();
            Disk {
                reads: c.reads,
                writes: c.writes,
                flushes: c.flushes,
                sectors_read: c.sectors_read,
                sectors_written: c.sectors_written,
            }
        });
    Counters {
        status,
        instructions: machine.retired(),
        user_instructions: sum(|h| h.host.counters.instructions[0]),
        kernel_instructions: sum(|h| h.host.counters.instructions[1]),
        cpus: harts
            .iter()
            .map(|h| Cpu {
                user: h.host.counters.instructions[0],
                kernel: h.host.counters.instructions[1],
            })
            .collect(),
        traps,
        syscalls: sum(|h| h.host.counters.syscalls),
        page_walks: sum(|h| h.host.counters.walks),
        tlb,
        context_switches: sum(|h| h.host.counters.switches),
        device_accesses: sum(|h| h.host.counters.device_accesses),
        disk,
        blocks_lifted: machine.board.lifted(),
        idle_ns: machine.idle_time().0,
        virtual_ns: machine.now().0,
        host_ns,
        mips: machine.retired() as f64 * 1000.0 / (host_ns.max(1)) as f64,
        scheduling: None,
    }
}

fn table(c: &Counters) -> String {
    let mut text = String::from("\n");
    let mut row = |value: u64, name: &str| {
        let _ = writeln!(text, "{:>20}  {name}", grouped(value));
    };
    row(c.instructions, "instructions");
    row(c.user_instructions, "  in user mode");
    row(c.kernel_instructions, "  in the kernel");
    if c.cpus.len() > 1 {
        for (index, cpu) in c.cpus.iter().enumerate() {
            row(cpu.user + cpu.kernel, &format!("  on CPU {index}"));
        }
    }
    row(c.syscalls, "system calls");
    row(c.traps.values().sum(), "exceptions and interrupts");
    for (name, &n) in &c.traps {
        row(n, &format!("  {name}"));
    }
    row(c.context_switches, "context switches");
    row(c.page_walks, "page walks");
    row(c.tlb.fetch_hits, "TLB hits, fetch");
    row(c.tlb.fetch_misses, "TLB misses, fetch");
    row(c.tlb.read_hits, "TLB hits, read");
    row(c.tlb.read_misses, "TLB misses, read");
    row(c.tlb.write_hits, "TLB hits, write");
    row(c.tlb.write_misses, "TLB misses, write");
    row(c.device_accesses, "device accesses");
    row(c.disk.reads, "disk reads");
    row(c.disk.sectors_read, "  sectors");
    row(c.disk.writes, "disk writes");
    row(c.disk.sectors_written, "  sectors");
    row(c.disk.flushes, "disk flushes");
    row(c.blocks_lifted, "blocks lifted");
    let _ = writeln!(
        text,
        "{:>20}  s virtual time",
        Time(c.virtual_ns).to_string()
    );
    let _ = writeln!(text, "{:>20}  s of it idle", Time(c.idle_ns).to_string());
    let _ = writeln!(
        text,
        "{:>20}  s host time, {:.1} MIPS",
        Time(c.host_ns).to_string(),
        c.mips
    );
    text
}

/// A number in groups of three digits.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_from_the_right() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
