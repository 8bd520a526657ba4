//! The interpreter: one `match` over micro-ops. Long, because it holds one arm for each of them.
//!
//! Memory ops try the guest's fast path first; what that refuses is done by the guest's slow path, which may fault.
//! Floating point takes the host's result when that is certainly the guest's ([`crate::float`]), else the ISA's call.
//! After anything slow the guest may ask for attention: the instruction in progress is finished, then the block is left.

use crate::float::{double, single};
use base::Width;
use ir::flags::{self, Cond};
use ir::reg::{FLAG_A, FLAG_B, FLAG_KIND, FP_FAST};
use ir::{Block, Flow, Guest, Op, Opcode};

/// How control left a block.
pub enum Exit<T> {
    /// To the next instruction in sequence.
    Next,
    /// To the branch's target.
    Taken,
    /// To an address.
    To(u64),
    /// Attention was asked for: so many instructions of the block are done.
    Stopped {
        /// Instructions done.
        insns: usize,
    },
    /// A call ended the block, on to the next instruction; it counted as so many instructions.
    Called {
        /// At least 1.
        counted: u64,
    },
    /// A call put the program counter somewhere.
    Jumped,
    /// A call is not finished; the program counter is at it.
    Again {
        /// Iterations done.
        iterations: u64,
    },
    /// An instruction did not complete.
    Trap {
        /// Its number in the block.
        insn: usize,
        /// Why.
        trap: T,
        /// Whether the program counter is already where the trap wants it.
        at_call: bool,
    },
}

