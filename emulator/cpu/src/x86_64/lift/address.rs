//! Memory operands: how an x86 effective address becomes the operands of a load or store.

use super::Lifter;
use crate::x86_64::reg::{RSP, SEG_BASE};
use base::Width;
use iced_x86::Register;
use ir::reg::ZERO;
use ir::{Opcode, Reg};

/// A memory operand, in the two shapes that loads and stores take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// base + disp
    Based {
        /// The base register.
        base: Reg,
        /// The displacement.
        disp: i32,
    },
    /// base + (index << scale) + disp
    Indexed {
        /// The base register.
        base: Reg,
        /// The index register.
        index: Reg,
        /// log2 of the scale.
        scale: u8,
        /// The displacement, in 30 bits.
        disp: i32,
    },
}

/// Displacements that fit beside a scale.
const fn fits_indexed(disp: i32) -> bool {
    disp >= -(1 << 29) && disp < 1 << 29
}

/// The immediate of an indexed form.
const fn indexed_imm(scale: u8, disp: i32) -> i32 {
    disp << 2 | scale as i32
}

impl Lifter {
    /// The register that holds the base of `segment`, unless it is known to be zero.
    pub fn segment_base(&self, segment: Register) -> Option<Reg> {
        let index = match segment {
            Register::ES => 0,
            Register::CS => 1,
            Register::SS => 2,
            Register::DS => 3,
            Register::FS => 4,
            Register::GS => 5,
            _ => return None,
        };
        (index >= 4 || !self.mode.flat()).then_some(SEG_BASE + index)
    }

    /// The instruction's memory operand as a linear address.
    pub fn ea(&mut self) -> Address {
        let offset = self.offset(0);
        self.linear(offset, self.insn.memory_segment())
    }

    /// As [`Lifter::ea`], for an instruction that has moved RSP up by `popped` bytes when it computes the address.
    pub fn ea_after_pop(&mut self, popped: i32) -> Address {
        let rsp = matches!(self.insn.memory_base(), Register::RSP | Register::ESP);
        let offset = self.offset(if rsp { popped } else { 0 });
        self.linear(offset, self.insn.memory_segment())
    }

    /// The instruction's memory operand as an offset into its segment, with `extra` bytes added.
    pub fn offset(&mut self, extra: i32) -> Address {
        let insn = self.insn;
        let bits = match (insn.memory_base(), insn.memory_index()) {
            (Register::None, Register::None) => insn.memory_displ_size() * 8,
            (Register::None, r) | (r, _) => r.size() as u32 * 8,
        };
        let disp = insn.memory_displacement64();
        let mut base = match insn.memory_base() {
            Register::None | Register::RIP | Register::EIP => ZERO,
            r => r.full_register().number() as Reg,
        };
        let index = match insn.memory_index() {
            Register::None => None,
            r => Some(r.full_register().number() as Reg),
        };
        let scale = insn.memory_index_scale().trailing_zeros() as u8;
        if bits == 64 || (insn.is_ip_rel_memory_operand() && self.mode.long()) {
            let disp = disp.wrapping_add(extra as u64);
            let Ok(disp) = i32::try_from(disp as i64) else {
                return Address::Based {
                    base: self.b.imm(disp),
                    disp: 0,
                };
            };
            let Some(index) = index else {
                return Address::Based { base, disp };
            };
            if fits_indexed(disp) {
                return Address::Indexed {
                    base,
                    index,
                    scale,
                    disp,
                };
            }
            let sum = self.b.temp();
            self.b.alu_imm(Opcode::AddI, sum, base, disp);
            base = sum;
            return Address::Indexed {
                base,
                index,
                scale,
                disp: 0,
            };
        }
        self.short_offset(base, index, scale, (disp as i32).wrapping_add(extra), bits)
    }

    /// An offset that is computed in 16 or 32 bits and wraps there.
    fn short_offset(
        &mut self,
        base: Reg,
        index: Option<Reg>,
        scale: u8,
        disp: i32,
        bits: u32,
    ) -> Address {
        let disp = if bits == 16 {
            i32::from(disp as u16)
        } else {
            disp
        };
        if base == ZERO && index.is_none() {
            return match i32::try_from(disp as u32) {
                Ok(disp) => Address::Based { base, disp },
                Err(_) => Address::Based {
                    base: self.b.imm(u64::from(disp as u32)),
                    disp: 0,
                },
            };
        }
        let mut sum = base;
        if let Some(index) = index {
            sum = self.b.temp();
            self.b.op(Opcode::Lea32, sum, base, index, i32::from(scale));
        }
        let t = self.b.temp();
        self.b.alu_imm(Opcode::AddI32, t, sum, disp);
        if bits == 16 {
            self.b.unary(Opcode::Zext16, t, t);
        }
        Address::Based { base: t, disp: 0 }
    }

    /// Adds the base of `segment` to an offset. Outside long mode linear addresses have 32 bits.
    pub fn linear(&mut self, offset: Address, segment: Register) -> Address {
        let Some(segment) = self.segment_base(segment) else {
            return offset;
        };
        if !self.mode.long() {
            let (base, disp) = self.based(offset);
            let t = self.b.temp();
            self.b.op(Opcode::Lea32, t, base, segment, 0);
            if disp != 0 {
                self.b.alu_imm(Opcode::AddI32, t, t, disp);
            }
            return Address::Based { base: t, disp: 0 };
        }
        match offset {
            Address::Based { base: ZERO, disp } => Address::Based {
                base: segment,
                disp,
            },
            Address::Based { base, disp } if fits_indexed(disp) => Address::Indexed {
                base: segment,
                index: base,
                scale: 0,
                disp,
            },
            _ => {
                let t = self.address(offset);
                Address::Indexed {
                    base: segment,
                    index: t,
                    scale: 0,
                    disp: 0,
                }
            }
        }
    }

