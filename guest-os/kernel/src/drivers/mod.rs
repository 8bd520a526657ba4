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

use alloc::sync::Arc;

use crate::boot_params;
use crate::fs::devfs::{self, Device, Kind};

/// Finds devices and puts them into /dev and the table of disks.
pub fn init() {
    memory::init();
    random::init();
    let tty: Arc<dyn Device> = tty::init();
    devfs::add("console", Kind::Char(5, 1), tty.clone());
    devfs::add("tty", Kind::Char(5, 0), tty);
    if let Some(bytes) = boot_params::ramdisk() {
        ramdisk::init(bytes);
    }
    virtio::init(&boot_params::options().virtio);
}

/// What was found, for the message of a panic.
pub fn summary() -> alloc::string::String {
    virtio::summary()
}
