//! The call as strace prints it, with the paths behind descriptors: `read(3</README>, "# Silica"..., 16384)`.

use crate::trace::model::Model;
use crate::trace::record::{Body, Record};
use crate::trace::strace::descriptors::Descriptors;
use crate::trace::syscall::calls::name;
use crate::trace::syscall::decoder::Style;
use crate::trace::syscall::source::Recorded;
use crate::trace::syscall::{entered, exited};
use abi::nr;
use abi::probe::PROBES;
use std::collections::BTreeMap;

/// A call in progress.
struct Open {
    number: u64,
    args: [u64; 6],
    /// The line so far, and whether that is all of the arguments.
    text: String,
    whole: bool,
}

/// Follows all processes' calls, for what is behind their descriptors.
pub struct Lines {
    strings: usize,
    descriptors: Descriptors,
    open: BTreeMap<u32, Open>,
}

impl Lines {
    /// Nothing has happened yet. Of a string or buffer at most `strings` bytes are shown.
    pub fn new(strings: usize) -> Self {
        Self {
            strings,
            descriptors: Descriptors::default(),
            open: BTreeMap::new(),
        }
    }

    /// The line of the call that `pid` is in.
    pub fn current(&self, pid: u32) -> Option<String> {
        let open = self.open.get(&pid)?;
        let dots = if open.whole { "" } else { "..." };
        Some(format!("{}{dots})", open.text))
    }

    /// Takes in a record; when it is the end of a call, gives its line.
    pub fn follow(&mut self, record: &Record, model: &Model) -> Option<String> {
        let pid = record.pid;
        match &record.body {
            Body::SysEnter {
                number,
                args,
                memory,
            } => {
                self.descriptors.enter(pid, *number, args, memory);
                let files = self.descriptors.of(pid);
                let style = style(model, self.strings, &files);
                // What rt_sigreturn would show is the mask that it brings back, which nobody follows here.
                let (text, whole) = match *number {
                    nr::RT_SIGRETURN => (String::new(), true),
                    _ => entered(*number, args, &mut Recorded(memory), style),
                };
                let open = Open {
                    number: *number,
                    args: *args,
                    text: format!("{}({text}", name(*number)),
                    whole,
                };
                self.open.insert(pid, open);
            }
            Body::SysExit {
                number,
                result,
                memory,
            } => {
                let open = self.open.remove(&pid).filter(|o| o.number == *number)?;
                let files = self.descriptors.of(pid);
                let style = style(model, self.strings, &files);
                let mut source = Recorded(memory);
                let (text, _) =
                    exited(*number, &open.args, *result, open.whole, &mut source, style);
                self.descriptors
                    .exit(pid, &open.args, *number, *result, memory);
                return Some(format!("{}{text})", open.text));
            }
            Body::Kernel { probe, args, .. } => {
                match PROBES.get(usize::from(*probe)).map(|probe| probe.name) {
                    Some("process_fork") => self.descriptors.fork(args[0] as u32, args[1] as u32),
                    Some("process_exit") => {
                        self.descriptors.exited(args[0] as u32);
                        self.open.remove(&(args[0] as u32));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        None
    }
}

fn style<'a>(
    model: &Model,
    strings: usize,
    files: &'a dyn crate::trace::syscall::decoder::Files,
) -> Style<'a> {
    Style {
        isa: model.meta.isa(),
        strings,
        files: Some(files),
        mask: 0,
    }
}
