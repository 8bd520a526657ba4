//! The calendar clock (Goldfish RTC: Android's goldfish virtual hardware): read once, at boot.

use super::boot::tree;
use super::mmio;
use crate::mm::address::PhysAddr;
use crate::mm::map_mmio;

/// Nanoseconds since 1970, in two halves; reading the low one keeps the high one.
const TIME_LOW: usize = 0x00;
const TIME_HIGH: usize = 0x04;
const NANOS_PER_SEC: u64 = 1_000_000_000;

/// The present time in seconds since 1970; 0 if there is no clock.
pub fn seconds_since_1970() -> u64 {
    let node = tree().compatible("google,goldfish-rtc").next();
    let Some((base, _)) = node.and_then(|node| node.reg().next()) else {
        return 0;
    };
    let Ok(registers) = map_mmio(PhysAddr::new(base), TIME_HIGH + 4) else {
        return 0;
    };
    // SAFETY: two aligned registers of the chip.
    let (low, high) = unsafe {
        let low = mmio::read32(registers.add(TIME_LOW).cast());
        (low, mmio::read32(registers.add(TIME_HIGH).cast()))
    };
    (u64::from(high) << 32 | u64::from(low)) / NANOS_PER_SEC
}
