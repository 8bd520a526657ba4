//! The kernel's log: lines on the serial console, `[    0.001234] text`.
//!
//! `error!`, `warning!`, `info!` and `debug!` take what `format!` takes. `loglevel=N` on the command line shows
//! messages up to severity N (syslog's numbers); `quiet` and `run=` show none but errors.

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::arch::console;
use crate::sync::SpinLock;
use crate::time::now_ns;

/// Severities, with syslog's numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Something failed.
    Error = 3,
    /// Something is odd.
    Warning = 4,
    /// What the system does.
    Info = 6,
    /// For those who look for a fault.
    Debug = 7,
}

static SHOWN: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// Keeps the lines of different CPUs apart.
static LINE: SpinLock<()> = SpinLock::new(c"log", ());

/// Shows messages up to this severity from now on.
pub fn set_level(level: u8) {
    SHOWN.store(level, Relaxed);
}

/// Writes one line. Use the macros.
pub fn log(level: Level, text: fmt::Arguments) {
    if level as u8 > SHOWN.load(Relaxed) {
        return;
    }
    let _line = LINE.lock();
    write_line(text);
}

/// Writes one line whoever holds the lock: for a panic, when nobody else will write any more.
pub fn log_anyway(text: fmt::Arguments) {
    write_line(text);
}

fn write_line(text: fmt::Arguments) {
    let now = now_ns() / 1000;
    // Formatting into the console cannot fail.
    let _ = writeln!(
        Console,
        "[{:5}.{:06}] {text}",
        now / 1_000_000,
        now % 1_000_000
    );
}

struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                console::put(b'\r');
            }
            console::put(byte);
        }
        Ok(())
    }
}

/// Logs that something failed.
#[macro_export]
macro_rules! error {
    ($($text:tt)*) => { $crate::klog::log($crate::klog::Level::Error, format_args!($($text)*)) };
}

/// Logs that something is odd.
#[macro_export]
macro_rules! warning {
    ($($text:tt)*) => { $crate::klog::log($crate::klog::Level::Warning, format_args!($($text)*)) };
}

/// Logs what the system does.
#[macro_export]
macro_rules! info {
    ($($text:tt)*) => { $crate::klog::log($crate::klog::Level::Info, format_args!($($text)*)) };
}

/// Logs details.
#[macro_export]
macro_rules! debug {
    ($($text:tt)*) => { $crate::klog::log($crate::klog::Level::Debug, format_args!($($text)*)) };
}
