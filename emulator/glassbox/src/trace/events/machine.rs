//! The machine's own events (a long table).

use super::{Field, fields};
use crate::trace::kind::{Kind, cause_name};
use crate::trace::record::Body;
use crate::trace::value::{Shape, Value};
use base::Space;
use base::event::{Access, Cause, DiskOp, Flush, Walked};
use machine::names;

const CAUSES: &[&str] = &["exception", "interrupt", "software", "syscall"];
const ACCESSES: &[&str] = &["fetch", "read", "write"];
const SCOPES: &[&str] = &["all", "non_global", "space", "page"];
const SPACES: &[&str] = &["memory", "port", "local"];
const DISK_OPS: &[&str] = &["read", "write", "flush", "other"];

/// What an event of the machine's means, and its fields.
pub(super) fn describe(kind: Kind) -> (&'static str, Vec<Field>) {
    match kind.name() {
        "trap" => (
            "A handler was entered: an exception, an interrupt, INT n or a system call.",
            trap(),
        ),
        "trap_return" => ("A handler returned.", trap_return()),
        "page_walk" => (
            "A TLB miss: the page table was walked, to a translation or to a page fault.",
            page_walk(),
        ),
        "tlb_flush" => ("A CPU dropped translations.", tlb_flush()),
        "asid_switch" => ("A CPU went over to another address space.", asid_switch()),
        "irq_raise" => ("A device asserted its interrupt line.", irq_line()),
        "irq_lower" => ("A device released its interrupt line.", irq_line()),
        "irq_ack" => (
            "A CPU took an interrupt from its interrupt controller.",
            irq_ack(),
        ),
        "ipi" => ("A CPU sent an interrupt to others.", ipi()),
        "mmio" => (
            "A CPU touched a device register that lies in memory.",
            device(),
        ),
        "pio" => ("A CPU touched a device register by IN or OUT.", device()),
        "msr" => (
            "A CPU touched a register of its own interrupt controller.",
            device(),
        ),
        "disk_issue" => ("A disk took a request.", disk_issue()),
        "disk_complete" => ("A disk finished a request.", disk_complete()),
        "fault_injected" => (
            "Something went wrong on purpose, as --fault had it.",
            fault(),
        ),
        "console" => ("A character went out on the console.", console()),
        "instruction" => (
            "An instruction was about to be executed; not part of 'all'.",
            instruction(),
        ),
        _ => ("", Vec::new()),
    }
}

fn trap() -> Vec<Field> {
    fields! { Body::Trap { cause, number, error, address, from, to, user, depth }, record, model:
        "cause" Shape::Word(CAUSES), always, "what for" => Some(Value::Word(cause_name(*cause).into()));
        "number" Shape::Unsigned, always, "the ISA's number; x86: the vector, RISC-V: the cause"
            => Some(Value::Unsigned((*number).into()));
        "name" Shape::Name, always, "what the manual calls it"
            => Some(Value::Word(names::trap(&model.meta.arch, *cause, *number)));
        "error_code" Shape::Hex, maybe, "where the cause has one" => error.map(|code| Value::Hex(code.into()));
        "reasons" Shape::Words(names::FAULT_WORDS), maybe, "why there was a page fault, in words"
            => reasons(&model.meta.arch, *cause, *number, *error);
        "address" Shape::Hex, maybe, "the faulting address" => address.map(Value::Hex);
        "from" Shape::Hex, always, "the interrupted instruction, or the one after it" => Some(Value::Hex(*from));
        "to" Shape::Hex, always, "the handler" => Some(Value::Hex(*to));
        "user" Shape::Bool, always, "whether user code was interrupted" => Some(Value::Bool(*user));
        "depth" Shape::Unsigned, always, "how many handlers the CPU was in already"
            => Some(Value::Unsigned((*depth).into()));
    }
}

fn reasons(arch: &str, cause: Cause, number: u16, error: Option<u32>) -> Option<Value<'static>> {
    let code = names::page_fault_code(arch, cause, number, error)?;
    Some(Value::Words(names::page_fault(arch, code)))
}

