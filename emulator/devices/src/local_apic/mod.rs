//! The local APIC (SDM vol. 3, chapter 11), one for each CPU, in xAPIC and x2APIC mode.
//!
//! Key type: [`LocalApic`]. Its CPU asks [`LocalApic::pending`] (a field's worth of work), takes the interrupt with
//! [`LocalApic::acknowledge`], and looks at [`LocalApic::take_signal`] for what is not a vector. Its bus carries
//! what [`LocalApic::take_outgoing`] gives to the others (`apic_bus`) and to the I/O APIC. The same registers
//! stand in memory ([`Device`], xAPIC) and behind MSRs ([`LocalApic::read_msr`], x2APIC); `register` numbers them
//! once for both. Vectors in IRR, ISR and TMR are `vectors`, the timer is `timer`.
//!
//! Left out: focus processors, arbitration, CMCI, EOI-broadcast suppression, level-triggered LINT pins.

mod register;
mod timer;
mod vectors;

use crate::apic_bus::{Delivery, Destination, Message};
use base::{Codec, CodecError, Device, Io, Phys, State, Time, Width};
use register::{Lvt, Register};
use timer::{Mode, Timer};
use vectors::Vectors;

const IA32_APIC_BASE: u64 = 0x1b;
const IA32_TSC_DEADLINE: u64 = 0x6e0;
const X2APIC_FIRST: u64 = 0x800;

/// IA32_APIC_BASE (11.4.4): bits 35..12 are the address.
mod apic_base {
    pub const BSP: u64 = 1 << 8;
    pub const EXTD: u64 = 1 << 10;
    pub const EN: u64 = 1 << 11;
    pub const ADDRESS: u64 = 0xf_ffff_f000;
    pub const DEFAULT_ADDRESS: u64 = 0xfee0_0000;
}

/// Version 0x14 with as many LVT entries as we have (11.4.8).
const VERSION: u32 = 0x14 | (Lvt::COUNT as u32 - 1) << 16;

/// Error status register (11.5.3).
mod esr {
    pub const SEND_ILLEGAL_VECTOR: u32 = 1 << 5;
    pub const RECEIVED_ILLEGAL_VECTOR: u32 = 1 << 6;
    pub const ILLEGAL_REGISTER: u32 = 1 << 7;
}

const SVR_ENABLE: u32 = 1 << 8;
const LVT_MASKED: u32 = 1 << 16;
/// The vectors below this one are reserved (11.5.2).
const FIRST_LEGAL_VECTOR: u8 = 16;

/// What a local APIC tells the rest of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// An inter-processor interrupt.
    Ipi(Message),
    /// A level-triggered interrupt has ended: for the I/O APICs.
    EndOfInterrupt(u8),
}

/// What a local APIC tells its CPU beside vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Reset, and wait for a start-up.
    Init,
    /// Start in real mode at this page, if waiting for that.
    StartUp(u8),
    /// Non-maskable interrupt.
    Nmi,
}

/// One CPU's interrupt controller.
#[derive(Clone, Debug)]
pub struct LocalApic {
    id: u32,
    base: u64,
    tpr: u8,
    ldr: u32,
    dfr: u32,
    svr: u32,
    isr: Vectors,
    tmr: Vectors,
    irr: Vectors,
    /// ESR as software reads it, and the errors since it was last written.
    esr: u32,
    errors: u32,
    icr: u64,
    lvt: [u32; Lvt::COUNT],
    timer: Timer,
    /// The timer has gone off, and nobody has taken that up yet.
    expired: bool,
    /// The levels of LINT0 and LINT1.
    pins: [bool; 2],
    nmi: bool,
    init: bool,
    start_up: Option<u8>,
    ipi: Option<Message>,
    ended: Option<u8>,
    /// The highest vector in IRR that PPR lets pass: follows from the registers, kept because it is asked often.
    deliverable: Option<u8>,
}

