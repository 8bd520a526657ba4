//! The replay token: a short line that says all that a run depends on, but for the images, of which it has fingerprints.
//!
//! ```text
//! token    base64url of: version · fields · checksum (24 bits of XXH3)
//! fields   flags · seed · CPUs · memory in pages · kernel (32 bits) · what the flags say
//!          · length of the texts · texts (LZ4 where that is shorter)
//! texts    shell line \0 appended kernel command line \0 faults, each as its spec, separated by spaces
//! ```
//!
//! Numbers are variable-length, seven bits a byte. What is as it always is takes no room.

use super::base64;
use super::spec::Spec;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The form of the fields; another one is another version.
const VERSION: u8 = 1;
/// Bytes of the checksum.
const CHECK: usize = 3;
/// The most bytes that texts may have: a kernel's command line is shorter.
const MOST_TEXT: usize = 1 << 16;
/// Instruction sets by number.
const ARCHES: [&str; 2] = ["x86_64", "riscv64"];

mod flag {
    pub const DISK: u64 = 1 << 0;
    pub const INPUT: u64 = 1 << 1;
    pub const VERBOSE: u64 = 1 << 2;
    pub const CALENDAR: u64 = 1 << 3;
    pub const HANG_AFTER: u64 = 1 << 4;
    pub const BUDGET: u64 = 1 << 5;
    pub const END: u64 = 1 << 6;
    pub const PACKED: u64 = 1 << 7;
    /// The instruction set's number begins here.
    pub const ARCH: u32 = 8;
    /// One more than the highest bit in use.
    pub const USED: u32 = 9;
}

/// 32 bits that tell a kernel with its RAM disk from others, not to be trusted against anybody who wants them equal.
pub fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let mut hash = Xxh3::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.digest() as u32
}

/// All that a run depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The instruction set.
    pub arch: &'static str,
    /// Seed of the free choices.
    pub seed: u64,
    /// Number of CPUs.
    pub cpus: u8,
    /// Bytes of memory, in whole pages.
    pub memory: u64,
    /// Fingerprint of the kernel, and of the RAM disk if there is one.
    pub kernel: u32,
    /// Fingerprint of the disk as the run finds it.
    pub disk: Option<u32>,
    /// Fingerprint of the standard input that the guest read, if it read some.
    pub input: Option<u32>,
    /// Whether the kernel tells more on the console.
    pub verbose: bool,
    /// The calendar at power-on in seconds since 1970, if it is not the usual one.
    pub calendar: Option<u64>,
    /// Virtual seconds that make a hang, if not the usual number.
    pub hang_after: Option<u64>,
    /// The instruction budget.
    pub max_instructions: Option<u64>,
    /// How the run ended: instructions, and 32 bits of the state's hash.
    pub end: Option<(u64, u32)>,
    /// The shell line.
    pub line: String,
    /// What is appended to the kernel's command line.
    pub append: String,
    /// What goes wrong.
    pub faults: Vec<Spec>,
}

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// It is none, or part of one, or has a wrong letter.
    Damaged,
    /// It is of a version that this program does not know.
    Version(u8),
}

impl std::fmt::Display for TokenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged => f.write_str("this is no replay token, or not all of one"),
            Self::Version(version) => write!(
                f,
                "this replay token is of version {version}; this glassbox knows version {VERSION}"
            ),
        }
    }
}

impl std::error::Error for TokenError {}

