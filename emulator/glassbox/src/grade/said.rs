//! What the line's programs wrote, so that a kernel cannot print in their place.
//!
//! A program prints by a system call, which the hardware sees; the bytes are read in its memory. Each line of the output
//! must be made of bytes that programs wrote, in the order in which they wrote them. More is not asked: which writes went
//! to a pipe or a file only the kernel knows, and on two CPUs lines may change places.

use crate::trace::record::{Body, Record};
use abi::nr;

/// Most bytes of what was written that are kept.
const KEPT: usize = 1 << 22;
/// How often a line may be looked for from the beginning.
const LOOKS: usize = 256;

/// What programs wrote, in the order of time.
#[derive(Clone, Debug, Default)]
pub struct Said {
    bytes: Vec<u8>,
}

impl Said {
    /// Takes note of a system call that writes. sendfile(2) does not count: what it copies only the kernel knows, and a
    /// kernel that chooses a program's registers could have it called. So the programs of a lab print by write(2).
    pub fn hear(&mut self, record: &Record) {
        let Body::SysEnter { number, memory, .. } = &record.body else {
            return;
        };
        if matches!(*number, nr::WRITE | nr::WRITEV | nr::PWRITE64) {
            for (_, bytes) in memory.pieces() {
                let room = KEPT.saturating_sub(self.bytes.len());
                self.bytes.extend(&bytes[..room.min(bytes.len())]);
            }
        }
    }

    /// The first line of an output that no program can have written.
    pub fn stranger<'a>(&self, output: &'a [u8]) -> Option<&'a [u8]> {
        let (mut from, mut looks) = (0, 0);
        let mut lines = output.split_inclusive(|&byte| byte == b'\n');
        lines.find(|line| {
            // Most lines come in their order.
            let mut end = self.end_of(line, from);
            if end.is_none() && from > 0 && looks < LOOKS {
                looks += 1;
                end = self.end_of(line, 0);
            }
            from = end.unwrap_or(from);
            end.is_none()
        })
    }

    /// Where the bytes of a line, in their order, have all been written, from some point on.
    fn end_of(&self, line: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        for byte in line {
            at += self.bytes.get(at..)?.iter().position(|b| b == byte)? + 1;
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Time;

    fn said(writes: &[&[u8]]) -> Said {
        let mut said = Said::default();
        for bytes in writes {
            said.hear(&call(nr::WRITE, bytes));
        }
        said
    }

    fn call(number: u64, bytes: &[u8]) -> Record {
        Record {
            time: Time(0),
            cpu: 0,
            pid: 2,
            body: Body::SysEnter {
                number,
                args: [1, 0, 0, 0, 0, 0],
                memory: [(16, bytes)].into_iter().collect(),
            },
        }
    }

    #[test]
    fn what_programs_wrote_is_theirs_in_any_order_of_lines() {
        let said = said(&[b"one\n", b"to a file\n", b"tw", b"aside", b"o\n"]);
        for output in [&b"one\ntwo\n"[..], b"two\none\n", b"", b"one\n"] {
            assert_eq!(said.stranger(output), None, "{}", output.escape_ascii());
        }
    }

    #[test]
    fn what_nobody_wrote_is_found() {
        let mut said = said(&[b"one\n"]);
        assert_eq!(said.stranger(b"one\neno\n"), Some(&b"eno\n"[..]));
        assert_eq!(said.stranger(b"one\none\ntwo"), Some(&b"two"[..]));
        said.hear(&call(nr::READ, b"two"));
        assert!(said.stranger(b"two").is_some(), "it was read, not written");
        said.hear(&call(nr::SENDFILE, b""));
        assert!(
            said.stranger(b"two").is_some(),
            "nobody can tell what it copied"
        );
    }
}
