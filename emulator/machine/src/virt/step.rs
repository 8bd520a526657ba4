//! What is RISC-V's own in a hart's turn: interrupts in, traps out, calls to the built-in SBI.

use super::Virt;
use super::chips::Chips;
use super::sbi;
use crate::outcome::Outcome;
use base::{Bus, Observer, Time};
use cpu::riscv64::csr::interrupt;
use cpu::riscv64::trap::cause;
use cpu::riscv64::{Activity, Hart, Trap};

/// Enters the handler that a trap asks for, or answers S-mode's call; says how many instructions that completes.
pub(super) fn trap<O: Observer>(
    virt: &mut Virt,
    cpu: usize,
    trap: Trap,
    observer: &mut O,
) -> Result<u64, Outcome> {
    let exception = match trap {
        Trap::Exception(exception) => exception,
        Trap::Gap(gap) => return Err(Outcome::Gap { cpu, gap }),
    };
    let hart = &virt.harts[cpu];
    if exception.cause == cause::ECALL_S && hart.sbi && hart.medeleg >> cause::ECALL_S & 1 == 0 {
        let now = virt.chips.now(0);
        return match sbi::call(virt, cpu, now) {
            Some(outcome) => Err(outcome),
            None => Ok(1),
        };
    }
    virt.cpu(cpu, observer).deliver_exception(exception, 0);
    Ok(0)
}

/// Takes a waiting interrupt, if the hart may.
pub(super) fn interrupt<O: Observer>(virt: &mut Virt, cpu: usize, observer: &mut O) {
    let now = virt.chips.now(0);
    let ticks = virt.chips.clint.mtime(now);
    let hart = &mut virt.harts[cpu];
    if hart.activity == Activity::Stopped {
        return;
    }
    if hart.activity == Activity::Waiting && hart.wakes(ticks) {
        hart.activity = Activity::Running;
    }
    if hart.activity != Activity::Running {
        return;
    }
    if let Some(number) = hart.interrupt(ticks) {
        virt.cpu(cpu, observer).deliver_interrupt(number, 0);
        virt.chips.taken(cpu, number);
        virt.settle(now);
    }
}

/// Carries the chips' lines to the harts, and wakes those that wait for what has come.
pub(super) fn follow_lines(chips: &mut Chips, harts: &mut [Hart], now: Time) {
    let ticks = chips.clint.mtime(now);
    let due = |set, (n, hart): (usize, &Hart)| set | u32::from(hart.timer_due(ticks)) << n;
    chips.follow_timers(harts.iter().enumerate().fold(0, due));
    for (n, hart) in harts.iter_mut().enumerate() {
        let own = chips.own_timer(n);
        hart.lines = chips.lines(n) | if own.seen { interrupt::STIP } else { 0 };
        hart.timer_hidden = own.hidden;
        hart.time_offset = chips.clint.offset();
        hart.timer_seen = ticks >= hart.stimecmp;
        if hart.activity == Activity::Waiting && hart.wakes(ticks) {
            hart.activity = Activity::Running;
        }
    }
}
