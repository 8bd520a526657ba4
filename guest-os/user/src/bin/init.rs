//! init: the first process.
//!
//! Started as `init` it keeps a shell running on the console. Given a line, as `init run LINE` or by
//! `run="LINE"` on the kernel's command line, it runs that line on the machine's standard streams and
//! then switches the machine off with the line's status ([`abi::boot::ExitWord`]). Either way it waits
//! for every orphan, because no one else can.

#![no_std]
#![no_main]

use abi::boot::{ExitWord, STDIO_PORTS, key};
use abi::fcntl::{O_RDONLY, O_RDWR, O_WRONLY};
use abi::reboot::POWER_OFF;
use abi::wait::{Ended, WaitStatus};
use ulib::prelude::*;
use ulib::{env, fs, sys};

ulib::main!(main);

const SHELL: &[u8] = b"/bin/sh";
const CONSOLE: &[u8] = b"/dev/console";

fn main(args: &ulib::Args) -> i32 {
    for (name, value) in [("PATH", "/bin"), ("HOME", "/root"), ("TERM", "vt100")] {
        if env::get(name.as_bytes()).is_none() {
            env::set(name.as_bytes(), value.as_bytes());
        }
    }
    let line = match args {
        [_, b"run", line] => Some(line.to_vec()),
        _ => line_of_kernel(),
    };
    match line {
        Some(line) => run(&line),
        None => keep_shell(),
    }
}

/// Runs one line and switches the machine off.
fn run(line: &[u8]) -> ! {
    for (fd, name) in STDIO_PORTS.iter().enumerate() {
        let path = ["/dev/virtio-ports/", name].concat();
        let mode = if fd == 0 { O_RDONLY } else { O_WRONLY };
        become_descriptor(path.as_bytes(), mode, fd as sys::Fd);
    }
    let word = match start(&[SHELL, b"-c", line], || {}) {
        Ok(shell) => match wait_for(shell).ended() {
            Ended::Exited(code) => ExitWord::exited(code),
            Ended::Signaled(signal) => ExitWord::signaled(signal),
            Ended::Stopped(_) | Ended::Continued => ExitWord::exited(1),
        },
        Err(errno) => {
            warn!("cannot start {}: {errno}", show(SHELL));
            ExitWord::exited(127)
        }
    };
    switch_off(word)
}

/// Starts a shell on the console, again and again.
fn keep_shell() -> ! {
    for fd in 0..3 {
        become_descriptor(CONSOLE, O_RDWR, fd);
    }
    loop {
        let shell = start(&[SHELL], || {
            // A console that cannot be a controlling terminal only lacks Ctrl-C.
            let _ = sys::setsid();
            let _ = sys::set_controlling_terminal(0);
        });
        match shell {
            Ok(shell) => {
                wait_for(shell);
            }
            Err(errno) => {
                warn!("cannot start {}: {errno}", show(SHELL));
                switch_off(ExitWord::exited(127));
            }
        }
    }
}

/// Opens a file as descriptor `fd`; the console where it does not exist.
fn become_descriptor(path: &[u8], mode: u32, fd: sys::Fd) {
    let opened = sys::open(path, mode, 0).or_else(|_| sys::open(CONSOLE, O_RDWR, 0));
    if let Ok(opened) = opened
        && opened != fd
    {
        // A descriptor that cannot be set up is missed by the program that uses it.
        let _ = sys::dup2(opened, fd);
        let _ = sys::close(opened);
    }
}

/// Starts a program after `prepare` has run in its process.
fn start(args: &[&[u8]], prepare: impl FnOnce()) -> sys::Result<sys::Pid> {
    if let Some(pid) = sys::fork()? {
        return Ok(pid);
    }
    prepare();
    let errno = sys::execve(args[0], args, &env::all());
    die!(127, "{}: {errno}", show(args[0]));
}

/// Waits until `pid` has ended, reaping every orphan that ends meanwhile.
fn wait_for(pid: sys::Pid) -> WaitStatus {
    loop {
        match sys::wait4(-1, 0) {
            Ok(Some((ended, status))) if ended == pid => return status,
            Err(Errno::ECHILD) => return WaitStatus::exited(127),
            _ => {}
        }
    }
}

fn switch_off(word: ExitWord) -> ! {
    let refused = sys::reboot(POWER_OFF, word.0);
    die!(1, "cannot switch off: {refused:?}");
}

/// The value of `run=` on the kernel's command line.
fn line_of_kernel() -> Option<Vec<u8>> {
    let text = fs::read_file(b"/proc/cmdline").ok()?;
    let mut rest = &text[..];
    while !rest.is_empty() {
        let (token, after) = token(rest);
        let value = token
            .strip_prefix(key::RUN.as_bytes())
            .and_then(|t| t.strip_prefix(b"="));
        if let Some(value) = value {
            return Some(value.to_vec());
        }
        rest = after;
    }
    None
}

/// The first token with its quotes and backslashes resolved, and what follows it.
fn token(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut out = Vec::new();
    let mut quoted = false;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                out.extend(text.get(at));
                at += 1;
            }
            b' ' | b'\n' if !quoted => break,
            _ => out.push(*byte),
        }
    }
    (out, &text[at.min(text.len())..])
}
