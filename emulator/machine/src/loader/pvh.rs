//! The PVH boot protocol ("x86/HVM direct boot ABI"): a 32-bit entry named by an ELF note, and a start-info block.
//!
//! ```text
//! 0x90000  hvm_start_info (version 1)      0x91000  command line, zero-terminated
//! 0x90100  memory map                      top of RAM, page-aligned down: initial RAM disk, if any
//! 0x90800  module list
//! ```

use super::LoadError;
use super::elf::Executable;
use base::{PAGE_SIZE, Phys, Ram, Width};

/// Where the boot information lies: below the legacy area, above what start-up code uses.
pub const INFO: std::ops::Range<u64> = 0x9_0000..0x9_f000;
const MEMORY_MAP: u64 = 0x9_0100;
const MODULES: u64 = 0x9_0800;
const COMMAND_LINE: u64 = 0x9_1000;

/// Low memory is left to start-up code.
const LOWEST_MODULE: u64 = 1 << 20;

const MAGIC: u64 = 0x336e_c578;
const XEN_ELFNOTE_PHYS32_ENTRY: u32 = 18;

/// What a stretch of the memory map is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Usable memory.
    Ram = 1,
    /// Not to be used.
    Reserved = 2,
}

/// The 32-bit entry point that the kernel's note names.
pub fn entry(kernel: &Executable<'_>) -> Result<u32, LoadError> {
    kernel
        .notes
        .iter()
        .find(|note| note.kind == XEN_ELFNOTE_PHYS32_ENTRY && note.name.starts_with(b"Xen"))
        .and_then(|note| note.content.get(..4))
        .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .ok_or(LoadError::NoEntry)
}

/// Writes the start-info block and returns its address, which goes into EBX. A RAM disk lies at the top of RAM, and
/// nowhere below `free`, where the kernel ends.
pub fn write_info(
    ram: &mut Ram,
    command_line: &[u8],
    initrd: Option<&[u8]>,
    free: u64,
    rsdp: Option<Phys>,
    map: &[(u64, u64, Kind)],
) -> Result<Phys, LoadError> {
    let max = (INFO.end - COMMAND_LINE - 1) as usize;
    if command_line.len() > max {
        return Err(LoadError::CommandLine {
            len: command_line.len(),
            max,
        });
    }
    let mut modules = 0;
    if let Some(initrd) = initrd {
        let len = initrd.len() as u64;
        let start = ram
            .len()
            .checked_sub(len)
            .map(|s| s & !(PAGE_SIZE - 1))
            .filter(|&s| ram.base().0 + s >= free.max(LOWEST_MODULE));
        let start = start.ok_or(LoadError::InitrdDoesNotFit { len })?;
        ram.write_bytes(Phys(ram.base().0 + start), initrd);
        for (index, word) in [ram.base().0 + start, len, 0, 0].into_iter().enumerate() {
            ram.write(Phys(MODULES + 8 * index as u64), Width::B8, word);
        }
        modules = 1;
    }
    ram.write_bytes(Phys(COMMAND_LINE), command_line);
    ram.write(Phys(COMMAND_LINE + command_line.len() as u64), Width::B1, 0);
    for (index, &(start, len, kind)) in map.iter().enumerate() {
        let at = MEMORY_MAP + 24 * index as u64;
        ram.write(Phys(at), Width::B8, start);
        ram.write(Phys(at + 8), Width::B8, len);
        ram.write(Phys(at + 16), Width::B8, kind as u64);
    }
    let start_info: [(u64, Width, u64); 10] = [
        (0, Width::B4, MAGIC),
        (4, Width::B4, 1), // version
        (8, Width::B4, 0), // flags
        (12, Width::B4, modules),
        (16, Width::B8, if modules > 0 { MODULES } else { 0 }),
        (24, Width::B8, COMMAND_LINE),
        (32, Width::B8, rsdp.map_or(0, |p| p.0)),
        (40, Width::B8, MEMORY_MAP),
        (48, Width::B4, map.len() as u64),
        (52, Width::B4, 0),
    ];
    for (offset, width, value) in start_info {
        ram.write(Phys(INFO.start + offset), width, value);
    }
    Ok(Phys(INFO.start))
}
