//! The keyboard of an interactive machine, read on a thread of its own.

use super::terminal::Raw;
use std::collections::VecDeque;
use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How often the wall clock is looked at while waiting, so that a signal is seen.
const GLANCE: Duration = Duration::from_millis(50);

/// The keyboard.
pub struct Keyboard(Receiver<Vec<u8>>);

/// What ended a wait.
pub enum Waited {
    /// These bytes were typed.
    Typed(VecDeque<u8>),
    /// The time has come.
    TimeUp,
    /// A signal asks us to end.
    Signal,
    /// There is no keyboard any more.
    Closed,
}

impl Keyboard {
    /// Starts to read.
    pub fn new() -> Self {
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 256];
            while let Ok(n @ 1..) = std::io::stdin().read(&mut buffer) {
                if sender.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self(receiver)
    }

    /// What was typed since the last call.
    pub fn news(&self) -> VecDeque<u8> {
        self.0.try_iter().flatten().collect()
    }

    /// Waits for keys until `until`, or for ever.
    pub fn wait(&self, until: Option<Instant>, raw: &Raw) -> Waited {
        loop {
            let left = until.map(|t| t.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Waited::TimeUp;
            }
            match self.0.recv_timeout(left.unwrap_or(GLANCE).min(GLANCE)) {
                Ok(bytes) => return Waited::Typed(bytes.into()),
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
}
