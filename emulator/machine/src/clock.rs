//! The machine's one clock, and how CPUs take turns on it.
//!
//! Time passes in *rounds*. A round of N CPUs is cut into N slices; in its slice a CPU retires up to [`Clock::quantum`]
//! instructions, each an N-th of an instruction's time, so that every CPU keeps full speed and no two instructions of
//! the machine share an instant. Time, stamps and time-stamp counters follow execution order.
//!
//! ```text
//! round of 3 CPUs   |  slice 0: CPU first  |  slice 1: CPU first+1  |  slice 2: CPU first+2  |  next round …
//! instant of instruction i in slice s = start + (s * quantum + i) * NS_PER_INSTRUCTION / N     (rounded down)
//! ```

use base::{Codec, CodecError, State, Time};

/// Virtual nanoseconds that one instruction takes on one CPU.
pub const NS_PER_INSTRUCTION: u64 = 10;

/// Where the machine is in its round.
#[derive(Clone, Debug)]
pub struct Clock {
    cpus: u64,
    quantum: u64,
    start: Time,
    first: u64,
    slice: u64,
    done: u64,
}

impl Clock {
    /// A clock at power-on for `cpus` CPUs with slices of `quantum` instructions.
    pub fn new(cpus: usize, quantum: u64) -> Self {
        Self {
            cpus: cpus as u64,
            quantum: quantum.max(1),
            start: Time(0),
            first: 0,
            slice: 0,
            done: 0,
        }
    }

    /// Instructions in a slice.
    pub const fn quantum(&self) -> u64 {
        self.quantum
    }

    /// The CPU whose slice it is.
    pub const fn cpu(&self) -> usize {
        ((self.first + self.slice) % self.cpus) as usize
    }

    /// Now: the instant at which the running CPU stands.
    pub const fn now(&self) -> Time {
        self.after(0)
    }

    /// The instant at which the running CPU has retired `n` more instructions.
    #[inline]
    pub const fn after(&self, n: u64) -> Time {
        let ticks = self.slice * self.quantum + self.done + n;
        let span = ticks * NS_PER_INSTRUCTION;
        // A division costs more than the rest, and each event asks.
        let span = if self.cpus == 1 {
            span
        } else {
            span / self.cpus
        };
        Time(self.start.0 + span)
    }

    /// Instructions left in the slice.
    pub const fn left(&self) -> u64 {
        self.quantum - self.done
    }

    /// How many instructions from now reach `deadline` (0 if it has passed).
    pub const fn until(&self, deadline: Time) -> u64 {
        let span = deadline.0.saturating_sub(self.start.0);
        let ticks = (span as u128 * self.cpus as u128).div_ceil(NS_PER_INSTRUCTION as u128);
        let here = self.slice * self.quantum + self.done;
        let ticks = if ticks > u64::MAX as u128 {
            u64::MAX
        } else {
            ticks as u64
        };
        ticks.saturating_sub(here)
    }

    /// The running CPU spent `n` instructions of its slice, retired or idle.
    pub const fn pass(&mut self, n: u64) {
        self.done += n;
        debug_assert!(self.done <= self.quantum);
    }

    /// Whether the slice is over.
    pub const fn slice_over(&self) -> bool {
        self.done >= self.quantum
    }

    /// Goes on to the next slice; true if a new round began.
    pub const fn next_slice(&mut self) -> bool {
        self.done = 0;
        self.slice += 1;
        if self.slice < self.cpus {
            return false;
        }
        self.start = Time(self.start.0 + self.quantum * NS_PER_INSTRUCTION);
        self.slice = 0;
        true
    }

    /// Says which CPU has the first slice of the round that just began.
    pub const fn set_first(&mut self, cpu: u64) {
        self.first = cpu % self.cpus;
    }

    /// Nobody runs: a new round begins at `time`, or now if that is later.
    pub fn jump(&mut self, time: Time) {
        self.start = time.max(self.now());
        self.slice = 0;
        self.done = 0;
    }
}

impl State for Clock {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("clock", 1)?;
        let cpus = self.cpus;
        codec.u64(&mut self.cpus)?;
        codec.u64(&mut self.quantum)?;
        codec.time(&mut self.start)?;
        codec.u64(&mut self.first)?;
        codec.u64(&mut self.slice)?;
        codec.u64(&mut self.done)?;
        if self.cpus != cpus
            || self.quantum == 0
            || self.slice >= cpus
            || self.first >= cpus
            || self.done > self.quantum
        {
            return Err(CodecError::BadValue { field: "clock" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_back_and_every_cpu_keeps_full_speed() {
        for cpus in 1..=8 {
            let mut clock = Clock::new(cpus, 7);
            let mut last = Time(0);
            for _ in 0..10 * cpus {
                for _ in 0..7 {
                    assert!(clock.now() >= last);
                    last = clock.now();
                    clock.pass(1);
                }
                assert!(clock.slice_over());
                clock.next_slice();
            }
            assert_eq!(clock.now(), Time(10 * 7 * NS_PER_INSTRUCTION));
        }
    }

    #[test]
    fn a_deadline_is_reached_by_just_enough_instructions() {
        for cpus in 1..=8 {
            let mut clock = Clock::new(cpus, 1000);
            clock.pass(3);
            for deadline in (0..2000).map(Time) {
                let n = clock.until(deadline);
                assert!(clock.after(n) >= deadline);
                assert!(n == 0 || clock.after(n - 1) < deadline);
            }
        }
    }
}
