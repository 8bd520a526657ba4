//! chmod: changes permissions.

#![no_std]
#![no_main]

use ulib::path::join;
use ulib::prelude::*;
use ulib::{fs, mode, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-Rv] MODE FILE...",
    short: "Rvrwxst",
    long: &[("recursive", b'R'), ("verbose", b'v')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    // A mode such as `-x` looks like an option; it is the first argument that is not one of ours.
    let options = Options::parse(args, &SPEC);
    let removal: Vec<u8> = options
        .given
        .iter()
        .map(|(l, _)| *l)
        .filter(|l| !b"Rv".contains(l))
        .collect();
    let mut operands = &options.operands[..];
    let change = if removal.is_empty() {
        let Some((change, rest)) = operands.split_first() else {
            options.mistake(format_args!("missing operand"));
        };
        operands = rest;
        change.to_vec()
    } else {
        [b"-", &removal[..]].concat()
    };
    if operands.is_empty() {
        options.mistake(format_args!("missing operand after '{}'", show(&change)));
    }
    if mode::change(&change, 0, 0).is_none() {
        die!(1, "invalid mode: '{}'", show(&change));
    }
    let umask = sys::umask(0);
    let failed = operands
        .iter()
        .filter(|path| !apply(&options, path, &change, umask))
        .count();
    i32::from(failed > 0)
}

fn apply(options: &Options, path: &[u8], change: &[u8], umask: u32) -> bool {
    let stat = match sys::stat(path) {
        Ok(stat) => stat,
        Err(errno) => {
            warn!("cannot access '{}': {errno}", show(path));
            return false;
        }
    };
    // The change was checked against another mode, and is valid for all or none.
    let wanted = mode::change(change, stat.mode, umask).unwrap_or(stat.mode) & 0o7777;
    if let Err(errno) = sys::chmod(path, wanted) {
        warn!("changing permissions of '{}': {errno}", show(path));
        return false;
    }
    let before = stat.mode & 0o7777;
    if options.has(b'v') {
        match before == wanted {
            true => println!(
                "mode of '{}' retained as {wanted:04o} ({})",
                show(path),
                &mode::text(wanted)[1..]
            ),
            false => println!(
                "mode of '{}' changed from {before:04o} ({}) to {wanted:04o} ({})",
                show(path),
                &mode::text(before)[1..],
                &mode::text(wanted)[1..]
            ),
        }
    }
    if !options.has(b'R') || !stat.is_dir() {
        return true;
    }
    match fs::children(path) {
        Ok(children) => children.iter().fold(true, |done, child| {
            let below = join(path, &child.name);
            let is_link = sys::lstat(&below).is_ok_and(|stat| stat.is_symlink());
            (is_link || apply(options, &below, change, umask)) && done
        }),
        Err(errno) => {
            warn!("cannot read directory '{}': {errno}", show(path));
            false
        }
    }
}