    /// An address as one register.
    pub fn address(&mut self, address: Address) -> Reg {
        match address {
            Address::Based { base, disp: 0 } => base,
            Address::Based { base, disp } => {
                let t = self.b.temp();
                self.b.alu_imm(Opcode::AddI, t, base, disp);
                t
            }
            Address::Indexed {
                base,
                index,
                scale,
                disp,
            } => {
                let t = self.b.temp();
                self.b
                    .op(Opcode::Lea, t, base, index, indexed_imm(scale, disp));
                t
            }
        }
    }

    /// An address as base and displacement.
    pub fn based(&mut self, address: Address) -> (Reg, i32) {
        match address {
            Address::Based { base, disp } => (base, disp),
            Address::Indexed { .. } => (self.address(address), 0),
        }
    }

    /// d = address, for LEA of 64 bits.
    pub fn load_address(&mut self, d: Reg, address: Address) {
        match address {
            Address::Based { base: ZERO, disp } => self.b.constant(d, disp as u64),
            Address::Based { base, disp: 0 } => self.b.mov(d, base),
            Address::Based { base, disp } => self.b.alu_imm(Opcode::AddI, d, base, disp),
            Address::Indexed {
                base,
                index,
                scale,
                disp,
            } => {
                self.b
                    .op(Opcode::Lea, d, base, index, indexed_imm(scale, disp));
            }
        }
    }

    /// d = memory, zero-extended.
    pub fn load(&mut self, d: Reg, address: Address, width: Width) {
        let (plain, indexed) = match width {
            Width::B1 => (Opcode::Ld8, Opcode::LdX8),
            Width::B2 => (Opcode::Ld16, Opcode::LdX16),
            Width::B4 => (Opcode::Ld32, Opcode::LdX32),
            Width::B8 => (Opcode::Ld64, Opcode::LdX64),
        };
        self.load_by(plain, indexed, d, address);
    }

    /// d = memory, sign-extended.
    pub fn load_signed(&mut self, d: Reg, address: Address, width: Width) {
        let (plain, indexed) = match width {
            Width::B1 => (Opcode::Ld8s, Opcode::LdX8s),
            Width::B2 => (Opcode::Ld16s, Opcode::LdX16s),
            Width::B4 => (Opcode::Ld32s, Opcode::LdX32s),
            Width::B8 => (Opcode::Ld64, Opcode::LdX64),
        };
        self.load_by(plain, indexed, d, address);
    }

    fn load_by(&mut self, plain: Opcode, indexed: Opcode, d: Reg, address: Address) {
        match address {
            Address::Based { base, disp } => self.b.alu_imm(plain, d, base, disp),
            Address::Indexed {
                base,
                index,
                scale,
                disp,
            } => {
                self.b.op(indexed, d, base, index, indexed_imm(scale, disp));
            }
        }
    }

    /// d = memory that the instruction is about to write: faults as a write, and the store that follows cannot.
    pub fn load_for_write(&mut self, d: Reg, base: Reg, disp: i32, width: Width) {
        let code = match width {
            Width::B1 => Opcode::LdW8,
            Width::B2 => Opcode::LdW16,
            Width::B4 => Opcode::LdW32,
            Width::B8 => Opcode::LdW64,
        };
        self.b.alu_imm(code, d, base, disp);
    }

    /// memory = the low bits of `value`.
    pub fn store(&mut self, address: Address, width: Width, value: Reg) {
        let (plain, indexed) = match width {
            Width::B1 => (Opcode::St8, Opcode::StX8),
            Width::B2 => (Opcode::St16, Opcode::StX16),
            Width::B4 => (Opcode::St32, Opcode::StX32),
            Width::B8 => (Opcode::St64, Opcode::StX64),
        };
        match address {
            Address::Based { base, disp } => self.b.op(plain, ZERO, base, value, disp),
            Address::Indexed {
                base,
                index,
                scale,
                disp,
            } => {
                self.b
                    .op(indexed, value, base, index, indexed_imm(scale, disp));
            }
        }
    }

    /// The linear address of what lies `offset` bytes above the top of the stack, as base and displacement.
    pub fn stack_slot(&mut self, offset: i32) -> (Reg, i32) {
        if self.mode.long() {
            return (RSP, offset);
        }
        let t = self.b.temp();
        self.b.alu_imm(Opcode::AddI32, t, RSP, offset);
        if !self.mode.stack32() {
            self.b.unary(Opcode::Zext16, t, t);
        }
        let linear = self.linear(Address::Based { base: t, disp: 0 }, Register::SS);
        self.based(linear)
    }

    /// Moves the stack pointer up by `offset` bytes.
    pub fn move_sp(&mut self, offset: i32) {
        if self.mode.long() {
            self.b.alu_imm(Opcode::AddI, RSP, RSP, offset);
        } else if self.mode.stack32() {
            self.b.alu_imm(Opcode::AddI32, RSP, RSP, offset);
        } else {
            let t = self.b.temp();
            self.b.alu_imm(Opcode::AddI32, t, RSP, offset);
            self.b.unary(Opcode::Insert16, RSP, t);
        }
    }
}
