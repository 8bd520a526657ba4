//! A disk image file: read at any offset, replaced only as a whole.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes of a sector; an image is a whole number of blocks of eight.
pub const SECTOR: u64 = 512;

/// An open image.
#[derive(Debug)]
pub struct Image {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Image {
    /// Opens an image and checks its size.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(Error::new(
                ErrorKind::IsADirectory,
                "is a directory, not a disk image",
            ));
        }
        let len = metadata.len();
        if len == 0 || !len.is_multiple_of(SECTOR) {
            return Err(Error::new(
                ErrorKind::InvalidData,
                format!(
                    "{len} bytes is not a disk's size: it takes whole sectors of {SECTOR} bytes"
                ),
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            len,
        })
    }

    /// Bytes.
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether the image has no bytes, which `open` refuses.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads at `offset`; beyond the end is zero.
    pub fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let inside = (self.len.saturating_sub(offset)).min(out.len() as u64) as usize;
        let (data, beyond) = out.split_at_mut(inside);
        beyond.fill(0);
        self.file.read_exact_at(data, offset)
    }

    /// Replaces the image by itself with `changes` (offset and bytes) on top.
    pub fn replace<'a>(&self, changes: impl Iterator<Item = (u64, &'a [u8])>) -> Result<()> {
        self.copy(&self.path.canonicalize()?, changes)
    }

    /// Writes the image with `changes` (offset and bytes) on top to `path`. The new file is written beside the one that
    /// has its name and renamed over it, so that at no moment a half-written one has it.
    pub fn copy<'a>(
        &self,
        path: &Path,
        changes: impl Iterator<Item = (u64, &'a [u8])>,
    ) -> Result<()> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        copy_sparse(&self.file, new.as_file_mut(), self.len)?;
        for (offset, data) in changes {
            let inside = (self.len.saturating_sub(offset)).min(data.len() as u64) as usize;
            new.as_file().write_all_at(&data[..inside], offset)?;
        }
        new.as_file()
            .set_permissions(self.file.metadata()?.permissions())?;
        new.as_file().sync_all()?;
        new.persist(path).map_err(|e| e.error)?;
        Ok(())
    }
}

/// Copies, leaving holes where there are zeros.
fn copy_sparse(from: &File, to: &mut File, len: u64) -> Result<()> {
    use std::io::{Seek, SeekFrom};
    let mut from = from;
    from.seek(SeekFrom::Start(0))?;
    let mut block = vec![0; 1 << 16];
    let mut left = len;
    while left > 0 {
        let want = left.min(block.len() as u64) as usize;
        from.read_exact(&mut block[..want])?;
        if block[..want].iter().all(|&b| b == 0) {
            to.seek(SeekFrom::Current(want as i64))?;
        } else {
            to.write_all(&block[..want])?;
        }
        left -= want as u64;
    }
    to.set_len(len)
}
