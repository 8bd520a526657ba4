//! The debug console (QEMU's and Bochs's port 0xe9): a byte sink that reads as 0xe9, by which a guest knows it.
//!
//! Key type: [`DebugConsole`].

use base::{Codec, CodecError, Device, Io, State, Width};

/// What the port reads as.
const PRESENT: u64 = 0xe9;

/// The sink.
#[derive(Clone, Debug, Default)]
pub struct DebugConsole {
    output: Vec<u8>,
}

impl DebugConsole {
    /// A console that has said nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is output to take.
    #[inline]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Takes what was written since the last call.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }
}

impl Device for DebugConsole {
    fn name(&self) -> &'static str {
        "debug_console"
    }

    fn register(&self, _offset: u64) -> &'static str {
        "DATA"
    }

    fn read(&mut self, _offset: u64, _width: Width, _io: &mut Io<'_>) -> u64 {
        PRESENT
    }

    fn write(&mut self, _offset: u64, width: Width, value: u64, _io: &mut Io<'_>) {
        let bytes = width.bytes() as usize;
        self.output.extend_from_slice(&value.to_le_bytes()[..bytes]);
    }
}

impl State for DebugConsole {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("debug_console", 1)?;
        codec.blob(&mut self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, round_trip};

    #[test]
    fn bytes_come_out_in_order_and_the_port_says_that_it_is_there() {
        let (mut bench, mut console) = (Bench::new(), DebugConsole::new());
        assert_eq!(bench.read8(&mut console, 0), 0xe9);
        bench.write8(&mut console, 0, b'h');
        bench.write8(&mut console, 0, b'i');
        round_trip(&mut console, &mut DebugConsole::new());
        assert_eq!(console.take_output(), b"hi");
        assert!(!console.has_output());
    }
}
