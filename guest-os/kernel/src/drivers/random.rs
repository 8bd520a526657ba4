//! /dev/random and /dev/urandom, which are the same: `crate::random` never blocks.

use alloc::sync::Arc;
use alloc::vec;

use abi::Errno;

use crate::fs::devfs::{self, Device, Kind};
use crate::fs::inode::Wait;
use crate::fs::transfer::{Sink, Source};
use crate::random;

struct Random;

/// Bytes made at once.
const CHUNK: usize = 4096;

/// Adds them to /dev.
pub fn init() {
    devfs::add("random", Kind::Char(1, 8), Arc::new(Random));
    devfs::add("urandom", Kind::Char(1, 9), Arc::new(Random));
}

impl Device for Random {
    fn read(&self, _at: u64, to: &mut Sink, _wait: Wait) -> Result<(), Errno> {
        let mut buffer = vec![0; CHUNK.min(to.room())];
        while to.room() > 0 {
            random::fill(&mut buffer);
            to.put(&buffer)?;
        }
        Ok(())
    }

    /// What is written is stirred in.
    fn write(&self, _at: u64, from: &mut Source, _wait: Wait) -> Result<(), Errno> {
        let mut buffer = vec![0; CHUNK.min(from.left())];
        while from.left() > 0 {
            let count = from.take(&mut buffer)?;
            random::add_entropy(&buffer[..count]);
        }
        Ok(())
    }
}
