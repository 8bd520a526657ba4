//! Directories: listing, the working directory, umask.

use abi::Errno;
use abi::fcntl::AT_FDCWD;
use alloc::vec;

use super::lookup::{file, find, named_file, working_directory};
use super::{Args, SysResult};
use crate::fs::inode::InodeRef;
use crate::fs::walk::{self, Last};
use crate::proc::current;

/// Most bytes of entries given at once.
const MAX_LISTING: usize = 32 * 1024;

/// getdents64(2).
pub fn getdents64(args: &mut Args) -> SysResult {
    let file = file(args.int(0))?;
    let out = args.bytes(1)?;
    if !file.is_readable() {
        return Err(Errno::EBADF);
    }
    let mut buffer = vec![0; out.len().min(MAX_LISTING)];
    let mut used = 0;
    let mut cut_off = false;
    file.with_position(|position| {
        let mut next = *position;
        file.inode().entries(
            *position,
            &mut |entry| match entry.encode(&mut buffer[used..]) {
                Some(len) => {
                    used += len;
                    next = entry.next;
                    true
                }
                None => {
                    cut_off = true;
                    false
                }
            },
        )?;
        if used == 0 && cut_off {
            return Err(Errno::EINVAL);
        }
        out.write(0, &buffer[..used])?;
        *position = next;
        Ok(used)
    })
}

fn change_to(inode: InodeRef) -> SysResult {
    if !inode.is_dir() {
        return Err(Errno::ENOTDIR);
    }
    let left = current().file_context.lock().set_directory(inode);
    drop(left);
    Ok(0)
}

/// chdir(2).
pub fn chdir(args: &mut Args) -> SysResult {
    change_to(find(AT_FDCWD, &args.path(0)?, Last::Follow)?)
}

/// fchdir(2).
pub fn fchdir(args: &mut Args) -> SysResult {
    change_to(named_file(args.int(0))?.inode().clone())
}

/// getcwd(2): gives the length with the NUL.
pub fn getcwd(args: &mut Args) -> SysResult {
    let out = args.bytes(0)?;
    let mut path = walk::path_of(&working_directory())?;
    path.push(0);
    if path.len() > out.len() {
        return Err(Errno::ERANGE);
    }
    out.write(0, &path)?;
    Ok(path.len())
}

/// umask(2): gives the old mask.
pub fn umask(args: &mut Args) -> SysResult {
    Ok(current().file_context.lock().set_umask(args.uint(0)) as usize)
}
