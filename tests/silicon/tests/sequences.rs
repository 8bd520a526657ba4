//! Short sequences that are lifted as one block, against the host's CPU: what sets flags, what may come between, what
//! asks for them. Single instructions never meet the fused forms.

#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use base::Rng;
use silicon::bench::{Bench, EXACT, Terms, Verdict};
use silicon::layout::{ENTRY, TAKEN};
use silicon::state::Registers;

/// An instruction on registers: prefixes and opcode, the opcode's extension in ModRM, bytes of its literal.
type Row = (&'static [u8], Option<u8>, usize);

/// Sets flags, all of which (but AF) the manual defines.
const SETTERS: &[Row] = &[
    (&[0x00], None, 0),          // ADD r8
    (&[0x66, 0x01], None, 0),    // ADD r16
    (&[0x01], None, 0),          // ADD r32
    (&[0x48, 0x01], None, 0),    // ADD r64
    (&[0x48, 0x83], Some(0), 1), // ADD r64, imm8
    (&[0x81], Some(0), 4),       // ADD r32, imm32
    (&[0x20], None, 0),          // AND r8
    (&[0x81], Some(4), 4),       // AND r32, imm32
    (&[0x48, 0x09], None, 0),    // OR r64
    (&[0x66, 0x31], None, 0),    // XOR r16
    (&[0x31], None, 0),          // XOR r32
    (&[0x80], Some(5), 1),       // SUB r8, imm8
    (&[0x29], None, 0),          // SUB r32
    (&[0x48, 0x29], None, 0),    // SUB r64
    (&[0x48, 0x81], Some(5), 4), // SUB r64, imm32
    (&[0x38], None, 0),          // CMP r8
    (&[0x80], Some(7), 1),       // CMP r8, imm8
    (&[0x66, 0x39], None, 0),    // CMP r16
    (&[0x66, 0x81], Some(7), 2), // CMP r16, imm16
    (&[0x39], None, 0),          // CMP r32
    (&[0x83], Some(7), 1),       // CMP r32, imm8
    (&[0x81], Some(7), 4),       // CMP r32, imm32
    (&[0x48, 0x39], None, 0),    // CMP r64
    (&[0x48, 0x83], Some(7), 1), // CMP r64, imm8
    (&[0x48, 0x81], Some(7), 4), // CMP r64, imm32
    (&[0x84], None, 0),          // TEST r8
    (&[0xf6], Some(0), 1),       // TEST r8, imm8
    (&[0x85], None, 0),          // TEST r32
    (&[0x48, 0x85], None, 0),    // TEST r64
    (&[0x48, 0xf7], Some(0), 4), // TEST r64, imm32
    (&[0xf6], Some(3), 0),       // NEG r8
    (&[0x48, 0xf7], Some(3), 0), // NEG r64
    (&[0xfe], Some(0), 0),       // INC r8
    (&[0xff], Some(0), 0),       // INC r32
    (&[0x66, 0xff], Some(1), 0), // DEC r16
    (&[0x48, 0xff], Some(1), 0), // DEC r64
    (&[0xd1], Some(4), 0),       // SHL r32, 1
    (&[0x48, 0xd1], Some(5), 0), // SHR r64, 1
    (&[0xd0], Some(7), 0),       // SAR r8, 1
    (&[0x11], None, 0),          // ADC r32
    (&[0x48, 0x83], Some(2), 1), // ADC r64, imm8
    (&[0x18], None, 0),          // SBB r8
    (&[0x48, 0x19], None, 0),    // SBB r64
];

/// May overwrite an operand or the result, and sets no flags; or (INC, DEC) keeps the carry alone.
const BETWEEN: &[Row] = &[
    (&[0x88], None, 0),          // MOV r8
    (&[0x8b], None, 0),          // MOV r32
    (&[0x48, 0x8b], None, 0),    // MOV r64
    (&[0xc6], Some(0), 1),       // MOV r8, imm8
    (&[0xc7], Some(0), 4),       // MOV r32, imm32
    (&[0x48, 0xf7], Some(2), 0), // NOT r64
    (&[0x0f, 0xb6], None, 0),    // MOVZX r32, r8
    (&[0x48, 0x87], None, 0),    // XCHG r64
    (&[0xff], Some(0), 0),       // INC r32
    (&[0x48, 0xff], Some(1), 0), // DEC r64
];

/// Ask for the condition in the low four bits of the opcode.
const ASKERS: &[Row] = &[
    (&[0x0f, 0x90], Some(0), 0),    // SETcc r8
    (&[0x0f, 0x40], None, 0),       // CMOVcc r32
    (&[0x48, 0x0f, 0x40], None, 0), // CMOVcc r64
];

fn pick<'a>(rng: &mut Rng, rows: &'a [Row]) -> &'a Row {
    &rows[rng.below(rows.len() as u64) as usize]
}

