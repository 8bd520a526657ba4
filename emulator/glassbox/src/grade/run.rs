//! One test: from power-on to its end, with everything that its checks want to know afterwards.

use super::check::Ends;
use super::course::Course;
use super::disk;
use super::lab::{Lab, Test};
use super::measure::Measures;
use super::shown::quoted;
use super::sites::Survey;
use super::witness::{Code, Witness};
use crate::disk::Layer;
use crate::fault::{Token, fingerprint};
use crate::guest::{Arch, EPOCH, Guest, Options};
use crate::numbers;
use crate::trace::kind::{Kind, Kinds};
use crate::trace::meaning::Meaning;
use crate::trace::model::Meta;
use crate::trace::pipe::Pipe;
use crate::trace::recorder::Recorder;
use crate::trace::select::Select;
use abi::boot::ExitWord;
use base::event::{Event, Peek, Stamp};
use base::{Observer, Time};
use kcore::fs::{MountError, Report};
use machine::pc::{Medium, View};
use machine::{Board, NS_PER_INSTRUCTION, Outcome};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// The console port of the line's standard input.
const STDIN: u32 = 1;
/// Most bytes of each output that are kept.
const KEPT: usize = 1 << 16;
/// The longest virtual time without progress.
const PATIENCE: Time = Time::secs(10);

/// What is judged, and what is trusted.
pub struct Images {
    /// The submitted kernel.
    pub kernel: Arc<[u8]>,
    /// Its probes.
    pub survey: Survey,
    /// The trusted disk.
    pub disk: Layer,
    /// The trusted programs by name.
    pub programs: BTreeMap<String, Vec<u8>>,
}

/// What a guest printed, as far as it is kept.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The first bytes.
    pub bytes: Vec<u8>,
    /// How many there were.
    pub len: u64,
}

impl Kept {
    fn add(&mut self, new: &[u8]) {
        let room = KEPT.saturating_sub(self.bytes.len());
        self.bytes.extend(&new[..room.min(new.len())]);
        self.len = self.len.saturating_add(new.len() as u64);
    }

    /// Whether there was more than is kept.
    pub const fn is_cut(&self) -> bool {
        self.len > self.bytes.len() as u64
    }
}

/// What is left of a run.
pub struct Ran {
    /// How it ended.
    pub end: Ends,
    /// The same in words.
    pub why: String,
    /// The line's status, if it ended.
    pub status: Option<u8>,
    /// What the line printed on its standard output.
    pub output: Kept,
    /// What it printed on its standard error.
    pub errors: Kept,
    /// Guest instructions.
    pub instructions: u64,
    /// What was measured, by probes that are believed.
    pub measures: Measures,
    /// And by all.
    pub measures_of_all: Measures,
    /// The disk.
    pub disk: Layer,
    /// The check of its file system.
    pub fsck: Result<Report, MountError>,
}

/// The disk on which a test runs.
///
/// # Errors
/// One line: it cannot be made.
pub fn first_disk(test: &Test, images: &Images) -> Result<Layer, String> {
    disk::prepare(&images.disk, test, &images.programs, EPOCH)
}

/// The replay token of a test's run, by which `glassbox run` has it again on its [`first_disk`].
///
/// # Errors
/// One line: the disk cannot be made.
pub fn token(lab: &Lab, test: &Test, images: &Images) -> Result<String, String> {
    let disk = first_disk(test, images)?;
    let machine = &test.machine;
    let token = Token {
        arch: lab.arch.name(),
        seed: lab.seed,
        cpus: machine.cpus as u8,
        memory: machine.memory,
        kernel: fingerprint([&images.kernel[..]]),
        disk: Some(disk.fingerprint().map_err(|e| e.to_string())?),
        input: None,
        verbose: false,
        calendar: None,
        hang_after: None,
        max_instructions: Some(machine.instructions),
        end: None,
        line: test.run.clone(),
        append: machine.append.clone(),
        faults: test.faults.clone(),
    };
    Ok(token.encode())
}

