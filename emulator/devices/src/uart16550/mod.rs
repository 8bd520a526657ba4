//! The PC16550D serial port (National Semiconductor datasheet, June 1995; sections below are its own).
//!
//! Key type: [`Uart16550`]. The line has no speed: a character written to THR is out at once, so the transmitter is
//! always empty, and the character time-out of 8.4 passes at once, so a receive interrupt never waits for time. That
//! leaves the chip without any deadline. The host's side is [`Uart16550::push_input`] and [`Uart16550::take_output`].

mod register;

use base::{Codec, CodecError, Device, Io, State, Width};
use register::{Register, fcr, ier, iir, lcr, lsr, mcr, msr};
use std::collections::VecDeque;

/// Characters the receiver holds in FIFO mode (8.4); without the FIFO there is one.
const FIFO_SIZE: usize = 16;

/// A serial port with a listener who is always there (CTS, DSR and DCD are up).
#[derive(Clone, Debug)]
pub struct Uart16550 {
    name: &'static str,
    ier: u8,
    fcr: u8,
    lcr: u8,
    mcr: u8,
    scr: u8,
    divisor: u16,
    overrun: bool,
    /// The low half of MSR: which lines changed since it was last read.
    msr_deltas: u8,
    /// The THR-empty interrupt waits: set when THR empties, cleared when IIR has named it.
    thr_empty_pending: bool,
    receiver: VecDeque<u8>,
    output: Vec<u8>,
    /// The guest has looked for a character in vain since the host asked; host-side.
    looked: bool,
}

