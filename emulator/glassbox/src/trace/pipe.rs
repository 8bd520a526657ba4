//! The way of a record: into the model, through the user's wishes, to the sink.

use super::kind::{Kind, Kinds};
use super::model::{Meta, Model};
use super::record::{Body, Record};
use super::select::{Select, Window, skeleton};
use super::sink::Sink;
use super::tasks::Tasks;
use base::Time;
use std::io;

/// Model, wishes and sink in a row.
pub struct Pipe {
    model: Model,
    select: Select,
    window: Window,
    skeleton: Kinds,
    learned: Kinds,
    sink: Box<dyn Sink>,
    /// No wish stands between an instruction and the sink.
    all_instructions: bool,
    /// The first thing that went wrong; nothing is written after it.
    error: Option<io::Error>,
}

impl Pipe {
    /// A pipe for a trace of `meta`.
    pub fn new(meta: Meta, select: Select, sink: Box<dyn Sink>) -> Self {
        Self {
            model: Model::new(meta),
            window: Window::new(select.from.clone(), select.to.clone()),
            skeleton: if sink.keeps_skeleton() {
                skeleton()
            } else {
                Kinds::NONE
            },
            learned: sink.learns(),
            all_instructions: select.wants_all_instructions(),
            select,
            sink,
            error: None,
        }
    }

    /// The trace begins in the middle of a run, of whose processes this is known.
    pub fn begin_with(&mut self, tasks: &Tasks) {
        self.model.tasks = tasks.clone();
    }

    /// Takes one record.
    pub fn record(&mut self, record: &Record) {
        self.model.update(record);
        if let Body::Console(byte) = record.body {
            self.window.prints(byte);
        }
        let shown = self.window.shows(record.time);
        if self.error.is_some() {
            return;
        }
        let kind = Kind::of(&record.body);
        if self.skeleton.has(kind) || (shown && self.select.wants(record, &self.model)) {
            self.error = self.sink.record(record, &self.model).err();
        } else if self.learned.has(kind) {
            let within = shown && self.select.encloses(record);
            self.error = self.sink.learn(record, &self.model, within).err();
        }
    }

    /// Takes an instruction.
    #[inline]
    pub fn instruction(&mut self, time: Time, cpu: u8, pid: u32, pc: u64) {
        if !self.all_instructions {
            let body = Body::Instruction { pc };
            self.record(&Record {
                time,
                cpu,
                pid,
                body,
            });
        } else if self.error.is_none() {
            let result = self.sink.instruction(time, cpu, pid, pc, &self.model);
            self.error = result.err();
        }
    }

    /// The kinds of records that it needs.
    pub fn needed(&self) -> Kinds {
        self.select.needed().or(self.learned)
    }

    /// Control passed the place that is watched under `site`, for the edges of the window.
    pub fn passes(&mut self, site: u32) {
        self.window.passes(site);
    }

    /// What has been learnt.
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// The first thing that went wrong with the sink, once.
    pub fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Whether something went wrong or nothing more can be shown.
    pub const fn is_over(&self) -> bool {
        self.error.is_some() || self.window.is_over()
    }

    /// Ends the trace.
    ///
    /// # Errors
    /// What went wrong with the sink, now or earlier.
    pub fn finish(&mut self) -> io::Result<()> {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.sink.finish(&self.model),
        }
    }
}
