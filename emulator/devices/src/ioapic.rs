//! The I/O APIC (Intel 82093AA datasheet, May 1996; sections below are its own).
//!
//! Key type: [`IoApic`]. The board sets its lines' levels, then carries every message of [`IoApic::take_message`] to
//! the local APICs (`apic_bus::deliver`), and brings back the ends of level-triggered interrupts. A line's level
//! means "asserted": like QEMU, we leave the polarity bit to the wiring.

use crate::apic_bus::{Delivery, Destination, Message};
use base::{Codec, CodecError, Device, Io, State, Width};

/// Interrupt lines.
pub const LINES: usize = 24;

/// Version 0x11 and the number of the last entry (3.2.2).
const VERSION: u32 = 0x11 | (LINES as u32 - 1) << 16;

/// The fields of a redirection entry (3.2.4).
///
/// ```text
/// 63..56      | 55..17 | 16   | 15    | 14         | 13       | 12     | 11      | 10..8    | 7..0
/// destination | -      | mask | level | remote IRR | polarity | status | logical | delivery | vector
/// ```
mod entry {
    pub const LOGICAL: u64 = 1 << 11;
    pub const REMOTE_IRR: u64 = 1 << 14;
    pub const LEVEL: u64 = 1 << 15;
    pub const MASKED: u64 = 1 << 16;
    /// All but delivery status and remote IRR, which are read-only.
    pub const WRITABLE: u64 = 0xff00_0000_0001_afff;
}

/// What the window shows (3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Register {
    Id,
    Version,
    Arbitration,
    /// The low or high half of an entry.
    Redirection {
        line: usize,
        high: bool,
    },
}

impl Register {
    fn decode(select: u8) -> Option<Self> {
        match select {
            0 => Some(Self::Id),
            1 => Some(Self::Version),
            2 => Some(Self::Arbitration),
            0x10.. => {
                let line = usize::from(select - 0x10) / 2;
                (line < LINES).then_some(Self::Redirection {
                    line,
                    high: select & 1 != 0,
                })
            }
            _ => None,
        }
    }
}

/// The I/O APIC.
#[derive(Clone, Debug)]
pub struct IoApic {
    id: u8,
    select: u8,
    entries: [u64; LINES],
    /// The lines' levels, a bit each.
    asserted: u32,
    /// Lines whose message has not been taken yet.
    waiting: u32,
}

impl IoApic {
    /// An I/O APIC with every line masked.
    pub const fn new(id: u8) -> Self {
        Self {
            id,
            select: 0,
            entries: [entry::MASKED; LINES],
            asserted: 0,
            waiting: 0,
        }
    }

    /// Sets the level of `line`. Numbers beyond the last line are ignored.
    pub fn set_line(&mut self, line: usize, asserted: bool) {
        if line >= LINES {
            return;
        }
        let bit = 1 << line;
        let rising = asserted && self.asserted & bit == 0;
        if asserted {
            self.asserted |= bit;
        } else {
            self.asserted &= !bit;
        }
        // An edge on a masked line is lost (3.2.4, bit 16).
        if rising && self.entries[line] & (entry::MASKED | entry::LEVEL) == 0 {
            self.waiting |= bit;
        }
        self.offer_level(line);
    }

    /// The level of `line`.
    pub const fn line(&self, line: usize) -> bool {
        line < LINES && self.asserted & 1 << line != 0
    }

    /// Its id and version registers (3.2.1, 3.2.2), for monitors.
    pub const fn identity(&self) -> (u8, u32) {
        (self.id, VERSION)
    }

    /// The redirection entry of `line` (3.2.4), for monitors. Lines beyond the last are masked.
    pub const fn redirection(&self, line: usize) -> u64 {
        if line < LINES {
            self.entries[line]
        } else {
            entry::MASKED
        }
    }

    /// The levels of all lines, a bit each.
    #[inline]
    pub const fn lines(&self) -> u32 {
        self.asserted
    }

    /// Whether `line` interrupts by its level, not by its rise.
    pub const fn is_level(&self, line: usize) -> bool {
        line < LINES && self.entries[line] & entry::LEVEL != 0
    }

    /// The lines whose message waits to be taken, a bit each.
    #[inline]
    pub const fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Whether there is a message to take.
    #[inline]
    pub const fn has_message(&self) -> bool {
        self.waiting != 0
    }

