//! What running another program costs: time on the clock and time on the CPUs.
//!
//! CPU time is the better of the two where other programs run beside: it counts the program's own work only.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// What a run has cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Seconds on the clock.
    pub wall: f64,
    /// Seconds of CPU time, the kernel's for it included.
    pub cpu: f64,
}

impl Cost {
    /// Runs `command` with no input and no output and waits for it; it has to end with the status `expected`.
    pub fn of(command: &mut Command, expected: i32) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let before = children()?;
        let begin = Instant::now();
        let output = command
            .stderr(Stdio::piped())
            .output()
            .with_context(|| format!("cannot start {name}"))?;
        let wall = begin.elapsed();
        if output.status.code() != Some(expected) {
            let words = String::from_utf8_lossy(&output.stderr);
            bail!("{name} ended with {}: {}", output.status, words.trim());
        }
        Ok(Self {
            wall: wall.as_secs_f64(),
            cpu: (children()? - before).as_secs_f64(),
        })
    }
}

/// CPU time of all children that were waited for.
fn children() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("getrusage")?;
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

fn duration(time: TimeVal) -> Duration {
    Duration::from_secs(time.tv_sec().unsigned_abs())
        + Duration::from_micros(time.tv_usec().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_cpu_time_and_sleep_does_not() {
        let sh = |script| Cost::of(Command::new("sh").args(["-c", script]), 0).unwrap();
        let work = sh("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done");
        assert!(work.cpu > 0.0 && work.wall > 0.0, "{work:?}");
        let sleep = sh("sleep 0.2");
        assert!(
            sleep.wall >= 0.2 && sleep.cpu < sleep.wall / 2.0,
            "{sleep:?}"
        );
    }

    #[test]
    fn another_status_is_an_error_with_the_programs_words() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no disk >&2; exit 3"]);
        let error = Cost::of(&mut command, 0).unwrap_err().to_string();
        assert!(error.contains("no disk"), "{error}");
        assert!(Cost::of(&mut command, 3).is_ok());
    }
}
