//! The SSE calls that are no plain function of registers: they look at control registers or at memory.

use super::mxcsr;
use crate::x86_64::cpu::Cpu;
use crate::x86_64::state::bits;
use crate::x86_64::trap::{Trap, vector};
use base::{Bus, Observer, Width};
use ir::{Flow, Guest, Op};

/// The calls' numbers.
pub mod id {
    /// Faults as an SSE instruction does while the unit is switched off.
    pub const UNUSABLE: u16 = 0x2f0;
    /// MXCSR = the low half of a
    pub const LDMXCSR: u16 = 0x2f1;
    /// Stores the bytes of pair a whose byte in pair b has its top bit set, at the address in d.
    pub const MASKMOVDQU: u16 = 0x2f2;
}

/// Answers a call that is no row of the table.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    id: u16,
    op: Op,
    at: u64,
) -> Result<Flow, Trap> {
    match id {
        id::UNUSABLE => {
            // SDM vol. 3, table 14-1: #UD comes before #NM.
            let exists = cpu.hart.cr0 & bits::CR0_EM == 0 && cpu.hart.cr4 & bits::CR4_OSFXSR != 0;
            return Err(Trap::fault(if exists { vector::NM } else { vector::UD }));
        }
        id::LDMXCSR => {
            let value = cpu.hart.regs[usize::from(op.a)] & 0xffff_ffff;
            if value & !mxcsr::IMPLEMENTED != 0 {
                return Err(Trap::GP0);
            }
            mxcsr::set(&mut cpu.hart.regs, value);
        }
        id::MASKMOVDQU => store_masked(cpu, op, at)?,
        _ => return Err(cpu.gap("SSE instruction")),
    }
    Ok(Flow::Next)
}

/// MASKMOVDQU touches only the bytes it stores, and stores none if one of them faults.
fn store_masked<B: Bus, O: Observer>(cpu: &mut Cpu<'_, B, O>, op: Op, at: u64) -> Result<(), Trap> {
    let regs = &cpu.hart.regs;
    let addr = regs[usize::from(op.d)];
    let (data, mask) = (super::pair(regs, op.a), super::pair(regs, op.b));
    let selected = (0..16u32).filter(|i| mask >> (8 * i + 7) & 1 != 0);
    for i in selected.clone() {
        cpu.probe_write(addr.wrapping_add(u64::from(i)), 1, at)?;
    }
    for i in selected {
        let byte = (data >> (8 * i)) as u64 & 0xff;
        cpu.store(addr.wrapping_add(u64::from(i)), Width::B1, byte, at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::reg::MXCSR;
    use crate::x86_64::testing::{Board, FREE};
    use base::Phys;
    use ir::Opcode;
    use ir::reg::TEMP;

    fn run(board: &mut Board, id: u16, d: u8, a: u8, b: u8) -> Result<Flow, Trap> {
        let op = Op {
            code: Opcode::Call,
            d,
            a,
            b,
            imm: i32::from(id),
        };
        board.run(|cpu| call(cpu, id, op, 0))
    }

    #[test]
    fn a_missing_unit_is_invalid_and_a_lent_one_not_available() {
        let mut board = Board::new();
        board.hart.cr0 |= bits::CR0_TS;
        assert_eq!(
            run(&mut board, id::UNUSABLE, 0, 0, 0),
            Err(Trap::fault(vector::NM))
        );
        board.hart.cr0 |= bits::CR0_EM;
        assert_eq!(run(&mut board, id::UNUSABLE, 0, 0, 0), Err(Trap::UD));
        board.hart.cr0 &= !bits::CR0_EM;
        board.hart.cr4 &= !bits::CR4_OSFXSR;
        assert_eq!(run(&mut board, id::UNUSABLE, 0, 0, 0), Err(Trap::UD));
    }

    #[test]
    fn reserved_bits_of_mxcsr_fault_and_change_nothing() {
        let mut board = Board::new();
        board.hart.regs[usize::from(TEMP)] = 0x1_1f80;
        assert_eq!(run(&mut board, id::LDMXCSR, 0, TEMP, 0), Err(Trap::GP0));
        assert_eq!(board.hart.regs[usize::from(MXCSR)], mxcsr::RESET);
    }

    #[test]
    fn a_masked_store_that_faults_has_stored_nothing() {
        let mut board = Board::new();
        board.unmap(FREE + 0x1000);
        let (address, data, mask) = (TEMP, TEMP + 2, TEMP + 4);
        let regs = &mut board.hart.regs;
        regs[usize::from(address)] = FREE + 0xff8;
        regs[usize::from(data)] = u64::MAX;
        regs[usize::from(mask)] = 0x80;
        regs[usize::from(mask) + 1] = 0x80;
        assert!(run(&mut board, id::MASKMOVDQU, address, data, mask).is_err());
        assert_eq!(board.ram.read(Phys(FREE + 0xff8), Width::B1), Some(0));
        board.hart.regs[usize::from(mask) + 1] = 0;
        assert!(run(&mut board, id::MASKMOVDQU, address, data, mask).is_ok());
        assert_eq!(board.ram.read(Phys(FREE + 0xff8), Width::B2), Some(0xff));
    }
}
