//! Host memory at the guest's prompt: all of it, and what is left without the pages that the guest
//! itself has touched.

use anyhow::{Context, Result};

use super::Subject;
use super::counters::Counters;
use super::prompt;
use super::sample::Samples;

/// The bench.
pub fn run(subject: &Subject) -> Result<()> {
    let touched =
        Counters::of(subject, "true")?.number("memory.touched_bytes")? / f64::from(1 << 20);
    let (mut all, mut own) = (Samples::default(), Samples::default());
    for _ in 0..subject.repeat {
        let (mut child, _) = prompt::start(&mut prompt::glassbox(subject))?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        child.kill()?;
        child.wait()?;
        let peak = peak_kib(&status?).context("/proc/<pid>/status has no VmHWM")? / 1024.0;
        all.push(peak);
        own.push(peak - touched);
    }
    println!("  at the prompt, MiB           {all}");
    println!("  beyond what guest touched    {own}");
    Ok(())
}

/// The highest resident set so far (proc(5), `VmHWM`).
fn peak_kib(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_the_kernels_report() {
        assert_eq!(
            peak_kib("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"),
            Some(2048.0)
        );
        assert_eq!(peak_kib("Name:\tx\n"), None);
    }
}
