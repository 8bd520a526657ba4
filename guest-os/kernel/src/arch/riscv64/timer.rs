//! Time on this machine: the `time` register says how late it is, and a comparator interrupts at a deadline: the hart's own
//! (Sstc) if the device tree names it, or else that of whoever has M-mode.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::boot::tree;
use super::cpu::{self, read_time};
use super::sbi;

/// `time` at the time zero of `nanos`.
static EPOCH: AtomicU64 = AtomicU64::new(0);
/// Ticks per second.
static HZ: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds per tick, times 2^32.
static NANOS_PER_TICK: AtomicU64 = AtomicU64::new(0);
/// Ticks per nanosecond, times 2^32.
static TICKS_PER_NANO: AtomicU64 = AtomicU64::new(0);
/// Whether harts have a comparator that S-mode may write.
static SSTC: AtomicBool = AtomicBool::new(false);

const NANOS_PER_SEC: u64 = 1_000_000_000;
/// Assumed rate of a clock that the device tree does not tell.
const FALLBACK_HZ: u64 = 10_000_000;

/// Finds rate and comparator.
pub fn init() {
    EPOCH.store(read_time(), Relaxed);
    let told = tree()
        .node("/cpus")
        .and_then(|cpus| cpus.number("timebase-frequency"));
    let hz = told.filter(|hz| *hz != 0).unwrap_or(FALLBACK_HZ);
    HZ.store(hz, Relaxed);
    let ratio = |a: u64, b: u64| ((u128::from(a) << 32) / u128::from(b)) as u64;
    NANOS_PER_TICK.store(ratio(NANOS_PER_SEC, hz), Relaxed);
    TICKS_PER_NANO.store(ratio(hz, NANOS_PER_SEC), Relaxed);
    SSTC.store(cpu::has_extension("sstc"), Relaxed);
    stop();
}

fn scale(value: u64, factor: u64) -> u64 {
    ((u128::from(value) * u128::from(factor)) >> 32) as u64
}

/// Nanoseconds since the kernel started; 0 until `init`.
pub fn nanos() -> u64 {
    scale(
        read_time().wrapping_sub(EPOCH.load(Relaxed)),
        NANOS_PER_TICK.load(Relaxed),
    )
}

/// Ticks per second of the counter that `nanos` reads.
pub fn hz() -> u64 {
    HZ.load(Relaxed)
}

/// Interrupts the calling CPU at `deadline` (as `nanos` counts), at once if it has passed.
pub fn set_deadline(deadline: u64) {
    // Rounded up: the tick in which the deadline has passed.
    compare_with(EPOCH.load(Relaxed) + scale(deadline, TICKS_PER_NANO.load(Relaxed)) + 1);
}

/// Quiets the calling CPU's timer until the next deadline.
pub(super) fn stop() {
    compare_with(u64::MAX);
}

fn compare_with(time: u64) {
    if SSTC.load(Relaxed) {
        // SAFETY: arms the timer of this hart, whose interrupt has a handler. The register is `stimecmp`.
        unsafe { asm!("csrw 0x14d, {}", in(reg) time, options(nostack)) };
    } else {
        sbi::set_timer(time);
    }
}
