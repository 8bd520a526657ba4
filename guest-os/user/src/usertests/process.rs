//! fork, exit, wait, ids.

use super::cases;
use super::support::{expect_exit, expect_signal, in_child, pause, spawn};
use abi::signal::{SIGCONT, SIGKILL, SIGSTOP, SIGTERM};
use abi::wait::{Ended, WCONTINUED, WNOHANG, WUNTRACED};
use abi::{Errno, nr};
use rust_alloc::vec::Vec;
use ulib::arch::wild;
use ulib::sys;

cases! {
    exit_status "the low eight bits of exit's argument reach the parent";
    fork_copies "a child has a copy of memory, and its changes stay its own";
    fork_returns "fork gives the child's id to the parent, and the child has another id";
    fork_shares_offset "parent and child share the position of an inherited descriptor";
    fork_tree "a tree of processes, each waiting for its children, comes back complete";
    many_children "forty children at once are all waited for";
    vfork_exits "the child of a vfork exits, and the parent goes on as if nothing had happened";
    wait_any "wait4(-1) gives every child exactly once, then ECHILD";
    wait_one "wait4(pid) waits for that child and no other";
    wait_nohang "WNOHANG gives 0 while children run";
    wait_group "wait4(0) and wait4(-group) look at process groups";
    wait_stopped "WUNTRACED tells of a stopped child, WCONTINUED of a continued one";
    wait_bad "wait4 refuses unknown options and processes that are not its children";
    zombie_is_signalable "a zombie takes signals until it has been waited for";
    orphan_is_adopted "an orphan's parent becomes another process";
    kill_while_waiting "a parent that is killed while it waits ends at once";
    groups "setpgid and setsid build groups and sessions, and refuse what POSIX refuses";
    group_of_stranger "getpgid of a process that does not exist is ESRCH";
    fork_limit "a process that forks until it cannot gets EAGAIN or ENOMEM, and all is well after", only "it would take every process id of the host";
}

fn exit_status() {
    for code in [0, 1, 7, 255, 256 + 3] {
        let child = spawn(|| sys::exit(code));
        expect_exit(child, code as u8);
    }
    expect_signal(SIGTERM, || {
        // The signal ends this process before the call returns.
        let _ = sys::kill(sys::getpid(), SIGTERM);
    });
}

fn fork_copies() {
    let mut numbers: Vec<u64> = (0..5000).collect();
    let child = spawn(|| {
        numbers.iter_mut().for_each(|n| *n += 1);
        assert_eq!(numbers.iter().sum::<u64>(), 5000 * 4999 / 2 + 5000);
    });
    expect_exit(child, 0);
    assert_eq!(numbers.iter().sum::<u64>(), 5000 * 4999 / 2);
}

fn fork_returns() {
    let parent = sys::getpid();
    let (reader, writer) = sys::pipe().unwrap();
    let child = spawn(|| {
        assert_eq!(sys::getppid(), parent);
        super::support::write_all(writer, &sys::getpid().to_le_bytes());
    });
    let told = super::support::read_exact(reader, 4);
    assert_eq!(told, child.to_le_bytes());
    assert_ne!(child, parent);
    expect_exit(child, 0);
}

fn fork_shares_offset() {
    super::support::write("f", b"abcdef");
    let fd = super::support::open("f", abi::fcntl::O_RDONLY);
    expect_exit(
        spawn(|| assert_eq!(super::support::read_exact(fd, 3), b"abc")),
        0,
    );
    assert_eq!(super::support::read_exact(fd, 3), b"def");
}

fn fork_tree() {
    fn tree(depth: u32) {
        if depth == 0 {
            return;
        }
        let children = [spawn(|| tree(depth - 1)), spawn(|| tree(depth - 1))];
        children.into_iter().for_each(|child| expect_exit(child, 0));
    }
    tree(5);
}

fn many_children() {
    let children: Vec<_> = (0..40)
        .map(|code| (code, spawn(|| sys::exit(code))))
        .collect();
    for (code, child) in children.into_iter().rev() {
        expect_exit(child, code as u8);
    }
}

fn vfork_exits() {
    for code in 1..4 {
        let child = wild::vfork_exit(code);
        assert!(child > 0, "vfork: {child}");
        expect_exit(child as sys::Pid, code as u8);
    }
    assert_eq!(sys::wait4(-1, 0), Err(Errno::ECHILD));
}

fn wait_any() {
    let mut children: Vec<_> = (0..10).map(|_| spawn(|| ())).collect();
    for _ in 0..10 {
        let (pid, status) = sys::wait4(-1, 0).unwrap().unwrap();
        assert_eq!(status.ended(), Ended::Exited(0));
        let at = children.iter().position(|child| *child == pid).unwrap();
        children.remove(at);
    }
    assert_eq!(sys::wait4(-1, 0), Err(Errno::ECHILD));
}

fn wait_one() {
    let quick = spawn(|| sys::exit(1));
    let slow = spawn(|| {
        pause(20);
        sys::exit(2)
    });
    expect_exit(slow, 2);
    expect_exit(quick, 1);
    assert_eq!(sys::wait4(quick, 0), Err(Errno::ECHILD));
}

fn wait_nohang() {
    let (reader, writer) = sys::pipe().unwrap();
    let child = spawn(|| {
        sys::close(writer).unwrap();
        let mut byte = [0];
        sys::read(reader, &mut byte).unwrap();
    });
    assert_eq!(sys::wait4(child, WNOHANG), Ok(None));
    assert_eq!(sys::wait4(-1, WNOHANG), Ok(None));
    sys::close(writer).unwrap();
    expect_exit(child, 0);
    assert_eq!(sys::wait4(-1, WNOHANG), Err(Errno::ECHILD));
}

