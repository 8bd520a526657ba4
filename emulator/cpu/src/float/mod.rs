//! Binary floating point in integers: exact results, all rounding modes, exact exception flags, on every host.
//!
//! [`mod@format`] describes the two formats and takes numbers apart, [`round`] is the one place that rounds, [`arith`]
//! and [`convert`] compute. What an ISA decides for itself stays with the ISA: which NaN comes out (these functions
//! take no NaN and give none: an invalid operation is `None`), and whether subnormal operands count as zero.
//! Neighbours: `x86_64::sse` above.

pub mod arith;
pub mod convert;
pub mod format;
pub mod round;

pub use format::{Double, Format, Single};
pub use round::{Env, Rounding, flag};
