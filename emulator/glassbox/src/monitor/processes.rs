//! The table of processes: `info ps`, and Ctrl-A p while the guest runs. Like xv6's Ctrl-P, but from outside.

use crate::trace::tasks::{Task, TaskState, Tasks};
use base::Time;
use std::fmt::Write;

/// Adds the table of the processes at `now` to `text`.
pub fn table(tasks: &Tasks, now: Time, text: &mut String) {
    let rows: Vec<_> = tasks
        .present()
        .map(|(pid, task)| {
            (
                pid,
                task.parent,
                state(task),
                task.cpu_time(now),
                tasks.comm(pid),
            )
        })
        .collect();
    if rows.is_empty() {
        text.push_str(
            "no processes: none were made yet, or this kernel has no probes that tell of them\n",
        );
        return;
    }
    let width = rows.iter().map(|row| row.2.len()).max().unwrap_or(0).max(5);
    let _ = writeln!(
        text,
        "{:>5} {:>5}  {:<width$}  {:>13}  NAME",
        "PID", "PPID", "STATE", "CPU TIME"
    );
    for (pid, parent, state, time, name) in rows {
        let time = time.to_string();
        let _ = writeln!(
            text,
            "{pid:>5} {parent:>5}  {state:<width$}  {time:>13}  {name}"
        );
    }
}

/// What a process is doing, in words that cannot act on a terminal.
pub fn state(task: &Task) -> String {
    match task.state {
        TaskState::New => "new".into(),
        TaskState::Runnable => "runnable".into(),
        TaskState::Running { cpu } => format!("running on CPU {cpu}"),
        TaskState::Sleeping if task.wait.is_empty() => "sleeping".into(),
        TaskState::Sleeping => format!("sleeping on {}", task.wait.escape_ascii()),
        TaskState::Stopped => "stopped".into(),
        TaskState::Zombie => "zombie".into(),
        TaskState::Gone => "gone".into(),
    }
}
