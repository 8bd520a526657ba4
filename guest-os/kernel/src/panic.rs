//! When the kernel cannot go on: say why, where, on which CPU and for whom, and end the machine with the
//! exit word of a panic.

use core::fmt;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use abi::boot::ExitWord;

use crate::arch::{backtrace, cpu, percpu, power, smp};
use crate::klog::log_anyway;
use crate::symbols;
use crate::sync::try_current;

static PANICKING: AtomicBool = AtomicBool::new(false);

/// Whether some CPU has panicked.
pub fn is_panicking() -> bool {
    PANICKING.load(Ordering::Acquire)
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    begin();
    match info.location() {
        Some(at) => log_anyway(format_args!("kernel panic: {} ({at})", info.message())),
        None => log_anyway(format_args!("kernel panic: {}", info.message())),
    }
    end(None, cpu::frame_pointer())
}

/// A panic because of a trap in the kernel: the backtrace starts where the trap happened.
pub fn kernel_trap(what: fmt::Arguments, pc: usize, frame_pointer: usize) -> ! {
    begin();
    log_anyway(format_args!("kernel panic: {what}"));
    end(Some(pc), frame_pointer)
}

/// The first CPU to come here goes on; a second one, or a panic within a panic, stops.
fn begin() {
    cpu::interrupts_off();
    if PANICKING.swap(true, Ordering::AcqRel) {
        power::halt_forever();
    }
    smp::stop_others();
}

fn end(pc: Option<usize>, frame_pointer: usize) -> ! {
    let cpu = percpu::cpu_id();
    match try_current() {
        Some(process) => log_anyway(format_args!(
            "cpu {cpu}, process {} ({})",
            process.pid,
            process.comm()
        )),
        None => log_anyway(format_args!("cpu {cpu}, no process yet")),
    }
    let show = |address: usize, what: symbols::Described| {
        log_anyway(format_args!("  {address:#018x} {what}"));
    };
    if let Some(pc) = pc {
        show(pc, symbols::describe(pc));
    }
    for address in backtrace::from(frame_pointer) {
        show(address, symbols::describe_return(address));
    }
    power::power_off(ExitWord::PANIC.0)
}
