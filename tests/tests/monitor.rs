//! The monitor and the list of processes, on a terminal as a person uses them and as a library; hooks of one's own.

use glassbox::guest::{Guest, Options, Outcome};
use glassbox::monitor::onlooker::Onlooker;
use glassbox::monitor::{Monitor, Next};
use glassbox::trace::json::Json;
use rustix::termios::LocalModes;
use std::collections::BTreeSet;
use tests::glassbox::{arches, command, glassbox, images, on, run};
use tests::pty::Terminal;
use tests::silica::Silica;
use tests::{kernel, riscv};

#[allow(dead_code, reason = "its main is the program's")]
#[path = "../../emulator/glassbox/examples/hook.rs"]
mod hook;

const PROMPT: &str = "(glassbox) ";
const LEAVE: &[u8] = b"\x01x";
const MONITOR: &[u8] = b"\x01c";
const PROCESSES: &[u8] = b"\x01p";

/// Types a command into the monitor and gives all that is shown up to its next prompt.
#[track_caller]
fn ask(terminal: &mut Terminal, line: &str) -> String {
    terminal.type_in(format!("{line}\r").as_bytes());
    terminal.expect("\n");
    terminal.expect(PROMPT)
}

#[test]
fn the_processes_are_listed_while_the_guest_runs() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &["--cpus", "2"]);
        terminal.type_in(b"sleep 1000 & sleep 1000 & kill -STOP $!\r");
        terminal.expect("\n$ ");
        terminal.type_in(b"echo go; while true; do :; done\r");
        terminal.expect("\ngo\n");
        terminal.type_in(PROCESSES);
        let shown = terminal.expect("NAME\n");
        assert!(shown.contains("  PID  PPID  STATE"), "{shown}");
        let row =
            |line: String| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
        let init = row(terminal.expect("init\n"));
        assert_eq!(init[..5], ["1", "0", "sleeping", "on", "wait4"], "{init:?}");
        let shell = row(terminal.expect("sh\n"));
        assert_eq!(shell[..5], ["2", "1", "running", "on", "CPU"], "{shell:?}");
        let sleep = row(terminal.expect("sleep\n"));
        assert_eq!(
            sleep[1..5],
            ["2", "sleeping", "on", "nanosleep"],
            "{sleep:?}"
        );
        let stopped = row(terminal.expect("stopped"));
        assert_eq!(stopped[1..], ["2", "stopped"], "{stopped:?}");
        terminal.type_in(b"\x03");
        terminal.expect("\n$ ");
        terminal.type_in(LEAVE);
        assert_eq!(terminal.wait().code(), Some(0));
    }
}

#[test]
fn a_visit_to_the_monitor_shows_the_machine_and_the_shell_goes_on() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &[]);
        terminal.type_in(MONITOR);
        terminal.expect(PROMPT);
        let registers = ask(&mut terminal, "info registers");
        let parts = match arch {
            "x86_64" => ["\nCPU#0\nRAX=", "CPL=0 II=0 A20=1 SMM=0 HLT=1\n"],
            _ => ["\nCPU#0\n mode     supervisor\n pc       ", "\n x0/zero  "],
        };
        for part in parts {
            assert!(registers.contains(part), "{part}: {registers}");
        }
        let code = ask(&mut terminal, "x/3i $pc");
        assert!(code.starts_with("=> 0xffffffff"), "{code}");
        assert!(code.contains(" <kernel::sched::idle+0x"), "{code}");
        assert_eq!(code.lines().count(), 4, "{code}");
        let processes = ask(&mut terminal, "info ps");
        assert!(
            processes.contains("init\n") && processes.contains("sh\n"),
            "{processes}"
        );
        terminal.type_in(b"continue\r");
        terminal.expect("\n");
        terminal.type_in(b"echo $((6 * 7))\r");
        terminal.expect("\n42\n$ ");
        // Out of it by the key that leads into it, with a command begun.
        terminal.type_in(b"\x01cinfo\x01cecho again\r");
        terminal.expect("\nagain\n$ ");
        terminal.type_in(LEAVE);
        assert_eq!(terminal.wait().code(), Some(0));
    }
}

