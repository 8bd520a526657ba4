//! How long a disk request takes, in virtual time: a small model with four numbers.
//!
//! The medium moves one request at a time (seek, then so much a sector); everything else of a request, here called
//! fixed, overlaps with that of others. On top comes a part that varies, which the run's [`base::Chooser`] picks.

use base::{Codec, CodecError, State, Time};

/// The model's numbers, all in virtual nanoseconds. The default is a fast SSD: 50 us and about 500 MB/s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// What each request takes however small it is; at least 1, so that no request completes at once.
    pub fixed: u64,
    /// For each sector of 512 bytes.
    pub per_sector: u64,
    /// For a request that does not begin where the last one ended.
    pub seek: u64,
    /// The varying part is below this; 0 or 1 for none.
    pub jitter: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            fixed: 50_000,
            per_sector: 1_000,
            seek: 0,
            jitter: 0,
        }
    }
}

/// Where the medium's head is, and until when it is at work.
#[derive(Clone, Debug, Default)]
pub struct Head {
    busy_until: Time,
    next_sector: u64,
}

impl Head {
    /// Takes on a request of `sectors` sectors at `sector`, and says when it is done.
    pub fn take(&mut self, latency: &Latency, now: Time, sector: u64, sectors: u64) -> Time {
        if sectors != 0 {
            let seek = if sector == self.next_sector {
                0
            } else {
                latency.seek
            };
            let transfer = sectors.saturating_mul(latency.per_sector);
            self.busy_until = self.busy_until.max(now) + Time(seek) + Time(transfer);
            self.next_sector = sector.saturating_add(sectors);
        }
        let moved = if sectors == 0 { now } else { self.busy_until };
        moved + Time(latency.fixed.max(1))
    }
}

impl State for Head {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.time(&mut self.busy_until)?;
        codec.u64(&mut self.next_sector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_queue_up_and_the_fixed_part_overlaps() {
        let (latency, mut head) = (Latency::default(), Head::default());
        assert_eq!(head.take(&latency, Time(0), 0, 8), Time(58_000));
        assert_eq!(head.take(&latency, Time(0), 100, 8), Time(66_000));
        assert_eq!(head.take(&latency, Time(0), 0, 0), Time(50_000));
        assert_eq!(head.take(&latency, Time(90_000), 0, 1), Time(141_000));
    }

    #[test]
    fn only_a_request_elsewhere_seeks() {
        let latency = Latency {
            seek: 1_000_000,
            ..Latency::default()
        };
        let mut head = Head::default();
        assert_eq!(head.take(&latency, Time(0), 0, 2), Time(52_000));
        assert_eq!(head.take(&latency, Time(0), 2, 2), Time(54_000));
        assert_eq!(head.take(&latency, Time(0), 2, 2), Time(1_056_000));
    }

    #[test]
    fn absurd_numbers_saturate_and_no_request_is_instant() {
        let latency = Latency {
            fixed: 0,
            per_sector: u64::MAX,
            seek: u64::MAX,
            jitter: 0,
        };
        assert_eq!(Head::default().take(&latency, Time(5), 9, 0), Time(6));
        assert_eq!(Head::default().take(&latency, Time(5), 9, 2), Time::NEVER);
    }
}
