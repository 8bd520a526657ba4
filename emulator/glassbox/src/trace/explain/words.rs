//! Each kind of mark in words.

use super::call;
use super::mark::{Leave, Mark, What};
use super::phrases::decision;
use super::plain::{
    capital, ended, fault_name, plural, ranges, ranges_of, sectors_named, wait_name,
};
use super::steps::{Step, Teller};
use crate::numbers;
use abi::probe::FAULTS;
use abi::signal;

/// Most functions of a waker's way that are named.
const MOST_CHAIN: usize = 7;

impl Teller<'_, '_> {
    /// Puts `group`, which is one thing, into words. `here` is the function of its first mark.
    pub(super) fn word(
        &self,
        step: &mut Step,
        first: &Mark,
        last: &Mark,
        group: &[Mark],
        here: &str,
    ) {
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
                        format!("The CPU {} {}.", isa.call_does, self.sources.function(*to)),
                    ],
                );
                step.mode = "user";
            }
            What::Enter => {
                let number = numbers::own(self.sources.isa.numbers, self.story.call.number);
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
                    0 | 1 => "it must be filled from the disk".to_owned(),
                    n => format!(
                        "it must be filled from the disk, and {} with it (read-ahead)",
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
                    if misses.is_empty() {
                        "block hit"
                    } else {
                        "block miss"
                    },
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
                    Leave::Other(word) => (word.clone(), format!("{me} loses its CPU: {word}")),
                };
                let chosen = match pick {
                    None if next.pid != 0 => format!(
                        "{here} takes {} from another CPU's queue, for CPU {}.",
                        self.named(next),
                        first.cpu
                    ),
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
                let name = if name.is_empty() {
                    "an interrupt"
                } else {
                    name
                };
                let source = capital(&(self.sources.isa.interrupt)(*number));
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
                        "{source} interrupts {whom} in {mode} mode, {place}.{served}"
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
                    Some(waker) if waker.pid == 0 => "The idle process".to_owned(),
                    Some(waker) => self.named(waker),
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
                code,
                from,
                kind,
                took,
            } => {
                let isa = self.sources.isa;
                let fault = (isa.fault)(*code);
                let access = match (fault.fetch, fault.write) {
                    (true, _) => "an instruction fetch",
                    (_, true) => "a write",
                    _ => "a read",
                };
                let why = match fault.present {
                    Some(true) => ": the page is there, but not for that",
                    Some(false) => ": no page is mapped there",
                    None => "",
                };
                let kind = kind.and_then(|kind| FAULTS.get(kind as usize).copied());
                let took = took.map_or_else(String::new, |took| {
                    format!(" Handling it takes {}.", self.unit.span(took))
                });
                say(
                    &format!("fault {}", kind.unwrap_or("?")),
                    format!(
                        "Page fault at {address:#x}: {}",
                        kind.map_or("?", fault_name)
                    ),
                    vec![format!(
                        "{access} in {} traps ({}){why}.{took}",
                        self.sources.function(*from),
                        fault.name
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
            What::Ipi { target, number } => {
                let whom = match target {
                    Some(target) => format!("CPU {target}"),
                    None => "several CPUs".to_owned(),
                };
                say(
                    "ipi",
                    format!("CPU {} sends an interrupt to {whom}", first.cpu),
                    vec![format!(
                        "In {here}: {}.",
                        (self.sources.isa.interrupt)(*number)
                    )],
                );
            }
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
            What::Result(value) => match last.what {
                What::Return { from, to } => {
                    let value = call::register(self.story.call.number, *value);
                    self.back(step, &value, from, to, last, here);
                }
                _ => {
                    let value = call::outcome(self.story.call.number, *value);
                    say(
                        "result",
                        format!("The kernel's result is {value}"),
                        vec![format!("In {here}.")],
                    );
                }
            },
            What::Return { from, to } => {
                let value = self.story.result.map_or_else(
                    || "?".to_owned(),
                    |value| call::register(self.story.call.number, value),
                );
                self.back(step, &value, *from, *to, first, "");
            }
        }
    }
}
