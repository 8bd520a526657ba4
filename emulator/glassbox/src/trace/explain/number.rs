//! Numbers for the steps, and what repeats told once.

use super::fold::fold;
use super::plain::plural;
use super::steps::Step;
use super::story::Story;
use super::tree::Branch;
use super::units::Unit;
use base::Time;

/// A step with its number, or that the steps before it come again.
pub enum Item {
    /// A step.
    Step(usize, Step),
    /// What repeats, and how often.
    Again(String),
}

/// Where the numbered steps are in the kernel.
#[derive(Default)]
pub struct Numbers {
    /// By node and address.
    pub places: Vec<((usize, u64), usize)>,
    /// By the name of a function.
    pub functions: Vec<(&'static str, usize)>,
}

/// Folds what repeats and numbers the rest.
pub fn number(steps: Vec<Step>, story: &Story, unit: Unit) -> (Vec<Item>, Numbers) {
    let shapes: Vec<&str> = steps.iter().map(|step| step.shape.as_str()).collect();
    let turns = fold(&shapes);
    let mut items = Vec::new();
    let mut numbers = Numbers::default();
    let mut next = 1;
    for turn in turns {
        let all = &steps[turn.start..turn.start + turn.len * turn.turns];
        for (index, step) in all.iter().enumerate() {
            let number = next + index % turn.len;
            numbers
                .places
                .extend(step.places.iter().map(|place| (*place, number)));
            numbers
                .functions
                .extend(step.function.map(|function| (function, number)));
        }
        for (index, step) in all.iter().take(turn.len).enumerate() {
            items.push(Item::Step(next + index, step.clone()));
        }
        if turn.turns > 1 {
            items.push(Item::Again(again(all, turn.len, next, story, unit)));
        }
        next += turn.len;
    }
    (items, numbers)
}

/// That `len` steps, the first of which has `number`, come again and again.
pub fn again(all: &[Step], len: usize, number: usize, story: &Story, unit: Unit) -> String {
    const MOST: usize = 6;
    let times = all.len() / len - 1;
    let which = match len {
        1 => format!("Step {number} comes"),
        len => format!("Steps {number} to {} come", number + len - 1),
    };
    let until = all
        .last()
        .map_or(Time(0), |step| step.time - story.call.begin);
    let gists: Vec<&str> = all[len..]
        .iter()
        .map(|step| step.gist.as_str())
        .filter(|gist| !gist.is_empty())
        .collect();
    let mut text = format!(
        "⋮ {which} {} more, until {}",
        plural(times as u64, "time", "times"),
        unit.since(until)
    );
    if !gists.is_empty() {
        let dots = if gists.len() > MOST { ", …" } else { "" };
        let shown = &gists[..gists.len().min(MOST)];
        text.push_str(&format!(": {}{dots}", shown.join(", ")));
    }
    text.push('.');
    text
}

/// Marks the first function of that name in the tree.
pub fn attach(tree: &mut [Branch], function: &str, number: usize) -> bool {
    tree.iter_mut().any(|branch| {
        if branch.name == function {
            branch.steps.push(number);
            return true;
        }
        attach(&mut branch.kids, function, number)
    })
}

/// The numbers of steps in few columns: `3–5 8`.
pub fn tag(steps: &[usize]) -> String {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for &step in steps {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == step => *last = step,
            _ => runs.push((step, step)),
        }
    }
    const MOST: usize = 2;
    let mut shown: Vec<String> = runs
        .iter()
        .take(MOST)
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first} {last}"),
            _ => format!("{first}–{last}"),
        })
        .collect();
    if runs.len() > MOST {
        shown.push("…".into());
    }
    shown.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_numbers_in_a_row_are_a_range() {
        assert_eq!(tag(&[1]), "1");
        assert_eq!(tag(&[1, 2]), "1 2");
        assert_eq!(tag(&[1, 2, 3, 7]), "1–3 7");
        assert_eq!(tag(&[1, 3, 5, 7]), "1 3 …");
    }
}
