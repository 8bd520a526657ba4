//! Kernels that are not Silica, on RISC-V's board: how they wait for keys, and what comes of them when there are no more.
//!
//! Each echoes what is typed, one greater, until a full stop ends it.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tests::glassbox::{Ran, command, glassbox};
use tests::pty::Terminal;

/// Leaves it to an interrupt, while a timer ticks every 10 ms.
const TICKING: [u32; 48] = [
    0xf140_22f3, // csrr t0, mhartid
    0x0402_9863, // bnez t0, park
    0x0000_0297, // lla t0, handler
    0x0502_8293,
    0x3052_9073, // csrw mtvec, t0
    0x1000_0437, // lui s0, 0x10000: the serial port
    0x0010_0293, // li t0, 1
    0x0054_00a3, // sb t0, 1(s0): a character interrupts
    0x0c00_04b7, // lui s1, 0xc000: the PLIC
    0x0254_a423, // sw t0, 40(s1): priority of source 10
    0x0c00_2337, // lui t1, 0xc002
    0x4000_0393, // li t2, 1024
    0x0073_2023, // sw t2, 0(t1): it is enabled
    0x0200_4337, // lui t1, 0x2004: mtimecmp
    0x0003_3023, // sd zero, 0(t1): the first tick comes at once
    0x0000_12b7, // li t0, 0x880
    0x8802_829b,
    0x3042_9073, // csrw mie, t0: external and timer
    0x3004_6073, // csrsi mstatus, 8
    0x1050_0073, // wfi
    0xffdf_f06f, // j -4
    0x0000_006f, // park: j .
    0x3420_22f3, // handler: csrr t0, mcause
    0x0042_f293, // andi t0, t0, 4
    0x0202_8063, // beqz t0, external
    0x0200_c337, // lui t1, 0x200c
    0xff83_3383, // ld t2, -8(t1): mtime
    0x0001_8e37, // lui t3, 24
    0x01c3_83b3, // add t2, t2, t3
    0x0200_4337, // lui t1, 0x2004
    0x0073_3023, // sd t2, 0(t1): mtimecmp, about 10 ms later
    0x3020_0073, // mret
    0x0c20_0337, // external: lui t1, 0xc200
    0x0043_2383, // lw t2, 4(t1): claim
    0x02f0_0e93, // li t4, '/'
    0x0054_4e03, // next: lbu t3, 5(s0)
    0x001e_7e13, // andi t3, t3, 1
    0x020e_0263, // beqz t3, done
    0x0004_4e03, // lbu t3, 0(s0)
    0x001e_0e13, // addi t3, t3, 1
    0x01c4_0023, // sb t3, 0(s0)
    0xffde_14e3, // bne t3, t4, next
    0x0010_02b7, // lui t0, 0x100
    0x0000_5337, // lui t1, 5
    0x5553_0313, // addi t1, t1, 0x555
    0x0062_a023, // sw t1, 0(t0): the power goes off
    0x0073_2223, // done: sw t2, 4(t1): complete
    0x3020_0073, // mret
];
/// Where that one waits.
const WAITS: usize = 19;
const NOP: u32 = 0x13;

/// Looks for it all the time, and never lets an interrupt in.
const POLLING: [u32; 13] = [
    0x1000_0437, // lui s0, 0x10000
    0x02f0_0e93, // li t4, '/'
    0x0054_4e03, // next: lbu t3, 5(s0)
    0x001e_7e13, // andi t3, t3, 1
    0xfe0e_0ce3, // beqz t3, next
    0x0004_4e03, // lbu t3, 0(s0)
    0x001e_0e13, // addi t3, t3, 1
    0x01c4_0023, // sb t3, 0(s0)
    0xffde_14e3, // bne t3, t4, next
    0x0010_02b7, // lui t0, 0x100
    0x0000_5337, // lui t1, 5
    0x5553_0313, // addi t1, t1, 0x555
    0x0062_a023, // sw t1, 0(t0): the power goes off
];

/// How long a user thinks, on the wall clock. A slow host is not asked as much of, but is asked nothing wrong.
const THOUGHT: Duration = Duration::from_secs(3);

