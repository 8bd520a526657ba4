//! free: shows how much memory there is.

#![no_std]
#![no_main]

use ulib::prelude::*;
use ulib::{fs, number};
use user::proc::meminfo;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-bkmh]",
    short: "bkmh",
    long: &[("human", b'h')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let text = match fs::read_file(b"/proc/meminfo") {
        Ok(text) => text,
        Err(errno) => die!(1, "/proc/meminfo: {errno}"),
    };
    let kib = |key| meminfo(&text, key).unwrap_or(0);
    let shown = |kib: u64| match options.last_of(b"bkmh") {
        Some(b'b') => format!("{}", kib * 1024),
        Some(b'm') => format!("{}", kib / 1024),
        Some(b'h') => number::human(kib * 1024),
        _ => format!("{kib}"),
    };
    let (total, unused) = (kib("MemTotal"), kib("MemFree"));
    let cache = kib("Buffers") + kib("Cached");
    let available = meminfo(&text, "MemAvailable").unwrap_or(unused + cache);
    let used = total.saturating_sub(available);
    println!("               total        used        free      shared  buff/cache   available");
    let numbers = [total, used, unused, kib("Shmem"), cache, available].map(shown);
    let [total, used, unused, shared, cache, available] = numbers;
    println!("Mem:    {total:>12}{used:>12}{unused:>12}{shared:>12}{cache:>12}{available:>12}");
    let (total, unused) = (kib("SwapTotal"), kib("SwapFree"));
    let (used, total, unused) = (
        shown(total - unused.min(total)),
        shown(total),
        shown(unused),
    );
    println!("Swap:   {total:>12}{used:>12}{unused:>12}");
    0
}
