//! Where records end: one sink for each form that a trace can have.

use super::kind::Kinds;
use super::model::Model;
use super::record::{Body, Record};
use base::Time;
use std::io;

/// Takes the records that the user wants to see, in the order of time.
pub trait Sink {
    /// Takes one; `model` knows it already.
    ///
    /// # Errors
    /// The place where it goes cannot take it.
    fn record(&mut self, record: &Record, model: &Model) -> io::Result<()>;

    /// Takes an instruction. There are so many of them that a sink may want to do without a [`Record`].
    ///
    /// # Errors
    /// The place where it goes cannot take it.
    fn instruction(
        &mut self,
        time: Time,
        cpu: u8,
        pid: u32,
        pc: u64,
        model: &Model,
    ) -> io::Result<()> {
        let body = Body::Instruction { pc };
        let record = Record {
            time,
            cpu,
            pid,
            body,
        };
        self.record(&record, model)
    }

    /// The kinds of records that it wants to learn of even where the user does not want to see them.
    fn learns(&self) -> Kinds {
        Kinds::NONE
    }

    /// Takes note of a record of those kinds that the user does not want to see. `within` says that it lies in the
    /// part of the run and on the CPUs that the user wants to see.
    ///
    /// # Errors
    /// The place where it goes cannot take it.
    fn learn(&mut self, _record: &Record, _model: &Model, _within: bool) -> io::Result<()> {
        Ok(())
    }

    /// The trace ends here; what was kept back is written.
    ///
    /// # Errors
    /// The place where it goes cannot take it.
    fn finish(&mut self, model: &Model) -> io::Result<()>;

    /// Whether it needs the records that say who runs where (see [`super::select::skeleton`]) even if the user did not
    /// ask for them, because it will be read by somebody who has to find that out again.
    fn keeps_skeleton(&self) -> bool {
        false
    }
}
