//! `glassbox boot` on a terminal, used as a person uses it; and fed from a pipe.

use rustix::termios::LocalModes;
use std::time::{Duration, Instant};
use tests::glassbox::{arches, command, glassbox, on};
use tests::kernel;
use tests::pty::Terminal;

const CTRL_A: u8 = 1;
const CTRL_C: &[u8] = b"\x03";
const CTRL_D: &[u8] = b"\x04";
const CTRL_U: &[u8] = b"\x15";
const BACKSPACE: &[u8] = b"\x7f";
const UP: &[u8] = b"\x1b[A";
const LEFT: &[u8] = b"\x1b[D";
const LEAVE: &[u8] = &[CTRL_A, b'x'];

#[test]
fn a_prompt_comes_and_a_line_is_run() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &[]);
        terminal.type_in(b"echo $((6 * 7))\r");
        terminal.expect("\n42\n$ ");
        terminal.type_in(b"ls /bin | grep -c '^ls$'\r");
        terminal.expect("\n1\n$ ");
        terminal.type_in(LEAVE);
        assert_eq!(terminal.wait().code(), Some(0));
    }
}

#[test]
fn a_line_is_edited_before_it_is_run() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &["--pace", "fast"]);
        terminal.type_in(b"echo abX");
        terminal.type_in(BACKSPACE);
        terminal.type_in(b"c\r");
        terminal.expect("\nabc\n$ ");
        terminal.type_in(b"no such line");
        terminal.type_in(CTRL_U);
        terminal.type_in(b"echo clean\r");
        terminal.expect("\nclean\n$ ");
        terminal.type_in(b"echo ac");
        terminal.type_in(LEFT);
        terminal.type_in(b"b\r");
        terminal.expect("\nabc\n$ ");
        terminal.type_in(LEAVE);
        terminal.wait();
    }
}

#[test]
fn an_earlier_line_is_called_back() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &["--pace", "fast"]);
        terminal.type_in(b"echo first; x=$((x + 1))\r");
        terminal.expect("\nfirst\n$ ");
        terminal.type_in(b"echo second\r");
        terminal.expect("\nsecond\n$ ");
        terminal.type_in(UP);
        terminal.type_in(UP);
        terminal.type_in(b"\r");
        terminal.expect("\nfirst\n$ ");
        terminal.type_in(b"echo x is $x\r");
        terminal.expect("\nx is 2\n$ ");
        terminal.type_in(LEAVE);
        terminal.wait();
    }
}

#[test]
fn ctrl_c_ends_the_foreground_job_and_not_the_shell() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &["--pace", "fast"]);
        terminal.type_in(b"name=kept\r");
        terminal.expect("$ ");
        terminal.type_in(b"echo go; cat\r");
        terminal.expect("\ngo\n");
        terminal.type_in(CTRL_C);
        terminal.expect("$ ");
        terminal.type_in(b"echo $? $name\r");
        terminal.expect("\n130 kept\n$ ");
        terminal.type_in(b"echo go; while true; do :; done\r");
        terminal.expect("\ngo\n");
        terminal.type_in(CTRL_C);
        terminal.expect("$ ");
        terminal.type_in(b"no such line");
        terminal.type_in(CTRL_C);
        terminal.expect("$ ");
        terminal.type_in(b"echo $name\r");
        terminal.expect("\nkept\n$ ");
        terminal.type_in(LEAVE);
        terminal.wait();
    }
}

#[test]
fn ctrl_d_ends_a_programs_input_and_the_shell_which_comes_again() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &["--pace", "fast"]);
        terminal.type_in(b"cat; echo over\r");
        terminal.type_in(b"typed\r");
        terminal.expect("\ntyped\n"); // not one key of what is typed ahead is lost
        terminal.type_in(CTRL_D);
        terminal.expect("over\n$ ");
        terminal.type_in(b"name=lost\r");
        terminal.expect("$ ");
        terminal.type_in(CTRL_D);
        terminal.expect("$ ");
        terminal.type_in(b"echo \"<$name>\"\r");
        terminal.expect("\n<>\n$ ");
        terminal.type_in(LEAVE);
        terminal.wait();
    }
}

#[test]
fn the_escape_key_lists_keys_and_reaches_the_guest_when_doubled() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &[]);
        terminal.type_in(&[CTRL_A, b'h']);
        terminal.expect("Ctrl-A x    leave the machine");
        // Ctrl-A puts the shell's cursor at the line's beginning.
        terminal.type_in(b"cho begin");
        terminal.type_in(&[CTRL_A, CTRL_A]);
        terminal.type_in(b"e\r");
        terminal.expect("\nbegin\n$ ");
        terminal.type_in(LEAVE);
        assert_eq!(terminal.wait().code(), Some(0));
    }
}

