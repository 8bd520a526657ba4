//! `cargo xtask tidy`: the rules of the house that the compiler does not check.
//!
//! A rule is one file with one function from the [`Tree`] to its [`Finding`]s, and with a test that
//! sees it fail. The tables of what is allowed are data at the head of each file: whoever needs a
//! new edge or a new room for unsafe code changes a table there, in plain sight.

mod blank;
mod determinism;
mod edges;
mod header;
mod isa;
mod length;
mod licences;
mod modules;
mod safety;
mod source;
mod unsafe_rooms;

use anyhow::{Result, bail};

use crate::layout::Layout;
use source::{Finding, Tree};

/// A rule's function.
type Rule = fn(&Tree) -> Vec<Finding>;

/// What is checked, in the order of the report.
const RULES: [(&str, Rule); 9] = [
    ("packages use only what their layer may", edges::check),
    ("modules of glassbox use only what they may", modules::check),
    ("unsafe code stays in its rooms", unsafe_rooms::check),
    ("unsafe code says why it is sound", safety::check),
    ("the emulator is deterministic", determinism::check),
    ("the kernel names its ISA only in arch/", isa::check),
    ("files say what they are", header::check),
    ("files are not too long", length::check),
    ("licences are compatible", licences::check),
];

/// The subcommand.
pub fn run(layout: &Layout) -> Result<()> {
    let tree = Tree::read(layout)?;
    let mut count = 0;
    for (name, rule) in RULES {
        let findings = rule(&tree);
        println!(
            "{} {name}",
            if findings.is_empty() { "ok  " } else { "FAIL" }
        );
        for finding in &findings {
            println!("     {finding}");
        }
        count += findings.len();
    }
    match count {
        0 => Ok(()),
        1 => bail!("tidy has found 1 thing to mend"),
        _ => bail!("tidy has found {count} things to mend"),
    }
}
