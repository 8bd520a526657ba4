//! The fault-site vocabulary and the one place where a run's free choices are made.
//!
//! Whatever happens in a run that the guest's own logic does not decide (who gets the first slice of a round, how
//! long a disk request takes) is asked of the [`Chooser`], by site and count. Replacing the chooser is therefore
//! enough to replay, to inject faults, or to explore.

use crate::codec::{Codec, CodecError, State};
use crate::rng::Rng;

/// Where a choice is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Site {
    /// Which CPU runs first in a round of slices.
    FirstSlice,
    /// The part of a disk request's latency that varies.
    DiskLatency,
}

/// Makes a run's free choices.
pub trait Chooser: State {
    /// One of `0..options` at `site`; 0 is always allowed. `options` is at least 1.
    fn choose(&mut self, site: Site, options: u64) -> u64;
}

/// Chooses by a seeded random stream.
#[derive(Clone, Debug)]
pub struct Seeded(Rng);

impl Seeded {
    /// The choices that belong to `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(Rng::new(seed))
    }
}

impl Chooser for Seeded {
    fn choose(&mut self, _: Site, options: u64) -> u64 {
        self.0.below(options)
    }
}

impl State for Seeded {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        self.0.state(codec)
    }
}
