//! Kernels made on the spot: a few instructions in an ELF file with a PVH note.
//!
//! [`elf`] takes 32-bit code as PVH starts it. [`long_mode`] takes 64-bit code and brings it there: flat segments, the
//! first 4 GiB mapped to themselves, a stack, a task state segment, and an IDT to be filled with [`gate`]. Code says
//! what it found with [`put`] and [`word`] on COM1 and ends with [`exit`]; [`boot`] gives that to the test.
//!
//! ```text
//! 0x10_0000  start, 32-bit      0x10_0e00  GDT      0x10_0f00  TSS      0x10_1000  the test's code, 64-bit
//! 0x20_0000  PML4, PDPT         0x20_2000  IDT      0x30_0000  stack    0x38_0000  stack for double faults (IST 1)
//! ```

use crate::glassbox::{Ran, glassbox};
use iced_x86::IcedError;
use iced_x86::code_asm::*;
use std::io::Write;

/// Where the code lies and begins.
pub const BASE: u64 = 0x10_0000;
/// Where 64-bit code lies.
pub const LONG: u64 = BASE + 0x1000;
/// The kernel's code and data segments, and the user's.
pub const KERNEL_CODE: u64 = 0x08;
/// The kernel's data segment.
pub const KERNEL_DATA: u64 = 0x10;
/// The user's stack segment, with its privilege.
pub const USER_DATA: u64 = 0x18 | 3;
/// The user's 64-bit code segment, with its privilege.
pub const USER_CODE: u64 = 0x20 | 3;
/// Where the page tables lie: PML4, then the PDPT with four pages of 1 GiB.
pub const PML4: u64 = 0x20_0000;
/// Where the stack ends.
pub const STACK: u64 = 0x30_0000;
/// The local APIC's registers.
pub const LOCAL_APIC: u64 = 0xfee0_0000;

const GDT: u64 = BASE + 0xe00;
const GDT_POINTER: u64 = BASE + 0xe80;
const IDT_POINTER: u64 = BASE + 0xe90;
const TSS: u64 = BASE + 0xf00;
const PDPT: u64 = PML4 + 0x1000;
const IDT: u64 = PML4 + 0x2000;
const STACK_OF_DOUBLE_FAULTS: u64 = 0x38_0000;

/// What builds code.
pub type Built = Result<(), IcedError>;

/// The ELF file of a 32-bit kernel that `build` writes.
pub fn elf(build: impl FnOnce(&mut CodeAssembler) -> Built) -> Vec<u8> {
    wrap(&assemble(32, BASE, build))
}

/// The ELF file of a 64-bit kernel that `build` writes.
pub fn long_mode(build: impl FnOnce(&mut CodeAssembler) -> Built) -> Vec<u8> {
    let mut image = assemble(32, BASE, enter_long_mode);
    let mut place = |address: u64, bytes: &[u8]| {
        let at = (address - BASE) as usize;
        assert!(image.len() <= at, "{address:#x} is taken");
        image.resize(at, 0);
        image.extend(bytes);
    };
    let descriptors = [
        0,
        0x00af_9a00_0000_ffff,                           // kernel code, 64-bit
        0x00cf_9200_0000_ffff,                           // kernel data
        0x00cf_f200_0000_ffff,                           // user data
        0x00af_fa00_0000_ffff,                           // user code, 64-bit
        0x0000_8900_0000_0067 | (TSS & 0xff_ffff) << 16, // TSS; its address has no upper half
        0,
    ];
    place(GDT, &descriptors.map(u64::to_le_bytes).concat());
    let pointer = |limit: u16, base: u64| [&limit.to_le_bytes()[..], &base.to_le_bytes()].concat();
    place(GDT_POINTER, &pointer(8 * descriptors.len() as u16 - 1, GDT));
    place(IDT_POINTER, &pointer(0xfff, IDT));
    let mut tss = [0; 104];
    tss[4..12].copy_from_slice(&STACK.to_le_bytes()); // RSP0
    tss[36..44].copy_from_slice(&STACK_OF_DOUBLE_FAULTS.to_le_bytes()); // IST1
    place(TSS, &tss);
    place(
        LONG,
        &assemble(64, LONG, |a| {
            a.mov(eax, KERNEL_DATA as u32)?;
            a.mov(ds, eax)?;
            a.mov(es, eax)?;
            a.mov(ss, eax)?;
            a.mov(eax, 0x28)?;
            a.ltr(ax)?;
            a.lidt(ptr(IDT_POINTER))?;
            build(a)
        }),
    );
    wrap(&image)
}

