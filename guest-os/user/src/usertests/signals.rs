//! Signals: sending, catching, blocking, interrupting.

use super::cases;
use super::support::{expect_exit, expect_signal, pause, spawn};
use abi::Errno;
use abi::signal::{
    SA_NODEFER, SA_RESETHAND, SA_RESTART, SIG_BLOCK, SIG_IGN, SIG_UNBLOCK, SIGALRM, SIGCHLD,
    SIGCONT, SIGINT, SIGKILL, SIGPIPE, SIGSEGV, SIGSTOP, SIGTERM, SIGUSR1, SIGUSR2, bit,
};
use abi::time::Timespec;
use abi::wait::{Ended, WUNTRACED};
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use ulib::arch::wild;
use ulib::sys::{self, Disposition};

cases! {
    default_actions "signals that are not caught do what signal(7) says";
    handler_runs "a handler runs with its signal's number, and the program goes on";
    handler_masks "a signal is blocked in its own handler, and those in sa_mask too";
    handler_options "SA_NODEFER and SA_RESETHAND do what they say";
    blocked_waits "a blocked signal stays pending and arrives when it is unblocked";
    unblockable "KILL and STOP can be neither caught nor blocked";
    ignored "an ignored signal does nothing, not even when it was pending";
    kill_errors "kill refuses bad signals and processes, and signal 0 only looks";
    kill_group "a signal to a group reaches all its processes and no other";
    kill_stopped "SIGKILL ends a stopped process";
    sleep_is_interrupted "nanosleep gives EINTR and the time that was left";
    read_is_interrupted "read gives EINTR, or goes on with SA_RESTART";
    wait_is_interrupted "wait gives EINTR when a handler ran, and the child is not lost";
    suspend_is_atomic "sigsuspend unblocks and waits without losing a signal in between";
    registers_return "the interrupted computation finds its registers as they were";
    segv_is_caught "a handler may repair what caused SIGSEGV";
    child_signal "SIGCHLD comes when a child ends";
    alarm_rings "alarm sends SIGALRM, and a new one replaces it";
    fork_inherits "a child inherits handlers and mask, not pending signals";
}

static COUNT: AtomicU32 = AtomicU32::new(0);
static LAST: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(signal: i32) {
    COUNT.fetch_add(1, Ordering::SeqCst);
    LAST.store(signal as u32, Ordering::SeqCst);
}

fn counted() -> u32 {
    COUNT.load(Ordering::SeqCst)
}

#[track_caller]
fn catch(signal: u32) {
    sys::signal(signal, Disposition::Handler(count)).unwrap();
}

fn raise(signal: u32) {
    sys::kill(sys::getpid(), signal).unwrap();
}

fn default_actions() {
    for signal in [SIGTERM, SIGINT, SIGKILL, SIGUSR1, SIGPIPE, SIGALRM, SIGSEGV] {
        expect_signal(signal, || raise(signal));
    }
    expect_exit(
        spawn(|| {
            raise(SIGCHLD);
            raise(SIGCONT);
        }),
        0,
    );
}

fn handler_runs() {
    catch(SIGUSR1);
    catch(SIGUSR2);
    for round in 1..=100 {
        raise(if round % 2 == 0 { SIGUSR1 } else { SIGUSR2 });
        assert_eq!(counted(), round);
        assert_eq!(
            LAST.load(Ordering::SeqCst),
            if round % 2 == 0 { SIGUSR1 } else { SIGUSR2 }
        );
    }
    let action = sys::current_action(SIGUSR1).unwrap();
    assert_eq!(action.handler, count as *const () as u64);
}

/// Depth of handlers within handlers, and the deepest.
static DEPTH: AtomicU32 = AtomicU32::new(0);
static DEEPEST: AtomicU32 = AtomicU32::new(0);

extern "C" fn nest(_: i32) {
    let depth = DEPTH.fetch_add(1, Ordering::SeqCst) + 1;
    DEEPEST.fetch_max(depth, Ordering::SeqCst);
    if COUNT.swap(1, Ordering::SeqCst) == 0 {
        raise(SIGUSR1);
        raise(SIGUSR2);
    }
    DEPTH.fetch_sub(1, Ordering::SeqCst);
}

fn handler_masks() {
    sys::sigaction(SIGUSR1, Disposition::Handler(nest), 0, bit(SIGUSR2)).unwrap();
    catch(SIGUSR2);
    raise(SIGUSR1);
    // The second USR1 waited for the first handler's end, and the handler of USR2 for both.
    assert_eq!(DEEPEST.load(Ordering::SeqCst), 1);
    assert_eq!((counted(), LAST.load(Ordering::SeqCst)), (2, SIGUSR2));
    assert_eq!(sys::sigprocmask(SIG_BLOCK, 0), Ok(0));
}

