//! The format of `x` and `print`: `/10i`, `/8xw`.

/// A format: how many, how to show them, how large they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// How many items.
    pub count: u32,
    /// What they are.
    pub kind: Kind,
    /// Bytes of each: 1, 2, 4 or 8.
    pub size: u8,
}

/// How an item is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In hexadecimal.
    Hex,
    /// Signed.
    Decimal,
    /// Unsigned.
    Unsigned,
    /// In octal.
    Octal,
    /// In binary.
    Binary,
    /// An address, with its symbol.
    Address,
    /// A character.
    Char,
    /// Text up to a zero byte.
    Text,
    /// Instructions.
    Code,
}

/// Most items at a time.
const MOST: u32 = 10_000;

impl Default for Format {
    /// Words of 4 bytes in hexadecimal.
    fn default() -> Self {
        Self {
            count: 1,
            kind: Kind::Hex,
            size: 4,
        }
    }
}

impl Format {
    /// Reads what follows the slash; what it leaves open is as in `last`, but the count is 1.
    pub fn parse(text: &str, last: Self) -> Result<Self, String> {
        let letters = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = &text[..text.len() - letters.len()];
        let mut format = Self { count: 1, ..last };
        if !digits.is_empty() {
            let count = digits.parse().unwrap_or(u32::MAX);
            if !(1..=MOST).contains(&count) {
                return Err(format!("/{text}: 1 to {MOST} at a time"));
            }
            format.count = count;
        }
        let mut size = None;
        for letter in letters.chars() {
            match letter {
                'x' => format.kind = Kind::Hex,
                'd' => format.kind = Kind::Decimal,
                'u' => format.kind = Kind::Unsigned,
                'o' => format.kind = Kind::Octal,
                't' => format.kind = Kind::Binary,
                'a' => format.kind = Kind::Address,
                'c' => format.kind = Kind::Char,
                's' => format.kind = Kind::Text,
                'i' => format.kind = Kind::Code,
                'b' => size = Some(1),
                'h' => size = Some(2),
                'w' => size = Some(4),
                'g' => size = Some(8),
                _ => {
                    return Err(format!(
                        "/{text}: '{letter}' is neither a format (x d u o t a c s i) nor a size (b h w g)"
                    ));
                }
            }
        }
        let changed = letters.contains(['a', 'c']);
        format.size = match (size, format.kind) {
            (Some(size), _) => size,
            (None, Kind::Address) if changed => 8,
            (None, Kind::Char) if changed => 1,
            _ => format.size,
        };
        Ok(format)
    }

    /// A value of this format's size, padded so that columns stand under each other.
    pub fn show(self, value: u64) -> String {
        let bits = 8 * u32::from(self.size);
        let value = value << (64 - bits) >> (64 - bits);
        let signed = (value << (64 - bits)) as i64 >> (64 - bits);
        let digits = usize::from(self.size);
        match self.kind {
            Kind::Decimal => {
                let width = [4, 6, 11, 20][self.size.ilog2() as usize];
                format!("{signed:>width$}")
            }
            Kind::Unsigned => {
                let width = [3, 5, 10, 20][self.size.ilog2() as usize];
                format!("{value:>width$}")
            }
            Kind::Octal => {
                let width = (bits as usize).div_ceil(3) + 1;
                format!("{:>width$}", format!("0{value:o}"))
            }
            Kind::Binary => format!("{value:0width$b}", width = bits as usize),
            Kind::Char => match u8::try_from(value) {
                Ok(byte) => format!("'{}'", byte.escape_ascii()),
                Err(_) => format!("{value:#x}"),
            },
            _ => format!("{value:#0width$x}", width = 2 * digits + 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Format {
        Format::parse(text, Format::default()).unwrap()
    }

    #[test]
    fn count_format_and_size_come_in_any_order_that_gdb_takes() {
        let format = |count, kind, size| Format { count, kind, size };
        for (text, wanted) in [
            ("", format(1, Kind::Hex, 4)),
            ("10i", format(10, Kind::Code, 4)),
            ("8xw", format(8, Kind::Hex, 4)),
            ("4xg", format(4, Kind::Hex, 8)),
            ("4gx", format(4, Kind::Hex, 8)),
            ("c", format(1, Kind::Char, 1)),
            ("2a", format(2, Kind::Address, 8)),
            ("s", format(1, Kind::Text, 4)),
        ] {
            assert_eq!(parse(text), wanted, "{text}");
        }
        let last = format(3, Kind::Decimal, 2);
        assert_eq!(Format::parse("", last), Ok(format(1, Kind::Decimal, 2)));
        for text in ["0x", "10001x", "99999999999999x", "z", "x5", "\u{e9}"] {
            assert!(Format::parse(text, last).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_cut_to_their_size_and_padded() {
        for (format, wanted) in [
            ("xb", "0xfe"),
            ("xw", "0xfffffffe"),
            ("xg", "0xfffffffffffffffe"),
            ("db", "  -2"),
            ("ub", "254"),
            ("ob", "0376"),
            ("tb", "11111110"),
            ("cb", "'\\xfe'"),
        ] {
            assert_eq!(parse(format).show((-2i64) as u64), wanted, "{format}");
        }
    }
}
