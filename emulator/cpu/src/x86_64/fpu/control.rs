//! Calls that control the x87 unit or move its state: FXSAVE, FXRSTOR and the control instructions (call page 3).

use super::image::{self, Layout};
use super::status;
use crate::x86_64::call::payload;
use crate::x86_64::cpu::Cpu;
use crate::x86_64::state::{Hart, bits};
use crate::x86_64::trap::{Trap, vector};
use base::{Bus, Observer, Width};
use ir::{Flow, Guest, Op};

/// The calls' numbers. All fault with #NM while CR0.EM or CR0.TS is set.
pub mod id {
    /// Stores the FXSAVE area at the address in a; the payload is the layout.
    pub const FXSAVE: u16 = 0x300;
    /// Loads the FXSAVE area from the address in a; the payload is the layout.
    pub const FXRSTOR: u16 = 0x301;
    /// Resets the unit.
    pub const FNINIT: u16 = 0x302;
    /// Clears the exception flags.
    pub const FNCLEX: u16 = 0x303;
    /// Control word = a; faults first if an exception waits.
    pub const FLDCW: u16 = 0x304;
    /// d = control word
    pub const FNSTCW: u16 = 0x305;
    /// d = status word
    pub const FNSTSW: u16 = 0x306;
    /// Faults if an exception waits. Unlike the others it ignores CR0.EM, and CR0.TS unless CR0.MP is set.
    pub const FWAIT: u16 = 0x307;
}

/// Answers a call of page 3.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    id: u16,
    op: Op,
    at: u64,
) -> Result<Flow, Trap> {
    let cr0 = cpu.hart.cr0;
    let off = match id {
        id::FWAIT => cr0 & bits::CR0_MP != 0 && cr0 & bits::CR0_TS != 0,
        _ => cr0 & (bits::CR0_EM | bits::CR0_TS) != 0,
    };
    if off {
        return Err(Trap::fault(vector::NM));
    }
    let a = cpu.hart.regs[usize::from(op.a)];
    let layout = Layout::from_payload(payload(op));
    match id {
        id::FXSAVE => fxsave(cpu, a, layout, at)?,
        id::FXRSTOR => fxrstor(cpu, a, layout, at)?,
        id::FNINIT => cpu.hart.fpu.reset(),
        id::FNCLEX => cpu.hart.fpu.clear_exceptions(),
        id::FLDCW => {
            wait(cpu.hart)?;
            cpu.hart.fpu.set_control(a as u16);
        }
        id::FNSTCW => cpu.hart.regs[usize::from(op.d)] = u64::from(cpu.hart.fpu.control),
        id::FNSTSW => cpu.hart.regs[usize::from(op.d)] = u64::from(cpu.hart.fpu.status),
        id::FWAIT => wait(cpu.hart)?,
        _ => return Err(cpu.gap("x87 instruction")),
    }
    Ok(Flow::Next)
}

/// The x87 error fault, if an unmasked exception waits.
const fn wait(hart: &Hart) -> Result<(), Trap> {
    if hart.fpu.status & status::ES != 0 {
        return Err(Trap::fault(vector::MF));
    }
    Ok(())
}

fn aligned(addr: u64) -> Result<(), Trap> {
    if addr.is_multiple_of(16) {
        Ok(())
    } else {
        Err(Trap::GP0)
    }
}

fn fxsave<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    addr: u64,
    layout: Layout,
    at: u64,
) -> Result<(), Trap> {
    aligned(addr)?;
    cpu.probe_write(addr, image::SIZE, at)?;
    let image = image::save(&cpu.hart.fpu, &cpu.hart.regs, layout);
    for (offset, &word) in (0..).step_by(8).zip(&image[..layout.words()]) {
        cpu.store(addr.wrapping_add(offset), Width::B8, word, at)?;
    }
    Ok(())
}

fn fxrstor<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    addr: u64,
    layout: Layout,
    at: u64,
) -> Result<(), Trap> {
    aligned(addr)?;
    let mut image: image::Image = [0; image::WORDS];
    for (offset, word) in (0..).step_by(8).zip(&mut image[..layout.words()]) {
        *word = cpu.load(addr.wrapping_add(offset), Width::B8, false, at)?;
    }
    if image::restore(&mut cpu.hart.fpu, &mut cpu.hart.regs, &image, layout) {
        Ok(())
    } else {
        Err(Trap::GP0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::{Board, FREE};
    use ir::Opcode;
    use ir::reg::TEMP;

    fn run(board: &mut Board, id: u16, a: u64) -> Result<Flow, Trap> {
        board.hart.regs[usize::from(TEMP)] = a;
        let imm = i32::from(id)
            | i32::from(
                Layout {
                    wide: true,
                    long: true,
                }
                .payload(),
            ) << 16;
        let op = Op {
            code: Opcode::Call,
            d: TEMP,
            a: TEMP,
            b: TEMP,
            imm,
        };
        board.run(|cpu| call(cpu, id, op, 0))
    }

    #[test]
    fn a_unit_lent_to_another_task_is_not_available() {
        let mut board = Board::new();
        board.hart.cr0 |= bits::CR0_TS;
        assert_eq!(run(&mut board, id::FNINIT, 0), Err(Trap::fault(vector::NM)));
        assert_eq!(
            run(&mut board, id::FXSAVE, FREE),
            Err(Trap::fault(vector::NM))
        );
        assert_eq!(run(&mut board, id::FWAIT, 0), Ok(Flow::Next));
        board.hart.cr0 |= bits::CR0_MP;
        assert_eq!(run(&mut board, id::FWAIT, 0), Err(Trap::fault(vector::NM)));
    }

    #[test]
    fn a_waiting_exception_meets_the_next_instruction_that_waits() {
        let mut board = Board::new();
        board.hart.fpu.reset();
        board.hart.fpu.status = 1;
        assert_eq!(run(&mut board, id::FLDCW, 0x37e), Ok(Flow::Next));
        assert_eq!(run(&mut board, id::FWAIT, 0), Err(Trap::fault(vector::MF)));
        assert_eq!(run(&mut board, id::FNCLEX, 0), Ok(Flow::Next));
        assert_eq!(run(&mut board, id::FWAIT, 0), Ok(Flow::Next));
    }

    #[test]
    fn an_area_that_is_not_wholly_there_is_not_begun() {
        let mut board = Board::new();
        board.unmap(FREE + 0x1000);
        assert!(run(&mut board, id::FXSAVE, FREE + 0xf00).is_err());
        assert_eq!(board.ram.read(base::Phys(FREE + 0xf18), Width::B8), Some(0));
        assert_eq!(run(&mut board, id::FXSAVE, FREE + 0xe08), Err(Trap::GP0));
        assert_eq!(run(&mut board, id::FXSAVE, FREE + 0xe00), Ok(Flow::Next));
        assert_eq!(
            board.ram.read(base::Phys(FREE + 0xe18), Width::B4),
            Some(0x1f80)
        );
    }
}