impl Token {
    /// The token as text. An instruction set that has no number is written as the first.
    pub fn encode(&self) -> String {
        let faults: Vec<String> = self.faults.iter().map(Spec::to_string).collect();
        let texts = [&*self.line, &*self.append, &*faults.join(" ")].join("\0");
        let packed = lz4_flex::block::compress_prepend_size(texts.as_bytes());
        let is_packed = packed.len() < texts.len();
        let arch = ARCHES.iter().position(|arch| *arch == self.arch);
        let bit = |on, flag| if on { flag } else { 0 };
        let flags = bit(self.disk.is_some(), flag::DISK)
            | bit(self.input.is_some(), flag::INPUT)
            | bit(self.verbose, flag::VERBOSE)
            | bit(self.calendar.is_some(), flag::CALENDAR)
            | bit(self.hang_after.is_some(), flag::HANG_AFTER)
            | bit(self.max_instructions.is_some(), flag::BUDGET)
            | bit(self.end.is_some(), flag::END)
            | bit(is_packed, flag::PACKED)
            | (arch.unwrap_or(0) as u64) << flag::ARCH;
        let mut out = vec![VERSION];
        put(&mut out, flags);
        put(&mut out, self.seed);
        out.push(self.cpus);
        put(&mut out, self.memory >> 12);
        out.extend(self.kernel.to_le_bytes());
        for print in [self.disk, self.input].into_iter().flatten() {
            out.extend(print.to_le_bytes());
        }
        for number in [self.calendar, self.hang_after, self.max_instructions] {
            number.into_iter().for_each(|number| put(&mut out, number));
        }
        if let Some((instructions, hash)) = self.end {
            put(&mut out, instructions);
            out.extend(hash.to_le_bytes());
        }
        out.extend(if is_packed { &packed } else { texts.as_bytes() });
        out.extend(&checksum(&out));
        base64::encode(&out)
    }

    /// Reads a token.
    ///
    /// # Errors
    /// The text is none.
    pub fn decode(text: &str) -> Result<Self, TokenError> {
        let bytes = base64::decode(text).ok_or(TokenError::Damaged)?;
        let (&version, _) = bytes.split_first().ok_or(TokenError::Damaged)?;
        let body = bytes.len().checked_sub(CHECK).ok_or(TokenError::Damaged)?;
        let (body, check) = bytes.split_at(body);
        if checksum(body) != *check {
            return Err(TokenError::Damaged);
        }
        if version != VERSION {
            return Err(TokenError::Version(version));
        }
        fields(body.get(1..).unwrap_or_default()).ok_or(TokenError::Damaged)
    }
}

fn fields(mut rest: &[u8]) -> Option<Token> {
    let rest = &mut rest;
    let flags = take(rest)?;
    if flags >> flag::USED != 0 {
        return None;
    }
    let has = |flag| flags & flag != 0;
    let mut token = Token {
        arch: ARCHES.get((flags >> flag::ARCH) as usize)?,
        seed: take(rest)?,
        cpus: bytes::<1>(rest)?[0],
        memory: take(rest)?.checked_mul(1 << 12)?,
        kernel: u32::from_le_bytes(bytes(rest)?),
        disk: None,
        input: None,
        verbose: has(flag::VERBOSE),
        calendar: None,
        hang_after: None,
        max_instructions: None,
        end: None,
        line: String::new(),
        append: String::new(),
        faults: Vec::new(),
    };
    for (flag, field) in [
        (flag::DISK, &mut token.disk),
        (flag::INPUT, &mut token.input),
    ] {
        if has(flag) {
            *field = Some(u32::from_le_bytes(bytes(rest)?));
        }
    }
    for (flag, field) in [
        (flag::CALENDAR, &mut token.calendar),
        (flag::HANG_AFTER, &mut token.hang_after),
        (flag::BUDGET, &mut token.max_instructions),
    ] {
        if has(flag) {
            *field = Some(take(rest)?);
        }
    }
    if has(flag::END) {
        token.end = Some((take(rest)?, u32::from_le_bytes(bytes(rest)?)));
    }
    let texts = if has(flag::PACKED) {
        unpack(rest)?
    } else {
        rest.to_vec()
    };
    let texts = String::from_utf8(texts).ok()?;
    let mut texts = texts.split('\0');
    token.line = texts.next()?.to_owned();
    token.append = texts.next()?.to_owned();
    let faults = texts.next()?.split(' ').filter(|text| !text.is_empty());
    token.faults = faults
        .map(|text| text.parse().ok())
        .collect::<Option<_>>()?;
    texts.next().is_none().then_some(token)
}

fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let (size, packed) = lz4_flex::block::uncompressed_size(packed).ok()?;
    if size > MOST_TEXT {
        return None;
    }
    lz4_flex::block::decompress(packed, size).ok()
}

fn checksum(bytes: &[u8]) -> [u8; CHECK] {
    let [a, b, c, ..] = xxh3_64(bytes).to_le_bytes();
    [a, b, c]
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = bytes::<1>(rest)?;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn bytes<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Token {
        Token {
            arch: "x86_64",
            seed: 0,
            cpus: 1,
            memory: 128 << 20,
            kernel: 0x1234_5678,
            disk: Some(0x9abc_def0),
            input: None,
            verbose: false,
            calendar: None,
            hang_after: None,
            max_instructions: None,
            end: Some((1_234_567, 0xdead_beef)),
            line: "cp README x; sync; cat x".into(),
            append: String::new(),
            faults: vec!["disk.write#3=torn@512".parse().unwrap()],
        }
    }

    fn large() -> Token {
        Token {
            arch: "riscv64",
            seed: u64::MAX,
            cpus: 8,
            memory: 3 << 30,
            input: Some(7),
            verbose: true,
            calendar: Some(0),
            hang_after: Some(1),
            max_instructions: Some(u64::MAX),
            end: None,
            disk: None,
            line: "for i in 1 2 3 4 5 6 7 8 9; do echo $i > file$i; done; ".repeat(20),
            append: "policy=fifo".into(),
            faults: ["cut@disk.write#7", "syscall.read#5+2=EIO", "irq.disk=lost"]
                .map(|text| text.parse().unwrap())
                .to_vec(),
            ..small()
        }
    }

    #[test]
    fn tokens_come_back_and_usual_ones_are_short() {
        for token in [small(), large()] {
            assert_eq!(Token::decode(&token.encode()), Ok(token));
        }
        let text = small().encode();
        assert!(text.len() < 120, "{}", text.len());
        assert!(!text.starts_with('-'));
        // A long line is packed.
        assert!(large().encode().len() < 400);
    }

    #[test]
    fn a_token_with_any_letter_changed_or_missing_is_none() {
        let text = small().encode();
        for at in 0..text.len() {
            let wrong = if &text[at..=at] == "x" { "y" } else { "x" };
            let changed = format!("{}{wrong}{}", &text[..at], &text[at + 1..]);
            let missing = format!("{}{}", &text[..at], &text[at + 1..]);
            for damaged in [&changed, &missing, &text[..at].to_owned()] {
                assert_eq!(Token::decode(damaged), Err(TokenError::Damaged), "{at}");
            }
        }
    }

    /// A token with these bytes and a right checksum.
    fn sealed(mut bytes: Vec<u8>) -> String {
        bytes.extend(checksum(&bytes));
        base64::encode(&bytes)
    }

    #[test]
    fn forged_fields_are_refused_whatever_they_are() {
        let bytes = base64::decode(&large().encode()).unwrap();
        let body = &bytes[..bytes.len() - CHECK];
        for at in 1..body.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut forged = body.to_vec();
                forged[at] = value;
                // Whatever comes of it, nothing breaks.
                let _ = Token::decode(&sealed(forged.clone()));
                forged.truncate(at);
                assert!(Token::decode(&sealed(forged)).is_err(), "{at}");
            }
        }
        let huge = [&[1, 0x80, 1, 0, 1, 1, 0, 0, 0, 0][..], &[0xff; 8]].concat();
        assert_eq!(Token::decode(&sealed(huge)), Err(TokenError::Damaged));
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let later = sealed(vec![2, 0, 0]);
        assert_eq!(Token::decode(&later), Err(TokenError::Version(2)));
    }
}
