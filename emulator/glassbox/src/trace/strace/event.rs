//! Lines for records that are no system calls. strace has nothing like them; a `~~~` marks them, as it marks signals
//! with `---` and ends with `+++`, and the fields are shown as it shows structures.

use crate::trace::kind::{Kind, cause_name};
use crate::trace::model::Model;
use crate::trace::record::{Body, Record};
use crate::trace::syscall::calls;
use crate::trace::syscall::text::{Quote, hex, quote, signal_name};
use abi::Errno;
use abi::probe::{self, FAULTS, PROBES, REASONS, STATES};
use base::Space;
use base::event::{Access, DiskOp, Flush, Path, Walked};
use std::fmt::Display;

/// Fields in order.
#[derive(Default)]
struct Fields(Vec<String>);

impl Fields {
    fn add(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.0.push(format!("{name}={value}"));
        self
    }
}

/// The line for a record. On a machine of several CPUs it says which one.
pub fn text(record: &Record, model: &Model) -> String {
    let mut fields = Fields::default();
    body(&record.body, &mut fields);
    let name = Kind::of(&record.body).name();
    let cpu = match model.meta.cpus {
        0 | 1 => String::new(),
        _ => format!(" cpu={}", record.cpu),
    };
    format!("~~~ {name} {{{}}}{cpu} ~~~", fields.0.join(", "))
}

fn quoted(bytes: &[u8]) -> String {
    let mut text = String::new();
    quote(bytes, Quote::Text, &mut text);
    text
}

fn body(body: &Body, fields: &mut Fields) {
    match body {
        Body::Trap {
            cause,
            number,
            error,
            address,
            from,
            to,
            user,
            depth,
        } => {
            fields
                .add("cause", cause_name(*cause))
                .add("number", number);
            if let Some(error) = error {
                fields.add("error", hex((*error).into()));
            }
            if let Some(address) = address {
                fields.add("address", hex(*address));
            }
            fields
                .add("from", hex(*from))
                .add("to", hex(*to))
                .add("user", user)
                .add("depth", depth);
        }
        Body::Return {
            from,
            to,
            user,
            depth,
        } => {
            fields
                .add("from", hex(*from))
                .add("to", hex(*to))
                .add("user", user)
                .add("depth", depth);
        }
        Body::PageWalk {
            virt,
            access,
            user,
            path,
            end,
        } => {
            let access = match access {
                Access::Fetch => "fetch",
                Access::Read => "read",
                Access::Write => "write",
            };
            fields
                .add("address", hex(*virt))
                .add("access", access)
                .add("user", user);
            fields.add("entries", entries(path));
            match end {
                Walked::Mapped {
                    phys,
                    size,
                    replaced,
                } => {
                    let size = 1u64.checked_shl((*size).into()).unwrap_or(0);
                    fields.add("frame", hex(phys.0)).add("size", size);
                    if let Some(replaced) = replaced {
                        fields.add("replaced", hex(replaced.0));
                    }
                }
                Walked::Fault(error) => _ = fields.add("fault", hex((*error).into())),
            }
        }
        Body::TlbFlush(flush) => {
            match flush {
                Flush::All => fields.add("what", "all"),
                Flush::NonGlobal => fields.add("what", "non_global"),
                Flush::Space(asid) => fields.add("what", "space").add("asid", asid),
                Flush::Page(page) => fields.add("what", "page").add("address", hex(page.0)),
            };
        }
        Body::SpaceSwitch { root, asid } => _ = fields.add("root", hex(*root)).add("asid", asid),
        Body::IrqLine { line, .. } => _ = fields.add("line", line),
        Body::IrqAck { number } => _ = fields.add("number", number),
        Body::Ipi { target, number } => {
            match target {
                Some(cpu) => fields.add("target", cpu),
                None => fields.add("target", "several"),
            };
            fields.add("number", number);
        }
        Body::Device {
            space,
            chip,
            register,
            addr,
            bytes,
            value,
            write,
        } => {
            let space = match space {
                Space::Memory => "memory",
                Space::Port => "port",
                Space::Local => "local",
            };
            fields.add("space", space);
            fields
                .add("chip", quoted(chip.as_bytes()))
                .add("register", quoted(register.as_bytes()));
            fields.add("address", hex(*addr)).add("bytes", bytes);
            fields.add("value", hex(*value)).add("write", write);
        }
        Body::DiskIssue {
            request,
            op,
            sector,
            sectors,
        } => {
            let op = match op {
                DiskOp::Read => "read",
                DiskOp::Write => "write",
                DiskOp::Flush => "flush",
                DiskOp::Other => "other",
            };
            fields
                .add("request", request)
                .add("op", op)
                .add("sector", sector)
                .add("sectors", sectors);
        }
        Body::DiskComplete { request, ok } => _ = fields.add("request", request).add("ok", ok),
        Body::Console(byte) => _ = fields.add("character", quoted(&[*byte])),
        Body::Instruction { pc } => _ = fields.add("pc", hex(*pc)),
        Body::Kernel { probe, args, .. } => kernel(usize::from(*probe), args, body, fields),
        Body::SysEnter { number, .. } => _ = fields.add("number", calls::name(*number)),
        Body::SysExit { number, result, .. } => {
            fields
                .add("number", calls::name(*number))
                .add("result", result);
        }
    }
}

/// The entries that a page walk read: where, and what was there.
fn entries(path: &Path) -> String {
    let entries: Vec<String> = path
        .entries()
        .iter()
        .map(|(at, entry)| format!("[{}]={}", hex(at.0), hex(*entry)))
        .collect();
    format!("[{}]", entries.join(", "))
}

/// The arguments of a kernel event, by their kinds.
fn kernel(probe: usize, args: &[u64], body: &Body, fields: &mut Fields) {
    let named = |names: &[&str], value: u64| {
        let name = usize::try_from(value)
            .ok()
            .and_then(|value| names.get(value));
        name.map_or_else(|| value.to_string(), |name| (*name).to_owned())
    };
    let Some(probe) = PROBES.get(probe) else {
        return;
    };
    for (index, ((name, kind), value)) in probe.args.iter().zip(args).enumerate() {
        let value = *value;
        let text = match kind {
            probe::Kind::Int if *name == "signal" => signal_name(value as i32),
            probe::Kind::Int => (value as i64).to_string(),
            probe::Kind::Result => match Errno::from_number((value as i64).wrapping_neg()) {
                Some(errno) => format!("-{}", errno.name()),
                None => (value as i64).to_string(),
            },
            probe::Kind::Pid | probe::Kind::Cpu => value.to_string(),
            probe::Kind::Addr if value == 0 => "NULL".to_owned(),
            probe::Kind::Addr | probe::Kind::Phys | probe::Kind::Hex => hex(value),
            probe::Kind::Text => quoted(body.text(index).unwrap_or_default()),
            probe::Kind::Syscall => calls::name(value),
            probe::Kind::State => named(&STATES, value),
            probe::Kind::Reason => named(&REASONS, value),
            probe::Kind::Fault => named(&FAULTS, value),
        };
        fields.add(name, text);
    }
}
