//! The scheduler: which process runs on which CPU, and how one gives way to another.
//!
//! # States
//!
//! ```text
//!   new --> runnable <--- picked, preempted ---> running ---> zombie
//!              ^                                   |   |
//!              +---- wake ------ sleeping <- block +   |
//!              +---- SIGCONT --- stopped <- signal ----+
//! ```
//!
//! Each CPU has a run queue and an idle process that runs when the queue is empty. `block` and `yield_now`
//! go straight from one process to the next on the current CPU. The kernel is not preempted in kernel
//! mode: a process gives way when it sleeps, or on its way back to user mode when its time is up.
//!
//! # Handing a process from CPU to CPU
//!
//! A sleeper may be woken before it has left its CPU. `Process::on_cpu` stays true until its registers are
//! saved (`finish_switch`, run by whoever comes next). A waker that sees it true puts the process on the queue
//! of that same CPU, which cannot pick it before it has left; one that sees it false may choose any CPU. An
//! idle CPU that steals skips processes with `on_cpu` true. So no CPU ever waits for another one here.
//!
//! # Time
//!
//! There is no periodic tick. The timer of a CPU is set for the earlier of the next alarm (`timer`) and the
//! end of the running process's time slice, and the latter only if somebody else waits in the queue. An idle
//! machine sleeps until something is due.

pub mod cpu;
mod queue;
pub mod timer;

use core::sync::atomic::Ordering;

use alloc::sync::Arc;
use kcore::runqueue::Cause;

use crate::arch::percpu::{self, cpu_id};
use crate::arch::{context, smp};
use crate::proc::{Process, State};
use crate::sync::{IrqGuard, current, enter};
use crate::time::now_ns;

pub use cpu::{CPUS, online_cpus};
pub use kcore::runqueue::TIME_SLICE;

/// CPUs there is room for.
pub const MAX_CPUS: usize = 8;

/// What becomes of the process that gives way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leave {
    /// It waits for its next turn in the queue.
    Runnable(Cause),
    /// It sleeps, has stopped, or has ended; or it was woken meanwhile and is in a queue already.
    Blocked,
}

/// Gives way until somebody wakes the current process, which has declared itself asleep. The caller has kept
/// interrupts off since, by exactly one `IrqGuard`.
pub fn block() {
    switch(Leave::Blocked);
}

/// Lets others run, if there are any.
pub fn yield_now() {
    let _irq = IrqGuard::new();
    switch(Leave::Runnable(Cause::Yielded));
}

/// Whether the running process should give way.
pub fn wants_to_switch() -> bool {
    CPUS[cpu_id()].need_resched.load(Ordering::Relaxed)
}

/// Gives way if the time slice is over: called before a return to user mode.
pub fn preempt_if_needed() {
    if wants_to_switch() {
        let _irq = IrqGuard::new();
        switch(Leave::Runnable(Cause::Preempted));
    }
}

fn switch(leave: Leave) {
    assert!(
        percpu::irq_off_depth() == 1,
        "a process may not sleep while it holds a spin lock"
    );
    let this = cpu_id();
    let cpu = &CPUS[this];
    let prev = current();
    let now = now_ns();
    cpu.need_resched.store(false, Ordering::Relaxed);

    let mut queue = cpu.queue().lock();
    if let Leave::Runnable(cause) = leave
        && !prev.is_idle()
    {
        prev.set_state(State::Runnable);
        queue.push(prev.arc(), cause, now);
    }
    let next = queue.pop(now);
    drop(queue);
    let next = next
        .or_else(|| steal(this))
        .unwrap_or_else(|| cpu.idle().clone());

    cpu.is_idle.store(next.is_idle(), Ordering::Relaxed);
    prev.add_cpu_time(now - cpu.slice_start.swap(now, Ordering::Relaxed));
    if core::ptr::eq(&*next, &*prev) {
        next.set_state(State::Running);
        timer::rearm();
        return;
    }
    crate::probe!(
        sched_switch,
        prev.pid,
        prev.state() as u64,
        0,
        c"".as_ptr() as usize,
        next.pid,
        next.comm_address()
    );
    next.set_state(State::Running);
    next.cpu.store(this, Ordering::Relaxed);
    next.on_cpu.store(true, Ordering::Relaxed);
    next.enter_space(&prev);
    enter(&next);
    timer::rearm();

    let was_on = percpu::swap_irq_was_on(false);
    // The CPU keeps `next` alive while it runs, and `prev` until it has left.
    *cpu.leaving.lock() = cpu.running.lock().replace(next);
    context::switch(&prev.context, &current().context);
    finish_switch();
    percpu::swap_irq_was_on(was_on);
}

