//! Messages on standard error, in GNU's form: `program: what: why`.

use core::fmt;

/// Prints `program: message` on standard error.
pub fn warning(message: fmt::Arguments<'_>) {
    crate::io::eprint_fmt(format_args!(
        "{}: {message}\n",
        crate::bytes::show(crate::env::program())
    ));
}

/// Prints a message and exits.
pub fn fatal(status: i32, message: fmt::Arguments<'_>) -> ! {
    warning(message);
    crate::io::exit(status)
}

/// `warn!("cannot open '{}': {}", show(path), errno)` prints a message after the program's name.
#[macro_export]
macro_rules! warn {
    ($($arg:tt)*) => { $crate::report::warning(format_args!($($arg)*)) };
}

/// `die!(status, "...")`: the same, then exits.
#[macro_export]
macro_rules! die {
    ($status:expr, $($arg:tt)*) => { $crate::report::fatal($status, format_args!($($arg)*)) };
}
