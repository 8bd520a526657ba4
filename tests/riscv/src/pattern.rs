//! Encodings as the manual prints them: a string of bits, the highest first, in which letters stand for fields.
//!
//! ```text
//! d  rd            e  rd, not x0                     i  immediate      n  immediate, not 0
//! a  rs1           h  rs1, not x0                    j  displacement of a branch or jump
//! b  rs2           g  rs2, not x0                    r  rounding mode (5 and 6 are reserved)
//! p  rs1, which is an address                        y  number of a control and status register
//! t  rd, not x2                                      x  anything
//! D A B C  the same, of floating-point registers
//! ```
//!
//! A register's field of three bits names x8 to x15, or f8 to f15.

/// The encodings of one instruction.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// 2 or 4 bytes.
    pub len: usize,
    mask: u32,
    value: u32,
    /// Letters, with the places of their bits, the highest first.
    fields: Vec<(char, Vec<u32>)>,
}

impl Pattern {
    /// Reads a pattern; blanks mean nothing.
    pub fn parse(text: &str) -> Self {
        let bits: Vec<char> = text.chars().filter(|c| *c != ' ').collect();
        assert!(matches!(bits.len(), 16 | 32), "{text}");
        let mut pattern = Self {
            len: bits.len() / 8,
            mask: 0,
            value: 0,
            fields: Vec::new(),
        };
        for (at, bit) in (0..bits.len() as u32).rev().zip(bits) {
            match bit {
                '0' | '1' => {
                    pattern.mask |= 1 << at;
                    pattern.value |= u32::from(bit == '1') << at;
                }
                letter => match pattern.fields.iter_mut().find(|(l, _)| *l == letter) {
                    Some((_, places)) => places.push(at),
                    None => pattern.fields.push((letter, vec![at])),
                },
            }
        }
        pattern
    }

    /// An encoding with what `choose` gives for each field, cut to the field's bits.
    pub fn encode(&self, mut choose: impl FnMut(char, usize) -> u32) -> u32 {
        let mut bits = self.value;
        for (letter, places) in &self.fields {
            let field = choose(*letter, places.len());
            for (n, at) in places.iter().rev().enumerate() {
                bits |= (field >> n & 1) << at;
            }
        }
        bits
    }

    /// What the field `letter` is in `bits`, if there is one, and of how many bits.
    pub fn field(&self, letter: char, bits: u32) -> Option<(u32, usize)> {
        let (_, places) = self.fields.iter().find(|(l, _)| *l == letter)?;
        let value = places
            .iter()
            .fold(0, |value, at| value << 1 | bits >> at & 1);
        Some((value, places.len()))
    }

    /// `bits` with another value in the field `letter`, if there is one.
    pub fn with(&self, letter: char, bits: u32, value: u32) -> u32 {
        self.encode(|l, _| match self.field(l, bits) {
            Some((old, _)) if l != letter => old,
            _ => value,
        })
    }

    /// The register that one of the fields `letters` names.
    pub fn register(&self, letters: &[char], bits: u32) -> Option<usize> {
        let (value, len) = letters.iter().find_map(|l| self.field(*l, bits))?;
        Some(value as usize + if len == 3 { 8 } else { 0 })
    }

    /// Whether `bits` are an encoding of this instruction.
    pub fn matches(&self, bits: u32) -> bool {
        let holds = |letter: &char| match (letter, self.field(*letter, bits)) {
            ('e' | 'h' | 'g' | 'n', Some((value, _))) => value != 0,
            ('t', Some((value, _))) => value != 2,
            ('r', Some((value, _))) => !matches!(value, 5 | 6),
            _ => true,
        };
        bits & self.mask == self.value && self.fields.iter().all(|(letter, _)| holds(letter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_to_their_places_and_back() {
        let store = Pattern::parse("iiiiiii bbbbb ppppp 011 iiiii 0100011");
        let bits = store.encode(|letter, _| match letter {
            'i' => 0xff8,
            'b' => 10,
            _ => 8,
        });
        assert_eq!(bits, 0xfea4_3c23); // sd a0, -8(s0)
        assert!(store.matches(bits));
        assert_eq!(store.field('i', bits), Some((0xff8, 12)));
        assert_eq!(store.register(&['a', 'p'], bits), Some(8));
    }

    #[test]
    fn reserved_values_of_a_field_are_no_encoding() {
        let load = Pattern::parse("010 i eeeee iiiii 10");
        assert!(load.matches(0x4502)); // c.lwsp a0, 0(sp)
        assert!(!load.matches(0x4002));
        assert_eq!(Pattern::parse("110 iii ddd ii bbb 00").len, 2);
    }
}
