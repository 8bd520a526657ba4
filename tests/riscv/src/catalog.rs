//! The instructions under test: every one that the hart has for user programs, and privileged ones for the decoder.
//!
//! Written from the manual's listings and not from the emulator. No encoding belongs to two rows. Long, because it is one
//! table.

use crate::pattern::Pattern;
use std::sync::LazyLock;

/// An instruction.
#[derive(Clone, Debug)]
pub struct Row {
    /// The assembler's name.
    pub name: &'static str,
    /// Its encodings.
    pub pattern: Pattern,
    /// Which bit of the immediate or displacement each bit of that field is, the highest first; empty where nobody has to
    /// know it.
    pub layout: &'static [u32],
}

impl Row {
    /// The immediate or displacement in `bits`, with its sign if it has one.
    pub fn offset(&self, bits: u32) -> i64 {
        let field = ['i', 'j'].iter().find_map(|l| self.pattern.field(*l, bits));
        let Some((field, _)) = field else {
            return 0;
        };
        let places = self.layout.iter().rev().enumerate();
        let value = places.fold(0, |value, (n, at)| value | i64::from(field >> n & 1) << at);
        let top = self.layout.iter().max().copied().unwrap_or(0);
        // Loads and stores of 16 bits have no negative offsets.
        let signed = self.pattern.len == 4 || self.pattern.field('j', bits).is_some();
        if signed && value >> top & 1 != 0 {
            value - (2 << top)
        } else {
            value
        }
    }

    /// The field that says `displacement`.
    pub fn field(&self, displacement: i64) -> u32 {
        let bits = self.layout.iter();
        bits.fold(0, |field, at| field << 1 | (displacement >> at & 1) as u32)
    }
}

type Table = &'static [(&'static str, &'static str)];

const NONE: &[u32] = &[];
const I: &[u32] = &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
const JAL: &[u32] = &[
    20, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 11, 19, 18, 17, 16, 15, 14, 13, 12,
];
const BRANCH: &[u32] = &[12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 11];
const CW: &[u32] = &[5, 4, 3, 2, 6];
const CD: &[u32] = &[5, 4, 3, 7, 6];
const CLWSP: &[u32] = &[5, 4, 3, 2, 7, 6];
const CLDSP: &[u32] = &[5, 4, 3, 8, 7, 6];
const CSWSP: &[u32] = &[5, 4, 3, 2, 7, 6];
const CSDSP: &[u32] = &[5, 4, 3, 8, 7, 6];
const CJ: &[u32] = &[11, 4, 9, 8, 10, 6, 7, 3, 2, 1, 5];
const CB: &[u32] = &[8, 4, 3, 7, 6, 2, 1, 5];

