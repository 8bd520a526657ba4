//! The disk's requests, as the disk sees them and as the kernel does, and the arrows between.
//!
//! The kernel issues a request, which the disk takes a little later and the kernel finds finished, in an interrupt as a
//! rule, a little after the disk has finished it. The two know each other by what is to be done with which sectors.

use super::Perfetto;
use super::packets::{Flow, Mark, Moment, Note, Notes, Phase};
use super::said::{Args, arg};
use super::state::Place;
use super::tracks::{Lanes, Track};
use crate::trace::model::Model;
use crate::trace::record::{Body, Record};
use base::Time;
use base::event::DiskOp;
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Write};

/// Most requests that are kept in mind; a disk's queue is shorter.
const MOST_REQUESTS: usize = 1024;

/// What is to be done with which sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Job {
    Read { sector: u64, sectors: u64 },
    Write { sector: u64, sectors: u64 },
    Flush,
    Other,
}

impl Job {
    /// A request of the kernel's; one without sectors is a flush.
    const fn of_kernel(sector: u64, sectors: u64, write: bool) -> Self {
        match (sectors, write) {
            (0, _) => Self::Flush,
            (_, false) => Self::Read { sector, sectors },
            (_, true) => Self::Write { sector, sectors },
        }
    }

    /// A request at the disk.
    const fn at_disk(op: DiskOp, sector: u64, sectors: u64) -> Self {
        match op {
            DiskOp::Read => Self::Read { sector, sectors },
            DiskOp::Write => Self::Write { sector, sectors },
            DiskOp::Flush => Self::Flush,
            DiskOp::Other => Self::Other,
        }
    }

    fn name(self) -> String {
        match self {
            Self::Read { sector, sectors } => format!("read {sector}+{sectors}"),
            Self::Write { sector, sectors } => format!("write {sector}+{sectors}"),
            Self::Flush => "flush".into(),
            Self::Other => "other".into(),
        }
    }

    fn notes(self) -> Notes {
        let mut notes = Notes::new();
        if let Self::Read { sector, sectors } | Self::Write { sector, sectors } = self {
            notes.push(("sector", Note::Unsigned(sector)));
            notes.push(("bytes", Note::Unsigned(sectors.saturating_mul(512))));
        }
        notes
    }
}

/// A request of the kernel's.
#[derive(Clone, Debug)]
struct Request {
    job: Job,
    /// Whose it is.
    pid: u32,
    flow: Flow,
    lane: usize,
    /// The disk has taken it.
    taken: bool,
}

/// What is in flight.
#[derive(Debug, Default)]
pub struct Disk {
    /// At the disk: the lanes of its requests by their numbers.
    at_disk: BTreeMap<u64, usize>,
    disk_lanes: Lanes,
    /// The kernel's.
    of_kernel: VecDeque<Request>,
    kernel_lanes: Lanes,
}

impl<W: Write> Perfetto<W> {
    /// The disk takes or finishes a request.
    pub(super) fn disk_works(&mut self, time: Time, body: &Body) -> io::Result<()> {
        match *body {
            Body::DiskIssue {
                request,
                op,
                sector,
                sectors,
            } => {
                if self.disk.at_disk.len() >= MOST_REQUESTS {
                    return Ok(());
                }
                let job = Job::at_disk(op, sector, sectors.into());
                let issued = &mut self.disk.of_kernel;
                let issued = issued.iter_mut().find(|r| r.job == job && !r.taken);
                let flow = issued.map(|issued| {
                    issued.taken = true;
                    issued.flow
                });
                let lane = self.disk.disk_lanes.take();
                // A number that is there already was not freed by a DiskComplete that we know of.
                if let Some(stale) = self.disk.at_disk.insert(request, lane) {
                    self.disk.disk_lanes.free(stale);
                }
                let track = self.packets.track(time, Track::AtDisk(lane))?;
                let mark = Mark {
                    name: &job.name(),
                    category: "disk",
                    flows: flow.as_slice(),
                    notes: &job.notes(),
                    ..Mark::default()
                };
                self.packets.mark(time, track, Phase::Begin, &mark)?;
            }
            Body::DiskComplete { request, ok } => {
                let Some(lane) = self.disk.at_disk.remove(&request) else {
                    return Ok(());
                };
                self.disk.disk_lanes.free(lane);
                let track = self.packets.track(time, Track::AtDisk(lane))?;
                let mark = Mark {
                    notes: &[("ok", Note::Bool(ok))],
                    ..Mark::default()
                };
                self.packets.mark(time, track, Phase::End, &mark)?;
            }
            _ => return Ok(()),
        }
        let count = self.disk.at_disk.len() as i64;
        self.packets.counter(time, Track::AtDiskCount, count)
    }

