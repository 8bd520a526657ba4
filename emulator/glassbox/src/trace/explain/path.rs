//! The way that one thread takes through the kernel: its call stack, and a tree of all calls that it made, in which
//! calls from one place to one function are one node, so that loops do not make it grow.

use super::isa::Flow;
use super::stack::{Call, Change, Stack};
use base::Time;
use machine::NS_PER_INSTRUCTION;
use machine::run::QUANTUM;
use std::collections::BTreeMap;

/// Most nodes, and most instructions told apart over all nodes. What does not fit counts for the nodes that are there.
const MOST_NODES: usize = 1 << 15;
const MOST_PLACES: usize = 1 << 19;

/// How often something happened, when first, and how long it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The virtual time of the first.
    pub first: Time,
    /// Its place in the order of all instructions.
    pub order: u64,
    /// How many.
    pub count: u64,
    /// Time of the CPU's own that they took together; for calls, which have instructions, none.
    pub time: Time,
}

/// Calls from one place to one function.
#[derive(Clone, Debug)]
pub struct Node {
    /// The first address of the function, or 0 if that is not known.
    pub function: u64,
    /// The calling instruction, in the parent.
    pub site: u64,
    /// The calls.
    pub calls: Seen,
    /// The instructions that were executed in the function itself, by address.
    pub places: BTreeMap<u64, Seen>,
    /// The functions called: by the calling instruction and their first address.
    pub kids: BTreeMap<(u64, u64), usize>,
}

/// A thread's way.
#[derive(Clone, Debug, Default)]
pub struct Path {
    stack: Stack,
    /// The node of each call on the stack.
    nodes: Vec<usize>,
    tree: Vec<Node>,
    roots: BTreeMap<u64, usize>,
    order: u64,
    places: usize,
    /// Number of CPUs that share the machine's time.
    cpus: u64,
    /// The instruction whose time runs, and since when.
    running: Option<(usize, u64)>,
    since: Option<Time>,
}

impl Path {
    /// A thread's way on a machine of `cpus` CPUs.
    pub fn new(cpus: u64) -> Self {
        Self {
            cpus: cpus.max(1),
            ..Self::default()
        }
    }

    /// The thread has its CPU from `time` on.
    pub const fn start(&mut self, time: Time) {
        self.since = Some(time);
        self.running = None;
        self.stack.resume();
    }

    /// The thread has its CPU no more: up to now the last instruction took its time.
    pub fn pause(&mut self, time: Time) {
        self.charge(time);
        self.since = None;
    }

    /// Books the time since the last look to the instruction that it belongs to.
    fn charge(&mut self, now: Time) {
        let span = match self.since.replace(now) {
            Some(since) => now - since,
            None => return,
        };
        let Some((node, pc)) = self.running else {
            // Between a trap and the handler's first instruction: that one's.
            self.since = Some(now - span);
            return;
        };
        if let Some(place) = self.tree.get_mut(node).and_then(|n| n.places.get_mut(&pc)) {
            place.time = place.time + own_time(span, self.cpus);
        }
    }

    /// All nodes; [`Path::roots`] and [`Node::kids`] are indices.
    pub fn tree(&self) -> &[Node] {
        &self.tree
    }

