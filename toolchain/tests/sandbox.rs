//! The sandbox in which submissions are built, tried with commands that want out or want too much.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Runs `line` by a shell in a sandbox with `options`.
fn attempt(work: &Path, options: &[&str], line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .arg("sandbox")
        .arg("--work")
        .arg(work)
        .args(["--env", "PATH=/usr/bin:/bin"])
        .args(options)
        .args(["--", "sh", "-c", line])
        .output()
        .unwrap()
}

fn work() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn text(output: &Output) -> String {
    let all = [output.stdout.as_slice(), &output.stderr].concat();
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn a_command_works_in_its_folder_and_its_status_comes_back() {
    let work = work();
    let output = attempt(work.path(), &[], "echo made > /build/file; exit 7");
    assert_eq!(output.status.code(), Some(7), "{}", text(&output));
    let made = std::fs::read_to_string(work.path().join("file")).unwrap();
    assert_eq!(made, "made\n");
    let output = attempt(work.path(), &[], "kill -9 $$");
    assert_eq!(output.status.code(), Some(128 + 9));
}

#[test]
fn nothing_outside_the_folder_can_be_written() {
    let (work, other) = (work(), work());
    let victim = other.path().join("victim");
    std::fs::write(&victim, "safe").unwrap();
    let victim = victim.display();
    for line in [
        format!("echo gone > {victim}"),
        format!("rm -f {victim}; test ! -e {victim} && exit 1"),
        "echo x > /usr/bin/evil".into(),
        "echo x > /etc/evil".into(),
        "mkdir /evil".into(),
        "echo x > /dev/evil".into(),
        "echo x > /proc/sys/kernel/hostname".into(),
        "mount -t tmpfs tmpfs /build".into(),
        "mknod /build/disk b 254 0".into(),
        "chown 0 /build".into(),
        "unshare --user --map-root-user true".into(),
    ] {
        let output = attempt(work.path(), &[], &line);
        assert!(!output.status.success(), "{line}: {}", text(&output));
        assert_ne!(output.status.code(), Some(125), "{}", text(&output));
    }
    assert_eq!(
        std::fs::read_to_string(other.path().join("victim")).unwrap(),
        "safe"
    );
    assert!(!Path::new("/usr/bin/evil").exists() && !Path::new("/evil").exists());
}

#[test]
fn the_hosts_files_variables_and_processes_are_not_there() {
    let work = work();
    let line =
        "ls -a /home /root /var /tmp /etc/passwd 2>/dev/null; env; ls -d /proc/[0-9]* | wc -l";
    let output = attempt(work.path(), &[], line);
    let seen = text(&output);
    assert!(
        !seen.contains("passwd") && !seen.contains("CARGO"),
        "{seen}"
    );
    // Process 1, the shell, ls and wc.
    let processes: usize = seen.lines().last().unwrap().trim().parse().unwrap();
    assert!(processes <= 5, "{seen}");
}

#[test]
fn there_is_no_network() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let work = work();
    let line = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected");
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["sandbox", "--work"])
        .arg(work.path())
        .args(["--env", "PATH=/usr/bin:/bin", "--", "bash", "-c", &line])
        .output()
        .unwrap();
    assert!(!output.status.success() && !text(&output).contains("connected\n"));
    let output = attempt(work.path(), &[], "tail -n +3 /proc/net/dev");
    let devices = text(&output);
    assert!(
        devices.lines().all(|line| line.trim().starts_with("lo:")),
        "{devices}"
    );
}

#[test]
fn a_fork_bomb_runs_out_of_processes_and_ends() {
    let work = work();
    // The shell itself forks once only, while it still may.
    let line = "bomb() { bomb | bomb & }; bomb & exec sleep 60";
    let limits = ["--processes", "32", "--seconds", "2"];
    let output = attempt(work.path(), &limits, line);
    assert_eq!(output.status.code(), Some(124), "{}", text(&output));
    let line = "for i in $(seq 100); do sleep 9 & done; echo all 100";
    let output = attempt(work.path(), &limits, line);
    assert!(!text(&output).contains("all 100"), "{}", text(&output));
}

