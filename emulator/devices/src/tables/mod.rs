//! What firmware would leave in memory to describe the board: plain functions from facts to bytes.
//!
//! Key type: [`Interrupts`]. Neighbours: `acpi` builds the ACPI tables, `mp` the older MP table, both from the same
//! facts.

pub mod acpi;
mod aml;
pub mod mp;

/// The CPUs and interrupt controllers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interrupts {
    /// The APIC id of each CPU; the first is the bootstrap processor.
    pub apic_ids: Vec<u32>,
    /// Address of the local APICs.
    pub local_apic: u32,
    /// Id of the I/O APIC.
    pub io_apic_id: u8,
    /// Address of the I/O APIC.
    pub io_apic: u32,
    /// The I/O APIC line that ISA interrupt 0, the PIT's, is wired to. All others are wired to their own number.
    pub pit_line: u8,
}

/// The byte that makes the sum of `bytes` and itself zero.
fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0u8, |sum, byte| sum.wrapping_sub(*byte))
}

/// The board that the tables' tests describe.
#[cfg(test)]
fn example() -> Interrupts {
    Interrupts {
        apic_ids: vec![0, 1, 2],
        local_apic: 0xfee0_0000,
        io_apic_id: 3,
        io_apic: 0xfec0_0000,
        pit_line: 2,
    }
}
