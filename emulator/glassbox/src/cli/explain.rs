//! `glassbox trace --explain`: the life of one system call, from two runs of the same line.
//!
//! The first run is the user's: its output is shown, its input is kept. It finds the call. The second gets the same
//! input, shows nothing, is watched closely while the call lasts, and ends with it.

use super::options::{MachineOptions, TraceOptions};
use super::run::{STDIN, drive_with};
use super::session::{Session, calendar, parse_put};
use super::{Failure, images, stdin};
use crate::symbols::{Registers, Symbols};
use crate::trace::explain::census::{Census, CensusSink, Found, Wish, missing};
use crate::trace::explain::code::Code;
use crate::trace::explain::isa::{self, Isa};
use crate::trace::explain::page::{self, Heading};
use crate::trace::explain::source::Sources;
use crate::trace::explain::story::{Story, StorySink};
use crate::trace::explain::text::Style;
use crate::trace::kind::Kinds;
use crate::trace::meaning::watches;
use crate::trace::pipe::Pipe;
use crate::trace::recorder::Recorder;
use crate::trace::select::Select;
use crate::trace::sink::Sink;
use base::{Time, Width};
use machine::{Board, Limits, Outcome};
use std::cell::RefCell;
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::rc::Rc;

/// Most bytes of the guest's standard input that are kept for the second run.
const MOST_INPUT: usize = 64 << 20;
/// Most callers of a program's function that are looked for, and words of its stack in which they are.
const MOST_CALLERS: usize = 16;
const STACK_WORDS: u64 = 1 << 13;
/// Instructions are watched from this long before the process wakes, so that who wakes it is seen coming.
const BEFORE: Time = Time::micros(100);
/// And until this long after it has gone to sleep.
const AFTER: Time = Time::micros(2);
/// Watching pauses only for sleeps that last longer than this.
const PAUSE: Time = Time::millis(1);

/// Runs the command.
pub fn explain(options: &TraceOptions) -> Result<u8, Failure> {
    if options.read.is_some() {
        return Err(Failure::usage(
            "--explain watches a line while it runs; a recorded trace does not have each instruction",
        ));
    }
    let wish = match &options.call {
        Some(text) => Wish::parse(text).map_err(Failure::usage)?,
        None => Wish::Slowest,
    };
    let isa = isa::by_name(options.machine.arch.name()).ok_or_else(|| {
        Failure::usage(format!(
            "--explain does not know {}",
            options.machine.arch.name()
        ))
    })?;
    // Both runs have the same calendar, even if the user wants that of today.
    let mut machine = options.machine.clone();
    machine.rtc = Some(calendar(&machine)?.to_string());
    let line = options.line.join(" ");

    let mut first = Session::new(&machine, Some(&line))?;
    let lacks = missing(|name| first.machine.board.sites().iter().any(|s| s.name == name));
    if !lacks.is_empty() {
        return Err(Failure::input(format!(
            "--explain follows a call by what the kernel tells; this kernel has no probes for {}",
            lacks.join(", ")
        )));
    }
    // Built before the first run's end can write anything back.
    let second = Session::new(&machine, Some(&line))?;
    let census = Rc::new(RefCell::new(Census::new(wish)));
    let mut recorder = recorder(
        &mut first,
        options,
        Census::kinds(),
        Box::new(CensusSink(census.clone())),
    )?;
    let mut input = Kept::default();
    let outcome = drive_with(&mut first, &mut recorder, |capacity| input.read(capacity))
        .map_err(|e| Failure::input(format!("standard output: {e}")))?;
    recorder
        .finish()
        .map_err(|e| Failure::input(e.to_string()))?;
    let told = census
        .borrow()
        .result()
        .map_err(Failure::usage)
        .and_then(|(found, of)| tell(options, &machine, isa, second, &found, of, &input));
    let status = first.finish(&outcome)?;
    told.map(|()| status)
}

/// The guest's standard input, as it was portioned.
#[derive(Default)]
struct Kept {
    portions: Vec<Vec<u8>>,
    bytes: usize,
}

impl Kept {
    fn read(&mut self, capacity: usize) -> Vec<u8> {
        let portion = stdin::portion(capacity);
        self.bytes = self.bytes.saturating_add(portion.len());
        if self.bytes <= MOST_INPUT {
            self.portions.push(portion.clone());
        }
        portion
    }
}

