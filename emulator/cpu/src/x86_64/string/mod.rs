//! String instructions at work: MOVS, STOS, LODS, SCAS, CMPS, with and without a repeat prefix.
//!
//! One entry of a repeated instruction runs iterations until the count or the budget is spent, the condition fails, a
//! device was touched, or *a page ends on either side*. Then it asks to be entered again. So a page is first touched
//! by the first iteration of an entry, a fault there finds registers exact and nothing half done, and what was done
//! before is already counted. Within the pages the rest goes in [`bulk`] if both sides lie in RAM.
//!
//! Flags of SCAS and CMPS are written only when the instruction completes: a fault in the middle shows those from
//! before it (SDM vol. 2, REP).

mod bulk;

use super::call::payload;
use super::cpu::Cpu;
use super::integer::write;
use super::reg::{RAX, RCX, RDI, RFLAGS, RSI, rflags};
use super::trap::Trap;
use base::{Bus, Observer, PAGE_SIZE, Width};
use ir::flags::FlagKind;
use ir::reg::{FLAG_A, FLAG_B, FLAG_KIND};
use ir::{Flow, Guest, Op, Reg};

/// The call numbers: payload = [`Shape`], a = base of the source segment, b = base of the destination segment.
pub mod id {
    /// MOVS.
    pub const MOVS: u16 = 0x180;
    /// STOS.
    pub const STOS: u16 = 0x181;
    /// LODS.
    pub const LODS: u16 = 0x182;
    /// SCAS.
    pub const SCAS: u16 = 0x183;
    /// CMPS.
    pub const CMPS: u16 = 0x184;
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// No prefix: once, the counter is not looked at.
    Once,
    /// REP, REPE.
    WhileEqual,
    /// REPNE (as REP where nothing is compared).
    WhileNotEqual,
}

/// What a call's payload says.
///
/// ```text
/// bits 0..3  bytes of an element     4..7  bytes of an address     8..9  repeat: 0 once, 1 equal, 2 not equal
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// An element.
    pub width: Width,
    /// Index registers and counter.
    pub address: Width,
    /// The prefix.
    pub repeat: Repeat,
}

impl Shape {
    /// The shape as a payload.
    pub const fn pack(self) -> u16 {
        self.width.bytes() as u16 | (self.address.bytes() as u16) << 4 | (self.repeat as u16) << 8
    }

    fn unpack(payload: u16) -> Self {
        let width = |bytes: u16| Width::from_bytes(u64::from(bytes & 15)).unwrap_or(Width::B8);
        let repeat = match payload >> 8 {
            0 => Repeat::Once,
            1 => Repeat::WhileEqual,
            _ => Repeat::WhileNotEqual,
        };
        Self {
            width: width(payload),
            address: width(payload >> 4),
            repeat,
        }
    }
}

/// One string instruction in progress.
struct Run {
    id: u16,
    shape: Shape,
    bases: [u64; 2],
    backward: bool,
    /// The operands compared last.
    compared: Option<(u64, u64)>,
}

impl Run {
    const fn reads_source(&self) -> bool {
        matches!(self.id, id::MOVS | id::LODS | id::CMPS)
    }

    const fn uses_destination(&self) -> bool {
        !matches!(self.id, id::LODS)
    }

    /// Whether the last comparison ends the repetition.
    fn satisfied(&self) -> bool {
        match (self.compared, self.shape.repeat) {
            (Some((a, b)), Repeat::WhileEqual) => a != b,
            (Some((a, b)), Repeat::WhileNotEqual) => a == b,
            _ => false,
        }
    }
}

/// Answers call `id`.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    id: u16,
    op: Op,
    at: u64,
    left: u64,
) -> Result<Flow, Trap> {
    let regs = &cpu.hart.regs;
    let mut run = Run {
        id,
        shape: Shape::unpack(payload(op)),
        bases: [regs[usize::from(op.a)], regs[usize::from(op.b)]],
        backward: regs[usize::from(RFLAGS)] & rflags::DF != 0,
        compared: None,
    };
    if run.shape.repeat == Repeat::Once {
        step(cpu, &mut run, at)?;
        set_flags(cpu, &run);
        return Ok(Flow::Next);
    }
    let count = regs[usize::from(RCX)] & run.shape.address.mask();
    if count == 0 {
        return Ok(Flow::Next);
    }
    let wanted = count.min(left.max(1)).min(reach(cpu, &run));
    step(cpu, &mut run, at)?;
    let mut done = 1;
    if done < wanted && !run.satisfied() && !cpu.hart.host.attention {
        done += bulk::run(cpu, &mut run, wanted - done);
    }
    while done < wanted && !run.satisfied() && !cpu.hart.host.attention {
        // The page was there a moment ago; if it is gone, the next entry reports it.
        if step(cpu, &mut run, at + done).is_err() {
            break;
        }
        done += 1;
    }
    write(&mut cpu.hart.regs, RCX, run.shape.address, count - done);
    if done == count || run.satisfied() {
        set_flags(cpu, &run);
        Ok(Flow::Counted(done))
    } else {
        Ok(Flow::Again(done))
    }
}

