//! Numbers in as few bytes as they need: seven bits a byte, the lowest first, the top bit set on all but the last.

/// The top bits of eight bytes.
const MORE: u64 = 0x8080_8080_8080_8080;

/// Appends `value`.
#[inline]
pub fn put(out: &mut Vec<u8>, value: u64) {
    if value < 1 << 7 {
        out.push(value as u8);
    } else if value < 1 << 56 {
        // How long it is cannot be foreseen, so that a loop would cost more than all eight bytes at once.
        let len = (63 - value.leading_zeros()) / 7 + 1;
        let marks = MORE & ((1 << (8 * (len - 1))) - 1);
        let end = out.len() + len as usize;
        out.extend_from_slice(&(spread(value) | marks).to_le_bytes());
        out.truncate(end);
    } else {
        put_long(out, value);
    }
}

/// The low 56 bits of `value`, seven to a byte.
#[inline]
const fn spread(value: u64) -> u64 {
    let fours = value & 0xfff_ffff | (value & 0xff_ffff_f000_0000) << 4;
    let twos = fours & 0x3fff_0000_3fff | (fours & 0x0fff_c000_0fff_c000) << 2;
    twos & 0x007f_007f_007f_007f | (twos & 0x3f80_3f80_3f80_3f80) << 1
}

#[cold]
fn put_long(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed value, small in either direction.
pub fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, (value << 1 ^ value >> 63) as u64);
}

/// Takes a value off the front; `None` if the bytes end too early or say more than 64 bits.
pub fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u64::from(byte & 0x7f);
        if shift == 63 && part > 1 {
            return None;
        }
        value |= part << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Takes a signed value.
pub fn take_signed(bytes: &mut &[u8]) -> Option<i64> {
    take(bytes).map(|value| (value >> 1) as i64 ^ -((value & 1) as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        let edges = (0..64).flat_map(|bit| [1u64 << bit, (1 << bit) - 1, u64::MAX >> bit]);
        for value in edges.chain([0xffff_ffff_8000_0000, 0x12_3456_789a_bcde]) {
            let mut bytes = Vec::new();
            put(&mut bytes, value);
            let mut long = Vec::new();
            put_long(&mut long, value);
            assert_eq!(bytes, long, "{value:#x}");
            put_signed(&mut bytes, value as i64);
            let mut rest = &bytes[..];
            assert_eq!(take(&mut rest), Some(value));
            assert_eq!(take_signed(&mut rest), Some(value as i64));
            assert!(rest.is_empty());
        }
    }

    #[test]
    fn what_is_cut_or_too_long_is_refused() {
        assert_eq!(take(&mut &[0x80][..]), None);
        assert_eq!(take(&mut &[0xff; 11][..]), None);
    }
}
