//! The RISC-V board, as QEMU lays out its `virt` machine.
//!
//! ```text
//! 0x0010_0000  test finisher                     0x1000_0000  16550, source 10
//! 0x0010_1000  Goldfish RTC, source 11           0x1000_1000  virtio-mmio, 0x1000 apart, sources 1 to 8
//! 0x0200_0000  CLINT                             0x8000_0000  RAM; the device tree lies at its end
//! 0x0c00_0000  PLIC
//! ```
//!
//! [`chips`] is everything but harts and RAM, and the harts' way to it; `start` builds a machine ready to run a kernel,
//! `fdt` its device tree; `step` has what is this hart's own in its turn: interrupts and traps; [`sbi`] answers S-mode's calls where no firmware
//! does; `htif` is the older way to end a test.

pub mod chips;
mod fdt;
mod htif;
pub mod sbi;
mod start;
mod step;

pub use cpu::riscv64;
pub use start::{Boot, Config};

use crate::mainboard::Mainboard;

/// The board.
pub type Virt = Mainboard<chips::Chips>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hang, Limits, Machine, Outcome};
    use base::{Seeded, Silent, Time};

    /// A machine that is about to run a flat kernel.
    fn machine(kernel: &[u8], harts: usize, boot: Boot<'_>) -> Machine<Virt, Seeded> {
        let config = Config {
            harts,
            memory: 8 << 20,
            boot,
            ..Config::new(kernel)
        };
        Machine::new(
            Virt::new(config).expect("the board is sound"),
            Seeded::new(1),
        )
    }

    fn bytes(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Runs a flat kernel to its end; what it printed, and how it ended.
    fn run(words: &[u32], harts: usize, boot: Boot<'_>) -> (String, Outcome) {
        let mut machine = machine(&bytes(words), harts, boot);
        let limits = Limits {
            instructions: 100_000,
            ..Limits::default()
        };
        let outcome = machine.run(&limits, &mut Silent);
        let serial = machine.board.chips.peripherals.take_output().serial;
        (String::from_utf8_lossy(&serial).into_owned(), outcome)
    }

    #[test]
    fn a_kernel_in_machine_mode_reaches_the_serial_port_and_the_finisher() {
        // lui a0, 0x10000; li a1, 'A'; sb a1, 0(a0); lui a0, 0x100; li a1, 0x5555; sw a1, 0(a0)
        let kernel = [
            0x1000_0537,
            0x0410_0593,
            0x00b5_0023,
            0x0010_0537,
            0x0000_55b7,
            0x5555_859b,
            0x00b5_2023,
        ];
        let ended = run(&kernel, 1, Boot::Machine);
        assert_eq!(ended, ("A".into(), Outcome::PowerOff));
    }

    #[test]
    fn a_kernel_in_supervisor_mode_is_answered_by_the_sbi() {
        // Legacy call 1 prints 'B'; the system reset extension powers off.
        let kernel = [
            0x0420_0513,
            0x0010_0893,
            0x0000_0073,
            0x0000_0513,
            0x0000_0813,
            0x5352_58b7,
            0x3548_889b,
            0x0000_0073,
        ];
        let ended = run(&kernel, 2, Boot::Supervisor);
        assert_eq!(ended, ("B".into(), Outcome::PowerOff));
    }

    #[test]
    fn an_illegal_instruction_enters_the_handler_with_its_cause() {
        // The handler at 0x28 fails with mcause as the code.
        let kernel = [
            0x0000_0297,
            0x0282_8293,
            0x3052_9073,
            0x0050_0513,
            0x0000_0000,
            0x0010_0537,
            0x0000_35b7,
            0x3335_859b,
            0x00b5_2023,
            0x0000_006f,
            0x3420_25f3,
            0x0105_9593,
            0x0000_3637,
            0x3336_061b,
            0x00c5_e5b3,
            0x0010_0537,
            0x00b5_2023,
        ];
        assert_eq!(run(&kernel, 1, Boot::Machine).1, Outcome::Exit(2));
    }

    /// How a kernel fares that has 20 ms of virtual time to make progress, for twenty million instructions.
    fn fate(words: &[u32], harts: usize, attended: bool) -> Outcome {
        let limits = Limits {
            instructions: 20_000_000,
            hang_after: Time::millis(20),
            attended,
            ..Limits::default()
        };
        machine(&bytes(words), harts, Boot::Machine).run(&limits, &mut Silent)
    }

    #[test]
    fn a_kernel_that_turns_in_circles_with_interrupts_on_may_wait_for_a_key() {
        // li t0, 0x80; csrw mie, t0; csrsi mstatus, 8; j .
        let deaf = [0x0800_0293, 0x3042_9073, 0x3004_6073, 0x0000_006f];
        let hang = Outcome::Hang(Hang::NoProgress);
        assert_eq!(fate(&deaf, 1, true), hang);
        // The same, but a character interrupts: lui s0, 0x10000; li t0, 1; sb t0, 1(s0)
        let kernel = [&[0x1000_0437, 0x0010_0293, 0x0054_00a3], &deaf[..]].concat();
        assert_eq!(fate(&kernel, 1, true), Outcome::Budget);
        assert_eq!(fate(&kernel, 1, false), hang);
    }

    #[test]
    fn a_kernel_that_looks_for_a_key_waits_for_it_though_it_has_no_interrupts() {
        // lui s0, 0x10000; lbu t0, 5(s0); j -4
        let kernel = [0x1000_0437, 0x0054_4283, 0xffdf_f06f];
        assert_eq!(fate(&kernel, 1, true), Outcome::Budget);
        assert_eq!(fate(&kernel, 1, false), Outcome::Hang(Hang::NoInput));
        // Legacy call 2 of the SBI, again and again: li a7, 2; ecall; j -8
        let kernel = bytes(&[0x0020_0893, 0x0000_0073, 0xff9f_f06f]);
        let limits = Limits {
            hang_after: Time::millis(20),
            ..Limits::default()
        };
        let outcome = machine(&kernel, 1, Boot::Supervisor).run(&limits, &mut Silent);
        assert_eq!(outcome, Outcome::Hang(Hang::NoInput));
    }

    #[test]
    fn a_hart_that_keeps_off_the_interrupts_it_had_on_hangs_whoever_waits() {
        // Interrupts are on for 400,000 instructions and then off; MTIE is set, and mtimecmp is far away.
        let kernel = [
            0x0800_0293,
            0x0200_4337,
            0xfff0_0393,
            0x0073_3023,
            0x3042_9073,
            0x3004_6073,
            0x0003_12b7,
            0xd402_829b,
            0xfff2_8293,
            0xfe02_9ee3,
            0x3004_7073,
            0x0000_006f,
        ];
        let hang = Outcome::Hang(Hang::InterruptsOff { cpu: 0 });
        assert_eq!(fate(&kernel, 1, true), hang);
        assert_eq!(fate(&kernel, 1, false), hang);
        // One that never had them on: li t0, 0; j .
        let hang = fate(&[0x0000_0293, 0x0000_006f], 2, true);
        assert_eq!(hang, Outcome::Hang(Hang::InterruptsOff { cpu: 0 }));
    }

    #[test]
    fn harts_that_are_parked_do_not_hang_while_another_makes_progress() {
        // Hart 0 prints a full stop every million instructions, five times, and powers off; the others turn in circles.
        let kernel = [
            0xf140_22f3,
            0x0202_9c63,
            0x1000_0437,
            0x0050_0493,
            0x0007_a2b7,
            0xfff2_8293,
            0xfe02_9ee3,
            0x02e0_0313,
            0x0064_0023,
            0xfff4_8493,
            0xfe04_94e3,
            0x0010_02b7,
            0x0000_5337,
            0x5553_0313,
            0x0062_a023,
            0x0000_006f,
        ];
        assert_eq!(fate(&kernel, 2, false), Outcome::PowerOff);
    }

    #[test]
    fn a_kernel_that_writes_much_memory_is_at_work() {
        // Clears 4 MiB twice, with three million instructions, and powers off.
        let kernel = [
            0x0020_0413,
            0x8010_02b7,
            0x0202_9293,
            0x0202_d293,
            0x0040_0337,
            0x0062_8333,
            0x0002_b023,
            0x0082_8293,
            0xfe62_9ce3,
            0xfff4_0413,
            0xfc04_1ee3,
            0x0010_02b7,
            0x0000_5337,
            0x5553_0313,
            0x0062_a023,
        ];
        assert_eq!(fate(&kernel, 1, false), Outcome::PowerOff);
    }

    #[test]
    fn a_vacant_virtio_transport_answers() {
        // lui s0, 0x10008; lw a0, 0(s0); lw a1, 8(s0); j .
        let kernel = bytes(&[0x1000_8437, 0x0004_2503, 0x0084_2583, 0x0000_006f]);
        let mut machine = machine(&kernel, 1, Boot::Machine);
        let limits = Limits {
            instructions: 10,
            ..Limits::default()
        };
        machine.run(&limits, &mut Silent);
        let regs = &machine.board.harts[0].regs;
        assert_eq!([regs[10], regs[11]], [0x7472_6976, 0]);
    }
}
