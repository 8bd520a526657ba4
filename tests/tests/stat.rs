//! The accounts of processes that `stat` keeps: they add up, agree with the machine's counters, and disturb nothing.

use insta::{allow_duplicates, assert_snapshot};
use serde_json::Value;
use tests::glassbox::{arches, command, glassbox, on};
use tests::{kernel, riscv};

/// Lines without output that fork, wait for each other, for the disk and for time, compute, stop, and are preempted.
const LINES: [&str; 4] = [
    "cat README | grep -i the | sort | wc >/dev/null; (exit 3) & wait",
    "bench_dhry 9000 >/dev/null & bench_dhry 9000 >/dev/null & bench_matrix 1 >/dev/null; wait",
    "sleep 5 & kill -STOP $!; echo x >/root/x; sync; sleep 1; kill -CONT $!; wait",
    "bench_fork 40 >/dev/null; bench_pipe 200 >/dev/null; seq 500 | sort -r | head -n 3 >/dev/null",
];

/// Each line on a machine of each instruction set with one CPU and with two.
fn on_machines() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let machines = arches().flat_map(|arch| [(arch, "1"), (arch, "2")]);
    machines.flat_map(|(arch, cpus)| LINES.map(|line| (arch, line, cpus)))
}

/// What `stat --json` says of a line.
#[track_caller]
fn stat(arch: &str, line: &str, more: &[&str]) -> Value {
    let arguments = [&["stat", "--json"], more, &["--", line]].concat();
    let ran = glassbox(&on(arch, &arguments), b"");
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{line}");
    serde_json::from_slice(&ran.stdout).expect("JSON alone")
}

/// A number in a value.
#[track_caller]
fn number(value: &Value, path: &str) -> u64 {
    let found = value.pointer(path).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("no number at {path} in {value}"))
}

#[track_caller]
fn list<'a>(value: &'a Value, path: &str) -> &'a Vec<Value> {
    value.pointer(path).and_then(Value::as_array).expect(path)
}

/// The sum of an array's or an object's numbers.
fn sum(value: &Value) -> u64 {
    let numbers: Vec<&Value> = match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => panic!("{value}"),
    };
    numbers.into_iter().filter_map(Value::as_u64).sum()
}

/// What is true of each process and of all of them together.
fn parts_are_a_whole(sums: &Value) {
    let n = |name: &str| number(sums, &format!("/{name}"));
    assert_eq!(n("running_ns"), n("user_ns") + n("kernel_ns"));
    assert_eq!(n("blocked_ns"), sum(&sums["blocked_on_ns"]));
    let switches = n("voluntary_switches") + n("involuntary_switches");
    assert_eq!(switches, sum(&sums["switches"]));
    assert_eq!(
        n("involuntary_switches"),
        number(sums, "/switches/preempted")
    );
}

#[test]
fn turnaround_is_running_waiting_blocked_and_stopped() {
    for (arch, line, cpus) in on_machines() {
        let told = stat(arch, line, &["--cpus", cpus]);
        let end = number(&told, "/virtual_ns");
        let mut ended = 0;
        for process in list(&told, "/scheduling/processes") {
            parts_are_a_whole(process);
            let n = |name: &str| number(process, &format!("/{name}"));
            let lived = n("running_ns") + n("waiting_ns") + n("blocked_ns") + n("stopped_ns");
            let first_run = n("first_run_ns");
            assert_eq!(n("response_ns"), first_run - n("arrival_ns"));
            match process["completion_ns"].as_u64() {
                Some(completion) => {
                    ended += 1;
                    assert_eq!(n("turnaround_ns"), completion - n("arrival_ns"));
                    assert_eq!(n("turnaround_ns"), lived, "{line}: {process}");
                    assert!(completion > first_run);
                }
                None => assert_eq!(end - n("arrival_ns"), lived, "{line}: {process}"),
            }
        }
        assert_eq!(ended, number(&told, "/scheduling/processes_ended"));
        assert!(ended >= 3, "{line}: {told}");
    }
}

