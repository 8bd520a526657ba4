//! Test instructions: an encoding with seeded operands.
//!
//! [`Case::new`] makes one, `operand` beside this file chooses its operands, and `fit` makes the registers and memory
//! that it starts from.

use crate::CodeSize;
use crate::layout::ENTRY;
use crate::operand::Operands;
use base::Rng;
use iced_x86::{Code, Encoder, FlowControl, Instruction, Mnemonic, OpKind, Register, RflagsBits};

/// A test instruction.
pub struct Case {
    /// The instruction, as the decoder reads it back.
    pub insn: Instruction,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Case {
    /// An instruction of the encoding `code`, `None` if these operands cannot be encoded together.
    pub fn new(code: Code, size: CodeSize, rng: &mut Rng) -> Option<Self> {
        let info = code.op_code();
        let mut operands = Operands::new(code, size, rng);
        for n in 0..info.op_count() {
            operands.choose(n, info.op_kind(n))?;
        }
        let mut insn = operands.insn;
        let memory = (0..insn.op_count()).any(|n| insn.op_kind(n) == OpKind::Memory);
        if memory && info.can_use_lock_prefix() && rng.below(4) == 0 {
            insn.set_has_lock_prefix(true);
        }
        if insn.is_string_instruction() && rng.below(3) != 0 {
            insn.set_has_rep_prefix(info.can_use_rep_prefix());
            if info.can_use_repne_prefix() && rng.below(2) == 0 {
                insn.set_has_rep_prefix(false);
                insn.set_has_repne_prefix(true);
            }
        }
        if memory && clashes(&insn) {
            return None;
        }
        let mut encoder = Encoder::new(size.bits());
        encoder.encode(&insn, ENTRY).ok()?;
        let bytes = encoder.take_buffer();
        let read = iced_x86::Decoder::with_ip(size.bits(), &bytes, ENTRY, 0).decode();
        (read.code() == code).then_some(Self { insn: read, bytes })
    }

    /// The same with a LOCK prefix in front, which most instructions forbid; `None` where the prefix would move what
    /// the instruction addresses.
    pub fn locked(&self) -> Option<Self> {
        if self.insn.is_ip_rel_memory_operand() || self.insn.flow_control() != FlowControl::Next {
            return None;
        }
        let bytes = [&[0xf0], &self.bytes[..]].concat();
        Some(Self {
            insn: self.insn,
            bytes,
        })
    }

    /// The arithmetic flags that the instruction leaves undefined.
    pub fn undefined_flags(&self) -> u64 {
        let undefined = self.insn.rflags_undefined();
        [
            (RflagsBits::OF, 11),
            (RflagsBits::SF, 7),
            (RflagsBits::ZF, 6),
            (RflagsBits::AF, 4),
            (RflagsBits::PF, 2),
            (RflagsBits::CF, 0),
        ]
        .iter()
        .filter(|(bit, _)| undefined & bit != 0)
        .fold(0, |mask, (_, at)| mask | 1 << at)
    }
}

/// Whether the register that the address is made with is also one whose value another rule sets.
fn clashes(insn: &Instruction) -> bool {
    use Mnemonic as M;
    let base = insn.memory_base().full_register();
    match insn.mnemonic() {
        M::Bt | M::Bts | M::Btr | M::Btc => {
            insn.op1_kind() == OpKind::Register && insn.op1_register().full_register() == base
        }
        M::Shld | M::Shrd => base == Register::RCX,
        // The stack has to stay in the test's pages.
        _ if insn.is_stack_instruction() && base == Register::RSP => {
            insn.memory_index() != Register::None || insn.memory_displacement64() > 64
        }
        _ => false,
    }
}
