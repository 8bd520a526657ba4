//! The run: from block to block until the budget is spent, a trap is raised, or somebody asks for attention.
//!
//! Blocks chain directly only inside one page and mode. Any other transfer asks the guest where it is
//! ([`Guest::locate`]), which goes through the fetch translation. A block that does not fit into what is left of the
//! budget is lifted again with fewer instructions, so a run ends on the exact instruction.

use crate::cache::{Cache, Id, NONE};
use crate::interpreter::{Exit, interpret};
use base::{PAGE_SIZE, Phys, Ram};
use ir::{Block, Guest, Place};

/// Instructions in a block at most.
pub const BLOCK_LIMIT: usize = 64;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop<T> {
    /// The budget is spent.
    Budget,
    /// The guest asked for attention; it is between two instructions.
    Attention,
    /// An instruction did not complete; the program counter is at it (or behind it, as the trap says).
    Trap(T),
}

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<T> {
    /// Guest instructions retired.
    pub retired: u64,
    /// Why it ended.
    pub stop: Stop<T>,
}

/// The engine: a code cache and the loop that drives it. One serves all CPUs of a machine.
#[derive(Default)]
pub struct Engine {
    cache: Cache,
    /// Copies of what was lifted since it was last asked, while somebody wants to see it.
    lifts: Option<Vec<(Place, Block)>>,
}

impl Engine {
    /// Runs `guest` for at most `budget` instructions.
    pub fn run<G: Guest>(&mut self, guest: &mut G, budget: u64) -> Run<G::Trap> {
        let mut done = 0;
        let mut id = NONE;
        // A block that may not be kept, for the turn in which it was lifted.
        let mut once: Option<Block> = None;
        self.forget_written(guest.ram());
        loop {
            if id == NONE {
                if done >= budget {
                    return Run {
                        retired: done,
                        stop: Stop::Budget,
                    };
                }
                id = match self.enter(guest, done) {
                    Ok(Entered::Kept(id)) => id,
                    Ok(Entered::Once(block)) => {
                        once = Some(block);
                        NONE
                    }
                    Err(trap) => {
                        return Run {
                            retired: done,
                            stop: Stop::Trap(trap),
                        };
                    }
                };
            }
            let left = budget - done;
            let exit = if id == NONE || (self.cache.get(id).block.insns.len() as u64) > left {
                if left == 0 {
                    return Run {
                        retired: done,
                        stop: Stop::Budget,
                    };
                }
                // Not cacheable, or too long for what is left: lifted for this once.
                id = NONE;
                let limit = usize::try_from(left)
                    .unwrap_or(BLOCK_LIMIT)
                    .min(BLOCK_LIMIT);
                let lifted = match once.take().filter(|block| block.insns.len() <= limit) {
                    Some(block) => Ok(block),
                    None => guest
                        .locate(done)
                        .and_then(|place| self.lift(guest, place, limit, done)),
                };
                match lifted {
                    Ok(block) => interpret(&block, guest, done, left).settle(&block, guest),
                    Err(trap) => {
                        return Run {
                            retired: done,
                            stop: Stop::Trap(trap),
                        };
                    }
                }
            } else {
                let block = &self.cache.get(id).block;
                interpret(block, guest, done, left).settle(block, guest)
            };
            let side = match exit {
                Settled::Trap(retired, trap) => {
                    return Run {
                        retired: done + retired,
                        stop: Stop::Trap(trap),
                    };
                }
                Settled::Moved(retired) => {
                    done += retired;
                    None
                }
                Settled::Successor(retired, side) => {
                    done += retired;
                    Some(side)
                }
            };
            if guest.attention() {
                return Run {
                    retired: done,
                    stop: Stop::Attention,
                };
            }
            id = match side {
                Some(side) if id != NONE => self.follow(id, side, guest.pc()),
                _ => NONE,
            };
        }
    }

    /// Forgets lifted code that `ram` says was written, as every run does first.
    pub fn forget_written(&mut self, ram: &mut Ram) {
        if ram.code_written() {
            self.cache.forget_written(ram);
        }
    }