fn recorder(
    session: &mut Session<'_>,
    options: &TraceOptions,
    kinds: Kinds,
    sink: Box<dyn Sink>,
) -> Result<Recorder, Failure> {
    let select = Select {
        kinds,
        ..Select::default()
    };
    let needed = select.needed();
    let (watches, meanings) = watches(session.machine.board.sites(), |kind| needed.has(kind));
    session
        .machine
        .board
        .watch(&watches, false)
        .map_err(|e| Failure::input(e.to_string()))?;
    let meta = session.meta(&options.line.join(" "), options.strings, needed);
    let pipe = Pipe::new(meta, select, sink);
    Ok(Recorder::new(pipe, meanings, options.machine.cpus))
}

/// Runs the line again up to the end of `found`, and explains it.
fn tell(
    options: &TraceOptions,
    machine: &MachineOptions,
    isa: &'static Isa,
    mut session: Session<'_>,
    found: &Found,
    of: u64,
    input: &Kept,
) -> Result<(), Failure> {
    let kernel = std::mem::take(&mut session.kernel);
    let symbols = Symbols::new(&kernel);
    let code = Code::new(isa, &kernel, symbols.functions());
    let cpus = options.machine.cpus as u8;
    let story = Rc::new(RefCell::new(Story::new(
        found.clone(),
        code,
        cpus,
        options.strings,
    )));
    let kinds = Kinds::all().or(Kinds::named("instruction").unwrap_or_default());
    let sink = Box::new(StorySink(story.clone()));
    let recorder = recorder(&mut session, options, kinds, sink)?;
    let mut replay = Replay {
        session,
        recorder,
        input: input.portions.iter(),
        cut: input.bytes > MOST_INPUT,
        starved: false,
        over: false,
    };
    let caller = replay.run(found, isa);
    let mut story = story.borrow_mut();
    story.stop(replay.session.machine.now());
    if replay.starved {
        return Err(Failure::input(format!(
            "--explain runs the line twice and keeps its standard input for that, but no more than {} MiB",
            MOST_INPUT >> 20
        )));
    }
    if !story.was_met() {
        return Err(Failure::input(
            "the second run is not the first: do the files that the options name change meanwhile?",
        ));
    }
    let programs = Programs { options: machine };
    let pc = story.called_from().wrapping_sub(isa.call_bytes);
    let elf = story
        .program
        .as_deref()
        .and_then(|path| programs.read(path));
    let program = elf.as_deref().map(Symbols::new);
    let elf = story.after.as_deref().and_then(|path| programs.read(path));
    let after = elf.as_deref().map(Symbols::new);
    let callers = program
        .as_ref()
        .map(|program| caller.callers(program, pc))
        .unwrap_or_default();
    let sources = Sources::new(
        isa,
        &symbols,
        program.as_ref(),
        after.as_ref().or(program.as_ref()),
        callers,
    );
    let chosen = match options.call {
        Some(_) => String::new(),
        None => format!("the slowest of the line's {of} calls, those that wait for a child aside"),
    };
    let heading = Heading {
        line: &options.line.join(" "),
        chosen: &chosen,
        cpus: options.machine.cpus,
    };
    let colour = options.output.is_none()
        && std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let style = Style { colour };
    let written = match &options.output {
        Some(path) => File::create(path).and_then(|file| {
            let mut out = BufWriter::new(file);
            page::write(&mut out, &story, &sources, &heading, style)?;
            out.flush()
        }),
        None => {
            let mut text = Vec::new();
            page::write(&mut text, &story, &sources, &heading, style)
                .and_then(|()| std::io::stderr().lock().write_all(&text))
        }
    };
    written.map_err(|e| match &options.output {
        Some(path) => Failure::file(path, e),
        None => Failure::input(format!("standard error: {e}")),
    })
}

/// The program's stack when it called: its registers and what lay there.
struct UserStack {
    registers: Registers,
    start: u64,
    words: Vec<u64>,
}

impl UserStack {
    /// Addresses in the functions that had called each other, the innermost first.
    fn callers(&self, program: &Symbols<'_>, pc: u64) -> Vec<u64> {
        let memory = |addr: u64| {
            let index = addr.checked_sub(self.start)? / 8;
            self.words.get(usize::try_from(index).ok()?).copied()
        };
        let mut callers = Vec::new();
        let mut registers = Registers {
            pc,
            ..self.registers.clone()
        };
        while callers.len() < MOST_CALLERS
            && let Some(caller) = program.caller(&registers, &memory)
        {
            callers.push(caller.pc);
            registers = caller;
        }
        callers
    }
}

/// Where the ELF files of the guest's programs are on the host.
struct Programs<'a> {
    options: &'a MachineOptions,
}

