//! rm: removes files and trees.

#![no_std]
#![no_main]

use abi::fcntl::W_OK;
use ulib::path::{base_name, join};
use ulib::prelude::*;
use ulib::{fs, io, sys, term};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-dfirRv] FILE...",
    short: "dfirRv",
    long: &[
        ("dir", b'd'),
        ("force", b'f'),
        ("recursive", b'r'),
        ("verbose", b'v'),
    ],
    trouble: 1,
};

struct Remover {
    options: Options,
    status: i32,
}

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    if options.operands.is_empty() && !options.has(b'f') {
        options.mistake(format_args!("missing operand"));
    }
    let operands = options.operands.clone();
    let mut remover = Remover { options, status: 0 };
    for path in operands {
        if remover.recursive() && matches!(base_name(path), b"." | b"..") {
            warn!(
                "refusing to remove '.' or '..' directory: skipping '{}'",
                show(path)
            );
            remover.status = 1;
        } else if path.iter().all(|b| *b == b'/') && !path.is_empty() {
            warn!("it is dangerous to operate recursively on '/'");
            remover.status = 1;
        } else {
            remover.remove(path);
        }
    }
    remover.status
}

impl Remover {
    fn has(&self, letter: u8) -> bool {
        self.options.has(letter)
    }

    fn recursive(&self) -> bool {
        self.has(b'r') || self.has(b'R')
    }

    fn fail(&mut self, path: &[u8], errno: Errno) -> bool {
        warn!("cannot remove '{}': {errno}", show(path));
        self.status = 1;
        false
    }

    fn remove(&mut self, path: &[u8]) -> bool {
        let stat = match sys::lstat(path) {
            Ok(stat) => stat,
            Err(Errno::ENOENT | Errno::ENOTDIR) if self.has(b'f') => return true,
            Err(errno) => return self.fail(path, errno),
        };
        let recursive = self.recursive();
        if stat.is_dir() && !recursive && !self.has(b'd') {
            return self.fail(path, Errno::EISDIR);
        }
        if stat.is_dir() && recursive {
            match fs::children(path) {
                Ok(children) => {
                    for child in children {
                        self.remove(&join(path, &child.name));
                    }
                }
                Err(errno) => return self.fail(path, errno),
            }
        }
        let protected = !stat.is_symlink() && sys::access(path, W_OK).is_err();
        let asked = self.options.last_of(b"fi");
        let ask = match asked {
            Some(letter) => letter == b'i',
            None => protected && term::is_terminal(io::STDIN),
        };
        if ask && !confirmed(path, stat.is_dir()) {
            return false;
        }
        let removed = if stat.is_dir() {
            sys::rmdir(path)
        } else {
            sys::unlink(path)
        };
        if let Err(errno) = removed {
            return self.fail(path, errno);
        }
        if self.has(b'v') {
            println!(
                "removed {}'{}'",
                if stat.is_dir() { "directory " } else { "" },
                show(path)
            );
        }
        true
    }
}

fn confirmed(path: &[u8], is_dir: bool) -> bool {
    eprint!(
        "rm: remove {} '{}'? ",
        if is_dir { "directory" } else { "file" },
        show(path)
    );
    let mut answer = Vec::new();
    let answered = io::Reader::new(io::STDIN).read_line(&mut answer);
    answered.is_ok() && matches!(answer.first(), Some(b'y' | b'Y'))
}
