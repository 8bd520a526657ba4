//! The recorded form (`FILE.gbt`): compact, streamed, readable up to where it was cut.
//!
//! ```text
//! file    "GLASSBOX" "TRACE" version:u8 00 00 · header_len:u32 header (JSON: Meta, event vocabulary) · block … · end
//! block   "BLK\n" records:u32 bytes:u32 packed:u32 checksum:u64 (XXH3 of the packed bytes) · packed bytes (LZ4)
//! end     "END\n" records:u64 (all of the file's)
//! ```
//!
//! Numbers are little-endian. A block's records can be read without any other block ([`codec`]). A file that ends before
//! its end mark was cut: the whole blocks are good, and the reader says so.

mod codec;
mod reader;
pub(super) mod varint;
mod writer;

pub use reader::{ReadError, Reader};
pub use writer::Writer;

/// How a file begins; the last byte but two is the version.
const MAGIC: &[u8; 16] = b"GLASSBOXTRACE\x01\0\0";
/// How a block begins.
const BLOCK: &[u8; 4] = b"BLK\n";
/// How the end begins.
const END: &[u8; 4] = b"END\n";
/// Most bytes that a block holds before it is packed.
const BLOCK_BYTES: usize = 256 << 10;
/// Most records that a block holds: a few bytes can stand for many.
const BLOCK_RECORDS: u32 = 1 << 20;
/// Most bytes of the header.
const HEADER_BYTES: usize = 1 << 20;

/// The header: what the trace is of, and the vocabulary that its numbers refer to.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Header {
    meta: super::model::Meta,
    /// The kernel's events in the order of their numbers: name and names of the arguments.
    vocabulary: Vec<(String, Vec<String>)>,
}

/// This build's vocabulary.
fn vocabulary() -> Vec<(String, Vec<String>)> {
    abi::probe::PROBES
        .iter()
        .map(|probe| {
            let args = probe.args.iter().map(|(name, _)| (*name).to_owned());
            (probe.name.to_owned(), args.collect())
        })
        .collect()
}

#[cfg(test)]
mod tests;
