//! What lifting assumes about the hart beside the instruction bytes.
//!
//! ```text
//! bit 0  floating point is on (mstatus.FS is not Off)      bit 2  probes are lifted
//! bit 1  its state is marked dirty already                 bit 3  each instruction is reported
//! ```

/// The lift's assumptions; part of the block cache's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode(pub u32);

impl Mode {
    const FLOAT: u32 = 1 << 0;
    const DIRTY: u32 = 1 << 1;
    const PROBES: u32 = 1 << 2;
    const INSTRUCTIONS: u32 = 1 << 3;

    /// Packs the assumptions.
    pub const fn new(float: bool, dirty: bool, probes: bool, instructions: bool) -> Self {
        Self(
            (float as u32 * Self::FLOAT)
                | (dirty as u32 * Self::DIRTY)
                | (probes as u32 * Self::PROBES)
                | (instructions as u32 * Self::INSTRUCTIONS),
        )
    }

    /// Whether floating-point instructions are legal.
    pub const fn float(self) -> bool {
        self.0 & Self::FLOAT != 0
    }

    /// Whether writing floating-point state needs no mark.
    pub const fn dirty(self) -> bool {
        self.0 & Self::DIRTY != 0
    }

    /// Whether probes are lifted.
    pub const fn probes(self) -> bool {
        self.0 & Self::PROBES != 0
    }

    /// Whether each instruction is reported.
    pub const fn instructions(self) -> bool {
        self.0 & Self::INSTRUCTIONS != 0
    }
}
