//! sleep: waits. Numbers may have fractions and the units s, m, h, d.

#![no_std]
#![no_main]

use abi::time::Timespec;
use ulib::number::parse_u64;
use ulib::prelude::*;
use ulib::sys;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "NUMBER[smhd]...",
    short: "",
    long: &[],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    options.expect_operands(1, usize::MAX);
    let total = options.operands.iter().map(|text| match nanos(text) {
        Some(nanos) => nanos,
        None => options.mistake(format_args!("invalid time interval '{}'", show(text))),
    });
    let total = total.fold(0u64, u64::saturating_add);
    match sys::sleep(Timespec::from_nanos(total)) {
        Ok(()) => 0,
        Err(errno) => die!(1, "cannot sleep: {errno}"),
    }
}

/// `12.5m` in nanoseconds.
fn nanos(text: &[u8]) -> Option<u64> {
    let (number, unit) = match text {
        [number @ .., b's'] => (number, 1),
        [number @ .., b'm'] => (number, 60),
        [number @ .., b'h'] => (number, 3600),
        [number @ .., b'd'] => (number, 86_400),
        number => (number, 1),
    };
    let (whole, fraction) = ulib::bytes::split_once(number, b'.').unwrap_or((number, b"0"));
    let whole = if whole.is_empty() {
        0
    } else {
        parse_u64(whole)?
    };
    let digits = &fraction[..fraction.len().min(9)];
    let part = if digits.is_empty() {
        0
    } else {
        parse_u64(digits)?
    };
    let part = part * 10u64.pow(9 - digits.len() as u32);
    Some(
        whole
            .saturating_mul(1_000_000_000)
            .saturating_add(part)
            .saturating_mul(unit),
    )
}
