//! Listings of instructions, in the syntax of the kernel's own, and the functions that they are in.

use super::{View, isa, memory};
use crate::backtrace::calls;
use std::fmt::Write;

/// The longest an instruction of any ISA can be, in bytes.
pub const LONGEST: usize = 15;

/// One instruction, read by its ISA.
pub struct Read {
    /// Its bytes.
    pub len: usize,
    /// In words; none if these bytes are no instruction, or not all of one.
    pub words: Option<String>,
    /// The address that it refers to, and whether that is where it leads (else it is an operand).
    pub target: Option<(u64, bool)>,
}

/// The functions that the chosen CPU is in, numbered as gdb does.
pub fn backtrace(view: &View<'_, '_>) -> String {
    let board = &view.guest.machine.board;
    let mut text = String::new();
    let places = std::iter::once(board.pc(view.cpu)).chain(calls(board, view.cpu));
    for (number, place) in places.enumerate() {
        let _ = writeln!(text, "#{number:<3}{}", view.symbols.describe(place));
    }
    text
}

/// Lists `count` instructions from `from` on; says where it ended. At virtual addresses, the one that the CPU executes
/// next has an arrow, and symbols are named.
pub fn list(view: &View<'_, '_>, physical: bool, from: u64, count: u32, text: &mut String) -> u64 {
    let label = |addr| match physical {
        true => String::new(),
        false => view.label(addr),
    };
    let board = &view.guest.machine.board;
    let columns = isa::columns(board) * 3;
    let mut at = from;
    for _ in 0..count {
        let mut bytes = [0; LONGEST];
        let len = memory::read(view, physical, at, &mut bytes);
        let read = isa::read(board, view.cpu, at, &bytes[..len]);
        if len < read.len || read.words.is_none() && len < LONGEST {
            let _ = writeln!(text, "{at:016x}: Cannot access memory");
            return at;
        }
        let next = !physical && at == board.pc(view.cpu);
        let arrow = if next { "=>" } else { "  " };
        let held = &bytes[..read.len];
        let dump = held
            .iter()
            .fold(String::new(), |dump, byte| dump + &format!("{byte:02x} "));
        let target = match read.target {
            Some((addr, true)) => label(addr),
            Some((addr, false)) => format!("  # {addr:#x}{}", label(addr)),
            None => String::new(),
        };
        let words = read.words.as_deref().unwrap_or("(bad)");
        let _ = writeln!(
            text,
            "{arrow} {at:#018x}{}:  {dump:<columns$} {words}{target}",
            label(at)
        );
        at = at.wrapping_add(read.len as u64);
    }
    at
}
