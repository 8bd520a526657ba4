//! What the machine tells of a call: traps and returns, page walks, devices, disk requests.

use super::{Handling, MOST_REQUESTS, MOST_USER_WALKS, Nested, Stack, Story, UserWalk, who};
use crate::trace::explain::mark::{Mark, What, Who};
use crate::trace::model::Model;
use crate::trace::record::{Body, Record};
use base::event::{Access, Cause, DiskOp, Walked};
use machine::names;

impl Story {
    /// What the machine tells.
    pub(super) fn machine(&mut self, record: &Record, model: &Model) {
        let own = self.on == Some(record.cpu);
        match &record.body {
            Body::SysEnter { args, .. } if own => {
                self.entered = record.time == self.call.enter;
                self.args = *args;
                let here = self.path.here();
                self.mark(record, here, What::Enter);
            }
            Body::SysExit { result, .. } if own => {
                self.result = Some(*result);
                let here = self.path.here();
                self.mark(record, here, What::Result(*result));
            }
            Body::Trap { .. } => self.trap(record, own, model),
            Body::Return { from, to, user, .. } => self.trap_return(record, own, *from, *to, *user),
            Body::PageWalk {
                virt,
                access,
                path,
                end,
                ..
            } if self.is_own(record) => {
                if self.code.is_user(*virt) && self.user_walks.len() < MOST_USER_WALKS {
                    self.user_walks.push(UserWalk {
                        time: record.time,
                        virt: *virt,
                        entries: path.len,
                        fault: matches!(end, Walked::Fault(_)),
                    });
                }
                let walks = &mut self.walks;
                walks.count += 1;
                walks.entries += u64::from(path.len);
                walks.fetches += u64::from(*access == Access::Fetch);
                walks.faults += u64::from(matches!(end, Walked::Fault(_)));
                walks.after_switch += u64::from(self.switched);
            }
            Body::Ipi { target, number } if self.is_own(record) => {
                let here = self.path.here();
                let what = What::Ipi {
                    target: *target,
                    number: *number,
                };
                self.mark(record, here, what);
            }
            Body::SpaceSwitch { .. } if own => self.switched = true,
            Body::Device {
                chip,
                register,
                write,
                ..
            } => {
                let name = format!("{chip} > {register}");
                if self.is_own(record) && self.registers.len() < MOST_REQUESTS {
                    *self.registers.entry(name.clone()).or_default() += 1;
                }
                if let Some(cpu) = self.cpus.get_mut(&record.cpu)
                    && *write
                {
                    cpu.register = name;
                }
            }
            Body::DiskIssue {
                request,
                op,
                sector,
                sectors,
            } => {
                let flush = *op == DiskOp::Flush;
                let wanted = if flush {
                    (0, 0)
                } else {
                    (*sector, u64::from(*sectors))
                };
                self.taken(record, *request, wanted);
            }
            Body::DiskComplete { request, .. } => self.completed(record, *request),
            _ => {}
        }
    }

    pub(super) fn trap(&mut self, record: &Record, own: bool, model: &Model) {
        let Body::Trap {
            cause,
            number,
            error,
            address,
            from,
            to,
            user,
            ..
        } = record.body
        else {
            return;
        };
        let function = self.code.at(to).map_or(0, |(function, _)| function);
        let victim = match self.cpus.get(&record.cpu) {
            Some(cpu) => who(u64::from(record.pid), model).or(&cpu.who),
            None => Who::default(),
        };
        if cause == Cause::Interrupt
            && let Some(cpu) = self.cpus.get_mut(&record.cpu)
        {
            cpu.handling = Some(Handling {
                time: record.time,
                number,
                name: String::new(),
                victim: victim.clone(),
                user,
                from,
            });
        }
        if !own {
            if let Some(cpu) = self.cpus.get_mut(&record.cpu) {
                if user {
                    cpu.stack = Stack::default();
                }
                cpu.stack.trap(function);
            }
            return;
        }
        let nested = match cause {
            _ if self.in_interrupt() => Nested::Other,
            Cause::Interrupt => {
                let what = What::Interrupt {
                    number,
                    name: String::new(),
                    victim,
                    user,
                    from,
                    took: None,
                };
                if let Some(cpu) = self.cpus.get_mut(&record.cpu) {
                    cpu.stack = Stack::default();
                    cpu.stack.trap(function);
                }
                let here = self.path.here();
                self.path.pause(record.time);
                Nested::Interrupt(self.mark(record, here, what))
            }
            _ => {
                let here = self.path.here();
                let code = names::page_fault_code(&model.meta.arch, cause, number, error);
                let mark = address.zip(code).and_then(|(address, code)| {
                    let what = What::Fault {
                        address,
                        code,
                        from,
                        kind: None,
                        took: None,
                    };
                    self.mark(record, here, what)
                });
                self.path.trap(record.time, function);
                Nested::Fault(mark)
            }
        };
        self.nested.push(nested);
        self.settle(record.time);
    }

    pub(super) fn trap_return(
        &mut self,
        record: &Record,
        own: bool,
        from: u64,
        to: u64,
        user: bool,
    ) {
        if !own {
            if let Some(cpu) = self.cpus.get_mut(&record.cpu) {
                cpu.stack.trap_return();
                cpu.handling = None;
            }
            return;
        }
        let now = record.time;
        let started = |mark: Option<usize>, marks: &[Mark]| mark.map(|m| now - marks[m].time);
        match self.nested.pop() {
            Some(Nested::Fault(mark)) => {
                let span = started(mark, &self.marks);
                if let Some(What::Fault { took, .. }) = self.what(mark) {
                    *took = span;
                }
                self.path.trap_return(now);
            }
            Some(Nested::Interrupt(mark)) => {
                let span = started(mark, &self.marks);
                self.path.start(now);
                let name = self.cpus.get_mut(&record.cpu).and_then(|cpu| {
                    cpu.stack = Stack::default();
                    cpu.handling.take().map(|handling| handling.name)
                });
                if let Some(What::Interrupt { took, name: n, .. }) = self.what(mark) {
                    *took = span;
                    *n = name.unwrap_or_default();
                }
            }
            Some(Nested::Other) => {}
            None if user => {
                let here = self.path.here();
                self.mark(record, here, What::Return { from, to });
                return self.finish(now, true);
            }
            None => {}
        }
        self.settle(now);
    }

    /// The disk took a request.
    pub(super) fn taken(&mut self, record: &Record, number: u64, wanted: (u64, u64)) {
        let own = self
            .requests
            .iter_mut()
            .find(|r| r.taken.is_none() && (r.sector, r.sectors) == wanted);
        let Some(request) = own else { return };
        request.taken = Some((number, record.time));
        let mark = request.mark;
        let register = match self.cpus.get(&record.cpu) {
            Some(cpu) => cpu.register.clone(),
            None => String::new(),
        };
        if let Some(What::Ask { bell, .. }) = self.what(mark) {
            *bell = Some(register);
        }
    }

    /// The disk finished a request.
    pub(super) fn completed(&mut self, record: &Record, number: u64) {
        let own = self
            .requests
            .iter()
            .position(|r| r.taken.is_some_and(|(n, _)| n == number));
        let Some(request) = own.and_then(|index| self.requests.remove(index)) else {
            return;
        };
        let what = What::Done {
            sector: request.sector,
            sectors: request.sectors,
            took: record.time - request.taken.map_or(record.time, |(_, since)| since),
        };
        self.mark(record, None, what);
    }
}
