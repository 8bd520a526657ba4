//! Calls of the integer instructions that micro-ops do not express: division, rotates through carry, double shifts,
//! paired exchanges, nested ENTER.
//!
//! Unless a call says otherwise its payload is the operand's size in bytes, and operands need only their low bits.

use super::call::payload;
use super::cpu::Cpu;
use super::reg::{RAX, RBP, RBX, RCX, RDX, RSP};
use super::state::seg;
use super::string;
use super::trap::{Trap, vector};
use base::{Bus, Observer, Width};
use ir::flags::{self, FlagKind};
use ir::{Flow, Guest, Op, Reg, Regs};

/// The call numbers of this room; `string` has those from 0x180.
pub mod id {
    /// Unsigned division of RDX:RAX by a (zero-extended).
    pub const DIV: u16 = 0x100;
    /// Signed division of RDX:RAX by a.
    pub const IDIV: u16 = 0x101;
    /// d = a rotated left through CF by b (masked).
    pub const RCL: u16 = 0x102;
    /// d = a rotated right through CF by b (masked).
    pub const RCR: u16 = 0x103;
    /// d = a shifted left by d (masked), filled from b.
    pub const SHLD: u16 = 0x104;
    /// d = a shifted right by d (masked), filled from b.
    pub const SHRD: u16 = 0x105;
    /// Compares EDX:EAX with the 8 bytes at address a, exchanges ECX:EBX; no payload.
    pub const CMPXCHG8B: u16 = 0x106;
    /// Compares RDX:RAX with the 16 bytes at address a, exchanges RCX:RBX; no payload.
    pub const CMPXCHG16B: u16 = 0x107;
    /// ENTER with a frame of a bytes; payload = nesting level | operand bytes << 8.
    pub const ENTER: u16 = 0x108;
    /// The first call that `string` answers.
    pub const STRING: u16 = 0x180;
}

/// Answers call `id`.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    id: u16,
    op: Op,
    at: u64,
    left: u64,
) -> Result<Flow, Trap> {
    let regs = &mut cpu.hart.regs;
    let (a, b) = (regs[usize::from(op.a)], regs[usize::from(op.b)]);
    let count = regs[usize::from(op.d)] as u32;
    let width = || Width::from_bytes(u64::from(payload(op))).unwrap_or(Width::B8);
    match id {
        id::STRING.. => return string::call(cpu, id, op, at, left),
        id::DIV => divide(regs, width(), a)?,
        id::IDIV => divide_signed(regs, width(), a)?,
        id::RCL | id::RCR => {
            let (result, word) = rotate_carry(id == id::RCL, width(), a, b as u32, flag_word(regs));
            regs[usize::from(op.d)] = result;
            cpu.hart.set_flag_word(word);
        }
        id::SHLD | id::SHRD => {
            let (result, word) =
                double_shift(id == id::SHLD, width(), a, b, count, flag_word(regs));
            regs[usize::from(op.d)] = result;
            cpu.hart.set_flag_word(word);
        }
        id::CMPXCHG8B => exchange_8(cpu, a, at)?,
        id::CMPXCHG16B => exchange_16(cpu, a, at)?,
        id::ENTER => enter(cpu, payload(op), a, at)?,
        _ => return Err(cpu.gap("unknown integer call")),
    }
    Ok(Flow::Next)
}

fn flag_word(regs: &Regs) -> u64 {
    let [kind, a, b] =
        [ir::reg::FLAG_KIND, ir::reg::FLAG_A, ir::reg::FLAG_B].map(|r| regs[usize::from(r)]);
    flags::word(kind, a, b)
}

/// Writes the low bits of `value` to a register by the rule for `width`.
pub const fn write(regs: &mut Regs, reg: Reg, width: Width, value: u64) {
    let old = regs[reg as usize];
    regs[reg as usize] = match width {
        Width::B8 => value,
        Width::B4 => value & width.mask(),
        _ => old & !width.mask() | value & width.mask(),
    };
}

/// The dividend's high and low half; for bytes it is AX.
const fn dividend(regs: &Regs, width: Width) -> u128 {
    let (rax, rdx) = (regs[RAX as usize], regs[RDX as usize]);
    match width {
        Width::B1 => rax as u16 as u128,
        _ => ((rdx & width.mask()) as u128) << width.bits() | (rax & width.mask()) as u128,
    }
}

