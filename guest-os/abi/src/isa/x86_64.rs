//! Linux's structures on x86-64 (asm/stat.h, asm/signal.h, asm/sigcontext.h, asm/ucontext.h).
//!
//! What a signal handler finds on its stack:
//!
//! ```text
//! higher addresses
//!   FXSAVE area (512 bytes, 64-byte aligned)   <- mcontext.fpstate
//!   Siginfo                                    <- rsi of the handler
//!   Ucontext                                   <- rdx of the handler
//!   return address = sa_restorer               <- rsp of the handler (16n + 8)
//! lower addresses
//! ```

use super::Isa;
use crate::clone::CloneOrder;
use crate::sigframe::SigStack;
use crate::time::Timespec;

/// Which one this is.
pub const ISA: Isa = Isa::X86_64;

/// Where clone(2) has its last two arguments.
pub const CLONE_ORDER: CloneOrder = CloneOrder {
    child_tid: 3,
    thread_pointer: 4,
};

record! {
    /// `struct stat` of x86-64, 144 bytes.
    pub struct Stat {
        /// Device that holds the file.
        pub dev: u64,
        /// Inode number.
        pub ino: u64,
        /// Hard links.
        pub nlink: u64,
        /// Type and permissions.
        pub mode: u32,
        /// Owner.
        pub uid: u32,
        /// Group.
        pub gid: u32,
        /// Zero.
        pub pad: u32,
        /// The device a special file stands for.
        pub rdev: u64,
        /// Bytes.
        pub size: i64,
        /// Preferred size of reads and writes, in bytes.
        pub blksize: i64,
        /// Allocated units of 512 bytes.
        pub blocks: i64,
        /// Last access.
        pub atime: Timespec,
        /// Last change of the content.
        pub mtime: Timespec,
        /// Last change of content or inode.
        pub ctime: Timespec,
        /// Zero.
        pub unused: [i64; 3],
    }
}

const _: () = assert!(size_of::<Stat>() == 144);

record! {
    /// `struct kernel_sigaction` of x86-64, as rt_sigaction(2) passes it.
    pub struct Sigaction {
        /// Address of the handler, [`SIG_DFL`] or [`SIG_IGN`].
        pub handler: u64,
        /// `SA_*` flags.
        pub flags: u64,
        /// Where the handler returns to: code that calls rt_sigreturn(2).
        pub restorer: u64,
        /// Signals blocked while the handler runs.
        pub mask: u64,
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Record;

    #[test]
    fn sizes_are_those_of_linux() {
        assert_eq!(Mcontext::SIZE, 256);
        assert_eq!(Ucontext::SIZE, 304);
        assert_eq!(Sigaction::SIZE, 32);
    }
}
