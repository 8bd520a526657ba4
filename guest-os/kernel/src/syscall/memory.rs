//! Memory calls: mmap, munmap, mprotect, brk, madvise.

use abi::Errno;
use abi::mman::{
    MADV_DONTNEED, MADV_FREE, MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_GROWSDOWN, MAP_PRIVATE,
};
use alloc::sync::Arc;

use super::{Args, SysResult};
use crate::mm::address::{PAGE_SIZE, page_ceil};
use crate::mm::layout::USER_TOP;
use crate::mm::protection::Protection;
use crate::mm::region::{Backing, Region};
use crate::mm::space::AddressSpace;
use crate::proc::current;

fn space() -> Result<Arc<AddressSpace>, Errno> {
    current().space().ok_or(Errno::EFAULT)
}

/// The page range of two arguments; `EINVAL` unless it starts on a page border and lies in user space.
fn page_range(args: &Args) -> Result<(usize, usize), Errno> {
    let (start, len) = (args.word(0), args.word(1));
    let end = start.checked_add(len).and_then(page_ceil).ok_or(Errno::EINVAL)?;
    if !start.is_multiple_of(PAGE_SIZE) || end > USER_TOP {
        return Err(Errno::EINVAL);
    }
    Ok((start, end))
}

/// mmap(2): private mappings of zeros or of a file.
pub fn mmap(args: &mut Args) -> SysResult {
    let (wish, flags) = (args.word(0), args.uint(3));
    let len = page_ceil(args.word(1)).filter(|len| *len != 0).ok_or(Errno::EINVAL)?;
    let offset = args.word(5);
    if flags & MAP_PRIVATE == 0 {
        return Err(Errno::EINVAL);
    }
    if !offset.is_multiple_of(PAGE_SIZE) || flags & MAP_FIXED != 0 && !wish.is_multiple_of(PAGE_SIZE) {
        return Err(Errno::EINVAL);
    }
    if len > USER_TOP {
        return Err(Errno::ENOMEM);
    }
    let backing = if flags & MAP_ANONYMOUS != 0 { Backing::Anonymous } else { file_backing(args, offset as u64)? };
    let region = Region {
        start: 0,
        end: len,
        protection: Protection::from_bits(args.uint(2)),
        backing,
        grows_down: flags & MAP_GROWSDOWN != 0,
    };
    let keep = flags & MAP_FIXED_NOREPLACE != 0;
    space()?.map(wish, keep || flags & MAP_FIXED != 0, keep, region)
}

fn file_backing(_args: &Args, _offset: u64) -> Result<Backing, Errno> {
    Err(Errno::ENODEV)
}

/// munmap(2).
pub fn munmap(args: &mut Args) -> SysResult {
    let (start, end) = page_range(args)?;
    if start == end {
        return Err(Errno::EINVAL);
    }
    space()?.unmap(start, end);
    Ok(0)
}

/// mprotect(2).
pub fn mprotect(args: &mut Args) -> SysResult {
    let (start, end) = page_range(args)?;
    if start < end {
        space()?.protect(start, end, Protection::from_bits(args.uint(2)))?;
    }
    Ok(0)
}

/// brk(2): gives the end of the heap, moved or not.
pub fn brk(args: &mut Args) -> SysResult {
    Ok(space()?.brk(args.word(0)))
}

/// madvise(2): drops pages when told that they are not needed; other advice is heard and forgotten.
pub fn madvise(args: &mut Args) -> SysResult {
    let (start, end) = page_range(args)?;
    if matches!(args.uint(2), MADV_DONTNEED | MADV_FREE) {
        space()?.discard(start, end);
    }
    Ok(0)
}
