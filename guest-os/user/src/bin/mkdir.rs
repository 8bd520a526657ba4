//! mkdir: makes directories.

#![no_std]
#![no_main]

use ulib::path::dir_name;
use ulib::prelude::*;
use ulib::{mode, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-pv] [-m MODE] DIRECTORY...",
    short: "pvm:",
    long: &[("parents", b'p'), ("verbose", b'v'), ("mode", b'm')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    options.expect_operands(1, usize::MAX);
    let wanted = options.parsed(b'm', "mode", |text| mode::change(text, 0o777, 0));
    let mut status = 0;
    for path in &options.operands {
        let made = if options.has(b'p') {
            make_parents(&options, path)
        } else {
            make(&options, path)
        };
        let made = made.and_then(|()| match wanted {
            Some(mode) => sys::chmod(path, mode),
            None => Ok(()),
        });
        if let Err(errno) = made {
            warn!("cannot create directory '{}': {errno}", show(path));
            status = 1;
        }
    }
    status
}

fn make(options: &Options, path: &[u8]) -> sys::Result<()> {
    sys::mkdir(path, 0o777)?;
    if options.has(b'v') {
        println!("mkdir: created directory '{}'", show(path));
    }
    Ok(())
}

/// Makes a directory and those above it; one that exists is fine.
fn make_parents(options: &Options, path: &[u8]) -> sys::Result<()> {
    match make(options, path) {
        Err(Errno::ENOENT) if dir_name(path) != path && dir_name(path) != b"." => {
            make_parents(options, dir_name(path))?;
            make(options, path)
        }
        Err(Errno::EEXIST) if sys::stat(path).is_ok_and(|stat| stat.is_dir()) => Ok(()),
        made => made,
    }
}
