//! `cargo xtask guest`: builds Silica's kernel and its user programs.
//!
//! Both are built by cargo in the guest's workspace, each with its own target folder and compiler
//! (see [`crate::setup`]); cargo decides what has changed and prints its errors on our terminal.
//! Paths of this host are mapped away, so two hosts with the same compiler get the same bytes.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::layout::Layout;
use crate::process::{capture, progress, run as run_command};
use crate::setup::{self, Compiler, Target};

/// Options of the subcommand.
#[derive(clap::Args, Debug, Default)]
pub struct Options {
    /// Build without optimisation (slower; for a debugger)
    #[arg(long)]
    pub debug: bool,
}

/// What a build of the guest gives.
pub struct Guest {
    /// The kernel's ELF file, with symbols and lines.
    pub kernel: PathBuf,
    /// Name and unstripped ELF file of each user program, in the order of their names.
    pub programs: Vec<(String, PathBuf)>,
    /// Version lines of the compilers: kernel's, programs'.
    pub compilers: [String; 2],
}

/// The subcommand.
pub fn run(layout: &Layout, options: &Options) -> Result<()> {
    let guest = build(layout, options)?;
    progress(format!(
        "{} and {} programs are built",
        guest.kernel.display(),
        guest.programs.len()
    ));
    Ok(())
}

/// Builds what has changed.
pub fn build(layout: &Layout, options: &Options) -> Result<Guest> {
    let packages = packages(layout)?;
    let kernel_compiler = setup::ensure(layout, Target::Kernel)?;
    let user_compiler = setup::ensure(layout, Target::User)?;

    progress("kernel");
    let mut command = kernel_compiler.cargo("build", Target::Kernel);
    configure(&mut command, layout, Target::Kernel, "kernel", options);
    run_command(&mut command, "building the kernel")?;

    run_build_of_programs(&user_compiler, layout, options)?;

    let folder = |part: &str, target: Target| {
        let profile = if options.debug { "debug" } else { "release" };
        layout
            .guest_target(part)
            .join(target.triple())
            .join(profile)
    };
    let programs = binaries(&packages, "user")?;
    Ok(Guest {
        kernel: folder("kernel", Target::Kernel).join(binaries(&packages, "kernel")?.remove(0)),
        programs: programs
            .into_iter()
            .map(|name| (name.clone(), folder("user", Target::User).join(name)))
            .collect(),
        compilers: [kernel_compiler.version()?, user_compiler.version()?],
    })
}

/// Builds the user programs alone, of the sources of `sources`; gives name and unstripped ELF file of
/// each. The compiler is the one that `layout`, the checkout, has been set up with.
pub fn build_programs(sources: &Layout, layout: &Layout) -> Result<Vec<(String, PathBuf)>> {
    let compiler = setup::ensure(layout, Target::User)?;
    run_build_of_programs(&compiler, sources, &Options::default())?;
    let folder = sources
        .guest_target("user")
        .join(Target::User.triple())
        .join("release");
    let names = binaries(&packages(sources)?, "user")?.into_iter();
    Ok(names
        .map(|name| (name.clone(), folder.join(name)))
        .collect())
}

fn run_build_of_programs(compiler: &Compiler, layout: &Layout, options: &Options) -> Result<()> {
    progress("user programs");
    let mut command = compiler.cargo("build", Target::User);
    configure(&mut command, layout, Target::User, "user", options);
    run_command(command.arg("--bins"), "building the user programs")
}

/// Package, folders and flags common to both builds.
pub fn configure(
    command: &mut Command,
    layout: &Layout,
    target: Target,
    package: &str,
    options: &Options,
) {
    command
        .current_dir(layout.guest_os())
        .args(["--package", package]);
    command
        .arg("--target-dir")
        .arg(layout.guest_target(package));
    if !options.debug {
        command.arg("--release");
    }
    // Given as configuration and not in RUSTFLAGS, which would replace the flags in guest-os/.cargo.
    let mut flags = vec![format!(
        "--remap-path-prefix={}=/silica",
        layout.guest_os().display()
    )];
    if let Some(home) = cargo_home() {
        flags.push(format!("--remap-path-prefix={}=/cargo", home.display()));
    }
    let flags: Vec<String> = flags.iter().map(|flag| format!("{flag:?}")).collect();
    command.arg("--config").arg(format!(
        "target.{}.rustflags=[{}]",
        target.triple(),
        flags.join(",")
    ));
}

/// Where cargo keeps what it has fetched.
pub fn cargo_home() -> Option<PathBuf> {
    let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    named.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
}

/// The part of `cargo metadata` that names what packages build.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Product>,
}

#[derive(Deserialize)]
struct Product {
    name: String,
    kind: Vec<String>,
}

fn packages(layout: &Layout) -> Result<Metadata> {
    let mut command = Command::new("cargo");
    command
        .current_dir(layout.guest_os())
        .args(["metadata", "--no-deps", "--format-version", "1"]);
    let text = capture(&mut command, "reading guest-os/Cargo.toml")?;
    serde_json::from_str(&text).context("cargo metadata printed something unexpected")
}

/// The sorted names of the programs that `package` builds: at least one.
fn binaries(metadata: &Metadata, package: &str) -> Result<Vec<String>> {
    let found = metadata
        .packages
        .iter()
        .filter(|found| found.name == package);
    let products = found
        .flat_map(|found| &found.targets)
        .filter(|product| product.kind == ["bin"]);
    let mut names: Vec<String> = products.map(|product| product.name.clone()).collect();
    names.sort();
    if names.is_empty() {
        bail!("guest-os/{package} builds no program");
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"{"packages": [
        {"name": "user", "targets": [
            {"name": "user", "kind": ["lib"]}, {"name": "wc", "kind": ["bin"]}, {"name": "ls", "kind": ["bin"]}]},
        {"name": "abi", "targets": [{"name": "abi", "kind": ["lib"]}]}]}"#;

    #[test]
    fn programs_come_in_the_order_of_their_names() {
        let metadata: Metadata = serde_json::from_str(METADATA).unwrap();
        assert_eq!(binaries(&metadata, "user").unwrap(), ["ls", "wc"]);
    }

    #[test]
    fn a_package_without_a_program_is_an_error() {
        let metadata: Metadata = serde_json::from_str(METADATA).unwrap();
        assert!(
            binaries(&metadata, "abi")
                .unwrap_err()
                .to_string()
                .contains("guest-os/abi")
        );
    }
}
