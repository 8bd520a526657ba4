//! Records as bytes, within one block.
//!
//! ```text
//! record   tag:u8 · time since the last record · [cpu] · [pid] · what the tag says
//! tag      bit 7: a pid follows (it differs from this CPU's last)   bit 6: a cpu follows   bits 0–5: the kind of body
//! ```
//!
//! Single instructions are *predicted*: the one that followed this one last time will follow it again, as much later as
//! the instruction `cpus` before took (so long is the pattern of rounded times). A run of right predictions is one
//! number, which is what makes recording every instruction bearable.
//!
//! Addresses are written as differences from the last of their sort; an entry of a page walk that equals the last
//! walk's at the same level is one bit. Encoder and decoder keep the same [`Memory`] of what was last, and forget it at
//! a block's end.

use super::varint::{put, put_signed, take, take_signed};
use super::{BLOCK_BYTES, BLOCK_RECORDS};
use crate::trace::kind::{SYS_ENTER, SYS_EXIT};
use crate::trace::record::{self, Body, Name, Record};
use abi::probe::PROBES;
use base::event::{Access, Cause, DiskOp, Flush, LEVELS, PROBE_ARGS, Path, Walked};
use base::{Phys, Space, Time, Virt};

const CPU: u8 = 1 << 6;
const PID: u8 = 1 << 7;

/// The kinds of bodies, in the order of [`Body`].
mod tag {
    pub const TRAP: u8 = 0;
    pub const RETURN: u8 = 1;
    pub const WALK: u8 = 2;
    pub const FLUSH: u8 = 3;
    pub const SPACE: u8 = 4;
    pub const LINE: u8 = 5;
    pub const ACK: u8 = 6;
    pub const IPI: u8 = 7;
    pub const DEVICE: u8 = 8;
    pub const ISSUE: u8 = 9;
    pub const COMPLETE: u8 = 10;
    pub const CONSOLE: u8 = 11;
    pub const INSTRUCTION: u8 = 12;
    pub const KERNEL: u8 = 13;
    pub const SYS_ENTER: u8 = 14;
    pub const SYS_EXIT: u8 = 15;
    /// So many instructions as predicted; no time, cpu or pid.
    pub const RUN: u8 = 16;
}

const CAUSES: [Cause; 4] = [
    Cause::Exception,
    Cause::Interrupt,
    Cause::Software,
    Cause::SystemCall,
];
const ACCESSES: [Access; 3] = [Access::Fetch, Access::Read, Access::Write];
const OPS: [DiskOp; 4] = [DiskOp::Read, DiskOp::Write, DiskOp::Flush, DiskOp::Other];
const SPACES: [Space; 3] = [Space::Memory, Space::Port, Space::Local];

/// The place of `item` in a list that has it.
fn place<T: PartialEq>(list: &[T], item: &T) -> u64 {
    list.iter().position(|other| other == item).unwrap_or(0) as u64
}

/// What was last in this block.
#[derive(Clone, Debug)]
struct Last {
    time: u64,
    cpu: u8,
    pids: [u32; 256],
    code: u64,
    data: u64,
    path: Path,
    names: Vec<Vec<u8>>,
    predictor: Predictor,
}

/// What is thought to be the next instruction, and when.
#[derive(Clone, Debug)]
struct Predictor {
    pc: u64,
    next: Box<[u64; NEXT]>,
    steps: [u64; STEPS],
    phase: usize,
    period: usize,
}

/// Slots of the table of successors.
const NEXT: usize = 1 << 12;
/// Most CPUs for which times are predicted well.
const STEPS: usize = 8;

impl Predictor {
    fn new(cpus: u8) -> Self {
        Self {
            pc: 0,
            next: Box::new([0; NEXT]),
            steps: [0; STEPS],
            phase: 0,
            period: usize::from(cpus).clamp(1, STEPS),
        }
    }

