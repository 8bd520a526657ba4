//! How probes are written in assembly: SDT notes name registers without a sign.

/// `asm!` for a probe.
#[doc(hidden)]
#[macro_export]
macro_rules! sdt_asm {
    ($($code:tt)*) => {
        core::arch::asm!($($code)*)
    };
}
