//! The kernel's clocks.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::arch;

/// Nanoseconds of one second.
pub const NANOS_PER_SEC: u64 = 1_000_000_000;

/// Calendar time at monotonic time 0, in nanoseconds since 1970.
static BOOT_TIME: AtomicU64 = AtomicU64::new(0);

/// Starts the clocks.
pub fn init() {
    arch::timer::init();
    BOOT_TIME.store(
        arch::rtc::seconds_since_1970() * NANOS_PER_SEC - now_ns(),
        Relaxed,
    );
}

/// Nanoseconds since the kernel started; never goes back.
pub fn now_ns() -> u64 {
    arch::timer::nanos()
}

/// Calendar time in nanoseconds since 1970.
pub fn calendar_ns() -> u64 {
    BOOT_TIME.load(Relaxed) + now_ns()
}
