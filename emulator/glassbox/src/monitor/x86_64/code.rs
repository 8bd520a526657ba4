//! Instructions, in AT&T syntax as the kernel's own listings are.

use super::super::{View, memory};
use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter, Instruction, OpKind};
use std::fmt::Write;

/// The longest an instruction can be, in bytes.
const LONGEST: usize = 15;
/// Columns for the bytes: most instructions have at most seven.
const BYTES: usize = 7 * 3;

/// Lists `count` instructions from `from` on; says where it ended. At virtual addresses, the one that the CPU executes
/// next has an arrow, and symbols are named.
pub fn list(view: &View<'_, '_>, physical: bool, from: u64, count: u32, text: &mut String) -> u64 {
    let hart = view.hart();
    let label = |addr| {
        if physical {
            String::new()
        } else {
            view.label(addr)
        }
    };
    let mut formatter = GasFormatter::new();
    let options = formatter.options_mut();
    options.set_branch_leading_zeros(false);
    options.set_uppercase_hex(false);
    options.set_space_after_operand_separator(false);
    options.set_rip_relative_addresses(true);
    let mut at = from;
    for _ in 0..count {
        let mut bytes = [0; LONGEST];
        let len = memory::read(view, physical, at, &mut bytes);
        let mut decoder =
            Decoder::with_ip(hart.mode().bits(), &bytes[..len], at, DecoderOptions::NONE);
        let instruction = decoder.decode();
        if instruction.is_invalid() && len < LONGEST {
            let _ = writeln!(text, "{at:016x}: Cannot access memory");
            return at;
        }
        let next = !physical && at == hart.linear_pc();
        let arrow = if next { "=>" } else { "  " };
        let held = &bytes[..instruction.len()];
        let dump = held
            .iter()
            .fold(String::new(), |dump, byte| dump + &format!("{byte:02x} "));
        let mut words = String::new();
        formatter.format(&instruction, &mut words);
        let _ = writeln!(
            text,
            "{arrow} {at:#018x}{}:  {dump:<BYTES$} {words}{}",
            label(at),
            target(&instruction, &label)
        );
        at = at.wrapping_add(instruction.len() as u64);
    }
    at
}

/// Where a branch leads, or what an operand relative to RIP means, if a symbol is there.
fn target(instruction: &Instruction, label: &dyn Fn(u64) -> String) -> String {
    let near = [
        OpKind::NearBranch16,
        OpKind::NearBranch32,
        OpKind::NearBranch64,
    ];
    if instruction.op_count() > 0 && near.contains(&instruction.op0_kind()) {
        return label(instruction.near_branch_target());
    }
    if instruction.is_ip_rel_memory_operand() {
        let addr = instruction.ip_rel_memory_address();
        return format!("  # {addr:#x}{}", label(addr));
    }
    String::new()
}
