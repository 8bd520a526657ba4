//! TLB shootdowns: what one CPU has changed in a page table, the others forget before it goes on.

use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::arch::percpu::cpu_id;
use crate::arch::{paging, percpu, smp};
use crate::sched::online_cpus;
use crate::sync::IrqGuard;

/// One initiator at a time.
static SHOOTING: AtomicBool = AtomicBool::new(false);
/// CPUs that have not answered yet, a bit each.
static UNANSWERED: AtomicU64 = AtomicU64::new(0);

/// Makes every CPU in `cpus` (a bit each) but this one forget its translations of user memory. Called with
/// interrupts on and without any spin lock.
pub fn shoot_down(cpus: u64) {
    if cpus & !(1 << cpu_id()) == 0 {
        return;
    }
    assert!(
        percpu::irq_off_depth() == 0,
        "a TLB shootdown waits for others and may not hold a spin lock"
    );
    while SHOOTING
        .compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed)
        .is_err()
    {
        core::hint::spin_loop();
    }
    {
        let _irq = IrqGuard::new();
        let others = cpus & !(1 << cpu_id());
        UNANSWERED.store(others, Ordering::SeqCst);
        (0..online_cpus())
            .filter(|cpu| others >> cpu & 1 != 0)
            .for_each(smp::send_shootdown);
    }
    while UNANSWERED.load(Ordering::Acquire) != 0 {
        core::hint::spin_loop();
    }
    SHOOTING.store(false, Ordering::Release);
}

/// Answers a shootdown: its interrupt.
pub fn answer() {
    paging::flush_all();
    UNANSWERED.fetch_and(!(1 << cpu_id()), Ordering::Release);
}
