//! Every encoding that the emulator lifts, with seeded operands and states, against the host's CPU.

#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use iced_x86::{Code, CpuidFeature};
use silicon::bench::{Bench, EXACT, Fate, Verdict};
use silicon::catalog::{encodings, promised};
use silicon::layout::DATA;
use silicon::state::{DOUBLES, Registers, SINGLES};
use silicon::{CodeSize, Exit};
use std::collections::BTreeMap;

/// Compares the encodings of one part of the instruction set; prints what was not compared, and why.
fn compare(size: CodeSize, part: impl Fn(Code) -> bool, seed: u64) {
    let mut bench = Bench::sized(size, seed);
    let (mut wrong, mut missing) = (String::new(), Vec::new());
    let mut fates = BTreeMap::<Fate, Vec<Code>>::new();
    for code in encodings(size).filter(|&code| part(code)) {
        let fate = bench.encoding(code, &mut wrong);
        // What 64-bit mode dropped may be a gap: start-up code does not use it.
        let needed = promised(code) && code.op_code().mode64();
        if needed && matches!(fate, Fate::Absent | Fate::Gap | Fate::Unmade) {
            missing.push(code);
        }
        fates.entry(fate).or_default().push(code);
    }
    for (fate, codes) in &fates {
        println!("{fate:?}: {}", codes.len());
        if *fate != Fate::Compared {
            println!("    {codes:?}");
        }
    }
    for (reason, runs) in &bench.open {
        println!("Silicon's word taken in {runs} runs: {reason}");
    }
    assert!(wrong.is_empty(), "unlike silicon:\n{wrong}");
    assert!(
        missing.is_empty(),
        "promised by CPUID and not compared: {missing:?}"
    );
    assert!(fates.contains_key(&Fate::Compared), "nothing was compared");
}

fn is_vector(code: Code) -> bool {
    use CpuidFeature as F;
    code.cpuid_features()
        .iter()
        .any(|f| matches!(f, F::SSE | F::SSE2))
}

#[test]
fn integer_instructions_do_what_silicon_does() {
    compare(CodeSize::Bits64, |code| !is_vector(code), 1);
}

#[test]
fn vector_instructions_do_what_silicon_does() {
    compare(CodeSize::Bits64, is_vector, 2);
}

#[test]
fn instructions_of_32_bit_code_do_what_silicon_does() {
    compare(CodeSize::Bits32, |_| true, 4);
}

/// FXRSTOR from RSI, then FXSAVE to RDI, in the form with 32-bit and with 64-bit pointers.
const RESTORE_AND_SAVE: [&[u8]; 2] = [
    &[0x0f, 0xae, 0x0e, 0x0f, 0xae, 0x07],
    &[0x48, 0x0f, 0xae, 0x0e, 0x48, 0x0f, 0xae, 0x07],
];

#[test]
fn fxrstor_and_fxsave_carry_the_state_that_silicon_carries() {
    let mut bench = Bench::new(3);
    let mut ends = [0; 2];
    for round in 0..2000 {
        let mut before = Registers::random(&mut bench.rng);
        (before.gpr[6], before.gpr[7]) = (DATA + 0x400, DATA + 0x800);
        for byte in &mut bench.data[0x400..0x600] {
            *byte = bench.rng.next() as u8;
        }
        // Masked exceptions do not wait, so ES and B are clear. In every other four rounds an unmasked one does.
        bench.data[0x400] |= 0x3f;
        bench.data[0x402] &= 0x7f;
        bench.data[0x403] &= 0x7f;
        if round & 4 != 0 {
            let waits = 1 << bench.rng.below(6);
            bench.data[0x400] &= !waits;
            bench.data[0x402] |= 0x80 | waits;
            bench.data[0x403] |= 0x80;
        }
        // Addresses as a program has them.
        bench.data[0x40e..0x410].fill(0);
        bench.data[0x416..0x418].fill(0);
        // Mostly an MXCSR without reserved bits, and mostly an aligned area.
        if round % 8 != 0 {
            bench.data[0x41a..0x41c].fill(0);
        }
        if round % 16 == 1 {
            before.gpr[6] += 8;
        }
        match bench.run(RESTORE_AND_SAVE[round % 2], &before, EXACT) {
            Verdict::Same(Exit::Done { .. }) => ends[0] += 1,
            Verdict::Same(_) => ends[1] += 1,
            Verdict::Different(how) => panic!("unlike silicon: {how}"),
            Verdict::Settled(fate) => panic!("{fate:?}"),
        }
    }
    assert!(ends[0] > 1000 && ends[1] > 100, "{ends:?}");
}

