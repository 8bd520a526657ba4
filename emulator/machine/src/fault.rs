//! What goes wrong on purpose, whatever the board: interrupt lines that rise, injection points that a CPU has passed, and
//! what comes of itself.

use crate::peripherals::Peripherals;
use crate::wires::Wires;
use base::{Chooser, Fault, Phys, Ram, Site, Struck, Time, Width};
use cpu::hart::Hart;

/// Asks `chooser` about the lines that have risen, each at its `site`.
pub(crate) fn ask<const LINES: usize>(
    wires: &mut Wires<LINES>,
    peripherals: &mut Peripherals,
    chooser: &mut dyn Chooser,
    now: Time,
    site: impl Fn(usize) -> Site,
) {
    let log = &mut peripherals.log;
    if let Some(cut) = wires.ask(chooser, now, site, &mut |event| log.push(now, || event)) {
        peripherals.cut(cut);
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
pub(crate) fn pass<H: Hart>(
    hart: &mut H,
    peripherals: &mut Peripherals,
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
        peripherals.report_fault(site, struck, now);
        match struck.fault {
            Fault::Value(value) => hart.regs_mut()[usize::from(passed.register)] = value,
            Fault::Cut(cut) => peripherals.cut(cut),
            _ => {}
        }
    }
    let host = hart.host_mut();
    host.passed = list; // its room is used again
    std::mem::take(&mut host.held)
}

/// Makes go wrong what no CPU and no chip has a part in: a bit of memory turns over, the power goes.
pub(crate) fn strike(struck: Struck, ram: &mut Ram, peripherals: &mut Peripherals, now: Time) {
    peripherals.report_fault(Site::Moment, struck, now);
    match struck.fault {
        Fault::Flip { addr, bit } => flip(ram, addr, bit),
        Fault::Cut(cut) => peripherals.cut(cut),
        _ => {}
    }
}

/// Turns over bit number `bit` of the byte at `addr`, if there is one.
fn flip(ram: &mut Ram, addr: Phys, bit: u8) {
    if let Some(byte) = ram.read(addr, Width::B1) {
        ram.write(addr, Width::B1, byte ^ 1 << (bit & 7));
    }
}
