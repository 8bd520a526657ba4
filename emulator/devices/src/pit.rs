//! The 8254 programmable interval timer (Intel datasheet, September 1993) and the system control port B beside it.
//!
//! Key types: [`Pit`], three [`Counter`]s. Nothing ticks: a counter knows the clock pulse at which it was loaded,
//! and its count and output follow from how many pulses went by. Counter 0's output is the interrupt; counter 2's
//! gate and output are bits of port 0x61, which the board maps to offset [`PORT_B`].

use base::{Codec, CodecError, Device, Io, State, Time, Width};

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

/// How far a counter has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Programmed but not loaded, or (modes 1 and 5) not triggered.
    Waiting,
    /// Holds the initial count at this pulse and counts from there.
    Since(u64),
    /// Stopped by its gate after this many pulses.
    Held(u64),
}

/// One of the three counters.
#[derive(Clone, Debug)]
struct Counter {
    mode: u8,
    bcd: bool,
    /// Control word's RW field: 1 least, 2 most significant byte only, 3 both in that order.
    access: u8,
    /// The count register, as written.
    reload: u16,
    progress: Progress,
    gate: bool,
    /// The next byte read or written is the most significant of a pair.
    read_high: bool,
    write_high: bool,
    written_low: u8,
    latched_count: Option<u16>,
    latched_status: Option<u8>,
}

impl Counter {
    const fn new(gate: bool) -> Self {
        Self {
            mode: 0,
            bcd: false,
            access: 3,
            reload: 0,
            progress: Progress::Waiting,
            gate,
            read_high: false,
            write_high: false,
            written_low: 0,
            latched_count: None,
            latched_status: None,
        }
    }

    /// Pulses of a full count: a zero in the register stands for the largest number.
    fn length(&self) -> u64 {
        match (self.bcd, self.reload) {
            (false, 0) => 0x1_0000,
            (false, count) => u64::from(count),
            (true, 0) => 10_000,
            (true, count) => from_bcd(count).max(1),
        }
    }

    fn elapsed(&self, pulse: u64) -> Option<u64> {
        match self.progress {
            Progress::Waiting => None,
            Progress::Since(start) => Some(pulse.saturating_sub(start)),
            Progress::Held(elapsed) => Some(elapsed),
        }
    }

    /// Modes 2 and 3 repeat, and stop with a high output while the gate is low.
    const fn repeats(&self) -> bool {
        matches!(self.mode, 2 | 3)
    }

    fn output(&self, pulse: u64) -> bool {
        let Some(elapsed) = self.elapsed(pulse) else {
            return self.mode != 0;
        };
        let length = self.length();
        match self.mode {
            0 | 1 => elapsed >= length,
            2 | 3 if matches!(self.progress, Progress::Held(_)) => true,
            2 => elapsed % length != length - 1,
            3 => elapsed % length < length.div_ceil(2),
            _ => elapsed != length,
        }
    }

    /// The first pulse after `pulse` at which the output changes.
    fn next_change(&self, pulse: u64) -> Option<u64> {
        let Progress::Since(start) = self.progress else {
            return None;
        };
        let (elapsed, length) = (pulse.saturating_sub(start), self.length());
        let phase = elapsed % length;
        let change = match self.mode {
            0 | 1 if elapsed < length => length,
            // A count of one is illegal in the modes that repeat: the output rests.
            2 | 3 if length < 2 => return None,
            2 if phase < length - 1 => elapsed + (length - 1 - phase),
            3 if phase < length.div_ceil(2) => elapsed + (length.div_ceil(2) - phase),
            2 | 3 => elapsed + (length - phase),
            4 | 5 if elapsed < length => length,
            4 | 5 if elapsed == length => length + 1,
            _ => return None,
        };
        Some(start + change)
    }

    /// The counting element.
    fn count(&self, pulse: u64) -> u16 {
        let (length, elapsed) = (self.length(), self.elapsed(pulse).unwrap_or(0));
        let count = match self.mode {
            2 => length - elapsed % length,
            3 => {
                // Counts down by two, twice a period, from the even number at or below the length.
                let half = length.div_ceil(2);
                let phase = elapsed % length;
                let into_half = if phase < half { phase } else { phase - half };
                (length & !1).saturating_sub(2 * into_half)
            }
            _ => length.wrapping_sub(elapsed),
        };
        if self.bcd {
            to_bcd(count as i64)
        } else {
            count as u16
        }
    }

    fn status(&self, pulse: u64) -> u8 {
        let null = self.progress == Progress::Waiting;
        u8::from(self.output(pulse)) << 7
            | u8::from(null) << 6
            | self.access << 4
            | self.mode << 1
            | u8::from(self.bcd)
    }

