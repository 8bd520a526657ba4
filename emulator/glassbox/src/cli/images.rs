//! Where Silica's images are: `$GLASSBOX_IMAGES`, or `images/` in this folder or one above it, or beside the sources
//! that the executable was built from.

use super::Failure;
use crate::guest::Arch;
use std::path::{Path, PathBuf};

/// The path of image `name` for `arch`.
pub fn find(arch: Arch, name: &str) -> Result<PathBuf, Failure> {
    let place = |root: &Path| root.join(arch.name()).join(name);
    if let Some(root) = std::env::var_os("GLASSBOX_IMAGES") {
        let path = place(Path::new(&root));
        if path.is_file() {
            return Ok(path);
        }
        return Err(Failure::input(format!(
            "{}: no such image ($GLASSBOX_IMAGES names its folder)",
            path.display()
        )));
    }
    let here = std::env::current_dir().unwrap_or_default();
    let executable = std::env::current_exe().unwrap_or_default();
    here.ancestors()
        .chain(executable.ancestors())
        .map(|folder| place(&folder.join("images")))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            Failure::input(format!(
                "images/{}/{name} not found here or above: build it with 'cargo xtask image', or say --kernel and --disk",
                arch.name()
            ))
        })
}
