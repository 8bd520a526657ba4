//! Files and directories above the bare system calls.

use crate::path::join;
use crate::sys::{self, Fd, Result};
use abi::Errno;
use abi::dirent;
use abi::fcntl::{O_CLOEXEC, O_CREAT, O_DIRECTORY, O_RDONLY, O_TRUNC, O_WRONLY};
use rust_alloc::vec;
use rust_alloc::vec::Vec;

/// An open file, closed when dropped.
#[derive(Debug)]
pub struct File(Fd);

impl File {
    /// Opens for reading.
    pub fn open(path: &[u8]) -> Result<File> {
        File::with(path, O_RDONLY, 0)
    }

    /// Creates or empties, for writing.
    pub fn create(path: &[u8], mode: u32) -> Result<File> {
        File::with(path, O_WRONLY | O_CREAT | O_TRUNC, mode)
    }

    /// Opens with any flags; close-on-exec is added.
    pub fn with(path: &[u8], flags: u32, mode: u32) -> Result<File> {
        sys::open(path, flags | O_CLOEXEC, mode).map(File)
    }

    /// The descriptor.
    pub fn fd(&self) -> Fd {
        self.0
    }

    /// Closes, telling of errors.
    pub fn close(self) -> Result<()> {
        let fd = self.0;
        core::mem::forget(self);
        sys::close(fd)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // Whoever cares about errors calls `close`.
        let _ = sys::close(self.0);
    }
}

/// Reads until the end.
pub fn read_all(fd: Fd) -> Result<Vec<u8>> {
    const CHUNK: usize = 16 * 1024;
    let mut content = Vec::new();
    loop {
        let len = content.len();
        content.resize(len + CHUNK, 0);
        match sys::read(fd, &mut content[len..]) {
            Ok(0) => {
                content.truncate(len);
                return Ok(content);
            }
            Ok(n) => content.truncate(len + n),
            Err(Errno::EINTR) => content.truncate(len),
            Err(errno) => return Err(errno),
        }
    }
}

/// The content of a file.
pub fn read_file(path: &[u8]) -> Result<Vec<u8>> {
    read_all(File::open(path)?.fd())
}

/// Replaces the content of a file, creating it if need be.
pub fn write_file(path: &[u8], content: &[u8]) -> Result<()> {
    let file = File::create(path, 0o666)?;
    crate::io::write_all(file.fd(), content)?;
    file.close()
}

/// An entry of a directory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Name within the directory.
    pub name: Vec<u8>,
    /// Inode number.
    pub ino: u64,
    /// `DT_*`; some file systems say `DT_UNKNOWN`.
    pub kind: u8,
}

/// All entries of a directory, `.` and `..` included, in the file system's order.
pub fn read_dir(path: &[u8]) -> Result<Vec<Entry>> {
    let dir = File::with(path, O_RDONLY | O_DIRECTORY, 0)?;
    let mut buffer = vec![0; 4096];
    let mut entries = Vec::new();
    loop {
        let n = sys::getdents(dir.fd(), &mut buffer)?;
        if n == 0 {
            return Ok(entries);
        }
        entries.extend(dirent::entries(&buffer[..n]).map(|entry| Entry {
            name: entry.name.to_vec(),
            ino: entry.ino,
            kind: entry.kind,
        }));
    }
}

/// The entries without `.` and `..`, sorted by name.
pub fn children(path: &[u8]) -> Result<Vec<Entry>> {
    let mut entries = read_dir(path)?;
    entries.retain(|entry| entry.name != b"." && entry.name != b"..");
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Removes a file or a whole tree.
pub fn remove_tree(path: &[u8]) -> Result<()> {
    match sys::unlink(path) {
        Err(Errno::EISDIR | Errno::EPERM) => {
            for entry in children(path)? {
                remove_tree(&join(path, &entry.name))?;
            }
            sys::rmdir(path)
        }
        done => done,
    }
}
