//! The A extension: LR, SC and AMOs (Unprivileged spec, 13). One hart runs at a time, so each is one call.

use super::super::call::atomic as id;
use super::{Illegal, Lift, Lifter};

/// LR to AMOMAXU; aq and rl order nothing that is not in order already.
pub fn lift(l: &mut Lifter) -> Lift {
    let size = match l.insn.funct3() {
        2 => 4,
        3 => 8,
        _ => return Err(Illegal),
    };
    let call = match l.insn.0 >> 27 {
        0x02 if l.insn.rs2() == 0 => id::LR,
        0x03 => id::SC,
        0x01 => id::SWAP,
        0x00 => id::ADD,
        0x04 => id::XOR,
        0x0c => id::AND,
        0x08 => id::OR,
        0x10 => id::MIN,
        0x14 => id::MAX,
        0x18 => id::MINU,
        0x1c => id::MAXU,
        _ => return Err(Illegal),
    };
    let (rd, rs1, rs2) = (l.rd(), l.rs1(), l.rs2());
    l.b.call(call, size, rd, rs1, rs2);
    Ok(())
}
