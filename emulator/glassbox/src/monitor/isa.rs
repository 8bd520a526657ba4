//! What only the instruction set knows of a machine: one place that chooses whom to ask.

use super::View;
use super::code::Read;
use super::{riscv64, x86_64};
use machine::AnyBoard;

/// `info registers` of CPU number `cpu`.
pub fn registers(board: &AnyBoard, cpu: usize, text: &mut String) {
    match board {
        AnyBoard::Pc(board) => x86_64::registers::show(board, cpu, text),
        AnyBoard::Virt(board) => riscv64::registers::show(board, cpu, text),
    }
}

/// The register of CPU number `cpu` with this name.
pub fn register(board: &AnyBoard, cpu: usize, name: &str) -> Option<u64> {
    match board {
        AnyBoard::Pc(board) => x86_64::registers::value(&board.harts[cpu], name),
        AnyBoard::Virt(board) => riscv64::registers::value(&board.harts[cpu], name),
    }
}

/// The instruction at `at`, as CPU number `cpu` would execute it.
pub fn read(board: &AnyBoard, cpu: usize, at: u64, bytes: &[u8]) -> Read {
    match board {
        AnyBoard::Pc(board) => x86_64::code::read(&board.harts[cpu], at, bytes),
        AnyBoard::Virt(_) => riscv64::code::read(at, bytes),
    }
}

/// How many bytes an instruction usually has at most.
pub const fn columns(board: &AnyBoard) -> usize {
    match board {
        AnyBoard::Pc(_) => x86_64::code::USUAL,
        AnyBoard::Virt(_) => riscv64::code::USUAL,
    }
}

/// The subjects of `info` that the instruction sets do not share, with what each shows.
pub const fn subjects(board: &AnyBoard) -> &'static [(&'static str, &'static str)] {
    match board {
        AnyBoard::Pc(_) => &[
            (
                "pic",
                "the interrupt controllers' registers: IOAPIC and 8259 pair",
            ),
            ("lapic", "the CPU's own interrupt controller"),
        ],
        AnyBoard::Virt(_) => &[
            ("pic", "the interrupt controller's registers: PLIC"),
            ("clint", "the CPUs' timers and software interrupts"),
        ],
    }
}

/// The subjects of `info` that are the instruction set's; whether `what` is one.
pub fn info(what: &str, view: &View<'_, '_>, text: &mut String) -> bool {
    let (cpu, now) = (view.cpu, view.guest.machine.now());
    match (&view.guest.machine.board, what) {
        (AnyBoard::Pc(board), "tlb") => x86_64::paging::tlb(board, cpu, text),
        (AnyBoard::Pc(board), "mem") => x86_64::paging::mem(board, cpu, text),
        (AnyBoard::Pc(board), "irq") => x86_64::interrupts::irq(board, cpu, now, text),
        (AnyBoard::Pc(board), "pic") => x86_64::interrupts::pic(board, text),
        (AnyBoard::Pc(board), "lapic") => x86_64::interrupts::lapic(board, cpu, now, text),
        (AnyBoard::Virt(board), "tlb") => riscv64::paging::tlb(board, cpu, text),
        (AnyBoard::Virt(board), "mem") => riscv64::paging::mem(board, cpu, text),
        (AnyBoard::Virt(board), "irq") => riscv64::interrupts::irq(board, cpu, now, text),
        (AnyBoard::Virt(board), "pic") => riscv64::interrupts::pic(board, text),
        (AnyBoard::Virt(board), "clint") => riscv64::interrupts::clint(board, now, text),
        _ => return false,
    }
    true
}
