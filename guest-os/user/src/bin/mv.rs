//! mv: renames files; between file systems it copies and removes.

#![no_std]
#![no_main]

use abi::fcntl::W_OK;
use ulib::prelude::*;
use ulib::{fs, io, sys, term};
use user::tree::{Copy, landing};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-finv] SOURCE... DEST",
    short: "finv",
    long: &[
        ("force", b'f'),
        ("no-clobber", b'n'),
        ("verbose", b'v'),
        ("interactive", b'i'),
    ],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let (sources, target) = match &options.operands[..] {
        [] => options.mistake(format_args!("missing file operand")),
        [only] => options.mistake(format_args!(
            "missing destination file operand after '{}'",
            show(only)
        )),
        [sources @ .., target] => (sources, *target),
    };
    let into = sys::stat(target).is_ok_and(|stat| stat.is_dir());
    if sources.len() > 1 && !into {
        die!(1, "target '{}' is not a directory", show(target));
    }
    let mut status = 0;
    for source in sources {
        let to = landing(source, target, into);
        if !wanted(&options, &to) {
            continue;
        }
        if options.has(b'v') {
            println!("renamed '{}' -> '{}'", show(source), show(&to));
        }
        if !move_one(source, &to) {
            status = 1;
        }
    }
    status
}

/// Is an existing destination to be replaced? At a terminal, one that is read-only is asked about.
fn wanted(options: &Options, to: &[u8]) -> bool {
    let Ok(stat) = sys::lstat(to) else {
        return true;
    };
    match options.last_of(b"fin") {
        Some(b'n') => false,
        Some(b'f') => true,
        Some(_) => ask(to),
        None if !stat.is_symlink() && sys::access(to, W_OK).is_err() => {
            !term::is_terminal(io::STDIN) || ask(to)
        }
        None => true,
    }
}

fn ask(to: &[u8]) -> bool {
    eprint!("mv: overwrite '{}'? ", show(to));
    let mut answer = Vec::new();
    let answered = io::Reader::new(io::STDIN).read_line(&mut answer);
    answered.is_ok() && matches!(answer.first(), Some(b'y' | b'Y'))
}

fn move_one(from: &[u8], to: &[u8]) -> bool {
    let same = |a: &[u8], b: &[u8]| match (sys::lstat(a), sys::lstat(b)) {
        (Ok(a), Ok(b)) => (a.dev, a.ino) == (b.dev, b.ino),
        _ => false,
    };
    if same(from, to) {
        warn!("'{}' and '{}' are the same file", show(from), show(to));
        return false;
    }
    match sys::rename(from, to, 0) {
        Ok(()) => true,
        Err(Errno::EXDEV) => {
            let copy = Copy {
                recursive: true,
                preserve: true,
                keep_links: true,
                ..Copy::default()
            };
            if !copy.run(from, to) {
                return false;
            }
            match fs::remove_tree(from) {
                Ok(()) => true,
                Err(errno) => {
                    warn!("cannot remove '{}': {errno}", show(from));
                    false
                }
            }
        }
        Err(Errno::ENOENT) if sys::lstat(from).is_err() => {
            warn!("cannot stat '{}': {}", show(from), Errno::ENOENT);
            false
        }
        Err(Errno::ENOTDIR) if sys::stat(to).is_ok_and(|stat| !stat.is_dir()) => {
            warn!(
                "cannot overwrite non-directory '{}' with directory '{}'",
                show(to),
                show(from)
            );
            false
        }
        Err(errno) => {
            warn!("cannot move '{}' to '{}': {errno}", show(from), show(to));
            false
        }
    }
}
