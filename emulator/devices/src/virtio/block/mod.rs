//! The block device (5.2): a disk whose requests take virtual time and whose writes are volatile until flushed.
//!
//! Key type: [`Block`], inside `Mmio<Block>`. A request is parsed and given its time when the driver notifies, and
//! carried out when that time comes, so several are in flight and may complete in another order than they came.
//! Neighbours: `disk` is what is stored, `latency` the model of time. After each access the board calls
//! [`Mmio::vary`], where the run's chooser says what varies about new requests, and what goes wrong with them.

mod disk;
mod latency;

use super::queue::{Chain, QueueError};
use super::{Backend, Link, Mmio};
use base::event::{DiskOp, Event, Log};
use base::{Chooser, Codec, CodecError, Cut, Fault, Site, State, Struck, Time};

pub use disk::{Change, Disk, Medium, MediumError, SECTOR, View};
use latency::Head;
pub use latency::Latency;

/// Feature bits (5.2.3).
mod feature {
    pub const SEG_MAX: u64 = 1 << 2;
    pub const RO: u64 = 1 << 5;
    pub const BLK_SIZE: u64 = 1 << 6;
    pub const FLUSH: u64 = 1 << 9;
    pub const TOPOLOGY: u64 = 1 << 10;
    pub const CONFIG_WCE: u64 = 1 << 11;
}

/// Offsets in the configuration space (5.2.4).
mod config {
    pub const CAPACITY: usize = 0;
    pub const SEG_MAX: usize = 12;
    pub const BLK_SIZE: usize = 20;
    pub const PHYSICAL_BLOCK_EXP: usize = 24;
    pub const WRITEBACK: usize = 32;
    pub const LEN: usize = 36;
}

/// Request types (5.2.6).
mod kind {
    pub const IN: u32 = 0;
    pub const OUT: u32 = 1;
    pub const FLUSH: u32 = 4;
    pub const GET_ID: u32 = 8;
}

/// What the last byte of a request says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Ok = 0,
    IoErr = 1,
    Unsupported = 2,
}

const QUEUE_SIZE: u16 = 256;
/// Two descriptors of a request are its header and its status.
const SEGMENTS: u32 = QUEUE_SIZE as u32 - 2;
/// Bytes of the header: type, reserved, sector.
const HEADER: u64 = 16;
/// Bytes of the serial number that GET_ID returns.
const ID_LEN: usize = 20;
/// A page is eight sectors: the size below which a write makes us read first.
const PHYSICAL_BLOCK_EXP: u8 = 3;

/// A request in flight.
#[derive(Clone, Debug, Default)]
struct Request {
    chain: Chain,
    kind: u32,
    sector: u64,
    due: Time,
    /// The chooser has been asked about it.
    chosen: bool,
    /// What goes wrong when it is carried out.
    fault: Wrong,
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Wrong {
    #[default]
    Nothing,
    /// It fails.
    Error,
    /// Only so many bytes are transferred.
    Torn(u32),
    /// Nothing is done.
    Lost,
    /// The power goes.
    Cut(Cut),
}

/// What a disk has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Read requests completed.
    pub reads: u64,
    /// Write requests completed.
    pub writes: u64,
    /// Flushes completed.
    pub flushes: u64,
    /// Sectors read.
    pub sectors_read: u64,
    /// Sectors written.
    pub sectors_written: u64,
    /// Requests that ended in an error.
    pub errors: u64,
}

/// A disk drive.
pub struct Block {
    id: [u8; ID_LEN],
    disk: Disk,
    latency: Latency,
    head: Head,
    config: [u8; config::LEN],
    features: u64,
    in_flight: Vec<Request>,
    counters: Counters,
    /// The power has gone.
    off: bool,
    /// What an observer is told; the host's, no state of the drive.
    pub log: Log,
}

impl Block {
    /// A drive that holds `medium` and calls itself `id` (at most 20 bytes count).
    pub fn new(medium: Box<dyn Medium>, id: &str, latency: Latency) -> Self {
        let disk = Disk::new(medium);
        let mut space = [0; config::LEN];
        let mut put = |at: usize, bytes: &[u8]| space[at..at + bytes.len()].copy_from_slice(bytes);
        put(config::CAPACITY, &disk.sectors().to_le_bytes());
        put(config::SEG_MAX, &SEGMENTS.to_le_bytes());
        put(config::BLK_SIZE, &(SECTOR as u32).to_le_bytes());
        put(config::PHYSICAL_BLOCK_EXP, &[PHYSICAL_BLOCK_EXP]);
        put(config::WRITEBACK, &[1]);
        let mut padded = [0; ID_LEN];
        padded
            .iter_mut()
            .zip(id.bytes())
            .for_each(|(to, from)| *to = from);
        Self {
            id: padded,
            disk,
            latency,
            head: Head::default(),
            config: space,
            features: 0,
            in_flight: Vec::new(),
            counters: Counters::default(),
            off: false,
            log: Log::default(),
        }
    }

