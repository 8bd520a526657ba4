//! NDJSON: one object a line.
//!
//! Every object has `time` (virtual nanoseconds), `cpu`, `pid` and `comm` (the process that this CPU was running) and
//! `event`; then come the event's own fields, from [`events`], by which [`schema()`] describes them, too. [`text`] says
//! how the guest's bytes look.

mod schema;
mod text;

pub use schema::schema;

use super::events::{self, Event};
use super::model::Model;
use super::record::Record;
use super::sink::Sink;
use super::value::Value;
use std::io::{self, Write};

/// A sink that writes NDJSON.
pub struct Json<W: Write> {
    out: W,
    events: Vec<Event>,
    line: Vec<u8>,
}

impl<W: Write> Json<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self {
            out,
            events: events::all(),
            line: Vec::new(),
        }
    }
}

impl<W: Write> Sink for Json<W> {
    fn record(&mut self, record: &Record, model: &Model) -> io::Result<()> {
        let Some(event) = events::of(&self.events, record) else {
            return Ok(());
        };
        let line = &mut self.line;
        line.clear();
        write!(
            line,
            "{{\"time\":{},\"cpu\":{},\"pid\":{},\"comm\":",
            record.time.0, record.cpu, record.pid
        )?;
        let task = model.task(record.pid);
        text::guest(line, task.map_or(b"", |task| &task.comm[..]));
        write!(line, ",\"event\":\"{}\"", event.name)?;
        for field in &event.fields {
            if let Some(content) = field.value(record, model) {
                write!(line, ",\"{}\":", field.name)?;
                value(line, &content)?;
            }
        }
        line.extend_from_slice(b"}\n");
        self.out.write_all(line)
    }

    fn finish(&mut self, _model: &Model) -> io::Result<()> {
        self.out.flush()
    }
}

fn value(line: &mut Vec<u8>, value: &Value<'_>) -> io::Result<()> {
    match value {
        Value::Unsigned(n) => write!(line, "{n}"),
        Value::Signed(n) => write!(line, "{n}"),
        Value::Bool(yes) => write!(line, "{yes}"),
        Value::Hex(n) => write!(line, "\"{n:#x}\""),
        Value::Word(word) => {
            text::plain(line, word);
            Ok(())
        }
        Value::Text(bytes) => {
            text::guest(line, bytes);
            Ok(())
        }
        Value::Words(words) => list(line, words, |line, word| {
            text::plain(line, word);
            Ok(())
        }),
        Value::Hexes(numbers) => list(line, *numbers, |line, n| write!(line, "\"{n:#x}\"")),
        Value::Levels(levels) => list(line, levels, |line, (at, entry)| {
            write!(line, "{{\"address\":\"{at:#x}\",\"entry\":\"{entry:#x}\"}}")
        }),
        Value::Pieces(pieces) => list(line, pieces.pieces(), |line, (at, bytes)| {
            write!(line, "{{\"address\":\"{at:#x}\",\"bytes\":")?;
            text::guest(line, bytes);
            line.push(b'}');
            Ok(())
        }),
    }
}

