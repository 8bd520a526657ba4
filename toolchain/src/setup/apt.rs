//! Debian's package manager, for the little that Rust's cannot bring: a bare-metal compiler, QEMU.
//!
//! Needs root, directly or by sudo. What apt prints goes to `target/xtask/apt.log`; the terminal gets
//! one line.

use std::fs::File;
use std::io::IsTerminal;
use std::process::{Command, Stdio};

use crate::layout::Layout;
use crate::process::progress;

/// Installs `packages`, or says in a few words why that was impossible.
pub fn install(layout: &Layout, packages: &[&str]) -> Result<(), String> {
    let Some(prefix) = privilege() else {
        return Err(match on_path("apt-get") {
            true => "apt-get needs root and there is no sudo".to_string(),
            false => "this host has no apt-get".to_string(),
        });
    };
    progress(format!("installing {} (apt-get)", packages.join(" ")));
    let path = layout.notes().join("apt.log");
    std::fs::create_dir_all(layout.notes()).map_err(|error| error.to_string())?;
    let log = File::create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let update: &[&str] = &["update"];
    let install = [&["install", "-y", "--no-install-recommends"], packages].concat();
    for arguments in [update, &install] {
        let out = log.try_clone().map_err(|error| error.to_string())?;
        let err = log.try_clone().map_err(|error| error.to_string())?;
        let mut words = prefix.clone();
        words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(arguments)
            .stdout(Stdio::from(out))
            .stderr(Stdio::from(err));
        // An update that partly fails may still have found what is needed; the install decides.
        let done = command.status().is_ok_and(|status| status.success());
        if !done && arguments[0] == "install" {
            return Err(format!(
                "apt-get could not install them, see {}",
                path.display()
            ));
        }
    }
    Ok(())
}

/// The words to put before `apt-get`, if there is an apt-get that we may use.
fn privilege() -> Option<Vec<&'static str>> {
    if !on_path("apt-get") {
        return None;
    }
    let id = Command::new("id").arg("-u").output().ok()?;
    if id.stdout.trim_ascii() == b"0" {
        return Some(vec![]);
    }
    let silent = Command::new("sudo")
        .args(["-n", "true"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if silent.is_ok_and(|status| status.success()) {
        return Some(vec!["sudo", "-n"]);
    }
    // A person at a terminal can type the password.
    (on_path("sudo") && std::io::stdin().is_terminal()).then(|| vec!["sudo"])
}

/// Whether a program of that name is on `PATH`.
pub fn on_path(name: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else {
        return false;
    };
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_along_the_path() {
        assert!(on_path("sh"));
        assert!(!on_path("a-program-nobody-has-written"));
    }
}
