//! The cheap observer: follows processes, and nothing else.

use super::meaning::Meaning;
use super::tasks::Tasks;
use base::event::{Event, Peek};
use base::{Observer, Stamp, Virt};

/// Most bytes of text that are read: names and what is waited for are short.
const MOST_TEXT: usize = 64;

/// An observer that keeps [`Tasks`] up to date. Let your own observer hand it every event, and ask it who runs.
#[derive(Clone, Debug, Default)]
pub struct Follower {
    tasks: Tasks,
    /// What each site number means.
    meanings: Vec<Meaning>,
}

impl Follower {
    /// A follower for a machine whose watched sites have these meanings.
    pub const fn new(meanings: Vec<Meaning>) -> Self {
        Self {
            tasks: Tasks::NONE,
            meanings,
        }
    }

    /// What is known of the processes.
    pub const fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Other sites are watched from now on, with these meanings; what is known stays known.
    pub fn listen_to(&mut self, meanings: Vec<Meaning>) {
        self.meanings = meanings;
    }

    fn probe(&mut self, stamp: Stamp, event: &Event, memory: &dyn Peek) {
        let Event::Probe { site, args, .. } = event else {
            return;
        };
        if let Some(Meaning::Event(probe)) = self.meanings.get(*site as usize) {
            let mut text = |index: usize| text(args[index], memory);
            self.tasks.update(stamp, *probe, args, &mut text);
        }
    }
}

impl Observer for Follower {
    const ON: bool = true;

    #[inline]
    fn event(&mut self, stamp: Stamp, event: &Event, memory: &dyn Peek) {
        if let Event::Probe { .. } = event {
            self.probe(stamp, event, memory);
        }
    }
}

/// NUL-terminated text of the guest's.
fn text(addr: u64, memory: &dyn Peek) -> Vec<u8> {
    let mut bytes = [0; MOST_TEXT];
    let len = if addr == 0 {
        0
    } else {
        memory.peek(Virt(addr), &mut bytes)
    };
    let end = bytes[..len].iter().position(|&byte| byte == 0);
    bytes[..end.unwrap_or(len)].to_vec()
}
