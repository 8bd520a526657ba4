//! The kernel's services, one safe function a system call, with Rust's types for Linux's arguments.
//!
//! Paths are bytes without a NUL; they are copied to add it, and one that contains a NUL names nothing
//! (`ENOENT`). Directory-relative calls take the directory first; the plain form uses the current one.

mod descriptor;
mod file;
mod memory;
mod process;
mod signal;
mod system;
mod terminal;
mod time;

pub use descriptor::*;
pub use file::*;
pub use memory::*;
pub use process::*;
pub use signal::*;
pub use system::*;
pub use terminal::*;
pub use time::*;

use abi::Errno;
use rust_alloc::vec::Vec;

/// What a system call gives.
pub type Result<T> = core::result::Result<T, Errno>;

/// Calls `f` with `path` and its NUL.
fn with_path<T>(path: &[u8], f: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    const SHORT: usize = 128;
    if path.contains(&0) {
        return Err(Errno::ENOENT);
    }
    if path.len() < SHORT {
        let mut buffer = [0; SHORT];
        buffer[..path.len()].copy_from_slice(path);
        f(&buffer[..=path.len()])
    } else {
        let mut buffer = Vec::with_capacity(path.len() + 1);
        buffer.extend_from_slice(path);
        buffer.push(0);
        f(&buffer)
    }
}
