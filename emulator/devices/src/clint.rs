//! The core-local interruptor (SiFive CLINT; "RISC-V ACLINT", MSWI and MTIMER): each hart's software interrupt, and the
//! machine timer.
//!
//! ```text
//! 0x0000 + 4 n   MSIP       bit 0: hart n's software interrupt
//! 0x4000 + 8 n   MTIMECMP   hart n's timer interrupt is on from this time
//! 0xbff8         MTIME      ticks of 100 ns
//! ```
//!
//! Key type: [`Clint`]. MTIME is virtual time plus what software wrote to it, so nothing happens until a comparator is
//! reached.

use base::{Codec, CodecError, Device, Io, State, Time, Width};

/// A tick of MTIME.
pub const TICK: Time = Time(100);
/// Bytes of the register file.
pub const LEN: u64 = 0x1_0000;

const MTIMECMP: u64 = 0x4000;
const MTIME: u64 = 0xbff8;

/// What an offset selects.
enum Register {
    Msip(usize),
    Mtimecmp(usize),
    Mtime,
}

#[derive(Clone, Debug)]
struct Hart {
    msip: bool,
    mtimecmp: u64,
    /// The timer interrupt's level as of the last look.
    due: bool,
}

/// The interruptor of all harts.
#[derive(Clone, Debug)]
pub struct Clint {
    harts: Vec<Hart>,
    /// What software added to the time, in ticks.
    offset: u64,
}

impl Clint {
    /// The interruptor of `harts` harts, none of them interrupted.
    pub fn new(harts: usize) -> Self {
        let hart = Hart {
            msip: false,
            mtimecmp: u64::MAX,
            due: false,
        };
        Self {
            harts: vec![hart; harts],
            offset: 0,
        }
    }

    /// Whether the software interrupt of hart `n` is on.
    pub fn software(&self, n: usize) -> bool {
        self.harts.get(n).is_some_and(|hart| hart.msip)
    }

    /// The hart that a write of `value` at `offset` interrupts, if any.
    pub fn interrupts(&self, offset: u64, value: u64) -> Option<usize> {
        match self.decode(offset) {
            Some((Register::Msip(n), 0)) if value & 1 != 0 => Some(n),
            _ => None,
        }
    }

    /// Whether the timer interrupt of hart `n` is on, as of the last access or [`Device::advance`].
    pub fn timer(&self, n: usize) -> bool {
        self.harts.get(n).is_some_and(|hart| hart.due)
    }

    /// The comparator of hart `n`, in ticks.
    pub fn mtimecmp(&self, n: usize) -> Option<u64> {
        self.harts.get(n).map(|hart| hart.mtimecmp)
    }

    /// Ticks that software put MTIME ahead of virtual time.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// MTIME at `now`.
    pub const fn mtime(&self, now: Time) -> u64 {
        (now.0 / TICK.0).wrapping_add(self.offset)
    }

    /// Sets the comparator of hart `n`, as firmware does.
    pub fn set_timer(&mut self, n: usize, mtimecmp: u64, now: Time) {
        if let Some(hart) = self.harts.get_mut(n) {
            hart.mtimecmp = mtimecmp;
        }
        self.compare(now);
    }

    fn compare(&mut self, now: Time) {
        let mtime = self.mtime(now);
        for hart in &mut self.harts {
            hart.due = mtime >= hart.mtimecmp;
        }
    }

    fn decode(&self, offset: u64) -> Option<(Register, u64)> {
        let harts = self.harts.len() as u64;
        match offset {
            _ if offset < 4 * harts => Some((Register::Msip(offset as usize / 4), offset % 4)),
            MTIME..=0xbfff => Some((Register::Mtime, offset - MTIME)),
            _ => {
                let n = offset.checked_sub(MTIMECMP)?;
                (n < 8 * harts).then_some((Register::Mtimecmp(n as usize / 8), n % 8))
            }
        }
    }
}

/// `old` with `width` bytes of `value` put in at byte `at`.
const fn merged(old: u64, at: u64, width: Width, value: u64) -> u64 {
    let shift = 8 * at as u32;
    old & !(width.mask() << shift) | (value & width.mask()) << shift
}