fn list<T>(
    line: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut one: impl FnMut(&mut Vec<u8>, T) -> io::Result<()>,
) -> io::Result<()> {
    line.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            line.push(b',');
        }
        one(line, item)?;
    }
    line.push(b']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::kind::index_of;
    use crate::trace::memory::Memory;
    use crate::trace::model::Meta;
    use crate::trace::record::Body;
    use base::event::{Access, Cause, PROBE_ARGS, Path, Walked};
    use base::{Phys, Time, Virt};

    /// The line that a record becomes.
    fn line(body: Body) -> String {
        let meta = Meta {
            arch: "x86_64".into(),
            ..Meta::default()
        };
        let mut out = Vec::new();
        let record = Record {
            time: Time(1_500),
            cpu: 1,
            pid: 3,
            body,
        };
        Json::new(&mut out)
            .record(&record, &Model::new(meta))
            .unwrap();
        String::from_utf8(out).unwrap()
    }

    fn kernel(name: &str, args: &[u64], texts: Vec<(u8, Vec<u8>)>) -> Body {
        let mut all = [0; PROBE_ARGS];
        all[..args.len()].copy_from_slice(args);
        Body::Kernel {
            probe: index_of(name) as u8,
            pc: 0,
            args: all,
            texts,
        }
    }

    const CONTEXT: &str = r#"{"time":1500,"cpu":1,"pid":3,"comm":"","event":"#;

    #[test]
    fn a_page_fault_says_what_and_why() {
        let body = Body::Trap {
            cause: Cause::Exception,
            number: 14,
            error: Some(6),
            address: Some(0x1000),
            from: 0x40_0000,
            to: 0xffff_ffff_8000_0000,
            user: true,
            depth: 0,
        };
        let rest = r##""trap","cause":"exception","number":14,"name":"#PF","error_code":"0x6","reasons":["not_present","write","user"],"address":"0x1000","from":"0x400000","to":"0xffffffff80000000","user":true,"depth":0}"##;
        assert_eq!(line(body), format!("{CONTEXT}{rest}\n"));
    }

    #[test]
    fn a_walk_has_its_levels_and_its_end() {
        let mut path = Path::default();
        path.push(Phys(0x1ff8), 0x2003);
        path.push(Phys(0x2000), 0x83);
        let walk = |end| Body::PageWalk {
            virt: 0x5000,
            access: Access::Read,
            user: false,
            path,
            end,
        };
        let begin = r#""page_walk","virt":"0x5000","access":"read","user":false,"levels":[{"address":"0x1ff8","entry":"0x2003"},{"address":"0x2000","entry":"0x83"}],"#;
        let mapped = Walked::Mapped {
            phys: Phys(0x5000),
            size: 21,
            replaced: Some(Virt(0x9000)),
        };
        assert_eq!(
            line(walk(mapped)),
            format!(
                "{CONTEXT}{begin}\"phys\":\"0x5000\",\"page_size\":2097152,\"evicted\":\"0x9000\"}}\n"
            )
        );
        assert_eq!(
            line(walk(Walked::Fault(1))),
            format!(
                "{CONTEXT}{begin}\"fault\":\"0x1\",\"reasons\":[\"protection\",\"read\",\"kernel\"]}}\n"
            )
        );
    }

    #[test]
    fn a_kernel_events_own_process_is_not_the_one_that_runs() {
        let body = kernel(
            "sched_wakeup",
            &[7, 0, 3, 0, 1],
            vec![(3, b"pipe_\xff".to_vec())],
        );
        let rest = r#""sched_wakeup","target_pid":7,"target_cpu":0,"waker_pid":3,"wait":"pipe_\\xff","irq":1}"#;
        assert_eq!(line(body), format!("{CONTEXT}{rest}\n"));
    }

    #[test]
    fn numbers_of_the_kernels_are_told_in_words() {
        let body = kernel(
            "sched_switch",
            &[3, 3, 2, 0, 77, 0],
            vec![(3, b"wait4".to_vec())],
        );
        let rest = r#""sched_switch","prev_pid":3,"prev_state":"sleeping","reason":"blocked","wait":"wait4","next_pid":77,"next_comm":""}"#;
        assert_eq!(line(body), format!("{CONTEXT}{rest}\n"));

        let body = kernel("process_exit", &[3, 11], Vec::new());
        let rest = r#""process_exit","target_pid":3,"status":"0xb","killed_by":"SIGSEGV"}"#;
        assert_eq!(line(body), format!("{CONTEXT}{rest}\n"));

        let body = kernel("page_fault", &[3, 0x1000, 4, 99, -14i64 as u64], Vec::new());
        let rest = r#""page_fault","target_pid":3,"address":"0x1000","error_code":"0x4","reasons":["not_present","read","user"],"kind":"99","result":-14,"error":"EFAULT"}"#;
        assert_eq!(line(body), format!("{CONTEXT}{rest}\n"));
    }

    #[test]
    fn calls_have_names_arguments_and_memory() {
        let body = Body::SysEnter {
            number: 257,
            args: [-100i64 as u64, 0x40_1000, 0, 0, 0, 0],
            memory: [(0x40_1000, &b"/etc\0"[..])].into_iter().collect(),
        };
        let rest = r#""sys_enter","number":257,"name":"openat","args":["0xffffffffffffff9c","0x401000","0x0","0x0","0x0","0x0"],"memory":[{"address":"0x401000","bytes":"/etc\u0000"}]}"#;
        assert_eq!(line(body), format!("{CONTEXT}{rest}\n"));

        let body = Body::SysExit {
            number: 999,
            result: -38,
            memory: Memory::default(),
        };
        let rest = r#""sys_exit","number":999,"result":-38,"error":"ENOSYS","memory":[]}"#;
        assert_eq!(line(body), format!("{CONTEXT}{rest}\n"));
    }
}
