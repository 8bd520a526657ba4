//! The two events of system calls.
//!
//! Arguments are raw here, with the memory that they point to. Who decodes them into words adds a line to each list.

use super::{Field, fields, kernel};
use crate::numbers;
use crate::trace::record::Body;
use crate::trace::value::{Shape, Value};
use abi::nr;

pub(super) fn enter() -> Vec<Field> {
    fields! { Body::SysEnter { number, args, memory }, record, model:
        "number" Shape::Unsigned, always, "the call's number on this instruction set" => Some(Value::Unsigned(numbers::own(model.meta.isa(), *number)));
        "name" Shape::Name, maybe, "the call's name, if it has one" => name(*number);
        "args" Shape::Hexes, always, "the raw arguments" => Some(Value::Hexes(args));
        "memory" Shape::Pieces, always, "what was in memory where the arguments point, as far as the call reads it"
            => Some(Value::Pieces(memory));
    }
}

pub(super) fn exit() -> Vec<Field> {
    fields! { Body::SysExit { number, result, memory }, record, model:
        "number" Shape::Unsigned, always, "the call's number on this instruction set" => Some(Value::Unsigned(numbers::own(model.meta.isa(), *number)));
        "name" Shape::Name, maybe, "the call's name, if it has one" => name(*number);
        "result" Shape::Signed, always, "the value, or minus the error number" => Some(Value::Signed(*result));
        "error" Shape::Name, maybe, "if the result is one" => kernel::error(*result);
        "memory" Shape::Pieces, always, "what is in memory where the arguments point, as far as the call wrote it"
            => Some(Value::Pieces(memory));
    }
}

fn name(number: u64) -> Option<Value<'static>> {
    nr::name(number).map(|name| Value::Word(name.into()))
}
