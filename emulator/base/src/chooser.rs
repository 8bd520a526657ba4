//! The fault-site vocabulary and the one place where a run's free choices are made.
//!
//! Whatever happens in a run that the guest's own logic does not decide (who gets the first slice of a round, how
//! long a disk request takes, whether it fails) is asked of the [`Chooser`], by site and count. Replacing the chooser is
//! therefore enough to replay, to inject faults, or to explore.
//!
//! A [`Site`] is a place that control passes again and again: the third time it does is the same event in every run of
//! the same machine, which is what makes `SITE#3` a name. A [`Fault`] is what goes wrong there.

use crate::addr::Phys;
use crate::codec::{Codec, CodecError, State};
use crate::event::DiskOp;
use crate::rng::Rng;
use crate::time::Time;

/// Where a choice is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// Which CPU runs first in a round of slices.
    #[default]
    FirstSlice,
    /// The part of a disk request's latency that varies.
    DiskLatency,
    /// A disk takes a request.
    Disk(DiskOp),
    /// A device asserts its line at the interrupt controller, which has this number for it.
    Line(u16),
    /// The timer of a CPU's own interrupt controller goes off.
    Timer,
    /// The kernel passes one of its injection points.
    Point {
        /// The board's number of the point's name.
        point: u16,
        /// What the kernel says of this pass, such as the number of a system call; 0 if it says nothing.
        key: u64,
    },
    /// A moment, which is passed once.
    Moment,
}

/// What goes wrong. Which of them a site can have is the business of whoever plans faults: a site that cannot do what it
/// is told does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request fails, and says so.
    Error,
    /// Only so many bytes, from the first one on, are transferred; the request says that it succeeded.
    Torn(u32),
    /// Nothing is done (nothing written, no interrupt delivered), and the request says that it succeeded.
    Lost,
    /// It happens so much later.
    Late(Time),
    /// It happens, and soon after once more.
    Twice,
    /// The kernel finds this value, which is not 0, at its injection point.
    Value(u64),
    /// A bit of memory turns over.
    Flip {
        /// The byte.
        addr: Phys,
        /// Which of its bits, 0 to 7.
        bit: u8,
    },
    /// The power goes.
    Cut(Cut),
}

/// What a disk holds after a power cut beside what was durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// So many bytes, from the first one on, of the write request at which the power goes.
    pub torn: u32,
    /// Whether its volatile cache reached the medium first: else all of that is lost.
    pub kept: bool,
}

/// One pass of a site at which something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Struck {
    /// How often the site was passed, this time included.
    pub count: u64,
    /// What goes wrong.
    pub fault: Fault,
}

/// When something goes wrong of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// At this virtual time, or
    pub time: Time,
    /// when so many instructions have retired since power-on, over all CPUs.
    pub instructions: u64,
}

impl Due {
    /// Never.
    pub const NEVER: Self = Self {
        time: Time::NEVER,
        instructions: u64::MAX,
    };
}

/// Makes a run's free choices.
pub trait Chooser: State {
    /// One of `0..options` at `site`; 0 is always allowed. `options` is at least 1.
    fn choose(&mut self, site: Site, options: u64) -> u64;

    /// Control passes `site`: what goes wrong there, if anything does.
    fn pass(&mut self, _site: Site) -> Option<Struck> {
        None
    }

    /// Whether something may go wrong at injection point number `point`. Where it cannot, a pass has to be told at some
    /// time before the run is looked at, and not before the next instruction, which would cost a stop.
    fn awaits(&self, _point: u16) -> bool {
        false
    }

    /// When [`Chooser::strike`] must next be called.
    fn due(&self) -> Due {
        Due::NEVER
    }

    /// What goes wrong of itself by now; to be called until there is nothing more.
    fn strike(&mut self, _now: Time, _retired: u64) -> Option<Struck> {
        None
    }
}

/// Chooses by a seeded random stream. Nothing goes wrong.
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

impl Site {
    /// The site for the state codec.
    ///
    /// # Errors
    /// The bytes are no site.
    pub fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        let (mut kind, mut a, mut b) = match *self {
            Self::FirstSlice => (0, 0, 0),
            Self::DiskLatency => (1, 0, 0),
            Self::Disk(op) => (2, op as u16, 0),
            Self::Line(line) => (3, line, 0),
            Self::Timer => (4, 0, 0),
            Self::Point { point, key } => (5, point, key),
            Self::Moment => (6, 0, 0),
        };
        codec.u8(&mut kind)?;
        codec.u16(&mut a)?;
        codec.u64(&mut b)?;
        *self = match (kind, a) {
            (0, _) => Self::FirstSlice,
            (1, _) => Self::DiskLatency,
            (2, 0) => Self::Disk(DiskOp::Read),
            (2, 1) => Self::Disk(DiskOp::Write),
            (2, 2) => Self::Disk(DiskOp::Flush),
            (2, 3) => Self::Disk(DiskOp::Other),
            (3, line) => Self::Line(line),
            (4, _) => Self::Timer,
            (5, point) => Self::Point { point, key: b },
            (6, _) => Self::Moment,
            _ => return Err(CodecError::BadValue { field: "site" }),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(Site);

    impl State for One {
        fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
            self.0.state(codec)
        }
    }

    #[test]
    fn every_site_comes_back_from_its_bytes() {
        let sites = [
            Site::FirstSlice,
            Site::DiskLatency,
            Site::Disk(DiskOp::Read),
            Site::Disk(DiskOp::Write),
            Site::Disk(DiskOp::Flush),
            Site::Disk(DiskOp::Other),
            Site::Line(16),
            Site::Timer,
            Site::Point { point: 1, key: 257 },
            Site::Moment,
        ];
        for site in sites {
            let bytes = crate::codec::save(&mut One(site));
            let mut loaded = One(Site::FirstSlice);
            crate::codec::load(&mut loaded, &bytes).expect("the bytes are sound");
            assert_eq!(loaded.0, site);
            let mut damaged = bytes.clone();
            damaged[0] = 7;
            assert!(crate::codec::load(&mut loaded, &damaged).is_err());
        }
    }
}
