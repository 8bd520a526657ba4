//! The board's chips and wires: who answers at which address, and which line goes where.
//!
//! The chips are the CPUs' [`Bus`]. A run of one CPU begins with [`Chips::begin`]; from then on every access is stamped
//! with the instant of its instruction. After each access the wires are followed: device lines to the IOAPIC, its
//! messages and the CPUs' own to the local APICs. What the run's chooser has a say in (new disk requests, rising lines,
//! timers that go off) waits for [`Chips::vary`], which the run loop calls before the next instruction.

use crate::board::ConsoleUse;
use crate::clock::Clock;
use crate::fault::{Exposed, Parts};
use crate::outcome::Outcome;
use crate::wires::{REPEAT, Wires, lines};
use base::event::{Event, Log};
use base::{
    Bus, Chooser, Codec, CodecError, Device, Fault, Io, Phys, Ram, Site, Space, State, Time, Width,
};
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
use devices::uart16550::Uart16550;
use devices::virtio::Mmio;
use devices::virtio::block::{Block, Disk, View};
use devices::virtio::console::{Console, Role};
use devices::virtio::entropy::Entropy;

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

/// What stands on the virtio transports, in the order of their addresses.
pub mod slot {
    /// The disk; the slot stays empty if there is none.
    pub const DISK: u64 = 0;
    /// The console.
    pub const CONSOLE: u64 = 1;
    /// The entropy source.
    pub const ENTROPY: u64 = 2;
    /// How many slots there are.
    pub const COUNT: u64 = 3;
}

/// Everything on the board but CPUs and RAM.
pub struct Chips {
    /// The serial port.
    pub com1: Uart16550,
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
    /// The power has gone.
    off: bool,
    /// The disk drive, if there is one.
    pub disk: Option<Mmio<Block>>,
    console: Option<Mmio<Console>>,
    entropy: Mmio<Entropy>,
    /// What the guest has written since the host took it: host-side, so that when it is taken changes nothing.
    output: Output,
    /// How the guest has used its console; host-side.
    console_use: ConsoleUse,
    /// What an observer is told of the chips; host-side.
    log: Log,
    /// A request may be new to the disk: the chooser is to be asked about it.
    vary: bool,
    /// The CPU that is running, the clock as its run began, and what it retired since.
    cpu: usize,
    clock: Clock,
    retired: u64,
}

/// What the guest wrote, for the host to take.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// The serial port.
    pub serial: Vec<u8>,
    /// The debug console.
    pub debug: Vec<u8>,
    /// The ports of the virtio console, by number.
    pub ports: [Vec<u8>; PORTS.len()],
}

impl Output {
    /// Bytes in all.
    pub(crate) fn total(&self) -> u64 {
        let ports = self.ports.iter().map(Vec::len).sum::<usize>();
        (self.serial.len() + self.debug.len() + ports) as u64
    }
}

/// The console's ports: one as every console has it, then the standard streams of a command that is run.
pub const PORTS: [(&str, Role); 4] = [
    ("", Role::Console),
    ("glassbox.stdin", Role::Input),
    ("glassbox.stdout", Role::Output),
    ("glassbox.stderr", Role::Output),
];

