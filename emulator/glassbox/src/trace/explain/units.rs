//! Times of a page in one unit, so that they can be compared at a glance.

use base::Time;

/// A unit of time, with the digits that make sense in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds, to the instruction.
    Micros,
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
}

impl Unit {
    /// The unit for spans of about this length.
    pub const fn of(span: Time) -> Self {
        match span.0 {
            0..100_000_000 => Self::Micros,
            100_000_000..10_000_000_000 => Self::Millis,
            _ => Self::Seconds,
        }
    }

    /// A span: `12.34 µs`.
    pub fn span(self, span: Time) -> String {
        let (unit, digits, name) = match self {
            Self::Micros => (1_000, 2, "µs"),
            Self::Millis => (1_000_000, 3, "ms"),
            Self::Seconds => (1_000_000_000, 4, "s"),
        };
        let fraction = format!("{:09}", span.0 % unit * (1_000_000_000 / unit));
        format!("{}.{} {name}", grouped(span.0 / unit), &fraction[..digits])
    }

    /// A point in time since the call began: `+12.34 µs`.
    pub fn since(self, span: Time) -> String {
        format!("+{}", self.span(span))
    }
}

/// A number in groups of three digits.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_the_digits_of_their_unit() {
        assert_eq!(Unit::Micros.span(Time(12_345)), "12.34 µs");
        assert_eq!(Unit::Micros.span(Time(1_234_050)), "1,234.05 µs");
        assert_eq!(Unit::Millis.span(Time(12_345_678)), "12.345 ms");
        assert_eq!(Unit::Seconds.since(Time(12_345_678_901)), "+12.3456 s");
        assert_eq!(Unit::of(Time(99_999_999)), Unit::Micros);
        assert_eq!(Unit::of(Time::NEVER), Unit::Seconds);
    }
}
