//! `glassbox trace`: what happens inside while a shell line runs, or did while one was recorded.

use super::options::{TraceFormat, TraceOptions};
use super::replay::Asked;
use super::run::drive;
use super::session::Session;
use super::{Failure, print};
use crate::numbers;
use crate::symbols::Symbols;
use crate::trace::edge::{self, Named};
use crate::trace::events;
use crate::trace::expression::{self, Wishes};
use crate::trace::file::{Reader, Writer};
use crate::trace::ftrace::Ftrace;
use crate::trace::json::{self, Json};
use crate::trace::kind::{Kind, Kinds};
use crate::trace::map::{self, Map};
use crate::trace::meaning::{Meaning, watches};
use crate::trace::model::Meta;
use crate::trace::perfetto::{self, Perfetto};
use crate::trace::pipe::Pipe;
use crate::trace::recorder::Recorder;
use crate::trace::select::{Edge, Select};
use crate::trace::sink::Sink;
use crate::trace::strace::{Settings, Stamps, Strace};
use crate::trace::syscall::MOST_STRINGS;
use abi::isa::Isa;
use machine::{Board, Watch};
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

/// The process that starts the line.
const INIT: u32 = 1;

/// Runs the command.
pub fn trace(options: &TraceOptions) -> Result<u8, Failure> {
    if options.map_help {
        print(map::HELP)?;
        return Ok(0);
    }
    if options.events {
        print(events::list())?;
        return Ok(0);
    }
    if options.schema {
        print(json::schema())?;
        return Ok(0);
    }
    if options.explain {
        return super::explain::explain(options);
    }
    match &options.read {
        Some(path) => read(options, path),
        None => record(options),
    }
}

/// What the expressions say of a machine with this instruction set.
fn wishes(options: &TraceOptions, isa: Isa) -> Result<Wishes, Failure> {
    expression::parse(isa, &options.expressions).map_err(Failure::usage)
}

/// What the options say of the part that is shown. Edges at symbols are for the caller, who knows the kernel.
fn select(options: &TraceOptions, wishes: &Wishes) -> Result<Select, Failure> {
    let range = |text: &String| {
        edge::addresses(text).map_err(|e| Failure::usage(format!("--address: {e}")))
    };
    Ok(Select {
        kinds: kinds(options, wishes),
        calls: wishes.calls.clone(),
        cpus: options.cpu.iter().copied().collect(),
        pids: options.pids.iter().copied().collect(),
        addresses: options.address.as_ref().map(range).transpose()?,
        ..Select::default()
    })
}

/// The kinds of records to show. A picture is more than its user needs to name.
fn kinds(options: &TraceOptions, wishes: &Wishes) -> Kinds {
    match chosen(options) {
        TraceFormat::Perfetto if !wishes.names_events => wishes.kinds.or(perfetto::kinds()),
        TraceFormat::Perfetto => wishes.kinds.or(perfetto::least()),
        _ => wishes.kinds,
    }
}

/// The edges as the options name them.
fn edges(options: &TraceOptions) -> Result<[Option<Named>; 2], Failure> {
    let named = |option: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => edge::parse(text)
            .map(Some)
            .map_err(|e| Failure::usage(format!("{option}: {e}"))),
    };
    Ok([named("--from", &options.from)?, named("--to", &options.to)?])
}

/// What the recorder has to look out for, gathered.
#[derive(Default)]
struct Lookout {
    watches: Vec<Watch>,
    meanings: Vec<Meaning>,
}

impl Lookout {
    /// The kernel's own probes as far as they are needed, and those of the user's map.
    fn new(options: &TraceOptions, session: &Session<'_>, needed: Kinds) -> Result<Self, Failure> {
        let sites = session.machine.board.sites();
        let (watches, meanings) = watches(sites, |kind| needed.has(kind));
        let mut lookout = Self { watches, meanings };
        if let Some(path) = &options.map {
            let text = std::fs::read_to_string(path).map_err(|e| Failure::file(path, e))?;
            let map = Map::parse(&text).map_err(|e| Failure::file(path, e))?;
            let symbols = Symbols::new(&session.kernel);
            let first = lookout.meanings.len() as u32;
            let resolved = map
                .resolve(first, &|name| symbols.find(name))
                .map_err(|e| Failure::file(path, e))?;
            lookout.watches.extend(resolved.watches);
            lookout.meanings.extend(resolved.meanings);
        }
        Ok(lookout)
    }

    /// An edge, watched for if it is a place.
    fn edge(&mut self, named: Option<Named>, kernel: &[u8]) -> Result<Option<Edge>, Failure> {
        Ok(match named {
            None => None,
            Some(Named::Time(time)) => Some(Edge::Time(time)),
            Some(Named::Text(text)) => Some(Edge::Text(text)),
            Some(Named::Symbol(name)) => {
                let address = Symbols::new(kernel).find(&name).ok_or_else(|| {
                    Failure::input(format!("the kernel has no function '{name}', or several"))
                })?;
                let site = self.meanings.len() as u32;
                self.watches.push(Watch {
                    address,
                    site,
                    arguments: Vec::new(),
                });
                self.meanings.push(Meaning::Edge);
                Some(Edge::Site(site))
            }
        })
    }
}

