//! Kernels that have no probes of ours: a map says where they do what, or the hardware alone tells.
//!
//! The kernel here is Silica with its notes made unreadable; what its notes would have said is the judge.

use machine::loader::{elf, sdt};
use machine::watch::{Argument, Place};
use std::fmt::Write;
use std::path::PathBuf;
use tests::glassbox::{Ran, arches, glassbox, images, on};
use tests::trace::traced;

const LINE: &str = "cat README | wc; ls /";

/// Silica's kernel, and a copy of it without notes.
struct Kernels {
    arch: &'static str,
    notes: Vec<u8>,
    folder: tempfile::TempDir,
}

impl Kernels {
    fn new(arch: &'static str) -> Self {
        let notes = std::fs::read(images(arch).join("kernel.elf")).expect("the kernel is there");
        let mut foreign = notes.clone();
        let owner = b"stapsdt\0";
        for at in 0..foreign.len() - owner.len() {
            if foreign[at..].starts_with(owner) {
                foreign[at] = b'x';
            }
        }
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("foreign.elf"), &foreign).expect("room for a kernel");
        Self {
            arch,
            notes,
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn map(&self, text: &str) -> String {
        let path = self.path("map.toml");
        std::fs::write(&path, text).expect("room for a map");
        path.display().to_string()
    }

    /// The trace of [`LINE`] as JSON lines, by the foreign kernel.
    fn foreign(&self, options: &[&str]) -> (String, Ran) {
        let kernel = self.path("foreign.elf").display().to_string();
        traced(
            self.arch,
            &[&["--format", "json", "--kernel", &kernel], options].concat(),
            LINE,
        )
    }
}

/// A value of a note in a map's words.
fn value(argument: &Argument) -> String {
    match &argument.place {
        Place::Register(name) => format!("'${name}'"),
        Place::Constant(number) => format!("{number}"),
        Place::Memory { base, offset } => match &**base {
            Place::Register(name) => format!("'u64[${name} + {offset}]'"),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// The kernel's notes as a map.
fn as_map(kernel: &[u8]) -> String {
    let executable = elf::parse(kernel).expect("the kernel is sound");
    let mut map = String::new();
    for site in sdt::sites(&executable) {
        if abi::inject::by_name(&site.name).is_some() {
            continue; // a place for faults, no event
        }
        let probe = abi::probe::by_name(&site.name).expect("its probes are known");
        let args: Vec<_> = probe
            .args
            .iter()
            .zip(&site.arguments)
            .map(|((name, _), argument)| format!("{name} = {}", value(argument)))
            .collect();
        let (event, at) = (&site.name, site.address);
        let _ = writeln!(
            map,
            "[[event]]\nevent = '{event}'\nat = '{at:#x}'\nargs = {{ {} }}",
            args.join(", ")
        );
    }
    map
}

#[test]
fn a_map_gives_the_events_that_notes_give() {
    for arch in arches() {
        let kernels = Kernels::new(arch);
        let map = kernels.map(&as_map(&kernels.notes));
        let (wanted, _) = traced(arch, &["--format", "json", "-e", "event=kernel"], LINE);
        let (got, ran) = kernels.foreign(&["--map", &map, "-e", "event=kernel"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert!(wanted.lines().count() > 500);
        assert!(wanted == got, "the traces differ");
    }
}

/// Number, arguments and result of each system call of a JSON trace, by process, in the order of the processes' first
/// calls.
fn calls(trace: &str) -> Vec<Vec<String>> {
    let mut order = Vec::new();
    let mut of_process: Vec<Vec<String>> = Vec::new();
    for line in trace.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect(line);
        let pid = event["pid"].as_u64().expect("a pid");
        let what = match event["event"].as_str() {
            Some("sys_enter") => format!("{} {}", event["number"], event["args"]),
            Some("sys_exit") => format!("= {}", event["result"]),
            _ => continue,
        };
        let index = order
            .iter()
            .position(|known| *known == pid)
            .unwrap_or_else(|| {
                order.push(pid);
                of_process.push(Vec::new());
                order.len() - 1
            });
        of_process[index].push(what);
    }
    of_process
}

#[test]
fn without_a_map_the_hardware_tells_of_system_calls_by_address_space() {
    for arch in arches() {
        let kernels = Kernels::new(arch);
        let (wanted, _) = traced(arch, &["--format", "json", "-e", "event=syscall"], LINE);
        let (got, ran) = kernels.foreign(&["-e", "event=syscall"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        let (wanted, got) = (calls(&wanted), calls(&got));
        let entered = |calls: &[Vec<String>]| -> usize {
            calls
                .iter()
                .flatten()
                .filter(|what| !what.starts_with('='))
                .count()
        };
        assert_eq!(entered(&got), entered(&wanted));
        // A program that another replaces has an address space of its own, so processes are cut there; the first calls of
        // the first process are the same in any case.
        let first: Vec<_> = wanted[0].iter().take(6).collect();
        assert!(
            got.iter()
                .any(|calls| calls.iter().take(6).collect::<Vec<_>>() == first),
            "{first:?} is nobody's beginning"
        );
    }
}

#[test]
fn maps_that_make_no_sense_are_refused_in_one_line() {
    for arch in arches() {
        let kernels = Kernels::new(arch);
        // A register of the other instruction set.
        let other = if arch == "x86_64" { "a7" } else { "rax" };
        let args = format!("[[event]]\nevent='sys_enter'\nat='0x1000'\nargs={{pid='${other}'}}");
        for (map, wanted) in [
            (
                "[[event]]\nevent='sys_enter'\nat='no_such_function'",
                "no symbol 'no_such_function'",
            ),
            (&args, &format!("no register '{other}'")),
            ("[[event]]\nevent='nothing'\nat='0x1000'", "no such event"),
            ("[[event]", "line 1"),
        ] {
            let map = kernels.map(map);
            let kernel = kernels.path("foreign.elf").display().to_string();
            let options = ["trace", "--kernel", &kernel, "--map", &map, "--", "true"];
            let got = glassbox(&on(arch, &options), b"");
            assert_eq!(got.status, 125, "{}", got.stderr);
            assert!(got.stderr.contains(wanted), "{}", got.stderr);
            assert_eq!(got.stderr.lines().count(), 1, "{}", got.stderr);
        }
    }
}
