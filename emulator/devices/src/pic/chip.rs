//! One 8259A: requests, masks, priorities, and the words that program them (the datasheet's ICWs and OCWs).
//!
//! Key type: [`Chip`]. It does not know whether it is the first or the second of the pair.

use base::{Codec, CodecError};

/// How far the initialisation sequence has come (figure 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Expects {
    #[default]
    Ocw1,
    Icw2,
    Icw3,
    Icw4,
}

/// One 8259A.
#[derive(Clone, Debug, Default)]
pub struct Chip {
    /// Levels of the lines.
    lines: u8,
    irr: u8,
    isr: u8,
    imr: u8,
    /// Level-triggered lines.
    pub elcr: u8,
    /// ICW2: the vector of line 0.
    pub base: u8,
    /// The line with the lowest priority.
    lowest: u8,
    expects: Expects,
    wants_icw4: bool,
    single: bool,
    auto_eoi: bool,
    rotate_on_auto_eoi: bool,
    special_mask: bool,
    read_isr: bool,
    poll: bool,
}

/// What is in one chip's registers, by the datasheet's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registers {
    /// Requests, a bit a line.
    pub irr: u8,
    /// Lines in service.
    pub isr: u8,
    /// Masked lines.
    pub imr: u8,
    /// Level-triggered lines.
    pub elcr: u8,
    /// The vector of line 0.
    pub base: u8,
    /// The line with the highest priority.
    pub highest: u8,
    /// Whether a read of the even port gives ISR.
    pub reads_isr: bool,
}

impl Chip {
    /// What is in the registers, for monitors.
    pub const fn registers(&self) -> Registers {
        Registers {
            irr: self.irr,
            isr: self.isr,
            imr: self.imr,
            elcr: self.elcr,
            base: self.base,
            highest: (self.lowest + 1) % 8,
            reads_isr: self.read_isr,
        }
    }

    /// A chip that masks all lines, unlike the real one, which would pass them with vectors of chance.
    pub fn new() -> Self {
        Self {
            imr: 0xff,
            lowest: 7,
            ..Self::default()
        }
    }

    /// Sets the level of a line.
    pub fn set_line(&mut self, line: u8, level: bool) {
        let bit = 1 << line;
        if level {
            if self.elcr & bit != 0 || self.lines & bit == 0 {
                self.irr |= bit;
            }
            self.lines |= bit;
        } else {
            // An edge that has gone again before it was taken leaves no request.
            self.irr &= !bit;
            self.lines &= !bit;
        }
    }

    /// The highest-priority line of a set, and how many are above it.
    fn first(&self, set: u8) -> Option<(u8, u32)> {
        let rotated = set.rotate_right(u32::from(self.lowest) + 1);
        let rank = rotated.trailing_zeros();
        (set != 0).then(|| (((u32::from(self.lowest) + 1 + rank) % 8) as u8, rank))
    }

    /// The line whose interrupt would be taken now.
    pub fn pending(&self) -> Option<u8> {
        let (line, rank) = self.first(self.irr & !self.imr)?;
        // In special mask mode, masked lines in service do not hold others back.
        let in_service = if self.special_mask {
            self.isr & !self.imr
        } else {
            self.isr
        };
        let (_, busy) = self.first(in_service).unwrap_or((0, 8));
        (rank < busy).then_some(line)
    }

    /// Takes the pending line. Without one this is a spurious interrupt on line 7, which leaves no trace.
    pub fn acknowledge(&mut self) -> u8 {
        let Some(line) = self.pending() else {
            return 7;
        };
        let bit = 1 << line;
        if self.elcr & bit == 0 {
            self.irr &= !bit;
        }
        if !self.auto_eoi {
            self.isr |= bit;
        } else if self.rotate_on_auto_eoi {
            self.lowest = line;
        }
        line
    }

