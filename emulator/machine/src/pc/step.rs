//! What is x86-64's own in a CPU's turn: interrupts and signals in, traps out, single steps.

use super::Pc;
use super::chips::Chips;
use crate::outcome::Outcome;
use base::{Bus, Event, Observer};
use cpu::x86_64::deliver::{Delivered, Origin};
use cpu::x86_64::reg::{self, rflags};
use cpu::x86_64::trap::vector;
use cpu::x86_64::{Activity, Exception, Hart, Trap};
use devices::local_apic::Signal;
use engine::Stop;

/// How a run of instructions began.
#[derive(Clone, Copy, Debug)]
pub struct Stepping {
    /// With RFLAGS.TF set: a trap follows each instruction.
    on: bool,
    /// In user mode.
    user: bool,
}

/// How many instructions CPU number `cpu` may run before somebody has to look.
pub(super) fn prepare(pc: &mut Pc, cpu: usize, left: u64) -> (u64, Stepping) {
    let hart = &mut pc.harts[cpu];
    let shadow = std::mem::take(&mut hart.shadow);
    let stepping = Stepping {
        on: hart.regs[usize::from(reg::RFLAGS)] & rflags::TF != 0,
        user: hart.cpl != 0,
    };
    // An interrupt that waits is taken behind the shadow's one instruction; one that comes later ends the run itself.
    let waiting = hart.nmi_pending || pc.chips.interrupt_pending(cpu);
    let one = stepping.on || shadow && waiting;
    (if one { 1 } else { left }, stepping)
}

/// Delivers what the end of a run asks for; says how many instructions that completes.
pub(super) fn stopped<O: Observer>(
    pc: &mut Pc,
    cpu: usize,
    stop: Stop<Trap>,
    stepping: Stepping,
    observer: &mut O,
) -> Result<u64, Outcome> {
    let (exception, origin, completed) = match stop {
        Stop::Trap(Trap::Fault(exception)) => (exception, Origin::Exception, 0),
        Stop::Trap(Trap::Software { exception, next }) => (exception, Origin::Software { next }, 1),
        Stop::Trap(Trap::Debug { next }) => {
            pc.harts[cpu].pc = next;
            (Exception::DEBUG, Origin::Exception, 1)
        }
        Stop::Trap(Trap::Gap(gap)) => return Err(Outcome::Gap { cpu, gap }),
        Stop::Budget | Stop::Attention => {
            if !stepping.on || !single_step(&mut pc.harts[cpu], stepping.user) {
                return Ok(0);
            }
            (Exception::DEBUG, Origin::Exception, 0)
        }
    };
    deliver(pc, cpu, exception, origin, observer)?;
    Ok(completed)
}

/// Whether a trap comes behind an instruction that began with RFLAGS.TF set (SDM vol. 3, 18.3.1.4), in user mode or not.
/// A load of SS puts it off by one instruction, and a SYSCALL that masks TF does away with it.
fn single_step(hart: &mut Hart, user: bool) -> bool {
    const BS: u64 = 1 << 14;
    let masked = hart.regs[usize::from(reg::RFLAGS)] & rflags::TF == 0;
    if hart.shadow || (user && hart.cpl == 0 && masked) {
        return false;
    }
    hart.dr[6] |= BS;
    true
}

/// Takes a waiting interrupt, if the CPU may.
pub(super) fn interrupt<O: Observer>(
    pc: &mut Pc,
    cpu: usize,
    observer: &mut O,
) -> Result<(), Outcome> {
    let hart = &mut pc.harts[cpu];
    if hart.shadow || !matches!(hart.activity, Activity::Running | Activity::Halted) {
        return Ok(());
    }
    let number = if hart.nmi_pending && !hart.nmi_blocked {
        hart.nmi_pending = false;
        vector::NMI
    } else if hart.interrupts_on() {
        match pc.chips.acknowledge(cpu) {
            Some(number) => number,
            None => return Ok(()),
        }
    } else {
        return Ok(());
    };
    if O::ON {
        let number = u16::from(number);
        pc.emit(cpu, pc.chips.now(0), &Event::IrqAck { number }, observer);
    }
    pc.harts[cpu].activity = Activity::Running;
    let exception = Exception {
        vector: number,
        error: None,
        address: None,
    };
    deliver(pc, cpu, exception, Origin::External, observer)
}