#[test]
fn what_mxcsr_does_not_have_is_refused_as_silicon_refuses_it() {
    const LDMXCSR: &[u8] = &[0x0f, 0xae, 0x16];
    let mut bench = Bench::new(6);
    for bit in 16..32 {
        let mut before = Registers::random(&mut bench.rng);
        (before.gpr[6], before.gpr[7]) = (DATA + 0x400, DATA + 0x800);
        // LDMXCSR takes it from RSI, FXRSTOR from its place in the area.
        let control = (0x1f80 | 1u32 << bit).to_le_bytes();
        bench.data[0x400..0x404].copy_from_slice(&control);
        bench.data[0x418..0x41c].copy_from_slice(&control);
        for code in [LDMXCSR, RESTORE_AND_SAVE[0], RESTORE_AND_SAVE[1]] {
            match bench.run(code, &before, EXACT) {
                Verdict::Same(Exit::Trap { vector: 13, .. }) => {}
                Verdict::Same(exit) => panic!("bit {bit} is taken: {exit:x?}"),
                Verdict::Different(how) => panic!("unlike silicon: {how}"),
                Verdict::Settled(fate) => panic!("{fate:?}"),
            }
        }
    }
}

/// ADD, MUL, SUB, DIV and SQRT of XMM0 and XMM1 behind the prefix that names the format: packed and scalar.
const ARITHMETIC: [u8; 5] = [0x58, 0x59, 0x5c, 0x5e, 0x51];

/// Every pair of `edges`, with either sign, under the settings with which the emulator may use the host's arithmetic.
fn compare_edges(edges: &[[u64; 2]], signs: u64, prefixes: [&[u8]; 2]) {
    let mut bench = Bench::new(5);
    let signed: Vec<[u64; 2]> = edges
        .iter()
        .flat_map(|&e| [e, e.map(|word| word ^ signs)])
        .collect();
    let mut state = Registers::random(&mut bench.rng);
    for (a, b) in signed
        .iter()
        .flat_map(|a| signed.iter().map(move |b| (a, b)))
    {
        (state.xmm[0], state.xmm[1]) = (*a, *b);
        for (prefix, opcode) in prefixes.iter().flat_map(|p| ARITHMETIC.map(|o| (p, o))) {
            let code = [prefix, &[0x0f, opcode, 0xc1][..]].concat();
            for mxcsr in [0x1f80, 0x1fa0] {
                state.mxcsr = mxcsr;
                if let Verdict::Different(how) = bench.run(&code, &state, EXACT) {
                    panic!("unlike silicon: {how}");
                }
            }
        }
    }
}

#[test]
fn arithmetic_on_the_edges_of_the_formats_does_what_silicon_does() {
    let doubles: Vec<[u64; 2]> = DOUBLES.iter().map(|&d| [d; 2]).collect();
    compare_edges(&doubles, 1 << 63, [&[0xf2], &[0x66]]);
    let twice = |s: &u32| u64::from(*s) | u64::from(*s) << 32;
    let singles: Vec<[u64; 2]> = SINGLES.iter().map(|s| [twice(s); 2]).collect();
    compare_edges(&singles, 1 << 63 | 1 << 31, [&[0xf3], &[]]);
}
