//! Memory of the running program: untrusted addresses, and the only ways to follow them.
//!
//! Every copy checks that the range lies in user space and survives any fault in it (`EFAULT`).
//! A copy may have to read a page from a file, so its caller may hold **no spin lock and no lock that such a
//! read needs** (`sync` has the order): bring bytes into kernel memory first, then lock.

use core::marker::PhantomData;

use abi::sigframe::Ucontext;
use abi::{Errno, Record};
use alloc::vec::Vec;

use super::address::PAGE_SIZE;
use super::layout::USER_TOP;
use crate::arch::usercopy;

fn check(at: usize, len: usize) -> Result<(), Errno> {
    match at.checked_add(len) {
        Some(end) if end <= USER_TOP => Ok(()),
        _ => Err(Errno::EFAULT),
    }
}

/// Copies `to.len()` bytes from the program's memory at `from`.
pub fn copy_in(from: usize, to: &mut [u8]) -> Result<(), Errno> {
    check(from, to.len())?;
    // SAFETY: the kernel side is a slice, the user side was checked.
    let ok = unsafe { usercopy::copy(to.as_mut_ptr() as usize, from, to.len()) };
    ok.then_some(()).ok_or(Errno::EFAULT)
}

/// Copies `from` to the program's memory at `to`.
pub fn copy_out(to: usize, from: &[u8]) -> Result<(), Errno> {
    check(to, from.len())?;
    // SAFETY: the kernel side is a slice, the user side was checked.
    let ok = unsafe { usercopy::copy(to, from.as_ptr() as usize, from.len()) };
    ok.then_some(()).ok_or(Errno::EFAULT)
}

/// The NUL-terminated string at `from`, without its NUL; `too_long` if there is none in the first `max` bytes.
pub fn copy_str(from: usize, max: usize, too_long: Errno) -> Result<Vec<u8>, Errno> {
    let mut text = Vec::new();
    let mut chunk = [0; 64];
    let mut at = from;
    while text.len() < max {
        // Never across a page border: what lies behind the string may not be mapped.
        let len = (PAGE_SIZE - at % PAGE_SIZE)
            .min(chunk.len())
            .min(max - text.len());
        copy_in(at, &mut chunk[..len])?;
        if let Some(end) = chunk[..len].iter().position(|byte| *byte == 0) {
            text.extend_from_slice(&chunk[..end]);
            return Ok(text);
        }
        text.extend_from_slice(&chunk[..len]);
        at += len;
    }
    Err(too_long)
}

/// Largest record that `UserPtr` copies at once: on some instruction sets the context of a signal is larger than all else.
const MAX_RECORD: usize = if Ucontext::SIZE > 512 {
    Ucontext::SIZE
} else {
    512
};

/// The address of a `T` in the program's memory.
#[derive(Clone, Copy)]
pub struct UserPtr<T> {
    address: usize,
    _points_to: PhantomData<T>,
}

impl<T: Record> UserPtr<T> {
    /// Takes an address from a program.
    pub fn new(address: usize) -> Self {
        const { assert!(T::SIZE <= MAX_RECORD) };
        UserPtr {
            address,
            _points_to: PhantomData,
        }
    }

    /// Whether the program gave NULL.
    pub fn is_null(self) -> bool {
        self.address == 0
    }

    /// Copies the value in.
    pub fn read(self) -> Result<T, Errno> {
        let mut bytes = [0; MAX_RECORD];
        copy_in(self.address, &mut bytes[..T::SIZE])?;
        Ok(T::get(&bytes))
    }

    /// Copies a value out.
    pub fn write(self, value: &T) -> Result<(), Errno> {
        let mut bytes = [0; MAX_RECORD];
        value.put(&mut bytes);
        copy_out(self.address, &bytes[..T::SIZE])
    }

    /// Copies a value out unless the program gave NULL.
    pub fn write_if_some(self, value: &T) -> Result<(), Errno> {
        if self.is_null() {
            Ok(())
        } else {
            self.write(value)
        }
    }

    /// Copies the value in unless the program gave NULL.
    pub fn read_if_some(self) -> Result<Option<T>, Errno> {
        if self.is_null() {
            Ok(None)
        } else {
            self.read().map(Some)
        }
    }

    /// The `index`-th element, if this is an array.
    pub fn at(self, index: usize) -> Self {
        UserPtr {
            address: self.address.wrapping_add(index.wrapping_mul(T::SIZE)),
            ..self
        }
    }
}

/// A run of bytes in the program's memory.
#[derive(Clone, Copy)]
pub struct UserSlice {
    address: usize,
    len: usize,
}

impl UserSlice {
    /// Takes address and length from a program; `EFAULT` if the range leaves user space.
    pub fn new(address: usize, len: usize) -> Result<Self, Errno> {
        check(address, len)?;
        Ok(UserSlice { address, len })
    }

    /// Bytes in it.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies bytes out, starting at `offset`; beyond the end is `EFAULT`.
    pub fn write(&self, offset: usize, from: &[u8]) -> Result<(), Errno> {
        self.check(offset, from.len())?;
        copy_out(self.address + offset, from)
    }

    fn check(&self, offset: usize, len: usize) -> Result<(), Errno> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(()),
            _ => Err(Errno::EFAULT),
        }
    }
}
