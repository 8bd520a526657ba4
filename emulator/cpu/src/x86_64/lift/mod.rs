//! Lifting: x86 instructions to micro-ops, a block at a time.
//!
//! [`lift_block`] decodes and hands each instruction to the file of its family; [`Lifter`] is what the families work
//! with. What a family cannot lift it refuses, and the refusal becomes the exception that real silicon would raise, or
//! the emulator's report of a gap: never a guess.
//!
//! The rule of restartability: every write of a register or flag comes after the instruction's last op that can fault.

mod address;
mod alu;
mod atomic;
mod bits;
mod control;
mod lifter;
mod mov;
mod muldiv;
mod shift;
mod sse;
mod stack;
mod string;
mod system;
mod x87;

pub use address::Address;
pub use lifter::{Lifter, Part};

use super::mode::Mode;
use super::system::id;
use super::trap::vector;
use crate::hart::Lifted;
use crate::probes::Probes;
use base::event::COMPILED_IN;
use iced_x86::{CpuidFeature, Decoder, DecoderError, DecoderOptions, Instruction, Mnemonic};
use ir::reg::ZERO;

/// The longest an instruction may be, in bytes (SDM vol. 2, 2.3.11).
const LONGEST: usize = 15;

/// Why an instruction is not lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not exist here: #UD.
    Undefined,
    /// It may not be used here: #GP(0).
    Protection,
    /// It uses a unit that is switched off: #NM.
    NoDevice,
    /// It exists, and the emulator does not do it.
    Gap,
}

/// How a family's lifting ends.
pub type Lift = Result<(), Refusal>;

/// Lifts at most `limit` instructions at `pc` from `code`, the bytes from there to the end of the page. The block ends
/// early at control flow and in front of an instruction that the bytes do not hold whole.
pub fn lift_block(code: &[u8], pc: u64, mode: Mode, limit: usize, probes: &Probes) -> Lifted {
    let options = DecoderOptions::NONE;
    let mut decoder = Decoder::with_ip(mode.bits(), code, pc, options);
    let mut insn = Instruction::default();
    let mut l = Lifter::new(pc, mode);
    let mut next = pc;
    // The first instruction from `at` on that somebody watches; most blocks have none.
    let watched_from = |at| match () {
        () if COMPILED_IN && mode.instructions() => at,
        () if mode.probes() => probes.next(at),
        () => u64::MAX,
    };
    let mut watched = watched_from(pc);
    while l.b.insns() < limit && !l.b.ended() && decoder.can_decode() {
        decoder.decode_out(&mut insn);
        if decoder.last_error() == DecoderError::NoMoreBytes {
            break;
        }
        l.too_long = insn.is_invalid() && insn.len() >= LONGEST && too_long(code, pc, next, mode);
        let mut injects = false;
        if next >= watched {
            one(&mut l, insn, next, Some(probes));
            watched = watched_from(insn.next_ip());
            injects = probes.inject_at(next);
        } else {
            one(&mut l, insn, next, None);
        }
        next = insn.next_ip();
        if injects {
            break;
        }
    }
    if l.b.insns() == 0 {
        return Lifted::Straddles;
    }
    Lifted::Block(l.b.finish(next))
}

/// Whether the instruction at `at`, which is invalid and has all the bytes that an instruction may have, would have more:
/// the alternative is a LOCK prefix where none belongs.
fn too_long(code: &[u8], pc: u64, at: u64, mode: Mode) -> bool {
    let options = DecoderOptions::NO_INVALID_CHECK;
    let bytes = code.get(at.wrapping_sub(pc) as usize..).unwrap_or_default();
    Decoder::with_ip(mode.bits(), bytes, at, options)
        .decode()
        .is_invalid()
}

/// Lifts one instruction, or what its refusal means.
fn one(l: &mut Lifter, insn: Instruction, pc: u64, probes: Option<&Probes>) {
    l.insn = insn;
    begin(l, pc, probes);
    if let Err(refusal) = family(l) {
        l.b.abandon();
        begin(l, pc, probes);
        let (call, payload) = match refusal {
            Refusal::Undefined => (id::RAISE, u16::from(vector::UD)),
            Refusal::Protection => (id::RAISE, u16::from(vector::GP) | 0x100),
            Refusal::NoDevice => (id::RAISE, u16::from(vector::NM)),
            Refusal::Gap => (id::GAP, 0),
        };
        l.b.call_end(call, payload, ZERO, ZERO, ZERO);
    }
}

