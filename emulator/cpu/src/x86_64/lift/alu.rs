//! Addition, subtraction, logic, and the instructions that change single flags (SDM vol. 1, 7.3.2, 7.3.5, 7.3.14).

use super::lifter::Part;
use super::{Lift, Lifter, Refusal};
use crate::x86_64::reg::{RAX, RFLAGS, rflags};
use base::Width;
use iced_x86::Mnemonic;
use ir::flags::{self, FlagKind};
use ir::reg::ZERO;
use ir::{Opcode, Reg};

/// An operation with its operands in registers; `imm` is `b`'s value where that is a literal.
#[derive(Clone, Copy)]
struct Operation {
    mnemonic: Mnemonic,
    width: Width,
    a: Reg,
    b: Reg,
    imm: Option<i32>,
    carry: Option<Reg>,
}

impl Operation {
    const fn logic(&self) -> bool {
        matches!(
            self.mnemonic,
            Mnemonic::And | Mnemonic::Or | Mnemonic::Xor | Mnemonic::Test
        )
    }

    /// d = the result. Only `a`, `b` and the carry are read, and none of them after `d` is written.
    fn compute(&self, l: &mut Lifter, d: Reg) {
        use Mnemonic as M;
        use Opcode as O;
        let wide = self.width == Width::B8;
        let add = matches!(self.mnemonic, M::Add | M::Adc);
        let (plain, with_imm, imm) = match (self.mnemonic, wide) {
            (M::Add | M::Adc, true) => (O::Add, O::AddI, self.imm),
            (M::Add | M::Adc, false) => (O::Add32, O::AddI32, self.imm),
            (M::And | M::Test, true) => (O::And, O::AndI, self.imm),
            (M::And | M::Test, false) => (O::And32, O::AndI32, self.imm),
            (M::Or, true) => (O::Or, O::OrI, self.imm),
            (M::Or, false) => (O::Or32, O::OrI32, self.imm),
            (M::Xor, true) => (O::Xor, O::XorI, self.imm),
            (M::Xor, false) => (O::Xor32, O::XorI32, self.imm),
            (_, true) => (O::Sub, O::AddI, self.imm.and_then(i32::checked_neg)),
            (_, false) => (O::Sub32, O::AddI32, self.imm.map(i32::wrapping_neg)),
        };
        match imm {
            Some(imm) => l.b.alu_imm(with_imm, d, self.a, imm),
            None => l.b.alu(plain, d, self.a, self.b),
        }
        if let Some(carry) = self.carry {
            let code = match (add, wide) {
                (true, true) => O::Add,
                (true, false) => O::Add32,
                (false, true) => O::Sub,
                (false, false) => O::Sub32,
            };
            l.b.alu(code, d, d, carry);
        }
    }

    /// Sets the flags; `result` counts for logic only.
    fn set_flags(&self, l: &mut Lifter, result: Reg) {
        let kind = match self.mnemonic {
            Mnemonic::Add | Mnemonic::Adc => FlagKind::Add,
            _ => FlagKind::Sub,
        };
        if self.logic() {
            l.b.set_flags(FlagKind::Logic, self.width, result, ZERO);
        } else if let Some(carry) = self.carry {
            l.b.set_flags_carry(kind, self.width, self.a, self.b, carry);
        } else {
            l.b.set_flags(kind, self.width, self.a, self.b);
        }
    }
}

/// ADD ADC SUB SBB CMP AND OR XOR TEST.
pub fn binary(l: &mut Lifter) -> Lift {
    let mnemonic = l.insn.mnemonic();
    let width = l.width(0)?;
    let imm = l.immediate(1).map(|imm| imm as i32);
    let carry = matches!(mnemonic, Mnemonic::Adc | Mnemonic::Sbb).then(|| l.b.carry());
    let stores = !matches!(mnemonic, Mnemonic::Cmp | Mnemonic::Test);
    let same = !l.is_memory(0)
        && !l.is_memory(1)
        && imm.is_none()
        && l.insn.op_register(0) == l.insn.op_register(1);
    if l.is_memory(0) && stores {
        let (base, disp) = {
            let address = l.ea();
            l.based(address)
        };
        let b = l.read_low(1)?;
        let a = l.b.temp();
        l.load_for_write(a, base, disp, width);
        let operation = Operation {
            mnemonic,
            width,
            a,
            b,
            imm,
            carry,
        };
        let result = l.b.temp();
        operation.compute(l, result);
        l.store(super::Address::Based { base, disp }, width, result);
        operation.set_flags(l, result);
        return Ok(());
    }
    if !stores {
        // One order of reads whichever operand is memory: nothing is written before either.
        let a = l.read_low(0)?;
        let b = if same { a } else { l.read_low(1)? };
        let operation = Operation {
            mnemonic,
            width,
            a,
            b,
            imm,
            carry,
        };
        let mut result = a;
        if mnemonic == Mnemonic::Test && !same {
            result = l.b.temp();
            operation.compute(l, result);
        }
        operation.set_flags(l, result);
        return Ok(());
    }
    let (reg, part) = l.register(0)?;
    if same
        && matches!(mnemonic, Mnemonic::Xor | Mnemonic::Sub)
        && matches!(part, Part::Quad | Part::Dword)
    {
        l.b.constant(reg, 0);
        l.b.set_flags(FlagKind::Logic, width, ZERO, ZERO);
        return Ok(());
    }
    let b = l.read_low(1)?;
    let a = l.low_part(reg, part);
    let operation = Operation {
        mnemonic,
        width,
        a,
        b,
        imm,
        carry,
    };
    let target = l.target(reg, part);
    if !operation.logic() {
        operation.set_flags(l, target);
    }
    operation.compute(l, target);
    l.finish_part(reg, part, target);
    if operation.logic() {
        operation.set_flags(l, target);
    }
    if part != Part::High {
        l.b.result(reg);
    }
    Ok(())
}