/// Runs one block. `done` instructions of the run came before it, `left` may still retire.
#[inline]
#[expect(clippy::too_many_lines, reason = "one arm for each micro-op")]
#[expect(clippy::cognitive_complexity, reason = "one arm for each micro-op")]
pub fn interpret<G: Guest>(block: &Block, guest: &mut G, done: u64, left: u64) -> Exit<G::Trap> {
    let mut ops = &block.ops[..];
    let mut index = 0usize;
    macro_rules! reg {
        ($r:expr) => {
            guest.regs()[$r as usize]
        };
    }
    loop {
        let Some(&op) = ops.get(index) else {
            return Exit::Stopped {
                insns: block.insn_of(index.saturating_sub(1)) + 1,
            };
        };
        index += 1;
        macro_rules! set {
            ($value:expr) => {{
                let value = $value;
                reg!(op.d) = value;
            }};
        }
        macro_rules! a {
            () => {
                reg!(op.a)
            };
        }
        macro_rules! b {
            () => {
                reg!(op.b)
            };
        }
        macro_rules! imm {
            () => {
                i64::from(op.imm) as u64
            };
        }
        macro_rules! trap {
            ($trap:expr) => {
                return Exit::Trap {
                    insn: block.insn_of(index - 1),
                    trap: $trap,
                    at_call: false,
                }
            };
        }
        // After a slow step: leave the block once the instruction is finished, if somebody wants to look.
        macro_rules! look {
            () => {
                if guest.attention() {
                    ops = &block.ops[..block.end_of(block.insn_of(index - 1))];
                }
            };
        }
        macro_rules! load_at {
            ($addr:expr, $width:ident) => {{
                let addr: u64 = $addr;
                match guest.load_fast(addr, Width::$width) {
                    Some(value) => value,
                    None => {
                        let at = done + block.insn_of(index - 1) as u64;
                        match guest.load(addr, Width::$width, false, at) {
                            Ok(value) => {
                                look!();
                                value
                            }
                            Err(trap) => trap!(trap),
                        }
                    }
                }
            }};
        }
        macro_rules! near {
            () => {
                a!().wrapping_add(imm!())
            };
        }
        macro_rules! indexed {
            () => {
                a!().wrapping_add(b!() << (op.imm & 3))
                    .wrapping_add(i64::from(op.imm >> 2) as u64)
            };
        }
        macro_rules! load_for_write {
            ($width:ident) => {{
                let addr = near!();
                let value = match guest.load_for_write_fast(addr, Width::$width) {
                    Some(value) => value,
                    None => {
                        let at = done + block.insn_of(index - 1) as u64;
                        match guest.load(addr, Width::$width, true, at) {
                            Ok(value) => {
                                look!();
                                value
                            }
                            Err(trap) => trap!(trap),
                        }
                    }
                };
                set!(value)
            }};
        }
        macro_rules! store_at {
            ($addr:expr, $width:ident, $value:expr) => {{
                let (addr, value): (u64, u64) = ($addr, $value);
                if !guest.store_fast(addr, Width::$width, value) {
                    let at = done + block.insn_of(index - 1) as u64;
                    match guest.store(addr, Width::$width, value, at) {
                        Ok(()) => look!(),
                        Err(trap) => trap!(trap),
                    }
                }
            }};
        }
        macro_rules! branch {
            ($taken:expr) => {
                return if $taken { Exit::Taken } else { Exit::Next }
            };
        }
        macro_rules! lanes {
            ($lane:ty, $f:expr) => {{
                let f: fn($lane, $lane) -> $lane = $f;
                let (al, ah) = (reg!(op.a), reg!(op.a.wrapping_add(1)));
                let (bl, bh) = (reg!(op.b), reg!(op.b.wrapping_add(1)));
                reg!(op.d) = by_lane(al, bl, <$lane>::BITS, |x, y| {
                    u64::from(f(x as $lane, y as $lane))
                });
                reg!(op.d.wrapping_add(1)) = by_lane(ah, bh, <$lane>::BITS, |x, y| {
                    u64::from(f(x as $lane, y as $lane))
                });
            }};
        }
        macro_rules! halves {
            ($f:expr) => {{
                let f: fn(u64, u64) -> u64 = $f;
                let (al, ah) = (reg!(op.a), reg!(op.a.wrapping_add(1)));
                let (bl, bh) = (reg!(op.b), reg!(op.b.wrapping_add(1)));
                reg!(op.d) = f(al, bl);
                reg!(op.d.wrapping_add(1)) = f(ah, bh);
            }};
        }
        macro_rules! unpack {
            ($bits:expr) => {{
                let (low, high) = interleave(a!(), b!(), $bits);
                reg!(op.d) = low;
                reg!(op.d.wrapping_add(1)) = high;
            }};
        }
        macro_rules! call {
            () => {{
                let at = done + block.insn_of(index - 1) as u64;
                match guest.call(op, at, 0) {
                    Ok(_) => look!(),
                    Err(trap) => trap!(trap),
                }
            }};
        }
        // Subnormal operands raise a flag of their own, and the smallest normal result may be the rounding of a tiny one.
        macro_rules! float64 {
            ($f:path) => {{
                let (x, y) = (f64::from_bits(a!()), f64::from_bits(b!()));
                match $f(x, y, reg!(FP_FAST)) {
                    Some(result) => set!(result.to_bits()),
                    None => call!(),
                }
            }};
        }
        macro_rules! float32 {
            ($f:path) => {{
                let (x, y) = (f32::from_bits(a!() as u32), f32::from_bits(b!() as u32));
                match $f(x, y, reg!(FP_FAST)) {
                    Some(result) => set!(reg!(op.d) & !0xffff_ffff | u64::from(result.to_bits())),
                    None => call!(),
                }
            }};
        }
        match op.code {
            Opcode::Nop => {}
            Opcode::Report => {
                let at = done + block.insn_of(index - 1) as u64;
                let probe = op.imm.checked_sub(1).and_then(|n| u32::try_from(n).ok());
                guest.report(u16::from_le_bytes([op.a, op.b]), probe, at);
            }
            Opcode::Mov => set!(a!()),
            Opcode::MovI => set!(imm!()),
            Opcode::MovPool => set!(block.pool[op.imm as usize]),

            Opcode::Add => set!(a!().wrapping_add(b!())),
            Opcode::Sub => set!(a!().wrapping_sub(b!())),
            Opcode::And => set!(a!() & b!()),
            Opcode::Or => set!(a!() | b!()),
            Opcode::Xor => set!(a!() ^ b!()),
            Opcode::AndNot => set!(a!() & !b!()),
            Opcode::AddI => set!(a!().wrapping_add(imm!())),
            Opcode::AndI => set!(a!() & imm!()),
            Opcode::OrI => set!(a!() | imm!()),
            Opcode::XorI => set!(a!() ^ imm!()),
            Opcode::Lea => set!(indexed!()),
            Opcode::Add32 => set!(zext(a!().wrapping_add(b!()))),
            Opcode::Sub32 => set!(zext(a!().wrapping_sub(b!()))),
            Opcode::And32 => set!(zext(a!() & b!())),
            Opcode::Or32 => set!(zext(a!() | b!())),
            Opcode::Xor32 => set!(zext(a!() ^ b!())),
            Opcode::AddI32 => set!(zext(a!().wrapping_add(imm!()))),
            Opcode::AndI32 => set!(zext(a!() & imm!())),
            Opcode::OrI32 => set!(zext(a!() | imm!())),
            Opcode::XorI32 => set!(zext(a!() ^ imm!())),
            Opcode::Lea32 => set!(zext(indexed!())),
            Opcode::AddW => set!(sext(a!().wrapping_add(b!()))),
            Opcode::SubW => set!(sext(a!().wrapping_sub(b!()))),
            Opcode::AddIW => set!(sext(a!().wrapping_add(imm!()))),
            Opcode::ShlW => set!(sext(a!() << (b!() & 31))),
            Opcode::ShrW => set!(sext(zext(a!()) >> (b!() & 31))),
            Opcode::SarW => set!(((a!() as i32) >> (b!() & 31)) as u64),
            Opcode::ShlIW => set!(sext(a!() << (op.imm & 31))),
            Opcode::ShrIW => set!(sext(zext(a!()) >> (op.imm & 31))),
            Opcode::SarIW => set!(((a!() as i32) >> (op.imm & 31)) as u64),

            Opcode::Shl => set!(a!() << (b!() & 63)),
            Opcode::Shr => set!(a!() >> (b!() & 63)),
            Opcode::Sar => set!(((a!() as i64) >> (b!() & 63)) as u64),
            Opcode::Rol => set!(a!().rotate_left((b!() & 63) as u32)),
            Opcode::Ror => set!(a!().rotate_right((b!() & 63) as u32)),
            Opcode::ShlI => set!(a!() << (op.imm & 63)),
            Opcode::ShrI => set!(a!() >> (op.imm & 63)),
            Opcode::SarI => set!(((a!() as i64) >> (op.imm & 63)) as u64),
            Opcode::RorI => set!(a!().rotate_right((op.imm & 63) as u32)),
            Opcode::Shl32 => set!(zext(a!() << (b!() & 31))),
            Opcode::Shr32 => set!(zext(a!()) >> (b!() & 31)),
            Opcode::Sar32 => set!(u64::from(((a!() as i32) >> (b!() & 31)) as u32)),
            Opcode::Rol32 => set!(u64::from((a!() as u32).rotate_left((b!() & 31) as u32))),
            Opcode::Ror32 => set!(u64::from((a!() as u32).rotate_right((b!() & 31) as u32))),
            Opcode::ShlI32 => set!(zext(a!() << (op.imm & 31))),
            Opcode::ShrI32 => set!(zext(a!()) >> (op.imm & 31)),
            Opcode::SarI32 => set!(u64::from(((a!() as i32) >> (op.imm & 31)) as u32)),
            Opcode::RorI32 => set!(u64::from((a!() as u32).rotate_right((op.imm & 31) as u32))),

            Opcode::Mul => set!(a!().wrapping_mul(b!())),
            Opcode::Mul32 => set!(zext(a!().wrapping_mul(b!()))),
            Opcode::MulW => set!(sext(a!().wrapping_mul(b!()))),
            Opcode::MulHU => set!(((u128::from(a!()) * u128::from(b!())) >> 64) as u64),
            Opcode::MulHS => {
                set!(((i128::from(a!() as i64) * i128::from(b!() as i64)) >> 64) as u64)
            }
            Opcode::MulHSU => set!(((i128::from(a!() as i64) * i128::from(b!())) >> 64) as u64),

            Opcode::Zext8 => set!(a!() & 0xff),
            Opcode::Zext16 => set!(a!() & 0xffff),
            Opcode::Zext32 => set!(zext(a!())),
            Opcode::Sext8 => set!(a!() as i8 as u64),
            Opcode::Sext16 => set!(a!() as i16 as u64),
            Opcode::Sext32 => set!(sext(a!())),
            Opcode::Extract8h => set!(a!() >> 8 & 0xff),
            Opcode::Insert8l => set!(reg!(op.d) & !0xff | a!() & 0xff),
            Opcode::Insert8h => set!(reg!(op.d) & !0xff00 | (a!() & 0xff) << 8),
            Opcode::Insert16 => set!(reg!(op.d) & !0xffff | a!() & 0xffff),
            Opcode::Insert32 => set!(reg!(op.d) & !0xffff_ffff | zext(a!())),

            Opcode::Bswap => set!(a!().swap_bytes()),
            Opcode::Bswap32 => set!(u64::from((a!() as u32).swap_bytes())),
            Opcode::Clz => set!(u64::from(a!().leading_zeros())),
            Opcode::Ctz => set!(u64::from(a!().trailing_zeros())),
            Opcode::Popcnt => set!(u64::from(a!().count_ones())),

            Opcode::Seq => set!(u64::from(a!() == b!())),
            Opcode::Sne => set!(u64::from(a!() != b!())),
            Opcode::Sltu => set!(u64::from(a!() < b!())),
            Opcode::Sgeu => set!(u64::from(a!() >= b!())),
            Opcode::Slt => set!(u64::from((a!() as i64) < b!() as i64)),
            Opcode::Sge => set!(u64::from(a!() as i64 >= b!() as i64)),
            Opcode::Seq32 => set!(u64::from(a!() as u32 == b!() as u32)),
            Opcode::Sne32 => set!(u64::from(a!() as u32 != b!() as u32)),
            Opcode::Sltu32 => set!(u64::from((a!() as u32) < b!() as u32)),
            Opcode::Sgeu32 => set!(u64::from(a!() as u32 >= b!() as u32)),
            Opcode::Slt32 => set!(u64::from((a!() as i32) < b!() as i32)),
            Opcode::Sge32 => set!(u64::from(a!() as i32 >= b!() as i32)),
            Opcode::SeqI => set!(u64::from(a!() == imm!())),
            Opcode::SltuI => set!(u64::from(a!() < imm!())),
            Opcode::SltI => set!(u64::from((a!() as i64) < i64::from(op.imm))),
            Opcode::MovNz => {
                if a!() != 0 {
                    set!(b!());
                }
            }
            Opcode::MovZ => {
                if a!() == 0 {
                    set!(b!());
                }
            }

            Opcode::SetFlags => set_flags(guest, op, imm!()),
            Opcode::SetFlagsI => {
                let a = a!();
                let regs = guest.regs();
                regs[usize::from(FLAG_KIND)] = u64::from(op.d);
                regs[usize::from(FLAG_A)] = a;
                regs[usize::from(FLAG_B)] = imm!();
            }
            Opcode::SetFlagsCarry => {
                let kind = imm!()
                    + if reg!(op.d) != 0 {
                        flags::CARRY_STEP
                    } else {
                        0
                    };
                set_flags(guest, op, kind);
            }
            Opcode::SetFlagsIf => {
                if b!() != 0 {
                    set_flags(guest, op, imm!());
                }
            }
            Opcode::GetFlags => set!(flags::word(reg!(FLAG_KIND), reg!(FLAG_A), reg!(FLAG_B))),
            Opcode::TestCond => set!(u64::from(condition(guest, op.imm))),

            Opcode::Ld8 => set!(load_at!(near!(), B1)),
            Opcode::Ld8s => set!(load_at!(near!(), B1) as i8 as u64),
            Opcode::Ld16 => set!(load_at!(near!(), B2)),
            Opcode::Ld16s => set!(load_at!(near!(), B2) as i16 as u64),
            Opcode::Ld32 => set!(load_at!(near!(), B4)),
            Opcode::Ld32s => set!(sext(load_at!(near!(), B4))),
            Opcode::Ld64 => set!(load_at!(near!(), B8)),
            Opcode::Ld128 => {
                let addr = near!();
                let low = load_at!(addr, B8);
                let high = load_at!(addr.wrapping_add(8), B8);
                reg!(op.d) = low;
                reg!(op.d.wrapping_add(1)) = high;
            }
            Opcode::LdX8 => set!(load_at!(indexed!(), B1)),
            Opcode::LdX8s => set!(load_at!(indexed!(), B1) as i8 as u64),
            Opcode::LdX16 => set!(load_at!(indexed!(), B2)),
            Opcode::LdX16s => set!(load_at!(indexed!(), B2) as i16 as u64),
            Opcode::LdX32 => set!(load_at!(indexed!(), B4)),
            Opcode::LdX32s => set!(sext(load_at!(indexed!(), B4))),
            Opcode::LdX64 => set!(load_at!(indexed!(), B8)),
            Opcode::LdW8 => load_for_write!(B1),
            Opcode::LdW16 => load_for_write!(B2),
            Opcode::LdW32 => load_for_write!(B4),
            Opcode::LdW64 => load_for_write!(B8),
            Opcode::St8 => store_at!(near!(), B1, b!()),
            Opcode::St16 => store_at!(near!(), B2, b!()),
            Opcode::St32 => store_at!(near!(), B4, b!()),
            Opcode::St64 => store_at!(near!(), B8, b!()),
            Opcode::St128 => {
                let addr = near!();
                let (low, high) = (b!(), reg!(op.b.wrapping_add(1)));
                if addr & 0xfff > 0xff0 {
                    let at = done + block.insn_of(index - 1) as u64;
                    if let Err(trap) = guest.probe_write(addr, 16, at) {
                        trap!(trap);
                    }
                }
                store_at!(addr, B8, low);
                store_at!(addr.wrapping_add(8), B8, high);
            }
            Opcode::StX8 => store_at!(indexed!(), B1, reg!(op.d)),
            Opcode::StX16 => store_at!(indexed!(), B2, reg!(op.d)),
            Opcode::StX32 => store_at!(indexed!(), B4, reg!(op.d)),
            Opcode::StX64 => store_at!(indexed!(), B8, reg!(op.d)),
            Opcode::CheckAlign => {
                let addr = near!();
                if addr & (u64::from(op.b).wrapping_sub(1)) != 0 {
                    trap!(guest.misaligned(addr));
                }
            }
            Opcode::ProbeWrite => {
                let at = done + block.insn_of(index - 1) as u64;
                let addr = near!();
                if let Err(trap) = guest.probe_write(addr, u64::from(op.b), at) {
                    trap!(trap);
                }
            }

            Opcode::VAnd => halves!(|x, y| x & y),
            Opcode::VOr => halves!(|x, y| x | y),
            Opcode::VXor => halves!(|x, y| x ^ y),
            Opcode::VAndNot => halves!(|x, y| !x & y),
            Opcode::VAdd8 => lanes!(u8, u8::wrapping_add),
            Opcode::VAdd16 => lanes!(u16, u16::wrapping_add),
            Opcode::VAdd32 => lanes!(u32, u32::wrapping_add),
            Opcode::VAdd64 => halves!(u64::wrapping_add),
            Opcode::VSub8 => lanes!(u8, u8::wrapping_sub),
            Opcode::VSub16 => lanes!(u16, u16::wrapping_sub),
            Opcode::VSub32 => lanes!(u32, u32::wrapping_sub),
            Opcode::VSub64 => halves!(u64::wrapping_sub),
            Opcode::VEq8 => lanes!(u8, |x, y| if x == y { u8::MAX } else { 0 }),
            Opcode::VEq16 => lanes!(u16, |x, y| if x == y { u16::MAX } else { 0 }),
            Opcode::VEq32 => lanes!(u32, |x, y| if x == y { u32::MAX } else { 0 }),
            Opcode::VMinU8 => lanes!(u8, std::cmp::min),
            Opcode::VMaxU8 => lanes!(u8, std::cmp::max),
            Opcode::VShuffle32 => {
                let source = u128::from(a!()) | u128::from(reg!(op.a.wrapping_add(1))) << 64;
                let lane = |n: i32| (source >> (32 * ((op.imm >> (2 * n)) & 3))) as u32;
                reg!(op.d) = u64::from(lane(0)) | u64::from(lane(1)) << 32;
                reg!(op.d.wrapping_add(1)) = u64::from(lane(2)) | u64::from(lane(3)) << 32;
            }
            Opcode::VUnpackL8 => unpack!(8),
            Opcode::VUnpackL16 => unpack!(16),
            Opcode::VUnpackL32 => unpack!(32),
            Opcode::VMoveMask8 => {
                let (low, high) = (a!(), reg!(op.a.wrapping_add(1)));
                set!(top_bits(low) | top_bits(high) << 8);
            }

            Opcode::FAdd64 => float64!(double::add),
            Opcode::FSub64 => float64!(double::sub),
            Opcode::FMul64 => float64!(double::mul),
            Opcode::FDiv64 => float64!(double::div),
            Opcode::FSqrt64 => float64!(double::sqrt),
            Opcode::FAdd32 => float32!(single::add),
            Opcode::FSub32 => float32!(single::sub),
            Opcode::FMul32 => float32!(single::mul),
            Opcode::FDiv32 => float32!(single::div),
            Opcode::FSqrt32 => float32!(single::sqrt),

            Opcode::Call => call!(),
            Opcode::CallEnd => {
                let insn = block.insn_of(index - 1);
                let before = insn as u64;
                guest.set_pc(block.pc_of(insn));
                return match guest.call(op, done + before, left - before) {
                    Ok(Flow::Next) => Exit::Called { counted: 1 },
                    Ok(Flow::Jump) => Exit::Jumped,
                    Ok(Flow::Again(iterations)) => Exit::Again { iterations },
                    Ok(Flow::Counted(counted)) => Exit::Called { counted },
                    Err(trap) => Exit::Trap {
                        insn,
                        trap,
                        at_call: true,
                    },
                };
            }

            Opcode::Next => return Exit::Next,
            Opcode::Jump => return Exit::Taken,
            Opcode::JumpReg => return Exit::To(a!()),
            Opcode::BrCond => branch!(condition(guest, op.imm)),
            Opcode::BrEq => branch!(a!() == b!()),
            Opcode::BrNe => branch!(a!() != b!()),
            Opcode::BrLtu => branch!(a!() < b!()),
            Opcode::BrGeu => branch!(a!() >= b!()),
            Opcode::BrLt => branch!((a!() as i64) < b!() as i64),
            Opcode::BrGe => branch!(a!() as i64 >= b!() as i64),
            Opcode::BrEq32 => branch!(a!() as u32 == b!() as u32),
            Opcode::BrNe32 => branch!(a!() as u32 != b!() as u32),
            Opcode::BrLtu32 => branch!((a!() as u32) < b!() as u32),
            Opcode::BrGeu32 => branch!(a!() as u32 >= b!() as u32),
            Opcode::BrLt32 => branch!((a!() as i32) < b!() as i32),
            Opcode::BrGe32 => branch!(a!() as i32 >= b!() as i32),
            Opcode::BrEqI => branch!(a!() == imm!()),
            Opcode::BrNeI => branch!(a!() != imm!()),
            Opcode::BrLtuI => branch!(a!() < imm!()),
            Opcode::BrGeuI => branch!(a!() >= imm!()),
            Opcode::BrLtI => branch!((a!() as i64) < i64::from(op.imm)),
            Opcode::BrGeI => branch!(a!() as i64 >= i64::from(op.imm)),
            Opcode::BrEqI32 => branch!(a!() as u32 == op.imm as u32),
            Opcode::BrNeI32 => branch!(a!() as u32 != op.imm as u32),
            Opcode::BrLtuI32 => branch!((a!() as u32) < op.imm as u32),
            Opcode::BrGeuI32 => branch!(a!() as u32 >= op.imm as u32),
            Opcode::BrLtI32 => branch!((a!() as i32) < op.imm),
            Opcode::BrGeI32 => branch!(a!() as i32 >= op.imm),
        }
    }
}

