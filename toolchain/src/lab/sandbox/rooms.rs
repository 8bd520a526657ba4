//! The inner stage of the sandbox, process 1 of its namespaces: builds the folders that the command
//! sees, gives up every privilege, and starts it.

use std::fs::{File, create_dir_all};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{Gid, Uid, getegid, geteuid, pivot_root, setgroups, setresgid, setresuid};

use super::{NO_SANDBOX, Options, WORK, shell_status};

/// Folder in the work folder that becomes `/`: any folder would do, this one is ours to make.
pub const ROOT: &str = ".root";
/// Variable that tells this stage which user to become, if the outer stage was root.
pub const USER: &str = "XTASK_SANDBOX_USER";

/// What every command may read, if the host has it.
const SYSTEM: [&str; 8] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
];
/// The devices that a program expects.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
const NOTHING: Option<&str> = None;

/// Runs the command and returns the status to end with.
pub fn run(options: &Options) -> Result<u8> {
    if let Err(error) = furnish(options).and_then(|()| step_down(options)) {
        eprintln!("xtask: this host lets no sandbox be built: {error:#}");
        return Ok(NO_SANDBOX);
    }
    let mut command = Command::new(&options.command[0]);
    command.args(&options.command[1..]).env_clear();
    command.current_dir(&options.directory);
    for pair in &options.env {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        command.env(name, value);
    }
    match command.status() {
        Ok(status) => Ok(shell_status(status)),
        Err(error) => {
            eprintln!(
                "xtask: cannot start {}: {error}",
                options.command[0].display()
            );
            Ok(127)
        }
    }
}

/// Builds the root folder and moves into it.
fn furnish(options: &Options) -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL).context("prctl")?;
    unshare(CloneFlags::CLONE_NEWNS).context("unshare")?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(NOTHING, "/", NOTHING, private, NOTHING).context("private mounts")?;
    let work = std::path::absolute(&options.work)?;
    let root = work.join(ROOT);
    let safe = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let small = Some("size=1m,mode=755");
    mount(Some("tmpfs"), &root, Some("tmpfs"), safe, small).context("tmpfs")?;

    let inside = |path: &str| -> Result<PathBuf> {
        let path = root.join(path);
        create_dir_all(&path)?;
        Ok(path)
    };
    // First, because what is shown may lie below it.
    let space = Some("size=256m,mode=1777");
    mount(Some("tmpfs"), &inside("tmp")?, Some("tmpfs"), safe, space).context("/tmp")?;
    for path in SYSTEM.iter().map(Path::new) {
        show(path, &root)?;
    }
    for path in &options.see {
        show(&std::path::absolute(path)?, &root)?;
    }
    bind(
        &work,
        &inside(WORK.trim_start_matches('/'))?,
        MsFlags::empty(),
    )?;
    let proc = safe | MsFlags::MS_NOEXEC;
    mount(Some("proc"), &inside("proc")?, Some("proc"), proc, NOTHING).context("/proc")?;
    let devices = inside("dev")?;
    for name in DEVICES {
        let (from, to) = (Path::new("/dev").join(name), devices.join(name));
        File::create(&to)?;
        mount(Some(&from), &to, NOTHING, MsFlags::MS_BIND, NOTHING)
            .with_context(|| from.display().to_string())?;
    }

    let old = inside("old")?;
    pivot_root(&root, &old).context("pivot_root")?;
    std::env::set_current_dir("/")?;
    umount2("/old", MntFlags::MNT_DETACH).context("leaving the host's folders")?;
    std::fs::remove_dir("/old")?;
    let closed = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | safe;
    mount(NOTHING, "/", NOTHING, closed, NOTHING).context("read-only /")
}

/// Makes `path` of the host readable at the same path below `root`.
fn show(path: &Path, root: &Path) -> Result<()> {
    let Ok(facts) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    let to = root.join(path.strip_prefix("/").unwrap_or(path));
    if let Some(parent) = to.parent() {
        create_dir_all(parent)?;
    }
    // A host whose /bin is a link into /usr gets the same link.
    if facts.is_symlink() {
        return Ok(symlink(std::fs::read_link(path)?, &to)?);
    }
    if facts.is_dir() {
        create_dir_all(&to)?;
    } else {
        File::create(&to)?;
    }
    bind(path, &to, MsFlags::MS_RDONLY)
}

/// Mounts `from` at `to` with `flags`, and without set-user-id bits and devices.
fn bind(from: &Path, to: &Path, flags: MsFlags) -> Result<()> {
    let bound = || -> nix::Result<()> {
        let all = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(Some(from), to, NOTHING, all, NOTHING)?;
        let mut flags = flags | MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        // A user's own namespace may add to the flags of a mount, never take one away.
        if statvfs(to)?.flags().contains(FsFlags::ST_NOEXEC) {
            flags |= MsFlags::MS_NOEXEC;
        }
        let again = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | flags;
        mount(NOTHING, to, NOTHING, again, NOTHING)
    };
    bound().with_context(|| format!("showing {}", from.display()))
}

/// Becomes a user without any privilege, in a namespace of its own that can have no other in it.
fn step_down(options: &Options) -> Result<()> {
    if let Ok(user) = std::env::var(USER) {
        let user: u32 = user.parse()?;
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(user));
        setgroups(&[]).context("setgroups")?;
        setresgid(group, group, group).context("setgid")?;
        setresuid(user, user, user).context("setuid")?;
        // Changing the user took away the right to write to our own /proc/self.
        prctl::set_dumpable(true).context("prctl")?;
    }
    let (user, group) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER).context("unshare")?;
    map_ids(user, group, 1000)?;
    std::fs::write("/proc/sys/user/max_user_namespaces", "0")
        .context("forbidding further namespaces")?;
    prctl::set_no_new_privs().context("prctl")?;
    prctl::set_pdeathsig(Signal::SIGKILL).context("prctl")?;
    options.limits.impose()
}

/// Says who the user and the group, alone in the new user namespace, are inside it.
pub fn map_ids(user: Uid, group: Gid, inside: u32) -> Result<()> {
    std::fs::write("/proc/self/setgroups", "deny").context("setgroups")?;
    std::fs::write("/proc/self/uid_map", format!("{inside} {user} 1")).context("uid_map")?;
    std::fs::write("/proc/self/gid_map", format!("{inside} {group} 1")).context("gid_map")
}
