//! The builder's knowledge of the flags, and conditions on them.
//!
//! The builder remembers which flags the block last set and from what: a condition on them then becomes a plain compare
//! (and a conditional branch a fused compare-and-branch) instead of a derivation from the lazy triple. Where an operand
//! was overwritten since, its copy in the triple stands in.

use crate::builder::Builder;
use crate::flags::{Cond, FlagKind};
use crate::op::Opcode;
use crate::reg::{FLAG_A, FLAG_B, Reg, TEMP_END, ZERO, is_temp};
use base::Width;

/// The flags that the block set last.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    /// `None` if only the result may be known (flags that take a carry in or keep one).
    kind: Option<FlagKind>,
    width: Width,
    a: Reg,
    b: Reg,
    /// `b`, if it was a constant.
    b_imm: Option<i32>,
    /// The index of the op that set them.
    pub(crate) op: usize,
    /// A register whose low bits hold the result, and the index of the first op after it was written.
    result: Option<(Reg, usize)>,
    /// `CARRY` holds the carry flag.
    keeps_carry: bool,
}

/// The temporary of [`Builder::carry`]. Alone of all it lives longer than an instruction.
pub(crate) const CARRY: Reg = TEMP_END - 1;

/// The right side of a comparison.
#[derive(Clone, Copy)]
enum Side {
    Reg(Reg),
    Imm(i32),
}

/// A condition as a comparison.
struct Comparison {
    relation: Relation,
    negate: bool,
    a: Reg,
    b: Side,
    /// All 64 bits count, else 32.
    wide: bool,
}

/// What a comparison of two registers asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Eq,
    Ltu,
    Lt,
}

impl Builder {
    /// Sets the lazy flags. Belongs after the instruction's last op that can fault, and in front of the op that
    /// overwrites an operand.
    pub fn set_flags(&mut self, kind: FlagKind, width: Width, a: Reg, b: Reg) {
        let b_imm = self.constant_in(b);
        match b_imm {
            // The constant's register then has no reader, and goes.
            Some(imm) if is_temp(b) => {
                self.op(Opcode::SetFlagsI, kind.at(width) as Reg, a, ZERO, imm)
            }
            _ => self.op(Opcode::SetFlags, ZERO, a, b, kind.at(width)),
        }
        self.knows(Some(kind), width, a, b, b_imm);
    }

    fn knows(&mut self, kind: Option<FlagKind>, width: Width, a: Reg, b: Reg, b_imm: Option<i32>) {
        let op = self.block.ops.len() - 1;
        self.known = Some(Known {
            kind,
            width,
            a,
            b,
            b_imm,
            op,
            result: None,
            keeps_carry: false,
        });
    }

    /// The constant that the present instruction put into `reg`.
    fn constant_in(&self, reg: Reg) -> Option<i32> {
        if reg == ZERO {
            return Some(0);
        }
        let first = self
            .block
            .insns
            .last()
            .map_or(0, |insn| usize::from(insn.op));
        let writer = self.block.ops[first..]
            .iter()
            .rev()
            .find(|op| op.writes(reg))?;
        (writer.code == Opcode::MovI).then_some(writer.imm)
    }

    /// Tells that the low bits of `reg` now hold the result of the operation that set the flags last. Conditions that
    /// ask only for zero or the sign then look there.
    pub const fn result(&mut self, reg: Reg) {
        let after = self.block.ops.len();
        if let Some(known) = &mut self.known {
            known.result = Some((reg, after));
        }
    }

    /// Sets the lazy flags of an operation with carry (or of INC and DEC, which keep it); `carry` holds 0 or 1.
    pub fn set_flags_carry(&mut self, kind: FlagKind, width: Width, a: Reg, b: Reg, carry: Reg) {
        self.op(Opcode::SetFlagsCarry, carry, a, b, kind.at(width));
        self.knows(None, width, a, b, None);
    }

    /// A register with the carry flag, 0 or 1, for an instruction that takes it in or keeps it. Until the flags are set
    /// by one that does neither, it is derived only once.
    pub fn carry(&mut self) -> Reg {
        if !self.known.is_some_and(|known| known.keeps_carry) {
            self.test(CARRY, Cond::B);
        }
        CARRY
    }

    /// Sets the lazy flags of INC or DEC, which keep the carry flag that [`Builder::carry`] gave.
    pub fn set_flags_keeping_carry(&mut self, kind: FlagKind, width: Width, a: Reg) {
        self.set_flags_carry(kind, width, a, ZERO, CARRY);
        if let Some(known) = &mut self.known {
            known.keeps_carry = true;
        }
    }

    /// Sets the lazy flags if `b` is not zero (shifts by a register).
    pub fn set_flags_if(&mut self, kind: FlagKind, width: Width, a: Reg, b: Reg) {
        self.op(Opcode::SetFlagsIf, ZERO, a, b, kind.at(width));
    }

