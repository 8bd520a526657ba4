//! Where mutants are built: one copy of the guest's sources and one target folder for all of them,
//! so that each build compiles only what its patch, and the one before, have touched.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::sources::{self, Sources};
use crate::guest;
use crate::layout::Layout;
use crate::setup::{self, Compiler, Target};

/// Builds one kernel after the other.
pub struct Workshop {
    clean: Sources,
    inside: Layout,
    compiler: Compiler,
}

impl Workshop {
    /// A workshop below the checkout's target folder.
    pub fn new(layout: &Layout) -> Result<Self> {
        let home = layout.target.join("mutants");
        let inside = Layout {
            root: home.join("src"),
            target: home.join("target"),
        };
        // What an older checkout had there must not become part of a build.
        if inside.root.exists() {
            std::fs::remove_dir_all(&inside.root)
                .with_context(|| format!("cannot empty {}", inside.root.display()))?;
        }
        Ok(Self {
            clean: sources::clean(&layout.root)?,
            inside,
            compiler: setup::ensure(layout, Target::Kernel)?,
        })
    }

    /// Builds the kernel with `diff` applied, or the clean one, and copies it to `kernel`.
    pub fn build(&self, diff: Option<&str>, kernel: &Path) -> Result<()> {
        let sources = match diff {
            Some(diff) => &sources::apply(&self.clean, diff)?,
            None => &self.clean,
        };
        sources::write_to(sources, &self.inside.root)?;
        let mut command = self.compiler.cargo("build", Target::Kernel);
        let options = guest::Options::default();
        guest::configure(
            &mut command,
            &self.inside,
            Target::Kernel,
            "kernel",
            &options,
        );
        command.args(["--quiet", "--locked"]);
        // A mutant may well leave a variable unused: only errors are worth showing.
        let built = command.output().context("cannot start cargo")?;
        if !built.status.success() {
            bail!(
                "it does not compile:\n{}",
                String::from_utf8_lossy(&built.stderr)
            );
        }
        std::fs::copy(self.built(), kernel)
            .with_context(|| format!("cannot write {}", kernel.display()))?;
        Ok(())
    }

    fn built(&self) -> PathBuf {
        let folder = self.inside.guest_target("kernel");
        folder.join(Target::Kernel.triple()).join("release/kernel")
    }
}
