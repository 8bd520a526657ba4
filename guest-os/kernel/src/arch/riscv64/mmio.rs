//! Registers of devices in memory. Nothing orders accesses to RAM and to devices but fences (Unprivileged spec 2.7): what
//! a device shall find in memory must be there before it is told, and what it wrote is read after it has said so.

use core::arch::asm;

/// Reads the register at `at`.
///
/// # Safety
/// `at` must be an aligned register of a device that `mm::map_mmio` has shown.
pub unsafe fn read32(at: *const u32) -> u32 {
    // SAFETY: promised by the caller; a fence has no other effect.
    unsafe {
        let value = at.read_volatile();
        asm!("fence i, ir", options(nostack, preserves_flags));
        u32::from_le(value)
    }
}

/// Writes the register at `at`.
///
/// # Safety
/// As for `read32`; and the device may do what `value` asks for.
pub unsafe fn write32(at: *mut u32, value: u32) {
    // SAFETY: promised by the caller; a fence has no other effect.
    unsafe {
        asm!("fence w, o", options(nostack, preserves_flags));
        at.write_volatile(value.to_le());
    }
}
