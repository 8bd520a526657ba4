//! The wires from the devices to the interrupt controllers, and what goes wrong on them.
//!
//! A device has a level; the controllers see a level; between the two is the chooser. When a device's level rises the
//! controllers see nothing of it until the chooser has been asked, which the run loop does before the next instruction.
//! A rise that is *lost* stays unseen until the device has lowered its level; one that is *late* is seen if the level is
//! still there at its time; one that comes *twice* is followed by a second interrupt for which no device has a reason.

use base::{Chooser, Codec, CodecError, Cut, Event, Fault, Site, State, Struck, Time};

/// How long after the first interrupt a repeated one comes.
pub const REPEAT: Time = Time::micros(10);

/// The lines between devices and interrupt controllers, a bit each; numbers are those of the board's controller, below
/// `LINES`.
#[derive(Clone, Debug)]
pub struct Wires<const LINES: usize> {
    /// The devices' levels.
    device: u32,
    /// Rises that the chooser has not been asked about.
    asking: u32,
    /// Rises that are not seen, before the level has fallen.
    lost: u32,
    /// Rises that are not seen yet.
    late: u32,
    /// Lines that stay up until an interrupt has been sent for them once more.
    again: u32,
    /// When a late rise is seen, or an interrupt repeated.
    due: [Time; LINES],
    /// The earliest of these; follows from them.
    next: Time,
}

impl<const LINES: usize> Wires<LINES> {
    /// All levels are low.
    pub const LOW: Self = Self {
        device: 0,
        asking: 0,
        lost: 0,
        late: 0,
        again: 0,
        due: [Time::NEVER; LINES],
        next: Time::NEVER,
    };

    /// The devices' levels are these now.
    #[inline]
    pub fn set(&mut self, levels: u32) {
        if levels != self.device {
            self.change(levels);
        }
    }

    fn change(&mut self, levels: u32) {
        let fallen = self.device & !levels;
        self.asking |= levels & !self.device;
        self.asking &= !fallen;
        self.lost &= !fallen;
        for line in lines(self.late & fallen) {
            self.due[line] = Time::NEVER;
        }
        self.late &= !fallen;
        self.device = levels;
        self.find_next();
    }

    fn find_next(&mut self) {
        self.next = self.due.iter().copied().min().unwrap_or(Time::NEVER);
    }

    /// The levels that the controllers see.
    #[inline]
    pub const fn levels(&self) -> u32 {
        self.device & !(self.asking | self.lost | self.late) | self.again
    }

    /// The levels of the devices.
    #[inline]
    pub const fn risen(&self) -> u32 {
        self.device
    }

    /// Lines that are up only to interrupt once more.
    #[inline]
    pub const fn repeated(&self) -> u32 {
        self.again
    }

    /// An interrupt has been sent for these lines.
    #[inline]
    pub const fn sent(&mut self, lines: u32) {
        self.again &= !lines;
    }

    /// Whether the chooser has to be asked.
    #[inline]
    pub const fn asks(&self) -> bool {
        self.asking != 0
    }

    /// Asks `chooser` about new rises, at the `site` of each; `report` gets what goes wrong. Gives a power cut, if there is
    /// one.
    pub fn ask(
        &mut self,
        chooser: &mut dyn Chooser,
        now: Time,
        site: impl Fn(usize) -> Site,
        report: &mut dyn FnMut(Event),
    ) -> Option<Cut> {
        let mut cut = None;
        for line in lines(std::mem::take(&mut self.asking)) {
            let site = site(line);
            let Some(Struck { count, fault }) = chooser.pass(site) else {
                continue;
            };
            report(Event::Fault { site, count, fault });
            match fault {
                Fault::Lost => self.lost |= 1 << line,
                Fault::Late(time) => {
                    self.late |= 1 << line;
                    self.due[line] = now + time;
                }
                Fault::Twice => self.due[line] = now + REPEAT,
                Fault::Cut(how) => cut = Some(how),
                _ => {}
            }
        }
        self.find_next();
        cut
    }

    /// When [`Wires::advance`] must next be called.
    #[inline]
    pub const fn deadline(&self) -> Time {
        self.next
    }

    /// Brings what is late or repeated to `now`.
    pub fn advance(&mut self, now: Time) {
        if self.next > now {
            return;
        }
        for line in 0..LINES {
            if self.due[line] <= now {
                self.due[line] = Time::NEVER;
                if self.late & 1 << line == 0 {
                    self.again |= 1 << line;
                }
                self.late &= !(1 << line);
            }
        }
        self.find_next();
    }
}

