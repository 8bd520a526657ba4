//! Time calls.

use abi::Errno;
use abi::clone::{FUTEX_PRIVATE_FLAG, FUTEX_WAIT, FUTEX_WAKE};
use abi::time::{
    CLOCK_BOOTTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_RAW,
    CLOCK_PROCESS_CPUTIME_ID, CLOCK_REALTIME, CLOCK_REALTIME_COARSE, CLOCK_THREAD_CPUTIME_ID,
    ITIMER_REAL, Itimerval, TIMER_ABSTIME, Timespec, Timeval,
};

use super::{Args, SysResult};
use crate::mm::user::UserPtr;
use crate::proc::{current, futex};
use crate::sched::timer::{Alarm, Purpose, sleep_until};
use crate::time::{NANOS_PER_SEC, calendar_ns, now_ns};

/// What a clock shows, in nanoseconds.
fn read_clock(clock: u32) -> Result<u64, Errno> {
    match clock {
        CLOCK_REALTIME | CLOCK_REALTIME_COARSE => Ok(calendar_ns()),
        CLOCK_MONOTONIC | CLOCK_MONOTONIC_RAW | CLOCK_MONOTONIC_COARSE | CLOCK_BOOTTIME => {
            Ok(now_ns())
        }
        CLOCK_PROCESS_CPUTIME_ID | CLOCK_THREAD_CPUTIME_ID => Ok(current().cpu_time_now()),
        _ => Err(Errno::EINVAL),
    }
}

/// Sleeps until `deadline` (monotonic). If a signal comes first, `rest` learns what was left, unless the
/// caller knows anyway, and the call is not made again.
fn sleep(deadline: u64, rest: Option<UserPtr<Timespec>>) -> SysResult {
    match sleep_until(deadline, c"nanosleep") {
        Ok(()) => Ok(0),
        Err(_) => {
            if let Some(rest) = rest {
                rest.write_if_some(&Timespec::from_nanos(deadline.saturating_sub(now_ns())))?;
            }
            Err(Errno::EINTR)
        }
    }
}

/// nanosleep(2).
pub fn nanosleep(args: &mut Args) -> SysResult {
    let span = args
        .pointer::<Timespec>(0)
        .read()?
        .to_nanos()
        .ok_or(Errno::EINVAL)?;
    sleep(now_ns().saturating_add(span), Some(args.pointer(1)))
}

/// clock_nanosleep(2).
pub fn clock_nanosleep(args: &mut Args) -> SysResult {
    let now = read_clock(args.uint(0))?;
    let time = args
        .pointer::<Timespec>(2)
        .read()?
        .to_nanos()
        .ok_or(Errno::EINVAL)?;
    if args.uint(1) & TIMER_ABSTIME != 0 {
        return sleep(now_ns().saturating_add(time.saturating_sub(now)), None);
    }
    sleep(now_ns().saturating_add(time), Some(args.pointer(3)))
}

/// alarm(2): SIGALRM in so many seconds, 0 for never; gives the seconds that were left of the last one.
pub fn alarm(args: &mut Args) -> SysResult {
    let (left, _) = replace_alarm(u64::from(args.uint(0)) * NANOS_PER_SEC, 0);
    // Not less than 1 while there is something left.
    Ok(left.div_ceil(NANOS_PER_SEC) as usize)
}

/// Sets the alarm of the running process to ring in `value` nanoseconds, 0 for never, and from then on each `interval`;
/// gives what was left of the last one, and its interval.
fn replace_alarm(value: u64, interval: u64) -> (u64, u64) {
    let me = current();
    let now = now_ns();
    let new = (value != 0).then(|| {
        let purpose = Purpose::Ring(me.arc(), interval);
        Alarm::with_purpose(purpose, now.saturating_add(value))
    });
    let old = core::mem::replace(&mut *me.alarm.lock(), new);
    old.map_or((0, 0), |old| {
        let left = time_left(&old, now);
        let interval = old.interval();
        old.cancel();
        (left, interval)
    })
}

/// Nanoseconds until an alarm rings: at least 1 if it rings again and again.
fn time_left(alarm: &Alarm, now: u64) -> u64 {
    let least = u64::from(alarm.interval() != 0);
    alarm.deadline().saturating_sub(now).max(least)
}

/// What getitimer(2) tells of an alarm.
fn timer_value((left, interval): (u64, u64)) -> Itimerval {
    Itimerval {
        interval: Timeval::from_nanos(interval),
        value: Timeval::from_nanos(left),
    }
}

/// getitimer(2), of the timer that counts calendar time; the others are not offered.
pub fn getitimer(args: &mut Args) -> SysResult {
    if args.uint(0) != ITIMER_REAL {
        return Err(Errno::EINVAL);
    }
    let now = now_ns();
    let me = current();
    let alarm = me.alarm.lock();
    let value = alarm
        .as_ref()
        .map_or((0, 0), |alarm| (time_left(alarm, now), alarm.interval()));
    drop(alarm);
    args.pointer(1).write(&timer_value(value))?;
    Ok(0)
}

/// setitimer(2), of the same timer, which is alarm(2)'s, too.
pub fn setitimer(args: &mut Args) -> SysResult {
    if args.uint(0) != ITIMER_REAL {
        return Err(Errno::EINVAL);
    }
    // No structure asks for no timer.
    let new: Itimerval = args.pointer(1).read_if_some()?.unwrap_or_default();
    let (value, interval) = (new.value.to_nanos(), new.interval.to_nanos());
    let value = value.ok_or(Errno::EINVAL)?;
    let old = replace_alarm(value, interval.ok_or(Errno::EINVAL)?);
    args.pointer(2).write_if_some(&timer_value(old))?;
    Ok(0)
}

/// futex(2): waiting and waking.
pub fn futex(args: &mut Args) -> SysResult {
    let operation = args.uint(1) & !FUTEX_PRIVATE_FLAG;
    match operation {
        FUTEX_WAIT => {
            let span = match args.pointer::<Timespec>(3).read_if_some()? {
                Some(span) => Some(span.to_nanos().ok_or(Errno::EINVAL)?),
                None => None,
            };
            let deadline = span.map(|span| now_ns().saturating_add(span));
            futex::wait(args.word(0), args.uint(2), deadline).map(|()| 0)
        }
        FUTEX_WAKE => futex::wake(args.word(0), args.word(2)),
        _ => Err(Errno::ENOSYS),
    }
}

/// clock_gettime(2).
pub fn clock_gettime(args: &mut Args) -> SysResult {
    let now = read_clock(args.uint(0))?;
    args.pointer(1).write(&Timespec::from_nanos(now))?;
    Ok(0)
}

/// clock_getres(2).
pub fn clock_getres(args: &mut Args) -> SysResult {
    read_clock(args.uint(0))?;
    args.pointer(1).write_if_some(&Timespec::from_nanos(1))?;
    Ok(0)
}

/// gettimeofday(2); there is no time zone.
pub fn gettimeofday(args: &mut Args) -> SysResult {
    let now = calendar_ns();
    let value = Timeval {
        sec: (now / NANOS_PER_SEC) as i64,
        usec: (now % NANOS_PER_SEC / 1000) as i64,
    };
    args.pointer(0).write_if_some(&value)?;
    args.pointer::<u64>(1).write_if_some(&0)?;
    Ok(0)
}

/// time(2).
pub fn time(args: &mut Args) -> SysResult {
    let seconds = calendar_ns() / NANOS_PER_SEC;
    args.pointer(0).write_if_some(&seconds)?;
    Ok(seconds as usize)
}
