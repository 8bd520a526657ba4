//! The board's chips and wires: who answers at which address, and which line goes where.
//!
//! The chips are the CPUs' [`Bus`]. A CPU's turn begins with [`ChipSet::begin`]; from then on every access is stamped
//! with the instant of its instruction. After each access the wires are followed: device lines to the IOAPIC, its
//! messages and the CPUs' own to the local APICs. What the run's chooser has a say in (new disk requests, rising lines,
//! timers that go off) waits for [`ChipSet::vary`], which the run loop calls before the next instruction.

use super::Pc;
use super::step::{self, Stepping};
use crate::board::CpuActivity;
use crate::chipset::ChipSet;
use crate::clock::Clock;
use crate::fault::ask;
use crate::outcome::Outcome;
use crate::peripherals::{Peripherals, Setup, advance};
use crate::wires::{REPEAT, Wires, lines};
use base::event::Event;
use base::{
    Bus, Chooser, Codec, CodecError, Device, Fault, Io, Observer, Phys, Ram, Site, Space, State,
    Time, Width,
};
use cpu::x86_64::{Activity, Hart, Trap};
use devices::apic_bus::{Destination, deliver};
use devices::debug_console::DebugConsole;
use devices::debug_exit::DebugExit;
use devices::fw_cfg::FwCfg;
use devices::ioapic::{IoApic, LINES};
use devices::local_apic::{LocalApic, Outgoing, Signal};
use devices::pic::{self, Pic};
use devices::pit::{self, Pit};
use devices::power::{self, Power};
use devices::rtc::Rtc;
use devices::virtio::block::Block;
use engine::Stop;

/// The first address that is never RAM: devices lie from here to 4 GiB.
pub const DEVICES: u64 = 0xfeb0_0000;
/// The first port of the ACPI power management registers.
pub const POWER: u16 = 0x604;
const FIRST_POWER_PORT: u64 = POWER as u64;
const LAST_POWER_PORT: u64 = FIRST_POWER_PORT + power::LEN - 1;
/// IOAPIC registers.
pub const IOAPIC: u64 = 0xfec0_0000;

/// The first virtio transport; each takes [`VIRTIO_LEN`] bytes and one IOAPIC line from [`line::VIRTIO`].
pub const VIRTIO: u64 = DEVICES;
/// Bytes of one virtio transport.
pub const VIRTIO_LEN: u64 = 0x200;

/// IOAPIC lines.
pub mod line {
    /// ISA IRQ 0, as on every PC with an IOAPIC.
    pub const PIT: usize = 2;
    /// ISA IRQ 4.
    pub const COM1: usize = 4;
    /// ISA IRQ 8.
    pub const RTC: usize = 8;
    /// The first virtio transport's.
    pub const VIRTIO: usize = 16;
}

/// Everything on the board but CPUs and RAM.
pub struct Chips {
    /// The chips that every board has; COM1 is the serial port.
    pub peripherals: Peripherals,
    debug_console: DebugConsole,
    exit: DebugExit,
    power: Power,
    pit: Pit,
    rtc: Rtc,
    /// Numbers and files for the guest's firmware and kernel.
    pub fw_cfg: FwCfg,
    pic: Pic,
    ioapic: IoApic,
    apics: Vec<LocalApic>,
    wires: Wires<LINES>,
    /// When the interrupt of a CPU's timer comes that is late or repeated.
    timers: Vec<Time>,
    /// The CPU that is running.
    cpu: usize,
}

impl Chips {
    /// The chips of a board with `cpus` CPUs, at power-on.
    pub fn new(cpus: usize, disk: Option<Block>, stdio: bool, seed: u64, calendar: u64) -> Self {
        Self {
            peripherals: Peripherals::new(Setup {
                cpus,
                disk,
                stdio,
                legacy_virtio: false,
                seed,
            }),
            debug_console: DebugConsole::new(),
            exit: DebugExit::new(),
            power: Power::new(),
            pit: Pit::new(),
            rtc: Rtc::new(calendar as i64),
            fw_cfg: FwCfg::new(),
            pic: Pic::new(),
            ioapic: IoApic::new(cpus as u8),
            apics: (0..cpus as u32).map(LocalApic::new).collect(),
            wires: Wires::LOW,
            timers: vec![Time::NEVER; cpus],
            cpu: 0,
        }
    }

    /// Lets the 8259 pair's interrupts through to the first CPU, as firmware leaves a PC.
    pub fn enter_virtual_wire_mode(&mut self) {
        self.apics[0].enter_virtual_wire_mode();
    }

