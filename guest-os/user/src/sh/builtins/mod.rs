//! Commands that act on the shell itself, and a few that are only faster this way.

mod flow;
mod process;
mod state;
mod text;
mod timing;

use super::Shell;
use super::exec::Flow;
use rust_alloc::vec::Vec;
pub use timing::Stopwatch;

/// What a builtin gives.
type Result = core::result::Result<i32, Flow>;

/// A builtin command.
pub struct Builtin {
    name: &'static [u8],
    /// Assignments before it last (POSIX 2.14).
    pub special: bool,
    /// Runs it; the first word is its name.
    pub run: fn(&mut Shell, &[Vec<u8>]) -> Result,
}

macro_rules! table {
    ($($name:literal $special:literal $run:path;)*) => {
        &[$(Builtin { name: $name, special: $special, run: $run },)*]
    };
}

/// Every builtin, in the order of the names.
static TABLE: &[Builtin] = table! {
    b"." true flow::source;
    b":" true text::nothing;
    b"[" false text::bracket;
    b"bg" false process::background;
    b"break" true flow::leave_loop;
    b"cd" false state::cd;
    b"command" false flow::command;
    b"continue" true flow::next_turn;
    b"echo" false text::echo;
    b"eval" true flow::eval;
    b"exec" true flow::exec;
    b"exit" true flow::exit;
    b"export" true state::export;
    b"false" false text::failure;
    b"fg" false process::foreground;
    b"getopts" false state::getopts;
    b"jobs" false process::jobs;
    b"kill" false process::kill;
    b"local" true state::local;
    b"printf" false text::printf;
    b"pwd" false state::pwd;
    b"read" false text::read;
    b"readonly" true state::readonly;
    b"return" true flow::leave_function;
    b"set" true state::set;
    b"shift" true state::shift;
    b"test" false text::test;
    b"times" true timing::times;
    b"trap" true state::trap;
    b"true" false text::nothing;
    b"type" false state::kind;
    b"umask" false state::umask;
    b"unset" true state::unset;
    b"wait" false process::wait;
};

/// The builtin with this name.
pub fn find(name: &[u8]) -> Option<&'static Builtin> {
    TABLE.iter().find(|builtin| builtin.name == name)
}

/// The names of all builtins.
pub fn names() -> impl Iterator<Item = &'static [u8]> {
    TABLE.iter().map(|builtin| builtin.name)
}

/// A number as an argument, or a complaint.
fn number(name: &[u8], text: &[u8]) -> Option<i64> {
    let number = ulib::number::parse_i64(text);
    if number.is_none() {
        ulib::warn!(
            "{}: Illegal number: {}",
            ulib::bytes::show(name),
            ulib::bytes::show(text)
        );
    }
    number
}
