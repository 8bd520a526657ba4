//! Our events as Linux's tracepoints: names, and fields as the `print fmt` of Linux 6.1's format files has them
//! (`/sys/kernel/tracing/events/*/*/format`), printed as libtraceevent prints them.
//!
//! What Silica has no notion of has one value: every priority is 120, Linux's default; the disk is 254,0, a virtio
//! disk's usual number; a signal's errno is 0.

use crate::numbers;
use crate::trace::model::Model;
use crate::trace::record::{Body, Record};
use abi::probe::{PROBES, Probe, REASONS, STATES};
use base::event::{Flush, PROBE_ARGS};
use machine::names;

/// The disk's device number.
const DISK: &str = "254,0";

/// Linux's name and fields for a record, if Linux has such an event.
pub(super) fn event(record: &Record, model: &Model) -> Option<(&'static str, String)> {
    match &record.body {
        Body::Kernel { probe, args, .. } => Said {
            probe: PROBES.get(usize::from(*probe))?,
            args,
            record,
            model,
        }
        .event(),
        Body::SysEnter { number, args, .. } => {
            let args = args.map(|arg| format!("{arg:x}")).join(", ");
            let number = numbers::own(model.meta.isa(), *number) as i64;
            Some(("sys_enter", format!("NR {number} ({args})")))
        }
        Body::SysExit { number, result, .. } => {
            let number = numbers::own(model.meta.isa(), *number) as i64;
            Some(("sys_exit", format!("NR {number} = {result}")))
        }
        Body::Trap {
            cause,
            number,
            error,
            address: Some(address),
            from,
            user,
            ..
        } => {
            let code = names::page_fault_code(&model.meta.arch, *cause, *number, *error)?;
            let name = if *user {
                "page_fault_user"
            } else {
                "page_fault_kernel"
            };
            let fields = format!("address={address:#x} ip={from:#x} error_code={code:#x}");
            Some((name, fields))
        }
        Body::TlbFlush(flush) => Some(("tlb_flush", tlb_flush(*flush))),
        Body::Ipi { target, number } => {
            let cpu = u32::from(record.cpu);
            let mask = match target {
                Some(cpu) => 1u64.checked_shl((*cpu).into()).unwrap_or(0),
                // All others.
                None => {
                    let all = 1u64.checked_shl(model.meta.cpus.into()).unwrap_or(0);
                    all.wrapping_sub(1) & !1u64.checked_shl(cpu).unwrap_or(0)
                }
            };
            let reason = names::interrupt(&model.meta.arch, *number);
            let (high, low) = (mask >> 32, mask & 0xffff_ffff);
            Some((
                "ipi_raise",
                format!("target_mask={high:08x},{low:08x} ({reason})"),
            ))
        }
        _ => None,
    }
}

/// A process's name in a field; the idle process has one name a CPU.
pub(super) fn comm(pid: u32, cpu: u8, model: &Model) -> String {
    match (pid, model.comm(pid)) {
        (0, _) => format!("swapper/{cpu}"),
        (_, name) if name.is_empty() => "<...>".to_owned(),
        (_, name) => name,
    }
}

/// Linux's tlb_flush has no place for a page's address; it follows.
fn tlb_flush(flush: Flush) -> String {
    match flush {
        Flush::Page(page) => format!("pages:1 reason:local shootdown (2) address={:#x}", page.0),
        Flush::Space(asid) => format!("pages:-1 reason:local MM shootdown (3) asid={asid}"),
        Flush::NonGlobal => "pages:-1 reason:local MM shootdown (3) scope=non_global".to_owned(),
        Flush::All => "pages:-1 reason:local MM shootdown (3) scope=all".to_owned(),
    }
}

/// What the kernel said.
struct Said<'a> {
    probe: &'static Probe,
    args: &'a [u64; PROBE_ARGS],
    record: &'a Record,
    model: &'a Model,
}

