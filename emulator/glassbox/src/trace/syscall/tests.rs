//! Decoding, against memory made up for it.

use super::decoder::Style;
use super::source::{Live, Recorded};
use super::*;
use crate::trace::memory::Memory;
use abi::fcntl::AT_FDCWD;
use abi::isa::Isa;
use abi::linux::OTHERS;
use abi::nr::TABLE;
use abi::poll::{Iovec, PollFd};
use abi::{Record, signal, stat, wait};
use base::Virt;
use std::collections::BTreeMap;

/// Memory: contents by where they begin. Nothing else is mapped.
#[derive(Default)]
struct Fake(BTreeMap<u64, Vec<u8>>);

impl Peek for Fake {
    fn peek(&self, addr: Virt, bytes: &mut [u8]) -> usize {
        let Some((start, content)) = self.0.range(..=addr.0).next_back() else {
            return 0;
        };
        let rest = content.get((addr.0 - start) as usize..).unwrap_or_default();
        let len = rest.len().min(bytes.len());
        bytes[..len].copy_from_slice(&rest[..len]);
        len
    }
}

fn memory<const N: usize>(contents: [(u64, &[u8]); N]) -> Fake {
    Fake(contents.map(|(addr, bytes)| (addr, bytes.to_vec())).into())
}

fn record<T: Record>(value: T) -> Vec<u8> {
    let mut bytes = vec![0; T::SIZE];
    value.put(&mut bytes);
    bytes
}

const STRINGS: usize = 32;

const STYLE: Style<'_> = Style {
    isa: Isa::X86_64,
    strings: STRINGS,
    files: None,
    mask: 0,
};

/// A whole call as text, by way of what was captured; and that it is the text of what was in memory.
#[track_caller]
fn call(number: u64, args: [u64; 6], before: &Fake, after: &Fake, result: i64) -> String {
    let mut pieces = [Memory::default(), Memory::default()];
    let phases = [(Phase::Enter, before), (Phase::Exit, after)];
    for ((phase, memory), pieces) in phases.into_iter().zip(&mut pieces) {
        capture(phase, number, &args, result, STYLE, memory, pieces);
    }
    let [enter, exit] = &pieces;
    let (first, whole) = entered(number, &args, &mut Recorded(enter), STYLE);
    let (rest, outcome) = exited(number, &args, result, whole, &mut Recorded(exit), STYLE);

    let mut scratch = Memory::default();
    let live = entered(number, &args, &mut Live::new(before, &mut scratch), STYLE);
    assert_eq!(live, (first.clone(), whole));
    let live = exited(
        number,
        &args,
        result,
        whole,
        &mut Live::new(after, &mut scratch),
        STYLE,
    );
    assert_eq!(live, (rest.clone(), outcome.clone()));
    format!("{}({first}{rest}) = {outcome}", calls::name(number))
}

#[track_caller]
fn check(number: u64, args: [u64; 6], memory: &Fake, result: i64, expected: &str) {
    assert_eq!(call(number, args, memory, memory, result), expected);
}

const AT: u64 = AT_FDCWD as u64;
const ENOENT: i64 = -2;
const EFAULT: i64 = -14;

