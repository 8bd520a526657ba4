//! Near control transfer (SDM vol. 1, 7.3.8): jumps, calls, returns, counted loops. Far forms are the system's.

use super::lifter::Part;
use super::mov::condition;
use super::{Address, Lift, Lifter, Refusal};
use crate::x86_64::reg::{RCX, RSP};
use base::Width;
use iced_x86::{Code, Mnemonic, OpKind};
use ir::flags::Cond;
use ir::reg::ZERO;
use ir::{Opcode, Reg};

/// JMP CALL RET.
pub fn lift(l: &mut Lifter) -> Lift {
    let code = l.insn.code();
    if code.is_jmp_far()
        || code.is_jmp_far_indirect()
        || code.is_call_far()
        || code.is_call_far_indirect()
    {
        return super::system::lift(l);
    }
    match l.insn.mnemonic() {
        Mnemonic::Jmp => jmp(l),
        Mnemonic::Call => call(l),
        Mnemonic::Ret => ret(l),
        _ => Err(Refusal::Gap),
    }
}

/// Whether operand 0 is a branch target in the instruction itself.
fn direct(l: &Lifter) -> bool {
    matches!(
        l.insn.op0_kind(),
        OpKind::NearBranch16 | OpKind::NearBranch32 | OpKind::NearBranch64
    )
}

fn jmp(l: &mut Lifter) -> Lift {
    if direct(l) {
        l.b.jump(l.insn.near_branch_target());
    } else {
        let target = l.read_operand(0)?;
        l.b.jump_reg(target);
    }
    Ok(())
}

/// How wide the return address is.
fn return_width(l: &Lifter) -> Result<Width, Refusal> {
    match l.insn.op0_kind() {
        OpKind::NearBranch16 => Ok(Width::B2),
        OpKind::NearBranch32 => Ok(Width::B4),
        OpKind::NearBranch64 => Ok(Width::B8),
        _ => l.width(0),
    }
}

fn call(l: &mut Lifter) -> Lift {
    let width = return_width(l)?;
    let size = width.bytes() as i32;
    let target = if direct(l) {
        None
    } else {
        Some(l.read_operand(0)?)
    };
    // The stack pointer itself may be the target: take it before it moves.
    let target = target.map(|t| if t == RSP { l.copy(t) } else { t });
    let next = l.b.imm(l.insn.next_ip());
    let (base, disp) = l.stack_slot(-size);
    l.store(Address::Based { base, disp }, width, next);
    l.move_sp(-size);
    match target {
        None => l.b.jump(l.insn.near_branch_target()),
        Some(target) => l.b.jump_reg(target),
    }
    Ok(())
}

fn ret(l: &mut Lifter) -> Lift {
    let size = l.insn.stack_pointer_increment() - extra(l);
    let width = Width::from_bytes(size as u64).ok_or(Refusal::Gap)?;
    let (base, disp) = l.stack_slot(0);
    let target = l.b.temp();
    l.load(target, Address::Based { base, disp }, width);
    l.move_sp(size + extra(l));
    l.b.jump_reg(target);
    Ok(())
}

/// The bytes of arguments that RET imm16 drops.
fn extra(l: &Lifter) -> i32 {
    if l.insn.op_count() > 0 {
        i32::from(l.insn.immediate16())
    } else {
        0
    }
}

/// Jcc.
pub fn jcc(l: &mut Lifter) -> Lift {
    let cond = condition(l)?;
    l.b.branch(cond, l.insn.near_branch_target());
    Ok(())
}

/// JCXZ JECXZ JRCXZ LOOP LOOPE LOOPNE: the address size says which counter.
pub fn count(l: &mut Lifter) -> Lift {
    let code = l.insn.code();
    let (width, part) = counter(code)?;
    let target = l.insn.near_branch_target();
    if code.is_jcx_short() {
        let count = l.zext(RCX, width);
        l.b.branch_if(Opcode::BrEqI, count, ZERO, 0, target);
        return Ok(());
    }
    let zero = match l.insn.mnemonic() {
        Mnemonic::Loope => Some(Cond::E),
        Mnemonic::Loopne => Some(Cond::Ne),
        _ => None,
    };
    let holds: Option<Reg> = zero.map(|cond| {
        let t = l.b.temp();
        l.b.test(t, cond);
        t
    });
    let left = l.imm_temp(Opcode::AddI, RCX, -1);
    l.write_part(RCX, part, left);
    let mut more = l.zext(RCX, width);
    if let Some(holds) = holds {
        // Both must hold: a false condition clears the count that decides.
        let both = l.copy(more);
        l.b.alu(Opcode::MovZ, both, holds, ZERO);
        more = both;
    }
    l.b.branch_if(Opcode::BrNeI, more, ZERO, 0, target);
    Ok(())
}

/// The counter of a counted jump: CX, ECX or RCX by address size, which the code tells.
fn counter(code: Code) -> Result<(Width, Part), Refusal> {
    use Code as C;
    match code {
        C::Loop_rel8_16_CX | C::Loop_rel8_32_CX | C::Loope_rel8_16_CX | C::Loope_rel8_32_CX => {
            Ok((Width::B2, Part::Word))
        }
        C::Loopne_rel8_16_CX | C::Loopne_rel8_32_CX | C::Jcxz_rel8_16 | C::Jcxz_rel8_32 => {
            Ok((Width::B2, Part::Word))
        }
        C::Loop_rel8_16_RCX | C::Loop_rel8_64_RCX | C::Loope_rel8_16_RCX | C::Loope_rel8_64_RCX => {
            Ok((Width::B8, Part::Quad))
        }
        C::Loopne_rel8_16_RCX | C::Loopne_rel8_64_RCX | C::Jrcxz_rel8_16 | C::Jrcxz_rel8_64 => {
            Ok((Width::B8, Part::Quad))
        }
        _ if code.is_loop() || code.is_loopcc() || code.is_jcx_short() => {
            Ok((Width::B4, Part::Dword))
        }
        _ => Err(Refusal::Gap),
    }
}
