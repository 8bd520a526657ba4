//! Traces as text: NDJSON and its schema, ftrace's form, and what a trace promises whatever the run.

use insta::assert_snapshot;
use serde_json::Value;
use std::collections::BTreeMap;
use tests::glassbox::{Ran, glassbox};
use tests::schema::Schema;

/// A shell line that keeps two CPUs, the disk, pipes and signals busy.
const BUSY: &str =
    "ls / | wc; cat README | grep -c i; sleep 1 & kill -9 $!; wait; echo hi > /f; sync; rm /f";

/// Runs a line with these options of `trace`; the trace and how the run ended.
#[track_caller]
fn traced(options: &[&str], line: &str) -> (String, Ran) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace");
    let output = ["trace", "-o", file.to_str().unwrap()];
    let ran = glassbox(&[&output, options, &["--", line]].concat(), b"");
    (std::fs::read_to_string(&file).unwrap(), ran)
}

/// A trace of these events as text.
#[track_caller]
fn text(format: &str, cpus: &str, events: &str, line: &str) -> String {
    let options = ["--format", format, "--cpus", cpus, "-e", events];
    traced(&options, line).0
}

/// A trace of these events as objects.
#[track_caller]
fn objects(cpus: &str, events: &str, line: &str) -> Vec<Value> {
    let text = text("json", cpus, events, line);
    let objects = text.lines().map(|line| serde_json::from_str(line).unwrap());
    objects.collect()
}

/// The first object for which this holds.
#[track_caller]
fn find(objects: &[Value], holds: impl Fn(&Value) -> bool) -> &Value {
    objects.iter().find(|o| holds(o)).expect("such an event")
}

/// A number.
#[track_caller]
fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

/// An address.
#[track_caller]
fn hex(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    u64::from_str_radix(digits.expect("0x"), 16).unwrap()
}

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
    assert_snapshot!(masked(&text("json", "1", "event=process,signal", "true | cat")), @r##"
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
}

