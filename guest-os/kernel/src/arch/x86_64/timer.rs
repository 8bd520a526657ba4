//! Time on this machine: the time-stamp counter says how late it is, the local APIC interrupts at a deadline.
//!
//! The TSC's rate comes from CPUID leaf 0x15 if it is there, else from 5 ms of watching the PIT, during
//! which the APIC timer is measured too. With TSC-deadline mode there is nothing to measure about the latter.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::cpu::{self, msr, rdtsc, wrmsr};
use super::{apic, pit};

/// TSC at the time zero of `nanos`.
static EPOCH: AtomicU64 = AtomicU64::new(0);
/// TSC ticks per second.
static TSC_HZ: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds per TSC tick, times 2^32.
static NANOS_PER_TICK: AtomicU64 = AtomicU64::new(0);
/// TSC ticks per nanosecond, times 2^32.
static TICKS_PER_NANO: AtomicU64 = AtomicU64::new(0);
/// APIC timer ticks per nanosecond, times 2^32; unused in TSC-deadline mode.
static APIC_PER_NANO: AtomicU64 = AtomicU64::new(0);

const NANOS_PER_SEC: u64 = 1_000_000_000;
/// How long calibration watches the PIT.
const CALIBRATION_TICKS: u64 = pit::HZ / 200;
/// A PIT that does not count after so many looks is not there.
const CALIBRATION_PATIENCE: u32 = 1_000_000;
/// Assumed rate of a TSC that nothing tells us about.
const FALLBACK_HZ: u64 = 1_000_000_000;

/// Finds the rates. The APIC of this CPU is on already.
pub fn init() {
    EPOCH.store(rdtsc(), Relaxed);
    let from_cpuid = tsc_hz_from_cpuid();
    let (tsc_hz, apic_hz) = match from_cpuid {
        Some(hz) if cpu::has_tsc_deadline() => (hz, 0),
        Some(hz) => (hz, measure_apic_against_tsc(hz)),
        None => measure_against_pit(),
    };
    TSC_HZ.store(tsc_hz, Relaxed);
    NANOS_PER_TICK.store(
        ((u128::from(NANOS_PER_SEC) << 32) / u128::from(tsc_hz)) as u64,
        Relaxed,
    );
    TICKS_PER_NANO.store(
        ((u128::from(tsc_hz) << 32) / u128::from(NANOS_PER_SEC)) as u64,
        Relaxed,
    );
    APIC_PER_NANO.store(
        ((u128::from(apic_hz) << 32) / u128::from(NANOS_PER_SEC)) as u64,
        Relaxed,
    );
}

/// Leaf 0x15: TSC = crystal * EBX / EAX, crystal = ECX Hz (SDM vol. 2, CPUID).
fn tsc_hz_from_cpuid() -> Option<u64> {
    let (denominator, numerator, crystal, _) = cpu::cpuid(0x15);
    if denominator == 0 || numerator == 0 || crystal == 0 {
        return None;
    }
    Some(u64::from(crystal) * u64::from(numerator) / u64::from(denominator))
}

fn measure_apic_against_tsc(tsc_hz: u64) -> u64 {
    let window = tsc_hz / 1000;
    apic::mask_timer(true);
    apic::set_timer_count(u32::MAX);
    let start = rdtsc();
    while rdtsc() - start < window {
        core::hint::spin_loop();
    }
    let ticks = u64::from(u32::MAX - apic::timer_count());
    apic::set_timer_count(0);
    apic::mask_timer(false);
    ticks * 1000
}

fn measure_against_pit() -> (u64, u64) {
    apic::mask_timer(true);
    apic::set_timer_count(u32::MAX);
    pit::start();
    let first = pit::count();
    let (tsc_start, apic_start) = (rdtsc(), apic::timer_count());
    let mut elapsed = 0;
    for _ in 0..CALIBRATION_PATIENCE {
        elapsed = u64::from(first.wrapping_sub(pit::count()));
        if elapsed >= CALIBRATION_TICKS {
            break;
        }
    }
    let tsc = rdtsc() - tsc_start;
    let apic = u64::from(apic_start - apic::timer_count());
    apic::set_timer_count(0);
    apic::mask_timer(false);
    if elapsed < CALIBRATION_TICKS {
        return (FALLBACK_HZ, FALLBACK_HZ);
    }
    (
        (tsc * pit::HZ / elapsed).max(1),
        (apic * pit::HZ / elapsed).max(1),
    )
}

fn scale(value: u64, factor: u64) -> u64 {
    ((u128::from(value) * u128::from(factor)) >> 32) as u64
}

/// Nanoseconds since the kernel started; 0 until `init`.
pub fn nanos() -> u64 {
    scale(
        rdtsc().wrapping_sub(EPOCH.load(Relaxed)),
        NANOS_PER_TICK.load(Relaxed),
    )
}

/// Ticks per second of the counter that `nanos` reads.
pub fn hz() -> u64 {
    TSC_HZ.load(Relaxed)
}

/// Interrupts the calling CPU at `deadline` (as `nanos` counts), at once if it has passed.
pub fn set_deadline(deadline: u64) {
    if cpu::has_tsc_deadline() {
        let tsc = EPOCH.load(Relaxed) + scale(deadline, TICKS_PER_NANO.load(Relaxed));
        // SAFETY: arms the timer of this CPU, whose interrupt has a handler.
        unsafe { wrmsr(msr::IA32_TSC_DEADLINE, tsc.max(1)) };
    } else {
        let delay = deadline.saturating_sub(nanos());
        let count = scale(delay, APIC_PER_NANO.load(Relaxed)).clamp(1, u32::MAX.into());
        apic::set_timer_count(count as u32);
    }
}