fn trap_return() -> Vec<Field> {
    fields! { Body::Return { from, to, user, depth }, record, model:
        "from" Shape::Hex, always, "the returning instruction" => Some(Value::Hex(*from));
        "to" Shape::Hex, always, "where it returns to" => Some(Value::Hex(*to));
        "user" Shape::Bool, always, "whether that is user code" => Some(Value::Bool(*user));
        "depth" Shape::Unsigned, always, "how many handlers the CPU is in now"
            => Some(Value::Unsigned((*depth).into()));
    }
}

fn page_walk() -> Vec<Field> {
    fields! { Body::PageWalk { virt, access, user, path, end }, record, model:
        "virt" Shape::Hex, always, "what was translated" => Some(Value::Hex(*virt));
        "access" Shape::Word(ACCESSES), always, "what for" => Some(Value::Word(access_name(*access).into()));
        "user" Shape::Bool, always, "whether user code asked" => Some(Value::Bool(*user));
        "levels" Shape::Levels, always, "the entries read on the way, the topmost first"
            => Some(Value::Levels(path.entries().iter().map(|(at, entry)| (at.0, *entry)).collect()));
        "phys" Shape::Hex, maybe, "where the address leads" => match end {
            Walked::Mapped { phys, .. } => Some(Value::Hex(phys.0)),
            Walked::Fault(_) => None,
        };
        "page_size" Shape::Unsigned, maybe, "bytes" => match end {
            Walked::Mapped { size, .. } => Some(Value::Unsigned(1u64.checked_shl((*size).into()).unwrap_or(0))),
            Walked::Fault(_) => None,
        };
        "evicted" Shape::Hex, maybe, "the page whose translation made place in the TLB" => match end {
            Walked::Mapped { replaced, .. } => replaced.map(|page| Value::Hex(page.0)),
            Walked::Fault(_) => None,
        };
        "fault" Shape::Hex, maybe, "if it ended in a fault: the ISA's number for why; x86: the error code, RISC-V: the cause" => match end {
            Walked::Fault(code) => Some(Value::Hex((*code).into())),
            Walked::Mapped { .. } => None,
        };
        "reasons" Shape::Words(names::FAULT_WORDS), maybe, "the same in words" => match end {
            Walked::Fault(code) => Some(Value::Words(names::page_fault(&model.meta.arch, *code))),
            Walked::Mapped { .. } => None,
        };
    }
}

const fn access_name(access: Access) -> &'static str {
    match access {
        Access::Fetch => "fetch",
        Access::Read => "read",
        Access::Write => "write",
    }
}

fn tlb_flush() -> Vec<Field> {
    fields! { Body::TlbFlush(flush), record, model:
        "scope" Shape::Word(SCOPES), always, "which translations" => Some(Value::Word(match flush {
            Flush::All => "all",
            Flush::NonGlobal => "non_global",
            Flush::Space(_) => "space",
            Flush::Page(_) => "page",
        }.into()));
        "asid" Shape::Unsigned, maybe, "of which address space" => match flush {
            Flush::Space(asid) => Some(Value::Unsigned((*asid).into())),
            _ => None,
        };
        "address" Shape::Hex, maybe, "of which page" => match flush {
            Flush::Page(page) => Some(Value::Hex(page.0)),
            _ => None,
        };
    }
}

fn asid_switch() -> Vec<Field> {
    fields! { Body::SpaceSwitch { root, asid }, record, model:
        "root" Shape::Hex, always, "the page table's root" => Some(Value::Hex(*root));
        "asid" Shape::Unsigned, always, "the address space's number in the TLB"
            => Some(Value::Unsigned((*asid).into()));
    }
}

fn irq_line() -> Vec<Field> {
    fields! { Body::IrqLine { line, level }, record, model:
        "line" Shape::Unsigned, always, "the interrupt controller's number of the line"
            => Some(Value::Unsigned((*line).into()));
        "level" Shape::Bool, always, "whether it is asserted now" => Some(Value::Bool(*level));
    }
}

