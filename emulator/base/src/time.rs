//! Virtual time: the only clock the machine knows.

use std::fmt;
use std::ops::{Add, Sub};

/// A point on the machine's one clock (or a span of it), in virtual nanoseconds since power-on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub u64);

impl Time {
    /// A time that no run reaches.
    pub const NEVER: Self = Self(u64::MAX);

    /// A span of whole microseconds.
    pub const fn micros(n: u64) -> Self {
        Self(n * 1_000)
    }

    /// A span of whole milliseconds.
    pub const fn millis(n: u64) -> Self {
        Self(n * 1_000_000)
    }

    /// A span of whole seconds, saturating at [`Time::NEVER`].
    pub const fn secs(n: u64) -> Self {
        Self(n.saturating_mul(1_000_000_000))
    }
}

impl Add for Time {
    type Output = Self;
    fn add(self, span: Self) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub for Time {
    type Output = Self;
    fn sub(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Time {
    /// Seconds with nine digits, as tracers print them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:09}",
            self.0 / 1_000_000_000,
            self.0 % 1_000_000_000
        )
    }
}