#[inline]
fn begin(l: &mut Lifter, pc: u64, probes: Option<&Probes>) {
    l.b.begin(pc);
    if let Some(probes) = probes {
        report(l, pc, probes);
    }
}

/// Puts in front of the instruction at `pc` what an observer wants to know there.
#[cold]
fn report(l: &mut Lifter, pc: u64, probes: &Probes) {
    if COMPILED_IN && l.mode.instructions() {
        l.b.report(None);
    }
    for probe in probes.at(pc) {
        l.b.report(Some(probe as u32));
    }
}

/// The families, by mnemonic.
fn family(l: &mut Lifter) -> Lift {
    use Mnemonic as M;
    match l.insn.mnemonic() {
        M::INVALID if l.too_long => Err(Refusal::Protection),
        M::INVALID | M::Ud0 | M::Ud1 | M::Ud2 => Err(Refusal::Undefined),
        M::Mov
        | M::Movzx
        | M::Movsx
        | M::Movsxd
        | M::Lea
        | M::Xchg
        | M::Bswap
        | M::Movnti
        | M::Xlatb => mov::lift(l),
        M::Cbw | M::Cwde | M::Cdqe | M::Cwd | M::Cdq | M::Cqo => mov::extend_accumulator(l),
        M::Cmovo
        | M::Cmovno
        | M::Cmovb
        | M::Cmovae
        | M::Cmove
        | M::Cmovne
        | M::Cmovbe
        | M::Cmova => mov::cmov(l),
        M::Cmovs
        | M::Cmovns
        | M::Cmovp
        | M::Cmovnp
        | M::Cmovl
        | M::Cmovge
        | M::Cmovle
        | M::Cmovg => mov::cmov(l),
        M::Seto | M::Setno | M::Setb | M::Setae | M::Sete | M::Setne | M::Setbe | M::Seta => {
            mov::setcc(l)
        }
        M::Sets | M::Setns | M::Setp | M::Setnp | M::Setl | M::Setge | M::Setle | M::Setg => {
            mov::setcc(l)
        }
        M::Add | M::Adc | M::Sub | M::Sbb | M::Cmp | M::And | M::Or | M::Xor | M::Test => {
            alu::binary(l)
        }
        M::Not | M::Neg | M::Inc | M::Dec => alu::unary(l),
        M::Lahf | M::Sahf | M::Clc | M::Stc | M::Cmc | M::Cld | M::Std => alu::flags(l),
        M::Shl | M::Sal | M::Shr | M::Sar => shift::shift(l),
        M::Rol | M::Ror => shift::rotate(l),
        M::Rcl | M::Rcr => shift::rotate_through_carry(l),
        M::Shld | M::Shrd => shift::double(l),
        M::Mul | M::Imul | M::Div | M::Idiv => muldiv::lift(l),
        M::Bt | M::Bts | M::Btr | M::Btc => bits::test(l),
        // Without BMI1 and LZCNT the prefix F3 means nothing here.
        M::Bsf | M::Tzcnt | M::Bsr | M::Lzcnt => bits::scan(l),
        M::Popcnt => bits::popcnt(l),
        M::Xadd | M::Cmpxchg | M::Cmpxchg8b | M::Cmpxchg16b => atomic::lift(l),
        M::Jo | M::Jno | M::Jb | M::Jae | M::Je | M::Jne | M::Jbe | M::Ja => control::jcc(l),
        M::Js | M::Jns | M::Jp | M::Jnp | M::Jl | M::Jge | M::Jle | M::Jg => control::jcc(l),
        M::Jcxz | M::Jecxz | M::Jrcxz | M::Loop | M::Loope | M::Loopne => control::count(l),
        M::Jmp | M::Call | M::Ret => control::lift(l),
        M::Push | M::Pop | M::Pusha | M::Pushad | M::Popa | M::Popad | M::Enter | M::Leave => {
            stack::lift(l)
        }
        M::Movsb | M::Movsw | M::Movsq | M::Stosb | M::Stosw | M::Stosd | M::Stosq => {
            string::lift(l)
        }
        M::Lodsb | M::Lodsw | M::Lodsd | M::Lodsq | M::Scasb | M::Scasw | M::Scasd | M::Scasq => {
            string::lift(l)
        }
        M::Cmpsb | M::Cmpsw | M::Cmpsq => string::lift(l),
        M::Movsd | M::Cmpsd if l.insn.is_string_instruction() => string::lift(l),
        M::Nop | M::Endbr32 | M::Endbr64 | M::Lfence | M::Mfence | M::Sfence => Ok(()),
        M::Prefetchnta | M::Prefetcht0 | M::Prefetcht1 | M::Prefetcht2 => Ok(()),
        M::Prefetch | M::Prefetchw | M::Prefetchwt1 => Ok(()),
        // Encodings reserved as hints (SDM vol. 2, table A-3, group 16): shadow stacks and their like build on them.
        M::Rdsspd | M::Rdsspq | M::Cldemote | M::Reservednop => Ok(()),
        _ => others(l),
    }
}

