//! The programs are Linux programs, so this host can run them, and its own shell and tools tell what
//! is right: every script in `scripts/` must print the same, and end with the same status, under
//! Silica's shell and tools as under the host's.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where cargo has put the programs.
fn programs() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_sh")).parent().unwrap().into()
}

/// What a script came to: output of both kinds in the order printed, and status.
fn outcome(shell: &Path, path: &str, script: &Path, dir: &Path) -> (String, Option<i32>) {
    let _ = fs::remove_dir_all(dir);
    fs::create_dir_all(dir).unwrap();
    let output = Command::new(shell)
        .arg0("sh")
        .arg("-c")
        .arg(format!("{{ . {}\n}} 2>&1", script.display()))
        .current_dir(dir)
        .env_clear()
        .env("PATH", path)
        .env("HOME", "/")
        .env("LC_ALL", "C")
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    fs::remove_dir_all(dir).unwrap();
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        output.status.code(),
    )
}

/// Runs one script both ways. Both use the same directory, because its name may be printed.
fn compare(name: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/scripts")
        .join(name);
    let dir = std::env::temp_dir().join(format!("silica-{name}-{}", std::process::id()));
    let host = outcome(Path::new("/bin/sh"), "/usr/bin:/bin", &script, &dir);
    let programs = programs();
    let ours = outcome(
        &programs.join("sh"),
        programs.to_str().unwrap(),
        &script,
        &dir,
    );
    for (number, (ours, host)) in ours.0.lines().zip(host.0.lines()).enumerate() {
        assert_eq!(ours, host, "line {} of the output of {name}", number + 1);
    }
    assert_eq!(ours, host, "{name}");
}

macro_rules! scripts {
    ($($test:ident $file:literal;)*) => {$(
        #[test]
        fn $test() {
            compare($file);
        }
    )*};
}

scripts! {
    expansions_agree_with_the_host "expansions.sh";
    control_flow_agrees_with_the_host "control.sh";
    redirections_agree_with_the_host "redirections.sh";
    builtins_agree_with_the_host "builtins.sh";
    text_tools_agree_with_the_host "text.sh";
    file_tools_agree_with_the_host "files.sh";
    error_messages_agree_with_the_host "errors.sh";
}

#[test]
fn the_kernel_tests_hold_on_the_host() {
    // Whoever starts us in the background may have had these ignored, which programs inherit.
    let output = Command::new("/usr/bin/env")
        .arg("--default-signal=INT,QUIT")
        .arg(programs().join("usertests"))
        .env("PATH", programs())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let failed: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("FAILED"))
        .collect();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{failed:#?}\n{stderr}");
}

#[test]
fn a_shell_line_ends_as_its_last_command_did() {
    use std::os::unix::process::ExitStatusExt;
    let status = |line: &str| {
        Command::new(programs().join("sh"))
            .args(["-c", line])
            .env("PATH", programs())
            .status()
            .unwrap()
    };
    assert_eq!(status("sleep 100 & kill -9 $!; exit 7").code(), Some(7));
    assert_eq!(status("exec sh -c 'kill -9 $$'").signal(), Some(9));
    assert_eq!(status("true; sh -c 'kill -15 $$'").signal(), Some(15));
    assert_eq!(status("no-such-command 2>/dev/null").code(), Some(127));
}
