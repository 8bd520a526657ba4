//! The accounts as people read them: times, then counts, a row a process, then the CPUs.

use super::account::Account;
use super::accounts::Accounts;
use super::columns::Table;
use super::process::Process;
use base::Time;
use std::fmt::Write as _;

/// Processes that are shown unless all are wanted.
const SHOWN: usize = 20;
/// Characters of a name.
const NAME: usize = 15;

/// The tables, or nothing if nothing is known of processes. `all`: however many processes there are.
pub fn tables(accounts: &Accounts, all: bool) -> String {
    if accounts.start().is_none() {
        return String::new();
    }
    let shown = chosen(accounts, all);
    let mut text = String::from("\nProcesses: times in virtual milliseconds\n");
    text.push_str(&times(accounts, &shown).show());
    text.push_str("\nProcesses: counts\n");
    text.push_str(&counts(accounts, &shown).show());
    let hidden = accounts.made() - shown.len() as u64;
    if hidden > 0 {
        let more = match (all, accounts.folded()) {
            (false, _) => "--all shows more",
            (true, _) => "there were too many to keep them all",
        };
        let _ = writeln!(
            text,
            "  The {} processes with most CPU time of {}; all are in the total; {more}.",
            shown.len(),
            accounts.made()
        );
    }
    text.push_str("\nCPUs: times in virtual milliseconds\n");
    text.push_str(&cpus(accounts).show());
    text
}

/// The processes with most CPU time, in the order in which they were made.
fn chosen(accounts: &Accounts, all: bool) -> Vec<&Process> {
    let mut list: Vec<(usize, &Process)> = accounts.processes().enumerate().collect();
    if !all && list.len() > SHOWN {
        list.sort_by_key(|(index, process)| (std::cmp::Reverse(process.account.running), *index));
        list.truncate(SHOWN);
        list.sort_by_key(|(index, _)| *index);
    }
    list.into_iter().map(|(_, process)| process).collect()
}

fn times(accounts: &Accounts, shown: &[&Process]) -> Table {
    let total = accounts.total();
    let stopped = total.stopped.0 > 0;
    let mut table = Table::default();
    let head = [
        "pid",
        "name",
        "arrival",
        "response",
        "running",
        "user",
        "kernel",
        "waiting",
        "blocked",
        "most of it on",
    ];
    let mut head: Vec<&str> = head.to_vec();
    if stopped {
        head.push("stopped");
    }
    head.push("turnaround");
    table.head = head.into_iter().map(str::to_owned).collect();
    table.left = vec![1, 9];
    let row = |who: [String; 2], from: [Option<Time>; 2], account: &Account, end: Option<Time>| {
        let wait = account.longest_wait();
        let mut row = Vec::from(who);
        row.extend(from.map(ms));
        let sums = [
            account.running,
            account.user,
            account.kernel(),
            account.waiting,
            account.blocked,
        ];
        row.extend(sums.map(|time| ms(Some(time))));
        row.push(wait.map_or("-".to_owned(), |wait| accounts.waits().name(wait)));
        if stopped {
            row.push(ms(Some(account.stopped)));
        }
        row.push(ms(end));
        row
    };
    for process in shown {
        table.rows.push(row(
            [process.pid.to_string(), clipped(&process.name())],
            [process.arrival, process.response()],
            &process.account,
            process.turnaround(),
        ));
    }
    let who = |name: &str| [String::new(), name.to_owned()];
    table.rows.push(row(
        who("total"),
        [None, Some(accounts.response.0)],
        &total,
        Some(accounts.turnaround.0),
    ));
    let each = |time: Time| Time(time.0 / accounts.made().max(1));
    let mean = Account {
        running: each(total.running),
        user: each(total.user),
        waiting: each(total.waiting),
        blocked: each(total.blocked),
        stopped: each(total.stopped),
        ..Account::default()
    };
    let of = |(sum, count): (Time, u64)| sum.0.checked_div(count).map(Time);
    table.rows.push(row(
        who("average"),
        [None, of(accounts.response)],
        &mean,
        of(accounts.turnaround),
    ));
    table.foot = 2;
    table
}

fn counts(accounts: &Accounts, shown: &[&Process]) -> Table {
    let cpus = accounts.cpus().len();
    let mut table = Table::default();
    let head = ["pid", "name", "voluntary", "involuntary"];
    table.head.extend(head.map(str::to_owned));
    table.groups.push((2, 2, "switches".into()));
    table.groups.push((4, cpus, "times run".into()));
    table.head.extend((0..cpus).map(|cpu| format!("CPU {cpu}")));
    table.head.push("migrations".to_owned());
    let faults = ["minor", "major", "zero", "copy-on-write", "other"];
    table
        .groups
        .push((5 + cpus, faults.len(), "page faults".into()));
    table.head.extend(faults.map(str::to_owned));
    table.left = vec![1];
    let row = |who: [String; 2], account: &Account| {
        let mut row = Vec::from(who);
        let mut put = |count: u64| row.push(count.to_string());
        put(account.voluntary());
        put(account.involuntary());
        (0..cpus).for_each(|cpu| put(account.runs.get(cpu).copied().unwrap_or(0)));
        put(account.migrations);
        let [minor, major, zero, stack, cow, spurious, bad] = account.faults;
        [minor, major, zero + stack, cow, spurious + bad]
            .into_iter()
            .for_each(put);
        row
    };
    for process in shown {
        let who = [process.pid.to_string(), clipped(&process.name())];
        table.rows.push(row(who, &process.account));
    }
    let who = [String::new(), "total".to_owned()];
    table.rows.push(row(who, &accounts.total()));
    table.foot = 1;
    table
}

