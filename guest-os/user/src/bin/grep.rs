//! grep: prints lines that match (status 0 found, 1 not, 2 trouble).

#![no_std]
#![no_main]

use ulib::io::{self, Reader, STDIN};
use ulib::path::join;
use ulib::prelude::*;
use ulib::regex::{Regex, Syntax};
use ulib::{fs, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-EFcHhilnoqrsvwx] [-m NUM] [-e] PATTERN [FILE]...",
    short: "EFGRHce:hilLm:noqrsvwx",
    long: &[
        ("extended-regexp", b'E'),
        ("fixed-strings", b'F'),
        ("basic-regexp", b'G'),
        ("count", b'c'),
        ("with-filename", b'H'),
        ("no-filename", b'h'),
        ("ignore-case", b'i'),
        ("files-with-matches", b'l'),
        ("files-without-match", b'L'),
        ("line-number", b'n'),
        ("only-matching", b'o'),
        ("quiet", b'q'),
        ("silent", b'q'),
        ("recursive", b'r'),
        ("no-messages", b's'),
        ("invert-match", b'v'),
        ("word-regexp", b'w'),
        ("line-regexp", b'x'),
        ("regexp", b'e'),
        ("max-count", b'm'),
    ],
    trouble: 2,
};

/// What lines are compared with.
enum Matcher {
    Fixed(Vec<u8>, bool),
    Regex(Regex),
}

impl Matcher {
    fn find(&self, line: &[u8], from: usize) -> Option<(usize, usize)> {
        match self {
            Matcher::Regex(regex) => regex.find(line, from),
            Matcher::Fixed(text, fold) => {
                let rest = line.get(from..)?;
                let at = if *fold && !text.is_empty() {
                    rest.windows(text.len())
                        .position(|w| w.eq_ignore_ascii_case(text))
                } else {
                    ulib::bytes::find(rest, text)
                }?;
                Some((from + at, from + at + text.len()))
            }
        }
    }
}

struct Search {
    options: Options,
    matchers: Vec<Matcher>,
    names: bool,
    limit: u64,
    found: bool,
    trouble: bool,
}

fn main(args: &ulib::Args) -> i32 {
    let mut options = Options::parse(args, &SPEC);
    let mut patterns: Vec<&[u8]> = options
        .given
        .iter()
        .filter(|(letter, _)| *letter == b'e')
        .map(|(_, value)| *value)
        .collect();
    if patterns.is_empty() {
        if options.operands.is_empty() {
            eprintln!("Usage: grep {}", SPEC.usage);
            return 2;
        }
        patterns.push(options.operands.remove(0));
    }
    let matchers = patterns
        .iter()
        .flat_map(|pattern| pattern.split(|b| *b == b'\n'))
        .map(|pattern| compile(pattern, &options))
        .collect();
    let recursive = options.has(b'r') || options.has(b'R');
    let mut search = Search {
        names: match options.last_of(b"Hh") {
            Some(letter) => letter == b'H',
            None => options.operands.len() > 1 || recursive,
        },
        limit: options
            .parsed(b'm', "max count", ulib::number::parse_u64)
            .unwrap_or(u64::MAX),
        matchers,
        found: false,
        trouble: false,
        options,
    };
    let operands = search.options.operands.clone();
    match (operands.is_empty(), recursive) {
        (true, true) => search.tree(b".", true),
        (true, false) => search.file(b"-"),
        (false, _) => operands
            .iter()
            .for_each(|path| search.operand(path, recursive)),
    }
    match (search.found, search.trouble) {
        (true, _) if search.options.has(b'q') => 0,
        (_, true) => 2,
        (found, false) => i32::from(!found),
    }
}

fn compile(pattern: &[u8], options: &Options) -> Matcher {
    let fold = options.has(b'i');
    let kind = options.last_of(b"EFG");
    if kind == Some(b'F') {
        return Matcher::Fixed(pattern.to_vec(), fold);
    }
    let syntax = if kind == Some(b'E') {
        Syntax::Extended
    } else {
        Syntax::Basic
    };
    match Regex::new(pattern, syntax, fold) {
        Ok(regex) => Matcher::Regex(regex),
        Err(error) => die!(2, "{error}"),
    }
}

impl Search {
    fn has(&self, letter: u8) -> bool {
        self.options.has(letter)
    }

