//! `trace --explain`: the life of one system call, as a page.

use insta::assert_snapshot;
use tests::glassbox::{arches, command, feed, glassbox, images, on};
use tests::pty::Terminal;

const MISS_AND_HIT: &str = "cat README >/dev/null; cat README";

/// The page of a call of `line`, and nothing else on standard error.
#[track_caller]
fn page(arch: &str, options: &[&str], line: &str) -> String {
    let arguments = [&["trace", "--explain"], options, &["--", line]].concat();
    let ran = glassbox(&on(arch, &arguments), b"");
    assert!(ran.stderr.starts_with("The life of "), "{}", ran.stderr);
    ran.stderr
}

/// A page as far as it is the same when the guest's sources move a little: numbers as N (but not those of steps and in
/// names), a step's lines as one, of the tree only the functions in which steps happened, no bars, and nothing of what
/// is only counted.
fn masked(page: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut in_tree = false;
    let mut in_step = false;
    let (page, _) = page
        .split_once("\nOn the way\n")
        .expect("what happened on the way");
    for line in page.lines() {
        let words = line
            .trim_end()
            .trim_end_matches(|c: char| ('▀'..='▟').contains(&c));
        let number = line.get(..3).and_then(|n| n.trim().parse::<u32>().ok());
        if line.starts_with("The way through") {
            in_tree = true;
        } else if line.is_empty() {
            (in_tree, in_step) = (false, false);
        } else if in_tree {
            let is_tagged = line.starts_with(|c: char| c.is_ascii_digit())
                || line.trim_start().starts_with(|c: char| c.is_ascii_digit());
            if is_tagged {
                let words = words.split_whitespace().filter(|w| !"│├└".contains(w));
                // The tag and the name; the place is in the steps.
                let words: Vec<&str> = words.take_while(|w| *w != "µs").collect();
                out.push(words[..words.len() - 1].join(" "));
            }
            continue;
        } else if let Some(number) = number
            && line[3..].starts_with("  ")
        {
            in_step = true;
            out.push(format!("{number:>2} {}", numbers(&line[5..])));
            continue;
        } else if in_step && line.starts_with("     ") {
            let last = out.last_mut().expect("a step");
            let joint = if line.starts_with("       ") && !last.contains('\n') {
                "\n     "
            } else {
                " "
            };
            last.push_str(joint);
            last.push_str(&numbers(words));
            continue;
        }
        out.push(numbers(words));
    }
    out.join("\n")
}

/// Numbers that are not part of a name as N, spaces as one.
fn numbers(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        let chars: Vec<char> = word.chars().collect();
        let mut in_number = false;
        for (at, &c) in chars.iter().enumerate() {
            let next = chars.get(at + 1).is_some_and(char::is_ascii_digit);
            let part = c.is_ascii_hexdigit() || c == 'x' || (matches!(c, '.' | ',') && next);
            if in_number && part {
                continue;
            }
            let name = out.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '#');
            in_number = c.is_ascii_digit() && !name;
            out.push(if in_number { 'N' } else { c });
        }
    }
    out
}

