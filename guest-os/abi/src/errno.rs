//! Error numbers with Linux's values, names and messages (errno(3), asm-generic/errno.h).
//!
//! [`Errno`] is the error type of every system-call body and of the file system in `kcore`.

use core::fmt;

macro_rules! errnos {
    ($($value:literal $name:ident $message:literal;)*) => {
        /// An error as system calls report it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u16)]
        #[allow(clippy::upper_case_acronyms, reason = "these are the names of errno(3)")]
        pub enum Errno {
            $(#[doc = $message] $name = $value,)*
        }

        impl Errno {
            /// Every error, in the order of the numbers.
            pub const ALL: &'static [Errno] = &[$(Errno::$name,)*];

            /// The symbolic name, such as `ENOENT`.
            pub fn name(self) -> &'static str {
                match self { $(Errno::$name => stringify!($name),)* }
            }

            /// The text that strerror(3) gives.
            pub fn message(self) -> &'static str {
                match self { $(Errno::$name => $message,)* }
            }

            /// The error with this number, if there is one.
            pub fn from_number(number: i64) -> Option<Errno> {
                match number { $($value => Some(Errno::$name),)* _ => None }
            }
        }
    };
}

errnos! {
    1 EPERM "Operation not permitted";
    2 ENOENT "No such file or directory";
    3 ESRCH "No such process";
    4 EINTR "Interrupted system call";
    5 EIO "Input/output error";
    6 ENXIO "No such device or address";
    7 E2BIG "Argument list too long";
    8 ENOEXEC "Exec format error";
    9 EBADF "Bad file descriptor";
    10 ECHILD "No child processes";
    11 EAGAIN "Resource temporarily unavailable";
    12 ENOMEM "Cannot allocate memory";
    13 EACCES "Permission denied";
    14 EFAULT "Bad address";
    15 ENOTBLK "Block device required";
    16 EBUSY "Device or resource busy";
    17 EEXIST "File exists";
    18 EXDEV "Invalid cross-device link";
    19 ENODEV "No such device";
    20 ENOTDIR "Not a directory";
    21 EISDIR "Is a directory";
    22 EINVAL "Invalid argument";
    23 ENFILE "Too many open files in system";
    24 EMFILE "Too many open files";
    25 ENOTTY "Inappropriate ioctl for device";
    26 ETXTBSY "Text file busy";
    27 EFBIG "File too large";
    28 ENOSPC "No space left on device";
    29 ESPIPE "Illegal seek";
    30 EROFS "Read-only file system";
    31 EMLINK "Too many links";
    32 EPIPE "Broken pipe";
    33 EDOM "Numerical argument out of domain";
    34 ERANGE "Numerical result out of range";
    35 EDEADLK "Resource deadlock avoided";
    36 ENAMETOOLONG "File name too long";
    37 ENOLCK "No locks available";
    38 ENOSYS "Function not implemented";
    39 ENOTEMPTY "Directory not empty";
    40 ELOOP "Too many levels of symbolic links";
    61 ENODATA "No data available";
    62 ETIME "Timer expired";
    71 EPROTO "Protocol error";
    75 EOVERFLOW "Value too large for defined data type";
    84 EILSEQ "Invalid or incomplete multibyte or wide character";
    88 ENOTSOCK "Socket operation on non-socket";
    95 EOPNOTSUPP "Operation not supported";
    97 EAFNOSUPPORT "Address family not supported by protocol";
    110 ETIMEDOUT "Connection timed out";
    117 EUCLEAN "Structure needs cleaning";
    // Inside a kernel only: a signal interrupted a call that may be restarted. Linux never lets
    // this number reach a program; strace shows it as `? ERESTARTSYS`.
    512 ERESTARTSYS "To be restarted if SA_RESTART is set";
}

impl Errno {
    /// The error's number, as in `errno`.
    pub fn number(self) -> i32 {
        self as i32
    }

    /// The value a failing system call leaves in the result register: the negated number.
    pub fn to_result(self) -> i64 {
        -(self as i64)
    }

    /// Splits a system call's raw result: the last page of values, -4095..=-1, are errors.
    ///
    /// The error is the bare number, because a guest may return one that has no name here.
    pub fn split_result(raw: u64) -> Result<u64, u16> {
        match raw.wrapping_neg() {
            number @ 1..=4095 => Err(number as u16),
            _ => Ok(raw),
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl core::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::Errno;

    #[test]
    fn every_error_is_found_again_by_its_number() {
        for &errno in Errno::ALL {
            assert_eq!(Errno::from_number(errno.number() as i64), Some(errno));
            assert_eq!(
                Errno::split_result(errno.to_result() as u64),
                Err(errno.number() as u16)
            );
        }
    }

    #[test]
    fn addresses_near_the_top_are_results_and_the_last_page_are_errors() {
        assert_eq!(Errno::split_result(0), Ok(0));
        assert_eq!(Errno::split_result(-4096i64 as u64), Ok(-4096i64 as u64));
        assert_eq!(Errno::split_result(-4095i64 as u64), Err(4095));
    }
}
