//! Traces of the emulator as text and as objects, for the tests that read them.

use crate::glassbox::{Ran, glassbox, on};
use serde_json::Value;

/// A shell line that keeps two CPUs, the disk, pipes and signals busy.
pub const BUSY: &str =
    "ls / | wc; cat README | grep -c i; sleep 1 & kill -9 $!; wait; echo hi > /f; sync; rm /f";

/// Runs a line on this instruction set with these options of `trace`; the trace and how the run ended.
///
/// # Panics
/// There is no trace.
#[track_caller]
pub fn traced(arch: &str, options: &[&str], line: &str) -> (String, Ran) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace");
    let output = ["trace", "-o", file.to_str().unwrap()];
    let arguments = [&output, options, &["--", line]].concat();
    let ran = glassbox(&on(arch, &arguments), b"");
    (std::fs::read_to_string(&file).unwrap(), ran)
}

/// A trace of these events as text.
#[track_caller]
pub fn text(arch: &str, format: &str, cpus: &str, events: &str, line: &str) -> String {
    let options = ["--format", format, "--cpus", cpus, "-e", events];
    traced(arch, &options, line).0
}

/// A trace of these events as objects.
#[track_caller]
pub fn objects(arch: &str, cpus: &str, events: &str, line: &str) -> Vec<Value> {
    let text = text(arch, "json", cpus, events, line);
    let objects = text.lines().map(|line| serde_json::from_str(line).unwrap());
    objects.collect()
}

/// The first object for which this holds.
#[track_caller]
pub fn find(objects: &[Value], holds: impl Fn(&Value) -> bool) -> &Value {
    objects.iter().find(|o| holds(o)).expect("such an event")
}

/// A number.
#[track_caller]
pub fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

/// An address.
#[track_caller]
pub fn hex(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x"));
    u64::from_str_radix(digits.expect("0x"), 16).unwrap()
}

/// Everything that happened while a busy line ran on two CPUs.
#[track_caller]
pub fn busy(arch: &str) -> Vec<Value> {
    objects(arch, "2", "event=all", BUSY)
}
