//! The emulator as a program: started with arguments and input, observed by output and status.

use glassbox::guest::Arch;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The instruction sets of the guests, for tests of what holds for all of them, in turn; a test that fails shows at which.
pub fn arches() -> impl Iterator<Item = &'static str> {
    let all = Arch::ALL.into_iter().map(Arch::name);
    all.inspect(|arch| eprintln!("on {arch}:"))
}

/// How a run ended.
#[derive(Debug)]
pub struct Ran {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error, as text.
    pub stderr: String,
    /// Exit status, or -1 if a signal ended it.
    pub status: i32,
}

impl Ran {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Checks that the run succeeded and printed just `expected`.
    #[track_caller]
    pub fn prints(&self, expected: &str) {
        assert_eq!(
            (self.text().as_str(), self.status),
            (expected, 0),
            "stderr: {}",
            self.stderr
        );
    }
}

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the workspace")
        .to_owned()
}

/// The folder of Silica's images for this instruction set.
pub fn images(arch: &str) -> PathBuf {
    let folder = workspace().join("images").join(arch);
    assert!(
        folder.join("kernel.elf").is_file(),
        "no images: run 'cargo xtask image --arch {arch}' first"
    );
    folder
}

/// The emulator, ready for arguments.
pub fn command() -> Command {
    let test = std::env::current_exe().expect("the test's own path");
    let folder = test
        .parent()
        .and_then(Path::parent)
        .expect("tests lie in target/PROFILE/deps");
    let program = folder.join("glassbox");
    assert!(
        program.is_file(),
        "{} is missing: build it with the same profile first",
        program.display()
    );
    let mut command = Command::new(program);
    command.env("GLASSBOX_IMAGES", workspace().join("images"));
    command
}

/// Runs the emulator with these arguments and this input.
#[track_caller]
pub fn glassbox(arguments: &[&str], input: &[u8]) -> Ran {
    let child = command()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the emulator starts");
    feed(child, input.to_vec())
}

/// The same arguments, of which the first one is the command, for a machine of this instruction set.
pub fn on<'a>(arch: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    let (command, rest) = arguments.split_at(1);
    [command, &["--arch", arch], rest].concat()
}

/// Runs one shell line in a guest of this instruction set.
#[track_caller]
pub fn run(arch: &str, line: &str) -> Ran {
    glassbox(&on(arch, &["run", "--", line]), b"")
}

/// Feeds a started emulator and waits for its end.
pub fn feed(mut child: Child, input: Vec<u8>) -> Ran {
    let mut stdin = child.stdin.take().expect("piped");
    // Input and output must flow at the same time, or both sides wait for ever.
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("the emulator ends");
    writer.join().expect("the writer ends");
    Ran {
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        status: output.status.code().unwrap_or(-1),
    }
}