fn record(options: &TraceOptions) -> Result<u8, Failure> {
    let asked = Asked::new(&options.machine, &options.again, &options.line)?;
    let wishes = &wishes(options, numbers::isa(asked.machine().arch.name()))?;
    let line = asked.line.clone();
    let mut session = asked.session()?;
    let mut select = select(options, wishes)?;
    let [from, to] = edges(options)?;
    let mut lookout = Lookout::new(options, &session, select.needed())?;
    select.from = lookout.edge(from, &session.kernel)?;
    select.to = lookout.edge(to, &session.kernel)?;
    let needed = select.needed();
    session
        .machine
        .board
        .watch(&lookout.watches, needed.has(Kind::INSTRUCTION))
        .map_err(|e| match &options.map {
            Some(path) => Failure::file(path, e),
            None => Failure::input(e.to_string()),
        })?;
    let meta = session.meta(&line, options.strings.min(MOST_STRINGS), needed);
    let sink = sink(options, wishes, &meta)?;
    let pipe = Pipe::new(meta, select, sink);
    let mut recorder = Recorder::new(pipe, lookout.meanings, asked.machine().cpus);
    recorder.know(session.sites());
    let outcome = drive(&mut session, &mut recorder)
        .map_err(|e| Failure::input(format!("standard output: {e}")))?;
    let traced = recorder.finish().map_err(|e| written(options, e));
    let status = session.finish(&outcome)?;
    traced.map(|()| status)
}

fn read(options: &TraceOptions, path: &Path) -> Result<u8, Failure> {
    let file = File::open(path).map_err(|e| Failure::file(path, e))?;
    let mut reader = Reader::new(BufReader::new(file)).map_err(|e| Failure::file(path, e))?;
    let meta = reader.meta().clone();
    let wishes = &wishes(options, meta.isa())?;
    let sink = sink(options, wishes, &meta)?;
    let mut select = select(options, wishes)?;
    let no_symbols = |named| match named {
        Some(Named::Symbol(_)) => Err(Failure::usage(
            "symbol: edges belong to recording; a recorded trace takes times and text: edges",
        )),
        Some(Named::Time(time)) => Ok(Some(Edge::Time(time))),
        Some(Named::Text(text)) => Ok(Some(Edge::Text(text))),
        None => Ok(None),
    };
    let [from, to] = edges(options)?;
    (select.from, select.to) = (no_symbols(from)?, no_symbols(to)?);
    let mut pipe = Pipe::new(meta, select, sink);
    let end = loop {
        match reader.next_record() {
            Ok(Some(record)) => pipe.record(&record),
            Ok(None) => break Ok(()),
            Err(error) => break Err(Failure::file(path, error)),
        }
        if pipe.is_over() {
            break Ok(());
        }
    };
    pipe.finish().map_err(|e| written(options, e))?;
    end.map(|()| 0)
}

fn written(options: &TraceOptions, error: std::io::Error) -> Failure {
    match &options.output {
        Some(path) => Failure::file(path, error),
        None => Failure::input(format!("standard error: {error}")),
    }
}

/// Where the trace goes, in the form that the options or the file's name say.
fn sink(options: &TraceOptions, wishes: &Wishes, meta: &Meta) -> Result<Box<dyn Sink>, Failure> {
    let format = chosen(options);
    if format == TraceFormat::Perfetto && options.output.is_none() {
        let error = "--format perfetto writes no text: say -o FILE.pftrace";
        return Err(Failure::usage(error));
    }
    let out: Box<dyn Write> = match &options.output {
        Some(path) => Box::new(BufWriter::new(
            File::create(path).map_err(|e| Failure::file(path, e))?,
        )),
        None => Box::new(BufWriter::new(std::io::stderr())),
    };
    form(out, format, settings(options, wishes), meta).map_err(|e| written(options, e))
}

/// A sink of this form.
///
/// # Errors
/// `out` cannot take what stands at the head of a recorded trace.
pub fn form(
    out: Box<dyn Write>,
    format: TraceFormat,
    settings: Settings,
    meta: &Meta,
) -> std::io::Result<Box<dyn Sink>> {
    let walks = settings.wishes.kinds.has(Kind::PAGE_WALK);
    Ok(match format {
        TraceFormat::Gbt => Box::new(Writer::new(out, meta)?),
        TraceFormat::Strace => Box::new(Strace::new(out, settings)),
        TraceFormat::Ftrace => Box::new(Ftrace::new(out)),
        TraceFormat::Perfetto => Box::new(Perfetto::new(out, walks)),
        _ => Box::new(Json::new(out)),
    })
}

/// What the options say of strace's text.
fn settings(options: &TraceOptions, wishes: &Wishes) -> Settings {
    Settings {
        strings: options.strings,
        stamps: Stamps {
            clock: options.timestamps,
            relative: options.relative,
        },
        times: options.syscall_times,
        paths: options.paths || wishes.paths,
        lines: !options.summary_only,
        table: options.summary || options.summary_only,
        to_file: options.output.is_some(),
        pids: options.pids.iter().copied().collect(),
        // strace shows the command and its children, not who started it.
        hidden: [INIT].into(),
        wishes: wishes.clone(),
    }
}

/// The form of the trace.
fn chosen(options: &TraceOptions) -> TraceFormat {
    let named = || format_of(options.output.as_deref());
    options.format.unwrap_or_else(named)
}

/// The form of a trace to a file of this name, or to the terminal.
pub fn format_of(output: Option<&Path>) -> TraceFormat {
    let extension = output.and_then(Path::extension);
    match extension.and_then(|e| e.to_str()) {
        Some("gbt") => TraceFormat::Gbt,
        Some("json" | "ndjson" | "jsonl") => TraceFormat::Json,
        Some("pftrace" | "perfetto" | "perfetto-trace") => TraceFormat::Perfetto,
        _ => TraceFormat::Strace,
    }
}
