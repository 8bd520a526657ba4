//! Choosing operands: for each kind of operand that an encoding can want, a seeded one.

use crate::CodeSize;
use crate::layout::{DATA, TAKEN};
use crate::state::integer;
use base::Rng;
use iced_x86::{Code, Instruction, Mnemonic, OpCodeOperandKind as Kind, OpKind, Register};

/// An instruction whose operands are being chosen.
pub struct Operands<'a> {
    /// The instruction.
    pub insn: Instruction,
    size: CodeSize,
    rng: &'a mut Rng,
}

impl<'a> Operands<'a> {
    /// An instruction of the encoding `code` without operands yet.
    pub fn new(code: Code, size: CodeSize, rng: &'a mut Rng) -> Self {
        let mut insn = Instruction::default();
        insn.set_code(code);
        Self { insn, size, rng }
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.rng.below(n) == 0
    }

    /// Any register of a class that the code size has.
    fn pick(&mut self, wanted: impl Fn(Register) -> bool) -> Register {
        let long = self.size == CodeSize::Bits64;
        let rex = |r: Register| {
            matches!(
                r,
                Register::SPL | Register::BPL | Register::SIL | Register::DIL
            )
        };
        let exists = |r: Register| {
            if long {
                r.number() < 16
            } else {
                r.number() < 8 && !rex(r)
            }
        };
        let fitting: Vec<Register> = Register::values()
            .filter(|&r| wanted(r) && exists(r))
            .collect();
        fitting[self.rng.below(fitting.len() as u64) as usize]
    }

    /// Chooses operand `n` of the kind that the encoding wants; `None` if the kind is not known here.
    pub fn choose(&mut self, n: u32, kind: Kind) -> Option<()> {
        let memory_too = matches!(
            kind,
            Kind::r8_or_mem
                | Kind::r16_or_mem
                | Kind::r32_or_mem
                | Kind::r64_or_mem
                | Kind::xmm_or_mem
                | Kind::mm_or_mem
        );
        if kind == Kind::mem || (memory_too && self.one_in(2)) {
            self.memory(n);
            return Some(());
        }
        if let Some(register) = self.register(kind) {
            self.insn.set_op_kind(n, OpKind::Register);
            self.insn.set_op_register(n, register);
            return Some(());
        }
        let op_kind = match self.immediate(n, kind) {
            Some(op_kind) => op_kind,
            None => self.implied(kind)?,
        };
        self.insn.set_op_kind(n, op_kind);
        Some(())
    }

    fn register(&mut self, kind: Kind) -> Option<Register> {
        Some(match kind {
            Kind::r8_or_mem | Kind::r8_reg | Kind::r8_opcode => self.pick(Register::is_gpr8),
            Kind::r16_or_mem | Kind::r16_reg | Kind::r16_rm | Kind::r16_opcode => {
                self.pick(Register::is_gpr16)
            }
            Kind::r32_or_mem | Kind::r32_reg | Kind::r32_rm | Kind::r32_opcode => {
                self.pick(Register::is_gpr32)
            }
            Kind::r64_or_mem | Kind::r64_reg | Kind::r64_rm | Kind::r64_opcode => {
                self.pick(Register::is_gpr64)
            }
            Kind::xmm_or_mem | Kind::xmm_reg | Kind::xmm_rm => self.pick(Register::is_xmm),
            Kind::mm_or_mem | Kind::mm_reg | Kind::mm_rm => self.pick(Register::is_mm),
            Kind::seg_reg => self.pick(Register::is_segment_register),
            Kind::cr_reg => Register::CR0,
            Kind::dr_reg => Register::DR0,
            Kind::es => Register::ES,
            Kind::cs => Register::CS,
            Kind::ss => Register::SS,
            Kind::ds => Register::DS,
            Kind::fs => Register::FS,
            Kind::gs => Register::GS,
            Kind::al => Register::AL,
            Kind::cl => Register::CL,
            Kind::ax => Register::AX,
            Kind::dx => Register::DX,
            Kind::eax => Register::EAX,
            Kind::rax => Register::RAX,
            Kind::st0 => Register::ST0,
            Kind::sti_opcode => Register::ST1,
            _ => return None,
        })
    }

