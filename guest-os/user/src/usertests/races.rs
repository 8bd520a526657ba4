//! Many at once: processes that get in each other's way.

use super::cases;
use super::support::{exists, expect_exit, open, pattern, pause, read, spawn, write, write_all};
use abi::Errno;
use abi::fcntl::{O_APPEND, O_CREAT, O_EXCL, O_RDWR, O_WRONLY};
use abi::signal::{SIGKILL, SIGTERM};
use abi::wait::Ended;
use rust_alloc::format;
use rust_alloc::vec::Vec;
use ulib::{fs, sys};

cases! {
    race_create "of many processes that create a file exclusively, one succeeds";
    race_create_unlink "creating and removing the same names at once leaves a sound directory";
    race_directories "making and removing directories in each other's way";
    race_rename "a name that is renamed over at once always exists";
    race_append "appends of several processes are all there";
    race_read_append "who reads a file while it grows sees whole appends";
    race_write "processes that write their own files at once read back their own";
    race_link "links to one file at once are all counted";
    race_kill "processes killed at any moment of a fork leave nothing behind";
    race_fork_exit "several processes fork and reap at once";
    race_exec "several processes exec at once";
    race_cwd "a directory removed under a process that works in it";
    race_memory "processes that map, fault and fork at once keep their memory apart";
    fairness "processes that only compute all get on";
}

/// Starts several workers, each with its number, and expects all to succeed.
fn workers(count: u64, body: impl Fn(u64)) {
    let children: Vec<_> = (0..count).map(|id| spawn(|| body(id))).collect();
    children.into_iter().for_each(|child| expect_exit(child, 0));
}

fn race_create() {
    for round in 0..10 {
        let name = format!("f{round}");
        let children: Vec<_> = (0..6)
            .map(|_| {
                spawn(
                    || match sys::open(name.as_bytes(), O_WRONLY | O_CREAT | O_EXCL, 0o644) {
                        Ok(_) => sys::exit(1),
                        Err(errno) => assert_eq!(errno, Errno::EEXIST),
                    },
                )
            })
            .collect();
        let statuses = children
            .into_iter()
            .map(|child| sys::wait_for(child).unwrap().shell_status());
        assert_eq!(statuses.map(u32::from).sum::<u32>(), 1);
    }
}

fn race_create_unlink() {
    workers(4, |id| {
        for round in 0..50 {
            let name = format!("f{}", (round + id) % 5);
            match sys::open(name.as_bytes(), O_RDWR | O_CREAT, 0o644) {
                Ok(fd) => {
                    write_all(fd, b"x");
                    sys::close(fd).unwrap();
                }
                Err(errno) => panic!("open: {errno}"),
            }
            let removed = sys::unlink(name.as_bytes());
            assert!(
                matches!(removed, Ok(()) | Err(Errno::ENOENT)),
                "{removed:?}"
            );
        }
    });
    assert_eq!(fs::children(b".").unwrap().len(), 0);
}

fn race_directories() {
    workers(4, |id| {
        for round in 0..40 {
            let name = format!("d{}", (round + id) % 3);
            let made = sys::mkdir(name.as_bytes(), 0o755);
            assert!(matches!(made, Ok(()) | Err(Errno::EEXIST)), "{made:?}");
            let file = format!("{name}/f{id}");
            // Another process may remove the directory at any time.
            let _ = fs::write_file(file.as_bytes(), b"");
            let _ = sys::unlink(file.as_bytes());
            let removed = sys::rmdir(name.as_bytes());
            assert!(
                matches!(removed, Ok(()) | Err(Errno::ENOENT | Errno::ENOTEMPTY)),
                "{removed:?}"
            );
        }
    });
    for entry in fs::children(b".").unwrap() {
        sys::rmdir(&entry.name).unwrap();
    }
    assert_eq!(sys::stat(b".").unwrap().nlink, 2);
}

fn race_rename() {
    write("name", &[0]);
    workers(4, |id| {
        for round in 0..40 {
            if id == 0 {
                assert_eq!(fs::read_file(b"name").unwrap().len(), 1, "round {round}");
                continue;
            }
            let own = format!("own{id}");
            write(&own, &[id as u8]);
            sys::rename(own.as_bytes(), b"name", 0).unwrap();
        }
    });
    assert_eq!(fs::children(b".").unwrap().len(), 1);
}

fn race_append() {
    write("log", b"");
    workers(4, |id| {
        let fd = open("log", O_WRONLY | O_APPEND);
        for _ in 0..50 {
            write_all(fd, &[b'a' + id as u8; 10]);
        }
    });
    let content = read("log");
    assert_eq!(content.len(), 4 * 50 * 10);
    assert!(
        content
            .chunks(10)
            .all(|chunk| chunk.iter().all(|b| *b == chunk[0]))
    );
}

