//! wc: counts lines, words and bytes.

#![no_std]
#![no_main]

use ulib::io::{Reader, STDIN};
use ulib::prelude::*;
use ulib::{fs, sys};

ulib::main!(main);

static SPEC: Spec = Spec {
    usage: "[-lwcmL] [FILE]...",
    short: "lwcmL",
    long: &[
        ("lines", b'l'),
        ("words", b'w'),
        ("bytes", b'c'),
        ("chars", b'm'),
        ("max-line-length", b'L'),
    ],
    trouble: 1,
};

/// Counts in the order they are printed: lines, words, characters, bytes, longest line.
type Counts = [u64; 5];

const LETTERS: [u8; 5] = *b"lwmcL";

fn main(args: &ulib::Args) -> i32 {
    let options = Options::parse(args, &SPEC);
    let shown: Vec<bool> = LETTERS
        .iter()
        .map(|letter| match options.given.is_empty() {
            true => b"lwc".contains(letter),
            false => options.has(*letter),
        })
        .collect();
    let mut results: Vec<(Option<Counts>, &[u8])> = Vec::new();
    let mut status = 0;
    let mut regular = true;
    let mut largest = 0;
    for path in &options.operands {
        let counted = if *path == b"-" {
            regular = false;
            count(STDIN)
        } else {
            fs::File::open(path).and_then(|file| {
                let stat = sys::fstat(file.fd())?;
                regular &= stat.is_file();
                largest += stat.size.max(0) as u64;
                count(file.fd())
            })
        };
        match counted {
            Ok(counts) => results.push((Some(counts), path)),
            Err(errno) => {
                warn!("{}: {errno}", show(path));
                let directory = errno == Errno::EISDIR;
                regular &= !directory;
                results.push((directory.then_some([0; 5]), path));
                status = 1;
            }
        }
    }
    if options.operands.is_empty() {
        match count(STDIN) {
            Ok(counts) => results.push((Some(counts), b"")),
            Err(errno) => die!(1, "-: {errno}"),
        }
        regular = false;
    }
    let many = results.len() > 1;
    let mut total = [0; 5];
    for counts in results.iter().filter_map(|(counts, _)| *counts) {
        for (i, (sum, n)) in total.iter_mut().zip(counts).enumerate() {
            *sum = if i == 4 { n.max(*sum) } else { *sum + n };
        }
    }
    // One number of one input stands alone; otherwise columns are as wide as GNU's: what the sizes of
    // the files need, or 7 where sizes are not known beforehand.
    let columns = shown.iter().filter(|shown| **shown).count();
    let width = match (columns, results.len(), regular) {
        (1, 1, _) => 1,
        (_, _, true) => format!("{largest}").len(),
        _ => 7,
    };
    for (counts, name) in &results {
        if let Some(counts) = counts {
            print_counts(counts, &shown, width, name);
        }
    }
    if many {
        print_counts(&total, &shown, width, b"total");
    }
    status
}

fn print_counts(counts: &Counts, shown: &[bool], width: usize, name: &[u8]) {
    let mut separator = "";
    for (count, _) in counts.iter().zip(shown).filter(|(_, shown)| **shown) {
        print!("{separator}{count:width$}");
        separator = " ";
    }
    if !name.is_empty() {
        print!(" {}", show(name));
    }
    println!();
}

fn count(fd: sys::Fd) -> sys::Result<Counts> {
    let mut reader = Reader::new(fd);
    let [mut lines, mut words, mut bytes, mut longest, mut length] = [0u64; 5];
    let mut inside = false;
    loop {
        let chunk = reader.fill()?;
        let n = chunk.len();
        if n == 0 {
            words += u64::from(inside);
            return Ok([lines, words, bytes, bytes, longest.max(length)]);
        }
        bytes += n as u64;
        for byte in chunk {
            let space = matches!(byte, b' ' | 9..=13);
            words += u64::from(inside && space);
            inside = !space;
            match byte {
                b'\n' => {
                    lines += 1;
                    longest = longest.max(length);
                    length = 0;
                }
                b'\t' => length = (length / 8 + 1) * 8,
                b' '..=b'~' => length += 1,
                _ => {}
            }
        }
        reader.consume(n);
    }
}
