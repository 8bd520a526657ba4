//! Blocks as text, for people and golden files.

use crate::block::Block;
use crate::flags::{Cond, FlagKind};
use crate::op::{Form, Op, Opcode};
use crate::reg::{self, Reg};
use std::fmt;

fn name(r: Reg) -> String {
    match r {
        reg::TEMP..reg::TEMP_END => format!("t{}", r - reg::TEMP),
        reg::FLAG_KIND => "fk".into(),
        reg::FLAG_A => "fa".into(),
        reg::FLAG_B => "fb".into(),
        reg::SINK => "_".into(),
        reg::ZERO => "zero".into(),
        _ => format!("r{r}"),
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (d, a, b, imm) = (name(self.d), name(self.a), name(self.b), self.imm);
        write!(f, "{:<12}", self.code.name())?;
        let flag_kind = |number: u64| {
            let (kind, width) = FlagKind::decode(number);
            format!("{kind:?}{}", width.bits())
        };
        match self.code.form() {
            Form::None | Form::Jump => Ok(()),
            Form::DI => write!(f, " {d}, {imm:#x}"),
            Form::DA | Form::UpdateA => write!(f, " {d}, {a}"),
            Form::DAI => write!(f, " {d}, {a}, {imm:#x}"),
            Form::DAB if matches!(self.code, Opcode::Lea | Opcode::Lea32) => {
                write!(f, " {d}, {a} + {b}<<{} + {:#x}", imm & 3, imm >> 2)
            }
            Form::DAB | Form::UpdateAB | Form::Vector => write!(f, " {d}, {a}, {b}"),
            Form::Flags if self.code == Opcode::SetFlagsI => {
                write!(f, " {}, {a}, {imm:#x}", flag_kind(u64::from(self.d)))
            }
            Form::Flags if self.code == Opcode::SetFlagsCarry => {
                write!(f, " {}, {a}, {b}, {d}", flag_kind(imm as u64))
            }
            Form::Flags => write!(f, " {}, {a}, {b}", flag_kind(imm as u64)),
            Form::FromFlags if self.code == Opcode::TestCond => {
                write!(f, " {d}, {:?}", Cond::decode(imm as u8))
            }
            Form::FromFlags => write!(f, " {d}"),
            Form::Load => write!(f, " {d}, [{a} + {imm:#x}]"),
            Form::LoadX => write!(f, " {d}, [{a} + {b}<<{} + {:#x}]", imm & 3, imm >> 2),
            Form::Store => write!(f, " [{a} + {imm:#x}], {b}"),
            Form::StoreX => write!(f, " [{a} + {b}<<{} + {:#x}], {d}", imm & 3, imm >> 2),
            Form::Check => write!(f, " [{a} + {imm:#x}], {}", self.b),
            Form::Branch if self.code == Opcode::BrCond => {
                write!(f, " {:?}", Cond::decode(imm as u8))
            }
            Form::Branch => write!(f, " {a}, {b}, {imm:#x}"),
            Form::Report => match imm {
                0 => write!(f, " instruction"),
                n => write!(f, " probe {}", n - 1),
            },
            Form::JumpReg => write!(f, " {a}"),
            Form::Float | Form::Call | Form::CallEnd => {
                write!(f, " #{} {:#x}, {d}, {a}, {b}", imm & 0xffff, imm >> 16)
            }
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, insn) in self.insns.iter().enumerate() {
            writeln!(f, "{:#x}:", self.pc_of(index))?;
            for op in &self.ops[usize::from(insn.op)..self.end_of(index)] {
                writeln!(f, "    {op}")?;
            }
        }
        if !self.pool.is_empty() {
            writeln!(f, "    pool {:x?}", self.pool)?;
        }
        writeln!(f, "    next {:#x}, taken {:#x}", self.next, self.taken)
    }
}
