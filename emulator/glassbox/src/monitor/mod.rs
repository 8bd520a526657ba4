//! The monitor: commands over a machine that stands still, in QEMU's habits. A library without a terminal.
//!
//! [`Monitor::command`] takes a line and gives a [`Reply`]: what to print, and what its keeper is to do next. It has the
//! guest by shared reference, so looking *cannot* change anything; what runs or watches the machine (`step`,
//! `trace on`) is the keeper's to do. [`onlooker`] is the observer that knows the processes and traces on demand;
//! [`processes`] is their table.
//!
//! ```text
//! line ─► mod: which command ─► evaluate: $rsp+8, kernel::main     ┐
//!                               memory: x, xp, print (format)      ├─► Reply { text, next }
//!                               facts: info time, cpus, block …    │
//!                               isa: registers, paging, code …     ┘
//! ```

mod code;
mod evaluate;
mod facts;
mod format;
mod help;
mod isa;
mod memory;
pub mod onlooker;
pub mod processes;
mod riscv64;
mod tlb;
mod x86_64;

use crate::guest::Guest;
use crate::numbers;
use crate::symbols::Symbols;
use crate::trace::expression::{self, Wishes};
use crate::trace::tasks::Tasks;
use evaluate::evaluate;
use format::Format;
use machine::Board;
use std::fmt::Write;

/// The prompt.
pub const PROMPT: &str = "(glassbox) ";

/// Most instructions that one `step` executes.
const MOST_STEPS: u64 = 1_000_000_000;

/// What the keeper of the machine is to do after a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask for the next command.
    Ask,
    /// Let the machine run on.
    Continue,
    /// Leave the machine.
    Quit,
    /// Execute so many instructions ([`Guest::step`]), then show [`Monitor::position`] and ask.
    Step(u64),
    /// Trace these events from now on, to a file or to the terminal.
    Trace {
        /// What to trace.
        wishes: Wishes,
        /// The file's name.
        file: Option<String>,
    },
    /// Trace no more.
    TraceOff,
}

/// What a command says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What to print: whole lines, or nothing. Nothing in it can act on a terminal.
    pub text: String,
    /// What to do.
    pub next: Next,
}

/// What commands look at.
struct View<'a, 'k> {
    guest: &'a Guest,
    tasks: &'a Tasks,
    symbols: &'a Symbols<'k>,
    /// The CPU that was chosen.
    cpu: usize,
}

impl View<'_, '_> {
    /// ` <symbol+0x10>` if `addr` lies in one, else nothing.
    fn label(&self, addr: u64) -> String {
        match self.symbols.place(addr) {
            Some((name, 0)) => format!(" <{name}>"),
            Some((name, offset)) => format!(" <{name}+{offset:#x}>"),
            None => String::new(),
        }
    }
}

/// A conversation with a machine.
pub struct Monitor<'a> {
    symbols: Symbols<'a>,
    cpu: usize,
    /// The last format of `x`, and the address behind what it showed.
    format: Format,
    at: u64,
}

impl<'a> Monitor<'a> {
    /// A conversation about a machine with this kernel.
    pub fn new(kernel: &'a [u8]) -> Self {
        Self {
            symbols: Symbols::new(kernel),
            cpu: 0,
            format: Format::default(),
            at: 0,
        }
    }

    /// Carries out one line.
    pub fn command(&mut self, line: &str, guest: &Guest, tasks: &Tasks) -> Reply {
        let (mut text, next) = match self.run(line.trim(), guest, tasks) {
            Ok(reply) => reply,
            Err(message) => (message, Next::Ask),
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        Reply {
            text: harmless(&text),
            next,
        }
    }

    /// Where the chosen CPU is: the instruction it will execute next.
    pub fn position(&self, guest: &Guest, tasks: &Tasks) -> String {
        let view = self.view(guest, tasks);
        let pc = guest.machine.board.pc(self.cpu);
        let mut text = format!("CPU {} at {} s: ", self.cpu, guest.machine.now());
        code::list(&view, false, pc, 1, &mut text);
        harmless(&text)
    }

    /// From now on the commands are about the CPU with this number, if there is one.
    pub fn choose(&mut self, cpu: usize, guest: &Guest) {
        if cpu < guest.machine.board.cpus() {
            self.cpu = cpu;
        }
    }

    const fn view<'b>(&'b self, guest: &'b Guest, tasks: &'b Tasks) -> View<'b, 'a> {
        View {
            guest,
            tasks,
            symbols: &self.symbols,
            cpu: self.cpu,
        }
    }

