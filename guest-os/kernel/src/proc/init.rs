//! Process 1: a kernel thread that brings up what may sleep, and becomes /bin/init.

use alloc::vec::Vec;

use super::exec::{self, Strings};
use super::{Process, table, trampoline};
use crate::arch::trap::TrapFrame;
use crate::boot_params::options;
use crate::sched;

/// Makes process 1. It runs as soon as the boot CPU idles.
pub fn start() {
    let pid = table::lock().new_pid().expect("the first number");
    let process =
        Process::new(pid, &TrapFrame::default(), main, None).expect("memory for process 1");
    process.set_name(b"init");
    table::lock().add(process.clone(), 0, 0);
    sched::enqueue_new(&process);
}

fn main(frame: &mut TrapFrame) {
    crate::drivers::init(); // disks, terminals
    crate::fs::init(); // the root file system, /dev, /proc
    trampoline::init(); // where signal handlers return to
    let path = options().init.as_bytes();
    let mut argv = Vec::from([path.to_vec()]);
    if let Some(line) = &options().run {
        argv.extend([b"run".to_vec(), line.as_bytes().to_vec()]);
    }
    let envp = Vec::from([
        b"PATH=/bin".to_vec(),
        b"HOME=/root".to_vec(),
        b"TERM=vt100".to_vec(),
    ]);
    if let Err(errno) = exec::exec(frame, path, Strings::new(argv, envp)) {
        panic!("cannot run {}: {errno}", options().init);
    }
}
