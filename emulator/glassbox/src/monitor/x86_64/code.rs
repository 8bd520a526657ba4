//! Instructions, in AT&T syntax as the kernel's own listings are.

use super::super::code::Read;
use iced_x86::{Decoder, DecoderOptions, Formatter, GasFormatter, Instruction, OpKind};
use machine::pc::x86_64::Hart;

/// Bytes that most instructions have at most: columns of a listing.
pub const USUAL: usize = 7;

/// The instruction at `at`, as `hart` would execute it.
pub fn read(hart: &Hart, at: u64, bytes: &[u8]) -> Read {
    let bits = hart.mode().bits();
    let instruction = Decoder::with_ip(bits, bytes, at, DecoderOptions::NONE).decode();
    let mut formatter = GasFormatter::new();
    let options = formatter.options_mut();
    options.set_branch_leading_zeros(false);
    options.set_uppercase_hex(false);
    options.set_space_after_operand_separator(false);
    options.set_rip_relative_addresses(true);
    let mut words = String::new();
    formatter.format(&instruction, &mut words);
    Read {
        len: instruction.len(),
        words: (!instruction.is_invalid()).then_some(words),
        target: target(&instruction),
    }
}

/// Where a branch leads, or what an operand relative to RIP means.
fn target(instruction: &Instruction) -> Option<(u64, bool)> {
    let near = [
        OpKind::NearBranch16,
        OpKind::NearBranch32,
        OpKind::NearBranch64,
    ];
    if instruction.op_count() > 0 && near.contains(&instruction.op0_kind()) {
        return Some((instruction.near_branch_target(), true));
    }
    let operand = instruction.is_ip_rel_memory_operand();
    operand.then(|| (instruction.ip_rel_memory_address(), false))
}
