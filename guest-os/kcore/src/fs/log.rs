//! The journal: a redo log of one transaction, with group commit.
//!
//! # What is promised
//!
//! Every operation of the file system belongs to one *transaction* as a whole, and after a crash
//! each transaction has happened or not, in order. So every rename is old or new, and a directory
//! entry never points to an inode that is not there. What was done before [`Fs::sync`] returned is
//! there for good.
//!
//! # How operations join a transaction
//!
//! Operations change blocks in the [`Cache`], in memory only. Before it changes anything, an
//! operation reserves room for the most blocks it can dirty (`Fs::begin`, xv6's `begin_op`). If the
//! log has no such room, the transaction is committed first and the operation opens the next. Thus
//! a transaction ends only between operations, and it holds as many of them as fit (group commit):
//! a directory block that a hundred creations change is written once.
//!
//! Operations that can grow without bound (a long write, cutting a huge file) are cut into steps of
//! bounded size, and each step leaves a consistent file system. Between the steps of a cut the
//! inode stands in the orphan table, from which mounting finishes the work.
//!
//! # What goes where
//!
//! Only metadata goes through the log. File data is written straight to its place ("ordered mode"),
//! before the transaction that makes it reachable commits. One rule makes that safe: *a freed block
//! is not allocated again before its freeing has committed* (see `space.rs`). Without it, new data
//! could land in a block that, after a crash, still belongs to the old file; or a replay could bring
//! the metadata that a block once held back over the data that it holds now.
//!
//! # Committing
//!
//! A disk may hold writes back and reorder or tear them until a FLUSH. `Log::commit` does, in order:
//!
//! ```text
//! 1  FLUSH            if the last transaction's installed blocks are not known to be on the medium
//! 2  write bodies     the dirty blocks, to the log
//! 3  FLUSH            bodies, and all file data written so far, are on the medium
//! 4  write header     sequence, home numbers, checksum over everything      <- the commit record
//! 5  FLUSH            the commit point: the transaction has happened
//! 6  install          write the blocks to their homes; no flush yet, see 1
//! ```
//!
//! Why each FLUSH is there, by what a crash without it could do:
//!
//! - Without 1, step 2 could destroy the log of the last transaction while some of its homes are
//!   still in the disk's cache: half of a committed transaction would be gone for good. It is put
//!   off to the next commit because until then the log itself keeps the transaction safe, which
//!   saves `fsync` a third of its waiting.
//! - Without 3, the header could be on the medium before the file data that the transaction makes
//!   reachable: a file would show what was in its blocks before. (For the bodies alone the checksum
//!   would do: a header whose bodies are missing does not match them and counts as never written.)
//! - Without 5, `fsync` would promise what is only in a cache. And the installed blocks of step 6
//!   could reach the medium before the header: half of a transaction that, without its header,
//!   nobody will complete.
//!
//! The header is torn like any block: its checksum covers head, home numbers and bodies, so a torn
//! header counts as none. That is right: while a header is being written (4), the transaction
//! before it is installed and flushed (1), and the new one has touched no home yet (6).
//!
//! # Replay
//!
//! [`Log::replay`] reads the header, checks numbers and checksum, and installs the bodies. It may
//! crash and run again. Home numbers are checked against the disk's regions, so a forged log can
//! damage files but not the superblock or the log.

use super::cache::Cache;
use super::crc::Crc32c;
use super::geometry::Geometry;
use super::store::{Block, BlockStore, IoError, zero_block};
use abi::Record;
use abi::layout::{BLOCK_SIZE, LOG_MAGIC, LOG_START, LogHeader};
use alloc::boxed::Box;
use alloc::vec::Vec;

#[cfg(doc)]
use super::Fs;

const HEAD: usize = LogHeader::SIZE;

/// The on-disk log.
pub(super) struct Log {
    /// Number of the last committed transaction.
    sequence: u64,
    /// Blocks of the last committed transaction.
    last_blocks: usize,
    /// Installed blocks may still be in the disk's cache.
    unflushed_install: bool,
    /// File data may still be in the disk's cache.
    unflushed_data: bool,
    /// The log holds a transaction, which a mount would replay.
    holds_transaction: bool,
}

/// A committed transaction found in a log: home numbers with their new contents.
pub(super) struct Transaction {
    pub sequence: u64,
    pub blocks: Vec<(u32, Box<Block>)>,
}

impl Log {
    /// Opens the log: installs the transaction it holds, if any.
    pub(super) fn replay(store: &mut impl BlockStore, disk: &Geometry) -> Result<Log, IoError> {
        let mut log = Log {
            sequence: 0,
            last_blocks: 0,
            unflushed_install: false,
            unflushed_data: false,
            holds_transaction: false,
        };
        if let Some(transaction) = read_transaction(store, disk)? {
            log.sequence = transaction.sequence;
            log.last_blocks = transaction.blocks.len();
            for (home, body) in &transaction.blocks {
                store.write(*home, body)?;
            }
            log.unflushed_install = true;
            log.holds_transaction = true;
            log.clear(store)?;
        }
        Ok(log)
    }

