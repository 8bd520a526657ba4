//! Files.
//!
//! From a descriptor down to the disk:
//!
//! | file           | what                                                           |
//! |----------------|----------------------------------------------------------------|
//! | `descriptors`  | small numbers for open files                                   |
//! | `open_file`    | open files: position and flags                                 |
//! | `context`      | working directory, umask                                       |
//! | `walk`         | from a path to an inode                                        |
//! | `mount`        | which directory shows which file system                        |
//! | `inode`        | what every file system offers                                  |
//! | `transfer`     | where bytes come from and go to                                |
//! | `poll`         | waiting for several files                                      |
//! | `diskfs`       | the file system on disk, around `kcore::fs`                    |
//! | `page_cache`   | pages of files in memory                                       |
//! | `buffer_cache` | blocks on their way to the disk                                |
//! | `devfs`        | devices                                                        |
//! | `procfs`       | processes and the kernel's numbers                             |
//! | `memory_dir`   | what the last two have in common                               |

pub mod buffer_cache;
pub mod context;
pub mod descriptors;
pub mod devfs;
pub mod diskfs;
pub mod inode;
mod memory_dir;
pub mod mount;
pub mod open_file;
pub mod page_cache;
pub mod poll;
mod procfs;
pub mod transfer;
pub mod walk;

use alloc::format;

use kcore::cmdline::Root;

use crate::boot_params;
use crate::drivers::{self, block};
use crate::mm::frame;

/// Mounts the root file system and those that need no disk. May sleep, so process 1 calls it.
pub fn init() {
    let name = match boot_params::options().root {
        Root::Vda => "vda",
        Root::Ram => "ram0",
    };
    let Some(device) = block::find(name) else {
        panic!("no root disk {name}: found {}", drivers::summary());
    };
    match diskfs::mount(device) {
        Ok(root) => mount::mount_root(root, &format!("/dev/{name}"), "silicafs"),
        Err(error) => panic!("cannot mount {name} as root: {error}"),
    }
    frame::set_reclaimer(diskfs::reclaim);
    for (path, root, kind) in [
        ("/dev", devfs::root(), "devtmpfs"),
        ("/proc", procfs::root(), "proc"),
    ] {
        match walk::find(&mount::root(), path.as_bytes(), walk::Last::Follow) {
            Ok(covered) if covered.is_dir() => mount::mount(covered, path, root, kind),
            _ => crate::warning!("{path} is no directory on {name}: {kind} is not mounted"),
        }
    }
}

/// Makes everything durable.
pub fn sync() {
    if let Err(errno) = diskfs::sync() {
        crate::warning!("sync: {errno}");
    }
}

/// The same, before the machine ends.
pub fn settle() {
    if let Err(errno) = diskfs::settle() {
        crate::warning!("the root file system cannot be settled: {errno}");
    }
}
