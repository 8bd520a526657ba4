//! The x87 state, the FXSAVE area, and the x87 control instructions that kernels use.
//!
//! [`Fpu`] is the state, [`image`] its form in memory (XMM and MXCSR included), [`call`] answers call page 3. x87
//! arithmetic is not here: nothing but FXRSTOR puts values into the registers.

mod control;
pub mod image;

pub use control::{call, id};

use base::{Codec, CodecError, State};

/// Status-word bits (SDM vol. 1, 8.1.3).
pub mod status {
    /// The six exception flags.
    pub const EXCEPTIONS: u16 = 0x3f;
    /// Stack fault.
    pub const SF: u16 = 1 << 6;
    /// An unmasked exception waits.
    pub const ES: u16 = 1 << 7;
    /// Mirrors ES.
    pub const BUSY: u16 = 1 << 15;
}

/// The x87 unit's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fpu {
    /// Control word.
    pub control: u16,
    /// Status word.
    pub status: u16,
    /// A bit for each physical register that is not empty.
    pub used: u8,
    /// Opcode of the last instruction.
    pub opcode: u16,
    /// Address of the last instruction, in the form FXSAVE64 stores.
    pub instruction: u64,
    /// Address of its operand.
    pub operand: u64,
    /// The physical registers R0..R7, 80 bits each.
    pub registers: [u128; 8],
}

impl Default for Fpu {
    /// The state after power-on (SDM vol. 3, table 9-1): all registers hold zero and are in use.
    fn default() -> Self {
        Self {
            control: 0x40,
            status: 0,
            used: 0xff,
            opcode: 0,
            instruction: 0,
            operand: 0,
            registers: [0; 8],
        }
    }
}

impl Fpu {
    /// FNINIT: everything masked, the stack empty; the registers' contents stay (SDM vol. 2, FINIT).
    pub fn reset(&mut self) {
        let registers = self.registers;
        *self = Self {
            control: 0x37f,
            used: 0,
            registers,
            ..Self::default()
        };
    }

    /// FNCLEX.
    pub const fn clear_exceptions(&mut self) {
        self.status &= !(status::EXCEPTIONS | status::SF | status::ES | status::BUSY);
    }

    /// FLDCW; a waiting exception may become unmasked or masked by it.
    pub const fn set_control(&mut self, control: u16) {
        self.control = control & 0x1f7f | 0x40;
        self.status &= !(status::ES | status::BUSY);
        if self.status & !self.control & status::EXCEPTIONS != 0 {
            self.status |= status::ES | status::BUSY;
        }
    }

    /// The number of the physical register that is ST(`index`).
    pub const fn physical(&self, index: usize) -> usize {
        ((self.status >> 11) as usize + index) & 7
    }
}

impl State for Fpu {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("x87", 1)?;
        for word in [&mut self.control, &mut self.status, &mut self.opcode] {
            codec.u16(word)?;
        }
        codec.u8(&mut self.used)?;
        codec.u64(&mut self.instruction)?;
        codec.u64(&mut self.operand)?;
        self.registers.iter_mut().try_for_each(|r| codec.u128(r))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_comes_back_from_its_bytes() {
        let mut fpu = Fpu {
            status: 0x3800,
            operand: 9,
            ..Fpu::default()
        };
        fpu.registers[3] = 0xffff << 64;
        let bytes = base::codec::save(&mut fpu);
        let mut other = Fpu::default();
        assert_eq!(base::codec::load(&mut other, &bytes), Ok(()));
        assert_eq!(other, fpu);
    }

    #[test]
    fn unmasking_a_raised_flag_makes_it_wait() {
        let mut fpu = Fpu::default();
        fpu.reset();
        fpu.status = 1;
        fpu.set_control(0x37e);
        assert_eq!(fpu.status, 0x8081);
        fpu.clear_exceptions();
        assert_eq!(fpu.status, 0);
    }
}