    /// Makes the cache's dirty blocks, and all file data written so far, durable (essay, 1 to 6).
    ///
    /// After an error the state of the disk is unknown and the log must not be used again.
    pub(super) fn commit(
        &mut self,
        store: &mut impl BlockStore,
        cache: &mut Cache,
    ) -> Result<(), IoError> {
        if cache.dirty_len() == 0 {
            if self.unflushed_data {
                self.flush(store)?;
            }
            return Ok(());
        }
        if self.unflushed_install {
            self.flush(store)?;
        }
        let dirty: Vec<(u32, &Block)> = cache.dirty().collect();
        let bodies: Vec<&Block> = dirty.iter().map(|(_, body)| *body).collect();
        let header = self.header(&dirty);
        store.write_run(LOG_START + 1, &bodies)?;
        self.flush(store)?;
        store.write(LOG_START, &header)?;
        self.holds_transaction = true;
        self.flush(store)?;
        for run in dirty.chunk_by(|a, b| a.0 + 1 == b.0) {
            let bodies: Vec<&Block> = run.iter().map(|(_, body)| *body).collect();
            store.write_run(run[0].0, &bodies)?;
        }
        self.unflushed_install = true;
        self.sequence += 1;
        self.last_blocks = dirty.len();
        cache.mark_clean();
        Ok(())
    }

    /// Empties the log, so that the next mount has nothing to replay.
    pub(super) fn clear(&mut self, store: &mut impl BlockStore) -> Result<(), IoError> {
        if self.unflushed_install || self.unflushed_data {
            self.flush(store)?;
        }
        if self.holds_transaction {
            store.write(LOG_START, &zero_block())?;
            self.flush(store)?;
            self.holds_transaction = false;
        }
        Ok(())
    }

    /// File data was written outside of the log.
    pub(super) fn note_data_write(&mut self) {
        self.unflushed_data = true;
    }

    /// Number and size in blocks of the last committed transaction.
    pub(super) fn last_commit(&self) -> (u64, usize) {
        (self.sequence, self.last_blocks)
    }

    fn flush(&mut self, store: &mut impl BlockStore) -> Result<(), IoError> {
        store.flush()?;
        self.unflushed_install = false;
        self.unflushed_data = false;
        Ok(())
    }

    fn header(&self, dirty: &[(u32, &Block)]) -> Box<Block> {
        let mut block = zero_block();
        for ((home, _), slot) in dirty.iter().zip(block[HEAD..].chunks_exact_mut(4)) {
            home.put(slot);
        }
        let mut head = LogHeader {
            magic: LOG_MAGIC,
            sequence: self.sequence + 1,
            count: dirty.len() as u32,
            crc: 0,
        };
        head.put(&mut block[..]);
        head.crc = checksum(&block, dirty.iter().map(|(_, body)| *body));
        head.put(&mut block[..]);
        block
    }
}

/// The checksum of a header block (with its `crc` zero) and the bodies.
fn checksum<'a>(header: &Block, bodies: impl Iterator<Item = &'a Block>) -> u32 {
    let mut crc = Crc32c::new();
    crc.update(header);
    bodies.for_each(|body| crc.update(body));
    crc.finish()
}

/// The committed transaction in the log, if there is one.
pub(super) fn read_transaction(
    store: &mut impl BlockStore,
    disk: &Geometry,
) -> Result<Option<Transaction>, IoError> {
    let mut header = zero_block();
    store.read(LOG_START, &mut header)?;
    let head = LogHeader::get(&header[..]);
    if head.magic != LOG_MAGIC || head.count == 0 || head.count > disk.log_body {
        return Ok(None);
    }
    LogHeader { crc: 0, ..head }.put(&mut header[..]);
    let mut blocks = Vec::with_capacity(head.count as usize);
    let homes = header[HEAD..].chunks_exact(4).map(u32::get);
    for (at, home) in (LOG_START + 1..).zip(homes).take(head.count as usize) {
        if !disk.is_logged(home) {
            return Ok(None);
        }
        let mut body = zero_block();
        store.read(at, &mut body)?;
        blocks.push((home, body));
    }
    if checksum(&header, blocks.iter().map(|(_, body)| &**body)) != head.crc {
        return Ok(None);
    }
    Ok(Some(Transaction {
        sequence: head.sequence,
        blocks,
    }))
}

const _: () = assert!(HEAD.is_multiple_of(4) && HEAD < BLOCK_SIZE);
