//! The chooser of a run: seeded choices, faults where they are planned, and how often each site was passed.
//!
//! What is planned is configuration, as the seed is; the counts and the stream of choices are machine state. So a run
//! that was saved and restored goes on counting, and may go on with another plan ([`Plan::arm`]).

use super::when::When;
use base::{Chooser, Codec, CodecError, Due, Fault, Seeded, Site, State, Struck, Time};
use std::collections::BTreeMap;

/// What triggers a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// These passes of a site.
    Passes(Site, When),
    /// A moment.
    Moment(Due),
}

/// A planned fault on a machine that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Armed {
    /// When.
    pub trigger: Trigger,
    /// What.
    pub fault: Fault,
}

/// The choices of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    choices: Seeded,
    /// Passes of each site so far.
    counts: BTreeMap<Site, u64>,
    armed: Vec<Armed>,
    /// How often each of them struck in this process; no machine state.
    strikes: Vec<u64>,
    /// When the next moment is; follows from the rest.
    due: Due,
    /// Moments before these have been.
    past: Due,
    /// In a series of [`Chooser::strike`], the next one to look at; else 0.
    cursor: usize,
}

impl Plan {
    /// The choices that belong to `seed`, with `armed` to go wrong. If several are meant by one pass, the first counts.
    pub fn new(seed: u64, armed: Vec<Armed>) -> Self {
        let mut plan = Self {
            choices: Seeded::new(seed),
            counts: BTreeMap::new(),
            armed: Vec::new(),
            strikes: Vec::new(),
            due: Due::NEVER,
            past: Due {
                time: Time(0),
                instructions: 0,
            },
            cursor: 0,
        };
        plan.arm(armed);
        plan
    }

    /// Has `armed` go wrong from now on, and nothing else. Counts go on from where they are.
    pub fn arm(&mut self, armed: Vec<Armed>) {
        self.strikes = vec![0; armed.len()];
        self.armed = armed;
        self.find_due();
    }

    /// What is planned, and how often it has struck so far.
    pub fn armed(&self) -> impl Iterator<Item = (&Armed, u64)> {
        self.armed.iter().zip(self.strikes.iter().copied())
    }

    /// How often `site` was passed since power-on.
    pub fn passes(&self, site: Site) -> u64 {
        self.counts.get(&site).copied().unwrap_or(0)
    }

    /// All sites that were passed, and how often.
    pub fn counts(&self) -> impl Iterator<Item = (Site, u64)> {
        self.counts.iter().map(|(site, count)| (*site, *count))
    }

    fn count(&mut self, site: Site) -> u64 {
        let count = self.counts.entry(site).or_insert(0);
        *count += 1;
        *count
    }

    /// The moment at which an armed fault strikes, if it waits for one that has not been.
    fn moment(&self, armed: &Armed) -> Option<Due> {
        let Trigger::Moment(moment) = armed.trigger else {
            return None;
        };
        let ahead = match moment.time {
            Time::NEVER => moment.instructions >= self.past.instructions,
            time => time >= self.past.time,
        };
        ahead.then_some(moment)
    }

    fn find_due(&mut self) {
        let moments = self.armed.iter().filter_map(|armed| self.moment(armed));
        self.due = moments.fold(Due::NEVER, |next, moment| Due {
            time: next.time.min(moment.time),
            instructions: next.instructions.min(moment.instructions),
        });
    }
}

impl Chooser for Plan {
    fn choose(&mut self, site: Site, options: u64) -> u64 {
        self.count(site);
        self.choices.choose(site, options)
    }

    fn pass(&mut self, site: Site) -> Option<Struck> {
        let count = self.count(site);
        let meant = |armed: &Armed| match armed.trigger {
            Trigger::Passes(place, when) => place == site && when.has(count),
            Trigger::Moment(_) => false,
        };
        let index = self.armed.iter().position(meant)?;
        self.strikes[index] += 1;
        Some(Struck {
            count,
            fault: self.armed[index].fault,
        })
    }

    fn awaits(&self, point: u16) -> bool {
        let is_there = |place: Site| matches!(place, Site::Point { point: p, .. } if p == point);
        let mut triggers = self.armed.iter().map(|armed| armed.trigger);
        triggers.any(|trigger| matches!(trigger, Trigger::Passes(place, _) if is_there(place)))
    }

    fn due(&self) -> Due {
        self.due
    }

    fn strike(&mut self, now: Time, retired: u64) -> Option<Struck> {
        while let Some(armed) = self.armed.get(self.cursor) {
            let moment = self.moment(armed);
            let fault = armed.fault;
            let index = self.cursor;
            self.cursor += 1;
            if moment.is_some_and(|at| at.time <= now || at.instructions <= retired) {
                self.strikes[index] += 1;
                let count = self.count(Site::Moment);
                return Some(Struck { count, fault });
            }
        }
        self.cursor = 0;
        self.past = Due {
            time: now + Time(1),
            instructions: retired.saturating_add(1),
        };
        self.find_due();
        None
    }
}

