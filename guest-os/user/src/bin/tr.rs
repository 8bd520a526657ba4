//! tr: translates, squeezes or deletes bytes.

#![no_std]
#![no_main]

use ulib::io::{self, Reader, STDIN};
use ulib::pattern::class;
use ulib::prelude::*;
use user::echo::{Escape, escape};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-cds] SET1 [SET2]",
    short: "cCdst",
    long: &[
        ("complement", b'c'),
        ("delete", b'd'),
        ("squeeze-repeats", b's'),
    ],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let (delete, squeeze) = (options.has(b'd'), options.has(b's'));
    let most = if delete && !squeeze { 1 } else { 2 };
    options.expect_operands(if delete || squeeze { 1 } else { 2 }, most);
    let mut first = set(options.operands[0]);
    if options.has(b'c') || options.has(b'C') {
        first = (0..=255).filter(|byte| !first.contains(byte)).collect();
    }
    let second = options.operands.get(1).map(|text| set(text));
    let mut map: [u8; 256] = core::array::from_fn(|byte| byte as u8);
    if let (Some(second), false) = (&second, delete) {
        let Some(last) = second.last() else {
            die!(1, "when not truncating set1, string2 must be non-empty");
        };
        for (i, from) in first.iter().enumerate() {
            map[usize::from(*from)] = *second.get(i).unwrap_or(last);
        }
    }
    let squeezed = second.as_ref().unwrap_or(&first);
    let mut reader = Reader::new(STDIN);
    let mut previous = None;
    loop {
        let chunk = match reader.fill() {
            Ok(chunk) => chunk,
            Err(errno) => die!(1, "read error: {errno}"),
        };
        if chunk.is_empty() {
            return 0;
        }
        let mut out = Vec::with_capacity(chunk.len());
        for byte in chunk {
            if delete && first.contains(byte) {
                continue;
            }
            let byte = map[usize::from(*byte)];
            if squeeze && previous == Some(byte) && squeezed.contains(&byte) {
                continue;
            }
            previous = Some(byte);
            out.push(byte);
        }
        let n = chunk.len();
        io::put(&out);
        reader.consume(n);
    }
}

/// The bytes of `a-z`, `[:class:]`, escapes and single characters, in order.
fn set(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if let Some(rest) = text[at..].strip_prefix(b"[:")
            && let Some(len) = ulib::bytes::find(rest, b":]")
        {
            out.extend((0..=255).filter(|byte| class(&rest[..len], *byte)));
            at += len + 4;
            continue;
        }
        let (byte, used) = character(&text[at..]);
        at += used;
        if text.get(at) == Some(&b'-') && at + 1 < text.len() {
            let (last, used) = character(&text[at + 1..]);
            if last < byte {
                die!(
                    1,
                    "range-endpoints of '{}' are in reverse collating sequence order",
                    show(text)
                );
            }
            out.extend(byte..=last);
            at += 1 + used;
        } else {
            out.push(byte);
        }
    }
    out
}

/// The first character, which may be escaped, and its length.
fn character(text: &[u8]) -> (u8, usize) {
    match text {
        [b'\\', rest @ ..] if !rest.is_empty() => match escape(rest, false) {
            Escape::Byte(byte, used) => (byte, 1 + used),
            Escape::Stop | Escape::None => (rest[0], 2),
        },
        _ => (text[0], 1),
    }
}
