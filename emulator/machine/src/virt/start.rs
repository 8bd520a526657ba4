//! Builds the board and puts a kernel at its entry: what the boot ROM, and where asked the firmware, would have done.

use super::Virt;
use super::chips::{Chips, RAM};
use super::fdt;
use super::htif::Htif;
use super::sbi;
use crate::config::ConfigError;
use crate::loader::{LoadError, elf, sdt};
use base::{PAGE_SIZE, Phys, Ram, Rng};
use cpu::mmu::tlb::Shape;
use cpu::riscv64::{Activity, Hart, reg};
use devices::virtio::block::{Block, Latency, Medium};
use object::elf::EM_RISCV;

/// The most memory.
pub const MAX_MEMORY: u64 = 8 << 30;
/// The least memory a kernel can be expected to start in.
pub const MIN_MEMORY: u64 = 2 << 20;
/// The most harts.
pub const MAX_HARTS: usize = 8;

/// Where a flat S-mode kernel goes if nobody says otherwise: behind 2 MiB that firmware would have.
pub const FLAT: u64 = RAM + (2 << 20);
/// How far behind the kernel's first byte a RAM disk lies at most, if the kernel is no longer than that.
const MOST_FAR: u64 = 128 << 20;
/// Bytes of the device tree's place, at whose end lies what [`dynamic_info`] gives.
const FDT_LEN: u64 = 64 << 10;
/// Bytes of [`dynamic_info`].
const DYNAMIC_INFO_LEN: u64 = 48;

/// How the kernel is entered.
#[derive(Clone, Copy, Debug)]
pub enum Boot<'a> {
    /// In M-mode, at its entry, all harts at once.
    Machine,
    /// In S-mode, over the built-in SBI: one hart; the others wait to be started.
    Supervisor,
    /// This firmware first, in M-mode at the beginning of RAM; it finds the kernel where firmware looks for it.
    Firmware(&'a [u8]),
}

/// What a machine is made of.
pub struct Config<'a> {
    /// Number of harts, 1 to 8.
    pub harts: usize,
    /// Bytes of RAM, in whole pages.
    pub memory: u64,
    /// The kernel: an ELF file, a Linux `Image`, or a flat binary.
    pub kernel: &'a [u8],
    /// How it is entered.
    pub boot: Boot<'a>,
    /// More files for RAM, with their physical addresses.
    pub loads: &'a [(u64, &'a [u8])],
    /// The kernel's command line.
    pub command_line: &'a [u8],
    /// A RAM disk to hand to the kernel.
    pub initrd: Option<&'a [u8]>,
    /// The disk image, if there is a disk.
    pub disk: Option<Box<dyn Medium>>,
    /// Whether the console has the ports of standard input, output and error.
    pub stdio: bool,
    /// Whether the virtio transports are of version 1, as QEMU has them unless told otherwise.
    pub legacy_virtio: bool,
    /// Seed of the entropy device.
    pub seed: u64,
    /// The calendar at power-on, in seconds since 1970.
    pub calendar: u64,
    /// Shape of each hart's TLB.
    pub tlb: Shape,
}

impl<'a> Config<'a> {
    /// One hart with 128 MiB that runs `kernel` in M-mode, and nothing else.
    pub fn new(kernel: &'a [u8]) -> Self {
        Self {
            harts: 1,
            memory: 128 << 20,
            kernel,
            boot: Boot::Machine,
            loads: &[],
            command_line: b"",
            initrd: None,
            disk: None,
            stdio: false,
            legacy_virtio: false,
            seed: 0,
            calendar: 0,
            tlb: Shape::default(),
        }
    }
}

/// A kernel in memory.
struct Placed {
    /// Its first byte.
    start: u64,
    entry: u64,
    /// One past its last byte.
    end: u64,
}