#[test]
fn paths_buffers_and_flags() {
    let m = memory([(0x1000, b"/etc/passwd\0"), (0x2000, &[b'x'; 40])]);
    check(
        nr::OPENAT,
        [AT, 0x1000, 0o2000000, 0, 0, 0],
        &m,
        3,
        r#"openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3"#,
    );
    check(
        nr::OPEN,
        [0x1000, 0o101, 0o644, 0, 0, 0],
        &m,
        ENOENT,
        r#"open("/etc/passwd", O_WRONLY|O_CREAT, 0644) = -1 ENOENT (No such file or directory)"#,
    );
    check(
        nr::WRITE,
        [1, 0x2000, 32, 0, 0, 0],
        &m,
        32,
        &format!("write(1, \"{}\", 32) = 32", "x".repeat(32)),
    );
    check(
        nr::WRITE,
        [1, 0x2000, 33, 0, 0, 0],
        &m,
        33,
        &format!("write(1, \"{}\"..., 33) = 33", "x".repeat(32)),
    );
    check(
        nr::READ,
        [0, 0x2000, 4096, 0, 0, 0],
        &m,
        2,
        r#"read(0, "xx", 4096) = 2"#,
    );
    check(
        nr::READ,
        [0, 0x2000, 4096, 0, 0, 0],
        &m,
        -9,
        "read(0, 0x2000, 4096) = -1 EBADF (Bad file descriptor)",
    );
    check(
        nr::GETRANDOM,
        [0x1000, 3, 1, 0, 0, 0],
        &m,
        3,
        r#"getrandom("\x2f\x65\x74", 3, GRND_NONBLOCK) = 3"#,
    );
    check(
        nr::GETCWD,
        [0x1000, 100, 0, 0, 0, 0],
        &m,
        12,
        r#"getcwd("/etc/passwd", 100) = 12"#,
    );
    check(
        nr::UMASK,
        [0o22, 0, 0, 0, 0, 0],
        &m,
        0o2,
        "umask(022) = 002",
    );
    check(nr::BRK, [0; 6], &m, 0x5000, "brk(NULL) = 0x5000");
    check(
        nr::FCNTL,
        [3, 3, 0, 0, 0, 0],
        &m,
        0o2,
        "fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)",
    );
    check(
        nr::FCNTL,
        [3, 1, 0, 0, 0, 0],
        &m,
        1,
        "fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)",
    );
}

#[test]
fn structures() {
    let file = stat::Stat {
        mode: 0o100_644,
        size: 328,
        ..Default::default()
    };
    let tty = stat::Stat {
        mode: 0o20_620,
        rdev: 0x0501,
        ..Default::default()
    };
    let m = memory([
        (0x1000, &record(file)),
        (0x2000, &record(tty)),
        (0x3000, b"f\0"),
    ]);
    check(
        nr::FSTAT,
        [3, 0x1000, 0, 0, 0, 0],
        &m,
        0,
        "fstat(3, {st_mode=S_IFREG|0644, st_size=328, ...}) = 0",
    );
    check(
        nr::NEWFSTATAT,
        [AT, 0x3000, 0x2000, 0x100, 0, 0],
        &m,
        0,
        r#"newfstatat(AT_FDCWD, "f", {st_mode=S_IFCHR|0620, st_rdev=makedev(0x5, 0x1), ...}, AT_SYMLINK_NOFOLLOW) = 0"#,
    );
    check(
        nr::NEWFSTATAT,
        [AT, 0x3000, 0x2000, 0, 0, 0],
        &m,
        ENOENT,
        r#"newfstatat(AT_FDCWD, "f", 0x2000, 0) = -1 ENOENT (No such file or directory)"#,
    );

    let action = signal::Sigaction {
        handler: 0x4000,
        flags: 0x1400_0000,
        restorer: 0x5000,
        mask: 2,
    };
    let m = memory([(0x1000, &record(action)), (0x2000, &[0; 32])]);
    check(
        nr::RT_SIGACTION,
        [2, 0x1000, 0x2000, 8, 0, 0],
        &m,
        0,
        "rt_sigaction(SIGINT, {sa_handler=0x4000, sa_mask=[INT], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x5000}, {sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0",
    );

    let m = memory([
        (0x1000, &record([1i64, 5, 0, 0x3fff_fffe])),
        (0x3000, b"f\0"),
    ]);
    check(
        nr::UTIMENSAT,
        [AT, 0x3000, 0x1000, 0, 0, 0],
        &m,
        0,
        r#"utimensat(AT_FDCWD, "f", [{tv_sec=1, tv_nsec=5} /* 1970-01-01T00:00:01.000000005+0000 */, UTIME_OMIT], 0) = 0"#,
    );
}