    /// The 8259 pair, to look at.
    pub const fn pic(&self) -> &Pic {
        &self.pic
    }

    /// The I/O APIC, to look at.
    pub const fn ioapic(&self) -> &IoApic {
        &self.ioapic
    }

    /// The local APIC of CPU number `cpu`, which exists, to look at.
    pub fn apic(&self, cpu: usize) -> &LocalApic {
        &self.apics[cpu]
    }

    /// The timer of CPU number `cpu` has gone off.
    fn timer(&mut self, cpu: usize, chooser: &mut dyn Chooser, now: Time) {
        let site = Site::Timer;
        let struck = chooser.pass(site);
        if let Some(struck) = struck {
            self.peripherals.report_fault(site, struck, now);
        }
        match struck.map(|struck| struck.fault) {
            Some(Fault::Lost) => return,
            Some(Fault::Late(time)) => {
                self.timers[cpu] = now + time;
                return;
            }
            Some(Fault::Twice) => self.timers[cpu] = now + REPEAT,
            Some(Fault::Cut(cut)) => self.peripherals.cut(cut),
            _ => {}
        }
        self.apics[cpu].timer_interrupt();
    }

    /// The highest-priority vector that waits for CPU number `cpu`, which thereby takes it.
    pub fn acknowledge(&mut self, cpu: usize) -> Option<u8> {
        let apic = &mut self.apics[cpu];
        if apic.pending().is_some() {
            Some(apic.acknowledge())
        } else {
            apic.external_pending().then(|| self.pic.acknowledge())
        }
    }

    /// Whether CPU number `cpu` has an interrupt to take.
    pub fn interrupt_pending(&self, cpu: usize) -> bool {
        self.apics[cpu].pending().is_some() || self.apics[cpu].external_pending()
    }

    /// The next INIT, start-up or NMI signal for CPU number `cpu`.
    pub fn take_signal(&mut self, cpu: usize) -> Option<Signal> {
        self.apics[cpu].take_signal()
    }

    /// Moves output from the chips to the host's side at once.
    fn collect(&mut self, ram: &mut Ram, now: Time) {
        self.peripherals.collect(ram, now);
        if self.debug_console.has_output() {
            self.peripherals
                .print_debug(self.debug_console.take_output());
        }
    }

    /// The chip at a memory address or port, and the offset in it.
    fn at(&mut self, space: Space, addr: u64) -> Option<(&mut dyn Device, u64)> {
        let chip: (&mut dyn Device, u64) = match (space, addr) {
            (Space::Port, 0x40..=0x43) => (&mut self.pit, 0x40),
            (Space::Port, 0x61) => (&mut self.pit, 0x61 - pit::PORT_B),
            (Space::Port, 0x20..=0x21) => (&mut self.pic, 0x20 - pic::FIRST),
            (Space::Port, 0xa0..=0xa1) => (&mut self.pic, 0xa0 - pic::SECOND),
            (Space::Port, 0x4d0..=0x4d1) => (&mut self.pic, 0x4d0 - pic::ELCR),
            (Space::Port, 0x70..=0x71) => (&mut self.rtc, 0x70),
            (Space::Port, 0x510..=0x51b) => (&mut self.fw_cfg, 0x510),
            (Space::Port, 0xe9) => (&mut self.debug_console, 0xe9),
            (Space::Port, 0xf4..=0xf7) => (&mut self.exit, 0xf4),
            (Space::Port, 0x3f8..=0x3ff) => (&mut self.peripherals.serial, 0x3f8),
            (Space::Port, FIRST_POWER_PORT..=LAST_POWER_PORT) => {
                (&mut self.power, FIRST_POWER_PORT)
            }
            (Space::Memory, IOAPIC..=0xfec0_0fff) => (&mut self.ioapic, IOAPIC),
            (Space::Memory, VIRTIO..IOAPIC) => {
                let number = (addr - VIRTIO) / VIRTIO_LEN;
                let chip = self.peripherals.transport(number, true)?;
                (chip, VIRTIO + number * VIRTIO_LEN)
            }
            (Space::Memory, _) => {
                let apic = &mut self.apics[self.cpu];
                let base = apic.mmio_base()?.0;
                if !(base..base + 0x1000).contains(&addr) {
                    return None;
                }
                (apic, base)
            }
            _ => return None,
        };
        Some((chip.0, addr - chip.1))
    }
}

/// The lines that lead to the 8259 pair, too, and their numbers there.
const ISA: [(usize, u8); 3] = [(line::PIT, 0), (line::COM1, 4), (line::RTC, 8)];

