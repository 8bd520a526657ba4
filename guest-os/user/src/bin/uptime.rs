//! uptime: how long the machine has been running.

#![no_std]
#![no_main]

use ulib::calendar::Moment;
use ulib::prelude::*;
use ulib::sys;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "",
    short: "",
    long: &[],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    Options::parse(args, &SPEC).expect_operands(0, 0);
    let seconds = sys::monotonic() / 1_000_000_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let mut text = Moment::new(sys::now()).format(" %H:%M:%S up ");
    if days > 0 {
        text += &format!("{days} day{}, ", if days == 1 { "" } else { "s" });
    }
    text += &match hours {
        0 => format!("{minutes} min"),
        _ => format!("{hours:2}:{minutes:02}"),
    };
    if let Ok(info) = sys::sysinfo() {
        let load = info.loads.map(|load| load * 100 / 65_536);
        let [a, b, c] = load.map(|load| format!("{}.{:02}", load / 100, load % 100));
        text += &format!(",  load average: {a}, {b}, {c}");
    }
    println!("{text}");
    0
}
