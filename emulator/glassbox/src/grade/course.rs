//! Whether programs run their own course. A kernel that may only run trusted code can still have it do anything: with
//! another program than was asked for, other arguments, other registers, other instructions.
//!
//! The hardware sees each time a program is interrupted, and each time some code goes on in user mode. So
//!
//! - what goes on was interrupted just there, in the same address space, with the same stack and registers; a system call
//!   may have changed its result, and may be made once more; or it is a handler that some program has set;
//! - what begins is the child of a fork, as its parent was; or the program that execve(2) was asked for, if that lies on
//!   the trusted disk, with the arguments that were given;
//! - arguments stay as they were, and at each system call all instructions in memory are those of the program's file.
//!
//! What a program reads, and the memory that it writes, are the kernel's to give: no check here sees whether they are
//! right. Where the memory of a question cannot be read, or nobody knows the file, the kernel is believed.

use super::disk;
use crate::disk::Layer;
use abi::nr;
use base::event::{Event, Peek, Registers, Stamp};
use base::{Observer, PAGE_SIZE, Phys, Virt};
use object::{Object, ObjectKind, ObjectSegment, SegmentFlags, elf};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// How many interrupted states of an address space are known: nested signal handlers, or the two sides of a vfork.
const WAITING: usize = 16;
/// How many forks and calls of execve may be under way.
const UNDER_WAY: usize = 256;
/// Most arguments that are compared, and most bytes of each.
const ARGUMENTS: usize = 1024;
const LONGEST: usize = 4096;
/// Bytes of the instruction for system calls, which is executed again when a call is restarted.
const SYSCALL: u64 = 2;

/// A trusted program.
#[derive(Debug)]
struct Program {
    entry: u64,
    /// Its instructions: address and bytes.
    code: Vec<(u64, Vec<u8>)>,
}

/// A program that was interrupted.
#[derive(Clone, Debug)]
struct Interrupted {
    at: u64,
    stack: u64,
    registers: Registers,
    call: Option<(u64, [u64; 6])>,
}

/// What is known of an address space.
#[derive(Clone, Debug, Default)]
struct Space {
    /// The program in it, if it is a trusted one.
    program: Option<Rc<Program>>,
    /// Where its arguments are, and what they were.
    arguments: Vec<(u64, Vec<u8>)>,
    waiting: VecDeque<Interrupted>,
}

/// A call of execve(2).
#[derive(Debug)]
struct Wish {
    /// The address space that made it, and where.
    from: (u64, u64),
    /// The program, if it is a trusted one.
    program: Option<Rc<Program>>,
    /// The arguments, if they could be read.
    arguments: Option<Vec<Vec<u8>>>,
}

/// The observer.
pub struct Course {
    disk: Layer,
    programs: BTreeMap<Vec<u8>, Option<Rc<Program>>>,
    /// The address space of each CPU.
    roots: Vec<u64>,
    spaces: BTreeMap<u64, Space>,
    /// Forks that no child has come of yet: the parent's address space, and what it was.
    forks: VecDeque<(u64, Interrupted, Space)>,
    wishes: VecDeque<Wish>,
    handlers: BTreeSet<u64>,
    /// What the kernel did to a program, first.
    tampering: Option<&'static str>,
}

impl Course {
    /// An observer of a machine with `cpus` CPUs, whose trusted disk is `disk` and whose first program, at `path`, has
    /// `arguments`.
    pub fn new(disk: Layer, cpus: usize, path: &str, arguments: Vec<Vec<u8>>) -> Self {
        let mut course = Self {
            disk,
            programs: BTreeMap::new(),
            roots: vec![0; cpus],
            spaces: BTreeMap::new(),
            forks: VecDeque::new(),
            wishes: VecDeque::new(),
            handlers: BTreeSet::new(),
            tampering: None,
        };
        let program = course.program(path.as_bytes());
        course.wishes.push_back(Wish {
            from: (0, 0),
            program,
            arguments: Some(arguments),
        });
        course
    }

