//! System instructions (SDM vol. 2): privilege is checked here where it depends on CPL alone; the rest are calls of
//! `system`. What can change mode, mapping or control ends the block.

use super::lifter::gpr;
use super::{Lift, Lifter, Refusal};
use crate::x86_64::reg::{RAX, RDX};
use crate::x86_64::state::seg;
use crate::x86_64::system::id;
use base::Width;
use iced_x86::{Code, Mnemonic as M, OpKind, Register};
use ir::Reg;
use ir::reg::ZERO;

/// Instructions that no other family takes.
pub fn lift(l: &mut Lifter) -> Lift {
    match l.insn.mnemonic() {
        M::Pushf | M::Pushfd | M::Pushfq => push_flags(l),
        M::Popf | M::Popfd | M::Popfq => pop_flags(l),
        M::Int | M::Int3 | M::Int1 | M::Into => interrupt(l),
        M::Syscall => {
            let next = next(l);
            end(l, id::SYSCALL, 0, ZERO, next, ZERO)
        }
        M::Sysret | M::Sysretq => {
            let long = u16::from(l.insn.mnemonic() == M::Sysretq);
            privileged(l)?;
            end(l, id::SYSRET, long, ZERO, ZERO, ZERO)
        }
        M::Iret => end(l, id::IRET, 2, ZERO, ZERO, ZERO),
        M::Iretd => end(l, id::IRET, 4, ZERO, ZERO, ZERO),
        M::Iretq => end(l, id::IRET, 8, ZERO, ZERO, ZERO),
        M::Jmp | M::Call => far(l),
        M::Retf => far_return(l),
        M::Mov => mov(l),
        M::Push | M::Pop => segment_stack(l),
        M::Lgdt | M::Lidt | M::Sgdt | M::Sidt => table(l),
        M::Lldt | M::Ltr => {
            privileged(l)?;
            let selector = l.read_operand(0)?;
            let call = if l.insn.mnemonic() == M::Lldt {
                id::LLDT
            } else {
                id::LTR
            };
            end(l, call, 0, ZERO, selector, ZERO)
        }
        M::Sldt => store_selector(l, 6),
        M::Str => store_selector(l, 7),
        M::Smsw => {
            let cr0 = l.b.temp();
            l.b.call(id::READ_CR, 0, cr0, ZERO, ZERO);
            l.write_operand(0, cr0)
        }
        M::Lmsw => {
            privileged(l)?;
            let value = l.read_operand(0)?;
            end(l, id::LMSW, 0, ZERO, value, ZERO)
        }
        M::Clts => privileged_end(l, id::CLTS, 0),
        M::Hlt => privileged_end(l, id::HLT, 0),
        M::Rdmsr => privileged_end(l, id::RDMSR, 0),
        M::Wrmsr => privileged_end(l, id::WRMSR, 0),
        M::Swapgs => privileged_end(l, id::SWAPGS, 0),
        M::Invd | M::Wbinvd => privileged(l), // there is no cache to write back
        M::Clflush => {
            // There is no cache to flush, but the line must be readable.
            let (t, address) = (l.b.temp(), l.ea());
            l.load(t, address, Width::B1);
            Ok(())
        }
        M::Invlpg => {
            privileged(l)?;
            let address = l.ea();
            let address = l.address(address);
            end(l, id::INVLPG, 0, ZERO, address, ZERO)
        }
        M::Invpcid => {
            privileged(l)?;
            let kind = l.read_operand(0)?;
            let address = l.ea();
            let address = l.address(address);
            end(l, id::INVPCID, 0, ZERO, address, kind)
        }
        M::Pause => end(l, id::PAUSE, 0, ZERO, ZERO, ZERO),
        M::Cpuid => end(l, id::CPUID, 0, ZERO, ZERO, ZERO),
        M::Rdtsc => end(l, id::RDTSC, 0, ZERO, ZERO, ZERO),
        M::Rdtscp => end(l, id::RDTSC, 1, ZERO, ZERO, ZERO),
        M::In => port_in(l),
        M::Out => port_out(l),
        M::Insb | M::Insw | M::Insd | M::Outsb | M::Outsw | M::Outsd => port_string(l),
        M::Cli => end(l, id::CLI, 0, ZERO, ZERO, ZERO),
        M::Sti => end(l, id::STI, 0, ZERO, ZERO, ZERO),
        M::Clac | M::Stac => {
            if !l.mode.kernel() {
                return Err(Refusal::Undefined);
            }
            let set = u16::from(l.insn.mnemonic() == M::Stac);
            l.b.call(id::SET_AC, set, ZERO, ZERO, ZERO);
            Ok(())
        }
        M::Rdfsbase | M::Rdgsbase | M::Wrfsbase | M::Wrgsbase => fsgsbase(l),
        M::Lar | M::Lsl | M::Verr | M::Verw => inspect(l),
        // Documented to be undefined where CPUID does not report them, or outside the modes that have them.
        M::Sysenter | M::Sysexit | M::Rdpmc => Err(Refusal::Undefined),
        _ => Err(Refusal::Gap),
    }
}

