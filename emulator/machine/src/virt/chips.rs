//! The board's chips and wires: who answers at which address, and which line goes where.
//!
//! The chips are the harts' [`Bus`]. A hart's turn begins with [`ChipSet::begin`]; from then on every access is stamped
//! with the instant of its instruction. After each access the wires are followed: device lines to the PLIC. What the run's
//! chooser has a say in (new disk requests, rising lines, timers that go off) waits for [`ChipSet::vary`], which the
//! run loop calls before the next instruction.

use super::Virt;
use super::htif::{Htif, Request};
use super::start::MAX_HARTS;
use super::step;
use crate::board::CpuActivity;
use crate::chipset::ChipSet;
use crate::clock::Clock;
use crate::fault::ask;
use crate::outcome::Outcome;
use crate::peripherals::{Peripherals, Setup, advance};
use crate::wires::{Wires, lines};
use base::event::Event;
use base::{
    Bus, Chooser, Codec, CodecError, Device, Io, Observer, Phys, Ram, Site, Space, State, Time,
    Width,
};
use cpu::riscv64::csr::{self, interrupt};
use cpu::riscv64::{Activity, Hart, Trap};
use devices::clint::{self, Clint};
use devices::goldfish_rtc::GoldfishRtc;
use devices::plic::{self, Plic};
use devices::test_finisher::{Finish, TestFinisher};
use devices::virtio::Vacant;
use devices::virtio::block::Block;
use engine::Stop;

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