    /// The block at the guest's program counter, lifted if need be.
    fn enter<G: Guest>(&mut self, guest: &mut G, at: u64) -> Result<Entered, G::Trap> {
        let place = guest.locate(at)?;
        if let Some(id) = self.cache.find(&place) {
            return Ok(Entered::Kept(id));
        }
        let block = self.lift(guest, place, BLOCK_LIMIT, at)?;
        Ok(if block.cacheable {
            Entered::Kept(self.cache.insert(place, block))
        } else {
            Entered::Once(block)
        })
    }

    fn lift<G: Guest>(
        &mut self,
        guest: &mut G,
        place: Place,
        limit: usize,
        at: u64,
    ) -> Result<Block, G::Trap> {
        let block = guest.lift(place, limit, at)?;
        if let Some(lifts) = &mut self.lifts {
            lifts.push((place, block.clone()));
        }
        Ok(block)
    }

    /// The block that follows `id` at `pc`, if it is cached and in the same page.
    #[inline(always)]
    fn follow(&mut self, id: Id, side: usize, pc: u64) -> Id {
        let from = self.cache.get(id);
        let chained = from.chain[side];
        if chained != NONE && self.cache.get(chained).alive {
            return chained;
        }
        self.chain(id, side, pc)
    }

    #[cold]
    fn chain(&mut self, id: Id, side: usize, pc: u64) -> Id {
        let from = self.cache.get(id);
        let start = from.block.pc;
        if pc / PAGE_SIZE != start / PAGE_SIZE {
            return NONE;
        }
        let phys = Phys(from.place.phys.0.wrapping_add(pc.wrapping_sub(start)));
        if phys.page() != from.place.phys.page() {
            return NONE;
        }
        let place = Place {
            phys,
            pc,
            mode: from.place.mode,
        };
        let Some(next) = self.cache.find(&place) else {
            return NONE;
        };
        self.cache.link(id, side, next);
        next
    }

    /// How many blocks were lifted into the cache.
    pub const fn lifted(&self) -> u64 {
        self.cache.lifted
    }

    /// Gives copies of all blocks that were lifted since the last time, those for once included, and keeps copies from
    /// now on. They are let go only by being taken.
    pub fn take_lifts(&mut self) -> Vec<(Place, Block)> {
        self.lifts.replace(Vec::new()).unwrap_or_default()
    }

    /// Forgets all lifted code, as after the machine's state was replaced.
    pub fn clear(&mut self) {
        self.cache.clear();
    }
}

/// A block to run.
enum Entered {
    /// One of the cache's.
    Kept(Id),
    /// One that may not be kept.
    Once(Block),
}

/// An exit with the program counter put right: instructions retired, and where control is.
enum Settled<T> {
    /// To a successor of the block: 0 in sequence, 1 taken.
    Successor(u64, usize),
    /// Somewhere else, or to be entered again.
    Moved(u64),
    /// Not completed.
    Trap(u64, T),
}

impl<T> Exit<T> {
    #[inline(always)]
    fn settle<G: Guest<Trap = T>>(self, block: &Block, guest: &mut G) -> Settled<T> {
        let all = block.insns.len() as u64;
        match self {
            Self::Next => {
                guest.set_pc(block.next);
                Settled::Successor(all, 0)
            }
            Self::Taken => {
                guest.set_pc(block.taken);
                Settled::Successor(all, 1)
            }
            Self::To(pc) => {
                guest.set_pc(pc);
                Settled::Moved(all)
            }
            Self::Stopped { insns } => {
                guest.set_pc(block.pc_of(insns));
                Settled::Moved(insns as u64)
            }
            Self::Called { counted } => {
                guest.set_pc(block.next);
                Settled::Moved(all - 1 + counted)
            }
            Self::Jumped => Settled::Moved(all),
            Self::Again { iterations } => Settled::Moved(all - 1 + iterations),
            Self::Trap {
                insn,
                trap,
                at_call,
            } => {
                if !at_call {
                    guest.set_pc(block.pc_of(insn));
                }
                Settled::Trap(insn as u64, trap)
            }
        }
    }
}