impl Device for Clint {
    fn name(&self) -> &'static str {
        "clint"
    }

    fn register(&self, offset: u64) -> &'static str {
        match self.decode(offset) {
            Some((Register::Msip(_), _)) => "MSIP",
            Some((Register::Mtimecmp(_), _)) => "MTIMECMP",
            Some((Register::Mtime, _)) => "MTIME",
            None => "",
        }
    }

    fn read(&mut self, offset: u64, width: Width, io: &mut Io<'_>) -> u64 {
        let Some((register, at)) = self.decode(offset) else {
            return 0;
        };
        let value = match register {
            Register::Msip(n) => u64::from(self.harts[n].msip),
            Register::Mtimecmp(n) => self.harts[n].mtimecmp,
            Register::Mtime => self.mtime(io.now),
        };
        value >> (8 * at) & width.mask()
    }

    fn write(&mut self, offset: u64, width: Width, value: u64, io: &mut Io<'_>) {
        match self.decode(offset) {
            Some((Register::Msip(n), 0)) => self.harts[n].msip = value & 1 != 0,
            Some((Register::Mtimecmp(n), at)) => {
                let old = self.harts[n].mtimecmp;
                self.harts[n].mtimecmp = merged(old, at, width, value);
            }
            Some((Register::Mtime, at)) => {
                let old = self.mtime(io.now);
                let new = merged(old, at, width, value);
                self.offset = self.offset.wrapping_add(new.wrapping_sub(old));
            }
            _ => {}
        }
        self.compare(io.now);
    }

    fn deadline(&self) -> Time {
        // MTIME may have been set back, which makes the offset negative.
        let offset = i128::from(self.offset as i64);
        let waiting = self.harts.iter().filter(|hart| !hart.due);
        let ticks = waiting.map(|hart| i128::from(hart.mtimecmp) - offset).min();
        let time = ticks.map(|ticks| u64::try_from(ticks.max(0) * i128::from(TICK.0)));
        time.and_then(Result::ok).map_or(Time::NEVER, Time)
    }

    fn advance(&mut self, io: &mut Io<'_>) {
        self.compare(io.now);
    }
}

impl State for Clint {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("clint", 1)?;
        codec.u64(&mut self.offset)?;
        for hart in &mut self.harts {
            codec.bool(&mut hart.msip)?;
            codec.u64(&mut hart.mtimecmp)?;
            codec.bool(&mut hart.due)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, round_trip};

    #[test]
    fn the_timer_goes_off_at_its_tick() {
        let (mut bench, mut clint) = (Bench::new(), Clint::new(2));
        bench.write32(&mut clint, 0x4008, 50);
        bench.write32(&mut clint, 0x400c, 0);
        assert_eq!(clint.deadline(), Time(5_000));
        bench.now = Time(4_999);
        assert_eq!(bench.read32(&mut clint, 0xbff8), 49);
        assert!(!clint.timer(1));
        bench.now = Time(5_000);
        bench.advance(&mut clint);
        assert!(clint.timer(1) && !clint.timer(0));
        assert_eq!(clint.deadline(), Time::NEVER);
        round_trip(&mut clint, &mut Clint::new(2));
        bench.write32(&mut clint, 0x400c, 1);
        assert!(!clint.timer(1));
    }

    #[test]
    fn software_interrupts_are_one_bit() {
        let (mut bench, mut clint) = (Bench::new(), Clint::new(2));
        bench.write32(&mut clint, 4, 0xffff_ffff);
        assert!(clint.software(1) && !clint.software(0));
        assert_eq!(bench.read32(&mut clint, 4), 1);
        bench.write32(&mut clint, 4, 0xffff_fffe);
        assert!(!clint.software(1));
        assert_eq!(bench.read32(&mut clint, 0x8000), 0);
    }

    #[test]
    fn the_time_can_be_set() {
        let (mut bench, mut clint) = (Bench::new(), Clint::new(1));
        bench.now = Time(1_000);
        bench.write32(&mut clint, 0xbff8, 5);
        assert_eq!(bench.read32(&mut clint, 0xbff8), 5);
        bench.now = Time(2_000);
        assert_eq!(clint.mtime(bench.now), 15);
        bench.write32(&mut clint, 0x4000, 25);
        bench.write32(&mut clint, 0x4004, 0);
        assert_eq!(clint.deadline(), Time(3_000));
        bench.write32(&mut clint, 0x4004, u32::MAX);
        assert_eq!(clint.deadline(), Time::NEVER);
    }
}
