//! SYSTEM and MISC-MEM: calls of the environment, control and status registers, fences, returns (Unprivileged spec, 2.7,
//! 2.8, 6, 7; Privileged spec, 3.3).

use super::super::call::system as id;
use super::{Illegal, Lift, Lifter};
use ir::reg::ZERO;

/// FENCE, FENCE.I, CBO.ZERO.
pub fn misc_mem(l: &mut Lifter) -> Lift {
    match (l.insn.funct3(), l.insn.upper12(), l.insn.rd()) {
        // Everything is in order, and code that was written is seen at once; PAUSE is a FENCE, too.
        (0 | 1, ..) => Ok(()),
        (2, 4, 0) => {
            let rs1 = l.rs1();
            let bits = l.b.imm(u64::from(l.bits));
            l.b.call(id::CBO_ZERO, 0, ZERO, rs1, bits);
            Ok(())
        }
        _ => Err(Illegal),
    }
}

/// ECALL to CSRRCI.
pub fn lift(l: &mut Lifter) -> Lift {
    let bits = l.b.imm(u64::from(l.bits));
    if l.insn.funct3() == 0 {
        let call = match (l.insn.0, l.insn.funct7()) {
            (0x0000_0073, _) => id::ECALL,
            (0x0010_0073, _) => id::EBREAK,
            (0x1020_0073, _) => id::SRET,
            (0x3020_0073, _) => id::MRET,
            (0x1050_0073, _) => id::WFI,
            (_, 0x09) if l.insn.rd() == 0 => {
                // SFENCE.VMA: which operands are x0 makes its four forms.
                let form = u16::from(l.insn.rs1() != 0) | u16::from(l.insn.rs2() != 0) << 1;
                let (rs1, rs2) = (l.rs1(), l.rs2());
                l.b.call_end(id::SFENCE_VMA, form, bits, rs1, rs2);
                return Ok(());
            }
            _ => return Err(Illegal),
        };
        l.b.call_end(call, 0, ZERO, bits, ZERO);
        return Ok(());
    }
    // The register's number is in the bits; what is written is rs1's value or number.
    let (call, immediate) = match l.insn.funct3() {
        1 => (id::CSRRW, false),
        2 => (id::CSRRS, false),
        3 => (id::CSRRC, false),
        5 => (id::CSRRW, true),
        6 => (id::CSRRS, true),
        7 => (id::CSRRC, true),
        _ => return Err(Illegal),
    };
    let operand = if immediate {
        l.b.imm(u64::from(l.insn.rs1()))
    } else {
        l.rs1()
    };
    let rd = l.rd();
    l.b.call_end(call, 0, rd, operand, bits);
    Ok(())
}
