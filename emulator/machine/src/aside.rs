//! What goes with a board's state and is none of it: what was counted and noted of its CPUs, output that the host has not
//! taken. A machine that goes on from a snapshot has it, too; no hash does.

use crate::board::ConsoleUse;
use crate::peripherals::Output;
use base::event::PROBE_ARGS;
use cpu::hart::{Counters, Hart};
use cpu::mmu::tlb::Counts;

/// What every board has beside its state.
#[derive(Clone, Debug)]
pub struct Aside {
    figures: Vec<Figures>,
    /// Traps in a row without an instruction completed, for each CPU.
    pub(crate) barren: Vec<u32>,
    /// What the guest wrote since the host took it.
    pub(crate) output: Output,
    /// How the guest has used its console.
    pub(crate) console: ConsoleUse,
}

/// What was counted and noted of a CPU.
#[derive(Clone, Debug)]
struct Figures {
    counters: Counters,
    tlb: Counts,
    switched: Option<[u64; PROBE_ARGS]>,
}

impl Aside {
    /// What there is now.
    pub(crate) fn new<H: Hart>(
        harts: &[H],
        barren: &[u32],
        output: &Output,
        console: ConsoleUse,
    ) -> Self {
        let figures = |hart: &H| Figures {
            counters: hart.host().counters.clone(),
            tlb: hart.tlb().counts,
            switched: hart.host().switched,
        };
        Self {
            figures: harts.iter().map(figures).collect(),
            barren: barren.to_vec(),
            output: output.clone(),
            console,
        }
    }

    /// Gives CPUs the figures that were theirs.
    pub(crate) fn give_figures<H: Hart>(&self, harts: &mut [H]) {
        for (hart, figures) in harts.iter_mut().zip(&self.figures) {
            let host = hart.host_mut();
            host.counters.clone_from(&figures.counters);
            host.switched = figures.switched;
            hart.tlb_mut().counts = figures.tlb;
        }
    }
}
