//! How much of the past is kept for a chart.

use crate::trace::schedule::process::Process;
use crate::trace::schedule::timeline::{Span, Timeline};
use base::Time;
use std::ops::Range;

/// Most spans of all timelines together, unless there are so many processes.
pub(super) const MOST_SPANS: usize = 1 << 17;

/// The bounds of all timelines together.
#[derive(Clone, Debug)]
pub(super) struct Keep {
    /// The part of the run that is wanted.
    window: Range<Time>,
    /// How many spans there are, and may be.
    spans: usize,
    most: usize,
    /// What is shorter has been merged.
    grain: Time,
}

impl Keep {
    pub const fn new(window: Range<Time>) -> Self {
        Self {
            window,
            spans: 0,
            most: MOST_SPANS,
            grain: Time(0),
        }
    }

    pub const fn grain(&self) -> Time {
        self.grain
    }

    /// Adds to a timeline what of a span is wanted. False if there are too many spans now.
    pub fn push(&mut self, timeline: &mut Timeline, span: Span) -> bool {
        let before = timeline.spans().len();
        timeline.push(span.within(self.window.start, self.window.end));
        self.spans += timeline.spans().len() - before;
        self.spans <= self.most
    }

    /// A timeline is given up.
    pub fn drop(&mut self, timeline: &Timeline) {
        self.spans = self.spans.saturating_sub(timeline.spans().len());
    }

    /// Makes the timelines shorter: the short spans are merged, then longer ones.
    pub fn thin<'a>(&mut self, processes: impl Iterator<Item = &'a mut Process>) {
        let mut processes: Vec<&mut Process> = processes.collect();
        while self.spans > MOST_SPANS / 2 && self.grain < Time::secs(1 << 30) {
            self.grain = (self.grain + self.grain).max(Time::micros(1));
            self.spans = 0;
            for process in &mut processes {
                process.timeline.thin(self.grain);
                self.spans += process.timeline.spans().len();
            }
        }
        // Each process has a span at least; so many of them are no reason to thin again soon.
        self.most = MOST_SPANS.max(2 * self.spans);
    }
}
