//! stat: shows what the file system knows of a file.

#![no_std]
#![no_main]

use abi::stat::{S_IFBLK, S_IFCHR, S_IFMT, Stat};
use abi::time::Timespec;
use ulib::calendar::Moment;
use ulib::prelude::*;
use ulib::{io, mode, sys};
use user::accounts::Accounts;

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-L] [-c FORMAT] FILE...",
    short: "Lc:t",
    long: &[("dereference", b'L'), ("format", b'c')],
    trouble: 1,
};

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    options.expect_operands(1, usize::MAX);
    let printer = Printer {
        users: Accounts::users(),
        groups: Accounts::groups(),
    };
    let mut status = 0;
    for path in &options.operands {
        let stat = if options.has(b'L') {
            sys::stat(path)
        } else {
            sys::lstat(path)
        };
        match stat {
            Ok(stat) => match options.value(b'c') {
                Some(format) => {
                    printer.formatted(format, path, &stat);
                    println!();
                }
                None => printer.full(path, &stat),
            },
            Err(errno) => {
                warn!("cannot statx '{}': {errno}", show(path));
                status = 1;
            }
        }
    }
    status
}

struct Printer {
    users: Accounts,
    groups: Accounts,
}

fn time(time: Timespec) -> String {
    Moment::new(time).format("%F %T.%N %z")
}

/// The name, and where a link points.
fn quoted_name(path: &[u8], stat: &Stat) -> Vec<u8> {
    let mut name = [b"'", path, b"'"].concat();
    if stat.is_symlink() {
        // A link that vanished meanwhile points nowhere.
        let target = sys::readlink(path).unwrap_or_default();
        name.extend([b" -> '", &target[..], b"'"].concat());
    }
    name
}

impl Printer {
    fn full(&self, path: &[u8], stat: &Stat) {
        let name = match stat.is_symlink() {
            true => [path, b" -> ", &sys::readlink(path).unwrap_or_default()].concat(),
            false => path.to_vec(),
        };
        println!("  File: {}", show(&name));
        println!(
            "  Size: {:<10}\tBlocks: {:<10} IO Block: {:<6} {}",
            stat.size,
            stat.blocks,
            stat.blksize,
            mode::type_name(stat.mode, stat.size)
        );
        let (major, minor) = (device(stat.dev), stat.dev & 0xff);
        print!(
            "Device: {major},{minor}\tInode: {:<11} Links: {}",
            stat.ino, stat.nlink
        );
        if matches!(stat.mode & S_IFMT, S_IFCHR | S_IFBLK) {
            print!(
                "     Device type: {},{}",
                device(stat.rdev),
                stat.rdev & 0xff
            );
        }
        println!();
        println!(
            "Access: ({:04o}/{})  Uid: ({:5}/{:>8})   Gid: ({:5}/{:>8})",
            stat.mode & 0o7777,
            mode::text(stat.mode),
            stat.uid,
            show(&self.users.name(stat.uid)),
            stat.gid,
            show(&self.groups.name(stat.gid))
        );
        println!("Access: {}", time(stat.atime));
        println!("Modify: {}", time(stat.mtime));
        println!("Change: {}", time(stat.ctime));
        println!(" Birth: -");
    }

    fn formatted(&self, format: &[u8], path: &[u8], stat: &Stat) {
        let mut bytes = format.iter();
        while let Some(byte) = bytes.next() {
            if *byte != b'%' {
                io::put(&[*byte]);
                continue;
            }
            match bytes.next() {
                Some(letter) => self.conversion(*letter, path, stat),
                None => io::put(b"%"),
            }
        }
    }

    fn conversion(&self, letter: u8, path: &[u8], stat: &Stat) {
        match letter {
            b'a' => print!("{:o}", stat.mode & 0o7777),
            b'A' => print!("{}", mode::text(stat.mode)),
            b'b' => print!("{}", stat.blocks),
            b'B' => print!("512"),
            b'd' => print!("{}", stat.dev),
            b'f' => print!("{:x}", stat.mode),
            b'F' => print!("{}", mode::type_name(stat.mode, stat.size)),
            b'g' => print!("{}", stat.gid),
            b'G' => io::put(&self.groups.name(stat.gid)),
            b'h' => print!("{}", stat.nlink),
            b'i' => print!("{}", stat.ino),
            b'n' => io::put(path),
            b'N' => io::put(&quoted_name(path, stat)),
            b'o' => print!("{}", stat.blksize),
            b's' => print!("{}", stat.size),
            b'u' => print!("{}", stat.uid),
            b'U' => io::put(&self.users.name(stat.uid)),
            b'x' => print!("{}", time(stat.atime)),
            b'X' => print!("{}", stat.atime.sec),
            b'y' => print!("{}", time(stat.mtime)),
            b'Y' => print!("{}", stat.mtime.sec),
            b'z' => print!("{}", time(stat.ctime)),
            b'Z' => print!("{}", stat.ctime.sec),
            b'%' => print!("%"),
            _ => print!("?"),
        }
    }
}

/// The major number of a device (makedev(3)).
fn device(dev: u64) -> u64 {
    dev >> 8 & 0xfff
}
