//! The page that signal handlers return to, where programs do not bring it: on such an instruction set a C library
//! leaves calling rt_sigreturn(2) to the kernel, and `arch::sigframe` has the code. Every program has the page at the
//! same address; elsewhere there is none.

use abi::Errno;
use alloc::string::String;
use alloc::sync::Arc;

use crate::arch::sigframe::RETURN_CODE;
use crate::mm::address::PAGE_SIZE;
use crate::mm::frame::Frame;
use crate::mm::protection::Protection;
use crate::mm::region::{Backing, FilePage, Mappable, Region};
use crate::mm::space::MAPPINGS_TOP;
use crate::sync::Once;

/// Where the page is: above all mappings.
pub const ADDRESS: usize = MAPPINGS_TOP - PAGE_SIZE;

/// The page, which all programs share.
struct Trampoline(Frame);

static TRAMPOLINE: Once<Arc<Trampoline>> = Once::new();

impl Mappable for Trampoline {
    fn page(&self, _index: u64) -> Result<FilePage, Errno> {
        Ok(FilePage {
            frame: self.0.clone(),
            was_read: false,
        })
    }

    fn path(&self) -> String {
        "[vdso]".into()
    }
}

/// Writes the page; before the first program.
pub fn init() {
    if !RETURN_CODE.is_empty() {
        let frame = Frame::zeroed().expect("memory for the first program");
        frame.write(0, RETURN_CODE);
        TRAMPOLINE.set(Arc::new(Trampoline(frame)));
    }
}

/// The page as a part of a program's address space, if there is one.
pub fn region() -> Option<Region> {
    let file = TRAMPOLINE.get()?.clone();
    Some(Region {
        start: ADDRESS,
        end: ADDRESS + PAGE_SIZE,
        protection: Protection {
            read: true,
            write: false,
            execute: true,
        },
        backing: Backing::File {
            file,
            offset: 0,
            len: PAGE_SIZE as u64,
        },
        grows_down: false,
    })
}