#[test]
fn quitting_the_monitor_gives_the_terminal_back() {
    for arch in arches() {
        for leave in [&b"quit\r"[..], b"q\r", LEAVE] {
            let mut command = command();
            command.args(["boot", "--arch", arch]);
            let mut terminal = Terminal::start(command);
            let before = terminal.noticed();
            terminal.expect("\n$ ");
            terminal.type_in(MONITOR);
            terminal.expect(PROMPT);
            terminal.type_in(leave);
            assert_eq!(terminal.wait().code(), Some(0));
            assert_eq!(terminal.noticed(), before);
        }
    }
}

#[test]
fn a_signal_ends_the_monitor_too_and_the_terminal_is_given_back() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &[]);
        terminal.type_in(MONITOR);
        terminal.expect(PROMPT);
        let pid = rustix::process::Pid::from_child(&terminal.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("kill");
        let status = terminal.wait();
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(15)
        );
        assert!(
            terminal
                .settings()
                .local_modes
                .contains(LocalModes::ICANON | LocalModes::ECHO)
        );
    }
}

#[test]
fn commands_are_edited_and_called_back() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &[]);
        terminal.type_in(MONITOR);
        terminal.expect(PROMPT);
        let sum = ask(&mut terminal, "nothing\x15p 1X\x7f+2");
        assert!(sum.starts_with("3\n"), "{sum}");
        let again = ask(&mut terminal, "\x1b[A0");
        assert!(
            again.ends_with(&format!("21\n\r{PROMPT}").replace('\r', "")),
            "{again:?}"
        );
        let wrong = ask(&mut terminal, "launch");
        assert!(
            wrong.starts_with("unknown command: 'launch'; 'help' lists them\n"),
            "{wrong}"
        );
        terminal.type_in(b"\x04");
        terminal.type_in(b"echo back\r");
        terminal.expect("\nback\n$ ");
        terminal.type_in(LEAVE);
        terminal.wait();
    }
}

#[test]
fn instructions_are_stepped_and_a_guest_may_end_meanwhile() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &[]);
        // Not read yet when the machine is stopped: it stands still at once.
        terminal.type_in(b"poweroff 5\r\x01c");
        terminal.expect(PROMPT);
        let stepped = ask(&mut terminal, "step 3");
        assert!(
            stepped.starts_with("CPU 0 at ") && stepped.contains("=> 0x"),
            "{stepped}"
        );
        let before = ask(&mut terminal, "info time");
        ask(&mut terminal, "s");
        let after = ask(&mut terminal, "info time");
        let instructions = |text: &str| -> u64 {
            let line = text.lines().find(|line| line.starts_with("instructions"));
            line.and_then(|line| line.split_whitespace().last()?.parse().ok())
                .expect("a number")
        };
        assert_eq!(instructions(&after), instructions(&before) + 1);
        terminal.type_in(b"step 1000000000\r");
        assert_eq!(terminal.wait().code(), Some(5));
    }
}

#[test]
fn events_are_traced_to_the_terminal_and_to_a_file() {
    for arch in arches() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.json");
        let mut terminal = Terminal::prompt(arch, &["--pace", "fast"]);
        terminal.type_in(MONITOR);
        terminal.expect(PROMPT);
        ask(&mut terminal, "trace on process_fork");
        terminal.type_in(MONITOR);
        terminal.type_in(b"ls / | wc -l\r");
        let shown = terminal.expect("\n$ ");
        let forks = shown
            .matches("[pid     2] ~~~ process_fork {parent_pid=2")
            .count();
        assert_eq!(forks, 2, "{shown}");
        terminal.type_in(MONITOR);
        terminal.expect(PROMPT);
        ask(
            &mut terminal,
            &format!("trace on sched_switch {}", path.display()),
        );
        terminal.type_in(MONITOR);
        terminal.type_in(b"echo quiet\r");
        terminal.expect("\nquiet\n$ ");
        terminal.type_in(MONITOR);
        terminal.expect(PROMPT);
        ask(&mut terminal, "trace off");
        let nothing = ask(&mut terminal, "trace off");
        assert!(nothing.starts_with("nothing is traced\n"), "{nothing}");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() > 1, "{text}");
        for line in text.lines() {
            assert!(line.contains("sched_switch"), "{line}");
            // Who is who is known from power-on.
            assert!(!line.contains("\"comm\":\"\""), "{line}");
        }
        let refused = ask(
            &mut terminal,
            "trace on sched_switch /no/such/folder/t.json",
        );
        assert!(
            refused.starts_with("trace: /no/such/folder/t.json: "),
            "{refused}"
        );
        terminal.type_in(LEAVE);
        terminal.wait();
    }
}

