//! Changes to whole trees, shared by cp, mv and rm.

use abi::Errno;
use abi::fcntl::{O_CREAT, O_TRUNC, O_WRONLY};
use abi::stat::Stat;
use rust_alloc::vec;
use ulib::bytes::show;
use ulib::fs::File;
use ulib::path::join;
use ulib::{fs, io, sys, warn};

/// How to copy.
#[derive(Clone, Copy, Debug, Default)]
pub struct Copy {
    /// Directories too.
    pub recursive: bool,
    /// Keep mode and times.
    pub preserve: bool,
    /// Remove a destination that cannot be opened, and try again.
    pub force: bool,
    /// Say what is copied.
    pub verbose: bool,
    /// Copy symbolic links as links.
    pub keep_links: bool,
}

impl Copy {
    /// Copies a file or tree to exactly this destination; false after a complaint.
    pub fn run(&self, from: &[u8], to: &[u8]) -> bool {
        let stat = if self.keep_links {
            sys::lstat(from)
        } else {
            sys::stat(from)
        };
        let stat = match stat {
            Ok(stat) => stat,
            Err(errno) => {
                warn!("cannot stat '{}': {errno}", show(from));
                return false;
            }
        };
        if stat.is_dir() && !self.recursive {
            warn!("-r not specified; omitting directory '{}'", show(from));
            return false;
        }
        if sys::stat(to).is_ok_and(|old| (old.dev, old.ino) == (stat.dev, stat.ino))
            && !stat.is_symlink()
        {
            warn!("'{}' and '{}' are the same file", show(from), show(to));
            return false;
        }
        if self.verbose {
            ulib::println!("'{}' -> '{}'", show(from), show(to));
        }
        let done = if stat.is_dir() {
            self.directory(from, to, &stat)
        } else if stat.is_symlink() {
            self.link(from, to)
        } else {
            self.file(from, to, &stat)
        };
        if done && self.preserve && !stat.is_symlink() {
            // What could not be kept does not make the copy wrong.
            let _ = sys::chmod(to, stat.mode & 0o7777);
            let _ = sys::set_times(to, [stat.atime, stat.mtime], 0);
        }
        done
    }

    fn directory(&self, from: &[u8], to: &[u8], stat: &Stat) -> bool {
        // A copy into itself would never end.
        let inside = to
            .strip_prefix(from)
            .is_some_and(|rest| rest.starts_with(b"/"));
        if inside {
            warn!(
                "cannot copy a directory, '{}', into itself, '{}'",
                show(from),
                show(to)
            );
            return false;
        }
        match sys::mkdir(to, stat.mode & 0o777 | 0o700) {
            Ok(()) => {}
            Err(Errno::EEXIST) if sys::stat(to).is_ok_and(|stat| stat.is_dir()) => {}
            Err(Errno::EEXIST) => {
                warn!(
                    "cannot overwrite non-directory '{}' with directory '{}'",
                    show(to),
                    show(from)
                );
                return false;
            }
            Err(errno) => {
                warn!("cannot create directory '{}': {errno}", show(to));
                return false;
            }
        }
        let children = match fs::children(from) {
            Ok(children) => children,
            Err(errno) => {
                warn!("cannot open directory '{}': {errno}", show(from));
                return false;
            }
        };
        let mut done = true;
        for child in children {
            let below = Copy {
                keep_links: true,
                ..*self
            };
            done &= below.run(&join(from, &child.name), &join(to, &child.name));
        }
        done
    }

    fn link(&self, from: &[u8], to: &[u8]) -> bool {
        // An old destination is in the way of a link; if it stays, making the link tells.
        let _ = sys::unlink(to);
        match sys::readlink(from).and_then(|target| sys::symlink(&target, to)) {
            Ok(()) => true,
            Err(errno) => {
                warn!("cannot create symbolic link '{}': {errno}", show(to));
                false
            }
        }
    }

    fn file(&self, from: &[u8], to: &[u8], stat: &Stat) -> bool {
        let source = match File::open(from) {
            Ok(source) => source,
            Err(errno) => {
                warn!("cannot open '{}' for reading: {errno}", show(from));
                return false;
            }
        };
        let open = || File::with(to, O_WRONLY | O_CREAT | O_TRUNC, stat.mode & 0o777);
        let target = match open() {
            Err(_) if self.force && sys::unlink(to).is_ok() => open(),
            opened => opened,
        };
        let target = match target {
            Ok(target) => target,
            Err(errno) => {
                warn!("cannot create regular file '{}': {errno}", show(to));
                return false;
            }
        };
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let copied = match sys::read(source.fd(), &mut buffer) {
                Ok(0) => break,
                Ok(n) => io::write_all(target.fd(), &buffer[..n]).map_err(|errno| (to, errno)),
                Err(errno) => Err((from, errno)),
            };
            if let Err((path, errno)) = copied {
                let verb = if path == to { "writing" } else { "reading" };
                warn!("error {verb} '{}': {errno}", show(path));
                return false;
            }
        }
        match target.close() {
            Ok(()) => true,
            Err(errno) => {
                warn!("failed to close '{}': {errno}", show(to));
                false
            }
        }
    }
}

/// Where an operand lands: in the destination if that is a directory, else there itself.
pub fn landing(from: &[u8], to: &[u8], into: bool) -> rust_alloc::vec::Vec<u8> {
    match into {
        true => join(to, ulib::path::base_name(from)),
        false => to.to_vec(),
    }
}
