//! `glassbox trace` as strace: the text of whole runs.

use iced_x86::code_asm::*;
use insta::assert_snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use tests::glassbox::{arches, glassbox, on};
use tests::program::{DATA, PAGE, call, calls, program};
use tests::strace::{What, whole};
use tests::trace::traced;

/// The current folder, for openat(2).
const AT_FDCWD: u64 = -100i64 as u64;

const READ: u64 = 0;
const WRITE: u64 = 1;
const OPEN: u64 = 2;
const CLOSE: u64 = 3;
const FSTAT: u64 = 5;
const POLL: u64 = 7;
const RT_SIGACTION: u64 = 13;
const RT_SIGPROCMASK: u64 = 14;
const RT_SIGRETURN: u64 = 15;
const NANOSLEEP: u64 = 35;
const GETPID: u64 = 39;
const FORK: u64 = 57;
const EXIT: u64 = 60;
const WAIT4: u64 = 61;
const KILL: u64 = 62;
const EXIT_GROUP: u64 = 231;

/// Data of a program: texts and words at fixed places.
struct Data(Vec<u8>);

impl Data {
    fn new(pages: u64) -> Self {
        Self(vec![0; (pages * PAGE) as usize])
    }

    /// Puts bytes there; gives their address.
    fn put(&mut self, offset: u64, bytes: &[u8]) -> u64 {
        self.0[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        DATA + offset
    }

    fn words(&mut self, offset: u64, words: &[u64]) -> u64 {
        self.put(
            offset,
            &words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .collect::<Vec<_>>(),
        )
    }
}

/// What runs it as process 3.
const IT: &str = "/bin/it; :";

/// A program in a file, and the option that puts it into the guest.
fn put(program: &[u8]) -> (tempfile::NamedTempFile, String) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(program).unwrap();
    // Files that are put there keep their permissions.
    file.as_file()
        .set_permissions(Permissions::from_mode(0o755))
        .unwrap();
    let put = format!("{}:/bin/it", file.path().to_str().unwrap());
    (file, put)
}

/// Runs a program in the guest under the tracer; gives the trace.
#[track_caller]
fn run(arch: &str, program: &[u8], options: &[&str]) -> String {
    let (_file, put) = put(program);
    let (trace, ran) = traced(arch, &[&["--put", &put], options].concat(), IT);
    assert!(!trace.is_empty(), "{}", ran.stderr);
    trace
}

/// The same with the trace on standard error.
#[track_caller]
fn shown(arch: &str, program: &[u8], options: &[&str]) -> String {
    let (_file, put) = put(program);
    let arguments = [&["trace", "--put", &put], options, &["--", IT]].concat();
    glassbox(&on(arch, &arguments), b"").stderr
}

/// A program that opens, reads, waits, forks and gets signals.
fn busy() -> Vec<u8> {
    let mut data = Data::new(2);
    let path = data.put(0, b"/tmp/file\0");
    let text = data.put(32, b"hello, world\n");
    let action = 128;
    let set = data.words(256, &[1 << 11]);
    let time = data.words(272, &[0, 2_000_000]);
    let room = DATA + PAGE;
    let fds = data.put(512, &[0, 0, 0, 0, 1, 0, 0, 0]);
    data.words(action, &[0, 0x0400_0000, 0, 1]);
    program(&data.0, |a| {
        let (mut handler, mut back, mut start) =
            (a.create_label(), a.create_label(), a.create_label());
        a.jmp(start)?;
        a.set_label(&mut handler)?;
        a.ret()?;
        a.set_label(&mut back)?;
        call(a, RT_SIGRETURN, &[])?;
        a.set_label(&mut start)?;
        a.lea(rax, ptr(handler))?;
        a.mov(qword_ptr(DATA + action), rax)?;
        a.lea(rax, ptr(back))?;
        a.mov(qword_ptr(DATA + action + 16), rax)?;
        call(a, OPEN, &[path, 0o102, 0o600])?;
        call(a, WRITE, &[3, text, 13])?;
        call(a, FSTAT, &[3, room])?;
        call(a, READ, &[3, room, 100])?;
        call(a, READ, &[9, room, 100])?;
        call(a, CLOSE, &[3])?;
        call(a, POLL, &[fds, 1, 0])?;
        // A child that ends by itself, and one that does not.
        for status in [3, 0] {
            let mut parent = a.create_label();
            call(a, FORK, &[])?;
            a.test(eax, eax)?;
            a.jne(parent)?;
            call(a, NANOSLEEP, &[time, 0])?;
            match status {
                0 => a.mov(dword_ptr(16), 1)?,
                _ => call(a, EXIT, &[status])?,
            }
            a.set_label(&mut parent)?;
            call(a, WAIT4, &[u64::MAX, room, 0, 0])?;
        }
        call(a, RT_SIGACTION, &[10, DATA + action, 0, 8])?;
        call(a, RT_SIGPROCMASK, &[0, set, room, 8])?;
        call(a, GETPID, &[])?;
        a.mov(rdi, rax)?;
        a.mov(rsi, 10u64)?;
        a.mov(rax, KILL)?;
        a.syscall()?;
        call(a, 500, &[1, 2, 3, 4, 5, 6])?;
        call(a, EXIT_GROUP, &[7])
    })
}

