//! The registers of the PC16550D and their bits, by the datasheet's names.

/// The registers, as the address and DLAB select them (table II).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// Receiver buffer (read) and transmitter holding (write).
    RbrThr,
    Ier,
    /// Interrupt identification (read) and FIFO control (write).
    IirFcr,
    Lcr,
    Mcr,
    Lsr,
    Msr,
    Scr,
    Dll,
    Dlm,
}

impl Register {
    /// The register at an offset, with or without the divisor latch access bit.
    pub const fn decode(offset: u64, dlab: bool) -> Self {
        match (offset & 7, dlab) {
            (0, false) => Self::RbrThr,
            (0, true) => Self::Dll,
            (1, false) => Self::Ier,
            (1, true) => Self::Dlm,
            (2, _) => Self::IirFcr,
            (3, _) => Self::Lcr,
            (4, _) => Self::Mcr,
            (5, _) => Self::Lsr,
            (6, _) => Self::Msr,
            _ => Self::Scr,
        }
    }
}

/// Interrupt enable register (8.6).
pub mod ier {
    pub const RECEIVED_DATA: u8 = 1 << 0;
    pub const THR_EMPTY: u8 = 1 << 1;
    pub const LINE_STATUS: u8 = 1 << 2;
    pub const MODEM_STATUS: u8 = 1 << 3;
    pub const WRITABLE: u8 = 0x0f;
}

/// Interrupt identification register (8.5, table IV), bits 3..0.
pub mod iir {
    pub const NONE: u8 = 0b0001;
    pub const LINE_STATUS: u8 = 0b0110;
    pub const RECEIVED_DATA: u8 = 0b0100;
    pub const CHARACTER_TIMEOUT: u8 = 0b1100;
    pub const THR_EMPTY: u8 = 0b0010;
    pub const MODEM_STATUS: u8 = 0b0000;
    pub const FIFOS_ENABLED: u8 = 0xc0;
}

/// FIFO control register (8.4).
pub mod fcr {
    pub const ENABLE: u8 = 1 << 0;
    pub const RESET_RECEIVER: u8 = 1 << 1;
}

/// Line control register (8.1).
pub mod lcr {
    pub const DLAB: u8 = 1 << 7;
}

/// Line status register (8.3).
pub mod lsr {
    pub const DATA_READY: u8 = 1 << 0;
    pub const OVERRUN: u8 = 1 << 1;
    pub const THR_EMPTY: u8 = 1 << 5;
    pub const TRANSMITTER_EMPTY: u8 = 1 << 6;
}

/// Modem control register (8.7).
pub mod mcr {
    pub const DTR: u8 = 1 << 0;
    pub const RTS: u8 = 1 << 1;
    pub const OUT1: u8 = 1 << 2;
    pub const OUT2: u8 = 1 << 3;
    pub const LOOP: u8 = 1 << 4;
    pub const WRITABLE: u8 = 0x1f;
}

/// Modem status register (8.8): lines in the high half, "has changed" in the low.
pub mod msr {
    pub const CTS: u8 = 1 << 4;
    pub const DSR: u8 = 1 << 5;
    pub const RI: u8 = 1 << 6;
    pub const DCD: u8 = 1 << 7;
    pub const LINES: u8 = 0xf0;
    /// Trailing edge of ring indicator: only going off counts.
    pub const TERI: u8 = 1 << 2;
    pub const DELTAS: u8 = 0x0f;
}
