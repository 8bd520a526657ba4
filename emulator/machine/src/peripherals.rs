//! The chips that every board has, at whatever address and on whatever line: a serial port, a disk, a console with ports
//! and entropy by virtio; and what the host has of them: output, reports, the time of the access at hand.

use crate::board::ConsoleUse;
use crate::clock::Clock;
use base::event::{Event, Log};
use base::{Chooser, Codec, CodecError, Cut, Device, Io, Ram, Site, State, Struck, Time};
use devices::uart16550::Uart16550;
use devices::virtio::block::{Block, Disk, View};
use devices::virtio::console::{Console, Role};
use devices::virtio::entropy::Entropy;
use devices::virtio::{Backend, Mmio};

/// The virtio transports, in the order of their addresses.
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

/// The console's ports: one as every console has it, then the standard streams of a command that is run.
pub const PORTS: [(&str, Role); 4] = [
    ("", Role::Console),
    ("glassbox.stdin", Role::Input),
    ("glassbox.stdout", Role::Output),
    ("glassbox.stderr", Role::Output),
];

/// What the guest wrote, for the host to take.
#[derive(Clone, Debug, Default)]
pub struct Output {
    /// The serial port.
    pub serial: Vec<u8>,
    /// The debug console, where there is one.
    pub debug: Vec<u8>,
    /// The ports of the virtio console, by number.
    pub ports: [Vec<u8>; PORTS.len()],
}

impl Output {
    /// Bytes in all.
    fn total(&self) -> u64 {
        let ports = self.ports.iter().map(Vec::len).sum::<usize>();
        (self.serial.len() + self.debug.len() + ports) as u64
    }
}

/// Which of the chips there are, and how they are made.
pub struct Setup {
    /// Number of CPUs.
    pub cpus: usize,
    /// What is behind the disk's transport, if there is a disk.
    pub disk: Option<Block>,
    /// Whether there is a console.
    pub stdio: bool,
    /// Whether the virtio transports are of version 1.
    pub legacy_virtio: bool,
    /// Seed of the entropy.
    pub seed: u64,
}

/// The chips that every board has.
pub struct Peripherals {
    /// The serial port.
    pub serial: Uart16550,
    /// The disk drive, if there is one.
    pub disk: Option<Mmio<Block>>,
    console: Option<Mmio<Console>>,
    entropy: Mmio<Entropy>,
    /// The power has gone.
    off: bool,
    /// A request may be new to the disk: the chooser is to be asked about it.
    vary: bool,
    /// What the guest has written since the host took it: host-side, so that when it is taken changes nothing.
    output: Output,
    /// How the guest has used its console; host-side.
    console_use: ConsoleUse,
    /// What an observer is told of the chips; host-side.
    pub(crate) log: Log,
    /// The clock as the running CPU's run began, and what it retired since.
    clock: Clock,
    retired: u64,
}

impl Peripherals {
    /// The chips at power-on.
    pub fn new(setup: Setup) -> Self {
        let legacy = setup.legacy_virtio;
        Self {
            serial: Uart16550::new("com1"),
            disk: setup.disk.map(|disk| transport(disk, legacy)),
            console: setup.stdio.then(|| transport(Console::new(&PORTS), legacy)),
            entropy: transport(Entropy::new(setup.seed), legacy),
            off: false,
            vary: false,
            output: Output::default(),
            console_use: ConsoleUse::default(),
            log: Log::default(),
            clock: Clock::new(setup.cpus, 1),
            retired: 0,
        }
    }

    /// A CPU runs from now on, timed by `clock`.
    pub fn begin(&mut self, clock: &Clock) {
        self.clock = clock.clone();
        self.retired = 0;
    }

    /// The running CPU has retired `n` instructions since [`Peripherals::begin`].
    pub const fn set_retired(&mut self, n: u64) {
        self.retired = n;
    }

