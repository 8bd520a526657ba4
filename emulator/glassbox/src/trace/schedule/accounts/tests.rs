//! The books, filled from runs written by hand.

use super::keep::MOST_SPANS;
use super::*;
use crate::trace::schedule::process::Wait;
use crate::trace::schedule::testing::{Script, small};

fn find(accounts: &Accounts, pid: u32) -> &Process {
    accounts.processes().find(|p| p.pid == pid).expect("known")
}

/// CPUs were busy or idle all the time, and processes did one thing at a time.
fn check(accounts: &Accounts) {
    let all = accounts.end() - accounts.start().unwrap();
    for cpu in accounts.cpus() {
        assert_eq!(cpu.busy + cpu.idle, all);
    }
    let busy = accounts.cpus().iter().fold(Time(0), |sum, c| sum + c.busy);
    assert_eq!(busy, accounts.total().running);
    for process in accounts.processes() {
        let end = process.completion.unwrap_or(accounts.end());
        if let Some(arrival) = process.arrival {
            assert_eq!(end - arrival, process.account.lifetime(), "{process:?}");
        }
    }
}

#[test]
fn times_are_those_of_the_textbooks() {
    let accounts = small();
    check(&accounts);
    let cat = find(&accounts, 3);
    assert_eq!(cat.turnaround(), Some(Time(4_500_000)));
    assert_eq!(cat.response(), Some(Time(500_000)));
    assert_eq!(cat.account.running, Time(3_500_000));
    assert_eq!(cat.account.user, Time(1_000_000));
    assert_eq!(cat.account.waiting, Time(1_000_000));
    assert_eq!(cat.account.zombie, Time(600_000));
    assert_eq!((cat.account.voluntary(), cat.account.involuntary()), (1, 1));
    assert_eq!(cat.account.faults[1], 1);
    let wc = find(&accounts, 4);
    assert_eq!(wc.account.blocked, Time(2_000_000));
    assert_eq!(wc.account.runs, [4]);
    assert_eq!(
        accounts.waits().name(wc.account.longest_wait().unwrap()),
        "disk"
    );
    assert_eq!(find(&accounts, 2).turnaround(), None);
    assert_eq!(accounts.turnaround, (Time(4_500_000 + 7_300_000), 2));
}

#[test]
fn one_woken_before_it_has_left_its_cpu_waits() {
    let mut run = Script::new(2, None);
    run.fork(0, 0, 1).switch(10, 0, "0 running idle 1");
    // The switch was decided upon before the other CPU woke it.
    run.event(20, 0, "sched_sleep", &[1, 0], "disk")
        .wake(21, 1, 1)
        .switch(22, 0, "1 sleeping blocked disk 0")
        .switch(30, 0, "0 running idle 1");
    // A wakeup that has had its effect does not count for the next sleep.
    run.wake(35, 1, 1)
        .event(40, 0, "sched_sleep", &[1, 0], "disk")
        .switch(41, 0, "1 sleeping blocked disk 0");
    let accounts = run.close(100);
    check(&accounts);
    let account = &find(&accounts, 1).account;
    assert_eq!(account.waiting, Time(10 + 8));
    assert_eq!(account.blocked, Time(59));
    assert_eq!(account.blocked_on.len(), 1);
}

#[test]
fn a_child_may_be_waited_for_before_it_has_left_its_cpu() {
    let mut run = Script::new(2, None);
    run.fork(0, 0, 1)
        .fork(0, 1, 2)
        .switch(5, 0, "0 running idle 1")
        .switch(5, 1, "0 running idle 2")
        .reap(10, 1, 2)
        .switch(12, 1, "2 zombie exited 0")
        .fork(20, 1, 2)
        .switch(25, 1, "0 running idle 2");
    let accounts = run.close(30);
    check(&accounts);
    let twice: Vec<_> = accounts.processes().filter(|p| p.pid == 2).collect();
    assert_eq!(twice[0].turnaround(), Some(Time(12)));
    assert_eq!(twice[0].account.zombie, Time(0));
    assert_eq!(twice[1].account.running, Time(5));
}