fn irq_ack() -> Vec<Field> {
    fields! { Body::IrqAck { number }, record, model:
        "number" Shape::Unsigned, always, "the ISA's number; x86: the vector, RISC-V: the cause"
            => Some(Value::Unsigned((*number).into()));
        "name" Shape::Name, always, "what the manual calls it"
            => Some(Value::Word(names::interrupt(&model.meta.arch, *number)));
    }
}

fn ipi() -> Vec<Field> {
    fields! { Body::Ipi { target, number }, record, model:
        "target" Shape::Unsigned, maybe, "the receiving CPU; none means several"
            => target.map(|cpu| Value::Unsigned(cpu.into()));
        "number" Shape::Unsigned, always, "the ISA's number; x86: the vector, RISC-V: the cause"
            => Some(Value::Unsigned((*number).into()));
        "name" Shape::Name, always, "what the manual calls it"
            => Some(Value::Word(names::interrupt(&model.meta.arch, *number)));
    }
}

fn device() -> Vec<Field> {
    fields! { Body::Device { space, chip, register, addr, bytes, value, write }, record, model:
        "chip" Shape::Text, always, "which chip" => Some(Value::Text(chip.as_bytes()));
        "register" Shape::Text, always, "the datasheet's name of the register"
            => Some(Value::Text(register.as_bytes()));
        "space" Shape::Word(SPACES), always, "which address space" => Some(Value::Word(match space {
            Space::Memory => "memory",
            Space::Port => "port",
            Space::Local => "local",
        }.into()));
        "addr" Shape::Hex, always, "the address there" => Some(Value::Hex(*addr));
        "bytes" Shape::Unsigned, always, "how many" => Some(Value::Unsigned((*bytes).into()));
        "value" Shape::Hex, always, "what was read or written" => Some(Value::Hex(*value));
        "write" Shape::Bool, always, "whether it was written" => Some(Value::Bool(*write));
    }
}

fn disk_issue() -> Vec<Field> {
    fields! { Body::DiskIssue { request, op, sector, sectors }, record, model:
        "request" Shape::Unsigned, always, "its number until it is complete" => Some(Value::Unsigned(*request));
        "op" Shape::Word(DISK_OPS), always, "what is to be done" => Some(Value::Word(match op {
            DiskOp::Read => "read",
            DiskOp::Write => "write",
            DiskOp::Flush => "flush",
            DiskOp::Other => "other",
        }.into()));
        "sector" Shape::Unsigned, always, "the first sector of 512 bytes" => Some(Value::Unsigned(*sector));
        "sectors" Shape::Unsigned, always, "how many" => Some(Value::Unsigned((*sectors).into()));
    }
}

fn disk_complete() -> Vec<Field> {
    fields! { Body::DiskComplete { request, ok }, record, model:
        "request" Shape::Unsigned, always, "the number it had" => Some(Value::Unsigned(*request));
        "ok" Shape::Bool, always, "whether it was carried out" => Some(Value::Bool(*ok));
    }
}

fn fault() -> Vec<Field> {
    fields! { Body::Fault { site, count, action }, record, model:
        "site" Shape::Text, always, "where, as in --fault" => Some(Value::Text(site.as_bytes()));
        "count" Shape::Unsigned, always, "how often that place was passed, this time included" => Some(Value::Unsigned(*count));
        "action" Shape::Text, always, "what, as in --fault" => Some(Value::Text(action.as_bytes()));
    }
}

fn console() -> Vec<Field> {
    fields! { Body::Console(byte), record, model:
        "byte" Shape::Unsigned, always, "its code" => Some(Value::Unsigned((*byte).into()));
        "text" Shape::Text, always, "the same as text" => Some(Value::Text(std::slice::from_ref(byte)));
    }
}

fn instruction() -> Vec<Field> {
    fields! { Body::Instruction { pc }, record, model:
        "pc" Shape::Hex, always, "where" => Some(Value::Hex(*pc));
    }
}
