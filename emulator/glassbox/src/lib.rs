//! Glassbox as a library: what the `glassbox` command is made of.
//!
//! A [`guest::Guest`] is a machine with a kernel and a disk, given as bytes. What happens inside it reaches an
//! [`Observer`](base::event::Observer) of yours: page walks, traps, device accesses, and the kernel's own events.
//! `examples/hook.rs` counts page walks per process that way, in some thirty lines:
//!
//! ```text
//! $ cargo run --release -p glassbox --example hook -- 'ls /'
//! ```
//!
//! # What stays
//!
//! Versions follow semver, and what one may rely on from one version to the next is the way to hook in:
//! [`base::event`] with `Observer`, its events and [`Peek`](base::event::Peek); [`guest`]; [`trace::follow::Follower`]
//! with [`trace::tasks`], which say who runs. Before 1.0 a change there takes a new minor version and a word in
//! CHANGELOG.md. Events may gain kinds and fields in any version (they are `non_exhaustive` in spirit: end your `match`
//! with `_`, your patterns with `..`). The rest is public because the command line and the tests are built on it, and
//! may change at any time.
//!
//! [`trace`] and [`monitor`] are the ways of looking that come with the product; [`disk`] is the guest's disk seen from
//! the host, [`symbols`] what a kernel's file says of addresses, [`cli`] the command line.

pub use base;
pub use machine;

pub mod backtrace;
pub mod cli;
pub mod crash;
pub mod disk;
pub mod fault;
pub mod grade;
pub mod guest;
pub mod monitor;
pub mod numbers;
pub mod sites;
pub mod symbols;
pub mod trace;
