//! The local APIC's registers, by the number that both of its faces share: xAPIC offset / 16 and x2APIC MSR - 0x800
//! (SDM vol. 3, tables 11-1 and 11-6).

/// A register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    Id,
    Version,
    Tpr,
    Ppr,
    Eoi,
    Ldr,
    Dfr,
    Svr,
    /// In-service register, one of eight.
    Isr(u8),
    /// Trigger mode register, one of eight.
    Tmr(u8),
    /// Interrupt request register, one of eight.
    Irr(u8),
    Esr,
    IcrLow,
    IcrHigh,
    Lvt(Lvt),
    InitialCount,
    CurrentCount,
    DivideConfiguration,
    /// x2APIC only.
    SelfIpi,
}

/// The entries of the local vector table (SDM vol. 3, 11.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Lvt {
    Timer,
    Thermal,
    PerformanceCounter,
    Lint0,
    Lint1,
    Error,
}

impl Lvt {
    /// How many entries there are.
    pub const COUNT: usize = 6;
}

impl Register {
    /// The register numbered `number`, if there is one.
    pub const fn decode(number: u64) -> Option<Self> {
        Some(match number {
            0x02 => Self::Id,
            0x03 => Self::Version,
            0x08 => Self::Tpr,
            0x0a => Self::Ppr,
            0x0b => Self::Eoi,
            0x0d => Self::Ldr,
            0x0e => Self::Dfr,
            0x0f => Self::Svr,
            0x10..=0x17 => Self::Isr((number - 0x10) as u8),
            0x18..=0x1f => Self::Tmr((number - 0x18) as u8),
            0x20..=0x27 => Self::Irr((number - 0x20) as u8),
            0x28 => Self::Esr,
            0x30 => Self::IcrLow,
            0x31 => Self::IcrHigh,
            0x32 => Self::Lvt(Lvt::Timer),
            0x33 => Self::Lvt(Lvt::Thermal),
            0x34 => Self::Lvt(Lvt::PerformanceCounter),
            0x35 => Self::Lvt(Lvt::Lint0),
            0x36 => Self::Lvt(Lvt::Lint1),
            0x37 => Self::Lvt(Lvt::Error),
            0x38 => Self::InitialCount,
            0x39 => Self::CurrentCount,
            0x3e => Self::DivideConfiguration,
            0x3f => Self::SelfIpi,
            _ => return None,
        })
    }

    /// Its name in the manual, shortened as Intel's and Linux's sources do.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "ID",
            Self::Version => "VERSION",
            Self::Tpr => "TPR",
            Self::Ppr => "PPR",
            Self::Eoi => "EOI",
            Self::Ldr => "LDR",
            Self::Dfr => "DFR",
            Self::Svr => "SVR",
            Self::Isr(_) => "ISR",
            Self::Tmr(_) => "TMR",
            Self::Irr(_) => "IRR",
            Self::Esr => "ESR",
            Self::IcrLow => "ICR",
            Self::IcrHigh => "ICR2",
            Self::Lvt(Lvt::Timer) => "LVT_TIMER",
            Self::Lvt(Lvt::Thermal) => "LVT_THERMAL",
            Self::Lvt(Lvt::PerformanceCounter) => "LVT_PC",
            Self::Lvt(Lvt::Lint0) => "LVT_LINT0",
            Self::Lvt(Lvt::Lint1) => "LVT_LINT1",
            Self::Lvt(Lvt::Error) => "LVT_ERROR",
            Self::InitialCount => "TMICT",
            Self::CurrentCount => "TMCCT",
            Self::DivideConfiguration => "TDCR",
            Self::SelfIpi => "SELF_IPI",
        }
    }
}
