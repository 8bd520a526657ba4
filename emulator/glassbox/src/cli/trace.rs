//! `glassbox trace`: what happens inside while a shell line runs, or did while one was recorded.

use super::Failure;
use super::options::{TraceFormat, TraceOptions};
use super::run::drive;
use super::session::Session;
use crate::trace::expression::{self, Wishes};
use crate::trace::file::{Reader, Writer};
use crate::trace::json::Json;
use crate::trace::model::Meta;
use crate::trace::pipe::Pipe;
use crate::trace::recorder::{Recorder, watches};
use crate::trace::select::Select;
use crate::trace::sink::Sink;
use machine::Board;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

/// Runs the command.
pub fn trace(options: &TraceOptions) -> Result<u8, Failure> {
    if options.explain {
        return super::explain::explain(options);
    }
    let wishes = expression::parse(&options.expressions).map_err(Failure::usage)?;
    match &options.read {
        Some(path) => read(options, &wishes, path),
        None => record(options, &wishes),
    }
}

/// What the options say of the part that is shown.
fn select(options: &TraceOptions, wishes: &Wishes) -> Select {
    Select {
        kinds: wishes.kinds,
        calls: wishes.calls.clone(),
        cpus: options.cpu.iter().copied().collect(),
        pids: options.pids.iter().copied().collect(),
        ..Select::default()
    }
}

fn record(options: &TraceOptions, wishes: &Wishes) -> Result<u8, Failure> {
    let line = options.line.join(" ");
    let mut session = Session::new(&options.machine, Some(&line))?;
    let select = select(options, wishes);
    let needed = select.needed();
    let (watches, meanings) = watches(session.machine.board.sites(), |kind| needed.has(kind));
    session
        .machine
        .board
        .watch(&watches, needed.has(crate::trace::kind::Kind::INSTRUCTION))
        .map_err(|e| Failure::input(e.to_string()))?;
    let meta = Meta {
        arch: options.machine.arch.name().to_owned(),
        cpus: options.machine.cpus as u8,
        line,
        kernel: String::new(),
        strings: options.strings,
        events: needed.iter().map(|kind| kind.name().to_owned()).collect(),
    };
    let sink = sink(options, &meta)?;
    let pipe = Pipe::new(meta, select, sink);
    let mut recorder = Recorder::new(pipe, meanings, options.machine.cpus);
    let outcome = drive(&mut session, &mut recorder)
        .map_err(|e| Failure::input(format!("standard output: {e}")))?;
    recorder.finish().map_err(|e| written(options, e))?;
    session.finish(&outcome)
}

fn read(options: &TraceOptions, wishes: &Wishes, path: &Path) -> Result<u8, Failure> {
    let file = File::open(path).map_err(|e| Failure::file(path, e))?;
    let mut reader = Reader::new(BufReader::new(file)).map_err(|e| Failure::file(path, e))?;
    let meta = reader.meta().clone();
    let sink = sink(options, &meta)?;
    let mut pipe = Pipe::new(meta, select(options, wishes), sink);
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
fn sink(options: &TraceOptions, meta: &Meta) -> Result<Box<dyn Sink>, Failure> {
    let out: Box<dyn Write> = match &options.output {
        Some(path) => Box::new(BufWriter::new(
            File::create(path).map_err(|e| Failure::file(path, e))?,
        )),
        None => Box::new(BufWriter::new(std::io::stderr())),
    };
    Ok(match format(options) {
        TraceFormat::Gbt => Box::new(Writer::new(out, meta).map_err(|e| written(options, e))?),
        _ => Box::new(Json::new(out)),
    })
}

/// The form of the trace.
fn format(options: &TraceOptions) -> TraceFormat {
    let extension = options.output.as_ref().and_then(|path| path.extension());
    options
        .format
        .unwrap_or_else(|| match extension.and_then(|e| e.to_str()) {
            Some("gbt") => TraceFormat::Gbt,
            Some("json" | "ndjson" | "jsonl") => TraceFormat::Json,
            Some("pftrace" | "perfetto" | "perfetto-trace") => TraceFormat::Perfetto,
            _ => TraceFormat::Strace,
        })
}
