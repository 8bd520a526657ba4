//! Calls that wait: what poll(2) looks at and finds, and what is left of a sleep.

use super::calls::{Outcome, Shape};
use super::decoder::{Decoder, put};
use super::source::Source;
use super::structures;
use abi::nr;
use abi::poll::{EVENTS, PollFd};
use abi::time::Timespec;

/// What poll(2) is asked to look at.
pub fn poll_fds<S: Source>(d: &mut Decoder<'_, S>) {
    let count = d.args[1] as u32;
    d.array(d.args[0], count.into(), |d, asked: PollFd| {
        d.out.push_str("{fd=");
        d.fd(asked.fd);
        if asked.fd >= 0 {
            put!(
                d,
                ", events={}",
                EVENTS.show(u64::from(asked.events as u16))
            );
        }
        d.out.push('}');
        true
    });
    put!(d, ", {count}, ");
}

/// What poll(2) has found.
pub fn polled<S: Source>(number: u64, d: &mut Decoder<'_, S>) -> Outcome {
    let mut outcome = Outcome::from(Shape::Decimal);
    if d.failed() {
        return outcome;
    }
    if d.result == Some(0) {
        outcome.note = Some("Timeout".to_owned());
        return outcome;
    }
    let mut found: Vec<String> = Vec::new();
    let (addr, count) = (d.args[0], u64::from(d.args[1] as u32));
    // As many are read as a process can have; what strace shows is bounded by the string limit alone.
    for index in 0..count.min(1024) {
        if addr == 0 {
            break;
        }
        let at = addr.wrapping_add(8 * index);
        let Some(poll) = d.fetch::<PollFd>(at) else {
            found.push(format!("{at:#x}"));
            break;
        };
        if poll.revents == 0 {
            continue;
        }
        if found.len() >= d.elements() {
            found.push("...".to_owned());
            break;
        }
        let events = EVENTS.show(u64::from(poll.revents as u16));
        found.push(format!("{{fd={}, revents={events}}}", poll.fd));
    }
    let mut note = match &found[..] {
        [] => String::new(),
        _ => format!("[{}]", found.join(", ")),
    };
    if number == nr::PPOLL && d.args[2] != 0 {
        let separator = if note.is_empty() { "" } else { ", " };
        let left = match d.fetch::<Timespec>(d.args[2]) {
            Some(left) => structures::timespec(left),
            None => format!("{:#x}", d.args[2]),
        };
        note = format!("{note}{separator}left {left}");
    }
    outcome.note = (!note.is_empty()).then_some(note);
    outcome
}

/// What is left of a sleep: there is something only if a signal interrupted it.
pub fn remaining<S: Source>(d: &mut Decoder<'_, S>, addr: u64, relative: bool) {
    let interrupted = d.result == Some(abi::Errno::ERESTARTSYS.to_result());
    match relative && interrupted && addr != 0 {
        true => match d.fetch::<Timespec>(addr) {
            Some(left) => d.out.push_str(&structures::timespec(left)),
            None => d.address(addr),
        },
        false => d.address(addr),
    }
}
