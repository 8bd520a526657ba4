//! Names for kernel addresses, from the table that the build puts into the image (`kcore::ksyms`).

use core::fmt;

use kcore::ksyms;

/// Room for the table.
const ROOM: usize = 192 * 1024;

/// Filled in the linked file, so it must be read as memory the compiler knows nothing about.
#[unsafe(link_section = ".ksyms")]
#[used]
static TABLE: [u8; ROOM] = [0; ROOM];

/// An address, shown as `function+offset`.
pub struct Described(usize);

/// Describes a kernel address.
pub fn describe(address: usize) -> Described {
    Described(address)
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ksyms::lookup(core::hint::black_box(&TABLE), self.0 as u64) {
            Some((name, offset)) => write!(f, "{name}+{offset:#x}"),
            None => f.write_str("?"),
        }
    }
}
