//! `$(( ))`: C's integer expressions over 64-bit numbers and variables (POSIX 2.6.4).
//!
//! The text is evaluated while it is parsed. In the branch of `?:`, `&&` or `||` that does not count,
//! parsing goes on with `quiet` set: nothing is assigned and nothing can fail.

use super::lexer::name_len;
use super::variables::Variables;
use rust_alloc::format;
use rust_alloc::string::String;

/// Why an expression has no value.
pub type Error = String;

type Result<T> = core::result::Result<T, Error>;

/// Binary operators by how tightly they bind; longer ones first within what they share.
const BINARY: [(&[u8], u8); 18] = [
    (b"||", 1),
    (b"&&", 2),
    (b"<<", 8),
    (b">>", 8),
    (b"<=", 7),
    (b">=", 7),
    (b"==", 6),
    (b"!=", 6),
    (b"|", 3),
    (b"^", 4),
    (b"&", 5),
    (b"<", 7),
    (b">", 7),
    (b"+", 9),
    (b"-", 9),
    (b"*", 10),
    (b"/", 10),
    (b"%", 10),
];

const ASSIGNMENT: [&[u8]; 11] = [
    b"<<=", b">>=", b"+=", b"-=", b"*=", b"/=", b"%=", b"&=", b"|=", b"^=", b"=",
];

/// Deepest nesting of parentheses and signs.
const DEEPEST: usize = 200;

struct Evaluator<'a> {
    text: &'a [u8],
    variables: &'a mut Variables,
    quiet: bool,
    depth: usize,
}

/// The value of an expression; an empty one is 0.
pub fn evaluate(text: &[u8], variables: &mut Variables) -> Result<i64> {
    let mut evaluator = Evaluator {
        text,
        variables,
        quiet: false,
        depth: 0,
    };
    evaluator.skip();
    if evaluator.text.is_empty() {
        return Ok(0);
    }
    let value = evaluator.comma()?;
    match evaluator.text.is_empty() {
        true => Ok(value),
        false => Err(evaluator.bad()),
    }
}

impl<'a> Evaluator<'a> {
    fn bad(&self) -> Error {
        format!(
            "arithmetic expression: unexpected '{}'",
            ulib::bytes::show(self.text)
        )
    }

    fn skip(&mut self) {
        self.text = self.text.trim_ascii_start();
    }

    fn take(&mut self, operator: &[u8]) -> bool {
        match self.text.strip_prefix(operator) {
            Some(rest) => {
                self.text = rest;
                self.skip();
                true
            }
            None => false,
        }
    }

    fn comma(&mut self) -> Result<i64> {
        let mut value = self.assignment()?;
        while self.take(b",") {
            value = self.assignment()?;
        }
        Ok(value)
    }

