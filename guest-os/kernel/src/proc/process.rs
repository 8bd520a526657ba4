//! The process structure.

use core::ffi::{CStr, c_char};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering};

use abi::Errno;
use alloc::string::String;
use alloc::sync::{Arc, Weak};

use super::Pid;
use super::signal::Signals;
use crate::arch::context::{Context, Entry};
use crate::arch::trap::TrapFrame;
use crate::fs::context::FileContext;
use crate::fs::descriptors::DescriptorTable;
use crate::mm::kstack::KernelStack;
use crate::mm::space::AddressSpace;
use crate::sched::online_cpus;
use crate::sched::timer::Alarm;
use crate::sync::{SpinLock, WaitQueue};

/// What a process is doing. Numbers are those of `abi::probe::STATES`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    /// Being made.
    New = 0,
    /// In a run queue.
    Runnable = 1,
    /// On a CPU.
    Running = 2,
    /// Waiting for something.
    Sleeping = 3,
    /// Stopped by a signal.
    Stopped = 4,
    /// Ended; its parent has not asked yet.
    Zombie = 5,
}

impl State {
    const ALL: [State; 6] = [
        State::New,
        State::Runnable,
        State::Running,
        State::Sleeping,
        State::Stopped,
        State::Zombie,
    ];

    /// Letter in /proc/<pid>/stat and ps.
    pub fn letter(self) -> char {
        ['R', 'R', 'R', 'S', 'T', 'Z'][self as usize]
    }
}

/// Longest short name, without its NUL.
const COMM_LEN: usize = 15;

/// A process.
pub struct Process {
    /// Its number; 0 for the idle processes.
    pub pid: Pid,
    me: Weak<Process>,
    name: SpinLock<[u8; COMM_LEN + 1]>,

    // The scheduler's (protocol: sched/mod.rs).
    state: AtomicU8,
    /// Whether signals end the present sleep.
    interruptible: AtomicBool,
    /// What it waits for, or waited for last: NUL-terminated, for probes.
    wait: AtomicPtr<c_char>,
    /// Whether its registers are on some CPU rather than in `context`.
    pub on_cpu: AtomicBool,
    /// CPU it runs on, or ran on last.
    pub cpu: AtomicUsize,
    /// CPUs it may run on, a bit each.
    pub affinity: AtomicU64,
    /// Nanoseconds of CPU time.
    pub cpu_time: AtomicU64,
    /// When it was made, as `time::now_ns` counts.
    pub started: u64,
    /// Saved registers.
    pub context: Context,
    stack: SpinLock<Option<KernelStack>>,

    // Replaced by the process itself only.
    space: SpinLock<Option<Arc<AddressSpace>>>,

    /// Open files by number.
    pub files: SpinLock<DescriptorTable>,
    /// Working directory and umask.
    pub file_context: SpinLock<FileContext>,

    /// Signals: pending, blocked, actions.
    pub signals: Signals,
    /// The alarm of alarm(2), if one is set.
    pub alarm: SpinLock<Option<Alarm>>,
    /// Woken when a child changes its state; the condition is under the process table's lock.
    pub children_changed: WaitQueue,
    /// Woken when the process has let go of the address space it borrowed from its parent (vfork).
    pub vfork_done: WaitQueue,
    /// Whether the parent still waits for that.
    pub vfork_pending: SpinLock<bool>,
    /// Where the child of a clone(2) stores its number when it starts; 0 for nowhere.
    pub set_child_tid: SpinLock<usize>,
    /// Where in user memory the arguments lie, for /proc/<pid>/cmdline.
    arguments: SpinLock<(usize, usize)>,
}

impl Process {
    /// The idle process of a CPU, which is running already.
    pub fn new_idle(cpu: usize) -> Arc<Process> {
        let idle = Self::build(0, Context::empty(), None, Signals::new());
        idle.set_name(b"idle");
        idle.state.store(State::Running as u8, Ordering::Relaxed);
        idle.on_cpu.store(true, Ordering::Relaxed);
        idle.cpu.store(cpu, Ordering::Relaxed);
        idle
    }