impl LocalApic {
    /// The APIC of the CPU with this id, after power-up. Id 0 is the bootstrap processor.
    pub fn new(id: u32) -> Self {
        let bsp = if id == 0 { apic_base::BSP } else { 0 };
        Self {
            id,
            base: apic_base::DEFAULT_ADDRESS | apic_base::EN | bsp,
            tpr: 0,
            ldr: 0,
            dfr: u32::MAX,
            svr: 0xff,
            isr: Vectors::default(),
            tmr: Vectors::default(),
            irr: Vectors::default(),
            esr: 0,
            errors: 0,
            icr: 0,
            lvt: [LVT_MASKED; Lvt::COUNT],
            timer: Timer::new(),
            expired: false,
            pins: [false; 2],
            nmi: false,
            init: false,
            start_up: None,
            ipi: None,
            ended: None,
            deliverable: None,
        }
    }

    /// Does what firmware does on the bootstrap processor before it starts a kernel: virtual wire mode (MP
    /// specification 1.4, 3.6.2.2), in which LINT0 passes the 8259 pair's interrupts and LINT1 is NMI.
    pub fn enter_virtual_wire_mode(&mut self) {
        self.svr |= SVR_ENABLE;
        self.lvt[Lvt::Lint0 as usize] = 0x700;
        self.lvt[Lvt::Lint1 as usize] = 0x400;
    }

    /// The APIC id.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Whether it is there at all: IA32_APIC_BASE's EN.
    pub const fn is_enabled(&self) -> bool {
        self.base & apic_base::EN != 0
    }

    /// Where its registers stand in memory: nowhere when it is disabled or in x2APIC mode.
    pub const fn mmio_base(&self) -> Option<Phys> {
        match self.base & (apic_base::EN | apic_base::EXTD) {
            apic_base::EN => Some(Phys(self.base & apic_base::ADDRESS)),
            _ => None,
        }
    }

    /// The vector that the CPU would get if it took an interrupt now.
    #[inline]
    pub const fn pending(&self) -> Option<u8> {
        self.deliverable
    }

    /// Whether the 8259 pair's interrupt reaches the CPU through LINT0: the vector is then the pair's to say.
    pub const fn external_pending(&self) -> bool {
        let lint0 = self.lvt[Lvt::Lint0 as usize];
        // With the APIC off, LINT0 is the CPU's INTR pin (11.4.3).
        let passes = !self.is_enabled() || lint0 & LVT_MASKED == 0 && lint0 >> 8 & 7 == 7;
        self.pins[0] && passes
    }

    /// The CPU takes the pending vector: it moves from IRR to ISR. If it has gone meanwhile (TPR was raised, the
    /// vector was masked), this is a spurious interrupt, which ISR does not see (11.9).
    pub fn acknowledge(&mut self) -> u8 {
        let Some(vector) = self.deliverable else {
            return self.svr as u8;
        };
        self.irr.put(vector, false);
        self.isr.put(vector, true);
        self.refresh();
        vector
    }

    /// What waits for the CPU beside vectors, the strongest first.
    #[inline]
    pub fn take_signal(&mut self) -> Option<Signal> {
        if std::mem::take(&mut self.init) {
            Some(Signal::Init)
        } else if let Some(page) = self.start_up.take() {
            Some(Signal::StartUp(page))
        } else {
            std::mem::take(&mut self.nmi).then_some(Signal::Nmi)
        }
    }

    /// Whether [`LocalApic::take_signal`] has something: it ends a halt.
    #[inline]
    pub const fn has_signal(&self) -> bool {
        self.init || self.nmi || self.start_up.is_some()
    }

    /// What a write, or the end of an interrupt, has to tell others. An access leaves at most one of them.
    #[inline]
    pub fn take_outgoing(&mut self) -> Option<Outgoing> {
        if let Some(message) = self.ipi.take() {
            return Some(Outgoing::Ipi(message));
        }
        self.ended.take().map(Outgoing::EndOfInterrupt)
    }

    /// Whether the timer has gone off since the last call. The interrupt comes when somebody calls
    /// [`LocalApic::timer_interrupt`], usually at once.
    #[inline]
    pub const fn take_expiry(&mut self) -> bool {
        std::mem::replace(&mut self.expired, false)
    }

    /// Whether [`LocalApic::take_expiry`] has something.
    #[inline]
    pub const fn has_expired(&self) -> bool {
        self.expired
    }

