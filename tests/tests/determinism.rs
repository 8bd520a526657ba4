//! The same options give the same run, whatever the host does.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tests::glassbox::{Ran, arches, command, feed, glassbox, on, workspace};

/// A line that computes, forks, writes to the disk, reads it back, sleeps, and takes the console's input.
const WORK: &str = "while read w; do echo \"<$w>\"; echo $w >>/root/words; done; sync; sleep 1; \
                    seq 1 300 | sort -r | head -n 2; ls -l /root | wc -l; (exit 3) & wait; cat /root/words | wc -c";
const INPUT: &[u8] = b"alpha\nbeta\ngamma delta\n";

/// Runs the work on this instruction set and gives what was printed, the hash included.
fn work(arch: &str, cpus: &str, more: &[&str]) -> (String, String, i32) {
    let arguments = [&["run", "--hash", "--cpus", cpus], more, &["--", WORK]].concat();
    let Ran {
        stdout,
        stderr,
        status,
    } = glassbox(&on(arch, &arguments), INPUT);
    (String::from_utf8(stdout).unwrap(), stderr, status)
}

/// Threads that keep the host's processors busy while this lives.
struct Load(Arc<AtomicBool>, Vec<std::thread::JoinHandle<()>>);

impl Load {
    fn new() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let spin = |_| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        };
        let threads = (0..4).map(spin).collect();
        Self(stop, threads)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        for thread in self.1.drain(..) {
            let _ = thread.join();
        }
    }
}

#[test]
fn twenty_runs_idle_and_loaded_are_one_run() {
    for (arch, cpus) in arches().flat_map(|arch| [(arch, "1"), (arch, "4")]) {
        let first = work(arch, cpus, &[]);
        assert_eq!(first.2, 0, "{arch}: {}", first.1);
        assert!(
            first
                .0
                .starts_with("<alpha>\n<beta>\n<gamma delta>\n99\n98\n"),
            "{}",
            first.0
        );
        assert!(
            first.1.starts_with("hash ") && first.1.lines().count() == 1,
            "{}",
            first.1
        );
        for _ in 0..9 {
            assert_eq!(work(arch, cpus, &[]), first);
        }
        let _load = Load::new();
        for _ in 0..10 {
            assert_eq!(work(arch, cpus, &[]), first);
        }
    }
}

#[test]
fn a_chain_of_hashes_repeats_and_ends_in_the_final_hash() {
    for (arch, cpus) in arches().flat_map(|arch| [(arch, "1"), (arch, "4")]) {
        let work = |more: &[&str]| work(arch, cpus, more);
        let plain = work(&[]);
        let chain = work(&["--hash-every", "150k"]);
        assert_eq!(work(&["--hash-every", "150k"]), chain);
        let lines: Vec<&str> = chain.1.lines().collect();
        assert!(lines.len() > 10, "{}", chain.1);
        // Looking at the state does not change it: neither how often, nor where the run was cut for it.
        assert_eq!(lines.last(), plain.1.lines().next().as_ref());
        for (index, line) in lines[..lines.len() - 1].iter().enumerate() {
            assert!(
                line.ends_with(&format!(" at {} instructions", (index + 1) * 150_000)),
                "{line}"
            );
        }
        assert_eq!(
            work(&["--hash-every", "7919"]).1.lines().last(),
            plain.1.lines().last()
        );
    }
}

#[test]
fn a_budget_stops_two_runs_in_the_same_state() {
    for arch in arches() {
        for cpus in ["1", "3"] {
            let stop = |more: &[&str]| {
                work(
                    arch,
                    cpus,
                    &[&["--max-instructions", "1234567"], more].concat(),
                )
                .1
            };
            assert_eq!(stop(&[]), stop(&[]));
            // A chain that passes through the same instruction shows the same hash there.
            let chain = work(arch, cpus, &["--hash-every", "1234567"]).1;
            let last = |text: &str| {
                text.lines()
                    .find(|l| l.starts_with("hash "))
                    .map(str::to_owned)
            };
            assert_eq!(last(&stop(&[])), last(&chain));
        }
    }
}

#[test]
fn host_pauses_change_nothing() {
    for arch in arches() {
        let quick = work(arch, "2", &[]);
        let child = command()
            .args(on(arch, &["run", "--hash", "--cpus", "2", "--", WORK]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let pauses = std::thread::spawn(move || {
            use rustix::process::{Signal, kill_process};
            for _ in 0..10 {
                for signal in [Signal::STOP, Signal::CONT] {
                    let _ = kill_process(pid, signal);
                    std::thread::sleep(std::time::Duration::from_millis(7));
                }
            }
        });
        // The process is waited for only after the last signal, so that its number is still its own.
        let mut child = child;
        let mut stdin = child.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, INPUT).unwrap();
        drop(stdin);
        pauses.join().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.stdout, output.stderr),
            (quick.0.into_bytes(), quick.1.into_bytes())
        );
    }
}

#[test]
fn another_seed_is_another_run_with_the_same_answer() {
    for arch in arches() {
        let mut hashes = Vec::new();
        for seed in ["0", "1", "2"] {
            let run = work(arch, "4", &["--seed", seed]);
            assert_eq!(work(arch, "4", &["--seed", seed]), run);
            assert!(
                run.0
                    .starts_with("<alpha>\n<beta>\n<gamma delta>\n99\n98\n"),
                "{}",
                run.0
            );
            hashes.push(run.1);
        }
        hashes.dedup();
        assert_eq!(hashes.len(), 3, "{hashes:?}");
        assert_ne!(
            work(arch, "1", &[]).1,
            work(arch, "1", &["--memory", "64M"]).1
        );
    }
}

#[test]
fn debug_and_release_builds_run_the_same() {
    // The other profile's emulator, built here if it is missing: the tests are run in either.
    let ours = command();
    let folder = std::path::Path::new(ours.get_program()).parent().unwrap();
    let (other, profile) = match folder.file_name().and_then(|name| name.to_str()) {
        Some("release") => ("debug", "dev"),
        _ => ("release", "release"),
    };
    let target = folder.parent().unwrap();
    let built = std::process::Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--package",
            "glassbox",
            "--profile",
            profile,
            "--target-dir",
        ])
        .arg(target)
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    for (arch, cpus) in arches().flat_map(|arch| [(arch, "1"), (arch, "4")]) {
        let mut command = std::process::Command::new(target.join(other).join("glassbox"));
        let child = command
            .env("GLASSBOX_IMAGES", workspace().join("images"))
            .args(on(arch, &["run", "--hash", "--cpus", cpus, "--", WORK]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let theirs = feed(child, INPUT.to_vec());
        let ours = work(arch, cpus, &[]);
        assert_eq!((theirs.text(), theirs.stderr, theirs.status), ours);
    }
}
