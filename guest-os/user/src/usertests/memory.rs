//! Address spaces: what a program may touch, copy on write, mmap, brk, the stack, running out.

use super::cases;
use super::support::{
    BAD_ADDRESSES, PAGE, call, expect_exit, expect_signal, in_child, map, pause, spawn, write,
};
use abi::mman::{
    MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE,
};
use abi::signal::{SIGKILL, SIGSEGV};
use abi::wait::{Ended, WNOHANG};
use abi::{Errno, nr};
use rust_alloc::vec;
use rust_alloc::vec::Vec;
use ulib::arch::wild;
use ulib::sys;

cases! {
    bad_loads "reading an address that is not the program's is SIGSEGV";
    bad_stores "writing an address that is not the program's is SIGSEGV";
    code_is_readonly "a program's code cannot be written";
    data_is_not_code "memory without PROT_EXEC cannot be executed, memory with it can";
    bad_instructions "illegal and privileged instructions and divisions by zero are signals";
    bad_pointers_in "calls that read memory give EFAULT for bad addresses";
    bad_pointers_out "calls that write memory give EFAULT for bad addresses, read-only ones too";
    pointers_at_edge "a buffer that ends in nothing is cut or refused, and harms nobody";
    cow_both_ways "after a fork, writes of parent and child do not meet";
    cow_chain "copy on write holds over generations, and when the kernel does the writing";
    cow_large "a fork copies nothing until it must", only "another system's free memory changes by itself";
    mmap_zeroes "fresh pages are zero, also after they were used and given back";
    mmap_holes "munmap cuts a mapping in two, and the middle is gone";
    mmap_fixed "MAP_FIXED replaces what was there";
    mmap_bad "mmap, munmap and mprotect refuse what makes no sense";
    mmap_many "a hundred mappings, unmapped in another order";
    mprotect_faults "mprotect takes rights away and gives them back";
    mprotect_reaches_all "rights that are taken away are gone for all who share the memory, on any CPU";
    brk_moves "the program break grows and shrinks, and what it gave back is gone";
    brk_zeroes "memory below a break that moved back and forth is zero";
    brk_bad "a break that cannot be is refused and changes nothing";
    brk_collides "the program break stops below a mapping";
    stack_grows "the stack grows by itself to 256 KiB";
    stack_guard "endless recursion is SIGSEGV";
    out_of_memory "a program that takes all memory is refused or killed, and the rest goes on", only "it would take all memory of the host";
    fpu_survives "SSE registers keep their values across preemption and system calls";
}

/// Runs `access` with each bad address in a child that must die.
fn all_fault(access: fn(u64)) {
    for address in BAD_ADDRESSES {
        expect_signal(SIGSEGV, || access(address));
    }
}

fn bad_loads() {
    all_fault(|address| {
        wild::load(address);
    });
}

fn bad_stores() {
    all_fault(|address| wild::store(address, 1));
}

fn code_is_readonly() {
    expect_signal(SIGSEGV, || wild::store(bad_loads as *const () as u64, 0xc3));
}

fn data_is_not_code() {
    let page = map(1);
    for (i, byte) in wild::RETURN_42.iter().enumerate() {
        wild::store(page + i as u64, *byte);
    }
    expect_signal(SIGSEGV, || {
        wild::call(page);
    });
    sys::mprotect(page as usize, PAGE, PROT_READ | PROT_EXEC).unwrap();
    assert_eq!(wild::call(page), 42);
    expect_signal(SIGSEGV, || {
        wild::call(wild::stack_pointer());
    });
}

fn bad_instructions() {
    for (signal, instruction) in wild::FATAL {
        expect_signal(*signal, instruction);
    }
}

