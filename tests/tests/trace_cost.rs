//! What tracing may not cost: the run itself. Whatever is listened to, in whatever form, the hash at the end is that of
//! the run that nobody listened to.

use tests::glassbox::glassbox;

const LINE: &str = "ls / | wc; cat README | grep -c i; sleep 1 & wait; echo hi >/f; sync; rm /f";

/// The hash and the number of instructions that a run reports.
#[track_caller]
fn hash(arguments: &[&str]) -> String {
    let ran = glassbox(&[arguments, &["--hash", "--", LINE]].concat(), b"");
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let line = ran.stderr.lines().find(|line| line.starts_with("hash "));
    line.expect("a hash").to_owned()
}

#[test]
fn a_traced_run_is_the_untraced_run_for_every_event_set_and_form() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for cpus in ["1", "2"] {
        let wanted = hash(&["run", "--cpus", cpus]);
        for events in [
            "event=syscall",
            "event=trap",
            "event=page_walk",
            "event=tlb",
            "event=irq",
            "event=device",
            "event=disk",
            "event=sched",
            "event=lock",
            "event=kernel",
            "event=all",
            "event=instruction",
            "event=all,instruction",
        ] {
            let file = folder.path().join("trace.gbt").display().to_string();
            let got = hash(&["trace", "--cpus", cpus, "-e", events, "-o", &file]);
            assert_eq!(got, wanted, "{events}, {cpus} CPUs");
        }
        for format in ["strace", "ftrace", "json", "perfetto"] {
            let file = folder.path().join("trace").display().to_string();
            let arguments = [
                "trace",
                "--cpus",
                cpus,
                "-e",
                "event=all",
                "--format",
                format,
                "-o",
                &file,
            ];
            assert_eq!(hash(&arguments), wanted, "{format}, {cpus} CPUs");
        }
    }
}

#[test]
fn a_recorded_boot_and_ls_is_small() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("trace.gbt");
    let name = file.display().to_string();
    let ran = glassbox(
        &["trace", "-e", "event=all", "-o", &name, "--", "ls /"],
        b"",
    );
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let bytes = std::fs::metadata(&file).expect("a recorded trace").len();
    assert!(bytes < 5_000_000, "{bytes}");
}