#[test]
fn a_name_made_to_act_on_the_terminal_is_written_out() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &["--pace", "fast"]);
        terminal.type_in(b"f=/$(printf '\\033[2Jevil')\r");
        terminal.expect("\n$ ");
        terminal.type_in(b"cp /bin/cat \"$f\"; \"$f\" | cat &\r");
        terminal.expect("\n$ ");
        terminal.type_in(PROCESSES);
        terminal.expect("NAME\n");
        let shown = terminal.expect("evil");
        assert!(
            shown.contains("\\x1b[2Jevil") && !shown.contains('\x1b'),
            "{shown:?}"
        );
        terminal.type_in(LEAVE);
        terminal.wait();
    }
}

/// Boots to the prompt and runs two lines, with `look` called every `pause` instructions; the hash and the count of
/// instructions at the end.
fn lived(
    arch: &str,
    cpus: usize,
    pause: u64,
    look: &mut dyn FnMut(&mut Guest, &mut Onlooker),
) -> (String, u64) {
    let mut guest = Silica::on(arch).guest(cpus, None);
    let mut onlooker = Onlooker::new(&mut guest);
    let mut lines = ["ls / | wc\n", "cp /README /tmp/r; sync; cat /tmp/r &\n"].iter();
    let mut next = pause;
    loop {
        let outcome = guest.advance(next, true, &mut onlooker);
        if guest.machine.retired() >= next {
            look(&mut guest, &mut onlooker);
            next = guest.machine.retired() + pause;
        }
        guest.machine.board.take_output();
        match outcome {
            None => {}
            Some(Outcome::Idle { next: Some(time) }) => guest.machine.pass_idle(time),
            Some(Outcome::Idle { next: None }) => match lines.next() {
                Some(line) => guest.machine.type_in(line.as_bytes()),
                None => return (guest.machine.hash().to_string(), guest.machine.retired()),
            },
            Some(outcome) => panic!("{outcome:?}"),
        }
    }
}

/// Every way of looking that there is, `SP` and `ARGUMENT` being registers.
const LOOKS: &[&str] = &[
    "info registers -a",
    "info tlb",
    "info mem",
    "info ps",
    "info irq",
    "info pic",
    "info block",
    "info cpus",
    "info time",
    "info status",
    "info version",
    "info symbol $pc",
    "x/10i $pc",
    "x/8xw $SP",
    "x/4xg $SP",
    "x/s $ARGUMENT",
    "x/8cb $SP",
    "x/4a $SP",
    "x/2dh $SP",
    "x",
    "xp/4xg 0",
    "p $pc+1*2",
    "p/x *$SP",
    "p/a kernel::sched::idle",
    "cpu 0",
    "help",
    "help info",
    "help x",
    "stop",
    "nonsense",
    "x/i 0",
];

/// Those for this instruction set.
fn looks(arch: &str) -> Vec<String> {
    let (sp, argument, own) = match arch {
        "x86_64" => {
            let own = ["info lapic", "xp/xw 0xfee00020", "x/xb 0xffff8000fee00020"];
            ("rsp", "rdi", own)
        }
        _ => {
            let own = ["info clint", "xp/xw 0xc000000", "x/xb 0xffffffc00c000000"];
            ("sp", "a0", own)
        }
    };
    let looks = LOOKS.iter().chain(&own);
    looks
        .map(|look| look.replace("SP", sp).replace("ARGUMENT", argument))
        .collect()
}

