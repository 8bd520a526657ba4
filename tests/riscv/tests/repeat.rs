//! RISC-V machines stopped, forked and brought back: nothing of it shows.

use base::{Seeded, Silent};
use machine::virt::Virt;
use machine::{Limits, Machine, Outcome};
use riscv::program::{build, machine};

/// The programs, with their harts: one that is interrupted, one whose harts reserve and wait for each other.
const PROGRAMS: [(&str, usize); 2] = [("interrupts", 1), ("harts", 2)];

fn run_to(machine: &mut Machine<Virt, Seeded>, instructions: u64) -> Outcome {
    let limits = Limits {
        instructions,
        ..Limits::default()
    };
    machine.run(&limits, &mut Silent)
}

#[test]
fn a_machine_that_is_stopped_at_every_instruction_is_the_one_that_never_stops() {
    for (name, harts) in PROGRAMS {
        let elf = build(name, &[]);
        let mut straight = machine(&elf, harts);
        assert_eq!(run_to(&mut straight, u64::MAX), Outcome::PowerOff);
        let mut stopped = machine(&elf, harts);
        for n in 1..straight.retired() {
            assert_eq!(run_to(&mut stopped, n), Outcome::Budget, "{name}, {n}");
        }
        assert_eq!(run_to(&mut stopped, u64::MAX), Outcome::PowerOff, "{name}");
        assert_eq!(stopped.retired(), straight.retired(), "{name}");
        assert_eq!(stopped.hash(), straight.hash(), "{name}");
    }
}

#[test]
fn a_restored_machine_goes_on_as_the_one_it_was_taken_of() {
    for (name, harts) in PROGRAMS {
        let elf = build(name, &[]);
        let mut straight = machine(&elf, harts);
        assert_eq!(run_to(&mut straight, u64::MAX), Outcome::PowerOff);
        let (end, hash) = (straight.retired(), straight.hash());
        let (mut original, mut used) = (machine(&elf, harts), machine(&elf, harts));
        for n in (1..end).step_by(end as usize / 60 + 1) {
            run_to(&mut original, n);
            let snapshot = original.snapshot();
            let here = original.hash();
            for machine in [&mut used, &mut machine(&elf, harts)] {
                machine
                    .restore(&snapshot)
                    .expect("it is the same kind of machine");
                assert_eq!(machine.hash(), here, "{name}, instruction {n}");
                assert_eq!(
                    run_to(machine, u64::MAX),
                    Outcome::PowerOff,
                    "{name}, from {n}"
                );
                assert_eq!(machine.retired(), end, "{name}, from {n}");
                assert_eq!(machine.hash(), hash, "{name}, from {n}");
            }
        }
    }
}

#[test]
fn a_machine_restored_while_it_waits_is_woken_in_time() {
    let elf = build("interrupts", &[]);
    let mut straight = machine(&elf, 1);
    assert_eq!(run_to(&mut straight, u64::MAX), Outcome::PowerOff);
    let (mut original, mut used) = (machine(&elf, 1), machine(&elf, 1));
    let limits = Limits {
        report_idle: true,
        ..Limits::default()
    };
    let mut waits = 0;
    // Where the used machine has got to, its timer has gone off.
    run_to(&mut used, straight.retired() - 10);
    while let Outcome::Idle { next: Some(time) } = original.run(&limits, &mut Silent) {
        waits += 1;
        let snapshot = original.snapshot();
        used.restore(&snapshot)
            .expect("it is the same kind of machine");
        assert_eq!(run_to(&mut used, u64::MAX), Outcome::PowerOff);
        assert_eq!(used.hash(), straight.hash());
        original.pass_idle(time);
    }
    assert!(waits > 2, "it waits for its timers");
    assert_eq!(original.hash(), straight.hash());
}
