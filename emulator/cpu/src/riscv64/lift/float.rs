//! The F and D extensions (Unprivileged spec, 20 and 21).

use super::{Illegal, Lift, Lifter};

/// Loads, stores, arithmetic, conversions, comparisons.
pub fn lift(l: &mut Lifter) -> Lift {
    let _ = super::mark_float(l);
    Err(Illegal)
}
