//! The SiFive test finisher (`sifive,test0`): a word written to it ends the machine.
//!
//! ```text
//! 0x0000_5555   pass: power off           0xnnnn_3333   fail, with a code         0x0000_7777   reset
//! ```

use base::{Codec, CodecError, Device, Io, State, Width};

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The test passed: power off.
    Pass,
    /// The test failed, with this code.
    Fail(u16),
    /// The machine is to start again.
    Reset,
}

/// The finisher.
#[derive(Clone, Debug, Default)]
pub struct TestFinisher {
    word: Option<u32>,
}

impl TestFinisher {
    /// A finisher that nobody has written to.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the first word that means something asks for.
    pub const fn finish(&self) -> Option<Finish> {
        match self.word {
            Some(word) => decode(word),
            None => None,
        }
    }
}

const fn decode(word: u32) -> Option<Finish> {
    match word & 0xffff {
        0x5555 => Some(Finish::Pass),
        0x3333 => Some(Finish::Fail((word >> 16) as u16)),
        0x7777 => Some(Finish::Reset),
        _ => None,
    }
}

impl Device for TestFinisher {
    fn name(&self) -> &'static str {
        "test_finisher"
    }

    fn register(&self, _offset: u64) -> &'static str {
        "FINISHER"
    }

    fn read(&mut self, _offset: u64, _width: Width, _io: &mut Io<'_>) -> u64 {
        0
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, _io: &mut Io<'_>) {
        if offset == 0 && decode(value as u32).is_some() {
            self.word.get_or_insert(value as u32);
        }
    }
}

impl State for TestFinisher {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("test_finisher", 1)?;
        codec.option(&mut self.word, |c, word| c.u32(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, round_trip};

    #[test]
    fn the_first_word_that_means_something_counts() {
        let (mut bench, mut finisher) = (Bench::new(), TestFinisher::new());
        bench.write32(&mut finisher, 0, 1);
        assert_eq!(finisher.finish(), None);
        bench.write32(&mut finisher, 0, 0x0007_3333);
        bench.write32(&mut finisher, 0, 0x5555);
        assert_eq!(finisher.finish(), Some(Finish::Fail(7)));
        round_trip(&mut finisher, &mut TestFinisher::new());
    }
}
