//! find: walks trees and tests what it finds.

#![no_std]
#![no_main]

use abi::stat::S_IFMT;
use ulib::path::{base_name, join};
use ulib::prelude::*;
use ulib::{fs, io, number, pattern, process, sys};

ulib::main!(main);

const USAGE: &str = "Usage: find [PATH]... [-maxdepth N] [-mindepth N] [-depth] [EXPRESSION]\n\
    tests: -name PATTERN -iname PATTERN -path PATTERN -type [fdlcbps] -size [+-]N[cbkM] -empty\n\
    -newer FILE -perm MODE -true; actions: -print -print0 -delete -exec COMMAND {} ; -prune\n\
    operators: ! -a -o ( )";

/// A node of the expression.
enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    Name(Vec<u8>, bool),
    Path(Vec<u8>),
    Type(Vec<u8>),
    Size(core::cmp::Ordering, u64, u64),
    Newer((i64, i64)),
    Perm(u32),
    Empty,
    True,
    Print(u8),
    Delete,
    Exec(Vec<Vec<u8>>),
    Prune,
}

struct Parser<'a> {
    words: &'a [&'static [u8]],
    acts: bool,
    least: usize,
    most: usize,
    children_first: bool,
}

struct Walk {
    test: Test,
    least: usize,
    most: usize,
    children_first: bool,
    status: i32,
    pruned: bool,
}

struct Found<'a> {
    path: &'a [u8],
    stat: abi::stat::Stat,
}

fn main(args: &ulib::Args) -> i32 {
    let words = &args[1..];
    if words.first() == Some(&&b"--help"[..]) {
        println!("{USAGE}");
        return 0;
    }
    let starts = |word: &&[u8]| word.starts_with(b"-") || matches!(*word, b"!" | b"(");
    let paths = words.iter().position(starts).unwrap_or(words.len());
    let mut parser = Parser {
        words: &words[paths..],
        acts: false,
        least: 0,
        most: usize::MAX,
        children_first: false,
    };
    let mut test = if parser.words.is_empty() {
        Test::True
    } else {
        parser.or()
    };
    if let Some(word) = parser.words.first() {
        die!(1, "unexpected argument '{}'", show(word));
    }
    if !parser.acts {
        test = Test::And(vec![test, Test::Print(b'\n')]);
    }
    let mut walk = Walk {
        test,
        least: parser.least,
        most: parser.most,
        children_first: parser.children_first,
        status: 0,
        pruned: false,
    };
    let here: [&[u8]; 1] = [b"."];
    let paths = if paths == 0 { &here } else { &words[..paths] };
    paths.iter().for_each(|path| walk.visit(path, 0));
    walk.status
}

impl Parser<'_> {
    fn next(&mut self, option: &[u8]) -> &'static [u8] {
        match self.words.split_first() {
            Some((word, rest)) => {
                self.words = rest;
                word
            }
            None => die!(1, "missing argument to '{}'", show(option)),
        }
    }

    fn or(&mut self) -> Test {
        let mut tests = vec![self.and()];
        while matches!(self.words.first(), Some(&b"-o" | &b"-or")) {
            self.words = &self.words[1..];
            tests.push(self.and());
        }
        Test::Or(tests)
    }

    fn and(&mut self) -> Test {
        let mut tests = vec![self.not()];
        while let Some(word) = self.words.first() {
            match *word {
                b"-o" | b"-or" | b")" => break,
                b"-a" | b"-and" => self.words = &self.words[1..],
                _ => {}
            }
            tests.push(self.not());
        }
        Test::And(tests)
    }

    fn not(&mut self) -> Test {
        match self.words.first() {
            Some(&b"!" | &b"-not") => {
                self.words = &self.words[1..];
                Test::Not(Box::new(self.not()))
            }
            Some(&b"(") => {
                self.words = &self.words[1..];
                let test = self.or();
                if self.next(b"(") != b")" {
                    die!(1, "invalid expression; expected to find a ')'");
                }
                test
            }
            _ => self.primary(),
        }
    }

    fn count(&mut self, option: &[u8]) -> usize {
        let text = self.next(option);
        match number::parse_u64(text) {
            Some(count) => count as usize,
            None => die!(
                1,
                "Expected a positive decimal integer argument to {}, but got '{}'",
                show(option),
                show(text)
            ),
        }
    }

    fn primary(&mut self) -> Test {
        let word = self.next(b"expression");
        match word {
            b"-name" => Test::Name(self.next(word).to_vec(), false),
            b"-iname" => Test::Name(self.next(word).to_ascii_lowercase(), true),
            b"-path" | b"-wholename" => Test::Path(self.next(word).to_vec()),
            b"-type" => Test::Type(
                self.next(word)
                    .iter()
                    .copied()
                    .filter(|b| *b != b',')
                    .collect(),
            ),
            b"-size" => size(self.next(word)),
            b"-perm" => {
                let text = self.next(word);
                match number::parse_mode(text) {
                    Some(mode) => Test::Perm(mode),
                    None => die!(1, "invalid mode '{}'", show(text)),
                }
            }
            b"-newer" => {
                let path = self.next(word);
                match sys::stat(path) {
                    Ok(stat) => Test::Newer((stat.mtime.sec, stat.mtime.nsec)),
                    Err(errno) => die!(1, "'{}': {errno}", show(path)),
                }
            }
            b"-empty" => Test::Empty,
            b"-true" => Test::True,
            b"-maxdepth" => {
                self.most = self.count(word);
                Test::True
            }
            b"-mindepth" => {
                self.least = self.count(word);
                Test::True
            }
            b"-depth" => {
                self.children_first = true;
                Test::True
            }
            b"-prune" => Test::Prune,
            b"-print" | b"-print0" | b"-delete" | b"-exec" => self.action(word),
            _ => die!(1, "unknown predicate '{}'", show(word)),
        }
    }

    fn action(&mut self, word: &[u8]) -> Test {
        self.acts = true;
        match word {
            b"-print" => Test::Print(b'\n'),
            b"-print0" => Test::Print(0),
            b"-delete" => {
                self.children_first = true;
                Test::Delete
            }
            _ => {
                let mut command = Vec::new();
                loop {
                    match self.next(word) {
                        b";" => return Test::Exec(command),
                        // Each file gets a command of its own, which the other form allows too.
                        b"+" if command.last().is_some_and(|last: &Vec<u8>| last == b"{}") => {
                            return Test::Exec(command);
                        }
                        other => command.push(other.to_vec()),
                    }
                }
            }
        }
    }
}

