//! Every disk that a crash can leave behind.
//!
//! The disk keeps what was flushed. Of the writes since, each is there, missing, or torn: some of
//! its 512-byte sectors are there and the others are not. (Two writes of one block keep their
//! order: a cache that loses the newer one may keep the older, but none brings the older one back
//! over the newer. Between blocks any order is possible, and it shows as a missing write.)

use crate::recorder::{Event, Recorder, Recording};
use crate::verdict::judge;
use crate::world::World;
use kcore::fs::{Block, BlockStore, Fs, IoError, MemStore};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::rc::Rc;

/// Up to so many pending writes, every subset is tried.
const ALL_SUBSETS: usize = 6;
/// Samples where there are more.
const SAMPLES: usize = 32;
/// One crash in so many is followed by more crashes while mounting.
const RECOVERY_EVERY: usize = 20;

/// Which sectors of a write reached the disk.
const WHOLE: u8 = 0xff;

/// How much was tried.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub writes: usize,
    pub crashes: usize,
    pub crashes_in_recovery: usize,
}

/// A crashed disk: what was flushed, and above it what else arrived. Recovery writes here too.
#[derive(Clone)]
pub struct CrashedDisk<'a> {
    flushed: &'a MemStore,
    above: BTreeMap<u32, Rc<Block>>,
}

impl CrashedDisk<'_> {
    fn arrive(&mut self, block: u32, data: &Block, sectors: u8) {
        let mut old = [0; kcore::fs::BLOCK_SIZE];
        self.read(block, &mut old).unwrap();
        for (sector, (to, from)) in old.chunks_mut(512).zip(data.chunks(512)).enumerate() {
            if sectors & 1 << sector != 0 {
                to.copy_from_slice(from);
            }
        }
        self.above.insert(block, Rc::new(old));
    }
}

impl BlockStore for CrashedDisk<'_> {
    fn blocks(&self) -> u64 {
        self.flushed.blocks()
    }

    fn read(&mut self, block: u32, out: &mut Block) -> Result<(), IoError> {
        match self.above.get(&block) {
            Some(data) => *out = **data,
            None => {
                let start = block as usize * kcore::fs::BLOCK_SIZE;
                *out = *self
                    .flushed
                    .bytes()
                    .get(start..)
                    .and_then(|b| b.first_chunk())
                    .ok_or(IoError)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, block: u32, data: &Block) -> Result<(), IoError> {
        self.above.insert(block, Rc::new(*data));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), IoError> {
        Ok(())
    }
}

/// A small random number generator (Knuth's MMIX).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    /// Some sectors of a block, but not all.
    fn torn(&mut self) -> u8 {
        match self.next() % 3 {
            0 => (1u8 << (self.next() % 8)).wrapping_sub(1), // a first part
            1 => !((1u8 << (self.next() % 8)).wrapping_sub(1)) << 1, // a last part
            _ => self.next() as u8 & !(1 << (self.next() % 8)),
        }
    }
}

struct Crasher<'a> {
    world: &'a World,
    flushed: MemStore,
    pending: Vec<(u32, &'a Block)>,
    /// States that may be found: from the last that was promised to the last that was begun.
    allowed: RangeInclusive<usize>,
    random: Random,
    tally: Tally,
}

/// Crashes a workload after every write and every promise; an error tells what was lost.
pub fn crash_everywhere(world: &World, events: &[Event]) -> Result<Tally, String> {
    let mut crasher = Crasher {
        world,
        flushed: world.start.clone(),
        pending: Vec::new(),
        allowed: 0..=0,
        random: Random(42),
        tally: Tally::default(),
    };
    for (at, event) in events.iter().enumerate() {
        let outcome = match event {
            Event::Write(block, data) => {
                crasher.pending.push((*block, data));
                crasher.tally.writes += 1;
                crasher.crash_after_write()
            }
            Event::Flush => {
                for (block, data) in crasher.pending.drain(..) {
                    crasher.flushed.write(block, data).unwrap();
                }
                crasher.crash(&[])
            }
            Event::Begun(state) => {
                crasher.allowed = *crasher.allowed.start()..=*state;
                Ok(())
            }
            Event::Durable(state) => {
                crasher.allowed = *state..=*crasher.allowed.end();
                crasher.crash_after_promise()
            }
        };
        outcome.map_err(|problem| format!("crash after event {at}, {event:?}: {problem}"))?;
    }
    Ok(crasher.tally)
}

