//! A kernel that changes its own code, takes interrupts and wakes another CPU, forked at any instruction.

use super::*;
use crate::pc::Pc;
use crate::run::tests::{at_most, busy, unstopped};
use crate::{Limits, Outcome};
use base::{Rng, Seeded, Silent};

fn run_to(machine: &mut Machine<Pc, Seeded>, instructions: u64) -> Outcome {
    machine.run(&at_most(instructions), &mut Silent)
}

#[test]
fn a_restored_machine_goes_on_as_the_one_it_was_taken_of() {
    for cpus in [1, 2] {
        let (word, end, hash) = unstopped(cpus);
        let mut rng = Rng::new(cpus as u64);
        let mut original = busy(cpus);
        let mut used = busy(cpus);
        for n in (1..end).step_by(17) {
            run_to(&mut original, n);
            let snapshot = original.snapshot();
            let here = original.hash();
            for machine in [&mut used, &mut busy(cpus)] {
                assert_eq!(machine.restore(&snapshot).map(drop), Ok(()));
                assert_eq!(machine.hash(), here, "{cpus} CPUs, instruction {n}");
                assert_eq!(machine.retired(), snapshot.retired());
                // Sometimes it is left before its end, sometimes it is hashed on its way.
                let to = n + rng.below(end - n);
                assert_eq!(run_to(machine, to.max(n)), Outcome::Budget);
                if rng.below(2) == 0 {
                    machine.hash();
                }
                if rng.below(2) == 0 {
                    assert_eq!(run_to(machine, end), Outcome::Exit(word));
                    assert_eq!(machine.hash(), hash, "{cpus} CPUs, from instruction {n}");
                }
            }
        }
        assert_eq!(run_to(&mut original, end), Outcome::Exit(word));
        assert_eq!(original.hash(), hash, "snapshots leave no trace");
    }
}

#[test]
fn going_back_a_hundred_times_costs_what_was_written_and_lifts_nothing_twice() {
    #[rustfmt::skip]
    const COUNTS: &[u8] = &[
        0xb9, 0xe8, 0x03, 0x00, 0x00,       // mov ecx, 1000
        0xff, 0x05, 0x00, 0x00, 0x20, 0x00, // inc dword [200000]
        0x49, 0x75, 0xf7,                   // dec ecx; jnz: to the inc
        0xa1, 0x00, 0x00, 0x20, 0x00,       // mov eax, [200000]
        0xe7, 0xf4,                         // out f4, eax
    ];
    let mut machine = crate::testing::machine(COUNTS, 1);
    run_to(&mut machine, 60);
    let snapshot = machine.snapshot();
    let mut lifted = None;
    for _ in 0..100 {
        assert_eq!(run_to(&mut machine, 100_000), Outcome::Exit(1000));
        assert_eq!(machine.restore(&snapshot), Ok(1));
        let now = machine.board.lifted();
        assert_eq!(*lifted.get_or_insert(now), now);
    }
}

#[test]
fn a_guest_that_hangs_is_found_out_at_the_same_instant_in_another_machine() {
    #[rustfmt::skip]
    const STUCK: &[u8] = &[
        0xfb, 0xb9, 0x20, 0xa1, 0x07, 0x00, // sti; mov ecx, 500000
        0x49, 0x75, 0xfd,                   // dec ecx; jnz: to the dec
        0xfa, 0xeb, 0xfe,                   // cli; jmp here
    ];
    let limits = Limits {
        hang_after: Time::millis(10),
        ..Limits::default()
    };
    let mut original = crate::testing::machine(STUCK, 1);
    run_to(&mut original, 1_500_000);
    let snapshot = original.snapshot();
    let outcome = original.run(&limits, &mut Silent);
    assert!(matches!(outcome, Outcome::Hang(_)));
    let mut other = crate::testing::machine(STUCK, 1);
    other.restore(&snapshot).unwrap();
    assert_eq!(other.run(&limits, &mut Silent), outcome);
    assert_eq!(other.now(), original.now());
}

#[test]
fn figures_and_untaken_output_go_with_the_state() {
    let figures = |machine: &Machine<Pc, Seeded>| {
        let hart = &machine.board.harts[0];
        let traps: u64 = hart.host.counters.traps.iter().sum();
        (hart.host.counters.instructions, traps, hart.tlb.counts)
    };
    let (_, end, _) = unstopped(1);
    let mut original = busy(1);
    run_to(&mut original, end - 20);
    let output = original.board.chips.peripherals.output().serial.clone();
    let (snapshot, expected) = (original.snapshot(), figures(&original));
    assert!(!output.is_empty() && expected.1 > 0);
    run_to(&mut original, end);
    for machine in [&mut original, &mut busy(1)] {
        machine.restore(&snapshot).unwrap();
        assert_eq!(figures(machine), expected);
        assert_eq!(machine.board.chips.peripherals.output().serial, output);
        assert_eq!(machine.idle_time(), snapshot.idle);
    }
}

#[test]
fn another_kind_of_machine_is_refused() {
    let snapshot = busy(1).snapshot();
    assert!(matches!(
        busy(2).restore(&snapshot),
        Err(RestoreError::State(_))
    ));
    let error = RestoreError::Memory(4 << 20);
    assert!(error.to_string().ends_with("it has 4 MiB of memory"));
}
