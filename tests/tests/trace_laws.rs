//! What holds in every trace, tried on everything that happened while a busy line ran on two CPUs.

use serde_json::Value;
use std::collections::BTreeMap;
use tests::glassbox::{arches, glassbox, on};
use tests::trace::{BUSY, busy, number};

#[test]
fn times_never_go_back() {
    for arch in arches() {
        let trace = busy(arch);
        assert!(trace.len() > 3000);
        for pair in trace.windows(2) {
            assert!(
                number(&pair[0]["time"]) <= number(&pair[1]["time"]),
                "{pair:?}"
            );
        }
    }
}

#[test]
fn a_call_ends_before_its_process_makes_another() {
    for arch in arches() {
        let mut open: BTreeMap<u64, Value> = BTreeMap::new();
        let (mut ended, mut finished) = (0, 0);
        for object in busy(arch) {
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
}

#[test]
fn handlers_nest() {
    for arch in arches() {
        let mut depths: BTreeMap<u64, u64> = BTreeMap::new();
        // Whether a process is in user code, if that is known.
        let mut outside: BTreeMap<u64, bool> = BTreeMap::new();
        for object in busy(arch) {
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
}

#[test]
fn a_cpu_goes_on_with_the_process_it_went_over_to() {
    for arch in arches() {
        let mut running: BTreeMap<u64, u64> = BTreeMap::new();
        for object in busy(arch) {
            let pid = running.entry(number(&object["cpu"])).or_default();
            assert_eq!(number(&object["pid"]), *pid, "{object}");
            if object["event"] == "sched_switch" {
                assert_eq!(number(&object["prev_pid"]), *pid, "{object}");
                *pid = number(&object["next_pid"]);
            }
        }
        assert_eq!(running.len(), 2);
    }
}

#[test]
fn who_waited_was_woken_before_it_runs_again() {
    for arch in arches() {
        /// A process since it last began to run.
        #[derive(Default)]
        struct Life {
            woken: bool,
            blocked: bool,
            met: bool,
        }
        let mut lives: BTreeMap<u64, Life> = BTreeMap::new();
        let mut checked = 0;
        for object in busy(arch) {
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
}

#[test]
fn a_trace_agrees_with_the_counters() {
    for arch in arches() {
        let stat = ["stat", "--json", "--cpus", "2", "--", BUSY];
        let ran = glassbox(&on(arch, &stat), b"");
        let json = &ran.stdout[ran.stdout.iter().position(|&b| b == b'{').unwrap()..];
        let counters: Value = serde_json::from_slice(json).unwrap();
        let trace = busy(arch);
        let count =
            |holds: &dyn Fn(&Value) -> bool| trace.iter().filter(|o| holds(o)).count() as u64;

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
}