impl Uart16550 {
    /// A port after master reset (table III), known in logs as `name`.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            ier: 0,
            fcr: 0,
            lcr: 0,
            mcr: 0,
            scr: 0,
            divisor: 0,
            overrun: false,
            msr_deltas: 0,
            thr_empty_pending: false,
            receiver: VecDeque::with_capacity(FIFO_SIZE),
            output: Vec::new(),
            looked: false,
        }
    }

    /// How many characters the receiver can take now.
    #[inline]
    pub fn input_space(&self) -> usize {
        if self.mcr & mcr::LOOP != 0 {
            return 0;
        }
        self.capacity().saturating_sub(self.receiver.len())
    }

    /// Receives as many of `bytes` as there is space for, and says how many.
    pub fn push_input(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.input_space());
        self.receiver.extend(&bytes[..taken]);
        taken
    }

    /// Takes at most `most` received characters past the registers, as firmware does that owns the port.
    pub fn take_input(&mut self, most: usize) -> Vec<u8> {
        let len = most.min(self.receiver.len());
        self.receiver.drain(..len).collect()
    }

    /// Whether the guest has looked for a character, and found none, since the last call.
    pub const fn take_looked(&mut self) -> bool {
        std::mem::replace(&mut self.looked, false)
    }

    /// Whether a character that arrives interrupts.
    pub const fn listens(&self) -> bool {
        self.ier & ier::RECEIVED_DATA != 0
    }

    /// Whether there is output to take.
    #[inline]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Takes what was transmitted since the last call.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    const fn fifo(&self) -> bool {
        self.fcr & fcr::ENABLE != 0
    }

    const fn capacity(&self) -> usize {
        if self.fifo() { FIFO_SIZE } else { 1 }
    }

    /// Characters at which "received data available" is raised (8.4, bits 6 and 7).
    const fn trigger(&self) -> usize {
        match (self.fifo(), self.fcr >> 6) {
            (false, _) | (true, 0) => 1,
            (true, 1) => 4,
            (true, 2) => 8,
            (true, _) => 14,
        }
    }

    const fn decode(&self, offset: u64) -> Register {
        Register::decode(offset, self.lcr & lcr::DLAB != 0)
    }

    /// The highest waiting interrupt (table IV), as IIR's low bits.
    fn interrupt(&self) -> u8 {
        let enabled = |bit| self.ier & bit != 0;
        if enabled(ier::LINE_STATUS) && self.overrun {
            iir::LINE_STATUS
        } else if enabled(ier::RECEIVED_DATA) && self.receiver.len() >= self.trigger() {
            iir::RECEIVED_DATA
        } else if enabled(ier::RECEIVED_DATA) && !self.receiver.is_empty() {
            iir::CHARACTER_TIMEOUT
        } else if enabled(ier::THR_EMPTY) && self.thr_empty_pending {
            iir::THR_EMPTY
        } else if enabled(ier::MODEM_STATUS) && self.msr_deltas != 0 {
            iir::MODEM_STATUS
        } else {
            iir::NONE
        }
    }

    /// The four modem inputs: the other end's, or in loop mode our own outputs (8.7).
    fn modem_lines(&self) -> u8 {
        if self.mcr & mcr::LOOP == 0 {
            return msr::CTS | msr::DSR | msr::DCD;
        }
        let on = |output: u8, line: u8| if self.mcr & output != 0 { line } else { 0 };
        on(mcr::RTS, msr::CTS)
            | on(mcr::DTR, msr::DSR)
            | on(mcr::OUT1, msr::RI)
            | on(mcr::OUT2, msr::DCD)
    }

    fn read_register(&mut self, register: Register) -> u8 {
        match register {
            Register::RbrThr => {
                self.looked |= self.receiver.is_empty();
                self.receiver.pop_front().unwrap_or(0)
            }
            Register::Ier => self.ier,
            Register::IirFcr => {
                let source = self.interrupt();
                if source == iir::THR_EMPTY {
                    self.thr_empty_pending = false;
                }
                source | if self.fifo() { iir::FIFOS_ENABLED } else { 0 }
            }
            Register::Lcr => self.lcr,
            Register::Mcr => self.mcr,
            Register::Lsr => {
                let overrun = std::mem::take(&mut self.overrun);
                let mut status = lsr::THR_EMPTY | lsr::TRANSMITTER_EMPTY;
                if self.receiver.is_empty() {
                    self.looked = true;
                } else {
                    status |= lsr::DATA_READY;
                }
                if overrun {
                    status |= lsr::OVERRUN;
                }
                status
            }
            Register::Msr => self.modem_lines() | std::mem::take(&mut self.msr_deltas),
            Register::Scr => self.scr,
            Register::Dll => self.divisor as u8,
            Register::Dlm => (self.divisor >> 8) as u8,
        }
    }

    fn write_register(&mut self, register: Register, value: u8) {
        match register {
            Register::RbrThr => self.transmit(value),
            Register::Ier => {
                // Enabling the interrupt while THR is empty raises it at once.
                if value & !self.ier & ier::THR_EMPTY != 0 {
                    self.thr_empty_pending = true;
                }
                self.ier = value & ier::WRITABLE;
            }
            Register::IirFcr => {
                let switched = (value ^ self.fcr) & fcr::ENABLE != 0;
                if switched || value & fcr::RESET_RECEIVER != 0 {
                    self.receiver.clear();
                }
                // The other bits may be programmed only together with the enable bit.
                self.fcr = if value & fcr::ENABLE != 0 {
                    value & 0xc9
                } else {
                    0
                };
            }
            Register::Lcr => self.lcr = value,
            Register::Mcr => self.write_mcr(value & mcr::WRITABLE),
            // LSR is for reading (writing is for factory tests), MSR's lines are inputs.
            Register::Lsr | Register::Msr => {}
            Register::Scr => self.scr = value,
            Register::Dll => self.divisor = self.divisor & 0xff00 | u16::from(value),
            Register::Dlm => self.divisor = self.divisor & 0x00ff | u16::from(value) << 8,
        }
    }

    fn transmit(&mut self, byte: u8) {
        if self.mcr & mcr::LOOP == 0 {
            self.output.push(byte);
        } else if self.receiver.len() < self.capacity() {
            self.receiver.push_back(byte);
        } else {
            // The FIFO keeps what it has; without it the new character replaces the old (8.3, OE).
            self.overrun = true;
            if !self.fifo() {
                self.receiver.clear();
                self.receiver.push_back(byte);
            }
        }
        self.thr_empty_pending = true;
    }

    fn write_mcr(&mut self, value: u8) {
        let before = self.modem_lines();
        self.mcr = value;
        let after = self.modem_lines();
        let mut changed = ((before ^ after) & msr::LINES) >> 4;
        if after & msr::RI != 0 {
            changed &= !msr::TERI;
        }
        self.msr_deltas |= changed & msr::DELTAS;
    }
}

