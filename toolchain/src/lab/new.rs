//! `cargo xtask lab new`: a folder to begin a lab with.

use anyhow::{Result, bail};

use super::definition::is_plain_name;
use crate::layout::{Layout, write_whole};

const LAB: &str = r#"# What is judged in this lab. Students do not need to read it: the handout says what counts.
[lab]
name = "NAME"
title = "What it is about"
# Files that a submission may touch, as patterns: `*` stays in a folder, `**` crosses folders.
open = ["guest-os/kernel/src/syscall/*.rs"]
seed = 1

[machine]
# arch = "riscv64"
memory = "64M"
instructions = 200000000

[[test]]
name = "says-the-word"
points = 10
feedback = "What a student should think of when this fails."
random = { prog = "word", word = "word" }
put = { "/bin/{prog}" = "example" }
run = "{prog} {word}"

# labs/README.md lists what a check can look at.
[[test.check]]
output = "{word}\n"
"#;

const PROGRAM: &str = r#"//! example WORD: a trusted test program; says the word if all is as it should be.

#![no_std]
#![no_main]

use ulib::prelude::*;

ulib::main!(main);

fn main(args: &ulib::Args) -> i32 {
    let [_, word] = args else {
        die!(1, "usage: example WORD");
    };
    println!("{}", show(word));
    0
}
"#;

const HANDOUT: &str = "# What it is about

What to do, which files are open, how it is judged, hints, how to try it by hand.
";

/// The subcommand.
pub fn run(layout: &Layout, name: &str) -> Result<()> {
    if !is_plain_name(name) {
        bail!("`{name}` is no name for a lab: small letters, digits and `-`, a letter first");
    }
    let folder = layout.labs().join(name);
    if folder.exists() {
        bail!("{} exists", folder.display());
    }
    for (file, text) in [
        ("lab.toml", LAB),
        ("programs/example.rs", PROGRAM),
        ("README.md", HANDOUT),
        ("starter.patch", ""),
        ("reference.patch", ""),
    ] {
        write_whole(&folder.join(file), text.replace("NAME", name).as_bytes())?;
    }
    println!("{} is there to be filled in", folder.display());
    Ok(())
}
