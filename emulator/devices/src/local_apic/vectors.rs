//! A set of interrupt vectors: what IRR, ISR and TMR each are (SDM vol. 3, 11.8.4).

use base::{Codec, CodecError};

/// 256 bits, one a vector.
#[derive(Clone, Debug, Default)]
pub struct Vectors([u64; 4]);

impl Vectors {
    /// Adds `vector`, or takes it out.
    pub fn put(&mut self, vector: u8, present: bool) {
        let (word, bit) = (usize::from(vector) / 64, 1u64 << (vector % 64));
        if present {
            self.0[word] |= bit;
        } else {
            self.0[word] &= !bit;
        }
    }

    /// Whether `vector` is in the set.
    pub const fn contains(&self, vector: u8) -> bool {
        self.0[vector as usize / 64] >> (vector % 64) & 1 != 0
    }

    /// The highest vector of the set.
    pub fn highest(&self) -> Option<u8> {
        let word = self.0.iter().rposition(|&bits| bits != 0)?;
        Some((word as u32 * 64 + 63 - self.0[word].leading_zeros()) as u8)
    }

    /// The 32 bits of the register numbered `index` (0 to 7).
    pub const fn register(&self, index: u8) -> u32 {
        (self.0[index as usize / 2 % 4] >> (32 * (index % 2))) as u32
    }

    /// The set for the state codec.
    pub fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        self.0.iter_mut().try_for_each(|word| codec.u64(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_vector_is_found_across_words() {
        let mut set = Vectors::default();
        assert_eq!(set.highest(), None);
        for vector in [0, 31, 63, 64, 200, 255] {
            set.put(vector, true);
            assert_eq!(set.highest(), Some(vector));
            assert!(set.contains(vector));
        }
        set.put(255, false);
        assert_eq!(set.highest(), Some(200));
        assert_eq!(set.register(6), 1 << (200 - 192));
        assert_eq!(set.register(0), 1 | 1 << 31);
    }
}
