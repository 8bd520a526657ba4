//! Classes of system calls, as strace's `-e trace=%CLASS` has them.

use crate::numbers;
use abi::linux::OTHERS;
use abi::nr::{self, Arg, Ret, Struct, Syscall, TABLE};

/// Names of the classes, with the letter of [`abi::linux::Other::about`] where there is one. Those that are allowed
/// without `%` are said so.
const CLASSES: [(&str, char, bool); 18] = [
    ("desc", 'D', true),
    ("file", 'F', true),
    ("memory", 'M', true),
    ("process", 'P', true),
    ("signal", 'S', true),
    ("ipc", 'I', true),
    ("network", 'N', true),
    ("net", 'N', false),
    ("creds", 'C', false),
    ("clock", 'K', false),
    ("stat", 't', false),
    ("lstat", 'l', false),
    ("fstat", 'f', false),
    ("%stat", 'a', false),
    ("statfs", 's', false),
    ("fstatfs", 'g', false),
    ("%statfs", 'b', false),
    ("pure", 'p', false),
];

/// The calls of the class that a user names, such as `%file` or, for the older ones, `file`. `None` if there is none.
pub fn members(name: &str) -> Option<Vec<u64>> {
    let (_, letter, _) = match name.strip_prefix('%') {
        Some(name) => CLASSES.iter().find(|(class, ..)| *class == name)?,
        None => CLASSES
            .iter()
            .find(|(class, _, plain)| *plain && *class == name)?,
    };
    let ours = TABLE
        .iter()
        .filter(|call| belongs(call, *letter))
        .map(|call| call.number);
    let others = OTHERS.iter().filter(|other| other.about.contains(*letter));
    Some(ours.chain(others.map(numbers::of_other)).collect())
}

/// Whether a call is of the class with this letter.
fn belongs(call: &Syscall, letter: char) -> bool {
    let has = |kinds: &[Arg]| call.args.iter().any(|arg| kinds.contains(arg));
    let number = call.number;
    match letter {
        'D' => {
            has(&[
                Arg::Fd,
                Arg::DirFd,
                Arg::In(Struct::PollFds),
                Arg::Out(Struct::FdPair),
            ]) || call.ret == Ret::Fd
        }
        'F' => has(&[Arg::Path, Arg::Out(Struct::Path)]),
        'M' => [
            nr::MMAP,
            nr::MPROTECT,
            nr::MUNMAP,
            nr::BRK,
            nr::MREMAP,
            nr::MADVISE,
        ]
        .contains(&number),
        'P' => [
            nr::CLONE,
            nr::FORK,
            nr::VFORK,
            nr::EXECVE,
            nr::EXIT,
            nr::EXIT_GROUP,
            nr::WAIT4,
            nr::KILL,
            nr::TKILL,
            nr::TGKILL,
        ]
        .contains(&number),
        'S' => {
            has(&[Arg::Signal])
                || call.name.starts_with("rt_sig")
                || [nr::PAUSE, nr::SIGALTSTACK].contains(&number)
        }
        'N' => number == nr::SENDFILE,
        'C' => [
            nr::GETUID,
            nr::GETGID,
            nr::GETEUID,
            nr::GETEGID,
            nr::SETUID,
            nr::SETGID,
            nr::PRCTL,
        ]
        .contains(&number),
        'K' => [
            nr::GETTIMEOFDAY,
            nr::TIME,
            nr::CLOCK_GETTIME,
            nr::CLOCK_GETRES,
        ]
        .contains(&number),
        't' => number == nr::STAT,
        'l' => number == nr::LSTAT,
        'f' => [nr::FSTAT, nr::NEWFSTATAT, nr::STATX].contains(&number),
        'a' => "tlf".chars().any(|letter| belongs(call, letter)),
        's' => number == nr::STATFS,
        'g' => number == nr::FSTATFS,
        'b' => "sg".chars().any(|letter| belongs(call, letter)),
        'p' => never_fails(number) && number != nr::UMASK,
        _ => false,
    }
}

/// Whether any result of the call is a success.
pub const fn never_fails(number: u64) -> bool {
    matches!(
        number,
        nr::GETPID
            | nr::GETPPID
            | nr::GETPGRP
            | nr::GETTID
            | nr::GETUID
            | nr::GETGID
            | nr::GETEUID
            | nr::GETEGID
            | nr::UMASK
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_the_members_that_strace_gives_them() {
        let has = |class: &str, number| members(class).unwrap().contains(&number);
        assert!(has("%file", nr::OPENAT) && has("file", nr::GETCWD) && !has("%file", nr::READ));
        assert!(has("%desc", nr::PIPE2) && has("%desc", nr::MMAP) && has("desc", nr::POLL));
        assert!(!has("%desc", nr::STAT) && has("%desc", nr::CREAT) && has("%desc", nr::SYMLINKAT));
        assert!(has("%process", nr::KILL) && has("%signal", nr::KILL));
        assert!(has("%%stat", nr::FSTAT) && !has("%stat", nr::FSTAT));
        assert_eq!(members("%net"), members("network"));
        assert_eq!(members("net"), None);
        assert_eq!(members("creds"), None);
        assert_eq!(members("%"), None);
        for (class, ..) in CLASSES {
            assert!(
                !members(&format!("%{class}")).unwrap().is_empty(),
                "{class}"
            );
        }
    }
}