    /// The kernel issues a request.
    pub(super) fn request(&mut self, at: Moment, args: &Args, model: &Model) -> io::Result<()> {
        if self.disk.of_kernel.len() >= MOST_REQUESTS {
            return Ok(());
        }
        let job = Job::of_kernel(
            arg!(args, "block_rq_issue", "sector"),
            arg!(args, "block_rq_issue", "sectors"),
            arg!(args, "block_rq_issue", "write") != 0,
        );
        let pid = arg!(args, "block_rq_issue", "pid") as u32;
        let (flow, lane) = (self.packets.flow(), self.disk.kernel_lanes.take());
        self.disk.of_kernel.push_back(Request {
            job,
            pid,
            flow,
            lane,
            taken: false,
        });
        let mut notes = job.notes();
        let name = format!("disk {}", job.name());
        self.said(at, &name, "disk", &notes, &[flow])?;
        let track = self.packets.track(at.time, Track::OfKernel(lane))?;
        let issuer = format!("{} [{pid}]", model.comm(pid));
        notes.push(("issued_by", Note::Text(issuer)));
        let mark = Mark {
            name: &job.name(),
            category: "disk",
            notes: &notes,
            ..Mark::default()
        };
        self.packets.mark(at.time, track, Phase::Begin, &mark)?;
        self.count_requests(at.time)
    }

    /// The kernel finds a request finished.
    pub(super) fn request_ends(
        &mut self,
        at: Moment,
        args: &Args,
        record: &Record,
        model: &Model,
    ) -> io::Result<()> {
        let job = Job::of_kernel(
            arg!(args, "block_rq_complete", "sector"),
            arg!(args, "block_rq_complete", "sectors"),
            arg!(args, "block_rq_complete", "write") != 0,
        );
        let notes = self.notes(record, model);
        let name = format!("disk finished {}", job.name());
        let issued = &self.disk.of_kernel;
        let Some(index) = issued.iter().position(|request| request.job == job) else {
            return self.said(at, &name, "disk", &notes, &[]);
        };
        let Some(request) = self.disk.of_kernel.remove(index) else {
            return Ok(());
        };
        self.disk.kernel_lanes.free(request.lane);
        self.said(at, &name, "disk", &notes, &[request.flow])?;
        if self.place(at) == Place::Cpu {
            let finished = &mut self.cpu(at.cpu).finished;
            if finished.len() < MOST_REQUESTS {
                finished.push((request.pid, request.flow));
            }
        }
        let track = self.packets.track(at.time, Track::OfKernel(request.lane))?;
        let result = arg!(args, "block_rq_complete", "result") as i64;
        let mark = Mark {
            notes: &[("result", Note::Signed(result))],
            ..Mark::default()
        };
        self.packets.mark(at.time, track, Phase::End, &mark)?;
        self.count_requests(at.time)
    }

    fn count_requests(&mut self, time: Time) -> io::Result<()> {
        let count = self.disk.of_kernel.len() as i64;
        self.packets.counter(time, Track::OfKernelCount, count)
    }
}