    /// d = the flag word
    pub fn get_flags(&mut self, d: Reg) {
        self.op(Opcode::GetFlags, d, ZERO, ZERO, 0);
    }

    /// d = 1 if `cond` holds on the flags, else 0.
    pub fn test(&mut self, d: Reg, cond: Cond) {
        use Relation as R;
        let Some(c) = self.compare(cond) else {
            self.op(Opcode::TestCond, d, ZERO, ZERO, cond as i32);
            return;
        };
        let b = match (c.b, c.relation, c.negate, c.wide) {
            (Side::Imm(imm), R::Eq, false, true) => return self.alu_imm(Opcode::SeqI, d, c.a, imm),
            (Side::Imm(imm), R::Ltu, false, true) => {
                return self.alu_imm(Opcode::SltuI, d, c.a, imm);
            }
            (Side::Imm(imm), R::Lt, false, true) => return self.alu_imm(Opcode::SltI, d, c.a, imm),
            (side, ..) => self.side(side),
        };
        let code = match (c.relation, c.negate, c.wide) {
            (R::Eq, false, true) => Opcode::Seq,
            (R::Eq, true, true) => Opcode::Sne,
            (R::Ltu, false, true) => Opcode::Sltu,
            (R::Ltu, true, true) => Opcode::Sgeu,
            (R::Lt, false, true) => Opcode::Slt,
            (R::Lt, true, true) => Opcode::Sge,
            (R::Eq, false, false) => Opcode::Seq32,
            (R::Eq, true, false) => Opcode::Sne32,
            (R::Ltu, false, false) => Opcode::Sltu32,
            (R::Ltu, true, false) => Opcode::Sgeu32,
            (R::Lt, false, false) => Opcode::Slt32,
            (R::Lt, true, false) => Opcode::Sge32,
        };
        self.alu(code, d, c.a, b);
    }

    /// Ends the block: to `taken` if `cond` holds on the flags, else to the next instruction.
    pub fn branch(&mut self, cond: Cond, taken: u64) {
        use Relation as R;
        self.block.taken = taken;
        let Some(c) = self.compare(cond) else {
            self.op(Opcode::BrCond, ZERO, ZERO, ZERO, cond as i32);
            return;
        };
        let (with_reg, with_imm) = match (c.relation, c.negate, c.wide) {
            (R::Eq, false, true) => (Opcode::BrEq, Opcode::BrEqI),
            (R::Eq, true, true) => (Opcode::BrNe, Opcode::BrNeI),
            (R::Ltu, false, true) => (Opcode::BrLtu, Opcode::BrLtuI),
            (R::Ltu, true, true) => (Opcode::BrGeu, Opcode::BrGeuI),
            (R::Lt, false, true) => (Opcode::BrLt, Opcode::BrLtI),
            (R::Lt, true, true) => (Opcode::BrGe, Opcode::BrGeI),
            (R::Eq, false, false) => (Opcode::BrEq32, Opcode::BrEqI32),
            (R::Eq, true, false) => (Opcode::BrNe32, Opcode::BrNeI32),
            (R::Ltu, false, false) => (Opcode::BrLtu32, Opcode::BrLtuI32),
            (R::Ltu, true, false) => (Opcode::BrGeu32, Opcode::BrGeuI32),
            (R::Lt, false, false) => (Opcode::BrLt32, Opcode::BrLtI32),
            (R::Lt, true, false) => (Opcode::BrGe32, Opcode::BrGeI32),
        };
        match c.b {
            Side::Reg(b) => self.alu(with_reg, ZERO, c.a, b),
            Side::Imm(imm) => self.alu_imm(with_imm, ZERO, c.a, imm),
        }
    }