/// Runs a test.
///
/// # Errors
/// One line: there is no such machine, or the disk cannot be made.
pub fn run(lab: &Lab, test: &Test, images: &Images) -> Result<Ran, String> {
    let disk = first_disk(test, images)?;
    let path = first_path(&test.machine.append);
    let init = Code::of(&first_program(&disk, path)?);
    let arguments = [path, "run", &test.run].map(|argument| argument.as_bytes().to_vec());
    let isa = numbers::isa(lab.arch.name());
    let course = Course::new(isa, disk.clone(), test.machine.cpus, path, arguments.into());
    let mut guest = guest(lab, test, images, &disk)?;
    let ears = [false, true].map(|open| Ear::new(test, open));
    let recorders = listen(&mut guest, &ears, test, &images.survey)?;
    let mut watch = Watch {
        witness: Witness::new(init, isa, recorders),
        course,
    };
    let mut log = Kept::default();
    let mut output = Kept::default();
    let mut errors = Kept::default();
    let mut input = test.stdin.as_bytes();
    let outcome = loop {
        let outcome = guest.advance(u64::MAX, false, &mut watch);
        let new = guest.machine.board.take_output();
        log.add(&new.serial);
        let [.., out, err] = &new.ports;
        output.add(out);
        errors.add(err);
        match outcome {
            None => {}
            Some(Outcome::Input { port, capacity }) => {
                let mut part: &[u8] = &[];
                if port == STDIN {
                    (part, input) = input.split_at(capacity.min(input.len()));
                }
                guest.machine.supply(port, part);
            }
            Some(outcome) => break outcome,
        }
    };
    for recorder in watch.witness.recorders() {
        recorder.finish().map_err(|e| e.to_string())?;
    }
    let now = guest.machine.now();
    let (end, status, why) = watch.ending(&outcome, &log.bytes);
    let pages = guest
        .machine
        .board
        .disk_content()
        .map(|disk| disk.pages(View::Cached));
    let fsck = crate::disk::fsck(&disk, &pages.unwrap_or_default());
    let [measures, measures_of_all] = ears.map(|ear| ear.close(now));
    let mut after = disk;
    for (page, data) in guest.machine.board.disk_pages() {
        after.put_page(page, data);
    }
    Ok(Ran {
        end,
        why,
        status,
        output,
        errors,
        instructions: guest.machine.retired(),
        measures,
        measures_of_all,
        disk: after,
        fsck,
    })
}

/// The observers of a run.
struct Watch {
    witness: Witness,
    course: Course,
}

impl Observer for Watch {
    const ON: bool = true;

    #[inline]
    fn event(&mut self, stamp: Stamp, event: &Event, memory: &dyn Peek) {
        self.course.event(stamp, event, memory);
        self.witness.event(stamp, event, memory);
    }
}

impl Watch {
    /// How a run ended, the line's status, and the same in words.
    fn ending(&self, outcome: &Outcome, log: &[u8]) -> (Ends, Option<u8>, String) {
        match self.course.tampering() {
            Some(what) => {
                let why = format!("the kernel tampered with a program: {what}");
                (Ends::Tampered, None, why)
            }
            None => ending(outcome, &self.witness, log),
        }
    }
}

/// Where the first program is.
fn first_path(append: &str) -> &str {
    let key = format!("{}=", abi::boot::key::INIT);
    let mut named = append
        .split_whitespace()
        .filter_map(|word| word.strip_prefix(&key[..]));
    named.next_back().unwrap_or("/bin/init")
}

/// The first program's file.
fn first_program(disk: &Layer, path: &str) -> Result<Vec<u8>, String> {
    match disk::read(disk.clone(), path) {
        disk::Content::File(_, data) => Ok(data),
        _ => Err(format!("{path}, the first program, is not on the disk")),
    }
}

fn guest(lab: &Lab, test: &Test, images: &Images, disk: &Layer) -> Result<Guest, String> {
    let machine = &test.machine;
    let mut options = Options::new(Arc::clone(&images.kernel));
    options.arch = lab.arch;
    options.disk = Some(Box::new(disk.clone()) as Box<dyn Medium>);
    options.line = Some(test.run.clone());
    options.append = Some(machine.append.clone()).filter(|append| !append.is_empty());
    options.cpus = machine.cpus;
    options.memory = machine.memory;
    options.seed = lab.seed;
    options.max_instructions = machine.instructions;
    // A loop without progress is a hang while the budget lasts, and not only the end of the budget.
    let budget = Time(machine.instructions.saturating_mul(NS_PER_INSTRUCTION));
    options.hang_after = Time(budget.0 / 2).min(PATIENCE);
    let mut guest = Guest::new(options).map_err(|e| format!("machine: {e}"))?;
    guest
        .plan(&test.faults)
        .map_err(|e| format!("test {}: faults: {e}", test.name))?;
    Ok(guest)
}

/// Checks that listen to the same probes: to those that are believed, or to all.
struct Ear {
    open: bool,
    kinds: Kinds,
    measures: Rc<RefCell<Measures>>,
}

impl Ear {
    fn new(test: &Test, open: bool) -> Self {
        let checks = || {
            test.checks
                .iter()
                .enumerate()
                .filter(move |(_, check)| check.open == open)
        };
        Self {
            open,
            kinds: Measures::kinds(checks().map(|(_, check)| check)),
            measures: Rc::new(RefCell::new(Measures::new(checks(), test.machine.cpus))),
        }
    }

    /// What listens, if anything has to be heard; `meanings` are those of the sites that are watched.
    fn recorder(&self, arch: Arch, test: &Test, meanings: Vec<Meaning>) -> Option<Recorder> {
        if self.kinds == Kinds::NONE {
            return None;
        }
        let meta = Meta {
            arch: arch.name().to_owned(),
            cpus: test.machine.cpus as u8,
            strings: KEPT,
            ..Meta::default()
        };
        let select = Select {
            kinds: self.kinds,
            ..Select::default()
        };
        let pipe = Pipe::new(meta, select, Box::new(Rc::clone(&self.measures)));
        Some(Recorder::new(pipe, meanings, test.machine.cpus))
    }