#[inline(always)]
const fn zext(value: u64) -> u64 {
    value & 0xffff_ffff
}

#[inline(always)]
const fn sext(value: u64) -> u64 {
    value as i32 as u64
}

#[inline(always)]
fn set_flags<G: Guest>(guest: &mut G, op: Op, kind: u64) {
    let regs = guest.regs();
    let (a, b) = (regs[usize::from(op.a)], regs[usize::from(op.b)]);
    regs[usize::from(FLAG_KIND)] = kind;
    regs[usize::from(FLAG_A)] = a;
    regs[usize::from(FLAG_B)] = b;
}

fn condition<G: Guest>(guest: &mut G, number: i32) -> bool {
    let regs = guest.regs();
    let [kind, a, b] = [FLAG_KIND, FLAG_A, FLAG_B].map(|r| regs[usize::from(r)]);
    flags::holds(Cond::decode(number as u8), kind, a, b)
}

#[inline(always)]
fn by_lane(a: u64, b: u64, bits: u32, f: impl Fn(u64, u64) -> u64) -> u64 {
    let mut result = 0;
    let mut shift = 0;
    while shift < 64 {
        result |= f(a >> shift, b >> shift) << shift;
        shift += bits;
    }
    result
}

fn interleave(a: u64, b: u64, bits: u32) -> (u64, u64) {
    let mask = (1u64 << bits) - 1;
    let mut result = 0u128;
    for lane in 0..64 / bits {
        let pair = (a >> (lane * bits) & mask) | (b >> (lane * bits) & mask) << bits;
        result |= u128::from(pair) << (2 * lane * bits);
    }
    (result as u64, (result >> 64) as u64)
}

const fn top_bits(word: u64) -> u64 {
    // Gathers bit 7 of each byte: the multiplier moves byte i's bit to bit 56 + i without a carry between them.
    ((word & 0x8080_8080_8080_8080) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn top_bits_gathers_one_bit_of_each_byte() {
        assert_eq!(top_bits(0x8000_0000_0000_0080), 0x81);
        assert_eq!(top_bits(0x0080_ff7f_8001_0080), 0b0110_1001);
        assert_eq!(top_bits(u64::MAX), 0xff);
    }

    #[test]
    fn lanes_do_not_carry_into_each_other() {
        assert_eq!(
            by_lane(0x00ff, 0x0101, 8, |x, y| (x as u8)
                .wrapping_add(y as u8)
                .into()),
            0x0100
        );
        assert_eq!(
            interleave(0x4433_2211, 0x8877_6655, 8).0,
            0x8844_7733_6622_5511
        );
    }
}
