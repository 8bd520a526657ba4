//! Clocks, random numbers, /proc, and whether anything has leaked.

use super::cases;
use super::support::{PAGE, expect_exit, free_memory, map, open, pause, read, spawn, write};
use abi::fcntl::{O_RDONLY, O_WRONLY};
use abi::time::{CLOCK_MONOTONIC, CLOCK_REALTIME, Timespec};
use abi::{Errno, nr};
use rust_alloc::format;
use rust_alloc::string::String;
use rust_alloc::vec::Vec;
use ulib::arch::wild;
use ulib::{bytes, fs, process, sys};

cases! {
    unknown_call "a system call that does not exist is ENOSYS";
    clocks "clocks move forward, and unknown ones are refused";
    sleeping "nanosleep takes at least its time, and refuses bad times";
    random "getrandom fills buffers differently each time";
    names_of_system "uname tells a system, a release and the machine";
    umask_returns "umask gives the mask before";
    usage "getrusage grows with use, and children count when waited for";
    proc_self "/proc/self describes the process that looks";
    proc_stat "/proc/<pid>/stat has name, state and parent";
    proc_maps "/proc/<pid>/maps shows code, heap, stack and mappings";
    proc_lists "/proc lists processes while they live";
    proc_meminfo "/proc/meminfo shows memory in use when it is used", only "another system's free memory changes by itself";
    proc_uptime "/proc/uptime moves with the clock";
    proc_interrupts "/proc/interrupts counts";
    proc_readonly "/proc cannot be written to or changed", only "the host lets root do some of it";
    reboot_magic "reboot without its magic numbers is EINVAL and does nothing";
    leak_processes "processes give back all their memory", only "another system's free memory changes by itself";
    leak_files "files give back all their memory and room", only "another system's free memory changes by itself";
}

fn unknown_call() {
    for number in [500, 1000, 0x1_0000, u64::MAX] {
        assert_eq!(
            wild::syscall(number, [0; 6]),
            Err(Errno::ENOSYS),
            "{number}"
        );
    }
}

fn clocks() {
    let mut last = sys::monotonic();
    for _ in 0..1000 {
        let now = sys::monotonic();
        assert!(now >= last);
        last = now;
    }
    // After 2020.
    assert!(sys::clock(CLOCK_REALTIME).unwrap().sec > 1_577_836_800);
    assert!(sys::clock(CLOCK_MONOTONIC).unwrap().sec >= 0);
    assert_eq!(sys::clock(77), Err(Errno::EINVAL));
}

fn sleeping() {
    for millis in [0, 1, 15, 40] {
        let start = sys::monotonic();
        pause(millis);
        let slept = sys::monotonic() - start;
        assert!(
            slept >= millis * 1_000_000,
            "slept {slept} ns, not {millis} ms"
        );
    }
    for (sec, nsec) in [(-1, 0), (0, -1), (0, 1_000_000_000)] {
        let refused = sys::nanosleep(Timespec { sec, nsec });
        assert_eq!(refused.unwrap_err().0, Errno::EINVAL);
    }
}

fn random() {
    let (mut a, mut b) = ([0; 256], [0; 256]);
    assert_eq!(sys::getrandom(&mut a, 0), Ok(256));
    assert_eq!(sys::getrandom(&mut b, 0), Ok(256));
    assert_ne!(a, b);
    let distinct: rust_alloc::collections::BTreeSet<u8> = a.into_iter().collect();
    assert!(distinct.len() > 80, "{} different bytes", distinct.len());
    assert_eq!(sys::getrandom(&mut a, 0x100), Err(Errno::EINVAL));
    let mut c = [0; 64];
    let source = open("/dev/random", O_RDONLY);
    assert!(sys::read(source, &mut c).unwrap() > 0);
}

fn names_of_system() {
    let names = sys::uname().unwrap();
    assert!(names.sysname[0] != 0 && names.release[0] != 0);
    let machine = ulib::arch::MACHINE;
    assert!(names.machine.starts_with(machine) && names.machine[machine.len()] == 0);
}

