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
use crate::numbers;
use abi::isa::Isa;
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
    /// Where the call is made once more, and what is in the result's register then.
    again: Option<(u64, u64)>,
}

impl Interrupted {
    /// A program that calls the kernel by an instruction of which the hardware says that it comes `from` there, with the
    /// number `raw`; or, without one, that is interrupted there.
    fn new(
        isa: Isa,
        from: u64,
        stack: u64,
        registers: Registers,
        raw: Option<(u64, [u64; 6])>,
    ) -> Self {
        let (at, again) = match (isa, raw) {
            (_, None) => (from, None),
            // SYSCALL has two bytes and comes from behind itself; its result is where the number was.
            (Isa::X86_64, Some((number, _))) => (from, Some((from.wrapping_sub(2), number))),
            // ECALL has four; its result is where the first argument was.
            (Isa::Riscv64, Some(_)) => (from.wrapping_add(4), Some((from, registers.lost[0]))),
        };
        Self {
            at,
            stack,
            registers,
            call: raw.map(|(number, args)| (numbers::common(isa, number), args)),
            again,
        }
    }
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
    isa: Isa,
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
    pub fn new(isa: Isa, disk: Layer, cpus: usize, path: &str, arguments: Vec<Vec<u8>>) -> Self {
        let mut course = Self {
            isa,
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
                Some(_) => then.at == now.at || then.again == Some((now.at, result)),
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
        let state = |at: Virt, stack: Virt, call| {
            Interrupted::new(self.isa, at.0, stack.0, memory.registers(), call)
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

#[cfg(test)]
mod tests {
    use super::*;
    use base::Time;
    use base::event::Cause;

    const ROOT: u64 = 0x1000;
    const CHILD: u64 = 0x2000;
    const CODE: u64 = 0x40_0000;

    /// What a program has at one moment.
    #[derive(Clone, Default)]
    struct Now {
        memory: BTreeMap<u64, Vec<u8>>,
        registers: Registers,
    }

    impl Peek for Now {
        fn peek(&self, addr: Virt, bytes: &mut [u8]) -> usize {
            let Some((start, data)) = self.memory.range(..=addr.0).next_back() else {
                return 0;
            };
            let there = data.get((addr.0 - start) as usize..).unwrap_or_default();
            let len = there.len().min(bytes.len());
            bytes[..len].copy_from_slice(&there[..len]);
            len
        }

        fn registers(&self) -> Registers {
            self.registers
        }
    }

    /// A watched machine that runs a program, begun as `prog word`, with its stack at 0x7000.
    struct Watched {
        course: Course,
        now: Now,
    }

    impl Watched {
        fn new() -> Self {
            let file = tempfile::NamedTempFile::new().unwrap();
            file.as_file().set_len(1 << 16).unwrap();
            let disk = Layer::new(crate::disk::Image::open(file.path()).unwrap());
            let mut course = Course::new(
                Isa::X86_64,
                disk,
                1,
                "/bin/init",
                vec![b"prog".into(), b"word".into()],
            );
            let program = Program {
                entry: CODE,
                code: vec![(CODE, vec![0x90; 64])],
            };
            course.wishes[0].program = Some(Rc::new(program));
            let mut now = Now::default();
            let pointers = [2, 0x7100, 0x7200, 0].map(u64::to_le_bytes).concat();
            now.memory.insert(0x7000, pointers);
            now.memory.insert(0x7100, b"prog\0".into());
            now.memory.insert(0x7200, b"word\0".into());
            now.memory.insert(CODE, vec![0x90; 64]);
            let mut watched = Self { course, now };
            watched.switch(ROOT);
            watched.goes_on(CODE, 0x7000, 0);
            watched
        }

        fn event(&mut self, event: &Event) {
            let stamp = Stamp {
                time: Time(0),
                cpu: 0,
            };
            self.course.event(stamp, event, &self.now);
        }

        fn switch(&mut self, root: u64) {
            self.event(&Event::SpaceSwitch {
                root: Phys(root),
                asid: 0,
            });
        }

        fn stops(&mut self, at: u64, call: Option<(u64, [u64; 6])>) {
            self.event(&Event::Trap {
                cause: call.map_or(Cause::Interrupt, |_| Cause::SystemCall),
                number: 0,
                error: None,
                address: None,
                from: Virt(at),
                to: Virt(0),
                stack: Virt(0x6000),
                user: true,
                call,
            });
        }

        fn goes_on(&mut self, at: u64, stack: u64, result: u64) {
            self.event(&Event::Return {
                from: Virt(0),
                to: Virt(at),
                user: true,
                stack: Virt(stack),
                result,
            });
        }
    }

    const NOTHING: [u64; 6] = [0; 6];

    #[test]
    fn honest_kernels_may_do_what_kernels_do() {
        let mut it = Watched::new();
        it.stops(CODE + 4, None);
        it.goes_on(CODE + 4, 0x6000, 7);
        // A system call, its restart, its result.
        it.stops(CODE + 10, Some((nr::READ, NOTHING)));
        it.goes_on(CODE + 8, 0x6000, nr::READ);
        it.stops(CODE + 10, Some((nr::READ, NOTHING)));
        it.now.registers.lost[0] = 1;
        it.goes_on(CODE + 10, 0x6000, 1);
        // A handler on top, and back from it.
        it.now
            .memory
            .insert(0x5000, (CODE + 40).to_le_bytes().into());
        it.stops(CODE + 12, Some((nr::RT_SIGACTION, [1, 0x5000, 0, 8, 0, 0])));
        it.goes_on(CODE + 12, 0x6000, 0);
        it.stops(CODE + 14, None);
        it.goes_on(CODE + 40, 0x5800, 0);
        it.stops(CODE + 50, Some((nr::RT_SIGRETURN, NOTHING)));
        it.goes_on(CODE + 14, 0x6000, 1);
        // A child, and after it the parent.
        it.stops(CODE + 20, Some((nr::FORK, NOTHING)));
        it.switch(CHILD);
        it.goes_on(CODE + 20, 0x6000, 0);
        it.stops(CODE + 22, None);
        it.switch(ROOT);
        it.goes_on(CODE + 20, 0x6000, 5);
        assert_eq!(it.course.tampering(), None);
    }

    #[test]
    fn what_a_program_would_not_do_is_seen() {
        type Cheat = fn(&mut Watched);
        let cheats: [(&str, Cheat); 7] = [
            ("registers", |it| {
                it.now.registers.kept[3] = 1;
                it.goes_on(CODE + 10, 0x6000, 0);
            }),
            ("registers", |it| it.goes_on(CODE + 10, 0x6008, 0)),
            ("registers", |it| it.goes_on(CODE + 30, 0x6000, 0)),
            // Once more, but another call.
            ("registers", |it| it.goes_on(CODE + 8, 0x6000, nr::WRITE)),
            ("execve", |it| {
                it.switch(CHILD);
                it.goes_on(CODE + 10, 0x6000, 0);
            }),
            ("arguments", |it| {
                it.now.memory.insert(0x7200, b"w0rd\0".into());
                it.goes_on(CODE + 10, 0x6000, 0);
                it.stops(CODE + 11, None);
            }),
            ("instructions", |it| {
                it.now.memory.insert(CODE, vec![0x91; 64]);
                it.goes_on(CODE + 10, 0x6000, 0);
                it.stops(CODE + 12, Some((nr::WRITE, NOTHING)));
            }),
        ];
        for (index, (what, cheat)) in cheats.into_iter().enumerate() {
            let mut it = Watched::new();
            it.stops(CODE + 10, Some((nr::READ, NOTHING)));
            assert_eq!(it.course.tampering(), None);
            cheat(&mut it);
            let said = it.course.tampering().unwrap_or_default();
            assert!(said.contains(what), "{index}: {said}");
        }
    }

    #[test]
    fn what_begins_is_what_was_asked_for() {
        let ask = |it: &mut Watched| {
            let pointers = [0x7100, 0x7200, 0].map(u64::to_le_bytes).concat();
            it.now.memory.insert(0x4000, pointers);
            it.stops(CODE + 20, Some((nr::EXECVE, [0x7100, 0x4000, 0, 0, 0, 0])));
            let program = it.course.spaces[&ROOT].program.clone();
            it.course.wishes[0].program = program;
            it.switch(CHILD);
        };
        let mut honest = Watched::new();
        ask(&mut honest);
        honest.goes_on(CODE, 0x7000, 0);
        assert_eq!(honest.course.tampering(), None);
        // Twice, with other arguments, elsewhere; or after the call has failed.
        let cheats: [fn(&mut Watched); 4] = [
            |it| {
                it.goes_on(CODE, 0x7000, 0);
                it.switch(3 * ROOT);
            },
            |it| {
                it.now.memory.insert(0x7200, b"0\0".into());
            },
            |it| {
                it.course.wishes[0].program = Some(Rc::new(Program {
                    entry: 0,
                    code: Vec::new(),
                }))
            },
            |it| {
                it.switch(ROOT);
                it.goes_on(CODE + 20, 0x6000, 2u64.wrapping_neg());
                it.switch(CHILD);
            },
        ];
        for cheat in cheats {
            let mut it = Watched::new();
            ask(&mut it);
            cheat(&mut it);
            it.goes_on(CODE, 0x7000, 0);
            assert!(
                it.course
                    .tampering()
                    .is_some_and(|what| what.contains("execve"))
            );
        }
    }
}
