//! The text of made-up runs.

use super::*;
use crate::trace::expression;
use crate::trace::model::Meta;
use crate::trace::pipe::Pipe;
use crate::trace::select::Select;
use abi::isa::Isa;
use abi::nr;
use base::event::PROBE_ARGS;
use std::cell::RefCell;
use std::rc::Rc;

/// A place to write to that can be read afterwards.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A run: records in order, a microsecond apart.
#[derive(Default)]
struct Run {
    records: Vec<Record>,
}

impl Run {
    fn push(&mut self, pid: u32, body: Body) -> &mut Self {
        let time = Time::micros(1_000_000 + self.records.len() as u64);
        self.records.push(Record {
            time,
            cpu: 0,
            pid,
            body,
        });
        self
    }

    fn enter(&mut self, pid: u32, number: u64, args: [u64; 6]) -> &mut Self {
        let memory = [(100, &b"text\0"[..])].into_iter().collect();
        self.push(
            pid,
            Body::SysEnter {
                number,
                args,
                memory,
            },
        )
    }

    fn exit(&mut self, pid: u32, number: u64, result: i64) -> &mut Self {
        let memory = [(100, &b"text\0"[..])].into_iter().collect();
        self.push(
            pid,
            Body::SysExit {
                number,
                result,
                memory,
            },
        )
    }

    fn kernel(&mut self, pid: u32, probe: &str, values: &[(&str, u64)]) -> &mut Self {
        let index = abi::probe::PROBES
            .iter()
            .position(|p| p.name == probe)
            .unwrap();
        let mut args = [0; PROBE_ARGS];
        for (name, value) in values {
            args[abi::probe::PROBES[index].position(name).unwrap()] = *value;
        }
        self.push(
            pid,
            Body::Kernel {
                probe: index as u8,
                pc: 0,
                args,
                texts: Vec::new(),
            },
        )
    }

    fn ends(&mut self, pid: u32, status: u64) -> &mut Self {
        self.kernel(
            pid,
            "process_exit",
            &[("pid", pid.into()), ("status", status)],
        )
    }

    /// The text with these settings and expressions.
    fn shown(&self, settings: Settings, expressions: &[&str]) -> String {
        let expressions: Vec<String> = expressions.iter().map(|e| (*e).to_owned()).collect();
        let wishes = expression::parse(Isa::X86_64, &expressions).unwrap();
        let out = Shared::default();
        let select = Select {
            kinds: wishes.kinds,
            calls: wishes.calls.clone(),
            pids: settings.pids.clone(),
            ..Select::default()
        };
        let meta = Meta {
            cpus: 1,
            strings: 32,
            calendar: 86_399,
            ..Meta::default()
        };
        let settings = Settings {
            strings: 32,
            wishes,
            ..settings
        };
        let mut pipe = Pipe::new(meta, select, Box::new(Strace::new(out.clone(), settings)));
        self.records.iter().for_each(|record| pipe.record(record));
        pipe.finish().unwrap();
        let bytes = out.0.borrow().clone();
        String::from_utf8(bytes).unwrap()
    }
}

fn lines() -> Settings {
    Settings {
        lines: true,
        ..Settings::default()
    }
}

fn to_file() -> Settings {
    Settings {
        to_file: true,
        ..lines()
    }
}

/// Two processes that talk at the same time.
fn two() -> Run {
    let mut run = Run::default();
    run.enter(7, nr::FORK, [0; 6])
        .kernel(7, "process_fork", &[("parent_pid", 7), ("child_pid", 8)])
        .exit(7, nr::FORK, 8)
        .enter(7, nr::READ, [0, 100, 5, 0, 0, 0])
        .enter(8, nr::CLOSE, [3, 0, 0, 0, 0, 0])
        .exit(8, nr::CLOSE, 0)
        .enter(8, nr::PIPE, [0; 6])
        .exit(7, nr::READ, 4)
        .exit(8, nr::PIPE, -14)
        .enter(8, nr::EXIT_GROUP, [3, 0, 0, 0, 0, 0])
        .ends(8, 3 << 8)
        .kernel(
            8,
            "signal_generate",
            &[
                ("pid", 7),
                ("signal", 17),
                ("sender_pid", 8),
                ("code", 1),
                ("status", 3),
                ("ignored", 1),
            ],
        )
        .enter(7, nr::CLOSE, [1, 0, 0, 0, 0, 0])
        .exit(7, nr::CLOSE, 0);
    run
}

