//! The debug exit port (QEMU's `isa-debug-exit`): one 32-bit latch through which a guest ends the machine.
//!
//! Key type: [`DebugExit`]. The board looks at [`DebugExit::exit_word`] after each write and stops the run.

use base::{Codec, CodecError, Device, Io, State, Width};

/// The latch. It reads as zero, as QEMU's does.
#[derive(Clone, Debug, Default)]
pub struct DebugExit {
    word: Option<u32>,
}

impl DebugExit {
    /// A port that nobody has written to.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first word that was written, if any was.
    #[inline]
    pub const fn exit_word(&self) -> Option<u32> {
        self.word
    }
}

impl Device for DebugExit {
    fn name(&self) -> &'static str {
        "debug_exit"
    }

    fn register(&self, _offset: u64) -> &'static str {
        "EXIT"
    }

    fn read(&mut self, _offset: u64, _width: Width, _io: &mut Io<'_>) -> u64 {
        0
    }

    /// Any width ends the machine; the bytes of a partial write stand where they were written.
    fn write(&mut self, offset: u64, width: Width, value: u64, _io: &mut Io<'_>) {
        if offset < 4 {
            let word = (value & width.mask()) << (8 * offset);
            self.word.get_or_insert(word as u32);
        }
    }
}

impl State for DebugExit {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("debug_exit", 1)?;
        codec.option(&mut self.word, |c, word| c.u32(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, round_trip};

    #[test]
    fn the_first_word_written_is_the_exit_word() {
        let (mut bench, mut exit) = (Bench::new(), DebugExit::new());
        assert_eq!(exit.exit_word(), None);
        bench.write32(&mut exit, 0, 0x8b_008b);
        bench.write32(&mut exit, 0, 1);
        assert_eq!(exit.exit_word(), Some(0x8b_008b));
        assert_eq!(bench.read32(&mut exit, 0), 0);
        round_trip(&mut exit, &mut DebugExit::new());
    }

    #[test]
    fn a_byte_write_ends_the_machine_too() {
        let (mut bench, mut exit) = (Bench::new(), DebugExit::new());
        bench.write8(&mut exit, 1, 1);
        assert_eq!(exit.exit_word(), Some(0x100));
    }
}