fn handler_options() {
    sys::sigaction(
        SIGUSR1,
        Disposition::Handler(nest),
        SA_NODEFER,
        bit(SIGUSR2),
    )
    .unwrap();
    catch(SIGUSR2);
    raise(SIGUSR1);
    assert_eq!(DEEPEST.load(Ordering::SeqCst), 2);
    sys::sigaction(SIGTERM, Disposition::Handler(count), SA_RESETHAND, 0).unwrap();
    raise(SIGTERM);
    expect_signal(SIGTERM, || raise(SIGTERM));
}

fn blocked_waits() {
    catch(SIGUSR1);
    sys::sigprocmask(SIG_BLOCK, bit(SIGUSR1)).unwrap();
    raise(SIGUSR1);
    raise(SIGUSR1);
    assert_eq!(counted(), 0);
    assert_eq!(sys::sigpending(), Ok(bit(SIGUSR1)));
    assert_eq!(
        sys::sigprocmask(SIG_UNBLOCK, bit(SIGUSR1)),
        Ok(bit(SIGUSR1))
    );
    assert_eq!((counted(), sys::sigpending()), (1, Ok(0)));
}

fn unblockable() {
    for signal in [SIGKILL, SIGSTOP] {
        let handler = Disposition::Handler(count);
        assert_eq!(sys::signal(signal, handler), Err(Errno::EINVAL));
        assert_eq!(sys::signal(signal, Disposition::Ignore), Err(Errno::EINVAL));
    }
    sys::set_mask(u64::MAX).unwrap();
    let mask = sys::sigprocmask(SIG_BLOCK, 0).unwrap();
    assert_eq!(mask & (bit(SIGKILL) | bit(SIGSTOP)), 0);
    expect_signal(SIGKILL, || raise(SIGKILL));
    assert_eq!(sys::signal(0, Disposition::Ignore), Err(Errno::EINVAL));
    assert_eq!(sys::signal(65, Disposition::Ignore), Err(Errno::EINVAL));
}

fn ignored() {
    sys::signal(SIGTERM, Disposition::Ignore).unwrap();
    raise(SIGTERM);
    assert_eq!(sys::current_action(SIGTERM).unwrap().handler, SIG_IGN);
    catch(SIGUSR1);
    sys::sigprocmask(SIG_BLOCK, bit(SIGUSR1)).unwrap();
    raise(SIGUSR1);
    sys::signal(SIGUSR1, Disposition::Ignore).unwrap();
    catch(SIGUSR1);
    sys::sigprocmask(SIG_UNBLOCK, bit(SIGUSR1)).unwrap();
    assert_eq!(counted(), 0);
}

fn kill_errors() {
    let own = sys::getpid();
    assert_eq!(sys::kill(own, 65), Err(Errno::EINVAL));
    assert_eq!(sys::kill(own, u32::MAX), Err(Errno::EINVAL));
    assert_eq!(sys::kill(999_999, SIGTERM), Err(Errno::ESRCH));
    assert_eq!(sys::kill(-999_999, SIGTERM), Err(Errno::ESRCH));
    assert_eq!(sys::kill(own, 0), Ok(()));
    assert_eq!(sys::sigprocmask(17, 0), Err(Errno::EINVAL));
}

fn kill_group() {
    let sleeper = || {
        spawn(|| {
            loop {
                pause(1000);
            }
        })
    };
    let (a, b, outside) = (sleeper(), sleeper(), sleeper());
    sys::setpgid(a, a).unwrap();
    sys::setpgid(b, a).unwrap();
    sys::kill(-a, SIGTERM).unwrap();
    for child in [a, b] {
        assert_eq!(
            sys::wait_for(child).unwrap().ended(),
            Ended::Signaled(SIGTERM as u8)
        );
    }
    assert_eq!(sys::wait4(outside, abi::wait::WNOHANG), Ok(None));
    sys::kill(outside, SIGKILL).unwrap();
    sys::wait_for(outside).unwrap();
}

fn kill_stopped() {
    let child = spawn(|| {
        loop {
            sys::sched_yield();
        }
    });
    sys::kill(child, SIGSTOP).unwrap();
    sys::wait4(child, WUNTRACED).unwrap();
    sys::kill(child, SIGKILL).unwrap();
    assert_eq!(
        sys::wait_for(child).unwrap().ended(),
        Ended::Signaled(SIGKILL as u8)
    );
}

/// Sends a signal to this process after some milliseconds, from a child.
fn later(signal: u32, millis: u64) -> sys::Pid {
    let target = sys::getpid();
    spawn(move || {
        pause(millis);
        sys::kill(target, signal).unwrap();
    })
}

fn sleep_is_interrupted() {
    catch(SIGUSR1);
    let child = later(SIGUSR1, 10);
    let (errno, left) = sys::nanosleep(Timespec { sec: 100, nsec: 0 }).unwrap_err();
    assert_eq!((errno, counted()), (Errno::EINTR, 1));
    assert!((90..100).contains(&left.sec), "{left:?}");
    expect_exit(child, 0);
}

