//! What the kernel tells of a call, through its probes.

use super::{MOST_REQUESTS, Nested, Request, Story, who};
use crate::trace::explain::mark::{Pick, What, Who};
use crate::trace::model::Model;
use crate::trace::record::Record;
use abi::probe::PROBES;

impl Story {
    /// What the kernel tells.
    pub(super) fn kernel(
        &mut self,
        record: &Record,
        probe: usize,
        pc: u64,
        args: &[u64],
        model: &Model,
    ) {
        let Some(probe) = PROBES.get(probe) else {
            return;
        };
        let number = |name: &str| {
            probe
                .position(name)
                .and_then(|index| args.get(index).copied())
                .unwrap_or(0)
        };
        let text = |name: &str| {
            let bytes = probe
                .position(name)
                .and_then(|index| record.body.text(index));
            bytes.unwrap_or_default().escape_ascii().to_string()
        };
        let process = |name: &str| who(number(name), model);
        let me = u64::from(self.call.pid);
        match probe.name {
            "sched_pick" => {
                if let Some(cpu) = self.cpus.get_mut(&record.cpu) {
                    cpu.pick = Some(Pick {
                        policy: text("policy"),
                        key: number("key") as i64,
                        candidates: number("candidates"),
                    });
                }
            }
            "sched_switch" => {
                let pick = self
                    .cpus
                    .get_mut(&record.cpu)
                    .and_then(|cpu| cpu.pick.take());
                if number("prev_pid") == me && self.on == Some(record.cpu) {
                    let next = Who {
                        pid: number("next_pid") as u32,
                        comm: text("next_comm"),
                    };
                    let reason = number("reason");
                    let ready = number("prev_state") == 1;
                    self.leave(record, pc, reason, text("wait"), ready, pick, next);
                } else if number("next_pid") == me && self.on.is_none() {
                    self.come_back(record, pick, process("prev_pid"));
                }
            }
            "sched_wakeup" if number("pid") == me => {
                let waker = (number("irq") == 0).then(|| process("waker_pid"));
                self.woken(record, pc, waker, text("wait"), number("cpu"));
            }
            "sched_migrate_task" if number("pid") == me => {
                let what = What::Moved {
                    from: number("orig_cpu"),
                    to: number("dest_cpu"),
                };
                self.mark(record, None, what);
            }
            "irq_handler_entry" => {
                if let Some(handling) = self
                    .cpus
                    .get_mut(&record.cpu)
                    .and_then(|cpu| cpu.handling.as_mut())
                {
                    handling.name = text("name");
                }
            }
            "signal_generate" if number("pid") == me && number("ignored") == 0 => {
                let what = What::Signal {
                    number: number("signal"),
                    handler: None,
                };
                self.mark(record, None, what);
            }
            _ if !self.is_own(record) => {}
            "frame_alloc" => self.frames.0 += 1,
            "frame_free" => self.frames.1 += 1,
            "lock_contended" => {
                let what = What::Lock {
                    name: text("name"),
                    took: None,
                };
                self.lock = self.mark_here(record, pc, what);
                self.settle(record.time);
            }
            "lock_acquired" => {
                let mark = self.lock.take();
                let since = mark.map(|m| self.marks[m].time);
                if let Some(What::Lock { took, .. }) = self.what(mark) {
                    *took = since.map(|since| record.time - since);
                }
                self.settle(record.time);
            }
            "page_fault" => {
                let mark = self.nested.iter().rev().find_map(|nested| match nested {
                    Nested::Fault(mark) => *mark,
                    _ => None,
                });
                if let Some(What::Fault { kind, .. }) = self.what(mark) {
                    *kind = Some(number("kind"));
                }
            }
            name => {
                let what = match name {
                    "page_cache_hit" => What::Page {
                        ino: number("ino"),
                        index: number("index"),
                        pages: 0,
                    },
                    "page_cache_miss" => What::Page {
                        ino: number("ino"),
                        index: number("index"),
                        pages: number("pages").max(1),
                    },
                    "buffer_hit" | "buffer_miss" => What::Block {
                        block: number("block"),
                        hit: name == "buffer_hit",
                    },
                    "block_rq_issue" => What::Ask {
                        sector: number("sector"),
                        sectors: number("sectors"),
                        write: number("write") != 0,
                        bell: None,
                    },
                    "cow_break" => What::Cow {
                        address: number("address"),
                        copied: number("old_frame") != number("new_frame"),
                    },
                    "journal_begin" => What::Begin {
                        sequence: number("sequence"),
                        operation: text("operation"),
                    },
                    "journal_commit" => What::Commit {
                        sequence: number("sequence"),
                        blocks: number("blocks"),
                    },
                    "process_fork" => What::Fork(process("child_pid")),
                    "process_exec" => What::Exec {
                        path: text("path"),
                        entry: number("entry"),
                    },
                    "process_wait" => What::Reap {
                        child: process("child_pid"),
                        status: number("status"),
                    },
                    "process_exit" => What::Exit {
                        status: number("status"),
                    },
                    "signal_deliver" => What::Signal {
                        number: number("signal"),
                        handler: Some(number("handler")),
                    },
                    "sched_wakeup" => What::Wakes {
                        who: process("pid"),
                        wait: Some(text("wait")),
                        queue: number("cpu"),
                    },
                    "sched_wakeup_new" => What::Wakes {
                        who: process("pid"),
                        wait: None,
                        queue: number("cpu"),
                    },
                    _ => return,
                };
                let ask = match what {
                    What::Ask {
                        sector, sectors, ..
                    } => Some((sector, sectors)),
                    _ => None,
                };
                let mark = self.mark_here(record, pc, what);
                if let Some((sector, sectors)) = ask
                    && self.requests.len() < MOST_REQUESTS
                {
                    self.requests.push_back(Request {
                        sector,
                        sectors,
                        taken: None,
                        mark,
                    });
                }
            }
        }
    }
}
