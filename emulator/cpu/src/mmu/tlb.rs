//! The translation look-aside buffer, one for all accesses of a CPU, and the fast table in front of it.
//!
//! The TLB proper (tags, permissions, replacement) is machine state: saved, restored, hashed; its misses are counted
//! and each is a page walk. The *fast table* is the host's: it holds only translations that are in the TLB right now
//! and lead to RAM, so that a hit there is a hit in the TLB. An access that the table cannot serve (a device, a clean
//! page, a page with code) goes the slow way and changes no count.
//!
//! Pages larger than 4 KiB are held as their 4 KiB pieces. A *view* is what an access may do by its privilege (user,
//! kernel, kernel allowed into user pages): the ISA numbers its views, the fast table keeps them apart.

use base::event::Access;
use base::{Codec, CodecError, PAGE_SIZE, Ram, State, Width};

/// How many views there can be.
pub const VIEWS: usize = 4;
/// Slots of the fast table for each view and direction.
const FAST: usize = 256;
/// A page address that no access has.
const NO_PAGE: u64 = 1;

/// What a translation allows.
pub mod perm {
    /// Data may be read.
    pub const READ: u8 = 1;
    /// Data may be written (and the page table says that it was).
    pub const WRITE: u8 = 2;
    /// Instructions may be fetched.
    pub const EXEC: u8 = 4;
}

/// One translation of a 4 KiB page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Virtual page number.
    pub page: u64,
    /// Physical page number.
    pub frame: u64,
    /// For each view, what it may do ([`perm`]).
    pub allow: [u8; VIEWS],
    /// log2 of the size in bytes of the page that the page table describes; 0 marks a free entry.
    pub size: u8,
    /// Survives a flush that spares global pages.
    pub global: bool,
    /// Address-space identifier.
    pub asid: u16,
}

/// The TLB's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Number of sets, a power of two.
    pub sets: usize,
    /// Entries in a set, replaced in turn.
    pub ways: usize,
}

impl Default for Shape {
    /// 256 entries, four ways.
    fn default() -> Self {
        Self { sets: 64, ways: 4 }
    }
}

#[derive(Clone, Copy)]
struct Fast {
    page: u64,
    /// RAM offset of the page minus its virtual address.
    delta: u64,
}

const EMPTY: Fast = Fast {
    page: NO_PAGE,
    delta: 0,
};

/// Accesses and misses by kind, in the order fetch, read, write. Host-side figures, not machine state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Look-ups.
    pub lookups: [u64; 3],
    /// Look-ups that needed a page walk.
    pub misses: [u64; 3],
}

/// A CPU's TLB.
pub struct Tlb {
    shape: Shape,
    entries: Vec<Entry>,
    /// For each set, the way to be replaced next.
    next: Vec<u8>,
    large: usize,
    reads: Box<[Fast; FAST * VIEWS]>,
    writes: Box<[Fast; FAST * VIEWS]>,
    epoch: u64,
    /// Figures for `stat`.
    pub counts: Counts,
}

impl Tlb {
    /// An empty TLB.
    pub fn new(shape: Shape) -> Self {
        assert!(
            shape.sets.is_power_of_two() && (1..=64).contains(&shape.ways),
            "impossible TLB shape"
        );
        Self {
            shape,
            entries: vec![Entry::default(); shape.sets * shape.ways],
            next: vec![0; shape.sets],
            large: 0,
            reads: Box::new([EMPTY; FAST * VIEWS]),
            writes: Box::new([EMPTY; FAST * VIEWS]),
            epoch: 0,
            counts: Counts::default(),
        }
    }

    /// The RAM offset of a read of `width` bytes at `addr`, if the fast table serves it.
    #[inline(always)]
    pub fn fast_read(&mut self, view: usize, addr: u64, width: Width) -> Option<usize> {
        let fast = &self.reads[slot(view, addr)];
        let hit = fast.page == addr & !(PAGE_SIZE - 1)
            && addr & (PAGE_SIZE - 1) <= PAGE_SIZE - width.bytes();
        if !hit {
            return None;
        }
        self.counts.lookups[Access::Read as usize] += 1;
        Some(addr.wrapping_add(fast.delta) as usize)
    }

    /// The RAM offset of a write of `width` bytes at `addr`, if the fast table serves it.
    #[inline(always)]
    pub fn fast_write(&mut self, view: usize, addr: u64, width: Width) -> Option<usize> {
        let fast = &self.writes[slot(view, addr)];
        let hit = fast.page == addr & !(PAGE_SIZE - 1)
            && addr & (PAGE_SIZE - 1) <= PAGE_SIZE - width.bytes();
        if !hit {
            return None;
        }
        self.counts.lookups[Access::Write as usize] += 1;
        Some(addr.wrapping_add(fast.delta) as usize)
    }

