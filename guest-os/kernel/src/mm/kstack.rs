//! Kernel stacks: one per process, each with an unmapped guard page below it.
//!
//! A stack that is freed stays mapped and waits in a pool for the next process, so that fork and exit do not
//! change kernel page tables (which would cost a TLB shootdown on all CPUs). Waiting stacks count as free memory.

use alloc::vec::Vec;

use abi::Errno;

use super::address::PAGE_SIZE;
use super::frame::Frame;
use super::layout::{KSTACK_BASE, KSTACK_COUNT, KSTACK_STRIDE};
use crate::arch::paging;
use crate::sync::SpinLock;

/// Pages of a stack, without the guard.
const STACK_PAGES: usize = KSTACK_STRIDE / PAGE_SIZE - 1;

struct Pool {
    /// Slots whose stack is mapped and waits.
    waiting: Vec<usize>,
    /// Slots never used begin here.
    fresh: usize,
}

static POOL: SpinLock<Pool> = SpinLock::new(Pool { waiting: Vec::new(), fresh: 0 });

/// A kernel stack; dropping it gives it to the pool. Its process must have left it for good.
pub struct KernelStack {
    slot: usize,
}

impl KernelStack {
    /// A stack with any contents.
    pub fn new() -> Result<Self, Errno> {
        let mut pool = POOL.lock();
        if let Some(slot) = pool.waiting.pop() {
            return Ok(KernelStack { slot });
        }
        if pool.fresh == KSTACK_COUNT {
            return Err(Errno::EAGAIN);
        }
        let stack = KernelStack { slot: pool.fresh };
        let bottom = stack.top() - STACK_PAGES * PAGE_SIZE;
        for page in 0..STACK_PAGES {
            let mapped = Frame::alloc()
                .and_then(|frame| paging::map_kernel_page(bottom + page * PAGE_SIZE, frame.into_raw()));
            if let Err(errno) = mapped {
                for page in 0..page {
                    if let Some(at) = paging::unmap_kernel_page(bottom + page * PAGE_SIZE) {
                        // SAFETY: mapped by this function and never used, so no TLB knows it.
                        drop(unsafe { Frame::from_raw(at) });
                    }
                }
                core::mem::forget(stack);
                return Err(errno);
            }
        }
        pool.fresh += 1;
        Ok(stack)
    }

    /// The address where it starts to grow down.
    pub fn top(&self) -> usize {
        KSTACK_BASE + (self.slot + 1) * KSTACK_STRIDE
    }
}

impl Drop for KernelStack {
    fn drop(&mut self) {
        POOL.lock().waiting.push(self.slot);
    }
}

/// Frames in stacks that wait for a process.
pub fn idle_frames() -> usize {
    POOL.lock().waiting.len() * STACK_PAGES
}