fn read_is_interrupted() {
    let (reader, writer) = sys::pipe().unwrap();
    catch(SIGUSR1);
    let child = later(SIGUSR1, 10);
    assert_eq!(sys::read(reader, &mut [0; 4]), Err(Errno::EINTR));
    expect_exit(child, 0);
    sys::sigaction(SIGUSR1, Disposition::Handler(count), SA_RESTART, 0).unwrap();
    let signaller = later(SIGUSR1, 10);
    let teller = spawn(|| {
        pause(30);
        super::support::write_all(writer, b"late");
    });
    assert_eq!(super::support::read_exact(reader, 4), b"late");
    assert_eq!(counted(), 2);
    expect_exit(signaller, 0);
    expect_exit(teller, 0);
}

fn wait_is_interrupted() {
    catch(SIGUSR1);
    let slow = spawn(|| pause(60));
    let signaller = later(SIGUSR1, 10);
    assert_eq!(sys::wait4(slow, 0), Err(Errno::EINTR));
    expect_exit(slow, 0);
    expect_exit(signaller, 0);
}

fn suspend_is_atomic() {
    catch(SIGUSR1);
    sys::sigprocmask(SIG_BLOCK, bit(SIGUSR1)).unwrap();
    let target = sys::getpid();
    let (answers, answer) = sys::pipe().unwrap();
    let child = spawn(|| {
        for _ in 0..50 {
            sys::kill(target, SIGUSR1).unwrap();
            super::support::read_exact(answers, 1);
        }
    });
    for round in 1..=50 {
        assert_eq!(sys::sigsuspend(0), Err(Errno::EINTR));
        assert_eq!(counted(), round);
        super::support::write_all(answer, b"x");
    }
    expect_exit(child, 0);
}

fn registers_return() {
    extern "C" fn spoil(_: i32) {
        COUNT.fetch_add(1, Ordering::SeqCst);
        // Uses registers of every kind.
        assert!(wild::registers_survive(0xdead_beef, 100));
    }
    sys::signal(SIGUSR1, Disposition::Handler(spoil)).unwrap();
    let target = sys::getpid();
    let child = spawn(|| {
        loop {
            pause(1);
            sys::kill(target, SIGUSR1).unwrap();
        }
    });
    let mut rounds = 0u64;
    while counted() < 10 {
        rounds += 1;
        assert!(wild::registers_survive(rounds << 20 | 0x1234, 10_000));
    }
    sys::kill(child, SIGKILL).unwrap();
    sys::wait_for(child).unwrap();
}

/// The page that `mend` makes writable.
static PAGE: AtomicU64 = AtomicU64::new(0);

extern "C" fn mend(_: i32) {
    COUNT.fetch_add(1, Ordering::SeqCst);
    let rights = abi::mman::PROT_READ | abi::mman::PROT_WRITE;
    sys::mprotect(PAGE.load(Ordering::SeqCst) as usize, 4096, rights).unwrap();
}

fn segv_is_caught() {
    let page = super::support::map(1);
    PAGE.store(page, Ordering::SeqCst);
    sys::signal(SIGSEGV, Disposition::Handler(mend)).unwrap();
    for round in 1..=5 {
        sys::mprotect(page as usize, 4096, abi::mman::PROT_READ).unwrap();
        wild::store(page, round);
        assert_eq!((wild::load(page), counted()), (round, round.into()));
    }
}

fn child_signal() {
    catch(SIGCHLD);
    let child = spawn(|| ());
    while counted() == 0 {
        sys::sched_yield();
    }
    assert_eq!(LAST.load(Ordering::SeqCst), SIGCHLD);
    expect_exit(child, 0);
}

fn alarm_rings() {
    catch(SIGALRM);
    sys::alarm(100);
    let left = sys::alarm(1);
    assert!((99..=100).contains(&left), "{left}");
    assert_eq!(sys::pause(), Err(Errno::EINTR));
    assert_eq!((counted(), sys::alarm(0)), (1, 0));
}

fn fork_inherits() {
    catch(SIGUSR1);
    sys::sigprocmask(SIG_BLOCK, bit(SIGUSR1)).unwrap();
    raise(SIGUSR1);
    let child = spawn(|| {
        assert_eq!(sys::sigpending(), Ok(0));
        assert_eq!(sys::sigprocmask(SIG_BLOCK, 0), Ok(bit(SIGUSR1)));
        raise(SIGUSR1);
        sys::set_mask(0).unwrap();
        assert_eq!(counted(), 1);
    });
    expect_exit(child, 0);
    sys::set_mask(0).unwrap();
    assert_eq!(counted(), 1);
}
