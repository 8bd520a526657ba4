//! One counter of the 8254: count and output as functions of the clock pulses since it was loaded.
//!
//! Key type: [`Counter`]. Every method takes the number of the present pulse. The modes are those of the datasheet's
//! section "Mode Definitions".

use base::{Codec, CodecError};

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
pub struct Counter {
    mode: u8,
    bcd: bool,
    /// Control word's RW field: 1 least, 2 most significant byte only, 3 both in that order.
    access: u8,
    /// The count register, as written.
    reload: u16,
    progress: Progress,
    pub gate: bool,
    /// The next byte read or written is the most significant of a pair.
    read_high: bool,
    write_high: bool,
    written_low: u8,
    latched_count: Option<u16>,
    latched_status: Option<u8>,
}

impl Counter {
    /// A counter that nobody has programmed.
    pub const fn new(gate: bool) -> Self {
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

    /// The OUT pin.
    pub fn output(&self, pulse: u64) -> bool {
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
    pub fn next_change(&self, pulse: u64) -> Option<u64> {
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

    /// Takes a control word, or latches the count.
    pub fn control(&mut self, word: u8, pulse: u64) {
        let access = word >> 4 & 3;
        if access == 0 {
            return self.latch(true, false, pulse);
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

    /// Latches the count, the status, or both, unless they still wait to be read.
    pub fn latch(&mut self, count: bool, status: bool, pulse: u64) {
        if count {
            self.latched_count.get_or_insert(self.count(pulse));
        }
        if status {
            self.latched_status.get_or_insert(self.status(pulse));
        }
    }

    /// Reads the next byte: of the latched status, of the latched count, or of the counting element.
    pub fn read(&mut self, pulse: u64) -> u8 {
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

    /// Writes the next byte of the count register.
    pub fn write(&mut self, byte: u8, pulse: u64) {
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

    /// Sets the GATE pin.
    pub fn set_gate(&mut self, gate: bool, pulse: u64) {
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

    /// The counter for the state codec.
    pub fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
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
