//! Flags of clone(2), and of a few calls around threads (arch_prctl(2), futex(2)).

names! {
    /// Flags of clone(2); the low byte is the signal sent to the parent at the end.
    CLONE: u64, choice 0 => {
        CLONE_VM = 0x100, "Share the address space.";
        CLONE_FS = 0x200, "Share root, current directory and umask.";
        CLONE_FILES = 0x400, "Share the descriptor table.";
        CLONE_SIGHAND = 0x800, "Share signal handlers.";
        CLONE_VFORK = 0x4000, "The parent waits until the child execs or ends.";
        CLONE_PARENT = 0x8000, "The child's parent is the caller's.";
        CLONE_THREAD = 0x1_0000, "Same thread group.";
        CLONE_SYSVSEM = 0x4_0000, "Share System V semaphore undo.";
        CLONE_SETTLS = 0x8_0000, "Set the thread pointer.";
        CLONE_PARENT_SETTID = 0x10_0000, "Store the child's id in the parent.";
        CLONE_CHILD_CLEARTID = 0x20_0000, "Clear and wake on exit.";
        CLONE_CHILD_SETTID = 0x100_0000, "Store the child's id in the child.";
    }
}

/// The part of clone's flags that is the exit signal.
pub const CSIGNAL: u64 = 0xff;

names! {
    /// Codes of arch_prctl(2).
    ARCH: u32, choice u64::MAX => {
        ARCH_SET_GS = 0x1001, "Set the GS base.";
        ARCH_SET_FS = 0x1002, "Set the FS base.";
        ARCH_GET_FS = 0x1003, "Get the FS base.";
        ARCH_GET_GS = 0x1004, "Get the GS base.";
    }
}

names! {
    /// Operations of futex(2).
    FUTEX: u32, choice 0x7f => {
        FUTEX_WAIT = 0, "Sleep while the word has this value.";
        FUTEX_WAKE = 1, "Wake some sleepers.";
        FUTEX_PRIVATE_FLAG = 0x80, "Only within this process.";
        FUTEX_CLOCK_REALTIME = 0x100, "The timeout is calendar time.";
    }
}
