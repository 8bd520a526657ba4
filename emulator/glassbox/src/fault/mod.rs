//! Having things go wrong on purpose, and again.
//!
//! ```text
//! "disk.write#3=torn@512" ── Spec ── resolve (which machine, which kernel) ──► Armed ──► Plan: the run's Chooser
//!                             │                                                            │
//!                             └── Token: all that the run depends on, as a short line      └── counts: --fault-list
//! ```
//!
//! [`spec`] is the grammar, [`action`] what can go wrong where, [`when`] which passes of a site are meant. [`Plan`] is a
//! run's chooser: seeded choices with faults in them, and the counts of passes, which are machine state. A [`Token`]
//! makes a run again.

pub mod action;
mod base64;
pub mod list;
pub mod plan;
pub mod spec;
pub mod token;
pub mod when;

pub use plan::{Armed, Plan, Trigger};
pub use spec::{Spec, SpecError, Target};
pub use token::{Token, TokenError, fingerprint};
pub use when::When;
