//! The 8254 programmable interval timer (Intel datasheet, September 1993) and the system control port B beside it.
//!
//! Key types: [`Pit`], three counters. Nothing ticks: a counter knows the clock pulse at which it was loaded,
//! and its count and output follow from how many pulses went by. Counter 0's output is the interrupt; counter 2's
//! gate and output are bits of port 0x61, which the board maps to offset [`PORT_B`].

mod counter;

use base::{Codec, CodecError, Device, Io, State, Time, Width};
use counter::Counter;

/// Clock pulses in a second.
pub const FREQUENCY: u64 = 1_193_182;

/// The offset behind the four registers at which the board maps port 0x61.
pub const PORT_B: u64 = 4;

const SECOND: u64 = 1_000_000_000;

/// Pulses that have gone by at `now`.
fn pulses(now: Time) -> u64 {
    (u128::from(now.0) * u128::from(FREQUENCY) / u128::from(SECOND)) as u64
}

/// When pulse `pulse` comes.
fn time_of(pulse: u64) -> Time {
    let time = (u128::from(pulse) * u128::from(SECOND)).div_ceil(u128::from(FREQUENCY));
    Time(u64::try_from(time).unwrap_or(u64::MAX))
}

/// The registers behind the base port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Register {
    Counter(usize),
    Control,
    PortB,
}

impl Register {
    const fn decode(offset: u64) -> Self {
        match offset {
            PORT_B => Self::PortB,
            _ if offset & 3 == 3 => Self::Control,
            _ => Self::Counter(offset as usize & 3),
        }
    }
}

/// The bits of port 0x61.
mod port_b {
    pub const GATE2: u8 = 1 << 0;
    pub const SPEAKER: u8 = 1 << 1;
    /// Toggles with each memory refresh, every 15 microseconds: old delay loops count it.
    pub const REFRESH: u8 = 1 << 4;
    pub const OUT2: u8 = 1 << 5;
}

/// Pulses from one refresh to the next.
const REFRESH_PULSES: u64 = 18;

/// The timer chip.
#[derive(Clone, Debug)]
pub struct Pit {
    counters: [Counter; 3],
    speaker: bool,
    /// Counter 0's output, and when it changes next.
    output: bool,
    change: Time,
}

impl Default for Pit {
    fn default() -> Self {
        Self::new()
    }
}

impl Pit {
    /// A chip that nobody has programmed: it makes no interrupts. The gates of counters 0 and 1 are tied high.
    pub const fn new() -> Self {
        Self {
            counters: [Counter::new(true), Counter::new(true), Counter::new(false)],
            speaker: false,
            output: false,
            change: Time::NEVER,
        }
    }

    fn refresh(&mut self, pulse: u64) {
        self.output = self.counters[0].output(pulse);
        self.change = self.counters[0]
            .next_change(pulse)
            .map_or(Time::NEVER, time_of);
    }

    fn control(&mut self, word: u8, pulse: u64) {
        match word >> 6 {
            3 => self.read_back(word, pulse),
            counter => self.counters[usize::from(counter)].control(word, pulse),
        }
    }

    /// The read-back command: bit 5 low latches counts, bit 4 low latches status, of the counters in bits 3..1.
    fn read_back(&mut self, word: u8, pulse: u64) {
        for (index, counter) in self.counters.iter_mut().enumerate() {
            if word >> (index + 1) & 1 == 0 {
                continue;
            }
            counter.latch(word & 0x20 == 0, word & 0x10 == 0, pulse);
        }
    }

    fn read_port_b(&self, pulse: u64) -> u8 {
        let bit = |on: bool, bit: u8| if on { bit } else { 0 };
        bit(self.counters[2].gate, port_b::GATE2)
            | bit(self.speaker, port_b::SPEAKER)
            | bit((pulse / REFRESH_PULSES) & 1 != 0, port_b::REFRESH)
            | bit(self.counters[2].output(pulse), port_b::OUT2)
    }
}

impl Device for Pit {
    fn name(&self) -> &'static str {
        "pit"
    }

    fn register(&self, offset: u64) -> &'static str {
        match Register::decode(offset) {
            Register::Counter(0) => "COUNTER0",
            Register::Counter(1) => "COUNTER1",
            Register::Counter(_) => "COUNTER2",
            Register::Control => "CONTROL",
            Register::PortB => "PORT_B",
        }
    }

    fn read(&mut self, offset: u64, _width: Width, io: &mut Io<'_>) -> u64 {
        let pulse = pulses(io.now);
        u64::from(match Register::decode(offset) {
            Register::Counter(index) => self.counters[index].read(pulse),
            Register::Control => 0,
            Register::PortB => self.read_port_b(pulse),
        })
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, io: &mut Io<'_>) {
        let (pulse, byte) = (pulses(io.now), value as u8);
        match Register::decode(offset) {
            Register::Counter(index) => self.counters[index].write(byte, pulse),
            Register::Control => self.control(byte, pulse),
            Register::PortB => {
                self.speaker = byte & port_b::SPEAKER != 0;
                self.counters[2].set_gate(byte & port_b::GATE2 != 0, pulse);
            }
        }
        self.refresh(pulse);
    }

    /// Counter 0's output.
    fn irq(&self) -> bool {
        self.output
    }

    /// The next change of counter 0's output, in either direction.
    fn deadline(&self) -> Time {
        self.change
    }

    fn advance(&mut self, io: &mut Io<'_>) {
        self.refresh(pulses(io.now));
    }
}

