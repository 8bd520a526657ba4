//! The MMIO transport's registers by offset (table 4.1).

/// Where the device configuration space begins.
pub const CONFIG: u64 = 0x100;

/// A register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    MagicValue,
    Version,
    DeviceId,
    VendorId,
    DeviceFeatures,
    DeviceFeaturesSel,
    DriverFeatures,
    DriverFeaturesSel,
    /// Of version 1 alone (4.2.4), as are QueueAlign and QueuePfn.
    GuestPageSize,
    QueueSel,
    QueueNumMax,
    QueueNum,
    QueueAlign,
    QueuePfn,
    QueueReady,
    QueueNotify,
    InterruptStatus,
    InterruptAck,
    Status,
    QueueDescLow,
    QueueDescHigh,
    QueueDriverLow,
    QueueDriverHigh,
    QueueDeviceLow,
    QueueDeviceHigh,
    /// Length or base of a shared memory region, of which there are none.
    SharedMemory,
    QueueReset,
    ConfigGeneration,
    Config,
}

impl Register {
    /// The register at an offset, if there is one.
    pub const fn decode(offset: u64) -> Option<Self> {
        Some(match offset {
            0x000 => Self::MagicValue,
            0x004 => Self::Version,
            0x008 => Self::DeviceId,
            0x00c => Self::VendorId,
            0x010 => Self::DeviceFeatures,
            0x014 => Self::DeviceFeaturesSel,
            0x020 => Self::DriverFeatures,
            0x024 => Self::DriverFeaturesSel,
            0x028 => Self::GuestPageSize,
            0x030 => Self::QueueSel,
            0x034 => Self::QueueNumMax,
            0x038 => Self::QueueNum,
            0x03c => Self::QueueAlign,
            0x040 => Self::QueuePfn,
            0x044 => Self::QueueReady,
            0x050 => Self::QueueNotify,
            0x060 => Self::InterruptStatus,
            0x064 => Self::InterruptAck,
            0x070 => Self::Status,
            0x080 => Self::QueueDescLow,
            0x084 => Self::QueueDescHigh,
            0x090 => Self::QueueDriverLow,
            0x094 => Self::QueueDriverHigh,
            0x0a0 => Self::QueueDeviceLow,
            0x0a4 => Self::QueueDeviceHigh,
            0x0b0 | 0x0b4 | 0x0b8 | 0x0bc => Self::SharedMemory,
            0x0c0 => Self::QueueReset,
            0x0fc => Self::ConfigGeneration,
            CONFIG.. => Self::Config,
            _ => return None,
        })
    }

    /// Its name in the standard.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MagicValue => "MagicValue",
            Self::Version => "Version",
            Self::DeviceId => "DeviceID",
            Self::VendorId => "VendorID",
            Self::DeviceFeatures => "DeviceFeatures",
            Self::DeviceFeaturesSel => "DeviceFeaturesSel",
            Self::DriverFeatures => "DriverFeatures",
            Self::DriverFeaturesSel => "DriverFeaturesSel",
            Self::GuestPageSize => "GuestPageSize",
            Self::QueueSel => "QueueSel",
            Self::QueueNumMax => "QueueNumMax",
            Self::QueueNum => "QueueNum",
            Self::QueueAlign => "QueueAlign",
            Self::QueuePfn => "QueuePFN",
            Self::QueueReady => "QueueReady",
            Self::QueueNotify => "QueueNotify",
            Self::InterruptStatus => "InterruptStatus",
            Self::InterruptAck => "InterruptACK",
            Self::Status => "Status",
            Self::QueueDescLow => "QueueDescLow",
            Self::QueueDescHigh => "QueueDescHigh",
            Self::QueueDriverLow => "QueueDriverLow",
            Self::QueueDriverHigh => "QueueDriverHigh",
            Self::QueueDeviceLow => "QueueDeviceLow",
            Self::QueueDeviceHigh => "QueueDeviceHigh",
            Self::SharedMemory => "SHM",
            Self::QueueReset => "QueueReset",
            Self::ConfigGeneration => "ConfigGeneration",
            Self::Config => "Config",
        }
    }
}