#[test]
fn json_of_two_cpus() {
    assert_snapshot!(masked(&text("json", "2", "event=process_exec,process_exit", "true | cat")), @r##"
    {"time":T,"cpu":0,"pid":1,"comm":"init","event":"process_exec","target_pid":1,"path":"/bin/init","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_exec","target_pid":2,"path":"/bin/sh","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":1,"pid":3,"comm":"sh","event":"process_exit","target_pid":3,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"process_exec","target_pid":4,"path":"/bin/cat","entry":"0xA","pc":"0xA"}
    {"time":T,"cpu":0,"pid":4,"comm":"cat","event":"process_exit","target_pid":4,"status":"0x0","exit_code":0,"pc":"0xA"}
    {"time":T,"cpu":0,"pid":2,"comm":"sh","event":"process_exit","target_pid":2,"status":"0x0","exit_code":0,"pc":"0xA"}
    "##);
}

#[test]
fn ftrace_of_one_cpu() {
    assert_snapshot!(masked(&text("ftrace", "1", "event=process,signal", "true | cat")), @r##"
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
}

#[test]
fn ftrace_of_two_cpus() {
    assert_snapshot!(masked(&text("ftrace", "2", "event=process_exec,process_exit", "true | cat")), @r##"
    cpus=2
                init-1     [000]     T: sched_process_exec:   filename=/bin/init pid=1 old_pid=1
                  sh-2     [000]     T: sched_process_exec:   filename=/bin/sh pid=2 old_pid=2
                  sh-3     [001]     T: sched_process_exit:   comm=sh pid=3 prio=120
                 cat-4     [000]     T: sched_process_exec:   filename=/bin/cat pid=4 old_pid=4
                 cat-4     [000]     T: sched_process_exit:   comm=cat pid=4 prio=120
                  sh-2     [000]     T: sched_process_exit:   comm=sh pid=2 prio=120
    "##);
}

#[test]
fn the_list_of_events() {
    let ran = glassbox(&["trace", "--events"], b"");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    // The kernel's part follows from its probes; the machine's part is a promise.
    let text = ran.text();
    let (machine, kernel) = text.split_once("\nEvents of the kernel\n").unwrap();
    assert!(kernel.contains("\n  sched_switch        A CPU goes from one process to another."));
    assert_snapshot!(machine, @r##"
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
    "##);
}

#[test]
fn a_trace_fits_its_schema() {
    let ran = glassbox(&["trace", "--schema"], b"");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    let schema = Schema::new(&ran.text());
    let mut seen = BTreeMap::new();
    for object in objects("2", "event=all", BUSY) {
        schema.check(&object).unwrap();
        *seen.entry(object["event"].to_string()).or_insert(0) += 1;
    }
    assert!(seen.len() >= 35, "{seen:?}");
    assert!(schema.events().count() > seen.len());
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
fn traps_and_their_returns() {
    let trace = objects("1", "event=trap", "echo hi");
    let fault = find(&trace, |o| o["name"] == "#PF" && o["user"] == true);
    assert_eq!(fault["cause"], "exception");
    assert_eq!(fault["number"], 14);
    let code = hex(&fault["error_code"]);
    assert_eq!(code & 4, 4, "a fault of user code");
    let words = fault["reasons"].as_array().unwrap();
    assert!(words.contains(&"user".into()) && words.contains(&"not_present".into()));
    assert!(hex(&fault["address"]) < 1 << 47);
    assert!(hex(&fault["from"]) < 1 << 47 && hex(&fault["to"]) > 1 << 63);
    assert_eq!(fault["depth"], 0);
    // The instruction that faulted is executed again.
    let after = &trace[trace.iter().position(|o| o == fault).unwrap()..];
    let back = find(after, |o| o["event"] == "trap_return" && o["user"] == true);
    assert_eq!(
        (&back["to"], &back["depth"]),
        (&fault["from"], &fault["depth"])
    );

    let call = find(&trace, |o| o["name"] == "syscall");
    assert_eq!(
        (&call["cause"], &call["user"]),
        (&"syscall".into(), &true.into())
    );
    assert!(call.get("error_code").is_none() && call.get("address").is_none());

    let interrupt = find(&trace, |o| o["cause"] == "interrupt");
    let vector = number(&interrupt["number"]);
    assert_eq!(interrupt["name"], format!("int {vector:#04x}"));
}

#[test]
fn walks_lead_through_the_table_to_a_page_or_a_fault() {
    let trace = objects("1", "event=page_walk", "echo hi");
    let fault = find(&trace, |o| o.get("fault").is_some() && o["user"] == true);
    assert_eq!(hex(&fault["fault"]) & 4, 4);
    assert!(
        fault["reasons"]
            .as_array()
            .unwrap()
            .contains(&"not_present".into())
    );
    let last = fault["levels"].as_array().unwrap().last().unwrap();
    assert_eq!(hex(&last["entry"]) & 1, 0, "the entry that is not present");
    assert!(fault.get("phys").is_none());

    let mut levels_of = BTreeMap::new();
    for walk in trace.iter().filter(|o| o.get("phys").is_some()) {
        let levels = walk["levels"].as_array().unwrap();
        let (virt, phys) = (hex(&walk["virt"]), hex(&walk["phys"]));
        let size = number(&walk["page_size"]);
        assert_eq!(virt % size, phys % size);
        levels_of.insert(size, levels.len());
        // Each entry leads to the next table, the last one to the page.
        const FRAME: u64 = 0x000f_ffff_ffff_f000;
        for pair in levels.windows(2) {
            assert_eq!(
                hex(&pair[0]["entry"]) & FRAME,
                hex(&pair[1]["address"]) & !0xfff
            );
        }
        if let Some(last) = levels.last() {
            assert_eq!(
                hex(&last["entry"]) & FRAME & !(size - 1),
                phys & !(size - 1)
            );
        }
    }
    assert_eq!(levels_of.get(&4096), Some(&4));
    assert_eq!(levels_of.get(&(2 << 20)), Some(&3));
    assert!(trace.iter().any(|o| o.get("evicted").is_some()));
    for access in ["fetch", "read", "write"] {
        find(&trace, |o| o["access"] == access);
    }
}

#[test]
fn the_tlb_is_told_to_forget_and_the_space_changes() {
    let trace = objects("1", "event=tlb_flush,asid_switch", "echo hi | cat");
    find(&trace, |o| o["scope"] == "all");
    let page = find(&trace, |o| o["scope"] == "page");
    assert!(hex(&page["address"]).is_multiple_of(4096));
    let other = find(&trace, |o| o["scope"] == "non_global");
    assert!(other.get("address").is_none() && other.get("asid").is_none());
    let roots: std::collections::BTreeSet<u64> = trace
        .iter()
        .filter(|o| o["event"] == "asid_switch")
        .map(|o| hex(&o["root"]))
        .collect();
    assert!(roots.len() >= 3, "init, the shell, cat: {roots:x?}");
}

#[test]
fn an_interrupt_is_raised_taken_and_lowered() {
    let trace = objects("1", "event=irq_raise,irq_lower,irq_ack", "cat README");
    let at = trace
        .iter()
        .position(|o| o["event"] == "irq_raise")
        .unwrap();
    let line = &trace[at]["line"];
    assert_eq!(trace[at]["level"], true);
    let taken = find(&trace[at..], |o| o["event"] == "irq_ack");
    assert_eq!(
        taken["name"],
        format!("int {:#04x}", number(&taken["number"]))
    );
    let lowered = find(&trace[at..], |o| o["event"] == "irq_lower");
    assert_eq!((&lowered["line"], &lowered["level"]), (line, &false.into()));
}

#[test]
fn cpus_interrupt_each_other() {
    let trace = objects("2", "event=ipi", BUSY);
    let ipi = find(&trace, |o| {
        o["cpu"] == 0 && o["target"] == 1 && number(&o["number"]) > 32
    });
    assert_eq!(ipi["name"], format!("int {:#04x}", number(&ipi["number"])));
}

#[test]
fn device_registers_are_named() {
    let trace = objects("1", "event=device", "cat README");
    let notify = find(&trace, |o| {
        o["register"] == "QueueNotify" && o["chip"] == "virtio_block"
    });
    assert_eq!(
        (
            &notify["event"],
            &notify["space"],
            &notify["bytes"],
            &notify["write"]
        ),
        (&"mmio".into(), &"memory".into(), &4.into(), &true.into())
    );
    let port = find(&trace, |o| o["chip"] == "com1" && o["register"] == "LCR");
    assert_eq!(
        (&port["event"], &port["space"]),
        (&"pio".into(), &"port".into())
    );
    assert_eq!(
        (&port["addr"], &port["bytes"]),
        (&"0x3fb".into(), &1.into())
    );
    let magic = find(&trace, |o| o["register"] == "MagicValue");
    assert_eq!(
        (&magic["value"], &magic["write"]),
        (&"0x74726976".into(), &false.into())
    );
    let msr = find(&trace, |o| o["event"] == "msr" && o["register"] == "SVR");
    assert_eq!(
        (&msr["chip"], &msr["space"], &msr["addr"]),
        (&"lapic".into(), &"local".into(), &"0x80f".into())
    );
}

#[test]
fn a_disk_request_is_issued_and_completed() {
    let trace = objects("1", "event=disk_issue,disk_complete", "echo hi > /f; sync");
    for (op, has_sectors) in [("read", true), ("write", true), ("flush", false)] {
        let request = find(&trace, |o| o["op"] == op);
        assert_eq!(number(&request["sectors"]) > 0, has_sectors, "{request}");
    }
    // A number is free again when its request is complete.
    let mut open = BTreeMap::new();
    for object in &trace {
        let number = number(&object["request"]);
        if object["event"] == "disk_issue" {
            assert_eq!(open.insert(number, object), None);
        } else {
            assert!(open.remove(&number).is_some(), "{object}");
            assert_eq!(object["ok"], true);
        }
    }
    assert!(open.is_empty());
}

#[test]
fn the_console_is_heard() {
    let trace = objects("1", "event=console", "echo \"h\\\\\" > /dev/console");
    let said: String = trace.iter().map(|o| o["text"].as_str().unwrap()).collect();
    assert_eq!(said, "h\\\\\r\n");
    let bytes: Vec<u64> = trace.iter().map(|o| number(&o["byte"])).collect();
    assert_eq!(bytes, b"h\\\r\n".map(u64::from));
}

#[test]
fn each_instruction_is_told_if_asked_for() {
    let options = [
        "--format",
        "json",
        "-e",
        "event=instruction",
        "--max-instructions",
        "500",
    ];
    let (trace, ran) = traced(&options, "true");
    assert_eq!(ran.status, 123);
    let pcs: Vec<Value> = trace
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(pcs.len(), 500);
    assert_eq!(
        (&pcs[0]["pc"], &pcs[0]["time"]),
        (&"0x100000".into(), &0.into())
    );
    assert_eq!(pcs[1]["time"], 10);
}

/// What the properties below are about: everything that happened while a busy line ran on two CPUs.
fn busy() -> Vec<Value> {
    objects("2", "event=all", BUSY)
}

#[test]
fn times_never_go_back() {
    let trace = busy();
    assert!(trace.len() > 3000);
    for pair in trace.windows(2) {
        assert!(
            number(&pair[0]["time"]) <= number(&pair[1]["time"]),
            "{pair:?}"
        );
    }
}

#[test]
fn a_call_ends_before_its_process_makes_another() {
    let mut open: BTreeMap<u64, Value> = BTreeMap::new();
    let (mut ended, mut finished) = (0, 0);
    for object in busy() {
        let pid = number(&object["pid"]);
        match object["event"].as_str().unwrap() {
            "sys_enter" => assert_eq!(open.insert(pid, object["number"].clone()), None),
            "sys_exit" => {
                assert_eq!(open.remove(&pid).as_ref(), Some(&object["number"]));
                finished += 1;
            }
            "process_exit" => {
                // Killed by a signal on the way out of a call, or inside exit(2).
                open.remove(&pid);
                ended += 1;
            }
            _ => {}
        }
    }
    assert!(ended >= 6 && finished > 50);
    // Only those that never ended are inside a call still: init.
    assert!(open.keys().all(|&pid| pid == 1), "{open:?}");
}

#[test]
fn handlers_nest() {
    let mut depths: BTreeMap<u64, u64> = BTreeMap::new();
    // Whether a process is in user code, if that is known.
    let mut outside: BTreeMap<u64, bool> = BTreeMap::new();
    for object in busy() {
        let depth = depths.entry(number(&object["cpu"])).or_default();
        let user = object["user"] == true;
        let pid = number(&object["pid"]);
        match object["event"].as_str().unwrap() {
            "trap" => {
                assert_eq!(number(&object["depth"]), *depth, "{object}");
                assert_eq!(
                    user,
                    *depth == 0 && pid != 0 && outside.get(&pid) == Some(&true),
                    "{object}"
                );
                if user {
                    outside.insert(pid, false);
                }
                *depth += 1;
            }
            "trap_return" => {
                *depth = if user { 0 } else { depth.saturating_sub(1) };
                assert_eq!(number(&object["depth"]), *depth, "{object}");
                if user {
                    assert_ne!(outside.insert(pid, true), Some(true), "{object}");
                }
            }
            _ => {}
        }
    }
}

#[test]
fn a_cpu_goes_on_with_the_process_it_went_over_to() {
    let mut running: BTreeMap<u64, u64> = BTreeMap::new();
    for object in busy() {
        let pid = running.entry(number(&object["cpu"])).or_default();
        assert_eq!(number(&object["pid"]), *pid, "{object}");
        if object["event"] == "sched_switch" {
            assert_eq!(number(&object["prev_pid"]), *pid, "{object}");
            *pid = number(&object["next_pid"]);
        }
    }
    assert_eq!(running.len(), 2);
}

#[test]
fn who_waited_was_woken_before_it_runs_again() {
    /// A process since it last began to run.
    #[derive(Default)]
    struct Life {
        woken: bool,
        blocked: bool,
        met: bool,
    }
    let mut lives: BTreeMap<u64, Life> = BTreeMap::new();
    let mut checked = 0;
    for object in busy() {
        match object["event"].as_str().unwrap() {
            "sched_wakeup" | "sched_wakeup_new" => {
                let life = lives.entry(number(&object["target_pid"])).or_default();
                life.woken = true;
            }
            "sched_switch" => {
                let last = lives.entry(number(&object["prev_pid"])).or_default();
                last.blocked = object["reason"] == "blocked";
                let pid = number(&object["next_pid"]);
                let next = lives.entry(pid).or_default();
                if pid != 0 && (next.blocked || !next.met) {
                    assert!(next.woken, "{object}");
                    checked += 1;
                }
                *next = Life {
                    met: true,
                    ..Life::default()
                };
            }
            _ => {}
        }
    }
    assert!(checked > 30);
}

#[test]
fn a_trace_agrees_with_the_counters() {
    let ran = glassbox(&["stat", "--json", "--cpus", "2", "--", BUSY], b"");
    let json = &ran.stdout[ran.stdout.iter().position(|&b| b == b'{').unwrap()..];
    let counters: Value = serde_json::from_slice(json).unwrap();
    let trace = busy();
    let count = |holds: &dyn Fn(&Value) -> bool| trace.iter().filter(|o| holds(o)).count() as u64;

    let walks = count(&|o| o["event"] == "page_walk");
    assert_eq!(number(&counters["page_walks"]), walks);
    for access in ["fetch", "read", "write"] {
        let misses = &counters["tlb"][format!("{access}_misses")];
        let walks = count(&|o| o["event"] == "page_walk" && o["access"] == access);
        assert_eq!(number(misses), walks, "{access}");
    }
    let switches = count(&|o| o["event"] == "sched_switch");
    assert_eq!(number(&counters["context_switches"]), switches);
    let calls = count(&|o| o["name"] == "syscall");
    assert_eq!(number(&counters["syscalls"]), calls);
    let accesses = count(&|o| o.get("register").is_some());
    assert_eq!(number(&counters["device_accesses"]), accesses);
    for (name, times) in counters["traps"].as_object().unwrap() {
        let traps = count(&|o| o["event"] == "trap" && o["name"] == name.as_str());
        assert_eq!(number(times), traps, "{name}");
    }
}

#[test]
fn the_same_run_is_the_same_trace_and_a_recorded_one_reads_the_same() {
    for format in ["json", "ftrace"] {
        let first = text(format, "2", "event=all", BUSY);
        assert_eq!(first, text(format, "2", "event=all", BUSY));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.gbt");
        let file = file.to_str().unwrap();
        glassbox(
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
    let text = text("ftrace", "2", "event=all", BUSY);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("cpus=2"));
    let trace = busy();
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