    /// The time behind the running CPU's instruction number `retired`, counted from the last [`Peripherals::set_retired`].
    pub fn now(&self, retired: u64) -> Time {
        self.clock.after(self.retired + retired)
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

    /// Moves what the disk reports to the others' reports.
    pub fn collect_log(&mut self) {
        if let Some(disk) = &mut self.disk {
            for (now, event) in disk.backend_mut().log.take() {
                self.log.push(now, || event);
            }
        }
    }

    /// Whether [`Peripherals::vary`] has something to ask.
    #[inline]
    pub const fn asks(&self) -> bool {
        self.vary
    }

    /// Asks `chooser` about the disk's new requests.
    pub fn vary(&mut self, chooser: &mut dyn Chooser, now: Time) {
        if std::mem::take(&mut self.vary)
            && let Some(disk) = &mut self.disk
        {
            disk.vary(chooser, now);
            self.collect_log();
        }
    }

    /// When one of the chips must next be advanced.
    pub fn deadline(&self) -> Time {
        let disk = self.disk.as_ref().map_or(Time::NEVER, Device::deadline);
        disk.min(self.serial.deadline())
    }

    /// Brings those whose deadline has come to `now`. Whether one may have written to memory.
    pub fn advance(&mut self, ram: &mut Ram, now: Time) -> bool {
        let mut io = Io { ram, now };
        advance(&mut self.serial, &mut io);
        let mut writes = false;
        if let Some(disk) = &mut self.disk {
            writes = advance(disk, &mut io);
            // Requests that had to wait for a place among those in flight are new, too.
            self.vary |= disk.has_new();
        }
        self.collect(ram, now);
        writes
    }

    /// What stands on virtio transport `number`, which is about to be accessed if `accessed`.
    pub fn transport(&mut self, number: u64, accessed: bool) -> Option<&mut dyn Device> {
        self.vary |= accessed && number == slot::DISK;
        match (number, &mut self.disk, &mut self.console) {
            (slot::DISK, Some(disk), _) => Some(disk),
            (slot::CONSOLE, _, Some(console)) => Some(console),
            (slot::ENTROPY, ..) => Some(&mut self.entropy),
            _ => None,
        }
    }

    /// The levels of the virtio transports' interrupt lines, a bit each.
    pub fn virtio_lines(&mut self) -> u32 {
        let level = |number| {
            self.transport(number, false)
                .is_some_and(|device| device.irq())
        };
        (0..slot::COUNT)
            .map(level)
            .enumerate()
            .fold(0, |set, (number, up)| set | u32::from(up) << number)
    }

    /// Moves output and reports from the chips to the host's side at once.
    pub fn collect(&mut self, ram: &mut Ram, now: Time) {
        let before = self.output.total();
        if self.serial.has_output() {
            let bytes = self.serial.take_output();
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
        self.collect_log();
    }

    /// The guest may have looked for a character and found none.
    pub fn count_looks(&mut self) {
        self.console_use.looks += u64::from(self.serial.take_looked());
    }

    /// A character for the serial port's reader that did not come over its registers.
    pub fn print(&mut self, byte: u8, now: Time) {
        self.log.push(now, || Event::Console(byte));
        self.output.serial.push(byte);
        self.console_use.written += 1;
    }

    /// What a debug console has taken.
    pub fn print_debug(&mut self, bytes: Vec<u8>) {
        self.console_use.written += bytes.len() as u64;
        self.output.debug.extend(bytes);
    }

    /// Takes at most `most` characters that were typed, past the serial port's registers.
    pub fn take_input(&mut self, most: usize) -> Vec<u8> {
        let bytes = self.serial.take_input(most);
        self.console_use.looks += u64::from(bytes.is_empty());
        bytes
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
    }

    /// The console port and number of bytes that the guest waits for.
    pub fn wanted_input(&self) -> Option<(u32, usize)> {
        let (port, capacity) = self.console.as_ref()?.wants_input()?;
        Some((port as u32, capacity))
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
    pub(crate) fn go_on_from(&mut self, output: Output, console_use: ConsoleUse) {
        self.output = output;
        self.console_use = console_use;
        self.collect_log();
        self.log.take();
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
        let disk = self.disk.iter();
        disk.flat_map(|disk| disk.backend().disk().modified(View::Cached))
    }

    /// The power goes.
    pub(crate) fn cut(&mut self, cut: Cut) {
        self.off = true;
        if let Some(disk) = &mut self.disk {
            disk.backend_mut().cut(cut);
        }
    }

    /// Whether the power has gone.
    pub fn is_off(&self) -> bool {
        self.off
            || self
                .disk
                .as_ref()
                .is_some_and(|disk| disk.backend().is_off())
    }

    /// Tells an observer of something that goes wrong on purpose.
    pub(crate) fn report_fault(&mut self, site: Site, struck: Struck, now: Time) {
        let Struck { count, fault } = struck;
        self.log.push(now, || Event::Fault { site, count, fault });
    }
}

/// A device behind a transport of version 1 or 2.
fn transport<B: Backend>(backend: B, legacy: bool) -> Mmio<B> {
    let device = Mmio::new(backend);
    match legacy {
        true => device.legacy(),
        false => device,
    }
}

/// Brings `device` to the present if its deadline has come. Whether it had.
pub(crate) fn advance(device: &mut dyn Device, io: &mut Io<'_>) -> bool {
    let due = device.deadline() <= io.now;
    if due {
        device.advance(io);
    }
    due
}

impl State for Peripherals {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("peripherals", 1)?;
        codec.bool(&mut self.off)?;
        codec.bool(&mut self.vary)?;
        self.serial.state(codec)?;
        if let Some(disk) = &mut self.disk {
            disk.state(codec)?;
        }
        if let Some(console) = &mut self.console {
            console.state(codec)?;
        }
        self.entropy.state(codec)
    }
}
