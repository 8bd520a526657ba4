//! Random programs of all instructions, privileged ones among them, in all modes: whatever they do to their harts, the
//! emulator stands, and stopping and forking it never shows.

use base::{Phys, Rng, Seeded, Silent, Width};
use cpu::mmu::tlb::Shape;
use cpu::riscv64::Privilege;
use machine::virt::{Config, Virt};
use machine::{Limits, Machine, Outcome};
use riscv::catalog::ALL;
use riscv::record::integer;

/// Where memory begins, and its bytes.
const RAM: u64 = 0x8000_0000;
const LEN: u64 = 2 << 20;
/// Bytes of code at its beginning, behind which lie pages of tables.
const CODE: u64 = 0x4000;
const TABLES: u64 = RAM + CODE;
/// Instructions that each program may take.
const LIMIT: u64 = 3000;

/// Something that may be an address: of memory, mostly, or of a chip.
fn address(rng: &mut Rng) -> u64 {
    let near = rng.below(0x1000);
    match rng.below(16) {
        0 => 0x200_0000 + near,
        1 => 0x200_4000 + (near & 0xf),
        2 => 0xc00_2000 + near,
        3 => 0x1000_0000 + (near & 7),
        4 => near,
        5 => rng.next(),
        6..10 => RAM + rng.below(CODE),
        _ => RAM + rng.below(LEN),
    }
}

/// A page-table entry: often sound, often leading to memory.
fn entry(rng: &mut Rng) -> u64 {
    let frame = (RAM + rng.below(LEN)) >> 12;
    let flags = match rng.below(4) {
        0 => 1,                        // a pointer
        1 => rng.next() & 0xff | 1,    // anything that is valid
        _ => 0xcf | rng.next() & 0x30, // all rights
    };
    // Some are superpages.
    let frame = if rng.below(3) == 0 { 0x80000 } else { frame };
    frame << 10 | flags
}

fn code(rng: &mut Rng) -> Vec<u8> {
    let mut code = Vec::new();
    while code.len() < CODE as usize {
        let row = &ALL[rng.below(ALL.len() as u64) as usize];
        let bits = row.pattern.encode(|letter, _| match letter {
            // Numbers of registers that do something.
            'y' => {
                const NUMBERS: [u32; 24] = [
                    1, 2, 3, 0x100, 0x104, 0x105, 0x141, 0x144, 0x14d, 0x180, 0x300, 0x302, 0x303,
                    0x304, 0x305, 0x306, 0x30a, 0x320, 0x341, 0x344, 0x3a0, 0x3b0, 0xb00, 0xc01,
                ];
                NUMBERS[rng.below(24) as usize]
            }
            // Branches are short.
            'j' => rng.below(64) as u32,
            _ => rng.next() as u32,
        });
        code.extend_from_slice(&bits.to_le_bytes()[..row.pattern.len]);
    }
    code
}

/// A machine in a random state, about to run random code.
fn machine(seed: u64) -> Machine<Virt, Seeded> {
    let rng = &mut Rng::new(seed);
    let harts = 1 + rng.below(2) as usize;
    let kernel = code(rng);
    let config = Config {
        harts,
        memory: LEN,
        tlb: Shape { sets: 4, ways: 2 },
        ..Config::new(&kernel)
    };
    let mut board = Virt::new(config).expect("the board is sound");
    for slot in 0..1024 {
        let bits = entry(rng);
        board.ram.write(Phys(TABLES + 8 * slot), Width::B8, bits);
    }
    for hart in &mut board.harts {
        for register in 1..32 {
            hart.regs[register] = match rng.below(2) {
                0 => address(rng),
                _ => integer(rng),
            };
        }
        for csrs in [&mut hart.m, &mut hart.s] {
            csrs.tvec = (RAM + rng.below(CODE)) & !3 | rng.below(2);
            csrs.epc = (RAM + rng.below(CODE)) & !1;
        }
        hart.pc = (RAM + rng.below(CODE)) & !1;
        hart.pmp.set_address(0, u64::MAX);
        hart.pmp.set_config(0, 0x1f);
        hart.mstatus |= rng.next() & 0x7e_79aa & !0x1000; // (the reserved mode is none)
        hart.mie = rng.next() & 0xaaa;
        hart.medeleg = rng.next() & 0xb1ff;
        hart.mideleg = rng.next() & 0x222;
        hart.satp = (rng.below(2) * 8) << 60 | TABLES >> 12;
        hart.privilege =
            [Privilege::Machine, Privilege::Supervisor, Privilege::User][rng.below(3) as usize];
        hart.refresh();
    }
    Machine::new(board, Seeded::new(seed))
}

fn run_to(machine: &mut Machine<Virt, Seeded>, instructions: u64) -> Outcome {
    let limits = Limits {
        instructions,
        ..Limits::default()
    };
    machine.run(&limits, &mut Silent)
}

#[test]
fn random_programs_are_the_same_stopped_forked_or_left_alone() {
    let mut ends = [0; 2];
    for seed in 0..150 {
        let mut straight = machine(seed);
        let outcome = run_to(&mut straight, LIMIT);
        assert!(
            !matches!(outcome, Outcome::Gap { .. }),
            "{seed}: {outcome:?}"
        );
        ends[usize::from(outcome == Outcome::Budget)] += 1;
        let (end, hash) = (straight.retired(), straight.hash());

        let mut stopped = machine(seed);
        let mut other = machine(seed + 1_000_000 * (seed % 2));
        let rng = &mut Rng::new(seed);
        let mut at = 0;
        let mut last = Outcome::Budget;
        while at < LIMIT && last == Outcome::Budget {
            at = (at + 1 + rng.below(200)).min(LIMIT);
            last = run_to(&mut stopped, at);
            if rng.below(8) == 0 && stopped.board.harts.len() == other.board.harts.len() {
                let snapshot = stopped.snapshot();
                other
                    .restore(&snapshot)
                    .expect("it is the same kind of machine");
                run_to(&mut other, LIMIT);
                assert_eq!(other.hash(), hash, "{seed}, forked at {at}");
            }
        }
        assert_eq!((last, stopped.retired()), (outcome, end), "{seed}");
        assert_eq!(stopped.hash(), hash, "{seed}");
    }
    println!("stopped, out of budget: {ends:?}");
    assert!(ends[1] > 50, "most get stuck: {ends:?}");
}
