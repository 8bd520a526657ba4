//! Times and clocks: time.h, clock_gettime(2), utimensat(2).

record! {
    /// `struct timespec`.
    pub struct Timespec {
        /// Seconds.
        pub sec: i64,
        /// Nanoseconds, 0..1_000_000_000.
        pub nsec: i64,
    }
}

record! {
    /// `struct timeval`.
    pub struct Timeval {
        /// Seconds.
        pub sec: i64,
        /// Microseconds, 0..1_000_000.
        pub usec: i64,
    }
}

impl Timespec {
    /// A span or instant given in nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Timespec {
        Timespec {
            sec: (nanos / 1_000_000_000) as i64,
            nsec: (nanos % 1_000_000_000) as i64,
        }
    }

    /// In nanoseconds, or `None` if a field is out of range or the sum too large.
    pub fn to_nanos(self) -> Option<u64> {
        let nsec = u64::try_from(self.nsec)
            .ok()
            .filter(|n| *n < 1_000_000_000)?;
        u64::try_from(self.sec)
            .ok()?
            .checked_mul(1_000_000_000)?
            .checked_add(nsec)
    }
}

impl Timeval {
    /// A span or instant given in nanoseconds, rounded up to microseconds: what is left of a timer is not nothing.
    pub const fn from_nanos(nanos: u64) -> Timeval {
        let micros = nanos.div_ceil(1000);
        Timeval {
            sec: (micros / 1_000_000) as i64,
            usec: (micros % 1_000_000) as i64,
        }
    }

    /// In nanoseconds, or `None` if a field is out of range or the sum too large.
    pub fn to_nanos(self) -> Option<u64> {
        let usec = u64::try_from(self.usec).ok().filter(|n| *n < 1_000_000)?;
        u64::try_from(self.sec)
            .ok()?
            .checked_mul(1_000_000_000)?
            .checked_add(usec * 1000)
    }
}

record! {
    /// `struct itimerval`: a timer of setitimer(2).
    pub struct Itimerval {
        /// After which time it rings again; 0 for never.
        pub interval: Timeval,
        /// After which time it rings; 0 for never.
        pub value: Timeval,
    }
}

/// The timer of setitimer(2) that counts calendar time and sends SIGALRM.
pub const ITIMER_REAL: u32 = 0;

/// As `nsec` for utimensat(2): the present time.
pub const UTIME_NOW: i64 = 0x3fff_ffff;
/// As `nsec` for utimensat(2): leave this time alone.
pub const UTIME_OMIT: i64 = 0x3fff_fffe;

names! {
    /// Clocks of clock_gettime(2).
    CLOCK: u32, choice u64::MAX => {
        CLOCK_REALTIME = 0, "Calendar time.";
        CLOCK_MONOTONIC = 1, "Time since boot.";
        CLOCK_PROCESS_CPUTIME_ID = 2, "CPU time of the process.";
        CLOCK_THREAD_CPUTIME_ID = 3, "CPU time of the thread.";
        CLOCK_MONOTONIC_RAW = 4, "Time since boot, never adjusted.";
        CLOCK_REALTIME_COARSE = 5, "Calendar time of the last tick.";
        CLOCK_MONOTONIC_COARSE = 6, "Time since boot at the last tick.";
        CLOCK_BOOTTIME = 7, "Time since boot with sleep.";
        CLOCK_REALTIME_ALARM = 8, "`CLOCK_REALTIME`, waking the machine.";
        CLOCK_BOOTTIME_ALARM = 9, "`CLOCK_BOOTTIME`, waking the machine.";
        CLOCK_SGI_CYCLE = 10, "Gone.";
        CLOCK_TAI = 11, "Calendar time without leap seconds.";
    }
}

names! {
    /// Flags of clock_nanosleep(2).
    TIMER: u32, choice 0 => {
        TIMER_ABSTIME = 1, "The time is an instant, not a span.";
    }
}

#[cfg(test)]
mod tests {
    use super::{Timespec, Timeval};

    #[test]
    fn nanoseconds_survive_the_way_through_a_timespec() {
        for nanos in [0, 1, 999_999_999, 1_000_000_000, 12_345_678_901] {
            assert_eq!(Timespec::from_nanos(nanos).to_nanos(), Some(nanos));
        }
        for (sec, nsec) in [(-1, 0), (0, -1), (0, 1_000_000_000), (i64::MAX, 0)] {
            assert_eq!(Timespec { sec, nsec }.to_nanos(), None);
        }
    }

    #[test]
    fn a_timeval_rounds_up_and_refuses_what_is_no_time() {
        let value = Timeval::from_nanos(1_000_000_001);
        assert_eq!((value.sec, value.usec), (1, 1));
        assert_eq!(value.to_nanos(), Some(1_000_001_000));
        for (sec, usec) in [(-1, 0), (0, -1), (0, 1_000_000), (i64::MAX, 0)] {
            assert_eq!(Timeval { sec, usec }.to_nanos(), None);
        }
    }
}
