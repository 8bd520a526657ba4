//! Silica: a small Unix kernel. `main` is its table of contents.

#![no_std]
#![no_main]
#![warn(missing_docs)]

extern crate alloc;

mod arch;
mod boot_params;
mod drivers;
mod fs;
mod ipc;
mod klog;
mod mm;
mod panic;
mod proc;
mod random;
mod sched;
mod symbols;
mod sync;
mod syscall;
mod time;

use arch::boot::BootInfo;
use klog::Level;

/// The boot CPU comes here from `arch::boot`, on a stack of its own and with traps that work.
fn main(boot: BootInfo) -> ! {
    mm::init(&boot); // frames, kernel page table, heap
    boot_params::init(&boot); // command line
    set_log_level();
    info!("Silica {} for {}", env!("CARGO_PKG_VERSION"), arch::MACHINE);
    arch::irq::init_cpu(); // this CPU's interrupt controller
    time::init(); // clocks and timer
    let topology = arch::topology::discover(&boot); // CPUs and interrupt lines
    arch::irq::init(&topology); // device interrupts
    arch::smp::init_boot_cpu(); // system-call entry
    sched::cpu::init(); // run queue; this becomes the idle process
    info!(
        "memory: {} KiB free of {} KiB",
        mm::frame::free() * 4,
        mm::frame::total() * 4
    );
    arch::smp::start_others(&topology); // the other CPUs
    info!(
        "{} CPU(s), clock at {} kHz",
        sched::online_cpus(),
        arch::timer::hz() / 1000
    );
    proc::init::start(); // process 1
    arch::cpu::interrupts_on();
    sched::idle() // and wait for something to do
}

/// Every other CPU comes here from `arch::smp`.
fn secondary_main() -> ! {
    sched::cpu::init();
    arch::cpu::interrupts_on();
    sched::idle()
}

fn set_log_level() {
    let options = boot_params::options();
    let default = if options.run.is_some() {
        Level::Error
    } else {
        Level::Info
    };
    klog::set_level(options.loglevel.unwrap_or(default as u8));
}
