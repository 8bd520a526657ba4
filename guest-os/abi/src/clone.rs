//! Flags of clone(2), and of a few calls around threads (arch_prctl(2), futex(2)).

names! {
    /// Flags of clone(2); the low byte is the signal sent to the parent at the end.
    CLONE: u64, choice 0 => {
        CLONE_VM = 0x100, "Share the address space.";
        CLONE_FS = 0x200, "Share root, current directory and umask.";
        CLONE_FILES = 0x400, "Share the descriptor table.";
        CLONE_SIGHAND = 0x800, "Share signal handlers.";
        CLONE_PIDFD = 0x1000, "Store a descriptor of the child in the parent.";
        CLONE_PTRACE = 0x2000, "Trace the child, too.";
        CLONE_VFORK = 0x4000, "The parent waits until the child execs or ends.";
        CLONE_PARENT = 0x8000, "The child's parent is the caller's.";
        CLONE_THREAD = 0x1_0000, "Same thread group.";
        CLONE_NEWNS = 0x2_0000, "Mounts of its own.";
        CLONE_SYSVSEM = 0x4_0000, "Share System V semaphore undo.";
        CLONE_SETTLS = 0x8_0000, "Set the thread pointer.";
        CLONE_PARENT_SETTID = 0x10_0000, "Store the child's id in the parent.";
        CLONE_CHILD_CLEARTID = 0x20_0000, "Clear and wake on exit.";
        CLONE_UNTRACED = 0x80_0000, "Do not trace the child.";
        CLONE_CHILD_SETTID = 0x100_0000, "Store the child's id in the child.";
        CLONE_NEWCGROUP = 0x200_0000, "A view of control groups of its own.";
        CLONE_NEWUTS = 0x400_0000, "A host name of its own.";
        CLONE_NEWIPC = 0x800_0000, "System V objects of its own.";
        CLONE_NEWUSER = 0x1000_0000, "Users of its own.";
        CLONE_NEWPID = 0x2000_0000, "Process numbers of its own.";
        CLONE_NEWNET = 0x4000_0000, "A network of its own.";
        CLONE_IO = 0x8000_0000, "Share the I/O context.";
    }
}

/// The part of clone's flags that is the exit signal.
pub const CSIGNAL: u64 = 0xff;

pub use crate::isa::native::CLONE_ORDER;

/// Where clone(2) has its last two arguments: instruction sets differ (CONFIG_CLONE_BACKWARDS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloneOrder {
    /// Index of the address of the child's id.
    pub child_tid: usize,
    /// Index of the thread pointer.
    pub thread_pointer: usize,
}

names! {
    /// Codes of arch_prctl(2).
    ARCH: u32, choice u64::MAX => {
        ARCH_SET_GS = 0x1001, "Set the GS base.";
        ARCH_SET_FS = 0x1002, "Set the FS base.";
        ARCH_GET_FS = 0x1003, "Get the FS base.";
        ARCH_GET_GS = 0x1004, "Get the GS base.";
        ARCH_GET_CPUID = 0x1011, "Whether CPUID may be used.";
        ARCH_SET_CPUID = 0x1012, "Allow or forbid it.";
        ARCH_GET_XCOMP_SUPP = 0x1021, "Which extended states there are.";
        ARCH_GET_XCOMP_PERM = 0x1022, "Which are allowed.";
        ARCH_REQ_XCOMP_PERM = 0x1023, "Allow one.";
        ARCH_GET_XCOMP_GUEST_PERM = 0x1024, "Which are allowed to guests.";
        ARCH_REQ_XCOMP_GUEST_PERM = 0x1025, "Allow one to guests.";
        ARCH_MAP_VDSO_X32 = 0x2001, "Map the vDSO of x32 programs.";
        ARCH_MAP_VDSO_32 = 0x2002, "Map that of 32-bit programs.";
        ARCH_MAP_VDSO_64 = 0x2003, "Map that of 64-bit programs.";
    }
}

names! {
    /// Operations of futex(2).
    FUTEX: u32, choice 0x7f => {
        FUTEX_WAIT = 0, "Sleep while the word has this value.";
        FUTEX_WAKE = 1, "Wake some sleepers.";
        FUTEX_FD = 2, "Gone.";
        FUTEX_REQUEUE = 3, "Wake some, let others wait for another word.";
        FUTEX_CMP_REQUEUE = 4, "The same, while the word has this value.";
        FUTEX_WAKE_OP = 5, "Change a word, wake sleepers of two.";
        FUTEX_LOCK_PI = 6, "Take a lock with priority inheritance.";
        FUTEX_UNLOCK_PI = 7, "Give it up.";
        FUTEX_TRYLOCK_PI = 8, "Take it if it is free.";
        FUTEX_WAIT_BITSET = 9, "`FUTEX_WAIT` until an instant, for some wakers.";
        FUTEX_WAKE_BITSET = 10, "`FUTEX_WAKE` of some sleepers.";
        FUTEX_WAIT_REQUEUE_PI = 11, "Wait, to be moved to a lock.";
        FUTEX_CMP_REQUEUE_PI = 12, "Move there.";
        FUTEX_LOCK_PI2 = 13, "`FUTEX_LOCK_PI` with a choice of clock.";
        FUTEX_PRIVATE_FLAG = 0x80, "Only within this process.";
        FUTEX_CLOCK_REALTIME = 0x100, "The timeout is calendar time.";
    }
}

names! {
    /// Options of prctl(2).
    PRCTL: u32, choice u64::MAX => {
        PR_SET_PDEATHSIG = 1, "Set the signal that comes when the parent ends.";
        PR_GET_PDEATHSIG = 2, "Get it.";
        PR_GET_DUMPABLE = 3, "Whether there may be a core file.";
        PR_SET_DUMPABLE = 4, "Set that.";
        PR_GET_KEEPCAPS = 7, "Whether capabilities survive setuid(2).";
        PR_SET_KEEPCAPS = 8, "Set that.";
        PR_SET_NAME = 15, "Set the name of the thread.";
        PR_GET_NAME = 16, "Get it.";
        PR_GET_SECCOMP = 21, "The mode of seccomp(2).";
        PR_SET_SECCOMP = 22, "Set it.";
        PR_CAPBSET_READ = 23, "Whether a capability can be had.";
        PR_CAPBSET_DROP = 24, "Give it up.";
        PR_GET_TSC = 25, "Whether the time-stamp counter can be read.";
        PR_SET_TSC = 26, "Set that.";
        PR_GET_SECUREBITS = 27, "How capabilities of root work.";
        PR_SET_SECUREBITS = 28, "Set that.";
        PR_SET_TIMERSLACK = 29, "How late timers may be.";
        PR_GET_TIMERSLACK = 30, "Get that.";
        PR_SET_CHILD_SUBREAPER = 36, "Become the parent of orphans.";
        PR_GET_CHILD_SUBREAPER = 37, "Whether it is.";
        PR_SET_NO_NEW_PRIVS = 38, "No program may gain privileges any more.";
        PR_GET_NO_NEW_PRIVS = 39, "Whether that is so.";
        PR_GET_TID_ADDRESS = 40, "The address given to set_tid_address(2).";
        PR_SET_THP_DISABLE = 41, "No huge pages.";
        PR_GET_THP_DISABLE = 42, "Whether that is so.";
        PR_SET_VMA = 0x5356_4d41, "Name a mapping.";
    }
}
