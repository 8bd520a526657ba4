//! What the kernel says: each event to where it is drawn, interrupts and locks, the journal, free memory, the console.

use super::Perfetto;
use super::packets::{Mark, Moment, Note, Notes, Phase};
use super::said::{Args, arg, text};
use super::state::What;
use super::tracks::{Lanes, Track};
use crate::trace::model::Model;
use crate::trace::record::Record;
use abi::probe::PROBES;
use base::Time;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Most transactions that are open at a time; a journal has one or two.
const MOST_TRANSACTIONS: usize = 64;
/// Most characters of a line on the console.
const LONGEST_LINE: usize = 200;

/// Transactions that have begun: their lanes by their numbers.
#[derive(Debug, Default)]
pub struct Journal {
    open: BTreeMap<u64, usize>,
    lanes: Lanes,
}

/// The line that is going out on the console.
#[derive(Debug, Default)]
pub struct Line {
    text: Vec<u8>,
    since: Time,
}

impl<W: Write> Perfetto<W> {
    pub(super) fn kernel(
        &mut self,
        at: Moment,
        probe: usize,
        args: &Args,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        let Some(probe) = PROBES.get(probe) else {
            return Ok(());
        };
        match probe.name {
            "sched_switch" => return self.switch(at, args, record, model),
            "sched_wakeup" => return self.wakeup(at, args, record, model),
            "sched_wakeup_new" => return self.wakeup_new(at, args, record, model),
            "sched_migrate_task" => return self.migrate(at, args, record, model),
            // The switch that follows says it, too.
            "sched_sleep" => return Ok(()),
            "process_fork" => return self.fork(at, args, record, model),
            "process_exec" => return self.exec(at, args, record, model),
            "process_exit" => return self.exit(at, args, record, model),
            "process_wait" => return self.reap(at, args, record, model),
            "page_fault" => return self.fault(at, record, model),
            "block_rq_issue" => return self.request(at, args, model),
            "block_rq_complete" => return self.request_ends(at, args, record, model),
            "frame_alloc" => return self.frames(at.time, arg!(args, "frame_alloc", "free")),
            "frame_free" => return self.frames(at.time, arg!(args, "frame_free", "free")),
            "irq_handler_entry" => return self.interrupt(at, args, record, model),
            "irq_handler_exit" => {
                self.cpu(at.cpu).finished.clear();
                let irq = arg!(args, "irq_handler_exit", "irq");
                let is_handler = |what| what == What::Irq(irq);
                return self
                    .close_innermost(at, is_handler, Notes::new())
                    .map(|_| ());
            }
            "lock_contended" => return self.contended(at, args, record, model),
            "lock_acquired" => {
                let lock = arg!(args, "lock_acquired", "lock");
                let is_lock = |what| what == What::Lock(lock);
                return self.close_innermost(at, is_lock, Notes::new()).map(|_| ());
            }
            _ => {}
        }
        let notes = self.notes(record, model);
        let (name, category) = match probe.name {
            "sched_pick" => {
                let pid = arg!(args, "sched_pick", "chosen_pid") as u32;
                (format!("picks {} [{pid}]", model.comm(pid)), "sched")
            }
            "timer_tick" => ("timer tick".into(), "irq"),
            "signal_generate" => {
                let number = arg!(args, "signal_generate", "signal");
                let pid = arg!(args, "signal_generate", "pid") as u32;
                let name = format!("{} to {} [{pid}]", signal(number), model.comm(pid));
                (name, "signal")
            }
            "signal_deliver" => {
                let number = arg!(args, "signal_deliver", "signal");
                (format!("{} delivered", signal(number)), "signal")
            }
            "journal_begin" => {
                let sequence = arg!(args, "journal_begin", "sequence");
                self.transaction(at.time, sequence)?;
                let operation = text!(record, "journal_begin", "operation");
                (format!("journal: {operation}"), "journal")
            }
            "journal_commit" => {
                let sequence = arg!(args, "journal_commit", "sequence");
                self.committed(at.time, sequence, &notes)?;
                (format!("journal: commits {sequence}"), "journal")
            }
            name => (name.replace('_', " "), "kernel"),
        };
        self.said(at, &name, category, &notes, &[])
    }

