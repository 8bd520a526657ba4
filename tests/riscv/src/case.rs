//! Seeded cases: a few instructions, and the record that they start from.
//!
//! ```text
//! jal x4, BACK     where backward branches go
//! …                the instructions; a branch goes there, or over the instruction behind it
//! jal x0, BACK
//! jal x4, BACK     where a branch in the last instruction goes
//! ```
//!
//! What an instruction needs of a register (an address, for one) is settled in the record, so a register that has been
//! written cannot serve. x3 is the driver's and is never written.

use crate::catalog::Row;
use crate::image::BACK;
use crate::record::{DATA, DATA_LEN, Record};
use base::Rng;

/// How often other operands are tried before an instruction is given up.
const ATTEMPTS: u64 = 200;
/// Register numbers that the driver uses: the record's address, and the entry.
const RECORD: usize = 3;
const ENTRY: usize = 4;

/// A case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its instructions' names.
    pub names: Vec<&'static str>,
    /// All of its code.
    pub code: Vec<u8>,
    /// What it starts from.
    pub start: Record,
}

/// A case in the making.
struct Draft<'a> {
    rng: &'a mut Rng,
    /// Where the record will be.
    record: u64,
    /// The register that all addresses come from, if it has to be one.
    address: Option<u32>,
    start: Record,
    /// Registers written by the instructions so far, a bit each.
    written: u32,
    /// Registers whose value at the start is settled, a bit each.
    settled: u32,
    insns: Vec<(&'static Row, u32)>,
    /// Registers that a jump goes by, with what it adds.
    jumps: Vec<(usize, i64)>,
}

