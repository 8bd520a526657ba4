//! The decoder against binutils' disassembler: what is an instruction, and which.

use cpu::hart::Lifted;
use cpu::probes::Probes;
use cpu::riscv64::call::system::ILLEGAL;
use cpu::riscv64::lift::lift_block;
use cpu::riscv64::mode::Mode;
use ir::Opcode;
use riscv::binutils::disassemble;
use riscv::catalog::named;
use std::collections::BTreeMap;

/// Whether the hart takes `bits` for an instruction.
fn legal(bits: u32, len: usize) -> bool {
    let mode = Mode::new(true, true, false, false);
    let code = &bits.to_le_bytes()[..len];
    let Lifted::Block(block) = lift_block(code, 0x1000, mode, 1, &Probes::default()) else {
        panic!("{bits:#x} is not taken whole");
    };
    let illegal = |op: &ir::Op| op.code == Opcode::CallEnd && op.imm as u16 == ILLEGAL;
    !block.ops.iter().any(illegal)
}

/// The manual's word where binutils 2.40 says otherwise.
fn settled(bits: u32, len: usize) -> Option<&'static str> {
    const FUNCT3: u32 = 7 << 12;
    Some(match (len, bits) {
        // All zeros is illegal by definition, and has a name; no immediate may be zero here.
        (2, 0 | 0x6101) => "",
        // Fields that say what is ordered are ignored where they are reserved (2.7, 6).
        (4, _) if bits & (FUNCT3 | 0x7f) == 0xf => "fence",
        (4, _) if bits & (FUNCT3 | 0x7f) == 0x100f => "fence.i",
        // HRET, URET, DRET and the old SFENCE.VM belong to what this hart does not have.
        (4, 0x2020_0073 | 0x0020_0073 | 0x7b20_0073 | 0x1040_0073) => "",
        // UNIMP by another name.
        (4, 0xc000_1073) => "csrrw",
        // Too new.
        (4, _) if bits & 0xfe00_707f == 0xe00_5033 => "czero.eqz",
        (4, _) if bits & 0xfe00_707f == 0xe00_7033 => "czero.nez",
        // Conversions that are exact have a rounding mode, too (20.7, 21.5).
        (4, _) if matches!(bits & FUNCT3, 0x5000 | 0x6000) => return None,
        (4, _) if bits & 0xfff0_007f == 0x4200_0053 => "fcvt.d.s",
        (4, _) if bits & 0xfff0_007f == 0xd200_0053 => "fcvt.d.w",
        (4, _) if bits & 0xfff0_007f == 0xd210_0053 => "fcvt.d.wu",
        _ => return None,
    })
}

/// Asks the hart, the catalogue and the disassembler about encodings of `len` bytes.
fn compare(words: &[u32], len: usize) {
    let bytes: Vec<u8> = words
        .iter()
        .flat_map(|w| w.to_le_bytes()[..len].to_vec())
        .collect();
    let names = disassemble(&bytes);
    assert_eq!(names.len(), words.len());
    let mut wrong = BTreeMap::<String, (u32, usize)>::new();
    for (&bits, theirs) in words.iter().zip(&names) {
        let theirs = settled(bits, len).unwrap_or(theirs);
        let listed = named(bits, len);
        let name = listed.first().copied().unwrap_or_default();
        assert!(listed.len() < 2, "{bits:#x} is {listed:?}");
        if name != theirs || legal(bits, len) == name.is_empty() {
            let what = format!(
                "{name:?}, disassembled {theirs:?}, taken {}",
                legal(bits, len)
            );
            wrong.entry(what).or_insert((bits, 0)).1 += 1;
        }
    }
    assert!(wrong.is_empty(), "{wrong:#x?}");
}

#[test]
fn every_encoding_of_16_bits_is_what_the_disassembler_says() {
    let words: Vec<u32> = (0..0x1_0000).filter(|bits| bits & 3 != 3).collect();
    compare(&words, 2);
}

/// Every opcode with every funct3, funct7 and second register; opcodes of longer instructions left out.
fn long(rs1: u32, rd: u32) -> impl Iterator<Item = u32> {
    let word = move |n: u32| {
        (n & 0xfff) << 20 | rs1 << 15 | (n >> 12 & 7) << 12 | rd << 7 | (n >> 15) << 2 | 3
    };
    (0..1 << 20).map(word).filter(|bits| bits & 0x1c != 0x1c)
}

#[test]
fn encodings_of_32_bits_are_what_the_disassembler_says() {
    // Only these ask of some registers that they be x0.
    let system = |bits: &u32| matches!(bits & 0x7f, 0x0f | 0x73);
    let words: Vec<u32> = long(10, 11).chain(long(0, 0).filter(system)).collect();
    compare(&words, 4);
}

#[test]
fn beginnings_of_longer_instructions_are_illegal() {
    let longer = (0..1 << 20).map(|n: u32| n << 12 | (n >> 3 & 0x7f) << 5 | 0x1f);
    assert!(longer.into_iter().all(|bits| !legal(bits, 4)));
}
