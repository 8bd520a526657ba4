//! Directory entries as getdents64(2) returns them.
//!
//! ```text
//! offset 0  u64  inode            16  u16  length of this record, multiple of 8
//!        8  u64  cursor after it  18  u8   type        19..  name, NUL, padding
//! ```

names! {
    /// File types within directory entries.
    TYPES: u8, choice u64::MAX => {
        DT_UNKNOWN = 0, "Not known; ask stat(2).";
        DT_FIFO = 1, "Pipe.";
        DT_CHR = 2, "Character device.";
        DT_DIR = 4, "Directory.";
        DT_BLK = 6, "Block device.";
        DT_REG = 8, "Regular file.";
        DT_LNK = 10, "Symbolic link.";
        DT_SOCK = 12, "Socket.";
    }
}

const HEADER: usize = 19;

/// The `DT_*` type that belongs to a file's mode.
pub const fn type_of_mode(mode: u32) -> u8 {
    ((mode & crate::stat::S_IFMT) >> 12) as u8
}

/// One entry of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dirent<'a> {
    /// Inode number.
    pub ino: u64,
    /// Cursor of the entry that follows, for lseek(2).
    pub next: u64,
    /// `DT_*`.
    pub kind: u8,
    /// Name, without a NUL.
    pub name: &'a [u8],
}

impl<'a> Dirent<'a> {
    /// Bytes the entry takes in a getdents64 buffer.
    pub fn record_len(&self) -> usize {
        (HEADER + self.name.len() + 1).next_multiple_of(8)
    }

    /// Writes the entry at the start of `out`; gives its length, or `None` if it does not fit.
    pub fn encode(&self, out: &mut [u8]) -> Option<usize> {
        let len = self.record_len();
        let out = out.get_mut(..len)?;
        out[0..8].copy_from_slice(&self.ino.to_le_bytes());
        out[8..16].copy_from_slice(&self.next.to_le_bytes());
        out[16..18].copy_from_slice(&(len as u16).to_le_bytes());
        out[18] = self.kind;
        out[HEADER..HEADER + self.name.len()].copy_from_slice(self.name);
        out[HEADER + self.name.len()..].fill(0);
        Some(len)
    }

    /// Reads the entry at the start of `bytes`, and what lies behind it.
    pub fn decode(bytes: &'a [u8]) -> Option<(Dirent<'a>, &'a [u8])> {
        let len = usize::from(u16::from_le_bytes([*bytes.get(16)?, *bytes.get(17)?]));
        let record = bytes.get(..len)?;
        let name = record.get(HEADER..)?;
        let end = name.iter().position(|b| *b == 0)?;
        let word = |at: usize| Some(u64::from_le_bytes(record.get(at..at + 8)?.try_into().ok()?));
        let entry = Dirent {
            ino: word(0)?,
            next: word(8)?,
            kind: record[18],
            name: &name[..end],
        };
        Some((entry, &bytes[len..]))
    }
}

/// The entries in a buffer that getdents64 filled; ends at the first damaged one.
pub fn entries(mut bytes: &[u8]) -> impl Iterator<Item = Dirent<'_>> {
    core::iter::from_fn(move || {
        let (entry, rest) = Dirent::decode(bytes)?;
        bytes = rest;
        Some(entry)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_they_were_written() {
        let first = Dirent {
            ino: 7,
            next: 1,
            kind: DT_DIR,
            name: b"..",
        };
        let second = Dirent {
            ino: 9,
            next: 2,
            kind: DT_REG,
            name: b"a-longer-name",
        };
        let mut buffer = [0xff; 64];
        let mut used = first.encode(&mut buffer).unwrap();
        used += second.encode(&mut buffer[used..]).unwrap();
        assert_eq!(used, 24 + 40);
        assert!(entries(&buffer[..used]).eq([first, second]));
        assert_eq!(first.encode(&mut buffer[..23]), None);
    }

    #[test]
    fn a_damaged_buffer_ends_the_iteration() {
        for len in [0u16, 3, 18, 400] {
            let mut buffer = [1; 32];
            buffer[16..18].copy_from_slice(&len.to_le_bytes());
            assert_eq!(entries(&buffer).count(), 0);
        }
    }

    #[test]
    fn modes_map_to_directory_types() {
        assert_eq!(type_of_mode(0o100644), DT_REG);
        assert_eq!(type_of_mode(0o040755), DT_DIR);
        assert_eq!(type_of_mode(0o120777), DT_LNK);
        assert_eq!(type_of_mode(0o020600), DT_CHR);
    }
}