#[test]
fn memory_is_bounded_for_each_process_and_for_all() {
    let work = work();
    let hog = "head -c 1g /dev/zero | tail -c 1g | wc -c";
    let output = attempt(work.path(), &["--memory-mib", "256"], hog);
    assert!(!text(&output).contains("1073741824"), "{}", text(&output));
    let many = "for i in 1 2 3 4 5 6; do (dd if=/dev/zero bs=100M count=1 | sleep 30) & done; wait";
    let output = attempt(
        work.path(),
        &["--memory-mib", "256", "--seconds", "60"],
        many,
    );
    assert_eq!(output.status.code(), Some(124), "{}", text(&output));
    assert!(text(&output).contains("of memory"), "{}", text(&output));
}

#[test]
fn time_is_bounded_on_the_clock_and_on_the_cpu() {
    let work = work();
    let output = attempt(work.path(), &["--seconds", "1"], "sleep 600");
    assert_eq!(output.status.code(), Some(124), "{}", text(&output));
    let output = attempt(work.path(), &["--cpu-seconds", "1"], "while :; do :; done");
    let signal = nix::sys::signal::Signal::SIGXCPU as i32;
    assert_eq!(
        output.status.code(),
        Some(128 + signal),
        "{}",
        text(&output)
    );
}

#[test]
fn a_file_cannot_grow_beyond_its_limit() {
    let work = work();
    let line = "head -c 8m /dev/zero > /build/big";
    let output = attempt(work.path(), &["--file-mib", "1"], line);
    assert!(!output.status.success());
    let size = work.path().join("big").metadata().unwrap().len();
    assert_eq!(size, 1 << 20);
}

#[test]
fn all_files_together_are_bounded_even_those_without_a_name() {
    let work = work();
    for line in [
        "for i in $(seq 99); do head -c 1m /dev/zero > /build/$i || exit 3; done",
        "head -c 99m /dev/zero > /build/big",
        // Two files that are open and have no name any more.
        "exec 8>/build/a 9>/build/b; rm /build/?; head -c 9m /dev/zero >&8; head -c 9m /dev/zero >&9; sleep 9",
    ] {
        let output = attempt(work.path(), &["--disk-mib", "16"], line);
        assert_eq!(output.status.code(), Some(124), "{line}: {}", text(&output));
        let words = text(&output);
        assert!(
            words.ends_with("ended: more than 16 MiB of disk\n"),
            "{words}"
        );
    }
}

#[test]
fn what_is_left_in_the_place_of_something_else_is_not_brought_back() {
    let (work, other) = (work(), work());
    std::fs::write(other.path().join("victim"), "safe").unwrap();
    std::fs::create_dir(work.path().join("folder")).unwrap();
    std::os::unix::fs::symlink(other.path(), work.path().join("link")).unwrap();
    let line = "rm /build/link && mkdir /build/link && echo evil > /build/link/victim; \
                rmdir /build/folder && ln -s / /build/folder; mkfifo /build/pipe; echo made > /build/file; chmod 4755 /build/file";
    let output = attempt(work.path(), &[], line);
    assert!(output.status.success(), "{}", text(&output));
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(other.path().join("victim")), "safe");
    assert_eq!(read(work.path().join("file")), "made\n");
    let mode = work
        .path()
        .join("file")
        .metadata()
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7000, 0, "no set-user-id bit");
    assert!(
        work.path()
            .join("folder")
            .symlink_metadata()
            .unwrap()
            .is_dir()
    );
    assert!(!work.path().join("pipe").exists());
}

#[test]
fn whatever_is_left_running_ends_with_the_command() {
    let work = work();
    // The lock is let go when the last process that has the file open has ended.
    let line = "exec 9>/build/held; flock 9; setsid sleep 600 >/dev/null 2>&1 & exit 0";
    let output = attempt(work.path(), &[], line);
    assert!(output.status.success(), "{}", text(&output));
    let held = std::fs::File::open(work.path().join("held")).unwrap();
    assert!(held.try_lock().is_ok(), "somebody still has the lock");
}
