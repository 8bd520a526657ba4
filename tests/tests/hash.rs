//! The state hash covers everything: a bit changed anywhere changes it, and nothing else does.

use base::codec::{load, save};
use base::{Phys, Seeded, Silent, Time, Width};
use machine::{Board, Limits, Outcome};
use std::collections::BTreeMap;
use tests::glassbox::arches;
use tests::silica::{Machine, Silica};

/// Silica in the middle of its work: files are written, and a program waits for input that has not come.
fn busy(arch: &str) -> Machine {
    let mut machine = Silica::on(arch).machine(
        2,
        "echo x >/root/x; sync; echo y >/root/y; head -c 100 /dev/random >/dev/null; cat | cat",
    );
    let outcome = machine.run(&Limits::default(), &mut Silent);
    assert!(
        matches!(outcome, Outcome::Input { port: 1, .. }),
        "{outcome:?}"
    );
    machine
}

/// Where each section of saved state begins and what it is called: length of the name, name, version.
fn sections(bytes: &[u8]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, window) in bytes.windows(8).enumerate() {
        let len = u64::from_le_bytes(window.try_into().unwrap()) as usize;
        let name = bytes.get(at + 8..at + 8 + len.min(40)).unwrap_or(&[]);
        let is_name = |b: &u8| b.is_ascii_alphanumeric() || b" -_".contains(b);
        if (2..32).contains(&len)
            && name.len() == len
            && name[0].is_ascii_lowercase()
            && name.iter().all(is_name)
        {
            found.push((at, String::from_utf8(name.to_vec()).unwrap()));
        }
    }
    found
}

#[test]
fn equal_machines_have_equal_hashes() {
    for arch in arches() {
        let (mut one, mut other) = (busy(arch), busy(arch));
        assert_eq!(one.hash(), other.hash());
        assert_eq!(one.hash(), other.hash(), "looking changes nothing");
        for machine in [&mut one, &mut other] {
            machine.supply(1, b"some text\n");
            let outcome = machine.run(&Limits::default(), &mut Silent);
            assert!(matches!(outcome, Outcome::Input { .. }), "{outcome:?}");
        }
        assert_eq!(one.hash(), other.hash());
    }
}

#[test]
fn a_bit_of_any_component_changes_the_hash() {
    for arch in arches() {
        let mut machine = busy(arch);
        let before = machine.hash();
        let bytes = save(&mut machine.board);
        let mut starts = sections(&bytes);
        starts.push((bytes.len(), String::new()));
        let mut flipped: BTreeMap<&str, usize> = BTreeMap::new();
        for pair in starts.windows(2) {
            let [(start, name), (end, _)] = pair else {
                unreachable!("windows of two")
            };
            let content = start + 8 + name.len() + 1;
            let count = flipped.entry(name).or_default();
            // Small components bit by bit, of large ones every so many bytes one bit.
            let step = (end - content).div_ceil(64).max(1);
            for at in (content..*end).step_by(step) {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << (at % 8);
                // A field may mean nothing in the state that its neighbours are in; it is not taken over, then.
                if load(&mut machine.board, &changed).is_ok() && save(&mut machine.board) != bytes {
                    assert_ne!(machine.hash(), before, "byte {} of '{name}'", at - content);
                    *count += 1;
                }
            }
        }
        load(&mut machine.board, &bytes).unwrap();
        assert_eq!(machine.hash(), before, "what was saved comes back");
        let blind: Vec<_> = flipped
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(name, _)| *name)
            .collect();
        // The lists of the others, and those whose bytes exist only at the moment of a write.
        let lists = match arch {
            "x86_64" => &["chips", "debug_console", "debug_exit", "pc", "peripherals"][..],
            _ => &["peripherals", "test_finisher", "virt", "virt chips"],
        };
        assert_eq!(blind, lists);
        let own = match arch {
            "x86_64" => ["x86-64 cpu", "x87", "local_apic", "rtc"],
            _ => ["riscv64 hart", "clint", "plic", "goldfish_rtc"],
        };
        let common = ["tlb", "uart16550", "virtio_block", "virtio_console"];
        for name in own.iter().chain(&common) {
            assert!(
                flipped.contains_key(*name),
                "{name} is missing in {flipped:?}"
            );
        }
    }
}

#[test]
fn a_bit_of_memory_changes_the_hash() {
    for arch in arches() {
        let mut machine = busy(arch);
        let before = machine.hash();
        let start = machine.board.memory().base().0;
        for offset in [0, 0x7c00, 0x10_0000, 0x123_4567, (32 << 20) - 1] {
            let addr = Phys(start + offset);
            let old = machine.board.ram().read(addr, Width::B1).unwrap();
            machine.board.ram().write(addr, Width::B1, old ^ 1).unwrap();
            assert_ne!(machine.hash(), before, "{addr:?}");
            machine.board.ram().write(addr, Width::B1, old).unwrap();
            assert_eq!(machine.hash(), before, "{addr:?}");
        }
    }
}

#[test]
fn time_and_pending_input_change_the_hash() {
    for arch in arches() {
        let mut machine = busy(arch);
        let before = machine.hash();
        machine.pass_idle(machine.now() + Time(10));
        let later = machine.hash();
        assert_ne!(later, before);
        let typed = |keys: &[u8]| {
            let mut machine = busy(arch);
            machine.type_in(keys);
            machine.hash()
        };
        let hashes = [before, typed(b"ab"), typed(b"ba"), typed(b"a")];
        for (index, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..index].contains(hash), "{hashes:?}");
        }
        let supplied = |text: &[u8]| {
            let mut machine = busy(arch);
            machine.supply(1, text);
            machine.hash()
        };
        assert_ne!(supplied(b"a"), supplied(b"b"));
        assert_ne!(supplied(b"a"), supplied(b""));
    }
}

#[test]
fn random_choices_to_come_change_the_hash() {
    for arch in arches() {
        let with = |seed: u64| {
            let board = Silica::on(arch).machine(1, "true").board;
            machine::Machine::new(board, Seeded::new(seed)).hash()
        };
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }
}
