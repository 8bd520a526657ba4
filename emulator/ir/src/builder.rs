//! Makes a block, op by op, for an ISA front end.
//!
//! The builder hands out temporaries, keeps constants, and appends ops. What it knows of the flags, and how conditions on
//! them become comparisons, stands in [`condition`](crate::condition).

use crate::block::{Block, Insn};
use crate::condition::{CARRY, Known};
use crate::op::{Op, Opcode};
use crate::optimize::optimize;
use crate::reg::{Reg, TEMP, ZERO};

/// Room for a usual block.
const OPS: usize = 32;
const INSNS: usize = 12;

/// A block in the making.
pub struct Builder {
    pub(crate) block: Block,
    next_temp: Reg,
    /// The flags that the block set last, if they may be reasoned about.
    pub(crate) known: Option<Known>,
}

impl Builder {
    /// An empty block at virtual address `pc`.
    pub fn new(pc: u64) -> Self {
        Self {
            block: Block {
                pc,
                bytes: 0,
                ops: Vec::with_capacity(OPS),
                insns: Vec::with_capacity(INSNS),
                owner: Vec::new(),
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
    /// If one instruction takes more than 79: a bug of the front end, not a guest's doing.
    pub fn temp(&mut self) -> Reg {
        assert!(
            self.next_temp < CARRY,
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

    /// Reports the instruction that was begun last, or that it is at probe number `probe`.
    pub fn report(&mut self, probe: Option<u32>) {
        let offset = self.block.insns.last().map_or(0, |insn| insn.offset);
        let [low, high] = offset.to_le_bytes();
        let what = probe.map_or(0, |probe| probe as i32 + 1);
        self.op(Opcode::Report, ZERO, low, high, what);
    }

    /// A call of the ISA's number `id` with 16 bits of payload.
    pub fn call(&mut self, id: u16, payload: u16, d: Reg, a: Reg, b: Reg) {
        self.op(Opcode::Call, d, a, b, call_imm(id, payload));
    }

    /// A call that ends the block.
    pub fn call_end(&mut self, id: u16, payload: u16, d: Reg, a: Reg, b: Reg) {
        self.op(Opcode::CallEnd, d, a, b, call_imm(id, payload));
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

    /// The finished block; `next` is the address after its last instruction. A block that no op ends falls through.
    pub fn finish(mut self, next: u64) -> Block {
        if !self.ended() {
            self.op(Opcode::Next, ZERO, ZERO, ZERO, 0);
        }
        self.block.next = next;
        self.block.bytes = next.wrapping_sub(self.block.pc) as u16;
        optimize(&mut self.block);
        self.block.index();
        self.block
    }
}

/// The immediate of a call op.
const fn call_imm(id: u16, payload: u16) -> i32 {
    (id as u32 | (payload as u32) << 16) as i32
}