/// Appends an instruction on RAX, RCX, RDX and RBX (or their parts), with a literal near the edges now and then.
fn push(code: &mut Vec<u8>, rng: &mut Rng, &(opcode, extension, literal): &Row) {
    code.extend_from_slice(opcode);
    let reg = extension.unwrap_or(rng.below(4) as u8);
    code.push(0xc0 | reg << 3 | rng.below(4) as u8);
    let value = match rng.below(3) {
        0 => [
            0,
            1,
            0x7f,
            0x80,
            0xff,
            0x7fff,
            0xffff,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_ffff,
        ][rng.below(10) as usize],
        1 => (rng.below(9) as u32).wrapping_sub(4),
        _ => rng.next() as u32,
    };
    code.extend_from_slice(&value.to_le_bytes()[..literal]);
}

/// Appends what asks for a condition: SETcc, CMOVcc, Jcc to the branch target, or ADC.
fn ask(code: &mut Vec<u8>, rng: &mut Rng) {
    let condition = rng.below(16) as u8;
    match rng.below(8) {
        0..4 => {
            code.extend_from_slice(&[0x0f, 0x80 | condition]);
            let next = ENTRY + code.len() as u64 + 4;
            code.extend_from_slice(&((TAKEN - next) as u32).to_le_bytes());
        }
        4..7 => {
            let &(opcode, extension, literal) = pick(rng, ASKERS);
            let mut opcode = opcode.to_vec();
            if let Some(last) = opcode.last_mut() {
                *last |= condition;
            }
            let at = code.len();
            push(code, rng, &(&[], extension, literal));
            code.splice(at..at, opcode);
        }
        _ => push(code, rng, &(&[0x48, 0x11], None, 0)),
    }
}

/// Compares `count` sequences of a setter, so many instructions between, and an asker.
fn compare(seed: u64, between: u64, count: usize) {
    let mut bench = Bench::new(seed);
    bench.lift_together(between + 2);
    // AF is undefined after logic and shifts; no condition asks for it.
    let terms = Terms {
        undefined_flags: 1 << 4,
        ..EXACT
    };
    for _ in 0..count {
        let (mut code, rng) = (Vec::new(), &mut bench.rng);
        let setter = pick(rng, SETTERS);
        push(&mut code, rng, setter);
        for _ in 0..between {
            let row = pick(rng, BETWEEN);
            push(&mut code, rng, row);
        }
        ask(&mut code, rng);
        for _ in 0..4 {
            let before = Registers::random(&mut bench.rng);
            match bench.run(&code, &before, terms) {
                Verdict::Same(_) => {}
                Verdict::Different(how) => panic!("unlike silicon: {how}"),
                Verdict::Settled(fate) => panic!("{fate:?} {code:02x?}"),
            }
        }
    }
}

#[test]
fn a_condition_right_behind_what_set_it_is_what_silicon_says() {
    compare(1, 0, 20_000);
}

#[test]
fn a_condition_survives_what_comes_between() {
    compare(2, 1, 20_000);
    compare(3, 3, 20_000);
}
