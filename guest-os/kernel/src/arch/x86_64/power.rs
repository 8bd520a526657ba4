//! How the machine ends.

use core::arch::asm;

use super::port::{outb, outl, outw};

/// isa-debug-exit: a 32-bit write ends the emulator with that word.
const DEBUG_EXIT: u16 = 0xf4;
/// ACPI PM1a control of the PIIX4 power manager, and the value that means "soft off".
const PM1A: u16 = 0x604;
const SLP_EN: u16 = 0x2000;

/// Ends the machine with an exit word (`abi::boot`). On a machine with neither exit device it halts for good.
pub fn power_off(exit_word: u32) -> ! {
    outl(DEBUG_EXIT, exit_word);
    outw(PM1A, SLP_EN);
    halt_forever()
}

/// Resets the machine through the keyboard controller, and if there is none by a triple fault.
pub fn reset() -> ! {
    outb(0x64, 0xfe);
    let empty = [0u16; 5];
    // SAFETY: an empty IDT turns the next exception into a shutdown, which resets the machine: what is asked.
    unsafe { asm!("lidt [{}]", "ud2", in(reg) &empty, options(noreturn)) };
}

/// Stops this CPU: nothing wakes it but a reset.
pub fn halt_forever() -> ! {
    loop {
        // SAFETY: with interrupts off HLT only waits.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}
