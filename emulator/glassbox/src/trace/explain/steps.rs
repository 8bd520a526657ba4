//! The story in numbered steps: each mark, or each group of marks that belong together, in words.

use super::call;
use super::mark::{Leave, Mark, Pick, What, Who};
use super::source::Sources;
use super::story::Story;
use super::tree::Branch;
use super::units::Unit;
use abi::probe::FAULTS;
use abi::signal;
use abi::wait::{Ended, WaitStatus};
use base::Time;
use std::collections::BTreeMap;

/// Bytes of a disk's sector, and sectors of a file system's block.
const SECTOR: u64 = 512;
const SECTORS_PER_BLOCK: u64 = 8;
/// Most processes that are named of those that ran meanwhile on one CPU.
const MOST_NAMED: usize = 3;
/// Most functions of a waker's way that are named.
const MOST_CHAIN: usize = 7;

/// The kernel's functions that move bytes between it and a program, with what that means, in and out.
const COPIES: [(&str, &str, bool); 3] = [
    ("user::copy_out", "The kernel copies to the program's memory", true),
    ("user::copy_in", "The kernel copies from the program's memory", false),
    ("user::copy_str", "The kernel copies a string from the program's memory", false),
];

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
        for (function, title, out) in COPIES {
            if let Some(time) = first_entry(tree, function) {
                let step = self.copy(function, title, out, time);
                let at = steps.partition_point(|step: &Step| step.time <= time);
                steps.insert(at, step);
            }
        }
        steps
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

    fn word(&self, step: &mut Step, first: &Mark, last: &Mark, group: &[Mark], here: &str) {
        let me = &self.story.who.comm;
        let mut say = |shape: &str, title: String, details: Vec<String>| {
            step.shape = shape.to_owned();
            step.title = title;
            step.details = details.into_iter().filter(|d| !d.is_empty()).collect();
        };
        match &first.what {
            What::Trap { from, to } => {
                let isa = self.sources.isa;
                say(
                    "trap",
                    format!("{me} calls the kernel: {}", isa.call),
                    vec![
                        format!("{}.", self.sources.user(from.wrapping_sub(isa.call_bytes))),
                        format!(
                            "The CPU {} {}.",
                            isa.call_does,
                            self.sources.function(*to)
                        ),
                    ],
                );
                step.mode = "user";
            }
            What::Enter => {
                let number = self.story.call.number;
                let body = self.body(first);
                let title = match body {
                    Some(pc) => format!("Call number {number} is {}", self.sources.function(pc)),
                    None => format!("Call number {number} is looked up"),
                };
                say(
                    "enter",
                    title,
                    vec![format!(
                        "{here} found the number in {} and the handler in its table.",
                        self.sources.isa.number
                    )],
                );
            }
            What::Page { ino, pages: 0, .. } => {
                let pages = ranges(group.iter().filter_map(|mark| match mark.what {
                    What::Page { index, .. } => Some(index),
                    _ => None,
                }));
                say(
                    "page hit",
                    format!("Page cache: hit, inode {ino}, {pages}"),
                    vec![format!("{here} finds it in memory: no need for the disk.")],
                );
                step.gist = pages;
            }
            What::Page { ino, index, pages } => {
                let ahead = match pages {
                    0 | 1 => "it must be read from the disk".to_owned(),
                    n => format!(
                        "it must be read from the disk, and {} with it (read-ahead)",
                        plural(n - 1, "page that follows", "pages that follow")
                    ),
                };
                say(
                    "page miss",
                    format!("Page cache: miss, inode {ino}, page {index}"),
                    vec![format!("{here} does not find it in memory: {ahead}.")],
                );
                step.gist = format!("page {index}");
            }
            What::Block { .. } => {
                let of = |wanted: bool| {
                    group
                        .iter()
                        .filter_map(move |mark| match mark.what {
                            What::Block { block, hit } if hit == wanted => Some(block),
                            _ => None,
                        })
                        .collect::<Vec<_>>()
                };
                let (hits, misses) = (of(true), of(false));
                let mut parts = Vec::new();
                for (blocks, word) in [(&hits, "hit"), (&misses, "miss")] {
                    if !blocks.is_empty() {
                        let blocks = ranges_of("block", "blocks", blocks.iter().copied());
                        parts.push(format!("{word}, {blocks}"));
                    }
                }
                say(
                    if misses.is_empty() { "block hit" } else { "block miss" },
                    format!("Buffer cache: {}", parts.join("; ")),
                    vec![format!("In {here}.")],
                );
            }
            What::Ask { write, .. } => self.ask(step, *write, group, here),
            What::Done {
                sector,
                sectors,
                took,
            } => {
                let what = match sectors {
                    0 => "its flush".to_owned(),
                    _ => sectors_named(*sector, *sectors),
                };
                say(
                    "disk done",
                    format!("The disk is done with {what}"),
                    vec![format!(
                        "It took {}, and raises its interrupt line.",
                        self.unit.span(*took)
                    )],
                );
                step.mode = "disk";
                step.cpu = None;
            }
            What::Leave {
                why,
                pick,
                next,
                meanwhile,
            } => {
                let (shape, title) = match why {
                    Leave::Sleep(wait) => (
                        format!("sleep {wait}"),
                        format!("{me} goes to sleep: it waits for {}", wait_name(wait)),
                    ),
                    Leave::Other(word) if word == "exited" => {
                        (word.clone(), format!("{me} gives up its CPU for good"))
                    }
                    Leave::Other(word) => {
                        (word.clone(), format!("{me} loses its CPU: {word}"))
                    }
                };
                let chosen = match pick {
                    None => format!(
                        "{here} has nobody else to run: CPU {} goes to {}.",
                        first.cpu,
                        self.named(next)
                    ),
                    Some(pick) => format!(
                        "{here} picks {} for CPU {} ({}).",
                        self.named(next),
                        first.cpu,
                        decision(pick)
                    ),
                };
                say(&shape, title, vec![chosen, self.meanwhile(meanwhile)]);
            }
            What::Interrupt {
                number,
                name,
                victim,
                user,
                from,
                took,
            } => {
                let name = if name.is_empty() { "an interrupt" } else { name };
                let whom = self.named(victim);
                let mode = if *user { "user" } else { "kernel" };
                let place = if *user {
                    format!("at {from:#x}")
                } else {
                    format!("in {}", self.sources.function(*from))
                };
                let served = took.map_or_else(String::new, |took| {
                    format!(" Serving it takes {}.", self.unit.span(took))
                });
                say(
                    &format!("irq {name}"),
                    format!("Interrupt on CPU {}: {name}", first.cpu),
                    vec![format!(
                        "Vector {number} interrupts {whom} in {mode} mode, {place}.{served}"
                    )],
                );
                step.mode = "irq";
            }
            What::Woken {
                waker,
                wait,
                queue,
                chain,
            } => {
                let by = match waker {
                    None => "The handler".to_owned(),
                    Some(waker) => capital(&self.named(waker)),
                };
                let has = match wait.as_str() {
                    "" => String::new(),
                    wait => format!(", which waited for {}", wait_name(wait)),
                };
                let chain = match chain.is_empty() {
                    true => String::new(),
                    false => format!("{}. ", self.sources.chain(chain, MOST_CHAIN)),
                };
                say(
                    "woken",
                    format!("{by} wakes {me}{has}"),
                    vec![format!(
                        "{chain}It is runnable now, in the queue of CPU {queue}."
                    )],
                );
                step.mode = if waker.is_none() { "irq" } else { "kernel" };
            }
            What::Moved { from, to } => say(
                "moved",
                format!("{me} moves from CPU {from} to CPU {to}"),
                Vec::new(),
            ),
            What::Back { pick, prev, queued } => {
                let how = match pick {
                    Some(pick) => format!("The scheduler picked it ({})", decision(pick)),
                    None => "The scheduler took it from another CPU's queue".to_owned(),
                };
                say(
                    "back",
                    format!("{me} runs again, on CPU {}", first.cpu),
                    vec![format!(
                        "{how}, after {} in the queue; {} makes way.",
                        self.unit.span(*queued),
                        self.named(prev)
                    )],
                );
            }
            What::Fault {
                address,
                error,
                from,
                kind,
                took,
            } => {
                let isa = self.sources.isa;
                let code = (isa.fault)(*error);
                let access = match (code.fetch, code.write) {
                    (true, _) => "an instruction fetch",
                    (_, true) => "a write",
                    _ => "a read",
                };
                let why = if code.present {
                    "the page is there, but not for that"
                } else {
                    "no page is mapped there"
                };
                let kind = kind.and_then(|kind| FAULTS.get(kind as usize).copied());
                let took = took.map_or_else(String::new, |took| {
                    format!(" Handling it takes {}.", self.unit.span(took))
                });
                say(
                    &format!("fault {}", kind.unwrap_or("?")),
                    format!("Page fault at {address:#x}: {}", kind.map_or("?", fault_name)),
                    vec![format!(
                        "{access} in {} traps ({}): {why}.{took}",
                        self.sources.function(*from),
                        isa.page_fault
                    )],
                );
                step.details = step.details.iter().map(|d| capital(d)).collect();
                step.gist = format!("{address:#x}");
            }
            What::Cow { address, copied } => {
                let title = if *copied {
                    format!("Copy on write: the page at {address:#x} is copied")
                } else {
                    format!("Copy on write: the page at {address:#x} is its own")
                };
                say("cow", title, vec![format!("In {here}.")]);
                step.gist = format!("{address:#x}");
            }
            What::Lock { name, took } => {
                let took = took.map_or_else(String::new, |took| {
                    format!(" It gets it after {}.", self.unit.span(took))
                });
                say(
                    &format!("lock {name}"),
                    format!("{me} spins: another CPU holds the lock {name}"),
                    vec![format!("In {here}.{took}")],
                );
            }
            What::Begin {
                sequence,
                operation,
            } => say(
                "journal begin",
                format!("Journal: operation '{operation}' begins"),
                vec![format!(
                    "In {here}. What it changes is part of transaction {sequence}, or of the next one if the log is full."
                )],
            ),
            What::Commit { sequence, blocks } => say(
                "journal commit",
                format!("Journal: transaction {sequence} is durable"),
                vec![format!(
                    "In {here}: its {} are in the log, behind a commit record. A crash from now on loses nothing of it.",
                    plural(*blocks, "block", "blocks")
                )],
            ),
            What::Fork(child) => say(
                "fork",
                format!("Process {} is made, a copy of {me}", child.pid),
                vec![format!("In {here}.")],
            ),
            What::Wakes { who, wait, queue } => {
                let title = match wait.as_deref() {
                    None => format!("{} is runnable for the first time", self.named(who)),
                    Some("") => format!("{me} wakes {}", self.named(who)),
                    Some(wait) => format!(
                        "{me} wakes {}, which waits for {}",
                        self.named(who),
                        wait_name(wait)
                    ),
                };
                say(
                    "wakes",
                    title,
                    vec![format!("In {here}: into the queue of CPU {queue}.")],
                );
            }
            What::Exec { path, entry } => say(
                "exec",
                format!("{path} is in place of the old program"),
                vec![format!("In {here}. It will begin at {entry:#x}.")],
            ),
            What::Reap { child, status } => say(
                "reap",
                format!("Process {} is reaped: {}", child.pid, ended(*status)),
                vec![format!("In {here}.")],
            ),
            What::Exit { status } => say(
                "exit",
                format!("{me} ends: {}", ended(*status)),
                vec![format!("In {here}.")],
            ),
            What::Signal { number, handler } => {
                let name = signal::name(*number as u32).unwrap_or("a signal");
                let (title, detail) = match handler {
                    None => (format!("{name} is sent to {me}"), String::new()),
                    Some(0) => (
                        format!("{name} is acted upon: the default action"),
                        format!("In {here}."),
                    ),
                    Some(handler) => (
                        format!("{name} is delivered: a frame for the handler at {handler:#x}"),
                        format!("In {here}."),
                    ),
                };
                say("signal", title, vec![detail]);
            }
            What::Result(value) => {
                let value = call::outcome(self.story.call.number, *value);
                match last.what {
                    What::Return { from, to } => self.back(step, &value, from, to, last, here),
                    _ => say(
                        "result",
                        format!("The kernel's result is {value}"),
                        vec![format!("In {here}.")],
                    ),
                }
            }
            What::Return { from, to } => {
                let value = self.story.result.map_or_else(
                    || "?".to_owned(),
                    |value| call::outcome(self.story.call.number, value),
                );
                self.back(step, &value, *from, *to, first, "");
            }
        }
    }

    fn back(&self, step: &mut Step, value: &str, from: u64, to: u64, mark: &Mark, result: &str) {
        let isa = self.sources.isa;
        let me = &self.story.who.comm;
        step.shape = "return".into();
        step.title = format!("{me} goes on in user mode: {} = {value}", isa.result);
        step.mode = "user";
        if !result.is_empty() {
            let at = self.unit.since(step.time - self.story.call.begin);
            step.details
                .push(format!("{result} had the result at {at}."));
        }
        step.details.push(format!(
            "{} returns to {}.",
            self.sources.function(from),
            self.sources.user_after(to)
        ));
        step.time = mark.time;
    }

    fn ask(&self, step: &mut Step, write: bool, group: &[Mark], here: &str) {
        let mut parts = Vec::new();
        let mut bells: Vec<&str> = Vec::new();
        let mut total = 0;
        for mark in group {
            if let What::Ask {
                sector,
                sectors,
                bell,
                ..
            } = &mark.what
            {
                total += sectors;
                parts.push(match sectors {
                    0 => "a flush".to_owned(),
                    _ => sectors_named(*sector, *sectors),
                });
                bells.extend(bell.as_deref());
            }
        }
        let what = match (&parts[..], write) {
            ([one], _) if total == 0 => one.clone(),
            ([one], false) => format!("read {one}"),
            ([one], true) => format!("write {one}"),
            (many, _) => {
                let verb = if write { "write" } else { "read" };
                format!("{verb} {} in {} requests", plural(total, "sector", "sectors"), many.len())
            }
        };
        let verb = if total == 0 { "for" } else { "to" };
        step.shape = format!("ask {}", if total == 0 { "flush" } else if write { "write" } else { "read" });
        step.title = format!("{} asks the disk {verb} {what}", self.story.who.comm);
        let mut text = format!("{here} puts the request into the device's queue");
        if let Some(bell) = bells.first() {
            text.push_str(&format!(" and tells it so by a write to {bell}"));
        }
        text.push('.');
        if total > 0 {
            text.push_str(&format!(" ({} KiB", total * SECTOR / 1024));
            if let [What::Ask { sector, .. }] = &group.iter().map(|m| m.what.clone()).collect::<Vec<_>>()[..]
                && sector % SECTORS_PER_BLOCK == 0
            {
                text.push_str(&format!(", from block {} of the file system", sector / SECTORS_PER_BLOCK));
            }
            text.push_str(".)");
        }
        step.details.push(text);
        if parts.len() > 1 {
            let shown = parts.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
            let dots = if parts.len() > 6 { ", …" } else { "" };
            step.details.push(format!("{}{dots}.", capital(&shown)));
        }
        step.gist = parts.join(", ");
    }

    fn copy(&self, function: &'static str, title: &str, out: bool, time: Time) -> Step {
        let story = self.story;
        let mut step = Step {
            time,
            cpu: story
                .marks
                .iter()
                .take_while(|mark| mark.time <= time)
                .filter(|mark| mark.place.is_some())
                .last()
                .map(|mark| mark.cpu)
                .or(Some(story.call.cpu)),
            mode: "kernel",
            title: title.to_owned(),
            shape: format!("copy {function}"),
            function: Some(function),
            ..Step::default()
        };
        let buffer = call::buffer(story.call.number, &story.args);
        let writes = abi::nr::lookup(story.call.number)
            .is_some_and(|call| call.args.contains(&abi::nr::Arg::OutBuf));
        let mut text = format!("In {function}");
        if let (Some((address, _)), Some(count)) = (buffer, story.result)
            && count > 0
            && writes == out
            && function != "user::copy_str"
        {
            text.push_str(&format!(
                ": {} {} {address:#x}",
                plural(count as u64, "byte", "bytes"),
                if out { "to" } else { "from" }
            ));
            let page = |address: u64| address >> 12;
            let walk = story
                .user_walks
                .iter()
                .find(|walk| walk.time >= time && page(walk.virt) == page(address));
            match walk {
                Some(walk) if walk.fault => text.push_str("; the page is not mapped yet"),
                Some(walk) => text.push_str(&format!(
                    "; the TLB did not know the page, so the MMU read {} of the page table",
                    plural(u64::from(walk.entries), "entry", "entries")
                )),
                None => text.push_str("; the TLB knew the page"),
            }
        }
        text.push('.');
        step.details.push(text);
        step
    }

    /// The function that the call's table led to: the first one called after the number was known.
    fn body(&self, enter: &Mark) -> Option<u64> {
        let (node, pc) = enter.place?;
        let node = self.story.path.tree().get(node)?;
        let since = node.places.get(&pc).map_or(0, |seen| seen.order);
        node.kids
            .values()
            .map(|kid| &self.story.path.tree()[*kid])
            .filter(|kid| kid.calls.order > since)
            .min_by_key(|kid| kid.calls.order)
            .map(|kid| kid.function)
    }

    fn named(&self, who: &Who) -> String {
        match who.pid {
            0 => "the idle process".into(),
            pid if pid == self.story.call.pid => self.story.who.comm.clone(),
            pid if who.comm.is_empty() => format!("process {pid}"),
            pid => format!("{} (pid {pid})", who.comm),
        }
    }

    fn meanwhile(&self, ran: &[(u8, Who, Time)]) -> String {
        let mut cpus: BTreeMap<u8, Vec<&(u8, Who, Time)>> = BTreeMap::new();
        for entry in ran {
            cpus.entry(entry.0).or_default().push(entry);
        }
        let mut parts = Vec::new();
        for (cpu, mut entries) in cpus {
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.2));
            let more = entries.len().saturating_sub(MOST_NAMED);
            let mut names: Vec<String> = entries
                .iter()
                .take(MOST_NAMED)
                .map(|(_, who, time)| format!("{} {}", self.named(who), self.unit.span(*time)))
                .collect();
            if more > 0 {
                names.push(format!("{more} others"));
            }
            parts.push(format!("CPU {cpu}: {}", names.join(", ")));
        }
        if parts.is_empty() {
            return String::new();
        }
        format!("Until it runs again: {}.", parts.join("; "))
    }
}

