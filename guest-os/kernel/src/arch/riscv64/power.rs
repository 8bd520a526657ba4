//! How the machine ends: by the test finisher (`sifive,test0`), or else by firmware.

use core::arch::asm;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use abi::boot::ExitWord;

use super::boot::tree;
use super::sbi::{self, Reset};
use crate::mm::address::PhysAddr;
use crate::mm::layout::{phys_to_virt, virt_to_phys};

/// Virtual address of the finisher; 0 if there is none.
static FINISHER: AtomicUsize = AtomicUsize::new(0);

/// The test passed.
const PASS: u32 = 0x5555;
/// It failed, with the code in the upper half.
const FAIL: u32 = 0x3333;
/// The machine shall start again.
const RESET: u32 = 0x7777;

/// Finds the finisher.
pub fn init() {
    let node = tree().compatible("sifive,test0").next();
    if let Some((base, _)) = node.and_then(|node| node.reg().next()) {
        FINISHER.store(phys_to_virt(PhysAddr::new(base)) as usize, Relaxed);
    }
}

/// Where it is, for the kernel's page table: it must stay in reach.
pub fn registers() -> Option<PhysAddr> {
    let base = FINISHER.load(Relaxed);
    (base != 0).then(|| virt_to_phys(base as *const u8))
}

fn finish(word: u32) {
    let at = FINISHER.load(Relaxed) as *mut u32;
    if !at.is_null() {
        // SAFETY: the finisher's register, which every page table of the kernel shows.
        unsafe { super::mmio::write32(at, word) };
    }
}

/// Ends the machine with an exit word (`abi::boot`). On a machine that nothing ends it halts for good.
pub fn power_off(exit_word: u32) -> ! {
    match ExitWord(exit_word).finisher_code() {
        0 => finish(PASS),
        code => finish(u32::from(code) << 16 | FAIL),
    }
    sbi::system_reset(Reset::Shutdown);
    halt_forever()
}

/// Resets the machine.
pub fn reset() -> ! {
    finish(RESET);
    sbi::system_reset(Reset::ColdReboot);
    halt_forever()
}

/// Stops this CPU: nothing wakes it but a reset.
pub fn halt_forever() -> ! {
    loop {
        // SAFETY: with interrupts off and disabled one by one, WFI only waits.
        unsafe {
            asm!(
                "csrci sstatus, 2",
                "csrw sie, zero",
                "wfi",
                options(nomem, nostack)
            )
        };
    }
}
