//! Host time of a machine that does nothing: from the program's start to its end after one guest instruction.
//!
//! Memory, disk and kernel are the usual ones, so that this is what every run pays before it begins.

use anyhow::Result;

use super::Subject;
use super::cost::Cost;
use super::prompt;
use super::sample::Samples;

/// The status of a run that has used up its instructions.
const BUDGET: i32 = 123;

/// The bench.
pub fn run(subject: &Subject) -> Result<()> {
    let mut times = Samples::default();
    for _ in 0..subject.repeat {
        let mut command = prompt::glassbox(subject);
        command.args(["--max-instructions", "1"]);
        times.push(Cost::of(&mut command, BUDGET)?.wall * 1e3);
    }
    println!("  one instruction, ms          {times}");
    Ok(())
}
