//! The running process, as a reference that cannot leave it.

use core::marker::PhantomData;
use core::ops::Deref;

use alloc::sync::Arc;

use crate::arch::percpu;
use crate::proc::Process;

/// A borrow of the process that runs this code. It stays valid across sleeps, because a process keeps itself
/// alive while it runs, and cannot be sent to another one.
#[derive(Clone, Copy)]
pub struct Current {
    process: *const Process,
    _not_send: PhantomData<*const ()>,
}

impl Deref for Current {
    type Target = Process;

    #[inline(always)]
    fn deref(&self) -> &Process {
        // SAFETY: the scheduler holds an `Arc` of the process for as long as it is on a CPU or can get there,
        // and this value lives on that process's stack.
        unsafe { &*self.process }
    }
}

impl Current {
    /// A reference that may outlive the moment.
    pub fn arc(&self) -> Arc<Process> {
        (**self).arc()
    }
}

/// The running process. Panics before the first one.
#[inline(always)]
pub fn current() -> Current {
    try_current().expect("a process runs")
}

/// The running process, if this CPU has one yet.
#[inline(always)]
pub fn try_current() -> Option<Current> {
    let process = percpu::current().cast::<Process>();
    (!process.is_null()).then_some(Current {
        process,
        _not_send: PhantomData,
    })
}

/// Declares `process` the running one on this CPU; the scheduler keeps it alive.
pub fn enter(process: &Arc<Process>) {
    percpu::set_current(Arc::as_ptr(process).cast());
}
