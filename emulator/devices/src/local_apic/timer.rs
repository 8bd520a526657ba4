//! The local APIC's timer (SDM vol. 3, 11.5.4): one-shot, periodic and TSC-deadline.
//!
//! It counts virtual nanoseconds, divided as the divide configuration register says. Nothing counts between
//! accesses: the timer is its next expiry, and the current count is computed from that when somebody asks.

use base::{Codec, CodecError, Time};

/// Periods shorter than this are stretched to it, or a guest could keep the host busy without any virtual time
/// going by.
const SHORTEST_PERIOD: u64 = 1_000;

/// Bits 18..17 of the LVT timer entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    OneShot,
    Periodic,
    TscDeadline,
}

impl Mode {
    /// The mode an LVT entry asks for; the reserved one counts once.
    pub const fn of(lvt: u32) -> Self {
        match lvt >> 17 & 3 {
            1 => Self::Periodic,
            2 => Self::TscDeadline,
            _ => Self::OneShot,
        }
    }
}

/// The timer without its LVT entry.
#[derive(Clone, Debug)]
pub struct Timer {
    initial: u32,
    divide: u32,
    expiry: Time,
}

impl Timer {
    /// A stopped timer.
    pub const fn new() -> Self {
        Self {
            initial: 0,
            divide: 0,
            expiry: Time::NEVER,
        }
    }

    /// When it expires next, if it is running.
    pub const fn expiry(&self) -> Time {
        self.expiry
    }

    /// The initial count register.
    pub const fn initial(&self) -> u32 {
        self.initial
    }

    /// The divide configuration register.
    pub const fn divide(&self) -> u32 {
        self.divide
    }

    /// Nanoseconds a count takes: bits 3, 1 and 0 select 2, 4 .. 128, 1 (figure 11-10).
    const fn tick(&self) -> u64 {
        let selected = self.divide & 3 | self.divide >> 1 & 4;
        1 << ((selected + 1) % 8)
    }

    const fn span(&self, counts: u32) -> Time {
        Time(counts as u64 * self.tick())
    }

    /// Starts counting down from `count`; zero stops the timer.
    pub fn start(&mut self, count: u32, mode: Mode, now: Time) {
        self.initial = count;
        if mode != Mode::TscDeadline {
            self.expiry = if count == 0 {
                Time::NEVER
            } else {
                now + self.span(count)
            };
        }
    }

    /// Arms for an absolute time, in TSC-deadline mode only; zero disarms.
    pub const fn set_deadline(&mut self, deadline: u64, mode: Mode) {
        if matches!(mode, Mode::TscDeadline) {
            self.expiry = if deadline == 0 {
                Time::NEVER
            } else {
                Time(deadline)
            };
        }
    }

    /// The armed deadline, or zero.
    pub const fn armed_deadline(&self, mode: Mode) -> u64 {
        match (mode, self.expiry) {
            (Mode::TscDeadline, Time(at)) if at != Time::NEVER.0 => at,
            _ => 0,
        }
    }

    /// The current count register.
    pub fn current(&self, mode: Mode, now: Time) -> u32 {
        if mode == Mode::TscDeadline || self.expiry == Time::NEVER {
            return 0;
        }
        let counts = (self.expiry - now).0.div_ceil(self.tick());
        counts.min(u64::from(self.initial)) as u32
    }

    /// Changes the divisor; a running count goes on from where it is.
    pub fn set_divide(&mut self, divide: u32, mode: Mode, now: Time) {
        let left = self.current(mode, now);
        self.divide = divide & 0b1011;
        if left != 0 {
            self.expiry = now + self.span(left);
        }
    }

    /// Entering or leaving TSC-deadline mode disarms the timer (SDM vol. 3, 11.5.4.1).
    pub fn change_mode(&mut self, from: Mode, to: Mode) {
        if (from == Mode::TscDeadline) != (to == Mode::TscDeadline) {
            self.expiry = Time::NEVER;
        }
    }

    /// Brings the timer to `now` and says whether it expired on the way.
    pub fn advance(&mut self, mode: Mode, now: Time) -> bool {
        if self.expiry > now {
            return false;
        }
        self.expiry = match mode {
            Mode::Periodic if self.initial != 0 => {
                let period = self.span(self.initial).0.max(SHORTEST_PERIOD);
                let missed = (now - self.expiry).0 / period;
                self.expiry + Time(period * (missed + 1))
            }
            _ => Time::NEVER,
        };
        true
    }

    /// The timer for the state codec.
    pub fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.u32(&mut self.initial)?;
        codec.u32(&mut self.divide)?;
        codec.time(&mut self.expiry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_divide_configuration_selects_as_the_figure_says() {
        let mut timer = Timer::new();
        let rows = [
            (0, 2),
            (1, 4),
            (2, 8),
            (3, 16),
            (8, 32),
            (9, 64),
            (10, 128),
            (11, 1),
        ];
        for (configuration, divisor) in rows {
            timer.set_divide(configuration, Mode::OneShot, Time(0));
            assert_eq!(timer.tick(), divisor, "{configuration}");
        }
    }

    #[test]
    fn the_count_goes_down_and_a_one_shot_expires_once() {
        let mut timer = Timer::new();
        timer.start(100, Mode::OneShot, Time(1000));
        assert_eq!(timer.current(Mode::OneShot, Time(1000)), 100);
        assert_eq!(timer.current(Mode::OneShot, Time(1100)), 50);
        assert!(!timer.advance(Mode::OneShot, Time(1199)));
        assert!(timer.advance(Mode::OneShot, Time(1200)));
        assert_eq!(timer.expiry(), Time::NEVER);
        assert_eq!(timer.current(Mode::OneShot, Time(1300)), 0);
    }

    #[test]
    fn a_new_divisor_keeps_the_count() {
        let mut timer = Timer::new();
        timer.start(100, Mode::OneShot, Time(0));
        timer.set_divide(0b1011, Mode::OneShot, Time(100));
        assert_eq!(timer.expiry(), Time(150));
    }

    #[test]
    fn a_period_never_falls_behind_and_cannot_stop_time() {
        let mut timer = Timer::new();
        timer.start(5000, Mode::Periodic, Time(0));
        assert!(timer.advance(Mode::Periodic, Time(35_000)));
        assert_eq!(timer.expiry(), Time(40_000));
        timer.start(1, Mode::Periodic, Time(0));
        assert!(timer.advance(Mode::Periodic, Time(2)));
        assert_eq!(timer.expiry(), Time(1002));
    }
}
