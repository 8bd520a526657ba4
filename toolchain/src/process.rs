//! Starting other programs, and what this program's own exit status says.
//!
//! 0 done · 1 a step failed (its own words are above ours) · 2 wrong usage · 125 the host lacks
//! something that could not be installed ([`HostLacks`]).

use std::fmt;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The host lacks something; the text says what to install.
#[derive(Debug)]
pub struct HostLacks(pub String);

impl fmt::Display for HostLacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HostLacks {}

/// A failure whose report has already been printed, so that the report's last line stays the last.
#[derive(Debug, Default)]
pub struct Reported {
    /// The exit status; 0 means that of any other failure.
    status: u8,
}

impl Reported {
    /// The failure of another program, whose status shall be ours.
    pub fn with_status(status: i32) -> anyhow::Error {
        let status = u8::try_from(status).unwrap_or(1);
        Self { status }.into()
    }
}

impl fmt::Display for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("see above")
    }
}

impl std::error::Error for Reported {}

/// The exit status that belongs to `error`.
pub fn exit_status(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Reported>() {
        Some(reported) => reported.status.max(1),
        None if error.is::<HostLacks>() => 125,
        None => 1,
    }
}

/// Ends the program without a word when its output goes nowhere any more, as in `cargo xtask lab list | head -n 1`, with
/// the status that SIGPIPE gives others. Rust ignores that signal, and `println!` panics instead.
pub fn leave_quietly_when_nobody_reads() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload().downcast_ref::<String>();
        let message = message.map(String::as_str).unwrap_or_default();
        if message.starts_with("failed printing to stdout") && message.contains("Broken pipe") {
            std::process::exit(128 + 13);
        }
        usual(panic);
    }));
}

/// Says what is going on. Progress is for people, so it goes to stderr.
pub fn progress(line: impl fmt::Display) {
    eprintln!("xtask: {line}");
}

/// Runs `command` on our own terminal. An error names `what`, not the command's reasons: those it
/// has printed itself.
pub fn run(command: &mut Command, what: &str) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    if !status.success() {
        bail!("{what} failed ({status})");
    }
    Ok(())
}

/// Runs `command` and returns what it prints on standard output; its standard error stays ours.
pub fn capture(command: &mut Command, what: &str) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| cannot_start(command))?;
    if !output.status.success() {
        bail!("{what} failed ({})", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{what}: the output is not text"))
}

/// Runs `command` silently and says whether it succeeded within `limit`; it is killed otherwise.
/// For questions to the network, which may take for ever to answer.
pub fn succeeds_within(command: &mut Command, limit: Duration) -> bool {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if start.elapsed() < limit => std::thread::sleep(Duration::from_millis(50)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

/// Runs `command`, showing each line of its standard output as it comes and returning all of them.
/// The second value says whether the command succeeded.
pub fn tee(command: &mut Command) -> Result<(String, bool)> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| cannot_start(command))?;
    let mut output = BufReader::new(child.stdout.take().context("the child has no output")?);
    let (mut seen, mut line) = (String::new(), Vec::new());
    while output.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        print!("{text}");
        seen += &text;
        line.clear();
    }
    Ok((seen, child.wait()?.success()))
}

/// Becomes `command`: it gets our terminal, our signals and our process id. Returns only to say
/// why that was impossible.
pub fn become_command(command: &mut Command) -> anyhow::Error {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    anyhow::Error::new(error).context(cannot_start(command))
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start {}", command.get_program().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_is_named_by_its_purpose() {
        let error = run(&mut Command::new("false"), "building the moon").unwrap_err();
        assert!(
            error.to_string().starts_with("building the moon failed"),
            "{error}"
        );
        assert_eq!(exit_status(&error), 1);
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("/no/such/program"), "anything").unwrap_err();
        assert!(error.to_string().contains("/no/such/program"), "{error}");
    }

    #[test]
    fn a_command_that_never_answers_is_given_up() {
        let limit = Duration::from_millis(100);
        assert!(!succeeds_within(Command::new("sleep").arg("600"), limit));
        assert!(succeeds_within(
            &mut Command::new("true"),
            Duration::from_secs(60)
        ));
    }

    #[test]
    fn what_a_command_prints_is_returned_as_well_as_shown() {
        let (text, ok) = tee(Command::new("echo").arg("seen")).unwrap();
        assert_eq!((text.as_str(), ok), ("seen\n", true));
    }

    #[test]
    fn a_lack_of_the_host_has_its_own_exit_status() {
        let error = anyhow::Error::new(HostLacks("install it".into()));
        assert_eq!(exit_status(&error), 125);
    }
}
