//! Names and data that a test draws from the seed, so that a kernel cannot know them beforehand.
//!
//! A value depends on the seed, the test's name and its own name alone: other tests, or a value more, change nothing.

use std::ops::RangeInclusive;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// What can be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draw {
    /// A short word in small letters.
    Word,
    /// A number in a range, both ends included.
    Number(RangeInclusive<u64>),
}

impl Draw {
    /// Reads `word` or `FROM..TO`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "word" {
            return Some(Self::Word);
        }
        let (from, to) = text.split_once("..")?;
        let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
        (from <= to).then_some(Self::Number(from..=to))
    }
}

/// The source of a test's values.
#[derive(Clone, Debug)]
pub struct Random {
    seed: u64,
    test: String,
}

impl Random {
    /// Values of the test with this name.
    pub fn new(seed: u64, test: &str) -> Self {
        Self {
            seed,
            test: test.to_owned(),
        }
    }

    /// The value called `name`. With another `attempt` it is another one, for a word that is taken.
    pub fn draw(&self, name: &str, draw: &Draw, attempt: u64) -> String {
        let text = format!("{}\0{name}\0{attempt}", self.test);
        let bits = xxh3_64_with_seed(text.as_bytes(), self.seed);
        match draw {
            Draw::Word => word(bits),
            Draw::Number(range) => {
                let (from, to) = (*range.start(), *range.end());
                let count = u128::from(to - from) + 1;
                let place = (u128::from(bits) * count) >> 64;
                (from + place as u64).to_string()
            }
        }
    }
}

/// Four syllables that can be pronounced and mean nothing.
fn word(mut bits: u64) -> String {
    const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
    const VOWELS: &[u8; 4] = b"aeio";
    let mut word = String::new();
    for _ in 0..4 {
        word.push(CONSONANTS[(bits % 16) as usize].into());
        word.push(VOWELS[(bits / 16 % 4) as usize].into());
        bits /= 64;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_depends_on_seed_test_and_name() {
        let value = |seed, test, name, attempt| {
            let random = Random::new(seed, test);
            random.draw(name, &Draw::Word, attempt)
        };
        let first = value(1, "a", "x", 0);
        assert_eq!(first, value(1, "a", "x", 0));
        for other in [
            value(2, "a", "x", 0),
            value(1, "b", "x", 0),
            value(1, "a", "y", 0),
            value(1, "a", "x", 1),
        ] {
            assert_ne!(first, other);
        }
        assert!(first.len() == 8 && first.bytes().all(|b| b.is_ascii_lowercase()));
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_both_ends() {
        let draw = Draw::parse("10..12").unwrap();
        let values: std::collections::BTreeSet<String> = (0..200)
            .map(|seed| Random::new(seed, "t").draw("n", &draw, 0))
            .collect();
        assert_eq!(values.into_iter().collect::<Vec<_>>(), ["10", "11", "12"]);
        let all = Draw::Number(0..=u64::MAX);
        assert_ne!(Random::new(1, "t").draw("n", &all, 0), "0");
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        for text in ["", "words", "5", "9..1", "a..b", "-1..3"] {
            assert_eq!(Draw::parse(text), None, "{text}");
        }
    }
}
