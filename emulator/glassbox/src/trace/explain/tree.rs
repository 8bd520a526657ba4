//! The call tree of a path with inlined functions as if they had been called, folded to what fits a page.
//!
//! Folding: calls of one function from one caller are one line with their number, whatever loop they come from; the
//! language's library and closures are taken as part of who uses them; then the functions in which something happened
//! are kept, and of the others those with most instructions below them.

use super::name;
use super::path::{Path, Seen};
use crate::symbols::Frame;
use base::Time;

/// Deepest nesting of functions, inlined ones included, that is shown.
const DEEPEST: usize = 64;

/// A function, called by the one above it.
#[derive(Clone, Debug, Default)]
pub struct Branch {
    /// Its name, short.
    pub name: String,
    /// Where it is in the sources.
    pub place: String,
    /// How often it was called; for an inlined one that is not known, and 0.
    pub calls: u64,
    /// When it was first entered.
    pub first: Time,
    /// Instructions in it and below.
    pub instructions: u64,
    /// The numbers of the steps that happened in it.
    pub steps: Vec<usize>,
    /// The functions that it calls, in the order in which it first does.
    pub kids: Vec<Branch>,
    /// Whether it has no line of its own.
    plumbing: bool,
    /// Instructions in it alone.
    own: u64,
    order: u64,
}

/// A line of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// For each level above it, whether more comes there below this line; then whether that is so on its own level.
    pub more: Vec<bool>,
    /// The function.
    pub name: String,
    /// Where it is in the sources.
    pub place: String,
    /// How often it was called, if that is known.
    pub calls: u64,
    /// Instructions in it and below.
    pub instructions: u64,
    /// The steps that happened in it.
    pub steps: Vec<usize>,
    /// Functions below it that are not shown.
    pub hidden: usize,
}

/// The tree of `path`, with names by `frames`, and `steps`: where each happened, and its number.
pub fn build(
    path: &Path,
    frames: &mut dyn FnMut(u64) -> Vec<Frame>,
    steps: &[((usize, u64), usize)],
) -> Vec<Branch> {
    let mut top = Branch::default();
    for root in path.roots() {
        let branch = expand(path, root, frames, steps, 0);
        top.kids.push(branch);
    }
    tidy(&mut top);
    top.kids
}

fn expand(
    path: &Path,
    index: usize,
    frames: &mut dyn FnMut(u64) -> Vec<Frame>,
    steps: &[((usize, u64), usize)],
    depth: usize,
) -> Branch {
    let node = &path.tree()[index];
    let first = node.places.keys().next().copied();
    let entry = node
        .places
        .iter()
        .min_by_key(|(_, seen)| seen.order)
        .map(|(pc, _)| *pc);
    let own = frames(entry.or(first).unwrap_or(node.function));
    let mut branch = Branch {
        calls: node.calls.count,
        first: node.calls.first,
        order: node.calls.order,
        ..Branch::default()
    };
    if let Some(frame) = own.first() {
        branch.name = name::short(frame);
        branch.place = name::place(frame);
        branch.plumbing = name::is_plumbing(frame);
    }
    if branch.name.is_empty() {
        branch.name = format!("{:#x}", node.function);
    }
    for (pc, seen) in &node.places {
        let inner = descend(&mut branch, &frames(*pc), *seen);
        inner.own += seen.count;
    }
    for ((place, pc), step) in steps.iter().map(|((n, pc), step)| ((*n, *pc), *step)) {
        if place == index {
            let seen = node.places.get(&pc).copied().unwrap_or(node.calls);
            descend(&mut branch, &frames(pc), seen).steps.push(step);
        }
    }
    if depth < DEEPEST {
        for ((site, _), kid) in &node.kids {
            let kid = expand(path, *kid, frames, steps, depth + 1);
            let seen = Seen {
                first: kid.first,
                order: kid.order,
                count: 0,
            };
            descend(&mut branch, &frames(*site), seen).kids.push(kid);
        }
    }
    branch
}