#[test]
fn a_write_on_risc_v() {
    let page = page("riscv64", &["--call", "write#1"], "echo hi >/tmp/x");
    assert_snapshot!(masked(&page), @r#"
    The life of write#1 echo hi >/tmp/x (N CPU)
    ────────────────────────────────────────────────────────────────────────────────────────────────────
    write(N</tmp/x>, "hi\n", N) = N
    by sh (pid N), at N s, for N µs

     1 sh calls the kernel: ECALL +N µs N cpu0 user
         At N in syscall::raw (ulib: arch/riscv64/syscall.rs:N), called by syscall::syscall (ulib: arch/syscall.rs:N), by descriptor::write (ulib: sys/descriptor.rs:N), by io::write_all (ulib: io.rs:N), by io::flush (ulib: io.rs:N). The CPU saves the PC in sepc and the cause in scause, goes to S-mode with interrupts off, and jumps to trap_entry.
     2 Call number N is io::write (syscall/io.rs:N) +N µs N cpu0 kernel
         syscall::dispatch (syscall/mod.rs:N) found the number in a7 and the handler in its table.
     3 The kernel copies from the program's memory +N µs N cpu0 kernel
         In user::copy_in (mm/user.rs:N): N bytes from N; the TLB knew the page.
     4 Journal: operation 'write' begins +N µs N cpu0 kernel
         In diskfs::begin (fs/diskfs/mod.rs:N). What it changes is part of transaction N, or of the next one if the log is full.
     5 Buffer cache: miss, block N +N µs N cpu0 kernel
         In BufferCache::write (fs/buffer_cache.rs:N).
     6 sh goes on in user mode: a0 = N +N µs N cpu0 user
         syscall::dispatch (syscall/mod.rs:N) had the result at +N µs. trap_return returns to N in io::flush (ulib: io.rs:N).

    The way through the kernel calls, folded; steps in them, time in and below, source
    2 6 syscall::dispatch
    3 user::copy_in
    4 diskfs::begin
    5 BufferCache::write
    6 trap_return

    Where the time went
    running in the kernel N µs N %
    together N µs
    "#);
}

#[test]
fn a_read_that_misses_the_cache() {
    assert_snapshot!(masked(&page("x86_64", &["--call", "read#1"], MISS_AND_HIT)), @r#"
    The life of read#1 cat README >/dev/null; cat README (N CPU)
    ────────────────────────────────────────────────────────────────────────────────────────────────────
    read(N</README>, "This is Silica, a small Unix tha"..., N) = N
    by cat (pid N), at N s, for N µs

     1 cat calls the kernel: SYSCALL +N µs N cpu0 user
         At N in syscall::raw (ulib: arch/x86_64/syscall.rs:N), called by syscall::syscall (ulib: arch/syscall.rs:N), by descriptor::read (ulib: sys/descriptor.rs:N), by cat::copy (user: bin/cat.rs:N), by cat::main (user: bin/cat.rs:N). The CPU saves RIP in RCX and RFLAGS in R11, goes to ring N with interrupts off, and jumps to syscall_entry.
     2 Call number N is io::read (syscall/io.rs:N) +N µs N cpu0 kernel
         syscall::dispatch (syscall/mod.rs:N) found the number in RAX and the handler in its table.
     3 Page cache: miss, inode N, page N +N µs N cpu0 kernel
         inode::fill (fs/diskfs/inode.rs:N) does not find it in memory: it must be filled from the disk.
     4 cat asks the disk to read N sectors from N +N µs N cpu0 kernel
         block::submit (drivers/virtio/block.rs:N) puts the request into the device's queue and tells it so by a write to virtio_block > QueueNotify. (N KiB, from block N of the file system.)
     5 cat goes to sleep: it waits for the disk +N µs N cpu0 kernel
         sched::switch (sched/mod.rs:N) has nobody else to run: CPU N goes to the idle process. Until it runs again: CPU N: the idle process N µs.
     6 The disk is done with N sectors from N +N µs N disk
         It took N µs, and raises its interrupt line.
     7 Interrupt on CPU N: virtio_blk +N µs N cpu0 irq
         Vector N interrupts the idle process in kernel mode, in cpu::wait_for_interrupt (arch/x86_64/cpu.rs:N).
     8 The handler wakes cat, which waited for the disk +N µs N cpu0 irq
         … → trap::interrupt → irq::dispatch → block::interrupt → waitqueue::wake_all → WaitQueue::wake_one → sched::wake → sched::enqueue_woken. It is runnable now, in the queue of CPU N.
     9 cat runs again, on CPU N +N µs N cpu0 kernel
         The scheduler picked it (policy rr, key N, from N candidate), after N µs in the queue; the idle process makes way.
    10 The kernel copies to the program's memory +N µs N cpu0 kernel
         In user::copy_out (mm/user.rs:N): N bytes to N; the TLB did not know the page, so the MMU read N entries of the page table.
    11 cat goes on in user mode: RAX = N +N µs N cpu0 user
         syscall::dispatch (syscall/mod.rs:N) had the result at +N µs. syscall_entry returns to N in descriptor::read (ulib: sys/descriptor.rs:N).

    The way through the kernel calls, folded; steps in them, time in and below, source
    11 syscall_entry
    2 11 syscall::dispatch
    3 inode::fill
    4 block::submit
    5 9 sched::switch
    10 user::copy_out

    Where the time went
    running in the kernel N µs N %
    asleep, waiting for the disk N µs N %
    runnable, waiting for a CPU N µs N %
    together N µs
    "#);
}

#[test]
fn a_read_that_misses_the_cache_on_risc_v() {
    let page = page("riscv64", &["--call", "read#1"], MISS_AND_HIT);
    assert_snapshot!(masked(&page), @r#"
    The life of read#1 cat README >/dev/null; cat README (N CPU)
    ────────────────────────────────────────────────────────────────────────────────────────────────────
    read(N</README>, "This is Silica, a small Unix tha"..., N) = N
    by cat (pid N), at N s, for N µs

     1 cat calls the kernel: ECALL +N µs N cpu0 user
         At N in syscall::raw (ulib: arch/riscv64/syscall.rs:N), called by syscall::syscall (ulib: arch/syscall.rs:N), by descriptor::read (ulib: sys/descriptor.rs:N), by cat::copy (user: bin/cat.rs:N), by cat::main (user: bin/cat.rs:N). The CPU saves the PC in sepc and the cause in scause, goes to S-mode with interrupts off, and jumps to trap_entry.
     2 Call number N is io::read (syscall/io.rs:N) +N µs N cpu0 kernel
         syscall::dispatch (syscall/mod.rs:N) found the number in a7 and the handler in its table.
     3 Page cache: miss, inode N, page N +N µs N cpu0 kernel
         inode::fill (fs/diskfs/inode.rs:N) does not find it in memory: it must be filled from the disk.
     4 cat asks the disk to read N sectors from N +N µs N cpu0 kernel
         block::submit (drivers/virtio/block.rs:N) puts the request into the device's queue and tells it so by a write to virtio_block > QueueNotify. (N KiB, from block N of the file system.)
     5 cat goes to sleep: it waits for the disk +N µs N cpu0 kernel
         sched::switch (sched/mod.rs:N) has nobody else to run: CPU N goes to the idle process. Until it runs again: CPU N: the idle process N µs.
     6 The disk is done with N sectors from N +N µs N disk
         It took N µs, and raises its interrupt line.
     7 Interrupt on CPU N: virtio_blk +N µs N cpu0 irq
         A supervisor external interrupt interrupts the idle process in kernel mode, in cpu::wait_for_interrupt (arch/riscv64/cpu.rs:N).
     8 The handler wakes cat, which waited for the disk +N µs N cpu0 irq
         … → trap_dispatch → trap::interrupt → irq::dispatch → WaitQueue::wake_all → WaitQueue::wake_one → sched::wake → sched::enqueue_woken. It is runnable now, in the queue of CPU N.
     9 cat runs again, on CPU N +N µs N cpu0 kernel
         The scheduler picked it (policy rr, key N, from N candidate), after N µs in the queue; the idle process makes way.
    10 The kernel copies to the program's memory +N µs N cpu0 kernel
         In user::copy_out (mm/user.rs:N): N bytes to N; the TLB did not know the page, so the MMU read N entries of the page table.
    11 cat goes on in user mode: a0 = N +N µs N cpu0 user
         syscall::dispatch (syscall/mod.rs:N) had the result at +N µs. trap_return returns to N in descriptor::read (ulib: sys/descriptor.rs:N).

    The way through the kernel calls, folded; steps in them, time in and below, source
    2 11 syscall::dispatch
    3 inode::fill
    4 block::submit
    5 9 sched::switch
    10 user::copy_out
    11 trap_return

    Where the time went
    running in the kernel N µs N %
    asleep, waiting for the disk N µs N %
    runnable, waiting for a CPU N µs N %
    together N µs
    "#);
}

#[test]
fn a_read_that_hits_the_cache() {
    assert_snapshot!(masked(&page("x86_64", &["--call", "read#3"], MISS_AND_HIT)), @r#"
    The life of read#3 cat README >/dev/null; cat README (N CPU)
    ────────────────────────────────────────────────────────────────────────────────────────────────────
    read(N</README>, "This is Silica, a small Unix tha"..., N) = N
    by cat (pid N), at N s, for N µs

     1 cat calls the kernel: SYSCALL +N µs N cpu0 user
         At N in syscall::raw (ulib: arch/x86_64/syscall.rs:N), called by syscall::syscall (ulib: arch/syscall.rs:N), by descriptor::read (ulib: sys/descriptor.rs:N), by cat::copy (user: bin/cat.rs:N), by cat::main (user: bin/cat.rs:N). The CPU saves RIP in RCX and RFLAGS in R11, goes to ring N with interrupts off, and jumps to syscall_entry.
     2 Call number N is io::read (syscall/io.rs:N) +N µs N cpu0 kernel
         syscall::dispatch (syscall/mod.rs:N) found the number in RAX and the handler in its table.
     3 Page cache: hit, inode N, page N +N µs N cpu0 kernel
         FilePages::get (fs/page_cache.rs:N) finds it in memory: no need for the disk.
     4 The kernel copies to the program's memory +N µs N cpu0 kernel
         In user::copy_out (mm/user.rs:N): N bytes to N; the TLB knew the page.
     5 cat goes on in user mode: RAX = N +N µs N cpu0 user
         syscall::dispatch (syscall/mod.rs:N) had the result at +N µs. syscall_entry returns to N in descriptor::read (ulib: sys/descriptor.rs:N).

    The way through the kernel calls, folded; steps in them, time in and below, source
    5 syscall_entry
    2 5 syscall::dispatch
    3 FilePages::get
    4 user::copy_out

    Where the time went
    running in the kernel N µs N %
    together N µs
    "#);
}

#[test]
fn a_read_on_two_cpus() {
    let page = page("x86_64", &["--cpus", "2", "--call", "read#1"], MISS_AND_HIT);
    assert_snapshot!(masked(&page), @r#"
    The life of read#1 cat README >/dev/null; cat README (N CPUs)
    ────────────────────────────────────────────────────────────────────────────────────────────────────
    read(N</README>, "This is Silica, a small Unix tha"..., N) = N
    by cat (pid N), at N s, for N µs

     1 cat calls the kernel: SYSCALL +N µs N cpu0 user
         At N in syscall::raw (ulib: arch/x86_64/syscall.rs:N), called by syscall::syscall (ulib: arch/syscall.rs:N), by descriptor::read (ulib: sys/descriptor.rs:N), by cat::copy (user: bin/cat.rs:N), by cat::main (user: bin/cat.rs:N). The CPU saves RIP in RCX and RFLAGS in R11, goes to ring N with interrupts off, and jumps to syscall_entry.
     2 Call number N is io::read (syscall/io.rs:N) +N µs N cpu0 kernel
         syscall::dispatch (syscall/mod.rs:N) found the number in RAX and the handler in its table.
     3 Page cache: miss, inode N, page N +N µs N cpu0 kernel
         inode::fill (fs/diskfs/inode.rs:N) does not find it in memory: it must be filled from the disk.
     4 cat asks the disk to read N sectors from N +N µs N cpu0 kernel
         block::submit (drivers/virtio/block.rs:N) puts the request into the device's queue and tells it so by a write to virtio_block > QueueNotify. (N KiB, from block N of the file system.)
     5 cat goes to sleep: it waits for the disk +N µs N cpu0 kernel
         sched::switch (sched/mod.rs:N) has nobody else to run: CPU N goes to the idle process. Until it runs again: CPU N: the idle process N µs; CPU N: the idle process N µs.
     6 The disk is done with N sectors from N +N µs N disk
         It took N µs, and raises its interrupt line.
     7 Interrupt on CPU N: virtio_blk +N µs N cpu0 irq
         Vector N interrupts the idle process in kernel mode, in cpu::wait_for_interrupt (arch/x86_64/cpu.rs:N).
     8 The handler wakes cat, which waited for the disk +N µs N cpu0 irq
         … → trap::interrupt → irq::dispatch → block::interrupt → waitqueue::wake_all → WaitQueue::wake_one → sched::wake → sched::enqueue_woken. It is runnable now, in the queue of CPU N.
     9 cat runs again, on CPU N +N µs N cpu0 kernel
         The scheduler picked it (policy rr, key N, from N candidate), after N µs in the queue; the idle process makes way.
    10 The kernel copies to the program's memory +N µs N cpu0 kernel
         In user::copy_out (mm/user.rs:N): N bytes to N; the TLB did not know the page, so the MMU read N entries of the page table.
    11 cat goes on in user mode: RAX = N +N µs N cpu0 user
         syscall::dispatch (syscall/mod.rs:N) had the result at +N µs. syscall_entry returns to N in descriptor::read (ulib: sys/descriptor.rs:N).

    The way through the kernel calls, folded; steps in them, time in and below, source
    11 syscall_entry
    2 11 syscall::dispatch
    3 inode::fill
    4 block::submit
    5 9 sched::switch
    10 user::copy_out

    Where the time went
    running in the kernel N µs N %
    asleep, waiting for the disk N µs N %
    runnable, waiting for a CPU N µs N %
    together N µs
    CPUs take turns of N instructions, on a clock that they share: the times above include the
    others' turns, those in the tree do not.
    "#);
}

#[test]
fn a_read_from_a_pipe_that_is_empty() {
    let page = page(
        "x86_64",
        &["--call", "read#1"],
        "(sleep 0.01; echo hi) | cat",
    );
    assert_snapshot!(masked(&page), @r#"
    The life of read#1 (sleep N; echo hi) | cat (N CPU)
    ────────────────────────────────────────────────────────────────────────────────────────────────────
    read(N<pipe:[N]>, "hi\n", N) = N
    by cat (pid N), at N s, for N µs

     1 cat calls the kernel: SYSCALL +N µs N cpu0 user
         At N in syscall::raw (ulib: arch/x86_64/syscall.rs:N), called by syscall::syscall (ulib: arch/syscall.rs:N), by descriptor::read (ulib: sys/descriptor.rs:N), by cat::copy (user: bin/cat.rs:N), by cat::main (user: bin/cat.rs:N). The CPU saves RIP in RCX and RFLAGS in R11, goes to ring N with interrupts off, and jumps to syscall_entry.
     2 Call number N is io::read (syscall/io.rs:N) +N µs N cpu0 kernel
         syscall::dispatch (syscall/mod.rs:N) found the number in RAX and the handler in its table.
     3 cat goes to sleep: it waits for bytes in a pipe +N µs N cpu0 kernel
         sched::switch (sched/mod.rs:N) picks sh (pid N) for CPU N (policy rr, key N, from N candidate). Until it runs again: CPU N: the idle process N µs, sleep (pid N) N µs, sh (pid N) N µs.
     4 sh (pid N) wakes cat, which waited for bytes in a pipe +N µs N cpu0 kernel
         … → WriteEnd::write → pipe::write → pipe::send → waitqueue::wake_all → waitqueue::wake_one → sched::wake → sched::enqueue_woken. It is runnable now, in the queue of CPU N.
     5 cat runs again, on CPU N +N µs N cpu0 kernel
         The scheduler picked it (policy rr, key N, from N candidates), after N µs in the queue; sh (pid N) makes way.
     6 The kernel copies to the program's memory +N µs N cpu0 kernel
         In user::copy_out (mm/user.rs:N): N bytes to N; the TLB did not know the page, so the MMU read N entries of the page table.
     7 cat goes on in user mode: RAX = N +N µs N cpu0 user
         syscall::dispatch (syscall/mod.rs:N) had the result at +N µs. syscall_entry returns to N in descriptor::read (ulib: sys/descriptor.rs:N).

    The way through the kernel calls, folded; steps in them, time in and below, source
    7 syscall_entry
    2 7 syscall::dispatch
    3 5 sched::switch
    6 user::copy_out

    Where the time went
    asleep, waiting for bytes in a pipe N µs N %
    runnable, waiting for a CPU N µs N %
    running in the kernel N µs N %
    together N µs
    "#);
}

/// Stands for a call that makes a process.
const FORK: &str = "FORK#3";

/// Calls of all sorts.
const CALLS: [(&[&str], &str); 14] = [
    (&["--call", "read#1"], MISS_AND_HIT),
    (&["--call", "read#3"], MISS_AND_HIT),
    (&["--cpus", "2", "--call", "read#1"], "cat README | wc"),
    (&["--cpus", "3", "--call", "wait4#3"], "ls | sort | wc"),
    (&["--call", "read#1"], "(sleep 0.01; echo hi) | cat"),
    (&["--call", "sync"], "echo hello >/root/x; sync"),
    (&["--call", FORK], "ls | wc"),
    (&["--call", "execve#3"], "ls | wc"),
    (&["--call", "wait4#3"], "ls | wc"),
    (&["--call", "exit_group#1"], "ls | wc"),
    (&["--call", "reboot"], "true"),
    (&["--call", "read#4"], "usertests '*cow*'"),
    (&["--call", "write#1"], "usertests '*fault*'"),
    (&[], "cp /bin/sh /root/copy"),
];

/// The pages of all of them on this instruction set, each with the line whose call it is about.
fn pages(arch: &str) -> impl Iterator<Item = (&'static str, String)> {
    let fork = match arch {
        "x86_64" => "fork#3",
        _ => "clone#3",
    };
    CALLS.into_iter().map(move |(options, line)| {
        let options = options
            .iter()
            .map(|&word| if word == FORK { fork } else { word });
        (line, page(arch, &options.collect::<Vec<_>>(), line))
    })
}

/// The number in front of the unit of time in `text`, in the smallest steps that the page shows.
fn time(text: &str) -> Option<u64> {
    let at = ["µs", "ms"]
        .iter()
        .find_map(|unit| text.find(&format!(" {unit}")))?;
    let number = text[..at].rsplit(' ').next()?;
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[test]
fn the_parts_of_the_time_add_up_to_the_whole() {
    for arch in arches() {
        for (line, page) in pages(arch) {
            let (_, table) = page
                .split_once("\nWhere the time went\n")
                .expect("the table");
            let rows: Vec<&str> = table.lines().take_while(|line| !line.is_empty()).collect();
            let end = rows
                .iter()
                .position(|row| row.contains("together"))
                .unwrap();
            let parts: Vec<u64> = rows[..end].iter().map(|row| time(row).unwrap()).collect();
            let whole = time(rows[end]).unwrap();
            let sum: u64 = parts.iter().sum();
            // Each part is cut to what is shown of it.
            assert!(
                sum <= whole && whole - sum <= parts.len() as u64,
                "{line}: {sum} of {whole}\n{page}"
            );
            let head = page.lines().find(|line| line.contains(" s, for ")).unwrap();
            let head = head.split(" s, for ").nth(1).unwrap();
            assert_eq!(time(head), Some(whole), "{line}\n{page}");
        }
    }
}

#[test]
fn steps_are_numbered_in_the_order_of_time_and_fit_the_terminal() {
    for arch in arches() {
        for (line, page) in pages(arch) {
            let mut last = (0, 0);
            for text in page.lines() {
                assert!(text.chars().count() <= 100, "{line}: {text}");
                assert!(
                    !text.contains('\x1b') && text.trim_end() == text,
                    "{line}: {text:?}"
                );
                let Some((number, rest)) = text.split_at_checked(3) else {
                    continue;
                };
                let Some(at) = rest.rfind(" +") else { continue };
                if let (Ok(number), Some(time)) = (number.trim().parse::<u32>(), time(&rest[at..]))
                {
                    assert!(
                        number == last.0 + 1 && time >= last.1,
                        "{line}: {text}\n{page}"
                    );
                    last = (number, time);
                }
            }
            assert!(last.0 >= 2, "{line}\n{page}");
        }
    }
}

#[test]
fn the_guests_output_appears_once_and_its_input_reaches_both_runs() {
    for arch in arches() {
        let arguments = [
            "trace",
            "--explain",
            "--call",
            "read#2",
            "--",
            "cat; echo done >&2",
        ];
        let ran = glassbox(&on(arch, &arguments), b"one\ntwo\n");
        assert_eq!((ran.text().as_str(), ran.status), ("one\ntwo\n", 0));
        let page = ran
            .stderr
            .strip_prefix("done\n")
            .expect("the guest's errors");
        assert!(page.contains("stdin>, \"\", 16384) = 0\n"), "{page}");
        let first = glassbox(
            &on(
                arch,
                &["trace", "--explain", "--call", "read#1", "--", "cat"],
            ),
            b"one\n",
        );
        assert!(
            first.stderr.contains("stdin>, \"one\\n\", 16384) = 4\n"),
            "{}",
            first.stderr
        );
        assert!(
            first
                .stderr
                .contains("asleep, waiting for the console's input"),
            "{}",
            first.stderr
        );
    }
}

#[test]
fn the_same_call_has_the_same_page() {
    for arch in arches() {
        let line = "ls | sort | wc";
        let options = ["--cpus", "2", "--call", "wait4#3"];
        assert_eq!(page(arch, &options, line), page(arch, &options, line));
    }
}

#[test]
fn the_status_is_the_guests_and_the_page_can_go_to_a_file() {
    for arch in arches() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page");
        let out = file.to_str().unwrap();
        let ran = glassbox(
            &on(
                arch,
                &["trace", "--explain", "-o", out, "--", "cat README; exit 7"],
            ),
            b"",
        );
        assert_eq!((ran.status, ran.stderr.as_str()), (7, ""));
        let page = std::fs::read_to_string(file).unwrap();
        assert!(
            page.starts_with("The life of ") && page.contains("the slowest of the line's "),
            "{page}"
        );
    }
}

#[test]
fn what_cannot_be_explained_is_said_in_a_line() {
    for arch in arches() {
        for (call, wanted) in [
            (
                "read#99",
                "glassbox: --call read#99: the run makes 2 read calls\n",
            ),
            (
                "fchmodat#1",
                "glassbox: --call fchmodat#1: the run makes no fchmodat call\n",
            ),
            (
                "frobnicate#1",
                "glassbox: --call frobnicate#1: there is no system call 'frobnicate'\n",
            ),
            (
                "read#0",
                "glassbox: --call read#0: a call is NAME#N, as in read#3, and N counts from 1\n",
            ),
        ] {
            let ran = glassbox(
                &on(
                    arch,
                    &["trace", "--explain", "--call", call, "--", "cat README"],
                ),
                b"",
            );
            assert_eq!((ran.stderr.as_str(), ran.status), (wanted, 2));
        }
    }
}

#[test]
fn a_kernel_without_probes_is_told_what_it_lacks() {
    for arch in arches() {
        let mut kernel = std::fs::read(images(arch).join("kernel.elf")).unwrap();
        for at in 0..kernel.len() - 8 {
            if &kernel[at..at + 8] == b"stapsdt\0" {
                kernel[at] = b'x';
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kernel.elf");
        std::fs::write(&file, kernel).unwrap();
        let kernel = file.to_str().unwrap();
        let ran = glassbox(
            &on(
                arch,
                &["trace", "--explain", "--kernel", kernel, "--", "true"],
            ),
            b"",
        );
        assert_eq!(ran.status, 125);
        assert_eq!(
            ran.stderr,
            "glassbox: --explain follows a call by what the kernel tells; this kernel has no probes for sys_enter, \
         sys_exit, sched_switch\n"
        );
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    for arch in arches() {
        for (no_colour, wanted) in [("", true), ("1", false)] {
            let mut command = command();
            command.args(on(
                arch,
                &["trace", "--explain", "--call", "read#1", "--", "cat README"],
            ));
            command.env("NO_COLOR", no_colour);
            let mut terminal = Terminal::start(command);
            let seen = terminal.expect("page-table");
            assert_eq!(seen.contains("\x1b[1m"), wanted, "{seen}");
            terminal.wait();
        }
        let child = command()
            .args(on(arch, &["trace", "--explain", "--", "true"]))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        assert!(!feed(child, Vec::new()).stderr.contains('\x1b'));
    }
}