#[test]
fn a_stop_is_neither_waiting_nor_blocked_and_choosing_the_first_cpu_is_no_move() {
    let mut run = Script::new(2, None);
    run.event(0, 0, "process_fork", &[1, 2], "")
        .event(0, 0, "sched_migrate_task", &[2, 0, 1], "")
        .event(0, 0, "sched_wakeup_new", &[2, 1, 1], "")
        .switch(5, 1, "0 running idle 2")
        .switch(10, 1, "2 stopped stopped 0")
        .event(30, 0, "sched_migrate_task", &[2, 1, 0], "")
        .wake(30, 0, 2)
        .switch(31, 0, "0 running idle 2");
    let accounts = run.close(40);
    check(&accounts);
    let account = &find(&accounts, 2).account;
    assert_eq!(account.stopped, Time(20));
    assert_eq!((account.waiting, account.blocked), (Time(6), Time(0)));
    assert_eq!(account.migrations, 1);
    assert_eq!(account.runs, [1, 1]);
}

#[test]
fn thousands_of_processes_are_added_up_and_those_with_most_cpu_time_kept() {
    let mut run = Script::charted(1);
    run.fork(0, 0, 1);
    let count = 3 * KEPT as u64;
    for n in 0..count {
        let (time, pid) = (n * 1000, 2 + n % 100);
        run.fork(time, 1, pid)
            .switch(time + 10, 0, &format!("0 running idle {pid}"))
            .switch(time + 20 + n % 512, 0, &format!("{pid} zombie exited 0"))
            .reap(time + 900, 1, pid);
    }
    let accounts = run.close(count * 1000);
    check(&accounts);
    assert_eq!(accounts.made(), count + 1);
    let kept = accounts.processes().count() as u64;
    assert!(kept <= 2 * KEPT as u64 + 2, "{kept}");
    assert_eq!(accounts.folded() + kept, count + 1);
    assert_eq!(accounts.total().switches[3], count);
    assert!(accounts.processes().any(|p| p.account.running == Time(521)));
}

#[test]
fn timelines_are_thinned_when_there_are_too_many_spans() {
    let mut run = Script::charted(1);
    run.fork(0, 0, 1);
    for n in 1..MOST_SPANS as u64 {
        run.switch(n * 1000, 0, "0 running idle 1")
            .switch(n * 1000 + 300, 0, "1 sleeping blocked disk 0")
            .wake(n * 1000 + 900, 0, 1);
    }
    let accounts = run.close(MOST_SPANS as u64 * 1000);
    check(&accounts);
    assert!(accounts.grain() >= Time::micros(1));
    assert!(find(&accounts, 1).timeline.spans().len() <= MOST_SPANS);
}

#[test]
fn nonsense_is_survived_and_time_still_adds_up() {
    let mut seed = 1u64;
    let mut next = |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % n
    };
    let names = [
        "sched_switch",
        "sched_sleep",
        "sched_wakeup",
        "sched_wakeup_new",
        "sched_migrate_task",
        "process_fork",
        "process_exec",
        "process_exit",
        "process_wait",
        "page_fault",
    ];
    for window in [None, Some(Time(5_000)..Time(40_000))] {
        let mut run = Script::new(2, window);
        for time in 0..50_000 {
            let name = names[next(10) as usize];
            let args: Vec<u64> = (0..6)
                .map(|_| [next(6), next(1 << 40)][next(2) as usize])
                .collect();
            run.event(time, next(3) as u8, name, &args, "\x1b[2J");
            if next(4) == 0 {
                run.user(time, time, next(3) as u8);
            }
        }
        let accounts = run.close(60_000);
        let all = accounts.end() - accounts.start().unwrap();
        for cpu in accounts.cpus() {
            assert_eq!(cpu.busy + cpu.idle, all);
        }
    }
}

#[test]
fn more_live_processes_than_there_can_be_are_not_believed() {
    let mut run = Script::charted(1);
    for pid in 1..MOST_ALIVE as u64 + 1000 {
        run.event(pid, 0, "sched_wakeup_new", &[pid, 0, 0], "");
    }
    let accounts = run.close(1 << 20);
    assert_eq!(accounts.made(), MOST_ALIVE as u64);
    assert_eq!(find(&accounts, 7).phase(), Phase::Waiting);
    assert_ne!(find(&accounts, 7).phase(), Phase::Blocked(Wait(0)));
}
