//! The escape key of an interactive machine, in QEMU's habit: Ctrl-A, then a letter.

use std::collections::VecDeque;

/// The escape key.
pub const ESCAPE: u8 = 0x01;

/// What the user typed, as far as the machine's keeper is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Ctrl-A x: leave.
    Leave,
    /// Ctrl-A h: list the keys.
    Help,
    /// Ctrl-A p: list the guest's processes.
    Processes,
    /// Ctrl-A c: open the monitor, or close it.
    Monitor,
}

/// What was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// A byte for the guest, or for whoever is being typed to.
    Byte(u8),
    /// A key of ours.
    Key(Key),
}

/// What Ctrl-A h prints.
pub const HELP: &str = "\n\
    Ctrl-A h    this list\n\
    Ctrl-A x    leave the machine\n\
    Ctrl-A c    open the monitor: the machine stands still; again, or 'cont': it runs on\n\
    Ctrl-A p    list the guest's processes\n\
    Ctrl-A Ctrl-A  send Ctrl-A to the guest\n";

/// Splits typed bytes into the guest's and ours.
#[derive(Debug, Default)]
pub struct Keys {
    escaped: bool,
    /// Whether nobody looks: of the keys there is only the one to leave.
    scripted: bool,
}

impl Keys {
    /// The keys of an input that nobody types: Ctrl-A x leaves, and Ctrl-A Ctrl-A is sent.
    pub fn of_script() -> Self {
        Self {
            scripted: true,
            ..Self::default()
        }
    }

    /// Takes from the front of what was typed.
    pub fn next(&mut self, typed: &mut VecDeque<u8>) -> Option<Stroke> {
        loop {
            let byte = typed.pop_front()?;
            if !self.escaped {
                if byte == ESCAPE {
                    self.escaped = true;
                    continue;
                }
                return Some(Stroke::Byte(byte));
            }
            self.escaped = false;
            return Some(match byte {
                b'x' | b'X' => Stroke::Key(Key::Leave),
                ESCAPE | b'a' => Stroke::Byte(ESCAPE),
                b'h' | b'H' | b'?' if !self.scripted => Stroke::Key(Key::Help),
                b'p' | b'P' if !self.scripted => Stroke::Key(Key::Processes),
                b'c' | b'C' if !self.scripted => Stroke::Key(Key::Monitor),
                other => {
                    // Not a key of ours: the guest gets what was typed.
                    typed.push_front(other);
                    Stroke::Byte(ESCAPE)
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(keys: &mut Keys, typed: &[u8]) -> Vec<Stroke> {
        let mut typed = typed.iter().copied().collect();
        std::iter::from_fn(|| keys.next(&mut typed)).collect()
    }

    #[test]
    fn the_escape_key_reaches_the_guest_when_doubled() {
        let mut keys = Keys::default();
        assert_eq!(split(&mut keys, b"a\x01"), [Stroke::Byte(b'a')]);
        let wanted = [Stroke::Byte(1), Stroke::Byte(b'b')];
        assert_eq!(split(&mut keys, b"\x01b"), wanted);
        assert_eq!(
            split(&mut keys, b"\x01h\x01p\x01c\x01x"),
            [Key::Help, Key::Processes, Key::Monitor, Key::Leave].map(Stroke::Key)
        );
    }

    #[test]
    fn what_is_no_key_of_ours_reaches_the_guest_whole() {
        let wanted = [Stroke::Byte(1), Stroke::Byte(b'z'), Stroke::Byte(b'z')];
        assert_eq!(split(&mut Keys::default(), b"\x01zz"), wanted);
    }

    #[test]
    fn a_script_has_only_the_key_to_leave() {
        let mut keys = Keys::of_script();
        assert_eq!(
            split(&mut keys, b"\x01c\x01\x01\x01x"),
            [
                Stroke::Byte(1),
                Stroke::Byte(b'c'),
                Stroke::Byte(1),
                Stroke::Key(Key::Leave)
            ]
        );
    }
}