fn bad_pointers_in() {
    write("f", b"");
    let fd = super::support::open("f", abi::fcntl::O_RDWR) as u64;
    let here = abi::fcntl::AT_FDCWD as i64 as u64;
    for bad in BAD_ADDRESSES {
        let check = |number: u64, a: u64, b: u64, c: u64| {
            let name = nr::name(number).unwrap_or("?");
            assert_eq!(call(number, a, b, c), Err(Errno::EFAULT), "{name} {bad:#x}");
        };
        check(nr::WRITE, fd, bad, 10);
        check(nr::OPENAT, here, bad, 0);
        check(nr::MKDIRAT, here, bad, 0);
        check(nr::UNLINKAT, here, bad, 0);
        check(nr::SYMLINKAT, bad, here, bad);
        check(nr::CHDIR, bad, 0, 0);
        check(nr::EXECVE, bad, 0, 0);
        check(nr::NANOSLEEP, bad, 0, 0);
        if bad != 0 {
            // A null argument vector means none.
            let path = c"/bin/true".as_ptr() as u64;
            let exists = sys::stat(b"/bin/true").is_ok();
            if exists {
                check(nr::EXECVE, path, bad, 0);
            }
            let signal = abi::signal::SIGUSR1.into();
            assert_eq!(
                wild::syscall(nr::RT_SIGACTION, [signal, bad, 0, 8, 0, 0]),
                Err(Errno::EFAULT)
            );
        }
    }
    assert_eq!(super::support::read("f"), b"");
}

fn bad_pointers_out() {
    write("f", &[7; 100]);
    let fd = super::support::open("f", abi::fcntl::O_RDWR) as u64;
    let dir = super::support::open(".", abi::fcntl::O_RDONLY) as u64;
    let code = bad_loads as *const () as u64;
    for bad in BAD_ADDRESSES.into_iter().chain([code]) {
        let check = |number: u64, a: u64, b: u64, c: u64| {
            let name = nr::name(number).unwrap_or("?");
            assert_eq!(call(number, a, b, c), Err(Errno::EFAULT), "{name} {bad:#x}");
        };
        sys::lseek(fd as i32, 0, abi::fcntl::SEEK_SET).unwrap();
        check(nr::READ, fd, bad, 10);
        check(nr::FSTAT, fd, bad, 0);
        check(nr::PIPE2, bad, 0, 0);
        check(nr::GETDENTS64, dir, bad, 200);
        check(nr::UNAME, bad, 0, 0);
        check(nr::GETCWD, bad, 200, 0);
        check(nr::CLOCK_GETTIME, 0, bad, 0);
        check(nr::GETRANDOM, bad, 16, 0);
        let child = spawn(|| ());
        super::support::pause(1);
        if bad != 0 {
            check(nr::WAIT4, -1i64 as u64, bad, 0);
        }
        // The failed wait may have taken the child, as Linux's does.
        let left = sys::wait4(child, 0);
        assert!(matches!(left, Ok(Some(_)) | Err(Errno::ECHILD)), "{left:?}");
    }
}

fn pointers_at_edge() {
    let page = map(2);
    sys::munmap(page as usize + PAGE, PAGE).unwrap();
    let edge = page + PAGE as u64 - 10;
    write("f", &[5; 64]);
    let fd = super::support::open("f", abi::fcntl::O_RDWR) as u64;
    let fine = |result: sys::Result<u64>| match result {
        Ok(n) => assert!(n <= 10, "{n} bytes"),
        Err(errno) => assert_eq!(errno, Errno::EFAULT),
    };
    fine(call(nr::READ, fd, edge, 64));
    fine(call(nr::WRITE, fd, edge, 64));
    let (reader, writer) = sys::pipe().unwrap();
    fine(call(nr::WRITE, writer as u64, edge, 64));
    super::support::write_all(writer, &[1; 64]);
    fine(call(nr::READ, reader as u64, edge, 64));
    // A path without its NUL before the end.
    for i in 0..10 {
        wild::store(edge + i, b'a');
    }
    assert_eq!(call(nr::CHDIR, edge, 0, 0), Err(Errno::EFAULT));
    // Lengths that wrap around.
    for len in [1u64 << 63, u64::MAX, u64::MAX - 4096] {
        assert!(matches!(
            call(nr::WRITE, fd, page, len),
            Err(Errno::EFAULT | Errno::EINVAL) | Ok(_)
        ));
    }
}

