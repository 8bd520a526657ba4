//! Device trees: what the loader of a board says it consists of (Devicetree specification 0.4, 5).
//!
//! ```text
//! blob       header | memory reservations | structure | strings
//! structure  BEGIN_NODE name\0 pad  (PROP length name-offset value pad)*  children …  END_NODE   …   END
//! ```
//!
//! Everything is big-endian, and looked at where it lies: nothing is copied, no heap is needed. A blob that is cut short or
//! makes no sense ends an iteration early; nothing in it is trusted. Key types: [`Fdt`], [`Node`].

/// Bytes of a header, from which [`total_size`] is read.
pub const HEADER_SIZE: usize = 40;

const MAGIC: u32 = 0xd00d_feed;
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const NOP: u32 = 4;

/// Nodes within nodes that are followed; deeper ones are passed over.
const MAX_DEPTH: usize = 16;

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(word.try_into().ok()?))
}

/// Bytes of the whole blob, by its header; `None` if it is not one's.
pub fn total_size(header: &[u8]) -> Option<usize> {
    (be32(header, 0)? == MAGIC)
        .then(|| be32(header, 4))?
        .map(|size| size as usize)
}

/// A device tree.
#[derive(Clone, Copy, Debug)]
pub struct Fdt<'a> {
    structure: &'a [u8],
    strings: &'a [u8],
}

/// A part of the structure.
enum Token<'a> {
    Begin {
        name: &'a str,
    },
    /// `name` is where among the strings it begins: most properties are passed over, so nobody reads theirs.
    Prop {
        name: usize,
        value: &'a [u8],
    },
    End,
    Nop,
}

impl<'a> Fdt<'a> {
    /// The tree in `blob`; `None` if there is none.
    pub fn new(blob: &'a [u8]) -> Option<Self> {
        let size = total_size(blob)?;
        let blob = blob.get(..size)?;
        let part = |offset: usize, len: usize| {
            let (start, len) = (be32(blob, offset)? as usize, be32(blob, len)? as usize);
            blob.get(start..start.checked_add(len)?)
        };
        Some(Fdt {
            structure: part(8, 36)?,
            strings: part(12, 32)?,
        })
    }

    /// The token at `at`, and where the next one is.
    fn token(&self, at: usize) -> Option<(Token<'a>, usize)> {
        let body = at + 4;
        let (token, end) = match be32(self.structure, at)? {
            BEGIN_NODE => {
                let name = text(self.structure.get(body..)?)?;
                (Token::Begin { name }, body + name.len() + 1)
            }
            PROP => {
                let len = be32(self.structure, body)? as usize;
                let name = be32(self.structure, body + 4)? as usize;
                let start = body + 8;
                let value = self.structure.get(start..start.checked_add(len)?)?;
                (Token::Prop { name, value }, start + len)
            }
            END_NODE => (Token::End, body),
            NOP => (Token::Nop, body),
            _ => return None,
        };
        Some((token, end.next_multiple_of(4)))
    }

    /// Whether the string at `at` is `name`.
    fn is_string(&self, at: usize, name: &str) -> bool {
        let rest = self.strings.get(at..).unwrap_or(&[]);
        rest.strip_prefix(name.as_bytes())
            .is_some_and(|rest| rest.first() == Some(&0))
    }

    /// Every node, the root first, each before its children.
    pub fn nodes(&self) -> Nodes<'a> {
        Nodes {
            tree: *self,
            at: 0,
            depth: 0,
            cells: [Cells::default(); MAX_DEPTH],
        }
    }

    /// The node with this path, such as `/chosen`; names may be given without their unit address.
    pub fn node(&self, path: &str) -> Option<Node<'a>> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let mut wanted = parts.next();
        let mut depth = 1;
        self.nodes().find(|node| match wanted {
            None => node.depth == 0,
            Some(name) if node.depth == depth && node.is_called(name) => {
                wanted = parts.next();
                depth += 1;
                wanted.is_none()
            }
            Some(_) => false,
        })
    }

    /// The nodes of devices that are, or behave like, `name`.
    pub fn compatible<'n>(&self, name: &'n str) -> impl Iterator<Item = Node<'a>> + use<'a, 'n> {
        self.nodes().filter(move |node| node.is_compatible(name))
    }
}

/// The text up to a NUL.
fn text(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    core::str::from_utf8(&bytes[..end]).ok()
}

/// Most words of an address or a size.
const MAX_CELLS: u32 = 4;

/// How many words of 32 bits an address and a size have in the `reg` of a node's children.
#[derive(Clone, Copy, Debug)]
struct Cells {
    address: usize,
    size: usize,
}

