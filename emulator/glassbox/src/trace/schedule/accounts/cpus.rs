//! One CPU: busy, in user mode, or idle.

use base::Time;

/// What a CPU did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Time for which it ran processes.
    pub busy: Time,
    /// That part of it which was in user mode.
    pub user: Time,
    /// Time for which it had nothing to run.
    pub idle: Time,
    /// Switches from its idle process to others.
    pub switches_from_idle: u64,
    /// Who runs, by the order of making; `None` is the idle process.
    pub(super) current: Option<u64>,
    /// Up to where its time has been counted.
    pub(super) since: Time,
    /// When it entered user mode, if it is there.
    user_since: Option<Time>,
}

impl Cpu {
    /// One whose time counts from `since` on.
    pub(super) fn starting(since: Time) -> Self {
        Self {
            since,
            ..Self::default()
        }
    }

    /// Counts its time so far.
    pub(super) fn charge(&mut self, now: Time) {
        let sum = match self.current {
            Some(_) => &mut self.busy,
            None => &mut self.idle,
        };
        *sum = *sum + (now - self.since);
        self.since = now;
    }

    /// It enters or leaves user mode; gives the time that it has been there for a process.
    pub(super) fn user_mode(&mut self, entered: bool, now: Time) -> Time {
        let since = self.user_since.take().filter(|_| self.current.is_some());
        let time = since.map_or(Time(0), |since| now - since);
        self.user = self.user + time;
        self.user_since = entered.then_some(now);
        time
    }
}
