//! FPU and SSE state of user programs. The kernel itself is compiled without them, so the registers
//! always hold the running program's values, and are exchanged when processes are.

use core::arch::asm;

/// An FXSAVE image (SDM vol. 1, 10.5.1).
#[repr(C, align(16))]
#[derive(Clone)]
pub struct FpuState {
    bytes: [u8; 512],
}

/// Control word after FNINIT: all exceptions masked, 64-bit precision, round to nearest.
const FCW_DEFAULT: u16 = 0x037f;
/// MXCSR after reset: all exceptions masked, round to nearest.
const MXCSR_DEFAULT: u32 = 0x1f80;
/// Bits of MXCSR that FXRSTOR accepts on every x86-64 CPU; any other raises #GP.
const MXCSR_MASK: u32 = 0xffbf;

impl FpuState {
    /// The state in which a program starts.
    pub const fn new() -> Self {
        let mut bytes = [0; 512];
        let fcw = FCW_DEFAULT.to_le_bytes();
        let mxcsr = MXCSR_DEFAULT.to_le_bytes();
        bytes[0] = fcw[0];
        bytes[1] = fcw[1];
        bytes[24] = mxcsr[0];
        bytes[25] = mxcsr[1];
        FpuState { bytes }
    }

    /// A state from bytes a program wrote, made safe to load.
    pub fn from_user(mut bytes: [u8; 512]) -> Self {
        let mxcsr = u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]) & MXCSR_MASK;
        bytes[24..28].copy_from_slice(&mxcsr.to_le_bytes());
        FpuState { bytes }
    }

    /// The image as bytes.
    pub fn bytes(&self) -> &[u8; 512] {
        &self.bytes
    }

    /// Stores the registers of this CPU.
    pub fn save(&mut self) {
        // SAFETY: the image is 512 bytes, aligned to 16.
        unsafe {
            asm!("fxsave64 [{}]", in(reg) &raw mut self.bytes, options(nostack, preserves_flags))
        };
    }

    /// Loads the registers of this CPU.
    pub fn restore(&self) {
        // SAFETY: as above, and `from_user` keeps reserved MXCSR bits out.
        unsafe {
            asm!("fxrstor64 [{}]", in(reg) &raw const self.bytes, options(nostack, preserves_flags, readonly))
        };
    }
}
