//! Each kind of event of the machine's, provoked and found with the right fields (in the form of JSON).

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tests::glassbox::arches;
use tests::trace::{BUSY, find, hex, number, objects, traced};

/// Checks that user code goes on behind its instruction that trapped, of so many bytes; or, if they are 0, with that
/// instruction again.
#[track_caller]
fn goes_on(trace: &[Value], trap: &Value, length: u64) {
    let after = &trace[trace.iter().position(|o| o == trap).unwrap()..];
    let back = find(after, |o| o["event"] == "trap_return" && o["user"] == true);
    assert_eq!(hex(&back["to"]), hex(&trap["from"]) + length);
    assert_eq!(back["depth"], trap["depth"]);
}

#[test]
fn traps_of_x86_64_and_their_returns() {
    let trace = objects("x86_64", "1", "event=trap", "echo hi");
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
    goes_on(&trace, fault, 0);

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
fn traps_of_risc_v_and_their_returns() {
    let trace = objects("riscv64", "1", "event=trap", "echo hi");
    let fault = find(&trace, |o| o["name"] == "store page fault");
    assert_eq!(
        (&fault["cause"], &fault["number"]),
        (&"exception".into(), &15.into())
    );
    assert_eq!(fault["reasons"], json!(["write"]));
    assert!(fault.get("error_code").is_none());
    assert!(hex(&fault["address"]) < 1 << 38 && hex(&fault["to"]) > 1 << 63);
    let fault = find(&trace, |o| o["name"] == "fetch page fault");
    assert_eq!(
        (&fault["number"], &fault["user"]),
        (&12.into(), &true.into())
    );
    assert_eq!(fault["address"], fault["from"]);
    assert_eq!(fault["depth"], 0);
    goes_on(&trace, fault, 0);

    let call = find(&trace, |o| o["name"] == "syscall" && o["user"] == true);
    assert_eq!(
        (&call["cause"], &call["number"]),
        (&"syscall".into(), &8.into())
    );
    assert!(call.get("reasons").is_none() && call.get("address").is_none());
    goes_on(&trace, call, 4);

    let interrupt = find(&trace, |o| o["cause"] == "interrupt");
    assert_eq!(interrupt["name"], "supervisor external interrupt");
    assert_eq!(interrupt["number"], 9);
}

#[test]
fn system_calls_have_the_numbers_of_their_instruction_set() {
    for (arch, number) in arches().zip([1, 64]) {
        let trace = objects(arch, "1", "event=sys_enter,sys_exit", "echo hi");
        for event in ["sys_enter", "sys_exit"] {
            let write = find(&trace, |o| o["event"] == event && o["name"] == "write");
            assert_eq!(write["number"], number);
        }
    }
}

#[test]
fn walks_lead_through_the_table_to_a_page_or_a_fault() {
    for arch in arches() {
        let trace = objects(arch, "1", "event=page_walk", "echo hi");
        let fault = find(&trace, |o| o.get("fault").is_some() && o["user"] == true);
        let reasons = fault["reasons"].as_array().unwrap();
        match arch {
            "x86_64" => {
                assert_eq!(hex(&fault["fault"]) & 4, 4);
                assert!(reasons.contains(&"not_present".into()));
            }
            _ => {
                assert!((12..16).contains(&hex(&fault["fault"])), "{fault}");
                assert_eq!(reasons, &[fault["access"].clone()]);
            }
        }
        let last = fault["levels"].as_array().unwrap().last().unwrap();
        assert_eq!(hex(&last["entry"]) & 1, 0, "the entry that is not present");
        assert!(fault.get("phys").is_none());

        // The address in an entry (SDM vol. 3, 4.5; Privileged spec 4.4.1).
        let frame = |entry: &Value| match arch {
            "x86_64" => hex(entry) & 0x000f_ffff_ffff_f000,
            _ => (hex(entry) >> 10 << 12) & 0x00ff_ffff_ffff_f000,
        };
        let mut levels_of = BTreeMap::new();
        for walk in trace.iter().filter(|o| o.get("phys").is_some()) {
            let levels = walk["levels"].as_array().unwrap();
            let (virt, phys) = (hex(&walk["virt"]), hex(&walk["phys"]));
            let size = number(&walk["page_size"]);
            assert_eq!(virt % size, phys % size);
            levels_of.insert(size, levels.len());
            // Each entry leads to the next table, the last one to the page.
            for pair in levels.windows(2) {
                assert_eq!(frame(&pair[0]["entry"]), hex(&pair[1]["address"]) & !0xfff);
            }
            if let Some(last) = levels.last() {
                assert_eq!(frame(&last["entry"]) & !(size - 1), phys & !(size - 1));
            }
        }
        // Four levels of tables, or the three of Sv39.
        let levels = if arch == "x86_64" { 4 } else { 3 };
        assert_eq!(levels_of.get(&4096), Some(&levels));
        assert_eq!(levels_of.get(&(2 << 20)), Some(&(levels - 1)));
        assert!(trace.iter().any(|o| o.get("evicted").is_some()));
        for access in ["fetch", "read", "write"] {
            find(&trace, |o| o["access"] == access);
        }
    }
}

#[test]
fn the_tlb_is_told_to_forget_and_the_space_changes() {
    for arch in arches() {
        let trace = objects(arch, "1", "event=tlb_flush,asid_switch", "echo hi | cat");
        find(&trace, |o| o["scope"] == "all");
        let page = find(&trace, |o| o["scope"] == "page");
        assert!(hex(&page["address"]).is_multiple_of(4096));
        let (scope, asid) = match arch {
            "x86_64" => ("non_global", None),
            _ => ("space", Some(&json!(0))),
        };
        let other = find(&trace, |o| o["scope"] == scope);
        assert!(other.get("address").is_none() && other.get("asid") == asid);
        let roots: BTreeSet<u64> = trace
            .iter()
            .filter(|o| o["event"] == "asid_switch")
            .map(|o| hex(&o["root"]))
            .collect();
        assert!(roots.len() >= 3, "init, the shell, cat: {roots:x?}");
    }
}

#[test]
fn an_interrupt_is_raised_taken_and_lowered() {
    for arch in arches() {
        let trace = objects(arch, "1", "event=irq_raise,irq_lower,irq_ack", "cat README");
        let at = trace
            .iter()
            .position(|o| o["event"] == "irq_raise")
            .unwrap();
        let line = &trace[at]["line"];
        assert_eq!(trace[at]["level"], true);
        let taken = find(&trace[at..], |o| o["event"] == "irq_ack");
        let name = match arch {
            "x86_64" => format!("int {:#04x}", number(&taken["number"])),
            _ => "supervisor external interrupt".to_owned(),
        };
        assert_eq!(taken["name"], name);
        let lowered = find(&trace[at..], |o| o["event"] == "irq_lower");
        assert_eq!((&lowered["line"], &lowered["level"]), (line, &false.into()));
    }
}

#[test]
fn cpus_interrupt_each_other() {
    for arch in arches() {
        let trace = objects(arch, "2", "event=ipi", BUSY);
        let ipi = find(&trace, |o| {
            // Before that come those that start the other CPU.
            o["cpu"] == 0 && o["target"] == 1 && (arch != "x86_64" || number(&o["number"]) > 32)
        });
        let name = match arch {
            "x86_64" => format!("int {:#04x}", number(&ipi["number"])),
            _ => "machine software interrupt".to_owned(),
        };
        assert_eq!(ipi["name"], name);
    }
}

#[test]
fn device_registers_are_named() {
    for arch in arches() {
        let trace = objects(arch, "1", "event=device", "cat README");
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
        // The serial port lies among the ports on one board, in memory on the other.
        let (event, space, address) = match arch {
            "x86_64" => ("pio", "port", "0x3fb"),
            _ => ("mmio", "memory", "0x10000003"),
        };
        let port = find(&trace, |o| o["chip"] == "com1" && o["register"] == "LCR");
        assert_eq!(
            (&port["event"], &port["space"]),
            (&event.into(), &space.into())
        );
        assert_eq!(
            (&port["addr"], &port["bytes"]),
            (&address.into(), &1.into())
        );
        let magic = find(&trace, |o| o["register"] == "MagicValue");
        assert_eq!(
            (&magic["value"], &magic["write"]),
            (&"0x74726976".into(), &false.into())
        );
        // And the CPU's own interrupt controller.
        let (event, chip, register, space, address) = match arch {
            "x86_64" => ("msr", "lapic", "SVR", "local", "0x80f"),
            _ => ("mmio", "plic", "claim", "memory", "0xc201004"),
        };
        let own = find(&trace, |o| o["event"] == event && o["register"] == register);
        assert_eq!(
            (&own["chip"], &own["space"], &own["addr"]),
            (&chip.into(), &space.into(), &address.into())
        );
    }
}

#[test]
fn a_disk_request_is_issued_and_completed() {
    for arch in arches() {
        let trace = objects(
            arch,
            "1",
            "event=disk_issue,disk_complete",
            "echo hi > /f; sync",
        );
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
}

#[test]
fn the_console_is_heard() {
    for arch in arches() {
        let trace = objects(arch, "1", "event=console", "echo \"h\\\\\" > /dev/console");
        let said: String = trace.iter().map(|o| o["text"].as_str().unwrap()).collect();
        assert_eq!(said, "h\\\\\r\n");
        let bytes: Vec<u64> = trace.iter().map(|o| number(&o["byte"])).collect();
        assert_eq!(bytes, b"h\\\r\n".map(u64::from));
    }
}

#[test]
fn each_instruction_is_told_if_asked_for() {
    for arch in arches() {
        let options = [
            "--format",
            "json",
            "-e",
            "event=instruction",
            "--max-instructions",
            "500",
        ];
        let (trace, ran) = traced(arch, &options, "true");
        assert_eq!(ran.status, 123);
        let pcs: Vec<Value> = trace
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(pcs.len(), 500);
        let entry = match arch {
            "x86_64" => "0x100000",
            _ => "0x80000000",
        };
        assert_eq!((&pcs[0]["pc"], &pcs[0]["time"]), (&entry.into(), &0.into()));
        assert_eq!(pcs[1]["time"], 10);
    }
}
