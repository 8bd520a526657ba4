//! Registers and memory fitted to an instruction.
//!
//! Its addresses lie in the test's pages (or, sometimes, deliberately in the hole behind them), its branches have
//! somewhere to go, and nothing that the manual leaves undefined decides the outcome.

use crate::case::Case;
use crate::layout::{DATA, DATA_LEN, FIXED, FIXED_LEN, GS_BASE, TAKEN};
use crate::state::{DF, Registers, lane};
use base::Rng;
use iced_x86::{FlowControl, Instruction, Mnemonic, OpKind, Register};

impl Case {
    /// Fits `regs` and `data` to the instruction.
    pub fn fit(&self, rng: &mut Rng, regs: &mut Registers, data: &mut [u8; DATA_LEN as usize]) {
        let insn = &self.insn;
        if !insn.is_string_instruction() {
            regs.flags &= !DF;
        }
        regs.gpr[4] = stack(rng);
        if insn.has_rep_prefix() || insn.has_repne_prefix() || rep_count_matters(insn) {
            regs.gpr[1] = rng.below(12);
        }
        if matches!(insn.mnemonic(), Mnemonic::Leave | Mnemonic::Enter) {
            regs.gpr[5] = DATA + 0x1000 + (rng.next() & 0x7f8);
        }
        self.avoid_undefined(rng, regs);
        for n in 0..insn.op_count() {
            self.place(n, rng, regs, data);
        }
        match insn.flow_control() {
            FlowControl::Return => put(data, regs.gpr[4], TAKEN),
            FlowControl::IndirectBranch | FlowControl::IndirectCall
                if insn.op0_kind() == OpKind::Register =>
            {
                regs.gpr[insn.op0_register().full_register().number()] = TAKEN;
            }
            FlowControl::IndirectBranch | FlowControl::IndirectCall => {
                if let Some(address) = address(insn, 0, regs) {
                    put(data, address, TAKEN);
                }
            }
            _ => {}
        }
        if matches!(
            insn.mnemonic(),
            Mnemonic::Popf | Mnemonic::Popfd | Mnemonic::Popfq
        ) {
            // Neither single steps nor alignment checks: they would be the next instruction's.
            let flags = rng.next() & (0xcd5 | 1 << 21);
            put(data, regs.gpr[4], flags);
        }
    }

    /// Keeps operands out of the ranges for which the manual leaves the result open.
    fn avoid_undefined(&self, rng: &mut Rng, regs: &mut Registers) {
        use Mnemonic as M;
        let insn = &self.insn;
        match insn.mnemonic() {
            M::Shld | M::Shrd => regs.gpr[1] = regs.gpr[1] & !0xff | rng.below(16),
            // The register picks a byte near the operand; far away lies memory that is not the test's.
            M::Bt | M::Bts | M::Btr | M::Btc if insn.op1_kind() == OpKind::Register => {
                let number = insn.op1_register().full_register().number();
                if insn.op0_kind() == OpKind::Memory {
                    regs.gpr[number] = rng.below(512).wrapping_sub(256);
                }
            }
            _ => {}
        }
    }

    /// Gives operand `n`, if it is memory, an address of the test's, and fresh contents.
    fn place(
        &self,
        n: u32,
        rng: &mut Rng,
        regs: &mut Registers,
        data: &mut [u8; DATA_LEN as usize],
    ) {
        let insn = &self.insn;
        let kind = insn.op_kind(n);
        let string = match kind {
            OpKind::Memory => None,
            OpKind::MemorySegRSI | OpKind::MemorySegESI => Some(6),
            OpKind::MemoryESRDI
            | OpKind::MemorySegRDI
            | OpKind::MemoryESEDI
            | OpKind::MemorySegEDI => Some(7),
            _ => return,
        };
        let target = match insn.flow_control() {
            // What is read must be an address to go to.
            FlowControl::IndirectBranch | FlowControl::IndirectCall => DATA + 0x800 + rng.below(64),
            // How much of it is stored when it crosses into a page that faults is the model's own.
            _ if insn.mnemonic() == Mnemonic::Maskmovdqu => DATA + 0x800 + rng.below(64),
            _ => target(rng, insn.memory_size().size() as u64),
        };
        if let Some(number) = string {
            let base = if number == 6 { segment_base(insn) } else { 0 };
            regs.gpr[number] = target - base;
        } else {
            solve(insn, target, regs);
        }
        let Some(address) = address(insn, n, regs) else {
            return;
        };
        let same = rng.below(4) == 0;
        let mut value = lane(rng);
        for offset in (0..64).step_by(8) {
            if !same {
                value = lane(rng);
            }
            put(data, address.wrapping_add(offset), value);
        }
    }
}

