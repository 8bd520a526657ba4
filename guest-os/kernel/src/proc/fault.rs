//! What the exceptions of a program mean for it.

use abi::Errno;
use abi::signal::{
    BUS_ADRALN, BUS_OBJERR, FPE_INTDIV, ILL_ILLOPN, SEGV_ACCERR, SEGV_MAPERR, SIGBUS, SIGFPE,
    SIGILL, SIGKILL, SIGSEGV, SIGTRAP, TRAP_BRKPT,
};

use super::current;
use super::signal::{self, Origin};
use crate::arch::trap::TrapFrame;
use crate::mm::fault::{Fault, Kind, Unresolved};

/// Exceptions, but for page faults.
#[derive(Clone, Copy)]
pub enum Cause {
    /// Division by zero, floating-point exception.
    #[allow(dead_code, reason = "not every processor traps there")]
    Arithmetic,
    /// Breakpoint, single step.
    Trap,
    /// No such instruction.
    IllegalInstruction,
    /// Misaligned access.
    Misaligned,
    /// Not allowed in user mode, or an address that cannot be.
    Protection,
    /// The program is about to continue at an address that no program can have.
    BadAddress(usize),
}

/// Turns an exception into a signal.
pub fn user_exception(frame: &mut TrapFrame, cause: Cause) {
    let pc = frame.program_counter();
    let (signal, code, address) = match cause {
        Cause::Arithmetic => (SIGFPE, FPE_INTDIV, pc),
        Cause::Trap => (SIGTRAP, TRAP_BRKPT, pc),
        Cause::IllegalInstruction => (SIGILL, ILL_ILLOPN, pc),
        Cause::Misaligned => (SIGBUS, BUS_ADRALN, pc),
        Cause::Protection => (SIGSEGV, SEGV_ACCERR, 0),
        Cause::BadAddress(address) => (SIGSEGV, SEGV_MAPERR, address),
    };
    if let Cause::BadAddress(_) = cause {
        frame.set_program_counter(0); // so that a handler's frame, and this one, can be returned to
    }
    signal::force(signal, Origin::Fault { address, code });
}

/// Resolves a page fault of a program, or turns it into a signal.
pub fn user_page_fault(fault: Fault) {
    let Err(why) = resolve(&fault) else { return };
    let address = fault.address;
    match why {
        Unresolved::NotMapped => signal::force(
            SIGSEGV,
            Origin::Fault {
                address,
                code: SEGV_MAPERR,
            },
        ),
        Unresolved::NotAllowed => signal::force(
            SIGSEGV,
            Origin::Fault {
                address,
                code: SEGV_ACCERR,
            },
        ),
        Unresolved::BadFile(_) => signal::force(
            SIGBUS,
            Origin::Fault {
                address,
                code: BUS_OBJERR,
            },
        ),
        Unresolved::NoMemory => {
            let me = current();
            crate::warning!(
                "out of memory: process {} ({}) is killed",
                me.pid,
                me.comm()
            );
            signal::send(&me.arc(), SIGKILL, Origin::Kernel);
        }
    }
}

/// Resolves a page fault of the kernel in the memory of the running program; false if that cannot be.
pub fn kernel_page_fault(fault: Fault) -> bool {
    resolve(&fault).is_ok()
}

fn resolve(fault: &Fault) -> Result<(), Unresolved> {
    let me = current();
    let result = match me.space() {
        Some(space) => space.resolve(fault),
        None => Err(Unresolved::NotMapped),
    };
    let (kind, errno) = match result {
        Ok(kind) => (kind, 0),
        Err(Unresolved::BadFile(errno)) => (Kind::Bad, errno.to_result()),
        Err(Unresolved::NoMemory) => (Kind::Bad, Errno::ENOMEM.to_result()),
        Err(_) => (Kind::Bad, Errno::EFAULT.to_result()),
    };
    // Here what was asked for is mapped, so that an observer can look at it.
    crate::probe!(page_fault, me.pid, fault.address, fault.code, kind, errno);
    result.map(drop)
}