    fn assignment(&mut self) -> Result<i64> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("arithmetic expression: nested too deeply".into());
        }
        let value = self.assignment_inner();
        self.depth -= 1;
        value
    }

    fn assignment_inner(&mut self) -> Result<i64> {
        let len = name_len(self.text);
        let (name, after) = self.text.split_at(len);
        let after = after.trim_ascii_start();
        let operator = ASSIGNMENT
            .iter()
            .find(|operator| after.starts_with(operator));
        if let Some(operator) = operator
            && len > 0
            && !after.starts_with(b"==")
        {
            self.text = &after[operator.len()..];
            self.skip();
            let right = self.assignment()?;
            let value = match &operator[..operator.len() - 1] {
                b"" => right,
                binary => self.apply(binary, self.variable(name)?, right)?,
            };
            return self.assign(name, value);
        }
        let condition = self.binary(0)?;
        if !self.take(b"?") {
            return Ok(condition);
        }
        let quiet = self.quiet;
        self.quiet = quiet || condition == 0;
        let yes = self.comma()?;
        if !self.take(b":") {
            return Err(self.bad());
        }
        self.quiet = quiet || condition != 0;
        let no = self.assignment()?;
        self.quiet = quiet;
        Ok(if condition != 0 { yes } else { no })
    }

    fn assign(&mut self, name: &[u8], value: i64) -> Result<i64> {
        if !self.quiet {
            self.variables.set(name, format!("{value}").as_bytes())?;
        }
        Ok(value)
    }

    fn binary(&mut self, weakest: u8) -> Result<i64> {
        let mut left = self.unary()?;
        loop {
            let found = BINARY
                .iter()
                .find(|(operator, _)| self.text.starts_with(operator));
            let Some((operator, strength)) = found else {
                return Ok(left);
            };
            let assigns = self.text.get(operator.len()) == Some(&b'=')
                && !matches!(*operator, b"<=" | b">=" | b"==" | b"!=");
            if *strength <= weakest || assigns {
                return Ok(left);
            }
            self.take(operator);
            let quiet = self.quiet;
            self.quiet |= match *operator {
                b"&&" => left == 0,
                b"||" => left != 0,
                _ => false,
            };
            let right = self.binary(*strength)?;
            self.quiet = quiet;
            left = self.apply(operator, left, right)?;
        }
    }

    fn apply(&self, operator: &[u8], left: i64, right: i64) -> Result<i64> {
        let shift = right as u32 & 63;
        Ok(match operator {
            b"||" => i64::from(left != 0 || right != 0),
            b"&&" => i64::from(left != 0 && right != 0),
            b"|" => left | right,
            b"^" => left ^ right,
            b"&" => left & right,
            b"==" => i64::from(left == right),
            b"!=" => i64::from(left != right),
            b"<" => i64::from(left < right),
            b">" => i64::from(left > right),
            b"<=" => i64::from(left <= right),
            b">=" => i64::from(left >= right),
            b"<<" => left.wrapping_shl(shift),
            b">>" => left.wrapping_shr(shift),
            b"+" => left.wrapping_add(right),
            b"-" => left.wrapping_sub(right),
            b"*" => left.wrapping_mul(right),
            _ if right == 0 && self.quiet => 0,
            _ if right == 0 => return Err("division by zero".into()),
            b"/" => left.wrapping_div(right),
            _ => left.wrapping_rem(right),
        })
    }

    fn unary(&mut self) -> Result<i64> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("arithmetic expression: nested too deeply".into());
        }
        let value = self.unary_inner();
        self.depth -= 1;
        value
    }

    fn unary_inner(&mut self) -> Result<i64> {
        for (step, by) in [(&b"++"[..], 1), (b"--", -1)] {
            let len = self.text.strip_prefix(step).map_or(0, name_len);
            if len > 0 {
                let name = &self.text[2..2 + len];
                self.text = &self.text[2 + len..];
                self.skip();
                return self.assign(name, self.variable(name)?.wrapping_add(by));
            }
        }
        match self.text.first() {
            Some(b'-') => {
                self.take(b"-");
                Ok(self.unary()?.wrapping_neg())
            }
            Some(b'+') => {
                self.take(b"+");
                self.unary()
            }
            Some(b'!') => {
                self.take(b"!");
                Ok(i64::from(self.unary()? == 0))
            }
            Some(b'~') => {
                self.take(b"~");
                Ok(!self.unary()?)
            }
            Some(b'(') => {
                self.take(b"(");
                let value = self.comma()?;
                match self.take(b")") {
                    true => Ok(value),
                    false => Err(self.bad()),
                }
            }
            _ => self.primary(),
        }
    }

    fn primary(&mut self) -> Result<i64> {
        let len = name_len(self.text);
        if len > 0 {
            let name = &self.text[..len];
            self.text = &self.text[len..];
            self.skip();
            let value = self.variable(name)?;
            for (step, by) in [(b"++", 1), (b"--", -1)] {
                if self.take(step) {
                    self.assign(name, value.wrapping_add(by))?;
                    return Ok(value);
                }
            }
            return Ok(value);
        }
        let len = self
            .text
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        let value = number(&self.text[..len]).ok_or_else(|| self.bad())?;
        self.text = &self.text[len..];
        self.skip();
        Ok(value)
    }

    fn variable(&self, name: &[u8]) -> Result<i64> {
        let Some(value) = self.variables.get(name) else {
            return Ok(0);
        };
        let text = value.trim_ascii();
        if text.is_empty() {
            return Ok(0);
        }
        let (negative, digits) = match text.strip_prefix(b"-") {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        match number(digits) {
            Some(value) => Ok(if negative {
                value.wrapping_neg()
            } else {
                value
            }),
            None => Err(format!("Illegal number: {}", ulib::bytes::show(text))),
        }
    }
}

/// Decimal, `0x` or octal.
fn number(text: &[u8]) -> Option<i64> {
    let (digits, base) = match text {
        [b'0', b'x' | b'X', hex @ ..] => (hex, 16),
        [b'0', octal @ ..] if !octal.is_empty() => (octal, 8),
        _ => (text, 10),
    };
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0i64, |value, byte| {
        let digit = char::from(*byte).to_digit(base)?;
        Some(
            value
                .wrapping_mul(i64::from(base))
                .wrapping_add(i64::from(digit)),
        )
    })
}