fn cow_both_ways() {
    const PAGES: usize = 16;
    let memory = map(PAGES);
    let at = |page: usize| memory + (page * PAGE) as u64;
    (0..PAGES).for_each(|page| wild::store(at(page), 1));
    let (go, went) = (sys::pipe().unwrap(), sys::pipe().unwrap());
    let child = spawn(|| {
        super::support::read_exact(go.0, 1);
        (0..PAGES).for_each(|page| assert_eq!(wild::load(at(page)), 1));
        (0..PAGES).for_each(|page| wild::store(at(page), 3));
        super::support::write_all(went.1, b"x");
        super::support::read_exact(go.0, 1);
        (0..PAGES).for_each(|page| assert_eq!(wild::load(at(page)), 3));
    });
    (0..PAGES).for_each(|page| wild::store(at(page), 2));
    super::support::write_all(go.1, b"x");
    super::support::read_exact(went.0, 1);
    (0..PAGES).for_each(|page| assert_eq!(wild::load(at(page)), 2));
    super::support::write_all(go.1, b"x");
    expect_exit(child, 0);
}

fn cow_chain() {
    let mut buffer = vec![1u8; 3 * PAGE];
    write("two", &vec![2; 3 * PAGE]);
    let child = spawn(|| {
        let grandchild = spawn(|| {
            // read(2) writes to pages that three processes share.
            let fd = super::support::open("two", abi::fcntl::O_RDONLY);
            assert_eq!(sys::read(fd, &mut buffer), Ok(3 * PAGE));
            assert!(buffer.iter().all(|b| *b == 2));
        });
        expect_exit(grandchild, 0);
        assert!(buffer.iter().all(|b| *b == 1));
        buffer.fill(4);
    });
    expect_exit(child, 0);
    assert!(buffer.iter().all(|b| *b == 1));
}

fn cow_large() {
    const SIZE: usize = 8 << 20;
    let memory = map(SIZE / PAGE);
    (0..SIZE as u64)
        .step_by(PAGE)
        .for_each(|at| wild::store(memory + at, 1));
    let before = super::support::free_memory();
    let (reader, writer) = sys::pipe().unwrap();
    let child = spawn(|| {
        super::support::read_exact(reader, 1);
    });
    super::support::pause(10);
    let used = before.saturating_sub(super::support::free_memory());
    super::support::write_all(writer, b"x");
    expect_exit(child, 0);
    assert!(used < SIZE as u64 / 8, "the fork took {used} bytes");
}

fn mmap_zeroes() {
    for _ in 0..3 {
        let memory = map(64);
        for at in (0..64 * PAGE as u64).step_by(512) {
            assert_eq!(wild::load(memory + at), 0);
            wild::store(memory + at, 0xaa);
        }
        sys::munmap(memory as usize, 64 * PAGE).unwrap();
    }
}

fn mmap_holes() {
    let memory = map(3);
    (0..3).for_each(|page| wild::store(memory + page * PAGE as u64, page as u8 + 1));
    sys::munmap(memory as usize + PAGE, PAGE).unwrap();
    assert_eq!(wild::load(memory), 1);
    assert_eq!(wild::load(memory + 2 * PAGE as u64), 3);
    expect_signal(SIGSEGV, || {
        wild::load(memory + PAGE as u64);
    });
    // Unmapping nothing is no mistake.
    assert_eq!(sys::munmap(memory as usize + PAGE, PAGE), Ok(()));
    sys::munmap(memory as usize, 3 * PAGE).unwrap();
    expect_signal(SIGSEGV, || {
        wild::load(memory + 2 * PAGE as u64);
    });
}

fn mmap_fixed() {
    let memory = map(4);
    (0..4).for_each(|page| wild::store(memory + page * PAGE as u64, 9));
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    let middle = memory as usize + PAGE;
    assert_eq!(
        sys::mmap(middle, 2 * PAGE, PROT_READ, flags, -1, 0),
        Ok(middle)
    );
    let values: Vec<u8> = (0..4)
        .map(|page| wild::load(memory + page * PAGE as u64))
        .collect();
    assert_eq!(values, [9, 0, 0, 9]);
    expect_signal(SIGSEGV, || wild::store(middle as u64, 1));
}

