//! The FXSAVE area: 512 bytes that hold x87, MXCSR and XMM (SDM vol. 1, 10.5.1).
//!
//! ```text
//! 0    FCW  FSW  FTW(abridged)  FOP      8   FIP (or EIP, CS)     16   FDP (or offset, DS)
//! 24   MXCSR  MXCSR_MASK                 32  ST0..ST7, 16 bytes each
//! 160  XMM0..XMM15, 16 bytes each        416 reserved, left alone
//! ```

use super::Fpu;
use crate::x86_64::reg::{MXCSR, XMM0};
use crate::x86_64::sse::mxcsr;
use ir::Regs;

/// The size that must be accessible, in bytes.
pub const SIZE: u64 = 512;
/// The part that is read and written outside 64-bit mode: up to XMM7, in 64-bit words.
const WORDS_SHORT: usize = (160 + 8 * 16) / 8;
/// The part that is read and written, in 64-bit words.
pub const WORDS: usize = (160 + 16 * 16) / 8;
const ST: usize = 32 / 8;
const XMM: usize = 160 / 8;

/// The words of an FXSAVE area that an instruction moves.
pub type Image = [u64; WORDS];

/// Which form of the area an instruction uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Pointers are 64-bit offsets (REX.W), else 32-bit offsets and selectors.
    pub wide: bool,
    /// All sixteen XMM registers take part (64-bit mode), else eight.
    pub long: bool,
}

impl Layout {
    /// As a call's payload.
    pub const fn payload(self) -> u16 {
        self.wide as u16 | (self.long as u16) << 1
    }

    /// From a call's payload.
    pub const fn from_payload(payload: u16) -> Self {
        Self {
            wide: payload & 1 != 0,
            long: payload & 2 != 0,
        }
    }

    /// How many words of the image are moved.
    pub const fn words(self) -> usize {
        if self.long { WORDS } else { WORDS_SHORT }
    }
}

/// What FXSAVE stores.
pub fn save(fpu: &Fpu, regs: &Regs, layout: Layout) -> Image {
    let mut image = [0; WORDS];
    image[0] = u64::from(fpu.control)
        | u64::from(fpu.status) << 16
        | u64::from(fpu.used) << 32
        | u64::from(fpu.opcode) << 48;
    // The selectors of the short form are deprecated and read as zero, as CPUs do that no longer keep them.
    let pointer = if layout.wide { u64::MAX } else { 0xffff_ffff };
    image[1] = fpu.instruction & pointer;
    image[2] = fpu.operand & pointer;
    image[3] = regs[usize::from(MXCSR)] | mxcsr::IMPLEMENTED << 32;
    for index in 0..8 {
        let value = fpu.registers[fpu.physical(index)];
        image[ST + 2 * index] = value as u64;
        image[ST + 2 * index + 1] = (value >> 64) as u64;
    }
    let xmm = usize::from(XMM0);
    image[XMM..].copy_from_slice(&regs[xmm..xmm + 32]);
    image
}

/// What FXRSTOR loads. `false`, and nothing changed, if the area's MXCSR has reserved bits set.
pub fn restore(fpu: &mut Fpu, regs: &mut Regs, image: &Image, layout: Layout) -> bool {
    let control = image[3] & 0xffff_ffff;
    if control & !mxcsr::IMPLEMENTED != 0 {
        return false;
    }
    fpu.status = (image[0] >> 16) as u16;
    fpu.used = (image[0] >> 32) as u8;
    fpu.opcode = (image[0] >> 48) as u16 & 0x7ff;
    fpu.set_control(image[0] as u16);
    let pointer = if layout.wide { u64::MAX } else { 0xffff_ffff };
    fpu.instruction = image[1] & pointer;
    fpu.operand = image[2] & pointer;
    for index in 0..8 {
        let (low, high) = (image[ST + 2 * index], image[ST + 2 * index + 1]);
        fpu.registers[fpu.physical(index)] = u128::from(low) | u128::from(high & 0xffff) << 64;
    }
    let words = layout.words() - XMM;
    let xmm = usize::from(XMM0);
    regs[xmm..xmm + words].copy_from_slice(&image[XMM..XMM + words]);
    mxcsr::set(regs, control);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Layout = Layout {
        wide: true,
        long: true,
    };

    #[test]
    fn what_was_saved_is_restored() {
        let mut regs: Regs = std::array::from_fn(|i| i as u64);
        mxcsr::set(&mut regs, mxcsr::RESET | 0x20);
        let mut fpu = Fpu::default();
        fpu.reset();
        fpu.status = 3 << 11;
        fpu.instruction = 0xffff_8000_0000_1234;
        fpu.registers = std::array::from_fn(|i| i as u128 + 5);
        let image = save(&fpu, &regs, LONG);
        assert_eq!(image[ST], 3 + 5, "ST0 is R3");
        let (mut other, mut other_regs) = (Fpu::default(), [0; 256]);
        assert!(restore(&mut other, &mut other_regs, &image, LONG));
        assert_eq!(other, fpu);
        assert_eq!(other_regs[16..48], regs[16..48]);
        assert_ne!(other_regs[usize::from(ir::reg::FP_FAST)], 0);
    }

    #[test]
    fn reserved_bits_of_mxcsr_are_refused_and_change_nothing() {
        let mut image = save(&Fpu::default(), &[7; 256], LONG);
        image[3] = 0x1_1f80;
        let (mut fpu, mut regs) = (Fpu::default(), [0; 256]);
        assert!(!restore(&mut fpu, &mut regs, &image, LONG));
        assert_eq!((fpu, regs), (Fpu::default(), [0; 256]));
    }

    #[test]
    fn outside_64_bit_mode_the_upper_registers_stay() {
        let image = save(&Fpu::default(), &[0; 256], LONG);
        let mut regs = [9; 256];
        let short = Layout {
            wide: false,
            long: false,
        };
        assert!(restore(&mut Fpu::default(), &mut regs, &image, short));
        assert_eq!(regs[16..32], [0; 16]);
        assert_eq!(regs[32..48], [9; 16]);
    }
}