fn write_division(regs: &mut Regs, width: Width, quotient: u64, remainder: u64) {
    let mask = width.mask();
    if width == Width::B1 {
        write(
            regs,
            RAX,
            Width::B2,
            quotient & mask | (remainder & mask) << 8,
        );
    } else {
        write(regs, RAX, width, quotient);
        write(regs, RDX, width, remainder);
    }
}

const DIVIDE_ERROR: Trap = Trap::fault(vector::DE);

fn divide(regs: &mut Regs, width: Width, divisor: u64) -> Result<(), Trap> {
    let dividend = dividend(regs, width);
    let divisor = u128::from(divisor & width.mask());
    let quotient = dividend.checked_div(divisor).ok_or(DIVIDE_ERROR)?;
    if quotient > u128::from(width.mask()) {
        return Err(DIVIDE_ERROR);
    }
    write_division(regs, width, quotient as u64, (dividend % divisor) as u64);
    Ok(())
}

fn divide_signed(regs: &mut Regs, width: Width, divisor: u64) -> Result<(), Trap> {
    let unused = 128 - 2 * width.bits();
    let dividend = (dividend(regs, width) << unused) as i128 >> unused;
    let divisor = i128::from(sign_extend(divisor, width));
    let quotient = dividend.checked_div(divisor).ok_or(DIVIDE_ERROR)?;
    if quotient != i128::from(sign_extend(quotient as u64, width)) {
        return Err(DIVIDE_ERROR);
    }
    write_division(regs, width, quotient as u64, (dividend % divisor) as u64);
    Ok(())
}

const fn sign_extend(value: u64, width: Width) -> i64 {
    let unused = 64 - width.bits();
    (value << unused) as i64 >> unused
}

/// Result and flag word of RCL or RCR; `count` is masked already. A count that comes round to zero keeps the flags. OF
/// is that of a single step, which the manuals leave open for other counts and Intel's silicon does.
fn rotate_carry(left: bool, width: Width, value: u64, count: u32, word: u64) -> (u64, u64) {
    let bits = width.bits();
    let mut value = value & width.mask();
    let mut carry = word & flags::CF;
    let top = value >> (bits - 1);
    let overflow = if left {
        top ^ value >> (bits - 2) & 1
    } else {
        top ^ carry
    };
    let count = count % (bits + 1);
    for _ in 0..count {
        if left {
            let out = value >> (bits - 1);
            value = (value << 1 | carry) & width.mask();
            carry = out;
        } else {
            let out = value & 1;
            value = value >> 1 | carry << (bits - 1);
            carry = out;
        }
    }
    if count == 0 {
        return (value, word);
    }
    let kept = word & !(flags::CF | flags::OF);
    (value, kept | carry | (overflow * flags::OF))
}

/// Result and flag word of SHLD or SHRD; `count` is masked already. Where a 16-bit count exceeds 16 (which the manual
/// leaves open) the bits of the destination come round again.
fn double_shift(
    left: bool,
    width: Width,
    value: u64,
    filler: u64,
    count: u32,
    word: u64,
) -> (u64, u64) {
    let (bits, mask) = (width.bits(), width.mask());
    let (value, filler) = (value & mask, filler & mask);
    if count == 0 {
        return (value, word);
    }
    let (result, carry) = if width == Width::B2 {
        let line = value << 32 | filler << 16 | value;
        if left {
            (line << count >> 32 & mask, line >> (48 - count) & 1)
        } else {
            (line >> count & mask, line >> (count - 1) & 1)
        }
    } else if left {
        (
            (value << count | filler >> (bits - count)) & mask,
            value >> (bits - count) & 1,
        )
    } else {
        (
            (value >> count | filler << (bits - count)) & mask,
            value >> (count - 1) & 1,
        )
    };
    // As for a count of 1, whatever the count.
    let next = if left { value >> (bits - 2) } else { filler };
    let overflow = (value >> (bits - 1) ^ next) & 1;
    let logic = flags::word(FlagKind::Logic.at(width) as u64, result, 0);
    (result, logic | carry | (overflow * flags::OF))
}

fn set_zero_flag<B: Bus, O: Observer>(cpu: &mut Cpu<'_, B, O>, zero: bool) {
    let word = flag_word(&cpu.hart.regs) & !flags::ZF;
    cpu.hart
        .set_flag_word(word | if zero { flags::ZF } else { 0 });
}