impl Chips {
    /// The chips of a board with `cpus` CPUs, at power-on.
    pub fn new(cpus: usize, disk: Option<Block>, stdio: bool, seed: u64, calendar: u64) -> Self {
        Self {
            console: stdio.then(|| Mmio::new(Console::new(&PORTS))),
            output: Output::default(),
            console_use: ConsoleUse::default(),
            disk: disk.map(Mmio::new),
            entropy: Mmio::new(Entropy::new(seed)),
            vary: false,
            log: Log::default(),
            com1: Uart16550::new("com1"),
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
            off: false,
            cpu: 0,
            clock: Clock::new(cpus, 1),
            retired: 0,
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

    /// CPU number `cpu` runs from now on, timed by `clock`.
    pub fn begin(&mut self, cpu: usize, clock: &Clock) {
        self.cpu = cpu;
        self.clock = clock.clone();
        self.retired = 0;
    }

    /// The running CPU has retired `n` instructions since [`Chips::begin`].
    pub const fn set_retired(&mut self, n: u64) {
        self.retired = n;
    }

    /// Somebody listens to the chips, or nobody does any more.
    pub fn listen(&mut self, on: bool) {
        if self.log.on() != on {
            self.log.listen(on);
            if let Some(disk) = &mut self.disk {
                disk.backend_mut().log.listen(on);
            }
        }
    }

    /// Whether there is something to tell an observer.
    #[inline]
    pub const fn has_news(&self) -> bool {
        !self.log.is_empty()
    }

    /// Takes what there is to tell.
    pub fn take_news(&mut self) -> Vec<(Time, Event)> {
        self.log.take()
    }

    /// Moves what the disk reports to the others' reports.
    fn collect_log(&mut self) {
        if let Some(disk) = &mut self.disk {
            for (now, event) in disk.backend_mut().log.take() {
                self.log.push(now, || event);
            }
        }
    }

    /// Whether the run loop should come round: a deadline may have moved, or the chooser or the host is wanted.
    pub fn wants_loop(&self) -> bool {
        self.wants_chooser()
            || self.deadline() <= self.clock.after(self.retired)
            || self.wanted_input().is_some()
    }

    /// Whether [`Chips::vary`] has something to ask.
    #[inline]
    pub fn wants_chooser(&self) -> bool {
        self.vary || self.wires.asks() || self.apics.iter().any(LocalApic::has_expired)
    }

    /// Asks `chooser` about everything that is new, and carries on from there.
    pub fn vary(&mut self, chooser: &mut dyn Chooser, now: Time) {
        if std::mem::take(&mut self.vary)
            && let Some(disk) = &mut self.disk
        {
            disk.vary(chooser, now);
            self.collect_log();
        }
        self.ask(chooser, now);
        for cpu in 0..self.apics.len() {
            if self.apics[cpu].take_expiry() {
                self.timer(cpu, chooser, now);
            }
        }
        self.follow_wires(now);
    }

    /// The timer of CPU number `cpu` has gone off.
    fn timer(&mut self, cpu: usize, chooser: &mut dyn Chooser, now: Time) {
        let site = Site::Timer;
        let struck = chooser.pass(site);
        if let Some(struck) = struck {
            self.report_fault(site, struck, now);
        }
        match struck.map(|struck| struck.fault) {
            Some(Fault::Lost) => return,
            Some(Fault::Late(time)) => {
                self.timers[cpu] = now + time;
                return;
            }
            Some(Fault::Twice) => self.timers[cpu] = now + REPEAT,
            Some(Fault::Cut(cut)) => self.cut(cut),
            _ => {}
        }
        self.apics[cpu].timer_interrupt();
    }

    /// When a chip must next be advanced.
    pub fn deadline(&self) -> Time {
        let apics = self
            .apics
            .iter()
            .map(Device::deadline)
            .min()
            .unwrap_or(Time::NEVER);
        let disk = self.disk.as_ref().map_or(Time::NEVER, Device::deadline);
        let timers = self.timers.iter().copied().min().unwrap_or(Time::NEVER);
        apics
            .min(disk)
            .min(timers)
            .min(self.wires.deadline())
            .min(self.pit.deadline())
            .min(self.rtc.deadline())
            .min(self.com1.deadline())
    }

    /// Brings every chip whose deadline has come to `now`.
    pub fn advance(&mut self, ram: &mut Ram, now: Time) {
        let mut io = Io { ram, now };
        let mut due = |device: &mut dyn Device| {
            if device.deadline() <= now {
                device.advance(&mut io);
            }
        };
        due(&mut self.com1);
        due(&mut self.pit);
        due(&mut self.rtc);
        if let Some(disk) = &mut self.disk {
            due(disk);
            // Requests that had to wait for a place among those in flight are new, too.
            self.vary |= disk.has_new();
        }
        for apic in &mut self.apics {
            due(apic);
        }
        for (timer, apic) in self.timers.iter_mut().zip(&mut self.apics) {
            if *timer <= now {
                *timer = Time::NEVER;
                apic.timer_interrupt();
            }
        }
        self.wires.advance(now);
        self.collect(ram, now);
        self.collect_log();
        self.follow_wires(now);
    }

    /// Why the machine must stop, if the guest said so.
    pub fn outcome(&self) -> Option<Outcome> {
        if let Some(word) = self.exit.exit_word() {
            return Some(Outcome::Exit(word));
        }
        if self.off
            || self
                .disk
                .as_ref()
                .is_some_and(|disk| disk.backend().is_off())
        {
            return Some(Outcome::PowerCut);
        }
        self.power.is_off().then_some(Outcome::PowerOff)
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

    /// Disk requests completed so far.
    pub fn disk_completions(&self) -> u64 {
        self.disk.as_ref().map_or(0, |disk| {
            let counters = disk.backend().counters();
            counters.reads + counters.writes + counters.flushes
        })
    }

    /// What is on the disk.
    pub fn disk_content(&mut self) -> Option<&mut Disk> {
        self.disk.as_mut().map(|disk| disk.backend_mut().disk_mut())
    }

    /// The pages of 4 KiB that the guest wrote to the disk, by number, as a reader sees them now.
    pub fn disk_pages(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.disk
            .iter()
            .flat_map(|disk| disk.backend().disk().modified(View::Cached))
    }

    /// Gives input to console port `port`; none means its end.
    pub fn supply(&mut self, ram: &mut Ram, port: u32, bytes: &[u8], now: Time) {
        let mut io = Io { ram, now };
        if let Some(console) = &mut self.console {
            if bytes.is_empty() {
                console.end(port as usize, &mut io);
            } else {
                console.supply(port as usize, bytes, &mut io);
            }
        }
        self.follow_wires(now);
    }

    /// Takes what the guest wrote since the last call.
    pub fn take_output(&mut self) -> Output {
        std::mem::take(&mut self.output)
    }

    /// What the guest wrote since the host took it.
    pub const fn output(&self) -> &Output {
        &self.output
    }

    /// How the guest has used its console.
    pub const fn console_use(&self) -> ConsoleUse {
        self.console_use
    }

    /// The chips were given the state that they had when there was just this `output` and use of the console.
    pub(super) fn go_on_from(&mut self, output: Output, console_use: ConsoleUse) {
        self.output = output;
        self.console_use = console_use;
        self.collect_log();
        self.log.take();
    }

    /// The console port and number of bytes that the guest waits for.
    pub fn wanted_input(&self) -> Option<(u32, usize)> {
        let (port, capacity) = self.console.as_ref()?.wants_input()?;
        Some((port as u32, capacity))
    }

    /// Moves output from the chips to the host's side at once.
    fn collect(&mut self, ram: &mut Ram, now: Time) {
        let before = self.output.total();
        if self.com1.has_output() {
            let bytes = self.com1.take_output();
            for &byte in &bytes {
                self.log.push(now, || Event::Console(byte));
            }
            self.output.serial.extend(bytes);
        }
        if self.debug_console.has_output() {
            self.output.debug.extend(self.debug_console.take_output());
        }
        if let Some(console) = &mut self.console {
            let mut io = Io { ram, now };
            while console.has_output() {
                for (port, output) in self.output.ports.iter_mut().enumerate() {
                    output.extend(console.take_output(port, &mut io));
                }
            }
        }
        self.console_use.written += self.output.total() - before;
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
            (Space::Port, 0x3f8..=0x3ff) => (&mut self.com1, 0x3f8),
            (Space::Port, FIRST_POWER_PORT..=LAST_POWER_PORT) => {
                (&mut self.power, FIRST_POWER_PORT)
            }
            (Space::Memory, IOAPIC..=0xfec0_0fff) => (&mut self.ioapic, IOAPIC),
            (Space::Memory, VIRTIO..IOAPIC) => {
                let number = (addr - VIRTIO) / VIRTIO_LEN;
                self.vary |= number == slot::DISK;
                (self.transport(number)?, VIRTIO + number * VIRTIO_LEN)
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

    /// What stands on virtio transport `number`.
    fn transport(&mut self, number: u64) -> Option<&mut dyn Device> {
        match number {
            slot::DISK => self.disk.as_mut().map(|device| device as &mut dyn Device),
            slot::CONSOLE => self
                .console
                .as_mut()
                .map(|device| device as &mut dyn Device),
            slot::ENTROPY => Some(&mut self.entropy),
            _ => None,
        }
    }

    /// Carries levels and messages to where they lead, until nothing moves.
    pub fn follow_wires(&mut self, now: Time) {
        let mut levels = u32::from(self.pit.irq()) << line::PIT
            | u32::from(self.com1.irq()) << line::COM1
            | u32::from(self.rtc.irq()) << line::RTC;
        for number in 0..slot::COUNT {
            let level = self.transport(number).is_some_and(|device| device.irq());
            levels |= u32::from(level) << (line::VIRTIO + number as usize);
        }
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
                            self.log.push(now, || Event::Ipi {
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
        if self.log.on() && self.ioapic.line(line) != level {
            self.log.push(now, || Event::IrqLine {
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
        if !self.log.on() {
            return;
        }
        let (chip, register) = match self.at(space, addr) {
            Some((chip, offset)) => (chip.name(), chip.register(offset)),
            None if space == Space::Local => ("lapic", self.apics[self.cpu].msr_name(addr)),
            None => ("nobody", ""),
        };
        self.log.push(now, || Event::Device {
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

impl Exposed<LINES> for Chips {
    fn parts(&mut self) -> Parts<'_, LINES> {
        Parts {
            wires: &mut self.wires,
            off: &mut self.off,
            disk: &mut self.disk,
            log: &mut self.log,
        }
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
        self.console_use.looks += u64::from(self.com1.take_looked());
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
            self.collect_log();
        }
        self.follow_wires(now);
    }

    fn now(&self, retired: u64) -> Time {
        self.clock.after(self.retired + retired)
    }

    #[inline]
    fn claims(&self, addr: Phys) -> bool {
        addr.0 >= DEVICES && addr.0 < 1 << 32
    }
}

impl State for Chips {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("chips", 2)?;
        self.com1.state(codec)?;
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
            .try_for_each(|timer| codec.time(timer))?;
        codec.bool(&mut self.off)?;
        codec.bool(&mut self.vary)?;
        (0..slot::COUNT).try_for_each(|number| match self.transport(number) {
            Some(device) => device.state(codec),
            None => Ok(()),
        })
    }
}