#[test]
fn cpus_are_busy_or_idle_and_the_sums_are_the_machines() {
    for (arch, line, cpus) in on_machines() {
        let told = stat(arch, line, &["--cpus", cpus]);
        let cpus = cpus.parse::<usize>().unwrap();
        let total = &told["scheduling"]["total"];
        parts_are_a_whole(total);
        let since = number(&told, "/virtual_ns") - number(&told, "/scheduling/since_ns");
        let (mut busy, mut user, mut from_idle) = (0, 0, 0);
        assert_eq!(list(&told, "/scheduling/cpus").len(), cpus);
        for cpu in list(&told, "/scheduling/cpus") {
            assert_eq!(number(cpu, "/busy_ns") + number(cpu, "/idle_ns"), since);
            busy += number(cpu, "/busy_ns");
            user += number(cpu, "/user_ns");
            from_idle += number(cpu, "/switches_from_idle");
        }
        assert_eq!(busy, number(total, "/running_ns"));
        assert_eq!(user, number(total, "/user_ns"));
        let switches = sum(&total["switches"]) + from_idle;
        assert_eq!(switches, number(&told, "/context_switches"), "{line}");
        // Each switch away from a CPU follows one to it; at the end somebody is still there.
        let runs = sum(&total["runs"]);
        assert!(runs.abs_diff(sum(&total["switches"])) <= cpus as u64);
        let faults = told["traps"].as_object().unwrap().iter();
        let faults = faults.filter(|(name, _)| *name == "#PF" || name.ends_with(" page fault"));
        let faults: u64 = faults.filter_map(|(_, count)| count.as_u64()).sum();
        assert_eq!(sum(&total["page_faults"]), faults);
        for field in [
            "running_ns",
            "waiting_ns",
            "blocked_ns",
            "migrations",
            "zombie_ns",
        ] {
            let processes = list(&told, "/scheduling/processes").iter();
            let all: u64 = processes.map(|p| number(p, &format!("/{field}"))).sum();
            assert_eq!(all, number(total, &format!("/{field}")), "{field}");
        }
        if cpus == 1 {
            // An instruction takes 10 ns; those that enter and leave the kernel count to either side.
            let counted = number(&told, "/user_instructions") * 10;
            let crossings = 2 * 10 * sum(&told["traps"]) + 2 * 10 * number(&told, "/syscalls");
            assert!(
                user.abs_diff(counted) <= crossings,
                "{line}: {user} {counted}"
            );
            assert_eq!(number(total, "/migrations"), 0);
        }
    }
}

#[test]
fn two_that_share_a_cpu_wait_for_half_of_their_time() {
    for arch in arches() {
        let line = "bench_dhry 60000 >/dev/null & bench_dhry 60000 >/dev/null & wait";
        for (cpus, least, most) in [("1", 0.4, 0.55), ("2", 0.0, 0.05)] {
            let told = stat(arch, line, &["--cpus", cpus]);
            let processes = list(&told, "/scheduling/processes").iter();
            let both: Vec<_> = processes.filter(|p| p["comm"] == "bench_dhry").collect();
            assert_eq!(both.len(), 2);
            for process in both {
                let waiting = number(process, "/waiting_ns") as f64;
                let share = waiting / number(process, "/turnaround_ns") as f64;
                assert!((least..most).contains(&share), "{cpus}: {share} {process}");
                if cpus == "1" {
                    assert!(number(process, "/involuntary_switches") >= 4, "{process}");
                }
            }
        }
    }
}

#[test]
fn what_is_known_of_a_process_is_its_own() {
    for arch in arches() {
        let told = stat(
            arch,
            "sleep 5 & kill -STOP $!; sleep 1; kill -CONT $!; wait; (exit 7); cat /README >/dev/null",
            &[],
        );
        let processes = list(&told, "/scheduling/processes");
        let find = |comm: &str| processes.iter().find(|p| p["comm"] == comm).unwrap();
        let sleep = find("sleep");
        assert!((900_000_000..1_100_000_000).contains(&number(sleep, "/stopped_ns")));
        let slept = number(sleep, "/blocked_on_ns/nanosleep");
        assert!((3_900_000_000..5_100_000_000).contains(&slept), "{sleep}");
        assert_eq!(number(sleep, "/parent_pid"), 2);
        let statuses = processes.iter().filter_map(|p| p["wait_status"].as_u64());
        assert_eq!(statuses.filter(|status| *status == 7 << 8).count(), 1);
        assert!(number(find("cat"), "/page_faults/cow") > 0);
        assert_eq!(find("init")["turnaround_ns"], Value::Null);
    }
}

