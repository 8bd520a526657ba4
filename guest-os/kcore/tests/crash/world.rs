//! Workloads: each operation is done to the file system and to a model of it, and the state of the
//! model after each operation is kept.

use crate::recorder::{Event, Recorder, Recording};
use abi::Errno;
use abi::fcntl::RENAME_EXCHANGE;
use abi::time::Timespec;
use kcore::fs::{BLOCK_SIZE, FormatOptions, Fs, MemStore, NewFile, ROOT_INO};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a name in the model stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A regular file, by a number that stays with it.
    File(usize),
    Directory,
    Symlink(String),
}

/// The tree of files at one moment.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Paths without a leading slash; the root is not among them.
    pub names: BTreeMap<String, Node>,
    /// Contents of files.
    pub files: BTreeMap<usize, Rc<Vec<u8>>>,
}

/// The file system, its disk's recording, and the states it went through.
pub struct World {
    fs: Fs<Recorder<MemStore>>,
    recording: Recording,
    /// The disk as it was when the recording began.
    pub start: MemStore,
    /// State 0 is that of the start.
    pub states: Vec<State>,
    next_file: usize,
    stamp: u32,
}

const NOW: Timespec = Timespec { sec: 1, nsec: 0 };
const NEW: NewFile = NewFile {
    perm: 0o644,
    uid: 0,
    gid: 0,
    now: NOW,
};
/// The smallest log there is, so that it overflows often.
const LOG_BLOCKS: u32 = 33;
/// Blocks that one step of a long write covers with that log.
const STEP: usize = 16 * BLOCK_SIZE;

impl World {
    /// A new file system on a small disk.
    pub fn new(blocks: u32) -> World {
        let options = FormatOptions {
            inodes: Some(128),
            log_blocks: Some(LOG_BLOCKS),
            now: NOW,
        };
        let mut store = Fs::format(MemStore::new(blocks), &options)
            .unwrap()
            .unmount()
            .unwrap();
        let mut recorder = Recorder::new(blocks);
        std::mem::swap(&mut recorder.disk, &mut store);
        let start = recorder.disk.clone();
        let recording = recorder.recording.clone();
        let fs = Fs::mount(recorder).unwrap();
        World {
            fs,
            recording,
            start,
            states: vec![State::default()],
            next_file: 0,
            stamp: 0,
        }
    }

    /// Starts the recording anew from the present, durable state.
    pub fn forget_the_past(&mut self) {
        self.fs.sync().unwrap();
        self.start = self.fs.store().disk.clone();
        self.recording.borrow_mut().clear();
        self.states.drain(..self.states.len() - 1);
    }

    /// The recording so far.
    pub fn events(&self) -> Vec<Event> {
        self.recording.borrow().clone()
    }

    fn mark(&self, event: Event) {
        self.recording.borrow_mut().push(event);
    }

    /// Announces an operation that leads to the state that `change` makes.
    fn begin(&mut self, change: impl FnOnce(&mut State)) {
        let mut state = self.states.last().unwrap().clone();
        change(&mut state);
        self.states.push(state);
        self.mark(Event::Begun(self.states.len() - 1));
    }

    fn now(&self) -> &State {
        self.states.last().unwrap()
    }

