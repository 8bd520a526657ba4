//! Alarms: waking a process, sending it a signal or looking after a device at a time, and setting the hardware timer
//! for what comes next.

use core::ffi::CStr;
use core::sync::atomic::{AtomicU64, Ordering};

use abi::Errno;
use abi::signal::SIGALRM;
use alloc::sync::Arc;

use super::cpu::Cpu;
use super::{CPUS, TIME_SLICE};
use crate::arch::percpu::cpu_id;
use crate::arch::timer;
use crate::proc::{Process, signal};
use crate::sync::{IrqGuard, current};
use crate::time::now_ns;

/// Time of an alarm, and a number that tells alarms of one time apart.
pub type AlarmKey = (u64, u64);

static SEQUENCE: AtomicU64 = AtomicU64::new(0);

/// The timer is never set for less than this, in nanoseconds: what it interrupts must get on between two
/// interrupts, whatever is due.
const MIN_DELAY: u64 = 1_000;

/// What an alarm does.
pub enum Purpose {
    /// Ends the interruptible sleep of a process, if it sleeps.
    Wake(Arc<Process>),
    /// Sends a process SIGALRM, and again each time so many nanoseconds have passed, unless 0.
    Ring(Arc<Process>, u64),
    /// Has a driver look after its device, in the interrupt handler.
    Look(Arc<dyn Fn() + Send + Sync>),
}

/// A promise to do something at a time, on the CPU where it was made.
pub struct Alarm {
    key: AlarmKey,
    /// After how many nanoseconds it rings again; 0 for never.
    interval: u64,
    cpu: usize,
}

impl Alarm {
    /// Wakes the current process at `deadline` if it sleeps interruptibly then.
    pub fn set(deadline: u64) -> Alarm {
        Self::with_purpose(Purpose::Wake(current().arc()), deadline)
    }

    /// Does `purpose` at `deadline`.
    pub fn with_purpose(purpose: Purpose, deadline: u64) -> Alarm {
        let _irq = IrqGuard::new();
        let interval = match purpose {
            Purpose::Ring(_, interval) => interval,
            _ => 0,
        };
        let alarm = Alarm {
            interval,
            key: (deadline, SEQUENCE.fetch_add(1, Ordering::Relaxed)),
            cpu: cpu_id(),
        };
        CPUS[alarm.cpu].alarms.lock().insert(alarm.key, purpose);
        rearm();
        alarm
    }

    /// When it rings.
    pub fn deadline(&self) -> u64 {
        self.key.0
    }

    /// After how many nanoseconds it rings again; 0 for never.
    pub fn interval(&self) -> u64 {
        self.interval
    }

    /// Takes the alarm back, if it has not rung yet.
    pub fn cancel(self) {
        let purpose = CPUS[self.cpu].alarms.lock().remove(&self.key);
        drop(purpose);
    }
}

/// Does everything whose time has come on this CPU.
pub(super) fn ring(cpu: &Cpu) {
    cpu.armed.store(u64::MAX, Ordering::Relaxed);
    let now = now_ns();
    loop {
        let mut alarms = cpu.alarms.lock();
        let due = alarms
            .first_entry()
            .filter(|first| first.key().0 <= now)
            .map(|first| first.remove_entry());
        drop(alarms);
        let Some((key, purpose)) = due else { return };
        match purpose {
            Purpose::Wake(process) => super::wake_interruptible(&process),
            Purpose::Ring(process, interval) => {
                signal::send(&process, SIGALRM, signal::Origin::Kernel);
                ring_again(process, key, interval);
            }
            Purpose::Look(look) => look(),
        }
    }
}

/// Sets the alarm of a process that has just rung once more, unless it has been replaced meanwhile. What was missed is
/// not made up for.
fn ring_again(process: Arc<Process>, rang: AlarmKey, interval: u64) {
    let mut alarm = process.alarm.lock();
    if interval > 0 && alarm.as_ref().is_some_and(|alarm| alarm.key == rang) {
        let late = now_ns().saturating_sub(rang.0);
        let next = rang.0 + (late / interval + 1) * interval;
        let purpose = Purpose::Ring(process.clone(), interval);
        *alarm = Some(Alarm::with_purpose(purpose, next));
    }
}

/// Sets this CPU's timer for the next thing that is due, unless it is set for that time or an earlier one.
/// (An interrupt too early does no harm: it sets the timer again.) A slice that is over needs no timer: the
/// process gives way on its way to user mode.
pub(super) fn rearm() {
    let cpu = &CPUS[cpu_id()];
    let alarm = cpu.alarms.lock().first_key_value().map(|(key, _)| key.0);
    let is_sliced = cpu.queue_length() > 0
        && !cpu.is_idle.load(Ordering::Relaxed)
        && !cpu.need_resched.load(Ordering::Relaxed);
    let slice = is_sliced.then(|| cpu.slice_start.load(Ordering::Relaxed) + TIME_SLICE);
    let Some(due) = alarm.into_iter().chain(slice).min() else {
        return;
    };
    let due = due.max(now_ns() + MIN_DELAY);
    if due < cpu.armed.load(Ordering::Relaxed) {
        cpu.armed.store(due, Ordering::Relaxed);
        timer::set_deadline(due);
    }
}

/// Sleeps until `deadline`, for the reason that `wait` names; `ERESTARTSYS` if a signal must be handled before.
pub fn sleep_until(deadline: u64, wait: &'static CStr) -> Result<(), Errno> {
    let me = current();
    while now_ns() < deadline {
        let irq = IrqGuard::new();
        me.prepare_to_sleep(true, wait);
        // With interrupts off, so it cannot ring before the process has left the CPU.
        let alarm = Alarm::set(deadline);
        if !(me.has_signal() && me.cancel_sleep()) {
            super::block();
        }
        drop(irq);
        alarm.cancel();
        if me.has_signal() {
            return Err(Errno::ERESTARTSYS);
        }
    }
    Ok(())
}
