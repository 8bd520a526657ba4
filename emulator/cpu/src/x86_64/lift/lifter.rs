//! What the families lift with: the instruction, the block being built, and the instruction's operands.
//!
//! A value in a register is *whole* when it is zero-extended from its width, and *low* when only the width's low bits
//! mean something. Reading low is cheaper and is enough for most arithmetic, for flags and for stores.

use super::{Lift, Refusal};
use crate::x86_64::mode::Mode;
use base::Width;
use iced_x86::{Instruction, OpKind, Register};
use ir::{Builder, Opcode, Reg};

/// Which bits of a general register an operand names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All 64.
    Quad,
    /// The low 32; writing clears the rest.
    Dword,
    /// The low 16; writing keeps the rest.
    Word,
    /// The low 8; writing keeps the rest.
    Low,
    /// Bits 8 to 15 (AH, CH, DH, BH).
    High,
}

/// The instruction in hand and the block it goes into.
pub struct Lifter {
    /// The block.
    pub b: Builder,
    /// The instruction.
    pub insn: Instruction,
    /// Whether it has more bytes than an instruction may have.
    pub too_long: bool,
    /// What may be assumed.
    pub mode: Mode,
}

/// The general register behind an operand, and which bits of it.
pub fn gpr(register: Register) -> Option<(Reg, Part)> {
    if !register.is_gpr() {
        return None;
    }
    let part = match register {
        Register::AH | Register::CH | Register::DH | Register::BH => Part::High,
        r if r.is_gpr8() => Part::Low,
        r if r.is_gpr16() => Part::Word,
        r if r.is_gpr32() => Part::Dword,
        _ => Part::Quad,
    };
    Some((register.full_register().number() as Reg, part))
}

impl Lifter {
    /// A lifter of blocks that begin at `pc`.
    pub fn new(pc: u64, mode: Mode) -> Self {
        Self {
            b: Builder::new(pc),
            insn: Instruction::default(),
            too_long: false,
            mode,
        }
    }

    /// Whether operand `n` is memory.
    pub fn is_memory(&self, n: u32) -> bool {
        self.insn.op_count() > n && self.insn.op_kind(n) == OpKind::Memory
    }

    /// The general register that is operand `n`.
    pub fn register(&self, n: u32) -> Result<(Reg, Part), Refusal> {
        if self.insn.op_count() > n && self.insn.op_kind(n) == OpKind::Register {
            gpr(self.insn.op_register(n)).ok_or(Refusal::Gap)
        } else {
            Err(Refusal::Gap)
        }
    }

    /// The width of operand `n`.
    pub fn width(&self, n: u32) -> Result<Width, Refusal> {
        let bytes = match self.insn.op_kind(n) {
            OpKind::Register => self.insn.op_register(n).size(),
            OpKind::Memory => self.insn.memory_size().size(),
            OpKind::Immediate8 => 1,
            OpKind::Immediate16 | OpKind::Immediate8to16 => 2,
            OpKind::Immediate32 | OpKind::Immediate8to32 => 4,
            _ => 8,
        };
        Width::from_bytes(bytes as u64).ok_or(Refusal::Gap)
    }

    /// Operand `n` if it is an immediate, sign-extended from 32 bits where it has so many or more.
    pub fn immediate(&self, n: u32) -> Option<u64> {
        match self.insn.op_kind(n) {
            OpKind::Immediate32 => Some(self.insn.immediate32() as i32 as u64),
            OpKind::Immediate8
            | OpKind::Immediate8_2nd
            | OpKind::Immediate16
            | OpKind::Immediate64
            | OpKind::Immediate8to16
            | OpKind::Immediate8to32
            | OpKind::Immediate8to64
            | OpKind::Immediate32to64 => Some(self.insn.immediate(n)),
            _ => None,
        }
    }

    /// A register with operand `n` in its low bits; above them anything may stand. Memory is read.
    pub fn read_low(&mut self, n: u32) -> Result<Reg, Refusal> {
        if let Some(value) = self.immediate(n) {
            return Ok(self.b.imm(value));
        }
        match self.insn.op_kind(n) {
            OpKind::Register => {
                let (reg, part) = self.register(n)?;
                Ok(self.low_part(reg, part))
            }
            OpKind::Memory => {
                let (width, address, t) = (self.width(n)?, self.ea(), self.b.temp());
                self.load(t, address, width);
                Ok(t)
            }
            _ => Err(Refusal::Gap),
        }
    }

