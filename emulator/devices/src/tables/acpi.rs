//! The ACPI tables (ACPI 6.5, chapter 5): RSDP, XSDT, FADT, MADT and a DSDT that knows power-off and virtio.
//!
//! Key type: [`Board`]. Written by hand, since the fixed tables are lists of numbers, and the `acpi_tables` crate
//! would bring derive macros into an otherwise dependency-free package. Neighbour: `aml` encodes the DSDT's terms.

use super::{Interrupts, aml, checksum};
use crate::{power, rtc};

/// What the tables say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board<'a> {
    /// CPUs and interrupt controllers.
    pub interrupts: &'a Interrupts,
    /// The first port of [`crate::Power`].
    pub power: u16,
    /// The virtio-mmio transports.
    pub virtio: &'a [Transport],
}

/// A virtio-mmio transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    /// Its first register.
    pub base: u32,
    /// Bytes of its registers.
    pub len: u32,
    /// Its I/O APIC line.
    pub line: u32,
}

const RSDP_LEN: u64 = 36;
const HEADER_LEN: usize = 36;
const ALIGNMENT: u64 = 16;

/// The system control interrupt's line. Nothing raises it, but drivers insist on its being somewhere.
const SCI_LINE: u8 = 9;

/// The tables, to be put at `address`: 16-byte aligned, from 0xe0000 to 0xfffff. The RSDP comes first.
pub fn build(address: u64, board: &Board<'_>) -> Vec<u8> {
    let mut out = Tables {
        address,
        bytes: vec![0; RSDP_LEN as usize],
    };
    let dsdt = out.add(dsdt(board));
    let fadt = out.add(fadt(board, dsdt));
    let madt = out.add(madt(board.interrupts));
    let entries = [fadt, madt].map(u64::to_le_bytes).concat();
    let xsdt = out.add(table(b"XSDT", 1, &entries));
    out.bytes[..RSDP_LEN as usize].copy_from_slice(&rsdp(xsdt));
    out.bytes
}

/// Tables one behind the other in memory.
struct Tables {
    address: u64,
    bytes: Vec<u8>,
}

impl Tables {
    /// Appends a table and gives its address.
    fn add(&mut self, table: Vec<u8>) -> u64 {
        let offset = (self.bytes.len() as u64).next_multiple_of(ALIGNMENT);
        self.bytes.resize(offset as usize, 0);
        self.bytes.extend(table);
        self.address + offset
    }
}

/// Root system description pointer (5.2.5.3). The first checksum covers its first 20 bytes.
fn rsdp(xsdt: u64) -> Vec<u8> {
    let mut rsdp = b"RSD PTR \0GLASSB\x02\0\0\0\0".to_vec();
    rsdp[8] = checksum(&rsdp);
    rsdp.extend((RSDP_LEN as u32).to_le_bytes());
    rsdp.extend(xsdt.to_le_bytes());
    rsdp.extend([0; 4]);
    rsdp[32] = checksum(&rsdp);
    rsdp
}

/// A table with its header (5.2.6).
fn table(signature: &[u8; 4], revision: u8, body: &[u8]) -> Vec<u8> {
    let mut table = signature.to_vec();
    table.extend(((HEADER_LEN + body.len()) as u32).to_le_bytes());
    table.extend([revision, 0]);
    table.extend(b"GLASSBGLASSBOX");
    table.extend(1u32.to_le_bytes());
    table.extend(b"GLSB");
    table.extend(1u32.to_le_bytes());
    table.extend(body);
    table[9] = checksum(&table);
    table
}

/// The FADT's flags (table 5.10).
mod fadt_flags {
    pub const WBINVD: u32 = 1 << 0;
    pub const PROC_C1: u32 = 1 << 2;
    /// No power or sleep button among the fixed events, and no wake by the RTC.
    pub const NO_BUTTONS: u32 = 0b111 << 4;
    pub const TMR_VAL_EXT: u32 = 1 << 8;
}

/// Fixed ACPI description table (5.2.9). Offsets are counted from the header, as the specification lists them.
fn fadt(board: &Board<'_>, dsdt: u64) -> Vec<u8> {
    const LEN: usize = 276;
    let mut body = vec![0; LEN - HEADER_LEN];
    let mut put = |at: usize, bytes: &[u8]| {
        body[at - HEADER_LEN..at - HEADER_LEN + bytes.len()].copy_from_slice(bytes);
    };
    let events = board.power + power::EVENTS as u16;
    let timer = board.power + power::TIMER as u16;
    let flags =
        fadt_flags::WBINVD | fadt_flags::PROC_C1 | fadt_flags::NO_BUTTONS | fadt_flags::TMR_VAL_EXT;
    put(40, &(dsdt as u32).to_le_bytes());
    put(46, &u16::from(SCI_LINE).to_le_bytes());
    put(56, &u32::from(events).to_le_bytes()); // PM1a_EVT_BLK
    put(64, &u32::from(board.power).to_le_bytes()); // PM1a_CNT_BLK
    put(76, &u32::from(timer).to_le_bytes()); // PM_TMR_BLK
    put(88, &[4, 2, 0, 4]); // lengths of PM1_EVT, PM1_CNT, PM2_CNT, PM_TMR
    put(96, &[0xff; 4]); // latencies of C2 and C3: not there
    put(108, &[rtc::CENTURY]);
    put(109, &0b101u16.to_le_bytes()); // IAPC_BOOT_ARCH: legacy devices, no VGA
    put(112, &flags.to_le_bytes());
    put(131, &[5]); // minor version
    put(140, &dsdt.to_le_bytes());
    put(148, &port(events, 32));
    put(172, &port(board.power, 16));
    put(208, &port(timer, 32));
    table(b"FACP", 6, &body)
}