fn umask_returns() {
    sys::umask(0o123);
    assert_eq!(sys::umask(0o7777), 0o123);
    assert_eq!(sys::umask(0), 0o777);
}

fn usage() {
    use abi::resource::{RUSAGE_CHILDREN, RUSAGE_SELF};
    let micros = |who| {
        let usage = sys::getrusage(who).unwrap();
        (usage.utime.sec + usage.stime.sec) * 1_000_000 + usage.utime.usec + usage.stime.usec
    };
    let work = || {
        let start = sys::monotonic();
        while sys::monotonic() - start < 50_000_000 {
            core::hint::black_box((0..10_000u64).fold(0, |a, b| a ^ b));
        }
    };
    let before = micros(RUSAGE_SELF);
    work();
    assert!(micros(RUSAGE_SELF) > before);
    assert_eq!(micros(RUSAGE_CHILDREN), 0);
    expect_exit(spawn(work), 0);
    assert!(micros(RUSAGE_CHILDREN) > 0);
    assert_eq!(sys::getrusage(17), Err(Errno::EINVAL));
}

fn text(path: &str) -> String {
    String::from_utf8(read(path)).unwrap()
}

fn proc_self() {
    let status = text("/proc/self/status");
    assert!(
        status.contains(&format!("Pid:\t{}\n", sys::getpid())),
        "{status}"
    );
    assert!(
        status.contains(&format!("PPid:\t{}\n", sys::getppid())),
        "{status}"
    );
    assert!(status.starts_with("Name:\tusertests\n"), "{status}");
    let child = spawn(|| {
        let status = text("/proc/self/status");
        assert!(status.contains(&format!("Pid:\t{}\n", sys::getpid())));
    });
    expect_exit(child, 0);
}

fn proc_stat() {
    let child = spawn(|| pause(100));
    pause(10);
    let name = format!("{child}");
    let found = crate::proc::Process::read(name.as_bytes()).unwrap();
    assert_eq!(found.pid, i64::from(child));
    assert_eq!(found.parent, i64::from(sys::getpid()));
    assert_eq!((&found.name[..], found.state), (&b"usertests"[..], b'S'));
    assert!(found.size > 0 && found.resident > 0);
    expect_exit(child, 0);
}

fn proc_maps() {
    let memory = map(3);
    wild::store(memory, 1);
    let maps = text("/proc/self/maps");
    let ranges: Vec<(u64, u64, &str)> = maps
        .lines()
        .map(|line| {
            let mut words = line.split_whitespace();
            let (start, end) = words.next().unwrap().split_once('-').unwrap();
            let hex = |text| u64::from_str_radix(text, 16).unwrap();
            (hex(start), hex(end), words.next().unwrap())
        })
        .collect();
    let rights = |address: u64| {
        let found = ranges
            .iter()
            .find(|(start, end, _)| (*start..*end).contains(&address));
        found.map(|(_, _, rights)| *rights)
    };
    assert_eq!(rights(memory), Some("rw-p"), "{maps}");
    assert_eq!(
        rights(proc_maps as *const () as u64),
        Some("r-xp"),
        "{maps}"
    );
    assert_eq!(rights(wild::stack_pointer()), Some("rw-p"), "{maps}");
    assert_eq!(rights(0), None);
    assert!(
        ranges.windows(2).all(|pair| pair[0].1 <= pair[1].0),
        "{maps}"
    );
}

fn proc_lists() {
    let listed = |pid: sys::Pid| {
        let name = format!("{pid}").into_bytes();
        fs::read_dir(b"/proc")
            .unwrap()
            .iter()
            .any(|entry| entry.name == name)
    };
    let child = spawn(|| pause(50));
    assert!(listed(sys::getpid()) && listed(child));
    expect_exit(child, 0);
    assert!(!listed(child));
    let gone = format!("/proc/{child}/stat");
    assert_eq!(sys::stat(gone.as_bytes()).err(), Some(Errno::ENOENT));
}

