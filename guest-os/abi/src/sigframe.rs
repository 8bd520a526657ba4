//! What a signal handler finds on its stack (asm-generic/siginfo.h, asm/ucontext.h). How the parts lie there is
//! drawn in [`crate::isa`], as is the part that holds the registers. rt_sigreturn(2) reads it back.

pub use crate::isa::native::{Mcontext, Ucontext};

record! {
    /// `stack_t`: an alternative signal stack.
    pub struct SigStack {
        /// Lowest address.
        pub sp: u64,
        /// `SS_*` flags.
        pub flags: i32,
        /// Zero.
        pub pad: u32,
        /// Bytes.
        pub size: u64,
    }
}

/// `SigStack::flags`: a handler is running on the alternative stack.
pub const SS_ONSTACK: i32 = 1;
/// `SigStack::flags`: there is no alternative stack.
pub const SS_DISABLE: i32 = 2;
/// `SigStack::flags`: there is none while a handler runs on it.
pub const SS_AUTODISARM: i32 = i32::MIN;

/// Flags of an alternative signal stack.
pub static SS: crate::names::Names = crate::names::Names {
    choice: 0,
    entries: &[
        (SS_ONSTACK as u64, "SS_ONSTACK"),
        (SS_DISABLE as u64, "SS_DISABLE"),
        (SS_AUTODISARM as u32 as u64, "SS_AUTODISARM"),
    ],
};

/// Smallest alternative stack.
pub const MINSIGSTKSZ: u64 = 2048;

record! {
    /// `siginfo_t`, 128 bytes; the fields that kill, SIGCHLD and faults use.
    pub struct Siginfo {
        /// Signal number.
        pub signo: i32,
        /// Zero.
        pub errno: i32,
        /// `SI_*` or a code of the signal's own.
        pub code: i32,
        /// Zero.
        pub pad: i32,
        /// Sender's process id, or the low half of the faulting address.
        pub pid_or_addr_low: u32,
        /// Sender's user id, or the high half of the faulting address.
        pub uid_or_addr_high: u32,
        /// Exit status of a child.
        pub status: i32,
        /// Zero.
        pub rest: [i32; 25],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Record;

    #[test]
    fn sizes_are_those_of_linux() {
        assert_eq!(Siginfo::SIZE, 128);
        assert_eq!(SigStack::SIZE, 24);
    }
}