#[test]
fn looking_stepping_and_tracing_change_nothing() {
    for arch in arches() {
        for cpus in [1, 2] {
            let straight = lived(arch, cpus, u64::MAX, &mut |_, _| {});
            let mut visits = 0;
            let kernel = Silica::on(arch).kernel;
            let mut monitor = Monitor::new(&kernel);
            let visited = lived(arch, cpus, 70_001, &mut |guest, onlooker| {
                visits += 1;
                for line in &looks(arch) {
                    let reply = monitor.command(line, guest, onlooker.tasks());
                    assert_eq!(reply.next, Next::Ask, "{line}");
                }
                guest.machine.hash();
                match visits % 4 {
                    1 => {
                        let reply = monitor.command("trace on all", guest, onlooker.tasks());
                        let Next::Trace { wishes, .. } = reply.next else {
                            panic!("{reply:?}");
                        };
                        let sink = Box::new(Json::new(std::io::sink()));
                        onlooker
                            .trace(guest, Default::default(), &wishes, sink)
                            .expect("the probes are sound");
                    }
                    3 => onlooker.end_trace(guest).expect("the sink takes all"),
                    _ => {
                        for count in [1, 2, 3, 1000] {
                            let outcome = guest.step(count, onlooker);
                            assert!(
                                outcome.is_none_or(|o| matches!(o, Outcome::Idle { .. })),
                                "{outcome:?}"
                            );
                        }
                    }
                }
            });
            assert!(visits > 10, "{visits}");
            assert_eq!(visited, straight, "{cpus} CPUs");
        }
    }
}

/// A monitor's answers about a guest that stands still.
fn answers(guest: &Guest, kernel: &[u8], lines: &[&str]) -> Vec<String> {
    let mut monitor = Monitor::new(kernel);
    let tasks = Default::default();
    lines
        .iter()
        .map(|line| monitor.command(line, guest, &tasks).text)
        .collect()
}

/// A guest whose kernel has come to its end, or to where it halts for ever.
fn halted(arch: &str, kernel: &[u8]) -> Guest {
    let mut options = Options::new(kernel);
    options.arch = arch.parse().unwrap();
    let mut guest = Guest::new(options).expect("the kernel is sound");
    guest.run(&mut base::Silent, &mut |_, _| {});
    guest
}

#[test]
fn values_and_memory_of_x86_64_are_shown_as_qemu_and_gdb_show_them() {
    use iced_x86::code_asm::*;
    let kernel = kernel::long_mode(|a| {
        a.mov(rax, 0x1122_3344_5566_7788u64)?;
        a.mov(rbx, -2i64)?;
        a.mov(rcx, 0x18_0000u64)?;
        a.mov(qword_ptr(rcx), rax)?;
        a.mov(rdx, u64::from_le_bytes(*b"hi\x1b[2J\0\0"))?;
        a.mov(qword_ptr(rcx + 8), rdx)?;
        a.xor(esi, esi)?;
        a.stc()?;
        a.hlt()
    });
    let guest = halted("x86_64", &kernel);
    let check = |line: &str, wanted: &str| {
        assert_eq!(answers(&guest, &kernel, &[line]), [wanted], "{line}");
    };
    check(
        "x/2xg $rcx",
        "0000000000180000: 0x1122334455667788 0x00004a325b1b6968\n",
    );
    check(
        "x/4xh 0x180000",
        "0000000000180000: 0x7788 0x5566 0x3344 0x1122\n",
    );
    check(
        "x/9xb $rcx",
        "0000000000180000: 0x88 0x77 0x66 0x55 0x44 0x33 0x22 0x11\n0000000000180008: 0x68\n",
    );
    check("xp/1dw 0x180004", "0000000000180004:   287454020\n");
    check("x/s $rcx+8", "0000000000180008: \"hi\\x1b[2J\"\n");
    check("x/3c $rcx+8", "0000000000180008: 'h' 'i' '\\x1b'\n");
    check(
        "x 0xffff800000000000",
        "ffff800000000000: Cannot access memory\n",
    );
    check("xp 0xfee00020", "00000000fee00020: Cannot access memory\n");
    check("p $rbx", "-2\n");
    check("p/x $ebx", "0xfffffffe\n");
    check("p $al + $ah", "255\n");
    check("p/x *$rcx & 0xff", "0x88\n");
    check("p/t 5", "101\n");
    check("p 1/0", "division by zero\n");
    check("p", "an address or an expression is missing\n");
    check("info registers -b", "info registers [-a]\n");
    check("cpu 1", "there is no CPU 1: 0 to 0\n");
    check(
        "info mem",
        "0000000000000000-0000000100000000 0000000100000000 urw\n",
    );
    check(
        "x/2i $pc-2",
        "   0x000000000010104d:  f9                    stc\n   \
        0x000000000010104e:  f4                    hlt\n",
    );
    check(
        "xp/i 0x10104e",
        "   0x000000000010104e:  f4                    hlt\n",
    );
    let registers = &answers(&guest, &kernel, &["info registers"])[0];
    for part in [
        "\nCPU#0\nRAX=1122334455667788 RBX=fffffffffffffffe RCX=0000000000180000 RDX=00004a325b1b6968\n",
        "RFL=00000047 [---Z-PC] CPL=0 II=0 A20=1 SMM=0 HLT=1\n",
        "\nCS =0008 0000000000000000 ffffffff 00af9b00 DPL=0 CS64 [-RA]\n",
        "\nSS =0010 0000000000000000 ffffffff 00cf9300 DPL=0 DS   [-WA]\n",
        "\nCR0=80010011 CR2=0000000000000000 CR3=0000000000200000 CR4=00000220\n",
    ] {
        assert!(registers.contains(part), "{part}\n{registers}");
    }
}

