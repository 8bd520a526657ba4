//! `glassbox fsck`: checks the file system on a disk image.

use super::Failure;
use super::options::FsckOptions;
use crate::disk::{self, Image, Layer};
use base::Pages;

/// The file system is not sound.
const UNSOUND: u8 = 1;

/// Runs the command.
pub fn fsck(options: &FsckOptions) -> Result<u8, Failure> {
    let path = &options.image;
    let image = Image::open(path).map_err(|e| Failure::file(path, e))?;
    let report =
        disk::fsck(&Layer::new(image), &Pages::new()).map_err(|e| Failure::file(path, e))?;
    for problem in &report.problems {
        super::print(format_args!("{problem}\n"))?;
    }
    let more = report.problem_count - report.problems.len();
    if more > 0 {
        super::print(format_args!("and {more} more problems\n"))?;
    }
    let (inodes, blocks, orphans) = (report.inodes, report.blocks, report.orphans);
    let verdict = match report.problem_count {
        0 => "sound".to_owned(),
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    super::print(format_args!(
        "{}: {verdict}; {inodes} inodes, {blocks} blocks, {orphans} orphans\n",
        path.display()
    ))?;
    Ok(if report.is_clean() { 0 } else { UNSOUND })
}
