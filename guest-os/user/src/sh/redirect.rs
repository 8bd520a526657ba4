//! Redirections (POSIX 2.7): applied one after the other, undone in reverse.

use super::Shell;
use super::ast::{Action, Redirect};
use super::exec::Flow;
use abi::Errno;
use abi::fcntl::{FD_CLOEXEC, O_APPEND, O_CLOEXEC, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY};
use abi::limits::PIPE_BUF;
use rust_alloc::vec::Vec;
use ulib::bytes::show;
use ulib::sys::{self, Fd};
use ulib::{io, warn};

/// Where the shell keeps descriptors out of the script's way.
const KEPT: Fd = 10;

/// How to undo redirections: each descriptor and its former self, if it was open.
#[derive(Default)]
pub struct Saved(Vec<(Fd, Option<Fd>)>);

impl Saved {
    /// Puts everything back.
    pub fn undo(self) {
        for (fd, before) in self.0.into_iter().rev() {
            // These descriptors are the shell's own, so none of this can fail.
            match before {
                Some(before) => {
                    let _ = sys::dup2(before, fd);
                    let _ = sys::close(before);
                }
                None => {
                    let _ = sys::close(fd);
                }
            }
        }
    }

    /// Makes the redirections last, for `exec`.
    pub fn keep(self) {
        for before in self.0.into_iter().filter_map(|(_, before)| before) {
            let _ = sys::close(before);
        }
    }
}

/// Applies redirections. `None` after a complaint; those done until then are undone.
pub fn apply(shell: &mut Shell, redirects: &[Redirect]) -> Result<Option<Saved>, Flow> {
    let mut saved = Saved::default();
    if !redirects.is_empty() {
        // What is pending belongs to where output goes until now.
        let _ = io::flush();
    }
    for redirect in redirects {
        match apply_one(shell, redirect, &mut saved) {
            Ok(true) => {}
            Ok(false) => {
                saved.undo();
                return Ok(None);
            }
            Err(flow) => {
                saved.undo();
                return Err(flow);
            }
        }
    }
    Ok(Some(saved))
}

fn apply_one(shell: &mut Shell, redirect: &Redirect, saved: &mut Saved) -> Result<bool, Flow> {
    let create = O_WRONLY | O_CREAT;
    let (word, usual, flags) = match &redirect.action {
        Action::Read(word) => (word, 0, Some(O_RDONLY)),
        Action::Write(word) | Action::Clobber(word) => (word, 1, Some(create | O_TRUNC)),
        Action::Append(word) => (word, 1, Some(create | O_APPEND)),
        Action::ReadWrite(word) => (word, 0, Some(O_RDWR | O_CREAT)),
        Action::DuplicateInput(word) | Action::Here(word) => (word, 0, None),
        Action::DuplicateOutput(word) => (word, 1, None),
    };
    let target = redirect.fd.unwrap_or(usual);
    let text = shell.expand_text(word)?;
    // `set -C` protects regular files only.
    let protected = shell.flags.no_clobber
        && matches!(redirect.action, Action::Write(_))
        && sys::stat(&text).is_ok_and(|stat| stat.is_file());
    if protected {
        warn!("cannot create {}: {}", show(&text), Errno::EEXIST);
        return Ok(false);
    }
    let opened = match (flags, &redirect.action) {
        (Some(flags), _) => sys::open(&text, flags | O_CLOEXEC, 0o666).map_err(|errno| {
            let verb = if flags & O_CREAT != 0 {
                "create"
            } else {
                "open"
            };
            warn!("cannot {verb} {}: {errno}", show(&text));
        }),
        (None, Action::Here(_)) => document(&text).map_err(|errno| {
            warn!("cannot make here-document: {errno}");
        }),
        (None, _) => {
            if text == b"-" {
                save(target, saved);
                // Closing what is not open is no mistake here.
                let _ = sys::close(target);
                return Ok(true);
            }
            let source = ulib::number::parse_u64(&text).and_then(|fd| Fd::try_from(fd).ok());
            let Some(source) = source else {
                warn!("Bad fd number: {}", show(&text));
                return Ok(false);
            };
            if source == target {
                return Ok(sys::descriptor_flags(source).is_ok());
            }
            sys::dup_from(source, KEPT, true).map_err(|errno| warn!("{source}: {errno}"))
        }
    };
    let Ok(opened) = opened else {
        return Ok(false);
    };
    if opened == target {
        // The descriptor was free, so it is where it belongs already.
        saved.0.push((target, None));
        let _ = sys::set_descriptor_flags(target, 0);
        return Ok(true);
    }
    save(target, saved);
    become_fd(opened, target);
    Ok(true)
}

/// Remembers a descriptor, with a copy that programs do not inherit.
fn save(fd: Fd, saved: &mut Saved) {
    let before = sys::dup_from(fd, KEPT, true).ok();
    saved.0.push((fd, before));
}

/// Moves a descriptor to a number, where programs inherit it.
pub fn become_fd(from: Fd, to: Fd) {
    if from == to {
        let _ = sys::set_descriptor_flags(to, 0);
        return;
    }
    // `from` is open and `to` below the limit, or the program misses it and says so.
    let _ = sys::dup2(from, to);
    let _ = sys::close(from);
}

/// A descriptor to read a document from. A long one needs a process to write it.
fn document(text: &[u8]) -> Result<Fd, Errno> {
    let (reader, writer) = sys::pipe2(O_CLOEXEC)?;
    if text.len() > PIPE_BUF && ulib::process::fork()?.is_none() {
        let _ = sys::close(reader);
        let done = io::write_all(writer, text);
        sys::exit(i32::from(done.is_err()));
    }
    if text.len() <= PIPE_BUF {
        io::write_all(writer, text)?;
    }
    sys::close(writer)?;
    sys::set_descriptor_flags(reader, FD_CLOEXEC)?;
    Ok(reader)
}
