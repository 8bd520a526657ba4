//! Calls of the system instructions: privilege, control registers, tables, ports, system calls and returns.
//!
//! Lifting has checked CPL where an instruction is simply privileged; what depends on more (IOPL, CR4) is checked here.
//! Operands: `a` a value, address or selector, `d` where a result goes, the payload as each call says.

use super::call::payload;
use super::cpu::Cpu;
use super::cpuid;
use super::paging::canonical;
use super::reg::{self, FS_BASE, GS_BASE, SEG_BASE, rflags};
use super::segment::{self, Descriptor, selector_error};
use super::state::{Activity, Segment, bits, seg};
use super::trap::{Exception, Trap, vector};
use base::{Bus, Observer, Space, Width};
use ir::{Flow, Guest, Op};

/// The call numbers of this room.
pub mod id {
    /// Fault: payload = vector | 0x100 if it has an error code (0).
    pub const RAISE: u16 = 0x00;
    /// Emulator gap: the instruction is not implemented.
    pub const GAP: u16 = 0x01;
    /// A probe: a = site.
    pub const PROBE: u16 = 0x02;
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
    /// LGDT, LIDT: a = address, payload = 0 GDT, 1 IDT, | 2 if the base has 8 bytes.
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
        id::PROBE => {
            // The run loop reads the probe's arguments before the next instruction; a probe sits on a NOP.
            cpu.hart.probe = Some(a as u32);
            cpu.hart.attention = true;
        }
        id::SYSCALL => return cpu.syscall(a),
        id::SYSRET => return cpu.sysret(payload != 0),
        id::INT => {
            let exception = Exception {
                vector: payload as u8,
                error: None,
                address: None,
            };
            return Err(Trap::Software { exception, next: a });
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
        id::WRITE_DR => cpu.hart.dr[usize::from(payload & 7)] = a,
        id::READ_DR => cpu.hart.regs[d] = cpu.hart.dr[usize::from(payload & 7)],
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
                cpu.hart.tlb.flush_page(a);
            }
            cpu.hart.fetch_page = None;
        }
        id::HLT => {
            cpu.hart.activity = Activity::Halted;
            cpu.hart.attention = true;
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
                cpu.hart.attention = true;
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

impl<B: Bus, O: Observer> Cpu<'_, B, O> {
    /// SYSCALL (SDM vol. 2): to LSTAR at CPL 0, with RCX and R11 holding the way back.
    fn syscall(&mut self, next: u64) -> Result<Flow, Trap> {
        if self.hart.efer & bits::EFER_SCE == 0 || !self.hart.mode().long() {
            return Err(Trap::UD);
        }
        let flags = self.hart.rflags();
        self.hart.counters.syscalls += 1;
        self.hart.regs[usize::from(reg::RCX)] = next;
        self.hart.regs[usize::from(reg::R11)] = flags & !rflags::RF;
        self.hart.set_rflags(flags & !self.hart.syscall[3]);
        let selector = (self.hart.syscall[0] >> 32) as u16 & 0xfffc;
        segment::set(
            self.hart,
            seg::SS,
            selector.wrapping_add(8),
            segment::flat(false, false, 0),
        );
        let target = self.hart.syscall[1];
        self.enter_code(selector, segment::flat(true, true, 0), 0, target);
        Ok(Flow::Jump)
    }

    /// SYSRET: back to CPL 3. A non-canonical RCX faults in the kernel, as on Intel's processors.
    fn sysret(&mut self, long: bool) -> Result<Flow, Trap> {
        if self.hart.efer & bits::EFER_SCE == 0 || !self.hart.mode().long() {
            return Err(Trap::UD);
        }
        let target = self.hart.regs[usize::from(reg::RCX)];
        if long && !canonical(target) {
            return Err(Trap::GP0);
        }
        let flags = self.hart.regs[usize::from(reg::R11)];
        self.hart.set_rflags(flags & !(rflags::RF | rflags::VM));
        let base = (self.hart.syscall[0] >> 48) as u16;
        let code = if long { base.wrapping_add(16) } else { base };
        segment::set(
            self.hart,
            seg::SS,
            base.wrapping_add(8) | 3,
            segment::flat(false, false, 3),
        );
        let target = if long { target } else { target & 0xffff_ffff };
        self.enter_code(code, segment::flat(true, long, 3), 3, target);
        self.hart.refresh_view();
        Ok(Flow::Jump)
    }

    fn read_stack(&mut self, slot: u64, size: Width, at: u64) -> Result<u64, Trap> {
        let mode = self.hart.mode();
        let mut rsp = self.hart.regs[usize::from(reg::RSP)].wrapping_add(slot * size.bytes());
        if !mode.long() {
            rsp &= if mode.stack32() { 0xffff_ffff } else { 0xffff };
            rsp = rsp.wrapping_add(self.hart.base(seg::SS)) & 0xffff_ffff;
        }
        self.load(rsp, size, false, at)
    }

    /// IRET (SDM vol. 2): RIP, CS, RFLAGS, and in long mode or to lower privilege RSP and SS.
    fn iret(&mut self, size: Width, at: u64) -> Result<Flow, Trap> {
        let pc = self.read_stack(0, size, at)?;
        let selector = self.read_stack(1, size, at)? as u16;
        let flags = self.read_stack(2, size, at)?;
        let rsp = self.hart.regs[usize::from(reg::RSP)];
        if segment::real_mode(self.hart) {
            self.hart.regs[usize::from(reg::RSP)] = rsp & !0xffff | rsp.wrapping_add(6) & 0xffff;
            self.write_flags(flags, size);
            return self.far_jump(selector, pc, at);
        }
        if flags & rflags::NT != 0 && self.hart.regs[usize::from(reg::RFLAGS)] & rflags::NT != 0 {
            return Err(Trap::GP0);
        }
        let rpl = (selector & 3) as u8;
        if selector & 0xfffc == 0 {
            return Err(Trap::GP0);
        }
        let error = selector_error(selector);
        let code = self.descriptor(selector, vector::GP, at)?;
        let privilege_ok = if code.conforming() {
            code.dpl() <= rpl
        } else {
            code.dpl() == rpl
        };
        if !code.code()
            || rpl < self.hart.cpl
            || !privilege_ok
            || (self.hart.long() && code.long() && code.big())
        {
            return Err(Trap::fault_code(vector::GP, error));
        }
        if !code.present() {
            return Err(Trap::fault_code(vector::NP, error));
        }
        let to_long = self.hart.long() && code.long();
        let outward = rpl > self.hart.cpl;
        if to_long && !canonical(pc) {
            return Err(Trap::GP0);
        }
        let mut stack = None;
        if self.hart.mode().long() || outward {
            let new_rsp = self.read_stack(3, size, at)?;
            let ss = self.read_stack(4, size, at)? as u16;
            stack = Some((new_rsp, ss, self.check_stack_segment(ss, rpl, to_long, at)?));
        }
        let old_cpl = self.hart.cpl;
        self.return_flags(flags, old_cpl, size);
        let pc = if to_long { pc } else { pc & 0xffff_ffff };
        let code = self.mark_accessed(selector, code, at)?;
        self.enter_code(selector, code, rpl, pc);
        match stack {
            Some((new_rsp, ss, descriptor)) => {
                self.hart.regs[usize::from(reg::RSP)] = new_rsp;
                match descriptor {
                    Some(descriptor) => segment::set(self.hart, seg::SS, ss, descriptor),
                    None => {
                        self.hart.segs[seg::SS] = Segment {
                            selector: ss,
                            ..Segment::default()
                        }
                    }
                }
            }
            None => self.hart.regs[usize::from(reg::RSP)] = rsp.wrapping_add(3 * size.bytes()),
        }
        if rpl > old_cpl {
            self.drop_privileged_segments();
        }
        self.hart.nmi_blocked = false;
        self.hart.refresh();
        Ok(Flow::Jump)
    }

    /// The stack segment of a return to privilege `rpl`: `None` for the null selector that 64-bit code may have.
    fn check_stack_segment(
        &mut self,
        ss: u16,
        rpl: u8,
        to_long: bool,
        at: u64,
    ) -> Result<Option<Descriptor>, Trap> {
        if ss & 0xfffc == 0 {
            return if to_long && rpl != 3 && (ss & 3) as u8 == rpl {
                Ok(None)
            } else {
                Err(Trap::GP0)
            };
        }
        let descriptor = self.descriptor(ss, vector::GP, at)?;
        let writable =
            descriptor.code_or_data() && !descriptor.code() && descriptor.kind() & 2 != 0;
        if (ss & 3) as u8 != rpl || !writable || descriptor.dpl() != rpl {
            return Err(Trap::fault_code(vector::GP, selector_error(ss)));
        }
        if !descriptor.present() {
            return Err(Trap::fault_code(vector::SS, selector_error(ss)));
        }
        Ok(Some(descriptor))
    }

    /// On a return outward, data segments that the new privilege may not use become null (SDM vol. 2, IRET).
    fn drop_privileged_segments(&mut self) {
        for index in [seg::ES, seg::DS, seg::FS, seg::GS] {
            let s = self.hart.segs[index];
            let dpl = (s.attr >> 5 & 3) as u8;
            let data_or_nonconforming = s.attr & 0x18 == 0x10 || s.attr & 0x1c == 0x18;
            if s.selector & 0xfffc != 0 && data_or_nonconforming && dpl < self.hart.cpl {
                self.hart.segs[index] = Segment::default();
                if index == seg::ES || index == seg::DS {
                    self.hart.regs[usize::from(SEG_BASE) + index] = 0;
                }
            }
        }
    }

    /// RFLAGS from a frame, by the rights of the privilege that returns.
    fn return_flags(&mut self, value: u64, cpl: u8, size: Width) {
        let old = self.hart.rflags();
        let mut kept = rflags::VM;
        if cpl > 0 {
            kept |= rflags::IOPL;
        }
        if cpl > iopl(self) {
            kept |= rflags::IF;
        }
        if size == Width::B2 {
            kept |= !0xffff;
        }
        self.hart.set_rflags(value & !kept | old & kept);
        self.hart.attention = true;
    }

    /// POPF.
    fn write_flags(&mut self, value: u64, size: Width) {
        let cpl = if segment::real_mode(self.hart) {
            0
        } else {
            self.hart.cpl
        };
        self.return_flags(value & !rflags::RF, cpl, size);
    }

    fn far_jump(&mut self, selector: u16, offset: u64, at: u64) -> Result<Flow, Trap> {
        if segment::real_mode(self.hart) {
            self.hart.segs[seg::CS].selector = selector;
            self.hart.regs[usize::from(SEG_BASE) + seg::CS] = u64::from(selector) << 4;
            self.hart.pc = offset;
            self.hart.refresh();
            return Ok(Flow::Jump);
        }
        let code = self.far_target(selector, at)?;
        let offset = if self.hart.long() && code.long() {
            offset
        } else {
            offset & 0xffff_ffff
        };
        if self.hart.long() && code.long() && !canonical(offset) {
            return Err(Trap::GP0);
        }
        self.enter_code(selector, code, self.hart.cpl, offset);
        Ok(Flow::Jump)
    }

    /// The code segment of a far jump or call at the same privilege. Call gates and task gates are not implemented.
    fn far_target(&mut self, selector: u16, at: u64) -> Result<Descriptor, Trap> {
        if selector & 0xfffc == 0 {
            return Err(Trap::GP0);
        }
        let error = selector_error(selector);
        let code = self.descriptor(selector, vector::GP, at)?;
        if !code.code_or_data() && matches!(code.kind(), 4 | 5 | 9 | 11 | 12) {
            return Err(self.gap("a far transfer through a gate or task"));
        }
        let rpl = (selector & 3) as u8;
        let allowed = if code.conforming() {
            code.dpl() <= self.hart.cpl
        } else {
            code.dpl() == self.hart.cpl && rpl <= self.hart.cpl
        };
        if !code.code() || !allowed || (self.hart.long() && code.long() && code.big()) {
            return Err(Trap::fault_code(vector::GP, error));
        }
        if !code.present() {
            return Err(Trap::fault_code(vector::NP, error));
        }
        self.mark_accessed(selector, code, at)
    }

    fn far_call(
        &mut self,
        selector: u16,
        offset: u64,
        next: u64,
        size: Width,
        at: u64,
    ) -> Result<Flow, Trap> {
        let mode = self.hart.mode();
        let rsp = self.hart.regs[usize::from(reg::RSP)];
        let stack_base = if mode.long() {
            0
        } else {
            self.hart.base(seg::SS)
        };
        let stack_mask = if mode.long() {
            u64::MAX
        } else if mode.stack32() {
            0xffff_ffff
        } else {
            0xffff
        };
        let place =
            |n: u64| (rsp.wrapping_sub(n * size.bytes()) & stack_mask).wrapping_add(stack_base);
        self.probe_write(place(1), size.bytes(), at)?;
        self.probe_write(place(2), size.bytes(), at)?;
        let old = self.hart.segs[seg::CS].selector;
        let flow = self.far_jump(selector, offset, at)?;
        self.store(place(1), size, u64::from(old), at)?;
        self.store(place(2), size, next, at)?;
        self.hart.regs[usize::from(reg::RSP)] =
            rsp & !stack_mask | rsp.wrapping_sub(2 * size.bytes()) & stack_mask;
        Ok(flow)
    }

    fn far_ret(&mut self, size: Width, extra: u64, at: u64) -> Result<Flow, Trap> {
        let pc = self.read_stack(0, size, at)?;
        let selector = self.read_stack(1, size, at)? as u16;
        let rpl = (selector & 3) as u8;
        let rsp = self.hart.regs[usize::from(reg::RSP)].wrapping_add(2 * size.bytes() + extra);
        if segment::real_mode(self.hart) || rpl == self.hart.cpl {
            let flow = self.far_jump(selector, pc, at)?;
            self.hart.regs[usize::from(reg::RSP)] = rsp;
            return Ok(flow);
        }
        let error = selector_error(selector);
        let code = self.descriptor(selector, vector::GP, at)?;
        if !code.code() || rpl < self.hart.cpl || (!code.conforming() && code.dpl() != rpl) {
            return Err(Trap::fault_code(vector::GP, error));
        }
        if !code.present() {
            return Err(Trap::fault_code(vector::NP, error));
        }
        let skip = extra / size.bytes();
        let new_rsp = self.read_stack(2 + skip, size, at)?;
        let ss = self.read_stack(3 + skip, size, at)? as u16;
        let stack = self.check_stack_segment(ss, rpl, self.hart.long() && code.long(), at)?;
        self.enter_code(selector, code, rpl, pc);
        match stack {
            Some(descriptor) => segment::set(self.hart, seg::SS, ss, descriptor),
            None => {
                self.hart.segs[seg::SS] = Segment {
                    selector: ss,
                    ..Segment::default()
                }
            }
        }
        self.hart.regs[usize::from(reg::RSP)] = new_rsp.wrapping_add(extra);
        self.drop_privileged_segments();
        self.hart.refresh();
        Ok(Flow::Jump)
    }

    fn write_cr(&mut self, n: u16, value: u64, at: u64) -> Result<(), Trap> {
        match n {
            0 => self.write_cr0(value)?,
            2 => self.hart.cr2 = value,
            3 => {
                let pcid = self.hart.cr4 & bits::CR4_PCIDE != 0;
                let keep = pcid && value >> 63 != 0;
                let value = value & !(1 << 63);
                if self.hart.long() && value >> super::paging::PHYS_BITS != 0 {
                    return Err(Trap::GP0);
                }
                self.hart.cr3 = value;
                if pcid && !keep {
                    self.hart.tlb.flush_asid((value & 0xfff) as u16);
                } else if !pcid {
                    self.hart.tlb.flush(self.hart.cr4 & bits::CR4_PGE != 0);
                }
                self.hart.tlb.forget_fast(); // the fast table knows no address space
                self.hart.fetch_page = None;
            }
            4 => self.write_cr4(value)?,
            8 => {
                if value & !15 != 0 {
                    return Err(Trap::GP0);
                }
                self.write_device(Space::Local, 0x808, Width::B8, value << 4, at);
            }
            _ => return Err(Trap::UD),
        }
        Ok(())
    }

    fn write_cr0(&mut self, value: u64) -> Result<(), Trap> {
        const KNOWN: u64 = bits::CR0_PE
            | bits::CR0_MP
            | bits::CR0_EM
            | bits::CR0_TS
            | bits::CR0_NE
            | bits::CR0_WP
            | bits::CR0_AM
            | bits::CR0_NW
            | bits::CR0_CD
            | bits::CR0_PG;
        let paging = value & bits::CR0_PG != 0;
        let not_writethrough_but_cached = value & bits::CR0_NW != 0 && value & bits::CR0_CD == 0;
        if value >> 32 != 0 || (paging && value & bits::CR0_PE == 0) || not_writethrough_but_cached
        {
            return Err(Trap::GP0);
        }
        let turned_on = paging && self.hart.cr0 & bits::CR0_PG == 0;
        if turned_on {
            if self.hart.efer & bits::EFER_LME == 0 {
                return Err(self.gap("paging outside long mode"));
            }
            if self.hart.cr4 & bits::CR4_PAE == 0 || self.hart.segs[seg::CS].attr & 1 << 13 != 0 {
                return Err(Trap::GP0);
            }
            self.hart.efer |= bits::EFER_LMA;
        } else if !paging && self.hart.cr0 & bits::CR0_PG != 0 {
            if self.hart.mode().long() || self.hart.cr4 & bits::CR4_PCIDE != 0 {
                return Err(Trap::GP0);
            }
            self.hart.efer &= !bits::EFER_LMA;
        }
        let flush = (value ^ self.hart.cr0) & (bits::CR0_PG | bits::CR0_WP | bits::CR0_PE) != 0;
        self.hart.cr0 = value & KNOWN | bits::CR0_ET;
        if flush {
            self.hart.tlb.flush(false);
        }
        self.hart.refresh();
        Ok(())
    }

    fn write_cr4(&mut self, value: u64) -> Result<(), Trap> {
        let changed = value ^ self.hart.cr4;
        let pcid_on = changed & value & bits::CR4_PCIDE != 0;
        if value & !cpuid::CR4_ALLOWED != 0
            || (self.hart.long() && value & bits::CR4_PAE == 0)
            || (pcid_on && (!self.hart.long() || self.hart.cr3 & 0xfff != 0))
        {
            return Err(Trap::GP0);
        }
        self.hart.cr4 = value;
        if changed
            & (bits::CR4_PGE | bits::CR4_PAE | bits::CR4_PCIDE | bits::CR4_SMEP | bits::CR4_SMAP)
            != 0
        {
            self.hart.tlb.flush(false);
        }
        self.hart.refresh();
        Ok(())
    }

    fn load_table(&mut self, addr: u64, payload: u16, at: u64) -> Result<(), Trap> {
        let limit = self.load(addr, Width::B2, false, at)? as u16;
        let base_width = if payload & 2 != 0 {
            Width::B8
        } else {
            Width::B4
        };
        let base = self.load(addr.wrapping_add(2), base_width, false, at)?;
        if payload & 2 != 0 && !canonical(base) {
            return Err(Trap::GP0);
        }
        *(if payload & 1 == 0 {
            &mut self.hart.gdtr
        } else {
            &mut self.hart.idtr
        }) = (base, limit);
        Ok(())
    }

    /// LLDT and LTR: `kind` is the descriptor type they want (an available TSS becomes busy).
    fn load_system_segment(&mut self, selector: u16, kind: u8, at: u64) -> Result<(), Trap> {
        let error = selector_error(selector);
        if selector & 0xfffc == 0 {
            if kind == 2 {
                self.hart.ldtr = Segment {
                    selector,
                    ..Segment::default()
                };
                return Ok(());
            }
            return Err(Trap::GP0);
        }
        let low = self.descriptor(selector, vector::GP, at)?;
        if selector & 4 != 0 || low.code_or_data() || low.kind() != kind {
            return Err(Trap::fault_code(vector::GP, error));
        }
        if !low.present() {
            return Err(Trap::fault_code(vector::NP, error));
        }
        let table = self.hart.gdtr.0;
        let addr = table.wrapping_add(u64::from(selector & 0xfff8));
        let mut base = low.base();
        if self.hart.long() {
            let high =
                self.as_supervisor(|cpu| cpu.load(addr.wrapping_add(8), Width::B8, false, at))?;
            base |= high << 32;
        }
        let mut attr = low.attr();
        if kind == 9 {
            self.as_supervisor(|cpu| cpu.store(addr, Width::B8, low.0 | 1 << 41, at))?;
            attr |= 2;
        }
        let loaded = Segment {
            selector,
            attr,
            limit: low.limit(),
            base,
        };
        *(if kind == 2 {
            &mut self.hart.ldtr
        } else {
            &mut self.hart.tr
        }) = loaded;
        Ok(())
    }

    /// Port access beyond IOPL is decided by the task's permission bitmap (SDM vol. 1, 19.5.2).
    fn check_port(&mut self, port: u16, bytes: u64, at: u64) -> Result<(), Trap> {
        if segment::real_mode(self.hart) || self.hart.cpl <= iopl(self) {
            return Ok(());
        }
        let tr = self.hart.tr;
        if u64::from(tr.limit) < 103 {
            return Err(Trap::GP0);
        }
        let offset =
            self.as_supervisor(|cpu| cpu.load(tr.base.wrapping_add(102), Width::B2, false, at))?;
        let byte = offset + u64::from(port) / 8;
        if byte + 1 > u64::from(tr.limit) {
            return Err(Trap::GP0);
        }
        let map =
            self.as_supervisor(|cpu| cpu.load(tr.base.wrapping_add(byte), Width::B2, false, at))?;
        let wanted = ((1u64 << bytes) - 1) << (port & 7);
        if map & wanted == 0 {
            Ok(())
        } else {
            Err(Trap::GP0)
        }
    }

    fn fsgsbase(&mut self, payload: u16, op: Op, a: u64) -> Result<(), Trap> {
        if self.hart.cr4 & bits::CR4_FSGSBASE == 0 || !self.hart.mode().long() {
            return Err(Trap::UD);
        }
        let base = usize::from(if payload & 1 == 0 { FS_BASE } else { GS_BASE });
        let mask = if payload & 4 != 0 {
            u64::MAX
        } else {
            0xffff_ffff
        };
        if payload & 2 != 0 {
            if !canonical(a & mask) {
                return Err(Trap::GP0);
            }
            self.hart.regs[base] = a & mask;
        } else {
            self.hart.regs[usize::from(op.d)] = self.hart.regs[base] & mask;
        }
        Ok(())
    }

    /// INS and OUTS, one or (with REP) as many as the run allows.
    fn port_string(
        &mut self,
        payload: u16,
        base: u64,
        address_bits: u64,
        at: u64,
        left: u64,
    ) -> Result<Flow, Trap> {
        let bytes = u64::from(payload & 15);
        let size = width(payload & 15);
        let (out, rep) = (payload & 0x10 != 0, payload & 0x20 != 0);
        let mask = u64::MAX >> (64 - address_bits);
        let port = self.hart.regs[usize::from(reg::RDX)] & 0xffff;
        self.check_port(port as u16, bytes, at)?;
        let index = usize::from(if out { reg::RSI } else { reg::RDI });
        let down = self.hart.regs[usize::from(reg::RFLAGS)] & rflags::DF != 0;
        let step = if down { bytes.wrapping_neg() } else { bytes };
        let rcx = usize::from(reg::RCX);
        let mut done = 0;
        loop {
            if rep && self.hart.regs[rcx] & mask == 0 {
                return Ok(Flow::Counted(done.max(1)));
            }
            if done == left {
                return Ok(Flow::Again(done));
            }
            let addr = base.wrapping_add(self.hart.regs[index] & mask);
            let moved = self.port_element(out, addr, port, size, at + done);
            if let Err(trap) = moved {
                // What is done stays done; the run takes the fault when it comes back with nothing done.
                return if done == 0 {
                    Err(trap)
                } else {
                    Ok(Flow::Again(done))
                };
            }
            let next = self.hart.regs[index].wrapping_add(step);
            self.hart.regs[index] = self.hart.regs[index] & !mask | next & mask;
            done += 1;
            if !rep {
                return Ok(Flow::Next);
            }
            let count = self.hart.regs[rcx];
            self.hart.regs[rcx] = count & !mask | count.wrapping_sub(1) & mask;
        }
    }

    fn port_element(
        &mut self,
        out: bool,
        addr: u64,
        port: u64,
        size: Width,
        at: u64,
    ) -> Result<(), Trap> {
        if out {
            let value = self.load(addr, size, false, at)?;
            self.write_device(Space::Port, port, size, value, at);
            return Ok(());
        }
        self.probe_write(addr, size.bytes(), at)?;
        let value = self.read_device(Space::Port, port, size, at);
        self.store(addr, size, value, at)
    }

    /// LAR (0), LSL (1), VERR (2), VERW (3): ZF and, if set, a result.
    fn inspect(&mut self, what: u16, selector: u16, d: usize, at: u64) -> Result<(), Trap> {
        let flags = self.hart.rflags() & ir::flags::ALL & !ir::flags::ZF;
        let descriptor = match self.descriptor(selector, vector::GP, at) {
            Ok(descriptor) if selector & 0xfffc != 0 => Some(descriptor),
            Ok(_)
            | Err(Trap::Fault(Exception {
                vector: vector::GP, ..
            })) => None,
            Err(trap) => return Err(trap),
        };
        let ok = descriptor.filter(|t| {
            let reachable = t.conforming() || t.dpl() >= self.hart.cpl.max((selector & 3) as u8);
            let system =
                !t.code_or_data() && matches!((what, t.kind()), (0 | 1, 2 | 9 | 11) | (0, 12));
            reachable
                && match what {
                    0 | 1 => t.code_or_data() || system,
                    2 => t.code_or_data() && (!t.code() || t.kind() & 2 != 0),
                    _ => t.code_or_data() && !t.code() && t.kind() & 2 != 0,
                }
        });
        if let Some(t) = ok {
            match what {
                0 => self.hart.regs[d] = t.0 >> 32 & 0x00f0_ff00,
                1 => self.hart.regs[d] = u64::from(t.limit()),
                _ => {}
            }
        }
        self.hart
            .set_flag_word(flags | if ok.is_some() { ir::flags::ZF } else { 0 });
        Ok(())
    }

    /// INVPCID (SDM vol. 2): 0 one address, 1 one address space, 2 all, 3 all but global.
    fn invpcid(&mut self, addr: u64, kind: u64, at: u64) -> Result<(), Trap> {
        let low = self.load(addr, Width::B8, false, at)?;
        let linear = self.load(addr.wrapping_add(8), Width::B8, false, at)?;
        match kind {
            0 if canonical(linear) => self.hart.tlb.flush_page(linear),
            1 => self.hart.tlb.flush_asid((low & 0xfff) as u16),
            2 => self.hart.tlb.flush(false),
            3 => self.hart.tlb.flush(true),
            _ => return Err(Trap::GP0),
        }
        self.hart.fetch_page = None;
        Ok(())
    }
}