    fn close(self, now: Time) -> Measures {
        let mut measures = self.measures.borrow().clone();
        measures.close(now);
        measures
    }
}

/// Lets the machine report what the ears want to hear.
fn listen(
    guest: &mut Guest,
    ears: &[Ear],
    test: &Test,
    survey: &Survey,
) -> Result<Vec<Recorder>, String> {
    let wanted = ears
        .iter()
        .fold(Kinds::NONE, |kinds, ear| kinds.or(ear.kinds));
    if wanted == Kinds::NONE {
        return Ok(Vec::new());
    }
    // The recorder reads what a system call points to once its page fault is over.
    let wanted = wanted.or(Kind::probe("page_fault").into_iter().collect());
    let watches = survey.watches(wanted);
    guest
        .machine
        .board
        .watch(&watches, false)
        .map_err(|e| e.to_string())?;
    let recorders = ears.iter().filter_map(|ear| {
        let meanings = survey.meanings(wanted, ear.open);
        let mut recorder = ear.recorder(guest.machine.board.arch(), test, meanings)?;
        recorder.know(guest.sites());
        Some(recorder)
    });
    Ok(recorders.collect())
}

/// How a run ended, the line's status, and the same in words.
fn ending(outcome: &Outcome, witness: &Witness, log: &[u8]) -> (Ends, Option<u8>, String) {
    let plain = |end, why: String| (end, None, why);
    match outcome {
        Outcome::Exit(word) => {
            let word = ExitWord(*word);
            if word.is_panic() {
                return plain(Ends::Panic, last_words(log));
            }
            if !witness.vouches_for(word) {
                let status = word.status();
                let why = format!(
                    "the kernel switched the machine off with status {status}, but the line had not ended: \
                     /bin/init did not ask for it"
                );
                return plain(Ends::Early, why);
            }
            let why = match word.signal() {
                Some(signal) => format!("the line was ended by signal {signal}"),
                None => format!("the line ended with status {}", word.status()),
            };
            (Ends::Ok, Some(word.status()), why)
        }
        Outcome::TripleFault { cpu } => plain(Ends::Panic, format!("triple fault on CPU {cpu}")),
        Outcome::Hang(hang) => plain(Ends::Hang, format!("the guest hangs: {hang}")),
        Outcome::PowerCut => plain(Ends::PowerCut, "the power was cut".to_owned()),
        Outcome::Budget => plain(Ends::Budget, "the instruction budget is spent".to_owned()),
        Outcome::Gap { gap, .. } => {
            let why = format!("the emulator lacks something: {gap}");
            plain(Ends::Gap, why.escape_debug().to_string())
        }
        Outcome::Reset => plain(Ends::Early, "the kernel reset the machine".to_owned()),
        _ => plain(
            Ends::Early,
            "the machine was switched off without a status".to_owned(),
        ),
    }
}

/// What a kernel says of its panic.
fn last_words(log: &[u8]) -> String {
    const WORDS: &[u8] = b"kernel panic: ";
    let at = log.windows(WORDS.len()).position(|bytes| bytes == WORDS);
    let line = at.and_then(|at| log[at + WORDS.len()..].split(|&b| b == b'\n').next());
    match line {
        Some(line) => format!("kernel panic: {}", quoted(line)),
        None => "kernel panic".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::isa::Isa;

    fn ends(outcome: &Outcome, log: &[u8]) -> (Ends, Option<u8>, String) {
        let witness = Witness::new(Code::default(), Isa::X86_64, Vec::new());
        ending(outcome, &witness, log)
    }

    #[test]
    fn an_end_that_nobody_vouches_for_is_none() {
        let (end, status, why) = ends(&Outcome::Exit(0), b"");
        assert_eq!((end, status), (Ends::Early, None));
        assert!(why.contains("had not ended"), "{why}");
        assert_eq!(ends(&Outcome::PowerOff, b"").0, Ends::Early);
        assert_eq!(ends(&Outcome::Reset, b"").0, Ends::Early);
    }

    #[test]
    fn a_panics_last_words_are_harmless() {
        let log = b"[ 0.1] hello\n[ 0.2] kernel panic: no \x1b[2Jway (a.rs:1)\nmore";
        let (end, _, why) = ends(&Outcome::Exit(0x100), log);
        assert_eq!(end, Ends::Panic);
        assert_eq!(why, "kernel panic: \"no \\x1b[2Jway (a.rs:1)\"");
        assert_eq!(ends(&Outcome::Exit(0x100), b"").2, "kernel panic");
        assert_eq!(ends(&Outcome::TripleFault { cpu: 1 }, b"").0, Ends::Panic);
    }

    #[test]
    fn giant_output_is_cut() {
        let mut kept = Kept::default();
        for _ in 0..100 {
            kept.add(&[b'x'; 1000]);
        }
        assert_eq!((kept.bytes.len(), kept.len), (KEPT, 100_000));
        assert!(kept.is_cut());
    }
}
