//! The operands of SSE instructions: XMM registers and memory of 4, 8 or 16 bytes.

use crate::x86_64::lift::{Lifter, Refusal};
use crate::x86_64::reg::XMM0;
use base::Width;
use iced_x86::OpKind;
use ir::reg::ZERO;
use ir::{Opcode, Reg};

impl Lifter {
    /// The low word of the XMM register that is operand `n`.
    pub fn xmm(&self, n: u32) -> Result<Reg, Refusal> {
        let register = self.insn.op_register(n);
        if self.insn.op_kind(n) == OpKind::Register && register.is_xmm() {
            Ok(XMM0 + 2 * register.number() as Reg)
        } else {
            Err(Refusal::Gap)
        }
    }

    /// Operand `n`, an XMM register or memory. Memory is read into temporaries: 16 bytes fill a pair and must be
    /// aligned, 4 or 8 fill the low word and leave the high one without meaning.
    pub fn source(&mut self, n: u32) -> Result<Reg, Refusal> {
        if !self.is_memory(n) {
            return self.xmm(n);
        }
        let t = self.b.temp_pair();
        match self.insn.memory_size().size() {
            16 => self.load_full(t, true),
            bytes => {
                let width = Width::from_bytes(bytes as u64).ok_or(Refusal::Gap)?;
                let address = self.ea();
                self.load(t, address, width);
            }
        }
        Ok(t)
    }

    /// d, d + 1 = the instruction's memory operand of 16 bytes.
    pub fn load_full(&mut self, d: Reg, aligned: bool) {
        let (base, disp) = self.full_address(aligned);
        self.b.alu_imm(Opcode::Ld128, d, base, disp);
    }

    /// The instruction's memory operand of 16 bytes = value, value + 1.
    pub fn store_full(&mut self, value: Reg, aligned: bool) {
        let (base, disp) = self.full_address(aligned);
        self.b.op(Opcode::St128, ZERO, base, value, disp);
    }

    /// The address of 16 bytes, checked if they must be aligned.
    fn full_address(&mut self, aligned: bool) -> (Reg, i32) {
        let address = self.ea();
        let (base, disp) = self.based(address);
        if aligned {
            self.b.op(Opcode::CheckAlign, ZERO, base, 16, disp);
        }
        (base, disp)
    }

    /// The immediate in the last operand, 0 if there is none.
    pub fn imm8(&self) -> u8 {
        let last = self.insn.op_count().saturating_sub(1);
        self.immediate(last).unwrap_or(0) as u8
    }
}