/// The address of the next instruction in a register.
fn next(l: &mut Lifter) -> Reg {
    l.b.imm(l.insn.next_ip())
}

fn end(l: &mut Lifter, call: u16, payload: u16, d: Reg, a: Reg, b: Reg) -> Lift {
    l.b.call_end(call, payload, d, a, b);
    Ok(())
}

/// An instruction that CPL 0 alone may use.
fn privileged(l: &Lifter) -> Lift {
    if l.mode.kernel() {
        Ok(())
    } else {
        Err(Refusal::Protection)
    }
}

fn privileged_end(l: &mut Lifter, call: u16, payload: u16) -> Lift {
    privileged(l)?;
    end(l, call, payload, ZERO, ZERO, ZERO)
}

/// The bytes of a stack slot of PUSHF, POPF and their kin.
fn slot(l: &Lifter) -> Result<Width, Refusal> {
    Width::from_bytes(l.insn.stack_pointer_increment().unsigned_abs().into()).ok_or(Refusal::Gap)
}

fn push_flags(l: &mut Lifter) -> Lift {
    let width = slot(l)?;
    let flags = l.b.temp();
    l.b.call(id::READ_FLAGS, 0, flags, ZERO, ZERO);
    let (base, disp) = l.stack_slot(-(width.bytes() as i32));
    l.store(super::Address::Based { base, disp }, width, flags);
    l.move_sp(-(width.bytes() as i32));
    Ok(())
}

fn pop_flags(l: &mut Lifter) -> Lift {
    let width = slot(l)?;
    let (base, disp) = l.stack_slot(0);
    let flags = l.b.temp();
    l.load(flags, super::Address::Based { base, disp }, width);
    l.move_sp(width.bytes() as i32);
    end(l, id::WRITE_FLAGS, width.bytes() as u16, ZERO, flags, ZERO)
}

fn interrupt(l: &mut Lifter) -> Lift {
    let (call, vector) = match l.insn.mnemonic() {
        M::Int1 => (id::INT1, 0),
        M::Into => (id::INTO, 0),
        M::Int3 => (id::INT, 3),
        _ => (id::INT, u16::from(l.insn.immediate8())),
    };
    let next = next(l);
    end(l, call, vector, ZERO, next, ZERO)
}

fn far(l: &mut Lifter) -> Lift {
    let call = l.insn.mnemonic() == M::Call;
    let (selector, offset, bytes) = match l.insn.op0_kind() {
        OpKind::FarBranch16 => (
            l.b.imm(l.insn.far_branch_selector().into()),
            l.b.imm(l.insn.far_branch16().into()),
            2,
        ),
        OpKind::FarBranch32 => (
            l.b.imm(l.insn.far_branch_selector().into()),
            l.b.imm(l.insn.far_branch32().into()),
            4,
        ),
        OpKind::Memory => {
            // m16:16, m16:32 or m16:64: the offset first, then the selector
            let bytes = l.insn.memory_size().size() as u64 - 2;
            let width = Width::from_bytes(bytes).ok_or(Refusal::Gap)?;
            let address = l.ea();
            let (base, disp) = l.based(address);
            let (offset, selector) = (l.b.temp(), l.b.temp());
            l.load(offset, super::Address::Based { base, disp }, width);
            let behind = l.b.temp();
            l.load_address(behind, super::Address::Based { base, disp });
            l.load(
                selector,
                super::Address::Based {
                    base: behind,
                    disp: bytes as i32,
                },
                Width::B2,
            );
            (selector, offset, bytes as u16)
        }
        _ => return Err(Refusal::Gap),
    };
    if call {
        let next = next(l);
        end(l, id::FAR_CALL, bytes, next, selector, offset)
    } else {
        end(l, id::FAR_JUMP, 0, ZERO, selector, offset)
    }
}

