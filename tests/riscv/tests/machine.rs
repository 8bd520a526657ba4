//! Privileged programs, each of which judges itself, here and on QEMU.

use riscv::program::passes;

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
