//! The platform-level interrupt controller (RISC-V PLIC specification 1.0.0), of which the boot CPU's context is used.

use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::mmio;
use super::topology::Plic;
use crate::mm::map_mmio;

/// Priorities, 4 bytes a source; 0 never interrupts.
const PRIORITY: usize = 0;
/// Enable bits, a bit a source, `ENABLE_STRIDE` bytes a context.
const ENABLE: usize = 0x2000;
const ENABLE_STRIDE: usize = 0x80;
/// Threshold, and 4 bytes on claim and complete, `CONTEXT_STRIDE` bytes a context.
const THRESHOLD: usize = 0x20_0000;
const CONTEXT_STRIDE: usize = 0x1000;

/// Virtual addresses of the registers, and of the context's part of them; 0 if there is no PLIC.
static BASE: AtomicUsize = AtomicUsize::new(0);
static ENABLE_BITS: AtomicUsize = AtomicUsize::new(0);
static CONTEXT: AtomicUsize = AtomicUsize::new(0);

fn read(at: usize) -> u32 {
    // SAFETY: a register of the PLIC that `init` has mapped.
    unsafe { mmio::read32(at as *const u32) }
}

fn write(at: usize, value: u32) {
    // SAFETY: as above; the PLIC reaches no memory.
    unsafe { mmio::write32(at as *mut u32, value) };
}

/// Masks every source, and lets all others through.
pub fn init(plic: &Plic) {
    // The whole block is large; the pages in use are three.
    let map = |offset: usize, len: usize| {
        map_mmio(plic.base.plus(offset as u64), len).map(|registers| registers as usize)
    };
    let enable = ENABLE + ENABLE_STRIDE * plic.context;
    let context = THRESHOLD + CONTEXT_STRIDE * plic.context;
    let mapped = (
        map(PRIORITY, 4 * (plic.sources + 1)),
        map(enable, ENABLE_STRIDE),
        map(context, 8),
    );
    let (Ok(base), Ok(enable), Ok(context)) = mapped else {
        crate::warning!("no interrupt controller can be at {:?}", plic.base);
        return;
    };
    for word in 0..=plic.sources / 32 {
        write(enable + 4 * word, 0);
    }
    write(context, 0);
    ENABLE_BITS.store(enable, Relaxed);
    CONTEXT.store(context, Relaxed);
    BASE.store(base, Relaxed);
}

/// Lets a source interrupt the boot CPU.
pub fn enable(source: usize) {
    write(BASE.load(Relaxed) + PRIORITY + 4 * source, 1);
    let word = ENABLE_BITS.load(Relaxed) + 4 * (source / 32);
    write(word, read(word) | 1 << (source % 32));
}

/// The source that is to be served now, if there is one.
pub fn claim() -> Option<usize> {
    let context = CONTEXT.load(Relaxed);
    let source = if context == 0 { 0 } else { read(context + 4) };
    (source != 0).then_some(source as usize)
}

/// It has been served: it may interrupt again.
pub fn complete(source: usize) {
    write(CONTEXT.load(Relaxed) + 4, source as u32);
}