/// The numbers of the lines in a set, the lowest first.
pub fn lines(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let line = set.trailing_zeros() as usize;
        set &= set.wrapping_sub(1);
        (line < 32).then_some(line)
    })
}

impl<const LINES: usize> State for Wires<LINES> {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("wires", 1)?;
        for set in [
            &mut self.device,
            &mut self.asking,
            &mut self.lost,
            &mut self.late,
            &mut self.again,
        ] {
            codec.u32(set)?;
            if *set >> LINES != 0 {
                return Err(CodecError::BadValue {
                    field: "interrupt lines",
                });
            }
        }
        self.due.iter_mut().try_for_each(|due| codec.time(due))?;
        self.find_next();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Does the same with each rise of line 5.
    struct Always(Option<Fault>);

    impl State for Always {
        fn state(&mut self, _: &mut Codec<'_>) -> Result<(), CodecError> {
            Ok(())
        }
    }

    impl Chooser for Always {
        fn choose(&mut self, _: Site, _: u64) -> u64 {
            0
        }

        fn pass(&mut self, site: Site) -> Option<Struck> {
            assert_eq!(site, Site::Line(5));
            self.0.map(|fault| Struck { count: 1, fault })
        }
    }

    fn site(line: usize) -> Site {
        Site::Line(line as u16)
    }

    const LINE: u32 = 1 << 5;
    const LINES: usize = 24;

    fn risen(fault: Option<Fault>) -> Wires<LINES> {
        let mut wires = Wires::<LINES>::LOW;
        wires.set(LINE);
        assert!(wires.asks());
        assert_eq!(wires.levels(), 0, "before the chooser was asked");
        let mut told = 0;
        wires.ask(&mut Always(fault), Time(100), site, &mut |_| told += 1);
        assert_eq!(told, usize::from(fault.is_some()));
        assert!(!wires.asks());
        wires
    }

    #[test]
    fn a_rise_is_seen_once_the_chooser_was_asked_and_a_fall_at_once() {
        let mut wires = risen(None);
        assert_eq!(wires.levels(), LINE);
        wires.set(0);
        assert_eq!(wires.levels(), 0);
        assert_eq!(wires.deadline(), Time::NEVER);
    }

    #[test]
    fn a_lost_rise_is_unseen_until_the_device_has_lowered_its_level() {
        let mut wires = risen(Some(Fault::Lost));
        assert_eq!(wires.levels(), 0);
        wires.set(0);
        wires.set(LINE);
        wires.ask(&mut Always(None), Time(200), site, &mut |_| {});
        assert_eq!(wires.levels(), LINE);
    }

    #[test]
    fn a_late_rise_is_seen_at_its_time_if_the_level_is_still_there() {
        for falls in [false, true] {
            let mut wires = risen(Some(Fault::Late(Time(50))));
            assert_eq!((wires.levels(), wires.deadline()), (0, Time(150)));
            if falls {
                wires.set(0);
                assert_eq!(wires.deadline(), Time::NEVER);
            }
            wires.advance(Time(150));
            assert_eq!(wires.levels(), if falls { 0 } else { LINE });
        }
    }

    #[test]
    fn a_repeated_line_goes_up_again_until_an_interrupt_is_sent() {
        let mut wires = risen(Some(Fault::Twice));
        assert_eq!(wires.levels(), LINE);
        wires.set(0);
        assert_eq!(wires.levels(), 0);
        let due = wires.deadline();
        assert_eq!(due, Time(100) + REPEAT);
        wires.advance(due);
        assert_eq!((wires.levels(), wires.repeated()), (LINE, LINE));
        wires.sent(LINE);
        assert_eq!(wires.levels(), 0);
    }

    #[test]
    fn the_state_comes_back_and_lines_that_do_not_exist_are_refused() {
        let mut wires = risen(Some(Fault::Late(Time(50))));
        let mut bytes = base::codec::save(&mut wires);
        let mut loaded = Wires::<LINES>::LOW;
        base::codec::load(&mut loaded, &bytes).expect("the bytes are sound");
        loaded.advance(Time(150));
        assert_eq!(loaded.levels(), LINE);
        // The sets are four bytes each, in front of the times.
        let set = bytes.len() - 8 * LINES - 4;
        bytes[set + 3] = 1;
        assert!(base::codec::load(&mut loaded, &bytes).is_err());
    }
}
