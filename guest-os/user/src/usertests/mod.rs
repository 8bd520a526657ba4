//! usertests: one function a property of the kernel, a table of names.
//!
//! A case runs in a child of its own, in an empty directory of its own, and passes if it returns; a
//! failed assertion panics. So no case can spoil the next, and one that dies by a signal is only a
//! failed case. The cases are as true of Linux as of Silica: on another system those that name a
//! reason are skipped, the others run, which is how the tests themselves are tested.

mod directories;
mod exec;
mod files;
mod memory;
mod names;
mod pipes;
mod process;
mod races;
mod signals;
mod support;
mod system;

use abi::wait::Ended;
use rust_alloc::format;
use rust_alloc::string::String;
use rust_alloc::vec::Vec;
use ulib::options::{Options, Spec};
use ulib::path::join;
use ulib::{bytes, fs, io, println, sys};

/// A property and how to check it.
pub struct Case {
    name: &'static str,
    property: &'static str,
    run: fn(),
    /// Why it cannot run on other systems; empty if it can.
    only_silica: &'static str,
}

/// Makes a table of cases: `name "property"`, and `, only "reason"` where it holds for Silica alone.
macro_rules! cases {
    ($($name:ident $property:literal $(, only $reason:literal)?;)*) => {
        /// The cases of this file.
        pub static CASES: &[$crate::usertests::Case] = &[$(
            $crate::usertests::Case {
                name: stringify!($name),
                property: $property,
                run: $name,
                only_silica: concat!($($reason)?),
            },
        )*];
    };
}
use cases;

static TABLES: [&[Case]; 10] = [
    process::CASES,
    exec::CASES,
    memory::CASES,
    signals::CASES,
    files::CASES,
    names::CASES,
    directories::CASES,
    pipes::CASES,
    races::CASES,
    system::CASES,
];

static SPEC: Spec = Spec {
    usage: "[-l] [-d DIRECTORY] [NAME | PATTERN]...",
    short: "ld:",
    long: &[("list", b'l'), ("directory", b'd')],
    trouble: 2,
};

/// A case that has not ended after this many seconds is taken for stuck.
const PATIENCE: u32 = 120;

/// Runs all cases, or those whose names match an operand; status 0 if none failed.
pub fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let wanted = |case: &Case| {
        let name = case.name.as_bytes();
        options.operands.is_empty()
            || options
                .operands
                .iter()
                .any(|pattern| ulib::pattern::matches(pattern, name))
    };
    let all = TABLES.iter().flat_map(|table| table.iter()).enumerate();
    let chosen: Vec<(usize, &Case)> = all.filter(|(_, case)| wanted(case)).collect();
    if options.has(b'l') {
        chosen
            .iter()
            .for_each(|(_, case)| println!("{:<24} {}", case.name, case.property));
        return 0;
    }
    if chosen.is_empty() {
        ulib::warn!("no case has that name; usertests -l lists them");
        return 2;
    }
    let base = options.value(b'd').unwrap_or(b"/tmp");
    let base = join(base, format!("usertests.{}", sys::getpid()).as_bytes());
    if let Err(errno) = sys::mkdir(&base, 0o755) {
        ulib::die!(2, "cannot create {}: {errno}", bytes::show(&base));
    }
    let silica = support::on_silica();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (number, case) in chosen {
        let number = number + 1;
        if !silica && !case.only_silica.is_empty() {
            println!("skip {number} {} ({})", case.name, case.only_silica);
            skipped += 1;
            continue;
        }
        let start = sys::monotonic();
        let result = run(case, &join(&base, case.name.as_bytes()));
        let millis = (sys::monotonic() - start) / 1_000_000;
        match result {
            Ok(()) => {
                println!("ok {number} {} ({millis} ms)", case.name);
                passed += 1;
            }
            Err(why) => {
                println!(
                    "FAILED {number} {} ({millis} ms): {why}; it should hold: {}",
                    case.name, case.property
                );
                failed += 1;
            }
        }
        // Whoever watches sees each result at once; a failed write shows at exit.
        let _ = io::flush();
    }
    if let Err(errno) = fs::remove_tree(&base) {
        ulib::warn!("cannot remove {}: {errno}", bytes::show(&base));
        failed += 1;
    }
    let skipped = if skipped > 0 {
        format!(", {skipped} skipped")
    } else {
        String::new()
    };
    println!("{passed} passed, {failed} failed{skipped}");
    i32::from(failed > 0)
}

/// Runs one case in a child, in its own directory.
fn run(case: &Case, dir: &[u8]) -> Result<(), String> {
    let no = |what: &str, errno: abi::Errno| format!("{what}: {errno}");
    sys::mkdir(dir, 0o755).map_err(|errno| no("mkdir", errno))?;
    let child = ulib::process::fork().map_err(|errno| no("fork", errno))?;
    let Some(child) = child else {
        if sys::chdir(dir).is_err() {
            sys::exit(1);
        }
        sys::alarm(PATIENCE);
        (case.run)();
        sys::exit(0);
    };
    let status = sys::wait_for(child).map_err(|errno| no("wait", errno))?;
    let removed = fs::remove_tree(dir);
    match status.ended() {
        Ended::Exited(0) => removed.map_err(|errno| no("cannot remove what it left", errno)),
        Ended::Exited(code) => Err(format!("exited with {code}")),
        Ended::Signaled(signal) => Err(format!("killed by {}", support::signal_name(signal))),
        other => Err(format!("{other:?}")),
    }
}
