//! The device tree: what the board consists of, for whoever boots on it (Devicetree specification 0.4; the nodes and
//! their names are those of QEMU's `virt` machine).

use super::chips::{
    CLINT, FINISHER, PLIC, RAM, RTC, TRANSPORTS, UART, VIRTIO, VIRTIO_STRIDE, source,
};
use cpu::riscv64::system::CBO_BLOCK;
use devices::{clint, plic};
use vm_fdt::{Error, FdtWriter};

/// The extensions, as the tree and misa name them.
pub const ISA: &str = "rv64imafdc_zicboz_zicntr_zicond_zicsr_zifencei_zihpm_zba_zbb_zbs_sstc_svadu";

/// What the tree says beside the board's fixed parts.
pub struct Facts<'a> {
    /// Number of harts.
    pub harts: usize,
    /// Bytes of RAM.
    pub memory: u64,
    /// The kernel's command line.
    pub command_line: &'a str,
    /// Where the initial RAM disk lies.
    pub initrd: Option<(u64, u64)>,
    /// 48 bytes of seed for the kernel's random numbers.
    pub seed: &'a [u8],
}

/// The tree as a blob.
pub fn build(facts: &Facts<'_>) -> Result<Vec<u8>, Error> {
    const PLIC_HANDLE: u32 = 0x100;
    const FINISHER_HANDLE: u32 = 0x101;
    let cpu_handle = |n: usize| n as u32 + 1;
    let mut fdt = FdtWriter::new()?;
    let root = fdt.begin_node("")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 2)?;
    fdt.property_string("compatible", "riscv-virtio")?;
    fdt.property_string("model", "riscv-virtio,glassbox")?;

    let chosen = fdt.begin_node("chosen")?;
    fdt.property_string("bootargs", facts.command_line)?;
    fdt.property_string("stdout-path", &format!("/soc/serial@{UART:x}"))?;
    fdt.property("rng-seed", facts.seed)?;
    if let Some((start, end)) = facts.initrd {
        fdt.property_u64("linux,initrd-start", start)?;
        fdt.property_u64("linux,initrd-end", end)?;
    }
    fdt.end_node(chosen)?;

    let memory = fdt.begin_node(&format!("memory@{RAM:x}"))?;
    fdt.property_string("device_type", "memory")?;
    fdt.property_array_u64("reg", &[RAM, facts.memory])?;
    fdt.end_node(memory)?;

    let cpus = fdt.begin_node("cpus")?;
    fdt.property_u32("#address-cells", 1)?;
    fdt.property_u32("#size-cells", 0)?;
    fdt.property_u32("timebase-frequency", 10_000_000)?;
    for n in 0..facts.harts {
        let cpu = fdt.begin_node(&format!("cpu@{n}"))?;
        fdt.property_string("device_type", "cpu")?;
        fdt.property_u32("reg", n as u32)?;
        fdt.property_string("status", "okay")?;
        fdt.property_string("compatible", "riscv")?;
        fdt.property_string("riscv,isa", ISA)?;
        fdt.property_string("riscv,isa-base", "rv64i")?;
        let extensions = ISA.trim_start_matches("rv64").split('_');
        let (letters, names) = {
            let mut parts = extensions;
            (parts.next().unwrap_or_default(), parts)
        };
        let mut list: Vec<String> = letters.chars().map(String::from).collect();
        list.extend(names.map(String::from));
        fdt.property_string_list("riscv,isa-extensions", list)?;
        fdt.property_string("mmu-type", "riscv,sv48")?;
        fdt.property_u32("riscv,cboz-block-size", CBO_BLOCK as u32)?;
        let controller = fdt.begin_node("interrupt-controller")?;
        fdt.property_u32("#interrupt-cells", 1)?;
        fdt.property_null("interrupt-controller")?;
        fdt.property_string("compatible", "riscv,cpu-intc")?;
        fdt.property_phandle(cpu_handle(n))?;
        fdt.end_node(controller)?;
        fdt.end_node(cpu)?;
    }
    fdt.end_node(cpus)?;

    let soc = fdt.begin_node("soc")?;
    fdt.property_u32("#address-cells", 2)?;
    fdt.property_u32("#size-cells", 2)?;
    fdt.property_string("compatible", "simple-bus")?;
    fdt.property_null("ranges")?;

    let node = fdt.begin_node(&format!("test@{FINISHER:x}"))?;
    fdt.property_string_list(
        "compatible",
        ["sifive,test1", "sifive,test0", "syscon"]
            .map(String::from)
            .to_vec(),
    )?;
    fdt.property_array_u64("reg", &[FINISHER, 0x1000])?;
    fdt.property_phandle(FINISHER_HANDLE)?;
    fdt.end_node(node)?;

    let node = fdt.begin_node(&format!("rtc@{RTC:x}"))?;
    fdt.property_string("compatible", "google,goldfish-rtc")?;
    fdt.property_array_u64("reg", &[RTC, 0x1000])?;
    fdt.property_u32("interrupts", source::RTC as u32)?;
    fdt.property_u32("interrupt-parent", PLIC_HANDLE)?;
    fdt.end_node(node)?;

    let of_harts = |lines: [u32; 2]| -> Vec<u32> {
        (0..facts.harts)
            .flat_map(|n| [cpu_handle(n), lines[0], cpu_handle(n), lines[1]])
            .collect()
    };
    let node = fdt.begin_node(&format!("clint@{CLINT:x}"))?;
    fdt.property_string_list(
        "compatible",
        ["sifive,clint0", "riscv,clint0"].map(String::from).to_vec(),
    )?;
    fdt.property_array_u64("reg", &[CLINT, clint::LEN])?;
    fdt.property_array_u32("interrupts-extended", &of_harts([3, 7]))?;
    fdt.end_node(node)?;

    let node = fdt.begin_node(&format!("plic@{PLIC:x}"))?;
    fdt.property_string_list(
        "compatible",
        ["sifive,plic-1.0.0", "riscv,plic0"]
            .map(String::from)
            .to_vec(),
    )?;
    fdt.property_u32("#address-cells", 0)?;
    fdt.property_u32("#interrupt-cells", 1)?;
    fdt.property_null("interrupt-controller")?;
    fdt.property_array_u64("reg", &[PLIC, plic::LEN])?;
    fdt.property_u32("riscv,ndev", plic::SOURCES as u32 - 1)?;
    fdt.property_array_u32("interrupts-extended", &of_harts([11, 9]))?;
    fdt.property_phandle(PLIC_HANDLE)?;
    fdt.end_node(node)?;

    let node = fdt.begin_node(&format!("serial@{UART:x}"))?;
    fdt.property_string("compatible", "ns16550a")?;
    fdt.property_array_u64("reg", &[UART, 0x100])?;
    fdt.property_u32("clock-frequency", 3_686_400)?;
    fdt.property_u32("interrupts", source::UART as u32)?;
    fdt.property_u32("interrupt-parent", PLIC_HANDLE)?;
    fdt.end_node(node)?;

    for n in (0..TRANSPORTS).rev() {
        let base = VIRTIO + n * VIRTIO_STRIDE;
        let node = fdt.begin_node(&format!("virtio_mmio@{base:x}"))?;
        fdt.property_string("compatible", "virtio,mmio")?;
        fdt.property_array_u64("reg", &[base, VIRTIO_STRIDE])?;
        fdt.property_u32("interrupts", source::VIRTIO as u32 + n as u32)?;
        fdt.property_u32("interrupt-parent", PLIC_HANDLE)?;
        fdt.end_node(node)?;
    }
    fdt.end_node(soc)?;

    for (name, value) in [("poweroff", 0x5555), ("reboot", 0x7777)] {
        let node = fdt.begin_node(name)?;
        fdt.property_string("compatible", &format!("syscon-{name}"))?;
        fdt.property_u32("value", value)?;
        fdt.property_u32("offset", 0)?;
        fdt.property_u32("regmap", FINISHER_HANDLE)?;
        fdt.end_node(node)?;
    }
    fdt.end_node(root)?;
    fdt.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cpu::riscv64::csr::MISA;

    #[test]
    fn the_tree_and_misa_name_the_same_extensions() {
        let letters = ISA.trim_start_matches("rv64").split('_').next();
        // S-mode and U-mode are none of the tree's letters.
        let letters = letters.unwrap_or_default().chars().chain(['s', 'u']);
        let bits = letters.fold(0, |bits, letter| {
            bits | 1u64 << (letter as u32 - 'a' as u32)
        });
        assert_eq!(MISA, 2 << 62 | bits);
    }
}
