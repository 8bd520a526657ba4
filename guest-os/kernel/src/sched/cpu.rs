//! What the scheduler knows of each CPU.

use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use kcore::runqueue;

use super::MAX_CPUS;
use super::queue::RunQueue;
use super::timer::{AlarmKey, Purpose};
use crate::arch::percpu::cpu_id;
use crate::boot_params::options;
use crate::proc::Process;
use crate::sync::{Once, SpinLock, enter};
use crate::time::now_ns;

/// Scheduler state of one CPU.
pub struct Cpu {
    queue: Once<SpinLock<RunQueue>>,
    length: AtomicUsize,
    idle: Once<Arc<Process>>,

    // Touched by this CPU alone; the locks are a formality.
    /// Keeps the running process alive.
    pub(super) running: SpinLock<Option<Arc<Process>>>,
    /// Keeps a process alive until its registers are saved.
    pub(super) leaving: SpinLock<Option<Arc<Process>>>,

    /// The running process should give way before it goes back to user mode.
    pub(super) need_resched: AtomicBool,
    /// Whether the idle process runs.
    pub(super) is_idle: AtomicBool,
    /// When the running process got the CPU.
    pub(super) slice_start: AtomicU64,

    /// What to do at a time.
    pub(super) alarms: SpinLock<BTreeMap<AlarmKey, Purpose>>,
    /// What the hardware timer is set for; `u64::MAX` for nothing.
    pub(super) armed: AtomicU64,
}

/// Every CPU, by number.
pub static CPUS: [Cpu; MAX_CPUS] = [const {
    Cpu {
        queue: Once::new(),
        length: AtomicUsize::new(0),
        idle: Once::new(),
        running: SpinLock::new(c"running", None),
        leaving: SpinLock::new(c"leaving", None),
        need_resched: AtomicBool::new(false),
        is_idle: AtomicBool::new(false),
        slice_start: AtomicU64::new(0),
        alarms: SpinLock::new(c"alarms", BTreeMap::new()),
        armed: AtomicU64::new(u64::MAX),
    }
}; MAX_CPUS];

static ONLINE: AtomicUsize = AtomicUsize::new(0);

/// CPUs that run, numbered from 0.
pub fn online_cpus() -> usize {
    ONLINE.load(Ordering::Acquire)
}

/// The calling CPU joins in: what runs now becomes its idle process. The command line names the scheduling
/// policy; an unknown name means round robin.
pub fn init() {
    let this = cpu_id();
    let cpu = &CPUS[this];
    let policy = runqueue::by_name(&options().policy)
        .unwrap_or_else(|| alloc::boxed::Box::<runqueue::RoundRobin>::default());
    cpu.queue.set(SpinLock::new(
        c"run_queue",
        RunQueue::new(policy, &CPUS[this].length),
    ));
    let idle = Process::new_idle(this);
    enter(&idle);
    *cpu.running.lock() = Some(idle.clone());
    cpu.idle.set(idle);
    cpu.is_idle.store(true, Ordering::Relaxed);
    ONLINE.fetch_add(1, Ordering::Release);
}

impl Cpu {
    /// The run queue.
    pub(super) fn queue(&self) -> &SpinLock<RunQueue> {
        self.queue.get().expect("the CPU is online")
    }

    /// The idle process.
    pub(super) fn idle(&self) -> &Arc<Process> {
        self.idle.get().expect("the CPU is online")
    }

    /// How many processes wait in the queue.
    pub fn queue_length(&self) -> usize {
        self.length.load(Ordering::Relaxed)
    }

    /// Nanoseconds for which the CPU had nothing to do.
    pub fn idle_time(&self) -> u64 {
        let since = self.slice_start.load(Ordering::Relaxed);
        let present = if self.is_idle.load(Ordering::Relaxed) {
            now_ns().saturating_sub(since)
        } else {
            0
        };
        self.idle().cpu_time.load(Ordering::Relaxed) + present
    }

    /// Whether the CPU idles and nothing has been put on its queue.
    pub fn has_nothing_to_do(&self) -> bool {
        self.is_idle.load(Ordering::Relaxed) && self.queue_length() == 0
    }

    /// A process that ran here has ended.
    pub fn forget(&self, process: &Process) {
        self.queue().lock().forget(process.pid);
    }
}
