//! What to show of a machine that ended badly: why, and for each CPU its mode, place, backtrace and process.

use crate::backtrace;
use crate::guest::Guest;
use crate::symbols::Symbols;
use base::Width;
use machine::pc::x86_64::Activity;
use machine::virt::riscv64::Privilege;
use machine::{AnyBoard, Board, CpuActivity, Outcome};
use std::fmt::Write;

/// The report for `outcome`, in lines.
pub fn describe(guest: &Guest, outcome: &Outcome) -> String {
    let (machine, symbols) = (&guest.machine, Symbols::new(&guest.kernel));
    let mut text = format!("glassbox: {}\n", headline(outcome, guest.silica));
    let _ = writeln!(
        text,
        "glassbox: at {} s, after {} instructions",
        machine.now(),
        machine.retired()
    );
    for index in 0..machine.board.cpus() {
        cpu(&mut text, &machine.board, &symbols, index);
    }
    text
}

fn headline(outcome: &Outcome, silica: bool) -> String {
    match outcome {
        Outcome::Exit(code) if !silica => format!("the guest says that it failed: {code}"),
        Outcome::Exit(_) => "guest kernel panic".into(),
        Outcome::TestFailed { test } => format!("test {test} failed"),
        Outcome::TripleFault { cpu } => format!("triple fault on CPU {cpu}"),
        Outcome::Gap { cpu, gap } => format!("the emulator lacks something, on CPU {cpu}: {gap}"),
        Outcome::Hang(hang) => format!("guest hangs: {hang}"),
        Outcome::Budget => "instruction budget spent".into(),
        other => format!("stopped: {other:?}"),
    }
}

fn cpu(text: &mut String, board: &AnyBoard, symbols: &Symbols<'_>, index: usize) {
    let doing = match board.activity(index) {
        CpuActivity::Running => "running",
        CpuActivity::Halted => "halted",
        CpuActivity::Off => off(board, index),
    };
    let interrupts = if board.interrupts_on(index) {
        "on"
    } else {
        "off"
    };
    let mode = mode(board, index);
    let _ = writeln!(
        text,
        "CPU {index}: {doing}, {mode} mode, interrupts {interrupts}"
    );
    if doing == NOT_STARTED {
        return;
    }
    let _ = writeln!(text, "  process: {}", process(board, index));
    let _ = writeln!(text, "  pc {}", symbols.describe(board.pc(index)));
    for call in backtrace::calls(board, index) {
        let _ = writeln!(text, "     {}", symbols.describe(call));
    }
}

const NOT_STARTED: &str = "not started";

/// Why a CPU is off.
fn off(board: &AnyBoard, index: usize) -> &'static str {
    match board {
        AnyBoard::Pc(board) if board.harts[index].activity == Activity::Shutdown => "shut down",
        _ => NOT_STARTED,
    }
}

/// The mode that a CPU is in, as its manual calls it.
fn mode(board: &AnyBoard, index: usize) -> String {
    match board {
        AnyBoard::Pc(board) => {
            let hart = &board.harts[index];
            let ring = if hart.cpl == 0 { "kernel" } else { "user" };
            format!("{}-bit {ring}", hart.mode().bits())
        }
        AnyBoard::Virt(board) => match board.harts[index].privilege {
            Privilege::User => "user".into(),
            Privilege::Supervisor => "supervisor".into(),
            Privilege::Machine => "machine".into(),
        },
    }
}

/// The process that the kernel's last `sched_switch` put on the CPU: its number and name.
fn process(board: &AnyBoard, index: usize) -> String {
    const NAME: u64 = 16;
    let switch = abi::probe::by_name("sched_switch");
    let argument = |name| board.switched(index)?.get(switch?.position(name)?).copied();
    let (Some(pid), Some(name)) = (argument("next_pid"), argument("next_comm")) else {
        return "none known".into();
    };
    let bytes = (0..NAME).map_while(|i| {
        board
            .peek(index, name.wrapping_add(i), Width::B1)
            .filter(|&b| b != 0)
    });
    let name: Vec<u8> = bytes.map(|b| b as u8).collect();
    // The name is the guest's: nothing of it may act on the terminal.
    format!("{pid} ({})", name.escape_ascii())
}
