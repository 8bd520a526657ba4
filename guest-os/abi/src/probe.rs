//! What the kernel tells an observer: probe names and the names of their arguments.
//!
//! The kernel's `probe!(NAME, arguments…)` leaves a `nop` and a SystemTap SDT note; the emulator
//! finds the note's name in [`PROBES`] and so knows what each argument is. Names follow Linux's
//! tracepoints where one exists. All arguments are 64-bit values.

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A decimal number.
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
    /// A bit mask.
    Hex,
}

/// One probe: its name and its arguments in order.
#[derive(Debug, PartialEq, Eq)]
pub struct Probe {
    /// The name in the note.
    pub name: &'static str,
    /// Names and kinds of the arguments.
    pub args: &'static [(&'static str, Kind)],
}

/// The provider of Silica's notes.
pub const PROVIDER: &str = "silica";

/// Names of process states, indexed by the value of a `State` argument.
pub const STATES: [&str; 6] = [
    "new", "runnable", "running", "sleeping", "stopped", "zombie",
];

macro_rules! probes {
    ($($name:ident($($arg:ident: $kind:ident),*) $doc:literal;)*) => {
        /// Every probe of the kernel.
        pub const PROBES: &[Probe] = &[$(
            Probe {
                name: stringify!($name),
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
    sched_switch(prev_pid: Pid, prev_state: State, next_pid: Pid, next_comm: Text)
        "A CPU goes from one process to another.";
    sched_wakeup(pid: Pid, cpu: Cpu)
        "A sleeping process becomes runnable.";
    sched_pick(policy: Text, chosen_pid: Pid, key: Int, candidates: Int)
        "The policy chose; `candidates` counts the runnable processes it chose from.";
    process_fork(parent_pid: Pid, child_pid: Pid, flags: Hex)
        "A process was made.";
    process_exec(pid: Pid, path: Text, entry: Addr)
        "A process runs a new program.";
    process_exit(pid: Pid, status: Hex)
        "A process ended; `status` is the word wait4 reports.";
    page_fault(pid: Pid, address: Addr, error_code: Hex, result: Result)
        "A page fault was handled, or not.";
    sys_enter(pid: Pid, number: Syscall, a0: Hex, a1: Hex, a2: Hex, a3: Hex, a4: Hex, a5: Hex)
        "A system call begins.";
    sys_exit(pid: Pid, number: Syscall, result: Result)
        "A system call ends.";
    signal_generate(pid: Pid, signal: Int, sender_pid: Pid)
        "A signal becomes pending.";
    signal_deliver(pid: Pid, signal: Int, handler: Addr)
        "A signal is acted upon.";
    block_rq_issue(sector: Int, sectors: Int, write: Int)
        "A request goes to the disk.";
    block_rq_complete(sector: Int, sectors: Int, write: Int, result: Result)
        "The disk has finished a request.";
    journal_commit(sequence: Int, blocks: Int)
        "The journal made a transaction durable.";
    frame_alloc(frame: Phys, order: Int)
        "A block of page frames was allocated.";
    frame_free(frame: Phys, order: Int)
        "A block of page frames was freed.";
    page_evict(ino: Int, index: Int)
        "The page cache dropped a page.";
    lock_contended(lock: Addr, name: Text)
        "A CPU had to wait for a spin lock.";
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
        assert_eq!(probe.args[2], ("next_pid", Kind::Pid));
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
}
