//! Runs all states of an automaton side by side over the text.

use super::parse::{Anchor, is_word};
use super::program::{Inst, Program};
use rust_alloc::vec;
use rust_alloc::vec::Vec;

/// States to visit, each at most once a position.
struct Threads {
    list: Vec<usize>,
    /// Position (plus one) at which a state was last added.
    seen: Vec<usize>,
}

/// The leftmost longest match at or after `from`.
pub(super) fn find(program: &Program, text: &[u8], from: usize) -> Option<(usize, usize)> {
    let first = first_bytes(program);
    let mut threads = [(); 2].map(|()| Threads {
        list: Vec::new(),
        seen: vec![0; program.insts.len()],
    });
    for start in from..=text.len() {
        let hopeless = match (&first, text.get(start)) {
            (Some(first), Some(byte)) => first[usize::from(byte / 64)] >> (byte % 64) & 1 == 0,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if hopeless {
            continue;
        }
        if let Some(end) = run(program, text, start, &mut threads) {
            return Some((start, end));
        }
    }
    None
}

/// The bytes a match can begin with, if it cannot be empty and starts with plain sets.
fn first_bytes(program: &Program) -> Option<[u64; 4]> {
    match program.insts.first()? {
        Inst::Set(set) => Some(**set),
        _ => None,
    }
}

/// The end of the longest match that starts at `start`.
fn run(program: &Program, text: &[u8], start: usize, threads: &mut [Threads; 2]) -> Option<usize> {
    let [now, next] = threads;
    for threads in [&mut *now, &mut *next] {
        threads.list.clear();
        threads.seen.fill(0);
    }
    let mut longest = None;
    add(program, text, start, 0, now);
    for at in start.. {
        let mut i = 0;
        while i < now.list.len() {
            match &program.insts[now.list[i]] {
                Inst::Match => longest = Some(at),
                Inst::Set(set) => {
                    if let Some(byte) = text.get(at)
                        && set[usize::from(byte / 64)] >> (byte % 64) & 1 != 0
                    {
                        add(program, text, at + 1, now.list[i] + 1, next);
                    }
                }
                _ => {}
            }
            i += 1;
        }
        core::mem::swap(now, next);
        next.list.clear();
        if now.list.is_empty() || at == text.len() {
            break;
        }
    }
    longest
}

/// Adds a state and all it reaches without taking a byte.
fn add(program: &Program, text: &[u8], at: usize, state: usize, threads: &mut Threads) {
    let mut stack = vec![state];
    while let Some(state) = stack.pop() {
        if threads.seen[state] == at + 1 {
            continue;
        }
        threads.seen[state] = at + 1;
        match &program.insts[state] {
            Inst::Jump(to) => stack.push(*to),
            Inst::Split(a, b) => stack.extend([*b, *a]),
            Inst::Anchor(anchor) if fits(*anchor, text, at) => stack.push(state + 1),
            Inst::Anchor(_) => {}
            Inst::Set(_) | Inst::Match => threads.list.push(state),
        }
    }
}

fn fits(anchor: Anchor, text: &[u8], at: usize) -> bool {
    let before = at > 0 && is_word(text[at - 1]);
    let after = text.get(at).is_some_and(|byte| is_word(*byte));
    match anchor {
        Anchor::Start => at == 0,
        Anchor::End => at == text.len(),
        Anchor::WordStart => !before && after,
        Anchor::WordEnd => before && !after,
        Anchor::WordBoundary => before != after,
        Anchor::NotWordBoundary => before == after,
    }
}
