//! One hart's state: what the manuals call its registers, without the chips around it.

use super::csr::{MCOUNTEREN, envcfg, interrupt, status};
use super::mode::Mode;
use super::pmp::Pmp;
use super::reg::{FFLAGS, FRM};
use crate::hart::{Counters, Host};
use crate::mmu::tlb::{Shape, Tlb};
use base::{Codec, CodecError, State, Time};
use ir::Regs;
use ir::reg::{FP_FAST, fp_fast};

/// A privilege mode, by its encoding (Privileged spec, 1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Privilege {
    /// User.
    User = 0,
    /// Supervisor.
    Supervisor = 1,
    /// Machine.
    #[default]
    Machine = 3,
}

impl Privilege {
    /// The mode with this encoding; the reserved one is none.
    pub const fn decode(number: u64) -> Option<Self> {
        match number & 3 {
            0 => Some(Self::User),
            1 => Some(Self::Supervisor),
            3 => Some(Self::Machine),
            _ => None,
        }
    }
}

/// View numbers for the TLB.
pub mod view {
    /// User mode.
    pub const USER: usize = 0;
    /// Supervisor mode, kept out of user pages.
    pub const SUPERVISOR: usize = 1;
    /// Supervisor mode with sstatus.SUM set.
    pub const SUPERVISOR_SUM: usize = 2;
    /// Machine mode: no translation.
    pub const MACHINE: usize = 3;
}

/// What the hart is doing between instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Activity {
    /// Executing.
    #[default]
    Running = 0,
    /// WFI: waits for an interrupt.
    Waiting = 1,
    /// Waits to be started (SBI HSM).
    Stopped = 2,
}

/// A hart.
pub struct Hart {
    /// The register file that lifted code works on.
    pub regs: Regs,
    /// The program counter.
    pub pc: u64,
    /// The privilege mode.
    pub privilege: Privilege,
    /// Its number, mhartid.
    pub id: u64,
    /// mstatus (sstatus is a part of it).
    pub mstatus: u64,
    /// Exceptions that S-mode handles.
    pub medeleg: u64,
    /// Interrupts that S-mode handles.
    pub mideleg: u64,
    /// Interrupts that are enabled.
    pub mie: u64,
    /// Interrupts that wait, as software sees them set; the lines of [`Hart::lines`] come on top.
    pub mip: u64,
    /// Interrupts whose line the board asserts, in the places of mip.
    pub lines: u64,
    /// Whether the board hides that stimecmp has been reached.
    pub timer_hidden: bool,
    /// mtvec, mscratch, mepc, mcause, mtval.
    pub m: TrapCsrs,
    /// stvec, sscratch, sepc, scause, stval.
    pub s: TrapCsrs,
    /// mcounteren and scounteren.
    pub counteren: [u64; 2],
    /// mcountinhibit.
    pub countinhibit: u64,
    /// menvcfg and senvcfg.
    pub envcfg: [u64; 2],
    /// satp.
    pub satp: u64,
    /// stimecmp (Sstc), in ticks of the timer.
    pub stimecmp: u64,
    /// Ticks that the time register is ahead of virtual time: the board's, whose timer software can set.
    pub time_offset: u64,
    /// What software added to mcycle and minstret.
    pub counter_offset: [u64; 2],
    /// Instructions retired up to the present run.
    pub retired: u64,
    /// Physical memory protection.
    pub pmp: Pmp,
    /// The reservation of LR: the physical address of its 8 bytes.
    pub reservation: Option<u64>,
    /// The TLB.
    pub tlb: Tlb,
    /// The page that instructions are being fetched from: virtual and physical page number.
    pub fetch_page: Option<(u64, u64)>,
    /// What the hart does.
    pub activity: Activity,
    /// Sstc's comparator has been reached as of the board's last look; derived.
    pub timer_seen: bool,
    /// Whether S-mode's calls are answered by the board (the built-in SBI) instead of M-mode code.
    pub sbi: bool,
    /// Whether probes are lifted; chosen by the host, no machine state.
    pub probes_on: bool,
    /// Whether each instruction is reported; chosen by the host, no machine state.
    pub instructions_on: bool,
    /// What is the host's: figures, marks, what was met.
    pub host: Host,
    mode: Mode,
    view: usize,
    fetch_view: usize,
}

