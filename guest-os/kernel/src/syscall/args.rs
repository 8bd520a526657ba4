//! The arguments of a system call, still as the program gave them.

use abi::limits::PATH_MAX;
use abi::{Errno, Record};
use alloc::vec::Vec;

use crate::arch::trap::TrapFrame;
use crate::mm::user::{UserPtr, UserSlice, copy_str};

/// Result of a system call: the number the program gets, or the error.
pub type SysResult = Result<usize, Errno>;

/// The six argument registers, read by position, and the registers of the program for the few calls that
/// change them (fork, execve, rt_sigreturn).
pub struct Args<'a> {
    values: [usize; 6],
    /// The program's registers.
    pub frame: &'a mut TrapFrame,
}

impl<'a> Args<'a> {
    /// The arguments in `frame`.
    pub fn new(frame: &'a mut TrapFrame) -> Self {
        Args {
            values: frame.syscall_args(),
            frame,
        }
    }

    /// The whole register, as an address or a length.
    pub fn word(&self, index: usize) -> usize {
        self.values[index]
    }

    /// A signed 64-bit number, such as a file offset.
    pub fn long(&self, index: usize) -> i64 {
        self.values[index] as i64
    }

    /// An `int`: the upper half of the register means nothing.
    pub fn int(&self, index: usize) -> i32 {
        self.values[index] as i32
    }

    /// An `unsigned int`, such as flags.
    pub fn uint(&self, index: usize) -> u32 {
        self.values[index] as u32
    }

    /// The address of a `T`.
    pub fn pointer<T: Record>(&self, index: usize) -> UserPtr<T> {
        UserPtr::new(self.values[index])
    }

    /// Address and length of bytes, in two arguments from `index` on.
    pub fn bytes(&self, index: usize) -> Result<UserSlice, Errno> {
        UserSlice::new(self.values[index], self.values[index + 1])
    }

    /// A path, without its NUL; `ENAMETOOLONG` if it is longer than `PATH_MAX` allows.
    pub fn path(&self, index: usize) -> Result<Vec<u8>, Errno> {
        copy_str(self.values[index], PATH_MAX, Errno::ENAMETOOLONG)
    }
}