fn cpus(accounts: &Accounts) -> Table {
    let mut table = Table::default();
    let head = [
        "CPU",
        "busy",
        "user",
        "idle",
        "utilization",
        "switches from idle",
    ];
    table.head.extend(head.map(str::to_owned));
    for (index, cpu) in accounts.cpus().iter().enumerate() {
        let all = (cpu.busy + cpu.idle).0.max(1);
        let percent = cpu.busy.0 as f64 * 100.0 / all as f64;
        table.rows.push(vec![
            index.to_string(),
            ms(Some(cpu.busy)),
            ms(Some(cpu.user)),
            ms(Some(cpu.idle)),
            format!("{percent:.1} %"),
            cpu.switches_from_idle.to_string(),
        ]);
    }
    table
}

/// Milliseconds with three digits: microseconds.
fn ms(time: Option<Time>) -> String {
    match time {
        Some(time) => format!("{}.{:03}", time.0 / 1_000_000, time.0 / 1_000 % 1_000),
        None => "-".to_owned(),
    }
}

fn clipped(name: &str) -> String {
    // The text is ASCII: it is escaped.
    match name.get(..NAME) {
        Some(begin) if name.len() > NAME => format!("{begin}~"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::schedule::testing::{Script, small};

    #[test]
    fn tables_are_aligned_and_add_up() {
        let text = tables(&small(), false);
        let expected = "
Processes: times in virtual milliseconds
  pid  name     arrival  response  running   user  kernel  waiting  blocked  most of it on  turnaround
    1  init       0.000     0.000    0.500  0.000   0.500    0.000    8.500  wait4                   -
    2  sh         0.400     0.100    1.200  0.000   1.200    0.600    6.800  wait4                   -
    3  <cat>      1.000     0.500    3.500  1.000   2.500    1.000    0.000  -                   4.500
    4  wc         1.200     2.300    2.200  0.000   2.200    3.100    2.000  disk                7.300
  ---  -------  -------  --------  -------  -----  ------  -------  -------  -------------  ----------
       total          -     2.900    7.400  1.000   6.400    4.700   17.300  wait4              11.800
       average        -     0.725    1.850  0.250   1.600    1.175    4.325  -                   5.900

Processes: counts
              ------ switches ------  times run          ------------- page faults --------------
  pid  name   voluntary  involuntary  CPU 0  migrations  minor  major  zero  copy-on-write  other
    1  init           1            0      1           0      0      0     0              0      0
    2  sh             2            0      2           0      0      0     0              0      0
    3  <cat>          1            1      2           0      0      1     0              0      0
    4  wc             3            1      4           0      0      0     0              1      0
  ---  -----  ---------  -----------  -----  ----------  -----  -----  ----  -------------  -----
       total          7            2      9           0      0      1     0              1      0

CPUs: times in virtual milliseconds
  CPU   busy   user   idle  utilization  switches from idle
    0  7.400  1.000  1.600       82.2 %                   2
";
        assert_eq!(text, expected);
    }

    #[test]
    fn of_many_processes_those_with_most_cpu_time_are_shown() {
        let mut run = Script::new(1, None);
        for pid in 1..=30 {
            run.fork(pid * 1000, 0, pid);
            run.switch(pid * 1000, 0, &format!("0 running idle {pid}"));
            run.switch(
                pid * 1000 + 10 * (pid % 30),
                0,
                &format!("{pid} zombie exited 0"),
            );
        }
        let accounts = run.close(40_000);
        let first = |text: String| -> Vec<String> {
            let rows = text.lines().skip(3).take_while(|line| !line.contains("--"));
            let pids = rows.map(|row| row.split_whitespace().next().unwrap().to_owned());
            pids.collect()
        };
        let few = tables(&accounts, false);
        assert!(
            few.contains("The 20 processes with most CPU time of 30;"),
            "{few}"
        );
        let wanted: Vec<_> = (10..30).map(|pid| pid.to_string()).collect();
        assert_eq!(first(few), wanted);
        assert_eq!(first(tables(&accounts, true)).len(), 30);
    }

    #[test]
    fn names_are_clipped_and_a_machine_without_processes_has_no_tables() {
        assert_eq!(clipped("exactly-fifteen"), "exactly-fifteen");
        assert_eq!(clipped("\\x1b\\x1b\\x1b\\x1b\\x1b"), "\\x1b\\x1b\\x1b\\x1~");
        assert_eq!(tables(&Accounts::new(1, None), true), "");
    }
}
