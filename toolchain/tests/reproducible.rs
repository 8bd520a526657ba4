//! The same sources give the same images, byte for byte, wherever the checkout lies.
//!
//! One build is the checkout's own, the other a fresh one of a copy with a longer path. Takes as
//! long as building the guest once for each architecture.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything the images are made from.
const SOURCES: [&str; 3] = ["guest-os", "images", "toolchain/Cargo.toml"];
const IMAGES: [&str; 3] = ["kernel.elf", "fs.img", "manifest.toml"];
const ARCHITECTURES: [&str; 2] = ["x86_64", "riscv64"];

#[test]
fn two_folders_build_the_same_images() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reproducible");
    let copy = scratch.join("a checkout at quite another place");
    let _ = std::fs::remove_dir_all(&scratch);
    for source in SOURCES {
        copy_all(&checkout.join(source), &copy.join(source));
    }

    for arch in ARCHITECTURES {
        let here = images(checkout, arch, &scratch.join("here"), false);
        let there = images(&copy, arch, &scratch.join("there"), true);
        for name in IMAGES {
            let (here, there) = (read(&here.join(name)), read(&there.join(name)));
            let first = here.iter().zip(&there).position(|(a, b)| a != b);
            assert!(
                here.len() == there.len() && first.is_none(),
                "{arch}: {name} differs from byte {first:?} on"
            );
        }
    }
}

/// Builds the images of the checkout at `root` for an architecture and returns their folder.
fn images(root: &Path, arch: &str, out: &Path, own_target: bool) -> PathBuf {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .arg("--root")
        .arg(root)
        .arg("image")
        .args(["--arch", arch])
        .arg("--out")
        .arg(out)
        .current_dir(root);
    if own_target {
        command.env_remove("CARGO_TARGET_DIR");
    }
    assert!(
        command.status().unwrap().success(),
        "building the images of {}",
        root.display()
    );
    out.join(arch)
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn copy_all(from: &Path, to: &Path) {
    if from.is_dir() {
        if from.file_name().is_some_and(|name| name == "target") {
            return;
        }
        for entry in std::fs::read_dir(from).unwrap().flatten() {
            copy_all(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    }
}
