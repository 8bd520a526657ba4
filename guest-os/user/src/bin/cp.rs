//! cp: copies files and trees.

#![no_std]
#![no_main]

use ulib::prelude::*;
use ulib::sys;
use user::tree::{Copy, landing};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-afprRv] SOURCE... DEST",
    short: "afprRvd",
    long: &[
        ("archive", b'a'),
        ("force", b'f'),
        ("preserve", b'p'),
        ("recursive", b'r'),
        ("verbose", b'v'),
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
    let all = options.has(b'a');
    let recursive = all || options.has(b'r') || options.has(b'R');
    let copy = Copy {
        recursive,
        preserve: all || options.has(b'p'),
        force: options.has(b'f'),
        verbose: options.has(b'v'),
        keep_links: recursive || options.has(b'd'),
    };
    let copied = sources
        .iter()
        .filter(|source| copy.run(source, &landing(source, target, into)));
    i32::from(copied.count() < sources.len())
}
