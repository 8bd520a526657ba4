//! `glassbox crash`: a workload, and every disk that a power cut during it can leave behind.

use super::options::{CrashOptions, MachineOptions};
use super::progress::Progress;
use super::session::Session;
use super::status::{Ending, Kernel};
use super::{Failure, print, stdin, tell};
use crate::crash::{
    Bad, BadState, Cut, Distinct, Host, Recording, Report, States, TooMuch, Trial, Workload, boot,
    faults, quoted, record, sample,
};
use crate::disk::Layer;
use base::Silent;
use machine::AnyBoard;
use machine::peripherals::Output;
use machine::{Limits, Snapshot};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// Some states are bad.
const BAD: u8 = 1;

/// Instructions that a guest gets after a crash, unless the user says otherwise: a boot takes a thousandth.
const PATIENCE: u64 = 1_000_000_000;

/// Runs the command.
pub fn crash(options: &CrashOptions) -> Result<u8, Failure> {
    let machine = &options.machine;
    if machine.persist || !machine.get.is_empty() {
        return Err(Failure::usage(
            "crash leaves no disk behind: --persist and --get do not go with it (see --save)",
        ));
    }
    let only = options.only.as_deref().map(str::parse::<Cut>).transpose();
    let only = only.map_err(|e| Failure::usage(format!("--only: {e}")))?;
    let line = options.line.join(" ");
    let mut session = Session::new(machine, Some(&line))?;
    let disk = session.disk().cloned();
    let disk = &disk.ok_or_else(|| Failure::usage("crash needs a disk"))?;
    let images = session.fingerprints()?;
    let (recording, ending) = workload(&mut session)?;
    if ending.diagnose {
        return Ok(ending.status);
    }
    let states = States::new(&recording, disk, options.lose_flushes, machine.seed)
        .map_err(|e| Failure::input(format!("the disk: {e}")))?;
    let cuts = states.cuts(options.subsets);
    let possible = cuts.len();
    let cuts = match (only, options.sample) {
        (Some(cut), _) => vec![cut],
        (None, Some(count)) => sample(
            &cuts,
            usize::try_from(count).unwrap_or(usize::MAX),
            machine.seed,
        ),
        (None, None) => cuts,
    };
    let distinct = states
        .distinct(&cuts, options.oracle.is_some())
        .map_err(|e| Failure::usage(format!("--only: {e}")))?;
    if let (Some(cut), Some(path)) = (only, &options.save) {
        save(disk, &states, &cut, path)?;
    }
    let verdicts = Tries {
        options,
        machine: &MachineOptions {
            fault: Vec::new(),
            fault_list: false,
            ..machine.clone()
        },
        disk,
        states: &states,
        distinct: &distinct,
        recording: &recording,
    }
    .run()?;
    let mut bad = Vec::new();
    for (state, verdict) in distinct.iter().zip(&verdicts) {
        let Some(verdict) = verdict else {
            continue;
        };
        let again = match faults(&state.cut, options.lose_flushes) {
            Some(faults) => {
                let token = session.token_with(&faults, images, &line)?;
                let files = files(machine);
                format!("glassbox run --replay {token} {files}--disk COPY --persist")
            }
            None => {
                let lying = if options.lose_flushes {
                    "--lose-flushes "
                } else {
                    ""
                };
                let (machine, cut, line) = (unusual(machine), &state.cut, quoted(&line));
                format!("glassbox crash {machine}{lying}--only '{cut}' --save COPY -- {line}")
            }
        };
        let (others, hash) = (state.others, state.hash);
        bad.push(BadState::new(&state.cut, others, hash, verdict, again));
    }
    let report = Report {
        workload: Workload {
            line: line.clone(),
            status: ending.status,
            writes: recording.writes(),
            bytes: recording.bytes(),
            flushes: recording.flushes(),
        },
        oracle: options.oracle.clone(),
        tried: cuts.len(),
        possible,
        distinct: distinct.len(),
        bad,
    };
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(&report).map_err(|e| Failure::file(path, e))?;
        std::fs::write(path, json + "\n").map_err(|e| Failure::file(path, e))?;
    }
    print(&report)?;
    Ok(if report.bad.is_empty() { 0 } else { BAD })
}

/// The workload's input is ours; what it prints is for the oracle alone.
struct Surroundings {
    verbose: bool,
}

impl Host for Surroundings {
    fn input(&mut self, capacity: usize) -> Vec<u8> {
        stdin::portion(capacity)
    }

    fn output(&mut self, output: &Output) {
        if self.verbose && !output.serial.is_empty() {
            tell(String::from_utf8_lossy(&output.serial));
        }
    }
}

/// Runs the workload.
fn workload(session: &mut Session<'_>) -> Result<(Recording, Ending), Failure> {
    let mut host = Surroundings {
        verbose: session.verbose(),
    };
    let limits = *session.limits();
    let (recording, outcome) = record(&mut session.machine, &limits, &mut host, &mut Silent)
        .map_err(|TooMuch| {
            Failure::input("the workload writes more than 1 GiB, more than can be crashed")
        })?;
    session.finish(&outcome)?;
    Ok((recording, Ending::of(&outcome, Kernel::Silica)))
}

fn save(disk: &Layer, states: &States<'_>, cut: &Cut, path: &Path) -> Result<(), Failure> {
    let mut disk = disk.clone();
    let pages = states
        .disk(cut)
        .map_err(|e| Failure::usage(e.to_string()))?;
    for (number, page) in pages.iter() {
        disk.put_page(number, page);
    }
    disk.save(path).map_err(|e| Failure::file(path, e))
}