    fn interrupt(
        &mut self,
        at: Moment,
        args: &Args,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        let irq = arg!(args, "irq_handler_entry", "irq");
        let name = text!(record, "irq_handler_entry", "name");
        let name = if name.is_empty() { "irq".into() } else { name };
        self.cpu(at.cpu).finished.clear();
        let notes = self.notes(record, model);
        let place = super::state::Place::Cpu;
        self.open(at, place, What::Irq(irq), name, "irq", &notes)
    }

    fn contended(
        &mut self,
        at: Moment,
        args: &Args,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        let lock = arg!(args, "lock_contended", "lock");
        let name = format!("waits for lock {}", text!(record, "lock_contended", "name"));
        let notes = self.notes(record, model);
        let place = self.place(at);
        self.open(at, place, What::Lock(lock), name, "lock", &notes)
    }

    fn frames(&mut self, time: Time, free: u64) -> io::Result<()> {
        let free = free as i64;
        if self.free_frames.replace(free) == Some(free) {
            return Ok(());
        }
        self.packets.counter(time, Track::FreeFrames, free)
    }

    /// An operation is part of this transaction.
    fn transaction(&mut self, time: Time, sequence: u64) -> io::Result<()> {
        let journal = &mut self.journal;
        if journal.open.contains_key(&sequence) || journal.open.len() >= MOST_TRANSACTIONS {
            return Ok(());
        }
        let lane = journal.lanes.take();
        journal.open.insert(sequence, lane);
        let track = self.packets.track(time, Track::Journal(lane))?;
        let mark = Mark {
            name: &format!("transaction {sequence}"),
            category: "journal",
            ..Mark::default()
        };
        self.packets.mark(time, track, Phase::Begin, &mark)
    }

    /// The transaction is durable; an older one that is still open was told of under the wrong number.
    fn committed(&mut self, time: Time, sequence: u64, notes: &Notes) -> io::Result<()> {
        let later = match sequence.checked_add(1) {
            Some(next) => self.journal.open.split_off(&next),
            None => BTreeMap::new(),
        };
        for (number, lane) in std::mem::replace(&mut self.journal.open, later) {
            self.journal.lanes.free(lane);
            let track = self.packets.track(time, Track::Journal(lane))?;
            let mark = Mark {
                notes: if number == sequence { notes } else { &[] },
                ..Mark::default()
            };
            self.packets.mark(time, track, Phase::End, &mark)?;
        }
        Ok(())
    }

    /// A character goes out on the console.
    pub(super) fn prints(&mut self, time: Time, byte: u8) -> io::Result<()> {
        if byte == b'\n' {
            return self.end_of_line();
        }
        if byte != b'\r' {
            if self.line.text.is_empty() {
                self.line.since = time;
            }
            self.line.text.push(byte);
        }
        if self.line.text.len() >= LONGEST_LINE {
            return self.end_of_line();
        }
        Ok(())
    }

    /// What has gone out since the last line is shown.
    pub(super) fn end_of_line(&mut self) -> io::Result<()> {
        if self.line.text.is_empty() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.line.text);
        let text = text.escape_ascii().to_string();
        let track = self.packets.track(self.line.since, Track::Console)?;
        let mark = Mark {
            name: &text,
            category: "console",
            notes: &[("text", Note::Text(text.clone()))],
            ..Mark::default()
        };
        self.packets
            .mark(self.line.since, track, Phase::Moment, &mark)
    }
}

fn signal(number: u64) -> String {
    let name = u32::try_from(number).ok().and_then(abi::signal::name);
    name.map_or_else(|| format!("signal {}", number as i64), str::to_owned)
}
