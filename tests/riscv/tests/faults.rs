//! What goes wrong on purpose on the RISC-V board: interrupts that are lost, late, or come twice.

use base::{Chooser, Codec, CodecError, Fault, Silent, Site, State, Struck, Time};
use cpu::mmu::tlb::Shape;
use machine::{Limits, Machine, Outcome};
use riscv::program::{board, build};

/// Does this whenever control passes the site.
struct Always(Site, Option<Fault>);

impl State for Always {
    fn state(&mut self, _: &mut Codec<'_>) -> Result<(), CodecError> {
        Ok(())
    }
}

impl Chooser for Always {
    fn choose(&mut self, _: Site, _: u64) -> u64 {
        0
    }

    fn pass(&mut self, site: Site) -> Option<Struck> {
        let fault = self.1.filter(|_| site == self.0)?;
        Some(Struck { count: 1, fault })
    }
}

/// How often a program is interrupted, and after how many ticks first, if this happens at the site.
fn interrupts(elf: &[u8], site: Site, fault: Option<Fault>) -> (u64, u64) {
    let mut machine = Machine::new(board(elf, 1, Shape::default()), Always(site, fault));
    let outcome = machine.run(&Limits::default(), &mut Silent);
    assert_eq!(outcome, Outcome::PowerOff);
    let said = machine.board.chips.peripherals.take_output().serial;
    let said = String::from_utf8_lossy(&said);
    let mut numbers = said.split(' ').map(|word| u64::from_str_radix(word, 16));
    let mut number = || {
        let next = numbers.next().and_then(Result::ok);
        next.expect("two numbers")
    };
    (number(), number())
}

/// The interrupt at the site comes as it should: once, after so many ticks; lost, late or twice if that is its lot.
fn check(elf: &[u8], site: Site, ticks: u64) {
    let with = |fault| interrupts(elf, site, fault);
    let (times, usual) = with(None);
    assert_eq!(times, 1);
    assert!((ticks..ticks + 10).contains(&usual), "{usual}");
    assert_eq!(with(Some(Fault::Lost)), (0, 0));
    let (times, late) = with(Some(Fault::Late(Time::micros(5))));
    assert_eq!(times, 1);
    assert!((ticks + 50..ticks + 60).contains(&late), "{late}");
    assert_eq!(with(Some(Fault::Twice)), (2, usual));
}

#[test]
fn a_line_is_lost_late_or_comes_twice() {
    check(&build("line", &[]), Site::Line(10), 0);
}

#[test]
fn a_timer_is_lost_late_or_comes_twice() {
    check(&build("timer", &[]), Site::Timer, 50);
    check(&build("timer", &[("OWN", 1)]), Site::Timer, 50);
}