/// The families, with the layout of their immediates.
const USER: &[(&[u32], Table)] = &[
    // RV64I
    (
        I,
        &[
            ("lb", "iiiiiiiiiiii ppppp 000 ddddd 0000011"),
            ("lh", "iiiiiiiiiiii ppppp 001 ddddd 0000011"),
            ("lw", "iiiiiiiiiiii ppppp 010 ddddd 0000011"),
            ("ld", "iiiiiiiiiiii ppppp 011 ddddd 0000011"),
            ("lbu", "iiiiiiiiiiii ppppp 100 ddddd 0000011"),
            ("lhu", "iiiiiiiiiiii ppppp 101 ddddd 0000011"),
            ("lwu", "iiiiiiiiiiii ppppp 110 ddddd 0000011"),
            ("sb", "iiiiiii bbbbb ppppp 000 iiiii 0100011"),
            ("sh", "iiiiiii bbbbb ppppp 001 iiiii 0100011"),
            ("sw", "iiiiiii bbbbb ppppp 010 iiiii 0100011"),
            ("sd", "iiiiiii bbbbb ppppp 011 iiiii 0100011"),
        ],
    ),
    (
        NONE,
        &[
            ("lui", "iiiiiiiiiiiiiiiiiiii ddddd 0110111"),
            ("auipc", "iiiiiiiiiiiiiiiiiiii ddddd 0010111"),
        ],
    ),
    (JAL, &[("jal", "jjjjjjjjjjjjjjjjjjjj ddddd 1101111")]),
    (I, &[("jalr", "iiiiiiiiiiii aaaaa 000 ddddd 1100111")]),
    (
        BRANCH,
        &[
            ("beq", "jjjjjjj bbbbb aaaaa 000 jjjjj 1100011"),
            ("bne", "jjjjjjj bbbbb aaaaa 001 jjjjj 1100011"),
            ("blt", "jjjjjjj bbbbb aaaaa 100 jjjjj 1100011"),
            ("bge", "jjjjjjj bbbbb aaaaa 101 jjjjj 1100011"),
            ("bltu", "jjjjjjj bbbbb aaaaa 110 jjjjj 1100011"),
            ("bgeu", "jjjjjjj bbbbb aaaaa 111 jjjjj 1100011"),
        ],
    ),
    (
        NONE,
        &[
            ("addi", "iiiiiiiiiiii aaaaa 000 ddddd 0010011"),
            ("slti", "iiiiiiiiiiii aaaaa 010 ddddd 0010011"),
            ("sltiu", "iiiiiiiiiiii aaaaa 011 ddddd 0010011"),
            ("xori", "iiiiiiiiiiii aaaaa 100 ddddd 0010011"),
            ("ori", "iiiiiiiiiiii aaaaa 110 ddddd 0010011"),
            ("andi", "iiiiiiiiiiii aaaaa 111 ddddd 0010011"),
            ("slli", "000000 iiiiii aaaaa 001 ddddd 0010011"),
            ("srli", "000000 iiiiii aaaaa 101 ddddd 0010011"),
            ("srai", "010000 iiiiii aaaaa 101 ddddd 0010011"),
            ("addiw", "iiiiiiiiiiii aaaaa 000 ddddd 0011011"),
            ("slliw", "0000000 iiiii aaaaa 001 ddddd 0011011"),
            ("srliw", "0000000 iiiii aaaaa 101 ddddd 0011011"),
            ("sraiw", "0100000 iiiii aaaaa 101 ddddd 0011011"),
            ("add", "0000000 bbbbb aaaaa 000 ddddd 0110011"),
            ("sub", "0100000 bbbbb aaaaa 000 ddddd 0110011"),
            ("sll", "0000000 bbbbb aaaaa 001 ddddd 0110011"),
            ("slt", "0000000 bbbbb aaaaa 010 ddddd 0110011"),
            ("sltu", "0000000 bbbbb aaaaa 011 ddddd 0110011"),
            ("xor", "0000000 bbbbb aaaaa 100 ddddd 0110011"),
            ("srl", "0000000 bbbbb aaaaa 101 ddddd 0110011"),
            ("sra", "0100000 bbbbb aaaaa 101 ddddd 0110011"),
            ("or", "0000000 bbbbb aaaaa 110 ddddd 0110011"),
            ("and", "0000000 bbbbb aaaaa 111 ddddd 0110011"),
            ("addw", "0000000 bbbbb aaaaa 000 ddddd 0111011"),
            ("subw", "0100000 bbbbb aaaaa 000 ddddd 0111011"),
            ("sllw", "0000000 bbbbb aaaaa 001 ddddd 0111011"),
            ("srlw", "0000000 bbbbb aaaaa 101 ddddd 0111011"),
            ("sraw", "0100000 bbbbb aaaaa 101 ddddd 0111011"),
            ("fence", "xxxxxxxxxxxx xxxxx 000 xxxxx 0001111"),
            ("fence.i", "xxxxxxxxxxxx xxxxx 001 xxxxx 0001111"),
            ("ecall", "000000000000 00000 000 00000 1110011"),
            ("ebreak", "000000000001 00000 000 00000 1110011"),
        ],
    ),
    // M
    (
        NONE,
        &[
            ("mul", "0000001 bbbbb aaaaa 000 ddddd 0110011"),
            ("mulh", "0000001 bbbbb aaaaa 001 ddddd 0110011"),
            ("mulhsu", "0000001 bbbbb aaaaa 010 ddddd 0110011"),
            ("mulhu", "0000001 bbbbb aaaaa 011 ddddd 0110011"),
            ("div", "0000001 bbbbb aaaaa 100 ddddd 0110011"),
            ("divu", "0000001 bbbbb aaaaa 101 ddddd 0110011"),
            ("rem", "0000001 bbbbb aaaaa 110 ddddd 0110011"),
            ("remu", "0000001 bbbbb aaaaa 111 ddddd 0110011"),
            ("mulw", "0000001 bbbbb aaaaa 000 ddddd 0111011"),
            ("divw", "0000001 bbbbb aaaaa 100 ddddd 0111011"),
            ("divuw", "0000001 bbbbb aaaaa 101 ddddd 0111011"),
            ("remw", "0000001 bbbbb aaaaa 110 ddddd 0111011"),
            ("remuw", "0000001 bbbbb aaaaa 111 ddddd 0111011"),
        ],
    ),
    // A
    (
        NONE,
        &[
            ("lr.w", "00010 x x 00000 ppppp 010 ddddd 0101111"),
            ("sc.w", "00011 x x bbbbb ppppp 010 ddddd 0101111"),
            ("amoswap.w", "00001 x x bbbbb ppppp 010 ddddd 0101111"),
            ("amoadd.w", "00000 x x bbbbb ppppp 010 ddddd 0101111"),
            ("amoxor.w", "00100 x x bbbbb ppppp 010 ddddd 0101111"),
            ("amoand.w", "01100 x x bbbbb ppppp 010 ddddd 0101111"),
            ("amoor.w", "01000 x x bbbbb ppppp 010 ddddd 0101111"),
            ("amomin.w", "10000 x x bbbbb ppppp 010 ddddd 0101111"),
            ("amomax.w", "10100 x x bbbbb ppppp 010 ddddd 0101111"),
            ("amominu.w", "11000 x x bbbbb ppppp 010 ddddd 0101111"),
            ("amomaxu.w", "11100 x x bbbbb ppppp 010 ddddd 0101111"),
            ("lr.d", "00010 x x 00000 ppppp 011 ddddd 0101111"),
            ("sc.d", "00011 x x bbbbb ppppp 011 ddddd 0101111"),
            ("amoswap.d", "00001 x x bbbbb ppppp 011 ddddd 0101111"),
            ("amoadd.d", "00000 x x bbbbb ppppp 011 ddddd 0101111"),
            ("amoxor.d", "00100 x x bbbbb ppppp 011 ddddd 0101111"),
            ("amoand.d", "01100 x x bbbbb ppppp 011 ddddd 0101111"),
            ("amoor.d", "01000 x x bbbbb ppppp 011 ddddd 0101111"),
            ("amomin.d", "10000 x x bbbbb ppppp 011 ddddd 0101111"),
            ("amomax.d", "10100 x x bbbbb ppppp 011 ddddd 0101111"),
            ("amominu.d", "11000 x x bbbbb ppppp 011 ddddd 0101111"),
            ("amomaxu.d", "11100 x x bbbbb ppppp 011 ddddd 0101111"),
        ],
    ),
    // F and D
    (
        I,
        &[
            ("flw", "iiiiiiiiiiii ppppp 010 DDDDD 0000111"),
            ("fld", "iiiiiiiiiiii ppppp 011 DDDDD 0000111"),
            ("fsw", "iiiiiii BBBBB ppppp 010 iiiii 0100111"),
            ("fsd", "iiiiiii BBBBB ppppp 011 iiiii 0100111"),
        ],
    ),
    (
        NONE,
        &[
            ("fmadd.s", "CCCCC 00 BBBBB AAAAA rrr DDDDD 1000011"),
            ("fmsub.s", "CCCCC 00 BBBBB AAAAA rrr DDDDD 1000111"),
            ("fnmsub.s", "CCCCC 00 BBBBB AAAAA rrr DDDDD 1001011"),
            ("fnmadd.s", "CCCCC 00 BBBBB AAAAA rrr DDDDD 1001111"),
            ("fadd.s", "0000000 BBBBB AAAAA rrr DDDDD 1010011"),
            ("fsub.s", "0000100 BBBBB AAAAA rrr DDDDD 1010011"),
            ("fmul.s", "0001000 BBBBB AAAAA rrr DDDDD 1010011"),
            ("fdiv.s", "0001100 BBBBB AAAAA rrr DDDDD 1010011"),
            ("fsqrt.s", "0101100 00000 AAAAA rrr DDDDD 1010011"),
            ("fsgnj.s", "0010000 BBBBB AAAAA 000 DDDDD 1010011"),
            ("fsgnjn.s", "0010000 BBBBB AAAAA 001 DDDDD 1010011"),
            ("fsgnjx.s", "0010000 BBBBB AAAAA 010 DDDDD 1010011"),
            ("fmin.s", "0010100 BBBBB AAAAA 000 DDDDD 1010011"),
            ("fmax.s", "0010100 BBBBB AAAAA 001 DDDDD 1010011"),
            ("fcvt.s.d", "0100000 00001 AAAAA rrr DDDDD 1010011"),
            ("fle.s", "1010000 BBBBB AAAAA 000 ddddd 1010011"),
            ("flt.s", "1010000 BBBBB AAAAA 001 ddddd 1010011"),
            ("feq.s", "1010000 BBBBB AAAAA 010 ddddd 1010011"),
            ("fcvt.w.s", "1100000 00000 AAAAA rrr ddddd 1010011"),
            ("fcvt.wu.s", "1100000 00001 AAAAA rrr ddddd 1010011"),
            ("fcvt.l.s", "1100000 00010 AAAAA rrr ddddd 1010011"),
            ("fcvt.lu.s", "1100000 00011 AAAAA rrr ddddd 1010011"),
            ("fcvt.s.w", "1101000 00000 aaaaa rrr DDDDD 1010011"),
            ("fcvt.s.wu", "1101000 00001 aaaaa rrr DDDDD 1010011"),
            ("fcvt.s.l", "1101000 00010 aaaaa rrr DDDDD 1010011"),
            ("fcvt.s.lu", "1101000 00011 aaaaa rrr DDDDD 1010011"),
            ("fclass.s", "1110000 00000 AAAAA 001 ddddd 1010011"),
            ("fmv.x.w", "1110000 00000 AAAAA 000 ddddd 1010011"),
            ("fmv.w.x", "1111000 00000 aaaaa 000 DDDDD 1010011"),
            ("fmadd.d", "CCCCC 01 BBBBB AAAAA rrr DDDDD 1000011"),
            ("fmsub.d", "CCCCC 01 BBBBB AAAAA rrr DDDDD 1000111"),
            ("fnmsub.d", "CCCCC 01 BBBBB AAAAA rrr DDDDD 1001011"),
            ("fnmadd.d", "CCCCC 01 BBBBB AAAAA rrr DDDDD 1001111"),
            ("fadd.d", "0000001 BBBBB AAAAA rrr DDDDD 1010011"),
            ("fsub.d", "0000101 BBBBB AAAAA rrr DDDDD 1010011"),
            ("fmul.d", "0001001 BBBBB AAAAA rrr DDDDD 1010011"),
            ("fdiv.d", "0001101 BBBBB AAAAA rrr DDDDD 1010011"),
            ("fsqrt.d", "0101101 00000 AAAAA rrr DDDDD 1010011"),
            ("fsgnj.d", "0010001 BBBBB AAAAA 000 DDDDD 1010011"),
            ("fsgnjn.d", "0010001 BBBBB AAAAA 001 DDDDD 1010011"),
            ("fsgnjx.d", "0010001 BBBBB AAAAA 010 DDDDD 1010011"),
            ("fmin.d", "0010101 BBBBB AAAAA 000 DDDDD 1010011"),
            ("fmax.d", "0010101 BBBBB AAAAA 001 DDDDD 1010011"),
            ("fcvt.d.s", "0100001 00000 AAAAA rrr DDDDD 1010011"),
            ("fle.d", "1010001 BBBBB AAAAA 000 ddddd 1010011"),
            ("flt.d", "1010001 BBBBB AAAAA 001 ddddd 1010011"),
            ("feq.d", "1010001 BBBBB AAAAA 010 ddddd 1010011"),
            ("fcvt.w.d", "1100001 00000 AAAAA rrr ddddd 1010011"),
            ("fcvt.wu.d", "1100001 00001 AAAAA rrr ddddd 1010011"),
            ("fcvt.l.d", "1100001 00010 AAAAA rrr ddddd 1010011"),
            ("fcvt.lu.d", "1100001 00011 AAAAA rrr ddddd 1010011"),
            ("fcvt.d.w", "1101001 00000 aaaaa rrr DDDDD 1010011"),
            ("fcvt.d.wu", "1101001 00001 aaaaa rrr DDDDD 1010011"),
            ("fcvt.d.l", "1101001 00010 aaaaa rrr DDDDD 1010011"),
            ("fcvt.d.lu", "1101001 00011 aaaaa rrr DDDDD 1010011"),
            ("fclass.d", "1110001 00000 AAAAA 001 ddddd 1010011"),
            ("fmv.x.d", "1110001 00000 AAAAA 000 ddddd 1010011"),
            ("fmv.d.x", "1111001 00000 aaaaa 000 DDDDD 1010011"),
        ],
    ),
    // Zicsr
    (
        NONE,
        &[
            ("csrrw", "yyyyyyyyyyyy aaaaa 001 ddddd 1110011"),
            ("csrrs", "yyyyyyyyyyyy aaaaa 010 ddddd 1110011"),
            ("csrrc", "yyyyyyyyyyyy aaaaa 011 ddddd 1110011"),
            ("csrrwi", "yyyyyyyyyyyy iiiii 101 ddddd 1110011"),
            ("csrrsi", "yyyyyyyyyyyy iiiii 110 ddddd 1110011"),
            ("csrrci", "yyyyyyyyyyyy iiiii 111 ddddd 1110011"),
        ],
    ),
    // Zba, Zbb, Zbs
    (
        NONE,
        &[
            ("sh1add", "0010000 bbbbb aaaaa 010 ddddd 0110011"),
            ("sh2add", "0010000 bbbbb aaaaa 100 ddddd 0110011"),
            ("sh3add", "0010000 bbbbb aaaaa 110 ddddd 0110011"),
            ("add.uw", "0000100 bbbbb aaaaa 000 ddddd 0111011"),
            ("sh1add.uw", "0010000 bbbbb aaaaa 010 ddddd 0111011"),
            ("sh2add.uw", "0010000 bbbbb aaaaa 100 ddddd 0111011"),
            ("sh3add.uw", "0010000 bbbbb aaaaa 110 ddddd 0111011"),
            ("slli.uw", "000010 iiiiii aaaaa 001 ddddd 0011011"),
            ("andn", "0100000 bbbbb aaaaa 111 ddddd 0110011"),
            ("orn", "0100000 bbbbb aaaaa 110 ddddd 0110011"),
            ("xnor", "0100000 bbbbb aaaaa 100 ddddd 0110011"),
            ("min", "0000101 bbbbb aaaaa 100 ddddd 0110011"),
            ("minu", "0000101 bbbbb aaaaa 101 ddddd 0110011"),
            ("max", "0000101 bbbbb aaaaa 110 ddddd 0110011"),
            ("maxu", "0000101 bbbbb aaaaa 111 ddddd 0110011"),
            ("rol", "0110000 bbbbb aaaaa 001 ddddd 0110011"),
            ("ror", "0110000 bbbbb aaaaa 101 ddddd 0110011"),
            ("rolw", "0110000 bbbbb aaaaa 001 ddddd 0111011"),
            ("rorw", "0110000 bbbbb aaaaa 101 ddddd 0111011"),
            ("clz", "011000000000 aaaaa 001 ddddd 0010011"),
            ("ctz", "011000000001 aaaaa 001 ddddd 0010011"),
            ("cpop", "011000000010 aaaaa 001 ddddd 0010011"),
            ("sext.b", "011000000100 aaaaa 001 ddddd 0010011"),
            ("sext.h", "011000000101 aaaaa 001 ddddd 0010011"),
            ("clzw", "011000000000 aaaaa 001 ddddd 0011011"),
            ("ctzw", "011000000001 aaaaa 001 ddddd 0011011"),
            ("cpopw", "011000000010 aaaaa 001 ddddd 0011011"),
            ("zext.h", "0000100 00000 aaaaa 100 ddddd 0111011"),
            ("rori", "011000 iiiiii aaaaa 101 ddddd 0010011"),
            ("roriw", "0110000 iiiii aaaaa 101 ddddd 0011011"),
            ("orc.b", "001010000111 aaaaa 101 ddddd 0010011"),
            ("rev8", "011010111000 aaaaa 101 ddddd 0010011"),
            ("bclr", "0100100 bbbbb aaaaa 001 ddddd 0110011"),
            ("binv", "0110100 bbbbb aaaaa 001 ddddd 0110011"),
            ("bset", "0010100 bbbbb aaaaa 001 ddddd 0110011"),
            ("bext", "0100100 bbbbb aaaaa 101 ddddd 0110011"),
            ("bclri", "010010 iiiiii aaaaa 001 ddddd 0010011"),
            ("binvi", "011010 iiiiii aaaaa 001 ddddd 0010011"),
            ("bseti", "001010 iiiiii aaaaa 001 ddddd 0010011"),
            ("bexti", "010010 iiiiii aaaaa 101 ddddd 0010011"),
        ],
    ),
    // Zicond, Zicboz
    (
        NONE,
        &[
            ("czero.eqz", "0000111 bbbbb aaaaa 101 ddddd 0110011"),
            ("czero.nez", "0000111 bbbbb aaaaa 111 ddddd 0110011"),
            ("cbo.zero", "000000000100 ppppp 010 00000 0001111"),
        ],
    ),
    // C
    (
        CW,
        &[
            ("c.lw", "010 iii ppp ii ddd 00"),
            ("c.sw", "110 iii ppp ii bbb 00"),
        ],
    ),
    (
        CD,
        &[
            ("c.ld", "011 iii ppp ii ddd 00"),
            ("c.sd", "111 iii ppp ii bbb 00"),
            ("c.fld", "001 iii ppp ii DDD 00"),
            ("c.fsd", "101 iii ppp ii BBB 00"),
        ],
    ),
    (CLWSP, &[("c.lwsp", "010 i eeeee iiiii 10")]),
    (
        CLDSP,
        &[
            ("c.ldsp", "011 i eeeee iiiii 10"),
            ("c.fldsp", "001 i DDDDD iiiii 10"),
        ],
    ),
    (CSWSP, &[("c.swsp", "110 iiiiii bbbbb 10")]),
    (
        CSDSP,
        &[
            ("c.sdsp", "111 iiiiii bbbbb 10"),
            ("c.fsdsp", "101 iiiiii BBBBB 10"),
        ],
    ),
    (CJ, &[("c.j", "101 jjjjjjjjjjj 01")]),
    (
        CB,
        &[
            ("c.beqz", "110 jjj aaa jjjjj 01"),
            ("c.bnez", "111 jjj aaa jjjjj 01"),
        ],
    ),
    (
        NONE,
        &[
            ("c.addi4spn", "000 nnnnnnnn ddd 00"),
            ("c.addi", "000 i ddddd iiiii 01"),
            ("c.addiw", "001 i eeeee iiiii 01"),
            ("c.li", "010 i ddddd iiiii 01"),
            ("c.addi16sp", "011 n 00010 nnnnn 01"),
            ("c.lui", "011 n ttttt nnnnn 01"),
            ("c.srli", "100 i 00 ddd iiiii 01"),
            ("c.srai", "100 i 01 ddd iiiii 01"),
            ("c.andi", "100 i 10 ddd iiiii 01"),
            ("c.sub", "100 0 11 ddd 00 bbb 01"),
            ("c.xor", "100 0 11 ddd 01 bbb 01"),
            ("c.or", "100 0 11 ddd 10 bbb 01"),
            ("c.and", "100 0 11 ddd 11 bbb 01"),
            ("c.subw", "100 1 11 ddd 00 bbb 01"),
            ("c.addw", "100 1 11 ddd 01 bbb 01"),
            ("c.slli", "000 i ddddd iiiii 10"),
            ("c.ebreak", "100 1 00000 00000 10"),
            ("c.jr", "100 0 hhhhh 00000 10"),
            ("c.jalr", "100 1 hhhhh 00000 10"),
            ("c.mv", "100 0 ddddd ggggg 10"),
            ("c.add", "100 1 ddddd ggggg 10"),
        ],
    ),
];

/// What only the decoder is asked about.
const PRIVILEGED: Table = &[
    ("sret", "0001000 00010 00000 000 00000 1110011"),
    ("mret", "0011000 00010 00000 000 00000 1110011"),
    ("wfi", "0001000 00101 00000 000 00000 1110011"),
    ("sfence.vma", "0001001 bbbbb aaaaa 000 00000 1110011"),
];

fn rows(layout: &'static [u32], table: Table) -> impl Iterator<Item = Row> {
    table.iter().map(move |(name, bits)| Row {
        name,
        pattern: Pattern::parse(bits),
        layout,
    })
}

/// The instructions of user programs.
pub static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    USER.iter()
        .flat_map(|(layout, table)| rows(layout, table))
        .collect()
});

/// All instructions.
pub static ALL: LazyLock<Vec<Row>> =
    LazyLock::new(|| ROWS.iter().cloned().chain(rows(NONE, PRIVILEGED)).collect());

/// The instructions that `bits` are an encoding of.
pub fn named(bits: u32, len: usize) -> Vec<&'static str> {
    let fits = |row: &&Row| row.pattern.len == len && row.pattern.matches(bits);
    ALL.iter().filter(fits).map(|row| row.name).collect()
}