    fn run(&mut self, line: &str, guest: &Guest, tasks: &Tasks) -> Result<(String, Next), String> {
        let end = line.find([' ', '\t', '/']).unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        let (format, argument) = match rest.strip_prefix('/') {
            Some(rest) => rest.split_once([' ', '\t']).unwrap_or((rest, "")),
            None => ("", rest),
        };
        let argument = argument.trim();
        if !format.is_empty() && !["x", "xp", "p", "print"].contains(&word) {
            return Err(format!("'{word}' takes no /{format}"));
        }
        let view = self.view(guest, tasks);
        let text = match word {
            "" => String::new(),
            "help" | "?" | "h" => help::help(argument, &guest.machine.board)?,
            "c" | "cont" | "continue" => return Ok((String::new(), Next::Continue)),
            "q" | "quit" => return Ok((String::new(), Next::Quit)),
            "stop" => {
                "the machine stands still while the monitor is open; 'cont' lets it run\n".into()
            }
            "s" | "step" | "si" | "stepi" => {
                let count = match argument {
                    "" => 1,
                    text => evaluate(text, &view)?,
                };
                if !(1..=MOST_STEPS).contains(&count) {
                    return Err(format!("step: 1 to {MOST_STEPS} instructions at a time"));
                }
                return Ok((String::new(), Next::Step(count)));
            }
            "trace" => return trace(argument, guest.machine.board.arch().name()),
            "cpu" => {
                let count = guest.machine.board.cpus();
                let number = evaluate(argument, &view)?;
                if number >= count as u64 {
                    return Err(format!("there is no CPU {number}: 0 to {}", count - 1));
                }
                self.cpu = number as usize;
                String::new()
            }
            "bt" | "backtrace" | "where" => code::backtrace(&view),
            "p" | "print" => memory::print(format, argument, &view)?,
            "x" | "xp" => {
                let format = Format::parse(format, self.format)?;
                let from = match argument {
                    "" => self.at,
                    text => evaluate(text, &view)?,
                };
                let mut text = String::new();
                let at = memory::dump(&view, word == "xp", format, from, &mut text);
                (self.format, self.at) = (format, at);
                text
            }
            "i" | "info" => info(argument, &view)?,
            _ => return Err(format!("unknown command: '{word}'; 'help' lists them")),
        };
        Ok((text, Next::Ask))
    }
}

/// The `info` commands.
fn info(argument: &str, view: &View<'_, '_>) -> Result<String, String> {
    let (what, rest) = argument.split_once(' ').unwrap_or((argument, ""));
    let rest = rest.trim();
    let takes = match what {
        "registers" | "symbol" => true,
        _ => rest.is_empty(),
    };
    if !takes {
        return Err(format!("info {what} takes no argument"));
    }
    let board = &view.guest.machine.board;
    let mut text = String::new();
    match what {
        "registers" => match rest {
            "" => isa::registers(board, view.cpu, &mut text),
            "-a" => {
                for cpu in 0..board.cpus() {
                    isa::registers(board, cpu, &mut text);
                }
            }
            _ => return Err("info registers [-a]".into()),
        },
        "ps" => processes::table(view.tasks, view.guest.machine.now(), &mut text),
        "block" | "disk" => facts::block(view, &mut text),
        "cpus" => facts::cpus(view, &mut text),
        "time" => facts::time(view, &mut text),
        "status" => text.push_str("VM status: paused (monitor)\n"),
        "version" => {
            let _ = writeln!(text, "{}", env!("CARGO_PKG_VERSION"));
        }
        "symbol" if rest.is_empty() => return Err("info symbol ADDR".into()),
        "symbol" => {
            let addr = evaluate(rest, view)?;
            let _ = writeln!(text, "{}", view.symbols.describe(addr));
        }
        "" => return help::help("info", board),
        _ if isa::info(what, view, &mut text) => {}
        _ => return Err(format!("unknown: info {what}; 'help info' lists them")),
    }
    Ok(text)
}

/// `trace on EVENTS [FILE]` and `trace off`.
fn trace(argument: &str, arch: &str) -> Result<(String, Next), String> {
    const USAGE: &str =
        "trace on EVENTS [FILE], or trace off; EVENTS as in 'glassbox trace -e event=EVENTS'";
    let (what, rest) = argument.split_once(' ').unwrap_or((argument, ""));
    let (events, file) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    let next = match what {
        "off" if rest.is_empty() => Next::TraceOff,
        "on" if !events.is_empty() => {
            let key = if events.contains('=') { "" } else { "event=" };
            Next::Trace {
                wishes: expression::parse(numbers::isa(arch), &[format!("{key}{events}")])?,
                file: Some(file.trim().to_owned()).filter(|file| !file.is_empty()),
            }
        }
        _ => return Err(USAGE.into()),
    };
    Ok((String::new(), next))
}

/// The text with every character that could act on a terminal written out, but for line ends and tabs. Names come from
/// the guest and from the kernel's file, which nobody has vouched for.
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' && c != '\t' {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}
