//! Slices: the handlers that a CPU is in, and what a process is in: system calls ([`super::calls`]), page faults, waits
//! for locks.
//!
//! Each process has one stack of them, like its kernel stack, and so has each CPU's idle process. When a process is
//! switched away from, its slices on the CPU's track end there, and begin again where it goes on; its slices on its own
//! track stay.

use super::Perfetto;
use super::packets::{Flow, Mark, Moment, Note, Notes, Phase};
use super::state::{Drawn, Frame, Place, Stack, What};
use super::tracks::Track;
use crate::trace::model::Model;
use crate::trace::record::{Body, Record};
use ::machine::names;
use base::event::Cause;
use std::borrow::Cow;
use std::io::{self, Write};

/// Most slices in each other.
const MOST_NESTED: usize = 64;

impl<W: Write> Perfetto<W> {
    /// The slices that the process which runs at that moment is in.
    pub(super) fn stack(&mut self, at: Moment) -> Option<&mut Stack> {
        match at.pid {
            0 => Some(&mut self.cpu(at.cpu).idle),
            pid => self.task(pid).map(|task| &mut task.stack),
        }
    }

    fn is_in_interrupt(&mut self, at: Moment) -> bool {
        self.stack(at).is_some_and(|stack| {
            stack
                .iter()
                .any(|frame| matches!(frame.what, What::Trap { interrupt: true } | What::Irq(_)))
        })
    }

    /// Where something belongs that happens at that moment: to the process, or, in an interrupt and where there is
    /// none, to the CPU.
    pub(super) fn place(&mut self, at: Moment) -> Place {
        if at.pid == 0 || self.is_in_interrupt(at) {
            Place::Cpu
        } else {
            Place::Thread
        }
    }

    /// The track for that place.
    fn track(&mut self, at: Moment, place: Place) -> io::Result<Option<u64>> {
        match place {
            Place::Cpu => self.packets.track(at.time, Track::Traps(at.cpu)).map(Some),
            Place::Thread => self.thread_track(at),
        }
    }

    pub(super) fn thread_track(&mut self, at: Moment) -> io::Result<Option<u64>> {
        let Some(task) = self.task(at.pid) else {
            return Ok(None);
        };
        if let Some(track) = task.track {
            return Ok(Some(track));
        }
        let track = self.packets.thread_track(at.time, at.pid)?;
        if let Some(task) = self.task(at.pid) {
            task.track = Some(track);
        }
        Ok(Some(track))
    }

    /// An instant at `place`.
    pub(super) fn instant_at(
        &mut self,
        at: Moment,
        place: Place,
        mark: &Mark<'_>,
    ) -> io::Result<()> {
        match self.track(at, place)? {
            Some(track) => self.packets.mark(at.time, track, Phase::Moment, mark),
            None => Ok(()),
        }
    }

    /// An instant of the process, or of the CPU; see [`Self::place`].
    pub(super) fn instant(&mut self, at: Moment, mark: &Mark<'_>) -> io::Result<()> {
        let place = self.place(at);
        self.instant_at(at, place, mark)
    }

    /// A slice begins.
    pub(super) fn open(
        &mut self,
        at: Moment,
        place: Place,
        what: What,
        name: impl Into<Cow<'static, str>>,
        category: &'static str,
        notes: &Notes,
    ) -> io::Result<()> {
        let name = name.into();
        let Some(track) = self.track(at, place)? else {
            return Ok(());
        };
        match self.stack(at) {
            Some(stack) if stack.len() < MOST_NESTED => stack.push(Frame {
                what,
                drawn: match place {
                    Place::Cpu => Drawn::OnCpu(at.cpu),
                    Place::Thread => Drawn::OnThread,
                },
                name: name.clone(),
                category,
                since: at.time,
                notes: Notes::new(),
            }),
            _ => return Ok(()),
        }
        let mark = Mark {
            name: &name,
            category,
            notes,
            ..Mark::default()
        };
        self.packets.mark(at.time, track, Phase::Begin, &mark)
    }

    /// All slices end but the outermost `remaining` ones.
    pub(super) fn close(&mut self, at: Moment, remaining: usize) -> io::Result<()> {
        loop {
            let frame = match self.stack(at) {
                Some(stack) if stack.len() > remaining => stack.pop(),
                _ => None,
            };
            let Some(frame) = frame else {
                return Ok(());
            };
            let track = match frame.drawn {
                Drawn::OnThread => self.thread_track(at)?,
                Drawn::OnCpu(cpu) => Some(self.packets.track(at.time, Track::Traps(cpu))?),
                Drawn::Later => None,
            };
            if let Some(track) = track {
                let mark = Mark {
                    notes: &frame.notes,
                    ..Mark::default()
                };
                self.packets.mark(at.time, track, Phase::End, &mark)?;
            }
        }
    }