impl Virt {
    /// A machine about to execute the kernel's or the firmware's first instruction.
    ///
    /// # Errors
    /// Numbers out of range, or files that do not fit or make no sense.
    pub fn new(config: Config<'_>) -> Result<Self, ConfigError> {
        ConfigError::check(
            config.harts,
            MAX_HARTS,
            config.memory,
            MIN_MEMORY..=MAX_MEMORY,
        )?;
        let mut ram = Ram::new(Phys(RAM), config.memory);
        let flat = match config.boot {
            Boot::Machine => RAM,
            Boot::Supervisor | Boot::Firmware(_) => FLAT,
        };
        let kernel = place(config.kernel, flat, &mut ram).map_err(ConfigError::Kernel)?;
        let mut end = kernel.end;
        let mut entry = kernel.entry;
        if let Boot::Firmware(bios) = config.boot {
            let bios = place(bios, RAM, &mut ram).map_err(ConfigError::Firmware)?;
            end = end.max(bios.end);
            entry = bios.entry;
        }
        for (at, data) in config.loads {
            ram.write_bytes(Phys(*at), data)
                .ok_or(ConfigError::Load(*at))?;
            end = end.max(at + data.len() as u64);
        }
        let initrd = match config.initrd {
            Some(data) => {
                // Where QEMU puts it: far from the kernel, which may use more than its file says.
                let far = kernel.start + (config.memory / 2).min(MOST_FAR);
                let start = end.max(far).next_multiple_of(PAGE_SIZE);
                ram.write_bytes(Phys(start), data)
                    .ok_or(ConfigError::Kernel(LoadError::InitrdDoesNotFit {
                        len: data.len() as u64,
                    }))?;
                end = start + data.len() as u64;
                Some((start, end))
            }
            None => None,
        };
        let tree = write_tree(&config, &mut ram, initrd, end)?;
        let info = tree + FDT_LEN - DYNAMIC_INFO_LEN;
        if let Boot::Firmware(_) = config.boot {
            ram.write_bytes(Phys(info), &dynamic_info(kernel.entry))
                .ok_or(ConfigError::DeviceTree)?;
        }
        let mut harts: Vec<Hart> = (0..config.harts)
            .map(|n| Hart::new(config.tlb, n as u64))
            .collect();
        for (n, hart) in harts.iter_mut().enumerate() {
            hart.pc = entry;
            hart.regs[usize::from(reg::A0)] = n as u64;
            hart.regs[usize::from(reg::A1)] = tree;
            match config.boot {
                Boot::Machine => {}
                Boot::Firmware(_) => hart.regs[usize::from(reg::A0 + 2)] = info,
                Boot::Supervisor => {
                    sbi::prepare(hart);
                    if n > 0 {
                        hart.activity = Activity::Stopped;
                    }
                }
            }
        }
        let sites = match elf::parse(config.kernel) {
            Ok(kernel) => sdt::sites(&kernel),
            Err(_) => Vec::new(),
        };
        let address = |name| elf::symbol(config.kernel, name).map(Phys);
        let htif = address(b"tohost").map(|tohost| Htif::new(tohost, address(b"fromhost")));
        let disk = config
            .disk
            .map(|medium| Block::new(medium, "glassbox", Latency::default()));
        let mut chips = Chips::new(
            config.harts,
            config.memory,
            disk,
            config.stdio,
            config.legacy_virtio,
            config.seed,
            config.calendar,
        );
        if let Some(htif) = htif {
            chips.attach(htif);
        }
        Ok(Self::assemble(harts, ram, chips, sites))
    }
}

/// Puts a file into memory: an ELF file where it says, a Linux `Image` where its header says, anything else at `flat`.
fn place(data: &[u8], flat: u64, ram: &mut Ram) -> Result<Placed, LoadError> {
    if data.is_empty() {
        return Err(LoadError::Empty);
    }
    if data.starts_with(&object::elf::ELFMAG) {
        let file = elf::parse(data)?;
        if file.machine != EM_RISCV {
            return Err(LoadError::WrongMachine(elf::machine_name(file.machine)));
        }
        if !file.is_64 {
            return Err(LoadError::WrongMachine("RISC-V with 32 bits".into()));
        }
        file.place(ram, &[])?;
        // The entry is a virtual address; the segment that holds it says where that is (Linux's vmlinux, say).
        let entry = file
            .segments
            .iter()
            .find(|s| (s.virt..s.virt.saturating_add(s.size)).contains(&file.entry))
            .map_or(file.entry, |s| file.entry - s.virt + s.phys);
        return Ok(Placed {
            start: file.segments.iter().map(|s| s.phys).min().unwrap_or(entry),
            entry,
            end: file.end(),
        });
    }
    let len = data.len() as u64;
    let (at, size) = match linux_image(data) {
        Some((offset, size)) => (RAM.saturating_add(offset), size.max(len)),
        None => (flat, len),
    };
    ram.write_bytes(Phys(at), data)
        .ok_or(LoadError::DoesNotFit {
            start: at,
            end: at.saturating_add(len),
            memory: ram.addresses(),
        })?;
    Ok(Placed {
        start: at,
        entry: at,
        end: at.saturating_add(size),
    })
}

