//! The board's chips and wires: who answers at which address, and which line goes where.
//!
//! The chips are the harts' [`Bus`]. A run of one hart begins with [`Chips::begin`]; from then on every access is stamped
//! with the instant of its instruction. After each access the wires are followed: device lines to the PLIC. What the run's
//! chooser has a say in (new disk requests, rising lines, timers that go off) waits for [`Chips::vary`], which the run loop calls before the
//! next instruction.

use super::start::MAX_HARTS;
use crate::board::ConsoleUse;
use crate::clock::Clock;
use crate::fault::{Exposed, Parts};
use crate::outcome::Outcome;
use crate::pc::chips::{Output, PORTS};
use crate::wires::{Wires, lines};
use base::event::{Event, Log};
use base::{
    Bus, Chooser, Codec, CodecError, Device, Io, Phys, Ram, Site, Space, State, Time, Width,
};
use cpu::riscv64::csr::interrupt;
use devices::clint::{self, Clint};
use devices::goldfish_rtc::GoldfishRtc;
use devices::plic::{self, Plic};
use devices::test_finisher::{Finish, TestFinisher};
use devices::uart16550::Uart16550;
use devices::virtio::block::{Block, View};
use devices::virtio::console::Console;
use devices::virtio::entropy::Entropy;
use devices::virtio::{Backend, Mmio, Vacant};

/// Where RAM begins.
pub const RAM: u64 = 0x8000_0000;
/// The test finisher.
pub const FINISHER: u64 = 0x10_0000;
/// The real-time clock.
pub const RTC: u64 = 0x10_1000;
/// The core-local interruptor.
pub const CLINT: u64 = 0x200_0000;
/// The platform-level interrupt controller.
pub const PLIC: u64 = 0xc00_0000;
/// The serial port.
pub const UART: u64 = 0x1000_0000;
/// The first virtio transport.
pub const VIRTIO: u64 = 0x1000_1000;
/// From one virtio transport to the next.
pub const VIRTIO_STRIDE: u64 = 0x1000;
/// How many virtio transports there are; the board uses the first ones.
pub const TRANSPORTS: u64 = 8;

/// PLIC sources.
pub mod source {
    /// The first virtio transport's.
    pub const VIRTIO: usize = 1;
    /// The serial port's.
    pub const UART: usize = 10;
    /// The clock's.
    pub const RTC: usize = 11;
    /// One more than the highest number in use.
    pub const END: usize = 12;
}

/// What stands on the virtio transports, in the order of their addresses.
pub mod slot {
    /// The disk; the slot stays empty if there is none.
    pub const DISK: u64 = 0;
    /// The console.
    pub const CONSOLE: u64 = 1;
    /// The entropy source.
    pub const ENTROPY: u64 = 2;
}

/// Timers, two a hart: number 2 n is the CLINT's of hart n, 2 n + 1 the hart's own (Sstc).
const TIMERS: usize = 2 * MAX_HARTS;

/// A timer's interrupt as a hart sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timer {
    /// The hart sees it.
    pub seen: bool,
    /// It has gone off, and the hart does not see it.
    pub hidden: bool,
}

/// A device behind a transport of version 1 or 2.
fn transport<B: Backend>(backend: B, legacy: bool) -> Mmio<B> {
    let device = Mmio::new(backend);
    match legacy {
        true => device.legacy(),
        false => device,
    }
}

/// Everything on the board but harts and RAM.
pub struct Chips {
    /// The serial port.
    pub uart: Uart16550,
    finisher: TestFinisher,
    rtc: GoldfishRtc,
    /// The core-local interruptor.
    pub clint: Clint,
    /// The platform-level interrupt controller.
    pub plic: Plic,
    wires: Wires<{ source::END }>,
    timers: Wires<TIMERS>,
    /// The disk drive, if there is one.
    pub disk: Option<Mmio<Block>>,
    console: Option<Mmio<Console>>,
    entropy: Mmio<Entropy>,
    /// What answers at every other transport.
    vacant: Vacant,
    /// What the guest has written since the host took it: host-side, so that when it is taken changes nothing.
    output: Output,
    /// How the guest has used its console; host-side.
    console_use: ConsoleUse,
    /// A request may be new to the disk: the varying part of its time is to be chosen.
    vary: bool,
    /// Whether the power has gone.
    off: bool,
    /// What an observer is told of the chips; host-side.
    pub(super) log: Log,
    /// Addresses of RAM: everything else is the chips'.
    ram: std::ops::Range<u64>,
    clock: Clock,
    retired: u64,
}

