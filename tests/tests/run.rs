//! `glassbox run`: a shell line's output, status, input and files.

use std::process::Stdio;
use tests::glassbox::{arches, command, glassbox, images, on, run};

#[test]
fn a_line_prints_exactly_its_output_and_gives_its_status() {
    for arch in arches() {
        let line = "echo hello; ls / | wc -l >/dev/null; echo $((6 * 7))";
        run(arch, line).prints("hello\n42\n");
        assert_eq!(run(arch, "exit 3").status, 3);
        assert_eq!(run(arch, "false").status, 1);
        assert_eq!(run(arch, "nosuchcommand").status, 127);
    }
}

#[test]
fn standard_error_is_kept_apart() {
    for arch in arches() {
        let ran = run(arch, "echo out; echo err >&2; cat /nowhere");
        assert_eq!(ran.text(), "out\n");
        assert_eq!(
            ran.stderr,
            "err\ncat: /nowhere: No such file or directory\n"
        );
        assert_eq!(ran.status, 1);
    }
}

#[test]
fn all_byte_values_pass_both_ways() {
    let bytes: Vec<u8> = (0..=255).cycle().take(4096 + 17).collect();
    for arch in arches() {
        let ran = glassbox(&on(arch, &["run", "--", "cat"]), &bytes);
        assert_eq!(ran.stdout, bytes);
        let ran = glassbox(&on(arch, &["run", "--", "cat >&2"]), b"\x00\x01plain");
        assert_eq!(ran.stderr.as_bytes(), b"\x00\x01plain");
    }
}

#[test]
fn a_mebibyte_passes_through_a_pipe() {
    for arch in arches() {
        let mut state = 1u32;
        let bytes: Vec<u8> = (0..1 << 20)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let ran = glassbox(&on(arch, &["run", "--", "cat | cat"]), &bytes);
        assert!(
            ran.stdout == bytes,
            "{} bytes came back, stderr: {}",
            ran.stdout.len(),
            ran.stderr
        );
    }
}

#[test]
fn input_ends_and_lines_are_read_one_by_one() {
    let line = "read a; read b; echo \"$b-$a\"; cat | wc -c";
    for arch in arches() {
        let ran = glassbox(&on(arch, &["run", "--", line]), b"one\ntwo\nrest\n");
        ran.prints("two-one\n5\n");
        glassbox(&on(arch, &["run", "--", "cat; echo end"]), b"").prints("end\n");
    }
}