#[test]
fn accounts_and_charts_change_nothing_of_the_run() {
    for arch in arches() {
        let line = "seq 300 | sort -r | tail -n 2; echo x >/root/x; sync";
        for cpus in ["1", "2"] {
            let plain = glassbox(
                &on(arch, &["run", "--hash", "--cpus", cpus, "--", line]),
                b"",
            );
            let hash = plain.stderr.lines().next().unwrap();
            assert!(hash.starts_with("hash "), "{hash}");
            for more in [
                &[][..],
                &["--gantt"],
                &["--gantt", "--from", "9ms", "--to", "10ms"],
            ] {
                let arguments = [&["stat", "--hash", "--cpus", cpus], more, &["--", line]].concat();
                let counted = glassbox(&on(arch, &arguments), b"");
                assert_eq!(counted.stdout, plain.stdout);
                assert_eq!(counted.stderr.lines().next(), Some(hash), "{more:?}");
            }
        }
    }
}

/// What is on standard error after the tables.
fn chart(arch: &str, arguments: &[&str], columns: &str) -> String {
    let child = command()
        .args(on(arch, arguments))
        .env("COLUMNS", columns)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let ran = child.wait_with_output().unwrap();
    let text = String::from_utf8(ran.stderr).expect("ASCII");
    assert!(ran.status.success(), "{text}");
    let (_, tables) = text.split_once("\nCPUs:").expect("tables");
    tables.split_once("\n\n").expect("a chart").1.to_owned()
}

