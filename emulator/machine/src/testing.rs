//! Kernels made on the spot, for this package's own tests: machine code in an ELF file with a PVH note.

use crate::Machine;
use crate::config::ConfigError;
use crate::pc::{Config, Pc, Shape};
use base::Seeded;

/// Where the code lies and begins.
pub const ENTRY: u32 = 0x10_0000;

const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const XEN_ELFNOTE_PHYS32_ENTRY: u32 = 18;

/// A 32-bit ELF file that puts each of `segments` (an address, bytes, a size in memory) and enters at [`ENTRY`].
pub fn elf(segments: &[(u32, &[u8], u32)]) -> Vec<u8> {
    const HEADER: u32 = 52;
    const PROGRAM: u32 = 32;
    let note = [
        4,
        4,
        XEN_ELFNOTE_PHYS32_ENTRY,
        u32::from_le_bytes(*b"Xen\0"),
        ENTRY,
    ];
    let mut content: Vec<u8> = note.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut at = HEADER + PROGRAM * (segments.len() as u32 + 1);
    let mut programs = vec![[PT_NOTE, at, 0, 0, 20, 20, 4, 4]];
    at += 20;
    for &(address, bytes, size) in segments {
        let len = bytes.len() as u32;
        programs.push([PT_LOAD, at, address, address, len, size, 7, 1]);
        content.extend(bytes);
        at += len;
    }
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend([2, 0, 3, 0]); // an executable for the 386
    file.extend(
        [1, ENTRY, HEADER, 0, 0]
            .iter()
            .flat_map(|w: &u32| w.to_le_bytes()),
    );
    let halves = [
        HEADER as u16,
        PROGRAM as u16,
        programs.len() as u16,
        40,
        0,
        0,
    ];
    file.extend(halves.iter().flat_map(|half| half.to_le_bytes()));
    file.extend(
        programs
            .iter()
            .flatten()
            .flat_map(|word| word.to_le_bytes()),
    );
    file.extend(content);
    file
}

/// A board with 4 MiB that runs `kernel`.
pub fn board(kernel: &[u8], cpus: usize, initrd: Option<&[u8]>) -> Result<Pc, ConfigError> {
    Pc::new(Config {
        cpus,
        memory: 4 << 20,
        kernel,
        command_line: b"",
        initrd,
        disk: None,
        stdio: false,
        seed: 1,
        calendar: 0,
        tlb: Shape::default(),
    })
}

/// A machine that executes `code` in 32-bit protected mode.
pub fn machine(code: &[u8], cpus: usize) -> Machine<Pc, Seeded> {
    let kernel = elf(&[(ENTRY, code, code.len() as u32)]);
    let board = board(&kernel, cpus, None).expect("the kernel is sound");
    Machine::new(board, Seeded::new(1))
}