    /// Takes the next message for the local APICs, the lowest line's first.
    pub fn take_message(&mut self) -> Option<Message> {
        while self.waiting != 0 {
            let line = self.waiting.trailing_zeros() as usize;
            self.waiting &= self.waiting - 1;
            let entry = self.entries[line];
            let Some(delivery) = Delivery::decode(entry >> 8) else {
                continue;
            };
            let level = entry & entry::LEVEL != 0;
            if level {
                self.entries[line] |= entry::REMOTE_IRR;
            }
            let address = (entry >> 56) as u32;
            return Some(Message {
                destination: match entry & entry::LOGICAL {
                    0 if address == 0xff => Destination::All,
                    0 => Destination::Physical(address),
                    _ => Destination::Logical(address),
                },
                delivery,
                vector: entry as u8,
                level,
            });
        }
        None
    }

    /// A local APIC broadcasts the end of the level-triggered interrupt `vector`: lines that are still asserted
    /// interrupt again.
    pub fn end_of_interrupt(&mut self, vector: u8) {
        for line in 0..LINES {
            let entry = &mut self.entries[line];
            if *entry as u8 == vector && *entry & entry::REMOTE_IRR != 0 {
                *entry &= !entry::REMOTE_IRR;
                self.offer_level(line);
            }
        }
    }

    /// Queues a message for a level-triggered line that is asserted and not already being served.
    fn offer_level(&mut self, line: usize) {
        let bit = 1 << line;
        let state = self.entries[line] & (entry::LEVEL | entry::MASKED | entry::REMOTE_IRR);
        if state == entry::LEVEL && self.asserted & bit != 0 {
            self.waiting |= bit;
        } else if self.entries[line] & entry::LEVEL != 0 {
            self.waiting &= !bit;
        }
    }

    fn read_register(&self, register: Register) -> u32 {
        match register {
            Register::Id | Register::Arbitration => u32::from(self.id) << 24,
            Register::Version => VERSION,
            Register::Redirection { line, high } => {
                (self.entries[line] >> if high { 32 } else { 0 }) as u32
            }
        }
    }

    fn write_register(&mut self, register: Register, value: u32) {
        match register {
            Register::Id => self.id = (value >> 24) as u8 & 0xf,
            Register::Version | Register::Arbitration => {}
            Register::Redirection { line, high } => {
                let old = self.entries[line];
                let half = u64::from(value);
                let merged = if high {
                    old & 0xffff_ffff | half << 32
                } else {
                    old & 0xffff_ffff_0000_0000 | half
                };
                let mut new = merged & entry::WRITABLE | old & entry::REMOTE_IRR;
                // An edge-triggered line has no remote IRR.
                if new & entry::LEVEL == 0 {
                    new &= !entry::REMOTE_IRR;
                }
                self.entries[line] = new;
                if new & entry::MASKED != 0 {
                    self.waiting &= !(1 << line);
                }
                self.offer_level(line);
            }
        }
    }
}

/// The two registers in memory (3.1).
const IOREGSEL: u64 = 0x00;
const IOWIN: u64 = 0x10;

impl Device for IoApic {
    fn name(&self) -> &'static str {
        "ioapic"
    }

    fn register(&self, offset: u64) -> &'static str {
        match (offset, Register::decode(self.select)) {
            (IOREGSEL, _) => "IOREGSEL",
            (IOWIN, Some(Register::Id)) => "IOAPICID",
            (IOWIN, Some(Register::Version)) => "IOAPICVER",
            (IOWIN, Some(Register::Arbitration)) => "IOAPICARB",
            (IOWIN, Some(Register::Redirection { .. })) => "IOREDTBL",
            _ => "reserved",
        }
    }

    fn read(&mut self, offset: u64, width: Width, _io: &mut Io<'_>) -> u64 {
        let value = match offset {
            IOREGSEL => u32::from(self.select),
            IOWIN => Register::decode(self.select).map_or(0, |r| self.read_register(r)),
            _ => 0,
        };
        u64::from(value) & width.mask()
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, _io: &mut Io<'_>) {
        match offset {
            IOREGSEL => self.select = value as u8,
            IOWIN => {
                if let Some(register) = Register::decode(self.select) {
                    self.write_register(register, value as u32);
                }
            }
            _ => {}
        }
    }
}