impl Chips {
    /// The chips of a board with `harts` harts and `memory` bytes of RAM, at power-on; with `legacy`, its virtio transports
    /// are of version 1.
    pub fn new(
        harts: usize,
        memory: u64,
        disk: Option<Block>,
        stdio: bool,
        legacy: bool,
        seed: u64,
        calendar: u64,
    ) -> Self {
        Self {
            uart: Uart16550::new("com1"),
            finisher: TestFinisher::new(),
            rtc: GoldfishRtc::new(calendar as i64),
            clint: Clint::new(harts),
            plic: Plic::new(harts),
            wires: Wires::LOW,
            timers: Wires::LOW,
            disk: disk.map(|disk| transport(disk, legacy)),
            console: stdio.then(|| transport(Console::new(&PORTS), legacy)),
            entropy: transport(Entropy::new(seed), legacy),
            vacant: Vacant::new(legacy),
            output: Output::default(),
            console_use: ConsoleUse::default(),
            vary: false,
            off: false,
            log: Log::default(),
            ram: RAM..RAM + memory,
            clock: Clock::new(harts, 1),
            retired: 0,
        }
    }

    /// A hart runs from now on, timed by `clock`.
    pub fn begin(&mut self, clock: &Clock) {
        self.clock = clock.clone();
        self.retired = 0;
    }

    /// The running hart has retired `n` instructions since [`Chips::begin`].
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

    /// Whether the run loop should come round: a deadline may have moved, or the host is wanted.
    pub fn wants_loop(&self) -> bool {
        self.wants_chooser()
            || self.deadline() <= self.clock.after(self.retired)
            || self.wanted_input().is_some()
    }

    /// Whether [`Chips::vary`] has something to ask.
    #[inline]
    pub const fn wants_chooser(&self) -> bool {
        self.vary || self.wires.asks() || self.timers.asks()
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
        let log = &mut self.log;
        let report = &mut |event| log.push(now, || event);
        if let Some(cut) = self.timers.ask(chooser, now, |_| Site::Timer, report) {
            self.cut(cut);
        }
        self.follow_wires(now);
    }

    /// When a chip must next be advanced.
    pub fn deadline(&self) -> Time {
        let disk = self.disk.as_ref().map_or(Time::NEVER, Device::deadline);
        disk.min(self.wires.deadline())
            .min(self.timers.deadline())
            .min(self.clint.deadline())
            .min(self.rtc.deadline())
            .min(self.uart.deadline())
    }

    /// Brings every chip whose deadline has come to `now`. Whether one may have written to memory.
    pub fn advance(&mut self, ram: &mut Ram, now: Time) -> bool {
        let writes = self
            .disk
            .as_ref()
            .is_some_and(|disk| disk.deadline() <= now);
        let mut io = Io { ram, now };
        let mut due = |device: &mut dyn Device| {
            if device.deadline() <= now {
                device.advance(&mut io);
            }
        };
        due(&mut self.uart);
        due(&mut self.rtc);
        due(&mut self.clint);
        if let Some(disk) = &mut self.disk {
            due(disk);
            // Requests that had to wait for a place among those in flight are new, too.
            self.vary |= disk.has_new();
        }
        self.wires.advance(now);
        self.timers.advance(now);
        self.collect(ram, now);
        self.collect_log();
        self.follow_wires(now);
        writes
    }

    /// Why the machine must stop, if the guest said so.
    pub fn outcome(&self) -> Option<Outcome> {
        let cut = |disk: &Mmio<Block>| disk.backend().is_off();
        if self.off || self.disk.as_ref().is_some_and(cut) {
            return Some(Outcome::PowerCut);
        }
        Some(match self.finisher.finish()? {
            Finish::Pass => Outcome::PowerOff,
            Finish::Fail(code) => Outcome::Exit(u32::from(code)),
            Finish::Reset => Outcome::Reset,
        })
    }

    /// Takes note of which timers have gone off: the CLINT's, and the harts' `own`, a bit each.
    pub fn follow_timers(&mut self, own: u32) {
        let mut due = 0;
        for n in 0..MAX_HARTS {
            let clint = u32::from(self.clint.timer(n));
            due |= (clint | (own >> n & 1) << 1) << (2 * n);
        }
        self.timers.set(due);
    }

