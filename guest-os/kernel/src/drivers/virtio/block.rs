//! The virtio block device (virtio 1.2, 5.2).
//!
//! A command is a chain of three parts: a header that the device reads, the data, and one status byte that
//! the device writes. Headers and status bytes live in one `DmaBuffer`, divided into slots; the data are
//! the frames of a caller, who sleeps here until the device is done with them.
//!
//! ```text
//! slot:  | type u32 | 0 u32 | sector u64 | status u8 | unused |      32 bytes
//! ```
//!
//! As many commands are under way as there are slots and room in the queue, of one caller's batch and of
//! several callers. A slot goes from `Free` to `Busy` when a command is submitted, to `Done` when the interrupt
//! finds it in the used ring, and back to `Free` when its caller has taken the result.
//!
//! # When an interrupt does not come
//!
//! Nobody would ever wake the callers of a lost interrupt. So while commands are under way an alarm rings every
//! `PATIENCE`, and if some of them are older than that, looks into the used ring as the interrupt would have.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use abi::Errno;

use super::mmio::Transport;
use super::queue::{Queue, Segment};
use crate::arch::irq::{self, Trigger};
use crate::drivers::block::{self, BlockDevice, Request};
use crate::mm::address::PAGE_SIZE;
use crate::mm::dma::DmaBuffer;
use crate::mm::frame::Frame;
use crate::sched::timer::{Alarm, Purpose};
use crate::sync::{Once, SpinGuard, SpinLock, WaitQueue, try_current};
use crate::time::now_ns;

/// Feature bits (5.2.3).
const F_SEG_MAX: u64 = 1 << 2;
const F_FLUSH: u64 = 1 << 9;
/// Offsets in the configuration (5.2.4).
const CONFIG_CAPACITY: usize = 0;
const CONFIG_SEG_MAX: usize = 12;

/// Request types (5.2.6).
const T_IN: u32 = 0;
const T_OUT: u32 = 1;
const T_FLUSH: u32 = 4;

const QUEUE_SIZE: u16 = 128;
/// Bytes of a sector, the unit of the device.
const SECTOR: u64 = 512;
const SECTORS_PER_BLOCK: u64 = PAGE_SIZE as u64 / SECTOR;
/// Most frames of one request: it leaves room for others in the queue.
const MAX_FRAMES: usize = 32;

/// Commands under way.
const SLOTS: usize = 64;
/// Bytes of a slot, and where the status is in it.
const SLOT_SIZE: usize = 32;
const STATUS: usize = 16;
const HEADER_LEN: u32 = 16;
/// What is in the status byte until the device writes it.
const STATUS_PENDING: u8 = 0xff;

/// Nanoseconds after which a command is worth a look.
const PATIENCE: u64 = 1_000_000_000;

/// What goes to the device in one piece.
#[derive(Clone, Copy)]
struct Command<'a> {
    kind: u32,
    sector: u64,
    frames: &'a [Frame],
}