/// The three ways to wait: halted, in circles, and looking.
fn kernels() -> [(&'static str, Vec<u32>); 3] {
    let mut circling = TICKING;
    circling[WAITS] = NOP;
    [
        ("ticking", TICKING.to_vec()),
        ("circling", circling.to_vec()),
        ("polling", POLLING.to_vec()),
    ]
}

/// The kernel as a file.
fn file(words: &[u32]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kernel.bin");
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    std::fs::write(&path, bytes).expect("the kernel is written");
    (folder, path)
}

/// A jump from the word numbered `from` to the one numbered `to`: JAL's offset is scrambled (unprivileged spec, 2.5.1).
fn jump(from: usize, to: usize) -> u32 {
    let offset = ((to as i32 - from as i32) * 4) as u32;
    let bits = |low: u32, count: u32| offset >> low & ((1 << count) - 1);
    bits(20, 1) << 31 | bits(1, 10) << 21 | bits(11, 1) << 20 | bits(12, 8) << 12 | 0x6f
}

fn boot(words: &[u32], options: &[&str], input: &[u8]) -> Ran {
    let (_folder, path) = file(words);
    let mut arguments = vec!["boot", "--arch", "riscv64", "--kernel"];
    arguments.push(path.to_str().expect("a plain name"));
    arguments.extend(options);
    glassbox(&arguments, input)
}

#[test]
fn lines_from_a_pipe_reach_a_kernel_however_it_waits() {
    for (name, kernel) in kernels() {
        // More than the serial port holds, in two lines, the second without an end.
        let ran = boot(&kernel, &["--hash"], b"HAL, HAL, HAL, HAL, HAL\nHAL.");
        assert_eq!(ran.status, 0, "{name}: {}", ran.stderr);
        assert_eq!(ran.text(), "IBM-!IBM-!IBM-!IBM-!IBM\u{b}IBM/", "{name}");
        let again = boot(&kernel, &["--hash"], b"HAL, HAL, HAL, HAL, HAL\nHAL.");
        assert_eq!(again.stderr, ran.stderr, "{name}");
    }
}

#[test]
fn lines_written_at_once_are_all_handed_in_though_the_pipe_stays_open() {
    let (_folder, path) = file(&TICKING);
    let mut child = command()
        .args(["boot", "--arch", "riscv64"])
        // The ticks of a kernel that waits in vain use this up.
        .args(["--max-instructions", "50000", "--kernel"])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the emulator starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(b"HAL\nHAL.\n").expect("it takes lines");
    // The pipe stays open until the end.
    let status = child.wait().expect("it is a child");
    drop(pipe);
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_script_leaves_with_ctrl_a_x_when_the_kernel_rests() {
    for (name, kernel) in kernels() {
        let ran = boot(&kernel, &[], b"HAL\x01\x01\x01x.");
        assert_eq!(ran.status, 0, "{name}: {}", ran.stderr);
        assert_eq!(ran.text(), "IBM\x02", "{name}");
        assert_eq!(ran.stderr, "", "{name}");
    }
}

#[test]
fn a_kernel_that_sets_itself_up_for_long_is_typed_to_when_it_has_shown_its_prompt() {
    // Two loops: before interrupts come on, 0.8 s long, and before the prompt, 0.1 s.
    let count = |instructions: u32| [0x0000_02b7 | (instructions / 2) & 0xffff_f000, 0xfff2_829b];
    let turn = [0xfff2_8293, 0xfe02_9ee3]; // addi t0, t0, -1; bnez t0, -4
    let prompt = [0x03e0_0e13, 0x01c4_0023]; // li t3, '>'; sb t3, 0(s0)
    let mut kernel = TICKING.to_vec();
    let late = [&count(10_000_000)[..], &turn, &prompt].concat();
    let early = [&count(80_000_000)[..], &turn].concat();
    // Behind all that there is, so that the code before stays where it is.
    let on = WAITS - 1;
    let interrupts_on = kernel[on];
    let detour = kernel.len();
    kernel[on] = jump(on, detour);
    kernel.extend(early);
    kernel.push(interrupts_on);
    kernel.extend(late);
    kernel.push(jump(kernel.len(), WAITS));
    let ran = boot(&kernel, &[], b"HAL.\n");
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(ran.text(), ">IBM/");
}

#[test]
fn when_there_is_no_more_input_a_kernel_that_waits_for_it_hangs() {
    let whys = [
        "it waits for input, and there is no more",
        "no user instruction and no disk request completes",
        "it waits for input, and there is no more",
    ];
    for ((name, kernel), why) in kernels().into_iter().zip(whys) {
        let ran = boot(&kernel, &["--hang-after", "1"], b"HAL\n");
        assert_eq!(ran.status, 122, "{name}: {}", ran.stderr);
        assert_eq!(ran.text(), "IBM\u{b}", "{name}");
        let headline = format!("glassbox: guest hangs: {why}\n");
        assert!(ran.stderr.starts_with(&headline), "{name}: {}", ran.stderr);
    }
}

#[test]
fn on_a_terminal_a_kernel_waits_as_long_as_the_user_thinks() {
    for (_, kernel) in kernels() {
        let (_folder, path) = file(&kernel);
        let mut command = command();
        command.args(["boot", "--arch", "riscv64", "--hang-after", "1", "--kernel"]);
        let mut terminal = Terminal::start({
            command.arg(path);
            command
        });
        terminal.type_in(b"HAL");
        terminal.expect("IBM");
        std::thread::sleep(THOUGHT);
        terminal.type_in(b"HAL");
        terminal.expect("IBM");
        terminal.type_in(b"\x01x");
        assert_eq!(terminal.wait().code(), Some(0));
    }
}