fn exchange_8<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    addr: u64,
    at: u64,
) -> Result<(), Trap> {
    let old = cpu.load(addr, Width::B8, true, at)?;
    let r = |n: Reg| cpu.hart.regs[usize::from(n)];
    let half = Width::B4.mask();
    let equal = old == r(RDX) << 32 | r(RAX) & half;
    let new = if equal {
        r(RCX) << 32 | r(RBX) & half
    } else {
        old
    };
    cpu.store(addr, Width::B8, new, at)?;
    if !equal {
        write(&mut cpu.hart.regs, RAX, Width::B4, old);
        write(&mut cpu.hart.regs, RDX, Width::B4, old >> 32);
    }
    set_zero_flag(cpu, equal);
    Ok(())
}

/// The operand must be aligned, so both of its words lie in one page and the second access cannot fault.
fn exchange_16<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    addr: u64,
    at: u64,
) -> Result<(), Trap> {
    if !addr.is_multiple_of(16) {
        return Err(Trap::GP0);
    }
    let low = cpu.load(addr, Width::B8, true, at)?;
    let high = cpu.load(addr.wrapping_add(8), Width::B8, true, at)?;
    let r = |n: Reg| cpu.hart.regs[usize::from(n)];
    let equal = (low, high) == (r(RAX), r(RDX));
    let (new_low, new_high) = if equal { (r(RBX), r(RCX)) } else { (low, high) };
    cpu.store(addr, Width::B8, new_low, at)?;
    cpu.store(addr.wrapping_add(8), Width::B8, new_high, at)?;
    if !equal {
        cpu.hart.regs[usize::from(RAX)] = low;
        cpu.hart.regs[usize::from(RDX)] = high;
    }
    set_zero_flag(cpu, equal);
    Ok(())
}

