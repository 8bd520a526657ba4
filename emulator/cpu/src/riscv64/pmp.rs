//! Physical memory protection (Privileged spec, 3.7): up to 16 ranges with rights that bind S-mode and U-mode, and
//! M-mode where an entry is locked.
//!
//! ```text
//! pmpcfg byte   7   6..5  4..3  2  1  0
//!               L   0     A     X  W  R        A: 0 off, 1 TOR (from the address before), 2 NA4, 3 NAPOT
//! pmpaddr       bits 55..2 of an address
//! ```

use super::state::Privilege;
use base::event::Access;
use base::{Codec, CodecError, PAGE_SIZE, Phys, State};

/// How many entries there are.
pub const ENTRIES: usize = 16;

const LOCK: u8 = 1 << 7;
const MODE: u8 = 3 << 3;
const TOR: u8 = 1 << 3;
const NA4: u8 = 2 << 3;
const NAPOT: u8 = 3 << 3;
/// The bits that exist in a configuration byte.
const CONFIG: u8 = LOCK | MODE | 7;
/// The bits that exist in an address register: those of 56-bit addresses.
const ADDRESS: u64 = (1 << 54) - 1;

/// The entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pmp {
    config: [u8; ENTRIES],
    address: [u64; ENTRIES],
    /// The range of each entry up to the last one in use: first byte and one past the last; derived.
    ranges: [(u64, u64); ENTRIES],
    /// How many these are; derived.
    used: u8,
}

impl Pmp {
    /// pmpcfgN for the even `n` that RV64 has.
    pub fn config(&self, n: usize) -> u64 {
        let bytes = self.config[n * 4..].first_chunk::<8>();
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// Writes pmpcfgN; locked entries stay, and the reserved combination W without R is not taken.
    pub fn set_config(&mut self, n: usize, value: u64) {
        for (entry, byte) in self.config[n * 4..].iter_mut().zip(value.to_le_bytes()) {
            if *entry & LOCK == 0 && byte & 3 != 2 {
                *entry = byte & CONFIG;
            }
        }
        self.derive();
    }

    /// pmpaddrN.
    pub fn address(&self, n: usize) -> u64 {
        self.address[n]
    }

    /// Writes pmpaddrN, unless it, or an entry that ranges up from it, is locked.
    pub fn set_address(&mut self, n: usize, value: u64) {
        let next = self.config.get(n + 1).copied().unwrap_or(0);
        let above = next & LOCK != 0 && next & MODE == TOR;
        if self.config[n] & LOCK == 0 && !above {
            self.address[n] = value & ADDRESS;
        }
        self.derive();
    }

    fn derive(&mut self) {
        let last = self.config.iter().rposition(|config| config & MODE != 0);
        self.used = last.map_or(0, |last| last as u8 + 1);
        self.ranges = std::array::from_fn(|n| self.range(n));
    }

    /// The range of an entry; an empty one if it is off, or ranges from an address to a lower one (3.7.1.1).
    fn range(&self, n: usize) -> (u64, u64) {
        let address = self.address[n] << 2;
        match self.config[n] & MODE {
            TOR => {
                let from = match n {
                    0 => 0,
                    n => self.address[n - 1] << 2,
                };
                (from, address.max(from))
            }
            NA4 => (address, address + 4),
            NAPOT => {
                let size = 8 << self.address[n].trailing_ones();
                let base = address & !(size - 1);
                (base, base + size)
            }
            _ => (0, 0),
        }
    }

    /// Whether `mode` may access the `len` bytes at `phys` so; and whether the answer holds for all of their page.
    pub fn allows(&self, phys: Phys, len: u64, access: Access, mode: Privilege) -> (bool, bool) {
        if self.used == 0 {
            // No entry matches: M-mode may do anything, the others nothing, once there are entries at all. Software
            // that never heard of PMP runs in M-mode only, or on a machine that opens it (as QEMU's loader does not).
            return (mode == Privilege::Machine, true);
        }
        // Without translation an address may be any, also the last.
        let (first, last) = (phys.0, phys.0.saturating_add(len));
        let page = phys.0 / PAGE_SIZE * PAGE_SIZE;
        let page_end = page.saturating_add(PAGE_SIZE);
        let mut whole = true;
        for (&(from, to), &config) in self.ranges[..usize::from(self.used)]
            .iter()
            .zip(&self.config)
        {
            if from == to {
                continue;
            }
            if to <= page || from >= page_end {
                continue;
            }
            whole &= from <= page && to >= page_end;
            if to <= first || from >= last {
                continue;
            }
            // An access that an entry covers only in part fails, whatever the rights.
            let covered = from <= first && to >= last;
            let needed = match access {
                Access::Read => 1,
                Access::Write => 2,
                Access::Fetch => 4,
            };
            let free = mode == Privilege::Machine && config & LOCK == 0;
            return (covered && (free || config & needed != 0), whole);
        }
        (mode == Privilege::Machine, whole)
    }
}

impl State for Pmp {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.bytes(&mut self.config)?;
        for address in &mut self.address {
            codec.u64(address)?;
        }
        if codec.loading() {
            self.derive();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pmp: &Pmp, addr: u64, len: u64, mode: Privilege) -> (bool, bool) {
        pmp.allows(Phys(addr), len, Access::Read, mode)
    }

