//! The 8254 interval timer, used once: as a clock of known rate to measure the others against.

use super::port::{inb, outb};

const CHANNEL0: u16 = 0x40;
const COMMAND: u16 = 0x43;
/// Ticks per second.
pub const HZ: u64 = 1_193_182;
/// Channel 0, low then high byte, mode 0 (count down once).
const ONE_SHOT: u8 = 0b0011_0000;
/// Latch the count of channel 0.
const LATCH: u8 = 0;

/// Starts a countdown from the top.
pub fn start() {
    outb(COMMAND, ONE_SHOT);
    outb(CHANNEL0, 0xff);
    outb(CHANNEL0, 0xff);
}

/// The count now.
pub fn count() -> u16 {
    outb(COMMAND, LATCH);
    let low = inb(CHANNEL0);
    u16::from_le_bytes([low, inb(CHANNEL0)])
}
