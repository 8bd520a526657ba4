//! The pair of 8259A interrupt controllers of a PC (Intel datasheet, December 1988), cascaded over line 2.
//!
//! Key type: [`Pic`], two [`Chip`]s and the edge/level registers beside them. A kernel that uses the APICs masks it;
//! an old one takes its vectors with [`Pic::acknowledge`] when [`base::Device::irq`] is up. Left out: special fully
//! nested mode and buffered mode, which a PC does not use.

use base::{Codec, CodecError, Device, Io, State, Width};

/// The first chip's line that the second hangs on.
const CASCADE: u8 = 2;

/// Where the board maps ports 0x20, 0xa0 and 0x4d0: two bytes each.
pub const FIRST: u64 = 0;
/// See [`FIRST`].
pub const SECOND: u64 = 2;
/// See [`FIRST`].
pub const ELCR: u64 = 4;

/// Lines that are always edge-triggered, in each chip's ELCR: the timer, keyboard, cascade; the clock and FPU.
const ALWAYS_EDGE: [u8; 2] = [0b0000_0111, 0b0010_0001];

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
struct Chip {
    /// Levels of the lines.
    lines: u8,
    irr: u8,
    isr: u8,
    imr: u8,
    /// Level-triggered lines.
    elcr: u8,
    /// ICW2: the vector of line 0.
    base: u8,
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

impl Chip {
    fn new() -> Self {
        Self {
            lowest: 7,
            ..Self::default()
        }
    }