/// Whether the second thing belongs to the same step as the first.
fn belongs(first: &What, next: &What) -> bool {
    match (first, next) {
        (What::Page { ino: a, pages: 0, .. }, What::Page { ino: b, pages: 0, .. }) => a == b,
        (What::Block { .. }, What::Block { .. }) => true,
        (
            What::Ask { write: a, sectors: m, .. },
            What::Ask { write: b, sectors: n, .. },
        ) => a == b && (*m == 0) == (*n == 0),
        (What::Result(_), What::Return { .. }) => true,
        _ => false,
    }
}

/// When a function of that name was first entered.
fn first_entry(tree: &[Branch], name: &str) -> Option<Time> {
    tree.iter()
        .flat_map(|branch| {
            let here = (branch.name == name).then_some(branch.first);
            here.into_iter().chain(first_entry(&branch.kids, name))
        })
        .min()
}

fn decision(pick: &Pick) -> String {
    format!(
        "policy {}, key {}, from {}",
        pick.policy,
        pick.key,
        plural(pick.candidates, "candidate", "candidates")
    )
}

fn sectors_named(sector: u64, sectors: u64) -> String {
    match sectors {
        1 => format!("sector {sector}"),
        n => format!("{n} sectors from {sector}"),
    }
}

/// What a fault turned out to be, for somebody who does not know the kernel's word.
fn fault_name(kind: &str) -> &str {
    match kind {
        "minor" => "the page was in memory",
        "major" => "the page came from the disk",
        "zero" => "a fresh page of zeros",
        "stack" => "the stack grew by a fresh page",
        "cow" => "copy on write",
        "spurious" => "nothing was missing any more",
        "bad" => "nothing that could be resolved",
        other => other,
    }
}

