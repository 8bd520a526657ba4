use base::{Seeded, Silent};
use machine::virt::{Boot, Config, Virt};
use machine::{Limits, Machine};
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let harts = std::env::args().nth(2).map_or(1, |n| n.parse().unwrap());
    let sbi = std::env::args().nth(3).is_some();
    let kernel = std::fs::read(path).unwrap();
    let config = Config {
        harts,
        memory: 128 << 20,
        kernel: &kernel,
        boot: if sbi { Boot::Supervisor } else { Boot::Machine },
        loads: &[],
        command_line: b"",
        initrd: None,
        disk: None,
        stdio: false,
        seed: 0,
        calendar: 0,
        tlb: Default::default(),
    };
    let board = Virt::new(config).unwrap();
    let mut m = Machine::new(board, Seeded::new(0));
    let limits = Limits {
        instructions: 2_000_000_000,
        ..Limits::default()
    };
    let out = m.run(&limits, &mut Silent);
    print!(
        "{}",
        String::from_utf8_lossy(&m.board.chips.take_output().serial)
    );
    println!("{out:?} after {} pc {:x}", m.retired(), m.board.harts[0].pc);
    println!("failed {:x?}", m.board.test_failed_at());
}
