//! Lines against what trace-cmd 3.1.6 printed (`report -N -t`) for a `trace.dat` with the same content and Linux's own
//! format files.

use super::*;
use crate::trace::kind::index_of;
use crate::trace::memory::Memory;
use crate::trace::model::Meta;
use crate::trace::record::{Body, Record};
use base::event::{Cause, Flush, PROBE_ARGS};
use base::{Time, Virt};

fn kernel(name: &str, args: &[u64], texts: &[(u8, &str)]) -> Body {
    let mut all = [0; PROBE_ARGS];
    all[..args.len()].copy_from_slice(args);
    Body::Kernel {
        probe: index_of(name) as u8,
        pc: 0,
        args: all,
        texts: texts
            .iter()
            .map(|(index, text)| (*index, text.as_bytes().to_vec()))
            .collect(),
    }
}

/// The lines that records become, the first one of them by process 1, `bash`, the others by process 2, `ls`.
fn lines(bodies: Vec<Body>) -> String {
    let mut model = Model::new(Meta {
        arch: "x86_64".into(),
        cpus: 2,
        ..Meta::default()
    });
    let record = |time, pid, body| Record {
        time: Time(time),
        cpu: 1,
        pid,
        body,
    };
    for (pid, name) in [(1, "/bin/bash"), (2, "/bin/ls")] {
        model.update(&record(
            0,
            pid,
            kernel("process_exec", &[pid.into()], &[(1, name)]),
        ));
    }
    let mut out = Vec::new();
    let mut sink = Ftrace::new(&mut out);
    for (index, body) in bodies.into_iter().enumerate() {
        let pid = if index == 0 { 1 } else { 2 };
        sink.record(&record(17_284_993_123, pid, body), &model)
            .unwrap();
    }
    sink.finish(&model).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn lines_are_those_of_trace_cmd() {
    let bodies = vec![
        kernel(
            "sched_switch",
            &[1, 3, 2, 0, 0, 0],
            &[(3, "wait4"), (5, "idle")],
        ),
        kernel("sched_switch", &[2, 1, 0, 0, 1, 0], &[(5, "bash")]),
        kernel("sched_wakeup", &[1, 0, 2, 0, 0], &[(3, "wait4")]),
        kernel("sched_migrate_task", &[1, 0, 1], &[]),
        kernel("process_fork", &[1, 2, 17], &[]),
        kernel("process_exec", &[2, 0, 0], &[(1, "/bin/ls")]),
        kernel("process_exit", &[2, 0], &[]),
        kernel("process_wait", &[1, 2, 0], &[]),
        Body::SysEnter {
            number: 0,
            args: [3, 0x7f_fe00, 0x200, 0, 0, 0],
            memory: Memory::default(),
        },
        Body::SysExit {
            number: 0,
            result: -2,
            memory: Memory::default(),
        },
        kernel("irq_handler_entry", &[17, 0], &[(1, "virtio0")]),
        kernel("irq_handler_exit", &[17], &[]),
        kernel("block_rq_issue", &[128, 8, 0, 2], &[]),
        kernel("block_rq_issue", &[0, 0, 1, 2], &[]),
        kernel("block_rq_complete", &[128, 8, 1, 0], &[]),
        kernel("signal_generate", &[1, 17, 2, 1, 0, 0, 1], &[]),
        kernel("signal_deliver", &[1, 17, 0x40_1000, 2, 1, 0, 0], &[]),
        kernel("lock_contended", &[0xffff_8880_1234_5678, 0], &[(1, "log")]),
        kernel("lock_acquired", &[0xffff_8880_1234_5678, 0], &[(1, "log")]),
        kernel("timer_tick", &[1, 2], &[]),
        Body::Trap {
            cause: Cause::Exception,
            number: 14,
            error: Some(0x14),
            address: Some(0x40_1000),
            from: 0x40_1004,
            to: 0,
            user: true,
            depth: 0,
        },
        Body::Ipi {
            target: Some(1),
            number: 0xf1,
        },
        Body::Ipi {
            target: None,
            number: 0xf1,
        },
    ];
    let expected = "cpus=2
            bash-1     [001]    17.284993123: sched_switch:         prev_comm=bash prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=swapper/1 next_pid=0 next_prio=120
              ls-2     [001]    17.284993123: sched_switch:         prev_comm=ls prev_pid=2 prev_prio=120 prev_state=R+ ==> next_comm=bash next_pid=1 next_prio=120
              ls-2     [001]    17.284993123: sched_wakeup:         comm=bash pid=1 prio=120 target_cpu=000
              ls-2     [001]    17.284993123: sched_migrate_task:   comm=bash pid=1 prio=120 orig_cpu=0 dest_cpu=1
              ls-2     [001]    17.284993123: sched_process_fork:   comm=bash pid=1 child_comm=ls child_pid=2
              ls-2     [001]    17.284993123: sched_process_exec:   filename=/bin/ls pid=2 old_pid=2
              ls-2     [001]    17.284993123: sched_process_exit:   comm=ls pid=2 prio=120
              ls-2     [001]    17.284993123: sched_process_wait:   comm=bash pid=2 prio=120
              ls-2     [001]    17.284993123: sys_enter:            NR 0 (3, 7ffe00, 200, 0, 0, 0)
              ls-2     [001]    17.284993123: sys_exit:             NR 0 = -2
              ls-2     [001]    17.284993123: irq_handler_entry:    irq=17 name=virtio0
              ls-2     [001]    17.284993123: irq_handler_exit:     irq=17 ret=handled
              ls-2     [001]    17.284993123: block_rq_issue:       254,0 R 4096 () 128 + 8 [ls]
              ls-2     [001]    17.284993123: block_rq_issue:       254,0 FF 0 () 0 + 0 [ls]
              ls-2     [001]    17.284993123: block_rq_complete:    254,0 W () 128 + 8 [0]
              ls-2     [001]    17.284993123: signal_generate:      sig=17 errno=0 code=1 comm=bash pid=1 grp=1 res=1
              ls-2     [001]    17.284993123: signal_deliver:       sig=17 errno=0 code=1 sa_handler=401000 sa_flags=0
              ls-2     [001]    17.284993123: contention_begin:     0xffff888012345678 (flags=SPIN)
              ls-2     [001]    17.284993123: contention_end:       0xffff888012345678 (ret=0)
              ls-2     [001]    17.284993123: hrtimer_expire_entry: hrtimer=(nil) function=tick_sched_timer now=17284993123
              ls-2     [001]    17.284993123: page_fault_user:      address=0x401000 ip=0x401004 error_code=0x14
              ls-2     [001]    17.284993123: ipi_raise:            target_mask=00000000,00000002 (int 0xf1)
              ls-2     [001]    17.284993123: ipi_raise:            target_mask=00000000,00000001 (int 0xf1)
";
    assert_eq!(lines(bodies), expected);
}

#[test]
fn other_events_have_our_names_and_fields() {
    let text = lines(vec![
        Body::IrqAck { number: 0x41 },
        kernel("journal_begin", &[5, 0], &[(1, "unlink")]),
        Body::TlbFlush(Flush::Page(Virt(0x5000))),
    ]);
    let expected = "cpus=2
            bash-1     [001]    17.284993123: irq_ack:              number=65 name=int 0x41
              ls-2     [001]    17.284993123: journal_begin:        sequence=5 operation=unlink
              ls-2     [001]    17.284993123: tlb_flush:            pages:1 reason:local shootdown (2) address=0x5000
";
    assert_eq!(text, expected);
}

#[test]
fn a_guest_cannot_write_lines_of_its_own() {
    let text = lines(vec![kernel(
        "process_exec",
        &[1, 0, 0],
        &[(1, "/bin/x\ncpus=9\x1b[2J")],
    )]);
    assert!(text.ends_with("filename=/bin/x\\ncpus=9\\x1b[2J pid=1 old_pid=1\n"));
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn an_empty_trace_has_its_first_line() {
    assert_eq!(lines(Vec::new()), "cpus=2\n");
}
