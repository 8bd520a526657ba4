//! FPU state of user programs. The kernel itself is compiled without floating point, so the registers
//! always hold the running program's values, and are exchanged when processes are.

use core::arch::naked_asm;

/// The registers of the D extension.
#[repr(C)]
#[derive(Clone)]
pub struct FpuState {
    /// f0 to f31.
    pub f: [u64; 32],
    /// Rounding mode and flags.
    pub fcsr: u64,
}

/// Bits that `fcsr` has: rounding mode and flags.
const FCSR_MASK: u32 = 0xff;

impl FpuState {
    /// The state in which a program starts: round to nearest, no flags.
    pub const fn new() -> Self {
        FpuState {
            f: [0; 32],
            fcsr: 0,
        }
    }

    /// A state from what a program wrote, made safe to load.
    pub fn from_user(f: [u64; 32], fcsr: u32) -> Self {
        FpuState {
            f,
            fcsr: (fcsr & FCSR_MASK).into(),
        }
    }

    /// Stores the registers of this CPU.
    pub fn save(&mut self) {
        // SAFETY: the structure has room for all of them, in the order of their numbers.
        unsafe { save(self) };
    }

    /// Loads the registers of this CPU.
    pub fn restore(&self) {
        // SAFETY: as above, and every value is one that the registers can have.
        unsafe { restore(self) };
    }
}

#[unsafe(naked)]
unsafe extern "C" fn save(state: *mut FpuState) {
    naked_asm!(
        ".option push",
        ".option arch, +d",
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31",
        "fsd f\\n, 8 * \\n(a0)",
        ".endr",
        "frcsr t0",
        "sd t0, 8 * 32(a0)",
        ".option pop",
        "ret",
    )
}

#[unsafe(naked)]
unsafe extern "C" fn restore(state: *const FpuState) {
    naked_asm!(
        ".option push",
        ".option arch, +d",
        ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31",
        "fld f\\n, 8 * \\n(a0)",
        ".endr",
        "ld t0, 8 * 32(a0)",
        "fscsr t0",
        ".option pop",
        "ret",
    )
}
