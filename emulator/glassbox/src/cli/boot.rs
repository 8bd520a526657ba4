//! `glassbox boot`: the guest's console on this terminal.
//!
//! On a terminal, keys arrive when the user presses them, and idle time is held back to the wall clock (*pace*). With
//! input from a file or pipe there is no clock: the next line is handed in whenever the guest is idle, so that such a
//! run repeats exactly.

use super::Failure;
use super::keys::{HELP, Key, Keys};
use super::options::{BootOptions, Pace};
use super::session::Session;
use super::terminal::Raw;
use base::{Silent, Time};
use machine::{Hang, Outcome};
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How often the wall clock is looked at while waiting, so that a signal is seen.
const GLANCE: Duration = Duration::from_millis(50);

/// Virtual time until the next event from which on the guest counts as waiting for input from a pipe.
const PATIENCE: Time = Time::millis(500);

/// Runs the command.
pub fn boot(options: &BootOptions) -> Result<u8, Failure> {
    let mut session = Session::new(&options.machine, None)?;
    let mut raw = Raw::enter().map_err(|e| Failure::input(format!("the terminal: {e}")))?;
    let host = |e: std::io::Error| Failure::input(format!("the terminal: {e}"));
    let outcome = if raw.is_terminal() {
        interactive(&mut session, &raw, options.pace == Pace::Real).map_err(host)?
    } else {
        scripted(&mut session, &raw).map_err(host)?
    };
    raw.restore();
    if let Some(signal) = raw.signal() {
        // Ended by a signal: end as everybody expects of one who was.
        let _ = signal_hook::low_level::emulate_default_handler(signal);
    }
    match outcome {
        Some(outcome) => session.finish(&outcome),
        None => session.finish(&Outcome::TimeUp),
    }
}

/// The bytes that wait for room in the serial port.
#[derive(Default)]
struct Typed(VecDeque<u8>);

impl Typed {
    /// Hands in as much as there is room for; whether that was anything.
    fn push(&mut self, session: &mut Session<'_>) -> bool {
        let room = session
            .machine
            .board
            .chips
            .com1
            .input_space()
            .min(self.0.len());
        if room > 0 {
            let bytes: Vec<u8> = self.0.drain(..room).collect();
            session.machine.type_in(&bytes);
        }
        room > 0
    }
}

fn forward(session: &mut Session<'_>) -> std::io::Result<()> {
    let output = session.machine.board.chips.take_output().serial;
    if !output.is_empty() {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(&output)?;
        stdout.flush()?;
    }
    Ok(())
}

/// At a terminal. `None`: the user left.
fn interactive(
    session: &mut Session<'_>,
    raw: &Raw,
    real: bool,
) -> std::io::Result<Option<Outcome>> {
    let input = keyboard();
    let mut keys = Keys::default();
    let mut typed = Typed::default();
    let mut anchor = (Instant::now(), session.machine.now());
    loop {
        let outcome = session.advance(true, &mut Silent);
        forward(session)?;
        if raw.signal().is_some() {
            return Ok(None);
        }
        let mut news: Vec<u8> = input.try_iter().flatten().collect();
        match outcome {
            None => {}
            Some(Outcome::Idle { next }) => {
                if news.is_empty() && typed.0.is_empty() {
                    let until = match (real, next) {
                        (false, Some(_)) => Some(Instant::now()),
                        (_, next) => {
                            next.map(|t| anchor.0 + Duration::from_nanos((t - anchor.1).0))
                        }
                    };
                    match wait(&input, until, raw) {
                        Waited::Typed(bytes) => news = bytes,
                        Waited::TimeUp => {}
                        Waited::Signal => return Ok(None),
                        Waited::Closed if next.is_none() => {
                            return Ok(Some(Outcome::Hang(Hang::AllHalted)));
                        }
                        Waited::Closed => {}
                    }
                }
                // Virtual time follows the wall clock up to the next deadline, or lands on it.
                let wall = anchor.1 + Time(anchor.0.elapsed().as_nanos() as u64);
                let limit = next.unwrap_or(Time::NEVER);
                let reached = if news.is_empty() && typed.0.is_empty() {
                    limit
                } else {
                    wall.min(limit)
                };
                if reached != Time::NEVER {
                    session.machine.pass_idle(reached);
                }
            }
            Some(Outcome::Input { port, .. }) => session.machine.supply(port, &[]),
            Some(outcome) => return Ok(Some(outcome)),
        }
        // A guest that is slower than the clock does not catch up later.
        if anchor.1 + Time(anchor.0.elapsed().as_nanos() as u64) > session.machine.now() {
            anchor = (Instant::now(), session.machine.now());
        }
        let mut guest = Vec::new();
        for key in keys.take(&news, &mut guest) {
            match key {
                Key::Leave => return Ok(None),
                Key::Help => std::io::stdout().write_all(HELP.as_bytes())?,
            }
        }
        std::io::stdout().flush()?;
        typed.0.extend(guest);
        typed.push(session);
    }
}

enum Waited {
    Typed(Vec<u8>),
    TimeUp,
    Signal,
    Closed,
}

/// Waits for keys until `until`, or for ever.
fn wait(input: &Receiver<Vec<u8>>, until: Option<Instant>, raw: &Raw) -> Waited {
    loop {
        let left = until.map(|t| t.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Waited::TimeUp;
        }
        match input.recv_timeout(left.unwrap_or(GLANCE).min(GLANCE)) {
            Ok(bytes) => return Waited::Typed(bytes),
            Err(RecvTimeoutError::Timeout) if raw.signal().is_some() => return Waited::Signal,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => match left {
                Some(left) => {
                    std::thread::sleep(left.min(GLANCE));
                    if raw.signal().is_some() {
                        return Waited::Signal;
                    }
                }
                None => return Waited::Closed,
            },
        }
    }
}

/// Reads the keyboard on a thread of its own.
fn keyboard() -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(n @ 1..) = std::io::stdin().read(&mut buffer) {
            if sender.send(buffer[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

/// With input from a file or pipe.
fn scripted(session: &mut Session<'_>, raw: &Raw) -> std::io::Result<Option<Outcome>> {
    let mut typed = Typed::default();
    let mut ended = false;
    loop {
        let outcome = session.advance(true, &mut Silent);
        forward(session)?;
        if raw.signal().is_some() {
            return Ok(None);
        }
        match outcome {
            None => {}
            Some(Outcome::Idle { next }) => {
                // A disk that answers soon is waited for: reading blocks, and boot has to come to
                // its prompt though nobody may ever write to the pipe.
                let soon = next.is_some_and(|next| next - session.machine.now() < PATIENCE);
                if typed.0.is_empty() && !ended && !soon {
                    let line = read_line()?;
                    ended = line.is_empty();
                    typed.0.extend(line);
                }
                if !typed.push(session) {
                    match next {
                        Some(next) => session.machine.pass_idle(next),
                        None => return Ok(Some(Outcome::Hang(Hang::AllHalted))),
                    }
                }
            }
            Some(Outcome::Input { port, .. }) => session.machine.supply(port, &[]),
            Some(outcome) => return Ok(Some(outcome)),
        }
    }
}

/// One line of standard input, byte by byte, so that nothing is taken that a later reader might want.
fn read_line() -> std::io::Result<Vec<u8>> {
    let mut line = Vec::new();
    for byte in std::io::stdin().lock().bytes() {
        let byte = byte?;
        line.push(byte);
        if byte == b'\n' {
            break;
        }
    }
    Ok(line)
}
