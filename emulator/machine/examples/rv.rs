use machine::virt::{Boot, Config, Virt};
use machine::{Limits, Machine};
use base::{Seeded, Silent};
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let harts = std::env::args().nth(2).map_or(1, |n| n.parse().unwrap());
    let mode = std::env::args().nth(3).unwrap_or_default();
    let kernel = std::fs::read(path).unwrap();
    let bios = if mode.starts_with('/') { std::fs::read(&mode).unwrap() } else { vec![] };
    let boot = if mode == "sbi" { Boot::Supervisor } else if mode.starts_with('/') { Boot::Firmware(&bios) } else { Boot::Machine };
    let config = Config { harts, memory: 128 << 20, kernel: &kernel, boot, loads: &[], command_line: b"", initrd: None, disk: None, stdio: false, seed: 0, calendar: 0, tlb: Default::default() };
    let board = Virt::new(config).unwrap();
    let mut m = Machine::new(board, Seeded::new(0));
    let limits = Limits { instructions: 200_000_000, ..Limits::default() };
    let out = m.run(&limits, &mut Silent);
    print!("{}", String::from_utf8_lossy(&m.board.chips.take_output().serial));
    println!("{out:?} after {} pc {:x} cause {:x} tval {:x}", m.retired(), m.board.harts[0].pc, m.board.harts[0].m.cause, m.board.harts[0].m.tval);
    println!("failed {:x?}", m.board.test_failed_at());
}
