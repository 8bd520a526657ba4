//! Port I/O: the `IN` and `OUT` instructions (SDM vol. 1, 19).
//!
//! Ports reach devices, never memory by themselves, so these functions are safe to call; a driver that
//! programs a bus master through them takes the responsibility for what the device then does.

use core::arch::asm;

/// Reads one byte from `port`.
pub fn inb(port: u16) -> u8 {
    let value: u8;
    // SAFETY: no memory is touched.
    unsafe {
        asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags))
    };
    value
}

/// Writes one byte to `port`.
pub fn outb(port: u16, value: u8) {
    // SAFETY: as for `inb`.
    unsafe {
        asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags))
    };
}

/// Writes 16 bits to `port`.
pub fn outw(port: u16, value: u16) {
    // SAFETY: as for `inb`.
    unsafe {
        asm!("out dx, ax", in("dx") port, in("ax") value, options(nomem, nostack, preserves_flags))
    };
}

/// Writes 32 bits to `port`.
pub fn outl(port: u16, value: u32) {
    // SAFETY: as for `inb`.
    unsafe {
        asm!("out dx, eax", in("dx") port, in("eax") value, options(nomem, nostack, preserves_flags))
    };
}
