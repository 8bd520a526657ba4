//! The disks that power cuts leave behind, each made when it is asked for.
//!
//! A disk is the image below and the pages of this module above it. In front of every step of the recording stands a
//! point: what is durable there, and what is there if the cache loses nothing. Both are shared copy-on-write from point to point, so
//! all of them together cost what was written.

use super::cut::{At, Cache, Cut};
use super::record::{Recording, Step};
use crate::disk::Layer;
use base::{PAGE_SIZE, Page, Pages, Rng};
use machine::pc::SECTOR;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Every disk that a cut in a recording can leave behind.
pub struct States<'a> {
    recording: &'a Recording,
    /// What the image has in each page that is written.
    image: Pages,
    /// One for each step, and one behind the last.
    points: Vec<Point>,
    /// The steps that are writes, and those that are flushes.
    writes: Vec<usize>,
    flushes: Vec<usize>,
    seed: u64,
}

/// A place for a cut.
struct Point {
    step: usize,
    at: At,
    durable: Pages,
    kept: Pages,
    /// The step behind the last flush.
    flushed: usize,
}

/// A cut that the recording has no place for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCut {
    /// There are only so many writes.
    NoSuchWrite(usize),
    /// There are only so many flushes.
    NoSuchFlush(usize),
    /// The write has only so many bytes.
    TornBeyond(u64),
}

impl fmt::Display for BadCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchWrite(writes) => write!(f, "the workload makes {writes} writes"),
            Self::NoSuchFlush(flushes) => write!(f, "the workload flushes {flushes} times"),
            Self::TornBeyond(bytes) => write!(f, "that write has {bytes} bytes"),
        }
    }
}

impl std::error::Error for BadCut {}

/// A disk with the cuts that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distinct {
    /// The first of them.
    pub cut: Cut,
    /// How many others there are.
    pub others: usize,
    /// Hash of the disk's content.
    pub hash: u128,
    /// Bytes that the workload had printed; 0 if nobody will be told.
    pub printed: usize,
}

impl<'a> States<'a> {
    /// The states of `recording`, made on a disk that was `disk` at power-on. With `lying`, no flush did anything. What
    /// is drawn is drawn by `seed`.
    ///
    /// # Errors
    /// The image cannot be read.
    pub fn new(recording: &'a Recording, disk: &Layer, lying: bool, seed: u64) -> io::Result<Self> {
        let mut image = Pages::new();
        for step in &recording.steps {
            if let Step::Write { offset, bytes, .. } = step {
                let end = offset + bytes.len() as u64;
                for page in offset / PAGE_SIZE..end.div_ceil(PAGE_SIZE) {
                    if !image.contains(page) {
                        let mut content: Page = [0; _];
                        disk.read_at(page * PAGE_SIZE, &mut content)?;
                        image.insert(page, Arc::new(content));
                    }
                }
            }
        }
        let mut states = Self {
            recording,
            image,
            points: Vec::new(),
            writes: Vec::new(),
            flushes: Vec::new(),
            seed,
        };
        let (mut durable, mut kept) = (Pages::new(), Pages::new());
        let mut flushed = 0;
        for step in 0..=recording.steps.len() {
            let at = match recording.steps.get(step) {
                Some(Step::Write { .. }) => {
                    states.writes.push(step);
                    At::Write(states.writes.len() as u64)
                }
                Some(Step::Flush { .. }) => {
                    states.flushes.push(step);
                    At::Flush(states.flushes.len() as u64)
                }
                None => At::End,
            };
            states.points.push(Point {
                step,
                at,
                durable: durable.clone(),
                kept: kept.clone(),
                flushed,
            });
            match recording.steps.get(step) {
                Some(Step::Write { offset, bytes, .. }) => states.write(&mut kept, *offset, bytes),
                Some(Step::Flush { .. }) if !lying => {
                    durable = kept.clone();
                    flushed = step + 1;
                }
                _ => {}
            }
        }
        Ok(states)
    }

    /// All cuts: at each step, and behind the last; each with the cache lost and kept and `subsets` draws between; each
    /// with the write torn at each of its sectors. A flush that has nothing to do is no place for a cut.
    pub fn cuts(&self, subsets: u64) -> Vec<Cut> {
        let mut cuts = Vec::new();
        for point in &self.points {
            let sectors = self.bytes(point).len() as u64 / SECTOR;
            let pending = self.pending(point).next().is_some();
            if matches!(point.at, At::Flush(_)) && !pending {
                continue;
            }
            let mut add = |sectors, cache| {
                let (at, torn) = (point.at, sectors * SECTOR);
                cuts.push(Cut { at, cache, torn });
            };
            // That the write arrived and those before it did not is another state; that all did is the next point's.
            (0..=sectors).for_each(|n| add(n, Cache::Lost));
            if pending {
                (0..sectors.max(1)).for_each(|n| add(n, Cache::Kept));
                for draw in 1..=subsets {
                    let torn = self.random(point, draw, 0).below(sectors + 1);
                    add(torn, Cache::Some(draw));
                }
            }
        }
        cuts
    }

