//! Building a submitted kernel in the sandbox.
//!
//! Nothing in a submission runs at build time (scope.rs, constructs.rs), so the sandbox is the second
//! wall, against what rustc itself might be led to do. Each build gets a folder of its own: `src` has
//! the sources, `target` begins as a copy of what the clean sources gave, so that only the changed
//! packages are compiled.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::refusal::steers_a_terminal;
use super::sandbox::{self, ENDED, Limits, NO_SANDBOX, TIME_IS_UP, WORK};
use crate::guest;
use crate::layout::{Arch, Layout};
use crate::process::{HostLacks, capture, progress};
use crate::setup::{self, Compiler, Target};
use crate::sources::Tree;

/// Bytes of rustc's words that are shown.
const SHOWN: usize = 16 << 10;
/// Bytes of the largest kernel that is taken.
const LARGEST: u64 = 256 << 20;

/// What a build gives.
pub enum Built {
    /// The kernel's ELF file.
    Kernel(Vec<u8>),
    /// There is none: the reason in a few words, and the compiler's, harmless and bounded.
    Failed(String, String),
}

/// Builds kernels of one state of the clean sources.
pub struct Builder {
    target: Target,
    compiler: Compiler,
    /// Folders with `src` and `target`, one for each build.
    builds: PathBuf,
    seed: PathBuf,
    /// Held alone by who changes the seed, and shared by those who copy it.
    lock: File,
}

impl Builder {
    /// Finds the compiler for `arch` and builds `clean` once, unless that was done before.
    pub fn new(layout: &Layout, clean: &Tree, arch: Arch) -> Result<Self> {
        let target = Target::Kernel(arch);
        let compiler = setup::ensure(layout, target)?;
        let builds = layout.lab_target().join("builds").join(arch.name());
        std::fs::create_dir_all(&builds)
            .with_context(|| format!("cannot create {}", builds.display()))?;
        let builder = Self {
            target,
            compiler,
            seed: layout.lab_target().join("seed").join(arch.name()),
            lock: File::create(builds.join("lock"))?,
            builds,
        };
        builder.lock.lock()?;
        progress("the clean kernel");
        builder.compiler.fetch_library()?;
        std::fs::create_dir_all(&builder.seed)?;
        match builder.build_in(&builder.seed, clean)? {
            Built::Kernel(_) => {
                builder.lock.unlock()?;
                Ok(builder)
            }
            Built::Failed(reason, words) => bail!("the clean kernel: {reason}:\n{words}"),
        }
    }

    /// Builds the kernel of `sources`.
    pub fn build(&self, sources: &Tree) -> Result<Built> {
        let folder = TempDir::new_in(&self.builds)?;
        self.lock.lock_shared()?;
        let mut copy = Command::new("cp");
        copy.arg("-a");
        copy.args([self.seed.join("src"), self.seed.join("target")]);
        crate::process::run(copy.arg(folder.path()), "copying the clean build")?;
        self.lock.unlock()?;
        self.build_in(folder.path(), sources)
    }

    fn build_in(&self, folder: &Path, sources: &Tree) -> Result<Built> {
        sources.write_to(&folder.join("src"))?;
        let inside = Layout {
            root: Path::new(WORK).join("src"),
            target: Path::new(WORK).join("target"),
        };
        let mut cargo = self.compiler.cargo("build", self.target);
        let options = guest::Options::default();
        guest::configure(&mut cargo, &inside, self.target, "kernel", &options);
        cargo.args(["--offline", "--locked", "--quiet", "--color", "never"]);
        let see = self.equip(&mut cargo, folder)?;
        let mut command = sandbox::wrap(&cargo, folder, &see, &Limits::for_a_build());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot start the sandbox")?;
        let words = first_and_last(child.stderr.take().context("no output")?);
        let status = child.wait()?;
        let words = harmless(&words);
        if status.success() {
            let name = inside
                .guest_target("kernel")
                .join(self.target.triple())
                .join("release/kernel");
            let kernel = folder.join(name.strip_prefix(WORK).unwrap_or(&name));
            return read_kernel(&kernel).map(Built::Kernel);
        }
        if status.code() == Some(NO_SANDBOX.into()) {
            return Err(HostLacks(words.trim().to_string()).into());
        }
        let limit = match status.code() {
            Some(code) if code == i32::from(TIME_IS_UP) => {
                let last = words
                    .lines()
                    .filter_map(|line| line.strip_prefix(ENDED))
                    .next_back();
                Some(last.unwrap_or("a limit").to_string())
            }
            _ => limit_of_a_process(&words),
        };
        let reason = match limit {
            Some(limit) => format!("its build was ended: {limit}"),
            None => "it does not compile".into(),
        };
        Ok(Built::Failed(reason, words))
    }