fn wait_group() {
    let same = spawn(|| sys::exit(1));
    let other = spawn(|| {
        pause(20);
        sys::exit(2)
    });
    sys::setpgid(other, other).unwrap();
    assert_eq!(sys::wait4(0, 0).unwrap().unwrap().0, same);
    assert_eq!(sys::wait4(0, 0), Err(Errno::ECHILD));
    assert_eq!(sys::wait4(-other, 0).unwrap().unwrap().0, other);
}

fn wait_stopped() {
    let child = spawn(|| {
        loop {
            pause(1000);
        }
    });
    sys::kill(child, SIGSTOP).unwrap();
    let (pid, status) = sys::wait4(child, WUNTRACED).unwrap().unwrap();
    assert_eq!(
        (pid, status.ended()),
        (child, Ended::Stopped(SIGSTOP as u8))
    );
    assert_eq!(sys::wait4(child, WUNTRACED | WNOHANG), Ok(None));
    sys::kill(child, SIGCONT).unwrap();
    let (_, status) = sys::wait4(child, WCONTINUED).unwrap().unwrap();
    assert_eq!(status.ended(), Ended::Continued);
    sys::kill(child, SIGKILL).unwrap();
    assert_eq!(
        sys::wait_for(child).unwrap().ended(),
        Ended::Signaled(SIGKILL as u8)
    );
}

fn wait_bad() {
    assert_eq!(sys::wait4(-1, 0x4000), Err(Errno::EINVAL));
    assert_eq!(sys::wait4(sys::getppid(), 0), Err(Errno::ECHILD));
    assert_eq!(sys::wait4(999_999, 0), Err(Errno::ECHILD));
}

fn zombie_is_signalable() {
    let child = spawn(|| ());
    pause(20);
    assert_eq!(sys::kill(child, 0), Ok(()));
    assert_eq!(sys::kill(child, SIGTERM), Ok(()));
    expect_exit(child, 0);
    assert_eq!(sys::kill(child, 0), Err(Errno::ESRCH));
}

fn orphan_is_adopted() {
    let (reader, writer) = sys::pipe().unwrap();
    let parent = spawn(|| {
        let mine = sys::getpid();
        spawn(|| {
            while sys::getppid() == mine {
                pause(1);
            }
            super::support::write_all(writer, &sys::getppid().to_le_bytes());
        });
    });
    expect_exit(parent, 0);
    let told = super::support::read_exact(reader, 4);
    assert_ne!(told, parent.to_le_bytes());
    assert_eq!(sys::wait4(-1, 0), Err(Errno::ECHILD));
}

fn kill_while_waiting() {
    let parent = spawn(|| {
        let child = spawn(|| pause(50));
        expect_exit(child, 0);
    });
    pause(10);
    sys::kill(parent, SIGKILL).unwrap();
    assert_eq!(
        sys::wait_for(parent).unwrap().ended(),
        Ended::Signaled(SIGKILL as u8)
    );
}

fn groups() {
    let child = spawn(|| {
        let own = sys::getpid();
        assert_ne!(sys::getpgid(0), Ok(own));
        sys::setpgid(0, 0).unwrap();
        assert_eq!(sys::getpgid(0), Ok(own));
        // A group leader cannot start a session; its child can.
        assert_eq!(sys::setsid(), Err(Errno::EPERM));
        expect_exit(
            spawn(|| {
                assert_eq!(sys::getpgid(0), Ok(own));
                let leader = sys::setsid().unwrap();
                assert_eq!((leader, leader), (sys::getpid(), sys::getsid(0).unwrap()));
                assert_eq!(sys::setpgid(0, 0), Err(Errno::EPERM));
            }),
            0,
        );
        assert_eq!(sys::setpgid(0, -1), Err(Errno::EINVAL));
        assert_eq!(sys::setpgid(0, 999_999), Err(Errno::EPERM));
    });
    expect_exit(child, 0);
}

fn group_of_stranger() {
    assert_eq!(sys::getpgid(999_999), Err(Errno::ESRCH));
    assert_eq!(sys::getsid(999_999), Err(Errno::ESRCH));
    assert_eq!(sys::setpgid(999_999, 0), Err(Errno::ESRCH));
    assert_eq!(
        wild::syscall(nr::GETPGID, [-1i64 as u64, 0, 0, 0, 0, 0]),
        Err(Errno::ESRCH)
    );
}

fn fork_limit() {
    let status = in_child(|| {
        let (reader, writer) = sys::pipe().unwrap();
        let mut children = Vec::new();
        let why = loop {
            match sys::fork() {
                Ok(Some(child)) => children.push(child),
                Ok(None) => {
                    sys::close(writer).unwrap();
                    let mut byte = [0];
                    let end = sys::read(reader, &mut byte);
                    sys::exit(i32::from(end != Ok(0)));
                }
                Err(errno) => break errno,
            }
        };
        assert!(matches!(why, Errno::EAGAIN | Errno::ENOMEM), "{why:?}");
        assert!(children.len() >= 20, "only {} processes", children.len());
        sys::close(writer).unwrap();
        children.into_iter().for_each(|child| expect_exit(child, 0));
    });
    assert_eq!(status.ended(), Ended::Exited(0));
    expect_exit(spawn(|| ()), 0);
}