    fn control(&mut self, word: u8, pulse: u64) {
        let access = word >> 4 & 3;
        if access == 0 {
            self.latched_count.get_or_insert(self.count(pulse));
            return;
        }
        // Modes 6 and 7 are 2 and 3 again.
        let mode = word >> 1 & 7;
        *self = Self {
            mode: if mode > 5 { mode - 4 } else { mode },
            bcd: word & 1 != 0,
            access,
            reload: self.reload,
            ..Self::new(self.gate)
        };
    }

    fn read(&mut self, pulse: u64) -> u8 {
        if let Some(status) = self.latched_status.take() {
            return status;
        }
        let count = self.latched_count.unwrap_or_else(|| self.count(pulse));
        let high = self.access == 2 || self.access == 3 && self.read_high;
        self.read_high = self.access == 3 && !self.read_high;
        if !self.read_high {
            self.latched_count = None;
        }
        (if high { count >> 8 } else { count }) as u8
    }

    fn write(&mut self, byte: u8, pulse: u64) {
        if self.access == 3 && !self.write_high {
            self.written_low = byte;
            self.write_high = true;
            // In mode 0 the first byte already stops the counting.
            if self.mode == 0 {
                self.progress = Progress::Waiting;
            }
            return;
        }
        self.reload = match self.access {
            1 => u16::from(byte),
            2 => u16::from(byte) << 8,
            _ => u16::from(byte) << 8 | u16::from(self.written_low),
        };
        self.write_high = false;
        // The count is loaded at the next pulse. Modes 1 and 5 wait for their gate; a repeating counter that is
        // already running should finish its period first, but we reload at once, as QEMU does.
        self.progress = match self.mode {
            1 | 5 => Progress::Waiting,
            _ if self.gate => Progress::Since(pulse + 1),
            _ => Progress::Held(0),
        };
    }

    fn set_gate(&mut self, gate: bool, pulse: u64) {
        let (rising, falling) = (gate && !self.gate, self.gate && !gate);
        self.gate = gate;
        self.progress = match (self.mode, self.progress) {
            (1 | 5, _) if rising => Progress::Since(pulse + 1),
            (0 | 4, Progress::Held(elapsed)) if rising => {
                Progress::Since(pulse.saturating_sub(elapsed))
            }
            (2 | 3, Progress::Held(_)) if rising => Progress::Since(pulse + 1),
            (0 | 4, Progress::Since(start)) if falling => {
                Progress::Held(pulse.saturating_sub(start))
            }
            (_, Progress::Since(_)) if falling && self.repeats() => Progress::Held(0),
            (_, progress) => progress,
        };
    }

    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.u8(&mut self.mode)?;
        codec.bool(&mut self.bcd)?;
        codec.u8(&mut self.access)?;
        if self.mode > 5 || !(1..=3).contains(&self.access) {
            return Err(CodecError::BadValue {
                field: "pit control word",
            });
        }
        codec.u16(&mut self.reload)?;
        let (mut kind, mut at) = match self.progress {
            Progress::Waiting => (0, 0),
            Progress::Since(start) => (1, start),
            Progress::Held(elapsed) => (2, elapsed),
        };
        codec.u8(&mut kind)?;
        codec.u64(&mut at)?;
        self.progress = match kind {
            0 => Progress::Waiting,
            // Pulses are fewer than nanoseconds, so no honest state is near the end of the number's range.
            1 if at < u64::MAX / 2 => Progress::Since(at),
            2 if at < u64::MAX / 2 => Progress::Held(at),
            _ => {
                return Err(CodecError::BadValue {
                    field: "pit progress",
                });
            }
        };
        codec.bool(&mut self.gate)?;
        codec.bool(&mut self.read_high)?;
        codec.bool(&mut self.write_high)?;
        codec.u8(&mut self.written_low)?;
        codec.option(&mut self.latched_count, |c, count| c.u16(count))?;
        codec.option(&mut self.latched_status, |c, status| c.u8(status))
    }
}

fn from_bcd(bcd: u16) -> u64 {
    (0..4).rev().fold(0, |sum, digit| {
        sum * 10 + u64::from(bcd >> (4 * digit) & 0xf)
    })
}

fn to_bcd(count: i64) -> u16 {
    let mut rest = count.rem_euclid(10_000) as u16;
    (0..4).fold(0, |bcd, digit| {
        let value = rest % 10;
        rest /= 10;
        bcd | value << (4 * digit)
    })
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
            if word & 0x20 == 0 {
                counter.latched_count.get_or_insert(counter.count(pulse));
            }
            if word & 0x10 == 0 {
                counter.latched_status.get_or_insert(counter.status(pulse));
            }
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
    fn name(&self) -> &str {
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
