//! Records become bytes.

use super::{ACCESSES, CAUSES, CPU, Last, OPS, PID, SPACES, place, tag};
use crate::trace::file::varint::{put, put_signed};
use crate::trace::file::{BLOCK_BYTES, BLOCK_RECORDS};
use crate::trace::memory::Memory;
use crate::trace::record::{Body, Record};
use abi::probe::PROBES;
use base::Time;
use base::event::{Flush, PROBE_ARGS, Path, Walked};

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
        let next = Vec::with_capacity(self.out.capacity());
        (
            std::mem::take(&mut self.records),
            std::mem::replace(&mut self.out, next),
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

    fn memory(&mut self, memory: &Memory) {
        let pieces = memory.pieces();
        self.number(pieces.len() as u64);
        for (addr, bytes) in pieces {
            self.data(addr);
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
            Body::Fault {
                site,
                count,
                action,
            } => {
                self.word(site.as_bytes());
                self.number(*count);
                self.word(action.as_bytes());
                tag::FAULT
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
