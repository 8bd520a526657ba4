//! The supervisor binary interface, for S-mode kernels without firmware (RISC-V SBI specification 2.0): base, TIME, IPI,
//! RFENCE, HSM, SRST, DBCN, and the legacy calls 0 to 8.
//!
//! The board answers in the place of M-mode code: no guest instruction runs for it but the ECALL itself.
//!
//! ```text
//! in   a7 extension, a6 function, a0 … a5 arguments         out   a0 error, a1 value (legacy: a0 value)
//! ```

use super::Virt;
use crate::outcome::Outcome;
use base::event::Event;
use base::{PAGE_SIZE, Phys, Time};
use cpu::riscv64::csr::interrupt;
use cpu::riscv64::{Activity, Hart, Privilege, reg};

/// Extensions.
mod extension {
    pub const BASE: u64 = 0x10;
    pub const TIME: u64 = 0x5449_4d45;
    pub const IPI: u64 = 0x0073_5049;
    pub const RFENCE: u64 = 0x5246_4e43;
    pub const HSM: u64 = 0x0048_534d;
    pub const SRST: u64 = 0x5352_5354;
    pub const DBCN: u64 = 0x4442_434e;
    pub const ALL: [u64; 7] = [BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN];
}

/// Errors (3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Error {
    Failed = -1,
    NotSupported = -2,
    InvalidParam = -3,
    InvalidAddress = -5,
    AlreadyAvailable = -6,
}

type Answer = Result<u64, Error>;

/// The version that is answered: 2.0.
const SPEC_VERSION: u64 = 2 << 24;
/// An implementation number beyond the registered ones.
const IMPLEMENTATION: u64 = 0x6762;
/// Most bytes that one DBCN call writes; a driver calls again for the rest (12.1).
const MOST_BYTES: u64 = 4096;

/// Opens the machine to S-mode as firmware does: rights to all memory, traps and interrupts delegated, counters open.
pub fn prepare(hart: &mut Hart) {
    use cpu::riscv64::csr::{MCOUNTEREN, envcfg};
    // All but calls from S-mode and M-mode. Firmware sees some of these first, to emulate what a hart lacks; this one lacks
    // nothing, so all are the kernel's at once.
    const DELEGATED: u64 = 0xb1ff;
    hart.sbi = true;
    hart.privilege = Privilege::Supervisor;
    hart.medeleg = DELEGATED;
    hart.mideleg = interrupt::SUPERVISOR;
    hart.counteren[0] = MCOUNTEREN;
    hart.envcfg[0] |= envcfg::STCE | envcfg::CBZE;
    hart.pmp.set_address(0, u64::MAX);
    hart.pmp.set_config(0, 0x1f);
    hart.refresh();
}

/// Answers the call of hart number `cpu`; `Some` if it ends the machine.
pub fn call(board: &mut Virt, cpu: usize, now: Time) -> Option<Outcome> {
    let hart = &mut board.harts[cpu];
    hart.pc = hart.pc.wrapping_add(4); // ECALL has no short form
    let argument = |n: u8| hart.regs[usize::from(reg::A0 + n)];
    let args = [0, 1, 2, 3, 4, 5].map(argument);
    let (function, extension) = (argument(6), argument(7));
    if extension <= 8 {
        return legacy(board, cpu, extension, &args, now);
    }
    let answer = match extension {
        extension::BASE => base(function, args[0]),
        extension::TIME if function == 0 => {
            set_timer(board, cpu, args[0]);
            Ok(0)
        }
        extension::IPI if function == 0 => interrupt_harts(board, args[0], args[1], now),
        extension::RFENCE => fence(board, function, &args),
        extension::HSM => manage(board, cpu, function, &args),
        extension::SRST if function == 0 => match args[0] {
            0 => return Some(Outcome::PowerOff),
            1 | 2 => return Some(Outcome::Reset),
            _ => Err(Error::InvalidParam),
        },
        extension::DBCN => console(board, function, &args, now),
        _ => Err(Error::NotSupported),
    };
    let (error, value) = match answer {
        Ok(value) => (0, value),
        Err(error) => (error as i64 as u64, 0),
    };
    let hart = &mut board.harts[cpu];
    hart.regs[usize::from(reg::A0)] = error;
    hart.regs[usize::from(reg::A1)] = value;
    None
}

/// The base extension (4).
fn base(function: u64, argument: u64) -> Answer {
    Ok(match function {
        0 => SPEC_VERSION,
        1 => IMPLEMENTATION,
        2 => 1,
        3 => u64::from(extension::ALL.contains(&argument) || argument <= 8),
        // mvendorid, marchid, mimpid
        4..=6 => 0,
        _ => return Err(Error::NotSupported),
    })
}

/// Sets the timer, which also takes its interrupt back (6.1).
fn set_timer(board: &mut Virt, cpu: usize, ticks: u64) {
    let hart = &mut board.harts[cpu];
    hart.stimecmp = ticks;
    hart.host.attention = true;
}

/// Interrupts every hart of a mask (7.1).
fn interrupt_harts(board: &mut Virt, mask: u64, base: u64, now: Time) -> Answer {
    let answer = each(board, mask, base, |hart| hart.mip |= interrupt::SSIP)?;
    let single = base != u64::MAX && mask.is_power_of_two();
    board.chips.peripherals.log.push(now, || Event::Ipi {
        target: single.then(|| (base + u64::from(mask.trailing_zeros())) as u8),
        number: interrupt::SSIP.trailing_zeros() as u16,
    });
    Ok(answer)
}

