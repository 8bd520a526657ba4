//! Where things lie in a checkout: the one place that spells out folder names.
//!
//! Key type: [`Layout`]. Everything built goes below `target` except the images themselves, which
//! are what the emulator looks for.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// A guest architecture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Arch {
    /// x86-64
    #[default]
    #[value(name = "x86_64")]
    X86_64,
    /// RISC-V, 64 bits
    Riscv64,
}

impl Arch {
    /// All of them.
    pub const ALL: [Arch; 2] = [Arch::X86_64, Arch::Riscv64];

    /// The name of its folder of images.
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Riscv64 => "riscv64",
        }
    }
}

/// The folders of one checkout.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The checkout itself.
    pub root: PathBuf,
    /// Cargo's target folder of the host workspace.
    pub target: PathBuf,
}

impl Layout {
    /// The checkout at `root`, or else the one that contains the current folder.
    pub fn find(root: Option<PathBuf>) -> Result<Self> {
        let root = match root {
            Some(root) => std::path::absolute(&root)?,
            None => {
                let here = std::env::current_dir().context("the current folder is gone")?;
                let found = here.ancestors().find(|folder| is_checkout(folder));
                let Some(found) = found else {
                    bail!("{} is not inside a Glassbox checkout", here.display());
                };
                found.to_path_buf()
            }
        };
        if !is_checkout(&root) {
            bail!(
                "{} is not a Glassbox checkout (no guest-os/Cargo.toml)",
                root.display()
            );
        }
        // Cargo sees the folder's real name, so the paths mapped out of the guest must be real too.
        let root = root.canonicalize()?;
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => root.join(folder),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The guest's workspace.
    pub fn guest_os(&self) -> PathBuf {
        self.root.join("guest-os")
    }

    /// Recipes, and one folder of built images for each architecture.
    pub fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// What can be handed out and judged.
    pub fn labs(&self) -> PathBuf {
        self.root.join("labs")
    }

    /// Where labs and submissions are built.
    pub fn lab_target(&self) -> PathBuf {
        self.target.join("lab")
    }

    /// The toolchain's own notes: chosen compilers, logs.
    pub fn notes(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// What is on the disks, of every architecture.
    pub fn recipe(&self) -> PathBuf {
        self.images().join("disk.toml")
    }

    /// Where the guest's workspace builds `part` ("kernel", "user").
    pub fn guest_target(&self, part: &str) -> PathBuf {
        self.target.join("guest").join(part)
    }

    /// The emulator, release build.
    pub fn emulator(&self) -> PathBuf {
        self.target
            .join("release")
            .join(format!("glassbox{}", std::env::consts::EXE_SUFFIX))
    }
}

fn is_checkout(folder: &Path) -> bool {
    folder.join("guest-os/Cargo.toml").is_file() && folder.join("toolchain/Cargo.toml").is_file()
}

/// Writes `bytes` to `path` so that a reader sees the old file or the new one, never a part.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().context("a file needs a folder")?;
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    let mut name = path
        .file_name()
        .context("a file needs a name")?
        .to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let part = folder.join(name);
    std::fs::write(&part, bytes).with_context(|| format!("cannot write {}", part.display()))?;
    std::fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))
}