/// ENTER with nested frames (SDM vol. 2, ENTER): the outer frames' pointers are copied below the saved RBP.
fn enter<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    payload: u16,
    frame: u64,
    at: u64,
) -> Result<(), Trap> {
    let level = payload & 31;
    let width = Width::from_bytes(u64::from(payload >> 8)).unwrap_or(Width::B8);
    let mode = cpu.hart.mode();
    let stack = match (mode.long(), mode.stack32()) {
        (true, _) => Width::B8,
        (false, true) => Width::B4,
        (false, false) => Width::B2,
    };
    let ss = if mode.long() {
        0
    } else {
        cpu.hart.base(seg::SS)
    };
    let linear = |offset: u64| ss.wrapping_add(offset & stack.mask());
    let rbp = cpu.hart.regs[usize::from(RBP)];
    let mut sp = cpu.hart.regs[usize::from(RSP)].wrapping_sub(width.bytes());
    cpu.store(linear(sp), width, rbp, at)?;
    let top = sp;
    for outer in 1..u64::from(level) {
        let pointer = cpu.load(
            linear(rbp.wrapping_sub(outer * width.bytes())),
            width,
            false,
            at,
        )?;
        sp = sp.wrapping_sub(width.bytes());
        cpu.store(linear(sp), width, pointer, at)?;
    }
    sp = sp.wrapping_sub(width.bytes());
    cpu.store(linear(sp), width, top, at)?;
    sp = sp.wrapping_sub(frame);
    // The new top of the stack must be writable, though nothing is written there.
    cpu.probe_write(linear(sp), width.bytes(), at)?;
    write(&mut cpu.hart.regs, RBP, width, top);
    write(&mut cpu.hart.regs, RSP, stack, sp);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::testing::{Board, FREE};
    use base::Phys;

    fn divided(
        width: Width,
        signed: bool,
        high: u64,
        low: u64,
        divisor: u64,
    ) -> Option<(u64, u64)> {
        let mut regs = [0; 256];
        (regs[usize::from(RDX)], regs[usize::from(RAX)]) = (high, low);
        let done = if signed {
            divide_signed(&mut regs, width, divisor)
        } else {
            divide(&mut regs, width, divisor)
        };
        assert!(matches!(done, Ok(()) | Err(DIVIDE_ERROR)));
        done.ok()
            .map(|()| (regs[usize::from(RAX)], regs[usize::from(RDX)]))
    }

    #[test]
    fn division_fails_by_zero_and_where_the_quotient_does_not_fit() {
        let (max, min) = (u64::MAX, 1 << 63);
        assert_eq!(divided(Width::B8, false, 0, 100, 0), None);
        assert_eq!(divided(Width::B8, false, 1, 0, 1), None);
        assert_eq!(divided(Width::B8, false, 1, 0, 2), Some((min, 0)));
        assert_eq!(divided(Width::B8, true, max, min, max), None);
        assert_eq!(
            divided(Width::B8, true, max, (-7i64) as u64, 2),
            Some(((-3i64) as u64, max))
        );
        assert_eq!(divided(Width::B4, true, 0, 0x8000_0000, 1), None);
        assert_eq!(
            divided(Width::B4, true, 0xffff_ffff, 0x8000_0000, 1),
            Some((0x8000_0000, 0))
        );
        // The most negative dividend of all.
        assert_eq!(divided(Width::B8, true, min, 0, max), None);
    }

    #[test]
    fn division_of_bytes_works_on_ax_alone() {
        assert_eq!(
            divided(Width::B1, false, 5, 0xffff_0064, 7),
            Some((0xffff_020e, 5))
        );
        assert_eq!(divided(Width::B1, true, 5, 0xff80, 0xff), None);
        assert_eq!(divided(Width::B1, true, 5, 0xff81, 0xff), Some((0x7f, 5)));
    }

    #[test]
    fn a_rotate_through_carry_by_all_bits_and_the_carry_changes_nothing() {
        let word = flags::CF | flags::ZF;
        assert_eq!(rotate_carry(true, Width::B1, 0xa5, 9, word), (0xa5, word));
        assert_eq!(
            rotate_carry(false, Width::B2, 0x1234, 17, word),
            (0x1234, word)
        );
        // CF goes in at the bottom, the top bit comes out; the top two bits differed.
        assert_eq!(
            rotate_carry(true, Width::B1, 0x81, 1, word),
            (0x03, word | flags::OF)
        );
    }

    #[test]
    fn a_double_shift_fills_from_the_second_operand() {
        let (result, word) = double_shift(true, Width::B4, 0x8000_0001, 0xabcd_0000, 8, 0);
        assert_eq!((result, word & flags::CF), (0x0000_01ab, 0));
        let (result, word) = double_shift(false, Width::B8, 0x8, 0xff, 4, 0);
        assert_eq!((result, word & flags::CF), (0xf << 60, flags::CF));
        assert_eq!(
            double_shift(true, Width::B8, 5, 6, 0, flags::ALL),
            (5, flags::ALL)
        );
    }

    #[test]
    fn a_paired_exchange_wants_its_operand_aligned() {
        let mut board = Board::new();
        assert_eq!(
            board.run(|cpu| exchange_16(cpu, FREE + 8, 0)),
            Err(Trap::GP0)
        );
    }

    #[test]
    fn a_paired_exchange_stores_on_success_and_loads_on_failure() {
        let mut board = Board::new();
        let at = |n: u64| Phys(FREE + 8 * n);
        board.ram.write(at(0), Width::B8, 10).unwrap();
        board.ram.write(at(1), Width::B8, 20).unwrap();
        for (reg, value) in [(RAX, 10), (RDX, 0), (RBX, 30), (RCX, 40)] {
            board.hart.regs[usize::from(reg)] = value;
        }
        board.run(|cpu| exchange_16(cpu, FREE, 0)).unwrap();
        assert_eq!(board.hart.rflags() & flags::ZF, 0);
        assert_eq!(board.hart.regs[usize::from(RDX)], 20);
        board.run(|cpu| exchange_16(cpu, FREE, 0)).unwrap();
        assert_ne!(board.hart.rflags() & flags::ZF, 0);
        assert_eq!(
            (
                board.ram.read(at(0), Width::B8),
                board.ram.read(at(1), Width::B8)
            ),
            (Some(30), Some(40))
        );
    }

    #[test]
    fn a_nested_frame_that_faults_moves_no_register() {
        let mut board = Board::new();
        board.unmap(FREE);
        board.hart.regs[usize::from(RSP)] = FREE + 0x1008;
        board.hart.regs[usize::from(RBP)] = FREE + 0x2000;
        let before = board.hart.regs;
        assert!(board.run(|cpu| enter(cpu, 3 | 8 << 8, 16, 0)).is_err());
        assert!(board.hart.regs == before);
    }
}