#[test]
fn lines_are_cut_when_another_process_speaks() {
    assert_eq!(
        two().shown(to_file(), &[]),
        "\
7     fork()                            = 8
7     read(0,  <unfinished ...>
8     close(3)                          = 0
8     pipe( <unfinished ...>
7     <... read resumed>\"text\", 5)      = 4
8     <... pipe resumed>NULL)           = -1 EFAULT (Bad address)
8     exit_group(3)                     = ?
8     +++ exited with 3 +++
7     --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8, si_uid=0, si_status=3, si_utime=0, si_stime=0} ---
7     close(1)                          = 0
"
    );
}

#[test]
fn on_a_terminal_processes_are_named_while_there_are_several() {
    assert_eq!(
        two().shown(lines(), &["trace=fork,close", "signal=none"]),
        "\
fork()                                  = 8
[pid     8] close(3)                    = 0
[pid     8] +++ exited with 3 +++
close(1)                                = 0
"
    );
    let one = Settings {
        pids: [8].into(),
        ..to_file()
    };
    assert_eq!(
        two().shown(one, &[]),
        "\
close(3)                                = 0
pipe(NULL)                              = -1 EFAULT (Bad address)
exit_group(3)                           = ?
+++ exited with 3 +++
"
    );
}

#[test]
fn stamps_and_times_stand_where_strace_puts_them() {
    let first = |clock, relative, times| {
        let settings = Settings {
            stamps: Stamps { clock, relative },
            times,
            ..lines()
        };
        let text = two().shown(settings, &["trace=close", "quiet=exit", "signal=none"]);
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        first(1, false, false)[0],
        "[pid     8] 00:00:00 close(3)           = 0"
    );
    assert_eq!(
        first(2, false, true)[0],
        "[pid     8] 00:00:00.000004 close(3)    = 0 <0.000001>"
    );
    assert_eq!(
        first(3, false, false)[1],
        "86400.000012 close(1)                   = 0"
    );
    assert_eq!(
        first(0, true, false)[0],
        "[pid     8]      0.000000 close(3)      = 0"
    );
    assert_eq!(
        first(0, true, false)[1],
        "     0.000008 close(1)                  = 0"
    );
    assert_eq!(
        first(1, true, false)[1],
        "00:00:00 (+     0.000008) close(1)      = 0"
    );
}

#[test]
fn statuses_choose_whole_lines() {
    let with = |status| two().shown(to_file(), &[status, "signal=none", "quiet=exit"]);
    assert_eq!(
        with("status=failed"),
        "8     pipe(NULL)                        = -1 EFAULT (Bad address)\n"
    );
    assert_eq!(
        with("status=unfinished"),
        "8     exit_group(3)                     = ?\n"
    );
    assert_eq!(with("status=!successful").lines().count(), 2);
    assert_eq!(with("status=successful").lines().count(), 4);
}

#[test]
fn deaths_cut_calls_short() {
    let mut run = Run::default();
    run.enter(5, nr::READ, [0, 100, 5, 0, 0, 0]).ends(5, 9);
    let text = "\
5     read(0,  <unfinished ...>)        = ?
5     +++ killed by SIGKILL +++
";
    assert_eq!(run.shown(to_file(), &[]), text);
    let kill = [("pid", 5), ("signal", 9), ("sender_pid", 1)];
    let mut run = Run::default();
    run.enter(5, nr::READ, [0, 100, 5, 0, 0, 0])
        .kernel(1, "signal_generate", &kill)
        .exit(5, nr::READ, -512)
        .ends(5, 9);
    assert_eq!(run.shown(to_file(), &[]), text);
    let mut run = Run::default();
    let segv = [("pid", 5), ("signal", 11), ("code", 1), ("addr", 16)];
    run.enter(5, nr::GETPID, [0; 6])
        .exit(5, nr::GETPID, 5)
        .kernel(5, "signal_deliver", &segv)
        .ends(5, 11);
    assert_eq!(
        run.shown(to_file(), &[]),
        "\
5     getpid()                          = 5
5     --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10} ---
5     +++ killed by SIGSEGV +++
"
    );
    let mut run = Run::default();
    run.kernel(
        5,
        "signal_deliver",
        &[("pid", 5), ("signal", 20), ("sender_pid", 1)],
    );
    assert!(
        run.shown(to_file(), &[])
            .ends_with("5     --- stopped by SIGTSTP ---\n")
    );
    assert_eq!(run.shown(to_file(), &["signal=!tstp"]), "");
}

