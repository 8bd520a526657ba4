//! The chips of the machines, each a pure state machine behind [`base::Device`].
//!
//! A device knows no base address, no interrupt line and no clock: bytes go in and come out at an offset, it offers
//! an interrupt level and its next deadline, and what leaves it towards the outside (characters, messages between
//! interrupt controllers, an exit word) waits in it until the board takes it. The board must take after every access
//! and every `advance`, so that the moment never depends on the host. Neighbours: `machine` wires these up.

pub mod apic_bus;
pub mod clint;
pub mod debug_console;
pub mod debug_exit;
pub mod fw_cfg;
pub mod goldfish_rtc;
#[cfg(test)]
mod hostile;
pub mod ioapic;
pub mod local_apic;
pub mod pic;
pub mod pit;
pub mod plic;
pub mod power;
pub mod rtc;
pub mod tables;
pub mod test_finisher;
#[cfg(test)]
mod testing;
pub mod uart16550;
pub mod virtio;

pub use clint::Clint;
pub use debug_console::DebugConsole;
pub use debug_exit::DebugExit;
pub use fw_cfg::FwCfg;
pub use goldfish_rtc::GoldfishRtc;
pub use ioapic::IoApic;
pub use local_apic::LocalApic;
pub use pic::Pic;
pub use pit::Pit;
pub use plic::Plic;
pub use power::Power;
pub use rtc::Rtc;
pub use test_finisher::TestFinisher;
pub use uart16550::Uart16550;
