//! Programs for the guest, made on the spot: code in an ELF file, with data that is only in memory once it is touched.
//!
//! ```text
//! 0x40_0000  headers and code, readable and executable
//! 0x60_0000  data, readable and writable: pages of the file, which the kernel brings in at the first touch
//! ```

use crate::kernel::{Built, assemble};
use crate::riscv;
use abi::isa::Isa;
use iced_x86::code_asm::{CodeAssembler, r8, r9, r10, rax, rdi, rdx, rsi};

/// Where the code's page lies.
const TEXT: u64 = 0x40_0000;
/// Where the data begins.
pub const DATA: u64 = 0x60_0000;
/// Bytes of a page.
pub const PAGE: u64 = 4096;

/// Bytes of the ELF file's headers, which come first in the code's page.
const HEADERS: u64 = 64 + 2 * 56;

/// The ELF file of a program for this instruction set that makes these calls one after the other, each by its name, or
/// its number if nobody has one for it, and with up to six arguments. It has `data` at [`DATA`].
pub fn calls(arch: &str, data: &[u8], calls: &[(&str, &[u64])]) -> Vec<u8> {
    let isa = match arch {
        "x86_64" => Isa::X86_64,
        _ => Isa::Riscv64,
    };
    let mut numbered = calls.iter().map(|(name, args)| {
        let known = abi::nr::by_name(name).map(|call| call.numbers[isa as usize]);
        (known.unwrap_or_else(|| name.parse().expect(name)), *args)
    });
    match isa {
        Isa::X86_64 => program(data, |a| {
            numbered.try_for_each(|(number, args)| call(a, number, args))
        }),
        Isa::Riscv64 => {
            let mut code = String::new();
            for (number, args) in numbered {
                for (register, value) in args.iter().enumerate() {
                    code += &format!("li a{register}, {value:#x}\n");
                }
                code += &format!("li a7, {number:#x}\necall\n");
            }
            let bytes: Vec<String> = data.iter().map(u8::to_string).collect();
            code += &format!(".data\n.byte {}\n", bytes.join(","));
            riscv::program(&code, &[(".text", TEXT), (".data", DATA)])
        }
    }
}

/// The ELF file of a program with this data.
pub fn program(data: &[u8], build: impl FnOnce(&mut CodeAssembler) -> Built) -> Vec<u8> {
    let code = assemble(64, TEXT + HEADERS, build);
    let mut file = Vec::new();
    file.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"); // 64-bit, little-endian
    file.extend(2u16.to_le_bytes()); // executable
    file.extend(62u16.to_le_bytes()); // x86-64
    file.extend(1u32.to_le_bytes());
    file.extend((TEXT + HEADERS).to_le_bytes()); // entry
    file.extend(64u64.to_le_bytes()); // program headers
    file.extend(0u64.to_le_bytes());
    file.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 2, 64, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    let code_len = HEADERS + code.len() as u64;
    let data_at = code_len.next_multiple_of(PAGE);
    for (flags, offset, address, len) in [
        (5u32, 0, TEXT, code_len),
        (6, data_at, DATA, data.len() as u64),
    ] {
        file.extend(1u32.to_le_bytes()); // loaded
        file.extend(flags.to_le_bytes());
        for word in [offset, address, address, len, len, PAGE] {
            file.extend(word.to_le_bytes());
        }
    }
    file.extend(code);
    file.resize(data_at as usize, 0);
    file.extend(data);
    file
}

/// Makes a system call with up to six arguments; the result is in RAX.
pub fn call(a: &mut CodeAssembler, number: u64, args: &[u64]) -> Built {
    for (register, value) in [rdi, rsi, rdx, r10, r8, r9].into_iter().zip(args) {
        a.mov(register, *value)?;
    }
    a.mov(rax, number)?;
    a.syscall()
}