impl Chips {
    /// Shows the wires' levels to the interrupt controllers.
    fn drive(&mut self, now: Time) {
        // An edge needs no time, and nobody would end it.
        for line in lines(self.wires.repeated()) {
            if !self.ioapic.is_level(line) {
                self.set_line(line, false, now);
                self.set_line(line, true, now);
                self.wires.sent(1 << line);
            }
        }
        let levels = self.wires.levels();
        for line in lines(levels ^ self.ioapic.lines()) {
            self.set_line(line, levels & 1 << line != 0, now);
        }
        for (line, irq) in ISA {
            self.pic.set_line(irq, levels & 1 << line != 0);
        }
        // The pair's output goes to the first CPU's LINT0 (MP specification, virtual-wire mode).
        self.apics[0].set_lint(0, self.pic.irq());
    }

    fn set_line(&mut self, line: usize, level: bool, now: Time) {
        if self.peripherals.log.on() && self.ioapic.line(line) != level {
            self.peripherals.log.push(now, || Event::IrqLine {
                line: line as u16,
                level,
            });
        }
        self.ioapic.set_line(line, level);
        if let Some(&(_, irq)) = ISA.iter().find(|isa| isa.0 == line) {
            self.pic.set_line(irq, level);
        }
    }

    /// Reports an access to a device register.
    fn report(
        &mut self,
        now: Time,
        space: Space,
        addr: u64,
        width: Width,
        value: u64,
        write: bool,
    ) {
        if !self.peripherals.log.on() {
            return;
        }
        let (chip, register) = match self.at(space, addr) {
            Some((chip, offset)) => (chip.name(), chip.register(offset)),
            None if space == Space::Local => ("lapic", self.apics[self.cpu].msr_name(addr)),
            None => ("nobody", ""),
        };
        self.peripherals.log.push(now, || Event::Device {
            chip,
            register,
            space,
            addr,
            width,
            value,
            write,
        });
    }
}

impl ChipSet for Chips {
    type Hart = Hart;
    type Stepping = Stepping;

    const NAME: &'static str = "pc";

    fn peripherals(&self) -> &Peripherals {
        &self.peripherals
    }

    fn peripherals_mut(&mut self) -> &mut Peripherals {
        &mut self.peripherals
    }

    fn begin(&mut self, _: &mut [Hart], cpu: usize, clock: &Clock) {
        self.cpu = cpu;
        self.peripherals.begin(clock);
    }

    fn deadline(&self, _: &[Hart]) -> Time {
        let apics = self.apics.iter().map(Device::deadline);
        let timers = self.timers.iter().copied();
        let cpus = apics.chain(timers).min().unwrap_or(Time::NEVER);
        cpus.min(self.wires.deadline())
            .min(self.pit.deadline())
            .min(self.rtc.deadline())
            .min(self.peripherals.deadline())
    }

    fn advance(&mut self, _: &mut [Hart], ram: &mut Ram, now: Time) {
        self.peripherals.advance(ram, now);
        let mut io = Io { ram, now };
        advance(&mut self.pit, &mut io);
        advance(&mut self.rtc, &mut io);
        for (timer, apic) in self.timers.iter_mut().zip(&mut self.apics) {
            advance(apic, &mut io);
            if *timer <= now {
                *timer = Time::NEVER;
                apic.timer_interrupt();
            }
        }
        self.wires.advance(now);
        self.follow_wires(now);
    }

    fn asks(&self) -> bool {
        self.peripherals.asks()
            || self.wires.asks()
            || self.apics.iter().any(LocalApic::has_expired)
    }

    fn vary(&mut self, chooser: &mut dyn Chooser, now: Time) {
        self.peripherals.vary(chooser, now);
        let site = |line| Site::Line(line as u16);
        ask(&mut self.wires, &mut self.peripherals, chooser, now, site);
        for cpu in 0..self.apics.len() {
            if self.apics[cpu].take_expiry() {
                self.timer(cpu, chooser, now);
            }
        }
        self.follow_wires(now);
    }

