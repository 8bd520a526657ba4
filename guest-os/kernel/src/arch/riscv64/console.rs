//! The earliest output: the device tree's 16550, polled, no interrupts, no locks.
//!
//! The log and the panic message use it, because they must work when nothing else does. The tty driver
//! (`drivers`) shares the chip and adds input: `read` and `write` reach its registers.

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use super::boot::tree;
use super::irq::Trigger;
use crate::mm::address::PhysAddr;
use crate::mm::layout::{phys_to_virt, virt_to_phys};

/// How the chip signals on its interrupt line.
pub const TRIGGER: Trigger = Trigger::Level;

/// Virtual address of the registers; 0 if there is no such chip.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// Registers are this many powers of two apart.
static SHIFT: AtomicU32 = AtomicU32::new(0);
static IRQ: AtomicU32 = AtomicU32::new(0);

/// Line status register: transmitter holding register empty.
const LSR_THRE: u8 = 1 << 5;

/// Finds the chip, and sets 8N1 and the FIFOs; the rate is what firmware left.
pub fn init() {
    let Some(node) = tree().compatible("ns16550a").next() else {
        return;
    };
    let Some((base, _)) = node.reg().next() else {
        return;
    };
    SHIFT.store(node.cell("reg-shift").unwrap_or(0), Relaxed);
    IRQ.store(node.cell("interrupts").unwrap_or(0), Relaxed);
    BASE.store(phys_to_virt(PhysAddr::new(base)) as usize, Relaxed);
    write(1, 0x00); // no interrupts
    write(3, 0x03); // 8N1
    write(2, 0xc7); // FIFOs on and emptied
    write(4, 0x0b); // DTR, RTS, OUT2
}

/// Where the registers are, for the kernel's page table: they must stay in reach.
pub fn registers() -> Option<PhysAddr> {
    let base = BASE.load(Relaxed);
    (base != 0).then(|| virt_to_phys(base as *const u8))
}

/// The chip's interrupt line.
pub fn irq() -> u32 {
    IRQ.load(Relaxed)
}

fn register(number: u16) -> Option<*mut u8> {
    let base = BASE.load(Relaxed);
    (base != 0).then(|| (base + (usize::from(number) << SHIFT.load(Relaxed))) as *mut u8)
}

/// Reads register number `number`; all ones if there is no chip.
pub fn read(number: u16) -> u8 {
    // SAFETY: a register of the chip, which every page table of the kernel shows.
    register(number).map_or(0xff, |at| unsafe { at.read_volatile() })
}

/// Writes register number `number`.
pub fn write(number: u16, value: u8) {
    if let Some(at) = register(number) {
        // SAFETY: as for `read`; the chip reaches no memory.
        unsafe { at.write_volatile(value) };
    }
}

/// Sends one byte, waiting for room.
pub fn put(byte: u8) {
    while read(5) & LSR_THRE == 0 {
        core::hint::spin_loop();
    }
    write(0, byte);
}