    #[test]
    fn the_first_entry_that_matches_decides() {
        let mut pmp = Pmp::default();
        pmp.set_address(0, 0x8000_1000 >> 2);
        pmp.set_address(1, (0x8000_0000 >> 2) | 0x3fff); // 128 KiB
        pmp.set_config(
            0,
            u64::from_le_bytes([TOR | 1, NAPOT | 7, 0, 0, 0, 0, 0, 0]),
        );
        let write = |addr| pmp.allows(Phys(addr), 8, Access::Write, Privilege::Supervisor);
        assert_eq!(read(&pmp, 0x8000_0ff8, 8, Privilege::User), (true, true));
        assert_eq!(write(0x8000_0ff8), (false, true));
        assert_eq!(write(0x8000_1000), (true, true));
        assert_eq!(read(&pmp, 0x8002_0000, 8, Privilege::User), (false, true));
        assert_eq!(read(&pmp, 0x8002_0000, 8, Privilege::Machine), (true, true));
    }

    #[test]
    fn a_range_smaller_than_a_page_is_not_the_pages_answer() {
        let mut pmp = Pmp::default();
        pmp.set_address(0, 0x8000_0010 >> 2);
        pmp.set_config(0, u64::from(NA4 | 1));
        assert_eq!(read(&pmp, 0x8000_0010, 4, Privilege::User), (true, false));
        assert_eq!(read(&pmp, 0x8000_0010, 8, Privilege::User), (false, false));
        assert_eq!(read(&pmp, 0x8000_0020, 4, Privilege::User), (false, false));
    }

    #[test]
    fn a_locked_entry_binds_machine_mode_and_cannot_be_changed() {
        let mut pmp = Pmp::default();
        pmp.set_address(0, u64::MAX);
        pmp.set_config(0, u64::from(LOCK | NAPOT));
        assert_eq!(read(&pmp, 0, 8, Privilege::Machine), (false, true));
        pmp.set_config(0, u64::from(NAPOT | 7));
        pmp.set_address(0, 5);
        assert_eq!(pmp.address(0), ADDRESS);
        assert_eq!(pmp.config(0), u64::from(LOCK | NAPOT));
    }

    #[test]
    fn the_last_address_of_all_is_outside_every_range() {
        let mut pmp = Pmp::default();
        pmp.set_address(0, u64::MAX);
        pmp.set_config(0, u64::from(NAPOT | 7));
        assert_eq!(read(&pmp, u64::MAX - 3, 8, Privilege::User), (false, true));
        assert_eq!(read(&pmp, (1 << 56) - 8, 8, Privilege::User), (true, true));
    }

    #[test]
    fn write_without_read_is_reserved() {
        let mut pmp = Pmp::default();
        pmp.set_config(0, u64::from(NAPOT | 2));
        assert_eq!(pmp.config(0), 0);
    }
}