impl Crasher<'_> {
    /// The last write arrived, whole or torn; of those before it any may have.
    fn crash_after_write(&mut self) -> Result<(), String> {
        for mut arrived in self.subsets(self.pending.len() - 1) {
            arrived.push(WHOLE);
            self.crash(&arrived)?;
            for sectors in arrived.iter_mut().filter(|sectors| **sectors != 0) {
                *sectors = self.random.torn();
            }
            self.crash(&arrived)?;
        }
        Ok(())
    }

    /// Any of the pending writes may have arrived.
    fn crash_after_promise(&mut self) -> Result<(), String> {
        for arrived in self.subsets(self.pending.len()) {
            self.crash(&arrived)?;
        }
        Ok(())
    }

    /// Which of the first `count` pending writes arrived: all combinations if few are pending, or
    /// samples, in which some are torn.
    fn subsets(&mut self, count: usize) -> Vec<Vec<u8>> {
        if self.pending.len() <= ALL_SUBSETS {
            let bit = |set: usize, i: usize| if set & 1 << i != 0 { WHOLE } else { 0 };
            return (0..1 << count)
                .map(|set| (0..count).map(|i| bit(set, i)).collect())
                .collect();
        }
        let mut subsets = vec![vec![WHOLE; count], vec![0; count]];
        for sample in 0..SAMPLES {
            let mut one = |_| match (self.random.next() % 8, sample % 4) {
                (0, _) => self.random.torn(),
                (1..=6, 0) => WHOLE, // most arrived
                (1..=6, 1) => 0,     // few arrived
                (n, _) if n % 2 == 0 => WHOLE,
                _ => 0,
            };
            subsets.push((0..count).map(&mut one).collect());
        }
        subsets
    }

    fn crash(&mut self, arrived: &[u8]) -> Result<(), String> {
        self.tally.crashes += 1;
        let mut disk = CrashedDisk {
            flushed: &self.flushed,
            above: BTreeMap::new(),
        };
        for ((block, data), sectors) in self.pending.iter().zip(arrived) {
            if *sectors != 0 {
                disk.arrive(*block, data, *sectors);
            }
        }
        let states = &self.world.states[self.allowed.clone()];
        if self.tally.crashes.is_multiple_of(RECOVERY_EVERY) {
            self.tally.crashes_in_recovery += crash_in_recovery(&disk, &mut self.random, |disk| {
                judge(disk, states).map_err(|problem| format!("in recovery: {problem}"))
            })?;
        }
        judge(disk, states).map_err(|problem| format!("{arrived:x?} of the writes: {problem}"))
    }
}

/// Mounts a crashed disk and crashes that at every write, with a random choice of what arrived.
fn crash_in_recovery<'a>(
    disk: &CrashedDisk<'a>,
    random: &mut Random,
    judge: impl Fn(CrashedDisk<'a>) -> Result<(), String>,
) -> Result<usize, String> {
    let recording = Recording::default();
    let recorder = Recorder {
        disk: disk.clone(),
        recording: recording.clone(),
    };
    Fs::mount(recorder)
        .map_err(|e| e.to_string())?
        .unmount()
        .map_err(|e| e.to_string())?;
    let events = recording.take();
    let mut flushed = disk.clone();
    let mut pending: Vec<(u32, &Block)> = Vec::new();
    for event in &events {
        match event {
            Event::Write(block, data) => pending.push((*block, data)),
            _ => pending
                .drain(..)
                .for_each(|(block, data)| flushed.arrive(block, data, WHOLE)),
        }
        let mut crashed = flushed.clone();
        for (block, data) in &pending {
            match random.next() % 3 {
                0 => {}
                1 => crashed.arrive(*block, data, WHOLE),
                _ => crashed.arrive(*block, data, random.torn()),
            }
        }
        judge(crashed)?;
    }
    Ok(events.len())
}
