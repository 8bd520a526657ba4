//! Changes above an image, by 4 KiB pages: a disk that can be written without touching the file.

use super::image::Image;
use abi::layout::BLOCK_SIZE;
use kcore::fs::{BlockStore, IoError};
use machine::pc::{Medium, MediumError};
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// An image with changed pages on top. Cloning shares the image.
#[derive(Clone, Debug)]
pub struct Layer {
    image: Arc<Image>,
    pages: BTreeMap<u64, Box<[u8; BLOCK_SIZE]>>,
}

impl Layer {
    /// An image without changes.
    pub fn new(image: Image) -> Self {
        Self {
            image: Arc::new(image),
            pages: BTreeMap::new(),
        }
    }

    /// Bytes of the disk.
    pub fn len(&self) -> u64 {
        self.image.len()
    }

    /// Whether the disk has no bytes; it always has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lays a changed page on top.
    pub fn put_page(&mut self, page: u64, data: &[u8]) {
        let mut block = Box::new([0; BLOCK_SIZE]);
        let len = data.len().min(BLOCK_SIZE);
        block[..len].copy_from_slice(&data[..len]);
        self.pages.insert(page, block);
    }

    /// Reads at any offset.
    pub fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.image.read_at(offset, out)?;
        let size = BLOCK_SIZE as u64;
        let end = offset + out.len() as u64;
        for (&page, data) in self.pages.range(offset / size..end.div_ceil(size)) {
            let start = (page * size).max(offset);
            let stop = ((page + 1) * size).min(end);
            let from = (start - page * size) as usize..(stop - page * size) as usize;
            out[(start - offset) as usize..(stop - offset) as usize].copy_from_slice(&data[from]);
        }
        Ok(())
    }

    /// 32 bits that tell the content from others, not to be trusted against anybody who wants them equal.
    ///
    /// # Errors
    /// The image cannot be read.
    pub fn fingerprint(&self) -> io::Result<u32> {
        const PART: u64 = 1 << 20;
        let mut hash = Xxh3::new();
        let mut buffer = vec![0; PART as usize];
        hash.update(&self.len().to_le_bytes());
        for start in (0..self.len()).step_by(PART as usize) {
            let part = &mut buffer[..PART.min(self.len() - start) as usize];
            self.read_at(start, part)?;
            hash.update(part);
        }
        Ok(hash.digest() as u32)
    }

    /// Writes everything back to the image file.
    pub fn persist(&self) -> io::Result<()> {
        self.image.replace(self.changes())
    }

    /// Writes the disk to a file of its own.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        self.image.copy(path, self.changes())
    }

    fn changes(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let size = BLOCK_SIZE as u64;
        let pages = self.pages.iter();
        pages.map(move |(&page, data)| (page * size, &data[..]))
    }
}

impl Medium for Layer {
    fn len(&self) -> u64 {
        self.image.len()
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), MediumError> {
        Self::read_at(self, offset, buffer).map_err(|_| MediumError)
    }
}

impl BlockStore for Layer {
    fn blocks(&self) -> u64 {
        self.len() / BLOCK_SIZE as u64
    }

    fn read(&mut self, block: u32, out: &mut [u8; BLOCK_SIZE]) -> Result<(), IoError> {
        self.read_at(u64::from(block) * BLOCK_SIZE as u64, out)
            .map_err(|_| IoError)
    }

    fn write(&mut self, block: u32, data: &[u8; BLOCK_SIZE]) -> Result<(), IoError> {
        self.put_page(u64::from(block), data);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), IoError> {
        Ok(())
    }
}