/// The address of the environment, which changes with the shell, as a letter.
fn masked(trace: &str) -> String {
    let mut out = String::new();
    for line in trace.lines() {
        match (line.rfind(", 0x"), line.find(" /* 3 vars */")) {
            (Some(from), Some(to)) => out.extend([&line[..from], ", 0xA", &line[to..], "\n"]),
            _ => out.extend([line, "\n"]),
        }
    }
    out
}

#[test]
fn a_program_on_one_cpu() {
    let trace = run("x86_64", &busy(), &["-p", "3,4,5"]);
    assert_snapshot!(masked(&trace), @r#"
    3     execve("/bin/it", ["/bin/it"], 0xA /* 3 vars */) = 0
    3     open("/tmp/file", O_RDWR|O_CREAT, 0600) = 3
    3     write(3, "hello, world\n", 13)    = 13
    3     fstat(3, {st_mode=S_IFREG|0600, st_size=13, ...}) = 0
    3     read(3, "", 100)                  = 0
    3     read(9, 0x601000, 100)            = -1 EBADF (Bad file descriptor)
    3     close(3)                          = 0
    3     poll([{fd=0, events=POLLIN}], 1, 0) = 1 ([{fd=0, revents=POLLIN}])
    3     fork()                            = 4
    3     wait4(-1,  <unfinished ...>
    4     nanosleep({tv_sec=0, tv_nsec=2000000}, NULL) = 0
    4     exit(3)                           = ?
    4     +++ exited with 3 +++
    3     <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 4
    3     --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=4, si_uid=0, si_status=3, si_utime=0, si_stime=0} ---
    3     fork()                            = 5
    3     wait4(-1,  <unfinished ...>
    5     nanosleep({tv_sec=0, tv_nsec=2000000}, NULL) = 0
    5     --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10} ---
    5     +++ killed by SIGSEGV +++
    3     <... wait4 resumed>[{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV}], 0, NULL) = 5
    3     --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=5, si_uid=0, si_status=SIGSEGV, si_utime=0, si_stime=0} ---
    3     rt_sigaction(SIGUSR1, {sa_handler=0x4000b2, sa_mask=[HUP], sa_flags=SA_RESTORER, sa_restorer=0x4000b3}, NULL, 8) = 0
    3     rt_sigprocmask(SIG_BLOCK, [USR2], [], 8) = 0
    3     getpid()                          = 3
    3     kill(3, SIGUSR1)                  = 0
    3     --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=3, si_uid=0} ---
    3     rt_sigreturn({mask=[USR2]})       = 0
    3     syscall_0x1f4(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)
    3     exit_group(7)                     = ?
    3     +++ exited with 7 +++
    "#);
}

