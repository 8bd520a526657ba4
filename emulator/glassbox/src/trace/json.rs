//! NDJSON: one object a line.

use super::kind::{Kind, cause_name};
use super::model::Model;
use super::record::{Body, Record};
use super::sink::Sink;
use serde_json::{Value, json};
use std::io::{self, Write};

/// A sink that writes NDJSON.
pub struct Json<W: Write> {
    out: W,
}

impl<W: Write> Json<W> {
    /// Writes to `out`.
    pub const fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> Sink for Json<W> {
    fn record(&mut self, record: &Record, model: &Model) -> io::Result<()> {
        let mut object = json!({
            "time": record.time.0,
            "cpu": record.cpu,
            "pid": record.pid,
            "comm": model.comm(record.pid),
            "event": Kind::of(&record.body).name(),
        });
        fields(&record.body, &mut object);
        serde_json::to_writer(&mut self.out, &object)?;
        self.out.write_all(b"\n")
    }

    fn finish(&mut self, _model: &Model) -> io::Result<()> {
        self.out.flush()
    }
}

fn fields(body: &Body, object: &mut Value) {
    match body {
        Body::Trap {
            cause,
            number,
            from,
            to,
            user,
            ..
        } => {
            object["cause"] = cause_name(*cause).into();
            object["number"] = (*number).into();
            object["from"] = (*from).into();
            object["to"] = (*to).into();
            object["user"] = (*user).into();
        }
        Body::SysEnter { number, args, .. } => {
            object["number"] = (*number).into();
            object["args"] = (*args).into();
        }
        Body::SysExit { number, result, .. } => {
            object["number"] = (*number).into();
            object["result"] = (*result).into();
        }
        Body::Kernel { probe, args, .. } => {
            for ((name, _), value) in abi::probe::PROBES[usize::from(*probe)]
                .args
                .iter()
                .zip(args)
            {
                object[*name] = (*value).into();
            }
        }
        _ => {}
    }
}
