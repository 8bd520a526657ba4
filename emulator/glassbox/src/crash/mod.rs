//! Crashes: every disk that a power cut during a workload can leave behind, and whether the guest lives with it.
//!
//! ```text
//! record    the workload runs once; every write and flush of the disk is noted, and what was printed by then
//! states    a power cut at write N: what was flushed is there, of the rest all, nothing or a part, and of the
//!           write itself some first sectors; equal disks are tried once
//! trial     one machine, booted to where it first asks its disk for something; for each state it is brought
//!           back there, finds that disk, mounts it (replaying the journal) and runs the oracle
//! report    what was tried, what is bad, and how to see it again
//! ```
//!
//! A state is good if the guest boots, its command ends with status 0 and the file system is sound afterwards, as
//! `kcore`'s own check finds from outside. Key types: [`Recording`], [`States`], [`Cut`], [`Trial`], [`Report`]. Nothing
//! here knows threads: whoever has several gives each a [`Trial`] of its own.

mod cut;
mod record;
mod report;
mod states;
mod trial;

pub use cut::{At, Cache, Cut, faults, quoted};
pub use record::{Host, Recording, Step, TooMuch, record};
pub use report::{BadState, Report, Workload};
pub use states::{BadCut, Distinct, States, sample};
pub use trial::{Bad, Trial, boot};