/// Everything on the board but harts and RAM.
pub struct Chips {
    /// The chips that every board has.
    pub peripherals: Peripherals,
    finisher: TestFinisher,
    rtc: GoldfishRtc,
    /// The core-local interruptor.
    pub clint: Clint,
    /// The platform-level interrupt controller.
    pub plic: Plic,
    wires: Wires<{ source::END }>,
    timers: Wires<TIMERS>,
    /// What answers at every other virtio transport.
    vacant: Vacant,
    /// The way to end a test, if the program has it.
    htif: Option<Htif>,
    /// Addresses of RAM: everything else is the chips'.
    ram: std::ops::Range<u64>,
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
            peripherals: Peripherals::new(Setup {
                cpus: harts,
                disk,
                stdio,
                legacy_virtio: legacy,
                seed,
            }),
            finisher: TestFinisher::new(),
            rtc: GoldfishRtc::new(calendar as i64),
            clint: Clint::new(harts),
            plic: Plic::new(harts),
            wires: Wires::LOW,
            timers: Wires::LOW,
            vacant: Vacant::new(legacy),
            htif: None,
            ram: RAM..RAM + memory,
        }
    }

    /// The program has an HTIF.
    pub(super) fn attach(&mut self, htif: Htif) {
        self.htif = Some(htif);
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
            UART..=UART_END => (&mut self.peripherals.serial, UART),
            VIRTIO..=VIRTIO_END => {
                let number = (addr - VIRTIO) / VIRTIO_STRIDE;
                let device = self.peripherals.transport(number, true);
                let device = device.unwrap_or(&mut self.vacant);
                (device, VIRTIO + number * VIRTIO_STRIDE)
            }
            _ => return None,
        })
    }

    /// Shows the wires' levels to the PLIC.
    fn drive(&mut self, now: Time) {
        let levels = self.wires.levels();
        for line in 1..source::END {
            self.set_line(line, levels & 1 << line != 0, now);
        }
    }

    fn set_line(&mut self, line: usize, level: bool, now: Time) {
        if self.peripherals.log.on() && self.plic.line(line) != level {
            self.peripherals.log.push(now, || Event::IrqLine {
                line: line as u16,
                level,
            });
        }
        self.plic.set_line(line, level);
    }

    /// Reports an access to a device register.
    fn report(&mut self, now: Time, addr: u64, width: Width, value: u64, write: bool) {
        if !self.peripherals.log.on() {
            return;
        }
        let (chip, register) = match self.at(addr) {
            Some((chip, base)) => (chip.name(), chip.register(addr - base)),
            None => ("nobody", ""),
        };
        self.peripherals.log.push(now, || Event::Device {
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

impl ChipSet for Chips {
    type Hart = Hart;
    type Stepping = ();

    const NAME: &'static str = "virt";

    fn peripherals(&self) -> &Peripherals {
        &self.peripherals
    }

    fn peripherals_mut(&mut self) -> &mut Peripherals {
        &mut self.peripherals
    }

    fn begin(&mut self, harts: &mut [Hart], cpu: usize, clock: &Clock) {
        self.peripherals.begin(clock);
        // This hart may write anywhere: from now on the others have nothing reserved.
        for (n, hart) in harts.iter_mut().enumerate() {
            if n != cpu {
                hart.reservation = None;
            }
        }
    }

    fn deadline(&self, harts: &[Hart]) -> Time {
        let tick = Time(csr::TICK_NS);
        let unseen = harts.iter().filter(|hart| !hart.timer_seen);
        let own = unseen.map(|hart| hart.deadline(tick)).min();
        own.unwrap_or(Time::NEVER)
            .min(self.wires.deadline())
            .min(self.timers.deadline())
            .min(self.clint.deadline())
            .min(self.rtc.deadline())
            .min(self.peripherals.deadline())
    }

    fn advance(&mut self, harts: &mut [Hart], ram: &mut Ram, now: Time) {
        if self.peripherals.advance(ram, now) {
            for hart in harts {
                hart.reservation = None;
            }
        }
        let mut io = Io { ram, now };
        advance(&mut self.rtc, &mut io);
        advance(&mut self.clint, &mut io);
        self.wires.advance(now);
        self.timers.advance(now);
        self.follow_wires(now);
    }

    fn asks(&self) -> bool {
        self.peripherals.asks() || self.wires.asks() || self.timers.asks()
    }

    fn vary(&mut self, chooser: &mut dyn Chooser, now: Time) {
        let peripherals = &mut self.peripherals;
        peripherals.vary(chooser, now);
        let site = |line| Site::Line(line as u16);
        ask(&mut self.wires, peripherals, chooser, now, site);
        ask(&mut self.timers, peripherals, chooser, now, |_| Site::Timer);
        self.follow_wires(now);
    }

    /// Carries the devices' levels to the PLIC, as far as they are seen there.
    fn follow_wires(&mut self, now: Time) {
        let levels = u32::from(self.peripherals.serial.irq()) << source::UART
            | u32::from(self.rtc.irq()) << source::RTC
            | self.peripherals.virtio_lines() << source::VIRTIO;
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

    fn settle(&mut self, harts: &mut [Hart], now: Time) {
        step::follow_lines(self, harts, now);
    }

    /// What the program has asked for through HTIF.
    fn requests(&mut self, ram: &mut Ram, now: Time) -> Option<Outcome> {
        let htif = self.htif.as_ref()?;
        match htif.take(ram)? {
            Request::End(0) => Some(Outcome::PowerOff),
            Request::End(test) => Some(Outcome::TestFailed { test }),
            Request::Print(bytes) => {
                for byte in bytes {
                    self.peripherals.print(byte, now);
                }
                None
            }
        }
    }

    fn ended(&self) -> Option<Outcome> {
        Some(match self.finisher.finish()? {
            Finish::Pass => Outcome::PowerOff,
            Finish::Fail(code) => Outcome::Exit(u32::from(code)),
            Finish::Reset => Outcome::Reset,
        })
    }

    fn activity(hart: &Hart) -> CpuActivity {
        match hart.activity {
            Activity::Running => CpuActivity::Running,
            Activity::Waiting => CpuActivity::Halted,
            Activity::Stopped => CpuActivity::Off,
        }
    }

    fn interrupts_on(hart: &Hart) -> bool {
        match hart.activity {
            // What ends WFI is asked of mie alone (3.3.3).
            Activity::Waiting => hart.mie != 0,
            _ => hart.interrupts_on(),
        }
    }

    fn retire(hart: &mut Hart, count: u64) {
        hart.retired = hart.retired.wrapping_add(count);
    }

    fn interrupt<O: Observer>(
        virt: &mut Virt,
        cpu: usize,
        observer: &mut O,
    ) -> Result<(), Outcome> {
        step::interrupt(virt, cpu, observer);
        Ok(())
    }

    fn prepare(virt: &mut Virt, _: usize, left: u64) -> (u64, ()) {
        if let Some(htif) = &virt.chips.htif {
            // The marks of what was written go when the engine forgets it.
            virt.engine.forget_written(&mut virt.ram);
            htif.watch(&mut virt.ram);
        }
        (left, ())
    }

    fn stopped<O: Observer>(
        virt: &mut Virt,
        cpu: usize,
        stop: Stop<Trap>,
        (): (),
        observer: &mut O,
    ) -> Result<u64, Outcome> {
        match stop {
            Stop::Trap(trap) => step::trap(virt, cpu, trap, observer),
            Stop::Budget | Stop::Attention => Ok(0),
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
        self.peripherals.count_looks();
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
            self.peripherals.log.push(now, || Event::Ipi {
                target: Some(hart as u8),
                number: interrupt::MSIP.trailing_zeros() as u16,
            });
        }
        if let Some((chip, base)) = self.at(addr) {
            chip.write(addr - base, width, value, &mut Io { ram, now });
            self.peripherals.collect(ram, now);
        }
        self.follow_wires(now);
    }

    fn now(&self, retired: u64) -> Time {
        self.peripherals.now(retired)
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
        codec.section("virt chips", 4)?;
        self.peripherals.state(codec)?;
        self.finisher.state(codec)?;
        self.rtc.state(codec)?;
        self.clint.state(codec)?;
        self.plic.state(codec)?;
        self.wires.state(codec)?;
        self.timers.state(codec)
    }
}
