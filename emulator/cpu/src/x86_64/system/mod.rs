//! Calls of the system instructions: privilege, control registers, tables, ports, system calls and returns.
//!
//! Lifting has checked CPL where an instruction is simply privileged; what depends on more (IOPL, CR4) is checked here.
//! [`id`] numbers the calls and says what each takes; the longer answers stand in `returns`, `far`, `control`, `tables`
//! and `port`. Operands: `a` a value, address or selector, `d` where a result goes, the payload as each call says.

mod control;
mod far;
mod port;
mod returns;
mod tables;

use super::call::payload;
use super::cpu::Cpu;
use super::cpuid;
use super::paging::canonical;
use super::reg::{self, GS_BASE, rflags};
use super::state::{Activity, bits, seg};
use super::trap::{Exception, Trap, vector};
use base::event::Flush;
use base::{Bus, Observer, Space, Virt, Width};
use ir::{Flow, Guest, Op};

/// The call numbers of this room.
pub mod id {
    /// Fault: payload = vector | 0x100 if it has an error code (0).
    pub const RAISE: u16 = 0x00;
    /// Emulator gap: the instruction is not implemented.
    pub const GAP: u16 = 0x01;
    /// SYSCALL: a = address of the next instruction.
    pub const SYSCALL: u16 = 0x03;
    /// SYSRET: payload = 1 for the 64-bit form.
    pub const SYSRET: u16 = 0x04;
    /// INT n: payload = n; a = address of the next instruction.
    pub const INT: u16 = 0x05;
    /// IRET: payload = operand bytes.
    pub const IRET: u16 = 0x06;
    /// Far JMP: a = selector, b = offset.
    pub const FAR_JUMP: u16 = 0x07;
    /// Far CALL: a = selector, b = offset, d = address of the next instruction; payload = operand bytes.
    pub const FAR_CALL: u16 = 0x08;
    /// Far RET: payload = operand bytes | immediate << 4 … (immediate up to 4095), a = nothing.
    pub const FAR_RET: u16 = 0x09;
    /// MOV to a segment register: a = selector, payload = register.
    pub const LOAD_SEGMENT: u16 = 0x0a;
    /// d = selector of segment register payload (6 LDTR, 7 TR).
    pub const READ_SEGMENT: u16 = 0x0b;
    /// CRn = a, payload = n.
    pub const WRITE_CR: u16 = 0x0c;
    /// d = CRn, payload = n.
    pub const READ_CR: u16 = 0x0d;
    /// DRn = a, payload = n.
    pub const WRITE_DR: u16 = 0x0e;
    /// d = DRn, payload = n.
    pub const READ_DR: u16 = 0x0f;
    /// LGDT, LIDT: a = address, payload = 0 GDT, 1 IDT, | 2 if the base has 8 bytes, | 4 if it has 24 bits.
    pub const LOAD_TABLE: u16 = 0x10;
    /// SGDT, SIDT: as above.
    pub const STORE_TABLE: u16 = 0x11;
    /// LLDT: a = selector.
    pub const LLDT: u16 = 0x12;
    /// LTR: a = selector.
    pub const LTR: u16 = 0x13;
    /// LMSW: a = value.
    pub const LMSW: u16 = 0x14;
    /// CLTS.
    pub const CLTS: u16 = 0x15;
    /// INVLPG: a = address.
    pub const INVLPG: u16 = 0x16;
    /// HLT.
    pub const HLT: u16 = 0x17;
    /// PAUSE.
    pub const PAUSE: u16 = 0x18;
    /// CPUID.
    pub const CPUID: u16 = 0x19;
    /// RDMSR.
    pub const RDMSR: u16 = 0x1a;
    /// WRMSR.
    pub const WRMSR: u16 = 0x1b;
    /// RDTSC; payload 1: RDTSCP.
    pub const RDTSC: u16 = 0x1c;
    /// IN: d = accumulator, a = port, payload = bytes.
    pub const IN: u16 = 0x1d;
    /// OUT: a = port, b = value, payload = bytes.
    pub const OUT: u16 = 0x1e;
    /// d = RFLAGS as PUSHF stores it.
    pub const READ_FLAGS: u16 = 0x1f;
    /// POPF: a = value, payload = operand bytes.
    pub const WRITE_FLAGS: u16 = 0x20;
    /// CLI.
    pub const CLI: u16 = 0x21;
    /// STI.
    pub const STI: u16 = 0x22;
    /// CLAC; payload 1: STAC.
    pub const SET_AC: u16 = 0x23;
    /// SWAPGS.
    pub const SWAPGS: u16 = 0x24;
    /// RDFSBASE and its kin: payload = 0 FS, 1 GS | 2 write | 4 64-bit; d or a.
    pub const FSGSBASE: u16 = 0x25;
    /// INS, OUTS without REP: payload = bytes | 0x10 for OUTS | 0x20 with REP; a = segment base, b = address bits.
    pub const PORT_STRING: u16 = 0x26;
    /// LAR, LSL, VERR, VERW: a = selector, d = result, payload 0..3; ZF tells success.
    pub const INSPECT: u16 = 0x27;
    /// INVPCID: a = address of the descriptor, b = type.
    pub const INVPCID: u16 = 0x28;
    /// INT1: a = address of the next instruction.
    pub const INT1: u16 = 0x29;
    /// INTO: a = address of the next instruction.
    pub const INTO: u16 = 0x2a;
}

