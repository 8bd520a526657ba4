//! What a submission may touch: the files that the lab opens, and never those that steer the build.
//!
//! Key type: [`Scope`].

use anyhow::{Context, Result};
use glob::{MatchOptions, Pattern};

use super::refusal::Refusal;

/// The open files of a lab.
#[derive(Debug)]
pub struct Scope {
    open: Vec<Pattern>,
}

/// `*` stays inside a folder; `**` crosses folders.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

impl Scope {
    /// The files that match one of `globs`.
    pub fn new(globs: &[String]) -> Result<Self> {
        let open = globs
            .iter()
            .map(|glob| Pattern::new(glob).with_context(|| format!("`{glob}` is no pattern")));
        Ok(Self {
            open: open.collect::<Result<_>>()?,
        })
    }

    /// Refuses a path that a submission must not touch.
    pub fn check(&self, path: &str) -> Result<()> {
        if path.is_empty() || path.contains('\\') || path.split('/').any(is_no_name) {
            return Err(Refusal::error(format!(
                "`{path}` is not a path inside the repository"
            )));
        }
        if let Some(reason) = steers_the_build(path) {
            return Err(Refusal::error(format!("{path} is closed: {reason}")));
        }
        let is_open = |pattern: &Pattern| pattern.matches_with(path, MATCHING);
        if !self.open.iter().any(is_open) {
            return Err(Refusal::error(format!("{path} is not open in this lab")));
        }
        Ok(())
    }
}

/// Whether a part of a path is none: `/etc`, `a//b`, `./a` and `../a` all have one.
fn is_no_name(part: &str) -> bool {
    matches!(part, "" | "." | "..") || part.contains(char::is_control)
}

/// Files that are closed in every lab, whatever its globs say.
fn steers_the_build(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.to_ascii_lowercase();
    if matches!(name.as_str(), "cargo.toml" | "cargo.lock") {
        return Some("cargo builds by it");
    }
    if name == "build.rs" {
        return Some("it runs at build time");
    }
    if path.split('/').any(|part| part.starts_with('.')) {
        return Some("it configures tools");
    }
    // Nothing but Rust is compiled; link scripts and target descriptions are data for the linker.
    (!name.ends_with(".rs")).then_some("only Rust sources can be handed in")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &str) -> String {
        let globs = ["guest-os/kernel/src/mm/*.rs", "guest-os/kcore/**"];
        let scope = Scope::new(&globs.map(str::to_string)).unwrap();
        scope
            .check(path)
            .map_or_else(|error| error.to_string(), |()| String::new())
    }

    #[test]
    fn open_files_are_those_that_match() {
        assert_eq!(refusal("guest-os/kernel/src/mm/fault.rs"), "");
        assert_eq!(refusal("guest-os/kcore/src/fs/log.rs"), "");
        for path in [
            "guest-os/kernel/src/mm/deep/fault.rs",
            "guest-os/kernel/src/main.rs",
            "emulator/base/src/lib.rs",
        ] {
            assert!(refusal(path).ends_with("is not open in this lab"), "{path}");
        }
    }

    #[test]
    fn paths_out_of_the_repository_are_refused() {
        for path in [
            "",
            "/etc/passwd.rs",
            "guest-os/kcore/../kernel/src/main.rs",
            "guest-os/kcore/./a.rs",
            "guest-os/kcore//a.rs",
            "guest-os/kcore/a\\b.rs",
            "guest-os/kcore/\u{1b}[2J.rs",
        ] {
            assert!(refusal(path).ends_with("inside the repository"), "{path}");
        }
    }

    #[test]
    fn what_steers_the_build_is_closed_even_if_a_glob_matches() {
        for path in [
            "guest-os/kcore/Cargo.toml",
            "guest-os/kcore/Cargo.lock",
            "guest-os/kcore/build.rs",
            "guest-os/kcore/src/x/BUILD.RS",
            "guest-os/kcore/.cargo/config.toml",
            "guest-os/kcore/.cargo/a.rs",
            "guest-os/kcore/kernel.ld",
        ] {
            assert!(refusal(path).contains("is closed:"), "{path}");
        }
    }
}
