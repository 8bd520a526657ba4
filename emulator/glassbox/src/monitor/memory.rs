//! `x`, `xp` and `print`: memory and values. Only RAM is read: a look at a device register could change the device.

use super::evaluate::evaluate;
use super::format::{Format, Kind};
use super::{View, code};
use base::{Phys, Virt, Width};
use std::fmt::Write;

/// Most bytes of a text that are shown, as gdb's `print elements`.
const MOST_TEXT: usize = 200;

/// Reads as much as there is at `addr`, virtual or physical; says how much that was.
pub fn read(view: &View<'_, '_>, physical: bool, addr: u64, bytes: &mut [u8]) -> usize {
    if !physical {
        let memory = view.guest.machine.board.virtual_memory(view.cpu);
        return memory.peek(Virt(addr), bytes);
    }
    let ram = view.guest.machine.board.memory();
    for (done, byte) in bytes.iter_mut().enumerate() {
        match ram.read(Phys(addr.wrapping_add(done as u64)), Width::B1) {
            Some(value) => *byte = value as u8,
            None => return done,
        }
    }
    bytes.len()
}

fn cannot_access(addr: u64, text: &mut String) {
    let _ = writeln!(text, "{addr:016x}: Cannot access memory");
}

/// Shows memory from `from` on; says where it ended.
pub fn dump(
    view: &View<'_, '_>,
    physical: bool,
    format: Format,
    from: u64,
    text: &mut String,
) -> u64 {
    match format.kind {
        Kind::Code => code::list(view, physical, from, format.count, text),
        Kind::Text => texts(view, physical, format.count, from, text),
        _ => items(view, physical, format, from, text),
    }
}

/// Items of one size in lines, as QEMU lays them out.
fn items(view: &View<'_, '_>, physical: bool, format: Format, from: u64, text: &mut String) -> u64 {
    let size = u64::from(format.size);
    let in_line = match format.kind {
        Kind::Address => 1,
        Kind::Binary => 8 / size,
        _ if size == 1 => 8,
        _ => 16 / size,
    };
    let mut at = from;
    for index in 0..u64::from(format.count) {
        let mut bytes = [0; 8];
        let wanted = &mut bytes[..usize::from(format.size)];
        if read(view, physical, at, wanted) < wanted.len() {
            if index % in_line != 0 {
                text.push('\n');
            }
            cannot_access(at, text);
            return at;
        }
        let value = u64::from_le_bytes(bytes);
        if index % in_line == 0 {
            let _ = write!(text, "{at:016x}:");
        }
        let _ = write!(text, " {}", format.show(value));
        if format.kind == Kind::Address {
            text.push_str(&view.label(value));
        }
        if index % in_line == in_line - 1 || index + 1 == u64::from(format.count) {
            text.push('\n');
        }
        at = at.wrapping_add(size);
    }
    at
}

fn texts(view: &View<'_, '_>, physical: bool, count: u32, from: u64, text: &mut String) -> u64 {
    let mut at = from;
    for _ in 0..count {
        let mut bytes = [0; MOST_TEXT];
        let len = read(view, physical, at, &mut bytes);
        if len == 0 {
            cannot_access(at, text);
            return at;
        }
        let end = bytes[..len].iter().position(|&byte| byte == 0);
        let held = &bytes[..end.unwrap_or(len)];
        let more = if end.is_some() { "" } else { "..." };
        let _ = writeln!(text, "{at:016x}: \"{}\"{more}", held.escape_ascii());
        at = at.wrapping_add(end.map_or(len, |end| end + 1) as u64);
    }
    at
}

/// `print`: the value of an expression; in decimal unless the format says otherwise.
pub fn print(format: &str, expression: &str, view: &View<'_, '_>) -> Result<String, String> {
    let last = Format {
        count: 1,
        kind: Kind::Decimal,
        size: 8,
    };
    let format = Format::parse(format, last)?;
    if format.count != 1 || matches!(format.kind, Kind::Code | Kind::Text) {
        return Err("print shows one value: /x /d /u /o /t /a /c".into());
    }
    let value = evaluate(expression, view)?;
    let mut text = match format.kind {
        Kind::Hex | Kind::Address => format!("{value:#x}"),
        Kind::Binary => format!("{value:b}"),
        _ => format.show(value).trim_start().to_owned(),
    };
    if format.kind == Kind::Address {
        text.push_str(&view.label(value));
    }
    Ok(text)
}
