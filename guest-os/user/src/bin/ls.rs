//! ls: lists directories (a long program: options, columns, the long format).

#![no_std]
#![no_main]

use abi::stat::{S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, Stat};
use ulib::calendar::Moment;
use ulib::path::join;
use ulib::prelude::*;
use ulib::{fs, io, mode, number, sys, term};
use user::accounts::Accounts;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-aACdFhilnpRrSstU1] [FILE]...",
    short: "aACdFhilnpRrSstU1g",
    long: &[
        ("all", b'a'),
        ("almost-all", b'A'),
        ("directory", b'd'),
        ("classify", b'F'),
        ("human-readable", b'h'),
        ("inode", b'i'),
        ("numeric-uid-gid", b'n'),
        ("recursive", b'R'),
        ("reverse", b'r'),
        ("size", b's'),
    ],
    trouble: 2,
};

/// Files older than this are shown with their year.
const HALF_YEAR: i64 = 31_556_952 / 2;

/// A file to show.
struct Item {
    name: Vec<u8>,
    path: Vec<u8>,
    stat: Stat,
}

struct Lister {
    options: Options,
    long: bool,
    columns: Option<usize>,
    users: Accounts,
    groups: Accounts,
    now: i64,
    status: i32,
    /// Has anything been printed, so that a blank line must come before a directory?
    printed: bool,
}

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let long = options.has(b'l') || options.has(b'n');
    let wide = match options.last_of(b"C1l") {
        Some(b'C') => true,
        Some(_) => false,
        None => term::is_terminal(io::STDOUT),
    };
    let names = long && !options.has(b'n');
    let mut lister = Lister {
        long,
        columns: (wide && !long).then(|| term::width(io::STDOUT)),
        users: if names {
            Accounts::users()
        } else {
            Accounts::none()
        },
        groups: if names {
            Accounts::groups()
        } else {
            Accounts::none()
        },
        now: sys::now().sec,
        status: 0,
        printed: false,
        options,
    };
    lister.operands();
    lister.status
}

impl Lister {
    fn has(&self, letter: u8) -> bool {
        self.options.has(letter)
    }

    fn operands(&mut self) {
        let operands = match &self.options.operands[..] {
            [] => vec![&b"."[..]],
            operands => operands.to_vec(),
        };
        let many = operands.len() > 1 || self.has(b'R');
        let (mut files, mut dirs) = (Vec::new(), Vec::new());
        for path in operands {
            // A link given by name is followed unless it is to be described itself.
            let follow = !self.long && !self.has(b'd') && !self.has(b'F');
            let stat = match sys::lstat(path) {
                Ok(link) if link.is_symlink() => match sys::stat(path) {
                    Ok(stat) if follow || (stat.is_dir() && !self.long && !self.has(b'd')) => {
                        Ok(stat)
                    }
                    _ => Ok(link),
                },
                stat => stat,
            };
            match stat {
                Ok(stat) => {
                    let item = Item {
                        name: path.to_vec(),
                        path: path.to_vec(),
                        stat,
                    };
                    if stat.is_dir() && !self.has(b'd') {
                        dirs.push(item)
                    } else {
                        files.push(item)
                    }
                }
                Err(errno) => {
                    warn!("cannot access '{}': {errno}", show(path));
                    self.status = 2;
                }
            }
        }
        self.sort(&mut files);
        self.sort(&mut dirs);
        self.print(&files);
        for dir in dirs {
            self.directory(&dir.path, many);
        }
    }

