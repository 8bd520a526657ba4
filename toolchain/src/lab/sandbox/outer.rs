//! The outer stage of the sandbox: makes the namespaces, starts process 1 in them, and watches.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sched::{CloneFlags, unshare};
use nix::sys::{prctl, signal::Signal};
use nix::unistd::{Gid, Uid, chown, getegid, geteuid};

use super::disk::Disk;
use super::{ENDED, ITSELF, NO_SANDBOX, Options, TIME_IS_UP, rooms, shell_status};

/// The first of the user numbers that nobody has, of which each sandbox started by root takes one.
const NOBODY: u32 = 0x6000_0000;

/// Time between two looks at the processes inside.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the command and returns the status to end with.
pub fn run(options: &Options) -> Result<u8> {
    match start(options) {
        Ok((child, disk)) => {
            let status = watch(child, &disk, options)?;
            disk.bring_back()?;
            Ok(status)
        }
        Err(error) => {
            eprintln!("xtask: this host lets no sandbox be built: {error:#}");
            Ok(NO_SANDBOX)
        }
    }
}

fn start(options: &Options) -> Result<(Child, Disk)> {
    prctl::set_pdeathsig(Signal::SIGKILL).context("prctl")?;
    let mount_point = options.work.join(rooms::ROOT);
    std::fs::create_dir_all(&mount_point)
        .with_context(|| format!("cannot create {}", mount_point.display()))?;
    let (user, group) = (geteuid(), getegid());
    if !user.is_root() {
        unshare(CloneFlags::CLONE_NEWUSER).context("unshare")?;
        rooms::map_ids(user, group, 0)?;
    }
    let disk = Disk::cover(&options.work, options.limits.disk_mib)?;
    if user.is_root() {
        give(&options.work, NOBODY + std::process::id())?;
    }
    // Mounts inside are the inner stage's: this one goes on looking at the host's /proc.
    let flags = CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    unshare(flags).context("unshare")?;
    let mut words = std::env::args_os().skip(1);
    let mut command = Command::new(ITSELF);
    // The same words again, with one more behind the subcommand's name.
    command.args(words.by_ref().take_while(|word| word != "--"));
    command.arg("--inner").arg("--").args(words);
    if user.is_root() {
        command.env(rooms::USER, (NOBODY + std::process::id()).to_string());
    } else {
        command.env_remove(rooms::USER);
    }
    let child = command.spawn().context("cannot start this program again")?;
    Ok((child, disk))
}

/// Makes `user` the owner of `path` and everything below it, without following links.
fn give(path: &Path, user: u32) -> Result<()> {
    let facts = std::fs::symlink_metadata(path)?;
    if facts.is_symlink() {
        return Ok(());
    }
    if facts.uid() != user {
        let owner = (Some(Uid::from_raw(user)), Some(Gid::from_raw(user)));
        chown(path, owner.0, owner.1).with_context(|| format!("chown {}", path.display()))?;
    }
    if facts.is_dir() {
        for entry in std::fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}

/// Waits for process 1, which takes all others with it, and ends it when its time is up or when
/// the memory or the disk of all together is too much.
fn watch(mut child: Child, disk: &Disk, options: &Options) -> Result<u8> {
    let start = Instant::now();
    let limits = &options.limits;
    let status = loop {
        let status = child.try_wait()?;
        // Looked at after the end, too: a command may have failed because of its full disk.
        let what = if disk.is_full() {
            format!("more than {} MiB of disk", limits.disk_mib)
        } else if let Some(status) = status {
            break status;
        } else if start.elapsed() > Duration::from_secs(limits.seconds) {
            format!("{} seconds are over", limits.seconds)
        } else if resident_kib(child.id()) > limits.memory_mib << 10 {
            format!("more than {} MiB of memory", limits.memory_mib)
        } else {
            // The kernel tells of an end, but not of memory that grows: that has to be looked at again and again.
            std::thread::sleep(LOOK);
            continue;
        };
        let _ = child.kill();
        child.wait()?;
        eprintln!("{ENDED}{what}");
        return Ok(TIME_IS_UP);
    };
    Ok(shell_status(status))
}

/// KiB of memory that `process` and all its descendants have of their own.
fn resident_kib(process: u32) -> u64 {
    let mut all: Vec<Usage> = Vec::new();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for entry in entries {
        let process = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        all.extend(process.and_then(Usage::of));
    }
    let (mut family, mut sum) = (vec![process], 0);
    while let Some(member) = family.pop() {
        let of_it = all.iter().filter(|usage| usage.process == member);
        sum += of_it.map(|usage| usage.kib).sum::<u64>();
        let children = all.iter().filter(|usage| usage.parent == member);
        family.extend(children.map(|usage| usage.process));
    }
    sum
}

/// What one process has.
struct Usage {
    process: u32,
    parent: u32,
    kib: u64,
}

impl Usage {
    /// `None` if it has ended meanwhile.
    fn of(process: u32) -> Option<Self> {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let number = |name: &str| -> Option<u64> {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse().ok()
        };
        Some(Self {
            process,
            parent: u32::try_from(number("PPid:")?).ok()?,
            kib: number("RssAnon:").unwrap_or(0), // a zombie has none
        })
    }
}