#[test]
fn values_and_memory_of_risc_v_are_shown_as_qemu_and_gdb_show_them() {
    let kernel = riscv::elf(
        "li      t0, 0x1122334455667788
         li      t1, -2
         li      a0, 0x80180000
         sd      t0, 0(a0)
         li      t2, 0x00004a325b1b6968      # hi, and what clears a screen
         sd      t2, 8(a0)
         li      t3, 3 << 13                 # mstatus.FS
         csrs    mstatus, t3
         fmv.d.x fa1, t0
         # A page of 1 GiB maps memory to itself, for S-mode, and one of 2 MiB maps the serial port.
         la      t3, root
         la      t4, leaf
         srli    t4, t4, 2
         ori     t4, t4, 1
         sd      t4, 0(t3)
         li      t4, (0x80000000 >> 2) | 0xcf
         sd      t4, 16(t3)
         la      t4, leaf
         li      t5, (0x10000000 >> 2) | 0xc7
         sd      t5, 128 * 8(t4)
         srli    t3, t3, 12
         li      t4, 8 << 60                 # Sv39
         or      t3, t3, t4
         csrw    satp, t3
         li      t4, -1
         csrw    pmpaddr0, t4
         li      t4, 0x1f
         csrw    pmpcfg0, t4
         li      t4, 1 << 11                 # to S-mode
         csrs    mstatus, t4
         la      t4, supervisor
         csrw    mepc, t4
         mret
 supervisor:
         csrci   sstatus, 2
         wfi
         .bss
         .balign 4096
 root:   .zero   4096
 leaf:   .zero   4096",
    );
    let guest = halted("riscv64", &kernel);
    let check = |line: &str, wanted: &str| {
        assert_eq!(answers(&guest, &kernel, &[line]), [wanted], "{line}");
    };
    check(
        "x/2xg $a0",
        "0000000080180000: 0x1122334455667788 0x00004a325b1b6968\n",
    );
    check(
        "x/4xh 0x80180000",
        "0000000080180000: 0x7788 0x5566 0x3344 0x1122\n",
    );
    check(
        "x/9xb $x10",
        "0000000080180000: 0x88 0x77 0x66 0x55 0x44 0x33 0x22 0x11\n0000000080180008: 0x68\n",
    );
    check("xp/1dw 0x80180004", "0000000080180004:   287454020\n");
    check("x/s $a0+8", "0000000080180008: \"hi\\x1b[2J\"\n");
    check("x/3c $a0+8", "0000000080180008: 'h' 'i' '\\x1b'\n");
    check(
        "x 0xffff800000000000",
        "ffff800000000000: Cannot access memory\n",
    );
    check("x 0x10000005", "0000000010000005: Cannot access memory\n");
    check("xp 0x10000005", "0000000010000005: Cannot access memory\n");
    check("p $t1", "-2\n");
    check("p/x $x6", "0xfffffffffffffffe\n");
    check("p/x $fa1", "0x1122334455667788\n");
    check("p/x $satp", "0x8000000000080001\n");
    check("p/x *$a0 & 0xff", "0x88\n");
    check("cpu 1", "there is no CPU 1: 0 to 0\n");
    check(
        "x/i $pc-4",
        "   0x00000000800000c0 <supervisor+0x4>:  73 00 50 10  wfi\n",
    );
    check(
        "info mem",
        "vaddr            paddr            size             attr\n\
         ---------------- ---------------- ---------------- -------\n\
         0000000010000000 0000000010000000 0000000000200000 rw---ad\n\
         0000000080000000 0000000080000000 0000000040000000 rwx--ad\n",
    );
    check(
        "info tlb",
        "virtual           physical          user kernel  page  asid\n\
         0000000080000000: 0000000080000000  ---  rwx     1G    0\n\
         0000000080000000: 0000000080000000  rwx  rwx     4K    bare\n\
         2 entries; fetch: 0 hits, 5 misses; read: 0 hits, 0 misses; write: 2 hits, 3 misses\n",
    );
    check(
        "info clint",
        "MTIME 5 (ticks of 100 ns)\nCPU0: MSIP 0, MTIMECMP never\n",
    );
    check(
        "info pic",
        "CPU0 M: threshold 0, enabled none\nCPU0 S: threshold 0, enabled none\n",
    );
    let registers = &answers(&guest, &kernel, &["info registers"])[0];
    for part in [
        "\nCPU#0\n mode     supervisor\n pc       00000000800000c4\n mhartid  0000000000000000\n",
        "\n satp     8000000000080001\n",
        " x5/t0    1122334455667788 x6/t1    fffffffffffffffe x7/t2    00004a325b1b6968\n",
        " f11/fa1  1122334455667788\n",
    ] {
        assert!(registers.contains(part), "{part}\n{registers}");
    }
}