/// A generic address structure (5.2.3.2) for a register of `bits` bits in port space.
fn port(number: u16, bits: u8) -> [u8; 12] {
    let [low, high] = number.to_le_bytes();
    [1, bits, 0, bits / 16 + 1, low, high, 0, 0, 0, 0, 0, 0]
}

/// Multiple APIC description table (5.2.12).
fn madt(board: &Interrupts) -> Vec<u8> {
    const PCAT_COMPAT: u32 = 1;
    const ENABLED: u32 = 1;
    let mut body = board.local_apic.to_le_bytes().to_vec();
    body.extend(PCAT_COMPAT.to_le_bytes());
    for (uid, id) in (0u32..).zip(&board.apic_ids) {
        match u8::try_from(*id) {
            Ok(id) if id != 0xff => body.extend([0, 8, uid as u8, id]),
            // Ids of more than eight bits need the x2APIC's structure.
            _ => {
                body.extend([9, 16, 0, 0]);
                body.extend(id.to_le_bytes());
            }
        }
        body.extend(ENABLED.to_le_bytes());
        if *id >= 0xff {
            body.extend(uid.to_le_bytes());
        }
    }
    body.extend([1, 12, board.io_apic_id, 0]);
    body.extend(board.io_apic.to_le_bytes());
    body.extend(0u32.to_le_bytes());
    // Interrupt source overrides: the PIT's line; the SCI is level-triggered, active high.
    body.extend([2, 10, 0, 0, board.pit_line, 0, 0, 0, 0, 0]);
    body.extend([2, 10, 0, SCI_LINE, SCI_LINE, 0, 0, 0, 0b1101, 0]);
    // LINT1 of every CPU is NMI.
    body.extend([4, 6, 0xff, 0, 0, 1]);
    table(b"APIC", 5, &body)
}

/// Differentiated system description table: `_S5` is what [`crate::Power`] takes for power-off, and each virtio
/// transport is a device that Linux's virtio-mmio driver knows by its id.
fn dsdt(board: &Board<'_>) -> Vec<u8> {
    let s5 = [power::SLP_TYP_S5, power::SLP_TYP_S5, 0, 0].map(|value| aml::integer(value.into()));
    let mut terms = aml::name("_S5_", &aml::package(&s5));
    let devices: Vec<u8> = (0u32..)
        .zip(board.virtio)
        .flat_map(|(index, transport)| {
            let resources =
                aml::memory_and_interrupt(transport.base, transport.len, transport.line);
            let parts = [
                aml::name("_HID", &aml::string("LNRO0005")),
                aml::name("_UID", &aml::integer(index)),
                aml::name("_CCA", &aml::integer(1)),
                aml::name("_CRS", &resources),
            ];
            aml::device(&format!("VR{index:02X}"), &parts.concat())
        })
        .collect();
    terms.extend(aml::scope("\\_SB_", &devices));
    table(b"DSDT", 2, &terms)
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    const AT: u64 = 0xe_0000;

    fn built() -> Vec<u8> {
        let virtio = [Transport {
            base: 0xfeb0_0000,
            len: 0x200,
            line: 16,
        }];
        let board = Board {
            interrupts: &example(),
            power: 0x604,
            virtio: &virtio,
        };
        build(AT, &board)
    }

    fn number(bytes: &[u8], at: usize, len: usize) -> u64 {
        bytes[at..at + len]
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }

    /// The table at an address, whose checksum must hold.
    fn table_at(bytes: &[u8], address: u64) -> &[u8] {
        let table = &bytes[(address - AT) as usize..];
        let table = &table[..number(table, 4, 4) as usize];
        assert_eq!(checksum(table), 0);
        table
    }

    #[test]
    fn from_the_pointer_every_table_is_found_and_sums_to_zero() {
        let bytes = built();
        assert!(bytes.starts_with(b"RSD PTR "));
        assert_eq!((checksum(&bytes[..20]), checksum(&bytes[..36])), (0, 0));
        let xsdt = table_at(&bytes, number(&bytes, 24, 8));
        let found: Vec<&[u8]> = (36..xsdt.len())
            .step_by(8)
            .map(|at| table_at(&bytes, number(xsdt, at, 8)))
            .collect();
        assert_eq!(
            (&found[0][..4], &found[1][..4]),
            (&b"FACP"[..], &b"APIC"[..])
        );
        let dsdt = table_at(&bytes, number(found[0], 140, 8));
        assert!(dsdt.starts_with(b"DSDT"));
        assert_eq!(number(found[0], 40, 4), number(found[0], 140, 8));
    }

    #[test]
    fn the_fadt_names_the_power_registers() {
        let fadt = fadt(
            &Board {
                interrupts: &example(),
                power: 0x604,
                virtio: &[],
            },
            AT,
        );
        assert_eq!(fadt.len(), 276);
        assert_eq!((number(&fadt, 64, 4), number(&fadt, 89, 1)), (0x604, 2));
        assert_eq!(number(&fadt, 172, 12), 0x604 << 32 | 0x0200_1001);
        assert_eq!(number(&fadt, 208 + 4, 8), 0x608);
    }

    #[test]
    fn the_madt_lists_cpus_and_the_io_apic() {
        let madt = madt(&example());
        let (mut at, mut cpus, mut io_apics) = (44, Vec::new(), Vec::new());
        while at < madt.len() {
            match madt[at] {
                0 => cpus.push(madt[at + 3]),
                1 => io_apics.push((madt[at + 2], number(&madt, at + 4, 4))),
                _ => {}
            }
            at += usize::from(madt[at + 1]);
        }
        assert_eq!(at, madt.len());
        assert_eq!(cpus, [0, 1, 2]);
        assert_eq!(io_apics, [(3, 0xfec0_0000)]);
    }
}
