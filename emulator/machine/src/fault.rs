//! What goes wrong on purpose, whatever the board: interrupt lines that rise, injection points that a CPU has passed, and
//! what comes of itself.

use crate::wires::Wires;
use base::event::{Event, Log};
use base::{Chooser, Cut, Fault, Phys, Ram, Site, Struck, Time, Width};
use cpu::hart::Hart;
use devices::virtio::Mmio;
use devices::virtio::block::Block;

/// What faults touch of a board's chips.
pub(crate) struct Parts<'a, const LINES: usize> {
    /// The lines from the devices to the interrupt controllers.
    pub wires: &'a mut Wires<LINES>,
    /// Whether the power has gone.
    pub off: &'a mut bool,
    /// The disk, if there is one.
    pub disk: &'a mut Option<Mmio<Block>>,
    /// What an observer is told.
    pub log: &'a mut Log,
}

/// A board's chips, to which things happen.
pub(crate) trait Exposed<const LINES: usize> {
    /// The parts that are exposed.
    fn parts(&mut self) -> Parts<'_, LINES>;

    /// Asks `chooser` about the lines that have risen.
    fn ask(&mut self, chooser: &mut dyn Chooser, now: Time) {
        let Parts { wires, log, .. } = self.parts();
        let site = |line| Site::Line(line as u16);
        let cut = wires.ask(chooser, now, site, &mut |event| log.push(now, || event));
        if let Some(cut) = cut {
            self.cut(cut);
        }
    }

    /// The power goes.
    fn cut(&mut self, cut: Cut) {
        let Parts { off, disk, .. } = self.parts();
        *off = true;
        if let Some(disk) = disk {
            disk.backend_mut().cut(cut);
        }
    }

    /// Tells an observer of something that goes wrong and that only the run loop knows of.
    fn report_fault(&mut self, site: Site, struck: Struck, now: Time) {
        let Struck { count, fault } = struck;
        let event = || Event::Fault { site, count, fault };
        self.parts().log.push(now, event);
    }
}

/// Has `hart` be held at those of the first `points` injection points at which `chooser` awaits it.
pub(crate) fn await_points<H: Hart>(hart: &mut H, points: usize, chooser: &dyn Chooser) {
    let awaited = &mut hart.host_mut().awaited;
    awaited.clear();
    awaited.extend((0..points).map(|point| chooser.awaits(point as u16)));
}

/// Tells `chooser` of the injection points that `hart` has passed; at the last one the kernel finds what it decides, if
/// the hart was held there. Says whether it was.
pub(crate) fn pass<H: Hart, const LINES: usize>(
    hart: &mut H,
    chips: &mut impl Exposed<LINES>,
    chooser: &mut dyn Chooser,
    now: Time,
) -> bool {
    let mut list = std::mem::take(&mut hart.host_mut().passed);
    for passed in list.drain(..) {
        let (point, key) = (passed.point, passed.key);
        let site = Site::Point { point, key };
        let Some(struck) = chooser.pass(site) else {
            continue;
        };
        chips.report_fault(site, struck, now);
        match struck.fault {
            Fault::Value(value) => hart.regs_mut()[usize::from(passed.register)] = value,
            Fault::Cut(cut) => chips.cut(cut),
            _ => {}
        }
    }
    let host = hart.host_mut();
    host.passed = list; // its room is used again
    std::mem::take(&mut host.held)
}

/// Has go wrong what comes of itself: a bit of memory, the power.
pub(crate) fn strike<const LINES: usize>(
    struck: Struck,
    ram: &mut Ram,
    chips: &mut impl Exposed<LINES>,
    now: Time,
) {
    chips.report_fault(Site::Moment, struck, now);
    match struck.fault {
        Fault::Flip { addr, bit } => flip(ram, addr, bit),
        Fault::Cut(cut) => chips.cut(cut),
        _ => {}
    }
}

/// Turns over bit number `bit` of the byte at `addr`, if there is one.
fn flip(ram: &mut Ram, addr: Phys, bit: u8) {
    if let Some(byte) = ram.read(addr, Width::B1) {
        ram.write(addr, Width::B1, byte ^ 1 << (bit & 7));
    }
}
