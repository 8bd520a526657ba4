//! Makes a block, op by op, for an ISA front end.
//!
//! The builder hands out temporaries, keeps constants, and remembers which flags the block last set: a condition on
//! them then becomes a plain compare (and a conditional branch a fused compare-and-branch) instead of a derivation.

use crate::block::{Block, Insn};
use crate::flags::{Cond, FlagKind};
use crate::op::{Op, Opcode};
use crate::optimize::optimize;
use crate::reg::{FLAG_A, FLAG_B, Reg, TEMP, TEMP_END, ZERO};
use base::Width;

/// The flags that the block set last: kind, width, operands as registers, and the op's index.
#[derive(Clone, Copy)]
struct Known {
    kind: FlagKind,
    width: Width,
    a: Reg,
    b: Reg,
    op: usize,
}

/// A block in the making.
pub struct Builder {
    block: Block,
    next_temp: Reg,
    known: Option<Known>,
}

/// What a comparison of two registers asks.
#[derive(Clone, Copy)]
enum Relation {
    Eq,
    Ltu,
    Lt,
}

impl Builder {
    /// An empty block at virtual address `pc`.
    pub const fn new(pc: u64) -> Self {
        Self {
            block: Block {
                pc,
                bytes: 0,
                ops: Vec::new(),
                insns: Vec::new(),
                pool: Vec::new(),
                taken: 0,
                next: pc,
                cacheable: true,
            },
            next_temp: TEMP,
            known: None,
        }
    }

    /// Starts the guest instruction at `pc`; all temporaries are free again.
    pub fn begin(&mut self, pc: u64) {
        let offset = pc.wrapping_sub(self.block.pc) as u16;
        self.block.insns.push(Insn {
            op: self.block.ops.len() as u16,
            offset,
        });
        self.next_temp = TEMP;
    }

    /// Takes back the instruction that was begun last: nothing of it stays.
    pub fn abandon(&mut self) {
        if let Some(insn) = self.block.insns.pop() {
            self.block.ops.truncate(usize::from(insn.op));
            self.known = self.known.filter(|k| k.op < self.block.ops.len());
        }
    }

    /// How many guest instructions were begun.
    pub const fn insns(&self) -> usize {
        self.block.insns.len()
    }

    /// How many ops there are.
    pub const fn len(&self) -> usize {
        self.block.ops.len()
    }

    /// Whether there is no op yet.
    pub const fn is_empty(&self) -> bool {
        self.block.ops.is_empty()
    }

    /// Whether the last op ends the block.
    pub fn ended(&self) -> bool {
        self.block.ops.last().is_some_and(|op| op.code.ends_block())
    }

    /// The block depends on more than the bytes of its page and must not be kept.
    pub const fn forbid_caching(&mut self) {
        self.block.cacheable = false;
    }

    /// A fresh temporary (the first of a pair, if the caller takes two in a row).
    ///
    /// # Panics
    /// If one instruction takes more than 80: a bug of the front end, not a guest's doing.
    pub fn temp(&mut self) -> Reg {
        assert!(
            self.next_temp < TEMP_END,
            "a guest instruction needs too many temporaries"
        );
        self.next_temp += 1;
        self.next_temp - 1
    }

    /// Two fresh neighbouring temporaries for a 128-bit value; the first is returned.
    pub fn temp_pair(&mut self) -> Reg {
        let low = self.temp();
        self.temp();
        low
    }

    /// Appends an op.
    pub fn op(&mut self, code: Opcode, d: Reg, a: Reg, b: Reg, imm: i32) {
        self.block.ops.push(Op { code, d, a, b, imm });
        match code.form() {
            crate::op::Form::Flags | crate::op::Form::Call => self.known = None,
            _ => {}
        }
    }

    /// d = code(a, b)
    pub fn alu(&mut self, code: Opcode, d: Reg, a: Reg, b: Reg) {
        self.op(code, d, a, b, 0);
    }

    /// d = code(a, imm); also loads d = [a + imm].
    pub fn alu_imm(&mut self, code: Opcode, d: Reg, a: Reg, imm: i32) {
        self.op(code, d, a, ZERO, imm);
    }

    /// d = code(a)
    pub fn unary(&mut self, code: Opcode, d: Reg, a: Reg) {
        self.op(code, d, a, ZERO, 0);
    }

    /// d = a
    pub fn mov(&mut self, d: Reg, a: Reg) {
        if d != a {
            self.unary(Opcode::Mov, d, a);
        }
    }

