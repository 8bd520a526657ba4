//! Reads a trace block by block. The file is hostile input: every number in it is checked before it is used.

use super::codec::Decoder;
use super::{BLOCK, BLOCK_BYTES, BLOCK_RECORDS, END, HEADER_BYTES, Header, MAGIC, vocabulary};
use crate::trace::model::Meta;
use crate::trace::record::Record;
use std::fmt;
use std::io::{self, Read};
use xxhash_rust::xxh3::xxh3_64;

/// Why a file cannot be read, or not further.
#[derive(Debug)]
pub enum ReadError {
    /// The host's fault.
    Io(io::Error),
    /// It is no trace of ours.
    Foreign,
    /// It was written by a glassbox with another format or vocabulary.
    OtherVersion,
    /// It contradicts itself, behind so many good records.
    Damaged(u64),
    /// It ends too early, behind so many good records.
    Cut(u64),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Foreign => write!(
                f,
                "is not a recorded trace (one that 'glassbox trace -o FILE.gbt' writes)"
            ),
            Self::OtherVersion => write!(
                f,
                "was recorded by another version of glassbox; record it again"
            ),
            Self::Damaged(n) => {
                write!(f, "is damaged; the {n} records before the damage were read")
            }
            Self::Cut(n) => write!(f, "was cut; the {n} records of its whole blocks were read"),
        }
    }
}

impl std::error::Error for ReadError {}

/// A trace file being read.
pub struct Reader<R: Read> {
    input: R,
    meta: Meta,
    block: Decoder,
    good: u64,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the head of a file.
    ///
    /// # Errors
    /// It is no trace, or not one of this version.
    pub fn new(mut input: R) -> Result<Self, ReadError> {
        let mut magic = [0; MAGIC.len()];
        let version = MAGIC.len() - 3;
        if read(&mut input, &mut magic)? < magic.len() || magic[..version] != MAGIC[..version] {
            return Err(ReadError::Foreign);
        }
        if magic != *MAGIC {
            return Err(ReadError::OtherVersion);
        }
        let len = number(&mut input)?.ok_or(ReadError::Cut(0))? as usize;
        if len > HEADER_BYTES {
            return Err(ReadError::Damaged(0));
        }
        let mut header = vec![0; len];
        if read(&mut input, &mut header)? < len {
            return Err(ReadError::Cut(0));
        }
        let header: Header = serde_json::from_slice(&header).map_err(|_| ReadError::Damaged(0))?;
        if header.vocabulary != vocabulary() {
            return Err(ReadError::OtherVersion);
        }
        Ok(Self {
            input,
            block: Decoder::new(Vec::new(), 0, header.meta.cpus),
            meta: header.meta,
            good: 0,
            ended: false,
        })
    }

    /// What the trace is of.
    pub const fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// The file is cut or damaged. There is nothing more to be read then.
    pub fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        loop {
            match self.block.next_record() {
                Some(Ok(record)) => {
                    self.good += 1;
                    return Ok(Some(record));
                }
                Some(Err(())) => {
                    self.ended = true;
                    self.block = Decoder::new(Vec::new(), 0, 1);
                    return Err(ReadError::Damaged(self.good));
                }
                None if self.ended => return Ok(None),
                None => self.read_block()?,
            }
        }
    }

    fn read_block(&mut self) -> Result<(), ReadError> {
        self.ended = true;
        let cut = || ReadError::Cut(self.good);
        let mut mark = [0; 4];
        if read(&mut self.input, &mut mark)? < mark.len() {
            return Err(cut());
        }
        if mark == *END {
            let mut total = [0; 8];
            if read(&mut self.input, &mut total)? < total.len() {
                return Err(cut());
            }
            if u64::from_le_bytes(total) != self.good {
                return Err(ReadError::Damaged(self.good));
            }
            return Ok(());
        }
        if mark != *BLOCK {
            return Err(ReadError::Damaged(self.good));
        }
        let mut head = [0; 3];
        for field in &mut head {
            *field = number(&mut self.input)?.ok_or_else(cut)? as usize;
        }
        let [records, bytes, packed_len] = head;
        // A record may begin just below the limit and be as long as one can be.
        let most = 2 * BLOCK_BYTES;
        if bytes > most
            || records > BLOCK_RECORDS as usize
            || packed_len > lz4_flex::block::get_maximum_output_size(most)
        {
            return Err(ReadError::Damaged(self.good));
        }
        let mut checksum = [0; 8];
        let mut packed = vec![0; packed_len];
        if read(&mut self.input, &mut checksum)? < checksum.len()
            || read(&mut self.input, &mut packed)? < packed_len
        {
            return Err(cut());
        }
        let damaged = ReadError::Damaged(self.good);
        if xxh3_64(&packed) != u64::from_le_bytes(checksum) {
            return Err(damaged);
        }
        let Ok(plain) = lz4_flex::block::decompress(&packed, bytes) else {
            return Err(damaged);
        };
        self.block = Decoder::new(plain, records as u32, self.meta.cpus);
        self.ended = false;
        Ok(())
    }
}

/// Fills `bytes` as far as the input reaches.
fn read(input: &mut impl Read, bytes: &mut [u8]) -> Result<usize, ReadError> {
    let mut done = 0;
    while done < bytes.len() {
        match input.read(&mut bytes[done..]) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ReadError::Io(error)),
        }
    }
    Ok(done)
}

fn number(input: &mut impl Read) -> Result<Option<u32>, ReadError> {
    let mut bytes = [0; 4];
    Ok((read(input, &mut bytes)? == bytes.len()).then(|| u32::from_le_bytes(bytes)))
}
