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
use super::probes::Probes;
use super::system::id;
use super::trap::vector;
use iced_x86::{CpuidFeature, Decoder, DecoderError, DecoderOptions, Instruction, Mnemonic};
use ir::Block;
use ir::reg::ZERO;

/// The longest an instruction may be, in bytes (SDM vol. 2, 2.3.11).
const LONGEST: usize = 15;

/// What came of lifting.
pub enum Lifted {
    /// A block of at least one instruction.
    Block(Block),
    /// The first instruction does not lie wholly in the bytes given.
    Straddles,
}

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
    while l.b.insns() < limit && !l.b.ended() && decoder.can_decode() {
        decoder.decode_out(&mut insn);
        if decoder.last_error() == DecoderError::NoMoreBytes {
            break;
        }
        one(&mut l, insn, next, probes);
        next = insn.next_ip();
    }
    if l.b.insns() == 0 {
        return Lifted::Straddles;
    }
    Lifted::Block(l.b.finish(next))
}

/// Lifts one instruction, or what its refusal means.
fn one(l: &mut Lifter, insn: Instruction, pc: u64, probes: &Probes) {
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

fn begin(l: &mut Lifter, pc: u64, probes: &Probes) {
    l.b.begin(pc);
    if l.mode.probes()
        && let Some(site) = probes.at(pc)
    {
        let site = l.b.imm(u64::from(site));
        l.b.call(id::PROBE, 0, ZERO, site, ZERO);
    }
}

/// The families, by mnemonic.
fn family(l: &mut Lifter) -> Lift {
    use Mnemonic as M;
    match l.insn.mnemonic() {
        M::INVALID if l.insn.len() >= LONGEST => Err(Refusal::Protection),
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
            F::CPUID | F::CX8 | F::MSR | F::TSC | F::RDTSCP | F::RDPMC => {}
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
