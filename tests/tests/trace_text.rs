//! Traces as text: NDJSON and its schema, ftrace's form, and the list of events.

use insta::assert_snapshot;
use serde_json::Value;
use std::collections::BTreeMap;
use tests::glassbox::{arches, glassbox, on};
use tests::schema::Schema;
use tests::trace::{BUSY, busy, number, text};

/// Times and addresses, which change with the guest, as letters: T and 0xA.
fn masked(trace: &str) -> String {
    let mut out = String::new();
    let mut rest = trace;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, digits) = rest.split_at(at);
        let is_hex = digits.starts_with("0x");
        let digit = |c: char| match is_hex {
            true => c.is_ascii_hexdigit() || c == 'x',
            false => c.is_ascii_digit() || c == '.',
        };
        let length = digits.find(|c| !digit(c)).unwrap_or(digits.len());
        let time = before.ends_with("\"time\":") || digits[..length].contains('.');
        out.push_str(before);
        out.push_str(match () {
            () if is_hex && length > 5 => "0xA",
            () if time && !is_hex => "T",
            () => &digits[..length],
        });
        rest = &digits[length..];
    }
    out + rest
}

#[test]
fn json_of_one_cpu() {
    let shown = |arch| {
        masked(&text(
            arch,
            "json",
            "1",
            "event=process,signal",
            "true | cat",
        ))
    };
    assert_snapshot!(shown("x86_64"), @r##"
    {"time":T,"cpu":0,"pid":1,"comm":"init","event":"process_exec","target_pid":1,"path":"/bin/init","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":0,"pid":1,"comm":"init","event":"process_fork","parent_pid":1,"child_pid":2,"flags":"0x11","pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_exec","target_pid":2,"path":"/bin/sh","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_fork","parent_pid":2,"child_pid":3,"flags":"0x11","pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_fork","parent_pid":2,"child_pid":4,"flags":"0x11","pc":"0xA"}
    {"time":T,"cpu":0,"pid":3,"comm":"sh","event":"process_exit","target_pid":3,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":3,"comm":"sh","event":"signal_generate","target_pid":2,"signal":17,"signal_name":"SIGCHLD","sender_pid":3,"code":1,"addr":"0x0","status":0,"ignored":1,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_wait","target_pid":2,"child_pid":3,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"process_exec","target_pid":4,"path":"/bin/cat","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"process_exit","target_pid":4,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"signal_generate","target_pid":2,"signal":17,"signal_name":"SIGCHLD","sender_pid":4,"code":1,"addr":"0x0","status":0,"ignored":1,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_wait","target_pid":2,"child_pid":4,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_exit","target_pid":2,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"signal_generate","target_pid":1,"signal":17,"signal_name":"SIGCHLD","sender_pid":2,"code":1,"addr":"0x0","status":0,"ignored":1,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":1,"comm":"init","event":"process_wait","target_pid":1,"child_pid":2,"status":"0x0","exit_code":0,"pc":"0xA"}
    "##);
    assert_snapshot!(shown("riscv64"), @r#"
    {"time":T,"cpu":0,"pid":1,"comm":"init","event":"process_exec","target_pid":1,"path":"/bin/init","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":0,"pid":1,"comm":"init","event":"process_fork","parent_pid":1,"child_pid":2,"flags":"0x11","pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_exec","target_pid":2,"path":"/bin/sh","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_fork","parent_pid":2,"child_pid":3,"flags":"0x11","pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_fork","parent_pid":2,"child_pid":4,"flags":"0x11","pc":"0xA"}
    {"time":T,"cpu":0,"pid":3,"comm":"sh","event":"process_exit","target_pid":3,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":3,"comm":"sh","event":"signal_generate","target_pid":2,"signal":17,"signal_name":"SIGCHLD","sender_pid":3,"code":1,"addr":"0x0","status":0,"ignored":1,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"process_exec","target_pid":4,"path":"/bin/cat","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"process_exit","target_pid":4,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"signal_generate","target_pid":2,"signal":17,"signal_name":"SIGCHLD","sender_pid":4,"code":1,"addr":"0x0","status":0,"ignored":1,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_wait","target_pid":2,"child_pid":3,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_wait","target_pid":2,"child_pid":4,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_exit","target_pid":2,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"signal_generate","target_pid":1,"signal":17,"signal_name":"SIGCHLD","sender_pid":2,"code":1,"addr":"0x0","status":0,"ignored":1,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":1,"comm":"init","event":"process_wait","target_pid":1,"child_pid":2,"status":"0x0","exit_code":0,"pc":"0xA"}
    "#);
}

#[test]
fn json_of_two_cpus() {
    let shown = |arch| {
        masked(&text(
            arch,
            "json",
            "2",
            "event=process_exec,process_exit",
            "true | cat",
        ))
    };
    assert_snapshot!(shown("x86_64"), @r#"
    {"time":T,"cpu":0,"pid":1,"comm":"init","event":"process_exec","target_pid":1,"path":"/bin/init","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_exec","target_pid":2,"path":"/bin/sh","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":1,"pid":3,"comm":"sh","event":"process_exit","target_pid":3,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"process_exec","target_pid":4,"path":"/bin/cat","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"process_exit","target_pid":4,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_exit","target_pid":2,"status":"0x0","exit_code":0,"pc":"0xA"}
    "#);
    assert_snapshot!(shown("riscv64"), @r#"
    {"time":T,"cpu":0,"pid":1,"comm":"init","event":"process_exec","target_pid":1,"path":"/bin/init","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_exec","target_pid":2,"path":"/bin/sh","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":1,"pid":3,"comm":"sh","event":"process_exit","target_pid":3,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":1,"pid":4,"comm":"cat","event":"process_exec","target_pid":4,"path":"/bin/cat","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":1,"pid":4,"comm":"cat","event":"process_exit","target_pid":4,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":1,"pid":2,"comm":"sh","event":"process_exit","target_pid":2,"status":"0x0","exit_code":0,"pc":"0xA"}
    "#);
}

#[test]
fn json_of_system_calls() {
    let shown = |arch| masked(&text(arch, "json", "1", "trace=write", "echo hi | cat"));
    assert_snapshot!(shown("x86_64"), @r##"
    {"time":T,"cpu":0,"pid":3,"comm":"sh","event":"sys_enter","number":1,"name":"write","args":["0x1","0xA","0x3","0x0","0x0","0x0"],"memory":[{"address":"0xA","bytes":"hi\n"}]}
    {"time":T,"cpu":0,"pid":3,"comm":"sh","event":"sys_exit","number":1,"name":"write","result":3,"memory":[]}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"sys_enter","number":1,"name":"write","args":["0x1","0xA","0x3","0x0","0x0","0x0"],"memory":[{"address":"0xA","bytes":"hi\n"}]}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"sys_exit","number":1,"name":"write","result":3,"memory":[]}
    "##);
    assert_snapshot!(shown("riscv64"), @r#"
    {"time":T,"cpu":0,"pid":3,"comm":"sh","event":"sys_enter","number":64,"name":"write","args":["0x1","0xA","0x3","0x0","0x0","0x0"],"memory":[{"address":"0xA","bytes":"hi\n"}]}
    {"time":T,"cpu":0,"pid":3,"comm":"sh","event":"sys_exit","number":64,"name":"write","result":3,"memory":[]}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"sys_enter","number":64,"name":"write","args":["0x1","0xA","0x3","0x0","0x0","0x0"],"memory":[{"address":"0xA","bytes":"hi\n"}]}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"sys_exit","number":64,"name":"write","result":3,"memory":[]}
    "#);
}

#[test]
fn ftrace_of_system_calls() {
    let shown = |arch| {
        masked(&text(
            arch,
            "ftrace",
            "1",
            "trace=dup2,dup3",
            "echo hi | cat",
        ))
    };
    assert_snapshot!(shown("x86_64"), @r##"
    cpus=1
                  sh-3     [000]     T: sys_enter:            NR 33 (4, 1, 0, 0, 0, 0)
                  sh-3     [000]     T: sys_exit:             NR 33 = 1
                  sh-4     [000]     T: sys_enter:            NR 33 (3, 0, 0, 0, 0, 0)
                  sh-4     [000]     T: sys_exit:             NR 33 = 0
    "##);
    assert_snapshot!(shown("riscv64"), @"
    cpus=1
                  sh-3     [000]     T: sys_enter:            NR 24 (4, 1, 0, 0, 0, 0)
                  sh-3     [000]     T: sys_exit:             NR 24 = 1
                  sh-4     [000]     T: sys_enter:            NR 24 (3, 0, 0, 0, 0, 0)
                  sh-4     [000]     T: sys_exit:             NR 24 = 0
    ");
}

#[test]
fn ftrace_of_one_cpu() {
    let shown = |arch| {
        masked(&text(
            arch,
            "ftrace",
            "1",
            "event=process,signal",
            "true | cat",
        ))
    };
    assert_snapshot!(shown("x86_64"), @r##"
    cpus=1
                init-1     [000]     T: sched_process_exec:   filename=/bin/init pid=1 old_pid=1
                init-1     [000]     T: sched_process_fork:   comm=init pid=1 child_comm=init child_pid=2
                  sh-2     [000]     T: sched_process_exec:   filename=/bin/sh pid=2 old_pid=2
                  sh-2     [000]     T: sched_process_fork:   comm=sh pid=2 child_comm=sh child_pid=3
                  sh-2     [000]     T: sched_process_fork:   comm=sh pid=2 child_comm=sh child_pid=4
                  sh-3     [000]     T: sched_process_exit:   comm=sh pid=3 prio=120
                  sh-3     [000]     T: signal_generate:      sig=17 errno=0 code=1 comm=sh pid=2 grp=1 res=1
                  sh-2     [000]     T: sched_process_wait:   comm=sh pid=3 prio=120
                 cat-4     [000]     T: sched_process_exec:   filename=/bin/cat pid=4 old_pid=4
                 cat-4     [000]     T: sched_process_exit:   comm=cat pid=4 prio=120
                 cat-4     [000]     T: signal_generate:      sig=17 errno=0 code=1 comm=sh pid=2 grp=1 res=1
                  sh-2     [000]     T: sched_process_wait:   comm=sh pid=4 prio=120
                  sh-2     [000]     T: sched_process_exit:   comm=sh pid=2 prio=120
                  sh-2     [000]     T: signal_generate:      sig=17 errno=0 code=1 comm=init pid=1 grp=1 res=1
                init-1     [000]     T: sched_process_wait:   comm=init pid=2 prio=120
    "##);
    assert_snapshot!(shown("riscv64"), @"
    cpus=1
                init-1     [000]     T: sched_process_exec:   filename=/bin/init pid=1 old_pid=1
                init-1     [000]     T: sched_process_fork:   comm=init pid=1 child_comm=init child_pid=2
                  sh-2     [000]     T: sched_process_exec:   filename=/bin/sh pid=2 old_pid=2
                  sh-2     [000]     T: sched_process_fork:   comm=sh pid=2 child_comm=sh child_pid=3
                  sh-2     [000]     T: sched_process_fork:   comm=sh pid=2 child_comm=sh child_pid=4
                  sh-3     [000]     T: sched_process_exit:   comm=sh pid=3 prio=120
                  sh-3     [000]     T: signal_generate:      sig=17 errno=0 code=1 comm=sh pid=2 grp=1 res=1
                 cat-4     [000]     T: sched_process_exec:   filename=/bin/cat pid=4 old_pid=4
                 cat-4     [000]     T: sched_process_exit:   comm=cat pid=4 prio=120
                 cat-4     [000]     T: signal_generate:      sig=17 errno=0 code=1 comm=sh pid=2 grp=1 res=1
                  sh-2     [000]     T: sched_process_wait:   comm=sh pid=3 prio=120
                  sh-2     [000]     T: sched_process_wait:   comm=sh pid=4 prio=120
                  sh-2     [000]     T: sched_process_exit:   comm=sh pid=2 prio=120
                  sh-2     [000]     T: signal_generate:      sig=17 errno=0 code=1 comm=init pid=1 grp=1 res=1
                init-1     [000]     T: sched_process_wait:   comm=init pid=2 prio=120
    ");
}

#[test]
fn ftrace_of_two_cpus() {
    let shown = |arch| {
        masked(&text(
            arch,
            "ftrace",
            "2",
            "event=process_exec,process_exit",
            "true | cat",
        ))
    };
    assert_snapshot!(shown("x86_64"), @"
    cpus=2
                init-1     [000]     T: sched_process_exec:   filename=/bin/init pid=1 old_pid=1
                  sh-2     [000]     T: sched_process_exec:   filename=/bin/sh pid=2 old_pid=2
                  sh-3     [001]     T: sched_process_exit:   comm=sh pid=3 prio=120
                 cat-4     [000]     T: sched_process_exec:   filename=/bin/cat pid=4 old_pid=4
                 cat-4     [000]     T: sched_process_exit:   comm=cat pid=4 prio=120
                  sh-2     [000]     T: sched_process_exit:   comm=sh pid=2 prio=120
    ");
    assert_snapshot!(shown("riscv64"), @"
    cpus=2
                init-1     [000]     T: sched_process_exec:   filename=/bin/init pid=1 old_pid=1
                  sh-2     [000]     T: sched_process_exec:   filename=/bin/sh pid=2 old_pid=2
                  sh-3     [001]     T: sched_process_exit:   comm=sh pid=3 prio=120
                 cat-4     [001]     T: sched_process_exec:   filename=/bin/cat pid=4 old_pid=4
                 cat-4     [001]     T: sched_process_exit:   comm=cat pid=4 prio=120
                  sh-2     [001]     T: sched_process_exit:   comm=sh pid=2 prio=120
    ");
}

#[test]
fn the_list_of_events() {
    let ran = glassbox(&["trace", "--events"], b"");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    // The kernel's part follows from its probes; the machine's part is a promise.
    let text = ran.text();
    let (machine, kernel) = text.split_once("\nEvents of the kernel\n").unwrap();
    assert!(kernel.contains("\n  sched_switch        A CPU goes from one process to another."));
    assert_snapshot!(machine, @"
    Events of the machine, of any kernel

      trap                A handler was entered: an exception, an interrupt, INT n or a system call.
                          fields: cause number name error_code? reasons? address? from to user depth
                          groups: trap
      trap_return         A handler returned.
                          fields: from to user depth
                          groups: trap
      page_walk           A TLB miss: the page table was walked, to a translation or to a page fault.
                          fields: virt access user levels phys? page_size? evicted? fault? reasons?
                          groups: tlb
      tlb_flush           A CPU dropped translations.
                          fields: scope asid? address?
                          groups: tlb
      asid_switch         A CPU went over to another address space.
                          fields: root asid
      irq_raise           A device asserted its interrupt line.
                          fields: line level
                          groups: irq
      irq_lower           A device released its interrupt line.
                          fields: line level
                          groups: irq
      irq_ack             A CPU took an interrupt from its interrupt controller.
                          fields: number name
                          groups: irq
      ipi                 A CPU sent an interrupt to others.
                          fields: target? number name
                          groups: irq
      mmio                A CPU touched a device register that lies in memory.
                          fields: chip register space addr bytes value write
                          groups: device
      pio                 A CPU touched a device register by IN or OUT.
                          fields: chip register space addr bytes value write
                          groups: device
      msr                 A CPU touched a register of its own interrupt controller.
                          fields: chip register space addr bytes value write
                          groups: device
      disk_issue          A disk took a request.
                          fields: request op sector sectors
                          groups: disk block
      disk_complete       A disk finished a request.
                          fields: request ok
                          groups: disk block
      console             A character went out on the console.
                          fields: byte text
      instruction         An instruction was about to be executed; not part of 'all'.
                          fields: pc
      fault_injected      Something went wrong on purpose, as --fault had it.
                          fields: site count action
    ");
}

#[test]
fn a_trace_fits_its_schema() {
    let ran = glassbox(&["trace", "--schema"], b"");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let schema = Schema::new(&ran.text());
    let mut seen = BTreeMap::new();
    for arch in arches() {
        seen.clear();
        for object in busy(arch) {
            schema.check(&object).unwrap();
            *seen.entry(object["event"].to_string()).or_insert(0) += 1;
        }
        assert!(seen.len() >= 35, "{arch}: {seen:?}");
        assert!(schema.events().count() > seen.len());
    }
}

#[test]
fn the_schema_check_can_fail() {
    let schema = Schema::new(&glassbox(&["trace", "--schema"], b"").text());
    let good = serde_json::json!({
        "time": 1, "cpu": 0, "pid": 1, "comm": "sh", "event": "instruction", "pc": "0x10"
    });
    schema.check(&good).unwrap();
    for (name, bad) in [
        ("time", "1".into()),
        ("cpu", (-1).into()),
        ("pc", 16.into()),
        ("pc", "0xG".into()),
        ("more", 1.into()),
        ("event", "trap".into()),
        ("comm", Value::Null),
    ] {
        let mut object = good.clone();
        object[name] = bad;
        assert!(schema.check(&object).is_err(), "{object}");
    }
}

#[test]
fn the_same_run_is_the_same_trace_and_a_recorded_one_reads_the_same() {
    for arch in arches() {
        for format in ["json", "ftrace"] {
            let first = text(arch, format, "2", "event=all", BUSY);
            assert_eq!(first, text(arch, format, "2", "event=all", BUSY));
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("run.gbt");
            let file = file.to_str().unwrap();
            glassbox(
                &on(
                    arch,
                    &[
                        "trace",
                        "--cpus",
                        "2",
                        "-e",
                        "event=all",
                        "-o",
                        file,
                        "--",
                        BUSY,
                    ],
                ),
                b"",
            );
            let shown = folder.path().join("shown");
            let read = [
                "trace",
                "--read",
                file,
                "-e",
                "event=all",
                "--format",
                format,
                "-o",
            ];
            let ran = glassbox(&[&read[..], &[shown.to_str().unwrap()]].concat(), b"");
            assert_eq!(ran.status, 0, "{}", ran.stderr);
            assert!(first == std::fs::read_to_string(shown).unwrap(), "{format}");
        }
    }
}

/// Parts of a line of `trace-cmd report`: task, process, CPU, nanoseconds, event, fields.
fn parts(line: &str) -> Option<(&str, u64, u64, u64, &str, &str)> {
    let (task, rest) = line.split_once(" [")?;
    let (comm, pid) = task.trim().rsplit_once('-')?;
    let (cpu, rest) = rest.split_once("] ")?;
    let (time, rest) = rest.split_once(": ")?;
    let (seconds, fraction) = time.trim().split_once('.')?;
    let (event, fields) = rest.split_once(": ")?;
    let nanoseconds =
        seconds.parse::<u64>().ok()? * 1_000_000_000 + fraction.parse::<u64>().ok()?;
    let nine = fraction.len() == 9 && cpu.len() == 3;
    nine.then_some((
        comm,
        pid.parse().ok()?,
        cpu.parse().ok()?,
        nanoseconds,
        event,
        fields.trim_start(),
    ))
}

#[test]
fn every_line_of_ftrace_has_its_parts_and_follows_the_json() {
    for arch in arches() {
        let text = text(arch, "ftrace", "2", "event=all", BUSY);
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("cpus=2"));
        let trace = busy(arch);
        let mut count = 0;
        for (line, object) in lines.zip(&trace) {
            let (comm, pid, cpu, time, event, fields) = parts(line).expect(line);
            assert_eq!(pid, number(&object["pid"]), "{line}");
            assert_eq!(cpu, number(&object["cpu"]), "{line}");
            assert_eq!(time, number(&object["time"]), "{line}");
            assert_eq!(pid == 0, comm == "<idle>", "{line}");
            assert!(!fields.is_empty(), "{line}");
            let ours = object["event"].as_str().unwrap();
            let known = [
                ("process_exec", "sched_process_exec"),
                ("sys_enter", "sys_enter"),
                ("timer_tick", "hrtimer_expire_entry"),
                ("lock_contended", "contention_begin"),
                ("ipi", "ipi_raise"),
                ("cow_break", "cow_break"),
            ];
            if let Some((_, theirs)) = known.iter().find(|(name, _)| *name == ours) {
                assert_eq!(event, *theirs);
            }
            count += 1;
        }
        assert_eq!(count, trace.len());
    }
}
