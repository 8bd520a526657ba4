//! execve: arguments, environment, what is kept and what is closed, scripts, errors.

use super::cases;
use super::support::{expect_exit, in_child, read, spawn, write};
use abi::Errno;
use abi::fcntl::{FD_CLOEXEC, O_CLOEXEC, O_RDONLY};
use abi::limits::ARG_MAX;
use abi::signal::{SIGUSR1, SIGUSR2, bit};
use abi::wait::Ended;
use rust_alloc::string::String;
use rust_alloc::vec;
use rust_alloc::vec::Vec;
use ulib::sys::{self, Disposition, Pid};
use ulib::{env, fs, process};

cases! {
    exec_arguments "arguments and environment arrive unchanged, empty and odd ones too";
    exec_keeps_pid "a process keeps its id, directory, umask and descriptors across exec";
    exec_cloexec "close-on-exec descriptors are closed by exec, and only they";
    exec_signals "exec keeps ignored signals and the mask, and resets handlers";
    exec_script "a script runs through its #! line, with the argument it names";
    exec_script_loop "scripts whose interpreters are scripts end in ELOOP or ENOEXEC";
    exec_errors "exec of what cannot run fails and the caller goes on";
    exec_too_much "arguments beyond the limit are E2BIG, and large ones below it work";
    exec_damaged "damaged ELF files are refused or killed, never run wild";
    exec_unlinked "a program may be removed while it runs", only "another system's /proc/self/exe may not be copied to the test's directory";
    exec_many "a hundred programs one after the other";
}

/// Runs `sh -c` with a script, and gives its status.
fn shell(script: &str) -> Pid {
    let script: String = script.into();
    spawn(move || {
        let errno = process::exec(&[b"sh".as_slice(), b"-c", script.as_bytes()]);
        panic!("exec: {errno}");
    })
}

/// Becomes a program with its output in a file.
fn exec_into(file: &str, args: &[&[u8]], environment: &[&[u8]]) -> ! {
    let fd = super::support::open(file, abi::fcntl::O_WRONLY | abi::fcntl::O_CREAT);
    sys::dup2(fd, 1).unwrap();
    let path = process::find_program(args[0]).unwrap();
    let errno = sys::execve(&path, args, environment);
    panic!("exec: {errno}");
}

fn exec_arguments() {
    let odd: Vec<u8> = (1..=255).filter(|b| *b != b'\n').collect();
    let odd = odd.as_slice();
    let child = spawn(|| exec_into("out", &[b"printf", b"%s\n", b"a", b"", odd], &[]));
    expect_exit(child, 0);
    assert_eq!(read("out"), [b"a\n\n", odd, b"\n"].concat());
    let child = spawn(|| exec_into("env", &[b"env"], &[b"A=1", b"B=", b"C=x=y"]));
    expect_exit(child, 0);
    assert_eq!(read("env"), b"A=1\nB=\nC=x=y\n");
}

fn exec_keeps_pid() {
    write("inherited", b"hello\n");
    sys::umask(0o027);
    let fd = super::support::open("inherited", O_RDONLY);
    sys::dup2(fd, 9).unwrap();
    let child = shell("echo $$ > pid; umask > mask; pwd > dir; read line <&9; echo $line > line");
    expect_exit(child, 0);
    assert_eq!(read("pid"), rust_alloc::format!("{child}\n").into_bytes());
    assert_eq!(read("mask"), b"0027\n");
    assert_eq!(read("dir"), [&sys::getcwd().unwrap()[..], b"\n"].concat());
    assert_eq!(read("line"), b"hello\n");
    assert_eq!(sys::stat(b"pid").unwrap().mode & 0o777, 0o640);
}

fn exec_cloexec() {
    write("f", b"x");
    sys::dup2(super::support::open("f", O_RDONLY), 7).unwrap();
    sys::dup3(7, 8, O_CLOEXEC).unwrap();
    sys::dup2(7, 9).unwrap();
    sys::set_descriptor_flags(9, FD_CLOEXEC).unwrap();
    assert_eq!(sys::descriptor_flags(8), Ok(FD_CLOEXEC));
    let script = "(: <&7) 2>/dev/null; a=$?; (: <&8) 2>/dev/null; b=$?; (: <&9) 2>/dev/null; echo $a $b $? > out";
    expect_exit(shell(script), 0);
    assert_eq!(read("out"), b"0 1 1\n");
}

extern "C" fn ignore(_: i32) {}

fn exec_signals() {
    sys::signal(SIGUSR1, Disposition::Ignore).unwrap();
    sys::signal(SIGUSR2, Disposition::Handler(ignore)).unwrap();
    expect_exit(shell("kill -USR1 $$; exit 3"), 3);
    let status = sys::wait_for(shell("kill -USR2 $$; exit 3")).unwrap();
    assert_eq!(status.ended(), Ended::Signaled(SIGUSR2 as u8));
    sys::set_mask(bit(SIGUSR2)).unwrap();
    expect_exit(shell("kill -USR2 $$; exit 4"), 4);
}

