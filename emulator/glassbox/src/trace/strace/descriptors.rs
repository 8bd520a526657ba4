//! What is behind descriptors, for `-y`: found out from the calls that make, copy and close them.

use crate::trace::record::Memory;
use crate::trace::syscall::decoder::{Files, is_error};
use abi::fcntl::*;
use abi::limits::PATH_MAX;
use abi::nr;
use abi::termios::{FIOCLEX, FIONCLEX};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A descriptor.
#[derive(Clone, Debug)]
struct Entry {
    path: Rc<[u8]>,
    close_on_exec: bool,
}

/// A process's files.
#[derive(Clone, Debug, Default)]
struct Process {
    entries: BTreeMap<i32, Entry>,
    directory: Option<Rc<[u8]>>,
    /// The path that the call in progress names.
    named: Option<Rc<[u8]>>,
}

/// All processes' files.
#[derive(Debug, Default)]
pub struct Descriptors {
    processes: BTreeMap<u32, Process>,
    pipes: u64,
}

/// One process's files, for decoding.
pub struct Of<'a>(Option<&'a Process>);

impl Files for Of<'_> {
    fn path(&self, fd: i32) -> Option<&[u8]> {
        self.0?.entries.get(&fd).map(|entry| &entry.path[..])
    }

    fn directory(&self) -> Option<&[u8]> {
        self.0?.directory.as_deref()
    }
}

impl Process {
    /// The absolute path that `path` means from a directory, as far as names can tell.
    fn resolve(&self, directory: i32, path: &[u8]) -> Option<Rc<[u8]>> {
        let mut parts: Vec<&[u8]> = Vec::new();
        let base = match (path.first(), directory) {
            (Some(b'/'), _) => None,
            (_, AT_FDCWD) => Some(self.directory.as_deref()?),
            (_, fd) => Some(&self.entries.get(&fd)?.path[..]),
        };
        for part in base
            .unwrap_or_default()
            .split(|b| *b == b'/')
            .chain(path.split(|b| *b == b'/'))
        {
            match part {
                b"" | b"." => {}
                b".." => _ = parts.pop(),
                _ => parts.push(part),
            }
        }
        let mut whole = Vec::new();
        for part in parts {
            whole.push(b'/');
            whole.extend_from_slice(part);
        }
        if whole.is_empty() {
            whole.push(b'/');
        }
        whole.truncate(PATH_MAX);
        Some(whole.into())
    }
}

impl Descriptors {
    /// The files of a process.
    pub fn of(&self, pid: u32) -> Of<'_> {
        Of(self.processes.get(&pid))
    }

    /// The first process starts at the root; its children inherit.
    fn process(&mut self, pid: u32) -> &mut Process {
        self.processes.entry(pid).or_insert_with(|| Process {
            directory: Some((*b"/").into()),
            ..Process::default()
        })
    }

    /// A call begins.
    pub fn enter(&mut self, pid: u32, number: u64, args: &[u64; 6], memory: &Memory) {
        let process = self.process(pid);
        let (directory, at) = match number {
            nr::OPEN | nr::CREAT | nr::CHDIR => (AT_FDCWD, args[0]),
            nr::OPENAT => (args[0] as i32, args[1]),
            _ => return process.named = None,
        };
        process.named = string(memory, at).and_then(|path| process.resolve(directory, &path));
    }

    /// A call has ended.
    pub fn exit(&mut self, pid: u32, args: &[u64; 6], number: u64, result: i64, memory: &Memory) {
        if is_error(result) {
            return;
        }
        if let (nr::PIPE | nr::PIPE2, Some(ends)) = (number, words(memory, args[0])) {
            self.pipes += 1;
            let path: Rc<[u8]> = format!("pipe:[{}]", self.pipes).into_bytes().into();
            let close_on_exec = number == nr::PIPE2 && args[1] as u32 & O_CLOEXEC != 0;
            for fd in ends {
                let path = path.clone();
                let entry = Entry {
                    path,
                    close_on_exec,
                };
                self.process(pid).entries.insert(fd, entry);
            }
            return;
        }
        let process = self.process(pid);
        let fd = args[0] as i32;
        let is = |flags: u64, flag: u32| flags as u32 & flag != 0;
        match number {
            nr::OPEN | nr::OPENAT | nr::CREAT => {
                let flags = match number {
                    nr::OPEN => args[1],
                    nr::OPENAT => args[2],
                    _ => 0,
                };
                let close_on_exec = is(flags, O_CLOEXEC);
                match process.named.take() {
                    Some(path) => {
                        _ = process.entries.insert(
                            result as i32,
                            Entry {
                                path,
                                close_on_exec,
                            },
                        )
                    }
                    None => _ = process.entries.remove(&(result as i32)),
                }
            }
            nr::CLOSE => _ = process.entries.remove(&fd),
            nr::DUP | nr::DUP2 => copy(process, fd, result as i32, false),
            nr::DUP3 => copy(process, fd, result as i32, is(args[2], O_CLOEXEC)),
            nr::FCNTL => match args[1] as u32 {
                F_DUPFD => copy(process, fd, result as i32, false),
                F_DUPFD_CLOEXEC => copy(process, fd, result as i32, true),
                F_SETFD => mark(process, fd, is(args[2], FD_CLOEXEC)),
                _ => {}
            },
            nr::IOCTL => match args[1] as u32 {
                FIOCLEX => mark(process, fd, true),
                FIONCLEX => mark(process, fd, false),
                _ => {}
            },
            nr::EXECVE => process.entries.retain(|_, entry| !entry.close_on_exec),
            nr::CHDIR => process.directory = process.named.take(),
            nr::FCHDIR => {
                let path = process.entries.get(&fd).map(|entry| entry.path.clone());
                process.directory = path;
            }
            nr::GETCWD => {
                if let Some(path) = string(memory, args[0]) {
                    process.directory = Some(path.into());
                }
            }
            _ => {}
        }
    }

    /// A process was made.
    pub fn fork(&mut self, parent: u32, child: u32) {
        let mut process = self.process(parent).clone();
        process.named = None;
        self.processes.insert(child, process);
    }

    /// A process has ended.
    pub fn exited(&mut self, pid: u32) {
        self.processes.remove(&pid);
    }
}

