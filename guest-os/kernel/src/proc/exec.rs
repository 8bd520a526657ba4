//! execve(2): a new program for a process.
//!
//! Everything that can fail comes first: the new address space is built beside the old one, and only when
//! it is complete does it take its place. From then on the old program is gone.

use abi::Errno;
use abi::auxv::{
    AT_CLKTCK, AT_EGID, AT_ENTRY, AT_EUID, AT_FLAGS, AT_GID, AT_HWCAP, AT_PAGESZ, AT_PHDR,
    AT_PHENT, AT_PHNUM, AT_SECURE, AT_UID,
};
use abi::limits::ARG_MAX;
use alloc::sync::Arc;
use alloc::vec::Vec;
use kcore::args::initial_stack;
use kcore::elf::{Executable, Segment};

use super::current;
use super::fork::release_vfork_parent;
use super::program::Program;
use super::trampoline;
use crate::arch::{self, trap::TrapFrame};
use crate::mm::address::{PAGE_SIZE, page_ceil, page_floor};
use crate::mm::frame;
use crate::mm::layout::USER_TOP;
use crate::mm::protection::Protection;
use crate::mm::region::{Backing, Region};
use crate::mm::space::AddressSpace;
use crate::mm::user::{UserPtr, copy_str};

/// Where position-independent programs go: two thirds up, as on Linux.
const LOAD_ADDRESS: u64 = page_floor(USER_TOP / 3 * 2) as u64;
/// Stack a program has without growing it.
const FIRST_STACK: usize = 128 * 1024;
/// Scripts that name scripts that name scripts: as deep as Linux goes.
const MAX_SCRIPT_DEPTH: usize = 4;

/// Arguments and environment.
pub struct Strings {
    argv: Vec<Vec<u8>>,
    envp: Vec<Vec<u8>>,
}

impl Strings {
    /// For programs the kernel starts.
    pub fn new(argv: Vec<Vec<u8>>, envp: Vec<Vec<u8>>) -> Self {
        Strings { argv, envp }
    }

    /// Copies two NULL-terminated arrays of strings from the running program; `E2BIG` beyond `ARG_MAX`.
    pub fn copy_in(argv: usize, envp: usize) -> Result<Self, Errno> {
        frame::check_room()?;
        let mut room = ARG_MAX;
        Ok(Strings {
            argv: copy_array(argv, &mut room)?,
            envp: copy_array(envp, &mut room)?,
        })
    }
}

fn copy_array(at: usize, room: &mut usize) -> Result<Vec<Vec<u8>>, Errno> {
    let mut strings = Vec::new();
    let pointers = UserPtr::<u64>::new(at);
    if pointers.is_null() {
        return Ok(strings);
    }
    loop {
        let pointer = pointers.at(strings.len()).read()? as usize;
        if pointer == 0 {
            return Ok(strings);
        }
        let string = copy_str(pointer, *room, Errno::E2BIG)?;
        *room = room
            .checked_sub(string.len() + 1 + size_of::<u64>())
            .ok_or(Errno::E2BIG)?;
        strings.push(string);
    }
}

/// Replaces the program of the running process; `frame` becomes that of the new one.
pub fn exec(frame: &mut TrapFrame, path: &[u8], strings: Strings) -> Result<(), Errno> {
    let me = current();
    let Strings { mut argv, envp } = strings;
    let program = open(path, &mut argv)?;
    let elf = Executable::parse(
        arch::ELF_MACHINE,
        program.size(),
        USER_TOP as u64,
        |at, to| program.read(at, to),
    )?;
    let bias = if elf.relocatable { LOAD_ADDRESS } else { 0 };
    let entry = (elf.entry + bias) as usize;

    let space = AddressSpace::new()?;
    for segment in &elf.segments {
        space.add(segment_region(segment, bias, &program)?)?;
    }
    space.set_heap_start((elf.end() + bias) as usize)?;
    let stack = initial_stack(
        USER_TOP as u64,
        &argv,
        &envp,
        path,
        &auxiliary_vector(&elf, bias),
        random_bytes(),
    )?;
    let stack_pointer = stack.sp as usize;
    let stack_start = page_floor(stack_pointer).saturating_sub(FIRST_STACK);
    space.add(Region {
        grows_down: true,
        ..Region::anonymous(stack_start, USER_TOP, Protection::READ_WRITE)
    })?;
    space.fill(stack_pointer, &stack.bytes)?;
    if let Some(region) = trampoline::region() {
        space.add(region)?;
    }

    // The point of no return.
    drop(me.replace_space(Some(Arc::new(space))));
    release_vfork_parent(&me);
    drop(me.files.lock().take_for_exec());
    me.signals.exec();
    me.context.reset_user_state();
    me.set_name(path.rsplit(|byte| *byte == b'/').next().unwrap_or(path));
    me.set_arguments(stack.arg_start as usize, stack.arg_end as usize);
    *frame = TrapFrame::new_user(entry, stack_pointer);
    let mut name = path.to_vec();
    name.push(0);
    crate::probe!(process_exec, me.pid, name.as_ptr() as usize, entry);
    Ok(())
}

/// Opens the program. For a script (`#!interpreter argument`) that is the interpreter, and `argv` becomes what
/// it shall see.
fn open(path: &[u8], argv: &mut Vec<Vec<u8>>) -> Result<Arc<Program>, Errno> {
    let mut path = path.to_vec();
    for _ in 0..=MAX_SCRIPT_DEPTH {
        let program = Program::open(&path)?;
        let Some((interpreter, argument)) = program.script_line()? else {
            return Ok(program);
        };
        let mut new = Vec::from([interpreter.clone()]);
        new.extend(argument);
        new.push(path);
        new.extend(argv.drain(..).skip(1));
        *argv = new;
        path = interpreter;
    }
    Err(Errno::ELOOP)
}

fn segment_region(segment: &Segment, bias: u64, program: &Arc<Program>) -> Result<Region, Errno> {
    let first = (segment.vaddr + bias) as usize;
    let start = page_floor(first);
    let lead = (first - start) as u64;
    let end = page_ceil(first + segment.mem_size as usize).ok_or(Errno::ENOEXEC)?;
    Ok(Region {
        start,
        end,
        protection: Protection {
            read: segment.readable,
            write: segment.writable,
            execute: segment.executable,
        },
        backing: Backing::File {
            file: program.clone(),
            offset: segment.offset - lead,
            len: if segment.file_size == 0 {
                0
            } else {
                segment.file_size + lead
            },
        },
        grows_down: false,
    })
}

fn auxiliary_vector(elf: &Executable, bias: u64) -> [(u64, u64); 13] {
    [
        (AT_PHDR, elf.phdr_addr.map_or(0, |at| at + bias)),
        (AT_PHENT, Executable::PHDR_SIZE as u64),
        (AT_PHNUM, elf.phdr_count as u64),
        (AT_PAGESZ, PAGE_SIZE as u64),
        (AT_FLAGS, 0),
        (AT_ENTRY, elf.entry + bias),
        (AT_UID, 0),
        (AT_EUID, 0),
        (AT_GID, 0),
        (AT_EGID, 0),
        (AT_SECURE, 0),
        (AT_CLKTCK, 100),
        (AT_HWCAP, arch::cpu::hardware_capabilities()),
    ]
}

fn random_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    crate::random::fill(&mut bytes);
    bytes
}
