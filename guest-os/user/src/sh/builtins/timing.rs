//! How long things take: the keyword `time` and the builtin `times`.

use super::super::Shell;
use super::Result;
use abi::resource::{RUSAGE_CHILDREN, RUSAGE_SELF};
use abi::time::Timeval;
use rust_alloc::vec::Vec;
use ulib::sys;

/// Measures a pipeline.
pub struct Stopwatch {
    real: u64,
    used: [u64; 2],
}

fn micros(time: Timeval) -> u64 {
    (time.sec * 1_000_000 + time.usec).max(0) as u64
}

/// Microseconds of this process or its children, in user mode and in the kernel.
fn usage(who: u32) -> [u64; 2] {
    let usage = sys::getrusage(who).unwrap_or_default();
    [micros(usage.utime), micros(usage.stime)]
}

fn used() -> [u64; 2] {
    let (own, children) = (usage(RUSAGE_SELF), usage(RUSAGE_CHILDREN));
    [own[0] + children[0], own[1] + children[1]]
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Stopwatch {
        Stopwatch {
            real: sys::monotonic(),
            used: used(),
        }
    }

    /// Prints the times since the start on standard error.
    pub fn report(&self) {
        let now = used();
        let real = (sys::monotonic() - self.real) / 1_000_000;
        ulib::eprintln!(
            "real {}\nuser {}\nsys {}",
            seconds(real),
            seconds((now[0] - self.used[0]) / 1000),
            seconds((now[1] - self.used[1]) / 1000)
        );
    }
}

fn seconds(millis: u64) -> rust_alloc::string::String {
    rust_alloc::format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// Times of the shell and of its children.
pub fn times(_: &mut Shell, _: &[Vec<u8>]) -> Result {
    for who in [RUSAGE_SELF, RUSAGE_CHILDREN] {
        let [user, system] = usage(who).map(|micros| {
            let millis = micros / 1000;
            rust_alloc::format!("{}m{}s", millis / 60_000, seconds(millis % 60_000))
        });
        ulib::println!("{user} {system}");
    }
    Ok(0)
}
