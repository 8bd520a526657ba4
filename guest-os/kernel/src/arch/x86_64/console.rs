//! The earliest output: COM1, polled, no interrupts, no locks.
//!
//! The log and the panic message use it, because they must work when nothing else does. The tty driver
//! (`drivers`) shares the chip and adds input.

use super::port::{inb, outb};

const COM1: u16 = 0x3f8;
/// Line status register: transmitter holding register empty.
const LSR_THRE: u8 = 1 << 5;

/// Sets 8N1 and the FIFOs; the rate means nothing to an emulated chip, 115200 to a real one.
pub fn init() {
    outb(COM1 + 1, 0x00); // no interrupts
    outb(COM1 + 3, 0x80); // divisor latch
    outb(COM1, 0x01);
    outb(COM1 + 1, 0x00);
    outb(COM1 + 3, 0x03); // 8N1
    outb(COM1 + 2, 0xc7); // FIFOs on and emptied
    outb(COM1 + 4, 0x0b); // DTR, RTS, OUT2 (which gates the interrupt line)
}

/// Sends one byte, waiting for room.
pub fn put(byte: u8) {
    while inb(COM1 + 5) & LSR_THRE == 0 {
        core::hint::spin_loop();
    }
    outb(COM1, byte);
}
