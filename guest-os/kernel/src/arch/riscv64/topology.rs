//! Which harts and interrupt controllers the machine has: from the device tree.

use kcore::fdt::Node;

use crate::arch::boot::{BootInfo, boot_hart, tree};
use crate::mm::address::PhysAddr;
use crate::sched::MAX_CPUS;

/// Number that a hart's own interrupt controller has for external interrupts to S-mode.
const SUPERVISOR_EXTERNAL: u32 = 9;

/// The harts and the PLIC.
pub struct Topology {
    harts: [usize; MAX_CPUS],
    count: usize,
    plic: Option<Plic>,
}

/// The PLIC, as far as the boot CPU uses it.
#[derive(Clone, Copy)]
pub struct Plic {
    /// Physical address of the registers.
    pub base: PhysAddr,
    /// Interrupt sources, from 1 on.
    pub sources: usize,
    /// The context of the boot CPU in S-mode.
    pub context: usize,
}

impl Topology {
    /// Numbers of the harts that can be started, the boot CPU's among them.
    pub fn harts(&self) -> &[usize] {
        &self.harts[..self.count]
    }

    /// The PLIC.
    pub fn plic(&self) -> Option<Plic> {
        self.plic
    }
}

/// Looks at the device tree.
pub fn discover(_boot: &BootInfo) -> Topology {
    let mut found = Topology {
        harts: [0; MAX_CPUS],
        count: 0,
        plic: None,
    };
    for (slot, (hart, _)) in found.harts.iter_mut().zip(harts()) {
        *slot = hart;
        found.count += 1;
    }
    found.plic = find_plic();
    found
}

/// The harts that work: the number of each, and the handle of its own interrupt controller.
fn harts() -> impl Iterator<Item = (usize, u32)> {
    // A hart's controller is the node that follows its own.
    let mut hart = None;
    tree().nodes().filter_map(move |node| {
        if node.text("device_type") == Some("cpu") {
            let works = node.text("status").is_none_or(|status| status == "okay");
            hart = node.reg().next().map(|(number, _)| number as usize);
            hart = hart.filter(|_| works);
        }
        let handle = node
            .is_compatible("riscv,cpu-intc")
            .then(|| node.cell("phandle"))??;
        Some((hart.take()?, handle))
    })
}

fn find_plic() -> Option<Plic> {
    let node = ["sifive,plic-1.0.0", "riscv,plic0"]
        .into_iter()
        .find_map(|name| tree().compatible(name).next())?;
    let (base, _) = node.reg().next()?;
    Some(Plic {
        base: PhysAddr::new(base),
        sources: node.cell("riscv,ndev")? as usize,
        context: context_of(&node, boot_hart())?,
    })
}

/// Contexts are counted in the order in which the PLIC's node lists what it interrupts: pairs of a hart's controller and a
/// number there.
fn context_of(plic: &Node, hart: usize) -> Option<usize> {
    let (_, handle) = harts().find(|(number, _)| *number == hart)?;
    let mut cells = plic.cells("interrupts-extended");
    let mut pairs = core::iter::from_fn(|| Some([cells.next()?, cells.next()?]));
    pairs.position(|pair| pair == [handle, SUPERVISOR_EXTERNAL])
}
