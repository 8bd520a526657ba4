//! The kernel command line: tokens `key` or `key=value`, split at spaces.
//!
//! A value may stand in double quotes, where spaces count and `\"` and `\\` are the two escapes.
//! Whoever started the machine wrote the line, so nothing is refused: unknown keys are skipped and
//! a value that makes no sense leaves the default. Keys are listed in [`abi::boot::key`].

use abi::boot::key;
use alloc::string::String;
use alloc::vec::Vec;

/// Where the root file system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// The first virtio disk.
    Vda,
    /// An empty file system in memory, filled from the kernel's own image.
    Ram,
}

/// A virtio-mmio device that the loader announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VirtioMmio {
    /// Physical address of the registers.
    pub base: u64,
    /// Bytes of registers.
    pub size: u64,
    /// Interrupt line.
    pub irq: u32,
}

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Run this shell line, then switch off.
    pub run: Option<String>,
    /// Log messages up to this severity; `None` leaves the choice to the kernel.
    pub loglevel: Option<u8>,
    /// Where the root file system is.
    pub root: Root,
    /// The scheduling policy.
    pub policy: String,
    /// The first program.
    pub init: String,
    /// Announced devices in order.
    pub virtio: Vec<VirtioMmio>,
}

impl Options {
    /// Reads a command line.
    pub fn parse(line: &str) -> Options {
        let mut options = Options {
            run: None,
            loglevel: None,
            root: Root::Vda,
            policy: "rr".into(),
            init: "/bin/init".into(),
            virtio: Vec::new(),
        };
        for (name, value) in tokens(line) {
            match (name, value) {
                (key::QUIET, None) => options.loglevel = Some(0),
                (key::RUN, Some(value)) => options.run = Some(value),
                (key::LOGLEVEL, Some(value)) => {
                    options.loglevel = value.parse().ok().or(options.loglevel);
                }
                (key::ROOT, Some(value)) => match value.as_str() {
                    "ram" => options.root = Root::Ram,
                    "vda" | "/dev/vda" => options.root = Root::Vda,
                    _ => {}
                },
                (key::POLICY, Some(value)) => options.policy = value,
                (key::INIT, Some(value)) => options.init = value,
                (key::VIRTIO_MMIO, Some(value)) => options.virtio.extend(virtio_mmio(&value)),
                _ => {}
            }
        }
        options
    }
}

/// The tokens of a command line: keys with their unquoted values.
pub fn tokens(line: &str) -> impl Iterator<Item = (&str, Option<String>)> {
    let mut rest = line;
    core::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\0']);
        if rest.is_empty() {
            return None;
        }
        let end = rest
            .find([' ', '\t', '\n', '\0', '='])
            .unwrap_or(rest.len());
        let name = &rest[..end];
        rest = &rest[end..];
        let value = rest.strip_prefix('=').map(|text| {
            let (value, after) = take_value(text);
            rest = after;
            value
        });
        Some((name, value))
    })
}

/// Reads a value, up to a space outside quotes; gives what follows it too.
fn take_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut quoted = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' if quoted => match chars.next() {
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            ' ' | '\t' | '\n' | '\0' if !quoted => return (value, &text[at..]),
            _ => value.push(c),
        }
    }
    (value, "")
}

/// Writes `value` so that [`tokens`] reads it back, quotes included.
pub fn quote(value: &str) -> String {
    let mut quoted = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// `SIZE@ADDRESS:IRQ`, with K or M after the size (Linux, drivers/virtio/virtio_mmio.c).
fn virtio_mmio(value: &str) -> Option<VirtioMmio> {
    let (size, place) = value.split_once('@')?;
    let mut place = place.split(':');
    let (size, unit) = match size.as_bytes().last()? {
        b'K' | b'k' => (&size[..size.len() - 1], 1 << 10),
        b'M' | b'm' => (&size[..size.len() - 1], 1 << 20),
        _ => (size, 1),
    };
    Some(VirtioMmio {
        size: number(size)?.checked_mul(unit)?,
        base: number(place.next()?)?,
        irq: number(place.next()?)?.try_into().ok()?,
    })
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_keep_their_spaces_and_escapes() {
        let line = r#"  quiet run="echo \"a b\" \\ $x" x= policy=rr "#;
        let found: Vec<_> = tokens(line).collect();
        let expected = [
            ("quiet", None),
            ("run", Some(r#"echo "a b" \ $x"#.into())),
            ("x", Some("".into())),
            ("policy", Some("rr".into())),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn any_shell_line_survives_quoting() {
        for line in [
            "",
            "ls / | wc -l",
            r#"echo "x\"y" '\\'"#,
            "two\nlines",
            "ünï → 語",
        ] {
            let command = alloc::format!("a run={} b", quote(line));
            assert_eq!(Options::parse(&command).run.as_deref(), Some(line));
        }
    }

    #[test]
    fn devices_are_given_in_linux_form() {
        let options = Options::parse(
            "virtio_mmio.device=512@0xfeb00e00:12 virtio_mmio.device=4K@0xfeb02000:13:7 \
             virtio_mmio.device=nonsense virtio_mmio.device=@: virtio_mmio.device=K@0:0",
        );
        let expected = [
            VirtioMmio {
                base: 0xfeb0_0e00,
                size: 512,
                irq: 12,
            },
            VirtioMmio {
                base: 0xfeb0_2000,
                size: 4096,
                irq: 13,
            },
        ];
        assert_eq!(options.virtio, expected);
    }

    #[test]
    fn nonsense_leaves_the_defaults() {
        let options = Options::parse("loglevel=many root=floppy unknown=1 \"=\\ =x run");
        assert_eq!(options, Options::parse(""));
    }

    #[test]
    fn every_option_is_understood() {
        let options = Options::parse("loglevel=7 root=ram policy=x init=/bin/sh quiet");
        assert_eq!(options.loglevel, Some(0));
        assert_eq!(options.root, Root::Ram);
        assert_eq!(
            (options.policy.as_str(), options.init.as_str()),
            ("x", "/bin/sh")
        );
    }
}