    /// What is stored.
    pub const fn disk(&self) -> &Disk {
        &self.disk
    }

    /// What is stored, for the host's own reads and for a power cut.
    pub const fn disk_mut(&mut self) -> &mut Disk {
        &mut self.disk
    }

    /// What was done so far.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// How long its requests take.
    pub const fn latency(&self) -> &Latency {
        &self.latency
    }

    /// Whether the power has gone.
    pub const fn is_off(&self) -> bool {
        self.off
    }

    /// The power goes: what no flush has made durable is lost, or just made it, as `cut` says.
    pub fn cut(&mut self, cut: Cut) {
        self.off = true;
        self.in_flight.clear();
        if cut.kept {
            self.disk.flush();
        } else {
            self.disk.drop_cache();
        }
    }

    /// Requests that are not complete.
    pub fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// Those requests, in the order in which they came: what to do, the first sector, and when it will be done.
    pub fn requests(&self) -> impl Iterator<Item = (DiskOp, u64, Time)> {
        self.in_flight
            .iter()
            .map(|request| (operation(request.kind), request.sector, request.due))
    }

    /// Whether a write may stay in the cache (5.2.6.2): what the driver set, else whether it knows of flushes.
    const fn writes_back(&self) -> bool {
        if self.features & feature::CONFIG_WCE != 0 {
            self.config[config::WRITEBACK] != 0
        } else {
            self.features & feature::FLUSH != 0
        }
    }

    /// Reads a new request's header and decides when it will be done.
    fn parse(&mut self, chain: Chain, link: &Link<'_>) -> Result<Request, QueueError> {
        let header = chain
            .gather(link.ram, 0, HEADER)
            .try_into()
            .map(u128::from_le_bytes);
        let header = header.map_err(|_| QueueError("a disk request has no header"))?;
        let (kind, sector) = (header as u32, (header >> 64) as u64);
        if chain.writable_len() == 0 {
            return Err(QueueError("a disk request has no place for its status"));
        }
        let bytes = match kind {
            kind::IN => chain.writable_len() - 1,
            kind::OUT => chain.readable_len() - HEADER,
            _ => 0,
        };
        self.log.push(link.now, || Event::DiskIssue {
            request: u64::from(chain.head),
            op: operation(kind),
            sector,
            sectors: bytes.div_ceil(SECTOR).try_into().unwrap_or(u32::MAX),
        });
        let due = self
            .head
            .take(&self.latency, link.now, sector, bytes.div_ceil(SECTOR));
        Ok(Request {
            chain,
            kind,
            sector,
            due,
            chosen: false,
            fault: Wrong::Nothing,
        })
    }

    /// Carries a request out, unless that goes wrong; gives its status and how much it wrote in front of that.
    fn carry_out(&mut self, request: &Request, link: &mut Link<'_>) -> (Status, u64) {
        let chain = &request.chain;
        // How many bytes of the data are transferred.
        let most = match request.fault {
            Wrong::Error => return (Status::IoErr, 0),
            Wrong::Torn(bytes) => u64::from(bytes),
            Wrong::Lost => 0,
            Wrong::Nothing | Wrong::Cut(_) => u64::MAX,
        };
        match request.kind {
            kind::IN => {
                let len = chain.writable_len() - 1;
                let Some(offset) = self.range(request.sector, len) else {
                    return (Status::IoErr, 0);
                };
                let mut bytes = vec![0; len.min(most) as usize];
                if self.disk.read(View::Cached, offset, &mut bytes).is_err() {
                    return (Status::IoErr, 0);
                }
                self.counters.reads += 1;
                self.counters.sectors_read += len / SECTOR;
                chain.scatter(link.ram, 0, &bytes);
                (Status::Ok, len)
            }
            kind::OUT => {
                let len = chain.readable_len() - HEADER;
                let bytes = chain.gather(link.ram, HEADER, len.min(most));
                let offset = self
                    .range(request.sector, len)
                    .filter(|_| !self.disk.read_only());
                let written = offset.and_then(|offset| self.disk.write(offset, &bytes).ok());
                if written.is_none() {
                    return (Status::IoErr, 0);
                }
                if !self.writes_back() {
                    self.disk.flush();
                }
                self.counters.writes += 1;
                self.counters.sectors_written += len / SECTOR;
                (Status::Ok, 0)
            }
            kind::FLUSH => {
                if request.fault != Wrong::Lost {
                    self.disk.flush();
                }
                self.counters.flushes += 1;
                (Status::Ok, 0)
            }
            kind::GET_ID => {
                let room = (chain.writable_len() - 1).min(ID_LEN as u64) as usize;
                (Status::Ok, chain.scatter(link.ram, 0, &self.id[..room]))
            }
            _ => (Status::Unsupported, 0),
        }
    }

