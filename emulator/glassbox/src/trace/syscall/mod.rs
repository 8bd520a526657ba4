//! System calls: what their arguments mean and what they point to.
//!
//! ```text
//! entry, exit of a call ──► calls ──► decoder ──► text
//!                             │          ▲
//!              control, process,         │ read(address)
//!              structures          source: Live (the guest, now) or Recorded (a record's pieces)
//! ```
//!
//! Decoding a call *is* the description of what must be read for it. [`capture`] decodes against the running guest and
//! keeps what was read; a sink decodes the same call against that.

pub mod calls;
pub mod class;
mod control;
pub mod decoder;
mod poll;
mod process;
pub mod source;
pub mod structures;
pub mod text;

#[cfg(test)]
mod tests;

use super::memory::Memory;
use abi::Errno;
use abi::nr;
use base::event::Peek;
use calls::{Outcome, Shape};
use decoder::{Decoder, Style, put};
use source::{Live, Source};
use text::Text;

pub use process::wait_status;

/// Most bytes of a string or buffer that can be asked for.
pub const MOST_STRINGS: usize = 1 << 20;

/// Which side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It begins: what it reads is there.
    Enter,
    /// It has ended: what it wrote is there.
    Exit,
}

/// Reads what the arguments of the call with this common number point to into `pieces`, of each string or buffer what `style` shows. Says
/// whether all of it was there.
pub fn capture(
    phase: Phase,
    number: u64,
    args: &[u64; 6],
    result: i64,
    style: Style<'_>,
    memory: &dyn Peek,
    pieces: &mut Memory,
) -> bool {
    let mut source = Live::new(memory, pieces);
    match phase {
        Phase::Enter => {
            let mut decoder = Decoder::new(args, None, &mut source, style, Text::unwritten());
            calls::enter(number, &mut decoder);
            decoder.complete
        }
        Phase::Exit => {
            let mut decoder =
                Decoder::new(args, Some(result), &mut source, style, Text::unwritten());
            calls::exit(number, false, &mut decoder);
            decoder.complete
        }
    }
}

/// Whether the caller's memory is another program's when the call has ended like this.
pub const fn replaces_memory(number: u64, result: i64) -> bool {
    number == nr::EXECVE && result == 0
}

/// What a call's beginning says: the arguments that are known, and whether that is all.
pub fn entered(
    number: u64,
    args: &[u64; 6],
    source: &mut impl Source,
    style: Style<'_>,
) -> (String, bool) {
    let mut decoder = Decoder::new(args, None, source, style, Text::written());
    let whole = calls::enter(number, &mut decoder);
    (decoder.out.take(), whole)
}

/// What a call's end says: the arguments that were missing, and the result, without the `= ` in front.
pub fn exited(
    number: u64,
    args: &[u64; 6],
    result: i64,
    whole: bool,
    source: &mut impl Source,
    style: Style<'_>,
) -> (String, String) {
    let mut decoder = Decoder::new(args, Some(result), source, style, Text::written());
    let outcome = calls::exit(number, whole, &mut decoder);
    let arguments = decoder.out.take();
    returned(number, result, &outcome, &mut decoder);
    (arguments, decoder.out.take())
}

/// Writes a result.
fn returned<S: Source>(number: u64, result: i64, outcome: &Outcome, d: &mut Decoder<'_, S>) {
    if decoder::is_error(result) && !class::never_fails(number) {
        d.out.push_str(&error(result));
        return;
    }
    match outcome.shape {
        Shape::Decimal => d.out.push_str(&(result as u64).to_string()),
        Shape::Hex => d.hex(result as u64),
        Shape::Octal => d.out.push_str(&text::octal(result as u64)),
        Shape::Fd => match i32::try_from(result) {
            Ok(fd) => d.fd(fd),
            Err(_) => d.out.push_str(&result.to_string()),
        },
    }
    if let Some(note) = &outcome.note {
        put!(d, " ({note})");
    }
}

/// A failed call's result. Some errors never reach the program: the call is made again.
fn error(result: i64) -> String {
    match Errno::from_number(-result) {
        Some(errno @ Errno::ERESTARTSYS) => format!("? {} ({})", errno.name(), errno.message()),
        Some(errno) => format!("-1 {} ({})", errno.name(), errno.message()),
        None => format!("-1 (errno {})", -result),
    }
}