    #[inline]
    const fn slot(pc: u64) -> usize {
        (pc ^ pc >> 12) as usize % NEXT
    }

    /// The address, and the time since the last record.
    #[inline]
    fn prediction(&self) -> (u64, u64) {
        (self.next[Self::slot(self.pc)], self.steps[self.phase])
    }

    /// It was `pc`, so much later.
    #[inline]
    fn learn(&mut self, pc: u64, step: u64) {
        self.next[Self::slot(self.pc)] = pc;
        self.steps[self.phase] = step;
        self.advance(pc);
    }

    /// It was `pc`, as predicted.
    #[inline]
    const fn advance(&mut self, pc: u64) {
        self.pc = pc;
        self.phase += 1;
        if self.phase == self.period {
            self.phase = 0;
        }
    }
}

impl Last {
    /// Nothing was before, in a trace of a machine with so many CPUs.
    fn new(cpus: u8) -> Self {
        Self {
            time: 0,
            cpu: 0,
            pids: [0; 256],
            code: 0,
            data: 0,
            path: Path::default(),
            names: Vec::new(),
            predictor: Predictor::new(cpus),
        }
    }
}

/// Turns records into bytes.
#[derive(Debug)]
pub struct Encoder {
    cpus: u8,
    out: Vec<u8>,
    records: u32,
    /// Instructions that were as predicted and are not written yet.
    run: u64,
    last: Last,
}

impl Encoder {
    /// An encoder for a trace of a machine with so many CPUs.
    pub fn new(cpus: u8) -> Self {
        Self {
            cpus,
            out: Vec::new(),
            records: 0,
            run: 0,
            last: Last::new(cpus),
        }
    }

    /// Whether the block should not grow any more.
    #[inline]
    pub const fn is_full(&self) -> bool {
        self.out.len() >= BLOCK_BYTES || self.records >= BLOCK_RECORDS
    }

    /// Takes the block: the number of records, and their bytes.
    pub fn take(&mut self) -> (u32, Vec<u8>) {
        self.end_run();
        self.last = Last::new(self.cpus);
        (
            std::mem::take(&mut self.records),
            std::mem::take(&mut self.out),
        )
    }

    /// Adds an instruction.
    #[inline]
    pub fn instruction(&mut self, time: Time, cpu: u8, pid: u32, pc: u64) {
        let last = &mut self.last;
        let step = time.0.wrapping_sub(last.time);
        let as_before = cpu == last.cpu && last.pids[usize::from(cpu)] == pid;
        if as_before && last.predictor.prediction() == (pc, step) {
            last.predictor.advance(pc);
            last.time = time.0;
            self.run += 1;
            self.records += 1;
        } else {
            self.put(&Record {
                time,
                cpu,
                pid,
                body: Body::Instruction { pc },
            });
        }
    }

    fn end_run(&mut self) {
        if self.run > 0 {
            self.out.push(tag::RUN);
            put(&mut self.out, self.run);
            self.run = 0;
        }
    }

    /// Adds a record.
    pub fn put(&mut self, record: &Record) {
        self.end_run();
        self.records += 1;
        if let Body::Instruction { pc } = record.body {
            let step = record.time.0.wrapping_sub(self.last.time);
            self.last.predictor.learn(pc, step);
        }
        let at = self.out.len();
        self.out.push(0);
        let Self { out, last, .. } = self;
        put(out, record.time.0.wrapping_sub(last.time));
        last.time = record.time.0;
        let mut bits = 0;
        if record.cpu != last.cpu {
            bits |= CPU;
            out.push(record.cpu);
            last.cpu = record.cpu;
        }
        let pid = &mut last.pids[usize::from(record.cpu)];
        if *pid != record.pid {
            bits |= PID;
            put(out, u64::from(record.pid));
            *pid = record.pid;
        }
        let tag = self.body(&record.body);
        self.out[at] = tag | bits;
    }

