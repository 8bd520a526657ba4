//! The longer sentences of the steps, and names of processes.

use super::mark::{Mark, Pick, What, Who};
use super::plain::{capital, plural, sectors_named};
use super::steps::{Step, Teller};
use base::Time;
use std::collections::BTreeMap;

/// Bytes of a disk's sector, and sectors of a file system's block.
const SECTOR: u64 = 512;
const SECTORS_PER_BLOCK: u64 = 8;
/// Most processes that are named of those that ran meanwhile on one CPU.
const MOST_NAMED: usize = 3;
/// Most requests that are named.
const MOST_PARTS: usize = 6;

impl Teller<'_, '_> {
    pub(super) fn back(
        &self,
        step: &mut Step,
        value: &str,
        from: u64,
        to: u64,
        mark: &Mark,
        result: &str,
    ) {
        let isa = self.sources.isa;
        let exec = self
            .story
            .marks
            .iter()
            .rev()
            .find_map(|mark| match &mark.what {
                What::Exec { path, .. } => path.rsplit('/').next(),
                _ => None,
            });
        let me = exec.unwrap_or(&self.story.who.comm);
        step.shape = "return".into();
        step.title = format!("{me} goes on in user mode: {} = {value}", isa.result);
        step.mode = "user";
        if !result.is_empty() {
            let at = self.unit.since(step.time - self.story.call.begin);
            step.details
                .push(format!("{result} had the result at {at}."));
        }
        let is_entry = |mark: &Mark| matches!(mark.what, What::Exec { entry, .. } if entry == to);
        let entry = match self.story.marks.iter().any(is_entry) {
            true => ", where the new program begins",
            false => "",
        };
        step.details.push(format!(
            "{} returns to {}{entry}.",
            self.sources.function(from),
            self.sources.user_after(to)
        ));
        step.time = mark.time;
    }

    pub(super) fn ask(&self, step: &mut Step, write: bool, group: &[Mark], here: &str) {
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
                format!(
                    "{verb} {} in {} requests",
                    plural(total, "sector", "sectors"),
                    many.len()
                )
            }
        };
        let verb = if total == 0 { "for" } else { "to" };
        step.shape = format!(
            "ask {}",
            if total == 0 {
                "flush"
            } else if write {
                "write"
            } else {
                "read"
            }
        );
        step.title = format!("{} asks the disk {verb} {what}", self.story.who.comm);
        let mut text = format!("{here} puts the request into the device's queue");
        if let Some(bell) = bells.first() {
            text.push_str(&format!(" and tells it so by a write to {bell}"));
        }
        text.push('.');
        if total > 0 {
            text.push_str(&format!(" ({} KiB", total * SECTOR / 1024));
            if let [What::Ask { sector, .. }] =
                &group.iter().map(|m| m.what.clone()).collect::<Vec<_>>()[..]
                && sector % SECTORS_PER_BLOCK == 0
            {
                text.push_str(&format!(
                    ", from block {} of the file system",
                    sector / SECTORS_PER_BLOCK
                ));
            }
            text.push_str(".)");
        }
        step.details.push(text);
        if parts.len() > 1 {
            let shown = parts
                .iter()
                .take(MOST_PARTS)
                .cloned()
                .collect::<Vec<_>>()
                .join(", ");
            let dots = if parts.len() > MOST_PARTS {
                ", …"
            } else {
                ""
            };
            step.details.push(format!("{}{dots}.", capital(&shown)));
        }
        step.gist = parts.join(", ");
    }

    /// The function that the call's table led to: the first one called after the number was known.
    pub(super) fn body(&self, enter: &Mark) -> Option<u64> {
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

    pub(super) fn named(&self, who: &Who) -> String {
        match who.pid {
            0 => "the idle process".into(),
            pid if pid == self.story.call.pid => self.story.who.comm.clone(),
            pid if who.comm.is_empty() => format!("process {pid}"),
            pid => format!("{} (pid {pid})", who.comm),
        }
    }

    pub(super) fn meanwhile(&self, ran: &[(u8, Who, Time)]) -> String {
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

/// A scheduler's decision.
pub fn decision(pick: &Pick) -> String {
    format!(
        "policy {}, key {}, from {}",
        pick.policy,
        pick.key,
        plural(pick.candidates, "candidate", "candidates")
    )
}
