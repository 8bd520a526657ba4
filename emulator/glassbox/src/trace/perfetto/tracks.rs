//! The tracks that are no process's: what stands under what, in which order, with which name.
//!
//! ```text
//! CPUs     for each CPU: traps · machine · runnable tasks · TLB misses
//! Disk     requests at the disk · requests of the kernel · how many of each are in flight
//! Kernel   runnable tasks · free page frames · journal · console
//! ```
//!
//! Things that overlap without being nested, as requests in flight do, need a track each; tracks with the same name under
//! the same parent are drawn as one.

/// A track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Track {
    /// The group of what CPUs do.
    Cpus,
    /// The handlers that a CPU is in.
    Traps(u8),
    /// What else the hardware of a CPU does.
    Machine(u8),
    /// Tasks that run or wait for this CPU.
    CpuRunnable(u8),
    /// Page walks.
    TlbMisses(u8),
    /// The group of the disk.
    Disk,
    /// Requests that the disk works on.
    AtDisk(usize),
    /// Requests as the kernel sees them.
    OfKernel(usize),
    /// How many there are at the disk.
    AtDiskCount,
    /// How many the kernel waits for.
    OfKernelCount,
    /// The group of what the kernel does as a whole.
    Kernel,
    /// Tasks that run or wait for a CPU.
    Runnable,
    /// Frames that nobody uses.
    FreeFrames,
    /// Transactions.
    Journal(usize),
    /// Lines on the console.
    Console,
}

/// What is on a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Other tracks, by their ranks.
    Group,
    /// Slices and instants.
    Marks,
    /// Values with a unit.
    Counter(&'static str),
}

impl Track {
    /// The track that it stands under.
    pub const fn parent(self) -> Option<Self> {
        Some(match self {
            Self::Cpus | Self::Disk | Self::Kernel => return None,
            Self::Traps(_) | Self::Machine(_) | Self::CpuRunnable(_) | Self::TlbMisses(_) => {
                Self::Cpus
            }
            Self::AtDisk(_) | Self::OfKernel(_) | Self::AtDiskCount | Self::OfKernelCount => {
                Self::Disk
            }
            Self::Runnable | Self::FreeFrames | Self::Journal(_) | Self::Console => Self::Kernel,
        })
    }

    /// What is on it.
    pub const fn form(self) -> Form {
        match self {
            Self::Cpus | Self::Disk | Self::Kernel => Form::Group,
            Self::CpuRunnable(_) | Self::Runnable => Form::Counter("tasks"),
            Self::TlbMisses(_) => Form::Counter("misses / 100 us"),
            Self::AtDiskCount | Self::OfKernelCount => Form::Counter("requests"),
            Self::FreeFrames => Form::Counter("frames"),
            _ => Form::Marks,
        }
    }

    /// Its place among its siblings.
    pub fn rank(self) -> i64 {
        let of_cpu = |cpu: u8, place: i64| i64::from(cpu) * 4 + place;
        match self {
            Self::Traps(cpu) => of_cpu(cpu, 0),
            Self::Machine(cpu) => of_cpu(cpu, 1),
            Self::CpuRunnable(cpu) => of_cpu(cpu, 2),
            Self::TlbMisses(cpu) => of_cpu(cpu, 3),
            Self::AtDisk(_) | Self::Runnable => 0,
            Self::AtDiskCount | Self::FreeFrames => 1,
            Self::OfKernel(_) | Self::Journal(_) => 2,
            Self::OfKernelCount | Self::Console => 3,
            Self::Cpus | Self::Disk | Self::Kernel => 0,
        }
    }

    /// Its name.
    pub fn name(self) -> String {
        match self {
            Self::Cpus => "CPUs".into(),
            Self::Traps(cpu) => format!("CPU {cpu} traps"),
            Self::Machine(cpu) => format!("CPU {cpu} machine"),
            Self::CpuRunnable(cpu) => format!("CPU {cpu} runnable tasks"),
            Self::TlbMisses(cpu) => format!("CPU {cpu} TLB misses"),
            Self::Disk => "Disk".into(),
            Self::AtDisk(_) => "Requests at the disk".into(),
            Self::OfKernel(_) => "Requests of the kernel".into(),
            Self::AtDiskCount => "In flight at the disk".into(),
            Self::OfKernelCount => "In flight for the kernel".into(),
            Self::Kernel => "Kernel".into(),
            Self::Runnable => "Runnable tasks".into(),
            Self::FreeFrames => "Free page frames".into(),
            Self::Journal(_) => "Journal".into(),
            Self::Console => "Console".into(),
        }
    }

    /// What it shows, for the viewer's help.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Cpus => "What the CPUs do, beside running processes.",
            Self::Traps(_) => {
                "The handlers that the CPU is in: exceptions, system calls, interrupts. A process that is switched away \
                 from inside one takes it along: it goes on where the process goes on."
            }
            Self::Machine(_) => {
                "TLB flushes, address spaces, interrupt lines, device registers and what else was selected."
            }
            Self::CpuRunnable(_) => "Tasks that run on this CPU or are in its queue.",
            Self::TlbMisses(_) => "Page walks in each span of 100 microseconds.",
            Self::Disk => "The disk's requests.",
            Self::AtDisk(_) => "From the disk's taking a request to its finishing it.",
            Self::OfKernel(_) => {
                "From the kernel's issuing a request to its learning that it is finished."
            }
            Self::AtDiskCount => "Requests that the disk works on.",
            Self::OfKernelCount => "Requests whose end the kernel has not learnt of.",
            Self::Kernel => "What the kernel does as a whole.",
            Self::Runnable => "Tasks that run or are in a queue, over all CPUs.",
            Self::FreeFrames => "Page frames that nobody uses.",
            Self::Journal(_) => {
                "Transactions, from the first operation that may change the file system to the commit."
            }
            Self::Console => "Lines that go out on the console.",
        }
    }
}

/// Tracks of one name for things that overlap: each gets the lowest that is free.
#[derive(Debug, Default)]
pub struct Lanes {
    busy: Vec<bool>,
}

impl Lanes {
    /// Takes a lane.
    pub fn take(&mut self) -> usize {
        let lane = self.busy.iter().position(|busy| !busy);
        let lane = lane.unwrap_or_else(|| {
            self.busy.push(false);
            self.busy.len() - 1
        });
        self.busy[lane] = true;
        lane
    }

    /// Gives one back.
    pub fn free(&mut self, lane: usize) {
        if let Some(busy) = self.busy.get_mut(lane) {
            *busy = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_siblings_of_different_names_have_one_rank() {
        let mut tracks: Vec<Track> = (0..8)
            .flat_map(|cpu| {
                [
                    Track::Traps(cpu),
                    Track::Machine(cpu),
                    Track::CpuRunnable(cpu),
                    Track::TlbMisses(cpu),
                ]
            })
            .collect();
        tracks.extend([
            Track::AtDisk(0),
            Track::AtDisk(1),
            Track::OfKernel(0),
            Track::AtDiskCount,
            Track::OfKernelCount,
            Track::Runnable,
            Track::FreeFrames,
            Track::Journal(0),
            Track::Console,
        ]);
        for a in &tracks {
            for b in &tracks {
                if a.parent() == b.parent() {
                    assert_eq!(a.rank() == b.rank(), a.name() == b.name(), "{a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn what_overlaps_gets_different_lanes_and_free_ones_are_used_again() {
        let mut lanes = Lanes::default();
        assert_eq!([lanes.take(), lanes.take(), lanes.take()], [0, 1, 2]);
        lanes.free(1);
        assert_eq!([lanes.take(), lanes.take()], [1, 3]);
    }
}
