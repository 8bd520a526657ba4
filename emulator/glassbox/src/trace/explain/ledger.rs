//! Where a call's time goes: at each instant the process is in one state, so that the parts add up to the whole.

use base::Time;
use std::collections::BTreeMap;

/// What a process does during a system call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It runs the kernel's code for the call.
    Kernel,
    /// It runs the kernel's code for a page fault on the way.
    Fault,
    /// Its CPU serves an interrupt.
    Interrupt,
    /// It spins for a lock, of that name, that another CPU holds.
    Lock(String),
    /// It sleeps until what is named comes.
    Asleep(String),
    /// It could run, but its CPU runs others.
    Runnable,
    /// It is stopped by a signal.
    Stopped,
}

/// The account of a call.
#[derive(Clone, Debug)]
pub struct Ledger {
    state: State,
    since: Time,
    spent: BTreeMap<State, Time>,
}

impl Ledger {
    /// A call begins, in the kernel.
    pub const fn new(begin: Time) -> Self {
        Self {
            state: State::Kernel,
            since: begin,
            spent: BTreeMap::new(),
        }
    }

    /// From now on the process is in `state`.
    pub fn turn(&mut self, now: Time, state: State) {
        if state == self.state {
            return;
        }
        self.close(now);
        self.state = state;
    }

    /// Books what has passed.
    pub fn close(&mut self, now: Time) {
        let span = now - self.since;
        self.since = self.since.max(now);
        if span > Time(0) {
            let spent = self.spent.entry(self.state.clone()).or_default();
            *spent = *spent + span;
        }
    }

    /// The parts, in the order of the states.
    pub fn parts(&self) -> impl Iterator<Item = (&State, Time)> {
        self.spent.iter().map(|(state, time)| (state, *time))
    }

    /// The sum of the parts.
    pub fn total(&self) -> Time {
        self.spent.values().fold(Time(0), |sum, &part| sum + part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_add_up_to_the_whole() {
        let mut ledger = Ledger::new(Time(100));
        ledger.turn(Time(130), State::Asleep("disk".into()));
        ledger.turn(Time(150), State::Asleep("disk".into()));
        ledger.turn(Time(170), State::Runnable);
        ledger.turn(Time(170), State::Interrupt);
        ledger.turn(Time(175), State::Kernel);
        ledger.close(Time(200));
        let parts: Vec<_> = ledger.parts().map(|(s, t)| (s.clone(), t.0)).collect();
        assert_eq!(
            parts,
            [
                (State::Kernel, 55),
                (State::Interrupt, 5),
                (State::Asleep("disk".into()), 40)
            ]
        );
        assert_eq!(ledger.total(), Time(100));
    }
}
