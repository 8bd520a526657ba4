//! What was in the guest's memory: pieces that a record keeps, so that it needs the guest no more.

/// Pieces of guest memory, in the order in which they were read.
///
/// All bytes lie in one buffer, which [`Memory::clear`] keeps: whoever makes many records uses one again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The address of each piece, and where its bytes end.
    pieces: Vec<(u64, usize)>,
    bytes: Vec<u8>,
}

impl Memory {
    /// Forgets all pieces.
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.bytes.clear();
    }

    /// Adds a piece.
    pub fn add(&mut self, addr: u64, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.pieces.push((addr, self.bytes.len()));
    }

    /// Adds a piece of at most `len` bytes: `read` puts it into what it is given and says how long it is. Gives the piece;
    /// an empty one is not kept.
    pub fn fill(&mut self, addr: u64, len: usize, read: impl FnOnce(&mut [u8]) -> usize) -> &[u8] {
        let start = self.bytes.len();
        self.bytes.resize(start + len, 0);
        let found = read(&mut self.bytes[start..]).min(len);
        self.bytes.truncate(start + found);
        if found > 0 {
            self.pieces.push((addr, self.bytes.len()));
        }
        &self.bytes[start..]
    }

    /// Address and bytes of each piece.
    pub fn pieces(&self) -> impl ExactSizeIterator<Item = (u64, &[u8])> {
        let mut start = 0;
        self.pieces.iter().map(move |&(addr, end)| {
            let piece = &self.bytes[start..end];
            start = end;
            (addr, piece)
        })
    }

    /// Bytes of all pieces together.
    pub const fn size(&self) -> usize {
        self.bytes.len()
    }

    /// At most `len` bytes from `addr` on, from the piece that has most of them.
    pub fn read(&self, addr: u64, len: usize) -> &[u8] {
        let mut best: &[u8] = &[];
        for (start, piece) in self.pieces() {
            let skip = addr
                .checked_sub(start)
                .and_then(|n| usize::try_from(n).ok());
            let rest = skip.and_then(|skip| piece.get(skip..)).unwrap_or_default();
            let rest = &rest[..rest.len().min(len)];
            if rest.len() > best.len() {
                best = rest;
            }
        }
        best
    }
}

impl<'a> FromIterator<(u64, &'a [u8])> for Memory {
    fn from_iter<I: IntoIterator<Item = (u64, &'a [u8])>>(pieces: I) -> Self {
        let mut memory = Self::default();
        for (addr, bytes) in pieces {
            memory.add(addr, bytes);
        }
        memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_from_the_piece_that_has_most() {
        let memory: Memory = [(100, &b"ab"[..]), (98, b"xyabcd")].into_iter().collect();
        assert_eq!(memory.read(100, 8), b"abcd");
        assert_eq!(memory.read(100, 1), b"a");
        assert_eq!(memory.read(97, 8), b"");
        assert_eq!(memory.read(104, 8), b"");
        assert_eq!(memory.read(u64::MAX, 8), b"");
    }

    #[test]
    fn a_piece_is_as_long_as_what_was_found() {
        let mut memory = Memory::default();
        let two = |bytes: &mut [u8]| {
            bytes[..2].copy_from_slice(b"ab");
            2
        };
        assert_eq!(memory.fill(7, 5, two), b"ab");
        assert_eq!(memory.fill(8, 5, |_| 0), b"");
        assert_eq!(memory.fill(9, 2, two), b"ab");
        let pieces: Vec<_> = memory.pieces().collect();
        assert_eq!(pieces, [(7, &b"ab"[..]), (9, b"ab")]);
        assert_eq!(memory.size(), 4);
        memory.clear();
        assert_eq!(memory, Memory::default());
    }
}
