//! The C extension: a 16-bit instruction is the 32-bit one that it stands for (Unprivileged spec, 26.8).
//!
//! Hints and reserved encodings are told apart here: a hint becomes an instruction without effect, a reserved one none.

/// Register numbers that three bits name: x8 to x15.
const fn short(bits: u16, at: u32) -> u32 {
    8 + (bits as u32 >> at & 7)
}

/// Bits `from` (and `len` of them) of `bits`, moved to bit `to`.
const fn field(bits: u16, from: u32, len: u32, to: u32) -> u32 {
    (bits as u32 >> from & ((1 << len) - 1)) << to
}

const fn i_type(imm: u32, rs1: u32, funct3: u32, rd: u32, opcode: u32) -> u32 {
    (imm & 0xfff) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

const fn s_type(imm: u32, rs2: u32, rs1: u32, funct3: u32, opcode: u32) -> u32 {
    (imm >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (imm & 0x1f) << 7 | opcode
}

const fn r_type(funct7: u32, rs2: u32, rs1: u32, funct3: u32, rd: u32, opcode: u32) -> u32 {
    funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode
}

const fn b_type(imm: u32, rs1: u32, funct3: u32) -> u32 {
    (imm >> 12 & 1) << 31
        | (imm >> 5 & 0x3f) << 25
        | rs1 << 15
        | funct3 << 12
        | (imm >> 1 & 0xf) << 8
        | (imm >> 11 & 1) << 7
        | 0x63
}

const fn j_type(imm: u32, rd: u32) -> u32 {
    (imm >> 20 & 1) << 31
        | (imm >> 1 & 0x3ff) << 21
        | (imm >> 11 & 1) << 20
        | imm & 0xf_f000
        | rd << 7
        | 0x6f
}

/// `value`'s low `bits` bits, sign-extended.
const fn signed(value: u32, bits: u32) -> u32 {
    ((value << (32 - bits)) as i32 >> (32 - bits)) as u32
}

/// The instruction that `bits` stands for; `None` if it is reserved.
pub const fn expand(bits: u16) -> Option<u32> {
    const OP: u32 = 0x33;
    const OP_32: u32 = 0x3b;
    const OP_IMM: u32 = 0x13;
    const OP_IMM_32: u32 = 0x1b;
    const LOAD: u32 = 0x03;
    const LOAD_FP: u32 = 0x07;
    const STORE: u32 = 0x23;
    const STORE_FP: u32 = 0x27;
    let rd = bits as u32 >> 7 & 0x1f;
    let rs2 = bits as u32 >> 2 & 0x1f;
    let imm6 = signed(field(bits, 2, 5, 0) | field(bits, 12, 1, 5), 6);
    let shift = field(bits, 2, 5, 0) | field(bits, 12, 1, 5);
    let word = field(bits, 10, 3, 3) | field(bits, 6, 1, 2) | field(bits, 5, 1, 6);
    let double = field(bits, 10, 3, 3) | field(bits, 5, 2, 6);
    Some(match (bits & 3, bits >> 13) {
        // C.ADDI4SPN
        (0, 0) => {
            let imm = field(bits, 11, 2, 4)
                | field(bits, 7, 4, 6)
                | field(bits, 6, 1, 2)
                | field(bits, 5, 1, 3);
            if imm == 0 {
                return None;
            }
            i_type(imm, 2, 0, short(bits, 2), OP_IMM)
        }
        // C.FLD, C.LW, C.LD, C.FSD, C.SW, C.SD
        (0, 1) => i_type(double, short(bits, 7), 3, short(bits, 2), LOAD_FP),
        (0, 2) => i_type(word, short(bits, 7), 2, short(bits, 2), LOAD),
        (0, 3) => i_type(double, short(bits, 7), 3, short(bits, 2), LOAD),
        (0, 5) => s_type(double, short(bits, 2), short(bits, 7), 3, STORE_FP),
        (0, 6) => s_type(word, short(bits, 2), short(bits, 7), 2, STORE),
        (0, 7) => s_type(double, short(bits, 2), short(bits, 7), 3, STORE),
        // C.ADDI (C.NOP and hints among them), C.ADDIW, C.LI
        (1, 0) => i_type(imm6, rd, 0, rd, OP_IMM),
        (1, 1) => {
            if rd == 0 {
                return None;
            }
            i_type(imm6, rd, 0, rd, OP_IMM_32)
        }
        (1, 2) => i_type(imm6, 0, 0, rd, OP_IMM),
        // C.ADDI16SP, C.LUI
        (1, 3) if rd == 2 => {
            let imm = field(bits, 12, 1, 9)
                | field(bits, 6, 1, 4)
                | field(bits, 5, 1, 6)
                | field(bits, 3, 2, 7)
                | field(bits, 2, 1, 5);
            if imm == 0 {
                return None;
            }
            i_type(signed(imm, 10), 2, 0, 2, OP_IMM)
        }
        (1, 3) => {
            if imm6 == 0 {
                return None;
            }
            imm6 << 12 | rd << 7 | 0x37
        }
        (1, 4) => {
            let rd = short(bits, 7);
            let rs2 = short(bits, 2);
            match (bits >> 10 & 3, bits >> 12 & 1, bits >> 5 & 3) {
                // C.SRLI, C.SRAI, C.ANDI
                (0, ..) => i_type(shift, rd, 5, rd, OP_IMM),
                (1, ..) => i_type(shift | 0x400, rd, 5, rd, OP_IMM),
                (2, ..) => i_type(imm6, rd, 7, rd, OP_IMM),
                // C.SUB, C.XOR, C.OR, C.AND, C.SUBW, C.ADDW
                (_, 0, 0) => r_type(0x20, rs2, rd, 0, rd, OP),
                (_, 0, 1) => r_type(0, rs2, rd, 4, rd, OP),
                (_, 0, 2) => r_type(0, rs2, rd, 6, rd, OP),
                (_, 0, _) => r_type(0, rs2, rd, 7, rd, OP),
                (_, _, 0) => r_type(0x20, rs2, rd, 0, rd, OP_32),
                (_, _, 1) => r_type(0, rs2, rd, 0, rd, OP_32),
                _ => return None,
            }
        }
        // C.J, C.BEQZ, C.BNEZ
        (1, 5) => {
            let imm = field(bits, 12, 1, 11)
                | field(bits, 11, 1, 4)
                | field(bits, 9, 2, 8)
                | field(bits, 8, 1, 10)
                | field(bits, 7, 1, 6)
                | field(bits, 6, 1, 7)
                | field(bits, 3, 3, 1)
                | field(bits, 2, 1, 5);
            j_type(signed(imm, 12), 0)
        }
        (1, 6 | 7) => {
            let imm = field(bits, 12, 1, 8)
                | field(bits, 10, 2, 3)
                | field(bits, 5, 2, 6)
                | field(bits, 3, 2, 1)
                | field(bits, 2, 1, 5);
            b_type(signed(imm, 9), short(bits, 7), bits as u32 >> 13 & 1)
        }
        // C.SLLI
        (2, 0) => i_type(shift, rd, 1, rd, OP_IMM),
        // C.FLDSP, C.LWSP, C.LDSP
        (2, 1) => {
            let imm = field(bits, 12, 1, 5) | field(bits, 5, 2, 3) | field(bits, 2, 3, 6);
            i_type(imm, 2, 3, rd, LOAD_FP)
        }
        (2, 2) => {
            if rd == 0 {
                return None;
            }
            let imm = field(bits, 12, 1, 5) | field(bits, 4, 3, 2) | field(bits, 2, 2, 6);
            i_type(imm, 2, 2, rd, LOAD)
        }
        (2, 3) => {
            if rd == 0 {
                return None;
            }
            let imm = field(bits, 12, 1, 5) | field(bits, 5, 2, 3) | field(bits, 2, 3, 6);
            i_type(imm, 2, 3, rd, LOAD)
        }
        (2, 4) => match (bits >> 12 & 1, rd, rs2) {
            (0, 0, 0) => return None,
            // C.JR, C.MV
            (0, _, 0) => i_type(0, rd, 0, 0, 0x67),
            (0, ..) => r_type(0, rs2, 0, 0, rd, OP),
            // C.EBREAK, C.JALR, C.ADD
            (_, 0, 0) => 0x0010_0073,
            (_, _, 0) => i_type(0, rd, 0, 1, 0x67),
            _ => r_type(0, rs2, rd, 0, rd, OP),
        },
        // C.FSDSP, C.SWSP, C.SDSP
        (2, 5) => {
            let imm = field(bits, 10, 3, 3) | field(bits, 7, 3, 6);
            s_type(imm, rs2, 2, 3, STORE_FP)
        }
        (2, 6) => {
            let imm = field(bits, 9, 4, 2) | field(bits, 7, 2, 6);
            s_type(imm, rs2, 2, 2, STORE)
        }
        (2, 7) => {
            let imm = field(bits, 10, 3, 3) | field(bits, 7, 3, 6);
            s_type(imm, rs2, 2, 3, STORE)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_instructions_stand_for_long_ones() {
        for (bits, long) in [
            (0x1141u16, 0xff01_0113u32), // addi sp, sp, -16
            (0xe406, 0x0011_3423),       // sd ra, 8(sp)
            (0x60a2, 0x0081_3083),       // ld ra, 8(sp)
            (0x8082, 0x0000_8067),       // ret
            (0x0001, 0x0000_0013),       // nop
            (0x4501, 0x0000_0513),       // li a0, 0
            (0x9002, 0x0010_0073),       // ebreak
            (0x852a, 0x00a0_0533),       // mv a0, a0
            (0x7139, 0xfc01_0113),       // addi sp, sp, -64
        ] {
            assert_eq!(expand(bits), Some(long), "{bits:#06x}");
        }
        assert_eq!(expand(0), None);
    }
}
