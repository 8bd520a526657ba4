//! What the kernel tells an observer: probe names and the names of their arguments.
//!
//! The kernel's `probe!(NAME, arguments…)` leaves a `nop` and a SystemTap SDT note; the emulator
//! finds the note's name in [`PROBES`] and so knows what each argument is. Names follow Linux's
//! tracepoints where one exists. All arguments are 64-bit values.
//!
//! Texts are in the kernel's memory, NUL-terminated. What a process waits for, and what locks and
//! interrupts are called, is one word, such as `pipe_read`, `wait4` or `run_queue`; who waits for a lock
//! that lets him sleep waits for its name.

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A decimal number, signed.
    Int,
    /// A signed number, negative ones being errors.
    Result,
    /// A process id.
    Pid,
    /// A CPU's index.
    Cpu,
    /// A virtual address.
    Addr,
    /// A physical address.
    Phys,
    /// A virtual address of NUL-terminated text.
    Text,
    /// A system-call number.
    Syscall,
    /// A process state, see [`STATES`].
    State,
    /// Why a process left its CPU, see [`REASONS`].
    Reason,
    /// What kind of page fault it was, see [`FAULTS`].
    Fault,
    /// A bit mask.
    Hex,
}

/// One probe: its name and its arguments in order.
#[derive(Debug, PartialEq, Eq)]
pub struct Probe {
    /// The name in the note.
    pub name: &'static str,
    /// What it tells.
    pub doc: &'static str,
    /// Names and kinds of the arguments.
    pub args: &'static [(&'static str, Kind)],
}

impl Probe {
    /// Where the argument with this name is among the arguments.
    pub fn position(&self, argument: &str) -> Option<usize> {
        self.args.iter().position(|(name, _)| *name == argument)
    }
}

/// The provider of Silica's notes.
pub const PROVIDER: &str = "silica";

/// Names of process states, indexed by the value of a `State` argument.
pub const STATES: [&str; 6] = [
    "new", "runnable", "running", "sleeping", "stopped", "zombie",
];

/// Why a process left its CPU, indexed by the value of a `Reason` argument.
pub const REASONS: [&str; 6] = [
    "preempted", // its time slice was over
    "yielded",   // sched_yield(2)
    "blocked",   // it waits for something, which `wait` names
    "exited",    // it has ended
    "stopped",   // a signal stopped it
    "idle",      // the idle process made way for one that has something to do
];

/// Kinds of page faults, indexed by the value of a `Fault` argument. As on Linux a fault that had to wait for
/// the disk is a *major* one (`maj_flt`), whatever else it was, and every other one that was resolved is
/// a minor one (`min_flt`).
pub const FAULTS: [&str; 7] = [
    "minor",    // the page was in memory: in the page cache, or among pages shared with others
    "major",    // the page was read from the disk
    "zero",     // a fresh page of zeros
    "stack",    // the same, and the stack grew to hold it
    "cow",      // a write to a page that is shared until written: copied, or its last sharer's now
    "spurious", // the page was there: another CPU was faster, or this one's TLB was behind
    "bad",      // not resolved: a signal follows, or EFAULT
];

/// The one kind of fault that Linux counts as major.
pub const MAJOR: u64 = 1;

macro_rules! probes {
    ($($name:ident($($arg:ident: $kind:ident),*) $doc:literal;)*) => {
        /// Every probe of the kernel.
        pub const PROBES: &[Probe] = &[$(
            Probe {
                name: stringify!($name),
                doc: $doc,
                args: &[$((stringify!($arg), Kind::$kind)),*],
            },
        )*];

        /// Number of arguments of each probe, so that the kernel's macro can check its caller.
        pub mod arity {
            $(
                #[doc = $doc]
                #[allow(non_upper_case_globals, reason = "named after the probe")]
                pub const $name: usize = [$(stringify!($arg)),*].len();
            )*
        }
    };
}

