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
use std::io;

/// Most bytes of strings and buffers in a trace, as strace has it.
const STRINGS: usize = 32;

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

    /// What a trace of these wishes is of, for its sink to know.
    pub fn meta(guest: &Guest, wishes: &Wishes) -> Meta {
        Meta {
            arch: "x86_64".to_owned(),
            cpus: guest.machine.board.harts.len() as u8,
            strings: STRINGS,
            events: select(wishes)
                .needed()
                .iter()
                .map(|kind| kind.name().to_owned())
                .collect(),
            ..Meta::default()
        }
    }

    /// Traces what `wishes` say to `sink`, from now on and in place of what was traced before.
    ///
    /// # Errors
    /// One line: the earlier trace could not be ended, or the kernel's probes cannot be used.
    pub fn trace(
        &mut self,
        guest: &mut Guest,
        wishes: &Wishes,
        sink: Box<dyn Sink>,
    ) -> Result<(), String> {
        self.end_trace(guest).map_err(|e| e.to_string())?;
        let select = select(wishes);
        let meanings = guest
            .watch(select.needed().or(tasks::kinds()))
            .map_err(|e| e.to_string())?;
        let pipe = Pipe::new(Self::meta(guest, wishes), select, sink);
        let cpus = guest.machine.board.harts.len();
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

fn select(wishes: &Wishes) -> Select {
    Select {
        kinds: wishes.kinds,
        calls: wishes.calls.clone(),
        ..Select::default()
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
