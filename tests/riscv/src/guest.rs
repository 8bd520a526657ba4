//! Runs an image in the emulator: a hart in U-mode, and as much of Linux as the driver asks for.

use crate::image::{BACK, RECORDS, TEXT};
use crate::record::{SIGNAL, SIGNAL_PC};
use base::{Bus, Phys, Ram, Silent, Space, Time, Width};
use cpu::mmu::tlb::Shape;
use cpu::probes::Probes;
use cpu::riscv64::csr::status;
use cpu::riscv64::trap::{Exception, cause};
use cpu::riscv64::{Cpu, Hart, Privilege, Trap, reg};
use engine::{Engine, Stop};
use object::{Object, ObjectSegment};

/// Where memory begins: the linker puts the file's headers in front of the program.
const START: u64 = TEXT - 0x1_0000;
/// Bytes of memory.
const MEMORY: u64 = 0x200_0000;
/// Instructions in a turn of the engine.
const TURN: u64 = 1 << 32;

/// A machine without devices.
struct Nothing;

impl Bus for Nothing {
    fn read(&mut self, _: &mut Ram, _: Space, _: u64, _: Width, _: u64) -> u64 {
        0
    }

    fn write(&mut self, _: &mut Ram, _: Space, _: u64, _: Width, _: u64, _: u64) {}

    fn now(&self, _: u64) -> Time {
        Time(0)
    }

    fn answers(&self, _: Phys) -> bool {
        false
    }

    fn claims(&self, addr: Phys) -> bool {
        !(START..START + MEMORY).contains(&addr.0)
    }
}

/// What the program in this ELF file prints.
///
/// # Panics
/// It does what no case may do.
pub fn run(elf: &[u8]) -> Vec<u8> {
    let mut ram = Ram::new(Phys(START), MEMORY);
    let file = object::File::parse(elf).expect("the linker makes sound files");
    for segment in file.segments() {
        let data = segment.data().expect("the linker makes sound files");
        ram.write_bytes(Phys(segment.address()), data)
            .expect("the program fits");
    }
    let mut hart = Hart::new(Shape::default(), 0);
    hart.pc = file.entry();
    hart.privilege = Privilege::User;
    hart.mstatus |= status::FS & (1 << 13);
    hart.pmp.set_address(0, u64::MAX);
    hart.pmp.set_config(0, 0x1f);
    hart.refresh();
    let (mut engine, mut bus, probes) = (Engine::default(), Nothing, Probes::default());
    loop {
        hart.host.attention = false;
        hart.tlb.follow(&ram);
        let mut guest = Cpu {
            hart: &mut hart,
            index: 0,
            ram: &mut ram,
            bus: &mut bus,
            observer: &mut Silent,
            probes: &probes,
        };
        match engine.run(&mut guest, TURN).stop {
            Stop::Budget | Stop::Attention => {}
            Stop::Trap(Trap::Exception(exception)) => {
                if let Some(output) = exceptional(exception, &mut hart, &mut ram) {
                    return output;
                }
            }
            Stop::Trap(Trap::Gap(gap)) => panic!("{gap}"),
        }
    }
}

/// What Linux does on an exception: a system call, or a signal, which the driver's handler writes into the record. Gives
/// what the program wrote.
fn exceptional(exception: Exception, hart: &mut Hart, ram: &mut Ram) -> Option<Vec<u8>> {
    const WRITE: u64 = 64;
    const SIGILL: u64 = 4;
    const SIGTRAP: u64 = 5;
    const SIGBUS: u64 = 7;
    const SIGSEGV: u64 = 11;
    let signal = match exception.cause {
        cause::ECALL_U => {
            let argument = |n| hart.regs[usize::from(reg::A0 + n)];
            if argument(7) == WRITE {
                let bytes = ram.slice(Phys(argument(1)), argument(2));
                return Some(bytes.expect("the records lie in memory").to_vec());
            }
            hart.regs[usize::from(reg::A0)] = 0;
            hart.pc += 4;
            return None;
        }
        cause::ILLEGAL => SIGILL,
        cause::BREAKPOINT => SIGTRAP,
        cause::LOAD_MISALIGNED | cause::STORE_MISALIGNED => SIGBUS,
        cause::LOAD_ACCESS | cause::STORE_ACCESS => SIGSEGV,
        other => panic!("exception {other} at {:#x}", hart.pc),
    };
    let record = hart.regs[3];
    assert!(record >= RECORDS, "a case wrote x3");
    for (at, value) in [(SIGNAL, signal), (SIGNAL_PC, hart.pc)] {
        ram.write(Phys(record + at as u64), Width::B8, value);
    }
    hart.pc = BACK;
    None
}
