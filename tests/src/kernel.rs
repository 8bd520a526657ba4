//! Kernels made on the spot: a few instructions in an ELF file with a PVH note.

use iced_x86::code_asm::CodeAssembler;

/// Where the code lies and begins.
pub const BASE: u64 = 0x10_0000;

/// The ELF file of a 32-bit kernel that `build` writes.
pub fn elf(build: impl FnOnce(&mut CodeAssembler) -> Result<(), iced_x86::IcedError>) -> Vec<u8> {
    let mut assembler = CodeAssembler::new(32).expect("32 is a size of code");
    build(&mut assembler).expect("the test's code is well-formed");
    let code = assembler.assemble(BASE).expect("the test's code can be encoded");
    wrap(&code)
}

/// Code in an ELF file: one segment at [`BASE`], and the note that names it as the PVH entry.
pub fn wrap(code: &[u8]) -> Vec<u8> {
    const HEADERS: u64 = 64 + 2 * 56;
    const NOTE: u64 = 20;
    let mut file = Vec::new();
    file.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"); // 64-bit, little-endian
    file.extend(2u16.to_le_bytes()); // executable
    file.extend(62u16.to_le_bytes()); // x86-64
    file.extend(1u32.to_le_bytes());
    file.extend(BASE.to_le_bytes()); // entry
    file.extend(64u64.to_le_bytes()); // program headers
    file.extend(0u64.to_le_bytes());
    file.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 2, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    let code_at = HEADERS + NOTE;
    for (kind, offset, address, len) in
        [(1u32, code_at, BASE, code.len() as u64), (4, HEADERS, 0, NOTE)]
    {
        file.extend(kind.to_le_bytes());
        file.extend(7u32.to_le_bytes());
        for word in [offset, address, address, len, len, 4] {
            file.extend(word.to_le_bytes());
        }
    }
    for word in [4u32, 4, 18] {
        file.extend(word.to_le_bytes()); // name size, content size, XEN_ELFNOTE_PHYS32_ENTRY
    }
    file.extend(b"Xen\0");
    file.extend((BASE as u32).to_le_bytes());
    file.extend(code);
    file
}
