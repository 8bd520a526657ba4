//! HTIF: the host-target interface of RISC-V's ISA tests. A program that has a symbol `tohost` ends and prints by writing
//! there, and may wait for the answer in `fromhost`.
//!
//! ```text
//! tohost   63..56 device   55..48 command   47..0 payload
//!          device 0, command 0: payload odd: the end, payload >> 1 is the number of the test that failed, or 0
//!                               payload even: a call; there lie its number and its arguments, 8 bytes each
//!          device 1, command 1: the payload's low byte goes out on the console
//! ```
//!
//! A call is one of Linux's that riscv-pk hands on, and its result takes its number's place: `exit`, and `write` to standard
//! output and standard error; the host has nothing else to offer. Nobody types at the console: its command 0, which asks
//! for a character, is never answered.
//!
//! The 8 bytes lie in RAM. They are marked as lifted code is, so that a write there takes the slow path and is noticed
//! at its instruction.

use base::{Phys, Ram, Width};

/// Numbers of calls, as in Linux.
mod number {
    pub const WRITE: u64 = 64;
    pub const EXIT: u64 = 93;
}

/// Why a call fails, as Linux numbers it.
#[derive(Clone, Copy, Debug)]
enum Error {
    BadFile = 9,
    BadAddress = 14,
    NoSuchCall = 38,
}

/// Most bytes that one call writes; as of any `write`, the rest takes another.
const MOST_BYTES: u64 = 4096;

/// What a program asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// To end; the number of the test that failed, or the program's status; 0 if all is well.
    End(i64),
    /// To print.
    Print(Vec<u8>),
}

/// The interface.
#[derive(Clone, Debug)]
pub struct Htif {
    tohost: Phys,
    fromhost: Option<Phys>,
}

impl Htif {
    /// The interface at these addresses. An answer that would lie in the request is not given: it would be one.
    pub fn new(tohost: Phys, fromhost: Option<Phys>) -> Self {
        let fromhost = fromhost.filter(|at| at.0.abs_diff(tohost.0) >= 8);
        Self { tohost, fromhost }
    }

    /// Sees to it that a write is noticed, until the engine next forgets what was written.
    pub fn watch(&self, ram: &mut Ram) {
        ram.mark_code(self.tohost, 8);
    }

    /// What the program has asked for, if it has; the request is answered.
    pub fn take(&self, ram: &mut Ram) -> Option<Request> {
        let word = ram.read(self.tohost, Width::B8).filter(|word| *word != 0)?;
        // The sign of a negative number fills the places of device and command.
        if word & 1 != 0 && matches!(word >> 48, 0 | 0xffff) {
            return Some(Request::End(word as i64 >> 1));
        }
        ram.write(self.tohost, Width::B8, 0);
        let (what, payload) = (word >> 48, word & ((1 << 48) - 1));
        let request = match what {
            0x0000 => call(ram, Phys(payload)),
            0x0101 => Request::Print(vec![payload as u8]),
            _ => return None,
        };
        if let Some(fromhost) = self.fromhost {
            ram.write(fromhost, Width::B8, what << 48 | 1);
        }
        Some(request)
    }
}

/// Makes the call whose words lie at `at`.
fn call(ram: &mut Ram, at: Phys) -> Request {
    let word = |n: u64| ram.read(Phys(at.0 + 8 * n), Width::B8).unwrap_or(0);
    let [call, first, second, third] = [0, 1, 2, 3].map(word);
    let written = match call {
        number::EXIT => return Request::End(first as i64),
        number::WRITE if matches!(first, 1 | 2) => ram
            .slice(Phys(second), third.min(MOST_BYTES))
            .ok_or(Error::BadAddress),
        number::WRITE => Err(Error::BadFile),
        _ => Err(Error::NoSuchCall),
    };
    let (result, printed) = match written {
        Ok(bytes) => (bytes.len() as i64, bytes.to_vec()),
        Err(error) => (-(error as i64), Vec::new()),
    };
    ram.write(at, Width::B8, result as u64);
    Request::Print(printed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_no_request_wherever_it_would_lie() {
        let tohost = Phys(0x8000_0100);
        for (offset, answered) in [(0, false), (4, false), (8, true)] {
            let mut ram = Ram::new(Phys(0x8000_0000), 0x1000);
            let htif = Htif::new(tohost, Some(Phys(tohost.0 + offset)));
            ram.write(tohost, Width::B8, 0x0101 << 48 | u64::from(b'x'));
            assert_eq!(htif.take(&mut ram), Some(Request::Print(b"x".to_vec())));
            assert_eq!(htif.take(&mut ram), None);
            let answer = ram.read(Phys(tohost.0 + 8), Width::B8);
            assert_eq!(answer != Some(0), answered);
        }
    }
}