impl State for IoApic {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("ioapic", 1)?;
        codec.u8(&mut self.id)?;
        codec.u8(&mut self.select)?;
        self.entries
            .iter_mut()
            .try_for_each(|entry| codec.u64(entry))?;
        codec.u32(&mut self.asserted)?;
        codec.u32(&mut self.waiting)?;
        if (self.asserted | self.waiting) >> LINES != 0 {
            return Err(CodecError::BadValue {
                field: "ioapic line",
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, round_trip};

    fn program(bench: &mut Bench, ioapic: &mut IoApic, line: u32, value: u64) {
        for (index, half) in [(1, value >> 32), (0, value)] {
            bench.write32(ioapic, IOREGSEL, 0x10 + 2 * line + index);
            bench.write32(ioapic, IOWIN, half as u32);
        }
    }

    fn entry_of(bench: &mut Bench, ioapic: &mut IoApic, line: u32) -> u32 {
        bench.write32(ioapic, IOREGSEL, 0x10 + 2 * line);
        bench.read32(ioapic, IOWIN)
    }

    #[test]
    fn an_edge_sends_one_message_and_a_masked_edge_none() {
        let (mut bench, mut ioapic) = (Bench::new(), IoApic::new(0));
        ioapic.set_line(4, true);
        assert_eq!(ioapic.take_message(), None);
        program(&mut bench, &mut ioapic, 4, 0x0200_0000_0000_0034);
        assert_eq!(ioapic.take_message(), None, "the edge was lost");
        ioapic.set_line(4, false);
        ioapic.set_line(4, true);
        let message = Message {
            destination: Destination::Physical(2),
            vector: 0x34,
            ..Message::default()
        };
        assert_eq!(ioapic.take_message(), Some(message));
        assert_eq!(ioapic.take_message(), None);
    }

    #[test]
    fn a_level_is_sent_again_after_its_end_while_it_lasts() {
        let (mut bench, mut ioapic) = (Bench::new(), IoApic::new(0));
        program(&mut bench, &mut ioapic, 16, 0xff00_0000_0000_8840);
        ioapic.set_line(16, true);
        let message = ioapic.take_message().expect("the line is asserted");
        assert_eq!(
            (message.destination, message.level),
            (Destination::Logical(0xff), true)
        );
        assert_eq!(entry_of(&mut bench, &mut ioapic, 16), 0xc840);
        assert_eq!(ioapic.redirection(16) as u32, 0xc840);
        assert_eq!(ioapic.take_message(), None, "remote IRR holds it back");
        ioapic.end_of_interrupt(0x41);
        assert!(!ioapic.has_message());
        ioapic.end_of_interrupt(0x40);
        assert!(ioapic.take_message().is_some());
        ioapic.set_line(16, false);
        ioapic.end_of_interrupt(0x40);
        assert!(!ioapic.has_message());
    }

    #[test]
    fn unmasking_an_asserted_level_interrupts_and_masking_takes_it_back() {
        let (mut bench, mut ioapic) = (Bench::new(), IoApic::new(0));
        program(&mut bench, &mut ioapic, 17, 0x1_8040);
        ioapic.set_line(17, true);
        assert!(!ioapic.has_message());
        program(&mut bench, &mut ioapic, 17, 0x8040);
        assert!(ioapic.has_message());
        program(&mut bench, &mut ioapic, 17, 0x1_8040);
        assert_eq!(ioapic.take_message(), None);
    }

    #[test]
    fn the_window_shows_what_is_selected() {
        let (mut bench, mut ioapic) = (Bench::new(), IoApic::new(3));
        for (select, value) in [
            (0, 3 << 24),
            (1, 0x17_0011),
            (2, 3 << 24),
            (0x3f, 0),
            (0x40, 0),
            (9, 0),
        ] {
            bench.write32(&mut ioapic, IOREGSEL, select);
            assert_eq!(bench.read32(&mut ioapic, IOWIN), value, "{select:#x}");
        }
    }

    #[test]
    fn the_state_comes_back() {
        let (mut bench, mut ioapic) = (Bench::new(), IoApic::new(0));
        program(&mut bench, &mut ioapic, 23, 0x8055);
        ioapic.set_line(23, true);
        let mut fresh = IoApic::new(0);
        round_trip(&mut ioapic, &mut fresh);
        assert_eq!(fresh.take_message(), ioapic.take_message());
    }
}
