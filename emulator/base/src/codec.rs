//! The state codec: one list of a component's registers serves saving, restoring and hashing.
//!
//! A component implements [`State`] by naming each field once; the [`Codec`] it is given either appends the
//! field to the snapshot bytes or overwrites it from them. The state hash is the hash of those bytes, so whatever
//! is saved is hashed and the reverse. All numbers are little-endian. Restoring reads hostile bytes: every length
//! is bounded by what is left, and a bad byte is an error, never a panic.
//!
//! A fork goes the same way ([`keep`], [`give`]), but for pages: those it shares, instead of making bytes of them.

use crate::pages::{Page, Pages};
use crate::time::Time;
use std::fmt;
use std::sync::Arc;

/// A component whose whole machine state can be saved, restored and hashed.
pub trait State {
    /// Passes every field of the state through `codec`, always in the same order.
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError>;
}

/// Why snapshot bytes were refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecError {
    /// The bytes end before the state does.
    Truncated,
    /// A section does not begin with the name or version that is expected there.
    WrongSection {
        /// What the machine expected.
        expected: &'static str,
    },
    /// A field holds a value that the component cannot be in.
    BadValue {
        /// Which field.
        field: &'static str,
    },
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => write!(f, "the state ends too early"),
            Self::WrongSection { expected } => {
                write!(f, "the state has no section '{expected}' where one belongs")
            }
            Self::BadValue { field } => {
                write!(f, "the state's field '{field}' holds an impossible value")
            }
        }
    }
}

impl std::error::Error for CodecError {}

/// A pass over state in one direction: out to bytes, or in from bytes.
pub enum Codec<'a> {
    /// Appends each field.
    Save(&'a mut Vec<u8>),
    /// Overwrites each field from the front of the slice.
    Load(&'a [u8]),
    /// Appends each field; pages are shared instead.
    Keep(&'a mut Vec<u8>, &'a mut Vec<Pages>),
    /// Overwrites each field from the front of the two slices.
    Give(&'a [u8], &'a [Pages]),
}

/// The state of a component with its pages shared, for another of its kind in the same process.
#[derive(Clone, Default)]
pub struct Kept {
    bytes: Vec<u8>,
    pages: Vec<Pages>,
}

macro_rules! integer {
    ($($name:ident),*) => {$(
        #[doc = concat!("A `", stringify!($name), "` field.")]
        pub fn $name(&mut self, value: &mut $name) -> Result<(), CodecError> {
            let mut bytes = value.to_le_bytes();
            self.bytes(&mut bytes)?;
            *value = $name::from_le_bytes(bytes);
            Ok(())
        }
    )*};
}

impl Codec<'_> {
    integer!(u8, u16, u32, u64, u128, i32, i64);

    /// Whether state is being restored: the place to rebuild host-only caches.
    pub const fn loading(&self) -> bool {
        matches!(self, Self::Load(_) | Self::Give(..))
    }

    /// A fixed number of raw bytes.
    pub fn bytes(&mut self, bytes: &mut [u8]) -> Result<(), CodecError> {
        match self {
            Self::Save(out) | Self::Keep(out, _) => out.extend_from_slice(bytes),
            Self::Load(rest) | Self::Give(rest, _) => {
                let (head, tail) = rest
                    .split_at_checked(bytes.len())
                    .ok_or(CodecError::Truncated)?;
                bytes.copy_from_slice(head);
                *rest = tail;
            }
        }
        Ok(())
    }

    /// A truth value, stored as 0 or 1.
    pub fn bool(&mut self, value: &mut bool) -> Result<(), CodecError> {
        let mut byte = u8::from(*value);
        self.u8(&mut byte)?;
        *value = match byte {
            0 => false,
            1 => true,
            _ => return Err(CodecError::BadValue { field: "bool" }),
        };
        Ok(())
    }

    /// A host index or count, stored as 64 bits.
    pub fn usize(&mut self, value: &mut usize) -> Result<(), CodecError> {
        let mut wide = *value as u64;
        self.u64(&mut wide)?;
        *value = usize::try_from(wide).map_err(|_| CodecError::BadValue { field: "count" })?;
        Ok(())
    }

    /// A point in virtual time.
    pub fn time(&mut self, value: &mut Time) -> Result<(), CodecError> {
        self.u64(&mut value.0)
    }

    /// A value that may be absent.
    pub fn option<T: Default>(
        &mut self,
        value: &mut Option<T>,
        mut field: impl FnMut(&mut Self, &mut T) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let mut present = value.is_some();
        self.bool(&mut present)?;
        if present {
            field(self, value.get_or_insert_default())
        } else {
            *value = None;
            Ok(())
        }
    }

    /// A list of any length. When loading, at most one element per remaining byte is believed.
    pub fn list<T: Default>(
        &mut self,
        list: &mut Vec<T>,
        mut field: impl FnMut(&mut Self, &mut T) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let mut count = list.len();
        self.usize(&mut count)?;
        if let Self::Load(rest) | Self::Give(rest, _) = self {
            if count > rest.len() {
                return Err(CodecError::Truncated);
            }
            list.clear();
            list.resize_with(count, T::default);
        }
        list.iter_mut().try_for_each(|item| field(self, item))
    }

    /// A byte string of any length.
    pub fn blob(&mut self, blob: &mut Vec<u8>) -> Result<(), CodecError> {
        let mut count = blob.len();
        self.usize(&mut count)?;
        if let Self::Load(rest) | Self::Give(rest, _) = self {
            if count > rest.len() {
                return Err(CodecError::Truncated);
            }
            blob.clear();
            blob.resize(count, 0);
        }
        self.bytes(blob)
    }

    /// Pages by number. Whoever loads them checks that no number is too high.
    pub fn pages(&mut self, pages: &mut Pages) -> Result<(), CodecError> {
        match self {
            Self::Keep(_, kept) => kept.push(pages.clone()),
            Self::Give(_, rest) => {
                let (first, others) = rest.split_first().ok_or(CodecError::Truncated)?;
                *pages = first.clone();
                *rest = others;
            }
            Self::Save(_) => {
                let mut numbers: Vec<u64> = pages.iter().map(|(number, _)| number).collect();
                self.list(&mut numbers, |c, number| c.u64(number))?;
                if let Self::Save(out) = self {
                    pages
                        .iter()
                        .for_each(|(_, page)| out.extend_from_slice(page));
                }
            }
            Self::Load(_) => {
                let mut numbers = Vec::new();
                self.list(&mut numbers, |c, number| c.u64(number))?;
                pages.clear();
                for number in numbers {
                    let mut page: Page = [0; _];
                    self.bytes(&mut page)?;
                    pages.insert(number, Arc::new(page));
                }
            }
        }
        Ok(())
    }

    /// Opens a component's section: its name and the version of its record.
    pub fn section(&mut self, name: &'static str, version: u8) -> Result<(), CodecError> {
        let wrong = Err(CodecError::WrongSection { expected: name });
        let mut found = name.as_bytes().to_vec();
        self.blob(&mut found)?;
        let mut found_version = version;
        self.u8(&mut found_version)?;
        if found == name.as_bytes() && found_version == version {
            Ok(())
        } else {
            wrong
        }
    }
}