/// NOT NEG INC DEC.
pub fn unary(l: &mut Lifter) -> Lift {
    let width = l.width(0)?;
    let mnemonic = l.insn.mnemonic();
    // INC and DEC leave CF as it is: it travels in the kind of the flags they set.
    if matches!(mnemonic, Mnemonic::Inc | Mnemonic::Dec) {
        l.b.carry();
    }
    let set_flags = |l: &mut Lifter, a: Reg| match mnemonic {
        Mnemonic::Inc => l.b.set_flags_keeping_carry(FlagKind::Inc, width, a),
        Mnemonic::Dec => l.b.set_flags_keeping_carry(FlagKind::Dec, width, a),
        Mnemonic::Neg => l.b.set_flags(FlagKind::Sub, width, ZERO, a),
        _ => {}
    };
    if l.is_memory(0) {
        let (base, disp) = {
            let address = l.ea();
            l.based(address)
        };
        let (a, result) = (l.b.temp(), l.b.temp());
        l.load_for_write(a, base, disp, width);
        compute_unary(l, mnemonic, width, result, a);
        l.store(super::Address::Based { base, disp }, width, result);
        set_flags(l, a);
        return Ok(());
    }
    let (reg, part) = l.register(0)?;
    let a = l.low_part(reg, part);
    let target = l.target(reg, part);
    set_flags(l, a);
    compute_unary(l, mnemonic, width, target, a);
    l.finish_part(reg, part, target);
    if part != Part::High && mnemonic != Mnemonic::Not {
        l.b.result(reg);
    }
    Ok(())
}

fn compute_unary(l: &mut Lifter, mnemonic: Mnemonic, width: Width, d: Reg, a: Reg) {
    use Mnemonic as M;
    use Opcode as O;
    match (mnemonic, width == Width::B8) {
        (M::Inc, true) => l.b.alu_imm(O::AddI, d, a, 1),
        (M::Inc, false) => l.b.alu_imm(O::AddI32, d, a, 1),
        (M::Dec, true) => l.b.alu_imm(O::AddI, d, a, -1),
        (M::Dec, false) => l.b.alu_imm(O::AddI32, d, a, -1),
        (M::Neg, true) => l.b.alu(O::Sub, d, ZERO, a),
        (M::Neg, false) => l.b.alu(O::Sub32, d, ZERO, a),
        (_, true) => l.b.alu_imm(O::XorI, d, a, -1),
        (_, false) => l.b.alu_imm(O::XorI32, d, a, -1),
    }
}

/// LAHF SAHF CLC STC CMC CLD STD.
pub fn flags(l: &mut Lifter) -> Lift {
    /// What SAHF takes from AH.
    const LOW: u64 = flags::SF | flags::ZF | flags::AF | flags::PF | flags::CF;
    let df = rflags::DF as i32;
    match l.insn.mnemonic() {
        Mnemonic::Cld => l.b.alu_imm(Opcode::AndI, RFLAGS, RFLAGS, !df),
        Mnemonic::Std => l.b.alu_imm(Opcode::OrI, RFLAGS, RFLAGS, df),
        Mnemonic::Lahf => {
            let word = l.b.temp();
            l.b.get_flags(word);
            l.b.alu_imm(Opcode::OrI, word, word, rflags::FIXED as i32);
            l.b.unary(Opcode::Insert8h, RAX, word);
        }
        Mnemonic::Sahf => {
            let word = l.b.temp();
            l.b.get_flags(word);
            l.b.alu_imm(Opcode::AndI, word, word, flags::OF as i32);
            let ah = l.low_part(RAX, Part::High);
            l.b.alu_imm(Opcode::AndI, ah, ah, LOW as i32);
            l.b.alu(Opcode::Or, word, word, ah);
            l.b.set_flags(FlagKind::Raw, Width::B8, word, ZERO);
        }
        mnemonic @ (Mnemonic::Clc | Mnemonic::Stc | Mnemonic::Cmc) => {
            let word = l.b.temp();
            l.b.get_flags(word);
            match mnemonic {
                Mnemonic::Clc => l.b.alu_imm(Opcode::AndI, word, word, !(flags::CF as i32)),
                Mnemonic::Stc => l.b.alu_imm(Opcode::OrI, word, word, flags::CF as i32),
                _ => l.b.alu_imm(Opcode::XorI, word, word, flags::CF as i32),
            }
            l.b.set_flags(FlagKind::Raw, Width::B8, word, ZERO);
        }
        _ => return Err(Refusal::Gap),
    }
    Ok(())
}

/// CF becomes the low bit of `bit` (already 0 or 1) and the other flags stay.
pub fn set_carry(l: &mut Lifter, bit: Reg) {
    let word = l.b.temp();
    l.b.get_flags(word);
    l.b.alu_imm(Opcode::AndI, word, word, !(flags::CF as i32));
    l.b.alu(Opcode::Or, word, word, bit);
    l.b.set_flags(FlagKind::Raw, Width::B8, word, ZERO);
}