    /// The pages above the image that `cut` leaves behind.
    ///
    /// # Errors
    /// There is no such write or flush, or the write is not that long.
    pub fn disk(&self, cut: &Cut) -> Result<Pages, BadCut> {
        let point = self.point(cut)?;
        let bytes = self.bytes(point);
        let arrived = usize::try_from(cut.torn)
            .ok()
            .and_then(|torn| bytes.get(..torn))
            .ok_or(BadCut::TornBeyond(bytes.len() as u64))?;
        let mut pages = match cut.cache {
            Cache::Kept => point.kept.clone(),
            Cache::Lost | Cache::Some(_) => point.durable.clone(),
        };
        if let Cache::Some(draw) = cut.cache {
            let mut random = self.random(point, draw, 1);
            for (offset, bytes) in self.pending(point) {
                self.write_some(&mut pages, offset, bytes, &mut random);
            }
        }
        if let Some(Step::Write { offset, .. }) = self.recording.steps.get(point.step) {
            self.write(&mut pages, *offset, arrived);
        }
        Ok(pages)
    }

    /// Bytes that the workload had printed when `cut` came.
    ///
    /// # Errors
    /// There is no such write or flush.
    pub fn printed(&self, cut: &Cut) -> Result<usize, BadCut> {
        let step = self.recording.steps.get(self.point(cut)?.step);
        Ok(step.map_or(self.recording.printed.len(), Step::printed))
    }

    /// The different disks among those that `cuts` leave behind, in the order of their first cut. If somebody will be
    /// `told` what the workload had printed, disks with different prints are different.
    ///
    /// # Errors
    /// One of the cuts has no place in the recording.
    pub fn distinct(&self, cuts: &[Cut], told: bool) -> Result<Vec<Distinct>, BadCut> {
        let mut found: Vec<Distinct> = Vec::new();
        let mut known = BTreeMap::new();
        for &cut in cuts {
            let hash = self.hash(&self.disk(&cut)?);
            let printed = if told { self.printed(&cut)? } else { 0 };
            let index = *known.entry((hash, printed)).or_insert(found.len());
            match found.get_mut(index) {
                Some(known) => known.others += 1,
                None => found.push(Distinct {
                    cut,
                    others: 0,
                    hash,
                    printed,
                }),
            }
        }
        Ok(found)
    }

    /// The hash of a disk's content. Pages that are again what the image has do not count.
    fn hash(&self, pages: &Pages) -> u128 {
        let mut hash = Xxh3::new();
        for (number, page) in pages.iter() {
            if self.image.get(number) != Some(page) {
                hash.update(&number.to_le_bytes());
                hash.update(page);
            }
        }
        hash.digest128()
    }

    fn point(&self, cut: &Cut) -> Result<&Point, BadCut> {
        let nth = |steps: &[usize], number: u64| {
            let index = usize::try_from(number).ok()?.checked_sub(1)?;
            steps.get(index).copied()
        };
        let step = match cut.at {
            At::Write(number) => {
                nth(&self.writes, number).ok_or(BadCut::NoSuchWrite(self.writes.len()))?
            }
            At::Flush(number) => {
                nth(&self.flushes, number).ok_or(BadCut::NoSuchFlush(self.flushes.len()))?
            }
            At::End => self.recording.steps.len(),
        };
        Ok(&self.points[step])
    }

    /// The writes in front of a point that no flush has made durable: where, and what.
    fn pending(&self, point: &Point) -> impl Iterator<Item = (u64, &[u8])> {
        let steps = &self.recording.steps[point.flushed..point.step];
        steps.iter().filter_map(|step| match step {
            Step::Write { offset, bytes, .. } => Some((*offset, &bytes[..])),
            Step::Flush { .. } => None,
        })
    }

    /// The bytes of the write at a point.
    fn bytes(&self, point: &Point) -> &[u8] {
        match self.recording.steps.get(point.step) {
            Some(Step::Write { bytes, .. }) => bytes,
            _ => &[],
        }
    }

    fn write(&self, pages: &mut Pages, offset: u64, bytes: &[u8]) {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (number, start) = (at / PAGE_SIZE, (at % PAGE_SIZE) as usize);
            let (part, more) = rest.split_at(rest.len().min(PAGE_SIZE as usize - start));
            if !pages.contains(number) {
                let before = self.image.get(number).copied().unwrap_or([0; _]);
                pages.insert(number, Arc::new(before));
            }
            if let Some(page) = pages.get_mut(number) {
                page[start..start + part.len()].copy_from_slice(part);
            }
            at += part.len() as u64;
            rest = more;
        }
    }

    /// A write that was in the cache: it arrives, or it does not, or each of its sectors is drawn.
    fn write_some(&self, pages: &mut Pages, offset: u64, bytes: &[u8], random: &mut Rng) {
        match random.below(3) {
            0 => {}
            1 => self.write(pages, offset, bytes),
            _ => {
                for (sector, part) in (0..).zip(bytes.chunks(SECTOR as usize)) {
                    if random.below(2) == 0 {
                        self.write(pages, offset + sector * SECTOR, part);
                    }
                }
            }
        }
    }

    /// The stream of a draw at a point, for one of several uses.
    fn random(&self, point: &Point, draw: u64, usage: u64) -> Rng {
        let key = [self.seed, point.step as u64, draw, usage].map(u64::to_le_bytes);
        Rng::new(xxh3_64(key.as_flattened()))
    }
}

/// `count` of the cuts, drawn by `seed`, in their order; all of them if there are no more.
pub fn sample(cuts: &[Cut], count: usize, seed: u64) -> Vec<Cut> {
    let mut random = Rng::new(seed);
    let mut places: Vec<usize> = (0..cuts.len()).collect();
    for index in 0..count.min(cuts.len()) {
        let other = index + random.below((cuts.len() - index) as u64) as usize;
        places.swap(index, other);
    }
    places.truncate(count);
    places.sort_unstable();
    places.into_iter().map(|place| cuts[place]).collect()
}

#[cfg(test)]
mod tests;
