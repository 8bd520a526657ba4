//! What to show of a machine that ended badly: why, and for each CPU its mode, place, backtrace and process.

use crate::fault::Plan;
use crate::symbols::Symbols;
use base::Width;
use machine::pc::Pc;
use machine::pc::x86_64::{Activity, Hart, reg};
use machine::{Machine, Outcome};
use std::fmt::Write;

/// Frames of a backtrace at most: a damaged stack must not fill the screen.
const FRAMES: usize = 32;

/// The report for `outcome`, in lines.
pub fn describe(machine: &Machine<Pc, Plan>, kernel: &[u8], outcome: &Outcome) -> String {
    let symbols = Symbols::new(kernel);
    let mut text = format!("glassbox: {}\n", headline(outcome));
    let _ = writeln!(
        text,
        "glassbox: at {} s, after {} instructions",
        machine.now(),
        machine.retired()
    );
    for (index, hart) in machine.board.harts.iter().enumerate() {
        cpu(&mut text, machine, &symbols, index, hart);
    }
    text
}

fn headline(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exit(_) => "guest kernel panic".into(),
        Outcome::TripleFault { cpu } => format!("triple fault on CPU {cpu}"),
        Outcome::Gap { cpu, gap } => format!("the emulator lacks something, on CPU {cpu}: {gap}"),
        Outcome::Hang(hang) => format!("guest hangs: {hang}"),
        Outcome::Budget => "instruction budget spent".into(),
        other => format!("stopped: {other:?}"),
    }
}

fn cpu(
    text: &mut String,
    machine: &Machine<Pc, Plan>,
    symbols: &Symbols<'_>,
    index: usize,
    hart: &Hart,
) {
    let doing = match hart.activity {
        Activity::Running => "running",
        Activity::Halted => "halted",
        Activity::WaitForSipi => "not started",
        Activity::Shutdown => "shut down",
    };
    let mode = hart.mode().bits();
    let ring = if hart.cpl == 0 { "kernel" } else { "user" };
    let interrupts = if hart.interrupts_on() { "on" } else { "off" };
    let _ = writeln!(
        text,
        "CPU {index}: {doing}, {mode}-bit {ring} mode, interrupts {interrupts}"
    );
    if hart.activity == Activity::WaitForSipi {
        return;
    }
    let _ = writeln!(text, "  process: {}", process(&machine.board, index));
    let _ = writeln!(text, "  pc {}", symbols.describe(hart.linear_pc()));
    for address in backtrace(&machine.board, index, hart) {
        // A return address points behind its call, perhaps into the next line or function.
        let _ = writeln!(text, "     {}", symbols.describe(address.wrapping_sub(1)));
    }
}

/// The process that the kernel's last `sched_switch` put on the CPU: its number and name.
fn process(board: &Pc, index: usize) -> String {
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

/// Return addresses along the chain of frame pointers, the innermost first.
fn backtrace(board: &Pc, index: usize, hart: &Hart) -> Vec<u64> {
    let mut frame = hart.regs[usize::from(reg::RBP)];
    let mut addresses = Vec::new();
    while addresses.len() < FRAMES && frame.is_multiple_of(8) {
        let (Some(next), Some(address)) = (
            board.peek(index, frame, Width::B8),
            board.peek(index, frame.wrapping_add(8), Width::B8),
        ) else {
            break;
        };
        if address == 0 {
            break;
        }
        addresses.push(address);
        // Stacks grow down: a caller's frame lies higher.
        if next <= frame {
            break;
        }
        frame = next;
    }
    addresses
}