#[test]
fn the_chart_of_a_line_that_sleeps() {
    allow_duplicates! {
    for arch in arches() {
        // Seconds of sleep, so that what the kernel takes does not show.
        let line = "sleep 2 & sleep 1; sleep 1 & sleep 3; wait";
        let both = chart(arch, &["stat", "--gantt", "--", line], "72");
        assert_snapshot!(both, @r"
                             1 s         2 s          3 s         4 s
                             |           |            |           |
    A   1 init   +.................................................+
    B   2 sh     +...........+............+........................+
    C   3 sleep  +........................+zzzzzzzzzzzzzzzzzzzzzzzzz
    D   4 sleep  +...........+
    E   5 sleep              +............+zzzzzzzzzzzzzzzzzzzzzzzzz
    F   6 sleep              +.....................................+
          CPU 0  ...................................................
    0 running (on CPU 0)   + ran for less than half of that time
    - waiting (runnable)   . blocked   z ended, not waited for yet
    . idle CPU   one column is 80 ms
    ");
        let part = chart(
            arch,
            &[
                "stat",
                "--gantt=process",
                "--from",
                "0.5s",
                "--to",
                "3000ms",
                "--",
                line,
            ],
            "72",
        );
        assert_snapshot!(part, @"
                   0.5 s     1.0 s     1.5 s     2.0 s     2.5 s     3.0 s
                   |         |         |         |         |         |
          1 init   ..................................................
          2 sh     ..........+...................+...................
          3 sleep  ..............................+zzzzzzzzzzzzzzzzzzz
          4 sleep  ..........+
          5 sleep            +...................+zzzzzzzzzzzzzzzzzzz
          6 sleep            +.......................................
        0 running (on CPU 0)   + ran for less than half of that time
        - waiting (runnable)   . blocked   z ended, not waited for yet
        one column is 50 ms
        ");
    }
    }
}

#[test]
fn the_chart_of_a_line_that_computes() {
    let computes = |arch| {
        let line = "sleep 2 & bench_dhry 600000 >/dev/null; wait";
        chart(arch, &["stat", "--gantt=cpu", "--", line], "72")
    };
    assert_snapshot!(computes("x86_64"), @"
                                  0.5 s       1.0 s        1.5 s       2.0 s
                                  |           |            |           |
               CPU 0  DDDDDDDDDDDDDDDDDDDDDD.............................
    A 1 init   B 2 sh   C 3 sleep   D 4 bench_dhry   . idle CPU
    one column is 40 ms
    ");
    assert_snapshot!(computes("riscv64"), @"
                                  0.5 s       1.0 s        1.5 s       2.0 s
                                  |           |            |           |
               CPU 0  DDDDDDDDDDDDDDDDDDDDDDD............................
    A 1 init   B 2 sh   C 3 sleep   D 4 bench_dhry   . idle CPU
    one column is 40 ms
    ");
}

#[test]
fn the_picture_is_a_function_of_the_run() {
    for arch in arches() {
        let folder = tempfile::tempdir().unwrap();
        let draw = |name: &str, line: &str| {
            let path = folder.path().join(name);
            let file = path.to_str().unwrap();
            let ran = glassbox(
                &on(
                    arch,
                    &[
                        "stat",
                        "--json",
                        "--cpus",
                        "2",
                        "--gantt-svg",
                        file,
                        "--",
                        line,
                    ],
                ),
                b"",
            );
            assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
            std::fs::read_to_string(path).unwrap()
        };
        let line = "(sleep 0.01; cat README) | grep -c '<&>' | sort >/dev/null";
        let svg = draw("one.svg", line);
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
        assert!(
            svg.contains("grep -c '&lt;&amp;&gt;' | sort &gt;/dev/null"),
            "{svg}"
        );
        assert!(svg.contains("running on CPU 1") && svg.contains("blocked on pipe read"));
        assert_eq!(svg, draw("other.svg", line));
    }
}

#[test]
fn of_thousands_of_processes_few_are_shown_and_all_counted() {
    for arch in arches() {
        let line = "bench_fork 300 >/dev/null";
        let few = glassbox(&on(arch, &["stat", "--", line]), b"").stderr;
        let rows = |text: &str| {
            let (_, table) = text.split_once("\nProcesses: times").expect("a table");
            let rows = table.lines().skip(2);
            rows.take_while(|row| !row.contains("---")).count()
        };
        assert_eq!(rows(&few), 20);
        assert!(
            few.contains("The 20 processes with most CPU time of 302"),
            "{few}"
        );
        assert_eq!(
            rows(&glassbox(&on(arch, &["stat", "--all", "--", line]), b"").stderr),
            302
        );
        let told = stat(arch, line, &[]);
        assert_eq!(list(&told, "/scheduling/processes").len(), 302);
    }
}

#[test]
fn mistakes_are_told_in_a_line() {
    for arch in arches() {
        let says = |arguments: &[&str]| {
            let ran = glassbox(&on(arch, &[&["stat"], arguments].concat()), b"");
            (
                ran.status,
                ran.stderr.lines().last().unwrap_or_default().to_owned(),
            )
        };
        let line = |status, text: &str| (status, format!("glassbox: {text}"));
        assert_eq!(
            says(&["--from", "1ms", "--", "true"]),
            line(
                2,
                "--from and --to are for charts: say --gantt or --gantt-svg FILE, too"
            )
        );
        assert_eq!(
            says(&["--gantt", "--from", "2ms", "--to", "1ms", "--", "true"]),
            line(2, "--from must be before --to")
        );
        assert_eq!(
            says(&["--gantt", "--from", "9s", "--", "true"]),
            line(
                125,
                "no chart: nothing is known of any process in that time"
            )
        );
        assert_eq!(
            says(&["--gantt-svg", "/no/such/folder/x.svg", "--", "true"]),
            line(
                125,
                "/no/such/folder/x.svg: No such file or directory (os error 2)"
            )
        );
        assert_eq!(says(&["--gantt", "--from", "soon", "--", "true"]).0, 2);
    }
}

#[test]
fn a_kernel_that_tells_nothing_has_counters_alone() {
    for arch in arches() {
        let code = match arch {
            "x86_64" => kernel::elf(|a| kernel::exit(a, 0)),
            _ => riscv::elf("finish 0x5555"),
        };
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, &code).unwrap();
        let kernel = file.path().to_str().unwrap();
        let ran = glassbox(&on(arch, &["stat", "--kernel", kernel, "--", "true"]), b"");
        assert!(ran.stderr.contains("instructions"), "{}", ran.stderr);
        assert!(!ran.stderr.contains("Processes"), "{}", ran.stderr);
    }
}
