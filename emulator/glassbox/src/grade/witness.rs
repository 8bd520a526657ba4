//! Who ended the machine: the trusted first program, or a kernel that wants to be done early.
//!
//! Silica ends a line's run by a system call of process 1, `/bin/init`: reboot(2) with the exit word. The kernel then
//! writes that word to a port. It could do so at any time, with any word. But a system call of *user code* is the
//! hardware's own event, and what code asked for it can be read in memory: it must be the code of the `init` that lies
//! on the trusted disk. And if the word is a status, some process must have ended with that status before. A kernel can
//! still run `init` with registers that `init` would not have; then it has come a long way to one status.

use crate::numbers;
use crate::trace::recorder::Recorder;
use abi::isa::Isa;
use abi::nr;
use abi::reboot::{MAGIC1, MAGIC2, POWER_OFF};
use base::event::{Cause, Event, Peek};
use base::{Observer, Stamp, Virt};
use std::collections::BTreeSet;

/// Bytes of code around the system call that must be the program's.
const AROUND: u64 = 48;

/// The code of a program: where it lies in memory, and the bytes.
#[derive(Clone, Debug, Default)]
pub struct Code {
    segments: Vec<(u64, Vec<u8>)>,
}

impl Code {
    /// The code of an ELF file; none if it is no such file.
    pub fn of(elf: &[u8]) -> Self {
        let Ok(executable) = machine::loader::elf::parse(elf) else {
            return Self::default();
        };
        let segments = executable.segments.iter();
        Self {
            segments: segments.map(|s| (s.virt, s.data.to_vec())).collect(),
        }
    }

    /// Whether memory around `at` holds this code.
    fn is_at(&self, at: u64, memory: &dyn Peek) -> bool {
        let end = |(start, data): &(u64, Vec<u8>)| start.saturating_add(data.len() as u64);
        // The address is that of the system call, or, on x86-64, of the instruction after it.
        let found = self.segments.iter().find(|s| s.0 < at && at <= end(s));
        let Some(segment) = found else {
            return false;
        };
        let from = at.saturating_sub(AROUND).max(segment.0);
        let to = at.saturating_add(AROUND).min(end(segment));
        let mut bytes = vec![0; (to - from) as usize];
        let offset = (from - segment.0) as usize;
        memory.peek(Virt(from), &mut bytes) == bytes.len()
            && segment.1.get(offset..offset + bytes.len()) == Some(&bytes[..])
    }
}

/// The observer of a test: it sees the end coming, and hands on what is to be measured.
pub struct Witness {
    init: Code,
    /// Whose numbers system calls have.
    isa: Isa,
    /// Statuses with which processes have ended by themselves.
    statuses: BTreeSet<u8>,
    /// The exit word that the first program asked for.
    word: Option<u32>,
    recorders: Vec<Recorder>,
}

impl Witness {
    /// A witness who knows the first program's code, on this instruction set.
    pub const fn new(init: Code, isa: Isa, recorders: Vec<Recorder>) -> Self {
        Self {
            init,
            isa,
            statuses: BTreeSet::new(),
            word: None,
            recorders,
        }
    }

    /// Whether the first program asked for this exit word.
    pub fn vouches_for(&self, word: abi::boot::ExitWord) -> bool {
        let has_ended = word.signal().is_some() || self.statuses.contains(&word.status());
        self.word == Some(word.0) && has_ended
    }

    /// The recorders, to be finished.
    pub fn recorders(&mut self) -> &mut [Recorder] {
        &mut self.recorders
    }

    fn call(&mut self, number: u64, args: &[u64; 6], from: Virt, memory: &dyn Peek) {
        match number {
            nr::EXIT | nr::EXIT_GROUP => {
                self.statuses.insert(args[0] as u8);
            }
            nr::REBOOT => {
                let asked = args[..3].iter().map(|arg| *arg as u32);
                if asked.eq([MAGIC1, MAGIC2, POWER_OFF]) && self.init.is_at(from.0, memory) {
                    self.word = Some(args[3] as u32);
                }
            }
            _ => {}
        }
    }
}

impl Observer for Witness {
    const ON: bool = true;

    #[inline]
    fn event(&mut self, stamp: Stamp, event: &Event, memory: &dyn Peek) {
        if let Event::Trap {
            cause: Cause::SystemCall,
            from,
            user: true,
            call: Some((number, args)),
            ..
        } = event
        {
            self.call(numbers::common(self.isa, *number), args, *from, memory);
        }
        for recorder in &mut self.recorders {
            recorder.event(stamp, event, memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::boot::ExitWord;
    use base::Time;

    /// Memory that holds one piece.
    struct Piece(u64, Vec<u8>);

    impl Peek for Piece {
        fn peek(&self, addr: Virt, bytes: &mut [u8]) -> usize {
            let offset = addr.0.wrapping_sub(self.0) as usize;
            let there = self.1.get(offset..).unwrap_or_default();
            let len = there.len().min(bytes.len());
            bytes[..len].copy_from_slice(&there[..len]);
            len
        }
    }

    fn code() -> Vec<u8> {
        (0..200).map(|n| n as u8).collect()
    }

    fn witness() -> Witness {
        let segments = vec![(0x1000, code())];
        Witness::new(Code { segments }, Isa::X86_64, Vec::new())
    }

    fn call(witness: &mut Witness, number: u64, args: [u64; 6], from: u64, memory: Vec<u8>) {
        let event = Event::Trap {
            cause: Cause::SystemCall,
            number: 0,
            error: None,
            address: None,
            from: Virt(from),
            to: Virt(0),
            stack: Virt(0),
            user: true,
            call: Some((number, args)),
        };
        let stamp = Stamp {
            time: Time(0),
            cpu: 0,
        };
        witness.event(stamp, &event, &Piece(0x1000, memory));
    }

    const OFF: [u64; 6] = [MAGIC1 as u64, MAGIC2 as u64, POWER_OFF as u64, 3, 0, 0];

    #[test]
    fn only_the_first_programs_code_ends_a_line() {
        let word = ExitWord(3);
        let mut honest = witness();
        assert!(!honest.vouches_for(word));
        call(
            &mut honest,
            nr::EXIT_GROUP,
            [3, 0, 0, 0, 0, 0],
            0,
            Vec::new(),
        );
        assert!(!honest.vouches_for(word));
        call(&mut honest, nr::REBOOT, OFF, 0x1050, code());
        assert!(honest.vouches_for(word));
        assert!(!honest.vouches_for(ExitWord(0)), "another word");

        let mut other = witness();
        call(
            &mut other,
            nr::EXIT_GROUP,
            [3, 0, 0, 0, 0, 0],
            0,
            Vec::new(),
        );
        let mut changed = code();
        changed[0x51] = 0;
        call(&mut other, nr::REBOOT, OFF, 0x1050, changed);
        call(&mut other, nr::REBOOT, OFF, 0x2050, code());
        assert!(!other.vouches_for(word), "other code");
    }

    #[test]
    fn a_status_that_nobody_ended_with_is_not_believed() {
        let mut witness = witness();
        call(&mut witness, nr::EXIT, [1, 0, 0, 0, 0, 0], 0, Vec::new());
        call(&mut witness, nr::REBOOT, OFF, 0x1050, code());
        assert!(!witness.vouches_for(ExitWord(3)));
    }
}
