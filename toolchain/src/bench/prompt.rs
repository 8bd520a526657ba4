//! Host time from start to first serial output and to the shell's prompt: ours against QEMU's, on
//! the same kernel and disk.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::sample::Samples;
use super::{Subject, peer};

/// The shell's prompt at the beginning of a line.
const PROMPT: &[u8] = b"\n$ ";

/// Memory of the machines.
pub const MEMORY_MIB: u32 = 128;

/// The bench.
pub fn run(subject: &Subject) -> Result<()> {
    peer::is_there(subject.arch)?;
    let mut first = Samples::default();
    let (mut ours, mut peers) = (Samples::default(), Samples::default());
    for _ in 0..subject.repeat {
        let times = boot(&mut glassbox(subject))?;
        first.push(times.first * 1e3);
        ours.push(times.prompt * 1e3);
        peers.push(boot(&mut peer::boot(subject, ""))?.prompt * 1e3);
    }
    println!("  glassbox, first output, ms   {first}");
    println!("  glassbox, prompt, ms         {ours}");
    println!(
        "  {:<28} {peers}",
        format!("{}, prompt, ms", peer::name(subject.arch))
    );
    println!("  glassbox / qemu              {}", ours.over(&peers));
    Ok(())
}

/// The emulator, booting to its prompt on a pipe.
pub fn glassbox(subject: &Subject) -> Command {
    let mut command = Command::new(&subject.glassbox);
    command
        .args([
            "boot",
            "--arch",
            subject.arch.name(),
            "--cpus",
            "1",
            "--pace",
            "fast",
            "--memory",
        ])
        .arg(format!("{MEMORY_MIB}M"));
    command
        .arg("--kernel")
        .arg(subject.images.join("kernel.elf"));
    command.arg("--disk").arg(subject.images.join("fs.img"));
    command
}

/// Seconds of one boot.
pub struct Times {
    pub first: f64,
    pub prompt: f64,
}

/// Boots, measures, and ends the machine.
fn boot(command: &mut Command) -> Result<Times> {
    let (mut child, times) = start(command)?;
    child.kill()?;
    child.wait()?;
    Ok(times)
}

/// Starts a machine and returns it when it shows its prompt.
pub fn start(command: &mut Command) -> Result<(Child, Times)> {
    let name = command.get_program().to_string_lossy().into_owned();
    let begin = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let mut output = child
        .stdout
        .take()
        .context("the machine has no standard output")?;
    // A prompt on the very first line counts too.
    let mut seen = b"\n".to_vec();
    let mut first = None;
    let mut chunk = [0; 4096];
    while !seen.windows(PROMPT.len()).any(|window| window == PROMPT) {
        let count = output.read(&mut chunk)?;
        if count == 0 {
            let status = child.wait()?;
            bail!(
                "{name} ended without a prompt ({status}): {}",
                String::from_utf8_lossy(&seen).trim()
            );
        }
        first.get_or_insert_with(|| begin.elapsed().as_secs_f64());
        seen.extend(chunk[..count].iter().filter(|&&byte| byte != b'\r'));
    }
    // The pipe stays open: a machine that cannot write would end for that reason.
    child.stdout = Some(output);
    let prompt = begin.elapsed().as_secs_f64();
    Ok((
        child,
        Times {
            first: first.unwrap_or(prompt),
            prompt,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_at_its_prompt_when_a_line_begins_with_it() {
        let script = "printf 'Silica costs 5$ a copy\\r\\n'; printf '$ '; exec sleep 600";
        let (mut child, times) = start(Command::new("sh").args(["-c", script])).unwrap();
        assert!(times.first <= times.prompt);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_machine_that_ends_early_is_an_error_with_its_last_words() {
        let error = start(Command::new("sh").args(["-c", "echo no disk"]))
            .err()
            .unwrap();
        assert!(error.to_string().contains("no disk"), "{error}");
    }
}
