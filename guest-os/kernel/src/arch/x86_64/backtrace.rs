//! Walking the chain of frame pointers (System V ABI AMD64 supplement, 3.2.2).

use crate::mm::layout::{KERNEL_BASE, KSTACK_BASE};
use crate::mm::page_table;

/// Frames shown at most.
const DEPTH: usize = 32;

/// Return addresses, from the function whose frame pointer is given outwards. Stops at whatever does not
/// look like a kernel stack, so that a broken chain cannot fault.
pub fn from(frame_pointer: usize) -> impl Iterator<Item = usize> {
    let mut frame = frame_pointer;
    core::iter::from_fn(move || {
        if frame < KSTACK_BASE || !frame.is_multiple_of(8) || page_table::is_unmapped(frame) {
            return None;
        }
        // SAFETY: a mapped kernel address; a frame is the caller's frame pointer and the return address.
        let [next, back] = unsafe { (frame as *const [usize; 2]).read_volatile() };
        // The stack grows down, so an outer frame lies higher.
        frame = if next > frame { next } else { 0 };
        (back >= KERNEL_BASE).then_some(back)
    })
    .take(DEPTH)
}
