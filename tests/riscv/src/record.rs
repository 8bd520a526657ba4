//! What a case starts from and what it leaves: registers, data, and the signal that ended it; and seeded ways to fill it.
//!
//! ```text
//! 0 x0 … x31   256 f0 … f31   512 fcsr   520 signal   528 its pc   544 data
//! ```

use base::Rng;

/// Bytes of a record.
pub const LEN: usize = DATA + DATA_LEN;
/// Where its data begins.
pub const DATA: usize = 544;
/// Bytes of data.
pub const DATA_LEN: usize = 256;
/// Where the signal's number is; 0 for none.
pub const SIGNAL: usize = 520;
/// Where the program counter is that the signal found.
pub const SIGNAL_PC: usize = 528;

/// A record to start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The integer registers; in x0's place, the first instruction's address.
    pub x: [u64; 32],
    /// The floating-point registers.
    pub f: [u64; 32],
    /// fcsr.
    pub fcsr: u64,
    /// The data.
    pub data: [u8; DATA_LEN],
}

/// Integers at the edges of their types.
const INTEGERS: &[u64] = &[
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0xffff_ffff_7fff_ffff,
    0xffff_ffff_8000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX - 1,
    u64::MAX,
];

/// Doubles at the edges: zero, one, halves, extremes, subnormals, infinities, NaNs, ends of the integers and of the singles.
const DOUBLES: &[u64] = &[
    0,
    1,
    2,
    0x000f_ffff_ffff_ffff,
    0x0010_0000_0000_0000,
    0x0010_0000_0000_0001,
    0x3690_0000_0000_0000,
    0x36a0_0000_0000_0000,
    0x380f_ffff_e000_0000,
    0x380f_ffff_ffff_ffff,
    0x3810_0000_0000_0000,
    0x3fdf_ffff_ffff_ffff,
    0x3fe0_0000_0000_0000,
    0x3fef_ffff_ffff_ffff,
    0x3ff0_0000_0000_0000,
    0x3ff0_0000_0000_0001,
    0x3ff8_0000_0000_0000,
    0x4000_0000_0000_0000,
    0x4004_0000_0000_0000,
    0x41df_ffff_ffc0_0000,
    0x41df_ffff_ffe0_0000,
    0x41e0_0000_0000_0000,
    0x41ef_ffff_ffe0_0000,
    0x41f0_0000_0000_0000,
    0x4330_0000_0000_0000,
    0x43df_ffff_ffff_ffff,
    0x43e0_0000_0000_0000,
    0x43f0_0000_0000_0000,
    0x47ef_ffff_e000_0000,
    0x47ef_ffff_f000_0000,
    0x7fef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0x7ff8_0000_0000_0000,
    0x7ffc_dead_beef_0001,
];

/// Singles at the edges.
const SINGLES: &[u32] = &[
    0,
    1,
    2,
    0x007f_ffff,
    0x0080_0000,
    0x0080_0001,
    0x3eff_ffff,
    0x3f00_0000,
    0x3f7f_ffff,
    0x3f80_0000,
    0x3f80_0001,
    0x3fc0_0000,
    0x4000_0000,
    0x4020_0000,
    0x4b00_0000,
    0x4eff_ffff,
    0x4f00_0000,
    0x4f7f_ffff,
    0x4f80_0000,
    0x5eff_ffff,
    0x5f00_0000,
    0x5f80_0000,
    0x7f7f_ffff,
    0x7f80_0000,
    0x7f80_0001,
    0x7fc0_0000,
    0x7fe1_2345,
];

fn of<T: Copy>(rng: &mut Rng, values: &[T]) -> T {
    values[rng.below(values.len() as u64) as usize]
}

/// An integer: an edge, near an edge, few bits, or anything.
pub fn integer(rng: &mut Rng) -> u64 {
    match rng.below(5) {
        0 => of(rng, INTEGERS),
        1 => of(rng, INTEGERS)
            .wrapping_add(rng.below(17))
            .wrapping_sub(8),
        2 => rng.next() >> rng.below(64),
        3 => i64::from(rng.next() as i32) as u64,
        _ => rng.next(),
    }
}

/// A single's bits: an edge, near one, near 1 with a short fraction (so that sums cancel), or anything.
fn single(rng: &mut Rng) -> u32 {
    let sign = (rng.next() as u32) & 0x8000_0000;
    sign ^ match rng.below(5) {
        0 | 1 => of(rng, SINGLES),
        2 => of(rng, SINGLES)
            .wrapping_add(rng.below(5) as u32)
            .wrapping_sub(2),
        3 => {
            (0x7c + rng.below(8) as u32) << 23
                | (rng.next() as u32 & 0x7f_ffff) << rng.below(23) & 0x7f_ffff
        }
        _ => rng.next() as u32,
    }
}

/// A double's bits, likewise.
fn double(rng: &mut Rng) -> u64 {
    const FRACTION: u64 = (1 << 52) - 1;
    let sign = rng.next() & 1 << 63;
    sign ^ match rng.below(5) {
        0 | 1 => of(rng, DOUBLES),
        2 => of(rng, DOUBLES).wrapping_add(rng.below(5)).wrapping_sub(2),
        3 => (0x3fc + rng.below(8)) << 52 | (rng.next() & FRACTION) << rng.below(52) & FRACTION,
        _ => rng.next(),
    }
}

/// A floating-point register's content: a double, a boxed single, or a single that is not boxed well.
fn float(rng: &mut Rng) -> u64 {
    match rng.below(16) {
        0..7 => double(rng),
        7 => u64::from(single(rng)) | rng.next() << 32,
        _ => u64::from(single(rng)) | 0xffff_ffff << 32,
    }
}

/// fcsr: often as after reset; else any flags, and any rounding mode, now and then a reserved one.
fn fcsr(rng: &mut Rng) -> u64 {
    let flags = rng.next() & if rng.below(2) == 0 { 0 } else { 0x1f };
    let rounding = match rng.below(16) {
        0..6 => 0,
        6 => 5 + rng.below(3),
        _ => rng.below(5),
    };
    flags | rounding << 5
}

impl Record {
    /// Seeded contents.
    pub fn random(rng: &mut Rng) -> Self {
        Self {
            x: std::array::from_fn(|_| integer(rng)),
            f: std::array::from_fn(|_| float(rng)),
            fcsr: fcsr(rng),
            data: std::array::from_fn(|_| rng.next() as u8),
        }
    }

    /// As bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let words = self.x.iter().chain(&self.f).chain([&self.fcsr, &0, &0, &0]);
        let mut bytes: Vec<u8> = words.flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend_from_slice(&self.data);
        bytes
    }
}

/// Describes in what our record is unlike the judge's; `before` is what both started from.
pub fn unlike(before: &[u8], ours: &[u8], theirs: &[u8]) -> String {
    let mut how = String::new();
    for at in (0..LEN).step_by(8) {
        let word = |bytes: &[u8]| {
            bytes[at..]
                .first_chunk()
                .map_or(0, |b| u64::from_le_bytes(*b))
        };
        let name = match at {
            0..256 => format!("x{}", at / 8),
            256..512 => format!("f{}", at / 8 - 32),
            512 => "fcsr".into(),
            SIGNAL => "signal".into(),
            SIGNAL_PC => "signal's pc".into(),
            _ => format!("data+{:#x}", at.saturating_sub(DATA)),
        };
        if word(ours) != word(theirs) {
            let (a, b, was) = (word(ours), word(theirs), word(before));
            how += &format!("    {name} {a:#x}, judge {b:#x}, before {was:#x}\n");
        }
    }
    how
}