/// The trap registers that M-mode and S-mode have alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrapCsrs {
    /// xtvec.
    pub tvec: u64,
    /// xscratch.
    pub scratch: u64,
    /// xepc.
    pub epc: u64,
    /// xcause.
    pub cause: u64,
    /// xtval.
    pub tval: u64,
}

impl Hart {
    /// Hart number `id` after reset (Privileged spec, 3.4): M-mode, no translation, interrupts off.
    pub fn new(shape: Shape, id: u64) -> Self {
        let mut hart = Self {
            regs: [0; 256],
            pc: 0,
            privilege: Privilege::Machine,
            id,
            mstatus: status::UXL_64 | status::SXL_64,
            medeleg: 0,
            mideleg: 0,
            mie: 0,
            mip: 0,
            lines: 0,
            timer_hidden: false,
            m: TrapCsrs::default(),
            s: TrapCsrs::default(),
            counteren: [0; 2],
            countinhibit: 0,
            // Accessed and dirty bits are hardware's business unless software says otherwise, as on QEMU's boards.
            envcfg: [envcfg::ADUE, 0],
            satp: 0,
            stimecmp: u64::MAX,
            time_offset: 0,
            counter_offset: [0; 2],
            retired: 0,
            pmp: Pmp::default(),
            reservation: None,
            tlb: Tlb::new(shape),
            fetch_page: None,
            activity: Activity::Running,
            timer_seen: false,
            sbi: false,
            probes_on: false,
            instructions_on: false,
            host: Host {
                counters: Counters {
                    traps: vec![0; 64],
                    ..Counters::default()
                },
                ..Host::default()
            },
            mode: Mode::default(),
            view: view::MACHINE,
            fetch_view: view::MACHINE,
        };
        hart.refresh();
        hart
    }

    /// What lifting assumes right now.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// What data accesses may do right now, as the TLB's view.
    pub const fn view(&self) -> usize {
        self.view
    }

    /// What fetches may do right now.
    pub const fn fetch_view(&self) -> usize {
        self.fetch_view
    }

    /// The mode whose rights data accesses have: mstatus.MPRV lends M-mode another's (Privileged spec, 3.1.6.3).
    pub const fn data_privilege(&self) -> Privilege {
        if self.mstatus & status::MPRV != 0 && matches!(self.privilege, Privilege::Machine) {
            match Privilege::decode(self.mstatus >> status::MPP_SHIFT) {
                Some(mode) => mode,
                None => Privilege::User,
            }
        } else {
            self.privilege
        }
    }

    /// Interrupts that wait, from software and from the board's lines. `ticks` is the timer's present value: Sstc's
    /// comparator drives STIP if menvcfg.STCE says so.
    pub const fn pending(&self, ticks: u64) -> u64 {
        let mut pending = self.mip | self.lines;
        if self.envcfg[0] & envcfg::STCE != 0 {
            pending = pending & !interrupt::STIP | self.lines & interrupt::STIP;
            if ticks >= self.stimecmp && !self.timer_hidden {
                pending |= interrupt::STIP;
            }
        }
        pending
    }

    /// Whether the kernel lets interrupts in. A kernel in S-mode is asked for its own: those of M-mode always come.
    pub const fn interrupts_on(&self) -> bool {
        let enabled = match self.privilege {
            Privilege::Machine => self.mstatus & status::MIE != 0,
            Privilege::Supervisor => {
                self.mstatus & status::SIE != 0 || self.mie & self.mideleg == 0
            }
            Privilege::User => true,
        };
        enabled && self.mie != 0
    }

    /// Derives what depends on privilege and status, after any of them changed.
    pub fn refresh(&mut self) {
        let fs = self.mstatus & status::FS;
        self.mode = Mode::new(
            fs != 0,
            fs == status::FS,
            self.probes_on,
            self.instructions_on,
        );
        let of = |mode: Privilege| match mode {
            Privilege::User => view::USER,
            Privilege::Supervisor if self.mstatus & status::SUM != 0 => view::SUPERVISOR_SUM,
            Privilege::Supervisor => view::SUPERVISOR,
            Privilege::Machine => view::MACHINE,
        };
        let (data, fetch) = (of(self.data_privilege()), of(self.privilege));
        self.view = data;
        self.fetch_view = fetch;
        self.fetch_page = None;
        self.host.attention = true;
        self.refresh_float();
    }

