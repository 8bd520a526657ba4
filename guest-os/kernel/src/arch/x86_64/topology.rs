//! Which CPUs and interrupt controllers the machine has: from ACPI's MADT, or else from the MP table.
//!
//! Both are read straight from physical memory, with every length checked, because firmware wrote them.
//! (ACPI 6.4, 5.2; Intel MultiProcessor Specification 1.4, 4.)

use crate::arch::boot::BootInfo;
use crate::mm::address::PhysAddr;
use crate::mm::layout::phys_to_virt;
use crate::mm::physmap_covers;
use crate::sched::MAX_CPUS;

/// Chips there is room for.
const MAX_IO_APICS: usize = 4;
/// Where PCs put the first I/O APIC, if nothing says otherwise.
const DEFAULT_IO_APIC: u64 = 0xfec0_0000;

/// The CPUs and I/O APICs found.
pub struct Topology {
    apic_ids: [u32; MAX_CPUS],
    cpus: usize,
    io_apics: [(u64, usize); MAX_IO_APICS],
    chips: usize,
}

impl Topology {
    /// APIC ids of the CPUs that can be started, the boot CPU among them.
    pub fn apic_ids(&self) -> &[u32] {
        &self.apic_ids[..self.cpus]
    }

    /// I/O APICs: physical address and number of their first line.
    pub fn io_apics(&self) -> &[(u64, usize)] {
        &self.io_apics[..self.chips]
    }

    fn add_cpu(&mut self, apic_id: u32) {
        if self.cpus < MAX_CPUS && !self.apic_ids().contains(&apic_id) {
            self.apic_ids[self.cpus] = apic_id;
            self.cpus += 1;
        }
    }

    fn add_io_apic(&mut self, address: u64, first_line: usize) {
        if self.chips < MAX_IO_APICS {
            self.io_apics[self.chips] = (address, first_line);
            self.chips += 1;
        }
    }
}

/// Looks at the firmware's tables.
pub fn discover(boot: &BootInfo) -> Topology {
    let mut found = Topology {
        apic_ids: [0; MAX_CPUS],
        cpus: 0,
        io_apics: [(0, 0); MAX_IO_APICS],
        chips: 0,
    };
    let rsdp = boot.rsdp.or_else(|| scan(0xe_0000, 0x10_0000, b"RSD PTR "));
    let table = rsdp
        .and_then(|at| madt(&mut found, at))
        .or_else(|| mp_table(&mut found));
    if table.is_none() {
        found.add_cpu(super::apic::id());
    }
    if found.chips == 0 {
        found.add_io_apic(DEFAULT_IO_APIC, 0);
    }
    found
}

/// `len` bytes of physical memory.
fn bytes(at: PhysAddr, len: usize) -> Option<&'static [u8]> {
    if !physmap_covers(at, len as u64) {
        return None;
    }
    // SAFETY: the range is mapped, and firmware tables do not change.
    Some(unsafe { core::slice::from_raw_parts(phys_to_virt(at), len) })
}

fn u16_at(table: &[u8], offset: usize) -> Option<u16> {
    Some(u16::from_le_bytes(
        table.get(offset..offset + 2)?.try_into().ok()?,
    ))
}

fn u32_at(table: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        table.get(offset..offset + 4)?.try_into().ok()?,
    ))
}

fn u64_at(table: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(
        table.get(offset..offset + 8)?.try_into().ok()?,
    ))
}

/// The address of a structure that starts with `signature` on a 16-byte boundary of `from..to`.
fn scan(from: u64, to: u64, signature: &[u8]) -> Option<PhysAddr> {
    let range = bytes(PhysAddr::new(from), (to - from) as usize)?;
    let index = range
        .chunks(16)
        .position(|chunk| chunk.starts_with(signature))?;
    Some(PhysAddr::new(from + 16 * index as u64))
}

/// An ACPI table with its whole length.
fn acpi_table(at: u64) -> Option<&'static [u8]> {
    let header = bytes(PhysAddr::new(at), 36)?;
    bytes(PhysAddr::new(at), u32_at(header, 4)? as usize)
}

fn madt(found: &mut Topology, rsdp: PhysAddr) -> Option<()> {
    let pointer = bytes(rsdp, 36)?;
    let xsdt = if pointer[15] >= 2 {
        u64_at(pointer, 24)?
    } else {
        0
    };
    let (root, width) = if xsdt != 0 {
        (xsdt, 8)
    } else {
        (u64::from(u32_at(pointer, 16)?), 4)
    };
    let entries = acpi_table(root)?.get(36..)?;
    let madt = entries
        .chunks_exact(width)
        .filter_map(|e| {
            if width == 8 {
                u64_at(e, 0)
            } else {
                u32_at(e, 0).map(u64::from)
            }
        })
        .filter_map(acpi_table)
        .find(|table| table.starts_with(b"APIC"))?;
    let mut rest = madt.get(44..)?;
    while let [kind, len, ..] = *rest {
        let entry = rest.get(..usize::from(len))?;
        match kind {
            // Local APIC: id at 3, flags at 4 (bit 0: enabled).
            0 if u32_at(entry, 4)? & 1 != 0 => found.add_cpu(u32::from(entry[3])),
            // I/O APIC: address at 4, first interrupt at 8.
            1 => found.add_io_apic(u32_at(entry, 4)?.into(), u32_at(entry, 8)? as usize),
            // Local x2APIC: id at 4, flags at 8.
            9 if u32_at(entry, 8)? & 1 != 0 => found.add_cpu(u32_at(entry, 4)?),
            _ => {}
        }
        rest = rest.get(usize::from(len.max(2))..)?;
    }
    (found.cpus > 0).then_some(())
}

fn mp_table(found: &mut Topology) -> Option<()> {
    let ebda = bytes(PhysAddr::new(0x40e), 2)
        .and_then(|word| u16_at(word, 0))
        .map_or(0, |s| u64::from(s) << 4);
    let floating = [
        (ebda, ebda + 1024),
        (0x9_fc00, 0xa_0000),
        (0xf_0000, 0x10_0000),
    ]
    .into_iter()
    .filter(|&(from, _)| from >= 0x400)
    .find_map(|(from, to)| scan(from, to, b"_MP_"))?;
    let table_at = PhysAddr::new(u32_at(bytes(floating, 16)?, 4)?.into());
    let header = bytes(table_at, 44).filter(|h| h.starts_with(b"PCMP"))?;
    let table = bytes(table_at, u16_at(header, 4)?.into())?;
    let mut rest = table.get(44..)?;
    // Up to the table's end: the count in the header is 0 in the tables of QEMU's microvm firmware.
    while let Some(&kind) = rest.first() {
        // A processor takes 20 bytes, every other kind 8.
        let len = if kind == 0 { 20 } else { 8 };
        let entry = rest.get(..len)?;
        match kind {
            0 if entry[3] & 1 != 0 => found.add_cpu(entry[1].into()),
            2 if entry[3] & 1 != 0 => found.add_io_apic(u32_at(entry, 4)?.into(), 0),
            _ => {}
        }
        rest = &rest[len..];
    }
    (found.cpus > 0).then_some(())
}