    /// d = value
    pub fn constant(&mut self, d: Reg, value: u64) {
        if let Ok(imm) = i32::try_from(value as i64) {
            self.op(Opcode::MovI, d, ZERO, ZERO, imm);
        } else {
            let index = self
                .block
                .pool
                .iter()
                .position(|&v| v == value)
                .unwrap_or_else(|| {
                    self.block.pool.push(value);
                    self.block.pool.len() - 1
                });
            self.op(Opcode::MovPool, d, ZERO, ZERO, index as i32);
        }
    }

    /// A temporary that holds `value`, or `ZERO`.
    pub fn imm(&mut self, value: u64) -> Reg {
        if value == 0 {
            return ZERO;
        }
        let t = self.temp();
        self.constant(t, value);
        t
    }

    /// A call of the ISA's number `id` with 16 bits of payload.
    pub fn call(&mut self, id: u16, payload: u16, d: Reg, a: Reg, b: Reg) {
        self.op(Opcode::Call, d, a, b, call_imm(id, payload));
    }

    /// A call that ends the block.
    pub fn call_end(&mut self, id: u16, payload: u16, d: Reg, a: Reg, b: Reg) {
        self.op(Opcode::CallEnd, d, a, b, call_imm(id, payload));
    }

    /// Sets the lazy flags. Belongs after the instruction's last op that can fault, and in front of the op that
    /// overwrites an operand.
    pub fn set_flags(&mut self, kind: FlagKind, width: Width, a: Reg, b: Reg) {
        self.op(Opcode::SetFlags, ZERO, a, b, kind.at(width));
        self.known = Some(Known {
            kind,
            width,
            a,
            b,
            op: self.block.ops.len() - 1,
        });
    }

    /// Sets the lazy flags of an operation with carry (or of INC and DEC, which keep it); `carry` holds 0 or 1.
    pub fn set_flags_carry(&mut self, kind: FlagKind, width: Width, a: Reg, b: Reg, carry: Reg) {
        self.op(Opcode::SetFlagsCarry, carry, a, b, kind.at(width));
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
        match self.compare(cond) {
            Some((relation, negate, a, b, wide)) => {
                let code = match (relation, negate, wide) {
                    (Relation::Eq, false, true) => Opcode::Seq,
                    (Relation::Eq, true, true) => Opcode::Sne,
                    (Relation::Ltu, false, true) => Opcode::Sltu,
                    (Relation::Ltu, true, true) => Opcode::Sgeu,
                    (Relation::Lt, false, true) => Opcode::Slt,
                    (Relation::Lt, true, true) => Opcode::Sge,
                    (Relation::Eq, false, false) => Opcode::Seq32,
                    (Relation::Eq, true, false) => Opcode::Sne32,
                    (Relation::Ltu, false, false) => Opcode::Sltu32,
                    (Relation::Ltu, true, false) => Opcode::Sgeu32,
                    (Relation::Lt, false, false) => Opcode::Slt32,
                    (Relation::Lt, true, false) => Opcode::Sge32,
                };
                self.alu(code, d, a, b);
            }
            None => self.op(Opcode::TestCond, d, ZERO, ZERO, cond as i32),
        }
    }

    /// Ends the block: to `taken` if `cond` holds on the flags, else to the next instruction.
    pub fn branch(&mut self, cond: Cond, taken: u64) {
        self.block.taken = taken;
        match self.compare(cond) {
            Some((relation, negate, a, b, wide)) => {
                let code = match (relation, negate, wide) {
                    (Relation::Eq, false, true) => Opcode::BrEq,
                    (Relation::Eq, true, true) => Opcode::BrNe,
                    (Relation::Ltu, false, true) => Opcode::BrLtu,
                    (Relation::Ltu, true, true) => Opcode::BrGeu,
                    (Relation::Lt, false, true) => Opcode::BrLt,
                    (Relation::Lt, true, true) => Opcode::BrGe,
                    (Relation::Eq, false, false) => Opcode::BrEq32,
                    (Relation::Eq, true, false) => Opcode::BrNe32,
                    (Relation::Ltu, false, false) => Opcode::BrLtu32,
                    (Relation::Ltu, true, false) => Opcode::BrGeu32,
                    (Relation::Lt, false, false) => Opcode::BrLt32,
                    (Relation::Lt, true, false) => Opcode::BrGe32,
                };
                self.alu(code, ZERO, a, b);
            }
            None => self.op(Opcode::BrCond, ZERO, ZERO, ZERO, cond as i32),
        }
    }

