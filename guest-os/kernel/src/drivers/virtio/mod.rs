//! virtio: devices made for virtual machines (Virtual I/O Device specification 1.2).
//!
//! | file      | what                                         |
//! |-----------|----------------------------------------------|
//! | `mmio`    | finding devices, registers, initialisation   |
//! | `queue`   | virtqueues                                   |
//! | `block`   | disks                                        |
//! | `console` | consoles with several ports                  |
//! | `port`    | one of these ports                           |
//! | `entropy` | random bytes                                 |

mod block;
mod console;
mod entropy;
mod mmio;
mod port;
mod queue;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use kcore::cmdline::VirtioMmio;

use crate::sync::SpinLock;

/// Device ids (5).
const ID_BLOCK: u32 = 2;
const ID_CONSOLE: u32 = 3;
const ID_ENTROPY: u32 = 4;

/// A device that was found.
struct Found {
    id: u32,
    address: u64,
    irq: u32,
}

static FOUND: SpinLock<Vec<Found>> = SpinLock::new(c"virtio_devices", Vec::new());

/// Finds the devices at the announced places and starts their drivers.
pub fn init(places: &[VirtioMmio]) {
    for transport in mmio::discover(places) {
        let (id, address) = (transport.device_id(), transport.address());
        FOUND.lock().push(Found {
            id,
            address,
            irq: transport.irq(),
        });
        let attached = match id {
            ID_BLOCK => block::attach(transport),
            ID_CONSOLE => console::attach(transport),
            ID_ENTROPY => entropy::attach(transport),
            _ => {
                crate::debug!("virtio device {id} at {address:#x} has no driver");
                continue;
            }
        };
        if let Err(errno) = attached {
            crate::warning!("virtio device {id} at {address:#x} cannot be used: {errno}");
        }
    }
}

/// The devices that were found, in words.
pub fn summary() -> String {
    let found = FOUND.lock();
    if found.is_empty() {
        return "no virtio device (the loader announces them by virtio_mmio.device=SIZE@ADDRESS:IRQ)".into();
    }
    let names: Vec<String> = found
        .iter()
        .map(|device| format!("{} at {:#x}", name(device.id), device.address))
        .collect();
    names.join(", ")
}

/// The devices on an interrupt line, as Linux calls them.
pub fn interrupt_user(line: u32) -> String {
    let found = FOUND.lock();
    let users = found
        .iter()
        .enumerate()
        .filter(|(_, device)| device.irq == line);
    let names: Vec<String> = users.map(|(index, _)| format!("virtio{index}")).collect();
    names.join(", ")
}

fn name(id: u32) -> String {
    match id {
        ID_BLOCK => "a disk".into(),
        ID_CONSOLE => "a console".into(),
        ID_ENTROPY => "an entropy device".into(),
        _ => format!("a virtio device of type {id}"),
    }
}
