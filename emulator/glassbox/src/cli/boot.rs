//! `glassbox boot`: the guest's console on this terminal.
//!
//! On a terminal, keys arrive when the user presses them, and idle time is held back to the wall clock (*pace*). With
//! input from a file or pipe there is no clock: the next line is handed in whenever the guest is idle, so that such a
//! run repeats exactly. Of the keys, it has the one to leave.

use super::Failure;
use super::keyboard::{Keyboard, Waited};
use super::keys::{HELP, Key, Keys, Stroke};
use super::monitor::{self, Left, Talk};
use super::options::{BootOptions, Pace};
use super::session::Session;
use super::stdin;
use super::terminal::Raw;
use crate::monitor::onlooker::Onlooker;
use base::{Silent, Time};
use machine::{Hang, Outcome};
use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Virtual time until the next event, or without progress, from which on the guest counts as waiting for input from a
/// pipe.
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
        let room = session.machine.board.input_space().min(self.0.len());
        if room > 0 {
            let bytes: Vec<u8> = self.0.drain(..room).collect();
            session.machine.type_in(&bytes);
        }
        room > 0
    }
}

/// Shows what the guest has written on its console.
pub fn forward(session: &mut Session<'_>) -> std::io::Result<()> {
    let output = session.machine.board.take_output().serial;
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
    let kernel = Arc::clone(&session.kernel);
    let mut talk = Talk::new(&kernel);
    let mut onlooker = Onlooker::new(&mut session.guest);
    let outcome = converse(session, raw, real, &mut onlooker, &mut talk)?;
    onlooker.end_trace(&mut session.guest)?;
    Ok(outcome)
}

fn converse(
    session: &mut Session<'_>,
    raw: &Raw,
    real: bool,
    onlooker: &mut Onlooker,
    talk: &mut Talk<'_>,
) -> std::io::Result<Option<Outcome>> {
    let keyboard = Keyboard::new();
    let mut keys = Keys::default();
    let mut typed = Typed::default();
    session.attend(true);
    let mut anchor = (Instant::now(), session.machine.now());
    loop {
        let outcome = session.advance(true, onlooker);
        forward(session)?;
        monitor::look_after_trace(session, onlooker)?;
        if raw.signal().is_some() {
            return Ok(None);
        }
        let mut news = keyboard.news();
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
                    match keyboard.wait(until, raw) {
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
        while let Some(stroke) = keys.next(&mut news) {
            match stroke {
                Stroke::Byte(byte) => typed.0.push_back(byte),
                Stroke::Key(Key::Leave) => return Ok(None),
                Stroke::Key(Key::Help) => std::io::stdout().write_all(HELP.as_bytes())?,
                Stroke::Key(Key::Processes) => monitor::show_processes(session, onlooker)?,
                Stroke::Key(Key::Monitor) => {
                    typed.push(session);
                    let left =
                        talk.visit(session, onlooker, &keyboard, &mut keys, &mut news, raw)?;
                    match left {
                        Left::Continue => {}
                        Left::Quit => return Ok(None),
                        Left::Ended(outcome) => return Ok(Some(outcome)),
                    }
                }
            }
        }
        // A guest that is slower than the clock, or stood still, does not catch up later.
        if anchor.1 + Time(anchor.0.elapsed().as_nanos() as u64) > session.machine.now() {
            anchor = (Instant::now(), session.machine.now());
        }
        std::io::stdout().flush()?;
        typed.push(session);
    }
}

/// With input from a file or pipe: the next line is handed in when the guest has come to rest with the last one.
///
/// A guest that is halted with nothing due soon is at rest, and time stands still until there is a line. One whose clock
/// ticks, or which runs in circles while it waits, is at rest when it has made no progress for a while and would notice a
/// character. Whether it really waits cannot be known, so a line is only taken if there is one; meanwhile a halted one
/// goes on with the wall clock.
///
/// `None`: the input said Ctrl-A x, and the guest has come to rest with what stood before.
fn scripted(session: &mut Session<'_>, raw: &Raw) -> std::io::Result<Option<Outcome>> {
    let mut typed = Typed::default();
    let mut keys = Keys::of_script();
    let mut ended = false;
    let mut leaving = false;
    loop {
        // Characters for which the guest makes no room are none that somebody may still type.
        session.attend(!ended && typed.0.is_empty());
        let outcome = session.advance(true, &mut Silent);
        forward(session)?;
        if raw.signal().is_some() {
            return Ok(None);
        }
        let next = match outcome {
            None => None,
            Some(Outcome::Idle { next }) => Some(next),
            Some(Outcome::Input { port, .. }) => {
                session.machine.supply(port, &[]);
                continue;
            }
            Some(outcome) => return Ok(Some(outcome)),
        };
        if typed.push(session) {
            continue;
        }
        // A disk that answers soon is waited for: reading blocks, and boot has to come to its prompt though nobody may
        // ever write to the pipe.
        let halted = next
            .is_some_and(|next| next.is_none_or(|next| next - session.machine.now() >= PATIENCE));
        let quiet = session.machine.quiet();
        let rests = quiet >= PATIENCE && session.machine.listens(PATIENCE);
        if typed.0.is_empty() && !ended && (halted || rests) {
            if leaving {
                return Ok(None);
            }
            let until = match next {
                _ if halted => None,
                Some(Some(next)) => Some(next - session.machine.now()),
                _ => Some(Time(0)),
            };
            if stdin::wait(until)? {
                let mut line = VecDeque::from(stdin::line()?);
                ended = line.is_empty();
                while let Some(stroke) = keys.next(&mut line) {
                    match stroke {
                        Stroke::Byte(byte) => typed.0.push_back(byte),
                        // The only one that a script has.
                        Stroke::Key(_) => leaving = true,
                    }
                }
                typed.push(session);
                continue;
            }
            if raw.signal().is_some() {
                return Ok(None);
            }
        }
        match next {
            None => {}
            Some(None) => return Ok(Some(Outcome::Hang(Hang::AllHalted))),
            Some(Some(_)) if ended && quiet > session.limits().hang_after => {
                return Ok(Some(Outcome::Hang(Hang::NoInput)));
            }
            Some(Some(next)) => session.machine.pass_idle(next),
        }
    }
}
