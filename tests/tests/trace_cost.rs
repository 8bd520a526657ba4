//! What watching costs the watched machine: nothing. And what it costs us, as far as that can be counted.

use base::event::{Event, Peek};
use base::{Observer, Silent, Stamp};
use machine::{Board, Limits, Outcome, Watch};
use std::collections::BTreeSet;
use std::fmt::Write;
use tests::glassbox::{arches, glassbox, on};
use tests::silica::Silica;
use tests::trace::BUSY;

/// The forms of a trace.
const FORMATS: [&str; 5] = ["strace", "ftrace", "json", "perfetto", "gbt"];

/// The line of the run with its final hash and its number of instructions.
#[track_caller]
fn hash(arch: &str, arguments: &[&str]) -> String {
    let ran = glassbox(&on(arch, arguments), b"");
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let line = ran.stderr.lines().find(|line| line.starts_with("hash "));
    line.expect("--hash prints a line").to_owned()
}

/// The groups of events that the program itself lists, `all`, and everything.
fn sets() -> BTreeSet<String> {
    let list = glassbox(&["trace", "--events"], b"").text();
    let mut sets: BTreeSet<String> = list
        .lines()
        .filter_map(|line| line.trim().strip_prefix("groups: "))
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect();
    assert!(sets.len() > 10, "{sets:?}");
    sets.insert("all".to_owned());
    sets
}

#[track_caller]
fn traced_alike(arch: &str, cpus: &str, events: &str, format: &str, line: &str, unwatched: &str) {
    let events = format!("event={events}");
    let watched = hash(
        arch,
        &[
            "trace",
            "--hash",
            "--cpus",
            cpus,
            "-e",
            &events,
            "--format",
            format,
            "-o",
            "/dev/null",
            "--",
            line,
        ],
    );
    assert_eq!(watched, unwatched, "{cpus} CPUs, {events}, {format}");
}

#[test]
fn a_watched_run_is_the_unwatched_one_whatever_is_watched_and_however_shown() {
    for arch in arches() {
        // A form does not depend on how many CPUs there are.
        for (cpus, formats) in [("1", &FORMATS[..1]), ("2", &FORMATS)] {
            let unwatched = hash(arch, &["run", "--hash", "--cpus", cpus, "--", BUSY]);
            for events in sets() {
                for format in formats {
                    traced_alike(arch, cpus, &events, format, BUSY, &unwatched);
                }
            }
        }
    }
}

#[test]
fn a_run_whose_every_instruction_is_watched_is_the_unwatched_one() {
    for arch in arches() {
        for cpus in ["1", "2"] {
            let unwatched = hash(arch, &["run", "--hash", "--cpus", cpus, "--", "true"]);
            for events in ["instruction", "all,instruction"] {
                for format in FORMATS {
                    traced_alike(arch, cpus, events, format, "true", &unwatched);
                }
            }
        }
    }
}

#[test]
fn a_run_that_an_old_way_of_filtering_narrows_is_the_unwatched_one() {
    for arch in arches() {
        let unwatched = hash(arch, &["run", "--hash", "--", BUSY]);
        let filters: [&[&str]; 5] = [
            &["-c"],
            &["-p", "3", "-y"],
            &["-e", "trace=%file", "-e", "status=failed"],
            &["-e", "event=all", "--from", "2ms", "--to", "9ms"],
            &["-e", "event=page_walk", "--address", "0x1000-0x2000000"],
        ];
        for filter in filters {
            let trace = ["trace", "--hash", "-o", "/dev/null"];
            let watched = hash(arch, &[&trace, filter, &["--", BUSY]].concat());
            assert_eq!(watched, unwatched, "{filter:?}");
        }
    }
}

#[test]
fn a_boot_and_a_command_take_less_than_5_mb_to_record() {
    for arch in arches() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("boot.gbt");
        let output = file.to_str().unwrap();
        let events = "event=all";
        let ran = glassbox(
            &on(arch, &["trace", "-e", events, "-o", output, "--", "ls /"]),
            b"",
        );
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        let bytes = std::fs::metadata(&file).unwrap().len();
        assert!((10_000..5_000_000).contains(&bytes), "{bytes} bytes");
    }
}

/// Somebody who is told everything and does nothing.
struct Deaf;

impl Observer for Deaf {
    const ON: bool = true;
    fn event(&mut self, _: Stamp, _: &Event, _: &dyn Peek) {}
}

/// What is watched of a machine.
#[derive(Clone, Copy, PartialEq)]
enum Watched {
    Nothing,
    Probes,
    Instructions,
}

/// The text of all code that is lifted in a run, and how many blocks and how many reports are in it; reports are not
/// in the text.
#[track_caller]
fn lifted(arch: &str, cpus: usize, watched: Watched) -> (String, usize, usize) {
    let mut machine = Silica::on(arch).machine(cpus, "ls / | wc");
    machine.board.take_lifts();
    if watched != Watched::Nothing {
        let sites = (0u32..).zip(machine.board.sites());
        let watches: Vec<Watch> = sites
            .map(|(site, probe)| Watch {
                address: probe.address,
                site,
                arguments: probe.arguments.clone(),
            })
            .collect();
        assert!(watches.len() > 30, "the kernel has probes");
        let instructions = watched == Watched::Instructions;
        machine.board.watch(&watches, instructions).unwrap();
    }
    let outcome = match watched {
        Watched::Nothing => machine.run(&Limits::default(), &mut Silent),
        _ => machine.run(&Limits::default(), &mut Deaf),
    };
    assert!(
        matches!(outcome, Outcome::Exit(0) | Outcome::PowerOff),
        "{outcome:?}"
    );
    let lifts = machine.board.take_lifts();
    let (mut text, mut reports) = (String::new(), 0);
    for (place, block) in &lifts {
        let _ = writeln!(text, "{} {} {}", place.phys, block.bytes, block.cacheable);
        for line in block.to_string().lines() {
            if line.trim_start().starts_with("Report ") {
                reports += 1;
            } else {
                let _ = writeln!(text, "{line}");
            }
        }
    }
    (text, lifts.len(), reports)
}

#[test]
fn the_code_of_a_watched_run_differs_by_reports_alone() {
    for arch in arches() {
        for cpus in [1, 2] {
            let (unwatched, blocks, few) = lifted(arch, cpus, Watched::Nothing);
            let (probes, _, some) = lifted(arch, cpus, Watched::Probes);
            let (instructions, _, many) = lifted(arch, cpus, Watched::Instructions);
            assert!(unwatched == probes && unwatched == instructions, "{cpus}");
            // Unwatched it is the switch of processes that is reported, for diagnoses, and where faults can be injected.
            assert!(
                0 < few && few < some && some < many && few < 40 && many > blocks,
                "{blocks} blocks, {few}, {some}, {many} reports"
            );
        }
    }
}
