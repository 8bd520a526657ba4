//! Calls of the F and D extensions: the NaN, boxing and flag rules of RISC-V around [`crate::float`].
//!
//! A NaN result is the canonical NaN, whatever the operands were (20.3). A single operand that is not NaN-boxed counts as
//! the canonical NaN (21.2).

use super::call::float::{self as id, Form};
use super::call::payload;
use super::cpu::Cpu;
use super::csr::status;
use super::reg::{FFLAGS, FRM, float};
use super::trap::Trap;
use crate::float::format::{compare, is_nan, is_signaling, is_subnormal, magnitude, negative};
use crate::float::{Double, Env, Format, Rounding, Single, arith, convert, flag};
use base::{Bus, Observer};
use ir::{Flow, Op};
use std::cmp::Ordering;

/// How a format lies in a 64-bit register.
trait Boxed: Format {
    /// The canonical NaN.
    const NAN: u64 = Self::INFINITY | Self::QUIET;
    /// The value in a register.
    fn unbox(register: u64) -> u64;
    /// A register that holds a value.
    fn boxed(value: u64) -> u64;
}

impl Boxed for Single {
    fn unbox(register: u64) -> u64 {
        if register >> 32 == 0xffff_ffff {
            register & 0xffff_ffff
        } else {
            Self::NAN
        }
    }

    fn boxed(value: u64) -> u64 {
        value | 0xffff_ffff << 32
    }
}

impl Boxed for Double {
    fn unbox(register: u64) -> u64 {
        register
    }

    fn boxed(value: u64) -> u64 {
        value
    }
}

/// Answers a call of page 3.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    id: u16,
    op: Op,
    _at: u64,
) -> Result<Flow, Trap> {
    if id == id::MARK {
        cpu.hart.mstatus |= status::FS;
        let fetch_page = cpu.hart.fetch_page;
        cpu.hart.refresh();
        cpu.hart.fetch_page = fetch_page;
        return Ok(Flow::Again(0));
    }
    let form = Form::unpack(payload(op));
    let regs = &cpu.hart.regs;
    let mode = match form.rounding {
        7 => regs[usize::from(FRM)],
        mode => u64::from(mode),
    };
    let rounding = match mode {
        0 => Rounding::Nearest,
        1 => Rounding::Zero,
        2 => Rounding::Down,
        3 => Rounding::Up,
        4 => Rounding::NearestAway,
        // frm holds no mode: the instruction is illegal (20.2).
        _ => return Err(Trap::ILLEGAL_IN_MEMORY),
    };
    let operands = [
        regs[usize::from(op.a)],
        regs[usize::from(op.b)],
        regs[usize::from(float(u32::from(form.third)))],
    ];
    let mut env = Env {
        rounding,
        ..Env::default()
    };
    let result = if form.double {
        compute::<Double>(id, operands, &mut env)
    } else {
        compute::<Single>(id, operands, &mut env)
    };
    let Some(result) = result else {
        return Err(cpu.gap("this call"));
    };
    cpu.hart.regs[usize::from(op.d)] = result;
    if env.flags != 0 {
        cpu.hart.regs[usize::from(FFLAGS)] |= flags(env.flags);
        cpu.hart.refresh_float();
    }
    Ok(Flow::Next)
}

/// The flags as fcsr has them: NV DZ OF UF NX.
const fn flags(raised: u8) -> u64 {
    const fn bit(raised: u8, flag: u8, to: u32) -> u64 {
        ((raised & flag != 0) as u64) << to
    }
    bit(raised, flag::INVALID, 4)
        | bit(raised, flag::DIVIDE_BY_ZERO, 3)
        | bit(raised, flag::OVERFLOW, 2)
        | bit(raised, flag::UNDERFLOW, 1)
        | bit(raised, flag::INEXACT, 0)
}

/// What the register named `d` becomes.
fn compute<F: Boxed>(id: u16, registers: [u64; 3], env: &mut Env) -> Option<u64> {
    let [a, b, c] = registers.map(F::unbox);
    let sign = F::SIGN;
    let float = |result: Option<u64>| Some(F::boxed(result.unwrap_or(F::NAN)));
    match id {
        id::ADD => float(binary::<F>(a, b, env, arith::add::<F>)),
        id::SUB => float(binary::<F>(a, b ^ sign, env, arith::add::<F>)),
        id::MUL => float(binary::<F>(a, b, env, arith::mul::<F>)),
        id::DIV => float(binary::<F>(a, b, env, arith::div::<F>)),
        id::SQRT => float(binary::<F>(a, a, env, |a, _, env| arith::sqrt::<F>(a, env))),
        id::MADD => float(fused::<F>(a, b, c, env)),
        id::MSUB => float(fused::<F>(a, b, c ^ sign, env)),
        id::NMSUB => float(fused::<F>(a ^ sign, b, c, env)),
        id::NMADD => float(fused::<F>(a ^ sign, b, c ^ sign, env)),
        id::SGNJ => float(Some(a & !sign | b & sign)),
        id::SGNJN => float(Some(a & !sign | !b & sign)),
        id::SGNJX => float(Some(a ^ b & sign)),
        id::MIN => float(choose::<F>(a, b, env, Ordering::Less)),
        id::MAX => float(choose::<F>(a, b, env, Ordering::Greater)),
        id::EQ => {
            let signals = is_signaling::<F>(a) || is_signaling::<F>(b);
            Some(u64::from(holds::<F>(a, b, signals, env, Ordering::is_eq)))
        }
        id::LT => Some(u64::from(ordered::<F>(a, b, env, Ordering::is_lt))),
        id::LE => Some(u64::from(ordered::<F>(a, b, env, Ordering::is_le))),
        id::CLASS => Some(class::<F>(a)),
        id::CONVERT => Some(if F::BITS == 64 {
            let from = Single::unbox(registers[0]);
            convert_format::<Single, Double>(from, env)
        } else {
            convert_format::<Double, Single>(registers[0], env)
        }),
        id::TO_W..=id::TO_LU => Some(to_integer::<F>(id - id::TO_W, a, env)),
        id::FROM_W..=id::FROM_LU => {
            let value = registers[0];
            float(Some(match id - id::FROM_W {
                0 => convert::from_int::<F>(i64::from(value as i32), env),
                1 => convert::from_unsigned::<F>(u64::from(value as u32), env),
                2 => convert::from_int::<F>(value as i64, env),
                _ => convert::from_unsigned::<F>(value, env),
            }))
        }
        _ => None,
    }
}

