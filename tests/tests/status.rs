//! Every exit status, and what is said on standard error with those that are not the guest's own.

use iced_x86::code_asm::*;
use tests::glassbox::{arches, glassbox, on, run};
use tests::kernel::{Built, boot, elf, exit, gate, long_mode, put};
use tests::riscv;

/// A diagnosis as it is compared: without what a change of the kernel or of the clock's rate would change.
fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for c in text.chars().chain(Some('\0')) {
        if c.is_ascii_hexdigit() && (!digits.is_empty() || c.is_ascii_digit())
            || (digits == "0" && c == 'x')
        {
            digits.push(c);
            continue;
        }
        // Short numbers are kept: they name CPUs, modes and processes.
        out.push_str(if digits.len() > 2 { "N" } else { &digits });
        digits.clear();
        out.push(c);
    }
    out.pop();
    out
}

/// A kernel that stays where it is, after `before`.
fn stuck(before: impl FnOnce(&mut CodeAssembler) -> Built) -> Vec<u8> {
    elf(|a| {
        before(a)?;
        let mut here = a.create_label();
        a.set_label(&mut here)?;
        a.jmp(here)
    })
}

#[test]
fn wrong_usage_is_2() {
    for arguments in [
        &[][..],
        &["frob"],
        &["run"],
        &["run", "--frob", "--", "true"],
        &["boot", "stray"],
    ] {
        let ran = glassbox(arguments, b"");
        assert_eq!((ran.status, ran.text().as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.contains("Usage: glassbox"), "{}", ran.stderr);
    }
}

#[test]
fn a_foreign_kernels_word_is_shown_as_qemu_does() {
    for word in [0, 1, 0x10, 0x7f, 0x80, 0x100] {
        let ran = boot(&elf(|a| exit(a, word)), &[]);
        assert_eq!(
            (ran.status, ran.stderr.as_str()),
            (i32::from((word << 1 | 1) as u8), ""),
            "{word:#x}"
        );
    }
}

#[test]
fn what_a_kernel_tells_the_test_finisher_is_its_status() {
    // As QEMU does; a failure is told in words, too.
    for (code, status) in [(1, 1), (42, 42), (121, 121), (122, 121), (0xffff, 121)] {
        let kernel = riscv::elf(&format!("finish {code} << 16 | 0x3333"));
        let ran = riscv::boot(&kernel, &[]);
        let headline = format!("glassbox: the guest says that it failed: {code}\n");
        assert_eq!(ran.status, status, "{}", ran.stderr);
        assert!(ran.stderr.starts_with(&headline), "{}", ran.stderr);
    }
    for word in ["0x5555", "0x7777"] {
        let ran = riscv::boot(&riscv::elf(&format!("put \"bye\\n\"\n finish {word}")), &[]);
        let told = (ran.status, ran.text(), ran.stderr);
        assert_eq!(told, (0, "bye\n".into(), String::new()));
    }
}

#[test]
fn switching_the_power_off_is_0() {
    let kernel = elf(|a| {
        a.mov(edx, 0x604)?;
        a.mov(eax, 0x2000)?;
        a.out(dx, ax)
    });
    assert_eq!(boot(&kernel, &[]).status, 0);
}

#[test]
fn all_cpus_halted_is_a_hang() {
    for enable in [false, true] {
        let kernel = stuck(|a| {
            if enable {
                a.sti()?;
            } else {
                a.cli()?;
            }
            a.hlt()
        });
        let ran = boot(&kernel, &["--cpus", "2"]);
        assert_eq!(ran.status, 122, "{}", ran.stderr);
        let switch = if enable { "on" } else { "off" };
        let expected = format!(
            "glassbox: guest hangs: all CPUs are halted and nothing can wake them\n\
             glassbox: at 0.N s, after 2 instructions\n\
             CPU 0: halted, 32-bit kernel mode, interrupts {switch}\n  process: none known\n  pc N\n\
             CPU 1: not started, 16-bit kernel mode, interrupts off\n"
        );
        assert_eq!(masked(&ran.stderr), expected);
    }
}

#[test]
fn all_harts_halted_is_a_hang() {
    // What ends WFI is in mie alone.
    for (enabled, switch) in [("0", "off"), ("-1", "on")] {
        let kernel = riscv::elf(&format!("li t0, {enabled}\n csrw mie, t0\n wfi\n j ."));
        let ran = riscv::boot(&kernel, &["--cpus", "2"]);
        assert_eq!(ran.status, 122, "{}", ran.stderr);
        let expected = format!(
            "glassbox: guest hangs: all CPUs are halted and nothing can wake them\n\
             glassbox: at 0.N s, after 6 instructions\n\
             CPU 0: halted, machine mode, interrupts {switch}\n  process: none known\n  pc N _start+N\n\
             CPU 1: halted, machine mode, interrupts {switch}\n  process: none known\n  pc N _start+N\n"
        );
        assert_eq!(masked(&ran.stderr), expected);
    }
}

#[test]
fn interrupts_off_for_too_long_is_a_hang() {
    for ran in [
        boot(&stuck(|a| a.cli()), &["--hang-after", "1"]),
        // Whoever never had them on waits for its turn, or polls.
        riscv::boot(
            &riscv::elf("li t0, -1\n csrw mie, t0\n csrsi mstatus, 8\n csrci mstatus, 8\n j ."),
            &["--hang-after", "1"],
        ),
    ] {
        assert_eq!(ran.status, 122, "{}", ran.stderr);
        assert!(
            ran.stderr
                .starts_with("glassbox: guest hangs: CPU 0 keeps interrupts off\n"),
            "{}",
            ran.stderr
        );
        let is_place = ["pc 0x0000000000100001", "pc 0x000000008000000e"]
            .iter()
            .any(|place| ran.stderr.contains(place));
        assert!(is_place, "{}", ran.stderr);
    }
}

#[test]
fn no_progress_with_interrupts_on_is_a_hang() {
    for ran in [
        boot(&stuck(|a| a.sti()), &["--hang-after", "1"]),
        riscv::boot(
            &riscv::elf("li t0, -1\n csrw mie, t0\n csrsi mstatus, 8\n j ."),
            &["--hang-after", "1"],
        ),
    ] {
        assert_eq!(ran.status, 122, "{}", ran.stderr);
        let headline = "glassbox: guest hangs: no user instruction and no disk request completes\n";
        assert!(ran.stderr.starts_with(headline), "{}", ran.stderr);
    }
}

#[test]
fn traps_without_an_instruction_between_are_a_hang() {
    let kernel = long_mode(|a| {
        let mut handler = a.create_label();
        gate(a, 6, handler)?;
        // With all of memory as its stack the handler, which faults at once, would go on for long.
        a.mov(rsp, 0x700_0000u64)?;
        a.set_label(&mut handler)?;
        a.ud2()
    });
    for ran in [
        boot(&kernel, &[]),
        // What is illegal has no handler, and where the handler should be is no memory.
        riscv::boot(&riscv::elf("unimp"), &[]),
        riscv::boot(
            &riscv::elf("la t0, handler\n csrw mtvec, t0\n .balign 4\n handler: unimp"),
            &[],
        ),
    ] {
        assert_eq!(ran.status, 122, "{}", ran.stderr);
        let headline =
            "glassbox: guest hangs: CPU 0 takes traps without completing an instruction\n";
        assert!(ran.stderr.starts_with(headline), "{}", ran.stderr);
    }
}

#[test]
fn a_guest_that_works_on_does_not_hang() {
    for arch in arches() {
        let ran = glassbox(
            &on(
                arch,
                &["run", "--hang-after", "1", "--", "sleep 100; echo woke"],
            ),
            b"",
        );
        ran.prints("woke\n");
    }
}

#[test]
fn a_guest_program_that_waits_for_ever_is_a_hang() {
    for arch in arches() {
        let ran = run(arch, "sleep 5 & cat /dev/console");
        assert_eq!(ran.status, 122, "{}", ran.stderr);
        assert!(
            ran.stderr
                .starts_with("glassbox: guest hangs: all CPUs are halted"),
            "{}",
            ran.stderr
        );
        let place = ran
            .stderr
            .lines()
            .find(|l| l.trim_start().starts_with("pc "))
            .unwrap();
        assert!(
            place.contains("+0x") && place.contains(".rs:"),
            "symbol and line: {place}"
        );
    }
}

#[test]
fn a_spent_budget_is_123_and_shows_where_each_cpu_stands() {
    for arch in arches() {
        let line = "while true; do :; done";
        let ran = glassbox(
            &on(
                arch,
                &[
                    "run",
                    "--cpus",
                    "2",
                    "--max-instructions",
                    "20M",
                    "--",
                    line,
                ],
            ),
            b"",
        );
        assert_eq!(
            (ran.status, ran.text().as_str()),
            (123, ""),
            "{}",
            ran.stderr
        );
        let lines: Vec<&str> = ran.stderr.lines().collect();
        assert_eq!(lines[0], "glassbox: instruction budget spent");
        assert!(
            lines[1].ends_with("after 20000000 instructions"),
            "{}",
            lines[1]
        );
        for cpu in 0..2 {
            let at = lines
                .iter()
                .position(|l| l.starts_with(&format!("CPU {cpu}: ")))
                .unwrap();
            let modes = match arch {
                "x86_64" => ["64-bit kernel mode", "64-bit user mode"],
                _ => ["supervisor mode", "user mode"],
            };
            let is_mode = modes.iter().any(|mode| lines[at].contains(mode));
            assert!(is_mode, "{}", lines[at]);
            assert!(
                lines[at + 1].starts_with("  process: "),
                "{}",
                lines[at + 1]
            );
            assert!(lines[at + 2].starts_with("  pc 0x"), "{}", lines[at + 2]);
        }
        assert!(
            ran.stderr.contains("(sh)"),
            "the shell runs somewhere: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_budget_stops_on_the_exact_instruction() {
    for arch in arches() {
        for budget in ["1", "100", "99999", "100001", "2345678"] {
            let ran = glassbox(
                &on(
                    arch,
                    &[
                        "run",
                        "--max-instructions",
                        budget,
                        "--",
                        "while true; do :; done",
                    ],
                ),
                b"",
            );
            assert!(
                ran.stderr
                    .contains(&format!("after {budget} instructions\n")),
                "{}",
                ran.stderr
            );
        }
    }
}

#[test]
fn a_kernel_panic_is_124_with_the_way_there() {
    for arch in arches() {
        let ran = glassbox(
            &on(arch, &["run", "--append", "init=/nowhere", "--", "true"]),
            b"",
        );
        assert_eq!(ran.status, 124, "{}", ran.stderr);
        let (head, cpu) = ran.stderr.split_once("CPU 0: ").unwrap();
        assert_eq!(
            masked(head),
            "glassbox: guest kernel panic\nglassbox: at 0.N s, after N instructions\n"
        );
        let lines: Vec<&str> = cpu.lines().collect();
        let mode = match arch {
            "x86_64" => "64-bit kernel",
            _ => "supervisor",
        };
        assert_eq!(lines[0], format!("running, {mode} mode, interrupts off"));
        assert_eq!(lines[1], "  process: 1 (init)");
        assert!(
            lines[2].contains("+0x") && lines[2].contains(".rs"),
            "symbol and file: {}",
            lines[2]
        );
        let frames = &lines[3..];
        assert!(frames.len() >= 2, "a backtrace: {cpu}");
        assert!(
            frames
                .iter()
                .any(|f| f.contains("rust_begin_unwind") && f.contains("panic.rs:")),
            "{cpu}"
        );
        assert!(
            frames
                .iter()
                .any(|f| f.contains("proc::init") && f.contains("init.rs:")),
            "{cpu}"
        );
    }
}

#[test]
fn the_kernels_own_words_on_a_panic_are_shown_on_request() {
    for arch in arches() {
        let ran = glassbox(
            &on(
                arch,
                &["run", "-v", "--append", "init=/nowhere", "--", "true"],
            ),
            b"",
        );
        assert_eq!(ran.status, 124, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("kernel panic: cannot run /nowhere: "),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_triple_fault_is_124() {
    let ran = boot(&long_mode(|a| a.ud2()), &[]);
    assert_eq!(ran.status, 124, "{}", ran.stderr);
    let (head, cpu) = ran.stderr.split_once("CPU 0: ").unwrap();
    assert_eq!(
        masked(head),
        "glassbox: triple fault on CPU 0\nglassbox: at 0.N s, after 27 instructions\n"
    );
    assert!(
        cpu.starts_with("shut down, 64-bit kernel mode, interrupts off\n"),
        "{cpu}"
    );
    assert!(cpu.contains("  pc 0x000000000010101c"), "{cpu}");
}

#[test]
fn what_the_emulator_lacks_is_125_with_place_and_bytes() {
    let kernel = elf(|a| {
        put(a, "x")?;
        a.mov(eax, 0x20)?; // PAE: three levels of page tables, which no kernel of ours uses
        a.mov(cr4, eax)?;
        a.mov(eax, 0x8000_0011u32)?;
        a.mov(cr0, eax)?;
        a.hlt()
    });
    let ran = boot(&kernel, &[]);
    assert_eq!(
        (ran.status, ran.text().as_str()),
        (125, "x"),
        "{}",
        ran.stderr
    );
    let line = ran.stderr.lines().next().unwrap();
    assert!(
        line.starts_with("glassbox: the emulator lacks something, on CPU 0: not implemented: PAE"),
        "{line}"
    );
    assert!(line.contains("at 0x100015 (bytes 0f 22 c0 f4 "), "{line}");
}

#[test]
fn an_instruction_that_cpuid_does_not_promise_is_the_guests_fault() {
    let kernel = long_mode(|a| a.db(&[0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc0])); // VADDPS ZMM0, ZMM0, ZMM0
    assert_eq!(boot(&kernel, &[]).status, 124);
}

#[test]
fn the_report_tells_the_guests_statuses_from_ours() {
    for arch in arches() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let file = path.to_str().unwrap();
        let outcome = |arguments: &[&str], line: &str| {
            glassbox(
                &on(
                    arch,
                    &[&["run", "--report", file], arguments, &["--", line]].concat(),
                ),
                b"",
            );
            let report: serde_json::Value =
                serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            format!(
                "{} {}",
                report["outcome"].as_str().unwrap(),
                report["status"]
            )
        };
        assert_eq!(outcome(&[], "exit 122"), "exit 122");
        assert_eq!(outcome(&[], "exit 2"), "exit 2");
        assert_eq!(outcome(&[], "kill -11 $$"), "signal 139");
        assert_eq!(
            outcome(&["--max-instructions", "100k"], "exit 122"),
            "budget 123"
        );
        assert_eq!(outcome(&["--append", "init=/nowhere"], "true"), "panic 124");
        assert_eq!(outcome(&[], "cat /dev/console"), "hang 122");
    }
}