#[test]
fn a_call_that_never_ends_is_unfinished_and_one_without_a_beginning_is_left_out() {
    let mut run = Run::default();
    run.exit(1, nr::READ, 4).enter(
        1,
        nr::REBOOT,
        [0xfee1_dead, 672_274_793, 0x4321_fedc, 0, 0, 0],
    );
    assert_eq!(
        run.shown(to_file(), &[]),
        "1     reboot(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF <unfinished ...>\n"
    );
}

#[test]
fn other_events_have_lines_of_their_own() {
    let mut run = two();
    run.kernel(
        7,
        "sched_pick",
        &[("chosen_pid", 7), ("key", u64::MAX), ("candidates", 2)],
    );
    let text = run.shown(lines(), &["trace=none", "event=sched_pick", "signal=none"]);
    assert_eq!(
        text,
        "\
[pid     8] +++ exited with 3 +++
~~~ sched_pick {policy=\"\", chosen_pid=7, key=-1, candidates=2} ~~~
"
    );
    let alone = run.shown(lines(), &["event=process_exit"]);
    assert_eq!(
        alone,
        "[pid     8] ~~~ process_exit {target_pid=8, status=0x300, exit_code=3} ~~~\n"
    );
}

#[test]
fn descriptors_have_paths_when_asked_for() {
    let mut run = Run::default();
    let at = abi::fcntl::AT_FDCWD as u64;
    run.enter(1, nr::OPENAT, [at, 100, 0, 0, 0, 0])
        .exit(1, nr::OPENAT, 3)
        .enter(1, nr::DUP2, [3, 0, 0, 0, 0, 0])
        .exit(1, nr::DUP2, 0)
        .enter(1, nr::CLOSE, [9, 0, 0, 0, 0, 0])
        .exit(1, nr::CLOSE, -9);
    let settings = Settings {
        paths: true,
        ..lines()
    };
    assert_eq!(
        run.shown(settings.clone(), &["trace=dup2,close"]),
        "\
dup2(3</text>, 0)                       = 0</text>
close(9)                                = -1 EBADF (Bad file descriptor)
"
    );
    let text = run.shown(settings, &["openat"]);
    assert_eq!(
        text,
        "openat(AT_FDCWD</>, \"text\", O_RDONLY)   = 3</text>\n"
    );
}

#[test]
fn the_table_counts_time_on_the_cpu_only() {
    let mut run = Run::default();
    run.enter(1, nr::GETPID, [0; 6]).exit(1, nr::GETPID, 1);
    run.kernel(0, "sched_switch", &[("prev_pid", 0), ("next_pid", 1)]);
    run.enter(1, nr::READ, [0, 100, 5, 0, 0, 0]); // a microsecond in the call
    run.kernel(1, "sched_switch", &[("prev_pid", 1), ("next_pid", 2)]);
    run.kernel(2, "sched_switch", &[("prev_pid", 2), ("next_pid", 1)]);
    run.exit(1, nr::READ, -4); // and one more
    let settings = Settings {
        table: true,
        ..Settings::default()
    };
    let text = run.shown(settings, &["trace=read"]);
    let row = "100.00    0.000002           2         1         1 read";
    assert_eq!(text.lines().nth(2), Some(row), "{text}");
    assert_eq!(text.lines().count(), 5);
}
