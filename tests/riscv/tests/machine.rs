//! Privileged programs, each of which judges itself, here and on QEMU.

use base::Silent;
use machine::{Limits, Outcome};
use riscv::program::{build, machine, passes, passes_here, passes_over_firmware};

#[test]
fn registers_exist_for_whom_they_should_and_take_the_values_they_should() {
    passes("csr", 1);
}

#[test]
fn exceptions_have_their_cause_their_value_and_their_handler() {
    passes("traps", 1);
}

#[test]
fn addresses_are_translated_and_refused_as_their_entries_say() {
    passes("paging", 1);
}

#[test]
fn physical_memory_is_protected_as_its_entries_say() {
    passes("pmp", 1);
}

#[test]
fn interrupts_come_in_their_order_to_whom_they_are_for() {
    passes("interrupts", 1);
}

#[test]
fn harts_lose_nothing_between_them() {
    passes("harts", 2);
}

#[test]
fn what_qemu_does_not_have_is_as_it_is_defined() {
    passes_here("unjudged", 1);
}

#[test]
fn a_program_ends_by_the_finisher_or_by_tohost_and_says_how() {
    for (how, word, outcome) in [
        ("FINISH", 0x5555, Outcome::PowerOff),
        ("FINISH", 0x2a_3333, Outcome::Exit(0x2a)),
        ("FINISH", 0x7777, Outcome::Reset),
        ("TOHOST", 1, Outcome::PowerOff),
        ("TOHOST", 7 << 1 | 1, Outcome::TestFailed { test: 7 }),
        ("TOHOST", -1_i64 as u64, Outcome::TestFailed { test: -1 }),
    ] {
        assert_eq!(ends("exit", &[(how, word)]).0, outcome, "{how} {word:#x}");
    }
    let halves = [("TOHOST", 3), ("HALVES", 1)];
    assert_eq!(ends("exit", &halves).0, Outcome::TestFailed { test: 1 });
}

#[test]
fn a_program_prints_through_tohost_by_characters_and_by_calls() {
    let printed = format!(
        "character by character\nline\nline\nline\n{}",
        ".".repeat(4091)
    );
    for (status, outcome) in [
        (0, Outcome::PowerOff),
        (42, Outcome::TestFailed { test: 42 }),
    ] {
        let (ended, said) = ends("htif", &[("STATUS", status)]);
        assert_eq!(ended, outcome, "{said}");
        assert_eq!(said, printed);
    }
}

/// How a program ends that has these symbols, and what it printed.
fn ends(name: &str, symbols: &[(&str, u64)]) -> (Outcome, String) {
    let mut machine = machine(&build(name, symbols), 1);
    let limits = Limits {
        instructions: 10_000,
        ..Limits::default()
    };
    let outcome = machine.run(&limits, &mut Silent);
    let said = machine.board.chips.peripherals.take_output().serial;
    (outcome, String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn numbers_that_are_no_register_are_illegal() {
    passes_here("numbers", 1);
}

#[test]
fn a_kernel_is_answered_as_by_opensbi() {
    passes_over_firmware("sbi", 2);
}