    /// Carries levels and messages to where they lead, until nothing moves.
    fn follow_wires(&mut self, now: Time) {
        let levels = u32::from(self.pit.irq()) << line::PIT
            | u32::from(self.peripherals.serial.irq()) << line::COM1
            | u32::from(self.rtc.irq()) << line::RTC
            | self.peripherals.virtio_lines() << line::VIRTIO;
        self.wires.set(levels);
        loop {
            self.drive(now);
            let mut moved = false;
            while self.ioapic.has_message() {
                let waiting = self.ioapic.waiting();
                if let Some(message) = self.ioapic.take_message() {
                    deliver(&mut self.apics, None, &message);
                }
                self.wires.sent(waiting & !self.ioapic.waiting());
                moved = true;
            }
            for index in 0..self.apics.len() {
                while let Some(outgoing) = self.apics[index].take_outgoing() {
                    match outgoing {
                        Outgoing::Ipi(message) => {
                            self.peripherals.log.push(now, || Event::Ipi {
                                target: match message.destination {
                                    Destination::Physical(id) => u8::try_from(id).ok(),
                                    _ => None,
                                },
                                number: u16::from(message.vector),
                            });
                            deliver(&mut self.apics, Some(index), &message);
                        }
                        Outgoing::EndOfInterrupt(vector) => self.ioapic.end_of_interrupt(vector),
                    }
                    moved = true;
                }
            }
            if !moved {
                return;
            }
        }
    }

    fn settle(&mut self, harts: &mut [Hart], _: Time) {
        step::apply_signals(self, harts);
    }

    fn ended(&self) -> Option<Outcome> {
        match self.exit.exit_word() {
            Some(word) => Some(Outcome::Exit(word)),
            None => self.power.is_off().then_some(Outcome::PowerOff),
        }
    }

    fn activity(hart: &Hart) -> CpuActivity {
        match hart.activity {
            Activity::Running => CpuActivity::Running,
            Activity::Halted => CpuActivity::Halted,
            Activity::WaitForSipi | Activity::Shutdown => CpuActivity::Off,
        }
    }

    fn interrupts_on(hart: &Hart) -> bool {
        hart.interrupts_on()
    }

    fn interrupt<O: Observer>(pc: &mut Pc, cpu: usize, observer: &mut O) -> Result<(), Outcome> {
        step::interrupt(pc, cpu, observer)
    }

    fn prepare(pc: &mut Pc, cpu: usize, left: u64) -> (u64, Stepping) {
        step::prepare(pc, cpu, left)
    }

    fn stopped<O: Observer>(
        pc: &mut Pc,
        cpu: usize,
        stop: Stop<Trap>,
        stepping: Stepping,
        observer: &mut O,
    ) -> Result<u64, Outcome> {
        step::stopped(pc, cpu, stop, stepping, observer)
    }
}

impl Bus for Chips {
    fn read(&mut self, ram: &mut Ram, space: Space, addr: u64, width: Width, retired: u64) -> u64 {
        let now = self.now(retired);
        let value = if space == Space::Local {
            self.apics[self.cpu].read_msr(addr, now)
        } else if let Some((chip, offset)) = self.at(space, addr) {
            chip.read(offset, width, &mut Io { ram, now })
        } else {
            width.mask()
        };
        self.peripherals.count_looks();
        self.report(now, space, addr, width, value, false);
        self.follow_wires(now);
        value
    }

    fn own(&mut self, addr: u64, retired: u64) -> u64 {
        let now = self.now(retired);
        self.apics[self.cpu].read_msr(addr, now)
    }

    fn write(
        &mut self,
        ram: &mut Ram,
        space: Space,
        addr: u64,
        width: Width,
        value: u64,
        retired: u64,
    ) {
        let now = self.now(retired);
        self.report(now, space, addr, width, value, true);
        if space == Space::Local {
            self.apics[self.cpu].write_msr(addr, value, now);
        } else if let Some((chip, offset)) = self.at(space, addr) {
            chip.write(offset, width, value, &mut Io { ram, now });
            self.collect(ram, now);
        }
        self.follow_wires(now);
    }

    fn now(&self, retired: u64) -> Time {
        self.peripherals.now(retired)
    }

    #[inline]
    fn claims(&self, addr: Phys) -> bool {
        addr.0 >= DEVICES && addr.0 < 1 << 32
    }
}

impl State for Chips {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("chips", 3)?;
        self.peripherals.state(codec)?;
        self.debug_console.state(codec)?;
        self.exit.state(codec)?;
        self.power.state(codec)?;
        self.pit.state(codec)?;
        self.rtc.state(codec)?;
        self.fw_cfg.state(codec)?;
        self.pic.state(codec)?;
        self.ioapic.state(codec)?;
        self.apics
            .iter_mut()
            .try_for_each(|apic| apic.state(codec))?;
        self.wires.state(codec)?;
        self.timers
            .iter_mut()
            .try_for_each(|timer| codec.time(timer))
    }
}
