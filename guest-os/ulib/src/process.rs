//! Starting programs.

use crate::path::join;
use crate::sys::{self, Pid, Result};
use crate::{env, io};
use abi::Errno;
use abi::fcntl::X_OK;
use rust_alloc::vec::Vec;

/// Exit status of a command that was found but could not be executed.
pub const CANNOT_EXECUTE: i32 = 126;
/// Exit status of a command that was not found.
pub const NOT_FOUND: i32 = 127;

const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// Forks, with nothing left in the output buffer that both would write.
pub fn fork() -> Result<Option<Pid>> {
    // A failed write shows again at exit.
    let _ = io::flush();
    sys::fork()
}

/// Where a command would be found: itself if it has a slash, else along `path`.
pub fn find_in(name: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    if name.contains(&b'/') {
        return Some(name.to_vec());
    }
    if name.is_empty() {
        return None;
    }
    let mut candidates = path.split(|b| *b == b':').map(|dir| join(dir, name));
    candidates.find(|candidate| {
        sys::access(candidate, X_OK).is_ok() && sys::stat(candidate).is_ok_and(|s| s.is_file())
    })
}

/// The same along `PATH`.
pub fn find_program(name: &[u8]) -> Option<Vec<u8>> {
    let path = env::get(b"PATH").unwrap_or_else(|| DEFAULT_PATH.to_vec());
    find_in(name, &path)
}

/// Becomes another program, found along `PATH`, with this environment. Returns only an error.
pub fn exec<A: AsRef<[u8]>>(args: &[A]) -> Errno {
    let Some(name) = args.first() else {
        return Errno::ENOENT;
    };
    match find_program(name.as_ref()) {
        Some(path) => sys::execve(&path, args, &env::all()),
        None => Errno::ENOENT,
    }
}

/// The exit status that tells why a command could not be executed.
pub fn exec_status(errno: Errno) -> i32 {
    match errno {
        Errno::ENOENT | Errno::ENOTDIR => NOT_FOUND,
        _ => CANNOT_EXECUTE,
    }
}

/// Runs a program and waits for it: its status as a shell would show it.
pub fn run<A: AsRef<[u8]>>(args: &[A]) -> Result<u8> {
    match fork()? {
        Some(pid) => sys::wait_for(pid).map(|status| status.shell_status()),
        None => {
            let errno = exec(args);
            let name = args.first().map_or(&b""[..], AsRef::as_ref);
            crate::die!(exec_status(errno), "{}: {errno}", crate::bytes::show(name))
        }
    }
}