fn race_read_append() {
    const RECORD: usize = 1024;
    const RECORDS: usize = 200;
    write("log", b"");
    workers(4, |id| {
        if id == 0 {
            let fd = open("log", O_WRONLY | O_APPEND);
            (0..RECORDS).for_each(|round| write_all(fd, &[round as u8; RECORD]));
            return;
        }
        let mut len = 0;
        while len < RECORDS * RECORD {
            let log = read("log");
            assert!(log.len().is_multiple_of(RECORD) && log.len() >= len);
            for (round, record) in log.chunks(RECORD).enumerate() {
                assert!(record.iter().all(|byte| *byte == round as u8));
            }
            len = log.len();
        }
    });
}

fn race_write() {
    workers(4, |id| {
        let name = format!("f{id}");
        for round in 0..8 {
            let content = pattern(id * 100 + round, 30_000);
            write(&name, &content);
            assert!(read(&name) == content, "worker {id}, round {round}");
        }
        sys::unlink(name.as_bytes()).unwrap();
    });
}

fn race_link() {
    write("f", b"x");
    workers(4, |id| {
        for round in 0..20 {
            sys::link(b"f", format!("l{id}.{round}").as_bytes(), 0).unwrap();
        }
        for round in (0..20).step_by(2) {
            sys::unlink(format!("l{id}.{round}").as_bytes()).unwrap();
        }
    });
    assert_eq!(sys::stat(b"f").unwrap().nlink, 1 + 4 * 10);
}

fn race_kill() {
    for delay in 0..20 {
        let victim = spawn(|| {
            // All descendants share the group, so that one signal reaches them.
            sys::setpgid(0, 0).unwrap();
            loop {
                if let Ok(Some(child)) = sys::fork() {
                    // The child may be killed before this process is.
                    let _ = sys::wait_for(child);
                } else {
                    sys::exit(0);
                }
            }
        });
        // Both set it, as one of them may be late.
        let _ = sys::setpgid(victim, victim);
        for _ in 0..delay * 20 {
            sys::sched_yield();
        }
        sys::kill(-victim, SIGKILL).unwrap();
        assert_eq!(
            sys::wait_for(victim).unwrap().ended(),
            Ended::Signaled(SIGKILL as u8)
        );
    }
    pause(10);
}

fn race_fork_exit() {
    workers(4, |id| {
        for round in 0..15 {
            let child = spawn(|| sys::exit((id + round) as i32));
            expect_exit(child, (id + round) as u8);
        }
    });
}

fn race_exec() {
    let path = ulib::process::find_program(b"true").unwrap();
    workers(4, |_| {
        for _ in 0..10 {
            let child = spawn(|| {
                sys::execve(&path, &["true"], &[""; 0]);
                sys::exit(1);
            });
            expect_exit(child, 0);
        }
    });
}

fn race_cwd() {
    for round in 0..10 {
        let name = format!("d{round}");
        sys::mkdir(name.as_bytes(), 0o755).unwrap();
        let child = spawn(|| {
            sys::chdir(name.as_bytes()).unwrap();
            for _ in 0..200 {
                // The directory may be gone at any time, and then both are.
                let _ = fs::write_file(b"f", b"x");
                let _ = sys::unlink(b"f");
                let _ = sys::getcwd();
            }
        });
        while sys::rmdir(name.as_bytes()).is_err() {
            sys::sched_yield();
        }
        // It may have ended before this.
        let _ = sys::kill(child, SIGTERM);
        sys::wait_for(child).unwrap();
        assert!(!exists(&name));
    }
}

fn race_memory() {
    use super::support::{PAGE, map};
    use ulib::arch::wild;
    workers(4, |id| {
        for round in 0..10 {
            let memory = map(16);
            let value = (id * 16 + round) as u8;
            let pages = (0..16).map(|page| memory + page * PAGE as u64);
            pages.clone().for_each(|page| wild::store(page, value));
            let child = spawn(|| {
                pages.clone().for_each(|page| wild::store(page, !value));
                assert!(pages.clone().all(|page| wild::load(page) == !value));
            });
            assert!(pages.clone().all(|page| wild::load(page) == value));
            expect_exit(child, 0);
            assert!(pages.clone().all(|page| wild::load(page) == value));
            sys::munmap(memory as usize, 16 * PAGE).unwrap();
        }
    });
}

fn fairness() {
    let (reader, writer) = sys::pipe().unwrap();
    let children: Vec<_> = (0..4u8)
        .map(|id| {
            spawn(move || {
                // Computes without a system call, for several time slices.
                let start = sys::monotonic();
                while sys::monotonic() - start < 60_000_000 {
                    core::hint::black_box((0..20_000u64).fold(0, |a, b| a ^ b));
                }
                write_all(writer, &[id]);
                loop {
                    core::hint::black_box((0..20_000u64).fold(0, |a, b| a ^ b));
                }
            })
        })
        .collect();
    // Each of them comes this far, although none ever gives way.
    let mut seen = super::support::read_exact(reader, 4);
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3]);
    for child in children {
        sys::kill(child, SIGKILL).unwrap();
        sys::wait_for(child).unwrap();
    }
}