#[test]
fn a_program_on_two_cpus_as_a_terminal_shows_it() {
    let trace = shown(
        "x86_64",
        &busy(),
        &["--cpus", "2", "-p", "3,4,5", "-e", "trace=%process"],
    );
    assert_snapshot!(masked(&trace), @r#"
    execve("/bin/it", ["/bin/it"], 0xA /* 3 vars */) = 0
    fork()                                  = 4
    [pid     3] wait4(-1,  <unfinished ...>
    [pid     4] exit(3)                     = ?
    [pid     4] +++ exited with 3 +++
    <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 4
    --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=4, si_uid=0, si_status=3, si_utime=0, si_stime=0} ---
    fork()                                  = 5
    [pid     3] wait4(-1,  <unfinished ...>
    [pid     5] --- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10} ---
    [pid     5] +++ killed by SIGSEGV +++
    <... wait4 resumed>[{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV}], 0, NULL) = 5
    --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=5, si_uid=0, si_status=SIGSEGV, si_utime=0, si_stime=0} ---
    kill(3, SIGUSR1)                        = 0
    --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=3, si_uid=0} ---
    exit_group(7)                           = ?
    +++ exited with 7 +++
    "#);
}

#[test]
fn a_line_on_risc_v() {
    // Without what changes with the guest's sources: sizes of programs, and times.
    let options = ["-p", "2,3", "-e", "trace=!wait4,newfstatat"];
    let line = "cd /tmp; cat /README >f; kill -USR1 $$";
    assert_snapshot!(masked(&traced("riscv64", &options, line).0), @r#"
    2     execve("/bin/sh", ["/bin/sh", "-c", "cd /tmp; cat /README >f; kill -U"...], 0xA /* 3 vars */) = 0
    2     getpid()                          = 2
    2     getcwd("/", 4096)                 = 2
    2     chdir("/tmp")                     = 0
    2     getcwd("/tmp", 4096)              = 5
    2     clone(child_stack=NULL, flags=SIGCHLD) = 3
    3     openat(AT_FDCWD, "f", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 3
    3     fcntl(1, F_DUPFD_CLOEXEC, 10)     = 10
    3     dup3(3, 1, 0)                     = 1
    3     close(3)                          = 0
    3     faccessat(AT_FDCWD, "/bin/cat", X_OK) = 0
    3     execve("/bin/cat", ["cat", "/README"], 0xA /* 3 vars */) = 0
    3     openat(AT_FDCWD, "/README", O_RDONLY|O_CLOEXEC) = 3
    3     read(3, "This is Silica, a small Unix tha"..., 16384) = 328
    3     write(1, "This is Silica, a small Unix tha"..., 328) = 328
    3     read(3, "", 16384)                = 0
    3     close(3)                          = 0
    3     exit_group(0)                     = ?
    3     +++ exited with 0 +++
    2     --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=3, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---
    2     kill(2, SIGUSR1)                  = 0
    2     --- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER, si_pid=2, si_uid=0} ---
    2     +++ killed by SIGUSR1 +++
    "#);
}

/// What the lines say that are about this process.
fn of(trace: &str, pid: u32) -> Vec<What> {
    let all = whole(trace).unwrap();
    all.into_iter()
        .filter(|(who, _)| *who == pid)
        .map(|(_, what)| what)
        .collect()
}

/// The calls among them with this name: arguments and results.
fn calls_of(trace: &str, wanted: &str) -> Vec<(Vec<String>, String)> {
    let call = |what| match what {
        What::Call { name, args, result } if name == wanted => Some((args, result)),
        _ => None,
    };
    of(trace, 3).into_iter().filter_map(call).collect()
}

/// A line that makes many processes, files, pipes and signals.
const MANY: &str = "ls -l /bin | sort | head -n 3; cat README | tr a-z A-Z | wc; mkdir /tmp/d; cp README /tmp/d/a; \
    ln -s a /tmp/d/b; stat /tmp/d/b; mv /tmp/d/a /tmp/d/c; find /tmp; rm -r /tmp/d; ps; free; uname -a; date; \
    sleep 0.01 & kill %1; wait; (exit 3); cat /nothing; dd if=README of=/tmp/z bs=100 count=2; \
    usertests fork_copies exec_arguments exec_damaged bad_pointers_in bad_pointers_out pointers_at_edge mmap_bad \
    bad_instructions default_actions handler_masks kill_stopped read_is_interrupted segv_is_caught open_flags";

#[test]
fn every_line_of_a_long_run_is_one_of_straces_and_calls_are_whole() {
    for arch in arches() {
        for options in [
            &["--cpus", "2"][..],
            &["--cpus", "2", "-tt", "-T", "-y", "-s", "5"],
            &[
                "--cpus",
                "4",
                "-ttt",
                "-e",
                "event=sched,fault,cow_break",
                "-e",
                "trace=all",
            ],
            &["-t", "-e", "status=failed", "-e", "signal=!chld"],
        ] {
            let (trace, ran) = traced(arch, options, MANY);
            let all = whole(&trace).unwrap_or_else(|error| panic!("{error}"));
            assert!(
                all.len() > 300,
                "{options:?}: {} lines; {}",
                all.len(),
                ran.stderr
            );
            let mut ended = BTreeSet::new();
            for (pid, what) in &all {
                assert!(
                    !ended.contains(pid) || matches!(what, What::Event(_)),
                    "{pid} {what:?}"
                );
                if let What::End(_) = what {
                    ended.insert(*pid);
                }
            }
            // All but init, which switches the machine off.
            let seen: BTreeSet<u32> = all
                .iter()
                .map(|(pid, _)| *pid)
                .filter(|pid| *pid > 1)
                .collect();
            assert!(ended.is_superset(&seen) && ended.len() > 50, "{options:?}");
        }
    }
}

#[test]
fn the_first_touch_of_an_argument_is_the_call_itself() {
    for arch in arches() {
        // Each on a page of its own, which is only in the file until the kernel reads it.
        let mut data = Data::new(18);
        let path = data.put(0, b"/README\0");
        let buffer = data.put(2 * PAGE, b"from the file\n");
        let across = data.put(4 * PAGE - 3, b"/tmp/across\0");
        let string = data.put(6 * PAGE, b"argument\0");
        let vector = data.words(7 * PAGE, &[string, 0]);
        let pieces = data.words(9 * PAGE, &[buffer, 5]);
        let time = data.words(11 * PAGE, &[0, 5]);
        // After a call that succeeds, this memory is another program's.
        let other = data.put(13 * PAGE, b"/bin/true\0");
        let other_string = data.put(15 * PAGE, b"last\0");
        let other_vector = data.words(17 * PAGE, &[other_string, 0]);
        let program = calls(
            arch,
            &data.0,
            &[
                ("openat", &[AT_FDCWD, path, 0]),
                ("write", &[1, buffer, 14]),
                ("openat", &[AT_FDCWD, across, 0]),
                ("writev", &[1, pieces, 1]),
                ("nanosleep", &[time, 0]),
                ("execve", &[path, vector, vector]),
                ("execve", &[other, other_vector, other_vector]),
            ],
        );
        for cpus in ["1", "2"] {
            let trace = run(
                arch,
                &program,
                &["--cpus", cpus, "-e", "event=page_fault", "-e", "trace=all"],
            );
            let mine = of(&trace, 3);
            assert!(
                mine.iter()
                    .filter(|what| **what == What::Event("page_fault".into()))
                    .count()
                    > 8
            );
            let call = |name: &str| calls_of(&trace, name);
            let arguments = ["AT_FDCWD", "\"/README\"", "O_RDONLY"];
            assert_eq!(
                call("openat")[0],
                (arguments.map(str::to_owned).to_vec(), "3".into())
            );
            assert_eq!(call("openat")[1].0[1], "\"/tmp/across\"");
            assert_eq!(call("write")[0].0[1], "\"from the file\\n\"");
            assert_eq!(call("writev")[0].0[1], "[{iov_base=\"from \", iov_len=5}]");
            assert_eq!(call("nanosleep")[0].0[0], "{tv_sec=0, tv_nsec=5}");
            let execve = &call("execve")[1];
            assert_eq!(execve.0[1..], ["[\"argument\"]", "0x607000 /* 1 var */"]);
            assert_eq!(execve.1, "-1 EACCES (Permission denied)");
            let execve = &call("execve")[2];
            let arguments = ["\"/bin/true\"", "[\"last\"]", "0x611000 /* 1 var */"];
            assert_eq!(
                (&execve.0[..], &execve.1[..]),
                (&arguments.map(str::to_owned)[..], "0")
            );
        }
    }
}

#[test]
fn hostile_arguments_are_shown_and_harm_nobody() {
    for arch in arches() {
        let mut data = Data::new(6);
        let endless = data.put(0, &[b'a'; 3 * PAGE as usize]);
        let escapes = data.put(3 * PAGE, b"\x1b]0;title\x07\x1b[2J\xff\"\\<\n\0");
        let vector = data.words(4 * PAGE, &[endless; 500]);
        let nowhere = 0xdead_0000_0000;
        let nobodys = u64::MAX.to_string();
        let program = calls(
            arch,
            &data.0,
            &[
                ("openat", &[AT_FDCWD, endless, 0]),
                ("openat", &[AT_FDCWD, escapes, 0]),
                ("openat", &[AT_FDCWD, nowhere, 0]),
                ("openat", &[AT_FDCWD, u64::MAX, 0]),
                ("openat", &[AT_FDCWD, 0xffff_ffff_8000_0000, 0]),
                ("execve", &[escapes, vector, vector]),
                ("execve", &[nowhere, nowhere, nowhere]),
                ("write", &[9, endless, u64::MAX]),
                ("write", &[9, u64::MAX, u64::MAX]),
                ("writev", &[9, vector, u64::MAX]),
                ("writev", &[9, vector, 250]),
                ("ppoll", &[vector, u64::MAX, 0, 0, 0]),
                ("getdents64", &[9, nowhere, u64::MAX]),
                (&nobodys, &[1, 2, 3, 4, 5, 6]),
                ("exit_group", &[0]),
            ],
        );
        let trace = run(arch, &program, &[]);
        assert!(
            trace
                .bytes()
                .all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte))
        );
        let open = calls_of(&trace, "openat");
        assert_eq!(open[0].0[1], format!("\"{}\"...", "a".repeat(4095)));
        assert_eq!(open[0].1, "-1 ENAMETOOLONG (File name too long)");
        assert_eq!(open[1].0[1], r#""\33]0;title\7\33[2J\377\"\\<\n""#);
        let addresses: Vec<_> = open[2..].iter().map(|(args, _)| &args[1][..]).collect();
        assert_eq!(
            addresses,
            ["0xdead00000000", "0xffffffffffffffff", "0xffffffff80000000"]
        );
        let write = calls_of(&trace, "write");
        assert_eq!(
            write[0].0[1..],
            [format!("\"{}\"...", "a".repeat(32)), u64::MAX.to_string()]
        );
        assert_eq!(write[1].0[1], "0xffffffffffffffff");
        let writev = calls_of(&trace, "writev");
        assert_eq!(writev[0].0[1..], ["0x604000", "18446744073709551615"]);
        assert_eq!(writev[1].0[1].matches("iov_base").count(), 32);
        let execve = calls_of(&trace, "execve");
        assert_eq!(execve[1].0[1].matches("\"...").count(), 32);
        assert_eq!(
            execve[2].0[..],
            ["0xdead00000000", "0xdead00000000", "0xdead00000000"]
        );
        assert!(
            trace.contains("syscall_0xffffffffffffffff(0x1, 0x2, 0x3, 0x4, 0x5, 0x6) = -1 ENOSYS")
        );
    }
}