    /// The power goes while `request` is carried out: part of a write may be on the medium.
    fn cut_during(&mut self, request: &Request, cut: Cut, link: &Link<'_>) {
        let len = request.chain.readable_len() - HEADER;
        let range = self.range(request.sector, len);
        self.cut(cut);
        if let (kind::OUT, Some(offset)) = (request.kind, range)
            && !self.disk.read_only()
        {
            let torn = len.min(u64::from(cut.torn));
            let bytes = request.chain.gather(link.ram, HEADER, torn);
            // A medium that cannot be read has no place for a part of a page.
            let _ = self.disk.write(offset, &bytes);
            self.disk.flush();
        }
    }

    /// The byte offset of `len` bytes at `sector`, if they are whole sectors of the disk.
    fn range(&self, sector: u64, len: u64) -> Option<u64> {
        let end = sector.checked_add(len / SECTOR)?;
        (len.is_multiple_of(SECTOR) && end <= self.disk.sectors()).then(|| sector * SECTOR)
    }

    /// Takes new requests, as many as may be in flight: a driver could otherwise post the same one for ever.
    fn take_new(&mut self, link: &mut Link<'_>) -> Result<(), QueueError> {
        while !self.off && self.in_flight.len() < usize::from(QUEUE_SIZE) {
            let Some(chain) = link.pop(0)? else {
                break;
            };
            let request = self.parse(chain, link)?;
            self.in_flight.push(request);
        }
        Ok(())
    }
}

impl Mmio<Block> {
    /// Asks `chooser` about the requests that are new: what varies about their time, and what goes wrong. To be called
    /// after each access, and after each advance.
    pub fn vary(&mut self, chooser: &mut dyn Chooser, now: Time) {
        let block = self.backend_mut();
        let jitter = block.latency.jitter;
        for request in block.in_flight.iter_mut().filter(|request| !request.chosen) {
            request.chosen = true;
            if jitter >= 2 {
                let more = chooser.choose(Site::DiskLatency, jitter);
                request.due = request.due + Time(more);
            }
            let site = Site::Disk(operation(request.kind));
            let Some(Struck { count, fault }) = chooser.pass(site) else {
                continue;
            };
            block.log.push(now, || Event::Fault { site, count, fault });
            match fault {
                Fault::Error => request.fault = Wrong::Error,
                Fault::Torn(bytes) => request.fault = Wrong::Torn(bytes),
                Fault::Lost => request.fault = Wrong::Lost,
                Fault::Late(time) => request.due = request.due + time,
                Fault::Cut(cut) => request.fault = Wrong::Cut(cut),
                Fault::Twice | Fault::Value(_) | Fault::Flip { .. } => {}
            }
        }
    }

    /// Whether there are requests that [`Mmio::vary`] has to see.
    pub fn has_new(&self) -> bool {
        self.backend()
            .in_flight
            .iter()
            .any(|request| !request.chosen)
    }
}

/// What a request's type asks for.
const fn operation(kind: u32) -> DiskOp {
    match kind {
        kind::IN => DiskOp::Read,
        kind::OUT => DiskOp::Write,
        kind::FLUSH => DiskOp::Flush,
        _ => DiskOp::Other,
    }
}

