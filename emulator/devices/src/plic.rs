//! The platform-level interrupt controller (RISC-V PLIC specification 1.0.0; offsets as on QEMU's `virt` board).
//!
//! ```text
//! 0x00_0000 + 4 s           priority of source s (0: never)
//! 0x00_1000 + 4 (s / 32)    pending bits
//! 0x00_2000 + 0x80 c + …    enable bits of context c
//! 0x20_0000 + 0x1000 c      threshold of context c; + 4: claim (read), complete (write)
//! ```
//!
//! Key type: [`Plic`]. Sources are level-triggered: a gateway forwards its source once, and again only when the handler
//! has completed it. Contexts are harts' modes: 2 n is hart n's M-mode, 2 n + 1 its S-mode.

use base::{Codec, CodecError, Device, Io, State, Width};

/// Sources, number 0 (which is none) included.
pub const SOURCES: usize = 96;
/// Bytes of the register file.
pub const LEN: u64 = 0x60_0000;

const WORDS: usize = SOURCES / 32;
const PENDING: u64 = 0x1000;
const ENABLE: u64 = 0x2000;
const ENABLE_STRIDE: u64 = 0x80;
const CONTEXT: u64 = 0x20_0000;
const CONTEXT_STRIDE: u64 = 0x1000;
/// Priorities have three bits, as on QEMU's board.
const PRIORITY: u32 = 7;

#[derive(Clone, Debug, Default)]
struct Context {
    enabled: [u32; WORDS],
    threshold: u32,
}

/// The controller.
#[derive(Clone, Debug)]
pub struct Plic {
    priorities: [u8; SOURCES],
    levels: [u32; WORDS],
    pending: [u32; WORDS],
    /// Claimed and not completed: the gateway is shut.
    in_service: [u32; WORDS],
    contexts: Vec<Context>,
}

enum Register {
    Priority(usize),
    Pending(usize),
    Enable(usize, usize),
    Threshold(usize),
    Claim(usize),
}

impl Plic {
    /// The controller of `harts` harts, with nothing enabled.
    pub fn new(harts: usize) -> Self {
        Self {
            priorities: [0; SOURCES],
            levels: [0; WORDS],
            pending: [0; WORDS],
            in_service: [0; WORDS],
            contexts: vec![Context::default(); 2 * harts],
        }
    }

    /// Sets the level of `source`.
    pub fn set_line(&mut self, source: usize, level: bool) {
        if source == 0 || source >= SOURCES {
            return;
        }
        let (word, bit) = (source / 32, 1 << (source % 32));
        if level {
            self.levels[word] |= bit;
        } else {
            self.levels[word] &= !bit;
        }
        self.gate(source);
    }

    /// The level of `source`.
    pub fn line(&self, source: usize) -> bool {
        self.levels
            .get(source / 32)
            .is_some_and(|word| word >> (source % 32) & 1 != 0)
    }

    /// The sources that may interrupt, or that are being handled: number, priority, whether it is pending and claimed.
    pub fn sources(&self) -> impl Iterator<Item = (usize, u8, bool, bool)> {
        let is_set =
            |words: &[u32; WORDS], source: usize| words[source / 32] >> (source % 32) & 1 != 0;
        let all = (1..SOURCES).map(move |source| {
            let (pending, claimed) = (
                is_set(&self.pending, source),
                is_set(&self.in_service, source),
            );
            (source, self.priorities[source], pending, claimed)
        });
        all.filter(|(_, priority, pending, claimed)| *priority > 0 || *pending || *claimed)
    }

    /// Each context: number, threshold, the sources that are enabled for it.
    pub fn contexts(&self) -> impl Iterator<Item = (usize, u32, Vec<usize>)> {
        self.contexts.iter().enumerate().map(|(number, context)| {
            let is_enabled =
                |source: &usize| context.enabled[source / 32] >> (source % 32) & 1 != 0;
            (
                number,
                context.threshold,
                (1..SOURCES).filter(is_enabled).collect(),
            )
        })
    }

