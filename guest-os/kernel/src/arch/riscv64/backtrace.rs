//! Walking the chain of frame pointers (RISC-V ABIs, "Frame Pointer Convention").

use crate::mm::layout::{KERNEL_BASE, KSTACK_BASE};
use crate::mm::page_table;

/// Frames shown at most.
const DEPTH: usize = 32;

/// Return addresses, from the function whose frame pointer is given outwards. Stops at whatever does not
/// look like a kernel stack, so that a broken chain cannot fault.
pub fn from(frame_pointer: usize) -> impl Iterator<Item = usize> {
    let mut frame = frame_pointer;
    core::iter::from_fn(move || {
        let record = frame.wrapping_sub(size_of::<[usize; 2]>());
        if record < KSTACK_BASE || !record.is_multiple_of(8) || page_table::is_unmapped(record) {
            return None;
        }
        // SAFETY: a mapped kernel address; below a frame are the caller's frame pointer and the return address.
        let [next, back] = unsafe { (record as *const [usize; 2]).read_volatile() };
        // The stack grows down, so an outer frame lies higher.
        frame = if next > frame { next } else { 0 };
        (back >= KERNEL_BASE).then_some(back)
    })
    .take(DEPTH)
}
