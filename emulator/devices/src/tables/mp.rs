//! The MP table (Intel MultiProcessor Specification 1.4, chapter 4): how a PC without ACPI tells of its CPUs.
//!
//! Neighbour: `acpi` tells the same in the newer way.

use super::{Interrupts, checksum};

/// Bytes of the floating pointer structure, which the configuration table follows at once.
const POINTER_LEN: usize = 16;
const HEADER_LEN: usize = 44;
const SPEC_REV: u8 = 4;

/// ISA interrupts; number 2 is the cascade of the 8259 pair.
const ISA_INTERRUPTS: u8 = 16;
const CASCADE: u8 = 2;
const ISA_BUS: u8 = 0;

/// CPU flags (4.3.1): usable, and the bootstrap processor.
const CPU_ENABLED: u8 = 1;
const CPU_BOOTSTRAP: u8 = 2;
/// CPUID's feature bits FPU and APIC: all that a reader of this table may want to know.
const CPU_FEATURES: u32 = 1 << 9 | 1;
/// Family 6: what Pentium Pro and later say.
const CPU_SIGNATURE: u32 = 0x600;

/// Interrupt types (4.3.4).
const INT: u8 = 0;
const NMI: u8 = 1;
const EXT_INT: u8 = 3;
const ALL_LOCAL_APICS: u8 = 0xff;

/// The floating pointer and the configuration table, to be put at `address`: 16-byte aligned, in the first KiB of
/// the extended BIOS data area, the last of base memory, or from 0xf0000 to 0xfffff.
pub fn build(address: u32, board: &Interrupts) -> Vec<u8> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    for (index, id) in board.apic_ids.iter().enumerate() {
        let flags = if index == 0 {
            CPU_ENABLED | CPU_BOOTSTRAP
        } else {
            CPU_ENABLED
        };
        let mut cpu = vec![0, *id as u8, 0x14, flags];
        cpu.extend(CPU_SIGNATURE.to_le_bytes());
        cpu.extend(CPU_FEATURES.to_le_bytes());
        cpu.extend([0; 8]);
        entries.push(cpu);
    }
    entries.push([&[1, ISA_BUS][..], b"ISA   "].concat());
    let mut io_apic = vec![2, board.io_apic_id, 0x11, 1];
    io_apic.extend(board.io_apic.to_le_bytes());
    entries.push(io_apic);
    for source in (0..ISA_INTERRUPTS).filter(|source| *source != CASCADE) {
        let line = if source == 0 { board.pit_line } else { source };
        entries.push(vec![3, INT, 0, 0, ISA_BUS, source, board.io_apic_id, line]);
    }
    for (kind, pin) in [(EXT_INT, 0), (NMI, 1)] {
        entries.push(vec![4, kind, 0, 0, ISA_BUS, 0, ALL_LOCAL_APICS, pin]);
    }
    let mut out = pointer(address + POINTER_LEN as u32);
    out.extend(configuration(board.local_apic, &entries));
    out
}

/// The floating pointer structure (4.1).
fn pointer(table: u32) -> Vec<u8> {
    let mut pointer = b"_MP_".to_vec();
    pointer.extend(table.to_le_bytes());
    pointer.extend([1, SPEC_REV, 0, 0, 0, 0, 0, 0]);
    pointer[10] = checksum(&pointer);
    pointer
}

/// The configuration table (4.2).
fn configuration(local_apic: u32, entries: &[Vec<u8>]) -> Vec<u8> {
    let len = HEADER_LEN + entries.iter().map(Vec::len).sum::<usize>();
    let mut table = b"PCMP".to_vec();
    table.extend((len as u16).to_le_bytes());
    table.extend([SPEC_REV, 0]);
    table.extend(b"GLASSBOXPC          ");
    table.extend([0; 6]);
    table.extend((entries.len() as u16).to_le_bytes());
    table.extend(local_apic.to_le_bytes());
    table.extend([0; 4]);
    table.extend(entries.concat());
    table[7] = checksum(&table);
    table
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    fn word(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn both_structures_sum_to_zero_and_point_where_they_stand() {
        let bytes = build(0xf_0000, &example());
        let (pointer, table) = bytes.split_at(POINTER_LEN);
        assert!(pointer.starts_with(b"_MP_") && table.starts_with(b"PCMP"));
        assert_eq!((checksum(pointer), checksum(table)), (0, 0));
        assert_eq!(word(pointer, 4), 0xf_0010);
        assert_eq!(word(table, 4) as u16 as usize, table.len());
        assert_eq!(word(table, 36), 0xfee0_0000);
    }

    #[test]
    fn the_entries_are_as_many_as_the_header_says_and_list_every_cpu() {
        let bytes = build(0xf_0000, &example());
        let table = &bytes[POINTER_LEN..];
        let (mut at, mut count, mut cpus) = (HEADER_LEN, 0, Vec::new());
        while at < table.len() {
            if table[at] == 0 {
                cpus.push((table[at + 1], table[at + 3]));
            }
            at += if table[at] == 0 { 20 } else { 8 };
            count += 1;
        }
        assert_eq!((at, count), (table.len(), word(table, 34) as u16));
        assert_eq!(cpus, [(0, 3), (1, 1), (2, 1)]);
    }
}
