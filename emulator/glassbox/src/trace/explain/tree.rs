//! The call tree of a path with inlined functions as if they had been called, folded to what fits a page.
//!
//! Folding: calls of one function from one caller are one line with their number, whatever loop they come from; the
//! language's library and closures are taken as part of who uses them; then the functions in which something happened
//! are kept, and of the others those that take longest.

use super::name;
use super::path::{Path, Seen};
use crate::symbols::Frame;
use base::Time;
use std::collections::BTreeMap;

/// Deepest nesting of functions, inlined ones included, that is shown.
const DEEPEST: usize = 64;

/// Least time of a function that is shown for its time, in virtual nanoseconds: one that takes less, or less than a
/// 64th of the whole, tells nothing.
const LEAST: u64 = 250;
/// A function that is called in so many places is a helper.
const HELPER: u64 = 3;

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
    /// Time that the CPU was in it and below, in virtual nanoseconds.
    pub time: u64,
    /// The numbers of the steps that happened in it.
    pub steps: Vec<usize>,
    /// The functions that it calls, in the order in which it first does.
    pub kids: Vec<Branch>,
    /// Whether it has no line of its own.
    plumbing: bool,
    /// The name as the debug information has it, and whether its place is only a macro's.
    raw: String,
    macros: bool,
    /// The time in it alone.
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
    /// Time that the CPU was in it and below, in virtual nanoseconds.
    pub time: u64,
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
        inner.own += seen.time.0;
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
                time: Time(0),
            };
            descend(&mut branch, &frames(*site), seen).kids.push(kid);
        }
    }
    branch
}

