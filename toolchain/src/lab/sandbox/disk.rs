//! The disk that a sandboxed command may use: a file system in memory, as large as the limit says. The work folder's
//! files are brought there before the command begins, and what it leaves is brought back after its end.
//!
//! All of it is done by the outer stage, which makes the mount in a namespace of its own, before any process is inside
//! and after the last one has ended. So nothing moves while files are copied; but what lies there then is hostile.

use std::fs::{File, Metadata};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::statvfs;

/// A work folder, and the file system that stands in its place for this process and those that it starts.
pub struct Disk {
    work: PathBuf,
    /// The folder itself, which can be reached by this descriptor alone now.
    real: File,
    /// MiB that may be used.
    limit: u64,
}

impl Disk {
    /// Puts a file system of `limit` MiB in the place of `work`, with the same files.
    pub fn cover(work: &Path, limit: u64) -> Result<Self> {
        let real = File::open(work).with_context(|| format!("cannot open {}", work.display()))?;
        unshare(CloneFlags::CLONE_NEWNS).context("unshare")?;
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>).context("private mounts")?;
        let disk = Self {
            work: work.to_path_buf(),
            real,
            limit,
        };
        // Some more than the limit, so that who reaches it is told of the limit, not of a full disk.
        let options = format!("size={}m,mode=755", limit + limit / 8);
        let safe = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(
            Some("tmpfs"),
            work,
            Some("tmpfs"),
            safe,
            Some(options.as_str()),
        )
        .context("tmpfs for the work folder")?;
        copy(&disk.real(), work)?;
        Ok(disk)
    }

    /// Whether more than the limit is used.
    pub fn is_full(&self) -> bool {
        let Ok(now) = statvfs(&self.work) else {
            return false;
        };
        let used = (now.blocks() - now.blocks_free()) * now.fragment_size();
        used > self.limit << 20
    }

    /// Brings back what was left in files and folders.
    pub fn bring_back(&self) -> Result<()> {
        copy(&self.work, &self.real())
    }

    fn real(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.real.as_raw_fd()))
    }
}

/// Makes `to`, a folder, hold what the folder `from` holds. What has another type there, such as a link in the place of
/// a folder, is left as it is: nothing is written through it. Files keep their times, by which cargo judges them, and
/// those that did not change are left alone.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let facts = entry.metadata()?; // of a link itself
        let old = std::fs::symlink_metadata(&to).ok();
        if old
            .as_ref()
            .is_some_and(|old| old.file_type() != facts.file_type())
        {
            continue;
        }
        let copied = || -> Result<()> {
            if facts.is_dir() {
                if old.is_none() {
                    std::fs::create_dir(&to)?;
                }
                copy(&from, &to)?;
            } else if facts.is_symlink() && old.is_none() {
                symlink(std::fs::read_link(&from)?, &to)?;
            } else if facts.is_file() && !old.as_ref().is_some_and(|old| is_same(old, &facts)) {
                if old.is_some() {
                    std::fs::remove_file(&to)?; // it may have other names
                }
                let mut options = File::options();
                // No bit that would lend anybody's rights.
                options
                    .write(true)
                    .create_new(true)
                    .mode(facts.mode() & 0o777);
                let mut file = options.open(&to)?;
                std::io::copy(&mut File::open(&from)?, &mut file)?;
                file.set_modified(facts.modified()?)?;
            }
            Ok(())
        };
        copied().with_context(|| format!("copying {}", from.display()))?;
    }
    Ok(())
}

/// Whether a file is taken for unchanged.
fn is_same(old: &Metadata, new: &Metadata) -> bool {
    let facts = |of: &Metadata| (of.len(), of.mtime(), of.mtime_nsec());
    facts(old) == facts(new)
}