/// The load offset, and the size with what no byte of the file stands for, in the header of a Linux `Image` (Linux,
/// Documentation/arch/riscv/boot-image-header.rst).
fn linux_image(data: &[u8]) -> Option<(u64, u64)> {
    let magic = data.get(0x38..0x3c)?;
    let field = |at: usize| data.get(at..at + 8)?.first_chunk().copied();
    let (offset, size) = (field(8)?, field(16)?);
    (magic == b"RSC\x05").then(|| (u64::from_le_bytes(offset), u64::from_le_bytes(size)))
}

/// What firmware that can be told finds at the address in a2: that S-mode begins at `entry` (OpenSBI, docs/firmware/fw_dynamic.md).
fn dynamic_info(entry: u64) -> Vec<u8> {
    const MAGIC: u64 = 0x4942_534f; // "OSBI"
    const VERSION: u64 = 2;
    const SUPERVISOR: u64 = 1;
    const OPTIONS: u64 = 0;
    const BOOT_HART: u64 = 0;
    let fields = [MAGIC, VERSION, entry, SUPERVISOR, OPTIONS, BOOT_HART];
    fields
        .iter()
        .flat_map(|field| field.to_le_bytes())
        .collect()
}

/// Writes the device tree at the end of memory; gives its address.
fn write_tree(
    config: &Config<'_>,
    ram: &mut Ram,
    initrd: Option<(u64, u64)>,
    end: u64,
) -> Result<u64, ConfigError> {
    let mut rng = Rng::new(config.seed);
    let seed: Vec<u8> = (0..6).flat_map(|_| rng.next().to_le_bytes()).collect();
    let facts = fdt::Facts {
        harts: config.harts,
        memory: config.memory,
        command_line: &String::from_utf8_lossy(config.command_line),
        initrd,
        seed: &seed,
    };
    let room = (FDT_LEN - DYNAMIC_INFO_LEN) as usize;
    let len = config.command_line.len();
    let too_long = |rest: usize| {
        let max = room.saturating_sub(rest);
        ConfigError::Kernel(LoadError::CommandLine { len, max })
    };
    let tree = fdt::build(&facts).map_err(|_| too_long(0))?;
    // Of what is in it, only the command line has any length.
    if tree.len() > room {
        return Err(too_long(tree.len().saturating_sub(len)));
    }
    // Kernels that map memory below 4 GiB first, or in large pages, find it there.
    let top = (RAM + config.memory).min(RAM + (3 << 30));
    let at = top - FDT_LEN;
    if at < end {
        return Err(ConfigError::DeviceTree);
    }
    ram.write_bytes(Phys(at), &tree)
        .ok_or(ConfigError::DeviceTree)?;
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ram_disk_lies_behind_what_the_kernel_uses_beyond_its_file() {
        // The header of a Linux Image of 5 MiB, of which the file has 64 bytes.
        let mut image = [0; 64];
        image[8..16].copy_from_slice(&(2_u64 << 20).to_le_bytes());
        image[16..24].copy_from_slice(&(5_u64 << 20).to_le_bytes());
        image[0x38..0x3c].copy_from_slice(b"RSC\x05");
        for (kernel, wanted) in [(&image[..], 0x8070_0000), (b"flat", 0x8060_0000)] {
            let config = Config {
                memory: 8 << 20,
                boot: Boot::Supervisor,
                initrd: Some(b"RAM disk"),
                ..Config::new(kernel)
            };
            let board = Virt::new(config).expect("the board is sound");
            let found = board.ram.slice(Phys(wanted), 8);
            assert_eq!(found, Some(&b"RAM disk"[..]), "{wanted:#x}");
        }
    }

    #[test]
    fn firmware_is_told_where_the_kernel_begins() {
        let config = Config {
            harts: 2,
            memory: 8 << 20,
            boot: Boot::Firmware(b"firmware"),
            ..Config::new(b"kernel")
        };
        let board = Virt::new(config).expect("the board is sound");
        for hart in &board.harts {
            let field = |n: u64| board.ram.read(Phys(hart.regs[12] + 8 * n), base::Width::B8);
            let fields = [0, 1, 2, 3].map(field);
            assert_eq!(fields, [0x4942_534f, 2, FLAT, 1].map(Some));
        }
    }
}
