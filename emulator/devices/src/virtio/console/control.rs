//! The control messages by which console and driver tell each other of ports (5.3.6.2).
//!
//! ```text
//! 0..4 port | 4..6 event | 6..8 value | 8.. a name, without terminator
//! ```

use std::collections::VecDeque;

/// Messages kept for a driver that does not listen; later ones are lost.
const MOST_WAITING: usize = 256;

/// What a message is about.
pub mod event {
    /// The driver is ready (value 1) or has failed.
    pub const DEVICE_READY: u16 = 0;
    /// There is a port.
    pub const PORT_ADD: u16 = 1;
    /// The driver has set the port up (value 1) or could not.
    pub const PORT_READY: u16 = 3;
    /// The port is to be used as a console.
    pub const CONSOLE_PORT: u16 = 4;
    /// The sender's side of the port is open (value 1) or closed.
    pub const PORT_OPEN: u16 = 6;
    /// The port has a name.
    pub const PORT_NAME: u16 = 7;
}

/// A message from the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The port's number.
    pub port: u32,
    /// One of `event`.
    pub event: u16,
    /// Depends on the event.
    pub value: u16,
}

impl Message {
    /// Bytes of a message without a name.
    pub const LEN: u64 = 8;

    /// Reads a message; `None` if the bytes are too few.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (bytes, _) = bytes.split_first_chunk::<8>()?;
        let word = u64::from_le_bytes(*bytes);
        Some(Self {
            port: word as u32,
            event: (word >> 32) as u16,
            value: (word >> 48) as u16,
        })
    }

    /// The message's bytes, followed by `name`.
    pub fn encode(self, name: &str) -> Vec<u8> {
        let word = u64::from(self.port) | u64::from(self.event) << 32 | u64::from(self.value) << 48;
        [&word.to_le_bytes()[..], name.as_bytes()].concat()
    }
}

/// Messages that wait for the driver to offer buffers.
#[derive(Clone, Debug, Default)]
pub struct Outbox(pub VecDeque<Vec<u8>>);

impl Outbox {
    /// Adds a message, with a name if it has one.
    pub fn post(&mut self, port: usize, event: u16, value: u16, name: &str) {
        if self.0.len() < MOST_WAITING {
            let port = port as u32;
            self.0
                .push_back(Message { port, event, value }.encode(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_laid_out_as_the_standard_says() {
        let message = Message {
            port: 2,
            event: event::PORT_NAME,
            value: 1,
        };
        let bytes = message.encode("ab");
        assert_eq!(bytes, [2, 0, 0, 0, 7, 0, 1, 0, b'a', b'b']);
        assert_eq!(Message::decode(&bytes), Some(message));
        assert_eq!(Message::decode(&bytes[..7]), None);
    }

    #[test]
    fn the_outbox_is_bounded() {
        let mut outbox = Outbox::default();
        (0..1000).for_each(|port| outbox.post(port, event::PORT_ADD, 1, ""));
        assert_eq!(outbox.0.len(), MOST_WAITING);
    }
}
