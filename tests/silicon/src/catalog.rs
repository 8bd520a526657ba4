//! Test instructions: every legacy encoding of 64-bit mode that the decoder knows, with seeded operands.
//!
//! [`Case::new`] makes an instruction of an encoding; [`Case::fit`] fits registers and memory to it, so that its
//! addresses lie in the test's pages (or, sometimes, deliberately in the hole behind them), its branches have somewhere
//! to go, and nothing that the manual leaves undefined decides the outcome.

use crate::layout::{DATA, DATA_LEN, ENTRY, FIXED, FIXED_LEN, GS_BASE, TAKEN};
use crate::state::{DF, Registers, integer, lane};
use base::Rng;
use iced_x86::{
    Code, CpuidFeature, Encoder, EncodingKind, FlowControl, Instruction, Mnemonic,
    OpCodeOperandKind as Kind, OpKind, Register, RflagsBits,
};

/// The encodings that 64-bit mode has, VEX and its kin left out.
pub fn encodings() -> impl Iterator<Item = Code> {
    Code::values().filter(|code| {
        let info = code.op_code();
        info.is_instruction() && info.mode64() && info.encoding() == EncodingKind::Legacy
    })
}

/// Why an encoding cannot be compared with silicon.
pub fn excluded(code: Code) -> Option<&'static str> {
    use Mnemonic as M;
    Some(match code.mnemonic() {
        M::INVALID => "no instruction",
        M::Rdtsc
        | M::Rdtscp
        | M::Rdpmc
        | M::Rdpid
        | M::Rdpru
        | M::Cpuid
        | M::Xgetbv
        | M::Rdrand
        | M::Rdseed => "its result is the machine's own",
        M::Syscall | M::Sysenter | M::Int | M::Int1 | M::Into => "enters the host's kernel",
        M::Iret
        | M::Iretd
        | M::Iretq
        | M::Retf
        | M::Sysret
        | M::Sysretq
        | M::Sysexit
        | M::Sysexitq => "needs the host's descriptor tables",
        M::Lar | M::Lsl | M::Verr | M::Verw | M::Lss | M::Lfs | M::Lgs => {
            "needs the host's descriptor tables"
        }
        M::Sgdt | M::Sidt | M::Sldt | M::Str | M::Smsw => {
            "the host's kernel answers for the CPU (UMIP)"
        }
        M::Rdfsbase | M::Rdgsbase | M::Wrfsbase | M::Wrgsbase => "moves the host's thread pointer",
        M::Rcpps | M::Rcpss | M::Rsqrtps | M::Rsqrtss => "no two vendors' tables agree",
        M::Fxsave | M::Fxsave64 | M::Fxrstor | M::Fxrstor64 => "has a test of its own",
        M::Bswap if code == Code::Bswap_r16 => "undefined with 16 bits",
        M::Mov if moves_segment(code) => "needs the host's descriptor tables",
        M::Pop
            if matches!(
                code,
                Code::Popw_FS | Code::Popq_FS | Code::Popw_GS | Code::Popq_GS
            ) =>
        {
            "needs the host's descriptor tables"
        }
        M::Jmp | M::Call if code.op_code().op_count() == 1 && is_far(code) => {
            "needs the host's descriptor tables"
        }
        M::Tzcnt | M::Lzcnt => {
            "without BMI1 and LZCNT, which the emulated CPU has not, it is BSF or BSR"
        }
        M::Ud0 | M::Ud1 | M::Endbr32 | M::Endbr64 | M::Xbegin | M::Xabort | M::Xend => {
            "depends on the host's model"
        }
        M::Monitor | M::Mwait | M::Umonitor | M::Umwait | M::Tpause | M::Clzero | M::Senduipi => {
            "waits"
        }
        _ => return None,
    })
}

fn moves_segment(code: Code) -> bool {
    matches!(
        code,
        Code::Mov_Sreg_rm16 | Code::Mov_Sreg_r32m16 | Code::Mov_Sreg_r64m16
    )
}

fn is_far(code: Code) -> bool {
    matches!(
        code,
        Code::Jmp_m1616
            | Code::Jmp_m1632
            | Code::Jmp_m1664
            | Code::Call_m1616
            | Code::Call_m1632
            | Code::Call_m1664
    )
}

