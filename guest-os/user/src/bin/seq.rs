//! seq: prints numbers, with as many decimals as the operands have.

#![no_std]
#![no_main]

use ulib::io;
use ulib::prelude::*;

ulib::main!(main);

const USAGE: &str = "Usage: seq [-w] [-s STRING] [FIRST [INCREMENT]] LAST";

/// A decimal number: units of 10^-places.
#[derive(Clone, Copy)]
struct Decimal {
    units: i128,
    places: u32,
}

impl Decimal {
    fn parse(text: &[u8]) -> Option<Decimal> {
        let (negative, digits) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let (whole, fraction) = ulib::bytes::split_once(digits, b'.').unwrap_or((digits, b""));
        let all = [whole, fraction].concat();
        if all.is_empty() || all.len() > 30 || !all.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let units = all
            .iter()
            .fold(0i128, |value, digit| value * 10 + i128::from(digit - b'0'));
        Some(Decimal {
            units: if negative { -units } else { units },
            places: fraction.len() as u32,
        })
    }

    fn scaled(self, places: u32) -> i128 {
        self.units * 10i128.pow(places - self.places)
    }
}

fn text(units: i128, places: u32, width: usize) -> String {
    let scale = 10u128.pow(places);
    let magnitude = units.unsigned_abs();
    let sign = if units < 0 { "-" } else { "" };
    let mut body = format!("{}", magnitude / scale);
    if places > 0 {
        body += &format!(".{:0width$}", magnitude % scale, width = places as usize);
    }
    while sign.len() + body.len() < width {
        body.insert(0, '0');
    }
    sign.to_owned() + &body
}

fn main(args: &ulib::Args) -> i32 {
    let mut rest = &args[1..];
    let (mut separator, mut equal) = (&b"\n"[..], false);
    loop {
        rest = match rest {
            [b"--help", ..] => {
                println!("{USAGE}");
                return 0;
            }
            [b"-s", value, after @ ..] => {
                separator = value;
                after
            }
            [b"-w", after @ ..] => {
                equal = true;
                after
            }
            _ => break,
        };
    }
    let numbers: Vec<Decimal> = rest
        .iter()
        .map(|text| match Decimal::parse(text) {
            Some(number) => number,
            None => die!(1, "invalid floating point argument: '{}'", show(text)),
        })
        .collect();
    let one = Decimal {
        units: 1,
        places: 0,
    };
    let (first, step, last) = match numbers[..] {
        [last] => (one, one, last),
        [first, last] => (first, one, last),
        [first, step, last] => (first, step, last),
        [] => die!(1, "missing operand"),
        [_, _, _, ..] => die!(1, "extra operand '{}'", show(rest[3])),
    };
    if step.units == 0 {
        die!(1, "invalid Zero increment value: '{}'", show(rest[1]));
    }
    let places = first.places.max(step.places);
    let all = places.max(last.places);
    let scale = 10i128.pow(all - places);
    let (start, end) = (
        first.scaled(all) / scale,
        last.scaled(all).div_euclid(scale),
    );
    let step = step.scaled(all) / scale;
    let width = match equal {
        true => text(start, places, 0).len().max(text(end, places, 0).len()),
        false => 0,
    };
    let mut value = start;
    let mut printed = false;
    while if step > 0 { value <= end } else { value >= end } {
        if printed {
            io::put(separator);
        }
        io::put(text(value, places, width).as_bytes());
        printed = true;
        value += step;
    }
    if printed {
        io::put(b"\n");
    }
    0
}