    /// Timer number `n`, as [`TIMERS`] counts.
    fn timer(&self, n: usize) -> Timer {
        let bit = |set: u32| set >> n & 1 != 0;
        let seen = bit(self.timers.levels());
        Timer {
            seen,
            hidden: bit(self.timers.risen()) && !seen,
        }
    }

    /// The own timer of hart number `n`.
    pub fn own_timer(&self, n: usize) -> Timer {
        self.timer(2 * n + 1)
    }

    /// Hart number `n` has taken interrupt `number`: a timer's that was to come once more has come.
    pub const fn taken(&mut self, n: usize, number: u64) {
        match 1 << number {
            interrupt::MTIP => self.timers.sent(1 << (2 * n)),
            interrupt::STIP => self.timers.sent(1 << (2 * n + 1)),
            _ => {}
        }
    }

    /// The interrupt lines of hart number `n`, in the places of mip.
    pub fn lines(&self, n: usize) -> u64 {
        let bit = |on: bool, bit: u64| if on { bit } else { 0 };
        bit(self.clint.software(n), interrupt::MSIP)
            | bit(self.timer(2 * n).seen, interrupt::MTIP)
            | bit(self.plic.asserted(2 * n), interrupt::MEIP)
            | bit(self.plic.asserted(2 * n + 1), interrupt::SEIP)
    }