#[test]
fn what_a_call_found_is_told_at_its_end() {
    let fds = |revents: [i16; 2]| {
        let fds = [(0, 1, revents[0]), (-1, 4, revents[1])].map(|(fd, events, revents)| PollFd {
            fd,
            events,
            revents,
        });
        [record(fds[0]), record(fds[1])].concat()
    };
    let (before, after) = (
        memory([(0x1000, &fds([0, 0]))]),
        memory([(0x1000, &fds([0x11, 0]))]),
    );
    assert_eq!(
        call(nr::POLL, [0x1000, 2, 5, 0, 0, 0], &before, &after, 1),
        "poll([{fd=0, events=POLLIN}, {fd=-1}], 2, 5) = 1 ([{fd=0, revents=POLLIN|POLLHUP}])"
    );
    check(
        nr::POLL,
        [0x1000, 2, 5, 0, 0, 0],
        &before,
        0,
        "poll([{fd=0, events=POLLIN}, {fd=-1}], 2, 5) = 0 (Timeout)",
    );

    let status = |status: wait::WaitStatus| record(status.0);
    let m = memory([(0x1000, &status(wait::WaitStatus::exited(3)))]);
    check(
        nr::WAIT4,
        [u64::MAX, 0x1000, 0, 0, 0, 0],
        &m,
        7,
        "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 7",
    );
    check(
        nr::WAIT4,
        [u64::MAX, 0x1000, 1, 0, 0, 0],
        &m,
        0,
        "wait4(-1, 0x1000, WNOHANG, NULL) = 0",
    );
    for (word, expected) in [
        (
            wait::WaitStatus::signaled(11).0 | 0x80,
            "[{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV && WCOREDUMP(s)}]",
        ),
        (
            wait::WaitStatus::stopped(19).0,
            "[{WIFSTOPPED(s) && WSTOPSIG(s) == SIGSTOP}]",
        ),
        (0xffff, "[{WIFCONTINUED(s)}]"),
        (0x5_0000, "[{WIFEXITED(s) && WEXITSTATUS(s) == 0}|0x50000]"),
    ] {
        assert_eq!(wait_status(word), expected);
    }

    let m = memory([(0x1000, &record([3i32, 4]))]);
    check(
        nr::PIPE2,
        [0x1000, 0o2000000, 0, 0, 0, 0],
        &m,
        0,
        "pipe2([3, 4], O_CLOEXEC) = 0",
    );
    check(
        nr::CLONE,
        [0x120_0011, 0, 0, 0x1000, 0, 0],
        &m,
        9,
        "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x1000) = 9",
    );
}

#[test]
fn beginnings_end_where_strace_ends_them() {
    let m = memory([(0x1000, b"/x\0\0\0\0\0\0\0")]);
    for (number, args, expected, whole) in [
        (nr::READ, [3, 0x1000, 9, 0, 0, 0], "3, ", false),
        (nr::PIPE, [0x1000, 0, 0, 0, 0, 0], "", false),
        (nr::WAIT4, [5, 0, 0, 0, 0, 0], "5, ", false),
        (nr::CLOSE, [3, 0, 0, 0, 0, 0], "3", true),
        (nr::GETPID, [0; 6], "", true),
        (nr::EXIT_GROUP, [256, 0, 0, 0, 0, 0], "256", true),
        (nr::POLL, [0, 0, 0, 0, 0, 0], "NULL, 0, 0", false),
        (
            nr::STATX,
            [AT, 0x1000, 0, 0x7ff, 0, 0],
            "AT_FDCWD, \"/x\", AT_STATX_SYNC_AS_STAT, STATX_BASIC_STATS, ",
            false,
        ),
        (nr::FCNTL, [3, 1, 0, 0, 0, 0], "3, F_GETFD", false),
        (nr::IOCTL, [3, 0x5401, 0, 0, 0, 0], "3, TCGETS", false),
        (nr::RT_SIGRETURN, [0; 6], "{mask=[]}", true),
    ] {
        let mut scratch = Memory::default();
        let text = entered(number, &args, &mut Live::new(&m, &mut scratch), STYLE);
        assert_eq!(
            text,
            (expected.to_owned(), whole),
            "{}",
            calls::name(number)
        );
    }
}

