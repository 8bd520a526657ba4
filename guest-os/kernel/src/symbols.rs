//! Names for kernel addresses, from the table that the build puts into the image (`kcore::ksyms`).

use core::fmt;

use kcore::ksyms;

use crate::arch;

/// An address, shown as `function+offset`.
pub struct Described(usize);

/// Describes a kernel address.
pub fn describe(address: usize) -> Described {
    Described(address)
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ksyms::lookup(arch::ksyms::table(), self.0 as u64) {
            Some((name, offset)) => write!(f, "{name}+{offset:#x}"),
            None => f.write_str("?"),
        }
    }
}
