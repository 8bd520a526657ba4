//! `info cpus`, `info time`, `info block`: facts about the machine that no ISA has a say in.

use super::View;
use base::event::DiskOp;
use machine::{Board, CpuActivity};
use std::fmt::Write;

/// Sectors of 512 bytes in a page of the disk's cache.
const SECTORS: usize = 8;

/// Each CPU, the chosen one with a star.
pub fn cpus(view: &View<'_, '_>, text: &mut String) {
    let board = &view.guest.machine.board;
    for index in 0..board.cpus() {
        let star = if index == view.cpu { '*' } else { ' ' };
        let pc = board.pc(index);
        let doing = match board.activity(index) {
            CpuActivity::Running => "",
            CpuActivity::Halted => " (halted)",
            CpuActivity::Off => " (off)",
        };
        let _ = write!(
            text,
            "{star} CPU #{index}: pc={pc:#018x}{doing}{}",
            view.label(pc)
        );
        match view.tasks.running(index as u8) {
            0 => text.push('\n'),
            pid => {
                let _ = writeln!(text, " process {pid} ({})", view.tasks.comm(pid));
            }
        }
    }
}

/// Virtual time and instructions.
pub fn time(view: &View<'_, '_>, text: &mut String) {
    let machine = &view.guest.machine;
    let _ = writeln!(text, "virtual time  {:>14} s", machine.now().to_string());
    let _ = writeln!(
        text,
        "of it idle    {:>14} s",
        machine.idle_time().to_string()
    );
    let _ = writeln!(text, "instructions  {:>14}", machine.retired());
    let user = machine.board.user_retired();
    let _ = writeln!(text, "  in user mode{user:>14}");
}

/// The disk.
pub fn block(view: &View<'_, '_>, text: &mut String) {
    let Some(drive) = view.guest.machine.board.disk() else {
        text.push_str("there is no disk\n");
        return;
    };
    let drive = drive.backend();
    let (disk, done) = (drive.disk(), drive.counters());
    let access = if disk.read_only() { ", read-only" } else { "" };
    let _ = writeln!(
        text,
        "virtio disk: {} sectors of 512 bytes{access}",
        disk.sectors()
    );
    let _ = writeln!(
        text,
        "  completed: {} reads ({} sectors), {} writes ({} sectors), {} flushes, {} errors",
        done.reads, done.sectors_read, done.writes, done.sectors_written, done.flushes, done.errors
    );
    let _ = writeln!(text, "  in flight: {}", drive.in_flight());
    for (op, sector, due) in drive.requests() {
        let what = match op {
            DiskOp::Read => "read",
            DiskOp::Write => "write",
            DiskOp::Flush => "flush",
            DiskOp::Other => "other",
        };
        let _ = writeln!(text, "    {what} at sector {sector}, done at {due} s");
    }
    let dirty = disk.unflushed();
    let _ = writeln!(
        text,
        "  write cache: {} sectors not flushed yet (in {dirty} pages)",
        dirty * SECTORS
    );
}
