//! What the story's addresses mean: the kernel's symbols, and those of the programs before and after the call.

use super::isa::Isa;
use super::name;
use crate::symbols::{Frame, Symbols};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Most callers of a program's function that are named.
const MOST_CALLERS: usize = 4;

/// How far from an instruction others of its function are looked for, in bytes.
const NEAR: u64 = 32;

/// Where names come from.
pub struct Sources<'a> {
    /// The instruction set.
    pub isa: &'static Isa,
    /// The kernel's symbols.
    pub kernel: &'a Symbols<'a>,
    /// The program that called, if its symbols are known.
    pub program: Option<&'a Symbols<'a>>,
    /// The program that goes on, likewise: another one if the call was execve.
    pub after: Option<&'a Symbols<'a>>,
    /// The program's functions that had called each other when it called, an address in each, the innermost first.
    pub callers: Vec<u64>,
    known: RefCell<BTreeMap<u64, Vec<Frame>>>,
}

impl<'a> Sources<'a> {
    /// Names from these places.
    pub const fn new(
        isa: &'static Isa,
        kernel: &'a Symbols<'a>,
        program: Option<&'a Symbols<'a>>,
        after: Option<&'a Symbols<'a>>,
        callers: Vec<u64>,
    ) -> Self {
        Self {
            isa,
            kernel,
            program,
            after,
            callers,
            known: RefCell::new(BTreeMap::new()),
        }
    }

    /// The kernel's functions at an address, the outermost first.
    pub fn frames(&self, pc: u64) -> Vec<Frame> {
        let mut known = self.known.borrow_mut();
        known
            .entry(pc)
            .or_insert_with(|| self.kernel.frames(pc))
            .clone()
    }

    /// The kernel's function at an address, of those worth a name the innermost, with its place.
    pub fn function(&self, pc: u64) -> String {
        let frames = self.frames(pc);
        let frame = frames
            .iter()
            .rposition(|frame| !name::is_plumbing(frame))
            .or((!frames.is_empty()).then_some(0));
        match frame {
            Some(index) => located(&self.own_place(pc, &frames, index)),
            None => format!("{pc:#x}"),
        }
    }

    /// The frame with this index among those of `pc`; if a macro's file is all that is known of its place, with the
    /// place of a neighbouring instruction of the same function.
    fn own_place(&self, pc: u64, frames: &[Frame], index: usize) -> Frame {
        let frame = &frames[index];
        let is_vague = |frame: &Frame| name::is_macros(frame) || frame.line == 0;
        if !is_vague(frame) {
            return frame.clone();
        }
        let near = (1..NEAR).flat_map(|by| [pc.wrapping_add(by), pc.wrapping_sub(by)]);
        near.filter_map(|pc| self.frames(pc).get(index).cloned())
            .find(|other| other.name == frame.name && !is_vague(other))
            .unwrap_or_else(|| frame.clone())
    }

    /// The kernel's functions on a way of addresses, joined by arrows, the last few of them.
    pub fn chain(&self, pcs: &[u64], most: usize) -> String {
        let mut names: Vec<String> = Vec::new();
        for pc in pcs {
            for frame in self.frames(*pc) {
                let short = name::short(&frame);
                if !name::is_plumbing(&frame) && names.last() != Some(&short) {
                    names.push(short);
                }
            }
        }
        let cut = names.len().saturating_sub(most);
        let dots = if cut > 0 { "… → " } else { "" };
        format!("{dots}{}", names[cut..].join(" → "))
    }

    /// Where the program is: its innermost function at `pc`, and who called that.
    pub fn user(&self, pc: u64) -> String {
        let Some(program) = self.program else {
            return format!("At {pc:#x}");
        };
        let mut frames: Vec<Frame> = Vec::new();
        for pc in std::iter::once(&pc).chain(self.callers.iter().filter(|c| **c != pc)) {
            frames.extend(program.frames(*pc).into_iter().rev());
        }
        frames.retain(|frame| !name::is_plumbing(frame));
        // A function inlined twice at one place, or calling itself, is named once.
        frames.dedup_by(|a, b| name::short(a) == name::short(b));
        let Some((innermost, callers)) = frames.split_first() else {
            return format!("At {pc:#x}");
        };
        let mut text = format!("At {pc:#x} in {}", located(innermost));
        for (index, caller) in callers.iter().take(MOST_CALLERS).enumerate() {
            let how = if index == 0 { ", called by " } else { ", by " };
            text.push_str(how);
            text.push_str(&located(caller));
        }
        text
    }

    /// Where the program goes on.
    pub fn user_after(&self, pc: u64) -> String {
        let frames = self.after.map(|after| after.frames(pc)).unwrap_or_default();
        match frames.iter().find(|frame| !name::is_plumbing(frame)) {
            Some(frame) => format!("{pc:#x} in {}", located(frame)),
            None => format!("{pc:#x}"),
        }
    }
}

/// A function and where it is: `DiskInode::fill (fs/diskfs/inode.rs:88)`.
fn located(frame: &Frame) -> String {
    let (name, place) = (name::short(frame), name::place(frame));
    if place.is_empty() {
        name
    } else {
        format!("{name} ({place})")
    }
}