fn size(text: &[u8]) -> Test {
    use core::cmp::Ordering;
    let (order, rest) = match text {
        [b'+', rest @ ..] => (Ordering::Greater, rest),
        [b'-', rest @ ..] => (Ordering::Less, rest),
        rest => (Ordering::Equal, rest),
    };
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let unit = match &rest[digits..] {
        b"" | b"b" => 512,
        b"c" => 1,
        b"k" => 1 << 10,
        b"M" => 1 << 20,
        b"G" => 1 << 30,
        _ => die!(1, "invalid -size type '{}'", show(text)),
    };
    match number::parse_u64(&rest[..digits]) {
        Some(count) => Test::Size(order, count, unit),
        None => die!(1, "invalid argument '{}' to '-size'", show(text)),
    }
}

impl Walk {
    fn visit(&mut self, path: &[u8], depth: usize) {
        let stat = match sys::lstat(path) {
            Ok(stat) => stat,
            Err(errno) => return self.complain(path, errno),
        };
        let found = Found { path, stat };
        let shown = depth >= self.least;
        self.pruned = false;
        if shown && !self.children_first {
            self.judge(&found);
        }
        if stat.is_dir() && depth < self.most && !self.pruned {
            match fs::children(path) {
                Ok(children) => {
                    children
                        .iter()
                        .for_each(|child| self.visit(&join(path, &child.name), depth + 1));
                }
                Err(errno) => self.complain(path, errno),
            }
        }
        if shown && self.children_first {
            self.judge(&found);
        }
    }

    fn complain(&mut self, path: &[u8], errno: Errno) {
        warn!("'{}': {errno}", show(path));
        self.status = 1;
    }

    fn judge(&mut self, found: &Found) {
        let test = core::mem::replace(&mut self.test, Test::True);
        self.holds(&test, found);
        self.test = test;
    }

    fn holds(&mut self, test: &Test, found: &Found) -> bool {
        let stat = &found.stat;
        match test {
            Test::And(tests) => tests.iter().all(|test| self.holds(test, found)),
            Test::Or(tests) => tests.iter().any(|test| self.holds(test, found)),
            Test::Not(test) => !self.holds(test, found),
            Test::Name(name, false) => pattern::matches(name, base_name(found.path)),
            Test::Name(name, true) => {
                pattern::matches(name, &base_name(found.path).to_ascii_lowercase())
            }
            Test::Path(path) => pattern::matches(path, found.path),
            Test::Type(letters) => {
                let letter = ulib::mode::type_letter(stat.mode & S_IFMT);
                letters.contains(&if letter == '-' { b'f' } else { letter as u8 })
            }
            Test::Size(order, count, unit) => {
                (stat.size.max(0) as u64).div_ceil(*unit).cmp(count) == *order
            }
            Test::Newer(time) => (stat.mtime.sec, stat.mtime.nsec) > *time,
            Test::Perm(mode) => stat.mode & 0o7777 == *mode,
            Test::Empty if stat.is_dir() => {
                fs::children(found.path).is_ok_and(|list| list.is_empty())
            }
            Test::Empty => stat.is_file() && stat.size == 0,
            Test::True => true,
            Test::Print(end) => {
                io::put(found.path);
                io::put(&[*end]);
                true
            }
            Test::Delete => {
                let path = found.path;
                let done = if stat.is_dir() {
                    sys::rmdir(path)
                } else {
                    sys::unlink(path)
                };
                if let Err(errno) = done {
                    warn!("cannot delete '{}': {errno}", show(path));
                    self.status = 1;
                }
                done.is_ok()
            }
            Test::Exec(command) => {
                let args: Vec<Vec<u8>> =
                    command.iter().map(|word| fill(word, found.path)).collect();
                process::run(&args).is_ok_and(|status| status == 0)
            }
            Test::Prune => {
                self.pruned = true;
                true
            }
        }
    }
}

/// A word of a command with every `{}` replaced.
fn fill(word: &[u8], path: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = word;
    while let Some(at) = ulib::bytes::find(rest, b"{}") {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(path);
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
    out
}