    fn number(&mut self, value: u64) {
        put(&mut self.out, value);
    }

    fn optional(&mut self, value: Option<u64>) {
        self.out.push(u8::from(value.is_some()));
        if let Some(value) = value {
            self.number(value);
        }
    }

    fn code(&mut self, addr: u64) {
        put_signed(&mut self.out, addr.wrapping_sub(self.last.code) as i64);
        self.last.code = addr;
    }

    fn data(&mut self, addr: u64) {
        put_signed(&mut self.out, addr.wrapping_sub(self.last.data) as i64);
        self.last.data = addr;
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// A word that is likely to come again.
    fn word(&mut self, word: &[u8]) {
        match self.last.names.iter().position(|known| known == word) {
            Some(index) => self.number(index as u64 + 1),
            None => {
                self.number(0);
                self.bytes(word);
                self.last.names.push(word.to_vec());
            }
        }
    }

    fn memory(&mut self, memory: &record::Memory) {
        self.number(memory.pieces.len() as u64);
        for (addr, bytes) in &memory.pieces {
            self.data(*addr);
            self.bytes(bytes);
        }
    }

    fn path(&mut self, path: &Path) {
        let same = |level: usize| {
            let last = self.last.path.entries();
            last.get(level) == Some(&path.entries[level])
        };
        let len = path.entries().len();
        let repeated = (0..len).fold(0u8, |bits, level| bits | u8::from(same(level)) << level);
        self.out.push(path.len);
        self.out.push(repeated);
        for (level, (at, entry)) in path.entries().iter().enumerate() {
            if repeated & 1 << level == 0 {
                self.number(at.0);
                self.number(*entry);
            }
        }
        self.last.path = *path;
    }

    /// Adds a body; gives its tag.
    fn body(&mut self, body: &Body) -> u8 {
        match body {
            Body::Trap {
                cause,
                number,
                error,
                address,
                from,
                to,
                user,
                depth,
            } => {
                let flags = place(&CAUSES, cause) | u64::from(*user) << 2;
                self.number(flags | u64::from(*number) << 3);
                self.optional(error.map(u64::from));
                self.optional(*address);
                self.code(*from);
                self.code(*to);
                self.out.push(*depth);
                tag::TRAP
            }
            Body::Return {
                from,
                to,
                user,
                depth,
            } => {
                self.code(*from);
                self.code(*to);
                self.out.push(*depth << 1 | u8::from(*user));
                tag::RETURN
            }
            Body::PageWalk {
                virt,
                access,
                user,
                path,
                end,
            } => {
                self.data(*virt);
                let flags = place(&ACCESSES, access) as u8 | u8::from(*user) << 2;
                match end {
                    Walked::Mapped {
                        phys,
                        size,
                        replaced,
                    } => {
                        self.out
                            .push(flags | 1 << 3 | u8::from(replaced.is_some()) << 4);
                        self.number(phys.0);
                        self.out.push(*size);
                        if let Some(page) = replaced {
                            self.data(page.0);
                        }
                    }
                    Walked::Fault(code) => {
                        self.out.push(flags);
                        self.number(u64::from(*code));
                    }
                }
                self.path(path);
                tag::WALK
            }
            Body::TlbFlush(flush) => {
                match flush {
                    Flush::All => self.out.push(0),
                    Flush::NonGlobal => self.out.push(1),
                    Flush::Space(asid) => {
                        self.out.push(2);
                        self.number(u64::from(*asid));
                    }
                    Flush::Page(addr) => {
                        self.out.push(3);
                        self.data(addr.0);
                    }
                }
                tag::FLUSH
            }
            Body::SpaceSwitch { root, asid } => {
                self.number(*root);
                self.number(u64::from(*asid));
                tag::SPACE
            }
            Body::IrqLine { line, level } => {
                self.number(u64::from(*line) << 1 | u64::from(*level));
                tag::LINE
            }
            Body::IrqAck { number } => {
                self.number(u64::from(*number));
                tag::ACK
            }
            Body::Ipi { target, number } => {
                self.optional(target.map(u64::from));
                self.number(u64::from(*number));
                tag::IPI
            }
            Body::Device {
                space,
                chip,
                register,
                addr,
                bytes,
                value,
                write,
            } => {
                self.out
                    .push(place(&SPACES, space) as u8 | u8::from(*write) << 2 | bytes << 3);
                self.word(chip.as_bytes());
                self.word(register.as_bytes());
                self.number(*addr);
                self.number(*value);
                tag::DEVICE
            }
            Body::DiskIssue {
                request,
                op,
                sector,
                sectors,
            } => {
                self.number(*request);
                self.out.push(place(&OPS, op) as u8);
                self.number(*sector);
                self.number(u64::from(*sectors));
                tag::ISSUE
            }
            Body::DiskComplete { request, ok } => {
                self.number(*request);
                self.out.push(u8::from(*ok));
                tag::COMPLETE
            }
            Body::Console(byte) => {
                self.out.push(*byte);
                tag::CONSOLE
            }
            Body::Instruction { pc } => {
                self.code(*pc);
                tag::INSTRUCTION
            }
            Body::Kernel {
                probe,
                pc,
                args,
                texts,
            } => {
                self.out.push(*probe);
                self.code(*pc);
                let count = PROBES.get(usize::from(*probe)).map_or(0, |p| p.args.len());
                for arg in &args[..count.min(PROBE_ARGS)] {
                    // Small negative numbers are errors; addresses of the kernel have the top bit set, too.
                    put_signed(&mut self.out, *arg as i64);
                }
                self.number(texts.len() as u64);
                for (index, text) in texts {
                    self.out.push(*index);
                    self.word(text);
                }
                tag::KERNEL
            }
            Body::SysEnter {
                number,
                args,
                memory,
            } => {
                self.number(*number);
                for arg in args {
                    self.number(*arg);
                }
                self.memory(memory);
                tag::SYS_ENTER
            }
            Body::SysExit {
                number,
                result,
                memory,
            } => {
                self.number(*number);
                put_signed(&mut self.out, *result);
                self.memory(memory);
                tag::SYS_EXIT
            }
        }
    }
}

/// Turns a block's bytes into records.
#[derive(Debug)]
pub struct Decoder {
    bytes: Vec<u8>,
    at: usize,
    records: u32,
    /// Instructions as predicted that are still to be given.
    run: u64,
    last: Last,
}

impl Decoder {
    /// A decoder of `records` records in `bytes`, of a machine with so many CPUs.
    pub fn new(bytes: Vec<u8>, records: u32, cpus: u8) -> Self {
        Self {
            bytes,
            at: 0,
            records,
            run: 0,
            last: Last::new(cpus),
        }
    }