#[test]
fn the_table_adds_up() {
    for arch in arches() {
        let (table, _) = traced(arch, &["-c"], MANY);
        let (text, _) = traced(arch, &["-e", "quiet=exit", "-e", "signal=none"], MANY);
        let mut counted: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for (_, what) in whole(&text).unwrap() {
            if let What::Call { name, result, .. } = what
                && result != "?"
            {
                let count = counted.entry(name).or_default();
                count.0 += 1;
                count.1 += u64::from(result.starts_with("-1 E") || result.starts_with("? "));
            }
        }
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(
            lines[0],
            "% time     seconds  usecs/call     calls    errors syscall"
        );
        let rule = "------ ----------- ----------- --------- --------- ----------------";
        assert!(lines[1].starts_with(rule) && lines[lines.len() - 2].starts_with(rule));
        let mut last = f64::INFINITY;
        let (mut seconds, mut percent) = (0.0, 0.0);
        for line in &lines[2..lines.len() - 2] {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let time: f64 = cells[1].parse().unwrap();
            assert!(time <= last, "{line}");
            last = time;
            seconds += time;
            percent += cells[0].parse::<f64>().unwrap();
            let errors = match cells.len() {
                6 => cells[4].parse().unwrap(),
                _ => 0,
            };
            let name = cells[cells.len() - 1];
            assert_eq!(
                counted.remove(name),
                Some((cells[3].parse().unwrap(), errors)),
                "{line}"
            );
        }
        // Calls without a name are in the text only, as with strace.
        assert!(
            counted.keys().all(|name| name.starts_with("syscall_")),
            "{counted:?}"
        );
        let total: Vec<&str> = lines[lines.len() - 1].split_whitespace().collect();
        assert_eq!((total[0], total[5]), ("100.00", "total"));
        assert!((seconds - total[1].parse::<f64>().unwrap()).abs() < 1e-4);
        assert!((percent - 100.0).abs() < 0.5, "{percent}");
        // And with -C after the lines.
        let (both, _) = traced(arch, &["-C", "-e", "trace=pipe2"], MANY);
        assert!(both.contains("pipe2(") && both.trim_end().ends_with(" total"));
    }
}