/// The innermost of the functions inlined at an address, whose frames these are.
fn descend<'a>(mut branch: &'a mut Branch, frames: &[Frame], seen: Seen) -> &'a mut Branch {
    for frame in frames.iter().skip(1) {
        let macros = name::is_macros(frame);
        let at = branch
            .kids
            .iter()
            .position(|kid| kid.calls == 0 && kid.raw == frame.name);
        let at = at.unwrap_or_else(|| {
            branch.kids.push(Branch {
                plumbing: name::is_plumbing(frame),
                first: seen.first,
                order: u64::MAX,
                raw: frame.name.clone(),
                macros: true,
                ..Branch::default()
            });
            branch.kids.len() - 1
        });
        branch = &mut branch.kids[at];
        // The place is that of its first instruction; but rather a later one than a macro's.
        let earlier = seen.order < branch.order;
        if (earlier && !macros) || branch.macros {
            branch.name = name::short(frame);
            branch.place = name::place(frame);
            branch.macros = macros;
        }
        if earlier {
            branch.first = seen.first;
            branch.order = seen.order;
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
    branch.time = branch.own;
    for kid in &mut branch.kids {
        tidy(kid);
        branch.time += kid.time;
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
    let total: u64 = branches.iter().map(|branch| branch.time).sum();
    let mut places = BTreeMap::new();
    for branch in branches {
        count(branch, &mut places);
    }
    let mut fold = Fold {
        places,
        least: (total / 64).max(LEAST),
    };
    let mut weights = Vec::new();
    let mut must = 0;
    for branch in branches {
        fold.weigh(branch, &mut weights, &mut must);
    }
    weights.sort_unstable_by(|a, b| b.cmp(a));
    let least = match most.saturating_sub(must) {
        0 => u64::MAX,
        room => weights.get(room).map_or(0, |weight| weight + 1),
    };
    fold.least = fold.least.max(least).max(1);
    let mut lines = Vec::new();
    fold.show(branches, &mut Vec::new(), &mut lines);
    lines
}

/// In how many places of the tree there is a function of each name.
fn count(branch: &Branch, places: &mut BTreeMap<String, u64>) {
    *places.entry(branch.name.clone()).or_default() += 1;
    for kid in &branch.kids {
        count(kid, places);
    }
}

/// What is shown of a tree.
struct Fold {
    places: BTreeMap<String, u64>,
    /// The least weight of a function that is shown.
    least: u64,
}

fn has_steps(branch: &Branch) -> bool {
    !branch.steps.is_empty() || branch.kids.iter().any(has_steps)
}

impl Fold {
    /// How much there is to be seen in a function: its time and that below; but what is called from many
    /// places, such as the allocator of memory, is a helper everywhere.
    fn weight(&self, branch: &Branch) -> u64 {
        let places = self.places.get(&branch.name).copied().unwrap_or(1);
        match places {
            0..HELPER => branch.time,
            places => branch.time / places,
        }
    }

    /// Adds the weights of functions that are not above a step, whose number goes into `must`.
    fn weigh(&self, branch: &Branch, weights: &mut Vec<u64>, must: &mut usize) {
        if has_steps(branch) {
            *must += 1;
        } else {
            weights.push(self.weight(branch));
        }
        for kid in &branch.kids {
            self.weigh(kid, weights, must);
        }
    }

    fn keeps(&self, branch: &Branch) -> bool {
        has_steps(branch) || self.weight(branch) >= self.least
    }

    fn show(&self, branches: &[Branch], more: &mut Vec<bool>, lines: &mut Vec<Line>) {
        let shown: Vec<_> = branches.iter().filter(|b| self.keeps(b)).collect();
        for (index, branch) in shown.iter().enumerate() {
            more.push(index + 1 < shown.len());
            let kept = branch.kids.iter().filter(|kid| self.keeps(kid)).count();
            lines.push(Line {
                more: more.clone(),
                name: branch.name.clone(),
                place: branch.place.clone(),
                calls: branch.calls,
                time: branch.time,
                steps: branch.steps.clone(),
                hidden: branch.kids.len() - kept,
            });
            self.show(&branch.kids, more, lines);
            more.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::explain::isa::Flow;

    /// Functions are the hundreds of an address; in the upper half of 200's, `inner` is inlined, and in the upper half of
    /// 300's a piece of the language's library.
    fn frames(pc: u64) -> Vec<Frame> {
        let frame = |name: &str, file: &str, inlined| Frame {
            name: name.into(),
            file: file.into(),
            line: (pc % 100) as u32,
            inlined,
        };
        let outer = frame(&format!("k::f{}", pc / 100), "/k/kernel/src/f.rs", false);
        match pc {
            250..300 => vec![outer, frame("inner", "/k/kernel/src/inner.rs", true)],
            350..400 => vec![outer, frame("get", "/rustc/1/library/core/src/x.rs", true)],
            _ => vec![outer],
        }
    }

    /// Follows a path of instructions, each of 1 µs; a call's next address is one further.
    fn path(steps: &[(u64, Flow)]) -> Path {
        let mut path = Path::new(1);
        path.start(Time(0));
        for (index, &(pc, flow)) in steps.iter().enumerate() {
            path.step(Time(1000 * index as u64), pc, pc / 100 * 100, flow);
        }
        path.pause(Time(1000 * steps.len() as u64));
        path
    }

    fn shown(path: &Path, steps: &[((usize, u64), usize)], most: usize) -> Vec<String> {
        let tree = build(path, &mut frames, steps);
        lines(&tree, most)
            .iter()
            .map(|line| {
                let depth = line.more.len() - 1;
                format!(
                    "{depth} {} x{} {} {:?}",
                    line.name, line.calls, line.time, line.steps
                )
            })
            .collect()
    }

    /// f1 calls f2, f3, f2 again, and f4; the first call stands behind the others.
    const WAY: [(u64, Flow); 11] = [
        (100, Flow::Next),
        (150, Flow::Call(151)),
        (200, Flow::Return),
        (151, Flow::Next),
        (102, Flow::Call(103)),
        (300, Flow::Return),
        (103, Flow::Call(104)),
        (200, Flow::Next),
        (250, Flow::Return),
        (104, Flow::Call(105)),
        (400, Flow::Next),
    ];

    #[test]
    fn calls_of_one_function_are_one_line_in_the_order_of_the_first() {
        assert_eq!(
            shown(&path(&WAY), &[], 40),
            [
                "0 k::f1 x1 11000 []",
                "1 k::f2 x2 3000 []",
                "2 inner::inner x0 1000 []",
                "1 k::f3 x1 1000 []",
                "1 k::f4 x1 1000 []",
            ]
        );
    }

    #[test]
    fn an_inlined_function_has_the_calls_that_are_made_in_it() {
        let way = [
            (100, Flow::Call(101)),
            (260, Flow::Call(261)),
            (300, Flow::Return),
            (261, Flow::Return),
            (101, Flow::Next),
        ];
        let lines = shown(&path(&way), &[], 40);
        assert_eq!(
            lines[2..],
            ["2 inner::inner x0 3000 []", "3 k::f3 x1 1000 []"]
        );
    }

    #[test]
    fn the_languages_library_is_part_of_who_uses_it() {
        let way = [(300, Flow::Next), (350, Flow::Next)];
        assert_eq!(shown(&path(&way), &[], 40), ["0 k::f3 x1 2000 []"]);
    }

    #[test]
    fn where_steps_happened_is_shown_whatever_room_there_is() {
        let path = path(&WAY);
        let node = (0..path.tree().len())
            .find(|&node| path.tree()[node].function == 300)
            .unwrap();
        let lines = shown(&path, &[((node, 300), 7)], 0);
        assert_eq!(lines, ["0 k::f1 x1 11000 []", "1 k::f3 x1 1000 [7]"]);
    }

    #[test]
    fn what_takes_longest_is_shown_first() {
        assert_eq!(shown(&path(&WAY), &[], 2).len(), 2);
        assert!(shown(&path(&WAY), &[], 2)[1].contains("f2"));
    }

    #[test]
    fn helpers_weigh_less() {
        // f9 is called from three functions and takes 2 µs in each; f8 only once, and 1 µs.
        let mut way = vec![(100, Flow::Call(101))];
        for caller in [200, 300, 400] {
            way.extend([
                (caller, Flow::Call(caller + 1)),
                (900, Flow::Next),
                (901, Flow::Return),
                (caller + 1, Flow::Return),
                (101, Flow::Call(101)),
            ]);
        }
        way.extend([(800, Flow::Return), (101, Flow::Next)]);
        let lines = shown(&path(&way), &[], 5);
        assert!(lines.iter().any(|line| line.contains("f8")), "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("f9")), "{lines:?}");
    }
}