impl State for Plan {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("choices", 1)?;
        self.choices.state(codec)?;
        let mut counts: Vec<(Site, u64)> = self.counts().collect();
        codec.list(&mut counts, |c, (site, count)| {
            site.state(c)?;
            c.u64(count)
        })?;
        codec.time(&mut self.past.time)?;
        codec.u64(&mut self.past.instructions)?;
        if codec.loading() {
            self.counts = counts.into_iter().collect();
            self.find_due();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::event::DiskOp;
    use base::{Phys, codec};

    const WRITE: Site = Site::Disk(DiskOp::Write);

    fn at(trigger: Trigger, bit: u8) -> Armed {
        let fault = Fault::Flip { addr: Phys(0), bit };
        Armed { trigger, fault }
    }

    fn time(ns: u64) -> Trigger {
        Trigger::Moment(Due {
            time: Time(ns),
            ..Due::NEVER
        })
    }

    fn instruction(n: u64) -> Trigger {
        Trigger::Moment(Due {
            instructions: n,
            ..Due::NEVER
        })
    }

    fn bits(plan: &mut Plan, now: u64, retired: u64) -> Vec<u8> {
        let strikes = std::iter::from_fn(|| plan.strike(Time(now), retired));
        strikes
            .map(|struck| match struck.fault {
                Fault::Flip { bit, .. } => bit,
                other => panic!("{other:?} was not planned"),
            })
            .collect()
    }

    #[test]
    fn passes_are_counted_by_site_and_the_planned_one_is_struck() {
        let error = Armed {
            trigger: Trigger::Passes(WRITE, When::once(2)),
            fault: Fault::Error,
        };
        let lost = Armed {
            trigger: Trigger::Passes(WRITE, When::ALWAYS),
            fault: Fault::Lost,
        };
        let mut plan = Plan::new(0, vec![error, lost]);
        let faults: Vec<_> = (0..3).map(|_| plan.pass(WRITE).unwrap().fault).collect();
        assert_eq!(faults, [Fault::Lost, Fault::Error, Fault::Lost]);
        assert_eq!(plan.pass(Site::Timer), None);
        assert_eq!((plan.passes(WRITE), plan.passes(Site::Timer)), (3, 1));
        let strikes: Vec<u64> = plan.armed().map(|(_, strikes)| strikes).collect();
        assert_eq!(strikes, [1, 2]);
    }

    #[test]
    fn counts_and_choices_are_the_same_whatever_is_planned() {
        let mut plain = Plan::new(7, Vec::new());
        let mut planned = Plan::new(7, vec![at(time(5), 0)]);
        for plan in [&mut plain, &mut planned] {
            plan.pass(WRITE);
        }
        let choose = |plan: &mut Plan| plan.choose(Site::FirstSlice, 1 << 40);
        assert_eq!(choose(&mut plain), choose(&mut planned));
        assert_eq!(codec::save(&mut plain), codec::save(&mut planned));
    }

    #[test]
    fn moments_strike_once_and_in_the_order_of_the_plan() {
        let mut plan = Plan::new(
            0,
            vec![
                at(time(50), 1),
                at(time(20), 2),
                at(instruction(9), 3),
                at(time(50), 4),
            ],
        );
        assert_eq!(plan.due().time, Time(20));
        assert_eq!(plan.due().instructions, 9);
        assert_eq!(bits(&mut plan, 20, 2), [2]);
        assert_eq!(plan.due().time, Time(50));
        assert_eq!(bits(&mut plan, 50, 9), [1, 3, 4]);
        assert_eq!(plan.due(), Due::NEVER);
        assert_eq!(bits(&mut plan, 60, 20), [0; 0]);
    }

    #[test]
    fn what_is_saved_goes_on_with_the_same_plan_or_another() {
        let armed = vec![at(time(20), 1), at(time(50), 2)];
        let mut plan = Plan::new(3, armed.clone());
        plan.pass(WRITE);
        assert_eq!(bits(&mut plan, 20, 2), [1]);
        let saved = codec::save(&mut plan);
        // Also into the plan itself, when it has gone on.
        assert_eq!(bits(&mut plan, 50, 5), [2]);
        let mut restored = Plan::new(0, armed);
        for plan in [&mut restored, &mut plan] {
            codec::load(plan, &saved).expect("the bytes are sound");
            assert_eq!(codec::save(plan), saved);
            assert_eq!(plan.due().time, Time(50));
            assert_eq!(bits(plan, 50, 5), [2]);
        }
        codec::load(&mut restored, &saved).expect("the bytes are sound");
        restored.arm(vec![at(time(10), 1), at(time(21), 2)]);
        assert_eq!(restored.due().time, Time(21), "what is over is over");
        assert_eq!(restored.pass(WRITE), None);
        assert_eq!(restored.passes(WRITE), 2);
    }
}
