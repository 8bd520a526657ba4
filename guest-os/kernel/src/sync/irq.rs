//! Interrupts off, nestable.

use core::marker::PhantomData;

use crate::arch::percpu;

/// Interrupts stay off on this CPU while one of these lives. They come back when the last one goes, if they
/// were on when the first one came.
pub struct IrqGuard(PhantomData<*const ()>);

impl IrqGuard {
    /// Turns interrupts off.
    #[inline(always)]
    pub fn new() -> Self {
        percpu::irq_off_enter();
        IrqGuard(PhantomData)
    }
}

impl Default for IrqGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for IrqGuard {
    #[inline(always)]
    fn drop(&mut self) {
        percpu::irq_off_leave();
    }
}