/// The address an index register gives.
fn address<B: Bus, O: Observer>(cpu: &Cpu<'_, B, O>, run: &Run, reg: Reg) -> u64 {
    let base = run.bases[usize::from(reg == RDI)];
    let linear = (cpu.hart.regs[usize::from(reg)] & run.shape.address.mask()).wrapping_add(base);
    if cpu.hart.mode().long() {
        linear
    } else {
        linear & Width::B4.mask()
    }
}

/// Moves an index register by `elements`.
fn advance<B: Bus, O: Observer>(cpu: &mut Cpu<'_, B, O>, run: &Run, reg: Reg, elements: u64) {
    let bytes = elements * run.shape.width.bytes();
    let old = cpu.hart.regs[usize::from(reg)];
    let new = if run.backward {
        old.wrapping_sub(bytes)
    } else {
        old.wrapping_add(bytes)
    };
    write(&mut cpu.hart.regs, reg, run.shape.address, new);
}

fn advance_all<B: Bus, O: Observer>(cpu: &mut Cpu<'_, B, O>, run: &Run, elements: u64) {
    if run.reads_source() {
        advance(cpu, run, RSI, elements);
    }
    if run.uses_destination() {
        advance(cpu, run, RDI, elements);
    }
}

/// How many iterations stay in the pages where they begin, and do not wrap an index register. At least 1.
fn reach<B: Bus, O: Observer>(cpu: &Cpu<'_, B, O>, run: &Run) -> u64 {
    let size = run.shape.width.bytes();
    let side = |reg: Reg| {
        let offset = cpu.hart.regs[usize::from(reg)] & run.shape.address.mask();
        let in_page = address(cpu, run, reg) % PAGE_SIZE;
        if in_page + size > PAGE_SIZE {
            1
        } else if run.backward {
            in_page.min(offset) / size + 1
        } else {
            (PAGE_SIZE - in_page).min((run.shape.address.mask() - offset).saturating_add(1)) / size
        }
    };
    let source = if run.reads_source() {
        side(RSI)
    } else {
        u64::MAX
    };
    let destination = if run.uses_destination() {
        side(RDI)
    } else {
        u64::MAX
    };
    source.min(destination).max(1)
}

/// One iteration.
fn step<B: Bus, O: Observer>(cpu: &mut Cpu<'_, B, O>, run: &mut Run, at: u64) -> Result<(), Trap> {
    let width = run.shape.width;
    let rax = cpu.hart.regs[usize::from(RAX)] & width.mask();
    let source = if run.reads_source() {
        let addr = address(cpu, run, RSI);
        read(cpu, addr, width, at)?
    } else {
        rax
    };
    match run.id {
        id::MOVS | id::STOS => {
            let addr = address(cpu, run, RDI);
            if !cpu.store_fast(addr, width, source) {
                cpu.store(addr, width, source, at)?;
            }
        }
        id::LODS => write(&mut cpu.hart.regs, RAX, width, source),
        _ => {
            let addr = address(cpu, run, RDI);
            let destination = read(cpu, addr, width, at)?;
            run.compared = Some((source, destination));
        }
    }
    advance_all(cpu, run, 1);
    Ok(())
}

fn read<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    addr: u64,
    width: Width,
    at: u64,
) -> Result<u64, Trap> {
    match cpu.load_fast(addr, width) {
        Some(value) => Ok(value),
        None => cpu.load(addr, width, false, at),
    }
}

