//! The kernel's events: fields by the names and kinds of `abi::probe`, and what follows from them.

use super::{Field, Source, fields, syscall};
use crate::trace::kind::{SYS_ENTER, SYS_EXIT};
use crate::trace::record::Body;
use crate::trace::value::{Shape, Value};
use abi::errno::Errno;
use abi::probe::{FAULTS, Kind, PROBES, REASONS, STATES};
use abi::wait::{Ended, WaitStatus};
use machine::names;

/// What the kernel's event number `probe` means, and its fields.
pub(super) fn describe(probe: usize) -> (&'static str, Vec<Field>) {
    let fields = match probe {
        SYS_ENTER => syscall::enter(),
        SYS_EXIT => syscall::exit(),
        _ => arguments(probe),
    };
    (PROBES[probe].doc, fields)
}

fn arguments(probe: usize) -> Vec<Field> {
    let mut list = Vec::new();
    for (index, (name, kind)) in PROBES[probe].args.iter().enumerate() {
        list.push(Field {
            name: public(name),
            shape: shape(*kind),
            always: true,
            meaning: "",
            source: Source::Argument(index),
        });
        list.extend(derived(index, name, *kind));
    }
    list.extend(fields! { Body::Kernel { pc, .. }, record, model:
        "pc" Shape::Hex, maybe, "where in the kernel" => (*pc != 0).then_some(Value::Hex(*pc));
    });
    list
}

/// `pid` and `cpu` say where any event happened. What an event has to say of a process or a CPU of its own is of
/// another one as a rule, and is called as Linux calls a wake-up's.
fn public(name: &'static str) -> &'static str {
    match name {
        "pid" => "target_pid",
        "cpu" => "target_cpu",
        name => name,
    }
}

const fn shape(kind: Kind) -> Shape {
    match kind {
        Kind::Int | Kind::Result => Shape::Signed,
        Kind::Pid | Kind::Cpu | Kind::Syscall => Shape::Unsigned,
        Kind::Addr | Kind::Phys | Kind::Hex => Shape::Hex,
        Kind::Text => Shape::Text,
        Kind::State => Shape::Choice(&STATES),
        Kind::Reason => Shape::Choice(&REASONS),
        Kind::Fault => Shape::Choice(&FAULTS),
    }
}

/// The content of an argument.
pub(super) fn argument(shape: Shape, body: &Body, index: usize, raw: u64) -> Option<Value<'_>> {
    Some(match shape {
        Shape::Signed => Value::Signed(raw as i64),
        Shape::Unsigned => Value::Unsigned(raw),
        Shape::Text => Value::Text(body.text(index).unwrap_or_default()),
        Shape::Choice(words) => Value::choice(words, raw),
        _ => Value::Hex(raw),
    })
}

/// Fields in which an argument's number is told in words.
fn derived(index: usize, name: &str, kind: Kind) -> Vec<Field> {
    let field = |name, shape, meaning, get| Field {
        name,
        shape,
        always: false,
        meaning,
        source: Source::Derived(index, get),
    };
    match (name, kind) {
        ("signal", _) => vec![field(
            "signal_name",
            Shape::Name,
            "the signal's name",
            |raw, _| signal(raw),
        )],
        ("error_code", _) => vec![field(
            "reasons",
            Shape::Words(names::FAULT_WORDS),
            "the error code in words",
            |raw, model| {
                let code = u32::try_from(raw).ok()?;
                Some(Value::Words(names::page_fault(&model.meta.arch, code)))
            },
        )],
        ("status", Kind::Hex) => vec![
            field(
                "exit_code",
                Shape::Unsigned,
                "if it ended by itself",
                |raw, _| match ended(raw)? {
                    Ended::Exited(code) => Some(Value::Unsigned(code.into())),
                    _ => None,
                },
            ),
            field(
                "killed_by",
                Shape::Name,
                "the signal that ended it",
                |raw, _| match ended(raw)? {
                    Ended::Signaled(number) => signal(number.into()),
                    _ => None,
                },
            ),
        ],
        (_, Kind::Result) => vec![field(
            "error",
            Shape::Name,
            "if the result is one",
            |raw, _| error(raw as i64),
        )],
        _ => Vec::new(),
    }
}

fn ended(status: u64) -> Option<Ended> {
    Some(WaitStatus(u32::try_from(status).ok()?).ended())
}

fn signal(number: u64) -> Option<Value<'static>> {
    let name = abi::signal::name(u32::try_from(number).ok()?)?;
    Some(Value::Word(name.into()))
}

/// The name of the error that a negative result is.
pub(super) fn error(result: i64) -> Option<Value<'static>> {
    let number = result.checked_neg().filter(|&number| number > 0)?;
    Some(Value::Word(Errno::from_number(number)?.name().into()))
}