impl Default for Cells {
    fn default() -> Self {
        Cells {
            address: 2,
            size: 1,
        }
    }
}

/// All nodes of a tree.
pub struct Nodes<'a> {
    tree: Fdt<'a>,
    at: usize,
    /// Nodes that have begun and not ended.
    depth: usize,
    /// What holds in each of them, for its children.
    cells: [Cells; MAX_DEPTH],
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        loop {
            let (token, next) = self.tree.token(self.at)?;
            self.at = next;
            match token {
                Token::Begin { name } => {
                    let depth = self.depth;
                    self.depth += 1;
                    let Some(place) = self.cells.get(depth) else {
                        continue;
                    };
                    let mut node = Node {
                        tree: self.tree,
                        name,
                        body: next,
                        depth,
                        cells: *place,
                    };
                    if depth > 0 {
                        node.cells = self.cells[depth - 1];
                    }
                    let count = |name, default| {
                        node.cell(name)
                            .map_or(default, |n| n.min(MAX_CELLS) as usize)
                    };
                    let default = Cells::default();
                    self.cells[depth] = Cells {
                        address: count("#address-cells", default.address),
                        size: count("#size-cells", default.size),
                    };
                    return Some(node);
                }
                Token::End => self.depth = self.depth.checked_sub(1)?,
                Token::Prop { .. } | Token::Nop => {}
            }
        }
    }
}

/// A node.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    tree: Fdt<'a>,
    name: &'a str,
    /// Where its properties begin.
    body: usize,
    depth: usize,
    /// What its parent says of `reg`.
    cells: Cells,
}

impl<'a> Node<'a> {
    /// Its name, with the unit address.
    pub fn name(&self) -> &'a str {
        self.name
    }

    fn is_called(&self, name: &str) -> bool {
        let own = self.name.split('@').next();
        self.name == name || own == Some(name)
    }

    /// The bytes of a property; `None` if the node does not have it.
    pub fn property(&self, name: &str) -> Option<&'a [u8]> {
        let mut at = self.body;
        loop {
            let (token, next) = self.tree.token(at)?;
            match token {
                Token::Prop { name: at, value } if self.tree.is_string(at, name) => {
                    return Some(value);
                }
                Token::Prop { .. } | Token::Nop => at = next,
                Token::Begin { .. } | Token::End => return None,
            }
        }
    }

    /// A property that is text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        text(self.property(name)?)
    }

    /// Whether `name` is among the devices this one is compatible with.
    pub fn is_compatible(&self, name: &str) -> bool {
        let all = self.property("compatible").unwrap_or(&[]);
        all.split(|byte| *byte == 0)
            .any(|one| one == name.as_bytes())
    }

    /// A property's words of 32 bits.
    pub fn cells(&self, name: &str) -> impl Iterator<Item = u32> + use<'a> {
        let (words, _) = self.property(name).unwrap_or(&[]).as_chunks::<4>();
        words.iter().map(|word| u32::from_be_bytes(*word))
    }

    /// A property's first word.
    pub fn cell(&self, name: &str) -> Option<u32> {
        self.cells(name).next()
    }

    /// A property that is one number, of 32 or 64 bits.
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.property(name)?.len() {
            4 => self.cell(name).map(u64::from),
            8 => join(&mut self.cells(name), 2),
            _ => None,
        }
    }

    /// The ranges of addresses in `reg`: start and length.
    pub fn reg(&self) -> impl Iterator<Item = (u64, u64)> + use<'a> {
        let mut words = self.cells("reg");
        let cells = self.cells;
        let has_any = cells.address + cells.size > 0;
        core::iter::from_fn(move || {
            if !has_any {
                return None;
            }
            let address = join(&mut words, cells.address)?;
            Some((address, join(&mut words, cells.size)?))
        })
    }
}