    /// Writes the even port: ICW1, OCW2 or OCW3.
    pub fn write_command(&mut self, value: u8) {
        if value & 0x10 != 0 {
            // ICW1 clears the edge memory, the mask and the modes.
            *self = Self {
                lines: self.lines,
                elcr: self.elcr,
                irr: self.lines & self.elcr,
                imr: 0,
                base: self.base,
                expects: Expects::Icw2,
                wants_icw4: value & 1 != 0,
                single: value & 2 != 0,
                ..Self::new()
            };
        } else if value & 0x08 != 0 {
            self.write_ocw3(value);
        } else {
            self.write_ocw2(value);
        }
    }

    /// OCW2: ends of interrupts and rotations.
    fn write_ocw2(&mut self, value: u8) {
        let specific = value & 7;
        let ended = match value >> 5 {
            0b001 | 0b101 => self.first(self.isr).map(|(line, _)| line),
            0b011 | 0b111 => Some(specific),
            _ => None,
        };
        if let Some(line) = ended {
            self.isr &= !(1 << line);
        }
        match value >> 5 {
            0b000 => self.rotate_on_auto_eoi = false,
            0b100 => self.rotate_on_auto_eoi = true,
            0b101 | 0b111 => self.lowest = ended.unwrap_or(self.lowest),
            0b110 => self.lowest = specific,
            _ => {}
        }
    }

    /// OCW3: special mask mode, poll, and which register reads.
    fn write_ocw3(&mut self, value: u8) {
        if value & 0x40 != 0 {
            self.special_mask = value & 0x20 != 0;
        }
        self.poll = value & 0x04 != 0;
        if value & 0x02 != 0 {
            self.read_isr = value & 1 != 0;
        }
    }

    /// Writes the odd port: the mask, or what the initialisation expects.
    pub fn write_data(&mut self, value: u8) {
        let after_icw3 = if self.wants_icw4 {
            Expects::Icw4
        } else {
            Expects::Ocw1
        };
        self.expects = match self.expects {
            Expects::Ocw1 => {
                self.imr = value;
                Expects::Ocw1
            }
            Expects::Icw2 => {
                self.base = value & 0xf8;
                if self.single {
                    after_icw3
                } else {
                    Expects::Icw3
                }
            }
            // The wiring is what it is.
            Expects::Icw3 => after_icw3,
            Expects::Icw4 => {
                self.auto_eoi = value & 2 != 0;
                Expects::Ocw1
            }
        };
    }

    /// Reads the odd port (`data`) or the even one.
    pub fn read(&mut self, data: bool) -> u8 {
        if std::mem::take(&mut self.poll) {
            return match self.pending() {
                Some(_) => 0x80 | self.acknowledge(),
                None => 0,
            };
        }
        match (data, self.read_isr) {
            (true, _) => self.imr,
            (false, true) => self.isr,
            (false, false) => self.irr,
        }
    }

    /// The chip for the state codec.
    pub fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        for register in [
            &mut self.lines,
            &mut self.irr,
            &mut self.isr,
            &mut self.imr,
            &mut self.elcr,
            &mut self.base,
            &mut self.lowest,
        ] {
            codec.u8(register)?;
        }
        let mut expects = self.expects as u8;
        codec.u8(&mut expects)?;
        self.expects = match expects {
            0 => Expects::Ocw1,
            1 => Expects::Icw2,
            2 => Expects::Icw3,
            3 => Expects::Icw4,
            _ => {
                return Err(CodecError::BadValue {
                    field: "pic sequence",
                });
            }
        };
        if self.lowest > 7 {
            return Err(CodecError::BadValue {
                field: "pic priority",
            });
        }
        for flag in [
            &mut self.wants_icw4,
            &mut self.single,
            &mut self.auto_eoi,
            &mut self.rotate_on_auto_eoi,
            &mut self.special_mask,
            &mut self.read_isr,
            &mut self.poll,
        ] {
            codec.bool(flag)?;
        }
        Ok(())
    }
}