/// All the disks to be tried, and what it takes.
struct Tries<'a> {
    options: &'a CrashOptions,
    /// The machine that each disk is tried on, where nothing goes wrong any more.
    machine: &'a MachineOptions,
    disk: &'a Layer,
    states: &'a States<'a>,
    distinct: &'a [Distinct],
    recording: &'a Recording,
}

/// What a thread found about the state with this index, or why it gave up.
type Found = Result<(usize, Option<Bad>), Failure>;

impl Tries<'_> {
    /// Tries all disks, several at a time. The verdicts are in the order of the disks, whoever came first.
    fn run(&self) -> Result<Vec<Option<Bad>>, Failure> {
        let mut verdicts = vec![None; self.distinct.len()];
        let mut first = Some(self.session()?);
        let start = match &mut first {
            Some(session) => boot(&mut session.machine, &self.limits())
                .map_err(|e| Failure::input(e.to_string()))?,
            None => return Ok(verdicts),
        };
        let threads = (self.options.jobs as usize).min(self.distinct.len());
        let next = AtomicUsize::new(0);
        let mut progress = Progress::new(self.distinct.len());
        let mut bad_ones = 0;
        thread::scope(|scope| {
            let (sender, receiver) = channel();
            for _ in 0..threads {
                let (session, sender) = (first.take(), sender.clone());
                let (start, next) = (&start, &next);
                scope.spawn(move || {
                    if let Err(failure) = self.work(session, start, next, &sender) {
                        let _ = sender.send(Err(failure));
                    }
                });
            }
            drop(sender);
            for found in receiver {
                let (index, bad) =
                    found.inspect_err(|_| next.store(usize::MAX / 2, Ordering::Relaxed))?;
                bad_ones += usize::from(bad.is_some());
                progress.step(format_args!("disks tried, {bad_ones} bad"));
                verdicts[index] = bad;
            }
            Ok(verdicts)
        })
    }

    /// Takes one disk after the other until none is left.
    fn work(
        &self,
        session: Option<Session<'_>>,
        start: &Snapshot<AnyBoard>,
        next: &AtomicUsize,
        found: &Sender<Found>,
    ) -> Result<(), Failure> {
        let session = match session {
            Some(session) => session,
            None => self.session()?,
        };
        let mut trial = Trial::new(session.guest.machine, start, self.disk, self.limits());
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(state) = self.distinct.get(index) else {
                return Ok(());
            };
            let pages = self
                .states
                .disk(&state.cut)
                .map_err(|e| Failure::input(e.to_string()))?;
            let told = &self.recording.printed[..state.printed];
            let bad = trial
                .judge(pages, told)
                .map_err(|e| Failure::input(e.to_string()))?;
            if found.send(Ok((index, bad))).is_err() {
                return Ok(()); // nobody wants to know any more
            }
        }
    }

    /// A machine at power-on, about to boot and run the oracle.
    fn session(&self) -> Result<Session<'_>, Failure> {
        let line = self.options.oracle.as_deref().unwrap_or("true");
        Session::new(self.machine, Some(line))
    }

    fn limits(&self) -> Limits {
        let machine = self.machine;
        Limits {
            instructions: machine.max_instructions.unwrap_or(PATIENCE),
            hang_after: base::Time::secs(machine.hang_after),
            ..Limits::default()
        }
    }
}

/// The options that bring the machine's files, ready for a shell, with a space behind each.
fn files(options: &MachineOptions) -> String {
    let mut words = Vec::new();
    let mut add = |name: &str, value: &str| words.push(format!("{name} {} ", quoted(value)));
    let paths = [("--kernel", &options.kernel), ("--initrd", &options.initrd)];
    for (name, path) in paths {
        if let Some(path) = path {
            add(name, &path.display().to_string());
        }
    }
    for put in &options.put {
        add("--put", put);
    }
    words.concat()
}

/// The options of the machine that are not the usual ones, ready for a shell, with a space behind each.
fn unusual(options: &MachineOptions) -> String {
    let mut words = Vec::new();
    let mut add = |name: &str, value: String| words.push(format!("{name} {} ", quoted(&value)));
    if options.cpus != 1 {
        add("--cpus", options.cpus.to_string());
    }
    if options.memory != 128 << 20 {
        add("--memory", format!("{}K", options.memory >> 10));
    }
    if options.seed != 0 {
        add("--seed", options.seed.to_string());
    }
    for fault in &options.fault {
        add("--fault", fault.clone());
    }
    for (name, value) in [("--append", &options.append), ("--rtc", &options.rtc)] {
        if let Some(value) = value {
            add(name, value.clone());
        }
    }
    words.concat() + &files(options)
}

#[cfg(test)]
mod tests {
    use super::super::options::{Cli, Command};
    use clap::Parser;

    #[test]
    fn the_machine_is_described_by_what_is_unusual_about_it() {
        let unusual = |words: &[&str]| {
            let words = [&["glassbox", "crash"], words, &["--", "true"]].concat();
            match Cli::parse_from(words).command {
                Command::Crash(options) => super::unusual(&options.machine),
                _ => unreachable!(),
            }
        };
        assert_eq!(unusual(&[]), "");
        assert_eq!(
            unusual(&[
                "--append",
                "policy=a b",
                "--memory",
                "64M",
                "--cpus",
                "2",
                "--put",
                "x:/y"
            ]),
            "--cpus 2 --memory 65536K --append 'policy=a b' --put x:/y "
        );
    }
}
