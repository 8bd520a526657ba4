//! The lines of system calls.

use super::{Call, Strace};
use crate::trace::expression::Status;
use crate::trace::model::Model;
use crate::trace::record::{Body, Record};
use crate::trace::select::Set;
use crate::trace::syscall::calls::name;
use crate::trace::syscall::decoder::{Style, is_error};
use crate::trace::syscall::source::Recorded;
use crate::trace::syscall::{class, entered, exited};
use base::Time;
use std::io::{self, Write};

impl<W: Write> Strace<W> {
    pub(super) fn enter(&mut self, record: &Record, model: &Model, shown: bool) -> io::Result<()> {
        let Body::SysEnter {
            number,
            args,
            memory,
        } = &record.body
        else {
            return Ok(());
        };
        let number = *number;
        let pid = record.pid;
        self.masks
            .enter(model.meta.isa(), pid, number, args, memory);
        self.descriptors.enter(pid, number, args, memory);
        self.met(pid);
        let files = self.settings.paths.then(|| self.descriptors.of(pid));
        let style = Style {
            isa: model.meta.isa(),
            strings: self.strings(model),
            files: files.as_ref().map(|files| files as _),
            mask: self.masks.to_restore(pid),
        };
        let (text, whole) = entered(number, args, &mut Recorded(memory), style);
        let task = self.tasks.entry(pid).or_default();
        let mut call = Call {
            number,
            args: *args,
            began: record.time,
            used: task.used(record.time),
            whole,
            shown,
            staged: None,
        };
        let text = format!("{}({text}", name(number));
        if shown && self.settings.lines {
            if self.settings.wishes.statuses == Set::All {
                self.lines.open(pid, record.time, &text)?;
            } else {
                call.staged = Some(self.lines.leader(pid, record.time) + &text);
            }
        }
        self.tasks.entry(pid).or_default().call = Some(call);
        Ok(())
    }

    pub(super) fn exit(
        &mut self,
        record: &Record,
        model: &Model,
        shown: bool,
        within: bool,
    ) -> io::Result<()> {
        let Body::SysExit {
            number,
            result,
            memory,
        } = &record.body
        else {
            return Ok(());
        };
        let (number, result) = (*number, *result);
        let (pid, time) = (record.pid, record.time);
        let task = self.tasks.entry(pid).or_default();
        let used = task.used(time);
        if task.doomed {
            return Ok(());
        }
        // Without its beginning nothing is known of its arguments.
        let Some(call) = task.call.take().filter(|call| call.number == number) else {
            return Ok(());
        };
        let ignored = std::mem::take(&mut task.ignored);
        self.masks.exit(pid, number, result);
        self.descriptors
            .exit(pid, &call.args, number, result, memory);
        if shown {
            let failed = is_error(result) && !class::never_fails(number);
            self.summary.count(number, used - call.used, failed);
            if self.settings.lines {
                self.returned(record, call, model, failed)?;
            }
        }
        for signal in ignored.values() {
            self.signal(pid, signal, time, within)?;
        }
        Ok(())
    }

    /// Writes the end of a call.
    fn returned(
        &mut self,
        record: &Record,
        mut call: Call,
        model: &Model,
        failed: bool,
    ) -> io::Result<()> {
        let Body::SysExit { result, memory, .. } = &record.body else {
            return Ok(());
        };
        let pid = record.pid;
        let status = if failed {
            Status::Failed
        } else {
            Status::Successful
        };
        if !self.settings.wishes.statuses.has(status as u64) {
            return Ok(());
        }
        let files = self.settings.paths.then(|| self.descriptors.of(pid));
        let style = Style {
            isa: model.meta.isa(),
            strings: self.strings(model),
            files: files.as_ref().map(|files| files as _),
            mask: 0,
        };
        let source = &mut Recorded(memory);
        let (arguments, mut outcome) =
            exited(call.number, &call.args, *result, call.whole, source, style);
        if self.settings.times {
            let spent = (record.time - call.began).0 / 1000;
            outcome += &format!(" <{}.{:06}>", spent / 1_000_000, spent % 1_000_000);
        }
        match call.staged.take() {
            Some(line) => self.lines.staged(&line, &arguments, &outcome),
            None => {
                self.lines
                    .resume(pid, record.time, call.shown, &name(call.number))?;
                self.lines.close(&arguments, &outcome)
            }
        }
    }

    /// A call will never end, because its process has.
    pub(super) fn unfinished(&mut self, pid: u32, mut call: Call, time: Time) -> io::Result<()> {
        if !call.shown {
            return Ok(());
        }
        let more = if call.whole { "" } else { " <unfinished ...>" };
        if let Some(line) = call.staged.take() {
            if self.settings.wishes.statuses.has(Status::Unfinished as u64) {
                self.lines.staged(&line, more, "?")?;
            }
            return Ok(());
        }
        self.lines.resume(pid, time, true, &name(call.number))?;
        self.lines.close(more, "?")
    }

    /// Most bytes of a string: no more than were recorded.
    fn strings(&self, model: &Model) -> usize {
        self.settings.strings.min(model.meta.strings)
    }
}
