//! The past of a process as spans of time, thinned where it would become too long.

use super::process::Phase;
use base::Time;
use std::collections::BTreeMap;

/// A time in which a process did one thing, or above all one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub from: Time,
    /// When it was over.
    pub to: Time,
    /// What it did.
    pub phase: Phase,
}

impl Span {
    /// How long it took.
    pub fn len(&self) -> Time {
        self.to - self.from
    }

    /// Whether it took no time.
    pub fn is_empty(&self) -> bool {
        self.from >= self.to
    }

    /// The part of it between two times.
    pub fn within(&self, from: Time, to: Time) -> Self {
        Self {
            from: self.from.max(from),
            to: self.to.min(to),
            phase: self.phase,
        }
    }
}

/// Spans in the order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline(Vec<Span>);

impl Timeline {
    /// The spans.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// Adds a span that begins at or after the last one's end.
    pub fn push(&mut self, span: Span) {
        if span.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.phase == span.phase && last.to == span.from => last.to = span.to,
            _ => self.0.push(span),
        }
    }

    /// Merges what is shorter than `grain`.
    pub fn thin(&mut self, grain: Time) {
        self.0 = thinned(&self.0, grain);
        self.0.shrink_to_fit();
    }
}

/// The same spans, with neighbours shorter than `grain` merged into spans of about that length, each in the phase that
/// took most of it.
pub fn thinned(spans: &[Span], grain: Time) -> Vec<Span> {
    let mut thin = Timeline::default();
    let mut group: Option<Group> = None;
    for span in spans {
        let full = |g: &Group| span.len() >= grain || g.to != span.from || g.len() >= grain;
        if let Some(done) = group.take_if(|g| full(g)) {
            thin.push(done.span());
        }
        if span.len() >= grain {
            thin.push(*span);
        } else {
            group.get_or_insert_with(|| Group::at(span.from)).add(span);
        }
    }
    if let Some(rest) = group {
        thin.push(rest.span());
    }
    thin.0
}

/// Short spans one after another.
struct Group {
    from: Time,
    to: Time,
    phases: BTreeMap<Phase, Time>,
}

impl Group {
    const fn at(from: Time) -> Self {
        Self {
            from,
            to: from,
            phases: BTreeMap::new(),
        }
    }

    fn len(&self) -> Time {
        self.to - self.from
    }

    fn add(&mut self, span: &Span) {
        let sum = self.phases.entry(span.phase).or_default();
        *sum = *sum + span.len();
        self.to = span.to;
    }

    fn span(&self) -> Span {
        // The first of equals, so that a tie is a run.
        let longest = self.phases.iter().rev().max_by_key(|(_, time)| **time);
        Span {
            from: self.from,
            to: self.to,
            phase: longest.map_or(Phase::Waiting, |(phase, _)| *phase),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: Phase = Phase::Running(0);
    const WAIT: Phase = Phase::Waiting;

    fn spans(list: &[(u64, u64, Phase)]) -> Vec<Span> {
        let span = |&(from, to, phase): &(u64, u64, Phase)| Span {
            from: Time(from),
            to: Time(to),
            phase,
        };
        list.iter().map(span).collect()
    }

    #[test]
    fn neighbours_in_one_phase_are_one_span() {
        let mut line = Timeline::default();
        for span in spans(&[(0, 4, RUN), (4, 4, WAIT), (4, 6, RUN), (7, 8, RUN)]) {
            line.push(span);
        }
        assert_eq!(line.spans(), spans(&[(0, 6, RUN), (7, 8, RUN)]));
    }

    #[test]
    fn thinning_merges_short_spans_and_keeps_long_ones_and_gaps() {
        let full = spans(&[
            (0, 100, WAIT),
            (100, 103, RUN),
            (103, 105, WAIT),
            (105, 108, RUN),
            (108, 112, WAIT),
            (200, 201, RUN),
            (201, 300, WAIT),
        ]);
        let thin = spans(&[
            (0, 100, WAIT),
            (100, 112, RUN),
            (200, 201, RUN),
            (201, 300, WAIT),
        ]);
        assert_eq!(thinned(&full, Time(10)), thin);
        assert_eq!(thinned(&full, Time(0)), full);
        assert_eq!(thinned(&[], Time(9)), []);
    }

    #[test]
    fn thinning_far_enough_leaves_one_span() {
        let full: Vec<_> = (0..1000)
            .flat_map(|n| spans(&[(n * 10, n * 10 + 3, RUN), (n * 10 + 3, n * 10 + 10, WAIT)]))
            .collect();
        let once = thinned(&full, Time(100));
        assert!(once.len() <= 100, "{}", once.len());
        assert_eq!(thinned(&full, Time(20_000)), spans(&[(0, 10_000, WAIT)]));
    }
}
