//! A program that runs many cases: `driver.S` with the cases' instructions and their records.

use crate::binutils::{assemble, link};
use crate::case::Case;
use crate::record::LEN;
use std::path::Path;
use tempfile::TempDir;

/// Where the program begins.
pub const TEXT: u64 = 0x4000_0000;
/// Where every case goes when it is over.
pub const BACK: u64 = TEXT + 4;
/// Where the cases' instructions are; all lie within reach of a JAL to [`BACK`].
pub const CASES: u64 = TEXT + 0x1_0000;
/// Where the records are.
pub const RECORDS: u64 = TEXT + 0x100_0000;

/// The address of record number `n`.
pub const fn record(n: usize) -> u64 {
    RECORDS + (n * LEN) as u64
}

/// Builds the program that runs `cases`; gives its ELF file's name in `folder`.
pub fn build(folder: &TempDir, cases: &[Case]) -> &'static str {
    let code: Vec<u8> = cases.iter().flat_map(|case| case.code.clone()).collect();
    assert!(code.len() < 0xe_0000, "too many cases to reach");
    let records: Vec<u8> = cases.iter().flat_map(|case| case.start.bytes()).collect();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).expect("the folder takes files");
    };
    write("cases.bin", &code);
    write("records.bin", &records);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("driver.S");
    assemble(
        folder.path(),
        &source,
        "driver.o",
        &[("RECORD", LEN as u64)],
    );
    let sections = [
        (".text", TEXT),
        (".data", TEXT + 0x2000),
        (".bss", TEXT + 0x3000),
        (".cases", CASES),
        (".records", RECORDS),
    ];
    link(folder.path(), "driver.o", "driver", &sections, false);
    "driver"
}