    /// The next record, `None` at the end, an error if the bytes make no sense.
    pub fn next_record(&mut self) -> Option<Result<Record, ()>> {
        if self.records == 0 {
            return (self.at < self.bytes.len() || self.run > 0).then_some(Err(()));
        }
        if self.run == 0 && self.bytes.get(self.at) == Some(&tag::RUN) {
            let mut rest = &self.bytes[self.at + 1..];
            match take(&mut rest) {
                Some(run @ 1..) => self.run = run,
                _ => return Some(Err(())),
            }
            self.at = self.bytes.len() - rest.len();
        }
        self.records -= 1;
        if self.run > 0 {
            self.run -= 1;
            return Some(self.predicted().ok_or(()));
        }
        let mut source = Source {
            rest: &self.bytes[self.at..],
            last: &mut self.last,
        };
        let record = source.record();
        self.at = self.bytes.len() - source.rest.len();
        Some(record.ok_or(()))
    }

    /// The instruction that was predicted.
    fn predicted(&mut self) -> Option<Record> {
        let last = &mut self.last;
        let (pc, step) = last.predictor.prediction();
        last.predictor.advance(pc);
        last.time = last.time.checked_add(step)?;
        Some(Record {
            time: Time(last.time),
            cpu: last.cpu,
            pid: last.pids[usize::from(last.cpu)],
            body: Body::Instruction { pc },
        })
    }
}

/// The bytes that are left, with what was last.
struct Source<'a> {
    rest: &'a [u8],
    last: &'a mut Last,
}

