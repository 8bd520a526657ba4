//! What a signal handler finds on its stack on x86-64 (asm/sigcontext.h, asm/ucontext.h,
//! asm-generic/siginfo.h). rt_sigreturn(2) reads it back.
//!
//! ```text
//! higher addresses
//!   FXSAVE area (512 bytes, 64-byte aligned)   <- mcontext.fpstate
//!   Siginfo                                    <- rsi of the handler
//!   Ucontext                                   <- rdx of the handler
//!   return address = sa_restorer               <- rsp of the handler (16n + 8)
//! lower addresses
//! ```

record! {
    /// `struct sigcontext`: the interrupted registers.
    pub struct Mcontext {
        /// General register.
        pub r8: u64,
        /// General register.
        pub r9: u64,
        /// General register.
        pub r10: u64,
        /// General register.
        pub r11: u64,
        /// General register.
        pub r12: u64,
        /// General register.
        pub r13: u64,
        /// General register.
        pub r14: u64,
        /// General register.
        pub r15: u64,
        /// General register.
        pub rdi: u64,
        /// General register.
        pub rsi: u64,
        /// General register.
        pub rbp: u64,
        /// General register.
        pub rbx: u64,
        /// General register.
        pub rdx: u64,
        /// General register.
        pub rax: u64,
        /// General register.
        pub rcx: u64,
        /// Stack pointer.
        pub rsp: u64,
        /// Instruction pointer.
        pub rip: u64,
        /// Flags.
        pub eflags: u64,
        /// Code segment.
        pub cs: u16,
        /// Zero on 64-bit kernels.
        pub gs: u16,
        /// Zero on 64-bit kernels.
        pub fs: u16,
        /// Stack segment.
        pub ss: u16,
        /// Error code of the exception.
        pub err: u64,
        /// Vector of the exception.
        pub trapno: u64,
        /// Blocked signals before the handler.
        pub oldmask: u64,
        /// Faulting address.
        pub cr2: u64,
        /// Address of the FXSAVE area, 0 if there is none.
        pub fpstate: u64,
        /// Zero.
        pub reserved: [u64; 8],
    }
}

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
    /// `struct ucontext`.
    pub struct Ucontext {
        /// Flags of the kernel; 0.
        pub flags: u64,
        /// Zero.
        pub link: u64,
        /// The alternative stack in force.
        pub stack: SigStack,
        /// The interrupted registers.
        pub mcontext: Mcontext,
        /// Signals to block again on return.
        pub sigmask: u64,
    }
}

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
        assert_eq!(Mcontext::SIZE, 256);
        assert_eq!(Ucontext::SIZE, 304);
        assert_eq!(Siginfo::SIZE, 128);
    }
}