/// What a process waits for, in words.
pub fn wait_name(wait: &str) -> String {
    match wait {
        "disk" => "the disk".into(),
        "pipe_read" => "bytes in a pipe".into(),
        "pipe_write" => "room in a pipe".into(),
        "wait4" => "a child".into(),
        "vfork" => "its child's exec or end".into(),
        "nanosleep" => "its alarm".into(),
        "tty_read" => "the keyboard".into(),
        "port_read" => "the console's input".into(),
        "port_write" => "the console's output".into(),
        "poll" => "one of its descriptors".into(),
        "" => "something".into(),
        other => other.replace('_', " "),
    }
}

fn ended(status: u64) -> String {
    match WaitStatus(status as u32).ended() {
        Ended::Exited(code) => format!("exit status {code}"),
        Ended::Signaled(number) => match signal::name(u32::from(number)) {
            Some(name) => format!("killed by {name}"),
            None => format!("killed by signal {number}"),
        },
        Ended::Stopped(_) => "stopped".into(),
        Ended::Continued => "continued".into(),
    }
}

/// `one block`, `3 blocks`.
pub fn plural(n: u64, one: &str, many: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n => format!("{n} {many}"),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

fn ranges(numbers: impl Iterator<Item = u64>) -> String {
    ranges_of("page", "pages", numbers)
}

/// `page 3`, `pages 3–5, 9`.
fn ranges_of(one: &str, many: &str, numbers: impl Iterator<Item = u64>) -> String {
    const MOST: usize = 4;
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last == number => {}
            Some((_, last)) if last.checked_add(1) == Some(number) => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let mut shown: Vec<String> = runs
        .iter()
        .take(MOST)
        .map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first}, {last}"),
            _ => format!("{first}–{last}"),
        })
        .collect();
    if runs.len() > MOST {
        shown.push("…".into());
    }
    let word = match &runs[..] {
        [(first, last)] if first == last => one,
        _ => many,
    };
    format!("{word} {}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_are_a_range() {
        let show = |numbers: &[u64]| ranges(numbers.iter().copied());
        assert_eq!(show(&[3]), "page 3");
        assert_eq!(show(&[3, 3, 4]), "pages 3, 4");
        assert_eq!(show(&[3, 4, 5, 9]), "pages 3–5, 9");
        assert_eq!(show(&[1, 3, 5, 7, 9]), "pages 1, 3, 5, 7, …");
        assert_eq!(show(&[u64::MAX, 0]), format!("pages {}, 0", u64::MAX));
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!(plural(1, "entry", "entries"), "1 entry");
        assert_eq!(plural(0, "entry", "entries"), "0 entries");
    }
}
