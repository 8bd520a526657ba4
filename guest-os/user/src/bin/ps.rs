//! ps: lists processes.

#![no_std]
#![no_main]

use ulib::prelude::*;
use ulib::sys;
use user::accounts::Accounts;
use user::proc::{Process, processes};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-aAefl] [-p PID]",
    short: "aAefluxwp:",
    long: &[("pid", b'p')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    // `ps aux` and `ps ax` come without a dash.
    let mut args = args.to_vec();
    let bsd = args
        .get(1)
        .is_some_and(|arg| arg.iter().all(|b| b"auxwef".contains(b)));
    if bsd && let Some(letters) = args.get(1) {
        let everything = letters.contains(&b'x') || letters.contains(&b'a');
        args[1] = if everything { b"-ef" } else { b"-f" };
    }
    let options = Options::parse(&args, &SPEC);
    let mut found = match processes() {
        Ok(found) => found,
        Err(errno) => die!(1, "/proc: {errno}"),
    };
    let own = i64::from(sys::getpid());
    let terminal = found
        .iter()
        .find(|process| process.pid == own)
        .map_or(0, |own| own.terminal);
    if let Some(pid) = options.parsed(b'p', "process id", ulib::number::parse_i64) {
        found.retain(|process| process.pid == pid);
    } else if !options.has(b'e') && !options.has(b'A') && !options.has(b'x') {
        // Those of this terminal; without one, those without one.
        found.retain(|process| process.terminal == terminal);
    }
    if options.has(b'f') {
        full(&found);
    } else if options.has(b'l') {
        long(&found);
    } else {
        println!("    PID TTY          TIME CMD");
        for process in &found {
            println!(
                "{:7} {:<8} {} {}",
                process.pid,
                terminal_name(process.terminal),
                time(process.ticks),
                show(&process.name)
            );
        }
    }
    i32::from(found.is_empty())
}

fn full(found: &[Process]) {
    let users = Accounts::users();
    println!("UID          PID    PPID S TTY          TIME CMD");
    for process in found {
        let path = format!("/proc/{}", process.pid);
        let uid = sys::stat(path.as_bytes()).map_or(0, |stat| stat.uid);
        println!(
            "{:<8} {:7} {:7} {} {:<8} {} {}",
            show(&users.name(uid)),
            process.pid,
            process.parent,
            show(&[process.state]),
            terminal_name(process.terminal),
            time(process.ticks),
            show(&process.command())
        );
    }
}

fn long(found: &[Process]) {
    println!("S     PID    PPID    PGID     SID    VSZ    RSS TTY          TIME CMD");
    for process in found {
        println!(
            "{} {:7} {:7} {:7} {:7} {:6} {:6} {:<8} {} {}",
            show(&[process.state]),
            process.pid,
            process.parent,
            process.group,
            process.session,
            process.size / 1024,
            process.resident * 4,
            terminal_name(process.terminal),
            time(process.ticks),
            show(&process.name)
        );
    }
}

/// Names of the terminals by their device numbers.
fn terminal_name(device: i64) -> String {
    let (major, minor) = (device >> 8 & 0xfff, device & 0xff);
    match major {
        0 => "?".into(),
        4 if minor >= 64 => format!("ttyS{}", minor - 64),
        4 => format!("tty{minor}"),
        5 => "console".into(),
        136..=143 => format!("pts/{}", (major - 136) * 256 + minor),
        _ => format!("{major}:{minor}"),
    }
}

fn time(ticks: u64) -> String {
    let seconds = ticks / 100;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
