//! The few terms of ACPI Machine Language that our DSDT needs (ACPI 6.5, chapter 20).
//!
//! Each function gives the bytes of one term; terms are nested by passing the bytes of the inner ones.

/// PkgLength (20.2.4): how many bytes follow, itself included, in one to four bytes.
fn package_length(body: usize) -> Vec<u8> {
    if body + 1 < 1 << 6 {
        return vec![(body + 1) as u8];
    }
    let extra = if body + 2 < 1 << 12 { 1 } else { 2 };
    let len = body + 1 + extra;
    let mut bytes = vec![(extra << 6 | len & 0xf) as u8, (len >> 4) as u8];
    if extra == 2 {
        bytes.push((len >> 12) as u8);
    }
    bytes
}

fn sized(opcode: &[u8], body: &[u8]) -> Vec<u8> {
    [opcode, &package_length(body.len()), body].concat()
}

/// A scope: `name` is a path such as `\_SB_`.
pub fn scope(name: &str, terms: &[u8]) -> Vec<u8> {
    sized(&[0x10], &[name.as_bytes(), terms].concat())
}

/// A device; `name` has four characters.
pub fn device(name: &str, terms: &[u8]) -> Vec<u8> {
    sized(&[0x5b, 0x82], &[name.as_bytes(), terms].concat())
}

/// A named object; `name` has four characters.
pub fn name(name: &str, object: &[u8]) -> Vec<u8> {
    [&[0x08], name.as_bytes(), object].concat()
}

/// A string.
pub fn string(text: &str) -> Vec<u8> {
    [&[0x0d], text.as_bytes(), &[0]].concat()
}

/// An integer.
pub fn integer(value: u32) -> Vec<u8> {
    let [a, b, c, d] = value.to_le_bytes();
    match value {
        0 | 1 => vec![a],
        2..=0xff => vec![0x0a, a],
        0x100..=0xffff => vec![0x0b, a, b],
        _ => vec![0x0c, a, b, c, d],
    }
}

/// A package of at most 255 elements.
pub fn package(elements: &[Vec<u8>]) -> Vec<u8> {
    sized(
        &[0x12],
        &[&[elements.len() as u8], elements.concat().as_slice()].concat(),
    )
}

/// A buffer.
fn buffer(bytes: &[u8]) -> Vec<u8> {
    sized(
        &[0x11],
        &[integer(bytes.len() as u32).as_slice(), bytes].concat(),
    )
}

/// A resource template (6.4) of one stretch of memory and one level-triggered, active-high interrupt.
pub fn memory_and_interrupt(base: u32, len: u32, line: u32) -> Vec<u8> {
    let mut resources = vec![0x86, 9, 0, 1];
    resources.extend(base.to_le_bytes());
    resources.extend(len.to_le_bytes());
    resources.extend([0x89, 6, 0, 1, 1]);
    resources.extend(line.to_le_bytes());
    resources.extend([0x79, 0]);
    buffer(&resources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_lengths_count_themselves() {
        assert_eq!(package_length(0), [1]);
        assert_eq!(package_length(62), [63]);
        assert_eq!(package_length(63), [0x41, 0x04]);
        assert_eq!(package_length(4093), [0x4f, 0xff]);
        assert_eq!(package_length(4094), [0x81, 0x00, 0x01]);
    }

    #[test]
    fn terms_nest() {
        let object = package(&[integer(5), integer(0)]);
        assert_eq!(name("_S5_", &object), *b"\x08_S5_\x12\x05\x02\x0a\x05\x00");
        assert_eq!(string("x"), [0x0d, b'x', 0]);
        assert_eq!(scope("\\_SB_", &[])[..], *b"\x10\x06\\_SB_");
    }
}
