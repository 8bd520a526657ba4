//! The numbers of the calls that lifted RISC-V code makes, a page of 256 for each room that answers them.
//!
//! Operands: `a`, `b` values, `d` where a result goes, the payload as each call says. `bits` are the instruction's own,
//! for xtval.

use super::cpu::Cpu;
use super::trap::Trap;
use base::{Bus, Observer};
use ir::{Flow, Op};

/// Page 0: what the privileged architecture says.
pub mod system {
    /// Illegal instruction: a = bits.
    pub const ILLEGAL: u16 = 0x00;
    /// ECALL.
    pub const ECALL: u16 = 0x01;
    /// EBREAK.
    pub const EBREAK: u16 = 0x02;
    /// SRET: a = bits.
    pub const SRET: u16 = 0x03;
    /// MRET: a = bits.
    pub const MRET: u16 = 0x04;
    /// WFI: a = bits.
    pub const WFI: u16 = 0x05;
    /// SFENCE.VMA: a = address, b = address space, d = where the bits are; payload bit 0: an address is given, bit 1: a
    /// space is.
    pub const SFENCE_VMA: u16 = 0x06;
    /// CSRRW and CSRRWI: a = value, b = bits, d = the old value.
    pub const CSRRW: u16 = 0x07;
    /// CSRRS and CSRRSI.
    pub const CSRRS: u16 = 0x08;
    /// CSRRC and CSRRCI.
    pub const CSRRC: u16 = 0x09;
    /// CBO.ZERO: a = address, b = bits.
    pub const CBO_ZERO: u16 = 0x0a;
}

/// Page 1: integers.
pub mod integer {
    /// d = a / b, signed.
    pub const DIV: u16 = 0x100;
    /// d = a / b, unsigned.
    pub const DIVU: u16 = 0x101;
    /// d = a % b, signed.
    pub const REM: u16 = 0x102;
    /// d = a % b, unsigned.
    pub const REMU: u16 = 0x103;
    /// The same of the low 32 bits, sign-extended.
    pub const DIVW: u16 = 0x104;
    /// Unsigned.
    pub const DIVUW: u16 = 0x105;
    /// Remainder.
    pub const REMW: u16 = 0x106;
    /// Remainder, unsigned.
    pub const REMUW: u16 = 0x107;
    /// d = each byte of a made all ones unless it is zero.
    pub const ORC_B: u16 = 0x108;
}

/// Page 2: atomics. a = address, b = operand, d = the old value (SC: 0 or 1); payload = bytes.
#[expect(missing_docs, reason = "the names are the manual's")]
pub mod atomic {
    pub const LR: u16 = 0x200;
    pub const SC: u16 = 0x201;
    pub const SWAP: u16 = 0x202;
    pub const ADD: u16 = 0x203;
    pub const XOR: u16 = 0x204;
    pub const AND: u16 = 0x205;
    pub const OR: u16 = 0x206;
    pub const MIN: u16 = 0x207;
    pub const MAX: u16 = 0x208;
    pub const MINU: u16 = 0x209;
    pub const MAXU: u16 = 0x20a;
}

/// Page 3: floating point. a, b operands; the payload is a [`Form`].
///
/// [`Form`]: float::Form
#[expect(missing_docs, reason = "the names are the manual's")]
pub mod float {
    /// Marks floating-point state dirty and enters the instruction again.
    pub const MARK: u16 = 0x300;
    pub const ADD: u16 = 0x301;
    pub const SUB: u16 = 0x302;
    pub const MUL: u16 = 0x303;
    pub const DIV: u16 = 0x304;
    pub const SQRT: u16 = 0x305;
    pub const MADD: u16 = 0x306;
    pub const MSUB: u16 = 0x307;
    pub const NMSUB: u16 = 0x308;
    pub const NMADD: u16 = 0x309;
    pub const SGNJ: u16 = 0x30a;
    pub const SGNJN: u16 = 0x30b;
    pub const SGNJX: u16 = 0x30c;
    pub const MIN: u16 = 0x30d;
    pub const MAX: u16 = 0x30e;
    pub const EQ: u16 = 0x30f;
    pub const LT: u16 = 0x310;
    pub const LE: u16 = 0x311;
    pub const CLASS: u16 = 0x312;
    /// From the other format.
    pub const CONVERT: u16 = 0x313;
    /// To W, WU, L, LU in turn.
    pub const TO_W: u16 = 0x314;
    pub const TO_LU: u16 = 0x317;
    /// From W, WU, L, LU in turn.
    pub const FROM_W: u16 = 0x318;
    pub const FROM_LU: u16 = 0x31b;

    /// What a floating-point call is about, packed into its 16 bits.
    ///
    /// ```text
    /// 8..4 third register   3..1 rounding mode   0 double
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Form {
        /// Double rather than single.
        pub double: bool,
        /// The rounding mode as the instruction has it; 7 means frm.
        pub rounding: u16,
        /// Number of the third source register.
        pub third: u16,
    }

    impl Form {
        /// As 16 bits.
        pub const fn pack(self) -> u16 {
            self.double as u16 | self.rounding << 1 | self.third << 4
        }

        /// From 16 bits.
        pub const fn unpack(bits: u16) -> Self {
            Self {
                double: bits & 1 != 0,
                rounding: bits >> 1 & 7,
                third: bits >> 4 & 31,
            }
        }
    }
}

/// Answers call number `op.imm & 0xffff`.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    op: Op,
    at: u64,
    _left: u64,
) -> Result<Flow, Trap> {
    let id = op.imm as u16;
    match id >> 8 {
        0 => super::system::call(cpu, id, op, at),
        1 => super::integer::call(cpu, id, op),
        2 => super::atomic::call(cpu, id, op, at),
        _ => super::float::call(cpu, id, op, at),
    }
}

/// The call's own 16 bits.
pub const fn payload(op: Op) -> u16 {
    (op.imm as u32 >> 16) as u16
}