#[test]
fn a_backtrace_leads_from_the_instruction_to_the_kernels_beginning() {
    for arch in arches() {
        let silica = Silica::on(arch);
        let mut guest = silica.guest(1, None);
        guest.step(300_000, &mut base::Silent);
        let told = answers(&guest, &silica.kernel, &["backtrace", "info symbol $pc"]);
        let frames: Vec<&str> = told[0].lines().collect();
        assert_eq!(frames[0], format!("#0  {}", told[1].trim_end()), "{arch}");
        assert!(frames.len() > 2, "{arch}: {frames:?}");
        for (number, frame) in frames.iter().enumerate() {
            assert!(frame.starts_with(&format!("#{number:<3}0x")), "{frame}");
        }
    }
}

#[test]
fn all_that_help_lists_is_understood_and_nothing_else_is() {
    for arch in arches() {
        let kernel = match arch {
            "x86_64" => kernel::long_mode(|a| a.hlt()),
            _ => riscv::elf("wfi"),
        };
        let guest = halted(arch, &kernel);
        let lists = answers(&guest, &kernel, &["help", "help info"]);
        let mut names = BTreeSet::new();
        for line in lists[0].lines().filter(|line| !line.starts_with('\'')) {
            names.extend(
                line.split(' ')
                    .next()
                    .unwrap()
                    .split('|')
                    .map(str::to_owned),
            );
        }
        for line in lists[1].lines() {
            let subjects = line.split(' ').nth(1).unwrap().split('|');
            names.extend(subjects.map(|name| format!("info {name}")));
        }
        assert!(names.len() > 25, "{names:?}");
        let mut monitor = Monitor::new(&kernel);
        for name in &names {
            let reply = monitor.command(name, &guest, &Default::default());
            assert!(!reply.text.starts_with("unknown"), "{name}: {}", reply.text);
            assert!(!reply.text.is_empty() || reply.next != Next::Ask, "{name}");
        }
        for (line, answer) in [
            ("launch", "unknown command: 'launch'; 'help' lists them\n"),
            (
                "info everything",
                "unknown: info everything; 'help info' lists them\n",
            ),
            (
                "help launch",
                "unknown command: 'launch'; 'help' lists them\n",
            ),
            ("help/x", "'help' takes no /x\n"),
            (
                "trace on",
                "trace on EVENTS [FILE], or trace off; EVENTS as in 'glassbox trace -e event=EVENTS'\n",
            ),
            (
                "p nothing",
                "the kernel has no symbol 'nothing', or several\n",
            ),
            ("step 0", "step: 1 to 1000000000 instructions at a time\n"),
            ("info tlb 5", "info tlb takes no argument\n"),
            (
                "\u{1b}[2J",
                "unknown command: '\\u{1b}[2J'; 'help' lists them\n",
            ),
        ] {
            assert_eq!(
                monitor.command(line, &guest, &Default::default()).text,
                answer
            );
        }
    }
}