#[test]
fn the_terminal_is_given_back_as_it_was() {
    for arch in arches() {
        // However the emulator ends: by its key, by a signal, by the guest's own end or its kernel's.
        type End = fn(&mut Terminal);
        let ends: [(&str, End, Option<i32>); 4] = [
            ("left", |t| t.type_in(LEAVE), Some(0)),
            (
                "terminated",
                |t| signal(t, rustix::process::Signal::TERM),
                None,
            ),
            ("hung up", |t| signal(t, rustix::process::Signal::HUP), None),
            ("switched off", |t| t.type_in(b"poweroff 7\r"), Some(7)),
        ];
        for (name, end, status) in ends {
            let mut terminal = Terminal::prompt(arch, &[]);
            let within = terminal.settings();
            assert!(
                !within
                    .local_modes
                    .intersects(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG),
                "raw"
            );
            end(&mut terminal);
            assert_eq!(terminal.wait().code(), status, "{name}");
            let after = terminal.settings();
            assert!(
                after
                    .local_modes
                    .contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG),
                "{name}"
            );
        }
    }
}

fn signal(terminal: &mut Terminal, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(&terminal.child);
    rustix::process::kill_process(pid, signal).expect("kill");
}

#[test]
fn the_terminal_is_given_back_after_the_guests_kernel_failed() {
    for arch in arches() {
        for (arguments, status) in [
            (&["--append", "init=/nowhere"][..], 124),
            (&["--memory", "1"], 125),
        ] {
            let mut command = command();
            command.args(["boot", "--arch", arch]).args(arguments);
            let mut terminal = Terminal::start(command);
            let before = terminal.noticed();
            assert_eq!(terminal.wait().code(), Some(status));
            terminal.expect("glassbox: ");
            assert_eq!(terminal.noticed(), before);
        }
    }
}

#[test]
fn a_busy_guest_can_be_left() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &["--cpus", "2"]);
        terminal.type_in(b"echo go; while true; do :; done\r");
        terminal.expect("\ngo\n");
        terminal.type_in(LEAVE);
        assert_eq!(terminal.wait().code(), Some(0));
    }
}

// The one test here that looks at the wall clock, for its subject is the wall clock.
#[test]
fn a_second_feels_like_a_second() {
    for arch in arches() {
        let mut terminal = Terminal::prompt(arch, &[]);
        let start = Instant::now();
        terminal.type_in(b"sleep 1; echo woke\r");
        terminal.expect("\nwoke\n$ ");
        let took = start.elapsed();
        assert!(
            (Duration::from_millis(800)..Duration::from_secs(5)).contains(&took),
            "{took:?}"
        );
        terminal.type_in(LEAVE);
        terminal.wait();
        // An hour, unless the pace is fast.
        let mut terminal = Terminal::prompt(arch, &["--pace", "fast"]);
        terminal.type_in(b"sleep 3600; echo woke\r");
        terminal.expect("\nwoke\n$ ");
        terminal.type_in(LEAVE);
        terminal.wait();
    }
}

#[test]
fn input_from_a_pipe_is_typed_and_repeats_exactly() {
    for arch in arches() {
        let script =
        b"echo one\nread name\nSilica\necho \"hello $name\"; sleep 2\nls / | wc -l\npoweroff 5\n";
        let first = glassbox(&on(arch, &["boot", "--hash", "--cpus", "2"]), script);
        assert_eq!(first.status, 5, "{}", first.stderr);
        let text = first.text();
        assert!(
            text.contains("\r\none\r\n$ ") && text.contains("\r\nhello Silica\r\n"),
            "{text}"
        );
        for _ in 0..3 {
            let again = glassbox(&on(arch, &["boot", "--hash", "--cpus", "2"]), script);
            assert_eq!(
                (again.stderr, again.stdout),
                (first.stderr.clone(), first.stdout.clone())
            );
        }
    }
}

#[test]
fn a_pipe_that_ends_leaves_a_guest_that_waits_for_nothing() {
    for arch in arches() {
        let ran = glassbox(&on(arch, &["boot"]), b"echo last words\n");
        assert!(
            ran.text().contains("\r\nlast words\r\n$ "),
            "{}",
            ran.text()
        );
        assert_eq!(ran.status, 122, "{}", ran.stderr);
    }
}

#[test]
fn the_serial_line_is_a_foreign_kernels_too() {
    use iced_x86::code_asm::*;
    // Echoes what is typed, one greater, until a full stop.
    let kernel = kernel::elf(|a| {
        let mut again = a.create_label();
        a.set_label(&mut again)?;
        a.mov(edx, 0x3fd)?;
        a.in_(al, dx)?;
        a.test(al, 1)?;
        a.jz(again)?;
        a.mov(edx, 0x3f8)?;
        a.in_(al, dx)?;
        a.inc(al)?;
        a.out(dx, al)?;
        a.cmp(al, i32::from(b'/'))?;
        a.jne(again)?;
        kernel::exit(a, 3)
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("echo.elf");
    std::fs::write(&path, kernel).unwrap();
    let mut command = command();
    command.args(["boot", "--kernel", path.to_str().unwrap()]);
    let mut terminal = Terminal::start(command);
    terminal.type_in(b"HAL");
    terminal.expect("IBM");
    terminal.type_in(b".");
    assert_eq!(terminal.wait().code(), Some(7));
}
