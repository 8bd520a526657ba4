//! The determinism boundary: what every layer of the emulator shares, and nothing that could let the host in.
//!
//! No clock, thread, file or environment variable is reachable from here. Neighbours: everything; uses nothing of ours.

pub mod addr;
pub mod bus;
pub mod chooser;
pub mod codec;
pub mod event;
pub mod pages;
pub mod ram;
pub mod rng;
pub mod time;

pub use addr::{PAGE_SIZE, Phys, Virt, Width};
pub use bus::{Bus, Device, Io, Space};
pub use chooser::{Chooser, Cut, Due, Fault, Seeded, Site, Struck};
pub use codec::{Codec, CodecError, State};
pub use event::{Event, Observer, Silent, Stamp};
pub use pages::{Page, Pages};
pub use ram::Ram;
pub use rng::Rng;
pub use time::Time;