fn deliver<O: Observer>(
    pc: &mut Pc,
    cpu: usize,
    exception: Exception,
    origin: Origin,
    observer: &mut O,
) -> Result<(), Outcome> {
    match pc.cpu(cpu, observer).deliver(exception, origin, 0) {
        Ok(Delivered::Entered) => Ok(()),
        Err(Trap::Gap(gap)) => Err(Outcome::Gap { cpu, gap }),
        Ok(Delivered::TripleFault) | Err(_) => Err(Outcome::TripleFault { cpu }),
    }
}

/// Carries INIT, start-up and NMI signals from the local APICs to their CPUs, and wakes halted CPUs that have an
/// interrupt to take.
pub(super) fn apply_signals(chips: &mut Chips, harts: &mut [Hart]) {
    for (cpu, hart) in harts.iter_mut().enumerate() {
        while let Some(signal) = chips.take_signal(cpu) {
            match signal {
                Signal::Init => hart.init(),
                Signal::StartUp(page) => hart.sipi(page),
                Signal::Nmi => hart.nmi_pending = true,
            }
        }
        let nmi = hart.nmi_pending && !hart.nmi_blocked;
        let wakes = nmi || (hart.interrupts_on() && chips.interrupt_pending(cpu));
        if hart.activity == Activity::Halted && wakes {
            hart.activity = Activity::Running;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::machine;
    use crate::{Limits, Outcome};
    use base::Silent;

    /// Loads an IDT whose gate 1 leads to a handler that counts in EBX the instructions stepped over, then steps.
    #[rustfmt::skip]
    const STEPPED: &[u8] = &[
        0xeb, 0x16,                                 // 00 jmp 18
        0x43,                                       // 02 inc ebx
        0xcf,                                       // 03 iret
        0, 0, 0, 0,
        0x02, 0, 0x08, 0, 0, 0x8e, 0x10, 0,         // 08 gate 1: 8:100002
        0x0f, 0x00, 0x00, 0x00, 0x10, 0x00, 0, 0,   // 10 limit, base: 100000
        0xbc, 0x00, 0x00, 0x20, 0x00,               // 18 mov esp, 200000
        0x0f, 0x01, 0x15, 0x30, 0x00, 0x10, 0x00,   // 1d lgdt [100030]
        0x0f, 0x01, 0x1d, 0x10, 0x00, 0x10, 0x00,   // 24 lidt [100010]
        0x31, 0xdb,                                 // 2b xor ebx, ebx
        0x90, 0xeb, 0x20,                           // 2d nop; jmp 50
        0x17, 0x00, 0x36, 0x00, 0x10, 0x00,         // 30 limit, base: 100036
        0, 0, 0, 0, 0, 0, 0, 0,
        0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0,         // 3e selector 8: code
        0xff, 0xff, 0, 0, 0, 0x93, 0xcf, 0,         // 46 selector 10: data
        0x90, 0x90,
        0x9c,                                       // 50 pushf
        0x81, 0x0c, 0x24, 0x00, 0x01, 0x00, 0x00,   //    or dword [esp], 100
        0x9d,                                       //    popf
        0x90,                                       //    nop
        0x66, 0x8c, 0xd0, 0x8e, 0xd0,               //    mov ax, ss; mov ss, ax
        0x90,                                       //    nop: no trap between the load and this
        0x9c,                                       //    pushf
        0x81, 0x24, 0x24, 0xff, 0xfe, 0xff, 0xff,   //    and dword [esp], ~100
        0x9d,                                       //    popf: the last that traps
        0x90,                                       //    nop
        0x89, 0xd8, 0xe7, 0xf4,                     //    mov eax, ebx; out f4, eax
    ];

    #[test]
    fn tf_traps_behind_each_instruction_and_not_behind_a_load_of_ss() {
        let mut machine = machine(STEPPED, 1);
        let outcome = machine.run(&Limits::default(), &mut Silent);
        // nop, mov ax, (mov ss and) nop, pushf, and, popf
        assert_eq!(outcome, Outcome::Exit(6));
    }
}
