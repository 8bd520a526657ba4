//! Builds the board and puts a kernel at its entry: what firmware would have done.

use super::Medium;
use super::Pc;
use super::chips::{Chips, DEVICES, IOAPIC, POWER, VIRTIO, VIRTIO_LEN, line};
use crate::config::ConfigError;
use crate::loader::pvh::{self, Kind};
use crate::loader::{LoadError, elf, sdt};
use crate::peripherals::slot;
use base::{Phys, Ram};
use cpu::mmu::tlb::Shape;
use cpu::x86_64::segment::{self, Descriptor};
use cpu::x86_64::state::Topology;
use cpu::x86_64::state::{bits, seg};
use cpu::x86_64::{Activity, Hart, reg};
use devices::fw_cfg::key;
use devices::tables::acpi::{self, Transport};
use devices::tables::{Interrupts, mp};
use devices::virtio::block::{Block, Latency};
use std::ops::Range;

/// The most memory: RAM ends where devices begin.
pub const MAX_MEMORY: u64 = 3 << 30;
/// The least memory a kernel can be expected to start in.
pub const MIN_MEMORY: u64 = 2 << 20;
/// The most CPUs.
pub const MAX_CPUS: usize = 8;

/// Where every local APIC is after reset (SDM vol. 3, 11.4.1).
const LOCAL_APIC: u32 = 0xfee0_0000;
/// Where the ACPI tables lie; the RSDP is first.
const ACPI: u64 = 0xe_0000;
/// Where firmware keeps its tables; the memory map says reserved from somewhat below.
const FIRMWARE: Range<u64> = ACPI..1 << 20;
/// Where the MP table lies.
const MP_TABLE: u64 = 0xf_0000;

/// What a machine is made of.
pub struct Config<'a> {
    /// Number of CPUs, 1 to 8.
    pub cpus: usize,
    /// Bytes of RAM, in whole pages.
    pub memory: u64,
    /// The kernel: an ELF file.
    pub kernel: &'a [u8],
    /// The kernel's command line; the board appends where its disks are.
    pub command_line: &'a [u8],
    /// A RAM disk to hand to the kernel.
    pub initrd: Option<&'a [u8]>,
    /// The disk image, if there is a disk.
    pub disk: Option<Box<dyn Medium>>,
    /// Whether the console has the ports of standard input, output and error.
    pub stdio: bool,
    /// Seed of the entropy device.
    pub seed: u64,
    /// The calendar at power-on, in seconds since 1970.
    pub calendar: u64,
    /// Shape of each CPU's TLB.
    pub tlb: Shape,
}

impl Pc {
    /// A machine at its kernel's PVH entry, about to execute the first instruction.
    pub fn new(config: Config<'_>) -> Result<Self, ConfigError> {
        ConfigError::check(
            config.cpus,
            MAX_CPUS,
            config.memory,
            MIN_MEMORY..=MAX_MEMORY,
        )?;
        let mut ram = Ram::new(Phys(0), config.memory);
        let kernel = elf::parse(config.kernel)?;
        if !matches!(kernel.machine, object::elf::EM_X86_64 | object::elf::EM_386) {
            return Err(LoadError::WrongMachine(elf::machine_name(kernel.machine)).into());
        }
        let entry = pvh::entry(&kernel)?;
        let end = kernel.end();
        kernel.place(&mut ram, &[pvh::INFO, FIRMWARE])?;
        let disk = config
            .disk
            .map(|medium| Block::new(medium, "glassbox", Latency::default()));
        let slots = [
            (slot::DISK, disk.is_some()),
            (slot::CONSOLE, config.stdio),
            (slot::ENTROPY, true),
        ];
        let used: Vec<Transport> = slots
            .iter()
            .filter(|slot| slot.1)
            .map(|slot| transport(slot.0))
            .collect();
        let command_line = with_devices(config.command_line, &used);
        let mut chips = Chips::new(
            config.cpus,
            disk,
            config.stdio,
            config.seed,
            config.calendar,
        );
        chips.enter_virtual_wire_mode();
        let fw_cfg = &mut chips.fw_cfg;
        fw_cfg.add(key::NB_CPUS, (config.cpus as u16).to_le_bytes().to_vec());
        fw_cfg.add(key::MAX_CPUS, (config.cpus as u16).to_le_bytes().to_vec());
        fw_cfg.add(key::RAM_SIZE, config.memory.to_le_bytes().to_vec());
        fw_cfg.add(
            key::CMDLINE_SIZE,
            (command_line.len() as u32 + 1).to_le_bytes().to_vec(),
        );
        fw_cfg.add(key::CMDLINE_DATA, [&command_line[..], &[0]].concat());
        fw_cfg.add(
            key::KERNEL_SIZE,
            (config.kernel.len() as u32).to_le_bytes().to_vec(),
        );
        fw_cfg.add(key::KERNEL_DATA, config.kernel.to_vec());
        let map = [
            (0, 0x9_fc00, Kind::Ram),
            (0x9_fc00, 0x6_0400, Kind::Reserved),
            (1 << 20, config.memory - (1 << 20), Kind::Ram),
            (DEVICES, (1 << 32) - DEVICES, Kind::Reserved),
        ];
        write_tables(&mut ram, config.cpus, &used);
        let info = pvh::write_info(
            &mut ram,
            &command_line,
            config.initrd,
            end,
            Some(Phys(ACPI)),
            &map,
        )?;
        let mut harts: Vec<Hart> = (0..config.cpus)
            .map(|index| {
                Hart::new(
                    config.tlb,
                    Topology {
                        apic_id: index as u8,
                        cpus: config.cpus as u8,
                    },
                )
            })
            .collect();
        harts.iter_mut().for_each(Hart::refresh);
        enter_pvh(&mut harts[0], entry, info);
        let sites = sdt::sites(&kernel);
        Ok(Self::assemble(harts, ram, chips, sites))
    }
}

