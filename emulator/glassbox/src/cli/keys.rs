//! The escape key of an interactive machine, in QEMU's habit: Ctrl-A, then a letter.

/// The escape key.
const ESCAPE: u8 = 0x01;

/// What the user typed, as far as the machine's keeper is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Ctrl-A x: leave.
    Leave,
    /// Ctrl-A h: list the keys.
    Help,
}

/// What Ctrl-A h prints.
pub const HELP: &str = "\n\
    Ctrl-A h    this list\n\
    Ctrl-A x    leave the machine\n\
    Ctrl-A Ctrl-A  send Ctrl-A to the guest\n";

/// Splits typed bytes into the guest's and ours.
#[derive(Debug, Default)]
pub struct Keys {
    escaped: bool,
}

impl Keys {
    /// Takes what was typed: appends the guest's part to `guest` and returns our own keys in order.
    pub fn take(&mut self, typed: &[u8], guest: &mut Vec<u8>) -> Vec<Key> {
        let mut ours = Vec::new();
        for &byte in typed {
            if !self.escaped {
                if byte == ESCAPE {
                    self.escaped = true;
                } else {
                    guest.push(byte);
                }
                continue;
            }
            self.escaped = false;
            match byte {
                b'x' | b'X' => ours.push(Key::Leave),
                b'h' | b'H' | b'?' => ours.push(Key::Help),
                ESCAPE | b'a' => guest.push(ESCAPE),
                // Not a key of ours: the guest gets what was typed.
                other => guest.extend([ESCAPE, other]),
            }
        }
        ours
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_escape_key_reaches_the_guest_when_doubled() {
        let mut guest = Vec::new();
        let mut keys = Keys::default();
        assert!(keys.take(b"a\x01", &mut guest).is_empty());
        assert!(keys.take(b"\x01b", &mut guest).is_empty());
        assert_eq!(
            keys.take(b"\x01h\x01x", &mut guest),
            [Key::Help, Key::Leave]
        );
        assert_eq!(guest, b"a\x01b");
    }
}