impl Source<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn flag(&mut self) -> Option<bool> {
        self.byte().filter(|&byte| byte < 2).map(|byte| byte == 1)
    }

    fn number(&mut self) -> Option<u64> {
        take(&mut self.rest)
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        self.number()?.try_into().ok()
    }

    fn optional(&mut self) -> Option<Option<u64>> {
        Some(match self.flag()? {
            true => Some(self.number()?),
            false => None,
        })
    }

    fn code(&mut self) -> Option<u64> {
        let delta = take_signed(&mut self.rest)?;
        self.last.code = self.last.code.wrapping_add(delta as u64);
        Some(self.last.code)
    }

    fn data(&mut self) -> Option<u64> {
        let delta = take_signed(&mut self.rest)?;
        self.last.data = self.last.data.wrapping_add(delta as u64);
        Some(self.last.data)
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let len: usize = self.small()?;
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes.to_vec())
    }

    fn word(&mut self) -> Option<Vec<u8>> {
        let index: usize = self.small()?;
        if let Some(index) = index.checked_sub(1) {
            return self.last.names.get(index).cloned();
        }
        let word = self.bytes()?;
        self.last.names.push(word.clone());
        Some(word)
    }

    fn name(&mut self) -> Option<Name> {
        Some(String::from_utf8(self.word()?).ok()?.into())
    }

    fn memory(&mut self) -> Option<record::Memory> {
        let count: usize = self.small()?;
        let mut memory = record::Memory::default();
        for _ in 0..count {
            let addr = self.data()?;
            memory.pieces.push((addr, self.bytes()?));
        }
        Some(memory)
    }

    fn path(&mut self) -> Option<Path> {
        let len = self.byte().filter(|&len| usize::from(len) <= LEVELS)?;
        let repeated = self.byte()?;
        let mut path = Path::default();
        for level in 0..usize::from(len) {
            let (at, entry) = if repeated & 1 << level == 0 {
                (Phys(self.number()?), self.number()?)
            } else {
                *self.last.path.entries().get(level)?
            };
            path.push(at, entry);
        }
        self.last.path = path;
        Some(path)
    }

    fn record(&mut self) -> Option<Record> {
        let tag = self.byte()?;
        let step = self.number()?;
        let time = self.last.time.checked_add(step)?;
        self.last.time = time;
        if tag & CPU != 0 {
            self.last.cpu = self.byte()?;
        }
        let cpu = self.last.cpu;
        if tag & PID != 0 {
            self.last.pids[usize::from(cpu)] = self.small()?;
        }
        let pid = self.last.pids[usize::from(cpu)];
        let body = self.body(tag & (CPU - 1))?;
        if let Body::Instruction { pc } = body {
            self.last.predictor.learn(pc, step);
        }
        Some(Record {
            time: Time(time),
            cpu,
            pid,
            body,
        })
    }

    fn body(&mut self, tag: u8) -> Option<Body> {
        Some(match tag {
            tag::TRAP => {
                let flags = self.number()?;
                Body::Trap {
                    cause: *CAUSES.get(flags as usize & 3)?,
                    number: (flags >> 3).try_into().ok()?,
                    error: match self.optional()? {
                        Some(error) => Some(error.try_into().ok()?),
                        None => None,
                    },
                    address: self.optional()?,
                    from: self.code()?,
                    to: self.code()?,
                    user: flags & 4 != 0,
                    depth: self.byte()?,
                }
            }
            tag::RETURN => {
                let (from, to, flags) = (self.code()?, self.code()?, self.byte()?);
                Body::Return {
                    from,
                    to,
                    user: flags & 1 != 0,
                    depth: flags >> 1,
                }
            }
            tag::WALK => {
                let virt = self.data()?;
                let flags = self.byte()?;
                let end = if flags & 1 << 3 != 0 {
                    Walked::Mapped {
                        phys: Phys(self.number()?),
                        size: self.byte()?,
                        replaced: match flags & 1 << 4 {
                            0 => None,
                            _ => Some(Virt(self.data()?)),
                        },
                    }
                } else {
                    Walked::Fault(self.small()?)
                };
                Body::PageWalk {
                    virt,
                    access: *ACCESSES.get(usize::from(flags & 3))?,
                    user: flags & 4 != 0,
                    path: self.path()?,
                    end,
                }
            }
            tag::FLUSH => Body::TlbFlush(match self.byte()? {
                0 => Flush::All,
                1 => Flush::NonGlobal,
                2 => Flush::Space(self.small()?),
                3 => Flush::Page(Virt(self.data()?)),
                _ => return None,
            }),
            tag::SPACE => Body::SpaceSwitch {
                root: self.number()?,
                asid: self.small()?,
            },
            tag::LINE => {
                let value = self.number()?;
                Body::IrqLine {
                    line: (value >> 1).try_into().ok()?,
                    level: value & 1 != 0,
                }
            }
            tag::ACK => Body::IrqAck {
                number: self.small()?,
            },
            tag::IPI => Body::Ipi {
                target: match self.optional()? {
                    Some(target) => Some(target.try_into().ok()?),
                    None => None,
                },
                number: self.small()?,
            },
            tag::DEVICE => {
                let flags = self.byte()?;
                Body::Device {
                    space: *SPACES.get(usize::from(flags & 3))?,
                    chip: self.name()?,
                    register: self.name()?,
                    addr: self.number()?,
                    bytes: flags >> 3,
                    value: self.number()?,
                    write: flags & 4 != 0,
                }
            }
            tag::ISSUE => Body::DiskIssue {
                request: self.number()?,
                op: *OPS.get(usize::from(self.byte()?))?,
                sector: self.number()?,
                sectors: self.small()?,
            },
            tag::COMPLETE => Body::DiskComplete {
                request: self.number()?,
                ok: self.flag()?,
            },
            tag::CONSOLE => Body::Console(self.byte()?),
            tag::INSTRUCTION => Body::Instruction { pc: self.code()? },
            tag::KERNEL => self.kernel()?,
            tag::SYS_ENTER => {
                let number = self.number()?;
                let mut args = [0; 6];
                for arg in &mut args {
                    *arg = self.number()?;
                }
                Body::SysEnter {
                    number,
                    args,
                    memory: self.memory()?,
                }
            }
            tag::SYS_EXIT => Body::SysExit {
                number: self.number()?,
                result: take_signed(&mut self.rest)?,
                memory: self.memory()?,
            },
            _ => return None,
        })
    }

    fn kernel(&mut self) -> Option<Body> {
        let probe = self.byte()?;
        if [SYS_ENTER, SYS_EXIT].contains(&usize::from(probe)) {
            return None;
        }
        let count = PROBES.get(usize::from(probe))?.args.len().min(PROBE_ARGS);
        let pc = self.code()?;
        let mut args = [0; PROBE_ARGS];
        for arg in &mut args[..count] {
            *arg = take_signed(&mut self.rest)? as u64;
        }
        let mut texts = Vec::new();
        for _ in 0..self.number()? {
            let index = self.byte().filter(|&index| usize::from(index) < count)?;
            texts.push((index, self.word()?));
        }
        Some(Body::Kernel {
            probe,
            pc,
            args,
            texts,
        })
    }
}
