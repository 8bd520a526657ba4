//! Names for kernel addresses, from the table that the build puts into the image (`kcore::ksyms`).

use core::fmt;

use kcore::ksyms;

use crate::arch;

/// An address, shown as `function+offset`.
pub struct Described {
    address: usize,
    /// So many bytes in front of it is what it belongs to.
    back: u64,
}

/// Describes the address of an instruction.
pub fn describe(address: usize) -> Described {
    Described { address, back: 0 }
}

/// Describes a return address. The call in front of it may be the last instruction of its function, if it does not come
/// back.
pub fn describe_return(address: usize) -> Described {
    Described { address, back: 1 }
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = arch::ksyms::table();
        match ksyms::lookup(table, self.address as u64 - self.back) {
            Some((name, offset)) => write!(f, "{name}+{:#x}", offset + self.back),
            None => f.write_str("?"),
        }
    }
}
