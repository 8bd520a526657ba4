//! The decoder: reads arguments and what they point to, and writes them as strace does.

use super::source::Source;
use super::text::{self, Quote, Text};
use abi::Record;
use abi::fcntl::AT_FDCWD;
use abi::isa::Isa;
use abi::limits::PATH_MAX;
use abi::names::Names;

/// Appends formatted text to a decoder's output, which cannot fail. The arguments are looked at only if it is wanted.
macro_rules! put {
    ($decoder:expr, $($arg:tt)*) => {
        if let Some(text) = $decoder.out.wanted() {
            _ = std::fmt::Write::write_fmt(text, format_args!($($arg)*));
        }
    };
}
pub(super) use put;

/// What is behind descriptors.
pub trait Files {
    /// The path behind a descriptor, or what else names it.
    fn path(&self, fd: i32) -> Option<&[u8]>;
    /// The current directory.
    fn directory(&self) -> Option<&[u8]>;
}

/// How arguments are shown.
#[derive(Clone, Copy)]
pub struct Style<'a> {
    /// The instruction set, whose structures lie in memory.
    pub isa: Isa,
    /// Most bytes of a string or buffer, and most elements of an array.
    pub strings: usize,
    /// The caller's files, if paths behind descriptors are wanted.
    pub files: Option<&'a dyn Files>,
    /// The signals that rt_sigreturn(2) would block again.
    pub mask: u64,
}

/// Most elements of an array that are read, whatever the user wants.
const MOST_ELEMENTS: usize = 64;
/// Bytes that are read at once while the end of a string is searched.
const CHUNK: usize = 64;

/// One side of one call, being decoded.
pub struct Decoder<'a, S: Source> {
    source: &'a mut S,
    /// The arguments.
    pub args: &'a [u64; 6],
    /// What the call returned, if it has ended.
    pub result: Option<i64>,
    pub(super) style: Style<'a>,
    /// The text so far.
    pub out: Text,
    /// Whether all that was wanted of memory could be had.
    pub complete: bool,
}

impl<'a, S: Source> Decoder<'a, S> {
    /// A decoder for a call that begins, or, with a result, has ended.
    pub const fn new(
        args: &'a [u64; 6],
        result: Option<i64>,
        source: &'a mut S,
        style: Style<'a>,
        out: Text,
    ) -> Self {
        Self {
            source,
            args,
            result,
            style,
            out,
            complete: true,
        }
    }

    /// Whether the call has failed.
    pub fn failed(&self) -> bool {
        self.result.is_some_and(is_error)
    }

    /// Elements of arrays that are shown.
    pub fn elements(&self) -> usize {
        self.style.strings.min(MOST_ELEMENTS)
    }

    /// What separates arguments and fields.
    pub fn next(&mut self) {
        self.out.push_str(", ");
    }

    /// An address.
    pub fn address(&mut self, addr: u64) {
        match addr {
            0 => self.out.push_str("NULL"),
            _ => put!(self, "{addr:#x}"),
        }
    }

    /// A number in hexadecimal.
    pub fn hex(&mut self, number: u64) {
        put!(self, "{}", text::hex(number));
    }

    /// A user or group.
    pub fn id(&mut self, id: u32) {
        match id {
            u32::MAX => self.out.push_str("-1"),
            _ => put!(self, "{id}"),
        }
    }

    /// A value of a family.
    pub fn names(&mut self, names: &'static Names, value: u64) {
        put!(self, "{}", names.show(value));
    }

    /// A signal.
    pub fn signal(&mut self, signal: i32) {
        put!(self, "{}", text::signal_name(signal));
    }

    /// A descriptor.
    pub fn fd(&mut self, fd: i32) {
        put!(self, "{fd}");
        let path = self.style.files.and_then(|files| files.path(fd));
        self.behind(path);
    }

    /// A descriptor of a directory.
    pub fn directory(&mut self, fd: i32) {
        if fd != AT_FDCWD {
            return self.fd(fd);
        }
        self.out.push_str("AT_FDCWD");
        let path = self.style.files.and_then(Files::directory);
        self.behind(path);
    }

    fn behind(&mut self, path: Option<&[u8]>) {
        if let Some(path) = path {
            self.out.push('<');
            self.out.quote(path, Quote::Angle);
            self.out.push('>');
        }
    }

    /// Bytes in memory, if all of them can be had.
    pub fn bytes(&mut self, addr: u64, len: usize) -> Option<&[u8]> {
        let bytes = whole(self.source, addr, len);
        self.complete &= bytes.is_some();
        bytes
    }

    /// A structure in memory.
    pub fn fetch<T: Record>(&mut self, addr: u64) -> Option<T> {
        self.bytes(addr, T::SIZE).map(T::get)
    }

