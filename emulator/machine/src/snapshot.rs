//! Snapshots: the whole state of a machine at one instant, in memory, and the way back to it.
//!
//! Key types: [`Snapshot`], [`Machine::snapshot`], [`Machine::restore`]. A machine may be restored any number of times,
//! to any snapshot of a machine that was built alike, and goes on exactly as that one did. Pages of memory and disk are
//! shared copy-on-write: taking a snapshot costs what was written since the last one, going back to it what was written
//! since, and lifted code stays wherever the bytes under it are the same. Threads can share a snapshot, each with a
//! machine of its own.
//!
//! Observing (watches, who listens) is not part of it: that stays as it is for the machine that is restored.

use crate::board::Board;
use crate::hang::Watch;
use crate::run::Machine;
use base::codec::{self, Kept};
use base::{Chooser, CodecError, Pages, Time};
use std::fmt;

/// A machine's state, taken at one instant.
pub struct Snapshot<B: Board> {
    head: Kept,
    board: Kept,
    /// Bytes of memory, and the pages that are not zero.
    memory: u64,
    ram: Pages,
    retired: u64,
    /// What is no state, but what a machine that goes on as the other did must have: the board's, the hang watch's.
    aside: B::Aside,
    idle: Time,
    watch: Watch,
}

/// A snapshot is of a machine that was built otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// It has another amount of memory, in bytes.
    Memory(u64),
    /// It has other CPUs, chips or disks.
    State(CodecError),
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the snapshot is of a machine that was built otherwise: ")?;
        match self {
            Self::Memory(bytes) => write!(f, "it has {} MiB of memory", bytes >> 20),
            Self::State(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RestoreError {}

impl<B: Board> Snapshot<B> {
    /// Instructions that the machine had retired.
    pub const fn retired(&self) -> u64 {
        self.retired
    }

    /// The pages of memory that are not zero, by number from the first.
    pub const fn ram(&self) -> &Pages {
        &self.ram
    }
}

impl<B: Board, C: Chooser> Machine<B, C> {
    /// The machine's state as it is now; nothing changes by it.
    pub fn snapshot(&mut self) -> Snapshot<B> {
        Snapshot {
            head: codec::keep(&mut self.head()),
            board: codec::keep(&mut self.board),
            memory: self.board.ram().len(),
            ram: self.board.ram().snapshot(),
            retired: self.retired,
            aside: self.board.aside(),
            idle: self.idle,
            watch: self.watch.clone(),
        }
    }

    /// Brings the machine into the state of `snapshot`, which is of this machine or of one that was built from an equal
    /// configuration (the disk image being part of that). Gives the pages of memory that had to be put back.
    ///
    /// # Errors
    /// The snapshot is of another kind of machine. The machine is then of no use.
    pub fn restore(&mut self, snapshot: &Snapshot<B>) -> Result<usize, RestoreError> {
        if self.board.ram().len() != snapshot.memory {
            return Err(RestoreError::Memory(snapshot.memory));
        }
        codec::give(&mut self.head(), &snapshot.head).map_err(RestoreError::State)?;
        codec::give(&mut self.board, &snapshot.board).map_err(RestoreError::State)?;
        let pages = self.board.ram().restore(&snapshot.ram);
        self.board.set_aside(&snapshot.aside);
        self.idle = snapshot.idle;
        self.watch.clone_from(&snapshot.watch);
        Ok(pages)
    }
}

#[cfg(test)]
mod tests;
