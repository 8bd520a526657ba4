//! The kernel heap: size classes of one page each, larger requests straight from the frame allocator.
//!
//! ```text
//!  a page of the class "64 bytes"
//!  +--------+------+------+------+---
//!  | header | 64 B | 64 B | 64 B | ...      free objects are linked through their first word
//!  +--------+------+------+------+---
//! ```
//!
//! Pages with room are in a doubly linked list per class; a full page is in no list; an empty page goes
//! back to the frame allocator at once, so that free memory returns to its value when objects die.
//! Objects are never touched by a page's initialisation: a fresh page hands them out in order.

use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{self, null_mut};

use super::address::PAGE_SIZE;
use super::frame::{alloc_pages, free_pages};
use super::layout::{phys_to_virt, virt_to_phys};
use crate::sync::SpinLock;

/// Sizes of objects; each is a multiple of 16, so that alignments up to 16 come by themselves, and powers
/// of two are aligned to themselves up to the header's size.
const CLASSES: [usize; 11] = [16, 32, 48, 64, 96, 128, 192, 256, 512, 1008, 2016];
/// The last of them.
const LARGEST: usize = CLASSES[CLASSES.len() - 1];
/// Bytes at the start of a page that are not for objects.
const HEADER: usize = 64;

struct Header {
    next: *mut Header,
    previous: *mut Header,
    /// Objects given back, linked.
    free: *mut u8,
    /// Offset of the first object never handed out.
    fresh: usize,
    /// Objects in use.
    used: usize,
}

/// Pages of one class that have room.
struct Class {
    pages: *mut Header,
}

// SAFETY: reached through a lock only.
unsafe impl Send for Class {}

/// The allocator behind `Box`, `Vec` and the others.
struct KernelHeap {
    classes: [SpinLock<Class>; CLASSES.len()],
}

#[global_allocator]
static HEAP: KernelHeap = KernelHeap {
    classes: [const { SpinLock::new(c"heap", Class { pages: null_mut() }) }; CLASSES.len()],
};

/// Class of a size in steps of 16 bytes, rounded up: an index into `CLASSES`.
const CLASS_OF: [u8; LARGEST / 16 + 1] = {
    let mut table = [0; LARGEST / 16 + 1];
    let mut class = 0;
    let mut step = 0;
    while step < table.len() {
        if CLASSES[class] < step * 16 {
            class += 1;
        }
        table[step] = class as u8;
        step += 1;
    }
    table
};

/// Class for a request, if it is a small one.
fn class_for(layout: &Layout) -> Option<usize> {
    if layout.align() > 16 {
        return class_for_aligned(layout);
    }
    CLASS_OF
        .get(layout.size().div_ceil(16))
        .map(|&class| class.into())
}

/// Objects start at 64 + n * class, so an alignment above 16 needs a class that it divides.
#[cold]
fn class_for_aligned(layout: &Layout) -> Option<usize> {
    let align = layout.align();
    CLASSES.iter().position(|&class| {
        class >= layout.size() && class.is_multiple_of(align) && HEADER.is_multiple_of(align)
    })
}

fn order_for(layout: &Layout) -> usize {
    let size = layout.size().max(layout.align()).max(PAGE_SIZE);
    (size
        .div_ceil(PAGE_SIZE)
        .next_power_of_two()
        .trailing_zeros()) as usize
}

impl Class {
    fn allocate(&mut self, size: usize) -> *mut u8 {
        // SAFETY: the list holds pages of this class with room, and the lock is held.
        unsafe {
            if self.pages.is_null() {
                let Some(at) = alloc_pages(0) else {
                    return null_mut();
                };
                let page = phys_to_virt(at).cast::<Header>();
                page.write(Header {
                    next: null_mut(),
                    previous: null_mut(),
                    free: null_mut(),
                    fresh: HEADER,
                    used: 0,
                });
                self.pages = page;
            }
            let page = self.pages;
            let object = if (*page).free.is_null() {
                let object = page.cast::<u8>().add((*page).fresh);
                (*page).fresh += size;
                object
            } else {
                let object = (*page).free;
                (*page).free = object.cast::<*mut u8>().read();
                object
            };
            (*page).used += 1;
            if !Self::has_room(page, size) {
                self.unlink(page);
            }
            object
        }
    }

    /// # Safety
    /// `object` must be a live object of this class.
    unsafe fn release(&mut self, object: *mut u8, size: usize) {
        // SAFETY: objects lie in the page whose header is at its start.
        unsafe {
            let page = object.map_addr(|a| a & !(PAGE_SIZE - 1)).cast::<Header>();
            let was_full = !Self::has_room(page, size);
            object.cast::<*mut u8>().write((*page).free);
            (*page).free = object;
            (*page).used -= 1;
            if was_full {
                self.link(page);
            }
            if (*page).used == 0 {
                self.unlink(page);
                free_pages(virt_to_phys(page), 0);
            }
        }
    }

    /// # Safety
    /// `page` must be a live page of the class of this size.
    unsafe fn has_room(page: *mut Header, size: usize) -> bool {
        // SAFETY: promised by the caller.
        unsafe { !(*page).free.is_null() || (*page).fresh + size <= PAGE_SIZE }
    }

    /// # Safety
    /// `page` must be live and in no list.
    unsafe fn link(&mut self, page: *mut Header) {
        // SAFETY: promised by the caller.
        unsafe {
            (*page).next = self.pages;
            (*page).previous = null_mut();
            if !self.pages.is_null() {
                (*self.pages).previous = page;
            }
        }
        self.pages = page;
    }

    /// # Safety
    /// `page` must be in this list.
    unsafe fn unlink(&mut self, page: *mut Header) {
        // SAFETY: promised by the caller.
        unsafe {
            let (next, previous) = ((*page).next, (*page).previous);
            if previous.is_null() {
                self.pages = next;
            } else {
                (*previous).next = next;
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
        }
    }
}

// SAFETY: objects of different allocations never overlap, and sizes and alignments are kept.
unsafe impl GlobalAlloc for KernelHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match class_for(&layout) {
            Some(index) => self.classes[index].lock().allocate(CLASSES[index]),
            None => alloc_pages(order_for(&layout)).map_or(null_mut(), phys_to_virt),
        }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        match class_for(&layout) {
            // SAFETY: the same layout leads to the same class.
            Some(index) => unsafe { self.classes[index].lock().release(pointer, CLASSES[index]) },
            // SAFETY: the same layout leads to the same order.
            None => unsafe { free_pages(virt_to_phys(pointer), order_for(&layout)) },
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller of `realloc` promises a legal size for this alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        let stays = match (class_for(&layout), class_for(&new_layout)) {
            (Some(old), Some(new)) => old == new,
            (None, None) => order_for(&layout) == order_for(&new_layout),
            _ => false,
        };
        if stays {
            return pointer;
        }
        // SAFETY: as in `GlobalAlloc::realloc`'s own default.
        unsafe {
            let new = self.alloc(new_layout);
            if !new.is_null() {
                ptr::copy_nonoverlapping(pointer, new, layout.size().min(new_size));
                self.dealloc(pointer, layout);
            }
            new
        }
    }
}
