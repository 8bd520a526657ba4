//! Registers of devices in memory. Uncached accesses and those to RAM stay in program order here (SDM vol. 3, 9.2.2), so
//! that what a device shall find in memory is there when it is told of it.

/// Reads the register at `at`.
///
/// # Safety
/// `at` must be an aligned register of a device that `mm::map_mmio` has shown.
pub unsafe fn read32(at: *const u32) -> u32 {
    // SAFETY: promised by the caller.
    u32::from_le(unsafe { at.read_volatile() })
}

/// Writes the register at `at`.
///
/// # Safety
/// As for `read32`; and the device may do what `value` asks for.
pub unsafe fn write32(at: *mut u32, value: u32) {
    // SAFETY: promised by the caller.
    unsafe { at.write_volatile(value.to_le()) };
}
