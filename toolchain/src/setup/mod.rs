//! `cargo xtask setup`: a compiler for each target the guest needs.
//!
//! For every target the routes are tried in this order, and the first that works is kept:
//!
//! 1. the active Rust toolchain already has it: nothing to do;
//! 2. `rustup target add` gets it (given up after [`PATIENCE`], so an offline host is not kept waiting);
//! 3. on Debian-like hosts, apt's own Rust builds it from the library's source;
//! 4. otherwise one line says what to install.
//!
//! A host that once had to take route 3 has that written down under `target/xtask`, so later runs
//! do not ask the network again. Key types: [`Compiler`], [`Target`].

pub mod apt;
mod compiler;

pub use compiler::{Compiler, Target};

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use compiler::{DEBIAN_CLIPPY, DEBIAN_FILES, DEBIAN_PACKAGES};

use crate::layout::{Arch, Layout, write_whole};
use crate::process::{HostLacks, progress, succeeds_within};

/// How long `rustup target add` may take: a slow line gets its 30 MB through, a dead one is noticed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The subcommand: every target.
pub fn run(layout: &Layout) -> Result<()> {
    let targets = Arch::ALL.map(|arch| [Target::Kernel(arch), Target::User(arch)]);
    for target in targets.into_iter().flatten() {
        let compiler = ensure(layout, target)?;
        progress(format!(
            "{} is built by {}",
            target.triple(),
            compiler.version()?
        ));
    }
    Ok(())
}

/// A compiler for `target`; whatever is missing for it gets installed.
pub fn ensure(layout: &Layout, target: Target) -> Result<Compiler> {
    if active_toolchain_has(target) {
        return Ok(Compiler::Active);
    }
    let note = layout
        .notes()
        .join(format!("debian-builds-{}", target.triple()));
    if note.exists() && debian_is_complete() {
        return Ok(Compiler::Debian);
    }
    if rustup_adds(target) {
        return Ok(Compiler::Active);
    }
    if !debian_is_complete() {
        apt::install(layout, &DEBIAN_PACKAGES)
            .map_err(|reason| HostLacks(instruction(target, &reason)))?;
        if let Some(missing) = DEBIAN_FILES.iter().find(|file| !Path::new(file).exists()) {
            let reason = format!("apt-get installed everything, and yet there is no {missing}");
            return Err(HostLacks(instruction(target, &reason)).into());
        }
    }
    write_whole(&note, b"rustup could not add this target\n")?;
    Ok(Compiler::Debian)
}

/// Installs the clippy of `compiler` if it is missing.
pub fn ensure_clippy(layout: &Layout, compiler: &Compiler) -> Result<()> {
    if *compiler == Compiler::Debian && !Path::new(DEBIAN_CLIPPY).exists() {
        let package = "rust-web-clippy";
        apt::install(layout, &[package]).map_err(|reason| {
            HostLacks(format!(
                "no clippy for the kernel ({reason}): install {package}"
            ))
        })?;
    }
    Ok(())
}

/// The one line for a host on which no route works.
fn instruction(target: Target, reason: &str) -> String {
    format!(
        "no Rust for {} ({reason}): run `rustup target add {}`, or on Debian 12 or later `apt-get install {}`",
        target.triple(),
        target.triple(),
        DEBIAN_PACKAGES.join(" "),
    )
}

fn active_toolchain_has(target: Target) -> bool {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target.triple()])
        .output();
    let Ok(output) = output else { return false };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    has_core(&folder)
}

/// Whether `folder` holds a compiled core library.
fn has_core(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with("libcore-")
    })
}

fn rustup_adds(target: Target) -> bool {
    let mut question = Command::new("rustup");
    if !succeeds_within(question.arg("--version"), PATIENCE) {
        return false;
    }
    progress(format!(
        "adding {} to the active Rust toolchain (rustup)",
        target.triple()
    ));
    let mut command = Command::new("rustup");
    command
        .args(["target", "add", target.triple()])
        .env("RUSTUP_MAX_RETRIES", "0");
    succeeds_within(&mut command, PATIENCE) && active_toolchain_has(target)
}

fn debian_is_complete() -> bool {
    DEBIAN_FILES.iter().all(|file| Path::new(file).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_for_a_helpless_host_is_one_line_and_names_both_remedies() {
        let line = instruction(Target::Kernel(Arch::X86_64), "no network");
        assert!(!line.contains('\n'));
        assert!(
            line.contains("rustup target add x86_64-unknown-none"),
            "{line}"
        );
        assert!(
            line.contains("apt-get install rustc-web cargo-web rust-web-src lld"),
            "{line}"
        );
    }

    #[test]
    fn a_target_is_there_only_with_its_core_library() {
        let folder = std::env::temp_dir().join(format!("xtask-core-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert!(!has_core(&folder));
        std::fs::write(folder.join("libcore-0123.rlib"), b"").unwrap();
        assert!(has_core(&folder));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
