//! What seeing inside costs: while nobody looks ([`off`]), while everything is recorded ([`record`]), and what it costs
//! elsewhere ([`qemu`]).

pub mod off;
pub mod qemu;
pub mod record;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::Subject;

/// Events of the kernel's and of its processes': system calls, traps, switches, the scheduler's decisions, disk.
pub const KERNEL: &str = "event=syscall,trap,sched,block,process";
/// Everything that happens, page walks and device registers included.
pub const ALL: &str = "event=all";
/// The same and each instruction.
pub const INSTRUCTIONS: &str = "event=all,instruction";

/// The line that a boot ends with.
const LINE: &str = "ls /";

/// The guest's programs that the time of recording is taken on: its benches, and the tests of every system call.
fn mix(subject: &Subject) -> Result<Vec<String>> {
    let mut programs = subject.programs()?;
    programs.retain(|name| name.starts_with(super::mips::PREFIX) || name == "usertests");
    Ok(programs)
}

/// A file that goes away with this value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(subject: &Subject, name: &str) -> Result<Self> {
        let folder = subject.layout.notes();
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        Ok(Self(folder.join(name)))
    }

    /// Its size in millions of bytes.
    fn megabytes(&self) -> Result<f64> {
        let data = fs::metadata(&self.0).with_context(|| self.0.display().to_string())?;
        Ok(data.len() as f64 / 1e6)
    }

    /// The path as an argument.
    fn argument(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.0);
    }
}

/// What is said of a value that has a limit.
fn verdict(value: f64, limit: f64) -> String {
    if value <= limit {
        format!("at most {limit}")
    } else {
        format!("MORE THAN {limit}")
    }
}