impl Programs<'_> {
    /// The file of the program at a guest's path, if it is one of ours or came with `--put`.
    fn read(&self, path: &[u8]) -> Option<Vec<u8>> {
        let path = std::str::from_utf8(path).ok()?;
        let name = path.rsplit('/').next()?;
        let put = parse_put(&self.options.put).unwrap_or_default();
        let put = put
            .into_iter()
            .find(|(_, guest)| guest.rsplit(|b| *b == b'/').next() == Some(name.as_bytes()));
        let host = match put {
            Some((host, _)) => host,
            None if name.is_empty() || name == "." || name == ".." => return None,
            None => images::find(self.options.arch, &format!("symbols/{name}")).ok()?,
        };
        std::fs::read(host).ok()
    }
}

/// The second run.
struct Replay<'a, 'b> {
    session: Session<'a>,
    recorder: Recorder,
    input: std::slice::Iter<'b, Vec<u8>>,
    /// Whether that is not all of the first run's input, and whether the second one wanted more.
    cut: bool,
    starved: bool,
    over: bool,
}

impl Replay<'_, '_> {
    /// Runs to the end of `found`; gives what the program left behind when it called.
    fn run(&mut self, found: &Found, isa: &Isa) -> UserStack {
        self.until(found.begin - AFTER, false);
        // One instruction after the other, up to the kernel's first: the program's registers are still there.
        let cpu = usize::from(found.cpu);
        self.watch(true);
        while !self.over && self.session.machine.now() < found.begin {
            self.until(self.session.machine.now() + Time(1), true);
        }
        while !self.over
            && self.session.machine.board.user(cpu)
            && self.session.machine.now() < found.enter
        {
            self.until(self.session.machine.now() + Time(1), true);
        }
        let stack = self.stack(cpu, isa);
        for (from, to) in watched(found) {
            self.until(from, false);
            self.until(to, true);
        }
        // The last record leaves with the instruction behind it.
        let _ = self.recorder.finish();
        stack
    }

    fn watch(&mut self, instructions: bool) {
        let board = &mut self.session.machine.board;
        let (watches, _) = watches(board.sites(), |_| true);
        // The registers that the probes name were there a moment ago.
        let _ = board.watch(&watches, instructions);
    }

    /// Runs up to `time`, watching each instruction or not.
    fn until(&mut self, time: Time, instructions: bool) {
        let now = self.session.machine.now();
        if self.over || now >= time {
            return;
        }
        self.watch(instructions);
        let limits = Limits {
            time,
            ..Limits::default()
        };
        loop {
            match self.session.machine.run(&limits, &mut self.recorder) {
                Outcome::TimeUp => return,
                Outcome::Input { port, .. } => {
                    let portion = (port == STDIN).then(|| self.input.next()).flatten();
                    if port == STDIN && portion.is_none() && self.cut {
                        (self.starved, self.over) = (true, true);
                        return;
                    }
                    let portion = portion.map(Vec::as_slice).unwrap_or_default();
                    self.session.machine.supply(port, portion);
                }
                _ => {
                    self.over = true;
                    return;
                }
            }
            let _ = self.session.machine.board.take_output();
        }
    }

    /// The registers of CPU number `cpu` and what lies on its stack.
    fn stack(&self, cpu: usize, isa: &Isa) -> UserStack {
        let board = &self.session.machine.board;
        let mut registers = Registers {
            stack_pointer: isa.dwarf.0,
            return_address: isa.dwarf.1,
            ..Registers::default()
        };
        for (value, number) in board.regs(cpu).iter().zip(isa.general) {
            registers.values[usize::from(*number)] = Some(*value);
        }
        let start = registers.values[usize::from(isa.dwarf.0)].unwrap_or(0);
        let words = (0..STACK_WORDS)
            .map_while(|word| board.peek(cpu, start.checked_add(8 * word)?, Width::B8))
            .collect();
        UserStack {
            registers,
            start,
            words,
        }
    }
}

/// The stretches of the call in which every instruction is watched.
fn watched(found: &Found) -> Vec<(Time, Time)> {
    let mut stretches: Vec<(Time, Time)> = Vec::new();
    for &(from, to) in &found.awake {
        let (from, to) = ((from - BEFORE).max(found.begin), to + AFTER);
        match stretches.last_mut() {
            Some(last) if from <= last.1 + PAUSE => last.1 = to,
            _ => stretches.push((from, to)),
        }
    }
    stretches
}
