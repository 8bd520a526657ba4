//! What is measured while a line runs: a sink of records that keeps, for each check, what it needs and no more.
//!
//! The line begins with the first program's first fork and ends with its call to switch the machine off. Both are system
//! calls of user code, which the hardware sees; what happens before and after is not looked at.

use super::check::{self, Check, Expected, Quantity};
use super::predicate::Predicate;
use super::said::Said;
use super::shared::SharedPages;
use crate::trace::kind::{Kind, Kinds, SYS_ENTER, index_of};
use crate::trace::model::{Model, arg_of};
use crate::trace::record::{Body, Record};
use crate::trace::schedule;
use crate::trace::schedule::accounts::Accounts;
use crate::trace::sink::Sink;
use crate::trace::tasks;
use abi::nr;
use base::Time;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

const ALLOC: usize = index_of("frame_alloc");
const FREE: usize = index_of("frame_free");
const MISS: usize = index_of("page_cache_miss");
const EVICT: usize = index_of("page_evict");

/// What was measured for a check.
#[derive(Clone, Debug)]
enum Measure {
    /// How often it happened.
    Count(Predicate, u64),
    /// Which pages are shared.
    Shared(SharedPages),
    /// How many of them happened, each after the one before.
    Order(Vec<Predicate>, usize),
    /// When it first happened, on which CPU and in whose name, if it did.
    Never(Predicate, Option<(Time, u8, u32)>),
}

/// Where the run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Boot,
    Line,
    Over,
}

/// The measures of a test's checks.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    measures: BTreeMap<usize, Measure>,
    stage: Stage,
    frames: Frames,
    accounts: Option<Rc<RefCell<Accounts>>>,
    said: Said,
}

/// Page frames that are in use: fewer are free than at first. Those of the page cache are not counted.
#[derive(Clone, Copy, Debug, Default)]
struct Frames {
    /// How many were free when the kernel first told.
    first: Option<i64>,
    now: i64,
    before: Option<i64>,
    after: Option<i64>,
    /// The most at any time of the line.
    most: i64,
    /// Pages that the page cache has taken.
    cached: i64,
}

impl Frames {
    /// So many are free now.
    fn free(&mut self, free: u64) {
        let free = i64::try_from(free).unwrap_or(i64::MAX);
        let first = *self.first.get_or_insert(free);
        self.now = first.saturating_sub(free);
    }

    /// In use now.
    fn used(&self) -> Option<i64> {
        self.first.map(|_| self.now.saturating_sub(self.cached))
    }
}

/// What a check finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A number.
    Number(i64),
    /// How many events of an order happened.
    Reached(usize),
    /// When and where it happened.
    At(Time, u8, u32),
    /// Nothing.
    Nothing,
}

