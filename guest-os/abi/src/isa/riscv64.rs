//! Linux's structures on riscv64 (asm-generic/stat.h, asm-generic/signal.h, asm/sigcontext.h, asm/ucontext.h).
//!
//! What a signal handler finds on its stack:
//!
//! ```text
//! higher addresses
//!   Ucontext, which ends with the registers    <- a2 of the handler
//!   Siginfo                                    <- a1 and sp of the handler (16n)
//! lower addresses
//! ```
//!
//! `ra` of the handler leads to a page of the kernel's that calls rt_sigreturn(2): there is no `sa_restorer`.

use super::Isa;
use crate::clone::CloneOrder;
use crate::sigframe::SigStack;
use crate::time::Timespec;

/// Which one this is.
pub const ISA: Isa = Isa::Riscv64;

/// Where clone(2) has its last two arguments.
pub const CLONE_ORDER: CloneOrder = CloneOrder {
    thread_pointer: 3,
    child_tid: 4,
};

record! {
    /// `struct stat`, 128 bytes.
    pub struct Stat {
        /// Device that holds the file.
        pub dev: u64,
        /// Inode number.
        pub ino: u64,
        /// Type and permissions.
        pub mode: u32,
        /// Hard links.
        pub nlink: u32,
        /// Owner.
        pub uid: u32,
        /// Group.
        pub gid: u32,
        /// The device a special file stands for.
        pub rdev: u64,
        /// Zero.
        pub pad: u64,
        /// Bytes.
        pub size: i64,
        /// Preferred size of reads and writes, in bytes.
        pub blksize: i32,
        /// Zero.
        pub pad2: i32,
        /// Allocated units of 512 bytes.
        pub blocks: i64,
        /// Last access.
        pub atime: Timespec,
        /// Last change of the content.
        pub mtime: Timespec,
        /// Last change of content or inode.
        pub ctime: Timespec,
        /// Zero.
        pub unused: [u32; 2],
    }
}

const _: () = assert!(size_of::<Stat>() == 128);

record! {
    /// `struct sigaction` as rt_sigaction(2) passes it.
    pub struct Sigaction {
        /// Address of the handler, [`SIG_DFL`](crate::signal::SIG_DFL) or [`SIG_IGN`](crate::signal::SIG_IGN).
        pub handler: u64,
        /// `SA_*` flags.
        pub flags: u64,
        /// Signals blocked while the handler runs.
        pub mask: u64,
    }
}

record! {
    /// `struct sigcontext`: the interrupted registers.
    pub struct Mcontext {
        /// The program counter.
        pub pc: u64,
        /// x1 to x31.
        pub x: [u64; 31],
        /// f0 to f31, of which the D extension uses all bits.
        pub f: [u64; 32],
        /// Rounding mode and flags of floating point.
        pub fcsr: u32,
        /// Room of the Q extension, and the header of further states: zero, there are none.
        pub reserved: [u32; 67],
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
        /// Signals to block again on return.
        pub sigmask: u64,
        /// Room for more signals: zero.
        pub unused: [u64; 15],
        /// Keeps what follows aligned to 16 bytes.
        pub pad: u64,
        /// The interrupted registers.
        pub mcontext: Mcontext,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Record;

    #[test]
    fn sizes_are_those_of_linux() {
        assert_eq!(Mcontext::SIZE, 784);
        assert_eq!(Ucontext::SIZE, 960);
        assert_eq!(Sigaction::SIZE, 24);
    }
}