impl Command<'_> {
    fn sectors(&self) -> u64 {
        self.frames.len() as u64 * SECTORS_PER_BLOCK
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slot {
    Free,
    Busy {
        kind: u32,
        sector: u64,
        sectors: u64,
        /// When it was submitted, as `time::now_ns` counts.
        since: u64,
    },
    Done(Result<(), Errno>),
}

struct State {
    queue: Queue,
    /// Headers and status bytes.
    memory: DmaBuffer,
    slots: [Slot; SLOTS],
    /// The slot of each head in the queue.
    slot_of_head: Vec<u8>,
    /// An alarm is set that will look after the commands under way.
    is_watched: bool,
}

struct Device {
    transport: Transport,
    state: SpinLock<State>,
    /// Woken when commands finish, so that there is a result, or room for more.
    changed: WaitQueue,
    /// What the alarm does.
    look: Once<Arc<dyn Fn() + Send + Sync>>,
    sectors: u64,
    max_frames: usize,
    can_flush: bool,
}

struct VirtioBlock(Arc<Device>);

/// Takes over a disk and adds it as `vda`, `vdb`, ...
pub fn attach(transport: Transport) -> Result<(), Errno> {
    let features = transport.start(F_SEG_MAX | F_FLUSH)?;
    let queue = transport.queue(0, QUEUE_SIZE)?;
    let size = usize::from(queue.size());
    let max_segments = match features & F_SEG_MAX {
        0 => 1,
        _ => transport.config_u32(CONFIG_SEG_MAX) as usize,
    };
    let device = Arc::new(Device {
        sectors: transport.config_u64(CONFIG_CAPACITY),
        max_frames: max_segments
            .min(size.saturating_sub(2))
            .clamp(1, MAX_FRAMES),
        can_flush: features & F_FLUSH != 0,
        state: SpinLock::new(
            c"disk",
            State {
                queue,
                memory: DmaBuffer::new(SLOTS * SLOT_SIZE)?,
                slots: [Slot::Free; SLOTS],
                slot_of_head: vec![0; size],
                is_watched: false,
            },
        ),
        changed: WaitQueue::new(c"disk"),
        look: Once::new(),
        transport,
    });
    let for_interrupt = device.clone();
    irq::register(
        device.transport.irq(),
        c"virtio_blk",
        Trigger::Level,
        Box::new(move || for_interrupt.interrupt()),
    );
    let for_alarm = device.clone();
    device.look.set(Arc::new(move || for_alarm.look()));
    device.transport.drive();
    let name = format!("vd{}", (b'a' + block::all().len() as u8) as char);
    crate::info!(
        "{name}: virtio disk at {:#x}, {} KiB",
        device.transport.address(),
        device.sectors / 2
    );
    block::add(name, Box::new(VirtioBlock(device)));
    Ok(())
}

impl State {
    /// Hands a command to the device; `None` if there is no room for it now.
    fn submit(&mut self, command: Command) -> Option<usize> {
        let slot = self.slots.iter().position(|slot| *slot == Slot::Free)?;
        let memory = self.slot_memory(slot);
        // SAFETY: the slot is free, so the device has no business with its memory.
        unsafe {
            memory.cast::<u32>().write_volatile(command.kind.to_le());
            memory.add(4).cast::<u32>().write_volatile(0);
            memory
                .add(8)
                .cast::<u64>()
                .write_volatile(command.sector.to_le());
            memory.add(STATUS).write_volatile(STATUS_PENDING);
        }
        let at = self.memory.phys().plus((slot * SLOT_SIZE) as u64);
        let mut chain = Vec::with_capacity(command.frames.len() + 2);
        chain.push(Segment {
            at,
            len: HEADER_LEN,
            for_device_to_write: false,
        });
        chain.extend(command.frames.iter().map(|frame| Segment {
            at: frame.address(),
            len: PAGE_SIZE as u32,
            for_device_to_write: command.kind == T_IN,
        }));
        chain.push(Segment {
            at: at.plus(STATUS as u64),
            len: 1,
            for_device_to_write: true,
        });
        // SAFETY: `perform` holds the frames until the slot is done.
        let head = unsafe { self.queue.add(&chain) }?;
        let (kind, sector, sectors) = (command.kind, command.sector, command.sectors());
        let pid = try_current().map_or(0, |process| process.pid);
        crate::probe!(block_rq_issue, sector, sectors, kind != T_IN, pid);
        self.slots[slot] = Slot::Busy {
            kind,
            sector,
            sectors,
            since: now_ns(),
        };
        self.slot_of_head[usize::from(head)] = slot as u8;
        Some(slot)
    }

    fn slot_memory(&self, slot: usize) -> *mut u8 {
        // SAFETY: the buffer has room for all slots.
        unsafe { self.memory.as_ptr().add(slot * SLOT_SIZE) }
    }

    /// Notes what the device has finished; tells whether there was something.
    fn collect(&mut self) -> bool {
        let mut some = false;
        while let Some((head, _)) = self.queue.take_used() {
            let slot = usize::from(self.slot_of_head[usize::from(head)]);
            // SAFETY: the device has written the status and is done with the slot.
            let status = unsafe { self.slot_memory(slot).add(STATUS).read_volatile() };
            let result = if status == 0 { Ok(()) } else { Err(Errno::EIO) };
            if let Slot::Busy {
                kind,
                sector,
                sectors,
                ..
            } = self.slots[slot]
            {
                crate::probe!(
                    block_rq_complete,
                    sector,
                    sectors,
                    kind != T_IN,
                    if status == 0 {
                        0
                    } else {
                        Errno::EIO.to_result()
                    }
                );
            }
            self.slots[slot] = Slot::Done(result);
            some = true;
        }
        some
    }

    /// The result of the command in `slot`, once it is finished; the slot is free then.
    fn take_result(&mut self, slot: usize) -> Option<Result<(), Errno>> {
        let Slot::Done(result) = self.slots[slot] else {
            return None;
        };
        self.slots[slot] = Slot::Free;
        Some(result)
    }
}

impl Device {
    fn interrupt(&self) {
        self.transport.acknowledge_interrupt();
        if self.state.lock().collect() {
            self.changed.wake_all();
        }
    }

    /// Has an alarm look after the commands under way, unless one does already.
    fn watch(&self, state: &mut State) {
        if let (false, Some(look)) = (state.is_watched, self.look.get()) {
            state.is_watched = true;
            Alarm::with_purpose(Purpose::Look(look.clone()), now_ns() + PATIENCE);
        }
    }

    /// The alarm has rung: a command that is finished and older than that has lost its interrupt.
    fn look(&self) {
        let mut state = self.state.lock();
        state.is_watched = false;
        let now = now_ns();
        let (mut busy, mut overdue) = (false, false);
        for slot in &state.slots {
            if let Slot::Busy { since, .. } = *slot {
                busy = true;
                overdue |= since + PATIENCE <= now;
            }
        }
        let mut found = false;
        if overdue {
            self.transport.acknowledge_interrupt();
            found = state.collect();
        }
        if busy {
            self.watch(&mut state);
        }
        drop(state);
        if found {
            crate::warning!(
                "virtio disk at {:#x}: an interrupt was lost; its requests were found finished",
                self.transport.address()
            );
            self.changed.wake_all();
        }
    }

    /// Waits until commands finish. Before there are processes nobody can sleep: then it asks the device.
    fn wait<'a>(&self, mut state: SpinGuard<'a, State>) -> SpinGuard<'a, State> {
        if try_current().is_some_and(|process| !process.is_idle()) {
            return self.changed.sleep_uninterruptible(state);
        }
        while !state.collect() {
            core::hint::spin_loop();
        }
        state
    }

    /// Performs commands, as many at a time as fit.
    fn perform(&self, commands: &[Command]) -> Result<(), Errno> {
        let mut waiting = commands.iter();
        let mut next = waiting.next();
        let mut under_way: Vec<usize> = Vec::with_capacity(commands.len().min(SLOTS));
        let mut outcome = Ok(());
        let mut state = self.state.lock();
        while next.is_some() || !under_way.is_empty() {
            let mut submitted = false;
            while let Some(slot) = next.and_then(|command| state.submit(*command)) {
                under_way.push(slot);
                next = waiting.next();
                submitted = true;
            }
            if submitted {
                self.transport.notify(&state.queue);
                self.watch(&mut state);
            }
            let before = under_way.len();
            under_way.retain(|&slot| match state.take_result(slot) {
                Some(result) => {
                    outcome = outcome.and(result);
                    false
                }
                None => true,
            });
            if under_way.len() == before {
                state = self.wait(state);
            }
        }
        outcome
    }
}

impl BlockDevice for VirtioBlock {
    fn blocks(&self) -> u32 {
        u32::try_from(self.0.sectors / SECTORS_PER_BLOCK).unwrap_or(u32::MAX)
    }

    fn perform(&self, requests: &[Request]) -> Result<(), Errno> {
        let mut commands = Vec::new();
        for request in requests {
            let (kind, block, frames) = match *request {
                Request::Read { block, frames } => (T_IN, block, frames),
                Request::Write { block, frames } => (T_OUT, block, frames),
                Request::Flush if self.0.can_flush => {
                    commands.push(Command {
                        kind: T_FLUSH,
                        sector: 0,
                        frames: &[],
                    });
                    continue;
                }
                Request::Flush => continue,
            };
            let mut sector = u64::from(block) * SECTORS_PER_BLOCK;
            for frames in frames.chunks(self.0.max_frames) {
                let command = Command {
                    kind,
                    sector,
                    frames,
                };
                sector += command.sectors();
                commands.push(command);
            }
        }
        self.0.perform(&commands)
    }
}
