//! Kernel stacks: one per process, each with an unmapped guard page below it.
//!
//! A stack that is freed stays mapped and waits in a pool for the next process, so that fork and exit do not
//! change kernel page tables (which would cost a TLB shootdown on all CPUs). Waiting stacks count as free memory.

use alloc::vec::Vec;

use abi::Errno;

use super::address::PAGE_SIZE;
use super::layout::{KSTACK_BASE, KSTACK_COUNT, KSTACK_STRIDE};
use super::page_table;
use crate::sync::SpinLock;

/// Pages of a stack, without the guard.
const STACK_PAGES: usize = KSTACK_STRIDE / PAGE_SIZE - 1;

struct Pool {
    /// Slots whose stack is mapped and waits.
    waiting: Vec<usize>,
    /// Slots for which there was not enough memory.
    unmapped: Vec<usize>,
    /// Slots never used begin here.
    fresh: usize,
}

impl Pool {
    fn take_unmapped(&mut self) -> Option<usize> {
        self.unmapped.pop().or_else(|| {
            let slot = self.fresh;
            self.fresh += 1;
            (slot < KSTACK_COUNT).then_some(slot)
        })
    }
}

static POOL: SpinLock<Pool> = SpinLock::new(
    c"kernel_stacks",
    Pool {
        waiting: Vec::new(),
        unmapped: Vec::new(),
        fresh: 0,
    },
);

/// A kernel stack; dropping it gives it to the pool. Its process must have left it for good.
pub struct KernelStack {
    slot: usize,
}

impl KernelStack {
    /// A stack with any contents.
    pub fn new() -> Result<Self, Errno> {
        let slot = {
            let mut pool = POOL.lock();
            if let Some(slot) = pool.waiting.pop() {
                return Ok(KernelStack { slot });
            }
            pool.take_unmapped().ok_or(Errno::EAGAIN)?
        };
        let mapped = Self::map(slot);
        if mapped.is_err() {
            POOL.lock().unmapped.push(slot);
        }
        mapped
    }

    /// Gives a slot its frames. What was mapped before memory ran out stays for the next attempt.
    fn map(slot: usize) -> Result<Self, Errno> {
        for page in 0..STACK_PAGES {
            super::map_kernel_page(bottom(slot) + page * PAGE_SIZE)?;
        }
        Ok(KernelStack { slot })
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

fn bottom(slot: usize) -> usize {
    KSTACK_BASE + slot * KSTACK_STRIDE + PAGE_SIZE
}

/// Pages that a slot has already.
fn mapped_pages(slot: usize) -> usize {
    let pages = (0..STACK_PAGES).map(|page| bottom(slot) + page * PAGE_SIZE);
    pages
        .filter(|&address| !page_table::is_unmapped(address))
        .count()
}

/// Frames in stacks that wait for a process.
pub fn idle_frames() -> usize {
    let pool = POOL.lock();
    let partly: usize = pool.unmapped.iter().map(|&slot| mapped_pages(slot)).sum();
    pool.waiting.len() * STACK_PAGES + partly
}
