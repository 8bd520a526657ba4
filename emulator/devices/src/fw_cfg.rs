//! The firmware configuration device of QEMU (its docs/specs/fw_cfg.rst): items of bytes by a 16-bit key.
//!
//! Key types: [`FwCfg`], and [`key`] with the keys that have numbers; other items are files, listed by name under
//! one of those keys. A guest selects a key, then reads the item byte by byte, or has it copied by the DMA
//! interface. Items are the board's to give and never change; nothing can be written.

use base::{Codec, CodecError, Device, Io, Phys, State, Width};
use std::collections::BTreeMap;

/// Keys with a fixed number.
pub mod key {
    /// "QEMU".
    pub const SIGNATURE: u16 = 0x00;
    /// Which interfaces there are.
    pub const ID: u16 = 0x01;
    /// Bytes of memory, 64 bits.
    pub const RAM_SIZE: u16 = 0x03;
    /// Number of CPUs, 16 bits.
    pub const NB_CPUS: u16 = 0x05;
    /// Where the kernel is to be loaded, its size, its bytes; 32 bits each but for the last.
    pub const KERNEL_ADDR: u16 = 0x07;
    /// See [`KERNEL_ADDR`].
    pub const KERNEL_SIZE: u16 = 0x08;
    /// Where the initial RAM disk is to be loaded, its size, its bytes.
    pub const INITRD_ADDR: u16 = 0x0a;
    /// See [`INITRD_ADDR`].
    pub const INITRD_SIZE: u16 = 0x0b;
    /// The most CPUs there may be, 16 bits.
    pub const MAX_CPUS: u16 = 0x0f;
    /// The kernel's entry, 32 bits.
    pub const KERNEL_ENTRY: u16 = 0x10;
    /// See [`KERNEL_ADDR`].
    pub const KERNEL_DATA: u16 = 0x11;
    /// See [`INITRD_ADDR`].
    pub const INITRD_DATA: u16 = 0x12;
    /// Bytes of the kernel's command line with its zero, 32 bits, and the line.
    pub const CMDLINE_SIZE: u16 = 0x14;
    /// See [`CMDLINE_SIZE`].
    pub const CMDLINE_DATA: u16 = 0x15;
    /// The list of files.
    pub const FILE_DIR: u16 = 0x19;
    /// The first file's key.
    pub const FILE_FIRST: u16 = 0x20;
}

/// Bytes of a file's name in the directory, with its zero.
const NAME_LEN: usize = 56;

/// ID: the traditional interface and DMA.
const INTERFACES: u32 = 0b11;

/// What the DMA address register reads as: "QEMU CFG".
const DMA_SIGNATURE: u64 = 0x5145_4d55_2043_4647;

/// The DMA control word, big-endian.
mod control {
    pub const ERROR: u32 = 1 << 0;
    pub const READ: u32 = 1 << 1;
    pub const SKIP: u32 = 1 << 2;
    pub const SELECT: u32 = 1 << 3;
    pub const WRITE: u32 = 1 << 4;
}

/// The registers, at the ports that a PC has them at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Register {
    Selector,
    Data,
    DmaHigh,
    DmaLow,
}

impl Register {
    const fn decode(offset: u64) -> Option<Self> {
        match offset {
            0 => Some(Self::Selector),
            1 => Some(Self::Data),
            4 => Some(Self::DmaHigh),
            8 => Some(Self::DmaLow),
            _ => None,
        }
    }
}

/// The device.
#[derive(Clone, Debug)]
pub struct FwCfg {
    items: BTreeMap<u16, Vec<u8>>,
    files: Vec<String>,
    selected: u16,
    position: u64,
    dma_high: u32,
}

impl Default for FwCfg {
    fn default() -> Self {
        Self::new()
    }
}

impl FwCfg {
    /// A device that has only the items which describe itself.
    pub fn new() -> Self {
        let mut device = Self {
            items: BTreeMap::new(),
            files: Vec::new(),
            selected: 0,
            position: 0,
            dma_high: 0,
        };
        device.add(key::SIGNATURE, b"QEMU".to_vec());
        device.add(key::ID, INTERFACES.to_le_bytes().to_vec());
        device.add(key::FILE_DIR, 0u32.to_be_bytes().to_vec());
        device
    }

    /// Adds, or replaces, the item of `key`. Numbers in items are little-endian.
    pub fn add(&mut self, key: u16, item: Vec<u8>) {
        self.items.insert(key, item);
    }

