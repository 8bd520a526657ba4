//! Pages that processes share, as the MMU has seen it: user code of one and of another has reached the same frame at the
//! same virtual address; a copy of the page would be another frame. Which frame is reached is the MMU's word; who it is that
//! reaches it is told by probes that the submission cannot have placed.

use crate::trace::model::Model;
use crate::trace::record::{Body, Record};
use crate::trace::tasks::kept;
use base::PAGE_SIZE;
use base::event::Walked;
use std::collections::{BTreeMap, BTreeSet};

/// Most pages of processes that are followed: as many as 4 GiB have.
const MOST: usize = 1 << 20;

/// The pages that processes of one name reach.
#[derive(Clone, Debug)]
pub struct SharedPages {
    comm: Vec<u8>,
    /// By virtual page and process: the frame that it reached last, all by number.
    reached: BTreeMap<(u64, u32), u64>,
    /// Virtual pages with frames that two processes reached while both were alive.
    shared: BTreeSet<(u64, u64)>,
}

impl SharedPages {
    /// For the processes called `process`.
    pub fn new(process: &str) -> Self {
        Self {
            comm: kept(process.as_bytes()).to_vec(),
            reached: BTreeMap::new(),
            shared: BTreeSet::new(),
        }
    }

    /// Takes note of a walk.
    pub fn hear(&mut self, record: &Record, model: &Model) {
        let Body::PageWalk {
            virt,
            user: true,
            end: Walked::Mapped { phys, .. },
            ..
        } = &record.body
        else {
            return;
        };
        let is_meant = |pid| {
            let task = model.task(pid);
            task.is_some_and(|task| task.alive && task.comm == self.comm)
        };
        let (page, frame) = (virt / PAGE_SIZE, phys.0 / PAGE_SIZE);
        if !is_meant(record.pid) || self.reached.len().max(self.shared.len()) >= MOST {
            return;
        }
        let mut others = self.reached.range((page, 0)..=(page, u32::MAX));
        if others.any(|(&(_, pid), &other)| pid != record.pid && other == frame && is_meant(pid)) {
            self.shared.insert((page, frame));
        }
        self.reached.insert((page, record.pid), frame);
    }

    /// How many pages two processes have reached at the same time.
    pub fn count(&self) -> i64 {
        self.shared.len() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::kind::index_of;
    use base::event::{Access, PROBE_ARGS, Path};
    use base::{Phys, Time};

    fn record(pid: u32, body: Body) -> Record {
        let (time, cpu) = (Time(0), 0);
        Record {
            time,
            cpu,
            pid,
            body,
        }
    }

    /// The kernel says `probe` with this number in front.
    fn told(model: &mut Model, probe: &str, args: &[u64], text: &str) {
        let mut all = [0; PROBE_ARGS];
        all[..args.len()].copy_from_slice(args);
        let at = index_of(probe);
        let shapes = abi::probe::PROBES[at].args.iter();
        let text_at = shapes
            .into_iter()
            .position(|(_, kind)| *kind == abi::probe::Kind::Text);
        model.update(&record(
            0,
            Body::Kernel {
                probe: at as u8,
                pc: 0,
                args: all,
                texts: text_at
                    .map(|at| (at as u8, text.into()))
                    .into_iter()
                    .collect(),
            },
        ));
    }

    #[test]
    fn a_page_is_shared_if_two_that_live_reach_one_frame_by_one_address() {
        let mut model = Model::default();
        for pid in [2, 3, 4] {
            told(&mut model, "process_fork", &[1, pid], "");
            told(&mut model, "process_exec", &[pid], "/bin/twins");
        }
        let mut pages = SharedPages::new("twins");
        let walk = |pages: &mut SharedPages, model: &Model, pid, page: u64, frame: u64, user| {
            let end = Walked::Mapped {
                phys: Phys(frame * PAGE_SIZE),
                size: 12,
                replaced: None,
            };
            let body = Body::PageWalk {
                virt: page * PAGE_SIZE + 7,
                access: Access::Read,
                user,
                path: Path::default(),
                end,
            };
            pages.hear(&record(pid, body), model);
            pages.count()
        };
        assert_eq!(walk(&mut pages, &model, 2, 5, 90, true), 0);
        assert_eq!(walk(&mut pages, &model, 3, 5, 91, true), 0, "a copy");
        assert_eq!(walk(&mut pages, &model, 3, 6, 90, true), 0, "elsewhere");
        assert_eq!(walk(&mut pages, &model, 3, 5, 90, false), 0, "the kernel");
        assert_eq!(
            walk(&mut pages, &model, 1, 5, 90, true),
            0,
            "another program"
        );
        assert_eq!(walk(&mut pages, &model, 3, 5, 90, true), 1);
        assert_eq!(walk(&mut pages, &model, 4, 5, 90, true), 1, "the same page");
        // A frame that its process has left, or that a process has left behind, is free to be used again.
        assert_eq!(walk(&mut pages, &model, 2, 8, 70, true), 1);
        assert_eq!(walk(&mut pages, &model, 2, 8, 71, true), 1);
        assert_eq!(walk(&mut pages, &model, 3, 8, 70, true), 1);
        told(&mut model, "process_exit", &[2], "");
        assert_eq!(walk(&mut pages, &model, 3, 8, 71, true), 1);
        assert_eq!(walk(&mut pages, &model, 4, 8, 71, true), 2);
    }
}