fn far_return(l: &mut Lifter) -> Lift {
    let extra = if l.insn.op_count() > 0 {
        l.insn.immediate16()
    } else {
        0
    };
    let bytes = (l.insn.stack_pointer_increment() - i32::from(extra)) as u16 / 2;
    if extra > 0xfff {
        return Err(Refusal::Gap);
    }
    end(l, id::FAR_RET, bytes | extra << 4, ZERO, ZERO, ZERO)
}

/// The number of a segment register operand.
fn segment_of(l: &Lifter, n: u32) -> Option<u16> {
    let register = (l.insn.op_kind(n) == OpKind::Register).then(|| l.insn.op_register(n))?;
    register
        .is_segment_register()
        .then(|| register.number() as u16)
}

/// MOV to and from segment, control and debug registers.
fn mov(l: &mut Lifter) -> Lift {
    if let Some(segment) = segment_of(l, 0) {
        if usize::from(segment) == seg::CS {
            return Err(Refusal::Undefined);
        }
        let selector = l.read_operand(1)?;
        return end(l, id::LOAD_SEGMENT, segment, ZERO, selector, ZERO);
    }
    if let Some(segment) = segment_of(l, 1) {
        return store_selector(l, segment);
    }
    privileged(l)?;
    let special = |register: Register| {
        let number = register.number() as u16;
        if register.is_cr() {
            Some((number, id::READ_CR, id::WRITE_CR))
        } else {
            register
                .is_dr()
                .then_some((number, id::READ_DR, id::WRITE_DR))
        }
    };
    if let Some((number, _, write)) = special(l.insn.op0_register()) {
        let (value, _) = gpr(l.insn.op1_register()).ok_or(Refusal::Gap)?;
        if write == id::WRITE_CR && !matches!(number, 0 | 2 | 3 | 4 | 8) {
            return Err(Refusal::Undefined);
        }
        return end(l, write, number, ZERO, value, ZERO);
    }
    if let Some((number, read, _)) = special(l.insn.op1_register()) {
        let (d, _) = gpr(l.insn.op0_register()).ok_or(Refusal::Gap)?;
        l.b.call(read, number, d, ZERO, ZERO);
        return Ok(());
    }
    Err(Refusal::Gap)
}

/// MOV r/m, Sreg; SLDT; STR: 16 bits to memory, zero-extended to a register.
fn store_selector(l: &mut Lifter, which: u16) -> Lift {
    let t = l.b.temp();
    l.b.call(id::READ_SEGMENT, which, t, ZERO, ZERO);
    if l.is_memory(0) {
        let address = l.ea();
        l.store(address, Width::B2, t);
        return Ok(());
    }
    l.write_operand(0, t)
}

/// PUSH and POP of a segment register.
fn segment_stack(l: &mut Lifter) -> Lift {
    let segment = segment_of(l, 0).ok_or(Refusal::Gap)?;
    let width = slot(l)?;
    let size = width.bytes() as i32;
    let t = l.b.temp();
    if l.insn.mnemonic() == M::Push {
        l.b.call(id::READ_SEGMENT, segment, t, ZERO, ZERO);
        let (base, disp) = l.stack_slot(-size);
        l.store(super::Address::Based { base, disp }, width, t);
        l.move_sp(-size);
        return Ok(());
    }
    let (base, disp) = l.stack_slot(0);
    l.load(t, super::Address::Based { base, disp }, width);
    // The selector may fault, and then the stack pointer must not have moved: the load stands in front of the move.
    // The jump ends the block, because what lifting assumes may have changed.
    l.b.call(id::LOAD_SEGMENT, segment, ZERO, t, ZERO);
    l.move_sp(size);
    let next = next(l);
    l.b.jump_reg(next);
    Ok(())
}

