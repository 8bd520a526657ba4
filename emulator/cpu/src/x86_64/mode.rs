//! What lifting assumes about the CPU beside the instruction bytes.
//!
//! ```text
//! bit 0..1  code size: 0 = 16, 1 = 32, 2 = 64 bits       bit 4  SSE and x87 usable (no #NM, no #UD)
//! bit 2     CPL is 0                                     bit 5  probes are lifted
//! bit 3     stack pointer is 32 bits wide (SS.B)         bit 6  segment bases other than FS, GS are zero
//!                                                        bit 7  each instruction is reported
//! ```

/// The lift's assumptions; part of the block cache's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(pub u32);

impl Mode {
    const KERNEL: u32 = 1 << 2;
    const STACK32: u32 = 1 << 3;
    const SSE: u32 = 1 << 4;
    const PROBES: u32 = 1 << 5;
    const FLAT: u32 = 1 << 6;
    const INSTRUCTIONS: u32 = 1 << 7;

    /// Packs the assumptions; `bits` is 16, 32 or 64.
    pub const fn new(
        bits: u32,
        kernel: bool,
        stack32: bool,
        sse: bool,
        probes: bool,
        flat: bool,
    ) -> Self {
        let size = match bits {
            16 => 0,
            32 => 1,
            _ => 2,
        };
        Self(
            size | (kernel as u32) << 2
                | (stack32 as u32) << 3
                | (sse as u32) << 4
                | (probes as u32) << 5
                | (flat as u32) << 6,
        )
    }

    /// Default operand and address size in bits: 16, 32 or 64.
    pub const fn bits(self) -> u32 {
        16 << (self.0 & 3)
    }

    /// Whether the CPU runs 64-bit code.
    pub const fn long(self) -> bool {
        self.0 & 3 == 2
    }

    /// Whether CPL is 0, so that privileged instructions are allowed.
    pub const fn kernel(self) -> bool {
        self.0 & Self::KERNEL != 0
    }

    /// Whether the stack pointer is ESP rather than SP (outside long mode).
    pub const fn stack32(self) -> bool {
        self.0 & Self::STACK32 != 0
    }

    /// Whether SSE instructions run: CR0.TS and CR0.EM clear, CR4.OSFXSAVE set.
    pub const fn sse(self) -> bool {
        self.0 & Self::SSE != 0
    }

    /// Whether probes are lifted.
    pub const fn probes(self) -> bool {
        self.0 & Self::PROBES != 0
    }

    /// The same assumptions, with each instruction reported or not.
    pub const fn reporting(self, instructions: bool) -> Self {
        Self(self.0 & !Self::INSTRUCTIONS | if instructions { Self::INSTRUCTIONS } else { 0 })
    }

    /// Whether each instruction is reported.
    pub const fn instructions(self) -> bool {
        self.0 & Self::INSTRUCTIONS != 0
    }

    /// Whether the bases of ES, CS, SS and DS are zero (always so in long mode).
    pub const fn flat(self) -> bool {
        self.0 & Self::FLAT != 0
    }
}
