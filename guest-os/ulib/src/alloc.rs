//! The global allocator: free lists of powers of two, fed from one growing area.
//!
//! A small program lives in [`FIRST`], zero pages of its own image that cost nothing until touched,
//! and never asks the kernel for memory. Beyond it the program break moves in steps of [`STEP`].
//! Blocks above [`LARGEST_CLASS`] are mappings of their own, returned to the kernel when freed.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::ptr;

use crate::sys;

/// Bytes of the area inside the program image.
const FIRST: usize = 32 * 1024;
/// Bytes by which the program break grows at least.
const STEP: usize = 64 * 1024;
/// Smallest block, 2^4 bytes; also the least alignment.
const SMALLEST_CLASS: u32 = 4;
/// Largest block from the lists, 2^16 bytes.
const LARGEST_CLASS: u32 = 16;

#[repr(align(16))]
struct First([u8; FIRST]);

struct State {
    first: First,
    started: bool,
    /// The unused part of the newest area.
    next: usize,
    end: usize,
    /// Heads of the free lists by class; a free block's first word is the next block.
    free: [usize; (LARGEST_CLASS + 1) as usize],
}

/// The allocator of every program.
struct Allocator(UnsafeCell<State>);

// SAFETY: a process has one thread and signal handlers do not allocate.
unsafe impl Sync for Allocator {}

#[cfg_attr(not(test), global_allocator)]
#[cfg_attr(test, allow(dead_code, reason = "tests allocate from the host"))]
static ALLOCATOR: Allocator = Allocator(UnsafeCell::new(State {
    first: First([0; FIRST]),
    started: false,
    next: 0,
    end: 0,
    free: [0; (LARGEST_CLASS + 1) as usize],
}));

/// The class whose blocks hold `layout`; blocks are aligned to their size up to a page.
fn class(layout: &Layout) -> u32 {
    let size = layout.size().max(layout.align());
    size.next_power_of_two()
        .trailing_zeros()
        .max(SMALLEST_CLASS)
}

impl State {
    /// Cuts `size` bytes, aligned to `align`, from the newest area, growing it if need be.
    fn cut(&mut self, size: usize, align: usize) -> Option<usize> {
        if !self.started {
            self.started = true;
            self.next = self.first.0.as_ptr() as usize;
            self.end = self.next + FIRST;
        }
        let mut start = self.next.next_multiple_of(align);
        if start + size > self.end {
            let old = sys::brk(0);
            let bottom = old.next_multiple_of(align);
            // Memory right behind the area makes it longer; anything else replaces it.
            start = if self.end == old { start } else { bottom };
            let want = (start + size).max(old + STEP);
            if sys::brk(want) < want {
                return None;
            }
            self.end = want;
        }
        self.next = start + size;
        Some(start)
    }
}

// SAFETY: blocks come from areas that belong to this allocator alone, are disjoint, and are as large
// and as aligned as their class, which covers the layout.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let class = class(&layout);
        if class > LARGEST_CLASS {
            return match sys::map_anonymous(layout.size()) {
                Ok(address) => address as *mut u8,
                Err(_) => ptr::null_mut(),
            };
        }
        // SAFETY: single-threaded, and no reference to the state outlives a call.
        let state = unsafe { &mut *self.0.get() };
        let head = state.free[class as usize];
        if head != 0 {
            // SAFETY: a block on the list is free and holds the next block's address.
            state.free[class as usize] = unsafe { *(head as *const usize) };
            return head as *mut u8;
        }
        let size = 1usize << class;
        match state.cut(size, layout.align().max(1 << SMALLEST_CLASS)) {
            Some(address) => address as *mut u8,
            None => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let class = class(&layout);
        if class > LARGEST_CLASS {
            // The mapping is ours, so this cannot fail.
            let _ = sys::munmap(block as usize, layout.size());
            return;
        }
        // SAFETY: as in `alloc`; the block is free now and large enough for a word.
        unsafe {
            let state = &mut *self.0.get();
            *block.cast::<usize>() = state.free[class as usize];
            state.free[class as usize] = block as usize;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_covers_size_and_alignment() {
        let check = |size, align, expected| {
            let layout = Layout::from_size_align(size, align).unwrap();
            assert_eq!(class(&layout), expected, "{size} {align}");
        };
        check(1, 1, 4);
        check(16, 8, 4);
        check(17, 8, 5);
        check(8, 64, 6);
        check(65536, 8, 16);
        check(65537, 8, 17);
    }
}
