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
    ] {
        let mut machine = machine(&build("exit", &[(how, word)]), 1);
        let limits = Limits {
            instructions: 1000,
            ..Limits::default()
        };
        assert_eq!(
            machine.run(&limits, &mut Silent),
            outcome,
            "{how} {word:#x}"
        );
    }
}

#[test]
fn numbers_that_are_no_register_are_illegal() {
    passes_here("numbers", 1);
}

#[test]
fn a_kernel_is_answered_as_by_opensbi() {
    passes_over_firmware("sbi", 2);
}