fn copy(process: &mut Process, from: i32, to: i32, close_on_exec: bool) {
    match process.entries.get(&from) {
        // dup2(2) of a descriptor onto itself changes nothing.
        Some(_) if from == to => {}
        Some(Entry { path, .. }) => {
            let path = path.clone();
            process.entries.insert(
                to,
                Entry {
                    path,
                    close_on_exec,
                },
            );
        }
        None => _ = process.entries.remove(&to),
    }
}

fn mark(process: &mut Process, fd: i32, close_on_exec: bool) {
    if let Some(entry) = process.entries.get_mut(&fd) {
        entry.close_on_exec = close_on_exec;
    }
}

/// Two descriptors in recorded memory.
fn words(memory: &Memory, addr: u64) -> Option<[i32; 2]> {
    let mut bytes = [0; 8];
    (memory.read(addr, &mut bytes) == 8).then(|| abi::Record::get(&bytes))
}

/// A NUL-terminated string in recorded memory, which may be in several pieces.
fn string(memory: &Memory, addr: u64) -> Option<Vec<u8>> {
    let mut string = Vec::new();
    while string.len() < PATH_MAX {
        let mut chunk = [0; 64];
        let len = memory.read(addr.checked_add(string.len() as u64)?, &mut chunk);
        let end = chunk[..len].iter().position(|byte| *byte == 0);
        string.extend_from_slice(&chunk[..end.unwrap_or(len)]);
        if end.is_some() {
            return Some(string);
        }
        if len == 0 {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(files: &Descriptors, pid: u32, fd: i32) -> String {
        let of = files.of(pid);
        String::from_utf8(of.path(fd).unwrap_or(b"-").to_vec()).unwrap()
    }

    #[test]
    fn descriptors_are_followed_through_calls_forks_and_programs() {
        let mut files = Descriptors::default();
        let call = |files: &mut Descriptors, pid, number, args: [u64; 6], result, text: &[u8]| {
            let memory = Memory {
                pieces: vec![(100, text.to_vec())],
            };
            files.enter(pid, number, &args, &memory);
            files.exit(pid, &args, number, result, &memory);
        };
        let at = AT_FDCWD as u64;
        call(
            &mut files,
            1,
            nr::CHDIR,
            [100, 0, 0, 0, 0, 0],
            0,
            b"/usr/./lib/..\0",
        );
        call(
            &mut files,
            1,
            nr::OPENAT,
            [at, 100, 0, 0, 0, 0],
            3,
            b"a//b\0",
        );
        call(
            &mut files,
            1,
            nr::OPENAT,
            [at, 100, O_CLOEXEC.into(), 0, 0, 0],
            4,
            b"/../x\0",
        );
        call(
            &mut files,
            1,
            nr::OPENAT,
            [3, 100, 0, 0, 0, 0],
            -2,
            b"lost\0",
        );
        assert_eq!(path(&files, 1, 3), "/usr/a/b");
        assert_eq!(path(&files, 1, 4), "/x");
        files.fork(1, 2);
        call(&mut files, 2, nr::DUP2, [4, 0, 0, 0, 0, 0], 0, b"");
        call(&mut files, 2, nr::CLOSE, [3, 0, 0, 0, 0, 0], 0, b"");
        call(
            &mut files,
            2,
            nr::EXECVE,
            [100, 0, 0, 0, 0, 0],
            0,
            b"/bin/x\0",
        );
        assert_eq!([0, 3, 4].map(|fd| path(&files, 2, fd)), ["/x", "-", "-"]);
        assert_eq!(path(&files, 1, 3), "/usr/a/b");
        call(
            &mut files,
            1,
            nr::PIPE,
            [100, 0, 0, 0, 0, 0],
            0,
            &[5, 0, 0, 0, 6, 0, 0, 0],
        );
        assert_eq!(
            [5, 6].map(|fd| path(&files, 1, fd)),
            ["pipe:[1]", "pipe:[1]"]
        );
    }
}