/// The first thing after a switch, in the process switched to: lets go of the one that left.
pub fn finish_switch() {
    let left = CPUS[cpu_id()].leaving.lock().take();
    if let Some(left) = left {
        left.on_cpu.store(false, Ordering::Release);
    }
}

/// Takes a waiting process from the longest queue of another CPU.
fn steal(this: usize) -> Option<Arc<Process>> {
    let others = (0..online_cpus()).filter(|&c| c != this);
    let victim = others
        .max_by_key(|&c| CPUS[c].queue_length())
        .filter(|&c| CPUS[c].queue_length() > 0)?;
    CPUS[victim].queue().lock().steal(this)
}

/// How long the running process has had its CPU, in nanoseconds.
pub fn time_in_slice() -> u64 {
    let _irq = IrqGuard::new();
    now_ns() - CPUS[cpu_id()].slice_start.load(Ordering::Relaxed)
}

/// Adds what the running process has had of its CPU to its account now, because it ends.
pub fn settle_account() {
    let _irq = IrqGuard::new();
    let now = now_ns();
    let start = CPUS[cpu_id()].slice_start.swap(now, Ordering::Relaxed);
    current().add_cpu_time(now - start);
}

/// Takes the running process to another CPU, if it may not be on this one any more.
pub fn move_if_needed() {
    let me = current();
    if !me.may_run_on(cpu_id()) {
        // Its next wake-up chooses a CPU it may run on; a moment's sleep brings that about.
        let _ = timer::sleep_until(now_ns() + 1);
    }
}

/// Makes a sleeping process runnable; one that does not sleep stays as it is.
pub fn wake(process: &Arc<Process>) {
    if process.try_wake(true) {
        enqueue(process, Cause::Woken);
    }
}

/// The same, but leaves a process alone whose sleep signals do not end.
pub fn wake_interruptible(process: &Arc<Process>) {
    if process.try_wake(false) {
        enqueue(process, Cause::Woken);
    }
}

/// Puts a runnable process on a queue.
pub fn enqueue(process: &Arc<Process>, cause: Cause) {
    let _irq = IrqGuard::new();
    let target = place(process);
    crate::probe!(
        sched_wakeup,
        process.pid,
        target,
        current().pid,
        c"".as_ptr() as usize,
        0
    );
    CPUS[target]
        .queue()
        .lock()
        .push(process.clone(), cause, now_ns());
    if target == cpu_id() {
        timer::rearm();
    } else {
        smp::send_reschedule(target);
    }
}

/// The CPU for a process that has become runnable: the one it ran on, if that has nothing else to do or is
/// still leaving it; else an idle one; else the one it ran on.
fn place(process: &Process) -> usize {
    let home = process.cpu.load(Ordering::Relaxed);
    let allowed = |c: usize| process.may_run_on(c);
    if process.on_cpu.load(Ordering::Acquire) || (allowed(home) && CPUS[home].has_nothing_to_do()) {
        return home;
    }
    let all = 0..online_cpus();
    all.clone()
        .find(|&c| allowed(c) && CPUS[c].has_nothing_to_do())
        .or_else(|| allowed(home).then_some(home))
        .or_else(|| all.clone().find(|&c| allowed(c)))
        .unwrap_or(home)
}

/// Interrupts the CPU that runs `process`, so that it comes through the kernel and sees its signals.
pub fn poke(process: &Process) {
    let cpu = process.cpu.load(Ordering::Relaxed);
    if cpu != cpu_id() {
        smp::send_reschedule(cpu);
    }
}

/// Another CPU has put something on this one's queue.
pub fn reschedule_interrupt() {
    timer::rearm();
}

/// This CPU's timer has gone off: alarms may be due, or the time slice is over.
pub fn timer_interrupt() {
    let cpu = &CPUS[cpu_id()];
    timer::ring(cpu);
    if cpu.queue().lock().slice_is_over(current().pid, now_ns()) {
        cpu.need_resched.store(true, Ordering::Relaxed);
    }
    timer::rearm();
}

/// What an idle CPU does, for ever: run what comes, and halt while nothing does.
pub fn idle() -> ! {
    loop {
        let irq = IrqGuard::new();
        if CPUS[cpu_id()].queue_length() == 0 {
            crate::arch::cpu::wait_for_interrupt();
        }
        drop(irq);
        yield_now();
    }
}
