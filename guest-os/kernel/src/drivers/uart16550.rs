//! The input side of the console's 16550 UART (National Semiconductor PC16550D data sheet).
//!
//! Output is polled (`arch::console`, which also knows where the chip is), so that the log works before and after
//! everything else. Input comes by interrupt: the handler empties the receive FIFO and hands each byte to the terminal.

use alloc::boxed::Box;

use crate::arch::{console, irq};

/// Receiver buffer register.
const RBR: u16 = 0;
/// Interrupt enable register, and its bit "received data available".
const IER: u16 = 1;
const IER_ERBFI: u8 = 1 << 0;
/// Line status register, and its bit "data ready".
const LSR: u16 = 5;
const LSR_DR: u8 = 1 << 0;

/// Calls `receive` with every byte that arrives from now on, in interrupt context.
pub fn listen(receive: impl Fn(u8) + Send + Sync + 'static) {
    let drain = move || {
        while console::read(LSR) & LSR_DR != 0 {
            receive(console::read(RBR));
        }
    };
    irq::register(console::irq(), c"ttyS0", console::TRIGGER, Box::new(drain));
    console::write(IER, IER_ERBFI);
}