    fn immediate(&mut self, n: u32, kind: Kind) -> Option<OpKind> {
        let value = integer(self.rng);
        let insn = &mut self.insn;
        Some(match kind {
            Kind::imm8 if n > 0 && insn.op_kind(n - 1) == OpKind::Immediate16 => {
                insn.set_immediate8_2nd(value as u8 & 3);
                OpKind::Immediate8_2nd
            }
            Kind::imm8 => {
                // Shifts of two registers by more than the width are undefined for 16 bits.
                let narrow = matches!(insn.mnemonic(), Mnemonic::Shld | Mnemonic::Shrd);
                insn.set_immediate8(value as u8 & if narrow { 15 } else { 255 });
                OpKind::Immediate8
            }
            Kind::imm8_const_1 => {
                insn.set_immediate8(1);
                OpKind::Immediate8
            }
            Kind::imm8sex16 => {
                insn.set_immediate8to16(i16::from(value as i8));
                OpKind::Immediate8to16
            }
            Kind::imm8sex32 => {
                insn.set_immediate8to32(i32::from(value as i8));
                OpKind::Immediate8to32
            }
            Kind::imm8sex64 => {
                insn.set_immediate8to64(i64::from(value as i8));
                OpKind::Immediate8to64
            }
            Kind::imm16 => {
                // ENTER and RET move the stack pointer by it.
                let near = matches!(insn.mnemonic(), Mnemonic::Enter | Mnemonic::Ret);
                insn.set_immediate16(value as u16 & if near { 0x1ff } else { 0xffff });
                OpKind::Immediate16
            }
            Kind::imm32 => {
                insn.set_immediate32(value as u32);
                OpKind::Immediate32
            }
            Kind::imm32sex64 => {
                insn.set_immediate32to64(i64::from(value as i32));
                OpKind::Immediate32to64
            }
            Kind::imm64 => {
                insn.set_immediate64(value);
                OpKind::Immediate64
            }
            _ => return None,
        })
    }

    /// Branch targets, and memory that the opcode itself names.
    fn implied(&mut self, kind: Kind) -> Option<OpKind> {
        // Of two addresses in one instruction, both have the same size.
        let narrow = match self.size {
            CodeSize::Bits32 => true,
            CodeSize::Bits64 if self.insn.op0_kind() == OpKind::MemorySegESI => true,
            CodeSize::Bits64 => {
                kind == Kind::seg_rSI && self.insn.op0_kind() == OpKind::Register && self.one_in(8)
            }
        };
        if kind == Kind::seg_rSI && self.size == CodeSize::Bits64 && self.one_in(8) {
            self.insn.set_segment_prefix(Register::GS);
        }
        Some(match kind {
            Kind::seg_rSI if narrow => OpKind::MemorySegESI,
            Kind::seg_rSI => OpKind::MemorySegRSI,
            Kind::es_rDI if narrow => OpKind::MemoryESEDI,
            Kind::es_rDI => OpKind::MemoryESRDI,
            Kind::seg_rDI if narrow => OpKind::MemorySegEDI,
            Kind::seg_rDI => OpKind::MemorySegRDI,
            Kind::seg_rBX_al => {
                self.insn
                    .set_memory_base(if narrow { Register::EBX } else { Register::RBX });
                self.insn.set_memory_index(Register::AL);
                OpKind::Memory
            }
            Kind::mem_offs => {
                self.insn.set_memory_displ_size(self.size.bits() / 8);
                self.insn
                    .set_memory_displacement64(DATA + 0x300 + self.rng.below(64));
                OpKind::Memory
            }
            Kind::br64_1 | Kind::br64_4 => {
                self.insn.set_near_branch64(TAKEN);
                OpKind::NearBranch64
            }
            Kind::br32_1 | Kind::br32_4 => {
                self.insn.set_near_branch32(TAKEN as u32);
                OpKind::NearBranch32
            }
            _ => return None,
        })
    }

    /// A memory operand in one of its shapes: RIP-relative, absolute, or by registers of 64 or 32 bits.
    fn memory(&mut self, n: u32) {
        self.insn.set_op_kind(n, OpKind::Memory);
        let long = self.size == CodeSize::Bits64;
        let fixed = DATA + 0x400 + 16 * self.rng.below(16);
        match self.rng.below(8) {
            0 if long => {
                self.insn.set_memory_base(Register::RIP);
                self.insn.set_memory_displ_size(8);
                self.insn.set_memory_displacement64(fixed);
            }
            1 => {
                self.insn.set_memory_displ_size(4);
                self.insn.set_memory_displacement64(fixed);
            }
            shape => self.by_registers(!long || shape == 2),
        }
    }

    fn by_registers(&mut self, narrow: bool) {
        let wanted = |r: Register| if narrow { r.is_gpr32() } else { r.is_gpr64() };
        let base = self.pick(wanted);
        self.insn.set_memory_base(base);
        if self.one_in(2) {
            let stack = |r: Register| matches!(r, Register::RSP | Register::ESP);
            let index = self.pick(|r| wanted(r) && r != base && !stack(r));
            self.insn.set_memory_index(index);
            self.insn.set_memory_index_scale(1 << self.rng.below(4));
        }
        let displacement = match self.rng.below(3) {
            0 => 0,
            1 => i64::from(self.rng.next() as i8),
            _ => i64::from(self.rng.next() as i32),
        };
        // The encoder shortens what fits in a byte.
        let (bytes, mask) = if narrow {
            (4, 0xffff_ffff)
        } else {
            (8, u64::MAX)
        };
        self.insn
            .set_memory_displ_size(if displacement == 0 { 0 } else { bytes });
        self.insn
            .set_memory_displacement64(displacement as u64 & mask);
        if self.size == CodeSize::Bits64 && self.one_in(8) {
            self.insn.set_segment_prefix(Register::GS);
        }
    }
}