    /// The condition as a comparison, if the flags' origin is known and simple enough.
    fn compare(&mut self, cond: Cond) -> Option<Comparison> {
        let known = self.known?;
        let negate = (cond as u8) & 1 != 0;
        let positive = Cond::decode(cond as u8 & !1);
        let zero = Side::Reg(ZERO);
        if let (Cond::E | Cond::S, Some((result, after))) = (positive, known.result)
            && !self.overwritten(result, after)
        {
            let relation = if positive == Cond::E {
                Relation::Eq
            } else {
                Relation::Lt
            };
            return Some(self.comparison(known.width, relation, negate, Side::Reg(result), zero));
        }
        let kind = known.kind?;
        let a = self.operand(known.a, FLAG_A, known.op);
        let b = match known.b_imm {
            Some(0) => zero,
            Some(imm) => Side::Imm(imm),
            None => Side::Reg(self.operand(known.b, FLAG_B, known.op)),
        };
        let (relation, flip, a, b) = match (kind, positive) {
            (FlagKind::Sub, Cond::E) => (Relation::Eq, false, Side::Reg(a), b),
            (FlagKind::Sub, Cond::B) => (Relation::Ltu, false, Side::Reg(a), b),
            (FlagKind::Sub, Cond::L) => (Relation::Lt, false, Side::Reg(a), b),
            // a <= b is a < b + 1 where that is a number, and else not b < a.
            (FlagKind::Sub, Cond::Be | Cond::Le) => {
                let relation = if positive == Cond::Be {
                    Relation::Ltu
                } else {
                    Relation::Lt
                };
                match b {
                    Side::Imm(imm) if !is_greatest(imm, known.width) => {
                        (relation, false, Side::Reg(a), Side::Imm(imm + 1))
                    }
                    _ => (relation, true, b, Side::Reg(a)),
                }
            }
            // With OF and CF clear, the signed relations are those of the result with zero.
            (FlagKind::Logic, Cond::E | Cond::Be) => (Relation::Eq, false, Side::Reg(a), zero),
            (FlagKind::Logic, Cond::S | Cond::L) => (Relation::Lt, false, Side::Reg(a), zero),
            (FlagKind::Logic, Cond::Le) => (Relation::Lt, true, zero, Side::Reg(a)),
            // A sum that is less than a summand has wrapped.
            (FlagKind::Add, Cond::B) => {
                let (sum, _) = known
                    .result
                    .filter(|&(r, after)| !self.overwritten(r, after))?;
                (Relation::Ltu, false, Side::Reg(sum), b)
            }
            (FlagKind::Add, Cond::E) => {
                let b = self.side(b);
                let sum = self.temp();
                self.alu(Opcode::Add, sum, a, b);
                (Relation::Eq, false, Side::Reg(sum), zero)
            }
            (FlagKind::Sub, Cond::S) => {
                let b = self.side(b);
                let difference = self.temp();
                self.alu(Opcode::Sub, difference, a, b);
                (Relation::Lt, false, Side::Reg(difference), zero)
            }
            (FlagKind::Raw, _) => {
                let bits = positive.only_bits()?;
                let picked = self.temp();
                self.alu_imm(Opcode::AndI, picked, a, bits as i32);
                (Relation::Eq, true, Side::Reg(picked), zero)
            }
            _ => return None,
        };
        Some(self.comparison(known.width, relation, negate != flip, a, b))
    }

    /// Whether an op from number `from` on writes `reg`.
    fn overwritten(&self, reg: Reg, from: usize) -> bool {
        self.block.ops[from..].iter().any(|op| op.writes(reg))
    }

    /// An operand of the flags that op number `set` stored: itself if it still stands, else its copy in the flags.
    fn operand(&self, reg: Reg, copy: Reg, set: usize) -> Reg {
        let died = is_temp(reg)
            && self
                .block
                .insns
                .last()
                .is_some_and(|i| usize::from(i.op) > set);
        if died || self.overwritten(reg, set + 1) {
            copy
        } else {
            reg
        }
    }

    /// Makes the sides of a comparison right for their width: narrow ones are extended.
    fn comparison(
        &mut self,
        width: Width,
        relation: Relation,
        negate: bool,
        a: Side,
        b: Side,
    ) -> Comparison {
        let signed = relation == Relation::Lt;
        let a = self.extend(a, width, signed);
        let b = self.extend(b, width, signed);
        let a = self.side(a);
        Comparison {
            relation,
            negate,
            a,
            b,
            wide: width == Width::B8,
        }
    }

    /// The low bits of a side extended to 32 bits at least; for `B4` and `B8` the comparison itself looks away.
    fn extend(&mut self, side: Side, width: Width, signed: bool) -> Side {
        let code = match (width, signed) {
            (Width::B1, false) => Opcode::Zext8,
            (Width::B1, true) => Opcode::Sext8,
            (Width::B2, false) => Opcode::Zext16,
            (Width::B2, true) => Opcode::Sext16,
            _ => return side,
        };
        match side {
            Side::Reg(ZERO) => side,
            Side::Reg(reg) => {
                let t = self.temp();
                self.unary(code, t, reg);
                Side::Reg(t)
            }
            Side::Imm(imm) => Side::Imm(match code {
                Opcode::Zext8 => i32::from(imm as u8),
                Opcode::Sext8 => i32::from(imm as i8),
                Opcode::Zext16 => i32::from(imm as u16),
                _ => i32::from(imm as i16),
            }),
        }
    }

    /// A side as a register.
    fn side(&mut self, side: Side) -> Reg {
        match side {
            Side::Reg(reg) => reg,
            Side::Imm(imm) => self.imm(imm as u64),
        }
    }
}