    /// Gives `cargo` its variables, and says what it has to see besides the system's folders.
    fn equip(&self, cargo: &mut Command, folder: &Path) -> Result<Vec<PathBuf>> {
        let mut see = Vec::new();
        let mut path = "/usr/bin:/bin".to_string();
        if self.compiler == Compiler::Active {
            let mut question = Command::new("rustc");
            let sysroot = capture(question.args(["--print", "sysroot"]), "asking rustc")?;
            let sysroot = PathBuf::from(sysroot.trim());
            path = format!("{}:{path}", sysroot.join("bin").display());
            see.push(sysroot);
        } else if let Some(home) = guest::cargo_home() {
            // The library's own dependencies, fetched when the guest was built last.
            see.push(home.join("registry"));
            let own = folder.join("cargo");
            std::fs::create_dir_all(&own)?;
            if !own.join("registry").is_symlink() {
                std::os::unix::fs::symlink(home.join("registry"), own.join("registry"))?;
            }
        }
        cargo.env("PATH", path).env("HOME", WORK);
        cargo.env("CARGO_HOME", Path::new(WORK).join("cargo"));
        cargo.env("CARGO_TERM_PROGRESS_WHEN", "never");
        Ok(see)
    }
}

/// The limit that ended the compiler, if one did: cargo tells by which signal. Who makes the compiler print the same has
/// lied about nothing but the reason of a failure.
fn limit_of_a_process(words: &str) -> Option<String> {
    let limits = Limits::for_a_build();
    let limits = [
        (
            Signal::SIGXCPU,
            format!("more than {} seconds of CPU time", limits.cpu_seconds),
        ),
        (
            Signal::SIGXFSZ,
            format!("a file of more than {} MiB", limits.file_mib),
        ),
        (
            Signal::SIGABRT,
            "the compiler has given up, perhaps for want of memory".into(),
        ),
        (
            Signal::SIGSEGV,
            "the compiler has crashed, perhaps for want of stack".into(),
        ),
    ];
    let mut limits = limits.into_iter();
    let is_told = |signal: Signal| words.contains(&format!("(signal: {}", signal as i32));
    let (_, limit) = limits.find(|(signal, _)| is_told(*signal))?;
    Some(limit)
}

/// The kernel at `path`, which the other side may have made into anything.
fn read_kernel(path: &Path) -> Result<Vec<u8>> {
    let mut options = File::options();
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    options.read(true).custom_flags(flags.bits());
    let file = options.open(path);
    let file = file.with_context(|| format!("the build left no {}", path.display()))?;
    let facts = file.metadata()?;
    if !facts.is_file() || facts.len() > LARGEST {
        bail!("the build left something that is no kernel");
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What `source` says up to its end: all of it, or the first half of [`SHOWN`] and the last.
fn first_and_last(mut source: impl Read) -> Vec<u8> {
    let (mut first, mut last, mut buffer) = (Vec::new(), Vec::new(), [0; 4096]);
    let mut is_cut = false;
    while let Ok(count @ 1..) = source.read(&mut buffer) {
        let room = (SHOWN / 2usize).saturating_sub(first.len()).min(count);
        first.extend_from_slice(&buffer[..room]);
        last.extend_from_slice(&buffer[room..count]);
        let excess = last.len().saturating_sub(SHOWN / 2);
        is_cut |= excess > 0;
        last.drain(..excess);
    }
    if is_cut {
        first.extend_from_slice(b"\n[...]\n");
    }
    [first, last].concat()
}

/// The same text without anything that would steer a terminal.
pub fn harmless(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let is_plain = |letter: char| letter == '\n' || letter == '\t' || !steers_a_terminal(letter);
    text.chars()
        .map(|letter| if is_plain(letter) { letter } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_words_is_cut_in_the_middle() {
        let flood = [b"begin".as_slice(), &vec![b'x'; 1 << 20], b"end"].concat();
        let shown = first_and_last(flood.as_slice());
        assert!(shown.len() < SHOWN + 100);
        assert!(shown.starts_with(b"begin") && shown.ends_with(b"end"));
        assert_eq!(first_and_last(b"short".as_slice()), b"short");
    }

    #[test]
    fn escapes_do_not_reach_the_terminal() {
        assert_eq!(harmless(b"a\x1b[2J\tb\n\xff"), "a?[2J\tb\n\u{fffd}");
        assert_eq!(harmless("a\u{202e}b".as_bytes()), "a?b");
    }

    #[test]
    fn a_kernel_that_is_a_link_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kernel");
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(read_kernel(&path).is_err());
    }
}
