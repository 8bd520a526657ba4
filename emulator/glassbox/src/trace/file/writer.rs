//! Writes a trace block by block, so that little memory is needed however long the run is.

use super::codec::Encoder;
use super::{BLOCK, END, Header, MAGIC, vocabulary};
use crate::trace::model::{Meta, Model};
use crate::trace::record::Record;
use crate::trace::sink::Sink;
use base::Time;
use std::io::{self, Write};
use xxhash_rust::xxh3::xxh3_64;

/// A sink that records.
pub struct Writer<W: Write> {
    out: W,
    encoder: Encoder,
    total: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// `out` cannot take the header.
    pub fn new(mut out: W, meta: &Meta) -> io::Result<Self> {
        let header = Header {
            meta: meta.clone(),
            vocabulary: vocabulary(),
        };
        let header = serde_json::to_vec(&header)?;
        out.write_all(MAGIC)?;
        out.write_all(&(header.len() as u32).to_le_bytes())?;
        out.write_all(&header)?;
        out.flush()?;
        Ok(Self {
            out,
            encoder: Encoder::new(meta.cpus),
            total: 0,
        })
    }

    fn write_block(&mut self) -> io::Result<()> {
        let (records, bytes) = self.encoder.take();
        if records == 0 {
            return Ok(());
        }
        let packed = lz4_flex::block::compress(&bytes);
        let mut block = Vec::with_capacity(packed.len() + 24);
        block.extend_from_slice(BLOCK);
        for number in [records, bytes.len() as u32, packed.len() as u32] {
            block.extend_from_slice(&number.to_le_bytes());
        }
        block.extend_from_slice(&xxh3_64(&packed).to_le_bytes());
        block.extend_from_slice(&packed);
        self.out.write_all(&block)?;
        self.out.flush()?;
        self.total += u64::from(records);
        Ok(())
    }
}

impl<W: Write> Sink for Writer<W> {
    fn record(&mut self, record: &Record, _model: &Model) -> io::Result<()> {
        self.encoder.put(record);
        if self.encoder.is_full() {
            self.write_block()?;
        }
        Ok(())
    }

    fn instruction(
        &mut self,
        time: Time,
        cpu: u8,
        pid: u32,
        pc: u64,
        _model: &Model,
    ) -> io::Result<()> {
        self.encoder.instruction(time, cpu, pid, pc);
        if self.encoder.is_full() {
            self.write_block()?;
        }
        Ok(())
    }

    fn finish(&mut self, _model: &Model) -> io::Result<()> {
        self.write_block()?;
        self.out.write_all(END)?;
        self.out.write_all(&self.total.to_le_bytes())?;
        self.out.flush()
    }

    fn keeps_skeleton(&self) -> bool {
        true
    }
}
