//! A test's disk: before the run the trusted image with programs and files on it, afterwards whatever a hostile kernel
//! has made of it.

use super::lab::Test;
use crate::disk::Layer;
use abi::Errno;
use abi::stat::{S_IFDIR, S_IFMT, S_IFREG};
use abi::time::Timespec;
use kcore::fs::{Fs, NewFile};
use std::collections::BTreeMap;

/// Most bytes of a file that are looked at afterwards.
pub const MOST: u64 = 1 << 20;

/// The image with a test's programs and files on it.
///
/// # Errors
/// One line: the image holds no file system, or something does not fit.
pub fn prepare(
    image: &Layer,
    test: &Test,
    programs: &BTreeMap<String, Vec<u8>>,
    calendar: u64,
) -> Result<Layer, String> {
    let mut fs = Fs::mount(image.clone()).map_err(|e| e.to_string())?;
    let now = Timespec {
        sec: calendar as i64,
        nsec: 0,
    };
    let new = |perm| NewFile {
        perm,
        uid: 0,
        gid: 0,
        now,
    };
    let programs = test.put.iter().map(|(path, program)| {
        let data = programs.get(program).map_or(&[][..], |data| &data[..]);
        (path, data, 0o755)
    });
    let files = test
        .files
        .iter()
        .map(|(path, text)| (path, text.as_bytes(), 0o644));
    for (path, data, perm) in programs.chain(files) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        fs.mkdir_all(folder.as_bytes(), &new(0o755))
            .and_then(|_| fs.write_file(path.as_bytes(), data, &new(perm)))
            .map_err(|e| format!("{path}: {e}"))?;
    }
    fs.unmount().map_err(|e| e.to_string())
}

/// What lies under a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A file: its size, and its first bytes.
    File(u64, Vec<u8>),
    /// Something else.
    Other(&'static str),
    /// Nothing.
    Absent,
    /// Nobody can tell.
    Unreadable(String),
}

/// What lies under `path` on a disk.
pub fn read(disk: Layer, path: &str) -> Content {
    let mut fs = match Fs::mount(disk) {
        Ok(fs) => fs,
        Err(error) => return Content::Unreadable(error.to_string()),
    };
    let mut content = || {
        let ino = fs.resolve(path.as_bytes())?;
        let stat = fs.stat(ino)?;
        let size = u64::try_from(stat.size).unwrap_or(0);
        match stat.mode & S_IFMT {
            S_IFREG => {
                let mut data = vec![0; size.min(MOST) as usize];
                let count = fs.read_at(ino, 0, &mut data)?;
                data.truncate(count);
                Ok(Content::File(size, data))
            }
            S_IFDIR => Ok(Content::Other("a folder")),
            _ => Ok(Content::Other("no regular file")),
        }
    };
    content().unwrap_or_else(|error| match error {
        Errno::ENOENT | Errno::ENOTDIR => Content::Absent,
        error => Content::Unreadable(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Image;
    use abi::layout::BLOCK_SIZE;
    use base::Pages;
    use kcore::fs::{FormatOptions, MemStore};
    use std::io::Write;

    const BLOCKS: u32 = 256;

    /// A disk with one file, `/d/f`, and the file that holds it.
    fn disk() -> (Layer, tempfile::NamedTempFile) {
        let options = FormatOptions {
            inodes: None,
            log_blocks: None,
            now: Timespec { sec: 0, nsec: 0 },
        };
        let new = NewFile {
            perm: 0o644,
            uid: 0,
            gid: 0,
            now: options.now,
        };
        let mut fs = Fs::format(MemStore::new(BLOCKS), &options).unwrap();
        fs.mkdir_all(b"/d", &new).unwrap();
        fs.write_file(b"/d/f", b"text", &new).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(fs.unmount().unwrap().bytes()).unwrap();
        (Layer::new(Image::open(file.path()).unwrap()), file)
    }

    #[test]
    fn what_lies_under_a_path_is_told() {
        let (disk, _file) = disk();
        let read = |path| read(disk.clone(), path);
        assert_eq!(read("/d/f"), Content::File(4, b"text".to_vec()));
        assert_eq!(read("/d"), Content::Other("a folder"));
        assert_eq!(
            [read("/e"), read("/d/f/x")],
            [Content::Absent, Content::Absent]
        );
    }

    #[test]
    fn a_disk_full_of_nonsense_is_reported_and_harms_nobody() {
        let (disk, _file) = disk();
        let (mut unreadable, mut unsound) = (0, 0);
        let mut number = 1u32;
        let mut draw = || {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            number >> 8
        };
        for try_ in 0..2000 {
            let mut trashed = disk.clone();
            let mut page = [0; BLOCK_SIZE];
            let place = if try_ < 300 {
                draw() % 4
            } else {
                draw() % BLOCKS
            };
            trashed
                .read_at(u64::from(place) * BLOCK_SIZE as u64, &mut page)
                .unwrap();
            let from = draw() as usize % BLOCK_SIZE;
            let many = if try_ % 2 == 0 { 8 } else { BLOCK_SIZE };
            page[from..]
                .iter_mut()
                .take(many)
                .for_each(|byte| *byte = draw() as u8);
            trashed.put_page(place.into(), &page);
            let report = crate::disk::fsck(&trashed, &Pages::new());
            unsound += usize::from(!report.is_ok_and(|report| report.is_clean()));
            let found = read(trashed, "/d/f");
            unreadable += usize::from(matches!(found, Content::Unreadable(_)));
        }
        assert!(unreadable > 50 && unsound > 50, "{unreadable} {unsound}");
    }
}
