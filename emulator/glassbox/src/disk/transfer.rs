//! Files and folders between the host and the guest's disk.
//!
//! The disk is hostile: names are checked before they become host paths, and nothing is ever written through a
//! symbolic link that came from the guest.

use super::Layer;
use abi::Errno;
use abi::stat::{S_IFDIR, S_IFLNK, S_IFMT, S_IFREG};
use abi::time::Timespec;
use kcore::fs::{Fs, NewFile};
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Folders deeper than this are a loop or an attack.
const MAX_DEPTH: usize = 64;

/// Why a transfer failed; one line.
#[derive(Debug)]
pub enum TransferError {
    /// On the host, at this path.
    Host(PathBuf, io::Error),
    /// In the guest's file system, at this path.
    Guest(Vec<u8>, Errno),
    /// The disk holds no file system that can be used.
    Mount(String),
    /// Nothing that can be copied (a device, a socket, a name that no host file may have).
    Unfit(PathBuf),
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Guest(path, errno) => {
                write!(f, "guest's {}: {}", path.escape_ascii(), errno)
            }
            Self::Mount(why) => write!(f, "{why}"),
            Self::Unfit(path) => write!(
                f,
                "{}: neither a file, a folder nor a symbolic link",
                path.display()
            ),
        }
    }
}

impl std::error::Error for TransferError {}

/// The file system on a disk.
fn mount(disk: Layer) -> Result<Fs<Layer>, TransferError> {
    Fs::mount(disk).map_err(|e| TransferError::Mount(e.to_string()))
}

/// Whether the disk holds a file system that can be mounted.
pub fn check(disk: Layer) -> Result<(), TransferError> {
    mount(disk).map(|_| ())
}

/// Copies host files and folders into the disk: pairs of host path and absolute guest path. Files get the fixed
/// time `now`, so that the same files give the same disk.
pub fn put(
    disk: Layer,
    files: &[(PathBuf, Vec<u8>)],
    now: Timespec,
) -> Result<Layer, TransferError> {
    let mut fs = mount(disk)?;
    for (host, guest) in files {
        if let Some(parent) = guest.iter().rposition(|&b| b == b'/') {
            let folder = NewFile {
                perm: 0o755,
                uid: 0,
                gid: 0,
                now,
            };
            fs.mkdir_all(&guest[..parent], &folder)
                .map_err(|e| TransferError::Guest(guest.clone(), e))?;
        }
        put_one(&mut fs, host, guest, now, 0)?;
    }
    fs.unmount()
        .map_err(|e| TransferError::Guest(b"/".to_vec(), e))
}

fn put_one(
    fs: &mut Fs<Layer>,
    host: &Path,
    guest: &[u8],
    now: Timespec,
    depth: usize,
) -> Result<(), TransferError> {
    let on_host = |e| TransferError::Host(host.to_owned(), e);
    let in_guest = |e| TransferError::Guest(guest.to_vec(), e);
    // A path that the user names may be a link to the file meant; below it links stay links.
    let metadata = if depth == 0 {
        fs::metadata(host)
    } else {
        fs::symlink_metadata(host)
    }
    .map_err(on_host)?;
    let new = NewFile {
        perm: metadata.permissions().mode() & 0o7777,
        uid: 0,
        gid: 0,
        now,
    };
    if metadata.is_dir() {
        if depth > MAX_DEPTH {
            return Err(TransferError::Unfit(host.to_owned()));
        }
        fs.mkdir_all(guest, &new).map_err(in_guest)?;
        let mut names: Vec<_> = fs::read_dir(host)
            .map_err(on_host)?
            .map(|e| e.map(|e| e.file_name()))
            .collect::<Result<_, _>>()
            .map_err(on_host)?;
        names.sort_unstable(); // the host's order must not reach the guest
        for name in names {
            let inside = [guest, b"/", name.as_bytes()].concat();
            put_one(fs, &host.join(&name), &inside, now, depth + 1)?;
        }
    } else if metadata.is_symlink() {
        let target = fs::read_link(host).map_err(on_host)?;
        fs.write_symlink(guest, target.as_os_str().as_bytes(), &new)
            .map_err(in_guest)?;
    } else if metadata.is_file() {
        let data = fs::read(host).map_err(on_host)?;
        fs.write_file(guest, &data, &new).map_err(in_guest)?;
    } else {
        return Err(TransferError::Unfit(host.to_owned()));
    }
    Ok(())
}

/// Copies guest files and folders out of the disk: pairs of absolute guest path and host path.
pub fn get(disk: Layer, files: &[(Vec<u8>, PathBuf)]) -> Result<(), TransferError> {
    let mut fs = mount(disk)?;
    for (guest, host) in files {
        let ino = fs
            .resolve(guest)
            .map_err(|e| TransferError::Guest(guest.clone(), e))?;
        get_one(&mut fs, ino, guest, host, 0)?;
    }
    Ok(())
}

fn get_one(
    fs: &mut Fs<Layer>,
    ino: u32,
    guest: &[u8],
    host: &Path,
    depth: usize,
) -> Result<(), TransferError> {
    let on_host = |e| TransferError::Host(host.to_owned(), e);
    let in_guest = |e| TransferError::Guest(guest.to_vec(), e);
    let stat = fs.stat(ino).map_err(in_guest)?;
    match stat.mode & S_IFMT {
        S_IFDIR => {
            if depth > MAX_DEPTH {
                return Err(in_guest(Errno::ELOOP));
            }
            match fs::symlink_metadata(host) {
                Ok(metadata) if metadata.is_dir() => {}
                _ => fs::create_dir(host).map_err(on_host)?,
            }
            for (name, stat) in fs.list(ino).map_err(in_guest)? {
                let inside = [guest, b"/", &name[..]].concat();
                if name.is_empty()
                    || name == b"."
                    || name == b".."
                    || name.contains(&b'/')
                    || name.contains(&0)
                {
                    return Err(TransferError::Guest(inside, Errno::EINVAL));
                }
                let path = host.join(std::ffi::OsString::from_vec(name));
                get_one(fs, stat.ino as u32, &inside, &path, depth + 1)?;
            }
        }
        S_IFREG => {
            let data = fs.read_whole(ino).map_err(in_guest)?;
            write_new(host, &data).map_err(on_host)?;
            let mode = fs::Permissions::from_mode(stat.mode & 0o777);
            fs::set_permissions(host, mode).map_err(on_host)?;
        }
        S_IFLNK => {
            let target = fs.read_link(ino).map_err(in_guest)?;
            remove(host).map_err(on_host)?;
            std::os::unix::fs::symlink(std::ffi::OsStr::from_bytes(&target), host)
                .map_err(on_host)?;
        }
        _ => return Err(in_guest(Errno::EINVAL)),
    }
    Ok(())
}

/// Writes a file anew, never through a link: whatever had the name is removed first.
fn write_new(host: &Path, data: &[u8]) -> io::Result<()> {
    use std::io::Write;
    remove(host)?;
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(host)?
        .write_all(data)
}

fn remove(host: &Path) -> io::Result<()> {
    match fs::symlink_metadata(host) {
        Ok(metadata) if !metadata.is_dir() => fs::remove_file(host),
        Ok(_) => Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a folder has this name",
        )),
        Err(_) => Ok(()),
    }
}
