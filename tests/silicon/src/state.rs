//! What an instruction starts from and what it leaves: registers and data memory, and seeded ways to fill them.

use crate::Exit;
use crate::layout::DATA_LEN;
use base::Rng;

/// The registers a user program sees, as the host's way in and out moves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Registers {
    /// General registers, in the encoding's order.
    pub gpr: [u64; 16],
    /// RFLAGS.
    pub flags: u64,
    /// MXCSR.
    pub mxcsr: u64,
    /// XMM0..XMM15.
    pub xmm: [[u64; 2]; 16],
}

/// The data memory.
pub type Data = [u8; DATA_LEN as usize];

/// What is left when it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The registers.
    pub regs: Registers,
    /// The data memory.
    pub data: Data,
    /// How it ended.
    pub exit: Exit,
}

impl Outcome {
    /// What `run` makes of registers and data.
    pub fn of(
        mut regs: Registers,
        mut data: Data,
        run: impl FnOnce(&mut Registers, &mut Data) -> Exit,
    ) -> Self {
        let exit = run(&mut regs, &mut data);
        Self { regs, data, exit }
    }
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
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX,
    u64::MAX - 1,
];

/// Doubles at the edges: zero, one, halves, extremes, subnormals, infinities, NaNs, ends of the integers.
pub const DOUBLES: &[u64] = &[
    0,
    1,
    0x000f_ffff_ffff_ffff,
    0x0010_0000_0000_0000,
    0x0010_0000_0000_0001,
    0x3fe0_0000_0000_0000,
    0x3fef_ffff_ffff_ffff,
    0x3ff0_0000_0000_0000,
    0x3ff8_0000_0000_0000,
    0x4000_0000_0000_0000,
    0x41df_ffff_ffc0_0000,
    0x41df_ffff_ffe0_0000,
    0x41e0_0000_0000_0000,
    0x43e0_0000_0000_0000,
    0x380f_ffff_ffff_ffff,
    0x36a0_0000_0000_0000,
    0x47ef_ffff_f000_0000,
    0x7fef_ffff_ffff_ffff,
    0x7ff0_0000_0000_0000,
    0x7ff0_0000_0000_0001,
    0x7ff8_0000_0000_0000,
    0x7ffc_dead_beef_0001,
];

/// Singles at the edges.
pub const SINGLES: &[u32] = &[
    0,
    1,
    0x007f_ffff,
    0x0080_0000,
    0x0080_0001,
    0x3f00_0000,
    0x3f7f_ffff,
    0x3f80_0000,
    0x3fc0_0000,
    0x4000_0000,
    0x4eff_ffff,
    0x4f00_0000,
    0x5f00_0000,
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
    match rng.below(4) {
        0 => of(rng, INTEGERS),
        1 => of(rng, INTEGERS)
            .wrapping_add(rng.below(17))
            .wrapping_sub(8),
        2 => rng.next() >> rng.below(64),
        _ => rng.next(),
    }
}

fn double(rng: &mut Rng) -> u64 {
    match rng.below(4) {
        0 => of(rng, DOUBLES) ^ rng.next() << 63,
        1 => of(rng, DOUBLES).wrapping_add(rng.below(5)).wrapping_sub(2) ^ rng.next() << 63,
        // Exponents near each other, so that sums cancel and products stay in range.
        2 => (rng.next() & 0x800f_ffff_ffff_ffff) | (1023 - 30 + rng.below(60)) << 52,
        _ => rng.next(),
    }
}

fn single(rng: &mut Rng) -> u64 {
    let bits = match rng.below(4) {
        0 => u64::from(of(rng, SINGLES)) ^ (rng.next() & 1) << 31,
        1 => u64::from(of(rng, SINGLES)).wrapping_add(rng.below(3)) ^ (rng.next() & 1) << 31,
        2 => (rng.next() & 0x807f_ffff) | (127 - 15 + rng.below(30)) << 23,
        _ => rng.next(),
    };
    bits & 0xffff_ffff
}

/// One word of a vector: doubles, singles or integers.
pub fn lane(rng: &mut Rng) -> u64 {
    match rng.below(5) {
        0 | 1 => double(rng),
        2 | 3 => single(rng) | single(rng) << 32,
        _ => integer(rng),
    }
}

/// MXCSR: often as after reset, with inexact raised or not, as programs have it; else mostly everything masked, in any
/// rounding direction, sometimes flushing, sometimes with traps.
fn mxcsr(rng: &mut Rng) -> u64 {
    if rng.below(4) == 0 {
        return if rng.below(2) == 0 { 0x1f80 } else { 0x1fa0 };
    }
    let rounding = rng.below(4) << 13;
    let flags = if rng.below(2) == 0 {
        0
    } else {
        rng.next() & 0x3f
    };
    let modes = if rng.below(3) == 0 {
        rng.next() & 0x8040
    } else {
        0
    };
    let masks = if rng.below(4) == 0 {
        rng.next() & 0x1f80
    } else {
        0x1f80
    };
    rounding | flags | modes | masks
}

/// CF PF AF ZF SF OF.
pub const ARITHMETIC: u64 = 0x8d5;
/// The overflow flag.
pub const OF: u64 = 0x800;
/// The direction flag.
pub const DF: u64 = 0x400;

impl Registers {
    /// Seeded contents; RSP is left to the caller.
    pub fn random(rng: &mut Rng) -> Self {
        let gpr = std::array::from_fn(|_| integer(rng));
        let xmm = std::array::from_fn(|_| [lane(rng), lane(rng)]);
        // Interrupts are on in every user program; bit 1 is always set.
        let flags = rng.next() & (ARITHMETIC | DF) | 0x202;
        Self {
            gpr,
            flags,
            mxcsr: mxcsr(rng),
            xmm,
        }
    }

    /// Clears what 32-bit code cannot see.
    pub fn keep_visible(&mut self) {
        self.gpr[..8].iter_mut().for_each(|r| *r &= 0xffff_ffff);
        self.gpr[8..].fill(0);
        self.xmm[8..].fill([0; 2]);
    }
}
