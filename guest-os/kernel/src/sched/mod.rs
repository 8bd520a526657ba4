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

use core::ffi::c_char;
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

/// Why a process gives way. Numbers are those of `abi::probe::REASONS`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Reason {
    /// Its time slice is over.
    Preempted = 0,
    /// It asked for that.
    Yielded = 1,
    /// It sleeps; or it was woken meanwhile and is in a queue already.
    Blocked = 2,
    /// It has ended.
    Exited = 3,
    /// It has stopped; or it was continued meanwhile and is in a queue already.
    Stopped = 4,
    /// It is the idle process, which is in no queue.
    Idle = 5,
}

impl Reason {
    /// How it enters the queue to wait for its next turn, if it does.
    fn requeue(self) -> Option<Cause> {
        match self {
            Reason::Preempted => Some(Cause::Preempted),
            Reason::Yielded => Some(Cause::Yielded),
            _ => None,
        }
    }
}

/// The `wait` of a process that waits for nothing.
const NOTHING: *const c_char = c"".as_ptr();

/// Gives way until somebody wakes the current process, which has declared itself asleep. The caller has kept
/// interrupts off since, by exactly one `IrqGuard`.
pub fn block() {
    switch(Reason::Blocked, current().wait_text());
}

/// Gives way until somebody continues the current process, which has declared itself stopped. Called like
/// `block`.
pub fn stop() {
    switch(Reason::Stopped, NOTHING);
}

/// Gives way for good: the current process has declared itself a zombie. Called like `block`.
pub fn end() -> ! {
    switch(Reason::Exited, NOTHING);
    unreachable!("a zombie runs")
}

/// Lets others run, if there are any.
pub fn yield_now() {
    let _irq = IrqGuard::new();
    switch(Reason::Yielded, NOTHING);
}

/// Whether the running process should give way.
pub fn wants_to_switch() -> bool {
    CPUS[cpu_id()].need_resched.load(Ordering::Relaxed)
}

/// Gives way if the time slice is over: called before a return to user mode.
pub fn preempt_if_needed() {
    if wants_to_switch() {
        let _irq = IrqGuard::new();
        switch(Reason::Preempted, NOTHING);
    }
}

fn switch(reason: Reason, wait: *const c_char) {
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
    if let Some(cause) = reason.requeue() {
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
        prev.state(),
        reason,
        wait,
        next.pid,
        next.comm_text()
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
    let stolen = CPUS[victim].queue().lock().steal(this)?;
    crate::probe!(sched_migrate_task, stolen.pid, victim, this);
    Some(stolen)
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
        let _ = timer::sleep_until(now_ns() + 1, c"migration");
    }
}

/// Makes a sleeping process runnable; one that does not sleep stays as it is.
pub fn wake(process: &Arc<Process>) {
    if process.try_wake(true) {
        enqueue_woken(process);
    }
}

/// The same, but leaves a process alone whose sleep signals do not end.
pub fn wake_interruptible(process: &Arc<Process>) {
    if process.try_wake(false) {
        enqueue_woken(process);
    }
}

/// Puts a process that is runnable for the first time on a queue.
pub fn enqueue_new(process: &Arc<Process>) {
    let _irq = IrqGuard::new();
    let target = place(process);
    crate::probe!(sched_wakeup_new, process.pid, target, current().pid);
    enqueue(process, target, Cause::New);
}

/// Puts a process that is runnable again, after a sleep or a stop, on a queue.
pub fn enqueue_woken(process: &Arc<Process>) {
    let _irq = IrqGuard::new();
    let target = place(process);
    crate::probe!(
        sched_wakeup,
        process.pid,
        target,
        current().pid,
        process.wait_text(),
        percpu::in_interrupt()
    );
    enqueue(process, target, Cause::Woken);
}

fn enqueue(process: &Arc<Process>, target: usize, cause: Cause) {
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
    let other = all
        .clone()
        .find(|&c| allowed(c) && CPUS[c].has_nothing_to_do());
    let other = match other {
        None if allowed(home) => return home,
        None => all.clone().find(|&c| allowed(c)).unwrap_or(home),
        Some(idle) => idle,
    };
    crate::probe!(sched_migrate_task, process.pid, home, other);
    other
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
    let (this, running) = (cpu_id(), current().pid);
    crate::probe!(timer_tick, this, running);
    let cpu = &CPUS[this];
    timer::ring(cpu);
    if cpu.queue().lock().slice_is_over(running, now_ns()) {
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
        let _irq = IrqGuard::new();
        switch(Reason::Idle, NOTHING);
    }
}
