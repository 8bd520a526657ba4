//! Tells #SS from #GP: in 64-bit mode an access through the stack segment to a non-canonical address is a stack fault
//! (SDM vol. 1, 3.3.7.1). Lifted code knows no segments there, so the instruction that faulted is decoded again.

use crate::x86_64::cpu::Cpu;
use crate::x86_64::paging::canonical;
use crate::x86_64::reg::{FS_BASE, GS_BASE, RBP, RSP};
use crate::x86_64::trap::{Exception, vector};
use base::{Bus, Observer, Width};
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    /// What `exception`, raised by the instruction at the program counter, is when segments are looked at.
    pub(super) fn with_segment(&mut self, exception: Exception) -> Exception {
        let protection = exception.vector == vector::GP && exception.error == Some(0);
        if !protection || !self.hart.mode().long() || !self.stack_access_is_bad() {
            return exception;
        }
        Exception {
            vector: vector::SS,
            ..exception
        }
    }

    fn stack_access_is_bad(&mut self) -> bool {
        let pc = self.hart.pc;
        let mut bytes = [0; 15];
        for (offset, byte) in (0u64..).zip(&mut bytes) {
            *byte = self.peek(pc.wrapping_add(offset), Width::B1).unwrap_or(0) as u8;
        }
        let insn = Decoder::with_ip(64, &bytes, pc, DecoderOptions::NONE).decode();
        if let Some(addr) = self.memory_operand(&insn)
            && !canonical(addr)
        {
            return insn.memory_segment() == Register::SS;
        }
        let rsp = self.hart.regs[usize::from(RSP)];
        let top = match (insn.mnemonic(), insn.stack_pointer_increment()) {
            (Mnemonic::Leave, _) => self.hart.regs[usize::from(RBP)],
            (_, 0) => return false,
            (_, down @ ..0) => rsp.wrapping_add(i64::from(down) as u64),
            _ => rsp,
        };
        !canonical(top)
    }

    /// The address of the instruction's memory operand. LEA has none that is accessed, and never faults.
    fn memory_operand(&self, insn: &Instruction) -> Option<u64> {
        let memory = (0..insn.op_count()).find(|&n| insn.op_kind(n) == OpKind::Memory)?;
        insn.virtual_address(memory, 0, |register, _, _| {
            Some(match register {
                Register::FS => self.hart.regs[usize::from(FS_BASE)],
                Register::GS => self.hart.regs[usize::from(GS_BASE)],
                r if r.is_gpr() => self.hart.regs[r.full_register().number()],
                _ => 0,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::{Board, FREE};
    use base::Phys;

    #[test]
    fn the_stack_segment_makes_a_stack_fault_of_a_non_canonical_access() {
        const BAD: u64 = 1 << 63;
        let (gp, ss) = (vector::GP, vector::SS);
        let cases: [(&[u8], u64, u64, u8); 7] = [
            (&[0x50], BAD, FREE, ss),             // push rax
            (&[0x58], BAD, FREE, ss),             // pop rax
            (&[0xc3], FREE, FREE, gp),            // ret, which faults for another reason
            (&[0x8b, 0x45, 0], FREE, BAD, ss),    // mov eax, [rbp]
            (&[0x8b, 0x04, 0x28], FREE, BAD, gp), // mov eax, [rax + rbp]
            (&[0xff, 0x34, 0x28], FREE, BAD, gp), // push qword [rax + rbp]
            (&[0xc9], FREE, BAD, ss),             // leave
        ];
        for (code, rsp, rbp, wanted) in cases {
            let mut board = Board::new();
            board.ram.write_bytes(Phys(FREE), code);
            board.hart.pc = FREE;
            board.hart.regs[usize::from(RSP)] = rsp;
            board.hart.regs[usize::from(RBP)] = rbp;
            let raised = Exception {
                vector: gp,
                error: Some(0),
                address: None,
            };
            let seen = board.run(|cpu| cpu.with_segment(raised));
            assert_eq!(seen.vector, wanted, "{code:02x?}");
        }
    }
}