fn enter_long_mode(a: &mut CodeAssembler) -> Built {
    const LARGE: u32 = 0x87; // present, writable, user, no further level
    a.mov(esp, STACK as u32)?;
    a.mov(dword_ptr(PML4), PDPT as u32 | 7)?;
    for gib in 0..4 {
        a.mov(dword_ptr(PDPT + 8 * u64::from(gib)), gib << 30 | LARGE)?;
    }
    a.mov(eax, cr4)?;
    a.or(eax, 0x220)?; // PAE, OSFXSR
    a.mov(cr4, eax)?;
    a.mov(eax, PML4 as u32)?;
    a.mov(cr3, eax)?;
    a.mov(ecx, 0xc000_0080u32)?; // EFER: SCE, LME, NXE
    a.rdmsr()?;
    a.or(eax, 0x901)?;
    a.wrmsr()?;
    a.mov(eax, cr0)?;
    a.or(eax, 0x8001_0000u32)?; // PG, WP
    a.mov(cr0, eax)?;
    a.lgdt(ptr(GDT_POINTER))?;
    a.db(&[0xea])?; // a far jump, which the assembler does not write
    a.db(&(LONG as u32).to_le_bytes())?;
    a.db(&(KERNEL_CODE as u16).to_le_bytes())
}

/// Code of 16, 32 or 64 bits that runs at `base`.
pub fn assemble(bits: u32, base: u64, build: impl FnOnce(&mut CodeAssembler) -> Built) -> Vec<u8> {
    let mut assembler = CodeAssembler::new(bits).expect("a size of code");
    build(&mut assembler).expect("the test's code is well-formed");
    assembler
        .assemble(base)
        .expect("the test's code can be encoded")
}

/// Prints text.
pub fn put(a: &mut CodeAssembler, text: &str) -> Built {
    a.mov(edx, 0x3f8)?;
    for byte in text.bytes() {
        a.mov(al, u32::from(byte))?;
        a.out(dx, al)?;
    }
    Ok(())
}

/// Prints RAX, as eight bytes for [`words`]. Changes RAX, RCX and RDX.
pub fn word(a: &mut CodeAssembler) -> Built {
    a.mov(edx, 0x3f8)?;
    a.mov(ecx, 8)?;
    a.anonymous_label()?;
    let again = a.bwd()?;
    a.out(dx, al)?;
    a.shr(rax, 8)?;
    a.dec(ecx)?;
    a.jnz(again)
}

/// The words that [`word`] printed.
pub fn words(output: &[u8]) -> Vec<u64> {
    let (words, rest) = output.as_chunks();
    assert!(
        rest.is_empty(),
        "no whole number of words: {}",
        output.escape_ascii()
    );
    words
        .iter()
        .map(|&bytes| u64::from_le_bytes(bytes))
        .collect()
}

/// Ends the machine with this word on the debug-exit port.
pub fn exit(a: &mut CodeAssembler, word: u32) -> Built {
    a.mov(eax, word)?;
    a.out(0xf4, eax)
}

/// Lets interrupt `vector` come to `handler`. Changes RAX.
pub fn gate(a: &mut CodeAssembler, vector: u64, handler: CodeLabel) -> Built {
    let entry = IDT + 16 * vector;
    let stack = u64::from(vector == 8); // double faults have a stack of their own
    a.lea(rax, ptr(handler))?; // below 64 KiB beyond BASE
    a.mov(word_ptr(entry), ax)?;
    a.shr(rax, 16)?;
    a.mov(word_ptr(entry + 6), ax)?;
    a.mov(
        dword_ptr(entry + 2),
        (KERNEL_CODE | stack << 16 | 0x8e00 << 16) as u32,
    )
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
    for (kind, offset, address, len) in [
        (1u32, code_at, BASE, code.len() as u64),
        (4, HEADERS, 0, NOTE),
    ] {
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

/// Boots a kernel with these further options and waits for its end.
#[track_caller]
pub fn boot(kernel: &[u8], options: &[&str]) -> Ran {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(kernel).expect("the kernel is written");
    let path = file.path().to_str().expect("a plain name");
    glassbox(&[&["boot", "--kernel", path], options].concat(), b"")
}
