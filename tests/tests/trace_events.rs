//! Each kind of event of the machine's, provoked and found with the right fields (in the form of JSON).

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tests::trace::{BUSY, find, hex, number, objects, traced};

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
fn traps_of_risc_v_have_causes() {
    let (text, _) = traced(
        &[
            "--arch",
            "riscv64",
            "--format",
            "json",
            "-e",
            "event=trap,page_walk,irq,sys_enter",
        ],
        "echo hi",
    );
    let trace: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let fault = find(&trace, |o| o["name"] == "store page fault");
    assert_eq!(
        (&fault["cause"], &fault["number"]),
        (&"exception".into(), &15.into())
    );
    assert_eq!(fault["reasons"], serde_json::json!(["write"]));
    assert!(fault.get("error_code").is_none());
    assert!(hex(&fault["address"]) < 1 << 38 && hex(&fault["to"]) > 1 << 63);
    let walk = find(&trace, |o| o["fault"] == "0xf");
    assert_eq!(walk["reasons"], serde_json::json!(["write"]));
    let last = walk["levels"].as_array().unwrap().last().unwrap();
    assert_eq!(hex(&last["entry"]) & 1, 0, "the entry that is not valid");
    let interrupt = find(&trace, |o| o["event"] == "irq_ack");
    assert_eq!(interrupt["name"], "supervisor external interrupt");
    // The guest's own numbers, and the address of the call itself.
    let call = find(&trace, |o| o["name"] == "syscall" && o["user"] == true);
    assert_eq!(
        (&call["cause"], &call["number"]),
        (&"syscall".into(), &8.into())
    );
    let back = find(&trace, |o| {
        o["event"] == "trap_return" && hex(&o["to"]) == hex(&call["from"]) + 4
    });
    assert_eq!(back["user"], true);
    let write = find(&trace, |o| {
        o["event"] == "sys_enter" && o["name"] == "write"
    });
    assert_eq!(write["number"], 64);
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
    let roots: BTreeSet<u64> = trace
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