/// The innermost of the functions inlined at an address, whose frames these are.
fn descend<'a>(mut branch: &'a mut Branch, frames: &[Frame], seen: Seen) -> &'a mut Branch {
    for frame in frames.iter().skip(1) {
        let name = name::short(frame);
        let at = branch
            .kids
            .iter()
            .position(|kid| kid.calls == 0 && kid.name == name);
        let at = at.unwrap_or_else(|| {
            branch.kids.push(Branch {
                name,
                place: name::place(frame),
                plumbing: name::is_plumbing(frame),
                first: seen.first,
                order: seen.order,
                ..Branch::default()
            });
            branch.kids.len() - 1
        });
        branch = &mut branch.kids[at];
        if seen.order < branch.order {
            branch.first = seen.first;
            branch.order = seen.order;
            branch.place = name::place(frame);
        }
    }
    branch
}

/// Takes plumbing apart, joins what has one name, sorts, and adds up.
fn tidy(branch: &mut Branch) {
    let mut kids = Vec::new();
    for kid in std::mem::take(&mut branch.kids) {
        flatten(kid, branch, &mut kids);
    }
    kids.sort_by_key(|kid| kid.order);
    for kid in kids {
        match branch.kids.iter_mut().find(|other| other.name == kid.name) {
            Some(other) => {
                other.calls += kid.calls;
                other.own += kid.own;
                other.steps.extend(kid.steps);
                other.kids.extend(kid.kids);
            }
            None => branch.kids.push(kid),
        }
    }
    branch.instructions = branch.own;
    for kid in &mut branch.kids {
        tidy(kid);
        branch.instructions += kid.instructions;
    }
    branch.steps.sort_unstable();
    branch.steps.dedup();
}

/// Puts `kid`, or if it is plumbing what is in it, into `kids` of `parent`.
fn flatten(kid: Branch, parent: &mut Branch, kids: &mut Vec<Branch>) {
    // A function that calls itself, or an inlined one of the same name, is one.
    if !kid.plumbing && kid.name != parent.name {
        kids.push(kid);
        return;
    }
    parent.own += kid.own;
    parent.steps.extend(kid.steps);
    for inner in kid.kids {
        flatten(inner, parent, kids);
    }
}

/// The lines of a tree, at most `most`, unless more functions than that are above one in which a step happened.
pub fn lines(branches: &[Branch], most: usize) -> Vec<Line> {
    let total: u64 = branches.iter().map(|branch| branch.instructions).sum();
    let mut weights = Vec::new();
    let mut must = 0;
    for branch in branches {
        weigh(branch, &mut weights, &mut must);
    }
    weights.sort_unstable_by(|a, b| b.cmp(a));
    // A helper that takes less than a hundredth of the call tells nothing.
    let least = match most.saturating_sub(must) {
        0 => u64::MAX,
        room => weights.get(room).map_or(0, |weight| weight + 1),
    };
    let mut lines = Vec::new();
    show(branches, least.max(total / 100).max(1), &mut Vec::new(), &mut lines);
    lines
}

fn has_steps(branch: &Branch) -> bool {
    !branch.steps.is_empty() || branch.kids.iter().any(has_steps)
}

fn weigh(branch: &Branch, weights: &mut Vec<u64>, must: &mut usize) {
    if has_steps(branch) {
        *must += 1;
    } else {
        weights.push(branch.instructions);
    }
    for kid in &branch.kids {
        weigh(kid, weights, must);
    }
}

fn show(branches: &[Branch], least: u64, more: &mut Vec<bool>, lines: &mut Vec<Line>) {
    let shown: Vec<_> = branches
        .iter()
        .filter(|branch| has_steps(branch) || branch.instructions >= least)
        .collect();
    for (index, branch) in shown.iter().enumerate() {
        more.push(index + 1 < shown.len());
        let kept = |kid: &&Branch| has_steps(kid) || kid.instructions >= least;
        lines.push(Line {
            more: more.clone(),
            name: branch.name.clone(),
            place: branch.place.clone(),
            calls: branch.calls,
            instructions: branch.instructions,
            steps: branch.steps.clone(),
            hidden: branch.kids.len() - branch.kids.iter().filter(kept).count(),
        });
        show(&branch.kids, least, more, lines);
        more.pop();
    }
}
