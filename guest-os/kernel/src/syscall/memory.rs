//! Memory calls: mmap, munmap, mprotect, brk, madvise.

use abi::Errno;
use abi::mman::{
    MADV_DONTNEED, MADV_FREE, MAP, MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_GROWSDOWN,
    MAP_PRIVATE, MAP_SHARED,
};
use abi::stat::{S_IFMT, S_IFREG};
use alloc::sync::Arc;

use super::{Args, SysResult};
use crate::mm::address::{PAGE_SIZE, page_ceil};
use crate::mm::layout::USER_TOP;
use crate::mm::protection::Protection;
use crate::mm::region::{Backing, Region};
use crate::mm::space::AddressSpace;
use crate::proc::{Program, current};

fn space() -> Result<Arc<AddressSpace>, Errno> {
    current().space().ok_or(Errno::EFAULT)
}

/// The page range of two arguments; `EINVAL` unless it starts on a page border and lies in user space.
fn page_range(args: &Args) -> Result<(usize, usize), Errno> {
    let (start, len) = (args.word(0), args.word(1));
    let end = start
        .checked_add(len)
        .and_then(page_ceil)
        .ok_or(Errno::EINVAL)?;
    if !start.is_multiple_of(PAGE_SIZE) || end > USER_TOP {
        return Err(Errno::EINVAL);
    }
    Ok((start, end))
}

/// mmap(2): zeros, private or shared; files, private or not writable.
pub fn mmap(args: &mut Args) -> SysResult {
    let (wish, flags) = (args.word(0), args.uint(3));
    let len = page_ceil(args.word(1))
        .filter(|len| *len != 0)
        .ok_or(Errno::EINVAL)?;
    let offset = args.word(5);
    let shared = match flags & MAP.choice as u32 & (MAP_PRIVATE | MAP_SHARED) {
        MAP_PRIVATE => false,
        MAP_SHARED => true,
        _ => return Err(Errno::EINVAL),
    };
    let protection = Protection::from_bits(args.uint(2));
    if !offset.is_multiple_of(PAGE_SIZE)
        || flags & MAP_FIXED != 0 && !wish.is_multiple_of(PAGE_SIZE)
    {
        return Err(Errno::EINVAL);
    }
    if len > USER_TOP {
        return Err(Errno::ENOMEM);
    }
    let backing = match (flags & MAP_ANONYMOUS != 0, shared) {
        (true, false) => Backing::Anonymous,
        (true, true) => Backing::Shared {
            pages: Arc::default(),
            offset: 0,
        },
        // Shared writes would have to reach the file; that is not offered.
        (false, true) if protection.write => return Err(Errno::ENODEV),
        (false, _) => file_backing(args.int(4), offset as u64, len as u64)?,
    };
    let region = Region {
        start: 0,
        end: len,
        protection,
        backing,
        grows_down: flags & MAP_GROWSDOWN != 0,
    };
    let keep = flags & MAP_FIXED_NOREPLACE != 0;
    space()?.map(wish, keep || flags & MAP_FIXED != 0, keep, region)
}

fn file_backing(fd: i32, offset: u64, len: u64) -> Result<Backing, Errno> {
    let file = current().files.lock().get(fd)?;
    if !file.is_readable() {
        return Err(Errno::EACCES);
    }
    if file.inode().mode() & S_IFMT != S_IFREG {
        return Err(Errno::ENODEV);
    }
    Ok(Backing::File {
        file: Program::new(file.inode().clone(), b"")?,
        offset,
        len,
    })
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
