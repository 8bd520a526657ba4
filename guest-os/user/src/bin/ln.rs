//! ln: makes links.

#![no_std]
#![no_main]

use ulib::prelude::*;
use ulib::sys;
use user::tree::landing;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-fnsv] TARGET... LINK",
    short: "fnsv",
    long: &[
        ("force", b'f'),
        ("no-dereference", b'n'),
        ("symbolic", b's'),
        ("verbose", b'v'),
    ],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let (targets, link) = match &options.operands[..] {
        [] => options.mistake(format_args!("missing file operand")),
        [only] => (core::slice::from_ref(only), &b"."[..]),
        [targets @ .., link] => (targets, *link),
    };
    let stat = if options.has(b'n') {
        sys::lstat(link)
    } else {
        sys::stat(link)
    };
    let into = stat.is_ok_and(|stat| stat.is_dir());
    if targets.len() > 1 && !into {
        die!(1, "target '{}' is not a directory", show(link));
    }
    let mut status = 0;
    for target in targets {
        let new = landing(target, link, into);
        let symbolic = options.has(b's');
        let make = || {
            if symbolic {
                sys::symlink(target, &new)
            } else {
                sys::link(target, &new, 0)
            }
        };
        let made = match make() {
            Err(Errno::EEXIST) if options.has(b'f') => sys::unlink(&new).and_then(|()| make()),
            made => made,
        };
        let kind = if symbolic { "symbolic" } else { "hard" };
        match made {
            Ok(()) if options.has(b'v') => println!("'{}' -> '{}'", show(&new), show(target)),
            Ok(()) => {}
            Err(errno) => {
                status = 1;
                match sys::lstat(target) {
                    Err(missing) if !symbolic => {
                        warn!("failed to access '{}': {missing}", show(target));
                    }
                    _ => warn!("failed to create {kind} link '{}': {errno}", show(&new)),
                }
            }
        }
    }
    status
}
