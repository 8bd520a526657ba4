//! The input side of the 16550 UART, COM1 (National Semiconductor PC16550D data sheet).
//!
//! Output is polled (`arch::console`), so that the log works before and after everything else. Input comes by
//! interrupt: the handler empties the receive FIFO and hands each byte to the terminal.

use alloc::boxed::Box;

use crate::arch::irq::{self, Trigger};
use crate::arch::port::{inb, outb};

const COM1: u16 = 0x3f8;
/// Its ISA interrupt line.
pub const IRQ: u32 = 4;
/// Receiver buffer register.
const RBR: u16 = COM1;
/// Interrupt enable register, and its bit "received data available".
const IER: u16 = COM1 + 1;
const IER_ERBFI: u8 = 1 << 0;
/// Line status register, and its bit "data ready".
const LSR: u16 = COM1 + 5;
const LSR_DR: u8 = 1 << 0;

/// Calls `receive` with every byte that arrives from now on, in interrupt context.
pub fn listen(receive: impl Fn(u8) + Send + Sync + 'static) {
    let drain = move || {
        while inb(LSR) & LSR_DR != 0 {
            receive(inb(RBR));
        }
    };
    irq::register(IRQ, c"ttyS0", Trigger::Edge, Box::new(drain));
    outb(IER, IER_ERBFI);
}