    /// Adds a file. Names are at most 55 bytes long, and longer ones are cut.
    pub fn add_file(&mut self, name: &str, content: Vec<u8>) {
        let key = key::FILE_FIRST + self.files.len() as u16;
        self.files.push(name.to_owned());
        self.add(key, content);
        let directory = self.directory();
        self.add(key::FILE_DIR, directory);
    }

    /// `{ count u32, { size u32, key u16, reserved u16, name [56] }... }`, all big-endian.
    fn directory(&self) -> Vec<u8> {
        let mut directory = (self.files.len() as u32).to_be_bytes().to_vec();
        for (key, name) in (key::FILE_FIRST..).zip(&self.files) {
            let size = self.items.get(&key).map_or(0, Vec::len) as u32;
            directory.extend(size.to_be_bytes());
            directory.extend(key.to_be_bytes());
            directory.extend([0; 2]);
            let mut padded = [0; NAME_LEN];
            let cut = name.len().min(NAME_LEN - 1);
            padded[..cut].copy_from_slice(&name.as_bytes()[..cut]);
            directory.extend(padded);
        }
        directory
    }

    fn select(&mut self, key: u16) {
        self.selected = key;
        self.position = 0;
    }

    /// The part of the selected item from the present position on.
    fn rest(&self) -> &[u8] {
        let item = self
            .items
            .get(&self.selected)
            .map_or(&[][..], Vec::as_slice);
        usize::try_from(self.position)
            .ok()
            .and_then(|at| item.get(at..))
            .unwrap_or(&[])
    }

    /// Carries out the command `{ control u32, length u32, address u64 }` at `at`, and answers in its control word.
    fn dma(&mut self, at: u64, io: &mut Io<'_>) {
        let Some(command) = io.ram.slice(Phys(at), 16) else {
            return;
        };
        let word = |at: usize| {
            command[at..at + 4]
                .iter()
                .fold(0, |sum, b| sum << 8 | u32::from(*b))
        };
        let (control, len) = (word(0), u64::from(word(4)));
        let address = u64::from(word(8)) << 32 | u64::from(word(12));
        if control & control::SELECT != 0 {
            self.select((control >> 16) as u16);
        }
        let mut answer = 0;
        if control & control::READ != 0 {
            if self.copy(address, len, io).is_none() {
                answer = control::ERROR;
            }
        } else if control & control::WRITE != 0 {
            answer = control::ERROR;
        }
        if control & (control::READ | control::WRITE | control::SKIP) != 0 {
            self.position = self.position.saturating_add(len);
        }
        io.ram
            .write(Phys(at), Width::B4, u64::from(u32::to_be(answer)));
    }

    /// Copies `len` bytes to `address`; behind the item's end there are zeros.
    fn copy(&self, address: u64, len: u64, io: &mut Io<'_>) -> Option<()> {
        let rest = self.rest();
        let inside = rest.len().min(len as usize);
        io.ram.fill(Phys(address), len, 0)?;
        io.ram.write_bytes(Phys(address), &rest[..inside])
    }
}

impl Device for FwCfg {
    fn name(&self) -> &'static str {
        "fw_cfg"
    }

    fn register(&self, offset: u64) -> &'static str {
        match Register::decode(offset) {
            Some(Register::Selector) => "SELECTOR",
            Some(Register::Data) => "DATA",
            Some(Register::DmaHigh) => "DMA_HIGH",
            Some(Register::DmaLow) => "DMA_LOW",
            None => "reserved",
        }
    }

    /// Data is one byte a read; behind the item's end it is zero.
    fn read(&mut self, offset: u64, width: Width, _io: &mut Io<'_>) -> u64 {
        let value = match Register::decode(offset) {
            Some(Register::Data) => {
                let byte = self.rest().first().copied().unwrap_or(0);
                self.position = self.position.saturating_add(1);
                u64::from(byte)
            }
            // The halves are big-endian, as everything of the DMA interface is.
            Some(Register::DmaHigh) => u64::from(((DMA_SIGNATURE >> 32) as u32).swap_bytes()),
            Some(Register::DmaLow) => u64::from((DMA_SIGNATURE as u32).swap_bytes()),
            Some(Register::Selector) | None => 0,
        };
        value & width.mask()
    }

    /// Writing the low half of the DMA address starts the transfer.
    fn write(&mut self, offset: u64, _width: Width, value: u64, io: &mut Io<'_>) {
        match Register::decode(offset) {
            Some(Register::Selector) => self.select(value as u16),
            Some(Register::DmaHigh) => self.dma_high = (value as u32).swap_bytes(),
            Some(Register::DmaLow) => {
                let low = (value as u32).swap_bytes();
                let high = std::mem::take(&mut self.dma_high);
                self.dma(u64::from(high) << 32 | u64::from(low), io);
            }
            Some(Register::Data) | None => {}
        }
    }
}