/// Answers a call of page 0.
pub fn call<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    id: u16,
    op: Op,
    at: u64,
    left: u64,
) -> Result<Flow, Trap> {
    let payload = payload(op);
    let (a, b) = (
        cpu.hart.regs[usize::from(op.a)],
        cpu.hart.regs[usize::from(op.b)],
    );
    let d = usize::from(op.d);
    match id {
        id::RAISE => {
            let error = (payload & 0x100 != 0).then_some(0);
            return Err(Trap::Fault(Exception {
                vector: payload as u8,
                error,
                address: None,
            }));
        }
        id::GAP => return Err(cpu.gap("this instruction")),
        id::SYSCALL => return cpu.syscall(a, at),
        id::SYSRET => return cpu.sysret(payload != 0, at),
        id::INT => {
            let exception = Exception {
                vector: payload as u8,
                error: None,
                address: None,
            };
            return Err(Trap::Software { exception, next: a });
        }
        id::INT1 => return Err(Trap::Debug { next: a }),
        id::INTO => {
            if cpu.hart.rflags() & ir::flags::OF != 0 {
                let exception = Exception {
                    vector: vector::OF,
                    error: None,
                    address: None,
                };
                return Err(Trap::Software { exception, next: a });
            }
        }
        id::IRET => return cpu.iret(width(payload), at),
        id::FAR_JUMP => return cpu.far_jump(a as u16, b, at),
        id::FAR_CALL => {
            let next = cpu.hart.regs[d];
            return cpu.far_call(a as u16, b, next, width(payload), at);
        }
        id::FAR_RET => return cpu.far_ret(width(payload & 15), u64::from(payload >> 4), at),
        id::LOAD_SEGMENT => {
            cpu.load_segment(usize::from(payload), a as u16, at)?;
            cpu.hart.shadow |= usize::from(payload) == seg::SS;
        }
        id::READ_SEGMENT => {
            cpu.hart.regs[d] = u64::from(match payload {
                6 => cpu.hart.ldtr.selector,
                7 => cpu.hart.tr.selector,
                n => cpu.hart.segs[usize::from(n)].selector,
            });
        }
        id::WRITE_CR => cpu.write_cr(payload, a, at)?,
        id::READ_CR => {
            cpu.hart.regs[d] = match payload {
                0 => cpu.hart.cr0,
                2 => cpu.hart.cr2,
                3 => cpu.hart.cr3,
                4 => cpu.hart.cr4,
                8 => cpu.read_device(Space::Local, 0x808, Width::B8, at) >> 4 & 15,
                _ => return Err(Trap::UD),
            };
        }
        id::WRITE_DR => cpu.write_dr(payload, a)?,
        id::READ_DR => cpu.hart.regs[d] = cpu.hart.dr[cpu.debug_register(payload)?],
        id::LOAD_TABLE => cpu.load_table(a, payload, at)?,
        id::STORE_TABLE => {
            let (base, limit) = if payload & 1 == 0 {
                cpu.hart.gdtr
            } else {
                cpu.hart.idtr
            };
            let base_width = if payload & 2 != 0 {
                Width::B8
            } else {
                Width::B4
            };
            cpu.probe_write(a, 2 + base_width.bytes(), at)?;
            cpu.store(a, Width::B2, u64::from(limit), at)?;
            cpu.store(a.wrapping_add(2), base_width, base, at)?;
        }
        id::LLDT => cpu.load_system_segment(a as u16, 2, at)?,
        id::LTR => cpu.load_system_segment(a as u16, 9, at)?,
        id::LMSW => {
            let pe = cpu.hart.cr0 & bits::CR0_PE; // LMSW can set PE, not clear it
            let cr0 = cpu.hart.cr0 & !0xf | a & 0xf | pe;
            cpu.write_cr(0, cr0, at)?;
        }
        id::CLTS => {
            cpu.hart.cr0 &= !bits::CR0_TS;
            cpu.hart.refresh();
        }
        id::INVLPG => {
            if canonical(a) || !cpu.hart.long() {
                cpu.flush(Flush::Page(Virt(a)), at);
            }
            cpu.hart.fetch_page = None;
        }
        id::HLT => {
            cpu.hart.activity = Activity::Halted;
            cpu.hart.host.attention = true;
        }
        id::PAUSE => {}
        id::CPUID => {
            let r = &cpu.hart.regs;
            let (leaf, subleaf) = (
                r[usize::from(reg::RAX)] as u32,
                r[usize::from(reg::RCX)] as u32,
            );
            let result = cpuid::leaf(cpu.hart.topology, leaf, subleaf);
            for (r, value) in [reg::RAX, reg::RBX, reg::RCX, reg::RDX]
                .into_iter()
                .zip(result)
            {
                cpu.hart.regs[usize::from(r)] = u64::from(value);
            }
        }
        id::RDMSR => {
            let msr = cpu.hart.regs[usize::from(reg::RCX)] as u32;
            let value = cpu.read_msr(msr, at)?;
            cpu.hart.regs[usize::from(reg::RAX)] = value & 0xffff_ffff;
            cpu.hart.regs[usize::from(reg::RDX)] = value >> 32;
        }
        id::WRMSR => {
            let r = &cpu.hart.regs;
            let value = r[usize::from(reg::RAX)] & 0xffff_ffff | r[usize::from(reg::RDX)] << 32;
            let msr = r[usize::from(reg::RCX)] as u32;
            cpu.write_msr(msr, value, at)?;
        }
        id::RDTSC => {
            if cpu.hart.cr4 & bits::CR4_TSD != 0 && cpu.hart.cpl != 0 {
                return Err(Trap::GP0);
            }
            let tsc = cpu.tsc(at);
            cpu.hart.regs[usize::from(reg::RAX)] = tsc & 0xffff_ffff;
            cpu.hart.regs[usize::from(reg::RDX)] = tsc >> 32;
            if payload == 1 {
                cpu.hart.regs[usize::from(reg::RCX)] = cpu.hart.tsc_aux;
            }
        }
        id::IN => {
            cpu.check_port(a as u16, u64::from(payload), at)?;
            let value = cpu.read_device(Space::Port, a & 0xffff, width(payload), at);
            let old = cpu.hart.regs[d];
            cpu.hart.regs[d] = match payload {
                1 => old & !0xff | value,
                2 => old & !0xffff | value,
                _ => value,
            };
        }
        id::OUT => {
            cpu.check_port(a as u16, u64::from(payload), at)?;
            cpu.write_device(Space::Port, a & 0xffff, width(payload), b, at);
        }
        id::READ_FLAGS => cpu.hart.regs[d] = cpu.hart.rflags() & !(rflags::RF | rflags::VM),
        id::WRITE_FLAGS => cpu.write_flags(a, width(payload)),
        id::CLI | id::STI => {
            if iopl(cpu) < cpu.hart.cpl {
                return Err(Trap::GP0);
            }
            let flags = &mut cpu.hart.regs[usize::from(reg::RFLAGS)];
            if id == id::CLI {
                *flags &= !rflags::IF;
            } else {
                cpu.hart.shadow |= *flags & rflags::IF == 0;
                *flags |= rflags::IF;
                cpu.hart.host.attention = true;
            }
        }
        id::SET_AC => {
            let flags = &mut cpu.hart.regs[usize::from(reg::RFLAGS)];
            *flags = if payload == 1 {
                *flags | rflags::AC
            } else {
                *flags & !rflags::AC
            };
            cpu.hart.refresh_view();
        }
        id::SWAPGS => {
            std::mem::swap(
                &mut cpu.hart.kernel_gs_base,
                &mut cpu.hart.regs[usize::from(GS_BASE)],
            );
        }
        id::FSGSBASE => cpu.fsgsbase(payload, op, a)?,
        id::PORT_STRING => return cpu.port_string(payload, a, b, at, left),
        id::INSPECT => cpu.inspect(payload, a as u16, d, at)?,
        id::INVPCID => cpu.invpcid(a, b, at)?,
        _ => return Err(cpu.gap("this call")),
    }
    Ok(Flow::Next)
}

fn width(bytes: u16) -> Width {
    Width::from_bytes(u64::from(bytes)).unwrap_or(Width::B8)
}

fn iopl<B: Bus, O: Observer>(cpu: &Cpu<'_, B, O>) -> u8 {
    (cpu.hart.regs[usize::from(reg::RFLAGS)] >> 12 & 3) as u8
}