fn mmap_bad() {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS;
    let memory = map(1) as usize;
    let try_map = |address, len, flags, fd| sys::mmap(address, len, PROT_READ, flags, fd, 0);
    assert_eq!(try_map(0, 0, flags, -1), Err(Errno::EINVAL));
    assert_eq!(try_map(0, PAGE, MAP_ANONYMOUS, -1), Err(Errno::EINVAL));
    assert_eq!(try_map(0, PAGE, MAP_PRIVATE, 99), Err(Errno::EBADF));
    assert_eq!(
        try_map(memory + 1, PAGE, flags | MAP_FIXED, -1),
        Err(Errno::EINVAL)
    );
    assert_eq!(try_map(0, 1 << 60, flags, -1), Err(Errno::ENOMEM));
    let kernel = 0xffff_8000_0000_0000;
    assert!(try_map(kernel, PAGE, flags | MAP_FIXED, -1).is_err());
    assert_eq!(sys::munmap(memory + 1, PAGE), Err(Errno::EINVAL));
    assert_eq!(sys::munmap(memory, 0), Err(Errno::EINVAL));
    assert_eq!(sys::munmap(kernel, PAGE), Err(Errno::EINVAL));
    assert_eq!(
        sys::mprotect(memory + 1, PAGE, PROT_READ),
        Err(Errno::EINVAL)
    );
    sys::munmap(memory, PAGE).unwrap();
    assert_eq!(sys::mprotect(memory, PAGE, PROT_READ), Err(Errno::ENOMEM));
}

fn mmap_many() {
    let areas: Vec<u64> = (0..100).map(|i| map(1 + i % 3)).collect();
    areas
        .iter()
        .enumerate()
        .for_each(|(i, area)| wild::store(*area, i as u8));
    let unmap = |i: usize| sys::munmap(areas[i] as usize, (1 + i % 3) * PAGE).unwrap();
    (0..100).step_by(2).for_each(unmap);
    (1..100)
        .step_by(2)
        .for_each(|i| assert_eq!(wild::load(areas[i]), i as u8));
    (1..100).step_by(2).rev().for_each(unmap);
}

fn mprotect_faults() {
    let memory = map(2);
    wild::store(memory, 5);
    wild::store(memory + PAGE as u64, 6);
    sys::mprotect(memory as usize, PAGE, PROT_READ).unwrap();
    expect_signal(SIGSEGV, || wild::store(memory, 1));
    wild::store(memory + PAGE as u64, 7);
    sys::mprotect(memory as usize, PAGE, PROT_NONE).unwrap();
    expect_signal(SIGSEGV, || {
        wild::load(memory);
    });
    // The kernel respects it too.
    let (_, writer) = sys::pipe().unwrap();
    assert_eq!(
        call(nr::WRITE, writer as u64, memory, 1),
        Err(Errno::EFAULT)
    );
    sys::mprotect(memory as usize, PAGE, PROT_READ | PROT_WRITE).unwrap();
    assert_eq!(wild::load(memory), 5);
    wild::store(memory, 8);
    expect_exit(
        spawn(|| {
            assert_eq!(
                (wild::load(memory), wild::load(memory + PAGE as u64)),
                (8, 7)
            )
        }),
        0,
    );
}

fn mprotect_reaches_all() {
    let page = map(1);
    wild::store(page, 1);
    let child = wild::clone_reader(page);
    assert!(child > 0, "clone: {child}");
    // Time to settle on a CPU of its own, if there is one.
    pause(5);
    sys::mprotect(page as usize, PAGE, PROT_NONE).unwrap();
    for _ in 0..50 {
        if let Some((_, status)) = sys::wait4(child as i32, WNOHANG).unwrap() {
            assert_eq!(status.ended(), Ended::Signaled(SIGSEGV as u8));
            return;
        }
        pause(10);
    }
    sys::kill(child as i32, SIGKILL).unwrap();
    sys::wait_for(child as i32).unwrap();
    panic!("the child reads on");
}