impl Device for Uart16550 {
    fn name(&self) -> &'static str {
        self.name
    }

    fn register(&self, offset: u64) -> &'static str {
        match self.decode(offset) {
            Register::RbrThr => "RBR/THR",
            Register::Ier => "IER",
            Register::IirFcr => "IIR/FCR",
            Register::Lcr => "LCR",
            Register::Mcr => "MCR",
            Register::Lsr => "LSR",
            Register::Msr => "MSR",
            Register::Scr => "SCR",
            Register::Dll => "DLL",
            Register::Dlm => "DLM",
        }
    }

    /// A byte; wider accesses read the one register they name, the rest as zero.
    fn read(&mut self, offset: u64, _width: Width, _io: &mut Io<'_>) -> u64 {
        u64::from(self.read_register(self.decode(offset)))
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, _io: &mut Io<'_>) {
        self.write_register(self.decode(offset), value as u8);
    }

    /// INTR. On a PC, OUT2 gates it onto the bus; like QEMU we do not insist on that.
    fn irq(&self) -> bool {
        self.interrupt() != iir::NONE
    }
}

impl State for Uart16550 {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("uart16550", 1)?;
        codec.u8(&mut self.ier)?;
        codec.u8(&mut self.fcr)?;
        codec.u8(&mut self.lcr)?;
        codec.u8(&mut self.mcr)?;
        codec.u8(&mut self.scr)?;
        codec.u16(&mut self.divisor)?;
        codec.bool(&mut self.overrun)?;
        codec.u8(&mut self.msr_deltas)?;
        codec.bool(&mut self.thr_empty_pending)?;
        let mut receiver = Vec::from(std::mem::take(&mut self.receiver));
        codec.blob(&mut receiver)?;
        self.receiver = receiver.into();
        if self.receiver.len() > FIFO_SIZE {
            return Err(CodecError::BadValue {
                field: "uart receiver",
            });
        }
        codec.blob(&mut self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, round_trip};

    const THR: u64 = 0;
    const RBR: u64 = 0;
    const IER: u64 = 1;
    const IIR: u64 = 2;
    const FCR: u64 = 2;
    const LCR: u64 = 3;
    const MCR: u64 = 4;
    const LSR: u64 = 5;
    const MSR: u64 = 6;

    fn port() -> (Bench, Uart16550) {
        (Bench::new(), Uart16550::new("com1"))
    }

    #[test]
    fn a_character_written_is_out_at_once() {
        let (mut bench, mut uart) = port();
        for byte in *b"hello" {
            assert_eq!(bench.read8(&mut uart, LSR), 0x60);
            bench.write8(&mut uart, THR, byte);
        }
        assert!(uart.has_output());
        assert_eq!(uart.take_output(), b"hello");
        assert!(!uart.has_output());
    }

    #[test]
    fn the_divisor_stands_behind_dlab_and_scratch_remembers() {
        let (mut bench, mut uart) = port();
        bench.write8(&mut uart, LCR, 0x83);
        bench.write8(&mut uart, 0, 0x0c);
        bench.write8(&mut uart, 1, 0x01);
        assert_eq!(uart.register(0), "DLL");
        bench.write8(&mut uart, LCR, 0x03);
        bench.write8(&mut uart, 7, 0x5a);
        assert_eq!(
            (uart.divisor, uart.ier, uart.has_output()),
            (0x10c, 0, false)
        );
        assert_eq!(bench.read8(&mut uart, 7), 0x5a);
    }