/// Instructions whose RCX should be small now and then.
fn rep_count_matters(insn: &Instruction) -> bool {
    use Mnemonic as M;
    matches!(
        insn.mnemonic(),
        M::Loop | M::Loope | M::Loopne | M::Jrcxz | M::Jecxz | M::Jcxz
    )
}

/// A stack pointer: the middle of the data, now and then its very bottom.
fn stack(rng: &mut Rng) -> u64 {
    match rng.below(16) {
        0 => DATA + rng.below(9),
        _ => DATA + 0x1000 + (rng.next() & 0x3f8),
    }
}

/// Where an operand of `size` bytes goes.
fn target(rng: &mut Rng, size: u64) -> u64 {
    match rng.below(32) {
        0..=3 => DATA + 0x200 + rng.below(0x1a00),
        4 | 5 => DATA + 0x1000 - rng.below(size.max(1) + 1),
        6 | 7 => DATA + DATA_LEN - rng.below(size.max(1) + 1),
        8 => FIXED + 16 * rng.below(FIXED_LEN / 16),
        _ => DATA + 0x200 + 16 * rng.below(0x1a0),
    }
}

/// The base of the segment that the memory operand names.
fn segment_base(insn: &Instruction) -> u64 {
    if insn.segment_prefix() == Register::GS {
        GS_BASE
    } else {
        0
    }
}

/// The value of an address register.
fn value(register: Register, regs: &Registers) -> u64 {
    let full = |r: Register| regs.gpr[r.full_register().number()];
    match register {
        Register::None => 0,
        Register::AL => regs.gpr[0] & 0xff,
        r if r.is_gpr32() => full(r) & 0xffff_ffff,
        r => full(r),
    }
}

/// Sets the base register so that the memory operand lies at `target`.
fn solve(insn: &Instruction, target: u64, regs: &mut Registers) {
    let base = insn.memory_base();
    if matches!(base, Register::None | Register::RIP | Register::EIP) {
        return;
    }
    let index = value(insn.memory_index(), regs).wrapping_mul(u64::from(insn.memory_index_scale()));
    let offset = target - segment_base(insn);
    let wanted = offset
        .wrapping_sub(index)
        .wrapping_sub(insn.memory_displacement64());
    let slot = &mut regs.gpr[base.full_register().number()];
    *slot = if base.is_gpr32() {
        *slot & !0xffff_ffff | wanted & 0xffff_ffff
    } else {
        wanted
    };
}

/// Where operand `n` lies.
fn address(insn: &Instruction, n: u32, regs: &Registers) -> Option<u64> {
    match insn.op_kind(n) {
        OpKind::Memory => {
            let base = match insn.memory_base() {
                Register::RIP | Register::EIP => 0,
                r => value(r, regs),
            };
            let index =
                value(insn.memory_index(), regs).wrapping_mul(u64::from(insn.memory_index_scale()));
            let sum = base
                .wrapping_add(index)
                .wrapping_add(insn.memory_displacement64());
            let short = insn.memory_base().is_gpr32() || insn.memory_index().is_gpr32();
            let offset = if short { sum & 0xffff_ffff } else { sum };
            Some(offset.wrapping_add(segment_base(insn)))
        }
        OpKind::MemorySegRSI | OpKind::MemorySegESI => {
            Some(regs.gpr[6].wrapping_add(segment_base(insn)))
        }
        OpKind::MemoryESRDI | OpKind::MemorySegRDI | OpKind::MemoryESEDI | OpKind::MemorySegEDI => {
            Some(regs.gpr[7])
        }
        _ => None,
    }
}

/// Writes eight bytes at a guest address, as far as they lie in the data.
fn put(data: &mut [u8; DATA_LEN as usize], address: u64, value: u64) {
    for (offset, byte) in (0..).zip(value.to_le_bytes()) {
        let at = address.wrapping_add(offset).wrapping_sub(DATA);
        if let Some(slot) = usize::try_from(at).ok().and_then(|at| data.get_mut(at)) {
            *slot = byte;
        }
    }
}