/// What `CPUID` does not report does not exist; of the rest, vectors are SSE's, floating point is x87's and everything else
/// the system's.
fn others(l: &mut Lifter) -> Lift {
    use CpuidFeature as F;
    let (mut vectors, mut x87) = (false, l.insn.mnemonic() == Mnemonic::Wait);
    for feature in l.insn.cpuid_features() {
        match feature {
            F::SSE | F::SSE2 | F::FXSR => vectors = true,
            F::INTEL8086 | F::INTEL186 | F::INTEL286 | F::INTEL386 | F::INTEL486 | F::X64 => {}
            F::FPU | F::FPU287 | F::FPU387 => x87 = true,
            F::CPUID | F::CMOV | F::CX8 | F::MSR | F::TSC | F::RDTSCP | F::RDPMC => {}
            F::CLFSH
            | F::INVPCID
            | F::FSGSBASE
            | F::PAUSE
            | F::SMAP
            | F::SYSCALL
            | F::CMPXCHG16B
            | F::SEP => {}
            _ => return Err(Refusal::Undefined),
        }
    }
    match (vectors, x87) {
        (true, _) => sse::lift(l),
        (false, true) => x87::lift(l),
        (false, false) => system::lift(l),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ir::Block;

    const LONG: Mode = Mode::new(64, true, true, true, false, true);
    const PC: u64 = 0x1000;

    fn lift(mode: Mode, code: &[u8]) -> Block {
        match lift_block(code, PC, mode, 64, &Probes::default()) {
            Lifted::Block(block) => block,
            Lifted::Straddles => panic!("straddles"),
        }
    }

    /// The block as text, without indentation, its successors left out.
    fn text(mode: Mode, code: &[u8]) -> String {
        let text = lift(mode, code).to_string();
        let lines = text
            .lines()
            .filter(|line| line.starts_with("    ") && !line.contains("next"));
        let tidy = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.map(tidy).collect::<Vec<_>>().join("\n")
    }

    fn check(mode: Mode, code: &[u8], wanted: &[&str]) {
        let got = text(mode, code);
        let got = got.strip_suffix("\nNext").unwrap_or(&got);
        assert_eq!(got, wanted.join("\n"), "{code:02x?}");
    }

    #[test]
    fn a_compare_with_a_literal_and_its_branch_are_two_ops() {
        // cmp eax, 7; jbe
        check(
            LONG,
            &[0x83, 0xf8, 7, 0x76, 0x10],
            &["SetFlagsI Sub32, r0, 0x7", "BrLtuI32 r0, zero, 0x8"],
        );
    }

    #[test]
    fn a_countdown_branches_on_the_counter_itself() {
        // add rsi, 1; dec ecx; jne: CF of ADD survives DEC
        let wanted = [
            "AddI r6, r6, 0x1",
            "SltuI t79, r6, 0x1",
            "SetFlagsCarry Dec32, r1, zero, t79",
            "AddI32 r1, r1, 0xffffffff",
            "BrNe32 r1, zero, 0x0",
        ];
        check(
            LONG,
            &[0x48, 0x83, 0xc6, 1, 0xff, 0xc9, 0x75, 0xf0],
            &wanted,
        );
    }

    #[test]
    fn memory_is_read_as_if_written_and_flags_come_last() {
        // add [rax+8], ecx
        let wanted = [
            "LdW32 t0, [r0 + 0x8]",
            "Add32 t1, t0, r1",
            "St32 [r0 + 0x8], t1",
            "SetFlags Add32, t0, r1",
        ];
        check(LONG, &[0x01, 0x48, 0x08], &wanted);
    }

    #[test]
    fn zeroing_a_register_reads_nothing() {
        // xor r8d, r8d
        check(
            LONG,
            &[0x45, 0x31, 0xc0],
            &["MovI r8, 0x0", "SetFlags Logic32, zero, zero"],
        );
    }

    #[test]
    fn flags_that_the_next_instruction_overwrites_are_gone() {
        // shl eax, 3; and eax, edx
        let wanted = [
            "ShlI32 r0, r0, 0x3",
            "And32 r0, r0, r2",
            "SetFlags Logic32, r0, zero",
        ];
        check(LONG, &[0xc1, 0xe0, 3, 0x21, 0xd0], &wanted);
    }

    #[test]
    fn pushes_and_pops_store_before_they_move_the_stack_pointer() {
        // push rsp; pop rax
        let wanted = [
            "St64 [r4 + 0xfffffff8], r4",
            "AddI r4, r4, 0xfffffff8",
            "Ld64 r0, [r4 + 0x0]",
            "AddI r4, r4, 0x8",
        ];
        check(LONG, &[0x54, 0x58], &wanted);
    }

    #[test]
    fn thread_local_memory_adds_the_segment_base() {
        // mov rax, fs:[rcx+0x10]
        check(
            LONG,
            &[0x64, 0x48, 0x8b, 0x41, 0x10],
            &["LdX64 r0, [r52 + r1<<0 + 0x10]"],
        );
    }

    #[test]
    fn addresses_of_32_bits_wrap() {
        // mov eax, [ebx+ecx*4+8], in 64-bit and in 32-bit mode
        let wanted = [
            "Lea32 t0, r3 + r1<<2 + 0x0",
            "AddI32 t1, t0, 0x8",
            "Ld32 r0, [t1 + 0x0]",
        ];
        check(LONG, &[0x67, 0x8b, 0x44, 0x8b, 8], &wanted);
        check(
            Mode::new(32, true, true, true, false, true),
            &[0x8b, 0x44, 0x8b, 8],
            &wanted,
        );
    }

    #[test]
    fn real_mode_adds_segment_bases_and_wraps_offsets() {
        // mov ax, [bx+si-2]; push ax: SS and SP
        let wanted = [
            "Lea32 t0, r3 + r6<<0 + 0x0",
            "AddI32 t1, t0, 0xfffe",
            "Zext16 t1, t1",
            "Lea32 t2, t1 + r51<<0 + 0x0",
            "Ld16 t3, [t2 + 0x0]",
            "Insert16 r0, t3",
            "AddI32 t0, r4, 0xfffffffe",
            "Zext16 t0, t0",
            "Lea32 t1, t0 + r50<<0 + 0x0",
            "St16 [t1 + 0x0], r0",
            "AddI32 t2, r4, 0xfffffffe",
            "Insert16 r4, t2",
        ];
        check(
            Mode::new(16, true, false, true, false, false),
            &[0x8b, 0x40, 0xfe, 0x50],
            &wanted,
        );
    }

    fn raises(code: &[u8], wanted: u16) {
        let block = lift(LONG, code);
        let last = block.ops[block.ops.len() - 1];
        assert_eq!(
            (last.imm as u16, (last.imm as u32 >> 16) as u16),
            (id::RAISE, wanted),
            "{code:02x?}"
        );
    }

    #[test]
    fn what_does_not_exist_raises_what_silicon_would() {
        let (ud, gp) = (u16::from(vector::UD), u16::from(vector::GP) | 0x100);
        raises(&[0x0f, 0x0b], ud); // ud2
        raises(&[0x06, 0], ud); // push es, not in 64-bit mode
        raises(&[0xf0, 0x01, 0xc8], ud); // lock add eax, ecx
        raises(&[0x0f, 0x38, 0xf0, 0x01], ud); // movbe: not reported
        raises(&[0xc5, 0xf8, 0x77], ud); // vzeroupper: not reported
        raises(&[0x66; 20], gp); // longer than any instruction
    }

    #[test]
    fn an_instruction_that_the_page_does_not_hold_is_left_out() {
        let code = [0x90, 0x48, 0xb8, 1, 2, 3]; // nop; the beginning of movabs
        assert_eq!(lift(LONG, &code).next, PC + 1);
        assert!(matches!(
            lift_block(&code[1..], PC, LONG, 64, &Probes::default()),
            Lifted::Straddles
        ));
    }

    #[test]
    fn a_block_holds_no_more_instructions_than_allowed() {
        let Lifted::Block(block) = lift_block(&[0x90; 100], PC, LONG, 3, &Probes::default()) else {
            panic!("straddles");
        };
        assert_eq!((block.insns.len(), block.next), (3, PC + 3));
    }
}
