//! Jobs: wait, jobs, fg, bg, kill.

use super::super::Shell;
use super::super::jobs::ended_text;
use super::Result;
use abi::signal::SIGCONT;
use rust_alloc::vec::Vec;
use ulib::bytes::show;
use ulib::{sys, warn};

pub fn wait(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let mut status = 0;
    if words.len() == 1 {
        while let Some(running) = shell.jobs.list.iter().position(|job| !job.stopped) {
            shell.wait_job(running);
        }
    }
    for name in &words[1..] {
        status = match shell.jobs.find(name) {
            Some(index) => shell.wait_job(index),
            None => 127,
        };
    }
    Ok(status)
}

pub fn jobs(shell: &mut Shell, _: &[Vec<u8>]) -> Result {
    shell.jobs.poll();
    for job in &shell.jobs.list {
        let last = job.processes.last().and_then(|(_, status)| *status);
        let state = match last {
            _ if job.stopped => "Stopped".into(),
            None => "Running".into(),
            Some(status) => ended_text(status),
        };
        ulib::println!("[{}] {} {state}", job.number, job.pid());
    }
    shell.jobs.list.retain(|job| !job.is_done());
    Ok(0)
}

/// The job an argument names, or a complaint.
fn job(shell: &Shell, words: &[Vec<u8>]) -> Option<usize> {
    let name = words.get(1).map_or(&b""[..], Vec::as_slice);
    let found = shell.jobs.find(name);
    if found.is_none() {
        warn!("{}: No such job: {}", show(&words[0]), show(name));
    }
    found
}

pub fn foreground(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    match job(shell, words) {
        Some(index) => Ok(shell.bring_to_foreground(index)),
        None => Ok(2),
    }
}

pub fn background(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let Some(index) = job(shell, words) else {
        return Ok(2);
    };
    let job = &mut shell.jobs.list[index];
    job.stopped = false;
    ulib::println!("[{}] {}", job.number, job.pid());
    match sys::kill(-job.group.unwrap_or(-job.pid()), SIGCONT) {
        Ok(()) => Ok(0),
        Err(errno) => {
            warn!("bg: {errno}");
            Ok(1)
        }
    }
}

/// kill, with `%N` for jobs.
pub fn kill(shell: &mut Shell, words: &[Vec<u8>]) -> Result {
    let mut args: Vec<Vec<u8>> = words[1..].to_vec();
    for arg in &mut args {
        if arg.starts_with(b"%")
            && let Some(index) = shell.jobs.find(arg)
        {
            let job = &shell.jobs.list[index];
            *arg =
                rust_alloc::format!("{}", job.group.map_or(job.pid(), |group| -group)).into_bytes();
            // What starts with a minus sign needs to be told from an option.
        }
    }
    Ok(crate::kill::run(&args))
}
