//! The language of values in a probe map.
//!
//! ```text
//! operand    WIDTH '[' sum ']' | sum            WIDTH = u8 u16 u32 u64 i8 i16 i32 i64
//! sum        term (('+' | '-') NUMBER)?
//! term       '$' REGISTER | NUMBER | SYMBOL | 'u64' '[' sum ']'
//! condition  operand ('==' | '!=' | '<' | '>' | '<=' | '>=') NUMBER
//! ```

use crate::trace::meaning::{Compare, Test};
use machine::watch::{Argument, Place};

type Find<'a> = &'a dyn Fn(&str) -> Option<u64>;

/// How deep memory may lead to memory: enough for any kernel, too little to harm us.
const DEPTH: usize = 8;

/// A place in the code: a sum that needs no register and no memory.
pub fn address(text: &str, find: Find<'_>) -> Result<u64, String> {
    match parse(text, find)?.place {
        Place::Constant(address) => Ok(address as u64),
        _ => Err(format!(
            "'{text}' is no place in the code: say SYMBOL, SYMBOL+OFFSET or 0xADDRESS"
        )),
    }
}

/// A value.
pub fn parse(text: &str, find: Find<'_>) -> Result<Argument, String> {
    let mut source = Source {
        text,
        rest: text,
        find,
    };
    let argument = source.operand()?;
    source.end()?;
    Ok(argument)
}

/// A comparison: the value, and what it must be.
pub fn condition(text: &str, find: Find<'_>) -> Result<(Argument, Test), String> {
    const OPERATORS: [(&str, Compare); 6] = [
        ("==", Compare::Equal),
        ("!=", Compare::NotEqual),
        ("<=", Compare::AtMost),
        (">=", Compare::AtLeast),
        ("<", Compare::Below),
        (">", Compare::Above),
    ];
    let mut source = Source {
        text,
        rest: text,
        find,
    };
    let argument = source.operand()?;
    let (_, compare) = OPERATORS
        .iter()
        .find(|(operator, _)| source.takes(operator))
        .ok_or_else(|| source.wrong("a comparison such as == 0"))?;
    let with = source.number()?.ok_or_else(|| source.wrong("a number"))?;
    source.end()?;
    let test = Test {
        compare: *compare,
        with,
    };
    Ok((argument, test))
}

struct Source<'a> {
    text: &'a str,
    rest: &'a str,
    find: Find<'a>,
}

