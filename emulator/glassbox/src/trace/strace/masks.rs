//! Which signals each process blocks, found out from its calls: rt_sigreturn(2) restores a mask that lies on the
//! program's stack, where no argument points.

use crate::trace::memory::Memory;
use crate::trace::syscall::structures::Action;
use abi::Record;
use abi::isa::{Isa, riscv64, x86_64};
use abi::nr;
use abi::signal::{SA_NODEFER, SIG_BLOCK, SIG_IGN, SIG_SETMASK, SIG_UNBLOCK, bit};
use std::collections::BTreeMap;

/// Most handlers within handlers that are followed.
const DEEPEST: usize = 64;

/// A process's signals.
#[derive(Clone, Debug, Default)]
struct State {
    blocked: u64,
    /// What rt_sigsuspend(2) has replaced.
    saved: Option<u64>,
    /// What handlers will restore, the innermost last.
    handlers: Vec<u64>,
    actions: BTreeMap<u32, Action>,
    /// What the call in progress will change if it succeeds.
    change: Option<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Mask(u64),
    Action(u32, Action),
}

/// All processes' signals.
#[derive(Debug, Default)]
pub struct Masks {
    processes: BTreeMap<u32, State>,
}

impl Masks {
    /// The mask that rt_sigreturn(2) would restore now.
    pub fn to_restore(&self, pid: u32) -> u64 {
        let state = self.processes.get(&pid);
        state
            .and_then(|state| state.handlers.last().copied())
            .unwrap_or(0)
    }

    /// A call begins.
    pub fn enter(&mut self, isa: Isa, pid: u32, number: u64, args: &[u64; 6], memory: &Memory) {
        let state = self.processes.entry(pid).or_default();
        if let Some(saved) = state.saved.take() {
            state.blocked = saved;
        }
        state.change = match number {
            nr::RT_SIGPROCMASK => read::<u64>(memory, args[1]).and_then(|set| {
                Some(Change::Mask(match args[0] as u32 {
                    SIG_BLOCK => state.blocked | set,
                    SIG_UNBLOCK => state.blocked & !set,
                    SIG_SETMASK => set,
                    _ => return None,
                }))
            }),
            nr::RT_SIGACTION => {
                let action = match isa {
                    Isa::X86_64 => read::<x86_64::Sigaction>(memory, args[1]).map(Action::from),
                    Isa::Riscv64 => read::<riscv64::Sigaction>(memory, args[1]).map(Action::from),
                };
                action.map(|action| Change::Action(args[0] as u32, action))
            }
            nr::RT_SIGSUSPEND => {
                if let Some(set) = read::<u64>(memory, args[0]) {
                    state.saved = Some(std::mem::replace(&mut state.blocked, set));
                }
                None
            }
            _ => None,
        };
    }

    /// A call has ended.
    pub fn exit(&mut self, pid: u32, number: u64, result: i64) {
        let state = self.processes.entry(pid).or_default();
        match (state.change.take(), number) {
            (Some(Change::Mask(mask)), _) if result == 0 => state.blocked = mask,
            (Some(Change::Action(signal, action)), _) if result == 0 && bit(signal) != 0 => {
                state.actions.insert(signal, action);
            }
            (_, nr::RT_SIGRETURN) => {
                if let Some(mask) = state.handlers.pop() {
                    state.blocked = mask;
                }
            }
            (_, nr::EXECVE) if result == 0 => {
                state.handlers.clear();
                state.actions.clear();
            }
            _ => {}
        }
    }

    /// A signal is acted upon.
    pub fn deliver(&mut self, pid: u32, signal: u32, handler: u64) {
        let state = self.processes.entry(pid).or_default();
        if handler <= SIG_IGN {
            return;
        }
        let mask = state.saved.take().unwrap_or(state.blocked);
        if state.handlers.len() < DEEPEST {
            state.handlers.push(mask);
        }
        let action = state.actions.get(&signal).copied().unwrap_or_default();
        let own = if action.flags & u64::from(SA_NODEFER) != 0 {
            0
        } else {
            bit(signal)
        };
        state.blocked = mask | action.mask | own;
    }

    /// A process was made.
    pub fn fork(&mut self, parent: u32, child: u32) {
        let mut state = self.processes.get(&parent).cloned().unwrap_or_default();
        state.change = None;
        self.processes.insert(child, state);
    }

    /// A process has ended.
    pub fn exited(&mut self, pid: u32) {
        self.processes.remove(&pid);
    }
}

/// A value in recorded memory.
fn read<T: Record>(memory: &Memory, addr: u64) -> Option<T> {
    let bytes = memory.read(addr, T::SIZE);
    (bytes.len() == T::SIZE).then(|| T::get(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Isa::X86_64;

    #[test]
    fn handlers_restore_what_was_blocked_before_them() {
        let mut masks = Masks::default();
        let memory = |bytes: &[u8]| [(100, bytes)].into_iter().collect::<Memory>();
        let set = memory(&bit(10).to_le_bytes());
        masks.enter(X86_64, 1, nr::RT_SIGPROCMASK, &[0, 100, 0, 8, 0, 0], &set);
        masks.exit(1, nr::RT_SIGPROCMASK, 0);
        let action = x86_64::Sigaction {
            handler: 5,
            mask: bit(12),
            ..x86_64::Sigaction::default()
        };
        masks.enter(
            X86_64,
            1,
            nr::RT_SIGACTION,
            &[2, 100, 0, 8, 0, 0],
            &memory(&action.to_bytes()),
        );
        masks.exit(1, nr::RT_SIGACTION, 0);
        masks.deliver(1, 2, 5);
        assert_eq!(masks.to_restore(1), bit(10));
        masks.fork(1, 2);
        masks.deliver(2, 3, 5);
        assert_eq!(masks.to_restore(2), bit(10) | bit(12) | bit(2));
        masks.exit(2, nr::RT_SIGRETURN, 0);
        assert_eq!(masks.to_restore(2), bit(10));
    }
}