    fn set_line(&mut self, line: u8, level: bool) {
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
    fn pending(&self) -> Option<u8> {
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
    fn acknowledge(&mut self) -> u8 {
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

    fn write_command(&mut self, value: u8) {
        if value & 0x10 != 0 {
            // ICW1 clears the edge memory, the mask and the modes.
            *self = Self {
                lines: self.lines,
                elcr: self.elcr,
                irr: self.lines & self.elcr,
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

    fn write_data(&mut self, value: u8) {
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

    fn read(&mut self, data: bool) -> u8 {
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

    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
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

/// Both chips.
#[derive(Clone, Debug)]
pub struct Pic {
    chips: [Chip; 2],
}

impl Default for Pic {
    fn default() -> Self {
        Self::new()
    }
}

impl Pic {
    /// The pair after power-on. Unlike the real one, which then passes everything with vectors of chance, it masks
    /// all lines until it is initialised.
    pub fn new() -> Self {
        let chip = Chip {
            imr: 0xff,
            ..Chip::new()
        };
        Self {
            chips: [chip.clone(), chip],
        }
    }

    /// Sets the level of ISA interrupt `line` (0 to 15, but not 2).
    pub fn set_line(&mut self, line: u8, level: bool) {
        if line < 16 && line != CASCADE {
            self.chips[usize::from(line / 8)].set_line(line % 8, level);
            self.cascade();
        }
    }

    /// The CPU's interrupt acknowledge cycle: the vector of the pending interrupt, or a spurious one.
    pub fn acknowledge(&mut self) -> u8 {
        let [first, second] = &mut self.chips;
        let line = first.acknowledge();
        let vector = if line == CASCADE {
            second.base | second.acknowledge()
        } else {
            first.base | line
        };
        self.cascade();
        vector
    }

    /// The second chip's output is the first one's line 2, and stays up for each further request.
    fn cascade(&mut self) {
        let pending = self.chips[1].pending().is_some();
        self.chips[0].elcr |= 1 << CASCADE;
        self.chips[0].set_line(CASCADE, pending);
    }
}

impl Device for Pic {
    fn name(&self) -> &str {
        "pic"
    }

    fn register(&self, offset: u64) -> &'static str {
        match offset {
            0 => "PIC1_COMMAND",
            1 => "PIC1_DATA",
            2 => "PIC2_COMMAND",
            3 => "PIC2_DATA",
            4 => "ELCR1",
            5 => "ELCR2",
            _ => "reserved",
        }
    }

    fn read(&mut self, offset: u64, _width: Width, _io: &mut Io<'_>) -> u64 {
        let index = (offset / 2 % 2) as usize;
        let value = match offset {
            FIRST..ELCR => self.chips[index].read(offset & 1 != 0),
            4 | 5 => {
                let index = (offset - ELCR) as usize;
                self.chips[index].elcr & !ALWAYS_EDGE[index]
            }
            _ => 0,
        };
        self.cascade();
        u64::from(value)
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, _io: &mut Io<'_>) {
        let index = (offset / 2 % 2) as usize;
        match offset {
            FIRST..ELCR if offset & 1 == 0 => self.chips[index].write_command(value as u8),
            FIRST..ELCR => self.chips[index].write_data(value as u8),
            4 | 5 => {
                let index = (offset - ELCR) as usize;
                self.chips[index].elcr = value as u8 & !ALWAYS_EDGE[index];
            }
            _ => {}
        }
        self.cascade();
    }

    /// INTR of the first chip.
    fn irq(&self) -> bool {
        self.chips[0].pending().is_some()
    }
}

impl State for Pic {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("pic", 1)?;
        self.chips.iter_mut().try_for_each(|chip| chip.state(codec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, round_trip};

    /// A pair initialised as PC firmware does, with vectors 0x20 and 0x28 and all lines open.
    fn pair() -> (Bench, Pic) {
        let (mut bench, mut pic) = (Bench::new(), Pic::new());
        for (offset, vector, wiring) in [(0, 0x20, 4), (2, 0x28, 2)] {
            bench.write8(&mut pic, offset, 0x11);
            for value in [vector, wiring, 0x01] {
                bench.write8(&mut pic, offset + 1, value);
            }
        }
        (bench, pic)
    }

    #[test]
    fn nothing_comes_before_it_is_initialised() {
        let mut pic = Pic::new();
        (0..16).for_each(|line| pic.set_line(line, true));
        assert!(!pic.irq());
    }

    #[test]
    fn the_lower_line_goes_first_and_a_higher_one_waits_for_eoi() {
        let (mut bench, mut pic) = pair();
        pic.set_line(4, true);
        pic.set_line(1, true);
        assert_eq!(pic.acknowledge(), 0x21);
        assert!(!pic.irq());
        bench.write8(&mut pic, 0, 0x20);
        assert_eq!(pic.acknowledge(), 0x24);
        bench.write8(&mut pic, 0, 0x64);
        bench.write8(&mut pic, 0, 0x0b);
        assert_eq!(bench.read8(&mut pic, 0), 0, "nothing in service");
    }

    #[test]
    fn the_second_chip_interrupts_through_the_first() {
        let (mut bench, mut pic) = pair();
        pic.set_line(8, true);
        pic.set_line(3, true);
        assert_eq!(pic.acknowledge(), 0x28, "line 2 is above line 3");
        assert!(!pic.irq());
        bench.write8(&mut pic, 2, 0x20);
        bench.write8(&mut pic, 0, 0x20);
        assert_eq!(pic.acknowledge(), 0x23);
    }

    #[test]
    fn masks_hold_back_and_a_vanished_request_is_spurious() {
        let (mut bench, mut pic) = pair();
        bench.write8(&mut pic, 1, 0x10);
        pic.set_line(4, true);
        assert!(!pic.irq());
        bench.write8(&mut pic, 1, 0);
        assert!(pic.irq());
        pic.set_line(4, false);
        assert!(!pic.irq());
        assert_eq!(pic.acknowledge(), 0x27);
    }

    #[test]
    fn an_edge_interrupts_once_and_a_level_while_it_lasts() {
        let (mut bench, mut pic) = pair();
        bench.write8(&mut pic, ELCR, 0x20);
        for (line, again) in [(4, false), (5, true)] {
            pic.set_line(line, true);
            pic.acknowledge();
            bench.write8(&mut pic, 0, 0x20);
            assert_eq!(pic.irq(), again);
            pic.set_line(line, false);
        }
        assert!(!pic.irq());
    }

    #[test]
    fn rotation_puts_the_served_line_last() {
        let (mut bench, mut pic) = pair();
        pic.set_line(0, true);
        pic.acknowledge();
        bench.write8(&mut pic, 0, 0xa0);
        pic.set_line(0, false);
        pic.set_line(0, true);
        pic.set_line(7, true);
        assert_eq!(pic.acknowledge(), 0x27);
    }

    #[test]
    fn the_state_comes_back_in_the_middle_of_initialising() {
        let (mut bench, mut pic) = pair();
        pic.set_line(9, true);
        bench.write8(&mut pic, 0, 0x11);
        round_trip(&mut pic, &mut Pic::new());
    }
}
