//! How much of the host a sandboxed command may use. Limits of the kernel (setrlimit(2)) hold for each
//! process, except that of processes, which holds for all of them together; the clock and the sums of
//! memory and disk are watched from outside.

use std::process::Command;

use anyhow::{Context, Result};
use nix::sys::resource::{Resource, setrlimit};

/// The limits, with values for a build of the kernel.
#[derive(clap::Args, Debug, Clone)]
pub struct Limits {
    /// Seconds of CPU time for each process
    #[arg(long, default_value_t = 60)]
    pub cpu_seconds: u64,
    /// Seconds on the clock for everything
    #[arg(long, default_value_t = 600)]
    pub seconds: u64,
    /// MiB of address space for each process, and of memory for all together
    #[arg(long, default_value_t = 4096)]
    pub memory_mib: u64,
    /// MiB of disk for all files together; they are kept in memory
    #[arg(long, default_value_t = 1024)]
    pub disk_mib: u64,
    /// MiB of the longest file
    #[arg(long, default_value_t = 512)]
    pub file_mib: u64,
    /// Processes and threads
    #[arg(long, default_value_t = 128)]
    pub processes: u64,
}

impl Limits {
    /// The default values.
    pub fn for_a_build() -> Self {
        Self {
            cpu_seconds: 60,
            seconds: 600,
            memory_mib: 4096,
            disk_mib: 1024,
            file_mib: 512,
            processes: 128,
        }
    }

    /// As options of the subcommand.
    pub fn to_arguments(&self, command: &mut Command) {
        for (name, value) in [
            ("--cpu-seconds", self.cpu_seconds),
            ("--seconds", self.seconds),
            ("--memory-mib", self.memory_mib),
            ("--disk-mib", self.disk_mib),
            ("--file-mib", self.file_mib),
            ("--processes", self.processes),
        ] {
            command.arg(name).arg(value.to_string());
        }
    }

    /// Sets the kernel's limits on this process and all that it will start.
    pub fn impose(&self) -> Result<()> {
        for (resource, limit) in [
            (Resource::RLIMIT_CPU, self.cpu_seconds),
            (Resource::RLIMIT_AS, self.memory_mib << 20),
            (Resource::RLIMIT_FSIZE, self.file_mib << 20),
            (Resource::RLIMIT_NPROC, self.processes),
            (Resource::RLIMIT_NOFILE, 1024),
            (Resource::RLIMIT_CORE, 0),
        ] {
            // Beyond a process's first limit of time there is a signal that says why, beyond the second its end.
            let hard = limit + u64::from(resource == Resource::RLIMIT_CPU);
            setrlimit(resource, limit, hard).with_context(|| format!("{resource:?}"))?;
        }
        Ok(())
    }
}
