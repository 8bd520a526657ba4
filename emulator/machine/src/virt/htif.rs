//! HTIF: the host-target interface of RISC-V's ISA tests. A program that has a symbol `tohost` ends by writing there.
//!
//! ```text
//! tohost   63..56 device   55..48 command   47..0 payload
//!          device 0, command 0: payload odd: the end, payload >> 1 is the number of the test that failed, or 0
//!          device 1, command 1: the payload's low byte goes out on the console
//! ```
//!
//! The 8 bytes lie in RAM. They are marked as lifted code is, so that a write there takes the slow path and is noticed
//! at its instruction.

use base::{Phys, Ram, Width};

/// What a program asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// To end; the number of the test that failed, or 0.
    End(u64),
    /// To print a character.
    Print(u8),
}

/// The interface.
#[derive(Clone, Debug)]
pub struct Htif {
    tohost: Phys,
    fromhost: Option<Phys>,
}

impl Htif {
    /// The interface at these addresses.
    pub const fn new(tohost: Phys, fromhost: Option<Phys>) -> Self {
        Self { tohost, fromhost }
    }

    /// Sees to it that a write is noticed.
    pub fn watch(&self, ram: &mut Ram) {
        ram.mark_code(self.tohost, 8);
    }

    /// What the program has asked for, if it has; the request is answered.
    pub fn take(&self, ram: &mut Ram) -> Option<Request> {
        let word = ram.read(self.tohost, Width::B8).filter(|word| *word != 0)?;
        let (device, command, payload) = (word >> 56, word >> 48 & 0xff, word & ((1 << 48) - 1));
        match (device, command) {
            (0, 0) if payload & 1 != 0 => Some(Request::End(payload >> 1)),
            _ => {
                ram.write(self.tohost, Width::B8, 0);
                if let Some(fromhost) = self.fromhost {
                    ram.write(fromhost, Width::B8, device << 56 | command << 48 | 1);
                }
                (device == 1 && command == 1).then_some(Request::Print(payload as u8))
            }
        }
    }
}
