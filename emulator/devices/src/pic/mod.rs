//! The pair of 8259A interrupt controllers of a PC (Intel datasheet, December 1988), cascaded over line 2.
//!
//! Key type: [`Pic`], two chips and the edge/level registers beside them. A kernel that uses the APICs masks it;
//! an old one takes its vectors with [`Pic::acknowledge`] when [`base::Device::irq`] is up. Left out: special fully
//! nested mode and buffered mode, which a PC does not use.

mod chip;

use base::{Codec, CodecError, Device, Io, State, Width};
use chip::Chip;
pub use chip::Registers;

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
    /// The pair after power-on: all lines are masked until it is initialised.
    pub fn new() -> Self {
        Self {
            chips: [Chip::new(), Chip::new()],
        }
    }

    /// Sets the level of ISA interrupt `line` (0 to 15, but not 2).
    pub fn set_line(&mut self, line: u8, level: bool) {
        if line < 16 && line != CASCADE {
            self.chips[usize::from(line / 8)].set_line(line % 8, level);
            self.cascade();
        }
    }

    /// What is in the registers of both chips, for monitors.
    pub fn registers(&self) -> [Registers; 2] {
        [self.chips[0].registers(), self.chips[1].registers()]
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
    fn name(&self) -> &'static str {
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
        let [first, second] = pic.registers();
        assert_eq!((first.irr, first.isr, first.base), (0x10, 0x02, 0x20));
        assert_eq!((first.highest, second.base), (0, 0x28));
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
