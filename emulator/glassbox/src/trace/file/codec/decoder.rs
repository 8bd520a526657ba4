//! Bytes become records. They are hostile: every number is checked before it is used.

use super::{ACCESSES, CAUSES, CPU, Last, OPS, PID, SPACES, tag};
use crate::trace::file::varint::{take, take_signed};
use crate::trace::kind::{SYS_ENTER, SYS_EXIT};
use crate::trace::memory::Memory;
use crate::trace::record::{Body, Name, Record};
use abi::probe::PROBES;
use base::event::{Flush, LEVELS, PROBE_ARGS, Path, Walked};
use base::{Phys, Time, Virt};

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

    fn memory(&mut self) -> Option<Memory> {
        let count: usize = self.small()?;
        let mut memory = Memory::default();
        for _ in 0..count {
            let addr = self.data()?;
            memory.add(addr, &self.bytes()?);
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
            tag::FAULT => Body::Fault {
                site: self.name()?,
                count: self.number()?,
                action: self.name()?,
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