impl Case {
    /// A case of `rows`, one instruction each, whose code will be at `at` and whose record at `record`; `None` if these
    /// instructions do not go together.
    pub fn new(rng: &mut Rng, rows: &[&'static Row], at: u64, record: u64) -> Option<Self> {
        Draft::new(rng, record, None).with(rows, at)
    }

    /// As [`Case::new`], with all addresses from one register.
    pub fn at_one_place(
        rng: &mut Rng,
        rows: &[&'static Row],
        at: u64,
        record: u64,
    ) -> Option<Self> {
        let register = 5 + rng.below(27) as u32;
        Draft::new(rng, record, Some(register)).with(rows, at)
    }

    /// The case of one instruction with these `bits`, which touches no memory.
    pub fn raw(rng: &mut Rng, bits: u32, at: u64) -> Self {
        let mut start = Record::random(rng);
        start.x[0] = at + 4;
        Self {
            names: Vec::new(),
            code: framed(at, &bits.to_le_bytes()),
            start,
        }
    }
}

/// Instructions between what every case begins and ends with.
fn framed(at: u64, insns: &[u8]) -> Vec<u8> {
    let jump = |from: u64, link: u32| {
        let away = BACK.wrapping_sub(from) as u32;
        let bits = (away >> 20 & 1) << 31
            | (away >> 1 & 0x3ff) << 21
            | (away >> 11 & 1) << 20
            | away & 0xf_f000
            | link << 7
            | 0x6f;
        bits.to_le_bytes()
    };
    let end = at + 4 + insns.len() as u64;
    [&jump(at, 4), insns, &jump(end, 0), &jump(end + 4, 4)].concat()
}

/// The integer register that an instruction writes.
fn destination(row: &Row, bits: u32) -> Option<usize> {
    match row.name {
        "c.addi16sp" => Some(2),
        "c.jalr" => Some(1),
        _ => row.pattern.register(&['d', 'e', 't'], bits),
    }
}

/// The register that an instruction takes an address from.
fn base(row: &Row, bits: u32) -> Option<usize> {
    let stack = row.name.ends_with("sp") && !row.layout.is_empty();
    row.pattern.register(&['p'], bits).or(stack.then_some(2))
}

impl<'a> Draft<'a> {
    fn new(rng: &'a mut Rng, record: u64, address: Option<u32>) -> Self {
        Self {
            start: Record::random(rng),
            rng,
            record,
            address,
            written: 0,
            settled: 1,
            insns: Vec::new(),
            jumps: Vec::new(),
        }
    }

    fn with(mut self, rows: &[&'static Row], at: u64) -> Option<Case> {
        rows.iter().try_for_each(|row| self.add(row))?;
        Some(self.finish(at))
    }

    /// Adds an instruction with operands that fit.
    fn add(&mut self, row: &'static Row) -> Option<()> {
        (0..ATTEMPTS).find_map(|_| {
            let bits = self.operands(row)?;
            self.settle(row, bits)?;
            self.written |= destination(row, bits).map_or(0, |d| 1 << d);
            self.insns.push((row, bits));
            Some(())
        })
    }

    /// An encoding.
    fn operands(&mut self, row: &Row) -> Option<u32> {
        let (rng, address) = (&mut *self.rng, self.address);
        let bits = row.pattern.encode(|letter, len| match letter {
            'r' => match rng.below(3) {
                0 => 7,
                _ => rng.below(5) as u32,
            },
            // fflags, frm, fcsr; sometimes what a user program may not touch, or nobody has.
            'y' => match rng.below(64) {
                0 => 0x300,
                1 => 0x123,
                n => 1 + n as u32 % 3,
            },
            'p' if address.is_some() => address.unwrap_or_default(),
            // Few registers in a sequence, so that its instructions meet.
            'a' | 'b' | 'd' | 'e' | 'A' | 'B' | 'C' | 'D' if len == 5 && rng.below(2) == 0 => {
                8 + rng.below(4) as u32
            }
            _ => rng.next() as u32,
        });
        let fits = row.pattern.matches(bits) && destination(row, bits) != Some(RECORD);
        fits.then_some(bits)
    }

    /// Settles what the instruction needs of the record.
    fn settle(&mut self, row: &Row, bits: u32) -> Option<()> {
        if matches!(row.name, "jalr" | "c.jr" | "c.jalr") {
            let register = row.pattern.register(&['a', 'h'], bits)?;
            self.take(register)?;
            self.jumps.push((register, row.offset(bits)));
        }
        let Some(register) = base(row, bits) else {
            return Some(());
        };
        let offset = row.offset(bits);
        let data = self.record + DATA as u64;
        let inside = |addr: u64| (data..=data + DATA_LEN as u64 - 8).contains(&addr);
        let reaches = |from: u64| inside(from.wrapping_add_signed(offset)).then_some(());
        // An SC that cannot succeed may fail or fault, as a hart likes.
        let fails = row.name.starts_with("sc.");
        match register {
            // Page zero, where nothing is.
            0 => (self.rng.below(8) == 0 && !fails).then_some(()),
            RECORD => reaches(self.record),
            _ if self.settled >> register & 1 != 0 && self.written >> register & 1 == 0 => {
                reaches(self.start.x[register])
            }
            _ => {
                self.take(register)?;
                let mut place = self.rng.below(DATA_LEN as u64 - 7);
                if self.rng.below(4) != 0 || fails {
                    place &= !7;
                }
                self.start.x[register] = (data + place).wrapping_add_signed(-offset);
                Some(())
            }
        }
    }

    /// Takes a register whose value at the start is still free, and still there.
    fn take(&mut self, register: usize) -> Option<()> {
        let taken = self.settled | self.written | 1 << RECORD | 1 << ENTRY;
        self.settled |= 1 << register;
        (taken >> register & 1 == 0).then_some(())
    }

    /// Settles where branches go, and gives the case.
    fn finish(mut self, at: u64) -> Case {
        let entry = at + 4;
        let mut places = vec![entry];
        for (row, _) in &self.insns {
            places.push(places[places.len() - 1] + row.pattern.len as u64);
        }
        let end = places[places.len() - 1];
        places.push(end + 4);
        let mut code = Vec::new();
        for (n, (row, bits)) in self.insns.iter().enumerate() {
            let mut bits = *bits;
            if row.pattern.field('j', bits).is_some() {
                let to = if self.rng.below(3) == 0 {
                    at
                } else {
                    places[n + 2]
                };
                let field = row.field(to.wrapping_sub(places[n]) as i64);
                bits = row.pattern.with('j', bits, field);
            }
            code.extend_from_slice(&bits.to_le_bytes()[..row.pattern.len]);
        }
        for (register, added) in self.jumps {
            let to = if self.rng.below(3) == 0 { at } else { end + 4 };
            // JALR clears the lowest bit.
            self.start.x[register] = to.wrapping_add_signed(-added) | self.rng.below(2);
        }
        self.start.x[0] = entry;
        Case {
            names: self.insns.iter().map(|(row, _)| row.name).collect(),
            code: framed(at, &code),
            start: self.start,
        }
    }
}
