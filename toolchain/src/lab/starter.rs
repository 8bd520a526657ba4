//! From clean sources to those that are built: with a lab's starter, then with a submission.

use std::path::Path;

use anyhow::{Context, Result};

use super::definition::Lab;
use super::submission::Submission;
use crate::sources::{Tree, patch};

/// The sources that students of `lab` begin with. An empty patch changes nothing.
pub fn starter(clean: &Tree, lab: &Lab) -> Result<Tree> {
    let diff = lab.patch("starter.patch")?;
    if diff.trim().is_empty() {
        return Ok(clean.clone());
    }
    patch::apply(clean, &diff).with_context(|| format!("{}: starter.patch", lab.name))
}

/// The starter's sources with the submission at `path` in them, or why it is refused.
pub fn submitted(clean: &Tree, lab: &Lab, path: &Path) -> Result<Tree> {
    Submission::read(path)?.apply(&starter(clean, lab)?, &lab.scope)
}