#[test]
fn programs_get_arguments_and_an_environment() {
    let pointers = record([0x2000u64, 0x2004, 0]);
    let m = memory([
        (0x1000, &pointers),
        (0x2000, b"ls\0\0-l\0"),
        (0x3000, b"/bin/ls\0"),
    ]);
    check(
        nr::EXECVE,
        [0x3000, 0x1000, 0x1000, 0, 0, 0],
        &m,
        0,
        r#"execve("/bin/ls", ["ls", "-l"], 0x1000 /* 2 vars */) = 0"#,
    );
    check(
        nr::EXECVE,
        [0x3000, 0x1010, 0x1010, 0, 0, 0],
        &m,
        0,
        r#"execve("/bin/ls", [], 0x1010 /* 0 vars */) = 0"#,
    );
    // The vector ends where memory ends, or leads nowhere.
    let m = memory([
        (0x1000, &record([0x2000u64, 7])),
        (0x2000, b"ls\0"),
        (0x3000, b"/bin/ls\0"),
    ]);
    check(
        nr::EXECVE,
        [0x3000, 0x1000, 0x1000, 0, 0, 0],
        &m,
        EFAULT,
        r#"execve("/bin/ls", ["ls", 0x7, ... /* 0x1010 */], 0x1000 /* 2 vars, unterminated */) = -1 EFAULT (Bad address)"#,
    );
    check(
        nr::EXECVE,
        [0x3000, 0x9000, 0, 0, 0, 0],
        &m,
        EFAULT,
        r#"execve("/bin/ls", 0x9000, NULL) = -1 EFAULT (Bad address)"#,
    );
}

#[test]
fn unknown_calls_and_unknown_errors_are_numbers() {
    let m = memory([]);
    check(
        500,
        [1, 0, u64::MAX, 4, 5, 6],
        &m,
        -38,
        "syscall_0x1f4(0x1, 0, 0xffffffffffffffff, 0x4, 0x5, 0x6) = -1 ENOSYS (Function not implemented)",
    );
    check(
        41,
        [1, 2, 0, 9, 9, 9],
        &m,
        -38,
        "socket(0x1, 0x2, 0) = -1 ENOSYS (Function not implemented)",
    );
    check(
        nr::CLOSE,
        [3, 0, 0, 0, 0, 0],
        &m,
        -4000,
        "close(3) = -1 (errno 4000)",
    );
    check(
        nr::CLOSE,
        [3, 0, 0, 0, 0, 0],
        &m,
        -512,
        "close(3) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)",
    );
    check(
        nr::GETPID,
        [0; 6],
        &m,
        -1,
        "getpid() = 18446744073709551615",
    );
}

