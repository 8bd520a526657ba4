//! Runs written by hand, for tests.

use super::accounts::Accounts;
use crate::trace::model::{Meta, Model};
use crate::trace::record::{Body, Record};
use crate::trace::sink::Sink;
use abi::probe::{FAULTS, PROBES, REASONS, STATES};
use base::Time;
use base::event::{Cause, PROBE_ARGS};
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// A run in the making.
pub struct Script {
    sink: Rc<RefCell<Accounts>>,
    model: Model,
}

fn place(names: &[&str], name: &str) -> u64 {
    names.iter().position(|n| *n == name).expect(name) as u64
}

impl Script {
    pub fn new(cpus: usize, window: Option<Range<Time>>) -> Self {
        Self {
            sink: Rc::new(RefCell::new(Accounts::new(cpus, window))),
            model: Model::new(Meta::default()),
        }
    }

    /// Timelines are kept for the whole run.
    pub fn charted(cpus: usize) -> Self {
        Self::new(cpus, Some(Time(0)..Time::NEVER))
    }

    fn record(&mut self, time: u64, cpu: u8, body: Body) -> &mut Self {
        let record = Record {
            time: Time(time),
            cpu,
            pid: 0,
            body,
        };
        self.model.update(&record);
        self.sink.record(&record, &self.model).unwrap();
        self
    }

    /// A kernel event with its arguments in order.
    pub fn event(&mut self, time: u64, cpu: u8, name: &str, args: &[u64], text: &str) -> &mut Self {
        let probe = PROBES.iter().position(|p| p.name == name).expect(name);
        let mut all = [0; PROBE_ARGS];
        all[..args.len()].copy_from_slice(args);
        let texts = PROBES[probe].args.iter().enumerate();
        let texts = texts
            .filter(|(_, (_, kind))| *kind == abi::probe::Kind::Text)
            .map(|(index, _)| (index as u8, text.as_bytes().to_vec()));
        let body = Body::Kernel {
            probe: probe as u8,
            pc: 0,
            args: all,
            texts: texts.collect(),
        };
        self.record(time, cpu, body)
    }

    /// A process is made.
    pub fn fork(&mut self, time: u64, parent: u64, child: u64) -> &mut Self {
        self.event(time, 0, "process_fork", &[parent, child], "");
        self.event(time, 0, "sched_wakeup_new", &[child, 0, parent], "")
    }

    /// A process runs a program.
    pub fn exec(&mut self, time: u64, pid: u64, path: &str) -> &mut Self {
        self.event(time, 0, "process_exec", &[pid], path)
    }

    /// `change` is `prev state reason [wait] next`.
    pub fn switch(&mut self, time: u64, cpu: u8, change: &str) -> &mut Self {
        let words: Vec<&str> = change.split(' ').collect();
        let (prev, next) = (words[0].parse().unwrap(), words[words.len() - 1]);
        let (state, reason) = (place(&STATES, words[1]), place(&REASONS, words[2]));
        let wait = if words.len() == 5 { words[3] } else { "" };
        let next: u64 = next.parse().unwrap();
        // Of two texts, the name of the next process is what the model knows.
        let comm = self.model.task(next as u32).map(|t| t.comm.clone());
        let probe = PROBES.iter().position(|p| p.name == "sched_switch");
        let mut args = [0; PROBE_ARGS];
        args[..6].copy_from_slice(&[prev, state, reason, 0, next, 0]);
        let body = Body::Kernel {
            probe: probe.unwrap() as u8,
            pc: 0,
            args,
            texts: vec![(3, wait.as_bytes().to_vec()), (5, comm.unwrap_or_default())],
        };
        self.record(time, cpu, body)
    }

    /// A process is woken.
    pub fn wake(&mut self, time: u64, cpu: u8, pid: u64) -> &mut Self {
        self.event(time, cpu, "sched_wakeup", &[pid, 0, 0, 0, 0], "")
    }

    /// A process's end is asked for.
    pub fn reap(&mut self, time: u64, parent: u64, child: u64) -> &mut Self {
        self.event(time, 0, "process_wait", &[parent, child, 0], "")
    }

    pub fn fault(&mut self, time: u64, pid: u64, kind: &str) -> &mut Self {
        let kind = place(&FAULTS, kind);
        self.event(time, 0, "page_fault", &[pid, 0, 0, kind, 0], "")
    }

    /// The CPU leaves the kernel for user code, or comes back.
    pub fn user(&mut self, from: u64, to: u64, cpu: u8) -> &mut Self {
        let back = Body::Return {
            from: 0,
            to: 0,
            user: true,
            depth: 0,
        };
        let trap = Body::Trap {
            cause: Cause::SystemCall,
            number: 0,
            error: None,
            address: None,
            from: 0,
            to: 0,
            user: true,
            depth: 0,
        };
        self.record(from, cpu, back).record(to, cpu, trap)
    }

    /// The books at the end.
    pub fn close(&mut self, now: u64) -> Accounts {
        self.sink.borrow_mut().close(Time(now));
        self.sink.borrow().clone()
    }
}

/// Two processes on one CPU in the middle of a small tree: what the charts and tables show.
pub fn small() -> Accounts {
    let mut run = Script::charted(1);
    run.fork(0, 0, 1)
        .switch(0, 0, "0 running idle 1")
        .exec(200, 1, "/bin/init")
        .fork(400_000, 1, 2)
        .switch(500_000, 0, "1 sleeping blocked wait4 2")
        .exec(600_000, 2, "/bin/sh")
        .fork(1_000_000, 2, 3)
        .fork(1_200_000, 2, 4)
        .switch(1_500_000, 0, "2 sleeping blocked wait4 3")
        .exec(1_600_000, 3, "/bin/<cat>")
        .fault(1_700_000, 3, "major")
        .user(2_000_000, 3_000_000, 0)
        .switch(3_500_000, 0, "3 runnable preempted 4")
        .exec(3_600_000, 4, "/bin/wc")
        .fault(3_700_000, 4, "cow")
        .switch(4_000_000, 0, "4 sleeping blocked pipe_read 3")
        .wake(5_000_000, 0, 4)
        .switch(5_500_000, 0, "3 zombie exited 4")
        .wake(5_500_000, 0, 2)
        .switch(6_000_000, 0, "4 runnable preempted 2")
        .reap(6_100_000, 2, 3)
        .switch(6_200_000, 0, "2 sleeping blocked wait4 4")
        .switch(7_000_000, 0, "4 sleeping blocked disk 0")
        .wake(8_000_000, 0, 4)
        .switch(8_100_000, 0, "0 running idle 4")
        .switch(8_500_000, 0, "4 zombie exited 0");
    run.close(9_000_000)
}
