//! Replay tokens at the command line: a run that ends badly prints one, `--replay` runs it again.

use super::options::{Arch, MachineOptions, ReplayOptions};
use super::session::Session;
use super::{Failure, tell};
use crate::fault::Token;
use clap::ValueEnum;
use std::borrow::Cow;

/// A run that was asked for: by options and a shell line, or by a token.
pub struct Asked<'a> {
    machine: Cow<'a, MachineOptions>,
    /// The shell line.
    pub line: String,
    token: Option<Token>,
}

impl<'a> Asked<'a> {
    /// What the options ask for.
    ///
    /// # Errors
    /// The token is none, or is for another shell line than the one given beside it.
    pub fn new(
        machine: &'a MachineOptions,
        again: &ReplayOptions,
        line: &[String],
    ) -> Result<Self, Failure> {
        let line = line.join(" ");
        let Some(text) = again.replay.as_deref() else {
            return Ok(Self {
                machine: Cow::Borrowed(machine),
                line,
                token: None,
            });
        };
        let token =
            Token::decode(text).map_err(|error| Failure::input(format!("--replay: {error}")))?;
        if !line.is_empty() && line != token.line {
            return Err(Failure::input(format!(
                "--replay: the token is of a run of '{}', not of the line given",
                token.line.escape_debug()
            )));
        }
        Ok(Self {
            machine: Cow::Owned(options(machine, &token)?),
            line: token.line.clone(),
            token: Some(token),
        })
    }

    /// The machine's options.
    pub fn machine(&self) -> &MachineOptions {
        &self.machine
    }

    /// The session to run.
    ///
    /// # Errors
    /// As for [`Session::new`], or the token is from other images.
    pub fn session(&self) -> Result<Session<'_>, Failure> {
        let mut session = Session::new(&self.machine, Some(&self.line))?;
        if let Some(token) = &self.token {
            let (kernel, disk) = session.fingerprints()?;
            let other = |what, options| {
                Err(Failure::input(format!(
                    "--replay: the token is from another {what}: give the {options} that it was made with"
                )))
            };
            if kernel != token.kernel {
                return other("kernel", "--kernel and --initrd");
            }
            if disk != token.disk {
                return other("disk image", "--disk and --put");
            }
            session.repeat(token.clone());
        }
        Ok(session)
    }
}

/// The options of the token's run; what only says where images are and what is shown stays as it was given.
fn options(given: &MachineOptions, token: &Token) -> Result<MachineOptions, Failure> {
    let arch = Arch::from_str(token.arch, false).map_err(|_| {
        Failure::input(format!(
            "--replay: the token is for {}, which this glassbox does not have",
            token.arch
        ))
    })?;
    let mut options = given.clone();
    options.arch = arch;
    options.cpus = usize::from(token.cpus);
    options.memory = token.memory;
    options.append = Some(token.append.clone()).filter(|text| !text.is_empty());
    options.seed = token.seed;
    options.max_instructions = token.max_instructions;
    options.hang_after = token.hang_after.unwrap_or(given.hang_after);
    options.rtc = token.calendar.map(|seconds| seconds.to_string());
    options.verbose = token.verbose;
    options.fault = token.faults.iter().map(ToString::to_string).collect();
    Ok(options)
}

/// Says so if a replayed run is not the run that the token is from.
pub fn compare(token: &Token, input: Option<u32>, end: (u64, u32)) {
    let Some(expected) = token.end else {
        return; // it was planned, not run
    };
    if token.input != input {
        tell("glassbox: standard input is not that of the run that the token is from\n");
    } else if expected != end {
        let expected = expected.0;
        tell(format_args!(
            "glassbox: this is not the run that the token is from: it ended after {} instructions, not {expected}\n",
            end.0
        ));
    }
}
