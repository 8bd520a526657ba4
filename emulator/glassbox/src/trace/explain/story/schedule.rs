//! How the process leaves its CPU, is woken, and comes back.

use super::{Story, credit};
use crate::trace::explain::census::EXITED;
use crate::trace::explain::mark::{Leave, Pick, What, Who};
use crate::trace::record::Record;
use abi::probe::REASONS;

impl Story {
    #[expect(clippy::too_many_arguments, reason = "a switch has so many")]
    pub(super) fn leave(
        &mut self,
        record: &Record,
        pc: u64,
        reason: u64,
        wait: String,
        ready: bool,
        pick: Option<Pick>,
        next: Who,
    ) {
        let word = REASONS.get(reason as usize).copied().unwrap_or("?");
        let sleeps = word == "blocked";
        let why = if sleeps {
            Leave::Sleep(wait.clone())
        } else {
            Leave::Other(word.to_owned())
        };
        let what = What::Leave {
            why,
            pick,
            next,
            meanwhile: Vec::new(),
        };
        let mark = self.mark_here(record, pc, what);
        self.on = None;
        self.path.pause(record.time);
        self.asleep = sleeps.then_some(wait);
        let runs_on = ready || word == "preempted" || word == "yielded";
        self.runnable = runs_on.then_some(record.time);
        if reason == EXITED {
            return self.finish(record.time, true);
        }
        // `follow_cpus` credits what ran up to now to somebody else than those who run from now on.
        self.left = Some((mark, record.time));
        self.settle(record.time);
    }

    pub(super) fn woken(
        &mut self,
        record: &Record,
        pc: u64,
        waker: Option<Who>,
        wait: String,
        queue: u64,
    ) {
        let cpu = self.cpus.get(&record.cpu);
        let handling = cpu.and_then(|cpu| cpu.handling.clone());
        let stack = cpu.map(|cpu| cpu.stack.calls()).unwrap_or_default();
        let mut chain: Vec<u64> = stack.iter().map(|call| call.pc).collect();
        if let Some(last) = chain.last_mut() {
            *last = pc;
        }
        // What interrupted the process itself is marked already.
        if let (None, Some(handling), false) = (&waker, handling, self.on == Some(record.cpu)) {
            let what = What::Interrupt {
                number: handling.number,
                name: handling.name,
                victim: handling.victim,
                user: handling.user,
                from: handling.from,
                took: None,
            };
            if let Some(mark) = self.mark(record, None, what) {
                self.marks[mark].time = handling.time.max(self.call.begin);
            }
        }
        let what = What::Woken {
            waker,
            wait,
            queue,
            chain,
        };
        self.mark(record, None, what);
        if self.on.is_none() {
            self.runnable.get_or_insert(record.time);
            self.settle(record.time);
        } else {
            // It had not left its CPU yet.
            self.runnable = Some(record.time);
        }
    }

    pub(super) fn come_back(&mut self, record: &Record, pick: Option<Pick>, prev: Who) {
        let now = record.time;
        if let Some((mark, away)) = self.left.take() {
            for (number, cpu) in &self.cpus {
                let since = cpu.since.max(away);
                credit(&mut self.meanwhile, *number, cpu.who.clone(), since, now);
            }
            let ran = std::mem::take(&mut self.meanwhile);
            if let Some(What::Leave { meanwhile, .. }) = self.what(mark) {
                *meanwhile = ran
                    .into_iter()
                    .map(|((cpu, _), (who, time))| (cpu, who, time))
                    .collect();
            }
        }
        self.on = Some(record.cpu);
        self.asleep = None;
        let queued = now - self.runnable.take().unwrap_or(now);
        self.path.start(now);
        let here = self.path.here();
        let what = What::Back { pick, prev, queued };
        self.mark(record, here, what);
        self.settle(now);
    }
}