/// The state of `component` as bytes.
pub fn save(component: &mut dyn State) -> Vec<u8> {
    let mut out = Vec::new();
    // Saving only appends; no arm of `Codec::Save` can fail.
    let saved = component.state(&mut Codec::Save(&mut out));
    debug_assert_eq!(saved, Ok(()));
    out
}

/// Restores `component` from `bytes`, all of which must be used.
pub fn load(component: &mut dyn State, bytes: &[u8]) -> Result<(), CodecError> {
    let mut codec = Codec::Load(bytes);
    component.state(&mut codec)?;
    match codec {
        Codec::Load([]) => Ok(()),
        _ => Err(CodecError::BadValue {
            field: "end of state",
        }),
    }
}

/// The state of `component`, its pages shared with it: costs what is no page.
pub fn keep(component: &mut dyn State) -> Kept {
    let mut kept = Kept::default();
    let saved = component.state(&mut Codec::Keep(&mut kept.bytes, &mut kept.pages));
    debug_assert_eq!(saved, Ok(()));
    kept
}

/// Gives `component` the state that was kept of another of its kind.
///
/// # Errors
/// The other was made differently: other CPUs, other chips. `component` may have part of the state by then.
pub fn give(component: &mut dyn State, kept: &Kept) -> Result<(), CodecError> {
    let mut codec = Codec::Give(&kept.bytes, &kept.pages);
    component.state(&mut codec)?;
    match codec {
        Codec::Give([], []) => Ok(()),
        _ => Err(CodecError::BadValue {
            field: "end of state",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Debug, PartialEq, Clone)]
    struct Part {
        a: u32,
        list: Vec<u16>,
        maybe: Option<u64>,
    }

    impl State for Part {
        fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
            codec.section("part", 1)?;
            codec.u32(&mut self.a)?;
            codec.list(&mut self.list, |c, v| c.u16(v))?;
            codec.option(&mut self.maybe, |c, v| c.u64(v))
        }
    }

    #[test]
    fn what_was_saved_comes_back() {
        let mut part = Part {
            a: 7,
            list: vec![1, 2, 3],
            maybe: Some(9),
        };
        let bytes = save(&mut part);
        let mut other = Part::default();
        assert_eq!(load(&mut other, &bytes), Ok(()));
        assert_eq!(other, part);
    }

    #[derive(Default)]
    struct Paged(Pages, u8);

    impl State for Paged {
        fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
            codec.pages(&mut self.0)?;
            codec.u8(&mut self.1)
        }
    }

    #[test]
    fn pages_are_saved_in_full_and_kept_shared() {
        let mut paged = Paged(Pages::new(), 7);
        paged.0.insert(5, Arc::new([1; _]));
        paged.0.insert(99, Arc::new([2; _]));
        let (bytes, kept) = (save(&mut paged), keep(&mut paged));
        assert_eq!(kept.bytes, [7]);
        let (mut loaded, mut given) = (Paged::default(), Paged::default());
        assert_eq!(load(&mut loaded, &bytes), Ok(()));
        assert_eq!(give(&mut given, &kept), Ok(()));
        assert_eq!(
            (save(&mut loaded), save(&mut given)),
            (bytes.clone(), bytes)
        );
        assert_eq!(given.0.differences(&paged.0).count(), 0);
        assert_eq!(loaded.0.differences(&paged.0).count(), 2);
        assert!(give(&mut Part::default(), &kept).is_err());
        let none = Kept {
            pages: Vec::new(),
            ..kept
        };
        assert_eq!(give(&mut given, &none), Err(CodecError::Truncated));
    }

    #[test]
    fn every_cut_is_refused() {
        let bytes = save(&mut Part {
            a: 7,
            list: vec![1, 2, 3],
            maybe: None,
        });
        for end in 0..bytes.len() {
            assert!(
                load(&mut Part::default(), &bytes[..end]).is_err(),
                "cut at {end}"
            );
        }
    }

    #[test]
    fn a_huge_length_is_refused_before_it_is_allocated() {
        let mut bytes = save(&mut Part::default());
        let list = bytes.len() - 9;
        bytes[list..list + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(load(&mut Part::default(), &bytes).is_err());
    }
}