fn proc_meminfo() {
    const SIZE: u64 = 4 << 20;
    let meminfo = read("/proc/meminfo");
    let total = crate::proc::meminfo(&meminfo, "MemTotal").unwrap();
    assert!(total > 0 && free_memory() <= total * 1024);
    let before = free_memory();
    let memory = map(SIZE as usize / PAGE);
    (0..SIZE)
        .step_by(PAGE)
        .for_each(|at| wild::store(memory + at, 1));
    let taken = before.saturating_sub(free_memory());
    assert!((SIZE..SIZE * 2).contains(&taken), "{taken} bytes taken");
    sys::munmap(memory as usize, SIZE as usize).unwrap();
    assert!(before.abs_diff(free_memory()) < SIZE / 4);
}

fn proc_uptime() {
    let seconds = || -> u64 {
        let text = text("/proc/uptime");
        let (whole, rest) = text.split_once('.').unwrap();
        whole.parse::<u64>().unwrap() * 100 + rest[..2].parse::<u64>().unwrap()
    };
    let before = seconds();
    pause(100);
    let passed = seconds() - before;
    assert!(passed >= 9, "{passed} hundredths");
}

fn proc_interrupts() {
    let interrupts = text("/proc/interrupts");
    assert!(interrupts.contains("CPU0"), "{interrupts}");
    assert!(interrupts.lines().count() >= 2, "{interrupts}");
}

fn proc_readonly() {
    assert!(sys::open(b"/proc/meminfo", O_WRONLY, 0).is_err());
    assert!(sys::unlink(b"/proc/meminfo").is_err());
    assert!(sys::mkdir(b"/proc/x", 0o755).is_err());
    assert!(sys::rename(b"/proc/uptime", b"/proc/x", 0).is_err());
}

fn reboot_magic() {
    let command = u64::from(abi::reboot::POWER_OFF);
    for (first, second) in [(0, 0), (u64::from(abi::reboot::MAGIC1), 0)] {
        let answer = wild::syscall(nr::REBOOT, [first, second, command, 0, 0, 0]);
        assert_eq!(answer, Err(Errno::EINVAL));
    }
}

/// Runs `body` once to fill caches, then again and again, and compares free memory.
fn leaks(body: impl Fn()) {
    const ROUNDS: u64 = 10;
    // Less than a page a round may hide in caches that still grow.
    const TOLERANCE: u64 = ROUNDS * PAGE as u64 / 2;
    body();
    body();
    // Asking takes memory, too, which the heap keeps.
    free_memory();
    sys::sync();
    let before = free_memory();
    (0..ROUNDS).for_each(|_| body());
    sys::sync();
    let lost = before.saturating_sub(free_memory());
    assert!(
        lost <= TOLERANCE,
        "{lost} bytes are gone after {ROUNDS} rounds"
    );
}

fn leak_processes() {
    let path = process::find_program(b"true").unwrap();
    leaks(|| {
        let child = spawn(|| {
            let memory = map(50);
            (0..50).for_each(|page| wild::store(memory + page * PAGE as u64, 1));
            sys::brk(sys::brk(0) + 20 * PAGE);
            expect_exit(spawn(|| wild::store(memory, 2)), 0);
            let (_, writer) = sys::pipe().unwrap();
            super::support::write_all(writer, &[1; 3000]);
            sys::execve(&path, &["true"], &[""; 0]);
        });
        expect_exit(child, 0);
        let killed = spawn(|| {
            wild::store(0, 1);
        });
        sys::wait_for(killed).unwrap();
    });
}

fn leak_files() {
    leaks(|| {
        sys::mkdir(b"d", 0o755).unwrap();
        for i in 0..10 {
            let name = format!("d/f{i}");
            write(&name, &[i; 20_000]);
            assert!(bytes::find(&read(&name), &[i; 100]).is_some());
            sys::link(name.as_bytes(), format!("{name}.link").as_bytes(), 0).unwrap();
        }
        let open_one = open("d/f0", O_RDONLY);
        fs::remove_tree(b"d").unwrap();
        sys::close(open_one).unwrap();
    });
}