fn set_flags<B: Bus, O: Observer>(cpu: &mut Cpu<'_, B, O>, run: &Run) {
    if let Some((a, b)) = run.compared {
        let regs = &mut cpu.hart.regs;
        regs[usize::from(FLAG_KIND)] = FlagKind::Sub.at(run.shape.width) as u64;
        regs[usize::from(FLAG_A)] = a;
        regs[usize::from(FLAG_B)] = b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::{Board, FREE};
    use base::{Phys, Rng};
    use ir::Opcode;

    const NEAR: u64 = FREE;
    const FAR: u64 = FREE + 0x8000;

    /// REP `id` on bytes with 64-bit addresses.
    const REP_BYTES: Shape = Shape {
        width: Width::B1,
        address: Width::B8,
        repeat: Repeat::WhileEqual,
    };

    fn enter(board: &mut Board, id: u16, shape: Shape, left: u64) -> Result<Flow, Trap> {
        let imm = i32::from(id) | i32::from(shape.pack()) << 16;
        let zero = ir::reg::ZERO;
        let op = Op {
            code: Opcode::CallEnd,
            d: zero,
            a: zero,
            b: zero,
            imm,
        };
        board.run(|cpu| call(cpu, id, op, 0, left))
    }

    /// Enters again and again, with at most `budget` iterations each time, and returns how many there were.
    fn complete(board: &mut Board, id: u16, shape: Shape, budget: u64) -> u64 {
        let mut total = 0;
        loop {
            match enter(board, id, shape, budget) {
                Ok(Flow::Again(done)) => total += done,
                Ok(Flow::Counted(done)) => return total + done,
                Ok(Flow::Next) => return total,
                other => panic!("{other:?}"),
            }
        }
    }

    fn set(board: &mut Board, reg: Reg, value: u64) {
        board.hart.regs[usize::from(reg)] = value;
    }

    fn get(board: &Board, reg: Reg) -> u64 {
        board.hart.regs[usize::from(reg)]
    }

    fn bytes(board: &Board, addr: u64, len: u64) -> Vec<u8> {
        board.ram.slice(Phys(addr), len).unwrap().to_vec()
    }

    fn scramble(board: &mut Board, seed: u64) {
        let mut rng = Rng::new(seed);
        let data: Vec<u8> = (0..0x1_0000).map(|_| rng.next() as u8).collect();
        board.ram.write_bytes(Phys(FREE), &data).unwrap();
    }

    #[test]
    fn a_long_move_is_done_page_by_page_and_counts_every_byte() {
        let mut board = Board::new();
        scramble(&mut board, 1);
        let wanted = bytes(&board, NEAR + 100, 5000);
        set(&mut board, RSI, NEAR + 100);
        set(&mut board, RDI, FAR + 7);
        set(&mut board, RCX, 5000);
        assert_eq!(
            enter(&mut board, id::MOVS, REP_BYTES, 9999).unwrap(),
            Flow::Again(4096 - 100)
        );
        assert_eq!(
            complete(&mut board, id::MOVS, REP_BYTES, 9999),
            5000 - (4096 - 100)
        );
        assert_eq!(bytes(&board, FAR + 7, 5000), wanted);
        assert_eq!(
            (get(&board, RSI), get(&board, RDI), get(&board, RCX)),
            (NEAR + 5100, FAR + 5007, 0)
        );
    }

    #[test]
    fn the_budget_ends_a_repetition_between_two_iterations() {
        let mut board = Board::new();
        set(&mut board, RAX, 0x5a);
        set(&mut board, RDI, NEAR);
        set(&mut board, RCX, 100);
        assert_eq!(
            enter(&mut board, id::STOS, REP_BYTES, 30).unwrap(),
            Flow::Again(30)
        );
        assert_eq!((get(&board, RDI), get(&board, RCX)), (NEAR + 30, 70));
        assert_eq!(bytes(&board, NEAR + 29, 2), [0x5a, 0]);
    }

    #[test]
    fn a_fault_in_the_middle_finds_the_registers_at_the_faulting_element() {
        let mut board = Board::new();
        board.unmap(FAR + 0x1000);
        set(&mut board, RAX, u64::MAX);
        set(&mut board, RDI, FAR + 0xff4);
        set(&mut board, RCX, 4);
        let words = Shape {
            width: Width::B4,
            ..REP_BYTES
        };
        assert_eq!(
            enter(&mut board, id::STOS, words, 99).unwrap(),
            Flow::Again(3)
        );
        assert!(
            matches!(enter(&mut board, id::STOS, words, 99), Err(Trap::Fault(e)) if e.vector == 14)
        );
        assert_eq!((get(&board, RDI), get(&board, RCX)), (FAR + 0x1000, 1));
    }

    #[test]
    fn an_element_across_pages_that_faults_writes_nothing() {
        let mut board = Board::new();
        board.unmap(FAR + 0x1000);
        set(&mut board, RAX, u64::MAX);
        set(&mut board, RDI, FAR + 0xffe);
        set(&mut board, RCX, 2);
        let words = Shape {
            width: Width::B4,
            ..REP_BYTES
        };
        assert!(enter(&mut board, id::STOS, words, 99).is_err());
        assert_eq!((get(&board, RDI), get(&board, RCX)), (FAR + 0xffe, 2));
        assert_eq!(bytes(&board, FAR + 0xffe, 2), [0, 0]);
    }

    #[test]
    fn a_scan_stops_behind_the_byte_it_looked_for() {
        let mut board = Board::new();
        board.ram.fill(Phys(NEAR), 300, b'x').unwrap();
        board.ram.write_bytes(Phys(NEAR + 200), b"\0").unwrap();
        set(&mut board, RDI, NEAR);
        set(&mut board, RCX, u64::MAX);
        let scan = Shape {
            repeat: Repeat::WhileNotEqual,
            ..REP_BYTES
        };
        assert_eq!(
            enter(&mut board, id::SCAS, scan, 100).unwrap(),
            Flow::Again(100)
        );
        assert_eq!(
            board.hart.rflags() & ir::flags::ZF,
            0,
            "no flags before the end"
        );
        assert_eq!(
            enter(&mut board, id::SCAS, scan, 9999).unwrap(),
            Flow::Counted(101)
        );
        assert_eq!(
            (get(&board, RDI), get(&board, RCX)),
            (NEAR + 201, u64::MAX - 201)
        );
        assert_ne!(board.hart.rflags() & ir::flags::ZF, 0);
    }

    #[test]
    fn a_count_of_zero_does_nothing() {
        let mut board = Board::new();
        set(&mut board, RDI, 1 << 60); // nobody looks there
        assert_eq!(
            enter(&mut board, id::STOS, REP_BYTES, 5).unwrap(),
            Flow::Next
        );
        assert_eq!(get(&board, RDI), 1 << 60);
    }

    #[test]
    fn sixteen_bit_addresses_wrap_in_their_segment() {
        let mut board = Board::new();
        set(&mut board, RAX, 0xee);
        set(&mut board, RDI, 0xabcd_fffe);
        set(&mut board, RCX, 0x1_0003);
        let short = Shape {
            address: Width::B2,
            ..REP_BYTES
        };
        assert_eq!(complete(&mut board, id::STOS, short, 99), 3);
        assert_eq!(bytes(&board, 0xfffe, 2), [0xee; 2]);
        assert_eq!(bytes(&board, 0, 2), [0xee, 0]);
        assert_eq!(
            (get(&board, RDI), get(&board, RCX)),
            (0xabcd_0001, 0x1_0000)
        );
    }

    /// Everything a run leaves behind.
    fn outcome(
        seed: u64,
        id: u16,
        shape: Shape,
        down: bool,
        budget: u64,
    ) -> (u64, Vec<u64>, Vec<u8>, [u64; 3]) {
        let mut board = Board::new();
        scramble(&mut board, seed);
        let mut rng = Rng::new(seed);
        // Close together now and then, so that what is written is read again.
        let source = NEAR + 0x2000 + rng.next() % 0x3000;
        let target = if rng.next().is_multiple_of(2) {
            source.wrapping_add(rng.next() % 40) - 20
        } else {
            FAR + rng.next() % 0x3000
        };
        if rng.next().is_multiple_of(4) {
            // A page with code is never written fast.
            board.ram.mark_code(Phys(FAR), 64);
        }
        if rng.next().is_multiple_of(3) {
            board.ram.fill(Phys(FREE), 0x1_0000, 7).unwrap();
        }
        set(&mut board, RSI, source);
        set(&mut board, RDI, target);
        set(&mut board, RCX, rng.next() % 2000);
        set(&mut board, RAX, 0x0707_0707_0707_0707);
        if down {
            board.hart.regs[usize::from(RFLAGS)] |= rflags::DF;
        }
        let total = complete(&mut board, id, shape, budget);
        let regs = board.hart.regs[..16].to_vec();
        let flags = board.hart.rflags();
        (
            total,
            [regs, vec![flags]].concat(),
            bytes(&board, FREE, 0x1_0000),
            board.hart.tlb.counts.lookups,
        )
    }

    #[test]
    fn many_at_once_do_the_same_as_one_at_a_time() {
        let widths = [Width::B1, Width::B2, Width::B4, Width::B8];
        for seed in 0..120 {
            for id in [id::MOVS, id::STOS, id::LODS, id::SCAS, id::CMPS] {
                let repeat = if seed % 2 == 0 {
                    Repeat::WhileEqual
                } else {
                    Repeat::WhileNotEqual
                };
                let shape = Shape {
                    width: widths[seed as usize / 2 % 4],
                    address: Width::B8,
                    repeat,
                };
                let down = seed % 5 == 0;
                let one = outcome(seed, id, shape, down, 1);
                let many = outcome(seed, id, shape, down, u64::MAX);
                assert!(
                    one == many,
                    "seed {seed}, call {id:#x}: {:x?} {:x?}, {:?} {:?}",
                    one.1,
                    many.1,
                    one.3,
                    many.3
                );
            }
        }
    }
}
