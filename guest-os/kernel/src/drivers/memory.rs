//! The devices that need no hardware: null, zero, full.

use alloc::sync::Arc;

use abi::Errno;

use crate::fs::devfs::{self, Device, Kind};
use crate::fs::inode::Wait;
use crate::fs::transfer::{Sink, Source};

/// Linux's major number for memory devices.
const MAJOR: u64 = 1;

static ZEROS: [u8; 4096] = [0; 4096];

struct Null;
struct Zero;
struct Full;

/// Adds them to /dev.
pub fn init() {
    devfs::add("null", Kind::Char(MAJOR, 3), Arc::new(Null));
    devfs::add("zero", Kind::Char(MAJOR, 5), Arc::new(Zero));
    devfs::add("full", Kind::Char(MAJOR, 7), Arc::new(Full));
}

fn put_zeros(to: &mut Sink) -> Result<(), Errno> {
    while to.room() > 0 {
        to.put(&ZEROS)?;
    }
    Ok(())
}

impl Device for Null {
    fn read(&self, _at: u64, _to: &mut Sink, _wait: Wait) -> Result<(), Errno> {
        Ok(())
    }

    fn write(&self, _at: u64, from: &mut Source, _wait: Wait) -> Result<(), Errno> {
        from.skip_all();
        Ok(())
    }

    fn is_seekable(&self) -> bool {
        true
    }
}

impl Device for Zero {
    fn read(&self, _at: u64, to: &mut Sink, _wait: Wait) -> Result<(), Errno> {
        put_zeros(to)
    }

    fn write(&self, _at: u64, from: &mut Source, _wait: Wait) -> Result<(), Errno> {
        from.skip_all();
        Ok(())
    }

    fn is_seekable(&self) -> bool {
        true
    }
}

impl Device for Full {
    fn read(&self, _at: u64, to: &mut Sink, _wait: Wait) -> Result<(), Errno> {
        put_zeros(to)
    }

    fn write(&self, _at: u64, _from: &mut Source, _wait: Wait) -> Result<(), Errno> {
        Err(Errno::ENOSPC)
    }

    fn is_seekable(&self) -> bool {
        true
    }
}
