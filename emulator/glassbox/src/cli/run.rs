//! `glassbox run`: one shell line in the guest, its output here, its exit status ours.

use super::options::RunOptions;
use super::replay::Asked;
use super::session::Session;
use super::{Failure, stdin};
use base::{Observer, Silent};
use machine::Outcome;
use std::io::{ErrorKind, Write};

/// The status of a program that a closed pipe ended (128 + SIGPIPE).
const BROKEN_PIPE: u8 = 141;

/// The console port of the guest's standard input.
pub const STDIN: u32 = 1;

/// Runs the command.
pub fn run(options: &RunOptions) -> Result<u8, Failure> {
    let asked = Asked::new(&options.machine, &options.again, &options.line)?;
    let mut session = asked.session()?;
    match drive(&mut session, &mut Silent) {
        Ok(outcome) => session.finish(&outcome),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(BROKEN_PIPE),
        Err(e) => Err(Failure::input(format!("standard output: {e}"))),
    }
}

/// Runs a session to its end with the guest's standard streams on ours.
pub fn drive<O: Observer>(session: &mut Session<'_>, observer: &mut O) -> std::io::Result<Outcome> {
    drive_with(session, observer, stdin::portion)
}

/// The same with a standard input that gives at most so many bytes when asked, none meaning the end.
pub fn drive_with<O: Observer>(
    session: &mut Session<'_>,
    observer: &mut O,
    mut input: impl FnMut(usize) -> Vec<u8>,
) -> std::io::Result<Outcome> {
    loop {
        let outcome = session.advance(false, observer);
        forward(session)?;
        match outcome {
            None => {}
            Some(Outcome::Input { port, capacity }) => {
                let data = if port == STDIN {
                    input(capacity)
                } else {
                    Vec::new()
                };
                session.supply(port, &data);
            }
            Some(outcome) => return Ok(outcome),
        }
    }
}

/// Passes on what the guest wrote.
fn forward(session: &mut Session<'_>) -> std::io::Result<()> {
    let output = session.machine.board.chips.take_output();
    if session.verbose() && !output.serial.is_empty() {
        std::io::stderr().lock().write_all(&output.serial)?;
    }
    let [.., out, err] = &output.ports;
    if !out.is_empty() {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(out)?;
        stdout.flush()?;
    }
    if !err.is_empty() {
        std::io::stderr().lock().write_all(err)?;
    }
    Ok(())
}