/// The virtio transport in slot `number`.
const fn transport(number: u64) -> Transport {
    Transport {
        base: (VIRTIO + number * VIRTIO_LEN) as u32,
        len: VIRTIO_LEN as u32,
        line: line::VIRTIO as u32 + number as u32,
    }
}

/// The command line with the virtio transports in use, as Linux's `virtio_mmio.device` parameter names them.
fn with_devices(command_line: &[u8], used: &[Transport]) -> Vec<u8> {
    let mut line = command_line.to_vec();
    for Transport {
        base,
        len,
        line: irq,
    } in used
    {
        line.extend(format!(" virtio_mmio.device={len}@{base:#x}:{irq}").into_bytes());
    }
    line
}

/// Writes the ACPI and MP tables, which say the same in two languages.
fn write_tables(ram: &mut Ram, cpus: usize, used: &[Transport]) {
    let interrupts = Interrupts {
        apic_ids: (0..cpus as u32).collect(),
        local_apic: LOCAL_APIC,
        io_apic: IOAPIC as u32,
        io_apic_id: cpus as u8,
        pit_line: line::PIT as u8,
    };
    let acpi = acpi::build(
        ACPI,
        &acpi::Board {
            interrupts: &interrupts,
            power: POWER,
            virtio: used,
        },
    );
    ram.write_bytes(Phys(ACPI), &acpi);
    ram.write_bytes(Phys(MP_TABLE), &mp::build(MP_TABLE as u32, &interrupts));
}

/// The state that the PVH protocol promises: 32-bit protected mode, flat segments, paging off, EBX at the start info.
fn enter_pvh(hart: &mut Hart, entry: u32, info: Phys) {
    hart.cr0 = bits::CR0_PE | bits::CR0_ET;
    for index in [seg::ES, seg::SS, seg::DS, seg::FS, seg::GS] {
        segment::set(hart, index, 0x10, segment::flat(false, false, 0));
    }
    segment::set(hart, seg::CS, 0x08, segment::flat(true, false, 0));
    let tss = Descriptor(0x0000_8b00_0000_0067); // 32-bit busy TSS, base 0, limit 0x67
    hart.tr.attr = tss.attr();
    hart.tr.limit = tss.limit();
    hart.regs[usize::from(reg::RBX)] = info.0;
    hart.pc = u64::from(entry);
    hart.activity = Activity::Running;
    hart.refresh();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ENTRY, board, elf};

    const HALT: &[u8] = &[0xf4];

    fn load(segments: &[(u32, &[u8], u32)], initrd: Option<&[u8]>) -> Result<Pc, ConfigError> {
        board(&elf(segments), 1, initrd)
    }

    #[test]
    fn a_kernel_may_not_lie_where_firmware_puts_its_tables() {
        assert!(load(&[(ENTRY, HALT, 1)], None).is_ok());
        for at in [0x9_1000, ACPI as u32, MP_TABLE as u32 + 16] {
            let refused = load(&[(ENTRY, HALT, 1), (at, HALT, 1)], None).err();
            let overlap = LoadError::Overlap { at: at.into() };
            assert_eq!(refused, Some(overlap.into()));
        }
    }

    #[test]
    fn a_ram_disk_never_lies_on_the_kernel() {
        let initrd = [7; 0x1000];
        assert!(load(&[(ENTRY, HALT, 0x2f_f000)], Some(&initrd)).is_ok());
        let refused = load(&[(ENTRY, HALT, 0x2f_f001)], Some(&initrd)).err();
        let wanted = LoadError::InitrdDoesNotFit { len: 0x1000 };
        assert_eq!(refused, Some(wanted.into()));
    }

    #[test]
    fn damaged_kernels_are_refused_and_never_panic() {
        let kernel = elf(&[(ENTRY, HALT, 0x1000)]);
        for len in 0..kernel.len() {
            let _ = board(&kernel[..len], 1, None);
        }
        for at in 0..kernel.len() {
            for value in [0, 0x7f, 0x80, 0xff] {
                let mut damaged = kernel.clone();
                damaged[at] = value;
                let _ = board(&damaged, 1, None);
            }
        }
    }
}
