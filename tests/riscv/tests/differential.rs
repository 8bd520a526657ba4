//! Generated user-level sequences in the emulator and under QEMU: registers, flags, signals and memory are the same.

use base::Rng;
use riscv::case::Case;
use riscv::catalog::{ROWS, Row};
use riscv::image::{self, CASES};
use riscv::record::{LEN, unlike};
use riscv::{guest, qemu};
use std::collections::BTreeMap;
use std::ops::Range;

/// Cases in one program.
const BATCH: usize = 5000;

/// What is not compared here, and why; `programs/unjudged.S` holds it against its definition.
fn excluded(row: &Row) -> Option<&'static str> {
    Some(match row.name {
        "ecall" => "enters the kernel",
        "cbo.zero" | "czero.eqz" | "czero.nez" => "QEMU 7.2 does not have it",
        "ctzw" => "QEMU 7.2 counts on behind a word of zeros",
        _ => return None,
    })
}

/// The rows that sequences are made of. What LR reserved is not the same thing for QEMU, which compares values.
fn free(row: &&'static Row) -> bool {
    excluded(row).is_none() && !row.name.starts_with("lr.") && !row.name.starts_with("sc.")
}

fn row(name: &str) -> &'static Row {
    let found = ROWS.iter().find(|row| row.name == name);
    found.unwrap_or_else(|| panic!("no instruction {name}"))
}

/// How often each instruction was run.
type Runs = BTreeMap<&'static str, usize>;

/// Makes a case of a random source, the case's number, and the addresses of code and record.
type Make<'a> = &'a dyn Fn(&mut Rng, usize, u64, u64) -> Option<Case>;

/// The cases with these numbers. Some instructions do not go together; other ones are tried then.
fn cases(rng: &mut Rng, numbers: Range<usize>, make: Make<'_>) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut at = CASES;
    for n in numbers {
        let record = image::record(cases.len());
        if let Some(case) = (0..20).find_map(|_| make(rng, n, at, record)) {
            at += case.code.len() as u64;
            cases.push(case);
        }
    }
    cases
}

/// What differs where these cases are run on both machines.
fn differences(cases: &[Case]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let program = image::build(&folder, cases);
    let theirs = qemu::user(folder.path(), program);
    let elf = std::fs::read(folder.path().join(program)).expect("it was just made");
    let ours = guest::run(&elf);
    let len = cases.len() * LEN;
    assert_eq!((ours.len(), theirs.len()), (len, len));
    let outcomes = ours.chunks(LEN).zip(theirs.chunks(LEN));
    let unlike = |(case, (ours, theirs)): (&Case, (&[u8], &[u8]))| {
        let how = unlike(&case.start.bytes(), ours, theirs);
        format!("{:?} {:02x?}\n{how}", case.names, case.code)
    };
    let differ = |(_, (ours, theirs)): &(&Case, (&[u8], &[u8]))| ours != theirs;
    let pairs = cases.iter().zip(outcomes);
    pairs.filter(differ).map(unlike).collect()
}

/// Runs about `count` cases.
fn compare(seed: u64, count: usize, make: Make<'_>) -> Runs {
    let (mut total, mut wrong, mut runs) = (0, Vec::new(), Runs::new());
    for first in (0..count).step_by(BATCH) {
        let mut rng = Rng::new(seed << 32 | first as u64);
        let cases = cases(&mut rng, first..count.min(first + BATCH), make);
        wrong.extend(differences(&cases));
        total += cases.len();
        for name in cases.iter().flat_map(|case| &case.names) {
            *runs.entry(name).or_default() += 1;
        }
    }
    println!("{total} cases, {} differ", wrong.len());
    assert!(total > count / 100 * 98, "only {total} cases could be made");
    wrong.sort_by_key(String::len);
    let shown = wrong[..wrong.len().min(20)].join("\n");
    assert!(wrong.is_empty(), "unlike QEMU:\n{shown}");
    runs
}

#[test]
fn every_instruction_does_what_it_does_under_qemu() {
    let rows: Vec<&Row> = ROWS.iter().filter(|row| excluded(row).is_none()).collect();
    let runs = compare(1, 200_000, &|rng, n, at, record| {
        Case::new(rng, &[rows[n % rows.len()]], at, record)
    });
    for row in ROWS.iter() {
        match excluded(row) {
            Some(reason) => println!("not compared: {} {reason}", row.name),
            None => assert!(runs.get(row.name) > Some(&800), "{} was not run", row.name),
        }
    }
}

#[test]
fn sequences_do_what_they_do_under_qemu() {
    let rows: Vec<&Row> = ROWS.iter().filter(free).collect();
    compare(2, 130_000, &|rng, n, at, record| {
        let mut any = || rows[rng.below(rows.len() as u64) as usize];
        let sequence: Vec<&Row> = (0..2 + n % 7).map(|_| any()).collect();
        Case::new(rng, &sequence, at, record)
    });
}

#[test]
fn a_store_conditional_succeeds_once_and_only_where_memory_was_reserved() {
    let calm = |row: &&'static Row| {
        free(row) && row.layout.is_empty() && row.pattern.field('p', 0).is_none()
    };
    let rows: Vec<&Row> = ROWS.iter().filter(calm).collect();
    compare(3, 10_000, &|rng, n, at, record| {
        let [load, store] = [["lr.w", "sc.w"], ["lr.d", "sc.d"]][n % 2].map(row);
        let between = rows[rng.below(rows.len() as u64) as usize];
        Case::at_one_place(rng, &[load, between, store, store], at, record)
    });
}

/// Any 32 bits of the major opcodes that work on registers only, but for Zicond.
fn registers_only(rng: &mut Rng) -> u32 {
    const OPCODES: [u32; 9] = [0x13, 0x1b, 0x33, 0x3b, 0x43, 0x47, 0x4b, 0x4f, 0x53];
    const CZERO: [u32; 2] = [0x0e00_5033, 0x0e00_7033];
    loop {
        let opcode = OPCODES[rng.below(9) as usize];
        // Mostly what differs from an instruction in few places.
        let near = &ROWS[rng.below(ROWS.len() as u64) as usize].pattern;
        let bits = match rng.below(3) {
            0 => rng.next() as u32,
            _ => near.encode(|_, _| rng.next() as u32) ^ 1 << rng.below(32),
        };
        let bits = bits & !0x7f | opcode;
        let writes_record = bits >> 7 & 31 == 3;
        let ctzw = bits & 0xfff0_707f == 0x6010_101b;
        if !writes_record && !ctzw && !CZERO.contains(&(bits & 0xfe00_707f)) {
            return bits;
        }
    }
}

#[test]
fn what_is_no_instruction_traps_as_it_does_under_qemu() {
    compare(4, 40_000, &|rng, _, at, _| {
        let bits = registers_only(rng);
        Some(Case::raw(rng, bits, at))
    });
}
