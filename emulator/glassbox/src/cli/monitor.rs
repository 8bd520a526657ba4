//! The monitor's terminal side: Ctrl-A c, lines in, replies out, and what commands ask to be done with the machine.

use super::boot::forward;
use super::keyboard::{Keyboard, Waited};
use super::keys::{HELP, Key, Keys, Stroke};
use super::line::{Edited, Editor};
use super::options::TraceFormat;
use super::session::Session;
use super::terminal::Raw;
use super::trace;
use crate::monitor::onlooker::Onlooker;
use crate::monitor::{Monitor, Next, PROMPT, processes};
use crate::trace::expression::Wishes;
use crate::trace::perfetto;
use crate::trace::strace::Settings;
use machine::{Board, Outcome};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// Instructions between two looks at the keyboard while many are stepped.
const STEPS: u64 = 1_000_000;
/// Most bytes of strings and buffers in a trace, as strace has it.
const STRINGS: usize = 32;
/// Ctrl-C.
const INTERRUPT: u8 = 0x03;

/// How a visit to the monitor ended.
pub enum Left {
    /// The machine runs on.
    Continue,
    /// The user, or a signal, ends the session.
    Quit,
    /// While it was stepped, the machine came to its end.
    Ended(Outcome),
}

/// A conversation; what was said in earlier visits is remembered.
pub struct Talk<'k> {
    kernel: &'k [u8],
    /// Made on the first visit, for it reads the kernel's symbols.
    monitor: Option<Monitor<'k>>,
    editor: Editor,
}

impl<'k> Talk<'k> {
    /// A conversation about a machine with this kernel.
    pub fn new(kernel: &'k [u8]) -> Self {
        Self {
            kernel,
            monitor: None,
            editor: Editor::new(PROMPT),
        }
    }

    /// Asks for commands until one of them, or a key, ends the visit. `news` is what was typed already.
    pub fn visit(
        &mut self,
        session: &mut Session<'_>,
        onlooker: &mut Onlooker,
        keyboard: &Keyboard,
        keys: &mut Keys,
        news: &mut VecDeque<u8>,
        raw: &Raw,
    ) -> Result<Left> {
        let monitor = self
            .monitor
            .get_or_insert_with(|| Monitor::new(self.kernel));
        let mut out = String::from("\n");
        self.editor.draw(&mut out);
        loop {
            say(&std::mem::take(&mut out))?;
            let Some(stroke) = keys.next(news) else {
                match keyboard.wait(None, raw) {
                    Waited::Typed(bytes) => *news = bytes,
                    Waited::TimeUp => {}
                    Waited::Signal | Waited::Closed => return Ok(Left::Quit),
                }
                continue;
            };
            let line = match stroke {
                Stroke::Byte(byte) => match self.editor.take(byte, &mut out) {
                    Edited::More => continue,
                    Edited::Line(line) => line,
                    Edited::End => "cont".to_owned(),
                },
                Stroke::Key(key) => {
                    out.push('\n');
                    match key {
                        Key::Leave => "quit".to_owned(),
                        Key::Monitor => "cont".to_owned(),
                        Key::Processes => "info ps".to_owned(),
                        Key::Help => {
                            out.push_str(HELP);
                            String::new()
                        }
                    }
                }
            };
            let reply = monitor.command(&line, &session.guest, onlooker.tasks());
            out.push_str(&reply.text);
            say(&std::mem::take(&mut out))?;
            match reply.next {
                Next::Ask => {}
                Next::Continue => return Ok(Left::Continue),
                Next::Quit => return Ok(Left::Quit),
                Next::Step(count) => {
                    if let Some(outcome) = step(session, onlooker, keyboard, monitor, count)? {
                        return Ok(Left::Ended(outcome));
                    }
                    out.push_str(&monitor.position(&session.guest, onlooker.tasks()));
                }
                Next::Trace { wishes, file } => {
                    let done = begin_trace(session, onlooker, wishes, file.as_deref());
                    if let Err(message) = done {
                        out.push_str(&crate::monitor::harmless(&format!("trace: {message}\n")));
                    }
                }
                Next::TraceOff if onlooker.traces() => {
                    if let Err(error) = onlooker.end_trace(&mut session.guest) {
                        out.push_str(&format!("trace: {error}\n"));
                    }
                }
                Next::TraceOff => out.push_str("nothing is traced\n"),
            }
            self.editor.draw(&mut out);
        }
    }
}

/// Executes `count` instructions, or fewer if the user presses Ctrl-C. `Some`: the machine came to its end.
fn step(
    session: &mut Session<'_>,
    onlooker: &mut Onlooker,
    keyboard: &Keyboard,
    monitor: &mut Monitor<'_>,
    count: u64,
) -> Result<Option<Outcome>> {
    let executed = |session: &Session<'_>| -> Vec<u64> {
        let board = &session.machine.board;
        let executed = |cpu| board.counters(cpu).instructions.iter().sum();
        (0..board.cpus()).map(executed).collect()
    };
    let before = executed(session);
    let target = session.machine.retired() + count;
    while session.machine.retired() < target {
        let part = STEPS.min(target - session.machine.retired());
        let outcome = session.step(part, onlooker);
        forward(session)?;
        look_after_trace(session, onlooker)?;
        match outcome {
            None => {}
            Some(Outcome::Input { port, .. }) => session.machine.supply(port, &[]),
            Some(Outcome::Idle { .. }) => {
                say("all CPUs are halted, and nothing but a key will wake them\n")?;
                break;
            }
            Some(outcome) => return Ok(Some(outcome)),
        }
        if keyboard.news().contains(&INTERRUPT) {
            break;
        }
    }
    let after = executed(session);
    if let Some(cpu) = (0..after.len()).find(|&cpu| after[cpu] != before[cpu]) {
        monitor.choose(cpu, &session.guest);
    }
    Ok(None)
}

fn begin_trace(
    session: &mut Session<'_>,
    onlooker: &mut Onlooker,
    mut wishes: Wishes,
    file: Option<&str>,
) -> std::result::Result<(), String> {
    let format = trace::format_of(file.map(Path::new));
    if format == TraceFormat::Perfetto {
        wishes.kinds = wishes.kinds.or(perfetto::least());
    }
    let meta = session.meta("", STRINGS, wishes.kinds);
    let settings = Settings {
        strings: STRINGS,
        lines: true,
        to_file: file.is_some(),
        wishes: wishes.clone(),
        ..Settings::default()
    };
    let sink = open(file)
        .and_then(|out| trace::form(out, format, settings, &meta))
        .map_err(|e| format!("{}: {e}", file.unwrap_or("the terminal")))?;
    onlooker.trace(&mut session.guest, meta, &wishes, sink)
}

/// Where a trace goes.
fn open(file: Option<&str>) -> Result<Box<dyn Write>> {
    Ok(match file {
        None => Box::new(std::io::stdout()),
        Some(name) => Box::new(BufWriter::new(File::create(name)?)),
    })
}

/// Ends a trace whose file can take no more, and says so.
pub fn look_after_trace(session: &mut Session<'_>, onlooker: &mut Onlooker) -> Result<()> {
    if onlooker.trace_failed()
        && let Err(error) = onlooker.end_trace(&mut session.guest)
    {
        say(&format!("\ntrace: {error}; it has ended\n"))?;
    }
    Ok(())
}

/// Ctrl-A p: the guest's processes.
pub fn show_processes(session: &Session<'_>, onlooker: &Onlooker) -> Result<()> {
    let mut text = String::from("\n");
    processes::table(onlooker.tasks(), session.machine.now(), &mut text);
    say(&text)
}

fn say(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
