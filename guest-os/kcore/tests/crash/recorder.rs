//! A disk that records what is done to it.

use kcore::fs::{Block, BlockStore, IoError, MemStore};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// What happened to the disk, and marks of the workload in between.
#[derive(Clone)]
pub enum Event {
    /// A block was written.
    Write(u32, Rc<Block>),
    /// A flush returned.
    Flush,
    /// Operations up to the state with this number have begun.
    Begun(usize),
    /// The state with this number was promised to be durable.
    Durable(usize),
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Write(block, _) => write!(f, "write of block {block}"),
            Event::Flush => f.write_str("flush"),
            Event::Begun(state) => write!(f, "begin of operation {state}"),
            Event::Durable(state) => write!(f, "promise of state {state}"),
        }
    }
}

/// The recording, shared by the disk and the workload.
pub type Recording = Rc<RefCell<Vec<Event>>>;

/// The disk.
pub struct Recorder<S> {
    pub disk: S,
    pub recording: Recording,
}

impl Recorder<MemStore> {
    /// A disk of zeros.
    pub fn new(blocks: u32) -> Self {
        Recorder {
            disk: MemStore::new(blocks),
            recording: Recording::default(),
        }
    }
}

impl<S: BlockStore> BlockStore for Recorder<S> {
    fn blocks(&self) -> u64 {
        self.disk.blocks()
    }

    fn read(&mut self, block: u32, out: &mut Block) -> Result<(), IoError> {
        self.disk.read(block, out)
    }

    fn write(&mut self, block: u32, data: &Block) -> Result<(), IoError> {
        self.recording
            .borrow_mut()
            .push(Event::Write(block, Rc::new(*data)));
        self.disk.write(block, data)
    }

    fn flush(&mut self) -> Result<(), IoError> {
        self.recording.borrow_mut().push(Event::Flush);
        self.disk.flush()
    }
}
