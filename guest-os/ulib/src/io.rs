//! Buffered standard output, plain standard error, buffered reading by lines.
//!
//! Standard output is written when its buffer is full, before the program reads standard input,
//! before it forks, and when it exits. A write error is reported once, at the end, as GNU's tools do;
//! status 1 then.

use crate::bytes::append;
use crate::single::Single;
use crate::sys::{self, Fd, Result};
use abi::Errno;
use core::fmt;
use rust_alloc::vec;
use rust_alloc::vec::Vec;

/// Descriptor of standard input.
pub const STDIN: Fd = 0;
/// Descriptor of standard output.
pub const STDOUT: Fd = 1;
/// Descriptor of standard error.
pub const STDERR: Fd = 2;

/// Bytes held back before they are written.
const BUFFER: usize = 4096;

struct Output {
    pending: Vec<u8>,
    error: Option<Errno>,
}

static OUTPUT: Single<Output> = Single::new(Output {
    pending: Vec::new(),
    error: None,
});

impl Output {
    fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        if self.error.is_none() {
            self.error = write_all(STDOUT, &self.pending).err();
        }
        self.pending.clear();
    }

    fn written(&mut self) {
        if self.pending.len() >= BUFFER {
            self.flush();
        }
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        append(&mut self.pending, text);
        Ok(())
    }
}

/// Writes all bytes to a descriptor.
pub fn write_all(fd: Fd, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match sys::write(fd, bytes) {
            Ok(n) => bytes = &bytes[n..],
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Puts bytes on standard output.
pub fn put(bytes: &[u8]) {
    let mut output = OUTPUT.borrow();
    output.pending.extend_from_slice(bytes);
    output.written();
}

/// Writes what is buffered; the error, if any write to standard output has failed so far.
pub fn flush() -> Result<()> {
    let mut output = OUTPUT.borrow();
    output.flush();
    output.error.map_or(Ok(()), Err)
}

/// Forgets an earlier write error, for a shell that goes on after a builtin's output failed.
pub fn clear_error() -> Option<Errno> {
    OUTPUT.borrow().error.take()
}

/// Drops what is buffered, in a child that must not write its parent's output again.
pub fn discard() {
    OUTPUT.borrow().pending.clear();
}

/// Takes what is buffered without writing it.
pub fn take() -> Vec<u8> {
    core::mem::take(&mut OUTPUT.borrow().pending)
}

/// What `print!` calls.
pub fn print_fmt(args: fmt::Arguments<'_>) {
    // Formatting may print, so it happens before the output is borrowed.
    put(&crate::bytes::format(args));
}

/// What `eprint!` calls: one write, after what is pending on standard output.
pub fn eprint_fmt(args: fmt::Arguments<'_>) {
    // Where standard error fails there is nowhere left to complain.
    let _ = flush();
    let _ = write_all(STDERR, &crate::bytes::format(args));
}

/// Writes what is pending and exits; a failed write to standard output makes the status 1.
pub fn exit(status: i32) -> ! {
    let status = match flush() {
        Err(Errno::EPIPE) => status.max(1),
        Err(errno) => {
            clear_error();
            crate::warn!("write error: {errno}");
            status.max(1)
        }
        Ok(()) => status,
    };
    sys::exit(status)
}

/// Prints on standard output.
#[macro_export]
macro_rules! print {
    ($($arg:tt)*) => { $crate::io::print_fmt(format_args!($($arg)*)) };
}

/// Prints a line on standard output.
#[macro_export]
macro_rules! println {
    () => { $crate::io::put(b"\n") };
    ($($arg:tt)*) => { $crate::io::print_fmt(format_args!("{}\n", format_args!($($arg)*))) };
}

/// Prints on standard error.
#[macro_export]
macro_rules! eprint {
    ($($arg:tt)*) => { $crate::io::eprint_fmt(format_args!($($arg)*)) };
}

/// Prints a line on standard error.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::io::eprint_fmt(format_args!("\n")) };
    ($($arg:tt)*) => { $crate::io::eprint_fmt(format_args!("{}\n", format_args!($($arg)*))) };
}

/// Reads a descriptor through a buffer.
pub struct Reader {
    fd: Fd,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Reader {
    /// Bytes asked for at a time.
    const SIZE: usize = 16 * 1024;

    /// Reads from an open descriptor.
    pub fn new(fd: Fd) -> Reader {
        Reader {
            fd,
            buffer: vec![0; Self::SIZE],
            start: 0,
            end: 0,
        }
    }

    /// The unread bytes in the buffer, read anew if there are none; empty at the end.
    pub fn fill(&mut self) -> Result<&[u8]> {
        if self.start == self.end {
            if self.fd == STDIN {
                // Whoever types should see the answers so far; an error shows at exit.
                let _ = flush();
            }
            self.start = 0;
            self.end = 0;
            self.end = sys::read(self.fd, &mut self.buffer)?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Marks bytes as read.
    pub fn consume(&mut self, n: usize) {
        self.start = (self.start + n).min(self.end);
    }

    /// Reads a line with its newline (the last may lack it) into `line`; false at the end.
    pub fn read_line(&mut self, line: &mut Vec<u8>) -> Result<bool> {
        line.clear();
        loop {
            let chunk = self.fill()?;
            if chunk.is_empty() {
                return Ok(!line.is_empty());
            }
            let end = chunk.iter().position(|b| *b == b'\n');
            let n = end.map_or(chunk.len(), |at| at + 1);
            line.extend_from_slice(&chunk[..n]);
            self.consume(n);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}