#[test]
fn a_writer_that_sleeps_changes_nothing() {
    for arch in arches() {
        let quick = glassbox(
            &on(arch, &["run", "--hash", "--", "cat"]),
            b"first\nsecond\n",
        );
        let mut child = command()
            .args(on(arch, &["run", "--hash", "--", "cat"]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || {
            use std::io::Write;
            for line in [&b"first\n"[..], b"second\n"] {
                std::thread::sleep(std::time::Duration::from_millis(300));
                stdin.write_all(line).unwrap();
            }
        });
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert_eq!(output.stdout, quick.stdout);
        assert_eq!(String::from_utf8_lossy(&output.stderr), quick.stderr);
    }
}

#[test]
fn a_pipe_that_nobody_writes_to_is_not_waited_for() {
    for arch in arches() {
        let child = command()
            .args(on(arch, &["run", "--", "echo done"]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The pipe's writing end stays open until the emulator has ended.
        let mut child = child;
        let held = child.stdin.take();
        let output = child.wait_with_output().unwrap();
        drop(held);
        assert_eq!(output.stdout, b"done\n");
    }
}

#[test]
fn a_reader_that_leaves_early_ends_the_run_quietly() {
    for arch in arches() {
        let mut child = command()
            .args(on(arch, &["run", "--", "yes"]))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(141));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn a_signal_is_told_from_a_status() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let path = report.to_str().unwrap();
    let read = || -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap()
    };
    for arch in arches() {
        let run = |line| glassbox(&on(arch, &["run", "--report", path, "--", line]), b"");
        let ran = run("kill -9 $$");
        assert_eq!(ran.status, 137, "{}", ran.stderr);
        assert_eq!(
            (&read()["outcome"], &read()["signal"]),
            (&"signal".into(), &9.into())
        );
        let ran = run("exit 137");
        assert_eq!(ran.status, 137);
        assert_eq!(
            (&read()["outcome"], &read()["signal"]),
            (&"exit".into(), &0.into())
        );
        assert!(read()["instructions"].as_u64().unwrap() > 100_000);
        assert_eq!(read()["hash"].as_str().unwrap().len(), 32);
    }
}

#[test]
fn idle_time_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let path = report.to_str().unwrap();
    for arch in arches() {
        let arguments = ["run", "--report", path, "--", "sleep 3600; echo woke"];
        glassbox(&on(arch, &arguments), b"").prints("woke\n");
        let report: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
        assert!(report["virtual_ns"].as_u64().unwrap() > 3_600_000_000_000);
        assert!(
            report["instructions"].as_u64().unwrap() < 100_000_000,
            "{arch}: {report}"
        );
    }
}

#[test]
fn files_and_folders_go_in_and_come_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(at("in")).unwrap();
    std::fs::write(at("in/a.txt"), "alpha\n").unwrap();
    std::fs::create_dir(at("in/deep")).unwrap();
    std::fs::write(at("in/deep/b.bin"), [0u8, 255, 10]).unwrap();
    std::os::unix::fs::symlink("a.txt", at("in/link")).unwrap();
    let put = format!("{}:/tmp/in", at("in"));
    let line = "cd /tmp/in; cat link; cp a.txt c.txt; echo more >>c.txt";
    for arch in arches() {
        let out = |name: &str| at(&format!("{arch}/{name}"));
        let get = format!("/tmp/in:{}", at(arch));
        let arguments = ["run", "--put", &put, "--get", &get, "--", line];
        glassbox(&on(arch, &arguments), b"").prints("alpha\n");
        assert_eq!(std::fs::read(out("a.txt")).unwrap(), b"alpha\n");
        assert_eq!(std::fs::read(out("c.txt")).unwrap(), b"alpha\nmore\n");
        assert_eq!(std::fs::read(out("deep/b.bin")).unwrap(), [0, 255, 10]);
        assert_eq!(
            std::fs::read_link(out("link")).unwrap().to_str(),
            Some("a.txt")
        );
    }
}

#[test]
fn what_the_guest_writes_is_dropped_unless_it_is_to_persist() {
    let folder = tempfile::tempdir().unwrap();
    let write = "echo kept >/root/note; sync";
    for arch in arches() {
        let disk = folder.path().join(arch);
        std::fs::copy(images(arch).join("fs.img"), &disk).unwrap();
        let disk = disk.to_str().unwrap();
        let run = |more: &[&str], line| {
            let arguments = [&["run", "--disk", disk], more, &["--", line]].concat();
            glassbox(&on(arch, &arguments), b"")
        };
        assert_eq!(run(&[], write).status, 0);
        assert_eq!(run(&[], "cat /root/note").status, 1);
        assert_eq!(run(&["--persist"], write).status, 0);
        run(&[], "cat /root/note").prints("kept\n");
    }
}

#[test]
fn the_kernels_log_is_shown_on_request_only() {
    for arch in arches() {
        let quiet = run(arch, "true");
        assert_eq!((quiet.text(), quiet.stderr), (String::new(), String::new()));
        let loud = glassbox(&on(arch, &["run", "-v", "--", "true"]), b"");
        assert!(loud.stderr.contains("Silica"), "{}", loud.stderr);
        assert_eq!(loud.text(), "");
    }
}

#[test]
fn every_number_of_cpus_gives_the_same_answer() {
    let line = "nproc; ls / | sort -r | head -1";
    for (arch, cpus) in arches().flat_map(|arch| ["1", "2", "3", "8"].map(|n| (arch, n))) {
        glassbox(&on(arch, &["run", "--cpus", cpus, "--", line]), b"")
            .prints(&format!("{cpus}\ntmp\n"));
    }
}

#[test]
fn files_without_a_guest_path_lie_where_the_line_begins() {
    for arch in arches() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("words.txt");
        std::fs::write(&source, "some words\n").unwrap();
        let upper = folder.path().join("upper.txt");
        let get = format!("upper.txt:{}", upper.display());
        let line = "cat words.txt; tr a-z A-Z <words.txt >upper.txt";
        let ran = glassbox(
            &on(
                arch,
                &[
                    "run",
                    "--put",
                    source.to_str().unwrap(),
                    "--get",
                    &get,
                    "--",
                    line,
                ],
            ),
            b"",
        );
        ran.prints("some words\n");
        assert_eq!(std::fs::read(upper).unwrap(), b"SOME WORDS\n");
    }
}