    /// The entry that translates `addr` for `access` in `view`; counts the look-up, and the miss if there is none.
    pub fn lookup(&mut self, view: usize, addr: u64, access: Access, asid: u16) -> Option<Entry> {
        self.counts.lookups[access as usize] += 1;
        let found = self.peek(view, addr, access, asid);
        if found.is_none() {
            self.counts.misses[access as usize] += 1;
        }
        found
    }

    /// As [`Tlb::lookup`], leaving no trace.
    pub fn peek(&self, view: usize, addr: u64, access: Access, asid: u16) -> Option<Entry> {
        let page = addr / PAGE_SIZE;
        let needed = match access {
            Access::Fetch => perm::EXEC,
            Access::Read => perm::READ,
            Access::Write => perm::WRITE,
        };
        let set = self.set(page);
        self.entries[set]
            .iter()
            .find(|e| {
                e.size != 0
                    && e.page == page
                    && (e.global || e.asid == asid)
                    && e.allow[view] & needed != 0
            })
            .copied()
    }

    /// Takes in the result of a page walk, replacing an older translation of the page or the next in turn; gives the
    /// page whose translation had to make place, if one had to.
    pub fn insert(&mut self, entry: Entry) -> Option<u64> {
        let set = self.set(entry.page);
        let ways = &self.entries[set.clone()];
        let same = ways
            .iter()
            .position(|e| e.size != 0 && e.page == entry.page && e.asid == entry.asid);
        let free = ways.iter().position(|e| e.size == 0);
        let way = same.or(free).unwrap_or_else(|| {
            let next = &mut self.next[set.start / self.shape.ways];
            let way = usize::from(*next);
            *next = ((way + 1) % self.shape.ways) as u8;
            way
        });
        let old = self.entries[set.start + way];
        self.remove(set.start + way);
        self.large += usize::from(entry.size > 12);
        self.entries[set.start + way] = entry;
        (same.is_none() && old.size != 0).then_some(old.page)
    }

    /// Lets the fast table serve `entry` in `view`, as far as RAM's marks allow.
    pub fn quicken(&mut self, view: usize, entry: &Entry, ram: &Ram) {
        let Some(offset) = ram.offset(base::Phys(entry.frame * PAGE_SIZE), PAGE_SIZE) else {
            return;
        };
        let page = entry.page * PAGE_SIZE;
        let fast = Fast {
            page,
            delta: (offset as u64).wrapping_sub(page),
        };
        let slot = slot(view, page);
        if entry.allow[view] & perm::READ != 0 {
            self.reads[slot] = fast;
        }
        if entry.allow[view] & perm::WRITE != 0 && ram.fast_writable(offset) {
            self.writes[slot] = fast;
        }
    }

    /// Forgets fast writes if RAM took back any page's right to them since the last call.
    #[inline]
    pub fn follow(&mut self, ram: &Ram) {
        if self.epoch != ram.epoch() {
            self.epoch = ram.epoch();
            self.writes.fill(EMPTY);
        }
    }

    /// Drops every translation; with `spare_global`, all but the global ones.
    pub fn flush(&mut self, spare_global: bool) {
        for index in 0..self.entries.len() {
            if !(spare_global && self.entries[index].global) {
                self.remove(index);
            }
        }
        self.forget_fast();
    }

    /// Drops the translations of one address space, sparing global ones.
    pub fn flush_asid(&mut self, asid: u16) {
        for index in 0..self.entries.len() {
            if !self.entries[index].global && self.entries[index].asid == asid {
                self.remove(index);
            }
        }
    }

    /// Drops every translation of the page that holds `addr`, whatever its size.
    pub fn flush_page(&mut self, addr: u64) {
        let page = addr / PAGE_SIZE;
        for index in self.set(page) {
            if self.entries[index].page == page {
                self.remove(index);
            }
        }
        if self.large > 0 {
            for index in 0..self.entries.len() {
                let e = self.entries[index];
                if e.size > 12 && (e.page * PAGE_SIZE) >> e.size == addr >> e.size {
                    self.remove(index);
                }
            }
        }
    }

    /// Forgets the fast table (not the TLB), as when what a view may do has changed.
    pub fn forget_fast(&mut self) {
        self.reads.fill(EMPTY);
        self.writes.fill(EMPTY);
    }

