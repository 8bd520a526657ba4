//! The earliest output: COM1, polled, no interrupts, no locks.
//!
//! The log and the panic message use it, because they must work when nothing else does. The tty driver
//! (`drivers`) shares the chip and adds input: `read` and `write` reach its registers.

use super::irq::Trigger;
use super::port::{inb, outb};

const COM1: u16 = 0x3f8;
/// How the chip signals on its interrupt line.
pub const TRIGGER: Trigger = Trigger::Edge;
/// Line status register: transmitter holding register empty.
const LSR_THRE: u8 = 1 << 5;

/// The chip's interrupt line.
pub fn irq() -> u32 {
    4
}

/// Reads register number `register`.
pub fn read(register: u16) -> u8 {
    inb(COM1 + register)
}

/// Writes register number `register`.
pub fn write(register: u16, value: u8) {
    outb(COM1 + register, value);
}

/// Sets 8N1 and the FIFOs; the rate means nothing to an emulated chip, 115200 to a real one.
pub fn init() {
    write(1, 0x00); // no interrupts
    write(3, 0x80); // divisor latch
    write(0, 0x01);
    write(1, 0x00);
    write(3, 0x03); // 8N1
    write(2, 0xc7); // FIFOs on and emptied
    write(4, 0x0b); // DTR, RTS, OUT2 (which gates the interrupt line)
}

/// Sends one byte, waiting for room.
pub fn put(byte: u8) {
    while read(5) & LSR_THRE == 0 {
        core::hint::spin_loop();
    }
    write(0, byte);
}