    fn parent<'a>(&mut self, path: &'a str) -> (u32, &'a [u8]) {
        let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
        (self.fs.resolve(dir.as_bytes()).unwrap(), name.as_bytes())
    }

    fn file_number(&self, path: &str) -> usize {
        match self.now().names[path] {
            Node::File(number) => number,
            ref other => panic!("{path} is {other:?}"),
        }
    }

    pub fn sync(&mut self) {
        self.fs.sync().unwrap();
        self.mark(Event::Durable(self.states.len() - 1));
    }

    pub fn create(&mut self, path: &str) {
        let number = self.next_file;
        self.next_file += 1;
        self.begin(|state| {
            state.names.insert(path.into(), Node::File(number));
            state.files.insert(number, Rc::default());
        });
        let (dir, name) = self.parent(path);
        self.fs.create(dir, name, &NEW).unwrap();
    }

    pub fn mkdir(&mut self, path: &str) {
        self.begin(|state| drop(state.names.insert(path.into(), Node::Directory)));
        let (dir, name) = self.parent(path);
        self.fs.mkdir(dir, name, &NEW).unwrap();
    }

    pub fn symlink(&mut self, path: &str, target: &str) {
        self.begin(|state| {
            drop(
                state
                    .names
                    .insert(path.into(), Node::Symlink(target.into())),
            )
        });
        let (dir, name) = self.parent(path);
        self.fs.symlink(dir, name, target.as_bytes(), &NEW).unwrap();
    }

    pub fn link(&mut self, old: &str, new: &str) {
        self.begin(|state| drop(state.names.insert(new.into(), state.names[old].clone())));
        let ino = self.fs.resolve(old.as_bytes()).unwrap();
        let (dir, name) = self.parent(new);
        self.fs.link(ino, dir, name, NOW).unwrap();
    }

    /// Bytes that no other write has, so that a stale block is recognised.
    fn fresh_bytes(&mut self, length: usize) -> Vec<u8> {
        self.stamp += 1;
        let stamp = self.stamp;
        let byte = |i: usize| {
            let mixed = (i as u32 / 4 + 1)
                .wrapping_mul(0x9e37_79b9)
                .rotate_left(stamp)
                ^ stamp;
            (mixed >> (8 * (i % 4))) as u8
        };
        (0..length).map(byte).collect()
    }

    pub fn write(&mut self, path: &str, offset: usize, length: usize) {
        let number = self.file_number(path);
        let data = self.fresh_bytes(length);
        // A long write is a sequence of steps that end at multiples of the step's size from the
        // first block on.
        let first = offset - offset % BLOCK_SIZE;
        let mut done = 0;
        while done < length {
            let end = (first + STEP * ((offset + done - first) / STEP + 1)).min(offset + length);
            let part = data[done..end - offset].to_vec();
            self.begin(|state| {
                let file = Rc::make_mut(state.files.get_mut(&number).unwrap());
                file.resize(file.len().max(end), 0);
                file[offset + done..end].copy_from_slice(&part);
            });
            done = end - offset;
        }
        let ino = self.fs.resolve(path.as_bytes()).unwrap();
        assert_eq!(self.fs.write_at(ino, offset as u64, &data, NOW), Ok(length));
    }

    /// Creates a file and lets it grow, a block at a time, until the disk is full.
    pub fn fill(&mut self, path: &str) {
        self.create(path);
        let number = self.file_number(path);
        let ino = self.fs.resolve(path.as_bytes()).unwrap();
        for offset in (0..).step_by(BLOCK_SIZE) {
            let data = self.fresh_bytes(BLOCK_SIZE);
            self.begin(|state| {
                Rc::make_mut(state.files.get_mut(&number).unwrap()).extend_from_slice(&data);
            });
            match self.fs.write_at(ino, offset, &data, NOW) {
                Ok(count) => assert_eq!(count, BLOCK_SIZE),
                Err(error) => {
                    assert_eq!(error, Errno::ENOSPC);
                    // The last state never comes about; the one before goes on.
                    let before = self.states[self.states.len() - 2].clone();
                    return self.begin(|state| *state = before);
                }
            }
        }
    }

    pub fn truncate(&mut self, path: &str, size: usize) {
        let number = self.file_number(path);
        self.begin(|state| {
            Rc::make_mut(state.files.get_mut(&number).unwrap()).resize(size, 0);
        });
        let ino = self.fs.resolve(path.as_bytes()).unwrap();
        self.fs.truncate(ino, size as u64, NOW).unwrap();
    }

    pub fn rename(&mut self, old: &str, new: &str) {
        self.begin(|state| {
            state.names.remove(new);
            move_names(&mut state.names, old, new);
        });
        let (old, new) = (self.parent(old), self.parent(new));
        if let Some(ino) = self.fs.rename(old, new, 0, NOW).unwrap() {
            self.fs.reap(ino).unwrap();
        }
    }

    pub fn exchange(&mut self, old: &str, new: &str) {
        self.begin(|state| {
            move_names(&mut state.names, old, "\0");
            move_names(&mut state.names, new, old);
            move_names(&mut state.names, "\0", new);
        });
        let (old, new) = (self.parent(old), self.parent(new));
        assert_eq!(self.fs.rename(old, new, RENAME_EXCHANGE, NOW), Ok(None));
    }

    pub fn rmdir(&mut self, path: &str) {
        self.begin(|state| drop(state.names.remove(path)));
        let (dir, name) = self.parent(path);
        let removed = self.fs.rmdir(dir, name, NOW).unwrap();
        self.fs.reap(removed.ino).unwrap();
    }

    pub fn unlink(&mut self, path: &str) {
        self.begin(|state| drop(state.names.remove(path)));
        let (dir, name) = self.parent(path);
        let removed = self.fs.unlink(dir, name, NOW).unwrap();
        if removed.orphaned {
            self.fs.reap(removed.ino).unwrap();
        }
    }

    /// Removes the only name of a file that stays open.
    pub fn unlink_open(&mut self, path: &str) -> u32 {
        self.begin(|state| drop(state.names.remove(path)));
        let (dir, name) = self.parent(path);
        let removed = self.fs.unlink(dir, name, NOW).unwrap();
        assert!(removed.orphaned);
        removed.ino
    }

    pub fn write_orphan(&mut self, ino: u32, length: usize) {
        let data = self.fresh_bytes(length);
        assert_eq!(self.fs.write_at(ino, 0, &data, NOW), Ok(length));
    }

    pub fn reap(&mut self, ino: u32) {
        self.fs.reap(ino).unwrap();
    }

    /// A mix of everything on a few names.
    pub fn random_operations(&mut self, seed: u64, count: usize) {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = move |below: usize| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) as usize % below
        };
        self.mkdir("x");
        for _ in 0..count {
            let dir = ["", "x/"][random(2)];
            let path = format!("{dir}f{}", random(4));
            let other = format!("{}f{}", ["", "x/"][random(2)], random(4));
            let exists = self.now().names.contains_key(&path);
            let size = match self.now().names.get(&path) {
                Some(Node::File(number)) => self.now().files[number].len(),
                _ => 0,
            };
            match random(10) {
                _ if !exists => self.create(&path),
                0..=3 => self.write(&path, random(size.min(40_000) + 1), 1 + random(12_000)),
                4 => self.truncate(&path, random(20_000)),
                5 => self.unlink(&path),
                6 if !self.now().names.contains_key(&other) => self.link(&path, &other),
                7 if self.now().names.get(&other) != self.now().names.get(&path) => {
                    self.rename(&path, &other);
                }
                8 => self.sync(),
                _ => self.write(&path, size, 1 + random(3000)),
            }
        }
        assert_eq!(self.fs.lookup(ROOT_INO, b"."), Ok(ROOT_INO));
    }
}

/// Moves a name and everything below it.
fn move_names(names: &mut BTreeMap<String, Node>, old: &str, new: &str) {
    let below = format!("{old}/");
    let moved: Vec<String> = names
        .keys()
        .filter(|name| *name == old || name.starts_with(&below))
        .cloned()
        .collect();
    for name in moved {
        let node = names.remove(&name).unwrap();
        names.insert(format!("{new}{}", &name[old.len()..]), node);
    }
}