    /// Lets a source through its gateway, if that is open.
    fn gate(&mut self, source: usize) {
        let (word, bit) = (source / 32, 1 << (source % 32));
        if self.levels[word] & !self.in_service[word] & bit != 0 {
            self.pending[word] |= bit;
        }
    }

    /// Whether the gateway has forwarded `source`, and nobody has claimed it yet.
    pub fn waiting(&self, source: usize) -> bool {
        self.pending
            .get(source / 32)
            .is_some_and(|word| word >> (source % 32) & 1 != 0)
    }

    /// Whether the interrupt of context `c` is on.
    pub fn asserted(&self, c: usize) -> bool {
        self.best(c).is_some()
    }

    /// The source that context `c` would get: the highest priority, and of equals the lowest number.
    fn best(&self, c: usize) -> Option<usize> {
        let context = self.contexts.get(c)?;
        let mut best = None;
        let mut priority = context.threshold;
        for word in 0..WORDS {
            let mut ready = self.pending[word] & context.enabled[word];
            while ready != 0 {
                let source = word * 32 + ready.trailing_zeros() as usize;
                ready &= ready - 1;
                if u32::from(self.priorities[source]) > priority {
                    priority = u32::from(self.priorities[source]);
                    best = Some(source);
                }
            }
        }
        best
    }

    fn claim(&mut self, c: usize) -> u32 {
        let Some(source) = self.best(c) else {
            return 0;
        };
        let (word, bit) = (source / 32, 1 << (source % 32));
        self.pending[word] &= !bit;
        self.in_service[word] |= bit;
        source as u32
    }

    /// A completion counts only from a context for which the source is enabled ("Interrupt Completion").
    fn complete(&mut self, c: usize, source: u32) {
        let source = source as usize;
        if source == 0 || source >= SOURCES {
            return;
        }
        let (word, bit) = (source / 32, 1 << (source % 32));
        if self.contexts[c].enabled[word] & bit != 0 {
            self.in_service[word] &= !bit;
            self.gate(source);
        }
    }

