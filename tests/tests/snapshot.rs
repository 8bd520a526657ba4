//! Snapshots of a whole Silica: a machine that is restored at any instant goes on exactly as the original.

use base::{Rng, Silent};
use glassbox::guest::Arch;
use machine::{AnyBoard, Limits, Outcome, Snapshot};
use tests::glassbox::arches;
use tests::silica::{Machine, Silica};

/// What the guest does: programs start and end, the disk is read and written, memory is shared and copied.
const LINE: &str = "cp README a; mv a b; cat b | wc; sync; rm b; ls / | sort";

/// Instructions between two looks at the hash.
const STEP: u64 = 50_000;

fn run_to(machine: &mut Machine, instructions: u64) -> Outcome {
    let limits = Limits {
        instructions,
        ..Limits::default()
    };
    loop {
        match machine.run(&limits, &mut Silent) {
            Outcome::Input { port, .. } => machine.supply(port, &[]),
            outcome => return outcome,
        }
    }
}

/// The disk requests that the machine is waiting for.
fn in_flight(machine: &Machine) -> usize {
    let disk = machine.board.disk();
    disk.map_or(0, |disk| disk.backend().in_flight())
}

/// What the command has printed so far.
fn printed(machine: &mut Machine) -> Vec<u8> {
    machine.board.take_output().ports[2].clone()
}

/// A run with a look at every [`STEP`], and snapshots at random instants and at some with the disk at work.
struct Original {
    chain: Vec<String>,
    end: u64,
    printed: Vec<u8>,
    snapshots: Vec<(Snapshot<AnyBoard>, usize)>,
}

fn original(silica: &Silica, cpus: usize, rng: &mut Rng) -> Original {
    let mut machine = silica.machine(cpus, LINE);
    let mut snapshots = Vec::new();
    let mut chain = Vec::new();
    let mut busy = 0;
    let outcome = 'run: loop {
        let next = (chain.len() as u64 + 1) * STEP;
        let mut stops = [0; 3].map(|_| next - rng.below(STEP));
        stops.sort_unstable();
        for stop in stops {
            let outcome = run_to(&mut machine, stop);
            if outcome != Outcome::Budget {
                break 'run outcome;
            }
            let at_work = in_flight(&machine);
            if at_work > 0 || rng.below(8) == 0 {
                busy += usize::from(at_work > 0);
                snapshots.push((machine.snapshot(), at_work));
            }
        }
        let outcome = run_to(&mut machine, next);
        if outcome != Outcome::Budget {
            break outcome;
        }
        chain.push(machine.hash().to_string());
    };
    let end = match silica.arch {
        Arch::X86_64 => Outcome::Exit(0),
        Arch::Riscv64 => Outcome::PowerOff,
    };
    assert_eq!(outcome, end);
    chain.push(machine.hash().to_string());
    assert!(
        snapshots.len() > 5 && busy > 0,
        "{} snapshots, {busy} with the disk at work",
        snapshots.len()
    );
    Original {
        chain,
        end: machine.retired(),
        printed: printed(&mut machine),
        snapshots,
    }
}

#[test]
fn a_restored_machine_goes_on_exactly_as_the_original() {
    for (arch, cpus) in arches().flat_map(|arch| [(arch, 1), (arch, 2)]) {
        let silica = Silica::on(arch);
        let mut rng = Rng::new(cpus as u64);
        let original = original(&silica, cpus, &mut rng);
        assert!(!original.printed.is_empty());
        let mut used = silica.machine(cpus, LINE);
        for number in 0..24 {
            let pick = rng.below(original.snapshots.len() as u64) as usize;
            let (snapshot, at_work) = &original.snapshots[pick];
            let mut fresh = (number % 8 == 0).then(|| silica.machine(cpus, LINE));
            let machine = fresh.as_mut().unwrap_or(&mut used);
            machine.restore(snapshot).unwrap();
            assert_eq!(in_flight(machine), *at_work);
            let first = (snapshot.retired() / STEP) as usize;
            let last = first + rng.below((original.chain.len() - first) as u64) as usize;
            for (index, hash) in original.chain.iter().enumerate().take(last + 1).skip(first) {
                run_to(machine, ((index as u64 + 1) * STEP).min(original.end));
                assert_eq!(
                    machine.hash().to_string(),
                    *hash,
                    "{arch}, {cpus} CPUs, from {}",
                    snapshot.retired()
                );
            }
            if last + 1 == original.chain.len() {
                assert_eq!(printed(machine), original.printed);
            }
        }
    }
}

#[test]
fn each_of_a_hundred_restores_costs_what_was_written() {
    for arch in arches() {
        let silica = Silica::on(arch);
        let mut machine = silica.machine(1, LINE);
        while in_flight(&machine) == 0 {
            let next = machine.retired() + 1000;
            assert_eq!(run_to(&mut machine, next), Outcome::Budget);
        }
        let snapshot = machine.snapshot();
        let pages = snapshot.ram().len();
        let mut costs = Vec::new();
        let mut lifted = Vec::new();
        for _ in 0..100 {
            let next = machine.retired() + 100_000;
            assert_eq!(run_to(&mut machine, next), Outcome::Budget);
            costs.push(machine.restore(&snapshot).unwrap());
            lifted.push(machine.board.lifted());
            assert_eq!(machine.snapshot().ram().len(), pages);
        }
        assert!(costs.iter().all(|&cost| cost == costs[0]), "{costs:?}");
        assert!(costs[0] * 4 < pages, "{} of {pages} pages", costs[0]);
        // The kernel's code is still lifted; what was read from the disk is lifted anew.
        let again = lifted[99] - lifted[98];
        assert!(again * 4 < lifted[0], "{again} of {} blocks", lifted[0]);
    }
}
