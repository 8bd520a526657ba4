//! What `help` lists.

use super::isa;
use machine::AnyBoard;
use std::fmt::Write;

/// The commands: names, the first being the usual one; arguments; what it does.
const COMMANDS: &[(&str, &str, &str)] = &[
    ("help|?", "[COMMAND]", "this list"),
    (
        "info",
        "SUBJECT",
        "what the machine is like; 'help info' lists the subjects",
    ),
    (
        "x",
        "[/FMT] [ADDR]",
        "virtual memory; without ADDR what follows the last; FMT as in x/10i $pc, x/8xw ADDR",
    ),
    ("xp", "[/FMT] [ADDR]", "physical memory"),
    ("print|p", "[/F] EXPR", "the value of an expression"),
    (
        "backtrace|bt",
        "",
        "the functions that the CPU is in, the innermost first",
    ),
    ("cpu", "N", "choose the CPU that the commands are about"),
    ("step|s", "[N]", "execute N instructions, 1 if not given"),
    (
        "trace",
        "on EVENTS [FILE]",
        "show events, or write them to FILE; as 'glassbox trace -e event=EVENTS'",
    ),
    ("trace", "off", "show no more events"),
    (
        "cont|c|continue",
        "",
        "let the machine run; so does Ctrl-A c",
    ),
    (
        "stop",
        "",
        "nothing: the machine stands still while the monitor is open",
    ),
    ("quit|q", "", "leave the machine; so does Ctrl-A x"),
];

/// The subjects of `info`, without those that are the instruction set's.
const SUBJECTS: &[(&str, &str, &str)] = &[
    ("registers", "[-a]", "the CPU's registers; -a all CPUs'"),
    ("tlb", "", "what the CPU's TLB holds"),
    (
        "mem",
        "",
        "the address space: mapped ranges and their rights",
    ),
    ("ps", "", "the processes; so does Ctrl-A p"),
    (
        "irq",
        "",
        "interrupt lines and vectors: counts, levels, what is pending",
    ),
    (
        "block|disk",
        "",
        "the disk: requests done and in flight, what is not flushed",
    ),
    ("cpus", "", "the CPUs and what they do"),
    ("time", "", "virtual time and instructions"),
    (
        "symbol",
        "ADDR",
        "the function, file and line of an address",
    ),
    ("status", "", "whether the machine runs"),
    ("version", "", "glassbox's version"),
];

const FORMATS: &str = "\
FMT is a count, a format and a size, all optional:
  x hexadecimal  d decimal  u unsigned  o octal  t binary  a address with its symbol  c character
  s text that ends with a zero byte  i instructions;  b 1 byte  h 2 bytes  w 4 bytes  g 8 bytes
ADDR and EXPR: numbers (10, 0xa), registers ($pc, and those of 'info registers'), symbols (kernel::main, or the end
of that if it is the only one; in single quotes if it has blanks), + - * / % & | ^ ~ ( ), and *ADDR for the 8 bytes there.
";

/// The help text: all commands, `info`'s subjects, or one command.
pub fn help(about: &str, board: &AnyBoard) -> Result<String, String> {
    let list = |prefix: &str, rows: &mut dyn Iterator<Item = &(&str, &str, &str)>| {
        let mut text = String::new();
        for (names, arguments, does) in rows {
            let usage = format!("{prefix}{names} {arguments}");
            let _ = writeln!(text, "{:<24} {does}", usage.trim_end());
        }
        text
    };
    let text = match about {
        "" => list("", &mut COMMANDS.iter()) + "'help x' explains FMT, ADDR and EXPR.\n",
        "info" => {
            let own = isa::subjects(board).iter();
            let own: Vec<_> = own.map(|(name, shows)| (*name, "", *shows)).collect();
            list("info ", &mut SUBJECTS.iter().chain(&own))
        }
        _ => list(
            "",
            &mut COMMANDS
                .iter()
                .filter(|row| row.0.split('|').any(|name| name == about)),
        ),
    };
    match about {
        _ if text.is_empty() => Err(format!("unknown command: '{about}'; 'help' lists them")),
        "x" | "xp" | "p" | "print" => Ok(text + FORMATS),
        _ => Ok(text),
    }
}