    /// A register with operand `n`, zero-extended.
    pub fn read_operand(&mut self, n: u32) -> Result<Reg, Refusal> {
        let low = self.read_low(n)?;
        if self.insn.op_kind(n) == OpKind::Memory {
            return Ok(low);
        }
        let width = self.width(n)?;
        if self.insn.op_kind(n) == OpKind::Register && self.register(n)?.1 == Part::High {
            return Ok(low);
        }
        Ok(self.zext(low, width))
    }

    /// A part of a register moved to the low bits.
    pub fn low_part(&mut self, reg: Reg, part: Part) -> Reg {
        if part != Part::High {
            return reg;
        }
        let t = self.b.temp();
        self.b.unary(Opcode::Extract8h, t, reg);
        t
    }

    /// The low `width` bits of `reg`, zero-extended.
    pub fn zext(&mut self, reg: Reg, width: Width) -> Reg {
        let code = match width {
            Width::B1 => Opcode::Zext8,
            Width::B2 => Opcode::Zext16,
            Width::B4 => Opcode::Zext32,
            Width::B8 => return reg,
        };
        self.unary_temp(code, reg)
    }

    /// The low `width` bits of `reg`, sign-extended.
    pub fn sext(&mut self, reg: Reg, width: Width) -> Reg {
        let code = match width {
            Width::B1 => Opcode::Sext8,
            Width::B2 => Opcode::Sext16,
            Width::B4 => Opcode::Sext32,
            Width::B8 => return reg,
        };
        self.unary_temp(code, reg)
    }

    fn unary_temp(&mut self, code: Opcode, a: Reg) -> Reg {
        let t = self.b.temp();
        self.b.unary(code, t, a);
        t
    }

    /// A fresh temporary with code(a, b).
    pub fn alu_temp(&mut self, code: Opcode, a: Reg, b: Reg) -> Reg {
        let t = self.b.temp();
        self.b.alu(code, t, a, b);
        t
    }

    /// A fresh temporary with code(a, imm).
    pub fn imm_temp(&mut self, code: Opcode, a: Reg, imm: i32) -> Reg {
        let t = self.b.temp();
        self.b.alu_imm(code, t, a, imm);
        t
    }

    /// A fresh temporary with a's value.
    pub fn copy(&mut self, a: Reg) -> Reg {
        self.unary_temp(Opcode::Mov, a)
    }

    /// Writes the low bits of `value` to a part of a register, by the rule for its width (SDM vol. 1, 3.4.1.1).
    pub fn write_part(&mut self, reg: Reg, part: Part, value: Reg) {
        match part {
            Part::Quad => self.b.mov(reg, value),
            Part::Dword => self.b.unary(Opcode::Zext32, reg, value),
            Part::Word => self.b.unary(Opcode::Insert16, reg, value),
            Part::Low => self.b.unary(Opcode::Insert8l, reg, value),
            Part::High => self.b.unary(Opcode::Insert8h, reg, value),
        }
    }

    /// Writes the low bits of `value` to operand `n`, a register or memory.
    pub fn write_operand(&mut self, n: u32, value: Reg) -> Lift {
        if self.is_memory(n) {
            let (width, address) = (self.width(n)?, self.ea());
            self.store(address, width, value);
        } else {
            let (reg, part) = self.register(n)?;
            self.write_part(reg, part, value);
        }
        Ok(())
    }

    /// Where an operation that produces a whole result of `width` for `part` of `reg` may put it at once: the register
    /// itself, or a temporary that [`Lifter::finish_part`] inserts.
    pub fn target(&mut self, reg: Reg, part: Part) -> Reg {
        match part {
            Part::Quad | Part::Dword => reg,
            _ => self.b.temp(),
        }
    }

    /// Completes a write to `target`.
    pub fn finish_part(&mut self, reg: Reg, part: Part, value: Reg) {
        if !matches!(part, Part::Quad | Part::Dword) {
            self.write_part(reg, part, value);
        }
    }
}
