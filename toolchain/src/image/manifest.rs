//! `images/<arch>/manifest.toml`: what the built images are and what they were built by.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The manifest's text under construction.
pub struct Manifest(String);

impl Manifest {
    /// Begins with the architecture and the compilers of kernel and programs.
    pub fn new(arch: &str, compilers: &[String; 2]) -> Self {
        let [kernel, programs] = compilers;
        Self(format!(
            "# Written by `cargo xtask image`.\narch = {arch:?}\n\n[compilers]\nkernel = {kernel:?}\nprograms = {programs:?}\n"
        ))
    }

    /// Adds a file: a table of that name with size and hash.
    pub fn file(&mut self, table: &str, name: &str, bytes: &[u8]) {
        let (size, hash) = (bytes.len(), sha256(bytes));
        let text = format!("\n{table}\nname = {name:?}\nsize = {size}\nsha256 = \"{hash}\"\n");
        self.0.push_str(&text);
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// SHA-256 in lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_standards_own_example() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(
            sha256(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn the_manifest_is_toml() {
        let mut manifest = Manifest::new("x86_64", &["rustc \"1\"".into(), "rustc 2".into()]);
        manifest.file("[kernel]", "kernel.elf", b"abc");
        manifest.file("[[program]]", "ls", b"");
        let table: toml::Table = manifest.text().parse().unwrap();
        assert_eq!(table["kernel"]["size"].as_integer(), Some(3));
        assert_eq!(table["program"].as_array().map(Vec::len), Some(1));
    }
}