    /// What the kernel did to a program that it must not do, if anything.
    pub const fn tampering(&self) -> Option<&'static str> {
        self.tampering
    }

    /// The program at `path` on the trusted disk.
    fn program(&mut self, path: &[u8]) -> Option<Rc<Program>> {
        if let Some(known) = self.programs.get(path) {
            return known.clone();
        }
        let path = str::from_utf8(path)
            .ok()
            .filter(|path| path.starts_with('/'))?;
        let program = match disk::read(self.disk.clone(), path) {
            disk::Content::File(size, data) if size == data.len() as u64 => Program::of(&data),
            _ => None,
        };
        let program = program.map(Rc::new);
        self.programs.insert(path.into(), program.clone());
        program
    }

    fn interrupted(&mut self, root: u64, program: Interrupted, memory: &dyn Peek) {
        let space = self.spaces.entry(root).or_default();
        if !space
            .arguments
            .iter()
            .all(|(at, bytes)| is_at(*at, bytes, memory))
        {
            self.tampering = Some("its arguments were changed");
            return;
        }
        if let Some((number, args)) = program.call {
            if space
                .program
                .as_ref()
                .is_some_and(|known| !known.is_in(memory))
            {
                self.tampering = Some("its instructions are not those of its file");
                return;
            }
            match number {
                nr::FORK | nr::VFORK | nr::CLONE => {
                    let mut parent = space.clone();
                    parent.waiting.clear();
                    keep(&mut self.forks, (root, program.clone(), parent), UNDER_WAY);
                }
                nr::RT_SIGACTION => {
                    let mut handler = [0; 8];
                    if memory.peek(Virt(args[1]), &mut handler) == handler.len() {
                        self.handlers.insert(u64::from_le_bytes(handler));
                    }
                }
                _ => {}
            }
        }
        keep(&mut space.waiting, program.clone(), WAITING);
        if let Some((nr::EXECVE, args)) = program.call {
            let arguments =
                arguments(args[1], memory).map(|list| list.into_iter().map(|(_, text)| text));
            let path = text(args[0], memory);
            let wish = Wish {
                from: (root, program.at),
                program: path.and_then(|path| self.program(&path)),
                arguments: arguments.map(Iterator::collect),
            };
            keep(&mut self.wishes, wish, UNDER_WAY);
        }
    }

    fn goes_on(&mut self, root: u64, now: &Interrupted, result: u64, memory: &dyn Peek) {
        if result == 0 && self.is_child(root, now) || self.was_interrupted(root, now, result) {
            return;
        }
        if self.handlers.contains(&now.at) {
            return;
        }
        let given = arguments(now.stack.wrapping_add(8), memory);
        let is_asked_for = |wish: &Wish| {
            let is_right = |wanted: &Vec<Vec<u8>>| {
                let given = given.iter().flatten().map(|(_, text)| text);
                given.eq(wanted)
            };
            let entry = wish.program.as_ref().map(|program| program.entry);
            entry.is_none_or(|entry| entry == now.at)
                && wish.arguments.as_ref().is_none_or(is_right)
        };
        if let Some(place) = self.wishes.iter().position(is_asked_for) {
            let program = self.wishes.remove(place).and_then(|wish| wish.program);
            let space = Space {
                arguments: given.filter(|_| program.is_some()).unwrap_or_default(),
                program,
                waiting: VecDeque::new(),
            };
            self.spaces.insert(root, space);
            return;
        }
        self.tampering = Some(match self.spaces.contains_key(&root) {
            true => "it did not go on where it was interrupted, with the registers that it had",
            false => "what was started is not what execve(2) was asked for",
        });
    }

    /// Whether it is the child of a fork that begins.
    fn is_child(&mut self, root: u64, now: &Interrupted) -> bool {
        let found = self.forks.iter().position(|(_, parent, _)| {
            let stack = match parent.call {
                Some((nr::CLONE, args)) if args[1] != 0 => args[1],
                _ => parent.stack,
            };
            parent.at == now.at && stack == now.stack && parent.registers.kept == now.registers.kept
        });
        let Some((from, _, parent)) = found.and_then(|place| self.forks.remove(place)) else {
            return false;
        };
        // The child of a vfork is in its parent's space.
        if from != root {
            self.spaces.insert(root, parent);
        }
        true
    }

    /// Whether it was interrupted just there.
    fn was_interrupted(&mut self, root: u64, now: &Interrupted, result: u64) -> bool {
        let Some(space) = self.spaces.get_mut(&root) else {
            return false;
        };
        let place = space.waiting.iter().rposition(|then| {
            let is_there = match then.call {
                None => then.at == now.at && then.registers.lost == now.registers.lost,
                Some((number, _)) => {
                    then.at == now.at || then.at == now.at.wrapping_add(SYSCALL) && result == number
                }
            };
            is_there && then.stack == now.stack && then.registers.kept == now.registers.kept
        });
        let Some(then) = place.and_then(|place| space.waiting.remove(place)) else {
            return false;
        };
        if let Some((nr::EXECVE, _)) = then.call {
            // It has failed.
            self.wishes.retain(|wish| wish.from != (root, then.at));
        }
        true
    }
}

