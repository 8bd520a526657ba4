//! Where an observer may have the kernel's luck turn: names of injection points, and what is found there.
//!
//! The kernel's `inject!(NAME, key)` leaves a register with 0, a `nop` and a SystemTap SDT note whose provider is
//! [`PROVIDER`]. An emulator that knows the note may write the register behind the `nop`; nothing else does, so without
//! one the kernel goes on as if there were no such place.

/// The provider of the notes of Silica's injection points.
pub const PROVIDER: &str = "silica.inject";

/// What the kernel says of a pass, which tells sites of one name apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Nothing: there is one site.
    None,
    /// The number of a system call.
    Syscall,
}

/// What may be found in the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// [`FAIL`].
    Fail,
    /// The number of an error, from 1.
    Errno,
}

/// What is asked for fails.
pub const FAIL: u64 = 1;

/// One injection point.
#[derive(Debug, PartialEq, Eq)]
pub struct Point {
    /// The name in the note.
    pub name: &'static str,
    /// What passes there.
    pub doc: &'static str,
    /// What tells its passes apart.
    pub key: Key,
    /// What may be found there.
    pub value: Value,
}

macro_rules! points {
    ($($name:ident($key:ident) $value:ident $doc:literal;)*) => {
        /// Every injection point of the kernel.
        pub const POINTS: &[Point] = &[$(
            Point {
                name: stringify!($name),
                doc: $doc,
                key: Key::$key,
                value: Value::$value,
            },
        )*];

        /// The key of each point, so that the kernel's macro can check its caller.
        pub mod key {
            use super::Key;
            $(
                #[doc = $doc]
                #[allow(non_upper_case_globals, reason = "named after the point")]
                pub const $name: Key = Key::$key;
            )*
        }
    };
}

points! {
    alloc(None) Fail
        "page frames are allocated on behalf of a process, process 1 excepted";
    syscall(Syscall) Errno
        "a system call begins; with an error it ends at once";
}

/// The point with this name.
pub fn by_name(name: &str) -> Option<&'static Point> {
    POINTS.iter().find(|point| point.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_found_by_name_and_know_their_key() {
        let point = by_name("syscall").unwrap();
        assert_eq!((point.key, point.value), (key::syscall, Value::Errno));
        assert_eq!(by_name("no_such_point"), None);
    }
}