fn brk_moves() {
    let start = sys::brk(0).next_multiple_of(PAGE);
    assert_eq!(sys::brk(start + 10 * PAGE), start + 10 * PAGE);
    for page in 0..10 {
        wild::store((start + page * PAGE) as u64, 1);
    }
    assert_eq!(sys::brk(start + 5 * PAGE), start + 5 * PAGE);
    wild::store((start + 4 * PAGE) as u64, 1);
    expect_signal(SIGSEGV, || wild::store((start + 5 * PAGE) as u64, 1));
}

fn brk_zeroes() {
    let start = sys::brk(0).next_multiple_of(PAGE);
    for _ in 0..3 {
        sys::brk(start + 4 * PAGE);
        for at in (start..start + 4 * PAGE).step_by(256) {
            assert_eq!(wild::load(at as u64), 0);
            wild::store(at as u64, 0xbb);
        }
        sys::brk(start);
    }
}

fn brk_bad() {
    let now = sys::brk(0);
    assert_eq!(sys::brk(1), now);
    assert_eq!(sys::brk(usize::MAX), now);
    assert_eq!(sys::brk(0xffff_8000_0000_0000), now);
    assert_eq!(sys::brk(0), now);
}

fn brk_collides() {
    let now = sys::brk(0);
    let above = now.next_multiple_of(PAGE) + 8 * PAGE;
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    let mapped = sys::mmap(above, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);
    assert_eq!(mapped, Ok(above));
    wild::store(above as u64, 9);
    assert_eq!(sys::brk(above + PAGE), now);
    // Linux wants a page between the two.
    let below = above - PAGE;
    assert_eq!(sys::brk(below), below);
    assert_eq!(sys::brk(above + 1), below);
    assert_eq!(wild::load(above as u64), 9);
}

/// Uses about a page of stack a level.
fn deep(levels: u32) -> u64 {
    let mut room = [levels as u8; 3000];
    core::hint::black_box(&mut room);
    let below = if levels == 0 { 0 } else { deep(levels - 1) };
    core::hint::black_box(&room);
    below + u64::from(room[2999])
}

fn stack_grows() {
    expect_exit(
        spawn(|| {
            let expected: u64 = (0..=80u64).sum();
            assert_eq!(deep(80), expected);
        }),
        0,
    );
}

fn stack_guard() {
    expect_signal(SIGSEGV, || {
        deep(u32::MAX);
    });
}

fn out_of_memory() {
    const CHUNK: usize = 1 << 20;
    let status = in_child(|| {
        let flags = MAP_PRIVATE | MAP_ANONYMOUS;
        loop {
            match sys::mmap(0, CHUNK, PROT_READ | PROT_WRITE, flags, -1, 0) {
                Ok(memory) => {
                    (0..CHUNK)
                        .step_by(PAGE)
                        .for_each(|at| wild::store((memory + at) as u64, 1));
                }
                Err(errno) => {
                    assert_eq!(errno, Errno::ENOMEM);
                    sys::exit(9);
                }
            }
        }
    });
    // Refused, or killed when there was nothing left to give.
    assert!(
        matches!(status.ended(), Ended::Exited(9) | Ended::Signaled(_)),
        "{status:?}"
    );
    let memory = map(256);
    (0..256).for_each(|page| wild::store(memory + page * PAGE as u64, 1));
    expect_exit(spawn(|| ()), 0);
}

fn fpu_survives() {
    let workers: Vec<_> = (1..=4u64)
        .map(|seed| {
            spawn(move || {
                for round in 0..20 {
                    assert!(wild::registers_survive(seed << 32 | round, 20_000));
                    sys::sched_yield();
                }
            })
        })
        .collect();
    workers
        .into_iter()
        .for_each(|worker| expect_exit(worker, 0));
}
