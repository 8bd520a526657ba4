//! The story in numbered steps: each mark, or each group of marks that belong together, in words.

use super::landmark;
use super::mark::{Mark, What};
use super::shorten::shorten;
use super::source::Sources;
use super::story::Story;
use super::tree::Branch;
use super::units::Unit;
use base::Time;

/// A step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub time: Time,
    /// On which CPU, if on one.
    pub cpu: Option<u8>,
    /// In what mode: `user`, `kernel`, `irq`, or the device that did it.
    pub mode: &'static str,
    /// What happened, in a line.
    pub title: String,
    /// What more there is to say, in paragraphs.
    pub details: Vec<String>,
    /// What kind of step it is; a loop's turns have the same.
    pub shape: String,
    /// What distinguishes it from others of its kind, if anything.
    pub gist: String,
    /// Where in the kernel it happened.
    pub places: Vec<(usize, u64)>,
    /// The function by whose name it is found in the tree, instead.
    pub function: Option<&'static str>,
}

/// Who tells.
pub struct Teller<'a, 's> {
    /// The story.
    pub story: &'a Story,
    /// The names.
    pub sources: &'a Sources<'s>,
    /// The unit of times.
    pub unit: Unit,
}

impl<'a, 's> Teller<'a, 's> {
    /// Tells `story`.
    pub const fn new(story: &'a Story, sources: &'a Sources<'s>, unit: Unit) -> Self {
        Self {
            story,
            sources,
            unit,
        }
    }

    /// The steps, in the order of time. `tree` is the whole call tree.
    pub fn steps(&self, tree: &[Branch]) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut marks = &self.story.marks[..];
        while let Some((first, rest)) = marks.split_first() {
            let more = rest
                .iter()
                .take_while(|mark| belongs(&first.what, &mark.what))
                .count();
            let (group, rest) = marks.split_at(1 + more);
            steps.extend(self.step(group));
            marks = rest;
        }
        for step in landmark::steps(self, tree) {
            let at = steps.partition_point(|other: &Step| other.time <= step.time);
            steps.insert(at, step);
        }
        shorten(steps)
    }

    fn step(&self, group: &[Mark]) -> Option<Step> {
        let first = group.first()?;
        let last = group.last()?;
        let places = group.iter().filter_map(|mark| mark.place).collect();
        let mut step = Step {
            time: first.time,
            cpu: Some(first.cpu),
            mode: "kernel",
            places,
            ..Step::default()
        };
        let place = first.place.map(|(_, pc)| self.sources.function(pc));
        let here = place.unwrap_or_default();
        self.word(&mut step, first, last, group, &here);
        (!step.title.is_empty()).then_some(step)
    }
}

/// Whether the second thing belongs to the same step as the first.
fn belongs(first: &What, next: &What) -> bool {
    match (first, next) {
        (
            What::Page {
                ino: a, pages: 0, ..
            },
            What::Page {
                ino: b, pages: 0, ..
            },
        ) => a == b,
        (What::Block { .. }, What::Block { .. }) => true,
        (
            What::Ask {
                write: a,
                sectors: m,
                ..
            },
            What::Ask {
                write: b,
                sectors: n,
                ..
            },
        ) => a == b && (*m == 0) == (*n == 0),
        (What::Result(_), What::Return { .. }) => true,
        _ => false,
    }
}
