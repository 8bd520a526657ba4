//! test(1): the programs `test` and `[`, and the shell's builtins (POSIX, test).

use abi::fcntl::{R_OK, W_OK, X_OK};
use abi::stat::{S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFSOCK, S_ISGID, S_ISUID, S_ISVTX, Stat};
use core::cmp::Ordering;
use rust_alloc::vec::Vec;
use ulib::bytes::show;
use ulib::{number, sys, term, warn};

/// Status of an expression that makes no sense.
const TROUBLE: i32 = 2;

struct Parser<'a> {
    words: &'a [&'a [u8]],
    at: usize,
    depth: usize,
}

/// An expression makes no sense; the complaint has been printed.
struct Senseless;

type Result = core::result::Result<bool, Senseless>;

/// Deepest nesting of `!` and parentheses.
const DEEPEST: usize = 200;

/// `test EXPRESSION`
pub fn run<A: AsRef<[u8]>>(args: &[A]) -> i32 {
    let words: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
    match evaluate(&words) {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(Senseless) => TROUBLE,
    }
}

/// `[ EXPRESSION ]`
pub fn run_bracket<A: AsRef<[u8]>>(args: &[A]) -> i32 {
    match args.split_last() {
        Some((last, words)) if last.as_ref() == b"]" => run(words),
        _ => {
            warn!("[: missing ']'");
            TROUBLE
        }
    }
}

/// Few words are read by their number, so that any of them may look like an operator.
fn evaluate(words: &[&[u8]]) -> Result {
    match words {
        [] => Ok(false),
        [word] => Ok(!word.is_empty()),
        [b"!", word] => Ok(word.is_empty()),
        [b"!", rest @ ..] if rest.len() <= 3 => evaluate(rest).map(|value| !value),
        [left, operator, right] if is_binary(operator) => binary(left, operator, right),
        [b"(", word, b")"] => Ok(!word.is_empty()),
        _ => {
            let mut parser = Parser {
                words,
                at: 0,
                depth: 0,
            };
            let value = parser.or()?;
            match parser.peek() {
                None => Ok(value),
                Some(word) => complain(format_args!("extra argument '{}'", show(word))),
            }
        }
    }
}

fn complain(message: core::fmt::Arguments<'_>) -> Result {
    warn!("test: {message}");
    Err(Senseless)
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a [u8]> {
        self.words.get(self.at).copied()
    }

    fn or(&mut self) -> Result {
        let mut value = self.and()?;
        while self.peek() == Some(b"-o") {
            self.at += 1;
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Result {
        let mut value = self.not()?;
        while self.peek() == Some(b"-a") {
            self.at += 1;
            value &= self.not()?;
        }
        Ok(value)
    }

    fn not(&mut self) -> Result {
        self.depth += 1;
        if self.depth > DEEPEST {
            return complain(format_args!("nested too deeply"));
        }
        let value = match self.peek() {
            Some(b"!") if self.at + 1 < self.words.len() => {
                self.at += 1;
                self.not().map(|value| !value)
            }
            _ => self.primary(),
        };
        self.depth -= 1;
        value
    }

    fn primary(&mut self) -> Result {
        match &self.words[self.at..] {
            [] => complain(format_args!("argument expected")),
            [left, operator, right, ..] if is_binary(operator) => {
                self.at += 3;
                binary(left, operator, right)
            }
            [b"(", ..] => {
                self.at += 1;
                let value = self.or()?;
                if self.peek() != Some(b")") {
                    return complain(format_args!("')' expected"));
                }
                self.at += 1;
                Ok(value)
            }
            [[b'-', letter], operand, ..] => {
                self.at += 2;
                unary(*letter, operand)
            }
            [word, ..] => {
                self.at += 1;
                Ok(!word.is_empty())
            }
        }
    }
}

fn is_binary(operator: &[u8]) -> bool {
    matches!(
        operator,
        b"=" | b"=="
            | b"!="
            | b"<"
            | b">"
            | b"-eq"
            | b"-ne"
            | b"-lt"
            | b"-le"
            | b"-gt"
            | b"-ge"
            | b"-nt"
            | b"-ot"
            | b"-ef"
    )
}

fn binary(left: &[u8], operator: &[u8], right: &[u8]) -> Result {
    let numbers = |holds: fn(Ordering) -> bool| match (integer(left), integer(right)) {
        (Some(left), Some(right)) => Ok(holds(left.cmp(&right))),
        (None, _) => complain(format_args!("Illegal number: {}", show(left))),
        (_, None) => complain(format_args!("Illegal number: {}", show(right))),
    };
    let modified = |path| {
        sys::stat(path)
            .ok()
            .map(|stat| (stat.mtime.sec, stat.mtime.nsec))
    };
    match operator {
        b"=" | b"==" => Ok(left == right),
        b"!=" => Ok(left != right),
        b"<" => Ok(left < right),
        b">" => Ok(left > right),
        b"-eq" => numbers(Ordering::is_eq),
        b"-ne" => numbers(Ordering::is_ne),
        b"-lt" => numbers(Ordering::is_lt),
        b"-le" => numbers(Ordering::is_le),
        b"-gt" => numbers(Ordering::is_gt),
        b"-ge" => numbers(Ordering::is_ge),
        b"-nt" => Ok(modified(left) > modified(right)),
        b"-ot" => Ok(modified(left) < modified(right)),
        _ => match (sys::stat(left), sys::stat(right)) {
            (Ok(left), Ok(right)) => Ok((left.dev, left.ino) == (right.dev, right.ino)),
            _ => Ok(false),
        },
    }
}

fn integer(text: &[u8]) -> Option<i64> {
    number::parse_i64(text.trim_ascii())
}

fn unary(letter: u8, operand: &[u8]) -> Result {
    let stat = |holds: fn(&Stat) -> bool| Ok(sys::stat(operand).is_ok_and(|stat| holds(&stat)));
    Ok(match letter {
        b'n' => !operand.is_empty(),
        b'z' => operand.is_empty(),
        b'e' => sys::stat(operand).is_ok(),
        b'f' => return stat(Stat::is_file),
        b'd' => return stat(Stat::is_dir),
        b'b' => return stat(|stat| stat.mode & S_IFMT == S_IFBLK),
        b'c' => return stat(|stat| stat.mode & S_IFMT == S_IFCHR),
        b'p' => return stat(|stat| stat.mode & S_IFMT == S_IFIFO),
        b'S' => return stat(|stat| stat.mode & S_IFMT == S_IFSOCK),
        b's' => return stat(|stat| stat.size > 0),
        b'u' => return stat(|stat| stat.mode & S_ISUID != 0),
        b'g' => return stat(|stat| stat.mode & S_ISGID != 0),
        b'k' => return stat(|stat| stat.mode & S_ISVTX != 0),
        b'O' => return stat(|stat| stat.uid == sys::geteuid()),
        b'h' | b'L' => sys::lstat(operand).is_ok_and(|stat| stat.is_symlink()),
        b'r' => sys::access(operand, R_OK).is_ok(),
        b'w' => sys::access(operand, W_OK).is_ok(),
        b'x' => sys::access(operand, X_OK).is_ok(),
        b't' => match integer(operand).and_then(|fd| i32::try_from(fd).ok()) {
            Some(fd) => term::is_terminal(fd),
            None => return complain(format_args!("Illegal number: {}", show(operand))),
        },
        _ => return complain(format_args!("-{}: unexpected operator", show(&[letter]))),
    })
}