    /// The timer's interrupt, as its LVT entry has it now.
    pub fn timer_interrupt(&mut self) {
        self.raise(Lvt::Timer);
    }

    /// Sets the level of LINT`pin` (0 or 1).
    pub fn set_lint(&mut self, pin: usize, level: bool) {
        let (lvt, pin) = match pin {
            0 => (Lvt::Lint0, &mut self.pins[0]),
            _ => (Lvt::Lint1, &mut self.pins[1]),
        };
        let rising = level && !*pin;
        *pin = level;
        if rising && self.is_enabled() {
            self.raise(lvt);
        }
    }

    /// Whether a message with this physical or logical destination is for us (11.6.2, 11.12.10).
    pub fn is_addressed(&self, destination: Destination) -> bool {
        if !self.is_enabled() {
            return false;
        }
        match destination {
            Destination::All | Destination::Others => true,
            Destination::Physical(id) => id == self.id,
            Destination::Logical(address) if self.x2apic() => {
                let own = self.read_ldr();
                address == u32::MAX || address >> 16 == own >> 16 && address & own & 0xffff != 0
            }
            Destination::Logical(address) => {
                let (address, own) = (address as u8, (self.ldr >> 24) as u8);
                match self.dfr >> 28 {
                    0xf => address & own != 0,
                    _ => address == 0xff || address >> 4 == own >> 4 && address & own & 0xf != 0,
                }
            }
        }
    }

    /// Whether fixed interrupts are accepted: the software enable of SVR (11.4.7.2).
    pub const fn accepts_vectors(&self) -> bool {
        self.is_enabled() && self.svr & SVR_ENABLE != 0
    }

    /// PPR: the priority that the CPU runs at (11.8.3.1).
    pub fn priority(&self) -> u8 {
        let in_service = self.isr.highest().unwrap_or(0);
        if self.tpr >> 4 >= in_service >> 4 {
            self.tpr
        } else {
            in_service & 0xf0
        }
    }

    /// Takes a message that is addressed to us.
    pub fn receive(&mut self, message: &Message) {
        match message.delivery {
            Delivery::Fixed | Delivery::LowestPriority => {
                self.accept(message.vector, message.level)
            }
            Delivery::Nmi => self.nmi = true,
            Delivery::Init => self.init_reset(),
            Delivery::StartUp => self.start_up = Some(message.vector),
            // The pair's INTR is wired to LINT0 alone; SMM does not exist here.
            Delivery::ExtInt | Delivery::Smi => {}
        }
    }

    /// Reads one of the MSRs that belong to the APIC: IA32_APIC_BASE, IA32_TSC_DEADLINE, or a register by its
    /// x2APIC number. The CPU checks the mode (CR8 is TPR in either), and faults where this reads as zero.
    pub fn read_msr(&mut self, msr: u64, now: Time) -> u64 {
        match msr {
            IA32_APIC_BASE => self.base,
            IA32_TSC_DEADLINE => {
                self.advance_timer(now);
                self.timer.armed_deadline(self.timer_mode())
            }
            _ => match Register::decode(msr.wrapping_sub(X2APIC_FIRST)) {
                Some(Register::IcrLow) => self.icr,
                Some(register) => u64::from(self.read_register(register, now)),
                None => 0,
            },
        }
    }

    /// What the register with x2APIC number `number` holds at `now`, in either mode, for monitors: nothing changes.
    pub fn peek(&self, number: u64, now: Time) -> u64 {
        self.clone().read_msr(X2APIC_FIRST + number, now)
    }