#[test]
fn no_command_makes_the_monitor_panic_or_act_on_the_terminal() {
    for arch in arches() {
        let mut guest = Silica::on(arch).guest(1, None);
        let mut onlooker = Onlooker::new(&mut guest);
        guest.step(900_000, &mut onlooker);
        let kernel = guest.kernel.clone();
        let mut monitor = Monitor::new(&kernel);
        let words = [
            "x",
            "xp",
            "/",
            "10",
            "i",
            "s",
            "g",
            " ",
            "$rsp",
            "$",
            "p",
            "info",
            "mem",
            "tlb",
            "(",
            ")",
            "*",
            "-",
            "0x",
            "ffffffffffffffff",
            "0xffffffffffffffff",
            "kernel::",
            "trace",
            "on",
            "all",
            "cpu",
            "\u{1b}[2J",
            "'",
            "\u{e9}",
            "0xffffffff80000000",
            "step",
            "help",
        ];
        let mut seed = 1u64;
        for _ in 0..3000 {
            let mut line = String::new();
            for _ in 0..seed % 7 + 1 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                line += words[(seed >> 33) as usize % words.len()];
            }
            let reply = monitor.command(&line, &guest, onlooker.tasks());
            assert!(
                reply.text.chars().all(|c| c == '\n' || !c.is_control()),
                "{line:?}: {:?}",
                reply.text
            );
        }
    }
}

/// An observer to which the machine's clock is all.
#[derive(Default)]
struct Clock {
    last: base::Time,
    events: u64,
}

impl base::Observer for Clock {
    const ON: bool = true;

    fn event(&mut self, stamp: base::Stamp, event: &base::Event, _: &dyn base::event::Peek) {
        assert!(stamp.time >= self.last, "{event:?} at {}", stamp.time);
        self.last = stamp.time;
        self.events += 1;
    }
}

#[test]
fn an_observers_time_never_goes_back_though_keys_are_typed() {
    for arch in arches() {
        let mut guest = Silica::on(arch).guest(2, None);
        let mut clock = Clock::default();
        let mut lines = ["ls / | wc\n", "sleep 1 & cat /README\n"].iter();
        loop {
            match guest.advance(u64::MAX, true, &mut clock) {
                None => {}
                Some(Outcome::Idle { next: Some(time) }) => guest.machine.pass_idle(time),
                Some(Outcome::Idle { next: None }) => match lines.next() {
                    Some(line) => guest.machine.type_in(line.as_bytes()),
                    None => break,
                },
                Some(outcome) => panic!("{outcome:?}"),
            }
        }
        assert!(clock.events > 1000);
    }
}

#[test]
fn the_example_counts_every_page_walk_by_process() {
    for arch in arches() {
        let image = |name| std::fs::read(images(arch).join(name)).unwrap();
        let (printed, table) = hook::count(
            arch.parse().unwrap(),
            image("kernel.elf"),
            image("fs.img"),
            "ls / | wc -l",
        )
        .unwrap();
        assert_eq!(printed, run(arch, "ls / | wc -l").stdout);
        let mut rows = table.lines();
        assert_eq!(rows.next(), Some("  WALKS    PID  NAME"));
        let rows: Vec<Vec<&str>> = rows.map(|row| row.split_whitespace().collect()).collect();
        let names: Vec<&str> = rows.iter().map(|row| row[2]).collect();
        assert_eq!(names, ["idle", "init", "sh", "ls", "wc"]);
        let stat = glassbox(&on(arch, &["stat", "--json", "--", "ls / | wc -l"]), b"");
        let json = stat.text();
        let json = &json[json.find("\n{").map_or(0, |at| at + 1)..];
        let stat: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let sum: u64 = rows.iter().map(|row| row[0].parse::<u64>().unwrap()).sum();
        assert_eq!(Some(sum), stat["page_walks"].as_u64());
    }
}