/// A number of `count` words, of which the last two count; 0 without any.
fn join(words: &mut impl Iterator<Item = u32>, count: usize) -> Option<u64> {
    let mut value = 0u64;
    for _ in 0..count {
        value = value << 32 | u64::from(words.next()?);
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    /// A tree as a loader would write it.
    #[derive(Default)]
    struct Builder {
        structure: Vec<u8>,
        strings: Vec<u8>,
    }

    impl Builder {
        fn word(&mut self, word: u32) {
            self.structure.extend(word.to_be_bytes());
        }

        fn pad(&mut self) {
            self.structure
                .resize(self.structure.len().next_multiple_of(4), 0);
        }

        fn begin(&mut self, name: &str) {
            self.word(BEGIN_NODE);
            self.structure.extend(name.as_bytes());
            self.structure.push(0);
            self.pad();
        }

        fn end(&mut self) {
            self.word(END_NODE);
        }

        fn prop(&mut self, name: &str, value: &[u8]) {
            self.word(PROP);
            self.word(value.len() as u32);
            self.word(self.strings.len() as u32);
            self.strings.extend(name.as_bytes());
            self.strings.push(0);
            self.structure.extend(value);
            self.pad();
        }

        fn cells(&mut self, name: &str, cells: &[u32]) {
            let bytes: Vec<u8> = cells.iter().flat_map(|cell| cell.to_be_bytes()).collect();
            self.prop(name, &bytes);
        }

        fn blob(mut self) -> Vec<u8> {
            self.word(9);
            let structure = HEADER_SIZE as u32;
            let strings = structure + self.structure.len() as u32;
            let total = strings + self.strings.len() as u32;
            let header = [
                MAGIC,
                total,
                structure,
                strings,
                0,
                17,
                16,
                0,
                self.strings.len() as u32,
                self.structure.len() as u32,
            ];
            let mut blob: Vec<u8> = header.iter().flat_map(|word| word.to_be_bytes()).collect();
            blob.extend(self.structure);
            blob.extend(self.strings);
            blob
        }
    }

    fn board() -> Vec<u8> {
        let mut b = Builder::default();
        b.begin("");
        b.cells("#address-cells", &[2]);
        b.cells("#size-cells", &[2]);
        b.begin("chosen");
        b.prop("bootargs", b"quiet run=\"ls\"\0");
        b.cells("linux,initrd-start", &[1, 2]);
        b.end();
        b.begin("cpus");
        b.cells("#address-cells", &[1]);
        b.cells("#size-cells", &[0]);
        b.cells("timebase-frequency", &[10_000_000]);
        b.begin("cpu@3");
        b.prop("device_type", b"cpu\0");
        b.cells("reg", &[3]);
        b.word(NOP);
        b.begin("interrupt-controller");
        b.prop("compatible", b"riscv,cpu-intc\0");
        b.end();
        b.end();
        b.end();
        b.begin("memory@80000000");
        b.prop("device_type", b"memory\0");
        b.cells("reg", &[0, 0x8000_0000, 1, 0, 2, 0, 0, 4096]);
        b.end();
        b.begin("serial@10000000");
        b.prop("compatible", b"vendor,special\0ns16550a\0");
        b.end();
        b.end();
        b.blob()
    }

    #[test]
    fn nodes_are_found_by_path_and_by_what_they_are() {
        let blob = board();
        let tree = Fdt::new(&blob).unwrap();
        let chosen = tree.node("/chosen").unwrap();
        assert_eq!(chosen.text("bootargs"), Some("quiet run=\"ls\""));
        assert_eq!(chosen.number("linux,initrd-start"), Some(0x1_0000_0002));
        assert_eq!(chosen.property("stdout-path"), None);
        let hart = tree.node("/cpus/cpu").unwrap();
        assert_eq!(hart.reg().collect::<Vec<_>>(), [(3, 0)]);
        assert!(tree.node("/cpu").is_none() && tree.node("/cpus/cpu@4").is_none());
        let serial = tree.compatible("ns16550a").next().unwrap();
        assert_eq!(serial.name(), "serial@10000000");
        assert!(tree.compatible("ns1655").next().is_none());
        assert_eq!(tree.node("/").unwrap().name(), "");
    }

    #[test]
    fn ranges_have_the_widths_that_the_parent_says() {
        let blob = board();
        let tree = Fdt::new(&blob).unwrap();
        let memory = tree.node("/memory").unwrap();
        let ranges: Vec<_> = memory.reg().collect();
        assert_eq!(ranges, [(0x8000_0000, 1 << 32), (2 << 32, 4096)]);
    }

    #[test]
    fn a_damaged_tree_is_cut_and_nothing_else() {
        let blob = board();
        let all = Fdt::new(&blob).unwrap().nodes().count();
        assert_eq!(all, 7);
        for at in 0..blob.len() {
            for value in [0, 0xff, blob[at] ^ 4] {
                let mut bad = blob.clone();
                bad[at] = value;
                let Some(tree) = Fdt::new(&bad) else { continue };
                for node in tree.nodes() {
                    let _ = node.name().to_string();
                    let _ = (node.reg().count(), node.cell("reg"), node.number("reg"));
                }
            }
            assert!(Fdt::new(&blob[..at]).is_none());
        }
        assert!(Fdt::new(&[0; 100]).is_none());
    }
}