    /// A structure in memory; the address is shown instead if it cannot be had or the call has failed, so that it
    /// was never written.
    pub fn fetch_or_address<T: Record>(&mut self, addr: u64) -> Option<T> {
        let value = match addr {
            0 => None,
            _ if self.failed() => None,
            _ => self.fetch(addr),
        };
        if value.is_none() {
            self.address(addr);
        }
        value
    }

    /// The bytes from `addr` to a NUL, `most` of them at most, and whether the NUL was there. `None` if memory ends
    /// before.
    fn terminated(&mut self, addr: u64, most: usize) -> Option<(Vec<u8>, bool)> {
        let mut string = Vec::new();
        while string.len() < most {
            let len = CHUNK.min(most - string.len());
            let chunk = match addr.checked_add(string.len() as u64) {
                Some(at) => self.source.read(at, len),
                None => &[],
            };
            if let Some(end) = chunk.iter().position(|byte| *byte == 0) {
                string.extend_from_slice(&chunk[..end]);
                return Some((string, true));
            }
            if chunk.len() < len {
                self.complete = false;
                return None;
            }
            string.extend_from_slice(chunk);
        }
        Some((string, false))
    }

    /// A NUL-terminated string of which `most` bytes are shown.
    fn text(&mut self, addr: u64, most: usize) {
        if addr == 0 {
            return self.address(0);
        }
        // One more byte says whether that is all.
        let Some((mut string, ended)) = self.terminated(addr, most.saturating_add(1)) else {
            return self.address(addr);
        };
        string.truncate(most);
        self.out.quote(&string, Quote::Text);
        if !ended {
            self.out.push_str("...");
        }
    }

    /// A NUL-terminated string, cut like any other.
    pub fn string(&mut self, addr: u64) {
        self.text(addr, self.style.strings);
    }

    /// A path, which is shown in full.
    pub fn path(&mut self, addr: u64) {
        self.path_within(addr, PATH_MAX - 1);
    }

    /// A path of at most `most` bytes.
    pub fn path_within(&mut self, addr: u64, most: usize) {
        self.text(addr, most.min(PATH_MAX - 1));
    }

    /// `len` bytes.
    pub fn buffer(&mut self, addr: u64, len: u64, how: Quote) {
        if addr == 0 {
            return self.address(0);
        }
        let most = self.style.strings;
        let wanted = usize::try_from(len).map_or(most + 1, |len| len.min(most + 1));
        if wanted == 0 {
            return self.out.quote(&[], how);
        }
        let Some(bytes) = whole(self.source, addr, wanted) else {
            self.complete = false;
            return self.address(addr);
        };
        self.out.quote(&bytes[..wanted.min(most)], how);
        if len > most as u64 {
            self.out.push_str("...");
        }
    }

    /// An array of `count` structures, each written by `show`.
    pub fn array<T: Record>(
        &mut self,
        addr: u64,
        count: u64,
        mut show: impl FnMut(&mut Self, T) -> bool,
    ) {
        if addr == 0 {
            return self.address(0);
        }
        if count == 0 {
            return self.out.push_str("[]");
        }
        let fits = count
            .checked_mul(T::SIZE as u64)
            .is_some_and(|size| addr.checked_add(size).is_some());
        if !fits {
            return self.address(addr);
        }
        for index in 0..count {
            let at = addr + index * T::SIZE as u64;
            if index > 0 {
                self.next();
            }
            let Some(element) = self.fetch::<T>(at) else {
                if index == 0 {
                    return self.address(addr);
                }
                put!(self, "... /* {at:#x} */");
                break;
            };
            if index == 0 {
                self.out.push('[');
            }
            if index >= self.elements() as u64 {
                self.out.push_str("...");
                break;
            }
            if !show(self, element) {
                break;
            }
        }
        self.out.push(']');
    }

    /// A set of signals of `len` bytes.
    pub fn signal_set(&mut self, addr: u64, len: u64, least: u64) {
        if !(least..=8).contains(&len) {
            return self.address(addr);
        }
        let set = match addr {
            0 => None,
            _ if self.failed() => None,
            _ => self.bytes(addr, len as usize),
        };
        let Some(set) = set else {
            return self.address(addr);
        };
        let mut whole = [0; 8];
        whole[..set.len()].copy_from_slice(set);
        put!(
            self,
            "{}",
            text::signal_set(u64::from_le_bytes(whole), len as usize)
        );
    }
}

/// Bytes in memory, if all of them can be had.
fn whole<S: Source>(source: &mut S, addr: u64, len: usize) -> Option<&[u8]> {
    if addr == 0 || addr.checked_add(len as u64).is_none() {
        return None;
    }
    let bytes = source.read(addr, len);
    (bytes.len() == len).then_some(bytes)
}

/// Whether a result is an error.
pub const fn is_error(result: i64) -> bool {
    matches!(result, -4095..=-1)
}
