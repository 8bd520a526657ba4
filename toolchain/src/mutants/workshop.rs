//! Where mutants are built: one copy of the sources and one target folder for all of them, so that
//! each build compiles only what its patch, and the one before, have touched.

use std::fs::File;

use anyhow::{Context, Result, bail};

use crate::guest;
use crate::image;
use crate::layout::{Arch, Layout};
use crate::setup::{self, Compiler, Target};
use crate::sources::Tree;

/// What mutants are built for.
const KERNEL: Target = Target::Kernel(Arch::X86_64);

/// Builds one kernel after the other.
pub struct Workshop {
    inside: Layout,
    compiler: Compiler,
    /// Locked while this lives: another one would change the same sources.
    _lock: File,
}

impl Workshop {
    /// A workshop below the checkout's target folder.
    pub fn new(layout: &Layout) -> Result<Self> {
        let home = layout.target.join("mutants");
        std::fs::create_dir_all(&home)
            .with_context(|| format!("cannot create {}", home.display()))?;
        let lock = File::create(home.join("lock"))?;
        lock.lock()?;
        Ok(Self {
            inside: Layout {
                root: home.join("src"),
                target: home.join("target"),
            },
            compiler: setup::ensure(layout, KERNEL)?,
            _lock: lock,
        })
    }

    /// The kernel of `sources`, an ELF file.
    pub fn build(&self, sources: &Tree) -> Result<Vec<u8>> {
        sources.write_to(&self.inside.root)?;
        let mut command = self.compiler.cargo("build", KERNEL);
        let (options, target) = (guest::Options::default(), KERNEL);
        guest::configure(&mut command, &self.inside, target, "kernel", &options);
        command.args(["--quiet", "--locked"]);
        // A mutant may well leave a variable unused: only errors are worth showing.
        let built = command.output().context("cannot start cargo")?;
        if !built.status.success() {
            let words = String::from_utf8_lossy(&built.stderr);
            bail!("it does not compile:\n{words}");
        }
        let folder = self.inside.guest_target("kernel").join(target.triple());
        let kernel = folder.join("release/kernel");
        let kernel = std::fs::read(&kernel)
            .with_context(|| format!("the build left no {}", kernel.display()))?;
        image::with_symbol_table(kernel)
    }
}
