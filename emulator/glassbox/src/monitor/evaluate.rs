//! Expressions: numbers, registers, symbols, and arithmetic on 64-bit words that wraps.
//!
//! ```text
//! or   := and (('|' | '^') and)*         sum     := product (('+' | '-') product)*
//! and  := sum ('&' sum)*                 product := unary (('*' | '/' | '%') unary)*
//! unary := ('-' | '~' | '+' | '*') unary | '(' or ')' | NUMBER | $REGISTER | SYMBOL | 'SYMBOL'
//! ```

use super::{View, isa};
use base::Virt;

/// Deeper nesting is nobody's need.
const DEEPEST: usize = 64;

/// What registers and symbols are worth, and what memory holds.
pub trait Values {
    /// The register with this name, without the dollar sign.
    fn register(&self, name: &str) -> Option<u64>;
    /// The address of the symbol with this name.
    fn symbol(&self, name: &str) -> Option<u64>;
    /// The 8 bytes at this address.
    fn word(&self, addr: u64) -> Option<u64>;
}

impl Values for View<'_, '_> {
    fn register(&self, name: &str) -> Option<u64> {
        isa::register(&self.guest.machine.board, self.cpu, name)
    }

    fn symbol(&self, name: &str) -> Option<u64> {
        self.symbols.find_any(name)
    }

    fn word(&self, addr: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        let memory = self.guest.machine.board.virtual_memory(self.cpu);
        (memory.peek(Virt(addr), &mut bytes) == bytes.len()).then(|| u64::from_le_bytes(bytes))
    }
}

/// The value of an expression.
pub fn evaluate(text: &str, values: &dyn Values) -> Result<u64, String> {
    let mut parser = Parser {
        rest: text.trim_start(),
        values,
        depth: 0,
    };
    if parser.rest.is_empty() {
        return Err("an address or an expression is missing".into());
    }
    let value = parser.or()?;
    match parser.rest {
        "" => Ok(value),
        rest => Err(format!("not understood: '{rest}'")),
    }
}

struct Parser<'a> {
    rest: &'a str,
    values: &'a dyn Values,
    depth: usize,
}

impl Parser<'_> {
    fn take(&mut self, operators: &[char]) -> Option<char> {
        let first = self.rest.chars().next().filter(|c| operators.contains(c))?;
        self.rest = self.rest[1..].trim_start();
        Some(first)
    }

    fn or(&mut self) -> Result<u64, String> {
        let mut value = self.and()?;
        while let Some(operator) = self.take(&['|', '^']) {
            let right = self.and()?;
            value = if operator == '|' {
                value | right
            } else {
                value ^ right
            };
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<u64, String> {
        let mut value = self.sum()?;
        while self.take(&['&']).is_some() {
            value &= self.sum()?;
        }
        Ok(value)
    }

    fn sum(&mut self) -> Result<u64, String> {
        let mut value = self.product()?;
        while let Some(operator) = self.take(&['+', '-']) {
            let right = self.product()?;
            value = if operator == '+' {
                value.wrapping_add(right)
            } else {
                value.wrapping_sub(right)
            };
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<u64, String> {
        let mut value = self.unary()?;
        while let Some(operator) = self.take(&['*', '/', '%']) {
            let right = self.unary()?;
            value = match operator {
                '*' => value.wrapping_mul(right),
                _ if right == 0 => return Err("division by zero".into()),
                '/' => value / right,
                _ => value % right,
            };
        }
        Ok(value)
    }

    fn unary(&mut self) -> Result<u64, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("the expression is too deep".into());
        }
        let value = match self.take(&['-', '~', '+', '*', '(']) {
            Some('-') => self.unary()?.wrapping_neg(),
            Some('~') => !self.unary()?,
            Some('+') => self.unary()?,
            Some('*') => {
                let addr = self.unary()?;
                self.values
                    .word(addr)
                    .ok_or_else(|| format!("Cannot access memory at address {addr:#x}"))?
            }
            Some(_) => {
                let value = self.or()?;
                self.take(&[')']).ok_or("a ')' is missing")?;
                value
            }
            None => self.atom()?,
        };
        self.depth -= 1;
        Ok(value)
    }

    fn atom(&mut self) -> Result<u64, String> {
        if let Some(rest) = self.rest.strip_prefix('\'') {
            let (name, rest) = rest.split_once('\'').ok_or("a closing ' is missing")?;
            self.rest = rest.trim_start();
            return self.symbol(name);
        }
        let dollar = usize::from(self.rest.starts_with('$'));
        let end = self.rest[dollar..]
            .find(|c: char| !(c.is_alphanumeric() || "_.:$<>".contains(c)))
            .map_or(self.rest.len(), |at| at + dollar);
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        if word.is_empty() {
            return Err(match rest {
                "" => "the expression ends too early".into(),
                rest => format!("not understood: '{rest}'"),
            });
        }
        if let Some(name) = word.strip_prefix('$') {
            return self
                .values
                .register(name)
                .ok_or_else(|| format!("unknown register: '{word}'"));
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return number(word);
        }
        self.symbol(word)
    }

    fn symbol(&self, name: &str) -> Result<u64, String> {
        self.values
            .symbol(name)
            .ok_or_else(|| format!("the kernel has no symbol '{name}', or several"))
    }
}

fn number(word: &str) -> Result<u64, String> {
    let parsed = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        // As an address it is hexadecimal, to C octal, and to the reader decimal: nobody shall guess.
        None if word.len() > 1 && word.starts_with('0') => None,
        None => word.parse().ok(),
    };
    parsed.ok_or_else(|| {
        format!(
            "'{word}' is no 64-bit number; hexadecimal ones begin with 0x, decimal ones with no 0"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Some4;

    impl Values for Some4 {
        fn register(&self, name: &str) -> Option<u64> {
            (name == "rax").then_some(4)
        }
        fn symbol(&self, name: &str) -> Option<u64> {
            ["kernel::main", "<impl A for B>::c"]
                .contains(&name)
                .then_some(0x100)
        }
        fn word(&self, addr: u64) -> Option<u64> {
            (addr == 0x104).then_some(7)
        }
    }

    #[test]
    fn expressions_have_values() {
        for (text, value) in [
            ("0x10", 16),
            ("1+2*3", 7),
            ("(1+2)*3", 9),
            ("10-2-3", 5),
            ("-1", u64::MAX),
            ("~0&0xff", 0xff),
            ("1|2^3", 0),
            ("$rax*2", 8),
            ("kernel::main + $rax", 0x104),
            ("*(kernel::main+4)", 7),
            ("'<impl A for B>::c'", 0x100),
            ("7 / 2 % 2", 1),
            ("0xffffffffffffffff+2", 1),
        ] {
            assert_eq!(evaluate(text, &Some4), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        let deep = "(".repeat(10_000);
        for text in [
            "",
            "1+",
            ")",
            "(1",
            "$nothing",
            "nothing",
            "1 2",
            "010",
            "0x",
            "99999999999999999999",
            "1/0",
            "*0",
            "'a",
            "$",
            "\u{e9}",
            "1\u{e9}",
            &deep,
        ] {
            let error = evaluate(text, &Some4).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{text}");
        }
    }
}