    /// The valid entries, for monitors.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|e| e.size != 0)
    }

    fn set(&self, page: u64) -> std::ops::Range<usize> {
        let set = page as usize & (self.shape.sets - 1);
        set * self.shape.ways..(set + 1) * self.shape.ways
    }

    fn remove(&mut self, index: usize) {
        let entry = std::mem::take(&mut self.entries[index]);
        if entry.size == 0 {
            return;
        }
        self.large -= usize::from(entry.size > 12);
        let page = entry.page * PAGE_SIZE;
        for view in 0..VIEWS {
            let slot = slot(view, page);
            for table in [&mut self.reads, &mut self.writes] {
                if table[slot].page == page {
                    table[slot] = EMPTY;
                }
            }
        }
    }
}

#[inline(always)]
const fn slot(view: usize, addr: u64) -> usize {
    (view * FAST) | ((addr / PAGE_SIZE) as usize & (FAST - 1))
}

impl State for Tlb {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("tlb", 1)?;
        let (mut sets, mut ways) = (self.shape.sets, self.shape.ways);
        codec.usize(&mut sets)?;
        codec.usize(&mut ways)?;
        if (sets, ways) != (self.shape.sets, self.shape.ways) {
            return Err(CodecError::BadValue { field: "tlb shape" });
        }
        for entry in &mut self.entries {
            codec.u64(&mut entry.page)?;
            codec.u64(&mut entry.frame)?;
            codec.bytes(&mut entry.allow)?;
            codec.u8(&mut entry.size)?;
            codec.bool(&mut entry.global)?;
            codec.u16(&mut entry.asid)?;
        }
        codec.bytes(&mut self.next)?;
        if codec.loading() {
            self.large = self.entries.iter().filter(|e| e.size > 12).count();
            if self.next.iter().any(|&way| usize::from(way) >= ways)
                || self.entries.iter().any(|e| e.size > 39)
            {
                return Err(CodecError::BadValue { field: "tlb entry" });
            }
            self.forget_fast();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{Phys, codec};

    const ALL: [u8; VIEWS] = [7; VIEWS];

    fn entry(page: u64, size: u8) -> Entry {
        Entry {
            page,
            frame: page,
            allow: ALL,
            size,
            global: false,
            asid: 0,
        }
    }

    #[test]
    fn a_set_replaces_its_entries_in_turn() {
        let mut tlb = Tlb::new(Shape { sets: 4, ways: 2 });
        for page in [0, 4, 8] {
            tlb.insert(entry(page, 12));
        }
        assert!(tlb.lookup(0, 0, Access::Read, 0).is_none());
        assert!(tlb.lookup(0, 8 << 12, Access::Read, 0).is_some());
        tlb.insert(entry(12, 12));
        assert!(tlb.lookup(0, 4 << 12, Access::Read, 0).is_none());
        assert_eq!(tlb.counts.misses, [0, 2, 0]);
    }

    #[test]
    fn the_fast_table_never_outlives_an_entry() {
        let mut ram = Ram::new(Phys(0), 0x10000);
        ram.write(Phys(0x3000), Width::B1, 1);
        let mut tlb = Tlb::new(Shape::default());
        tlb.insert(entry(3, 12));
        tlb.quicken(1, &entry(3, 12), &ram);
        assert_eq!(tlb.fast_read(1, 0x3ff8, Width::B8), Some(0x3ff8));
        assert_eq!(tlb.fast_read(1, 0x3ff9, Width::B8), None);
        assert_eq!(tlb.fast_read(0, 0x3000, Width::B8), None);
        assert!(tlb.fast_write(1, 0x3000, Width::B8).is_some());
        tlb.flush_page(0x3123);
        assert_eq!(tlb.fast_read(1, 0x3000, Width::B8), None);
        assert!(tlb.fast_write(1, 0x3000, Width::B8).is_none());
    }

    #[test]
    fn one_invalidation_drops_all_pieces_of_a_large_page() {
        let mut tlb = Tlb::new(Shape::default());
        tlb.insert(entry(0x200, 21));
        tlb.insert(entry(0x3ff, 21));
        tlb.insert(entry(0x400, 21));
        tlb.flush_page(0x210 << 12);
        assert_eq!(tlb.entries().map(|e| e.page).collect::<Vec<_>>(), [0x400]);
    }

    #[test]
    fn its_state_round_trips_and_bad_state_is_refused() {
        let mut tlb = Tlb::new(Shape { sets: 4, ways: 2 });
        tlb.insert(entry(5, 12));
        let bytes = codec::save(&mut tlb);
        let mut other = Tlb::new(Shape { sets: 4, ways: 2 });
        assert_eq!(codec::load(&mut other, &bytes), Ok(()));
        assert_eq!(codec::save(&mut other), bytes);
        assert!(codec::load(&mut Tlb::new(Shape::default()), &bytes).is_err());
    }
}
