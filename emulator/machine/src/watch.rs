//! Places in the guest's code that somebody watches, in the words of an assembler: the board knows what a register is.

use std::fmt;

/// A value's place, in the operand's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A register, by the name that an assembler has for it (x86: without the percent sign).
    Register(String),
    /// A constant.
    Constant(i64),
    /// Memory, `offset` bytes from where another place points.
    Memory {
        /// What points there; read as an address of 8 bytes.
        base: Box<Place>,
        /// Bytes.
        offset: i64,
    },
    /// An address that is not read: `offset` bytes from where another place points.
    Plus {
        /// What points there.
        base: Box<Place>,
        /// Bytes.
        offset: i64,
    },
    /// Not understood; reads as zero.
    Unknown,
}

/// A value to read: how many bytes, whether signed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Bytes, 1 to 8.
    pub bytes: u8,
    /// Whether to sign-extend.
    pub signed: bool,
    /// Where.
    pub place: Place,
}

/// A place in the code, and what to read there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Virtual address of the instruction; the values are read before it executes.
    pub address: u64,
    /// The number by which its event ([`base::Event::Probe`]) is known.
    pub site: u32,
    /// What to read, at most [`base::event::PROBE_ARGS`] values.
    pub arguments: Vec<Argument>,
}

/// A register's name that the ISA does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRegister(pub String);

impl fmt::Display for UnknownRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no register '{}'", self.0)
    }
}

impl std::error::Error for UnknownRegister {}