impl Source<'_> {
    fn wrong(&self, wanted: &str) -> String {
        let at = self.text.len() - self.rest.len();
        format!("'{}': {wanted} is missing at column {}", self.text, at + 1)
    }

    fn takes(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn end(&self) -> Result<(), String> {
        match self.rest.trim() {
            "" => Ok(()),
            rest => Err(format!("'{}': what is '{rest}'?", self.text)),
        }
    }

    /// A word of letters, digits and what symbols are made of.
    fn word(&mut self) -> &str {
        let rest = self.rest.trim_start();
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || "_.:<>{}#".contains(c)))
            .unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        word
    }

    fn number(&mut self) -> Result<Option<u64>, String> {
        let before = self.rest;
        let negative = self.takes("-");
        let word = self.word().to_owned();
        if !word.starts_with(|c: char| c.is_ascii_digit()) {
            self.rest = before;
            return Ok(None);
        }
        let value = match word.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(&digits.replace('_', ""), 16),
            None => word.replace('_', "").parse(),
        };
        let value = value.map_err(|_| format!("'{}': '{word}' is no number", self.text))?;
        Ok(Some(if negative {
            value.wrapping_neg()
        } else {
            value
        }))
    }

    /// `WIDTH[` at the front: bytes and sign.
    fn width(&mut self) -> Option<(u8, bool)> {
        const WIDTHS: [(&str, u8, bool); 8] = [
            ("u8[", 1, false),
            ("u16[", 2, false),
            ("u32[", 4, false),
            ("u64[", 8, false),
            ("i8[", 1, true),
            ("i16[", 2, true),
            ("i32[", 4, true),
            ("i64[", 8, true),
        ];
        let (_, bytes, signed) = WIDTHS.iter().find(|(token, ..)| self.takes(token))?;
        Some((*bytes, *signed))
    }

    fn operand(&mut self) -> Result<Argument, String> {
        let before = self.rest;
        if let Some((bytes, signed)) = self.width() {
            let place = self.memory(0)?;
            // u64[…] may be only the beginning of a sum.
            let ends = !["+", "-"]
                .iter()
                .any(|sign| self.rest.trim_start().starts_with(sign));
            if ends {
                return Ok(Argument {
                    bytes,
                    signed,
                    place,
                });
            }
            self.rest = before;
        }
        let (base, offset) = self.sum(0)?;
        let place = match base {
            Place::Constant(value) => Place::Constant(value.wrapping_add(offset)),
            base if offset == 0 => base,
            base => Place::Plus {
                base: Box::new(base),
                offset,
            },
        };
        Ok(Argument {
            bytes: 8,
            signed: false,
            place,
        })
    }

    /// What stands between brackets, the opening one taken already.
    fn memory(&mut self, depth: usize) -> Result<Place, String> {
        let (base, offset) = self.sum(depth + 1)?;
        if !self.takes("]") {
            return Err(self.wrong("']'"));
        }
        Ok(Place::Memory {
            base: Box::new(base),
            offset,
        })
    }

    fn sum(&mut self, depth: usize) -> Result<(Place, i64), String> {
        if depth > DEPTH {
            return Err(format!("'{}': memory leads to memory too often", self.text));
        }
        let term = self.term(depth)?;
        let negative = self.rest.trim_start().starts_with('-');
        if !negative && !self.takes("+") {
            return Ok((term, 0));
        }
        let offset = self.number()?.ok_or_else(|| self.wrong("a number"))?;
        Ok((term, offset as i64))
    }

    fn term(&mut self, depth: usize) -> Result<Place, String> {
        if self.takes("$") {
            return match self.word() {
                "" => Err(self.wrong("a register's name")),
                name => Ok(Place::Register(name.to_owned())),
            };
        }
        let before = self.rest;
        match self.width() {
            Some((8, _)) => return self.memory(depth),
            Some(_) => {
                self.rest = before;
                return Err(format!(
                    "'{}': an address has 64 bits: only u64[…] can lead on",
                    self.text
                ));
            }
            None => {}
        }
        if let Some(number) = self.number()? {
            return Ok(Place::Constant(number as i64));
        }
        let symbol = self.word().to_owned();
        if symbol.is_empty() {
            return Err(self.wrong("a value"));
        }
        match (self.find)(&symbol) {
            Some(address) => Ok(Place::Constant(address as i64)),
            None => Err(format!("there is no symbol '{symbol}' in the kernel")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Option<u64> {
        (name == "cpus").then_some(0x8000)
    }

    #[test]
    fn values_are_understood() {
        let register = || Box::new(Place::Register("rdi".into()));
        let of = |text| parse(text, &find).unwrap();
        assert_eq!(of("$rdi").place, *register());
        assert_eq!(of("cpus + 0x10").place, Place::Constant(0x8010));
        assert_eq!(of("-5").place, Place::Constant(-5));
        let at = |base, offset| Place::Memory { base, offset };
        assert_eq!(of("i32[$rdi+48]").place, at(register(), 48));
        assert_eq!((of("i32[$rdi]").bytes, of("i32[$rdi]").signed), (4, true));
        let inner = at(register(), -8);
        assert_eq!(
            of("u16[u64[$rdi - 8] + 2]").place,
            at(Box::new(inner.clone()), 2)
        );
        let sum = Place::Plus {
            base: Box::new(inner),
            offset: 3,
        };
        assert_eq!(of("u64[$rdi-8] + 3").place, sum);
    }

    #[test]
    fn conditions_compare_with_numbers() {
        let (_, test) = condition("u32[$rdi] >= 0x10", &find).unwrap();
        assert!(test.holds(16) && !test.holds(15));
        assert!(condition("$rdi", &find).is_err());
        assert!(condition("$rdi == x", &find).is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "$",
            "u32[",
            "u32[$rdi",
            "u32[u16[$rdi]]",
            "nothing",
            "1 2",
            "$rdi + $rsi",
            "12ab",
        ] {
            assert!(parse(text, &find).is_err(), "{text}");
        }
        let deep = "u64[".repeat(50) + "1" + &"]".repeat(50);
        assert!(parse(&deep, &find).is_err());
        assert!(address("$rip", &find).is_err());
    }
}
