//! `glassbox run`: one shell line in the guest, its output here, its exit status ours.

use super::options::RunOptions;
use super::session::Session;
use super::{Failure, stdin};
use machine::Outcome;
use std::io::{ErrorKind, Write};

/// The status of a program that a closed pipe ended (128 + SIGPIPE).
const BROKEN_PIPE: u8 = 141;

/// Console ports of the guest's standard streams, in the order of `abi::boot::STDIO_PORTS`, which begin at port 1.
pub const STDIN: u32 = 1;
/// Standard output.
pub const STDOUT: u32 = 2;
/// Standard error.
pub const STDERR: u32 = 3;

/// Runs the command.
pub fn run(options: &RunOptions) -> Result<u8, Failure> {
    let mut session = Session::new(&options.machine, Some(&options.line.join(" ")))?;
    match drive(&mut session) {
        Ok(outcome) => session.finish(&outcome),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(BROKEN_PIPE),
        Err(e) => Err(Failure::input(format!("standard output: {e}"))),
    }
}

/// Runs a session to its end with the guest's standard streams on ours.
pub fn drive(session: &mut Session<'_>) -> std::io::Result<Outcome> {
    loop {
        let outcome = session.advance(false);
        forward(session)?;
        match outcome {
            None => {}
            Some(Outcome::Input { port, capacity }) => {
                let data = if port == STDIN {
                    stdin::portion(capacity)
                } else {
                    Vec::new()
                };
                session.machine.supply(port, &data);
            }
            Some(outcome) => return Ok(outcome),
        }
    }
}

/// Passes on what the guest wrote.
fn forward(session: &mut Session<'_>) -> std::io::Result<()> {
    let verbose = session.verbose();
    let chips = &mut session.machine.board.chips;
    let log = chips.com1.take_output();
    if verbose && !log.is_empty() {
        std::io::stderr().lock().write_all(&log)?;
    }
    let output = chips.take_port_output(STDOUT);
    if !output.is_empty() {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(&output)?;
        stdout.flush()?;
    }
    let errors = chips.take_port_output(STDERR);
    if !errors.is_empty() {
        std::io::stderr().lock().write_all(&errors)?;
    }
    Ok(())
}