    /// Derives how far the host's floating point may serve, after fflags or frm changed.
    pub fn refresh_float(&mut self) {
        const INEXACT: u64 = 1;
        self.regs[usize::from(FP_FAST)] = if self.regs[usize::from(FRM)] != 0 {
            fp_fast::NEVER
        } else if self.regs[usize::from(FFLAGS)] & INEXACT != 0 {
            fp_fast::ROUNDED
        } else {
            fp_fast::EXACT
        };
    }

    /// Whether the guest uses the hart's own timer (Sstc).
    const fn timer_used(&self) -> bool {
        self.envcfg[0] & envcfg::STCE != 0 && self.mie & interrupt::STIP != 0
    }

    /// Whether that timer has gone off; `ticks` is the timer's present value.
    pub const fn timer_due(&self, ticks: u64) -> bool {
        self.timer_used() && ticks >= self.stimecmp
    }

    /// When the hart's own timer (Sstc) goes off, if the guest uses it; `tick` is a timer tick's time.
    pub fn deadline(&self, tick: Time) -> Time {
        if !self.timer_used() {
            return Time::NEVER;
        }
        // The time may have been set back, which makes the offset negative.
        let ticks = i128::from(self.stimecmp) - i128::from(self.time_offset as i64);
        u64::try_from(ticks.max(0) * i128::from(tick.0)).map_or(Time::NEVER, Time)
    }

    /// Whether the counter with this number (0 cycle, 1 time, 2 instret, …) may be read from here.
    pub const fn counter_enabled(&self, number: u64) -> bool {
        let bit = 1 << number;
        let machine = self.counteren[0] & MCOUNTEREN & bit != 0;
        match self.privilege {
            Privilege::Machine => true,
            Privilege::Supervisor => machine,
            Privilege::User => machine && self.counteren[1] & bit != 0,
        }
    }
}

fn trap_csrs(codec: &mut Codec<'_>, csrs: &mut TrapCsrs) -> Result<(), CodecError> {
    codec.u64(&mut csrs.tvec)?;
    codec.u64(&mut csrs.scratch)?;
    codec.u64(&mut csrs.epc)?;
    codec.u64(&mut csrs.cause)?;
    codec.u64(&mut csrs.tval)
}

impl State for Hart {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("riscv64 hart", 3)?;
        for register in 1..=usize::from(FRM) {
            codec.u64(&mut self.regs[register])?;
        }
        codec.u64(&mut self.pc)?;
        let mut privilege = self.privilege as u8;
        codec.u8(&mut privilege)?;
        self.privilege = Privilege::decode(u64::from(privilege))
            .filter(|_| privilege < 4)
            .ok_or(CodecError::BadValue { field: "privilege" })?;
        for field in [
            &mut self.mstatus,
            &mut self.medeleg,
            &mut self.mideleg,
            &mut self.mie,
            &mut self.mip,
            &mut self.lines,
            &mut self.countinhibit,
            &mut self.satp,
            &mut self.stimecmp,
            &mut self.time_offset,
            &mut self.retired,
        ] {
            codec.u64(field)?;
        }
        let pairs = self.counteren.iter_mut().chain(&mut self.envcfg);
        for field in pairs.chain(&mut self.counter_offset) {
            codec.u64(field)?;
        }
        trap_csrs(codec, &mut self.m)?;
        trap_csrs(codec, &mut self.s)?;
        self.pmp.state(codec)?;
        codec.option(&mut self.reservation, |c, address| c.u64(address))?;
        self.tlb.state(codec)?;
        codec.option(&mut self.fetch_page, |c, (page, frame)| {
            c.u64(page)?;
            c.u64(frame)
        })?;
        let mut activity = self.activity as u8;
        codec.u8(&mut activity)?;
        self.activity = match activity {
            0 => Activity::Running,
            1 => Activity::Waiting,
            2 => Activity::Stopped,
            _ => return Err(CodecError::BadValue { field: "activity" }),
        };
        codec.bool(&mut self.sbi)?;
        codec.bool(&mut self.timer_hidden)?;
        if codec.loading() {
            self.timer_seen = false; // the board looks again
            let fetch_page = self.fetch_page;
            self.refresh();
            self.fetch_page = fetch_page;
        }
        Ok(())
    }
}