/// Whether the emulated CPU claims every feature that the encoding belongs to, so that #UD would be wrong.
pub fn promised(code: Code) -> bool {
    use CpuidFeature as F;
    let promised = |feature: &CpuidFeature| {
        let old = matches!(
            feature,
            F::INTEL8086 | F::INTEL186 | F::INTEL286 | F::INTEL386 | F::INTEL486 | F::X64
        );
        let units = matches!(
            feature,
            F::SSE | F::SSE2 | F::FXSR | F::CX8 | F::CMOV | F::CMPXCHG16B | F::POPCNT
        );
        old || units
    };
    code.cpuid_features().iter().all(promised)
}

/// A test instruction.
pub struct Case {
    /// The instruction, as the decoder reads it back.
    pub insn: Instruction,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

fn pick(rng: &mut Rng, wanted: impl Fn(Register) -> bool) -> Register {
    let fitting: Vec<Register> = Register::values().filter(|&r| wanted(r)).collect();
    fitting[rng.below(fitting.len() as u64) as usize]
}

impl Case {
    /// An instruction of the encoding `code`, `None` if these operands cannot be encoded together.
    pub fn new(code: Code, rng: &mut Rng) -> Option<Self> {
        let mut insn = Instruction::default();
        insn.set_code(code);
        let info = code.op_code();
        for n in 0..info.op_count() {
            operand(&mut insn, n, info.op_kind(n), rng)?;
        }
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
        let mut encoder = Encoder::new(64);
        encoder.encode(&insn, ENTRY).ok()?;
        let bytes = encoder.take_buffer();
        let read = iced_x86::Decoder::with_ip(64, &bytes, ENTRY, 0).decode();
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

    /// Fits `regs` and `data` to the instruction.
    pub fn fit(&self, rng: &mut Rng, regs: &mut Registers, data: &mut [u8; DATA_LEN as usize]) {
        let insn = &self.insn;
        if !insn.is_string_instruction() {
            regs.flags &= !DF;
        }
        regs.gpr[4] = stack(rng);
        if insn.has_rep_prefix() || insn.has_repne_prefix() || rep_count_matters(insn) {
            regs.gpr[1] = rng.below(12);
        }
        if matches!(insn.mnemonic(), Mnemonic::Leave | Mnemonic::Enter) {
            regs.gpr[5] = DATA + 0x1000 + (rng.next() & 0x7f8);
        }
        self.avoid_undefined(rng, regs);
        for n in 0..insn.op_count() {
            self.place(n, rng, regs, data);
        }
        match insn.flow_control() {
            FlowControl::Return => put(data, regs.gpr[4], TAKEN),
            FlowControl::IndirectBranch | FlowControl::IndirectCall
                if insn.op0_kind() == OpKind::Register =>
            {
                regs.gpr[insn.op0_register().full_register().number()] = TAKEN;
            }
            FlowControl::IndirectBranch | FlowControl::IndirectCall => {
                if let Some(address) = address(insn, 0, regs) {
                    put(data, address, TAKEN);
                }
            }
            _ => {}
        }
        if matches!(insn.mnemonic(), Mnemonic::Popf | Mnemonic::Popfq) {
            // Neither single steps nor alignment checks: they would be the next instruction's.
            let flags = rng.next() & (0xcd5 | 1 << 21);
            put(data, regs.gpr[4], flags);
        }
    }

    /// Keeps operands out of the ranges for which the manual leaves the result open.
    fn avoid_undefined(&self, rng: &mut Rng, regs: &mut Registers) {
        use Mnemonic as M;
        let insn = &self.insn;
        match insn.mnemonic() {
            M::Shld | M::Shrd => regs.gpr[1] = regs.gpr[1] & !0xff | rng.below(16),
            // The register picks a byte near the operand; far away lies memory that is not the test's.
            M::Bt | M::Bts | M::Btr | M::Btc if insn.op1_kind() == OpKind::Register => {
                let number = insn.op1_register().full_register().number();
                if insn.op0_kind() == OpKind::Memory {
                    regs.gpr[number] = rng.below(512).wrapping_sub(256);
                }
            }
            _ => {}
        }
    }

    /// Gives operand `n`, if it is memory, an address of the test's, and fresh contents.
    fn place(
        &self,
        n: u32,
        rng: &mut Rng,
        regs: &mut Registers,
        data: &mut [u8; DATA_LEN as usize],
    ) {
        let insn = &self.insn;
        let kind = insn.op_kind(n);
        let string = match kind {
            OpKind::Memory => None,
            OpKind::MemorySegRSI | OpKind::MemorySegESI => Some(6),
            OpKind::MemoryESRDI
            | OpKind::MemorySegRDI
            | OpKind::MemoryESEDI
            | OpKind::MemorySegEDI => Some(7),
            _ => return,
        };
        let target = match insn.flow_control() {
            // What is read must be an address to go to.
            FlowControl::IndirectBranch | FlowControl::IndirectCall => DATA + 0x800 + rng.below(64),
            // How much of it is stored when it crosses into a page that faults is the model's own.
            _ if insn.mnemonic() == Mnemonic::Maskmovdqu => DATA + 0x800 + rng.below(64),
            _ => target(rng, insn.memory_size().size() as u64),
        };
        if let Some(number) = string {
            let base = if number == 6 { segment_base(insn) } else { 0 };
            regs.gpr[number] = target - base;
        } else {
            solve(insn, target, regs);
        }
        let Some(address) = address(insn, n, regs) else {
            return;
        };
        let same = rng.below(4) == 0;
        let mut value = lane(rng);
        for offset in (0..64).step_by(8) {
            if !same {
                value = lane(rng);
            }
            put(data, address.wrapping_add(offset), value);
        }
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

/// Instructions whose RCX should be small now and then.
fn rep_count_matters(insn: &Instruction) -> bool {
    use Mnemonic as M;
    matches!(
        insn.mnemonic(),
        M::Loop | M::Loope | M::Loopne | M::Jrcxz | M::Jecxz
    )
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

/// A stack pointer: the middle of the data, now and then its very bottom.
fn stack(rng: &mut Rng) -> u64 {
    match rng.below(16) {
        0 => DATA + rng.below(9),
        _ => DATA + 0x1000 + (rng.next() & 0x3f8),
    }
}

/// Where an operand of `size` bytes goes.
fn target(rng: &mut Rng, size: u64) -> u64 {
    match rng.below(32) {
        0..=3 => DATA + 0x200 + rng.below(0x1a00),
        4 | 5 => DATA + 0x1000 - rng.below(size.max(1) + 1),
        6 | 7 => DATA + DATA_LEN - rng.below(size.max(1) + 1),
        8 => FIXED + 16 * rng.below(FIXED_LEN / 16),
        _ => DATA + 0x200 + 16 * rng.below(0x1a0),
    }
}

/// The base of the segment that the memory operand names.
fn segment_base(insn: &Instruction) -> u64 {
    if insn.segment_prefix() == Register::GS {
        GS_BASE
    } else {
        0
    }
}

/// The value of an address register.
fn value(register: Register, regs: &Registers) -> u64 {
    let full = |r: Register| regs.gpr[r.full_register().number()];
    match register {
        Register::None => 0,
        Register::AL => regs.gpr[0] & 0xff,
        r if r.is_gpr32() => full(r) & 0xffff_ffff,
        r => full(r),
    }
}

/// Sets the base register so that the memory operand lies at `target`.
fn solve(insn: &Instruction, target: u64, regs: &mut Registers) {
    let base = insn.memory_base();
    if matches!(base, Register::None | Register::RIP | Register::EIP) {
        return;
    }
    let index = value(insn.memory_index(), regs).wrapping_mul(u64::from(insn.memory_index_scale()));
    let offset = target - segment_base(insn);
    let wanted = offset
        .wrapping_sub(index)
        .wrapping_sub(insn.memory_displacement64());
    let slot = &mut regs.gpr[base.full_register().number()];
    *slot = if base.is_gpr32() {
        *slot & !0xffff_ffff | wanted & 0xffff_ffff
    } else {
        wanted
    };
}

/// Where operand `n` lies.
fn address(insn: &Instruction, n: u32, regs: &Registers) -> Option<u64> {
    match insn.op_kind(n) {
        OpKind::Memory => {
            let base = match insn.memory_base() {
                Register::RIP | Register::EIP => 0,
                r => value(r, regs),
            };
            let index =
                value(insn.memory_index(), regs).wrapping_mul(u64::from(insn.memory_index_scale()));
            let sum = base
                .wrapping_add(index)
                .wrapping_add(insn.memory_displacement64());
            let short = insn.memory_base().is_gpr32() || insn.memory_index().is_gpr32();
            let offset = if short { sum & 0xffff_ffff } else { sum };
            Some(offset.wrapping_add(segment_base(insn)))
        }
        OpKind::MemorySegRSI | OpKind::MemorySegESI => {
            Some(regs.gpr[6].wrapping_add(segment_base(insn)))
        }
        OpKind::MemoryESRDI | OpKind::MemorySegRDI | OpKind::MemoryESEDI | OpKind::MemorySegEDI => {
            Some(regs.gpr[7])
        }
        _ => None,
    }
}

/// Writes eight bytes at a guest address, as far as they lie in the data.
fn put(data: &mut [u8; DATA_LEN as usize], address: u64, value: u64) {
    for (offset, byte) in (0..).zip(value.to_le_bytes()) {
        let at = address.wrapping_add(offset).wrapping_sub(DATA);
        if let Some(slot) = usize::try_from(at).ok().and_then(|at| data.get_mut(at)) {
            *slot = byte;
        }
    }
}

/// Chooses operand `n` of the kind that the encoding wants.
fn operand(insn: &mut Instruction, n: u32, kind: Kind, rng: &mut Rng) -> Option<()> {
    let memory_too = matches!(
        kind,
        Kind::r8_or_mem
            | Kind::r16_or_mem
            | Kind::r32_or_mem
            | Kind::r64_or_mem
            | Kind::xmm_or_mem
            | Kind::mm_or_mem
    );
    if kind == Kind::mem || (memory_too && rng.below(2) == 0) {
        memory(insn, n, rng);
        return Some(());
    }
    let register = match kind {
        Kind::r8_or_mem | Kind::r8_reg | Kind::r8_opcode => pick(rng, Register::is_gpr8),
        Kind::r16_or_mem | Kind::r16_reg | Kind::r16_rm | Kind::r16_opcode => {
            pick(rng, Register::is_gpr16)
        }
        Kind::r32_or_mem | Kind::r32_reg | Kind::r32_rm | Kind::r32_opcode => {
            pick(rng, Register::is_gpr32)
        }
        Kind::r64_or_mem | Kind::r64_reg | Kind::r64_rm | Kind::r64_opcode => {
            pick(rng, Register::is_gpr64)
        }
        Kind::xmm_or_mem | Kind::xmm_reg | Kind::xmm_rm => {
            pick(rng, |r| r.is_xmm() && r.number() < 16)
        }
        Kind::mm_or_mem | Kind::mm_reg | Kind::mm_rm => pick(rng, Register::is_mm),
        Kind::seg_reg => pick(rng, Register::is_segment_register),
        Kind::cr_reg => Register::CR0,
        Kind::dr_reg => Register::DR0,
        Kind::es => Register::ES,
        Kind::cs => Register::CS,
        Kind::ss => Register::SS,
        Kind::ds => Register::DS,
        Kind::fs => Register::FS,
        Kind::gs => Register::GS,
        Kind::al => Register::AL,
        Kind::cl => Register::CL,
        Kind::ax => Register::AX,
        Kind::dx => Register::DX,
        Kind::eax => Register::EAX,
        Kind::rax => Register::RAX,
        Kind::st0 => Register::ST0,
        Kind::sti_opcode => Register::ST1,
        _ => return immediate(insn, n, kind, rng),
    };
    insn.set_op_kind(n, OpKind::Register);
    insn.set_op_register(n, register);
    Some(())
}

/// An operand that is no register: immediates, branch targets and implied memory.
fn immediate(insn: &mut Instruction, n: u32, kind: Kind, rng: &mut Rng) -> Option<()> {
    let value = integer(rng);
    let op_kind = match kind {
        Kind::imm8 if n > 0 && insn.op_kind(n - 1) == OpKind::Immediate16 => {
            insn.set_immediate8_2nd(value as u8 & 3);
            OpKind::Immediate8_2nd
        }
        Kind::imm8 => {
            // Shifts of two registers by more than the width are undefined for 16 bits.
            let shifts = matches!(insn.mnemonic(), Mnemonic::Shld | Mnemonic::Shrd);
            insn.set_immediate8(if shifts {
                value as u8 & 15
            } else {
                value as u8
            });
            OpKind::Immediate8
        }
        Kind::imm8_const_1 => {
            insn.set_immediate8(1);
            OpKind::Immediate8
        }
        Kind::imm8sex16 => {
            insn.set_immediate8to16(i16::from(value as i8));
            OpKind::Immediate8to16
        }
        Kind::imm8sex32 => {
            insn.set_immediate8to32(i32::from(value as i8));
            OpKind::Immediate8to32
        }
        Kind::imm8sex64 => {
            insn.set_immediate8to64(i64::from(value as i8));
            OpKind::Immediate8to64
        }
        Kind::imm16 => {
            // ENTER and RET move the stack pointer by it.
            let far = matches!(insn.mnemonic(), Mnemonic::Enter | Mnemonic::Ret);
            insn.set_immediate16(if far {
                value as u16 & 0x1ff
            } else {
                value as u16
            });
            OpKind::Immediate16
        }
        Kind::imm32 => {
            insn.set_immediate32(value as u32);
            OpKind::Immediate32
        }
        Kind::imm32sex64 => {
            insn.set_immediate32to64(i64::from(value as i32));
            OpKind::Immediate32to64
        }
        Kind::imm64 => {
            insn.set_immediate64(value);
            OpKind::Immediate64
        }
        Kind::seg_rSI => {
            if rng.below(8) == 0 {
                insn.set_segment_prefix(Register::GS);
            }
            if rng.below(8) == 0 {
                OpKind::MemorySegESI
            } else {
                OpKind::MemorySegRSI
            }
        }
        Kind::es_rDI if insn.op_count() > 1 && uses_short_source(insn) => OpKind::MemoryESEDI,
        Kind::es_rDI => OpKind::MemoryESRDI,
        Kind::seg_rDI => OpKind::MemorySegRDI,
        Kind::seg_rBX_al => {
            insn.set_memory_base(Register::RBX);
            insn.set_memory_index(Register::AL);
            OpKind::Memory
        }
        Kind::mem_offs => {
            insn.set_memory_displ_size(8);
            insn.set_memory_displacement64(DATA + 0x300 + rng.below(64));
            OpKind::Memory
        }
        Kind::br64_1 | Kind::br64_4 => {
            insn.set_near_branch64(TAKEN);
            OpKind::NearBranch64
        }
        _ => return None,
    };
    insn.set_op_kind(n, op_kind);
    Some(())
}

/// Whether the other operand of a string instruction already uses 32-bit addresses.
fn uses_short_source(insn: &Instruction) -> bool {
    (0..insn.op_count()).any(|n| insn.op_kind(n) == OpKind::MemorySegESI)
}

/// A memory operand in one of its shapes: base and displacement, with index, RIP-relative, absolute, 32-bit.
fn memory(insn: &mut Instruction, n: u32, rng: &mut Rng) {
    insn.set_op_kind(n, OpKind::Memory);
    let fixed = DATA + 0x400 + 16 * rng.below(16);
    match rng.below(8) {
        0 => {
            insn.set_memory_base(Register::RIP);
            insn.set_memory_displ_size(8);
            insn.set_memory_displacement64(fixed);
        }
        1 => {
            insn.set_memory_displ_size(4);
            insn.set_memory_displacement64(fixed);
        }
        shape => {
            let short = shape == 2;
            let wanted = |r: Register| if short { r.is_gpr32() } else { r.is_gpr64() };
            let base = pick(rng, wanted);
            insn.set_memory_base(base);
            if rng.below(2) == 0 {
                let index = pick(rng, |r| {
                    wanted(r) && r != base && !matches!(r, Register::RSP | Register::ESP)
                });
                insn.set_memory_index(index);
                insn.set_memory_index_scale(1 << rng.below(4));
            }
            let displacement = match rng.below(3) {
                0 => 0,
                1 => rng.next() as i8 as i64,
                _ => i64::from(rng.next() as i32),
            };
            // The encoder shortens what fits in a byte.
            let size = if displacement == 0 { 0 } else { 8 };
            insn.set_memory_displ_size(if short && size == 8 { 4 } else { size });
            if rng.below(8) == 0 {
                insn.set_segment_prefix(Register::GS);
            }
            let mask = if short { 0xffff_ffff } else { u64::MAX };
            insn.set_memory_displacement64(displacement as u64 & mask);
        }
    }
}
