//! What a board has of its own: its chips and how they are wired, and how its CPUs take interrupts and traps.

use crate::board::CpuActivity;
use crate::clock::Clock;
use crate::mainboard::Mainboard;
use crate::outcome::Outcome;
use crate::peripherals::Peripherals;
use base::{Bus, Chooser, Observer, Ram, State, Time};
use cpu::hart::Hart;
use engine::Stop;

/// A chip set, which makes a [`Mainboard`] that board.
pub trait ChipSet: Bus + State + Sized {
    /// The CPUs that it is for.
    type Hart: Hart + State;
    /// What [`ChipSet::prepare`] remembers of a CPU for [`ChipSet::stopped`].
    type Stepping;

    /// The board's name, for saved states.
    const NAME: &'static str;

    /// The chips that every board has.
    fn peripherals(&self) -> &Peripherals;
    /// The same, to change.
    fn peripherals_mut(&mut self) -> &mut Peripherals;

    /// The turn of CPU number `cpu` begins, timed by `clock`.
    fn begin(&mut self, harts: &mut [Self::Hart], cpu: usize, clock: &Clock);
    /// When a chip, or a CPU's own timer, must next be advanced.
    fn deadline(&self, harts: &[Self::Hart]) -> Time;
    /// Brings every chip whose deadline has come to `now`.
    fn advance(&mut self, harts: &mut [Self::Hart], ram: &mut Ram, now: Time);
    /// Whether [`ChipSet::vary`] has something to ask.
    fn asks(&self) -> bool;
    /// Asks `chooser` about everything that is new, and carries on from there.
    fn vary(&mut self, chooser: &mut dyn Chooser, now: Time);
    /// Carries the devices' levels to the interrupt controllers.
    fn follow_wires(&mut self, now: Time);
    /// Carries what the interrupt controllers have for the CPUs to these, and wakes those that have waited for it.
    fn settle(&mut self, harts: &mut [Self::Hart], now: Time);
    /// Carries out what the guest has asked for by memory alone; says whether the machine ends.
    fn requests(&mut self, _ram: &mut Ram, _now: Time) -> Option<Outcome> {
        None
    }
    /// Why the machine must stop, if the guest said so.
    fn ended(&self) -> Option<Outcome>;

    /// What a CPU is up to.
    fn activity(hart: &Self::Hart) -> CpuActivity;
    /// Whether a CPU would take an interrupt now, or wake for one.
    fn interrupts_on(hart: &Self::Hart) -> bool;
    /// A CPU has completed `count` instructions.
    fn retire(_hart: &mut Self::Hart, _count: u64) {}

    /// Has CPU number `cpu` take a waiting interrupt, if it may.
    ///
    /// # Errors
    /// The machine cannot go on.
    fn interrupt<O: Observer>(
        board: &mut Mainboard<Self>,
        cpu: usize,
        observer: &mut O,
    ) -> Result<(), Outcome>;
    /// CPU number `cpu` is about to run for `left` instructions; says how many it shall really run for.
    fn prepare(board: &mut Mainboard<Self>, cpu: usize, left: u64) -> (u64, Self::Stepping);
    /// Does what follows from the end of that run: enters the handler of a trap. Says how many instructions that
    /// completes.
    ///
    /// # Errors
    /// The machine cannot go on.
    fn stopped<O: Observer>(
        board: &mut Mainboard<Self>,
        cpu: usize,
        stop: Stop<<Self::Hart as Hart>::Trap>,
        stepping: Self::Stepping,
        observer: &mut O,
    ) -> Result<u64, Outcome>;
}