    /// The outermost calls.
    pub fn roots(&self) -> impl Iterator<Item = usize> + '_ {
        self.roots.values().copied()
    }

    /// The stack, the outermost call first.
    pub fn calls(&self) -> &[Call] {
        self.stack.calls()
    }

    /// The node and the instruction where the thread is.
    pub fn here(&self) -> Option<(usize, u64)> {
        Some((*self.nodes.last()?, self.calls().last()?.pc))
    }

    /// Instructions so far.
    pub const fn instructions(&self) -> u64 {
        self.order
    }

    /// The instruction at `pc`, in `function`, is executed; `flow` is what it does next.
    pub fn step(&mut self, time: Time, pc: u64, function: u64, flow: Flow) {
        self.charge(time);
        let change = self.stack.step(pc, function, flow);
        self.follow(time, change);
        self.order += 1;
        let Some(&node) = self.nodes.last() else {
            return;
        };
        let seen = Seen {
            first: time,
            order: self.order,
            count: 0,
            time: Time(0),
        };
        let places = &mut self.tree[node].places;
        // What has no room counts for the next place in front of it, or is not counted.
        let key = match places.range(..=pc).next_back() {
            Some((at, _)) if *at != pc && self.places >= MOST_PLACES => *at,
            None if self.places >= MOST_PLACES => {
                self.running = None;
                return;
            }
            _ => pc,
        };
        let before = places.len();
        places.entry(key).or_insert(seen).count += 1;
        self.places += places.len() - before;
        self.running = Some((node, key));
    }

    /// A trap interrupts the thread.
    pub fn trap(&mut self, time: Time, handler: u64) {
        self.charge(time);
        let change = self.stack.trap(handler);
        self.follow(time, change);
    }

    /// The handler returns.
    pub fn trap_return(&mut self, time: Time) {
        self.charge(time);
        self.stack.trap_return();
        self.nodes.truncate(self.calls().len());
    }

    /// Finds the node of what was entered.
    fn follow(&mut self, time: Time, change: Change) {
        self.nodes.truncate(change.kept);
        if !change.entered {
            return;
        }
        let Some(call) = self.stack.calls().last() else {
            return;
        };
        let parent = self.nodes.last().copied();
        let site = match self.stack.calls().iter().rev().nth(1) {
            Some(caller) => caller.pc,
            None => 0,
        };
        let known = match parent {
            Some(parent) => self.tree[parent].kids.get(&(site, call.function)),
            None => self.roots.get(&call.function),
        };
        let node = match known {
            Some(&node) => node,
            None if self.tree.len() >= MOST_NODES => parent.unwrap_or(0),
            None => {
                let node = self.tree.len();
                match parent {
                    Some(parent) => self.tree[parent].kids.insert((site, call.function), node),
                    None => self.roots.insert(call.function, node),
                };
                self.tree.push(Node {
                    function: call.function,
                    site,
                    calls: Seen {
                        first: time,
                        order: self.order,
                        count: 0,
                        time: Time(0),
                    },
                    places: BTreeMap::new(),
                    kids: BTreeMap::new(),
                });
                node
            }
        };
        self.tree[node].calls.count += 1;
        self.nodes.push(node);
    }
}

/// How much of a span between two instructions of one CPU was its own. CPUs that take turns are each `cpus` times as fast
/// in their slices as over all; and a span that no slice can hold is the wait for the next one.
fn own_time(span: Time, cpus: u64) -> Time {
    const SLICE: u64 = QUANTUM * NS_PER_INSTRUCTION;
    match span.0.saturating_mul(cpus) {
        own if cpus == 1 || own <= SLICE => Time(own),
        _ => Time(NS_PER_INSTRUCTION),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_from_one_place_are_one_node() {
        let mut path = Path::default();
        let mut step = |pc, flow| path.step(Time(pc), pc, pc / 100 * 100, flow);
        for _ in 0..3 {
            step(101, Flow::Call(103));
            step(200, Flow::Return);
        }
        step(105, Flow::Call(107));
        step(200, Flow::Next);
        let root = &path.tree()[path.roots().next().unwrap()];
        assert_eq!((root.calls.count, root.kids.len()), (1, 2));
        let kid = &path.tree()[root.kids[&(101, 200)]];
        assert_eq!((kid.calls.count, kid.places[&200].count), (3, 3));
        assert_eq!(path.here(), Some((root.kids[&(105, 200)], 200)));
        assert_eq!(path.instructions(), 8);
    }

    #[test]
    fn the_time_of_an_instruction_lasts_until_the_next_one_unless_the_cpu_is_taken_away() {
        let mut path = Path::new(1);
        path.start(Time(0));
        path.step(Time(10), 100, 100, Flow::Next);
        path.step(Time(20), 101, 100, Flow::Next); // a REP that takes 50 turns
        path.step(Time(520), 102, 100, Flow::Next);
        path.pause(Time(530));
        path.start(Time(900));
        path.step(Time(910), 103, 100, Flow::Next);
        path.pause(Time(920));
        let root = &path.tree()[path.roots().next().unwrap()];
        let times: Vec<u64> = root.places.values().map(|seen| seen.time.0).collect();
        // What passes before the first instruction is its own.
        assert_eq!(times, [20, 500, 10, 20]);
    }

    #[test]
    fn a_span_that_no_slice_holds_is_the_wait_for_the_next_one() {
        assert_eq!(own_time(Time(50_000), 1), Time(50_000));
        assert_eq!(own_time(Time(5), 2), Time(10));
        assert_eq!(own_time(Time(5_000), 2), Time(10_000));
        assert_eq!(own_time(Time(5_005), 2), Time(10));
    }

    #[test]
    fn a_handler_is_below_what_it_interrupted() {
        let mut path = Path::default();
        path.step(Time(1), 101, 100, Flow::Next);
        path.trap(Time(2), 900);
        path.step(Time(2), 900, 900, Flow::Next);
        path.trap_return(Time(3));
        path.step(Time(3), 102, 100, Flow::Next);
        let root = path.roots().next().unwrap();
        assert!(path.tree()[root].kids.contains_key(&(101, 900)));
        assert_eq!(path.here(), Some((root, 102)));
    }
}