/// Whether one more than `imm` may be no number of this width, signed or unsigned.
const fn is_greatest(imm: i32, width: Width) -> bool {
    match width {
        Width::B1 => matches!(imm as i8, i8::MAX | -1),
        Width::B2 => matches!(imm as i16, i16::MAX | -1),
        _ => matches!(imm, i32::MAX | -1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compare_and_its_branch_become_one_comparison() {
        let mut b = Builder::new(0);
        b.begin(0);
        b.set_flags(FlagKind::Sub, Width::B8, 1, 2);
        b.begin(3);
        b.branch(Cond::Le, 0x40);
        let block = b.finish(5);
        let last = block.ops[block.ops.len() - 1];
        // a <= b is not (b < a)
        assert_eq!((last.code, last.a, last.b), (Opcode::BrGe, 2, 1));
    }

    #[test]
    fn an_overwritten_operand_is_taken_from_the_lazy_flags() {
        let mut b = Builder::new(0);
        b.begin(0);
        b.set_flags(FlagKind::Sub, Width::B4, 1, 2);
        b.alu(Opcode::Sub32, 1, 1, 2);
        b.begin(3);
        b.branch(Cond::E, 0x40);
        let block = b.finish(5);
        let last = block.ops[block.ops.len() - 1];
        assert_eq!((last.code, last.a, last.b), (Opcode::BrEq32, FLAG_A, 2));
    }

    #[test]
    fn unknown_flags_are_tested_when_run() {
        let mut b = Builder::new(0);
        b.begin(0);
        b.branch(Cond::P, 0x40);
        assert_eq!(b.finish(2).ops[0].code, Opcode::BrCond);
    }

    /// The op that `sub`-like flags of `width`, of register 1 and the literal `imm`, and a branch on `cond` end in.
    fn branch_on_literal(width: Width, imm: i32, cond: Cond) -> (Opcode, i32) {
        let mut b = Builder::new(0);
        b.begin(0);
        let t = b.imm(imm as u64);
        b.set_flags(FlagKind::Sub, width, 1, t);
        b.begin(3);
        b.branch(cond, 0x40);
        let block = b.finish(5);
        let last = block.ops[block.ops.len() - 1];
        (last.code, last.imm)
    }

    #[test]
    fn a_literal_becomes_part_of_the_branch() {
        assert_eq!(
            branch_on_literal(Width::B4, 7, Cond::E),
            (Opcode::BrEqI32, 7)
        );
        assert_eq!(
            branch_on_literal(Width::B8, 7, Cond::A),
            (Opcode::BrGeuI, 8)
        );
        assert_eq!(
            branch_on_literal(Width::B8, -8, Cond::Le),
            (Opcode::BrLtI, -7)
        );
        assert_eq!(
            branch_on_literal(Width::B1, 0xfe, Cond::Be),
            (Opcode::BrLtuI32, 0xff)
        );
        assert_eq!(
            branch_on_literal(Width::B1, 0xfe, Cond::L),
            (Opcode::BrLtI32, -2)
        );
    }

    #[test]
    fn no_literal_is_raised_beyond_its_width() {
        for (width, greatest) in [
            (Width::B1, 0xff),
            (Width::B2, 0xffff),
            (Width::B4, -1),
            (Width::B8, -1),
        ] {
            // a <= greatest: always so, as "not greatest < a"
            let (code, _) = branch_on_literal(width, greatest, Cond::Be);
            assert!(matches!(code, Opcode::BrGeu | Opcode::BrGeu32), "{code:?}");
        }
        assert_eq!(
            branch_on_literal(Width::B8, i32::MAX, Cond::Le).0,
            Opcode::BrGe
        );
    }

    #[test]
    fn zero_and_sign_are_read_off_the_result() {
        let mut b = Builder::new(0);
        b.begin(0);
        b.set_flags(FlagKind::Sub, Width::B4, 1, 2);
        b.alu(Opcode::Sub32, 1, 1, 2);
        b.result(1);
        b.begin(3);
        b.branch(Cond::S, 0x40);
        let block = b.finish(5);
        let last = block.ops[block.ops.len() - 1];
        assert_eq!((last.code, last.a, last.b), (Opcode::BrLt32, 1, ZERO));
    }

    #[test]
    fn a_kept_carry_is_derived_once() {
        let mut b = Builder::new(0);
        for pc in 0..3 {
            b.begin(pc);
            b.carry();
            b.set_flags_keeping_carry(FlagKind::Inc, Width::B8, 1);
            b.alu_imm(Opcode::AddI, 1, 1, 1);
        }
        let block = b.finish(3);
        let derived = block
            .ops
            .iter()
            .filter(|op| op.code == Opcode::TestCond)
            .count();
        let set = block
            .ops
            .iter()
            .filter(|op| op.code == Opcode::SetFlagsCarry)
            .count();
        assert_eq!((derived, set), (1, 1));
    }
}