/// Does something to every hart of a mask.
fn each(board: &mut Virt, mask: u64, base: u64, mut act: impl FnMut(&mut Hart)) -> Answer {
    let harts = board.harts.len() as u64;
    if base != u64::MAX {
        let highest = u64::from(63 - mask.leading_zeros().min(63));
        if mask != 0 && base.saturating_add(highest) >= harts {
            return Err(Error::InvalidParam);
        }
    }
    for (n, hart) in (0u64..).zip(&mut board.harts) {
        let chosen = match n.checked_sub(base) {
            _ if base == u64::MAX => true,
            Some(bit) => bit < 64 && mask >> bit & 1 != 0,
            None => false,
        };
        if chosen {
            act(hart);
            hart.host.attention = true;
        }
    }
    Ok(0)
}

/// Remote fences (8): code that was written is seen at once; translations are dropped, rather too many than too few.
fn fence(board: &mut Virt, function: u64, args: &[u64; 6]) -> Answer {
    let [mask, base, start, size, asid, _] = *args;
    match function {
        0 => each(board, mask, base, |_| {}),
        1 | 2 => each(board, mask, base, |hart| {
            const MANY: u64 = 64;
            let pages = size.div_ceil(PAGE_SIZE);
            if size == u64::MAX || pages > MANY || (start == 0 && size == 0) {
                match function {
                    1 => hart.tlb.flush(false),
                    _ => hart.tlb.flush_asid(asid as u16 & 0x7fff),
                }
            } else {
                for page in 0..pages.max(1) {
                    hart.tlb.flush_page(start.wrapping_add(page * PAGE_SIZE));
                }
            }
            hart.fetch_page = None;
        }),
        _ => Err(Error::NotSupported),
    }
}

/// Hart state management (9).
fn manage(board: &mut Virt, cpu: usize, function: u64, args: &[u64; 6]) -> Answer {
    let target = usize::try_from(args[0]).unwrap_or(usize::MAX);
    match function {
        0 => {
            let hart = board.harts.get_mut(target).ok_or(Error::InvalidParam)?;
            if hart.activity != Activity::Stopped {
                return Err(Error::AlreadyAvailable);
            }
            if !board.ram.contains(Phys(args[1])) {
                return Err(Error::InvalidAddress);
            }
            prepare(hart);
            hart.pc = args[1];
            hart.satp = 0;
            hart.mstatus &= !cpu::riscv64::csr::status::SIE;
            hart.regs[usize::from(reg::A0)] = args[0];
            hart.regs[usize::from(reg::A1)] = args[2];
            hart.activity = Activity::Running;
            Ok(0)
        }
        1 => {
            board.harts[cpu].activity = Activity::Stopped;
            board.harts[cpu].host.attention = true;
            Err(Error::Failed) // is seen only if the hart goes on
        }
        2 => {
            let hart = board.harts.get(target).ok_or(Error::InvalidParam)?;
            Ok(match hart.activity {
                Activity::Running | Activity::Waiting => 0,
                Activity::Stopped => 1,
            })
        }
        // Suspending: the retentive kind is what WFI does.
        3 if args[0] == 0 => {
            board.harts[cpu].activity = Activity::Waiting;
            board.harts[cpu].host.attention = true;
            Ok(0)
        }
        3 => Err(Error::InvalidParam),
        _ => Err(Error::NotSupported),
    }
}

/// The debug console (12).
fn console(board: &mut Virt, function: u64, args: &[u64; 6], now: Time) -> Answer {
    match function {
        0 => {
            let len = args[0].min(MOST_BYTES);
            let bytes = board
                .ram
                .slice(Phys(args[1]), len)
                .filter(|_| args[2] == 0)
                .ok_or(Error::InvalidParam)?
                .to_vec();
            for byte in bytes {
                board.chips.peripherals.print(byte, now);
            }
            Ok(len)
        }
        1 => {
            let len = args[0].min(MOST_BYTES);
            if args[2] != 0 || board.ram.slice(Phys(args[1]), len).is_none() {
                return Err(Error::InvalidParam);
            }
            let bytes = board.chips.peripherals.take_input(len as usize);
            board.ram.write_bytes(Phys(args[1]), &bytes);
            Ok(bytes.len() as u64)
        }
        2 => {
            board.chips.peripherals.print(args[0] as u8, now);
            Ok(0)
        }
        _ => Err(Error::NotSupported),
    }
}

/// The legacy calls (5): their value is in a0, and a mask of harts lies in virtual memory.
fn legacy(
    board: &mut Virt,
    cpu: usize,
    number: u64,
    args: &[u64; 6],
    now: Time,
) -> Option<Outcome> {
    let mask = |board: &Virt, address: u64| match address {
        0 => u64::MAX,
        _ => board.peek(cpu, address, base::Width::B8).unwrap_or(0),
    };
    let all = |mask: u64, board: &Virt| mask & (u64::MAX >> (64 - board.harts.len()));
    let value = match number {
        0 => {
            set_timer(board, cpu, args[0]);
            0
        }
        1 => {
            board.chips.peripherals.print(args[0] as u8, now);
            0
        }
        2 => match board.chips.peripherals.take_input(1).first() {
            Some(byte) => u64::from(*byte),
            None => u64::MAX,
        },
        3 => {
            board.harts[cpu].mip &= !interrupt::SSIP;
            0
        }
        4 => {
            let harts = all(mask(board, args[0]), board);
            let _ = each(board, harts, 0, |hart| hart.mip |= interrupt::SSIP);
            0
        }
        5..=7 => {
            let harts = all(mask(board, args[0]), board);
            let call = [harts, 0, args[1], args[2], args[3], 0];
            let _ = fence(board, number - 5, &call);
            0
        }
        _ => return Some(Outcome::PowerOff),
    };
    board.harts[cpu].regs[usize::from(reg::A0)] = value;
    None
}
