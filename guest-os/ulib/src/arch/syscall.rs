//! System calls, around each instruction set's way to make one.
//!
//! Arguments carry their kind, so that the buffers a call may touch are borrowed for as long as the
//! call runs; [`crate::sys`] builds its functions from this and needs no unsafe code itself.

use super::raw;
use abi::Errno;

/// One argument of a system call.
pub(crate) enum Arg<'a> {
    /// A number.
    Int(i64),
    /// Bytes the kernel reads.
    In(&'a [u8]),
    /// Bytes the kernel writes.
    Out(&'a mut [u8]),
}

impl Arg<'_> {
    #[inline(always)]
    fn register(self) -> u64 {
        match self {
            Arg::Int(n) => n as u64,
            Arg::In(bytes) => bytes.as_ptr() as u64,
            Arg::Out(bytes) => bytes.as_mut_ptr() as u64,
        }
    }
}

/// Makes a system call whose pointers are all slices.
#[inline(always)]
pub(crate) fn syscall<const N: usize>(number: u64, args: [Arg<'_>; N]) -> Result<u64, Errno> {
    let mut registers = [0; 6];
    for (register, arg) in registers.iter_mut().zip(args) {
        *register = arg.register();
    }
    result(raw(number, registers))
}

/// Splits the kernel's answer into a result and an error.
pub(super) fn result(answer: u64) -> Result<u64, Errno> {
    Errno::split_result(answer)
        .map_err(|number| Errno::from_number(i64::from(number)).unwrap_or(Errno::EINVAL))
}
