//! What people read: help texts, the table of counters, and its JSON.

use insta::assert_snapshot;
use std::process::Stdio;
use tests::glassbox::{arches, command, feed, glassbox, on, run};

/// The table without its numbers, which change with the guest, and the host's speed.
fn masked(table: &str) -> String {
    let row = |line: &str| match line.trim_start().split_once("  ") {
        Some((number, name)) if number.starts_with(|c: char| c.is_ascii_digit()) => {
            let name = name
                .split_once(" time, ")
                .map_or(name.to_owned(), |(what, _)| format!("{what} time"));
            format!("N  {name}\n")
        }
        _ => format!("{line}\n"),
    };
    table.lines().map(row).collect()
}

fn help(arguments: &[&str]) -> String {
    let help = [arguments, &["--help"]].concat();
    let child = command()
        .args(help)
        .env_remove("COLUMNS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let ran = feed(child, Vec::new());
    assert_eq!(ran.status, 0);
    ran.text()
}

#[test]
fn help_of_the_whole() {
    assert_snapshot!(help(&[]), @"
    A computer made of glass: boots an operating system and shows what happens inside, the same every
    time

    Usage: glassbox <COMMAND>

    Commands:
      boot   Boot to the guest's shell on this terminal
      run    Boot, run one shell line in the guest, print exactly its output and exit with its status
      stat   Run a shell line and print what machine and processes did: counts, times, Gantt charts
      trace  Run a shell line and show what happens inside: system calls, traps, page walks, scheduling,
             disk
      crash  Run a shell line, cut the power at every disk write in turn, and see whether the guest
             lives with each disk
      grade  Judge a submitted kernel by a lab's tests: points, verdicts, and what went wrong
      fsck   Check the file system on a disk image, changing nothing
      help   Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help
      -V, --version  Print version

    Examples:
      glassbox boot                           the guest's shell; Ctrl-A x leaves, Ctrl-A h lists keys
      glassbox run -- 'ls / | wc -l'          one shell line: its output, its exit status
      echo hi | glassbox run -- cat           standard input reaches the guest
      glassbox run --put prog.c -- wc prog.c  host files into the guest's disk
      glassbox stat --cpus 2 -- usertests     what the machine did, in numbers
      glassbox crash -- 'cp README a; sync'   the power goes at every disk write in turn
      glassbox run --fault disk.write#3=error -- 'cp README x; sync'
                                              a disk write fails; 'run --help' says what else can
      glassbox grade lab.toml --images out    points for a submitted kernel

    Exit status: the guest command's own; 2 usage; 121 power cut by --fault; 122 guest hang or deadlock;
    123 instruction budget spent; 124 guest kernel panic or triple fault; 125 bad input, host error, or
    something the emulator lacks.
    ");
}

#[test]
fn help_of_boot() {
    assert_snapshot!(help(&["boot"]), @"
    Boot to the guest's shell on this terminal

    Usage: glassbox boot [OPTIONS]

    Options:
          --pace <PACE>
              Hold idle time back to the wall clock (real), or jump over it (fast)

              Possible values:
              - real: As on the wall clock
              - fast: Not at all
              
              [default: real]

      -h, --help
              Print help (see a summary with '-h')

    Machine:
          --arch <ARCH>
              Instruction set
              
              [default: x86_64]
              [possible values: x86_64, riscv64]

          --cpus <N>
              Number of CPUs, 1 to 8
              
              [default: 1]

          --memory <SIZE>
              Memory, with suffix K, M or G
              
              [default: 128M]

          --kernel <FILE>
              Kernel: an ELF file, on x86-64 with a PVH entry; on riscv64 also a Linux Image or a flat
              binary, entered in M-mode unless --sbi or --bios says otherwise [default: Silica's, from
              images/]

          --sbi
              riscv64: enter the kernel in S-mode, with the built-in SBI below it

          --bios <FILE>
              riscv64: firmware that runs first, in M-mode at 0x80000000, such as OpenSBI's
              fw_dynamic.bin or fw_jump.bin

          --load <FILE@ADDR>
              riscv64: put a file into memory at a physical address; repeatable

          --legacy-virtio
              riscv64: virtio-mmio of version 1, as QEMU has it unless told force-legacy=false; for
              kernels that insist on it

          --disk <IMG>
              Disk image; what the guest writes is dropped at the end unless --persist [default:
              Silica's, from images/]

          --initrd <FILE>
              RAM disk handed to the kernel

          --persist
              Write the guest's changes back to the disk image at the end

          --append <STR>
              Append to the kernel's command line

          --rtc <now|SECONDS>
              The guest's calendar at power-on: now, or seconds since 1970 (a fixed date unless given)

    Files:
          --put <HOST[:GUEST]>
              Copy a host file or folder into the guest's disk before the run (GUEST defaults to /NAME,
              where the line begins); repeatable

          --get <GUEST[:HOST]>
              Copy a guest file or folder out of the disk after the run (HOST defaults to its name
              here); repeatable

    Run:
          --seed <N>
              Seed of the run's free choices: the same seed, the same run
              
              [default: 0]

          --max-instructions <N>
              Stop after so many guest instructions over all CPUs (suffix K, M or G: thousands,
              millions, billions), status 123

          --hang-after <SECONDS>
              Virtual seconds without progress that make a hang, status 122
              
              [default: 10]

          --report <FILE.json>
              Write outcome, status, signal, instructions, virtual time and hash to this JSON file

          --hash
              Print a hash of the whole final machine state and the instruction count on standard error

          --hash-every <N>
              Print the hash every N instructions as well, so that a divergence can be bisected

      -v, --verbose
              Show the guest kernel's log on standard error

    Faults:
          --fault <SPEC>
              Have something go wrong; repeatable.
                SITE[#COUNTS]=ACTION     at these passes of a site, or at all of them:
                  disk.read, disk.write, disk.flush     error, lost, torn@BYTES, delay:TIME
                  irq.disk, irq.timer, irq.com1, irq.N  lost, late:TIME, twice
                  alloc                                 fail: no page frame for whom asked
                  syscall.NAME                          EIO or another error, the call doing nothing
                cut@SITE[#COUNTS]        the power goes there, or at cut@time=TIME or cut@insn=N:
                                         what the disk's volatile cache held is lost (:kept: it is not),
                                         of the write in progress :torn@BYTES reach the medium; the run
                                         ends with 121, --persist and --get take the disk as it is then
                mem.flip@ADDRESS:BIT#time=TIME or #insn=N    a bit of physical memory turns over
              COUNTS are as strace's: 3, 5..9, 5.. and 5+2; :when=COUNTS behind the action means the
              same. --fault-list shows the sites.

          --fault-list
              After the run, list the sites at which something can go wrong and how often each was
              passed

    Keys: Ctrl-A x leaves, Ctrl-A p lists the guest's processes, Ctrl-A c opens the monitor,
    Ctrl-A h lists all keys, Ctrl-A Ctrl-A sends Ctrl-A.
    From a pipe, Ctrl-A x leaves when the guest has come to rest; keys to look at it are not ours then.
    ");
}

#[test]
fn help_of_run() {
    assert_snapshot!(help(&["run"]), @"
    Boot, run one shell line in the guest, print exactly its output and exit with its status

    Usage: glassbox run [OPTIONS] [LINE]...

    Arguments:
      [LINE]...
              The shell line; several words are joined with spaces

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Machine:
          --arch <ARCH>
              Instruction set
              
              [default: x86_64]
              [possible values: x86_64, riscv64]

          --cpus <N>
              Number of CPUs, 1 to 8
              
              [default: 1]

          --memory <SIZE>
              Memory, with suffix K, M or G
              
              [default: 128M]

          --kernel <FILE>
              Kernel: an ELF file, on x86-64 with a PVH entry; on riscv64 also a Linux Image or a flat
              binary, entered in M-mode unless --sbi or --bios says otherwise [default: Silica's, from
              images/]

          --sbi
              riscv64: enter the kernel in S-mode, with the built-in SBI below it

          --bios <FILE>
              riscv64: firmware that runs first, in M-mode at 0x80000000, such as OpenSBI's
              fw_dynamic.bin or fw_jump.bin

          --load <FILE@ADDR>
              riscv64: put a file into memory at a physical address; repeatable

          --legacy-virtio
              riscv64: virtio-mmio of version 1, as QEMU has it unless told force-legacy=false; for
              kernels that insist on it

          --disk <IMG>
              Disk image; what the guest writes is dropped at the end unless --persist [default:
              Silica's, from images/]

          --initrd <FILE>
              RAM disk handed to the kernel

          --persist
              Write the guest's changes back to the disk image at the end

          --append <STR>
              Append to the kernel's command line

          --rtc <now|SECONDS>
              The guest's calendar at power-on: now, or seconds since 1970 (a fixed date unless given)

    Files:
          --put <HOST[:GUEST]>
              Copy a host file or folder into the guest's disk before the run (GUEST defaults to /NAME,
              where the line begins); repeatable

          --get <GUEST[:HOST]>
              Copy a guest file or folder out of the disk after the run (HOST defaults to its name
              here); repeatable

    Run:
          --seed <N>
              Seed of the run's free choices: the same seed, the same run
              
              [default: 0]

          --max-instructions <N>
              Stop after so many guest instructions over all CPUs (suffix K, M or G: thousands,
              millions, billions), status 123

          --hang-after <SECONDS>
              Virtual seconds without progress that make a hang, status 122
              
              [default: 10]

          --report <FILE.json>
              Write outcome, status, signal, instructions, virtual time and hash to this JSON file

          --hash
              Print a hash of the whole final machine state and the instruction count on standard error

          --hash-every <N>
              Print the hash every N instructions as well, so that a divergence can be bisected

      -v, --verbose
              Show the guest kernel's log on standard error

    Faults:
          --fault <SPEC>
              Have something go wrong; repeatable.
                SITE[#COUNTS]=ACTION     at these passes of a site, or at all of them:
                  disk.read, disk.write, disk.flush     error, lost, torn@BYTES, delay:TIME
                  irq.disk, irq.timer, irq.com1, irq.N  lost, late:TIME, twice
                  alloc                                 fail: no page frame for whom asked
                  syscall.NAME                          EIO or another error, the call doing nothing
                cut@SITE[#COUNTS]        the power goes there, or at cut@time=TIME or cut@insn=N:
                                         what the disk's volatile cache held is lost (:kept: it is not),
                                         of the write in progress :torn@BYTES reach the medium; the run
                                         ends with 121, --persist and --get take the disk as it is then
                mem.flip@ADDRESS:BIT#time=TIME or #insn=N    a bit of physical memory turns over
              COUNTS are as strace's: 3, 5..9, 5.. and 5+2; :when=COUNTS behind the action means the
              same. --fault-list shows the sites.

          --fault-list
              After the run, list the sites at which something can go wrong and how often each was
              passed

          --replay <TOKEN>
              Run again what a replay token says; of the images it has only fingerprints

    Example: glassbox run -- 'ls / | wc -l'
    ");
}

#[test]
fn help_of_stat() {
    assert_snapshot!(help(&["stat"]), @"
    Run a shell line and print what machine and processes did: counts, times, Gantt charts

    Usage: glassbox stat [OPTIONS] [LINE]...

    Arguments:
      [LINE]...
              The shell line; several words are joined with spaces

    Options:
          --json
              Print JSON

          --all
              Show all processes, not just the 20 with most CPU time (in charts: 40)

      -h, --help
              Print help (see a summary with '-h')

    Machine:
          --arch <ARCH>
              Instruction set
              
              [default: x86_64]
              [possible values: x86_64, riscv64]

          --cpus <N>
              Number of CPUs, 1 to 8
              
              [default: 1]

          --memory <SIZE>
              Memory, with suffix K, M or G
              
              [default: 128M]

          --kernel <FILE>
              Kernel: an ELF file, on x86-64 with a PVH entry; on riscv64 also a Linux Image or a flat
              binary, entered in M-mode unless --sbi or --bios says otherwise [default: Silica's, from
              images/]

          --sbi
              riscv64: enter the kernel in S-mode, with the built-in SBI below it

          --bios <FILE>
              riscv64: firmware that runs first, in M-mode at 0x80000000, such as OpenSBI's
              fw_dynamic.bin or fw_jump.bin

          --load <FILE@ADDR>
              riscv64: put a file into memory at a physical address; repeatable

          --legacy-virtio
              riscv64: virtio-mmio of version 1, as QEMU has it unless told force-legacy=false; for
              kernels that insist on it

          --disk <IMG>
              Disk image; what the guest writes is dropped at the end unless --persist [default:
              Silica's, from images/]

          --initrd <FILE>
              RAM disk handed to the kernel

          --persist
              Write the guest's changes back to the disk image at the end

          --append <STR>
              Append to the kernel's command line

          --rtc <now|SECONDS>
              The guest's calendar at power-on: now, or seconds since 1970 (a fixed date unless given)

    Files:
          --put <HOST[:GUEST]>
              Copy a host file or folder into the guest's disk before the run (GUEST defaults to /NAME,
              where the line begins); repeatable

          --get <GUEST[:HOST]>
              Copy a guest file or folder out of the disk after the run (HOST defaults to its name
              here); repeatable

    Run:
          --seed <N>
              Seed of the run's free choices: the same seed, the same run
              
              [default: 0]

          --max-instructions <N>
              Stop after so many guest instructions over all CPUs (suffix K, M or G: thousands,
              millions, billions), status 123

          --hang-after <SECONDS>
              Virtual seconds without progress that make a hang, status 122
              
              [default: 10]

          --report <FILE.json>
              Write outcome, status, signal, instructions, virtual time and hash to this JSON file

          --hash
              Print a hash of the whole final machine state and the instruction count on standard error

          --hash-every <N>
              Print the hash every N instructions as well, so that a divergence can be bisected

      -v, --verbose
              Show the guest kernel's log on standard error

    Faults:
          --fault <SPEC>
              Have something go wrong; repeatable.
                SITE[#COUNTS]=ACTION     at these passes of a site, or at all of them:
                  disk.read, disk.write, disk.flush     error, lost, torn@BYTES, delay:TIME
                  irq.disk, irq.timer, irq.com1, irq.N  lost, late:TIME, twice
                  alloc                                 fail: no page frame for whom asked
                  syscall.NAME                          EIO or another error, the call doing nothing
                cut@SITE[#COUNTS]        the power goes there, or at cut@time=TIME or cut@insn=N:
                                         what the disk's volatile cache held is lost (:kept: it is not),
                                         of the write in progress :torn@BYTES reach the medium; the run
                                         ends with 121, --persist and --get take the disk as it is then
                mem.flip@ADDRESS:BIT#time=TIME or #insn=N    a bit of physical memory turns over
              COUNTS are as strace's: 3, 5..9, 5.. and 5+2; :when=COUNTS behind the action means the
              same. --fault-list shows the sites.

          --fault-list
              After the run, list the sites at which something can go wrong and how often each was
              passed

          --replay <TOKEN>
              Run again what a replay token says; of the images it has only fingerprints

    Chart:
          --gantt[=<LANES>]
              Draw a Gantt chart: what each process did, whom each CPU ran [alone: both]

              Possible values:
              - process: One a process: running, waiting or blocked
              - cpu:     One a CPU: which process it runs
              - both:    Processes above CPUs

          --gantt-svg <FILE.svg>
              Draw it as a picture (SVG)

          --from <TIME>
              Where the chart begins, in virtual time such as 8.5ms, 900us, 2s [default: where the line
              begins]

          --to <TIME>
              Where it ends [default: with the run]

    What is told of each process, all in virtual time:
      arrival      when it entered a run queue for the first time
      response     arrival to first run
      running      on a CPU, in user mode or in the kernel; interrupts count to whom they interrupt
      waiting      runnable, but not running: in a run queue
      blocked      asleep until something happens: input, a disk, a child's end, a time
      turnaround   arrival to completion = running + waiting + blocked + stopped (by a signal)
      voluntary    switches because it blocked, yielded, stopped or ended
      involuntary  switches because its time slice was over
      migrations   moves from one CPU's run queue to another's
      page faults  minor: the page was in memory; major: it was read from the disk; zero: a fresh
                   page, for the stack, too; copy-on-write: a write to a page that was shared;
                   other: resolved already, or an error
    Accounts begin with the first process. Totals and averages are over all processes, those of
    response and turnaround over the processes that got so far. The definitions are those of
    Silberschatz, Galvin, Gagne: Operating System Concepts, 5.2, and of Arpaci-Dusseau: Operating
    Systems: Three Easy Pieces, 7.

    Examples:
      glassbox stat --cpus 2 -- 'cat README | wc'
      glassbox stat --gantt -- 'seq 2000 | sort -r | head -n 3'
      glassbox stat --gantt-svg chart.svg --from 8ms --to 9500us -- 'ls | wc'
    ");
}

#[test]
fn the_table_of_counters() {
    let table = |arch| {
        let line = "cat /README | wc -l; echo x >/root/x; sync";
        let ran = glassbox(&on(arch, &["stat", "--cpus", "2", "--", line]), b"");
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        // The tables of processes have tests of their own.
        let (counters, _) = ran.stderr.split_once("\nProcesses:").unwrap();
        masked(counters.trim_start())
    };
    assert_snapshot!(table("x86_64"), @r#"
    N  instructions
    N    in user mode
    N    in the kernel
    N    on CPU 0
    N    on CPU 1
    N  system calls
    N  exceptions and interrupts
    N    #PF
    N    int 0x40
    N    int 0x41
    N    int 0x42
    N    int 0xf1
    N  context switches
    N  page walks
    N  TLB hits, fetch
    N  TLB misses, fetch
    N  TLB hits, read
    N  TLB misses, read
    N  TLB hits, write
    N  TLB misses, write
    N  device accesses
    N  disk reads
    N    sectors
    N  disk writes
    N    sectors
    N  disk flushes
    N  blocks lifted
    N  s virtual time
    N  s of it idle
    N  s host time
    "#);
    assert_snapshot!(table("riscv64"), @"
    N  instructions
    N    in user mode
    N    in the kernel
    N    on CPU 0
    N    on CPU 1
    N  system calls
    N  exceptions and interrupts
    N    ecall from S-mode
    N    fetch page fault
    N    load page fault
    N    machine software interrupt
    N    store page fault
    N    supervisor external interrupt
    N    supervisor software interrupt
    N  context switches
    N  page walks
    N  TLB hits, fetch
    N  TLB misses, fetch
    N  TLB hits, read
    N  TLB misses, read
    N  TLB hits, write
    N  TLB misses, write
    N  device accesses
    N  disk reads
    N    sectors
    N  disk writes
    N    sectors
    N  disk flushes
    N  blocks lifted
    N  s virtual time
    N  s of it idle
    N  s host time
    ");
}

#[test]
fn the_counters_of_a_run_add_up() {
    for arch in arches() {
        let stat = |line: &str, more: &[&str]| -> serde_json::Value {
            let ran = glassbox(
                &on(arch, &[&["stat", "--json"], more, &["--", line]].concat()),
                b"",
            );
            assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
            serde_json::from_slice(&ran.stdout).unwrap()
        };
        // The line's own output would be mixed with the JSON, so it has none.
        let two = stat(
            "cat /README >/dev/null; echo x >/root/x; sync; sleep 2",
            &["--cpus", "2"],
        );
        let number = |path: &str| {
            two.pointer(path)
                .and_then(serde_json::Value::as_u64)
                .unwrap_or_else(|| panic!("{path}"))
        };
        assert_eq!(
            number("/instructions"),
            number("/user_instructions") + number("/kernel_instructions")
        );
        let cpus: u64 = (0..2)
            .map(|cpu| {
                number(&format!("/cpus/{cpu}/user")) + number(&format!("/cpus/{cpu}/kernel"))
            })
            .sum();
        assert_eq!(number("/instructions"), cpus);
        assert!(number("/page_walks") >= number("/tlb/read_misses"), "{two}");
        assert!(
            number("/idle_ns") >= 1_900_000_000 && number("/virtual_ns") > number("/idle_ns"),
            "{two}"
        );
        assert!(
            number("/disk/sectors_read") >= 8 * number("/disk/reads").min(1),
            "{two}"
        );
        assert!(
            number("/disk/writes") > 0 && number("/disk/flushes") > 0,
            "{two}"
        );
        assert!(
            number("/context_switches") > 4 && number("/device_accesses") > 0,
            "{two}"
        );
        let faults_of = |told: &serde_json::Value| -> u64 {
            let traps = told["traps"].as_object().unwrap().iter();
            let faults = traps.filter(|(name, _)| *name == "#PF" || name.ends_with(" page fault"));
            faults.filter_map(|(_, count)| count.as_u64()).sum()
        };
        assert!(faults_of(&two) > 10, "{two}");
        // What a line costs is what it costs more than an empty one: a builtin makes no process.
        let faults = |line: &str| faults_of(&stat(line, &[]));
        assert!(faults("/bin/true; /bin/true") > faults(":; :") + 10);
    }
}

#[test]
fn counters_are_those_of_the_run_without_them() {
    for arch in arches() {
        let line = "ls /bin | wc -l";
        let plain = glassbox(&on(arch, &["run", "--hash", "--", line]), b"");
        let counted = glassbox(&on(arch, &["stat", "--hash", "--", line]), b"");
        assert_eq!(plain.stdout, counted.stdout);
        assert_eq!(plain.stderr.lines().next(), counted.stderr.lines().next());
        assert_eq!(run(arch, line).stdout, plain.stdout);
    }
}
