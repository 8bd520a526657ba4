//! Gantt charts: who did what when, one lane a process and one a CPU.
//!
//! A [`Chart`] is the part of the accounts that is shown, in either form: [`text`] for terminals, [`svg`] for pictures.

pub mod svg;
pub mod text;
mod ticks;

use super::accounts::Accounts;
use super::process::{Phase, Process};
use super::timeline::Span;
use base::Time;

/// What the user wants to see.
#[derive(Clone, Copy, Debug, Default)]
pub struct View {
    /// Where the chart begins; `None`: where the shell line does.
    pub from: Option<Time>,
    /// Where it ends; `None`: with the run.
    pub to: Option<Time>,
    /// Most lanes of processes; the others have less CPU time.
    pub lanes: usize,
}

/// What a chart shows.
pub struct Chart<'a> {
    accounts: &'a Accounts,
    /// Where it begins.
    from: Time,
    /// Where it ends: later.
    to: Time,
    /// The processes that have a lane, in the order in which they were made.
    lanes: Vec<&'a Process>,
    /// How many others there were in that time.
    hidden: usize,
}

impl<'a> Chart<'a> {
    /// A chart of what is in view; `None` if nothing is known of any process then.
    pub fn new(accounts: &'a Accounts, view: &View) -> Option<Self> {
        let from = view.from.or(accounts.line()).or(accounts.start())?;
        let to = view.to.unwrap_or(accounts.end()).min(accounts.end());
        let there = |p: &&Process| {
            p.timeline
                .spans()
                .iter()
                .any(|s| s.from < to && s.to > from)
        };
        let mut lanes: Vec<&Process> = accounts.processes().filter(there).collect();
        if lanes.is_empty() || to <= from {
            return None;
        }
        let hidden = lanes.len().saturating_sub(view.lanes);
        if hidden > 0 {
            let mut order: Vec<(Time, usize)> = lanes
                .iter()
                .enumerate()
                .map(|(index, process)| (running(process, from, to), index))
                .collect();
            order.sort_by_key(|(time, index)| (std::cmp::Reverse(*time), *index));
            order.truncate(view.lanes);
            order.sort_by_key(|(_, index)| *index);
            lanes = order.into_iter().map(|(_, index)| lanes[index]).collect();
        }
        Some(Self {
            accounts,
            from,
            to,
            lanes,
            hidden,
        })
    }

    fn len(&self) -> Time {
        self.to - self.from
    }

    /// The spans of a process that lie in the chart, cut at its ends.
    fn spans(&self, process: &Process) -> Vec<Span> {
        let spans = process.timeline.spans().iter();
        spans
            .map(|span| span.within(self.from, self.to))
            .filter(|span| !span.is_empty())
            .collect()
    }

    /// What a CPU ran: the spans with the processes, in the order of time.
    fn on_cpu(&self, cpu: usize) -> Vec<(Span, &'a Process)> {
        let mut list = Vec::new();
        for process in self.accounts.processes() {
            let spans = self.spans(process).into_iter();
            let here = |s: &Span| matches!(s.phase, Phase::Running(c) if usize::from(c) == cpu);
            list.extend(spans.filter(here).map(|span| (span, process)));
        }
        list.sort_by_key(|(span, _)| span.from);
        list
    }
}

fn running(process: &Process, from: Time, to: Time) -> Time {
    let spans = process.timeline.spans().iter();
    spans
        .filter(|span| matches!(span.phase, Phase::Running(_)))
        .fold(Time(0), |sum, span| sum + span.within(from, to).len())
}