fn table(l: &mut Lifter) -> Lift {
    let load = matches!(l.insn.mnemonic(), M::Lgdt | M::Lidt);
    let idt = u16::from(matches!(l.insn.mnemonic(), M::Lidt | M::Sidt));
    if load {
        privileged(l)?;
    }
    let short = matches!(l.insn.code(), Code::Lgdt_m1632_16 | Code::Lidt_m1632_16);
    let wide = match (l.mode.long(), short) {
        (true, _) => 2,
        (false, true) => 4,
        (false, false) => 0,
    };
    let address = l.ea();
    let address = l.address(address);
    let call = if load {
        id::LOAD_TABLE
    } else {
        id::STORE_TABLE
    };
    end(l, call, idt | wide, ZERO, address, ZERO)
}

/// The port operand: an immediate or DX.
fn port(l: &mut Lifter, n: u32) -> Reg {
    if l.insn.op_kind(n) == OpKind::Immediate8 {
        l.b.imm(u64::from(l.insn.immediate8()))
    } else {
        RDX
    }
}

fn port_in(l: &mut Lifter) -> Lift {
    let bytes = l.insn.op0_register().size() as u16;
    let port = port(l, 1);
    end(l, id::IN, bytes, RAX, port, ZERO)
}

fn port_out(l: &mut Lifter) -> Lift {
    let bytes = l.insn.op1_register().size() as u16;
    let port = port(l, 0);
    end(l, id::OUT, bytes, ZERO, port, RAX)
}

fn port_string(l: &mut Lifter) -> Lift {
    let (bytes, out) = match l.insn.mnemonic() {
        M::Insb => (1, 0),
        M::Insw => (2, 0),
        M::Insd => (4, 0),
        M::Outsb => (1, 0x10),
        M::Outsw => (2, 0x10),
        _ => (4, 0x10),
    };
    let rep = if l.insn.has_rep_prefix() || l.insn.has_repne_prefix() {
        0x20
    } else {
        0
    };
    let segment = if out == 0 {
        Register::ES
    } else {
        l.insn.memory_segment()
    };
    let segment = l.segment_base(segment).unwrap_or(ZERO);
    let index = l.insn.op_kind(u32::from(out != 0));
    let bits = match index {
        OpKind::MemorySegSI | OpKind::MemoryESDI => 16,
        OpKind::MemorySegESI | OpKind::MemoryESEDI => 32,
        _ => 64,
    };
    let bits = l.b.imm(bits);
    end(l, id::PORT_STRING, bytes | out | rep, ZERO, segment, bits)
}

fn fsgsbase(l: &mut Lifter) -> Lift {
    let (register, _) = gpr(l.insn.op0_register()).ok_or(Refusal::Gap)?;
    let gs = u16::from(matches!(l.insn.mnemonic(), M::Rdgsbase | M::Wrgsbase));
    let write = matches!(l.insn.mnemonic(), M::Wrfsbase | M::Wrgsbase);
    let wide = if l.insn.op0_register().is_gpr64() {
        4
    } else {
        0
    };
    let payload = gs | wide | if write { 2 } else { 0 };
    l.b.call(id::FSGSBASE, payload, register, register, ZERO);
    Ok(())
}

fn inspect(l: &mut Lifter) -> Lift {
    if !l.mode.long() && l.mode.bits() == 16 {
        return Err(Refusal::Gap);
    }
    let (operand, what) = match l.insn.mnemonic() {
        M::Lar => (1, 0),
        M::Lsl => (1, 1),
        M::Verr => (0, 2),
        _ => (0, 3),
    };
    let selector = l.read_operand(operand)?;
    if what >= 2 {
        l.b.call(id::INSPECT, what, ir::reg::SINK, selector, ZERO);
        return Ok(());
    }
    let (reg, part) = l.register(0)?;
    let result = l.b.temp();
    // If the selector is refused the register stays: the call leaves the temporary, which holds the old value.
    l.b.mov(result, reg);
    l.b.call(id::INSPECT, what, result, selector, ZERO);
    l.write_part(reg, part, result);
    Ok(())
}