    /// Ends the block: to `taken` if `code` (a `Br…` op) holds on a, b or imm.
    pub fn branch_if(&mut self, code: Opcode, a: Reg, b: Reg, imm: i32, taken: u64) {
        self.block.taken = taken;
        self.op(code, ZERO, a, b, imm);
    }

    /// Ends the block: to `target`.
    pub fn jump(&mut self, target: u64) {
        self.block.taken = target;
        self.op(Opcode::Jump, ZERO, ZERO, ZERO, 0);
    }

    /// Ends the block: to the address in `target`.
    pub fn jump_reg(&mut self, target: Reg) {
        self.op(Opcode::JumpReg, ZERO, target, ZERO, 0);
    }

    /// The condition as a comparison of two registers, if the flags' origin is known and simple enough:
    /// relation, whether it is negated, its operands, and whether all 64 bits count (else 32).
    fn compare(&mut self, cond: Cond) -> Option<(Relation, bool, Reg, Reg, bool)> {
        let known = self.known?;
        let negate = (cond as u8) & 1 != 0;
        let positive = Cond::decode(cond as u8 & !1);
        // The operands themselves if nothing overwrote them since, else their copies in the lazy flags.
        let unchanged = |r: Reg| !self.block.ops[known.op + 1..].iter().any(|op| op.writes(r));
        let temp_died = |r: Reg| {
            crate::reg::is_temp(r)
                && self
                    .block
                    .insns
                    .last()
                    .is_some_and(|i| usize::from(i.op) > known.op)
        };
        let a = if unchanged(known.a) && !temp_died(known.a) {
            known.a
        } else {
            FLAG_A
        };
        let b = if unchanged(known.b) && !temp_died(known.b) {
            known.b
        } else {
            FLAG_B
        };
        let wide = known.width == Width::B8;
        let (relation, flip, swap, a, b) = match (known.kind, positive) {
            (FlagKind::Sub, Cond::E) => (Relation::Eq, false, false, a, b),
            (FlagKind::Sub, Cond::B) => (Relation::Ltu, false, false, a, b),
            (FlagKind::Sub, Cond::Be) => (Relation::Ltu, true, true, a, b),
            (FlagKind::Sub, Cond::L) => (Relation::Lt, false, false, a, b),
            (FlagKind::Sub, Cond::Le) => (Relation::Lt, true, true, a, b),
            // With OF and CF clear, the signed relations are those of the result with zero.
            (FlagKind::Logic, Cond::E | Cond::Be) => (Relation::Eq, false, false, a, ZERO),
            (FlagKind::Logic, Cond::S | Cond::L) => (Relation::Lt, false, false, a, ZERO),
            (FlagKind::Logic, Cond::Le) => (Relation::Lt, true, true, a, ZERO),
            (FlagKind::Add, Cond::E) => {
                let sum = self.temp();
                self.alu(Opcode::Add, sum, a, b);
                (Relation::Eq, false, false, sum, ZERO)
            }
            (FlagKind::Sub, Cond::S) => {
                let difference = self.temp();
                self.alu(Opcode::Sub, difference, a, b);
                (Relation::Lt, false, false, difference, ZERO)
            }
            _ => return None,
        };
        let (mut a, mut b) = if swap { (b, a) } else { (a, b) };
        if matches!(known.width, Width::B1 | Width::B2) {
            a = self.align_top(a, known.width);
            b = self.align_top(b, known.width);
        }
        Some((
            relation,
            negate != flip,
            a,
            b,
            wide || matches!(known.width, Width::B1 | Width::B2),
        ))
    }

    /// The low `width` bits of `r` moved to the top of a word, where every comparison is right.
    fn align_top(&mut self, r: Reg, width: Width) -> Reg {
        if r == ZERO {
            return ZERO;
        }
        let t = self.temp();
        self.alu_imm(Opcode::ShlI, t, r, 64 - width.bits() as i32);
        t
    }

    /// The finished block; `next` is the address after its last instruction. A block that no op ends falls through.
    pub fn finish(mut self, next: u64) -> Block {
        if !self.ended() {
            self.op(Opcode::Next, ZERO, ZERO, ZERO, 0);
        }
        self.block.next = next;
        self.block.bytes = next.wrapping_sub(self.block.pc) as u16;
        optimize(&mut self.block);
        self.block
    }
}

/// The immediate of a call op.
const fn call_imm(id: u16, payload: u16) -> i32 {
    (id as u32 | (payload as u32) << 16) as i32
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
}
