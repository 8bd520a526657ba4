//! System calls: slices of their process, with arguments and result in strace's words.

use super::Perfetto;
use super::packets::{Mark, Moment, Note, Notes};
use super::state::{Call, Place, What};
use crate::numbers;
use crate::trace::memory::Memory;
use crate::trace::model::Model;
use crate::trace::syscall::calls::name;
use crate::trace::syscall::decoder::Style;
use crate::trace::syscall::source::Recorded;
use crate::trace::syscall::{MOST_STRINGS, entered, exited};
use abi::Errno;
use std::io::{self, Write};

impl<W: Write> Perfetto<W> {
    pub(super) fn call(
        &mut self,
        at: Moment,
        number: u64,
        args: &[u64; 6],
        memory: &Memory,
        model: &Model,
    ) -> io::Result<()> {
        // One that never ended.
        self.close_innermost(at, |what| matches!(what, What::Call(_)), Notes::new())?;
        let (text, whole) = entered(number, args, &mut Recorded(memory), style(model));
        let raw = args.iter().map(|arg| format!("{arg:#x}")).collect();
        let mut notes = vec![
            (
                "number",
                Note::Signed(numbers::own(model.meta.isa(), number) as i64),
            ),
            ("raw_arguments", Note::List(raw)),
        ];
        if !text.is_empty() {
            notes.insert(0, ("arguments", Note::Text(text.clone())));
        }
        let (what, place) = (What::Call(number), Place::Thread);
        self.open(at, place, what, name(number), "syscall", &notes)?;
        if let Some(task) = self.task(at.pid) {
            let args = *args;
            task.call = Some(Call { args, text, whole });
        }
        Ok(())
    }

    pub(super) fn call_ends(
        &mut self,
        at: Moment,
        number: u64,
        result: i64,
        memory: &Memory,
        model: &Model,
    ) -> io::Result<()> {
        let mut notes = vec![("result", Note::Signed(result))];
        if let Some(error) = result.checked_neg().and_then(Errno::from_number) {
            notes.push(("error", Note::Text(error.name().to_owned())));
        }
        let name = name(number);
        if let Some(call) = self.task(at.pid).and_then(|task| task.call.take()) {
            let source = &mut Recorded(memory);
            let Call { args, text, whole } = call;
            let (more, outcome) = exited(number, &args, result, whole, source, style(model));
            let line = format!("{name}({text}{more}) = {outcome}");
            notes.insert(0, ("call", Note::Text(line)));
        }
        let is_call = |what| what == What::Call(number);
        if self.close_innermost(at, is_call, notes.clone())? {
            return Ok(());
        }
        // It began before the part of the run that is shown.
        let mark = Mark {
            name: &format!("{name} returned"),
            category: "syscall",
            notes: &notes,
            ..Mark::default()
        };
        self.instant_at(at, Place::Thread, &mark)
    }
}

fn style(model: &Model) -> Style<'static> {
    Style {
        isa: model.meta.isa(),
        strings: model.meta.strings.min(MOST_STRINGS),
        files: None,
        mask: 0,
    }
}