impl State for FwCfg {
    /// The items are configuration.
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("fw_cfg", 1)?;
        codec.u16(&mut self.selected)?;
        codec.u64(&mut self.position)?;
        codec.u32(&mut self.dma_high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Bench, round_trip};

    fn item(bench: &mut Bench, device: &mut FwCfg, key: u16, len: usize) -> Vec<u8> {
        device.write(0, Width::B2, key.into(), &mut bench.io());
        (0..len).map(|_| bench.read8(device, 1)).collect()
    }

    /// Runs a DMA command at 0x1000 and gives its answer.
    fn dma(bench: &mut Bench, device: &mut FwCfg, control: u32, len: u32, address: u64) -> u32 {
        let words = [
            &control.to_be_bytes()[..],
            &len.to_be_bytes(),
            &address.to_be_bytes(),
        ];
        bench.ram.write_bytes(Phys(0x1000), &words.concat());
        bench.write32(device, 4, 0);
        bench.write32(device, 8, 0x1000u32.swap_bytes());
        let answer = bench.ram.read(Phys(0x1000), Width::B4).unwrap();
        (answer as u32).swap_bytes()
    }

    #[test]
    fn a_selected_item_is_read_byte_by_byte_and_then_zeros() {
        let (mut bench, mut device) = (Bench::new(), FwCfg::new());
        assert_eq!(
            item(&mut bench, &mut device, key::SIGNATURE, 6),
            b"QEMU\0\0"
        );
        device.add(key::NB_CPUS, 4u16.to_le_bytes().to_vec());
        assert_eq!(item(&mut bench, &mut device, key::NB_CPUS, 2), [4, 0]);
        assert_eq!(item(&mut bench, &mut device, 0x7fff, 2), [0, 0]);
    }

    #[test]
    fn files_are_in_the_directory() {
        let (mut bench, mut device) = (Bench::new(), FwCfg::new());
        device.add_file("etc/acpi/rsdp", vec![7; 36]);
        let directory = item(&mut bench, &mut device, key::FILE_DIR, 4 + 64);
        assert_eq!(directory[..12], [0, 0, 0, 1, 0, 0, 0, 36, 0, 0x20, 0, 0]);
        assert!(directory[12..].starts_with(b"etc/acpi/rsdp\0"));
        assert_eq!(item(&mut bench, &mut device, key::FILE_FIRST, 1), [7]);
    }

    #[test]
    fn dma_selects_skips_and_copies() {
        let (mut bench, mut device) = (Bench::new(), FwCfg::new());
        assert_eq!(bench.read32(&mut device, 4).to_le_bytes(), *b"QEMU");
        device.add(key::CMDLINE_DATA, b"root=vda quiet".to_vec());
        let select = u32::from(key::CMDLINE_DATA) << 16 | control::SELECT;
        assert_eq!(
            dma(&mut bench, &mut device, select | control::SKIP, 5, 0),
            0
        );
        bench.ram.fill(Phys(0x2000), 16, 0xff);
        assert_eq!(dma(&mut bench, &mut device, control::READ, 12, 0x2000), 0);
        assert_eq!(
            bench.ram.slice(Phys(0x2000), 13).unwrap(),
            b"vda quiet\0\0\0\xff"
        );
    }

    #[test]
    fn dma_outside_memory_and_writes_are_errors() {
        let (mut bench, mut device) = (Bench::new(), FwCfg::new());
        for (control, address) in [
            (control::READ, 0xf_ffff),
            (control::READ, u64::MAX),
            (control::WRITE, 0x2000),
        ] {
            assert_eq!(
                dma(&mut bench, &mut device, control, 16, address),
                control::ERROR
            );
        }
        bench.write32(&mut device, 8, u32::MAX);
    }

    #[test]
    fn the_state_comes_back() {
        let (mut bench, mut device) = (Bench::new(), FwCfg::new());
        item(&mut bench, &mut device, key::ID, 2);
        round_trip(&mut device, &mut FwCfg::new());
    }
}