    /// The innermost slice that `is` one of those ends, and what is in it. Says whether there was one.
    pub(super) fn close_innermost(
        &mut self,
        at: Moment,
        is: impl Fn(What) -> bool,
        notes: Notes,
    ) -> io::Result<bool> {
        let stack = self.stack(at);
        let found = stack.and_then(|stack| {
            let index = stack.iter().rposition(|frame| is(frame.what))?;
            stack[index].notes.extend(notes);
            Some(index)
        });
        match found {
            Some(index) => self.close(at, index).map(|()| true),
            None => Ok(false),
        }
    }

    /// Another process runs on the CPU: the slices on the CPU's track are those of that one now.
    pub(super) fn change_slices(&mut self, at: Moment, next: u32) -> io::Result<()> {
        let mut ending = 0;
        for frame in self.stack(at).into_iter().flatten() {
            if frame.drawn == Drawn::OnCpu(at.cpu) {
                frame.drawn = Drawn::Later;
                ending += 1;
            }
        }
        let mut beginning = Vec::new();
        for frame in self.stack(Moment { pid: next, ..at }).into_iter().flatten() {
            if frame.drawn == Drawn::Later {
                frame.drawn = Drawn::OnCpu(at.cpu);
                beginning.push((frame.name.clone(), frame.category));
            }
        }
        if ending == 0 && beginning.is_empty() {
            return Ok(());
        }
        let track = self.packets.track(at.time, Track::Traps(at.cpu))?;
        for _ in 0..ending {
            self.packets
                .mark(at.time, track, Phase::End, &Mark::default())?;
        }
        for (name, category) in beginning {
            let mark = Mark {
                name: &name,
                category,
                notes: &[("continued", Note::Bool(true))],
                ..Mark::default()
            };
            self.packets.mark(at.time, track, Phase::Begin, &mark)?;
        }
        Ok(())
    }

    pub(super) fn trap(&mut self, at: Moment, record: &Record, model: &Model) -> io::Result<()> {
        let Body::Trap {
            cause,
            number,
            user,
            ..
        } = record.body
        else {
            return Ok(());
        };
        let stack = self.stack(at);
        // A call that began in this very moment was told of before its trap.
        if user && stack.is_some_and(|stack| stack.last().is_some_and(|f| f.since < at.time)) {
            self.close(at, 0)?;
        }
        let name = names::trap(&model.meta.arch, cause, number);
        let notes = self.notes(record, model);
        let what = What::Trap {
            interrupt: cause == Cause::Interrupt,
        };
        self.open(at, Place::Cpu, what, name, "trap", &notes)?;
        if names::is_page_fault(&model.meta.arch, cause, number) {
            let place = self.place(at);
            let notes = notes
                .into_iter()
                .filter(|(name, _)| ["address", "reasons", "from", "user"].contains(name))
                .collect();
            self.open(at, place, What::Fault, "page fault", "fault", &notes)?;
        }
        Ok(())
    }

    pub(super) fn trap_return(&mut self, at: Moment, user: bool) -> io::Result<()> {
        if user {
            return self.close(at, 0);
        }
        let is_trap = |what| matches!(what, What::Trap { .. });
        self.close_innermost(at, is_trap, Notes::new()).map(|_| ())
    }

    /// The kernel has dealt with a page fault, or not.
    pub(super) fn fault(&mut self, at: Moment, record: &Record, model: &Model) -> io::Result<()> {
        let notes = self.notes(record, model);
        if let Some(stack) = self.stack(at)
            && let Some(frame) = stack.iter_mut().rfind(|frame| frame.what == What::Fault)
        {
            let known = ["address", "reasons", "target_pid"];
            frame.notes = notes;
            frame.notes.retain(|(name, _)| !known.contains(name));
            return Ok(());
        }
        // The kernel handled what would have been one.
        self.said(at, "page fault", "fault", &notes, &[])
    }

    /// An instant of the process, or of the CPU, with all there is to say about it.
    pub(super) fn said(
        &mut self,
        at: Moment,
        name: &str,
        category: &'static str,
        notes: &Notes,
        flows: &[Flow],
    ) -> io::Result<()> {
        let mark = Mark {
            name,
            category,
            notes,
            flows,
            ..Mark::default()
        };
        self.instant(at, &mark)
    }
}