#[test]
fn hostile_pointers_and_counts_are_shown_and_no_more() {
    let endless = vec![b'a'; 1 << 16];
    let vector = record(Iovec {
        base: 0x1000,
        len: u64::MAX,
    })
    .repeat(2000);
    let pointers = record(0x1000u64).repeat(2000);
    let m = memory([
        (0x1000, &endless),
        (0x5_0000, &vector),
        (0x9_0000, &pointers),
        (0x20_0000, b"\x1b]0;x\x07\x9b\0"),
    ]);
    let text = call(nr::OPEN, [0x1000, 0, 0, 0, 0, 0], &m, &m, -36);
    assert_eq!(
        text,
        format!(
            "open(\"{}\"..., O_RDONLY) = -1 ENAMETOOLONG (File name too long)",
            "a".repeat(4095)
        )
    );
    check(
        nr::OPEN,
        [0x20_0000, 0, 0, 0, 0, 0],
        &m,
        ENOENT,
        r#"open("\33]0;x\7\233", O_RDONLY) = -1 ENOENT (No such file or directory)"#,
    );
    check(
        nr::WRITE,
        [1, 0x1000, u64::MAX, 0, 0, 0],
        &m,
        EFAULT,
        &format!(
            "write(1, \"{}\"..., 18446744073709551615) = -1 EFAULT (Bad address)",
            "a".repeat(32)
        ),
    );
    check(
        nr::WRITE,
        [1, u64::MAX, u64::MAX, 0, 0, 0],
        &m,
        EFAULT,
        "write(1, 0xffffffffffffffff, 18446744073709551615) = -1 EFAULT (Bad address)",
    );
    check(
        nr::WRITEV,
        [1, 0x5_0000, u64::MAX, 0, 0, 0],
        &m,
        -22,
        "writev(1, 0x50000, 18446744073709551615) = -1 EINVAL (Invalid argument)",
    );
    let text = call(nr::WRITEV, [1, 0x5_0000, 2000, 0, 0, 0], &m, &m, -22);
    assert_eq!(text.matches("iov_base").count(), 32);
    assert!(
        text.ends_with(", ...], 2000) = -1 EINVAL (Invalid argument)"),
        "{text}"
    );
    let text = call(
        nr::EXECVE,
        [0x1000, 0x9_0000, 0x9_0000, 0, 0, 0],
        &m,
        &m,
        -7,
    );
    assert!(
        text.contains("...], 0x90000 /* 1024 vars, unterminated */"),
        "{text}"
    );
    assert_eq!(text.matches("\"...").count(), 1 + 32);
    check(
        nr::POLL,
        [0x5_0000, u64::MAX, 0, 0, 0, 0],
        &memory([]),
        EFAULT,
        "poll(0x50000, 4294967295, 0) = -1 EFAULT (Bad address)",
    );
    // Entries that lie about their lengths.
    check(
        nr::GETDENTS64,
        [3, 0x1000, 70_000, 0, 0, 0],
        &m,
        65_535,
        "getdents64(3, 0x1000 /* 3 entries */, 70000) = 65535",
    );
    check(
        nr::GETDENTS64,
        [3, 0x20_0000, 100, 0, 0, 0],
        &m,
        90,
        "getdents64(3, 0x200000 /* 0+ entries */, 100) = 90",
    );
    // A program has no business above its half.
    let kernel = memory([
        (0xffff_8000_0000_0000, b"secret\0"),
        ((1 << 47) - 4, b"edge"),
    ]);
    check(
        nr::OPEN,
        [0xffff_8000_0000_0000, 0, 0, 0, 0, 0],
        &kernel,
        EFAULT,
        "open(0xffff800000000000, O_RDONLY) = -1 EFAULT (Bad address)",
    );
    check(
        nr::WRITE,
        [1, (1 << 47) - 4, 4, 0, 0, 0],
        &kernel,
        4,
        r#"write(1, "edge", 4) = 4"#,
    );
}

/// Numbers from a seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

#[test]
fn any_arguments_over_any_memory_are_text_of_bounded_size() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    // Memory full of pointers into itself, small numbers and rubbish.
    let mut contents = Vec::new();
    for _ in 0..512 {
        let word = match random.below(4) {
            0 => 0x1000 + random.below(4096),
            1 => random.below(300),
            2 => u64::MAX - random.below(3),
            _ => random.next(),
        };
        contents.extend(word.to_le_bytes());
    }
    let m = memory([(0x1000, &contents)]);
    let numbers: Vec<u64> = TABLE
        .iter()
        .map(|call| call.number)
        .chain(OTHERS.iter().map(crate::numbers::of_other))
        .collect();
    for round in 0..40_000 {
        let number = numbers[round % numbers.len()];
        let mut argument = || match random.below(6) {
            0 => 0,
            1 => random.below(64),
            2 => 1 << random.below(64),
            3 => u64::MAX - random.below(5000),
            4 => random.next(),
            _ => 0x1000 + random.below(4200),
        };
        let args = std::array::from_fn(|_| argument());
        let result = argument() as i64;
        let text = call(number, args, &m, &m, result);
        assert!(
            text.is_ascii() && !text.bytes().any(|byte| byte < b' '),
            "{text}"
        );
        assert!(text.len() < 40_000, "{}", text.len());
        let mut pieces = Memory::default();
        for phase in [Phase::Enter, Phase::Exit] {
            capture(phase, number, &args, result, STYLE, &m, &mut pieces);
        }
        let kept: usize = pieces.size();
        assert!(kept < 100_000, "{}: {kept}", calls::name(number));
    }
}