impl State for Pit {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("pit", 1)?;
        self.counters
            .iter_mut()
            .try_for_each(|counter| counter.state(codec))?;
        codec.bool(&mut self.speaker)?;
        codec.bool(&mut self.output)?;
        codec.time(&mut self.change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, round_trip};

    fn program(bench: &mut Bench, pit: &mut Pit, counter: u8, mode: u8, count: u16) {
        bench.write8(pit, 3, counter << 6 | 0x30 | mode << 1);
        bench.write8(pit, u64::from(counter), count as u8);
        bench.write8(pit, u64::from(counter), (count >> 8) as u8);
    }

    /// The pulses at which counter 0's output rises, up to `until`.
    fn rises(mode: u8, count: u16, until: u64) -> Vec<u64> {
        let (mut bench, mut pit) = (Bench::new(), Pit::new());
        program(&mut bench, &mut pit, 0, mode, count);
        let (mut found, mut level) = (Vec::new(), pit.irq());
        while pit.deadline() <= time_of(until) {
            bench.now = pit.deadline();
            pit.advance(&mut bench.io());
            if pit.irq() && !level {
                found.push(pulses(bench.now));
            }
            level = pit.irq();
        }
        found
    }

    #[test]
    fn each_mode_interrupts_when_the_datasheet_says() {
        // The count is loaded at pulse 1.
        assert_eq!(rises(0, 100, 1000), [101]);
        assert_eq!(rises(2, 100, 350), [101, 201, 301]);
        assert_eq!(rises(3, 100, 350), [101, 201, 301]);
        assert_eq!(rises(4, 100, 1000), [102]);
        assert_eq!(rises(2, 1, 1000), [0; 0]);
        assert_eq!(rises(0, 0, 0x2_0000), [0x1_0001]);
        assert_eq!(rises(1, 100, 1000), [0; 0]);
    }

    #[test]
    fn a_second_has_as_many_pulses_as_the_crystal_makes() {
        assert_eq!(pulses(Time::secs(1)), FREQUENCY);
        for pulse in [1, 77, 1_193_181, 1 << 40] {
            assert_eq!(pulses(time_of(pulse)), pulse);
            assert_eq!(pulses(time_of(pulse) - Time(1)), pulse - 1);
        }
    }

    #[test]
    fn a_latched_count_stands_while_time_goes_on() {
        let (mut bench, mut pit) = (Bench::new(), Pit::new());
        program(&mut bench, &mut pit, 0, 2, 0x1234);
        bench.now = time_of(1 + 0x34);
        bench.write8(&mut pit, 3, 0);
        bench.now = time_of(500);
        let bytes = [bench.read8(&mut pit, 0), bench.read8(&mut pit, 0)];
        assert_eq!(bytes, [0x00, 0x12]);
        let live = u16::from(bench.read8(&mut pit, 0)) | u16::from(bench.read8(&mut pit, 0)) << 8;
        assert_eq!(live, 0x1234 - 499);
    }

    #[test]
    fn read_back_gives_the_status_before_the_count() {
        let (mut bench, mut pit) = (Bench::new(), Pit::new());
        bench.write8(&mut pit, 3, 0xb6);
        bench.write8(&mut pit, 3, 0xe8);
        assert_eq!(bench.read8(&mut pit, 2), 0xf6, "null count: nothing loaded");
        program(&mut bench, &mut pit, 0, 2, 10);
        bench.write8(&mut pit, 3, 0xc2);
        let read: Vec<u8> = (0..3).map(|_| bench.read8(&mut pit, 0)).collect();
        assert_eq!(read, [0xb4, 10, 0]);
    }

    #[test]
    fn counter_two_counts_while_port_b_opens_its_gate() {
        let (mut bench, mut pit) = (Bench::new(), Pit::new());
        bench.write8(&mut pit, PORT_B, 1);
        program(&mut bench, &mut pit, 2, 0, 1000);
        bench.now = time_of(501);
        bench.write8(&mut pit, PORT_B, 0);
        bench.now = time_of(5000);
        assert_eq!(bench.read8(&mut pit, PORT_B) & 0x21, 0);
        bench.write8(&mut pit, PORT_B, 1);
        bench.now = time_of(5499);
        assert_eq!(bench.read8(&mut pit, PORT_B) & 0x21, 0x01);
        bench.now = time_of(5500);
        assert_eq!(bench.read8(&mut pit, PORT_B) & 0x21, 0x21);
    }

    #[test]
    fn bcd_counts_in_decimal() {
        let (mut bench, mut pit) = (Bench::new(), Pit::new());
        bench.write8(&mut pit, 3, 0x31);
        bench.write8(&mut pit, 0, 0x00);
        bench.write8(&mut pit, 0, 0x10);
        bench.now = time_of(2);
        let bytes = [bench.read8(&mut pit, 0), bench.read8(&mut pit, 0)];
        assert_eq!(bytes, [0x99, 0x09]);
        bench.now = time_of(1003);
        assert_eq!(bench.read8(&mut pit, 0), 0x98, "wraps to 9998");
    }

    #[test]
    fn the_state_comes_back() {
        let (mut bench, mut pit) = (Bench::new(), Pit::new());
        bench.now = Time(12_345);
        program(&mut bench, &mut pit, 0, 3, 777);
        bench.write8(&mut pit, 3, 0xc0 | 2);
        bench.write8(&mut pit, PORT_B, 3);
        let mut fresh = Pit::new();
        round_trip(&mut pit, &mut fresh);
        assert_eq!(fresh.deadline(), pit.deadline());
    }
}
