//! The two compilers that can build the guest, and how each is called.
//!
//! Key types: [`Compiler`], [`Target`]. Which of them a host has is [`super`]'s to find out.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::process::{capture, run};

/// What apt calls a Rust that can build its own library for bare metal.
pub const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld"];
/// One file of each of those packages, in the same order.
pub const DEBIAN_FILES: [&str; 4] = [
    "/usr/bin/rustc",
    "/usr/bin/cargo",
    "/usr/lib/rustlib/src/rust/library/core/src/lib.rs",
    "/usr/bin/ld.lld",
];

/// The manifest of that library.
const DEBIAN_LIBRARY: &str = "/usr/lib/rustlib/src/rust/library/Cargo.toml";

/// The program of `rust-web-clippy`, which only [`super::ensure_clippy`] asks for.
pub const DEBIAN_CLIPPY: &str = "/usr/bin/cargo-clippy";

/// A compilation target of the guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Bare metal, soft float: the kernel.
    Kernel,
    /// Linux programs, hard float: everything under `/bin`. They run on a Linux host too.
    User,
}

impl Target {
    /// Rust's name for the target.
    pub fn triple(self) -> &'static str {
        match self {
            Self::Kernel => "x86_64-unknown-none",
            Self::User => "x86_64-unknown-linux-gnu",
        }
    }
}

/// A cargo that can build for one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiler {
    /// The active toolchain, with its precompiled library.
    Active,
    /// Debian's packages; the library is built along with the program, as it has to match the compiler.
    Debian,
}

impl Compiler {
    /// `cargo SUBCOMMAND` for `target`, to which the caller adds packages and flags.
    pub fn cargo(&self, subcommand: &str, target: Target) -> Command {
        let mut command = match self {
            Self::Active => Command::new("cargo"),
            Self::Debian => {
                // Asked for clippy, cargo would start the one of rustup's toolchain.
                let program = if subcommand == "clippy" {
                    DEBIAN_CLIPPY
                } else {
                    DEBIAN_FILES[1]
                };
                let mut command = Command::new(program);
                command.env("CARGO", DEBIAN_FILES[1]);
                // The unstable flags below need the bootstrap switch; `cargo run` has put another
                // toolchain's libraries on the loader's path, which must not get in here.
                command
                    .env("RUSTC", DEBIAN_FILES[0])
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env_remove("LD_LIBRARY_PATH");
                command
            }
        };
        command.args([subcommand, "--target", target.triple()]);
        if *self == Self::Debian {
            command.args(["-Z", "build-std=core,alloc,compiler_builtins"]);
            command.args(["-Z", "build-std-features=compiler-builtins-mem"]);
        }
        if *self == Self::Debian && target == Target::Kernel {
            // Debian's Rust has no rust-lld of its own.
            command.arg("--config").arg(format!(
                "target.{}.linker='{}'",
                target.triple(),
                DEBIAN_FILES[3]
            ));
        }
        // Flags of the host's own build must not leak into the guest: images would depend on them.
        for variable in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
            "CARGO_TARGET_DIR",
        ] {
            command.env_remove(variable);
        }
        command
    }

    /// Fetches what the standard library itself is made of, so that it can be built without a network.
    pub fn fetch_library(&self) -> Result<()> {
        if *self == Self::Active {
            return Ok(()); // it is compiled already
        }
        let fetch = |offline: &[&str]| {
            let mut command = Command::new(DEBIAN_FILES[1]);
            command.env("RUSTC", DEBIAN_FILES[0]);
            command.env("RUSTC_BOOTSTRAP", "1");
            command.env_remove("LD_LIBRARY_PATH");
            command.args(["fetch", "--quiet", "--locked", "--manifest-path"]);
            command.arg(DEBIAN_LIBRARY).args(offline);
            command
        };
        // Mostly everything is there, and then nobody needs to be asked.
        let there = fetch(&["--offline"]).stderr(Stdio::null()).status();
        if there.is_ok_and(|status| status.success()) {
            return Ok(());
        }
        run(&mut fetch(&[]), "fetching what Rust's library is made of")
    }

    /// The compiler's version line.
    pub fn version(&self) -> Result<String> {
        let program = match self {
            Self::Active => "rustc",
            Self::Debian => DEBIAN_FILES[0],
        };
        let mut command = Command::new(program);
        command.arg("--version").env_remove("LD_LIBRARY_PATH");
        Ok(capture(&mut command, "rustc --version")?.trim().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_own_flags_do_not_reach_the_guest() {
        for compiler in [Compiler::Active, Compiler::Debian] {
            let command = compiler.cargo("build", Target::Kernel);
            let removed = |name: &str| {
                command
                    .get_envs()
                    .any(|(key, value)| key == name && value.is_none())
            };
            assert!(
                removed("RUSTFLAGS") && removed("CARGO_ENCODED_RUSTFLAGS"),
                "{command:?}"
            );
        }
    }
}