impl Backend for Block {
    fn name(&self) -> &'static str {
        "virtio_block"
    }

    fn device_id(&self) -> u32 {
        2
    }

    fn features(&self) -> u64 {
        let read_only = if self.disk.read_only() {
            feature::RO
        } else {
            0
        };
        feature::SEG_MAX
            | feature::BLK_SIZE
            | feature::FLUSH
            | feature::TOPOLOGY
            | feature::CONFIG_WCE
            | read_only
    }

    fn queue_sizes(&self) -> Vec<u16> {
        vec![QUEUE_SIZE]
    }

    fn config(&self) -> &[u8] {
        &self.config
    }

    /// Only the cache mode can be written; leaving write-back empties the cache.
    fn write_config(&mut self, offset: usize, bytes: &[u8]) {
        if offset == config::WRITEBACK && self.features & feature::CONFIG_WCE != 0 {
            self.config[config::WRITEBACK] = u8::from(bytes.first().is_some_and(|byte| *byte != 0));
            if !self.writes_back() {
                self.disk.flush();
            }
        }
    }

    fn activate(&mut self, features: u64) {
        self.features = features;
    }

    fn notify(&mut self, _queue: usize, link: &mut Link<'_>) -> Result<(), QueueError> {
        self.take_new(link)
    }

    /// Requests in flight are dropped unserved. What was written stays where it is.
    fn reset(&mut self) {
        self.in_flight.clear();
        self.features = 0;
        self.config[config::WRITEBACK] = 1;
    }

    fn reset_queue(&mut self, _queue: usize) {
        self.in_flight.clear();
    }

    fn deadline(&self) -> Time {
        if self.off {
            return Time::NEVER;
        }
        self.in_flight
            .iter()
            .map(|request| request.due)
            .min()
            .unwrap_or(Time::NEVER)
    }

    /// Completes what is due: the earliest first, and of equals the one that came first.
    fn advance(&mut self, link: &mut Link<'_>) -> Result<(), QueueError> {
        while let Some(index) = (0..self.in_flight.len()).min_by_key(|&i| self.in_flight[i].due) {
            if self.in_flight[index].due > link.now {
                break;
            }
            let request = self.in_flight.remove(index);
            if let Wrong::Cut(cut) = request.fault {
                self.cut_during(&request, cut, link);
                return Ok(());
            }
            let (status, written) = self.carry_out(&request, link);
            if status != Status::Ok {
                self.counters.errors += 1;
            }
            self.log.push(link.now, || Event::DiskComplete {
                request: u64::from(request.chain.head),
                ok: status == Status::Ok,
            });
            let last = request.chain.writable_len() - 1;
            request.chain.scatter(link.ram, last, &[status as u8]);
            link.complete(0, request.chain.head, written as u32 + 1)?;
        }
        self.take_new(link)
    }
}

impl State for Block {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("virtio_block", 2)?;
        self.disk.state(codec)?;
        self.head.state(codec)?;
        codec.u8(&mut self.config[config::WRITEBACK])?;
        codec.u64(&mut self.features)?;
        codec.list(&mut self.in_flight, |c, request| {
            request.chain.state(c)?;
            codec_request(c, request)
        })?;
        let counters = &mut self.counters;
        codec.bool(&mut self.off)?;
        for counter in [
            &mut counters.reads,
            &mut counters.writes,
            &mut counters.flushes,
            &mut counters.sectors_read,
            &mut counters.sectors_written,
            &mut counters.errors,
        ] {
            codec.u64(counter)?;
        }
        Ok(())
    }
}

/// A request but for its chain. Loaded bytes must not promise buffers that `carry_out` would miss.
fn codec_request(codec: &mut Codec<'_>, request: &mut Request) -> Result<(), CodecError> {
    codec.u32(&mut request.kind)?;
    codec.u64(&mut request.sector)?;
    codec.time(&mut request.due)?;
    codec.bool(&mut request.chosen)?;
    codec_wrong(codec, &mut request.fault)?;
    let chain = &request.chain;
    if chain.writable_len() == 0 || chain.readable_len() < HEADER {
        return Err(CodecError::BadValue {
            field: "disk request",
        });
    }
    Ok(())
}

fn codec_wrong(codec: &mut Codec<'_>, wrong: &mut Wrong) -> Result<(), CodecError> {
    let (mut kind, mut bytes, mut kept) = match *wrong {
        Wrong::Nothing => (0, 0, false),
        Wrong::Error => (1, 0, false),
        Wrong::Torn(bytes) => (2, bytes, false),
        Wrong::Lost => (3, 0, false),
        Wrong::Cut(Cut { torn, kept }) => (4, torn, kept),
    };
    codec.u8(&mut kind)?;
    codec.u32(&mut bytes)?;
    codec.bool(&mut kept)?;
    *wrong = match kind {
        0 => Wrong::Nothing,
        1 => Wrong::Error,
        2 => Wrong::Torn(bytes),
        3 => Wrong::Lost,
        4 => Wrong::Cut(Cut { torn: bytes, kept }),
        _ => return Err(CodecError::BadValue { field: "fault" }),
    };
    Ok(())
}

#[cfg(test)]
mod tests;