impl Observer for Course {
    const ON: bool = true;

    fn event(&mut self, stamp: Stamp, event: &Event, memory: &dyn Peek) {
        let Some(root) = self.roots.get_mut(usize::from(stamp.cpu)) else {
            return;
        };
        if let Event::SpaceSwitch {
            root: Phys(new), ..
        } = event
        {
            *root = *new;
        }
        if self.tampering.is_some() {
            return;
        }
        let root = *root;
        let state = |at: Virt, stack: Virt, call| Interrupted {
            at: at.0,
            stack: stack.0,
            registers: memory.registers(),
            call,
        };
        match event {
            Event::Trap {
                user: true,
                from,
                stack,
                call,
                ..
            } => {
                self.interrupted(root, state(*from, *stack, *call), memory);
            }
            Event::Return {
                user: true,
                to,
                stack,
                result,
                ..
            } => {
                self.goes_on(root, &state(*to, *stack, None), *result, memory);
            }
            _ => {}
        }
    }
}

impl Program {
    /// That of an ELF file with fixed addresses.
    fn of(file: &[u8]) -> Option<Self> {
        let object = object::File::parse(file).ok()?;
        if object.kind() != ObjectKind::Executable {
            return None;
        }
        let is_code =
            |flags| matches!(flags, SegmentFlags::Elf { p_flags } if p_flags & elf::PF_X != 0);
        let code = object.segments().filter(|segment| is_code(segment.flags()));
        let code = code.map(|segment| Some((segment.address(), segment.data().ok()?.to_vec())));
        Some(Self {
            entry: object.entry(),
            code: code.collect::<Option<_>>()?,
        })
    }

    /// Whether all of it that is in memory is unchanged.
    fn is_in(&self, memory: &dyn Peek) -> bool {
        self.code.iter().all(|(start, code)| {
            // The first piece ends at the end of a page.
            let first = (PAGE_SIZE - start % PAGE_SIZE).min(code.len() as u64) as usize;
            let (first, rest) = code.split_at(first);
            let pages = std::iter::once(first).chain(rest.chunks(PAGE_SIZE as usize));
            let mut at = *start;
            pages.into_iter().all(|page| {
                let same = is_at(at, page, memory);
                at += page.len() as u64;
                same
            })
        })
    }
}

/// Whether these bytes are in memory, as far as there is memory.
fn is_at(at: u64, bytes: &[u8], memory: &dyn Peek) -> bool {
    let mut found = vec![0; bytes.len()];
    let len = memory.peek(Virt(at), &mut found);
    found[..len] == bytes[..len]
}

/// The strings, with their addresses, that a list of pointers leads to; `None` if it cannot be read.
fn arguments(list: u64, memory: &dyn Peek) -> Option<Vec<(u64, Vec<u8>)>> {
    let mut found = Vec::new();
    for index in 0..ARGUMENTS as u64 {
        let mut pointer = [0; 8];
        if memory.peek(Virt(list.wrapping_add(index * 8)), &mut pointer) < pointer.len() {
            return None;
        }
        let pointer = u64::from_le_bytes(pointer);
        if pointer == 0 {
            return Some(found);
        }
        found.push((pointer, text(pointer, memory)?));
    }
    None
}

/// The text up to a zero.
fn text(at: u64, memory: &dyn Peek) -> Option<Vec<u8>> {
    let mut bytes = vec![0; LONGEST];
    let len = memory.peek(Virt(at), &mut bytes);
    let end = bytes[..len].iter().position(|&byte| byte == 0)?;
    bytes.truncate(end);
    Some(bytes)
}

/// Adds to a list that holds `most`.
fn keep<T>(list: &mut VecDeque<T>, new: T, most: usize) {
    if list.len() == most {
        list.pop_front();
    }
    list.push_back(new);
}
