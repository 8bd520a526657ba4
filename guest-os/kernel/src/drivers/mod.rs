//! Drivers: what the kernel knows about particular devices.
//!
//! | file        | what                                                             |
//! |-------------|------------------------------------------------------------------|
//! | `virtio`    | the virtio transport, queues, disk, consoles, entropy            |
//! | `block`     | what every disk offers to the file systems                       |
//! | `ramdisk`   | a disk in memory that the loader brought                         |
//! | `tty`       | the terminal                                                     |
//! | `uart16550` | the serial port under it                                         |
//! | `memory`    | null, zero, full                                                 |
//! | `random`    | /dev/random                                                      |

pub mod block;
mod memory;
mod ramdisk;
mod random;
mod tty;
mod uart16550;
mod virtio;

use alloc::string::String;
use alloc::sync::Arc;

use crate::arch::console;
use crate::boot_params;
use crate::fs::devfs::{self, Kind};
use crate::proc::Pid;
use crate::sync::Once;
use tty::Tty;

/// The console's terminal.
static TERMINAL: Once<Arc<Tty>> = Once::new();

/// Finds devices and puts them into /dev and the table of disks.
pub fn init() {
    memory::init();
    random::init();
    let tty = tty::init();
    devfs::add("console", Kind::Char(5, 1), tty.clone());
    devfs::add("tty", Kind::Char(5, 0), tty.clone());
    TERMINAL.set(tty);
    if let Some(bytes) = boot_params::ramdisk() {
        ramdisk::init(bytes);
    }
    virtio::init(&boot_params::options().virtio);
}

/// The process group in the foreground of the terminal; 0 for none.
pub fn foreground_group() -> Pid {
    TERMINAL.get().map_or(0, |tty| tty.foreground())
}

/// Who uses an interrupt line, for /proc/interrupts.
pub fn interrupt_user(line: u32) -> String {
    if line == console::irq() {
        "ttyS0".into()
    } else {
        virtio::interrupt_user(line)
    }
}

/// What was found, for the message of a panic.
pub fn summary() -> String {
    virtio::summary()
}
