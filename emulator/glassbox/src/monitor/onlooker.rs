//! The observer of an interactive machine: it knows the processes at any time, and traces on demand.

use crate::guest::Guest;
use crate::trace::expression::Wishes;
use crate::trace::follow::Follower;
use crate::trace::model::Meta;
use crate::trace::pipe::Pipe;
use crate::trace::recorder::Recorder;
use crate::trace::select::Select;
use crate::trace::sink::Sink;
use crate::trace::tasks::{self, Tasks};
use base::event::{Event, Observer, Peek, Stamp};
use machine::Board;
use std::io;

/// Follows the processes from power-on, with the few probes that takes; and whatever is traced.
#[derive(Default)]
pub struct Onlooker {
    follower: Follower,
    recorder: Option<Recorder>,
}

impl Onlooker {
    /// An onlooker for a guest at power-on. Of a kernel whose probes cannot be used it learns nothing.
    pub fn new(guest: &mut Guest) -> Self {
        Self {
            follower: guest.follow().unwrap_or_default(),
            recorder: None,
        }
    }

    /// The processes.
    pub const fn tasks(&self) -> &Tasks {
        self.follower.tasks()
    }

    /// Whether something is traced.
    pub const fn traces(&self) -> bool {
        self.recorder.is_some()
    }

    /// Traces what `wishes` say to `sink`, from now on and in place of what was traced before. `meta` says what the
    /// trace is of.
    ///
    /// # Errors
    /// One line: the earlier trace could not be ended, or the kernel's probes cannot be used.
    pub fn trace(
        &mut self,
        guest: &mut Guest,
        meta: Meta,
        wishes: &Wishes,
        sink: Box<dyn Sink>,
    ) -> Result<(), String> {
        self.end_trace(guest).map_err(|e| e.to_string())?;
        let select = Select {
            kinds: wishes.kinds,
            calls: wishes.calls.clone(),
            ..Select::default()
        };
        let pipe = Pipe::new(meta, select, sink);
        let meanings = guest
            .watch(pipe.needed().or(tasks::kinds()))
            .map_err(|e| e.to_string())?;
        let cpus = guest.machine.board.cpus();
        let mut recorder = Recorder::new(pipe, meanings.clone(), cpus);
        recorder.begin_with(self.follower.tasks());
        self.follower.listen_to(meanings);
        self.recorder = Some(recorder);
        Ok(())
    }

    /// Traces no more.
    ///
    /// # Errors
    /// What went wrong with the sink, now or earlier.
    pub fn end_trace(&mut self, guest: &mut Guest) -> io::Result<()> {
        let Some(mut recorder) = self.recorder.take() else {
            return Ok(());
        };
        // They could be watched before, so they can be now.
        if let Ok(meanings) = guest.watch(tasks::kinds()) {
            self.follower.listen_to(meanings);
        }
        recorder.finish()
    }

    /// Whether the sink has failed and the trace should be ended.
    pub fn trace_failed(&mut self) -> bool {
        let recorder = self.recorder.as_mut();
        recorder.is_some_and(|recorder| recorder.pipe().is_over())
    }
}

impl Observer for Onlooker {
    const ON: bool = true;

    #[inline]
    fn event(&mut self, stamp: Stamp, event: &Event, memory: &dyn Peek) {
        self.follower.event(stamp, event, memory);
        if let Some(recorder) = &mut self.recorder {
            recorder.event(stamp, event, memory);
        }
    }
}