    /// Disk requests completed so far.
    pub fn disk_completions(&self) -> u64 {
        self.disk.as_ref().map_or(0, |disk| {
            let counters = disk.backend().counters();
            counters.reads + counters.writes + counters.flushes
        })
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

    /// Takes at most `most` characters that were typed, past the serial port's registers (SBI's console).
    pub fn take_input(&mut self, most: usize) -> Vec<u8> {
        let bytes = self.uart.take_input(most);
        self.console_use.looks += u64::from(bytes.is_empty());
        bytes
    }

    /// A character for the serial port's reader that did not come over its registers (SBI's console).
    pub fn print(&mut self, byte: u8, now: Time) {
        self.log.push(now, || Event::Console(byte));
        self.output.serial.push(byte);
        self.console_use.written += 1;
    }

    /// Moves output from the chips to the host's side at once.
    fn collect(&mut self, ram: &mut Ram, now: Time) {
        let before = self.output.total();
        if self.uart.has_output() {
            let bytes = self.uart.take_output();
            for &byte in &bytes {
                self.log.push(now, || Event::Console(byte));
            }
            self.output.serial.extend(bytes);
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

    /// Moves what the disk reports to the others' reports.
    fn collect_log(&mut self) {
        if let Some(disk) = &mut self.disk {
            for (now, event) in disk.backend_mut().log.take() {
                self.log.push(now, || event);
            }
        }
    }

    /// The chip at an address, and where its registers begin.
    fn at(&mut self, addr: u64) -> Option<(&mut dyn Device, u64)> {
        const FINISHER_END: u64 = FINISHER + 0xfff;
        const RTC_END: u64 = RTC + 0xfff;
        const CLINT_END: u64 = CLINT + clint::LEN - 1;
        const PLIC_END: u64 = PLIC + plic::LEN - 1;
        const UART_END: u64 = UART + 0xff;
        const VIRTIO_END: u64 = VIRTIO + TRANSPORTS * VIRTIO_STRIDE - 1;
        Some(match addr {
            FINISHER..=FINISHER_END => (&mut self.finisher, FINISHER),
            RTC..=RTC_END => (&mut self.rtc, RTC),
            CLINT..=CLINT_END => (&mut self.clint, CLINT),
            PLIC..=PLIC_END => (&mut self.plic, PLIC),
            UART..=UART_END => (&mut self.uart, UART),
            VIRTIO..=VIRTIO_END => {
                let number = (addr - VIRTIO) / VIRTIO_STRIDE;
                self.vary |= number == slot::DISK;
                (self.transport(number), VIRTIO + number * VIRTIO_STRIDE)
            }
            _ => return None,
        })
    }

    /// What stands on virtio transport `number`.
    fn transport(&mut self, number: u64) -> &mut dyn Device {
        match (number, &mut self.disk, &mut self.console) {
            (slot::DISK, Some(disk), _) => disk,
            (slot::CONSOLE, _, Some(console)) => console,
            (slot::ENTROPY, ..) => &mut self.entropy,
            _ => &mut self.vacant,
        }
    }

    /// Carries the devices' levels to the PLIC, as far as they are seen there.
    pub fn follow_wires(&mut self, now: Time) {
        let mut levels =
            u32::from(self.uart.irq()) << source::UART | u32::from(self.rtc.irq()) << source::RTC;
        for number in [slot::DISK, slot::CONSOLE, slot::ENTROPY] {
            let level = self.transport(number).irq();
            levels |= u32::from(level) << (source::VIRTIO + number as usize);
        }
        self.wires.set(levels);
        self.drive(now);
        // What is to interrupt once more has done so when it is through its gateway.
        let repeated = lines(self.wires.repeated());
        let sent = repeated.filter(|&line| self.plic.waiting(line));
        let sent = sent.fold(0, |set, line| set | 1 << line);
        if sent != 0 {
            self.wires.sent(sent);
            self.drive(now);
        }
    }

    /// Shows the wires' levels to the PLIC.
    fn drive(&mut self, now: Time) {
        let levels = self.wires.levels();
        for line in 1..source::END {
            self.set_line(line, levels & 1 << line != 0, now);
        }
    }

    fn set_line(&mut self, line: usize, level: bool, now: Time) {
        if self.log.on() && self.plic.line(line) != level {
            self.log.push(now, || Event::IrqLine {
                line: line as u16,
                level,
            });
        }
        self.plic.set_line(line, level);
    }

    /// Reports an access to a device register.
    fn report(&mut self, now: Time, addr: u64, width: Width, value: u64, write: bool) {
        if !self.log.on() {
            return;
        }
        let (chip, register) = match self.at(addr) {
            Some((chip, base)) => (chip.name(), chip.register(addr - base)),
            None => ("nobody", ""),
        };
        self.log.push(now, || Event::Device {
            chip,
            register,
            space: Space::Memory,
            addr,
            width,
            value,
            write,
        });
    }
}

impl Exposed<{ source::END }> for Chips {
    fn parts(&mut self) -> Parts<'_, { source::END }> {
        Parts {
            wires: &mut self.wires,
            off: &mut self.off,
            disk: &mut self.disk,
            log: &mut self.log,
        }
    }
}

impl Bus for Chips {
    fn read(&mut self, ram: &mut Ram, _: Space, addr: u64, width: Width, retired: u64) -> u64 {
        let now = self.now(retired);
        let value = match self.at(addr) {
            Some((chip, base)) => chip.read(addr - base, width, &mut Io { ram, now }),
            None => 0,
        };
        self.console_use.looks += u64::from(self.uart.take_looked());
        self.report(now, addr, width, value, false);
        self.follow_wires(now);
        value
    }

    fn write(
        &mut self,
        ram: &mut Ram,
        _: Space,
        addr: u64,
        width: Width,
        value: u64,
        retired: u64,
    ) {
        let now = self.now(retired);
        self.report(now, addr, width, value, true);
        if let Some(hart) = self.clint.interrupts(addr.wrapping_sub(CLINT), value) {
            self.log.push(now, || Event::Ipi {
                target: Some(hart as u8),
                number: interrupt::MSIP.trailing_zeros() as u16,
            });
        }
        if let Some((chip, base)) = self.at(addr) {
            chip.write(addr - base, width, value, &mut Io { ram, now });
            self.collect(ram, now);
            self.collect_log();
        }
        self.follow_wires(now);
    }

    fn now(&self, retired: u64) -> Time {
        self.clock.after(self.retired + retired)
    }

    fn answers(&self, addr: Phys) -> bool {
        let in_range = |base: u64, len: u64| (base..base + len).contains(&addr.0);
        in_range(FINISHER, 0x1000)
            || in_range(RTC, 0x1000)
            || in_range(CLINT, clint::LEN)
            || in_range(PLIC, plic::LEN)
            || in_range(UART, 0x100)
            || in_range(VIRTIO, TRANSPORTS * VIRTIO_STRIDE)
    }

    #[inline]
    fn claims(&self, addr: Phys) -> bool {
        !self.ram.contains(&addr.0)
    }
}

impl State for Chips {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("virt chips", 3)?;
        codec.bool(&mut self.off)?;
        self.uart.state(codec)?;
        self.finisher.state(codec)?;
        self.rtc.state(codec)?;
        self.clint.state(codec)?;
        self.plic.state(codec)?;
        self.wires.state(codec)?;
        self.timers.state(codec)?;
        [slot::DISK, slot::CONSOLE, slot::ENTROPY]
            .into_iter()
            .try_for_each(|number| self.transport(number).state(codec))
    }
}