impl Measures {
    /// Measures for those of the checks, by index, that are about events, on a machine of `cpus` CPUs.
    pub fn new<'a>(checks: impl Iterator<Item = (usize, &'a Check)>, cpus: usize) -> Self {
        let mut measures = Self::default();
        for (index, check) in checks {
            let measure = match &check.expected {
                Expected::Count(what, _) => Measure::Count(what.clone(), 0),
                Expected::SharedPages(process, _) => Measure::Shared(SharedPages::new(process)),
                Expected::Order(list) => Measure::Order(list.clone(), 0),
                Expected::Never(what) => Measure::Never(what.clone(), None),
                Expected::Time(..) => {
                    measures.accounts = Some(Rc::new(RefCell::new(Accounts::new(cpus, None))));
                    continue;
                }
                _ => continue,
            };
            measures.measures.insert(index, measure);
        }
        measures
    }

    /// The kinds of records that these checks need.
    pub fn kinds<'a>(checks: impl Iterator<Item = &'a Check>) -> Kinds {
        let of = |list: &[Predicate]| list.iter().map(Predicate::kind).collect::<Kinds>();
        let mut kinds = Kinds::NONE;
        for check in checks {
            let needed = match &check.expected {
                Expected::Count(what, _) | Expected::Never(what) => of(std::slice::from_ref(what)),
                Expected::Order(list) => of(list),
                Expected::FreeFrames(..) => [ALLOC, FREE, MISS, EVICT]
                    .map(Kind::of_probe)
                    .into_iter()
                    .collect(),
                Expected::SharedPages(..) => [Kind::PAGE_WALK].into_iter().collect(),
                Expected::Time(..) => schedule::kinds(),
                Expected::Output(_) | Expected::OutputMatches(_) => Kinds::NONE,
                _ => continue,
            };
            let who = tasks::kinds().or([Kind::of_probe(SYS_ENTER)].into_iter().collect());
            kinds = kinds.or(needed).or(who);
        }
        kinds
    }

    /// The run is over at `now`.
    pub fn close(&mut self, now: Time) {
        if let Some(accounts) = &self.accounts {
            accounts.borrow_mut().close(now);
        }
    }

    /// What the check with this index finds.
    pub fn found(&self, index: usize) -> Found {
        match self.measures.get(&index) {
            Some(Measure::Count(_, count)) => {
                Found::Number(i64::try_from(*count).unwrap_or(i64::MAX))
            }
            Some(Measure::Shared(pages)) => Found::Number(pages.count()),
            Some(Measure::Order(_, reached)) => Found::Reached(*reached),
            Some(Measure::Never(_, Some((time, cpu, pid)))) => Found::At(*time, *cpu, *pid),
            Some(Measure::Never(_, None)) | None => Found::Nothing,
        }
    }

    /// Whether the line has begun, as the hardware saw it.
    pub fn has_line(&self) -> bool {
        self.stage != Stage::Boot
    }

    /// What programs wrote.
    pub const fn said(&self) -> &Said {
        &self.said
    }

    /// How many page frames are gone, if the kernel tells of them.
    pub fn frames(&self, which: check::Frames) -> Option<i64> {
        let (before, after) = (self.frames.before?, self.frames.after?);
        Some(match which {
            check::Frames::Lost => after.saturating_sub(before),
            check::Frames::Used => self.frames.most,
        })
    }

    /// This time, in nanoseconds, of each process that was last called so, as far as it got.
    pub fn times(&self, comm: &str, quantity: Quantity) -> Vec<i64> {
        let wanted = tasks::kept(comm.as_bytes());
        let Some(accounts) = self.accounts.as_ref().map(|accounts| accounts.borrow()) else {
            return Vec::new();
        };
        let time = accounts
            .processes()
            .filter(|process| process.comm == wanted)
            .filter_map(|process| match quantity {
                Quantity::Waiting => Some(process.account.waiting),
                Quantity::Running => Some(process.account.running),
                Quantity::Turnaround => process.turnaround(),
                Quantity::Response => process.response(),
            });
        time.map(|time| i64::try_from(time.0).unwrap_or(i64::MAX))
            .collect()
    }

    /// Which part of the run the record begins, if any.
    fn advance(&mut self, record: &Record) {
        let Body::SysEnter { number, args, .. } = &record.body else {
            return;
        };
        match *number {
            nr::FORK | nr::VFORK | nr::CLONE if self.stage == Stage::Boot => {
                self.stage = Stage::Line;
                self.frames.before = self.frames.used();
            }
            nr::REBOOT if self.stage == Stage::Line && args[2] as u32 == abi::reboot::POWER_OFF => {
                self.stage = Stage::Over;
                self.frames.after = self.frames.used();
            }
            _ => {}
        }
    }

    fn count_frames(&mut self, record: &Record) {
        let Body::Kernel { probe, args, .. } = &record.body else {
            return;
        };
        let frames = &mut self.frames;
        match usize::from(*probe) {
            ALLOC => frames.free(args[const { arg_of(ALLOC, "free") }]),
            FREE => frames.free(args[const { arg_of(FREE, "free") }]),
            MISS => {
                let pages = args[const { arg_of(MISS, "pages") }] as i64;
                frames.cached = frames.cached.saturating_add(pages);
            }
            EVICT => frames.cached = frames.cached.saturating_sub(1),
            _ => return,
        }
        if self.stage == Stage::Line {
            frames.most = frames.most.max(frames.used().unwrap_or(0));
        }
    }
}

impl Sink for Rc<RefCell<Measures>> {
    fn record(&mut self, record: &Record, model: &Model) -> io::Result<()> {
        self.borrow_mut().take(record, model)
    }

    fn finish(&mut self, _: &Model) -> io::Result<()> {
        Ok(())
    }
}

impl Measures {
    fn take(&mut self, record: &Record, model: &Model) -> io::Result<()> {
        if let Some(accounts) = &mut self.accounts
            && schedule::kinds().has(Kind::of(&record.body))
        {
            accounts.record(record, model)?;
        }
        self.advance(record);
        self.count_frames(record);
        self.said.hear(record);
        if self.stage != Stage::Line {
            return Ok(());
        }
        for measure in self.measures.values_mut() {
            match measure {
                Measure::Count(what, count) if what.holds(record, model) => *count += 1,
                Measure::Shared(pages) => pages.hear(record, model),
                Measure::Order(list, reached) => {
                    let next = list.get(*reached);
                    *reached += usize::from(next.is_some_and(|what| what.holds(record, model)));
                }
                Measure::Never(what, first @ None) if what.holds(record, model) => {
                    *first = Some((record.time, record.cpu, record.pid));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