    fn complain(&mut self, path: &[u8], errno: Errno) {
        self.trouble = true;
        if !self.has(b's') {
            warn!("{}: {errno}", show(path));
        }
    }

    fn operand(&mut self, path: &[u8], recursive: bool) {
        if recursive {
            self.tree(path, false)
        } else {
            self.file(path)
        }
    }

    /// Searches everything below. A directory that was not named is shown without `./`.
    fn tree(&mut self, path: &[u8], implied: bool) {
        match sys::stat(path) {
            Ok(stat) if stat.is_dir() => match fs::children(path) {
                Ok(children) => {
                    for child in children {
                        let below = if implied {
                            child.name
                        } else {
                            join(path, &child.name)
                        };
                        self.tree(&below, false);
                    }
                }
                Err(errno) => self.complain(path, errno),
            },
            Ok(_) => self.file(path),
            Err(errno) => self.complain(path, errno),
        }
    }

    fn file(&mut self, path: &[u8]) {
        if self.found && self.has(b'q') {
            return;
        }
        let searched = if path == b"-" {
            self.lines(STDIN, b"(standard input)")
        } else {
            fs::File::open(path).and_then(|file| {
                if sys::fstat(file.fd())?.is_dir() {
                    warn!("{}: Is a directory", show(path));
                    return Ok(());
                }
                self.lines(file.fd(), path)
            })
        };
        if let Err(errno) = searched {
            self.complain(path, errno);
        }
    }

    fn lines(&mut self, fd: sys::Fd, name: &[u8]) -> sys::Result<()> {
        let mut reader = Reader::new(fd);
        let mut line = Vec::new();
        let (mut number, mut count) = (0u64, 0u64);
        let silent = self.has(b'q') || self.has(b'l') || self.has(b'L') || self.has(b'c');
        while count < self.limit && reader.read_line(&mut line)? {
            number += 1;
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            let first = self.first_match(&line, 0);
            if first.is_some() == self.has(b'v') {
                continue;
            }
            count += 1;
            if silent {
                if !self.has(b'c') {
                    break;
                }
            } else if self.has(b'o') && !self.has(b'v') {
                self.print_parts(&line, name, number);
            } else {
                self.heading(name, number);
                io::put(&line);
                io::put(b"\n");
            }
        }
        self.found |= (count > 0) != self.has(b'L');
        if self.has(b'q') {
            return Ok(());
        }
        if self.has(b'l') || self.has(b'L') {
            if (count > 0) == self.has(b'l') {
                println!("{}", show(name));
            }
        } else if self.has(b'c') {
            if self.names {
                print!("{}:", show(name));
            }
            println!("{count}");
        }
        Ok(())
    }

    fn heading(&self, name: &[u8], number: u64) {
        if self.names {
            print!("{}:", show(name));
        }
        if self.has(b'n') {
            print!("{number}:");
        }
    }

    fn print_parts(&self, line: &[u8], name: &[u8], number: u64) {
        let mut from = 0;
        while let Some((start, end)) = self.first_match(line, from) {
            if end > start {
                self.heading(name, number);
                io::put(&line[start..end]);
                io::put(b"\n");
            }
            from = if end > start { end } else { end + 1 };
            if from > line.len() {
                break;
            }
        }
    }

    /// The leftmost match of any pattern, the longest of those that start there.
    fn first_match(&self, line: &[u8], from: usize) -> Option<(usize, usize)> {
        let matches = self
            .matchers
            .iter()
            .filter_map(|matcher| self.acceptable(matcher, line, from));
        matches.min_by_key(|(start, end)| (*start, core::cmp::Reverse(*end)))
    }

    /// A match that is a whole word or line, if that is asked for.
    fn acceptable(&self, matcher: &Matcher, line: &[u8], from: usize) -> Option<(usize, usize)> {
        let word =
            |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        let mut from = from;
        loop {
            let (start, end) = matcher.find(line, from)?;
            let whole = !self.has(b'x') || (start == 0 && end == line.len());
            let before = start.checked_sub(1).and_then(|at| line.get(at));
            let alone = !self.has(b'w') || (!word(before) && !word(line.get(end)));
            if whole && alone {
                return Some((start, end));
            }
            from = start + 1;
        }
    }
}
