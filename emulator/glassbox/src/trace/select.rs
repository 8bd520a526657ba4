//! What the user wants to see of a trace.

use super::kind::{Kind, Kinds, SYS_ENTER, SYS_EXIT};
use super::model::Model;
use super::record::{Body, Record};
use base::Time;
use std::collections::BTreeSet;
use std::ops::Range;

/// The kinds of records that tell who runs where and who gets which signal: what every text about processes needs.
pub fn skeleton() -> Kinds {
    [
        "sched_switch",
        "process_fork",
        "process_exec",
        "process_exit",
        "signal_generate",
        "signal_deliver",
    ]
    .into_iter()
    .filter_map(Kind::probe)
    .collect()
}

/// A set of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Set {
    /// All.
    #[default]
    All,
    /// These.
    Only(BTreeSet<u64>),
    /// All but these.
    But(BTreeSet<u64>),
}

impl Set {
    /// Whether a number is in it.
    pub fn has(&self, number: u64) -> bool {
        match self {
            Self::All => true,
            Self::Only(numbers) => numbers.contains(&number),
            Self::But(numbers) => !numbers.contains(&number),
        }
    }
}

/// Which system calls, by common number.
pub type Calls = Set;

/// One end of the part of the run that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edge {
    /// A virtual time.
    Time(Time),
    /// Control passes the place that is watched under this number.
    Site(u32),
    /// This text goes out on the console.
    Text(Vec<u8>),
}

/// The user's wishes. An empty set or list means no wish.
#[derive(Clone, Debug, Default)]
pub struct Select {
    /// Kinds of records.
    pub kinds: Kinds,
    /// System calls.
    pub calls: Calls,
    /// CPUs by index.
    pub cpus: BTreeSet<u8>,
    /// Processes by number.
    pub pids: BTreeSet<u32>,
    /// Virtual addresses that a record must be about, if it is about any.
    pub addresses: Option<Range<u64>>,
    /// Where the part begins.
    pub from: Option<Edge>,
    /// Where it ends.
    pub to: Option<Edge>,
}

impl Select {
    /// Whether the user wants to see `record`, where it stands in the run aside.
    pub fn wants(&self, record: &Record, _model: &Model) -> bool {
        self.kinds.has(Kind::of(&record.body))
            && self.encloses(record)
            && (self.pids.is_empty() || self.pids.contains(&record.pid))
            && self.wants_call(&record.body)
            && self.wants_address(&record.body)
    }

    /// Whether each instruction of the run is shown.
    pub fn wants_all_instructions(&self) -> bool {
        self.kinds.has(Kind::INSTRUCTION)
            && self.cpus.is_empty()
            && self.pids.is_empty()
            && self.addresses.is_none()
            && self.from.is_none()
            && self.to.is_none()
    }

    /// Whether a record lies within what the user wants to see, whatever it is: on the CPUs that were named.
    pub fn encloses(&self, record: &Record) -> bool {
        self.cpus.is_empty() || self.cpus.contains(&record.cpu)
    }

    fn wants_call(&self, body: &Body) -> bool {
        match body {
            Body::SysEnter { number, .. } | Body::SysExit { number, .. } => self.calls.has(*number),
            _ => true,
        }
    }

    fn wants_address(&self, body: &Body) -> bool {
        let Some(range) = &self.addresses else {
            return true;
        };
        match body {
            Body::Trap { address, from, .. } => range.contains(&address.unwrap_or(*from)),
            Body::Return { to, .. } => range.contains(to),
            Body::PageWalk { virt, .. } => range.contains(virt),
            Body::Device { addr, .. } => range.contains(addr),
            Body::Instruction { pc } | Body::Kernel { pc, .. } => range.contains(pc),
            _ => true,
        }
    }

    /// The kinds that must be recorded for these wishes to be granted.
    pub fn needed(&self) -> Kinds {
        let mut needed = self.kinds.or(skeleton());
        let calls: Kinds = [SYS_ENTER, SYS_EXIT]
            .map(Kind::of_probe)
            .into_iter()
            .collect();
        if self.kinds.meets(calls) {
            // A buffer that was not in memory yet is read when its fault has been handled.
            needed = needed
                .or(calls)
                .or(Kind::probe("page_fault").into_iter().collect());
        }
        let texts = [&self.from, &self.to].map(|edge| matches!(edge, Some(Edge::Text(_))));
        if texts.contains(&true) {
            needed = needed.or([Kind::CONSOLE].into_iter().collect());
        }
        needed
    }
}

/// The part of the run that is shown: opened by one edge, closed by another.
#[derive(Clone, Debug)]
pub struct Window {
    from: Option<Edge>,
    to: Option<Edge>,
    /// What of the awaited console text has come, for each edge.
    seen: [usize; 2],
    open: bool,
    over: bool,
}

impl Window {
    /// The part between these edges; none means the whole run.
    pub fn new(from: Option<Edge>, to: Option<Edge>) -> Self {
        Self {
            open: from.is_none(),
            from,
            to,
            seen: [0; 2],
            over: false,
        }
    }

    /// Whether a record at `time` lies in the part.
    pub fn shows(&mut self, time: Time) -> bool {
        if let Some(Edge::Time(from)) = self.from {
            self.open = time >= from;
        }
        if let Some(Edge::Time(to)) = self.to {
            self.over |= time > to;
        }
        self.open && !self.over
    }

    /// Control passed the place watched under `site`.
    pub fn passes(&mut self, site: u32) {
        if self.open && self.to == Some(Edge::Site(site)) {
            self.over = true;
        }
        if self.from == Some(Edge::Site(site)) {
            self.open = true;
        }
    }

    /// A character went out on the console.
    pub fn prints(&mut self, byte: u8) {
        let was_open = self.open;
        for (edge, index) in [(&self.from, 0), (&self.to, 1)] {
            let Some(Edge::Text(text)) = edge else {
                continue;
            };
            if index == 1 && !was_open {
                continue;
            }
            // The longest beginning of the text that the output now ends with.
            let mut seen = self.seen[index];
            loop {
                if text.get(seen) == Some(&byte) {
                    seen += 1;
                    break;
                }
                let shorter = (1..=seen)
                    .rev()
                    .map(|n| n - 1)
                    .find(|&n| n < seen && text[..seen].ends_with(&text[..n]));
                match shorter {
                    Some(n) if seen > 0 => seen = n,
                    _ => break,
                }
            }
            self.seen[index] = seen;
            if seen == text.len() {
                self.seen[index] = 0;
                match index {
                    0 => self.open = true,
                    _ => self.over = true,
                }
            }
        }
    }

    /// Whether nothing more can be shown.
    pub const fn is_over(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_and_closes_at_its_edges() {
        let time = |n| Some(Edge::Time(Time(n)));
        let mut window = Window::new(time(5), time(7));
        let shown = [4, 5, 7, 8].map(|t| window.shows(Time(t)));
        assert_eq!(shown, [false, true, true, false]);
        assert!(window.is_over());

        let mut window = Window::new(Some(Edge::Site(1)), Some(Edge::Site(1)));
        assert!(!window.shows(Time(0)));
        window.passes(1);
        assert!(window.shows(Time(1)));
        window.passes(1);
        assert!(!window.shows(Time(2)));
    }

    #[test]
    fn a_console_text_is_found_wherever_it_begins() {
        let mut window = Window::new(Some(Edge::Text(b"aab".to_vec())), None);
        for byte in *b"aaa" {
            window.prints(byte);
            assert!(!window.shows(Time(0)));
        }
        window.prints(b'b');
        assert!(window.shows(Time(0)));
    }
}