impl Said<'_> {
    fn event(&self) -> Option<(&'static str, String)> {
        let n = |name| self.number(name);
        Some(match self.probe.name {
            "sched_switch" => (
                "sched_switch",
                format!(
                    "prev_comm={} prev_pid={} prev_prio=120 prev_state={} ==> next_comm={} next_pid={} next_prio=120",
                    self.comm("prev_pid"),
                    n("prev_pid"),
                    self.state(),
                    self.comm("next_pid"),
                    n("next_pid"),
                ),
            ),
            "sched_wakeup" | "sched_wakeup_new" => (
                self.probe.name,
                format!(
                    "comm={} pid={} prio=120 target_cpu={:03}",
                    self.comm("pid"),
                    n("pid"),
                    n("cpu"),
                ),
            ),
            "sched_migrate_task" => (
                "sched_migrate_task",
                format!(
                    "comm={} pid={} prio=120 orig_cpu={} dest_cpu={}",
                    self.comm("pid"),
                    n("pid"),
                    n("orig_cpu"),
                    n("dest_cpu"),
                ),
            ),
            "process_fork" => (
                "sched_process_fork",
                format!(
                    "comm={} pid={} child_comm={} child_pid={}",
                    self.comm("parent_pid"),
                    n("parent_pid"),
                    self.comm("child_pid"),
                    n("child_pid"),
                ),
            ),
            "process_exec" => (
                "sched_process_exec",
                format!(
                    "filename={} pid={pid} old_pid={pid}",
                    self.text("path"),
                    pid = n("pid"),
                ),
            ),
            "process_exit" => (
                "sched_process_exit",
                format!("comm={} pid={} prio=120", self.comm("pid"), n("pid")),
            ),
            // The name is the waiting process's, the number that of the one it waits for.
            "process_wait" => (
                "sched_process_wait",
                format!("comm={} pid={} prio=120", self.comm("pid"), n("child_pid")),
            ),
            "timer_tick" => (
                "hrtimer_expire_entry",
                format!(
                    "hrtimer=(nil) function=tick_sched_timer now={}",
                    self.record.time.0
                ),
            ),
            "signal_generate" => (
                "signal_generate",
                format!(
                    "sig={} errno=0 code={} comm={} pid={} grp=1 res={}",
                    n("signal"),
                    n("code"),
                    self.comm("pid"),
                    n("pid"),
                    n("ignored"),
                ),
            ),
            "signal_deliver" => (
                "signal_deliver",
                format!(
                    "sig={} errno=0 code={} sa_handler={:x} sa_flags=0",
                    n("signal"),
                    n("code"),
                    n("handler"),
                ),
            ),
            "block_rq_issue" => (
                "block_rq_issue",
                format!(
                    "{DISK} {} {} () {} + {} [{}]",
                    self.direction(),
                    n("sectors").saturating_mul(512),
                    n("sector"),
                    n("sectors"),
                    self.comm("pid"),
                ),
            ),
            "block_rq_complete" => (
                "block_rq_complete",
                format!(
                    "{DISK} {} () {} + {} [{}]",
                    self.direction(),
                    n("sector"),
                    n("sectors"),
                    n("result"),
                ),
            ),
            "irq_handler_entry" => (
                "irq_handler_entry",
                format!("irq={} name={}", n("irq"), self.text("name")),
            ),
            "irq_handler_exit" => ("irq_handler_exit", format!("irq={} ret=handled", n("irq"))),
            "lock_contended" => ("contention_begin", format!("{:#x} (flags=SPIN)", n("lock"))),
            "lock_acquired" => ("contention_end", format!("{:#x} (ret=0)", n("lock"))),
            _ => return None,
        })
    }

    /// An argument, by its name.
    fn number(&self, name: &str) -> i64 {
        let index = self.probe.position(name);
        index.map_or(0, |index| self.args[index] as i64)
    }

    /// An argument that is text.
    fn text(&self, name: &str) -> String {
        let index = self.probe.position(name);
        let text = index.and_then(|index| self.record.body.text(index));
        text.unwrap_or_default().escape_ascii().to_string()
    }

    /// The name of the process whose number an argument is.
    fn comm(&self, name: &str) -> String {
        comm(self.number(name) as u32, self.record.cpu, self.model)
    }

    /// The state in which a process leaves its CPU, in Linux's letters.
    fn state(&self) -> &'static str {
        let word = |words: &[&'static str], name| {
            let index = usize::try_from(self.number(name)).ok();
            index.and_then(|index| words.get(index).copied())
        };
        match (word(&STATES, "prev_state"), word(&REASONS, "reason")) {
            (Some("sleeping"), _) => "S",
            (Some("stopped"), _) => "T",
            (Some("zombie"), _) => "Z",
            (_, Some("preempted")) => "R+",
            _ => "R",
        }
    }

    /// What a request does with the disk, in the block layer's letters.
    fn direction(&self) -> &'static str {
        match (self.number("sectors"), self.number("write")) {
            (0, _) => "FF",
            (_, 0) => "R",
            _ => "W",
        }
    }
}