    #[test]
    fn without_the_fifo_one_character_fits() {
        let (mut bench, mut uart) = port();
        assert_eq!(uart.push_input(b"ab"), 1);
        assert_eq!(bench.read8(&mut uart, LSR), 0x61);
        assert_eq!(bench.read8(&mut uart, RBR), b'a');
        assert_eq!(uart.push_input(b"b"), 1);
    }

    #[test]
    fn the_fifo_takes_sixteen_and_interrupts_at_the_trigger_else_by_timeout() {
        let (mut bench, mut uart) = port();
        bench.write8(&mut uart, FCR, 0x81);
        bench.write8(&mut uart, IER, 1);
        assert_eq!(uart.push_input(&[7; 20]), 16);
        assert_eq!(bench.read8(&mut uart, IIR), 0xc4);
        for _ in 0..9 {
            bench.read8(&mut uart, RBR);
        }
        assert_eq!(bench.read8(&mut uart, IIR), 0xcc);
        for _ in 0..7 {
            bench.read8(&mut uart, RBR);
        }
        assert_eq!(bench.read8(&mut uart, IIR), 0xc1);
        assert!(!uart.irq());
    }

    #[test]
    fn thr_empty_is_raised_on_enabling_and_after_each_character_and_cleared_by_iir() {
        let (mut bench, mut uart) = port();
        bench.write8(&mut uart, IER, 2);
        assert!(uart.irq());
        assert_eq!(bench.read8(&mut uart, IIR), 2);
        assert!(!uart.irq());
        bench.write8(&mut uart, THR, b'x');
        assert_eq!(bench.read8(&mut uart, IIR), 2);
        assert_eq!(bench.read8(&mut uart, IIR), 1);
    }

    #[test]
    fn a_received_character_goes_before_thr_empty_and_does_not_clear_it() {
        let (mut bench, mut uart) = port();
        bench.write8(&mut uart, IER, 3);
        uart.push_input(b"a");
        assert_eq!(bench.read8(&mut uart, IIR), 4);
        bench.read8(&mut uart, RBR);
        assert_eq!(bench.read8(&mut uart, IIR), 2);
    }

    #[test]
    fn loop_mode_returns_characters_and_modem_lines_and_can_overrun() {
        let (mut bench, mut uart) = port();
        bench.write8(&mut uart, MCR, 0x1f);
        assert_eq!(bench.read8(&mut uart, MSR) & 0xf0, 0xf0);
        bench.write8(&mut uart, IER, 0x0c);
        bench.write8(&mut uart, MCR, 0x10);
        // All four lines fell: every delta, the ring indicator's too.
        assert_eq!(bench.read8(&mut uart, IIR), 0);
        assert_eq!(bench.read8(&mut uart, MSR), 0x0f);
        bench.write8(&mut uart, THR, b'1');
        bench.write8(&mut uart, THR, b'2');
        assert_eq!(bench.read8(&mut uart, IIR), 6);
        assert_eq!(bench.read8(&mut uart, LSR), 0x63);
        assert_eq!(bench.read8(&mut uart, RBR), b'2');
        assert!(!uart.has_output());
        assert_eq!(uart.input_space(), 0);
    }

    #[test]
    fn the_state_comes_back() {
        let (mut bench, mut uart) = port();
        bench.write8(&mut uart, FCR, 1);
        bench.write8(&mut uart, IER, 0x0f);
        bench.write8(&mut uart, THR, b'x');
        uart.push_input(b"waiting");
        round_trip(&mut uart, &mut Uart16550::new("com1"));
    }
}