    /// The name of one of the MSRs that [`LocalApic::read_msr`] reads.
    pub fn msr_name(&self, msr: u64) -> &'static str {
        match msr {
            IA32_APIC_BASE => "IA32_APIC_BASE",
            IA32_TSC_DEADLINE => "IA32_TSC_DEADLINE",
            // x2APIC numbers count in registers, offsets in 16 bytes (SDM vol. 3, 11.12.1.2).
            _ => self.register(msr.wrapping_sub(X2APIC_FIRST) << 4),
        }
    }

    /// Writes one of the MSRs that [`LocalApic::read_msr`] reads. IA32_TSC_DEADLINE is in virtual nanoseconds: the
    /// CPU has taken its time-stamp counter's offset out.
    pub fn write_msr(&mut self, msr: u64, value: u64, now: Time) {
        match msr {
            IA32_APIC_BASE => self.write_base(value),
            IA32_TSC_DEADLINE => {
                self.advance_timer(now);
                self.timer.set_deadline(value, self.timer_mode());
                self.advance_timer(now);
            }
            _ => match Register::decode(msr.wrapping_sub(X2APIC_FIRST)) {
                Some(Register::IcrLow) => {
                    self.icr = value;
                    self.send();
                }
                Some(Register::SelfIpi) => self.accept(value as u8, false),
                Some(register) => self.write_register(register, value as u32, now),
                None => self.error(esr::ILLEGAL_REGISTER),
            },
        }
    }

    const fn x2apic(&self) -> bool {
        self.base & apic_base::EXTD != 0
    }

    const fn timer_mode(&self) -> Mode {
        Mode::of(self.lvt[Lvt::Timer as usize])
    }

    /// The state after INIT: everything as at power-up but who and where we are (11.4.7.3).
    fn init_reset(&mut self) {
        *self = Self {
            base: self.base,
            pins: self.pins,
            init: true,
            ..Self::new(self.id)
        };
    }

    /// Mode changes the manual forbids (figure 11-28) are ignored; the CPU has faulted.
    fn write_base(&mut self, value: u64) {
        let mode = |base| (base & apic_base::EN != 0, base & apic_base::EXTD != 0);
        match (mode(self.base), mode(value)) {
            (_, (false, true)) | ((true, true), (true, false)) | ((false, _), (true, true)) => {
                return;
            }
            ((true, _), (false, false)) => {
                *self = Self {
                    pins: self.pins,
                    ..Self::new(self.id)
                };
            }
            _ => {}
        }
        self.base = value & (apic_base::ADDRESS | apic_base::EN | apic_base::EXTD | apic_base::BSP);
    }

    /// Recomputes which vector may be delivered; after each change of IRR, ISR, TPR or SVR.
    fn refresh(&mut self) {
        let requested = self.irr.highest().filter(|_| self.accepts_vectors());
        self.deliverable = requested.filter(|vector| vector >> 4 > self.priority() >> 4);
    }

    fn accept(&mut self, vector: u8, level: bool) {
        if vector < FIRST_LEGAL_VECTOR {
            return self.error(esr::RECEIVED_ILLEGAL_VECTOR);
        }
        if self.accepts_vectors() {
            self.irr.put(vector, true);
            self.tmr.put(vector, level);
            self.refresh();
        }
    }

    /// Something local happened: does what its LVT entry says.
    fn raise(&mut self, lvt: Lvt) {
        let entry = self.lvt[lvt as usize];
        if entry & LVT_MASKED != 0 {
            return;
        }
        match Delivery::decode(u64::from(entry >> 8)) {
            Some(Delivery::Fixed) => self.accept(entry as u8, false),
            Some(Delivery::Nmi) => self.nmi = true,
            Some(Delivery::Init) => self.init_reset(),
            // ExtInt is a level, see `external_pending`.
            _ => {}
        }
    }

    fn error(&mut self, bit: u32) {
        let is_new = self.errors & bit == 0;
        self.errors |= bit;
        // An illegal vector in the error entry itself must not come back here.
        if is_new && self.lvt[Lvt::Error as usize] as u8 >= FIRST_LEGAL_VECTOR {
            self.raise(Lvt::Error);
        }
    }

    fn end_of_interrupt(&mut self) {
        let Some(vector) = self.isr.highest() else {
            return;
        };
        self.isr.put(vector, false);
        if self.tmr.contains(vector) {
            self.ended = Some(vector);
        }
        self.refresh();
    }

    /// Sends what the interrupt command register says (11.6.1).
    ///
    /// ```text
    /// 63..56 (x2APIC: 63..32) | 19..18    | 15      | 14    | 11      | 10..8    | 7..0
    /// destination             | shorthand | trigger | level | logical | delivery | vector
    /// ```
    fn send(&mut self) {
        let icr = self.icr;
        let vector = icr as u8;
        let Some(delivery) = Delivery::decode(icr >> 8) else {
            return;
        };
        let carries_vector = matches!(delivery, Delivery::Fixed | Delivery::LowestPriority);
        if carries_vector && vector < FIRST_LEGAL_VECTOR {
            return self.error(esr::SEND_ILLEGAL_VECTOR);
        }
        // The INIT level de-assert only synchronised arbitration, long ago.
        if delivery == Delivery::Init && icr >> 14 & 3 == 0b10 {
            return;
        }
        let (address, broadcast) = if self.x2apic() {
            ((icr >> 32) as u32, u32::MAX)
        } else {
            ((icr >> 56) as u32, 0xff)
        };
        let destination = match icr >> 18 & 3 {
            0 if icr >> 11 & 1 != 0 => Destination::Logical(address),
            0 if address == broadcast => Destination::All,
            0 => Destination::Physical(address),
            // Only a fixed interrupt may be sent to oneself by shorthand (table 11-3).
            1 | 2 if delivery != Delivery::Fixed => return,
            1 => return self.accept(vector, false),
            2 => Destination::All,
            _ => Destination::Others,
        };
        self.ipi = Some(Message {
            destination,
            delivery,
            vector,
            level: false,
        });
    }

    /// In x2APIC mode the logical id follows from the id (11.12.10.2).
    const fn read_ldr(&self) -> u32 {
        if self.x2apic() {
            self.id >> 4 << 16 | 1 << (self.id & 0xf)
        } else {
            self.ldr
        }
    }

    fn read_register(&mut self, register: Register, now: Time) -> u32 {
        match register {
            Register::Id if self.x2apic() => self.id,
            Register::Id => self.id << 24,
            Register::Version => VERSION,
            Register::Tpr => u32::from(self.tpr),
            Register::Ppr => u32::from(self.priority()),
            Register::Ldr => self.read_ldr(),
            Register::Dfr => self.dfr,
            Register::Svr => self.svr,
            Register::Isr(index) => self.isr.register(index),
            Register::Tmr(index) => self.tmr.register(index),
            Register::Irr(index) => self.irr.register(index),
            Register::Esr => self.esr,
            Register::IcrLow => self.icr as u32,
            Register::IcrHigh => (self.icr >> 32) as u32,
            Register::Lvt(lvt) => self.lvt[lvt as usize],
            Register::InitialCount => self.timer.initial(),
            Register::CurrentCount => {
                self.advance_timer(now);
                self.timer.current(self.timer_mode(), now)
            }
            Register::DivideConfiguration => self.timer.divide(),
            // Write-only.
            Register::Eoi | Register::SelfIpi => 0,
        }
    }

    fn write_register(&mut self, register: Register, value: u32, now: Time) {
        match register {
            Register::Tpr => {
                self.tpr = value as u8;
                self.refresh();
            }
            Register::Eoi => self.end_of_interrupt(),
            Register::Ldr if !self.x2apic() => self.ldr = value & 0xff00_0000,
            Register::Dfr if !self.x2apic() => self.dfr = value | 0x0fff_ffff,
            Register::Svr => {
                self.svr = value & 0x1ff;
                if !self.accepts_vectors() {
                    self.lvt.iter_mut().for_each(|entry| *entry |= LVT_MASKED);
                }
                self.refresh();
            }
            // Writing latches the errors since the last write.
            Register::Esr => self.esr = std::mem::take(&mut self.errors),
            Register::IcrLow => {
                self.icr = self.icr & 0xffff_ffff_0000_0000 | u64::from(value);
                self.send();
            }
            Register::IcrHigh => self.icr = self.icr & 0xffff_ffff | u64::from(value) << 32,
            Register::Lvt(lvt) => self.write_lvt(lvt, value, now),
            Register::InitialCount => {
                self.advance_timer(now);
                self.timer.start(value, self.timer_mode(), now);
            }
            Register::DivideConfiguration => {
                self.advance_timer(now);
                self.timer.set_divide(value, self.timer_mode(), now);
            }
            // Read-only, or of the other mode.
            Register::Id
            | Register::Version
            | Register::Ppr
            | Register::Ldr
            | Register::Dfr
            | Register::Isr(_)
            | Register::Tmr(_)
            | Register::Irr(_)
            | Register::CurrentCount
            | Register::SelfIpi => {}
        }
    }

    /// Each entry has the fields that figure 11-8 gives it; while the APIC is software-disabled all stay masked.
    fn write_lvt(&mut self, lvt: Lvt, value: u32, now: Time) {
        self.advance_timer(now);
        let fields = match lvt {
            Lvt::Timer => 0x7_00ff,
            Lvt::Lint0 | Lvt::Lint1 => 0x1_a7ff,
            Lvt::Thermal | Lvt::PerformanceCounter => 0x1_07ff,
            Lvt::Error => 0x1_00ff,
        };
        let mut entry = value & fields;
        if !self.accepts_vectors() {
            entry |= LVT_MASKED;
        }
        if lvt == Lvt::Timer {
            self.timer.change_mode(self.timer_mode(), Mode::of(entry));
        }
        self.lvt[lvt as usize] = entry;
    }

    fn advance_timer(&mut self, now: Time) {
        if self.timer.advance(self.timer_mode(), now) {
            // Behind a mask nobody notices.
            self.expired |= self.lvt[Lvt::Timer as usize] & LVT_MASKED == 0;
        }
    }
}

