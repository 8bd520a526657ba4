//! reboot(2): magic numbers and commands.
//!
//! Silica reads the fourth argument of [`POWER_OFF`] as the machine's exit word
//! ([`crate::boot::ExitWord`]); Linux ignores it there.

/// First argument.
pub const MAGIC1: u32 = 0xfee1_dead;
/// Second argument.
pub const MAGIC2: u32 = 672_274_793;

names! {
    /// Commands of reboot(2).
    COMMANDS: u32, choice u64::MAX => {
        RESTART = 0x0123_4567, "Reset the machine.";
        HALT = 0xcdef_0123, "Stop the CPUs.";
        POWER_OFF = 0x4321_fedc, "Switch the machine off.";
        CAD_OFF = 0, "Ctrl-Alt-Del sends SIGINT to init.";
        CAD_ON = 0x89ab_cdef, "Ctrl-Alt-Del resets the machine.";
        RESTART2 = 0xa1b2_c3d4, "Reset the machine with a string for the firmware.";
        SW_SUSPEND = 0xd000_fce2, "Hibernate.";
        KEXEC = 0x4558_4543, "Start the kernel that kexec_load(2) loaded.";
    }
}