    /// A new process that will call `entry` with a copy of `frame` on its kernel stack.
    pub fn new(
        pid: Pid,
        frame: &TrapFrame,
        entry: Entry,
        parent: Option<&Process>,
    ) -> Result<Arc<Process>, Errno> {
        let stack = KernelStack::new()?;
        let mut context = Context::new(stack.top(), frame, entry);
        let signals = match parent {
            Some(parent) => {
                context.inherit(&parent.context);
                parent.signals.fork()
            }
            None => Signals::new(),
        };
        let process = Self::build(pid, context, Some(stack), signals);
        if let Some(parent) = parent {
            *process.name.lock() = *parent.name.lock();
            *process.files.lock() = parent.files.lock().fork();
            *process.file_context.lock() = parent.file_context.lock().clone();
            process
                .affinity
                .store(parent.affinity.load(Ordering::Relaxed), Ordering::Relaxed);
            process
                .cpu
                .store(parent.cpu.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        Ok(process)
    }

    fn build(
        pid: Pid,
        context: Context,
        stack: Option<KernelStack>,
        signals: Signals,
    ) -> Arc<Process> {
        Arc::new_cyclic(|me| Process {
            pid,
            me: me.clone(),
            name: SpinLock::new(c"comm", [0; COMM_LEN + 1]),
            state: AtomicU8::new(State::New as u8),
            interruptible: AtomicBool::new(false),
            wait: AtomicPtr::new(c"".as_ptr().cast_mut()),
            on_cpu: AtomicBool::new(false),
            cpu: AtomicUsize::new(0),
            affinity: AtomicU64::new(u64::MAX),
            cpu_time: AtomicU64::new(0),
            started: crate::time::now_ns(),
            context,
            stack: SpinLock::new(c"kernel_stack", stack),
            space: SpinLock::new(c"process_space", None),
            files: SpinLock::new(c"files", DescriptorTable::new()),
            file_context: SpinLock::new(c"file_context", FileContext::new()),
            signals,
            alarm: SpinLock::new(c"alarm", None),
            children_changed: WaitQueue::new(c"wait4"),
            vfork_done: WaitQueue::new(c"vfork"),
            vfork_pending: SpinLock::new(c"vfork", false),
            set_child_tid: SpinLock::new(c"set_child_tid", 0),
            arguments: SpinLock::new(c"arguments", (0, 0)),
        })
    }

    /// A counted reference.
    pub fn arc(&self) -> Arc<Process> {
        self.me
            .upgrade()
            .expect("whoever can name a process keeps it alive")
    }

    /// Whether this is the idle process of some CPU.
    pub fn is_idle(&self) -> bool {
        self.pid == 0
    }

    /// The short name: the file name of the program.
    pub fn comm(&self) -> String {
        let name = self.name.lock();
        let len = name
            .iter()
            .position(|byte| *byte == 0)
            .unwrap_or(name.len());
        String::from_utf8_lossy(&name[..len]).into_owned()
    }

    /// The short name as NUL-terminated text, for probes.
    pub fn comm_text(&self) -> *const c_char {
        self.name.as_ptr().cast()
    }

    /// Sets the short name, cut to what fits.
    pub fn set_name(&self, name: &[u8]) {
        let mut short = [0; COMM_LEN + 1];
        let len = name.len().min(COMM_LEN);
        short[..len].copy_from_slice(&name[..len]);
        *self.name.lock() = short;
    }

    // State.

    /// What it is doing.
    pub fn state(&self) -> State {
        State::ALL[usize::from(self.state.load(Ordering::Acquire))]
    }

    /// Changes the state; for the scheduler and for the process itself.
    pub fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Release);
    }