impl Device for LocalApic {
    fn name(&self) -> &'static str {
        "local_apic"
    }

    fn register(&self, offset: u64) -> &'static str {
        Register::decode(offset >> 4).map_or("reserved", Register::name)
    }

    /// The xAPIC registers: 32 bits at the start of each 16 bytes (11.4.1). Everything else reads as zero.
    fn read(&mut self, offset: u64, width: Width, io: &mut Io<'_>) -> u64 {
        let byte = offset & 15;
        if self.mmio_base().is_none() || byte > 3 {
            return 0;
        }
        match Register::decode(offset >> 4) {
            Some(register) if register != Register::SelfIpi => {
                u64::from(self.read_register(register, io.now)) >> (8 * byte) & width.mask()
            }
            _ => {
                self.error(esr::ILLEGAL_REGISTER);
                0
            }
        }
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, io: &mut Io<'_>) {
        if self.mmio_base().is_none() || offset & 15 != 0 {
            return;
        }
        match Register::decode(offset >> 4) {
            Some(register) if register != Register::SelfIpi => {
                self.write_register(register, value as u32, io.now);
            }
            _ => self.error(esr::ILLEGAL_REGISTER),
        }
    }

    /// Whether the CPU has an interrupt to take, from here or through LINT0.
    #[inline]
    fn irq(&self) -> bool {
        self.deliverable.is_some() || self.external_pending()
    }

    /// The timer's expiry, unless nobody would notice: a masked timer is caught up with when it is looked at.
    #[inline]
    fn deadline(&self) -> Time {
        if self.lvt[Lvt::Timer as usize] & LVT_MASKED != 0 {
            Time::NEVER
        } else {
            self.timer.expiry()
        }
    }

    fn advance(&mut self, io: &mut Io<'_>) {
        self.advance_timer(io.now);
    }
}

impl State for LocalApic {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("local_apic", 2)?;
        codec.u64(&mut self.base)?;
        codec.u8(&mut self.tpr)?;
        codec.u32(&mut self.ldr)?;
        codec.u32(&mut self.dfr)?;
        codec.u32(&mut self.svr)?;
        self.isr.state(codec)?;
        self.tmr.state(codec)?;
        self.irr.state(codec)?;
        codec.u32(&mut self.esr)?;
        codec.u32(&mut self.errors)?;
        codec.u64(&mut self.icr)?;
        self.lvt.iter_mut().try_for_each(|entry| codec.u32(entry))?;
        self.timer.state(codec)?;
        codec.bool(&mut self.expired)?;
        self.pins.iter_mut().try_for_each(|pin| codec.bool(pin))?;
        codec.bool(&mut self.nmi)?;
        codec.bool(&mut self.init)?;
        codec.option(&mut self.start_up, |c, page| c.u8(page))?;
        codec.option(&mut self.ipi, |c, message| message.state(c))?;
        codec.option(&mut self.ended, |c, vector| c.u8(vector))?;
        if codec.loading() {
            self.refresh();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