fn exec_script() {
    let cat = process::find_program(b"cat").unwrap();
    write("script", &[b"#!", &cat[..], b" -n\nline\n"].concat());
    sys::chmod(b"script", 0o755).unwrap();
    let child = spawn(|| {
        let fd = super::support::open("out", abi::fcntl::O_WRONLY | abi::fcntl::O_CREAT);
        sys::dup2(fd, 1).unwrap();
        let errno = sys::execve(b"./script", &["./script"], &env::all());
        panic!("exec: {errno}");
    });
    expect_exit(child, 0);
    let expected = [b"     1\t#!", &cat[..], b" -n\n     2\tline\n"].concat();
    assert_eq!(read("out"), expected);
}

fn exec_script_loop() {
    write("a", b"#!./b\n");
    write("b", b"#!./a\n");
    for name in ["a", "b"] {
        sys::chmod(name.as_bytes(), 0o755).unwrap();
    }
    let errno = sys::execve(b"./a", &["a"], &[""; 0]);
    assert!(matches!(errno, Errno::ELOOP | Errno::ENOEXEC), "{errno:?}");
}

fn exec_errors() {
    let exec = |path: &str| sys::execve(path.as_bytes(), &["x"], &[""; 0]);
    write("text", b"not a program");
    sys::chmod(b"text", 0o755).unwrap();
    write("plain", b"\x7fELF");
    sys::mkdir(b"dir", 0o755).unwrap();
    write("gone", b"#!/no/such/interpreter\n");
    sys::chmod(b"gone", 0o755).unwrap();
    assert_eq!(exec("missing"), Errno::ENOENT);
    assert_eq!(exec(""), Errno::ENOENT);
    assert_eq!(exec("text"), Errno::ENOEXEC);
    assert_eq!(exec("text/x"), Errno::ENOTDIR);
    assert_eq!(exec("dir"), Errno::EACCES);
    assert_eq!(exec("plain"), Errno::EACCES);
    assert_eq!(exec("gone"), Errno::ENOENT);
    let long = "x".repeat(300);
    assert_eq!(exec(&long), Errno::ENAMETOOLONG);
}

fn exec_too_much() {
    let huge = vec![b'x'; 2 << 20];
    assert_eq!(
        sys::execve(
            &process::find_program(b"true").unwrap(),
            &[&huge[..]],
            &[""; 0]
        ),
        Errno::E2BIG
    );
    let many: Vec<&[u8]> = vec![b"argument"; 1 << 19];
    assert_eq!(
        sys::execve(&process::find_program(b"true").unwrap(), &many, &[""; 0]),
        Errno::E2BIG
    );
    let large = vec![b'y'; ARG_MAX / 4];
    let child = spawn(|| exec_into("out", &[b"echo", &large], &[]));
    expect_exit(child, 0);
    assert_eq!(read("out").len(), large.len() + 1);
}

fn exec_damaged() {
    let good = fs::read_file(&process::find_program(b"true").unwrap()).unwrap();
    // Header fields: class, type, machine, entry, place and number of program headers, first header.
    for offset in [
        4, 16, 18, 24, 31, 32, 38, 54, 56, 64, 72, 80, 87, 96, 103, 104, 111,
    ] {
        for value in [0, 0xff] {
            let mut bad = good.clone();
            bad[offset] = value;
            fs::write_file(b"bad", &bad).unwrap();
            sys::chmod(b"bad", 0o755).unwrap();
            let status = in_child(|| {
                sys::alarm(2);
                // Standard output may see what a damaged program prints.
                let _ = sys::close(1);
                sys::execve(b"./bad", &["bad"], &[""; 0]);
                sys::exit(126);
            });
            assert!(!matches!(status.ended(), Ended::Stopped(_)));
            sys::unlink(b"bad").unwrap();
        }
    }
    for len in [0, 1, 63, 64, 100, 200] {
        fs::write_file(b"bad", &good[..len]).unwrap();
        sys::chmod(b"bad", 0o755).unwrap();
        let status = in_child(|| {
            sys::execve(b"./bad", &["bad"], &[""; 0]);
            sys::exit(126);
        });
        assert_ne!(status.ended(), Ended::Exited(0), "length {len}");
    }
}

fn exec_unlinked() {
    let program = fs::read_file(&process::find_program(b"sleep").unwrap()).unwrap();
    write("sleep", &program);
    sys::chmod(b"sleep", 0o755).unwrap();
    let child = spawn(|| {
        let errno = sys::execve(b"./sleep", &["sleep", "0.05"], &[""; 0]);
        panic!("exec: {errno}");
    });
    super::support::pause(10);
    sys::unlink(b"sleep").unwrap();
    expect_exit(child, 0);
}

fn exec_many() {
    let path = process::find_program(b"true").unwrap();
    for _ in 0..100 {
        let child = spawn(|| {
            sys::execve(&path, &["true"], &[""; 0]);
            sys::exit(1);
        });
        expect_exit(child, 0);
    }
}