    fn change_state(&self, from: State, to: State) -> bool {
        self.state
            .compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// The running process declares itself asleep, waiting for what `wait` names. From now on it can be woken; it
    /// must call `sched::block` or `cancel_sleep` before anything else that sleeps, with interrupts off all the
    /// while.
    pub fn prepare_to_sleep(&self, interruptible: bool, wait: &'static CStr) {
        self.interruptible.store(interruptible, Ordering::Relaxed);
        self.set_wait(wait);
        // Before the change, so that no wakeup is told of before the sleep.
        crate::probe!(sched_sleep, self.pid, wait.as_ptr());
        // A full barrier: whoever sends a signal now either sees a sleeper, or is seen by the check for
        // signals that comes next.
        self.state.swap(State::Sleeping as u8, Ordering::SeqCst);
    }

    /// The running process is about to wait for what `wait` names.
    pub fn set_wait(&self, wait: &'static CStr) {
        self.wait.store(wait.as_ptr().cast_mut(), Ordering::Relaxed);
    }

    /// What it waits for, or waited for last, as NUL-terminated text.
    pub fn wait_text(&self) -> *const c_char {
        self.wait.load(Ordering::Relaxed)
    }

    /// Takes `prepare_to_sleep` back. False if somebody has woken the process already: it is in a run queue, and
    /// must call `sched::block` to come out of it.
    pub fn cancel_sleep(&self) -> bool {
        self.change_state(State::Sleeping, State::Running)
    }

    /// Makes it runnable if it sleeps; `any` includes sleeps that signals do not end. True if it must be
    /// put on a run queue.
    pub fn try_wake(&self, any: bool) -> bool {
        (any || self.interruptible.load(Ordering::Acquire))
            && self.change_state(State::Sleeping, State::Runnable)
    }

    /// Makes it runnable if it is stopped. True if it must be put on a run queue.
    pub fn try_continue(&self) -> bool {
        self.change_state(State::Stopped, State::Runnable)
    }

    /// Whether a signal waits that must be acted upon.
    pub fn has_signal(&self) -> bool {
        self.signals.is_deliverable()
    }

    /// Whether it may run on this CPU.
    pub fn may_run_on(&self, cpu: usize) -> bool {
        let affinity = self.affinity.load(Ordering::Relaxed);
        // A mask that names no CPU there is would strand the process.
        affinity >> cpu & 1 != 0 || affinity & ((1 << online_cpus()) - 1) == 0
    }

    /// Adds to its CPU time.
    pub fn add_cpu_time(&self, nanos: u64) {
        self.cpu_time.fetch_add(nanos, Ordering::Relaxed);
    }

    // Memory.

    /// Its address space, if it has one.
    pub fn space(&self) -> Option<Arc<AddressSpace>> {
        self.space.lock().clone()
    }

    /// Gives a process that does not run its address space.
    pub fn give_space(&self, space: Arc<AddressSpace>) {
        *self.space.lock() = Some(space);
    }

    /// Exchanges the address space of the running process, and gives the old one, which this CPU has left.
    pub fn replace_space(&self, space: Option<Arc<AddressSpace>>) -> Option<Arc<AddressSpace>> {
        let mut mine = self.space.lock();
        if let Some(old) = &*mine {
            old.leave();
        }
        match &space {
            Some(new) => new.enter(),
            None => crate::mm::page_table::activate_kernel(),
        }
        core::mem::replace(&mut *mine, space)
    }

    /// The CPU goes from `previous` to this process: it changes address spaces with it.
    pub fn enter_space(&self, previous: &Process) {
        let old = previous.space.lock();
        if let Some(old) = &*old {
            old.leave();
        }
        drop(old);
        match &*self.space.lock() {
            Some(new) => new.enter(),
            None => crate::mm::page_table::activate_kernel(),
        }
    }

    /// Its CPU time up to now, if it is the running process.
    pub fn cpu_time_now(&self) -> u64 {
        self.cpu_time.load(Ordering::Relaxed) + crate::sched::time_in_slice()
    }

    /// Where in its memory the program's arguments lie.
    pub fn arguments(&self) -> (usize, usize) {
        *self.arguments.lock()
    }

    /// Sets that.
    pub fn set_arguments(&self, start: usize, end: usize) {
        *self.arguments.lock() = (start, end);
    }

    /// Gives the kernel stack of an ended process back, once it has left it for good.
    pub fn release_stack(&self) {
        while self.on_cpu.load(Ordering::Acquire) {
            core::hint::spin_loop();
        }
        drop(self.stack.lock().take());
    }
}