#[test]
fn filters_show_what_they_name() {
    for arch in arches() {
        let names = |options: &[&str]| {
            let (trace, _) = traced(
                arch,
                &[options, &["-e", "signal=none", "-e", "quiet=exit"]].concat(),
                MANY,
            );
            let names = whole(&trace)
                .unwrap()
                .into_iter()
                .filter_map(|(_, what)| match what {
                    What::Call { name, .. } => Some(name),
                    What::Unfinished(name, _) => Some(name),
                    _ => None,
                });
            names.collect::<BTreeSet<_>>()
        };
        let set = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(
            names(&["-e", "trace=openat,read"]),
            set(&["openat", "read"])
        );
        assert_eq!(names(&["-e", "openat"]), set(&["openat"]));
        assert_eq!(
            names(&["-e", "%memory"]),
            set(&["brk", "mmap", "munmap", "mprotect"])
        );
        assert_eq!(names(&["-e", "trace=ipc"]), set(&[]));
        let dup = if arch == "x86_64" { "dup2" } else { "dup3" };
        assert_eq!(names(&["-e", "/^(dup|pipe)"]), set(&[dup, "pipe2"]));
        let (desc, not) = (names(&["-e", "%desc"]), names(&["-e", "!%desc"]));
        assert!(desc.contains("read") && desc.is_disjoint(&not) && not.contains("wait4"));
        assert_eq!(names(&["-e", "none"]), set(&[]));
        let (trace, _) = traced(arch, &["-e", "none"], MANY);
        let kinds = whole(&trace).unwrap();
        assert!(
            kinds
                .iter()
                .any(|(_, what)| *what == What::Signal("SIGCHLD".into()))
        );
        assert!(
            kinds
                .iter()
                .any(|(_, what)| *what == What::End("SIGSEGV".into()))
        );
        let (trace, _) = traced(
            arch,
            &[
                "-e",
                "status=failed",
                "-e",
                "signal=none",
                "-e",
                "quiet=exit",
            ],
            MANY,
        );
        for (_, what) in whole(&trace).unwrap() {
            match what {
                What::Call { result, .. } => assert!(
                    result.starts_with("-1 E") || result.starts_with("? "),
                    "{result}"
                ),
                What::End(how) => assert!(how.starts_with("SIG")),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn wrong_expressions_are_one_line_and_status_2() {
    for arch in arches() {
        for (expression, text) in [
            ("trace=opennat", "there is no system call 'opennat'"),
            ("signal=SIGFOO", "there is no signal 'SIGFOO'"),
            ("inject=read", "strace has 'inject=', this has not"),
        ] {
            let ran = glassbox(&on(arch, &["trace", "-e", expression, "--", "true"]), b"");
            assert_eq!(ran.status, 2, "{}", ran.stderr);
            assert!(
                ran.stderr.contains(text) && ran.stderr.lines().count() <= 2,
                "{}",
                ran.stderr
            );
        }
    }
}

#[test]
fn a_recorded_run_reads_the_same() {
    for arch in arches() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.gbt");
        let file = file.to_str().unwrap();
        glassbox(
            &on(arch, &["trace", "--cpus", "2", "-o", file, "--", MANY]),
            b"",
        );
        let options = ["-y", "-T", "-tt"];
        let (direct, _) = traced(arch, &[&options[..], &["--cpus", "2"]].concat(), MANY);
        let shown = folder.path().join("shown");
        let read = [
            &["trace", "--read", file, "-o", shown.to_str().unwrap()],
            &options[..],
        ]
        .concat();
        let ran = glassbox(&read, b"");
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        assert!(direct == std::fs::read_to_string(shown).unwrap());
    }
}