    fn decode(&self, offset: u64) -> Option<Register> {
        let contexts = self.contexts.len();
        match offset {
            _ if !offset.is_multiple_of(4) => None,
            _ if offset < 4 * SOURCES as u64 => Some(Register::Priority(offset as usize / 4)),
            PENDING.. if offset < PENDING + 4 * WORDS as u64 => {
                Some(Register::Pending((offset - PENDING) as usize / 4))
            }
            ENABLE..CONTEXT => {
                let context = ((offset - ENABLE) / ENABLE_STRIDE) as usize;
                let word = ((offset - ENABLE) % ENABLE_STRIDE) as usize / 4;
                (context < contexts && word < WORDS).then_some(Register::Enable(context, word))
            }
            CONTEXT.. => {
                let context = ((offset - CONTEXT) / CONTEXT_STRIDE) as usize;
                match (offset - CONTEXT) % CONTEXT_STRIDE {
                    _ if context >= contexts => None,
                    0 => Some(Register::Threshold(context)),
                    4 => Some(Register::Claim(context)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

impl Device for Plic {
    fn name(&self) -> &'static str {
        "plic"
    }

    fn register(&self, offset: u64) -> &'static str {
        match self.decode(offset) {
            Some(Register::Priority(_)) => "priority",
            Some(Register::Pending(_)) => "pending",
            Some(Register::Enable(..)) => "enable",
            Some(Register::Threshold(_)) => "threshold",
            Some(Register::Claim(_)) => "claim",
            None => "",
        }
    }

    /// Only aligned accesses of 4 bytes have an effect; an upper half reads as zero.
    fn read(&mut self, offset: u64, _width: Width, _io: &mut Io<'_>) -> u64 {
        u64::from(match self.decode(offset) {
            Some(Register::Priority(source)) => u32::from(self.priorities[source]),
            Some(Register::Pending(word)) => self.pending[word],
            Some(Register::Enable(context, word)) => self.contexts[context].enabled[word],
            Some(Register::Threshold(context)) => self.contexts[context].threshold,
            Some(Register::Claim(context)) => self.claim(context),
            None => 0,
        })
    }

    fn write(&mut self, offset: u64, _width: Width, value: u64, _io: &mut Io<'_>) {
        let value = value as u32;
        match self.decode(offset) {
            Some(Register::Priority(source @ 1..)) => {
                self.priorities[source] = (value & PRIORITY) as u8;
            }
            Some(Register::Enable(context, word)) => {
                // Source 0 does not exist.
                let exists = if word == 0 { !1 } else { !0 };
                self.contexts[context].enabled[word] = value & exists;
            }
            Some(Register::Threshold(context)) => {
                self.contexts[context].threshold = value & PRIORITY;
            }
            Some(Register::Claim(context)) => self.complete(context, value),
            _ => {}
        }
    }
}

impl State for Plic {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("plic", 1)?;
        codec.bytes(&mut self.priorities)?;
        let words = self.levels.iter_mut().chain(&mut self.pending);
        for word in words.chain(&mut self.in_service) {
            codec.u32(word)?;
        }
        for context in &mut self.contexts {
            codec.u32(&mut context.threshold)?;
            for word in &mut context.enabled {
                codec.u32(word)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, round_trip};

    const CLAIM_S0: u64 = CONTEXT + CONTEXT_STRIDE + 4;

    /// A controller whose sources 1 and 10 are enabled for hart 0's S-mode with priorities 1 and 2.
    fn plic(bench: &mut Bench) -> Plic {
        let mut plic = Plic::new(1);
        bench.write32(&mut plic, 4, 1);
        bench.write32(&mut plic, 40, 2);
        bench.write32(&mut plic, ENABLE + ENABLE_STRIDE, 1 << 1 | 1 << 10 | 1);
        plic
    }

    #[test]
    fn the_highest_priority_is_claimed_first_and_only_once() {
        let mut bench = Bench::new();
        let mut plic = plic(&mut bench);
        plic.set_line(1, true);
        plic.set_line(10, true);
        assert!(plic.asserted(1) && !plic.asserted(0));
        assert_eq!(bench.read32(&mut plic, CLAIM_S0), 10);
        assert_eq!(bench.read32(&mut plic, CLAIM_S0), 1);
        assert_eq!(bench.read32(&mut plic, CLAIM_S0), 0);
        assert!(!plic.asserted(1));
        // Completed with the line still up, it comes again.
        bench.write32(&mut plic, CLAIM_S0, 10);
        assert_eq!(bench.read32(&mut plic, CLAIM_S0), 10);
        plic.set_line(10, false);
        bench.write32(&mut plic, CLAIM_S0, 10);
        assert!(!plic.asserted(1));
        round_trip(&mut plic, &mut Plic::new(1));
    }

    #[test]
    fn a_threshold_masks_what_is_not_above_it() {
        let mut bench = Bench::new();
        let mut plic = plic(&mut bench);
        plic.set_line(1, true);
        bench.write32(&mut plic, CONTEXT + CONTEXT_STRIDE, 1);
        assert!(!plic.asserted(1));
        plic.set_line(10, true);
        assert_eq!(bench.read32(&mut plic, CLAIM_S0), 10);
    }

    #[test]
    fn what_is_not_there_reads_as_zero() {
        let mut bench = Bench::new();
        let mut plic = plic(&mut bench);
        assert_eq!(bench.read32(&mut plic, ENABLE), 0);
        bench.write32(&mut plic, 0, 7);
        assert_eq!(bench.read32(&mut plic, 0), 0);
        assert_eq!(bench.read32(&mut plic, CONTEXT + 5 * CONTEXT_STRIDE), 0);
        bench.write32(&mut plic, CLAIM_S0, 9_999);
        plic.set_line(0, true);
        plic.set_line(SOURCES, true);
        assert!(!plic.asserted(1));
    }
}