    fn directory(&mut self, path: &[u8], heading: bool) {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(errno) => {
                warn!("cannot open directory '{}': {errno}", show(path));
                self.status = 2;
                return;
            }
        };
        if heading {
            print!("{}{}:\n", if self.printed { "\n" } else { "" }, show(path));
            self.printed = true;
        }
        let mut items = Vec::new();
        for entry in entries {
            let dots = entry.name == b"." || entry.name == b"..";
            let hidden = entry.name.starts_with(b".");
            if (hidden && !self.has(b'a') && !self.has(b'A')) || (dots && !self.has(b'a')) {
                continue;
            }
            let full = join(path, &entry.name);
            match sys::lstat(&full) {
                Ok(stat) => items.push(Item {
                    name: entry.name,
                    path: full,
                    stat,
                }),
                Err(errno) => {
                    warn!("cannot access '{}': {errno}", show(&full));
                    self.status = 1;
                }
            }
        }
        self.sort(&mut items);
        if self.long || self.has(b's') {
            let blocks: i64 = items.iter().map(|item| item.stat.blocks).sum();
            let total = self.blocks(blocks);
            println!("total {total}");
        }
        self.print(&items);
        self.printed = true;
        if self.has(b'R') {
            for item in &items {
                let dots = item.name == b"." || item.name == b"..";
                if item.stat.is_dir() && !dots {
                    self.directory(&item.path, true);
                }
            }
        }
    }

    fn sort(&self, items: &mut [Item]) {
        items.sort_by(|a, b| a.name.cmp(&b.name));
        match self.options.last_of(b"tSU") {
            Some(b't') => {
                items.sort_by_key(|item| {
                    core::cmp::Reverse((item.stat.mtime.sec, item.stat.mtime.nsec))
                });
            }
            Some(b'S') => items.sort_by_key(|item| core::cmp::Reverse(item.stat.size)),
            _ => {}
        }
        if self.has(b'r') {
            items.reverse();
        }
    }

    /// Units of 1024 bytes, or human ones.
    fn blocks(&self, blocks: i64) -> String {
        match self.has(b'h') {
            true => number::human(blocks as u64 * 512),
            false => format!("{}", (blocks + 1) / 2),
        }
    }

    fn print(&mut self, items: &[Item]) {
        if items.is_empty() {
            return;
        }
        self.printed = true;
        if self.long {
            self.print_long(items);
            return;
        }
        let prefix = self.prefixes(items);
        let labels: Vec<Vec<u8>> = items
            .iter()
            .zip(prefix)
            .map(|(item, prefix)| [prefix, self.label(item)].concat())
            .collect();
        match self.columns {
            Some(width) => print_columns(&labels, width),
            None => labels.iter().for_each(|label| println!("{}", show(label))),
        }
    }

    /// Inode and block counts, in columns of their own.
    fn prefixes(&self, items: &[Item]) -> Vec<Vec<u8>> {
        let inodes: Vec<String> = items
            .iter()
            .map(|item| format!("{}", item.stat.ino))
            .collect();
        let blocks: Vec<String> = items
            .iter()
            .map(|item| self.blocks(item.stat.blocks))
            .collect();
        let width = |texts: &[String]| texts.iter().map(String::len).max().unwrap_or(0);
        let (inode_width, block_width) = (width(&inodes), width(&blocks));
        (0..items.len())
            .map(|i| {
                let mut prefix = String::new();
                if self.has(b'i') {
                    prefix += &format!("{:>inode_width$} ", inodes[i]);
                }
                if self.has(b's') {
                    prefix += &format!("{:>block_width$} ", blocks[i]);
                }
                prefix.into_bytes()
            })
            .collect()
    }

    /// The name with what `-F` and `-p` add.
    fn label(&self, item: &Item) -> Vec<u8> {
        let mut label = item.name.clone();
        label.extend(self.indicator(item.stat.mode));
        label
    }

    fn indicator(&self, mode: u32) -> Option<u8> {
        let all = self.has(b'F');
        match mode & S_IFMT {
            S_IFDIR if all || self.has(b'p') => Some(b'/'),
            _ if !all => None,
            S_IFLNK if !self.long => Some(b'@'),
            S_IFIFO => Some(b'|'),
            S_IFSOCK => Some(b'='),
            S_IFREG if mode & 0o111 != 0 => Some(b'*'),
            _ => None,
        }
    }

    fn print_long(&self, items: &[Item]) {
        let rows: Vec<[Vec<u8>; 4]> = items
            .iter()
            .map(|item| {
                [
                    format!("{}", item.stat.nlink).into_bytes(),
                    self.users.name(item.stat.uid),
                    self.groups.name(item.stat.gid),
                    self.size(&item.stat).into_bytes(),
                ]
            })
            .collect();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2), width(3)];
        let prefixes = self.prefixes(items);
        for ((item, row), prefix) in items.iter().zip(&rows).zip(prefixes) {
            let [links, user, group, size] = row.each_ref().map(|field| show(field));
            let [w0, w1, w2, w3] = widths;
            print!(
                "{}{} {links:>w0$} ",
                show(&prefix),
                mode::text(item.stat.mode)
            );
            match self.has(b'n') {
                true => print!("{user:>w1$} {group:>w2$} "),
                false => print!("{user:<w1$} {group:<w2$} "),
            }
            print!(
                "{size:>w3$} {} {}",
                self.time(&item.stat),
                show(&self.label(item))
            );
            if item.stat.is_symlink() {
                // A link that vanished meanwhile points nowhere.
                print!(
                    " -> {}",
                    show(&sys::readlink(&item.path).unwrap_or_default())
                );
            }
            println!();
        }
    }

    fn time(&self, stat: &Stat) -> String {
        let moment = Moment::new(stat.mtime);
        let recent = stat.mtime.sec <= self.now && self.now - stat.mtime.sec < HALF_YEAR;
        moment.format(if recent { "%b %e %H:%M" } else { "%b %e  %Y" })
    }

    fn size(&self, stat: &Stat) -> String {
        match stat.mode & S_IFMT {
            S_IFCHR | S_IFBLK => {
                let (major, minor) = device(stat.rdev);
                format!("{major}, {minor:3}")
            }
            _ if self.has(b'h') => number::human(stat.size.max(0) as u64),
            _ => format!("{}", stat.size),
        }
    }
}

/// Major and minor number of a device (makedev(3)).
fn device(rdev: u64) -> (u64, u64) {
    let major = (rdev >> 8 & 0xfff) | (rdev >> 32 & !0xfff);
    let minor = (rdev & 0xff) | (rdev >> 12 & !0xff);
    (major, minor)
}

/// Prints names down the columns, as many columns as fit.
fn print_columns(labels: &[Vec<u8>], width: usize) {
    const GAP: usize = 2;
    let lengths: Vec<usize> = labels.iter().map(Vec::len).collect();
    let layout = |rows: usize| -> Vec<usize> {
        lengths
            .chunks(rows)
            .map(|column| column.iter().max().copied().unwrap_or(0) + GAP)
            .collect()
    };
    let fits = |rows: &usize| layout(*rows).iter().sum::<usize>() <= width + GAP;
    let rows = (1..=labels.len()).find(fits).unwrap_or(labels.len());
    let widths = layout(rows);
    for row in 0..rows {
        let mut line = Vec::new();
        let mut padding = 0;
        for (column, width) in widths.iter().enumerate() {
            if let Some(label) = labels.get(column * rows + row) {
                line.extend(core::iter::repeat_n(b' ', padding));
                line.extend_from_slice(label);
                padding = width - label.len();
            }
        }
        println!("{}", show(&line));
    }
}
