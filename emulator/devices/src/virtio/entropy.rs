//! The entropy device (5.4): random bytes on demand, from the run's seed.
//!
//! Key type: [`Entropy`]. A request is answered at once; it may get fewer bytes than it has room for.

use super::{Backend, Link, QueueError};
use base::{Codec, CodecError, Rng, State};

/// The most bytes a request gets.
const MOST_BYTES: u64 = 4096;

/// The source.
#[derive(Clone, Debug)]
pub struct Entropy {
    rng: Rng,
}

impl Entropy {
    /// The bytes that belong to `seed`.
    pub const fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
        }
    }
}

impl Backend for Entropy {
    fn name(&self) -> &'static str {
        "virtio_entropy"
    }

    fn device_id(&self) -> u32 {
        4
    }

    fn features(&self) -> u64 {
        0
    }

    fn queue_sizes(&self) -> Vec<u16> {
        vec![256]
    }

    fn config(&self) -> &[u8] {
        &[]
    }

    fn notify(&mut self, queue: usize, link: &mut Link<'_>) -> Result<(), QueueError> {
        while let Some(chain) = link.pop(queue)? {
            let len = chain.writable_len().min(MOST_BYTES);
            let words = (0..len.div_ceil(8)).flat_map(|_| self.rng.next().to_le_bytes());
            let bytes: Vec<u8> = words.take(len as usize).collect();
            let written = chain.scatter(link.ram, 0, &bytes);
            link.complete(queue, chain.head, written as u32)?;
        }
        Ok(())
    }

    fn reset(&mut self) {}

    fn reset_queue(&mut self, _queue: usize) {}
}

impl State for Entropy {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("virtio_entropy", 1)?;
        self.rng.state(codec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::round_trip;
    use crate::virtio::Mmio;
    use crate::virtio::testing::Driver;

    fn bytes_of(seed: u64) -> Vec<u8> {
        let (mut driver, mut device) = (Driver::new(8), Mmio::new(Entropy::new(seed)));
        driver.start(&mut device, 0, 1);
        driver.offer(&[(0x8000, 5, true), (0x9000, 6, true)]);
        driver.notify(&mut device, 0);
        assert_eq!(driver.used(), [(0, 11)]);
        [driver.bytes(0x8000, 5), driver.bytes(0x9000, 6)].concat()
    }

    #[test]
    fn the_seed_decides_the_bytes() {
        assert_eq!(bytes_of(7), bytes_of(7));
        assert_ne!(bytes_of(7), bytes_of(8));
    }

    #[test]
    fn the_state_comes_back() {
        let mut used = Entropy::new(1);
        used.rng.next();
        round_trip(&mut used, &mut Entropy::new(1));
    }
}
