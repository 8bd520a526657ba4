//! Every device against a guest that writes anything anywhere, and against state bytes that were tampered with.
//!
//! Nothing is asserted of the values: a panic, or a run that does not come to its end, is the failure.

use crate::virtio::block::Latency;
use crate::virtio::console::Role;
use crate::virtio::{Block, Console, Entropy, Mmio};
use crate::{DebugConsole, DebugExit, FwCfg, IoApic, LocalApic, Pic, Pit, Power, Rtc, Uart16550};
use base::codec::{load, save};
use base::{Device, Io, Phys, Ram, Rng, Time, Width};

fn devices() -> Vec<(Box<dyn Device>, u64)> {
    let disk = Block::new(Box::new(vec![0; 20_000]), "disk", Latency::default());
    let console = Console::new(&[
        ("", Role::Console),
        ("in", Role::Input),
        ("out", Role::Output),
    ]);
    vec![
        (Box::new(Uart16550::new("com1")), 8),
        (Box::new(DebugExit::new()), 8),
        (Box::new(DebugConsole::new()), 1),
        (Box::new(Power::new()), 16),
        (Box::new(LocalApic::new(0)), 0x400),
        (Box::new(IoApic::new(0)), 0x20),
        (Box::new(Pit::new()), 5),
        (Box::new(Pic::new()), 6),
        (Box::new(Rtc::new(1 << 30)), 2),
        (Box::new(FwCfg::new()), 12),
        (Box::new(Mmio::new(disk)), 0x200),
        (Box::new(Mmio::new(console)), 0x200),
        (Box::new(Mmio::new(Entropy::new(1))), 0x200),
    ]
}

const WIDTHS: [Width; 4] = [Width::B1, Width::B2, Width::B4, Width::B8];

/// A number that is small or full of ones more often than chance would have it.
fn value(rng: &mut Rng) -> u64 {
    match rng.below(4) {
        0 => rng.below(16),
        1 => u64::MAX >> rng.below(64),
        2 => rng.next() & 0xf_ffff,
        _ => rng.next(),
    }
}

/// 64 KiB of noise in which many places can be taken for the header of a disk request or a control message.
fn noise(rng: &mut Rng) -> Ram {
    let mut ram = Ram::new(Phys(0), 0x1_0000);
    for at in (0..0x1_0000).step_by(16) {
        let (first, second) = match rng.below(4) {
            0 => (rng.next(), rng.next()),
            1 => (rng.below(4) | rng.below(8) << 32 | 1 << 48, rng.next()),
            _ => (rng.below(10), rng.below(64)),
        };
        ram.write(Phys(at), Width::B8, first);
        ram.write(Phys(at + 8), Width::B8, second);
    }
    ram
}

/// Accesses `device` at random, while time goes by.
fn poke(device: &mut dyn Device, registers: u64, ram: &mut Ram, rng: &mut Rng, times: u32) {
    let mut now = Time(0);
    for _ in 0..times {
        let offset = rng.below(registers);
        let offset = if rng.below(4) == 0 {
            offset
        } else {
            offset & !3
        };
        let width = WIDTHS[rng.below(4) as usize];
        let mut io = Io { ram, now };
        if rng.below(3) == 0 {
            device.read(offset, width, &mut io);
        } else {
            device.write(offset, width, value(rng) & width.mask(), &mut io);
        }
        device.register(offset);
        device.irq();
        now = now + Time(rng.next() >> rng.below(64));
        if device.deadline() <= now {
            device.advance(&mut Io { ram, now });
        }
    }
}

#[test]
fn no_guest_makes_a_device_panic() {
    let mut rng = Rng::new(1);
    for (mut device, registers) in devices() {
        poke(
            &mut *device,
            registers,
            &mut noise(&mut rng),
            &mut rng,
            20_000,
        );
    }
}

/// Descriptor `index` as two words. Four in a row often make a request of the disk; the rest is wild.
fn descriptor(index: u64, rng: &mut Rng) -> [u64; 2] {
    let addr = rng.below(0xf00) * 16;
    let next = |flags: u64| flags << 32 | (index + 1) << 48;
    match (rng.below(16), index % 4) {
        (0, _) => [rng.next(), rng.next()],
        (1, _) => [
            addr,
            rng.next() >> 52 | rng.below(8) << 32 | rng.below(64) << 48,
        ],
        (_, 0) => [addr, 16 | next(1)],
        (_, 1) => [addr, 512 | next([1, 3][rng.below(2) as usize])],
        _ => [addr, 1 | 2 << 32],
    }
}

/// Starts a virtio device on eight queues whose tables and rings are almost in order.
fn start(device: &mut dyn Device, ram: &mut Ram, rng: &mut Rng) {
    let mut set = |offset, value, ram: &mut Ram| {
        device.write(offset, Width::B4, value, &mut Io { ram, now: Time(0) });
    };
    for (offset, value) in [(0x20, rng.below(4) << 28 | 2), (0x70, 0xb)] {
        set(offset, value, ram);
    }
    for queue in 0..8 {
        let base = 0x1000 * (queue + 1);
        for index in 0..64 {
            for (half, word) in descriptor(index, rng).into_iter().enumerate() {
                ram.write(Phys(base + 16 * index + 8 * half as u64), Width::B8, word);
            }
        }
        for slot in 0..64 {
            ram.write(Phys(base + 0x404 + 2 * slot), Width::B2, rng.below(20) * 4);
        }
        ram.write(Phys(base + 0x402), Width::B2, rng.below(65));
        let rings = [
            (0x30, queue),
            (0x38, 64),
            (0x80, base),
            (0x90, base + 0x400),
            (0xa0, base + 0x800),
        ];
        for (offset, value) in rings {
            set(offset, value, ram);
        }
        set(0x44, 1, ram);
    }
    set(0x70, 0xf, ram);
}

#[test]
fn a_virtio_device_survives_rings_of_noise() {
    let mut rng = Rng::new(2);
    for _ in 0..300 {
        for (mut device, _) in devices().into_iter().filter(|(_, len)| *len == 0x200) {
            let mut ram = noise(&mut rng);
            start(&mut *device, &mut ram, &mut rng);
            for _ in 0..20 {
                let now = device.deadline().min(Time::secs(1));
                let mut io = Io { ram: &mut ram, now };
                device.write(0x50, Width::B4, rng.below(8), &mut io);
                device.advance(&mut io);
            }
        }
    }
}

#[test]
fn state_that_was_tampered_with_is_refused_or_harmless() {
    let mut rng = Rng::new(3);
    for (mut device, registers) in devices() {
        poke(&mut *device, registers, &mut noise(&mut rng), &mut rng, 500);
        let good = save(&mut *device);
        for _ in 0..300 {
            let mut bytes = good.clone();
            for _ in 0..=rng.below(3) {
                let at = rng.below(bytes.len() as u64) as usize;
                bytes[at] = value(&mut rng) as u8;
            }
            if load(&mut *device, &bytes).is_ok() {
                poke(&mut *device, registers, &mut noise(&mut rng), &mut rng, 50);
            }
        }
    }
}