probes! {
    // Scheduling.
    sched_switch(prev_pid: Pid, prev_state: State, reason: Reason, wait: Text, next_pid: Pid, next_comm: Text)
        "A CPU goes from one process to another. `wait` is empty unless the first one blocked.";
    sched_sleep(pid: Pid, wait: Text)
        "A process is about to sleep. If a signal is there already it goes on, without a switch or a wakeup.";
    sched_wakeup(pid: Pid, cpu: Cpu, waker_pid: Pid, wait: Text, irq: Int)
        "A process becomes runnable again, on that CPU's queue. In an interrupt handler (`irq` is 1) the waker is \
         only whom the interrupt found running.";
    sched_wakeup_new(pid: Pid, cpu: Cpu, waker_pid: Pid)
        "A process becomes runnable for the first time.";
    sched_pick(policy: Text, chosen_pid: Pid, key: Int, candidates: Int)
        "The policy chose; `candidates` counts the runnable processes it chose from.";
    sched_migrate_task(pid: Pid, orig_cpu: Cpu, dest_cpu: Cpu)
        "A process goes to another CPU: an idle one took it, or it became runnable while its old CPU was busy.";
    timer_tick(cpu: Cpu, pid: Pid)
        "The CPU's timer went off while that process ran. It is set for what is due next; there is no regular tick.";

    // Processes.
    process_fork(parent_pid: Pid, child_pid: Pid, flags: Hex)
        "A process was made.";
    process_exec(pid: Pid, path: Text, entry: Addr)
        "A process runs a new program.";
    process_exit(pid: Pid, status: Hex)
        "A process ended; `status` is the word wait4 reports.";
    process_wait(pid: Pid, child_pid: Pid, status: Hex)
        "A process asked for the status of its ended child, which is gone for good now.";
    sys_enter(pid: Pid, number: Syscall, a0: Hex, a1: Hex, a2: Hex, a3: Hex, a4: Hex, a5: Hex)
        "A system call begins.";
    sys_exit(pid: Pid, number: Syscall, result: Result)
        "A system call ends. exit never does; execve does if the new program is in place; rt_sigreturn's \
         result is the register that it restored.";

    // Signals. `code` is si_code; `sender_pid`, `addr` and `status` are the fields of siginfo_t that go with it, or 0.
    signal_generate(pid: Pid, signal: Int, sender_pid: Pid, code: Int, addr: Addr, status: Int, ignored: Int)
        "A signal was sent. It becomes pending unless the receiver ignores it.";
    signal_deliver(pid: Pid, signal: Int, handler: Addr, sender_pid: Pid, code: Int, addr: Addr, status: Int)
        "A signal is acted upon; `handler` is 0 for the default action.";

    // Memory.
    page_fault(pid: Pid, address: Addr, error_code: Hex, kind: Fault, result: Result)
        "A page fault was handled, or not. What was asked for is mapped by now.";
    cow_break(pid: Pid, address: Addr, old_frame: Phys, new_frame: Phys)
        "A write ended the sharing of a page: the writer got a copy, or, the frames being the same, was the \
         last to share it.";
    frame_alloc(frame: Phys, order: Int, free: Int)
        "A block of 2^order page frames was allocated; `free` frames are left.";
    frame_free(frame: Phys, order: Int, free: Int)
        "A block of 2^order page frames was freed; `free` frames are free now.";

    // Files.
    page_cache_hit(ino: Int, index: Int)
        "A page of a file was in memory.";
    page_cache_miss(ino: Int, index: Int, pages: Int)
        "A page of a file was not: it will be read, `pages` of them at once with those that follow it.";
    page_evict(ino: Int, index: Int)
        "The page cache dropped a page.";
    buffer_hit(block: Int)
        "A block of the disk was in the buffer cache.";
    buffer_miss(block: Int)
        "A block was not: a buffer is made, and filled from the disk unless all of it is going to be written.";
    journal_begin(sequence: Int, operation: Text)
        "An operation that may change the file system begins. It is part of this transaction, or of the next one \
         if the log has no room for it.";
    journal_commit(sequence: Int, blocks: Int)
        "The journal made a transaction durable.";
    journal_replay(sequence: Int, blocks: Int)
        "Mounting found a transaction in the log and repeated it.";

    // Devices.
    block_rq_issue(sector: Int, sectors: Int, write: Int, pid: Pid)
        "A request of that process goes to the disk. One without sectors is a flush.";
    block_rq_complete(sector: Int, sectors: Int, write: Int, result: Result)
        "The disk has finished a request.";
    irq_handler_entry(irq: Int, name: Text)
        "An interrupt is being handled: `irq` is the device's line, or the vector (240 and up) of the CPU's own.";
    irq_handler_exit(irq: Int)
        "It was.";

    // Locks.
    lock_contended(lock: Addr, name: Text)
        "A CPU has to wait for a spin lock.";
    lock_acquired(lock: Addr, name: Text)
        "It got the lock.";
}

/// The probe with this name.
pub fn by_name(name: &str) -> Option<&'static Probe> {
    PROBES.iter().find(|probe| probe.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_found_by_name_and_know_their_arguments() {
        let probe = by_name("sched_switch").unwrap();
        let next = probe.position("next_pid").unwrap();
        assert_eq!(probe.args[next], ("next_pid", Kind::Pid));
        assert_eq!(probe.position("no_such_argument"), None);
        assert_eq!(probe.args.len(), arity::sched_switch);
        assert_eq!(by_name("no_such_probe"), None);
    }

    #[test]
    fn no_name_is_used_twice() {
        for (i, probe) in PROBES.iter().enumerate() {
            assert!(
                PROBES[..i].iter().all(|other| other.name != probe.name),
                "{}",
                probe.name
            );
        }
    }

    #[test]
    fn no_probe_has_more_arguments_than_there_are_registers_for() {
        assert!(PROBES.iter().all(|probe| probe.args.len() <= 8));
    }

    #[test]
    fn the_major_fault_is_where_its_number_says() {
        assert_eq!(FAULTS[MAJOR as usize], "major");
    }
}