/// An operation of two numbers, NaNs kept away.
fn binary<F: Format>(
    a: u64,
    b: u64,
    env: &mut Env,
    operate: impl FnOnce(u64, u64, &mut Env) -> Option<u64>,
) -> Option<u64> {
    if is_signaling::<F>(a) || is_signaling::<F>(b) {
        env.raise(flag::INVALID);
    }
    if is_nan::<F>(a) || is_nan::<F>(b) {
        return None;
    }
    operate(a, b, env)
}

/// a * b + c. Infinity times zero is invalid whatever is added (20.7).
fn fused<F: Format>(a: u64, b: u64, c: u64, env: &mut Env) -> Option<u64> {
    if [a, b, c].iter().any(|&x| is_signaling::<F>(x)) {
        env.raise(flag::INVALID);
    }
    if is_nan::<F>(a) || is_nan::<F>(b) {
        return None;
    }
    if is_nan::<F>(c) {
        // Only to find that out.
        arith::mul::<F>(a, b, &mut Env::default())
            .is_none()
            .then(|| env.raise(flag::INVALID));
        return None;
    }
    arith::fma::<F>(a, b, c, env)
}

/// FMIN and FMAX: a number wins over a NaN, and -0 is less than +0 (20.6).
fn choose<F: Boxed>(a: u64, b: u64, env: &mut Env, wanted: Ordering) -> Option<u64> {
    if is_signaling::<F>(a) || is_signaling::<F>(b) {
        env.raise(flag::INVALID);
    }
    match (is_nan::<F>(a), is_nan::<F>(b)) {
        (true, true) => return None,
        (true, false) => return Some(b),
        (false, true) => return Some(a),
        (false, false) => {}
    }
    let order = compare::<F>(a, b).then_with(|| {
        // Zeros: the one with the sign is less.
        negative::<F>(b).cmp(&negative::<F>(a))
    });
    Some(if order == wanted || order.is_eq() {
        a
    } else {
        b
    })
}

fn holds<F: Format>(
    a: u64,
    b: u64,
    invalid: bool,
    env: &mut Env,
    test: fn(Ordering) -> bool,
) -> bool {
    if invalid {
        env.raise(flag::INVALID);
    }
    !is_nan::<F>(a) && !is_nan::<F>(b) && test(compare::<F>(a, b))
}

/// FLT and FLE: any NaN is invalid (20.8).
fn ordered<F: Format>(a: u64, b: u64, env: &mut Env, test: fn(Ordering) -> bool) -> bool {
    let invalid = is_nan::<F>(a) || is_nan::<F>(b);
    holds::<F>(a, b, invalid, env, test)
}

/// FCLASS (20.9).
fn class<F: Format>(a: u64) -> u64 {
    let minus = negative::<F>(a);
    let bit = match magnitude::<F>(a) {
        _ if is_signaling::<F>(a) => 8,
        _ if is_nan::<F>(a) => 9,
        0 => 3 + u32::from(!minus),
        m if m == F::INFINITY => {
            if minus {
                0
            } else {
                7
            }
        }
        _ if is_subnormal::<F>(a) => {
            if minus {
                2
            } else {
                5
            }
        }
        _ => {
            if minus {
                1
            } else {
                6
            }
        }
    };
    1 << bit
}

fn convert_format<From: Boxed, To: Boxed>(a: u64, env: &mut Env) -> u64 {
    if is_signaling::<From>(a) {
        env.raise(flag::INVALID);
    }
    To::boxed(if is_nan::<From>(a) {
        To::NAN
    } else {
        convert::format::<From, To>(a, env)
    })
}

/// FCVT to W, WU, L, LU (0 to 3): what does not fit becomes the nearest that does, a NaN the largest (table 26).
fn to_integer<F: Format>(kind: u16, a: u64, env: &mut Env) -> u64 {
    let low = negative::<F>(a) && !is_nan::<F>(a);
    let rounding = env.rounding;
    let nan = is_nan::<F>(a);
    if nan {
        env.raise(flag::INVALID);
    }
    match kind {
        0 => match (!nan)
            .then(|| convert::to_int::<F>(a, 32, rounding, env))
            .flatten()
        {
            Some(value) => value as u64,
            None if low => i32::MIN as u64,
            None => i32::MAX as u64,
        },
        1 => match (!nan)
            .then(|| convert::to_unsigned::<F>(a, 32, rounding, env))
            .flatten()
        {
            Some(value) => value as u32 as i32 as u64,
            None if low => 0,
            None => u64::MAX,
        },
        2 => match (!nan)
            .then(|| convert::to_int::<F>(a, 64, rounding, env))
            .flatten()
        {
            Some(value) => value as u64,
            None if low => i64::MIN as u64,
            None => i64::MAX as u64,
        },
        _ => match (!nan)
            .then(|| convert::to_unsigned::<F>(a, 64, rounding, env))
            .flatten()
        {
            Some(value) => value,
            None if low => 0,
            None => u64::MAX,
        },
    }
}
