//! The fields of a 32-bit instruction (Unprivileged spec, 2.2 and 2.3).
//!
//! ```text
//! R   funct7 31..25   rs2 24..20   rs1 19..15   funct3 14..12   rd 11..7    opcode 6..0
//! I   imm[11:0] 31..20             rs1          funct3          rd          opcode
//! S   imm[11:5] 31..25   rs2       rs1          funct3          imm[4:0]    opcode
//! B   imm[12|10:5]       rs2       rs1          funct3          imm[4:1|11] opcode
//! U   imm[31:12] 31..12                                         rd          opcode
//! J   imm[20|10:1|11|19:12]                                     rd          opcode
//! ```

/// An instruction's 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn(pub u32);

impl Insn {
    /// Bits 6 to 2 of the opcode (the lowest two are ones).
    pub const fn opcode(self) -> u32 {
        self.0 >> 2 & 0x1f
    }

    /// Number of the destination register.
    pub const fn rd(self) -> u32 {
        self.0 >> 7 & 0x1f
    }

    /// Number of the first source register.
    pub const fn rs1(self) -> u32 {
        self.0 >> 15 & 0x1f
    }

    /// Number of the second source register.
    pub const fn rs2(self) -> u32 {
        self.0 >> 20 & 0x1f
    }

    /// Number of the third source register.
    pub const fn rs3(self) -> u32 {
        self.0 >> 27
    }

    /// Bits 14 to 12.
    pub const fn funct3(self) -> u32 {
        self.0 >> 12 & 7
    }

    /// Bits 31 to 25.
    pub const fn funct7(self) -> u32 {
        self.0 >> 25
    }

    /// Bits 31 to 20 without sign.
    pub const fn upper12(self) -> u32 {
        self.0 >> 20
    }

    /// The I-type immediate.
    pub const fn imm_i(self) -> i32 {
        self.0 as i32 >> 20
    }

    /// The S-type immediate.
    pub const fn imm_s(self) -> i32 {
        (self.0 as i32 >> 20) & !0x1f | self.rd() as i32
    }

    /// The B-type immediate.
    pub const fn imm_b(self) -> i32 {
        let sign = self.0 as i32 >> 31 << 12;
        let bits = (self.0 >> 7 & 1) << 11 | (self.0 >> 25 & 0x3f) << 5 | (self.0 >> 8 & 0xf) << 1;
        sign | bits as i32
    }

    /// The U-type immediate, in place.
    pub const fn imm_u(self) -> i32 {
        (self.0 & !0xfff) as i32
    }

    /// The J-type immediate.
    pub const fn imm_j(self) -> i32 {
        let sign = self.0 as i32 >> 31 << 20;
        let bits = self.0 & 0xf_f000 | (self.0 >> 20 & 1) << 11 | (self.0 >> 21 & 0x3ff) << 1;
        sign | bits as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn immediates_have_their_signs_and_places() {
        assert_eq!(Insn(0xff01_0113).imm_i(), -16); // addi sp, sp, -16
        assert_eq!(Insn(0xfea4_2c23).imm_s(), -8); // sw a0, -8(s0)
        assert_eq!(Insn(0xfe05_1ce3).imm_b(), -8); // bnez a0, .-8
        assert_eq!(Insn(0xffdf_f06f).imm_j(), -4); // j .-4
        assert_eq!(Insn(0x8000_02b7).imm_u(), i32::MIN); // lui t0, 0x80000
    }
}
