//! One guest from power-on to its end: built from the options, run in chunks, settled with what the options ask for.

use super::diagnose;
use super::images;
use super::options::{HANG_AFTER, MachineOptions};
use super::replay::compare;
use super::report::Report;
use super::status::{Ending, Kernel};
use super::{Failure, tell};
use crate::disk::{Image, Layer, transfer};
use crate::fault::{Spec, Token, Trigger, fingerprint, list};
use crate::guest::{Arch, Boot, ConfigError, EPOCH, Guest, Medium, Options};
use crate::trace::kind::Kinds;
use crate::trace::model::Meta;
use abi::time::Timespec;
use base::{Observer, Time};
use machine::Outcome;
use machine::hash::Hash;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::Xxh3;

/// A guest, to which it dereferences, and what was asked of it.
pub struct Session<'a> {
    /// The guest.
    pub guest: Guest,
    options: &'a MachineOptions,
    disk: Option<Layer>,
    get: Vec<(Vec<u8>, PathBuf)>,
    next_hash: u64,
    line: Option<String>,
    initrd: Option<Vec<u8>>,
    calendar: u64,
    faults: Vec<Spec>,
    /// What the guest read from standard input so far, if it read any.
    input: Option<Xxh3>,
    /// The token of the run that this one is to be again.
    token: Option<Token>,
}

impl<'a> Session<'a> {
    /// Builds the machine. With `line`, Silica is to run that shell line and end.
    pub fn new(options: &'a MachineOptions, line: Option<&str>) -> Result<Self, Failure> {
        let kernel_path = match &options.kernel {
            Some(path) => path.clone(),
            None => images::find(options.arch, "kernel.elf")?,
        };
        let faults = options
            .fault
            .iter()
            .map(|text| text.parse())
            .collect::<Result<Vec<Spec>, _>>()
            .map_err(|e| Failure::usage(format!("--fault {e}")))?;
        let kernel = read(&kernel_path)?;
        let get = parse_get(&options.get)?;
        let put = parse_put(&options.put)?;
        let disk_path = match (&options.disk, &options.kernel) {
            (Some(path), _) => Some(path.clone()),
            // A kernel of one's own comes with its own disk, unless it is Silica's.
            (None, Some(_)) if line.is_none() => images::find(options.arch, "fs.img").ok(),
            (None, _) => Some(images::find(options.arch, "fs.img")?),
        };
        let mut disk = match &disk_path {
            Some(path) => Some(Layer::new(
                Image::open(path).map_err(|e| Failure::file(path, e))?,
            )),
            None => None,
        };
        let start = calendar(options)?;
        if !put.is_empty() {
            let (Some(layer), Some(path)) = (disk.take(), &disk_path) else {
                return Err(Failure::usage("--put needs a disk"));
            };
            let now = Timespec {
                sec: start as i64,
                nsec: 0,
            };
            disk = Some(
                transfer::put(layer, &put, now)
                    .map_err(|e| Failure::file(path, format!("--put: {e}")))?,
            );
        }
        if !get.is_empty() && disk.is_none() {
            return Err(Failure::usage("--get needs a disk"));
        }
        let mut parts = Options::new(kernel);
        parts.arch = options.arch;
        parts.boot = boot(options)?;
        let loads = parse_load(&options.load)?;
        for (at, path) in &loads {
            parts.loads.push((*at, read(path)?));
        }
        parts.legacy_virtio = options.legacy_virtio;
        parts.disk = disk.clone().map(|d| Box::new(d) as Box<dyn Medium>);
        let initrd = options.initrd.as_deref().map(read).transpose()?;
        parts.initrd.clone_from(&initrd);
        parts.line = line.map(str::to_owned);
        parts.append.clone_from(&options.append);
        parts.verbose = options.verbose;
        parts.cpus = options.cpus;
        parts.memory = options.memory;
        parts.seed = options.seed;
        parts.calendar = start;
        parts.max_instructions = options.max_instructions.unwrap_or(u64::MAX);
        parts.hang_after = Time::secs(options.hang_after);
        let mut guest = Guest::new(parts).map_err(|e| match e {
            ConfigError::Kernel(e) => Failure::file(&kernel_path, e),
            ConfigError::Firmware(e) => {
                Failure::file(options.bios.as_ref().unwrap_or(&kernel_path), e)
            }
            ConfigError::Load(at) => {
                let path = loads.iter().find(|load| load.0 == at).map(|load| &load.1);
                Failure::file(path.unwrap_or(&kernel_path), e)
            }
            e => Failure::input(e.to_string()),
        })?;
        // Silica could only panic over a disk that it cannot mount.
        if let (true, Some(layer), Some(path)) = (guest.silica, &disk, &disk_path) {
            transfer::check(layer.clone()).map_err(|e| Failure::file(path, e))?;
        }
        guest
            .plan(&faults)
            .map_err(|e| Failure::input(format!("--fault {e}")))?;
        Ok(Self {
            guest,
            line: line.map(str::to_owned),
            initrd,
            calendar: start,
            faults,
            input: None,
            token: None,
            options,
            disk,
            get,
            next_hash: options.hash_every.unwrap_or(u64::MAX),
        })
    }

    /// The run is to be the one that `token` is from.
    pub fn repeat(&mut self, token: Token) {
        self.token = Some(token);
    }

    /// Gives the guest input; none means the end.
    pub fn supply(&mut self, port: u32, data: &[u8]) {
        if !data.is_empty() {
            self.input.get_or_insert_default().update(data);
        }
        self.machine.supply(port, data);
    }

    /// Fingerprints of the kernel, with the RAM disk, and of the disk as it was before the run.
    ///
    /// # Errors
    /// The disk image cannot be read.
    pub fn fingerprints(&self) -> Result<(u32, Option<u32>), Failure> {
        let kernel = fingerprint([&self.kernel[..]].into_iter().chain(self.initrd.as_deref()));
        let disk = self.disk.as_ref().map(Layer::fingerprint).transpose();
        Ok((
            kernel,
            disk.map_err(|e| Failure::input(format!("the disk image: {e}")))?,
        ))
    }

    /// How the run ended, for its token.
    fn end(&mut self) -> (u64, u32) {
        let Hash(hash) = self.machine.hash();
        (self.machine.retired(), hash as u32)
    }

    /// The token of this run, which has ended.
    fn new_token(&mut self, line: String) -> Result<Token, Failure> {
        Ok(Token {
            input: self.input_fingerprint(),
            end: Some(self.end()),
            ..self.token_for(self.fingerprints()?, line)
        })
    }

    /// The token of a run like this one, of the same images, in which these faults come first. How it will end, and what
    /// it will read, the token does not know.
    ///
    /// # Errors
    /// A fault is none.
    pub fn token_with(
        &self,
        faults: &[String],
        images: (u32, Option<u32>),
        line: &str,
    ) -> Result<String, Failure> {
        let mut token = self.token_for(images, line.to_owned());
        let first = faults.iter().map(|text| text.parse());
        let mut planned = first
            .collect::<Result<Vec<Spec>, _>>()
            .map_err(|e| Failure::usage(e.to_string()))?;
        planned.append(&mut token.faults);
        token.faults = planned;
        Ok(token.encode())
    }

    fn token_for(&self, (kernel, disk): (u32, Option<u32>), line: String) -> Token {
        let options = self.options;
        let unusual = |value, usual| Some(value).filter(|value| *value != usual);
        Token {
            arch: options.arch.name(),
            seed: options.seed,
            cpus: options.cpus as u8,
            memory: options.memory,
            kernel,
            disk,
            input: None,
            verbose: options.verbose,
            calendar: unusual(self.calendar, EPOCH),
            hang_after: unusual(options.hang_after, HANG_AFTER),
            max_instructions: options.max_instructions,
            end: None,
            line,
            append: options.append.clone().unwrap_or_default(),
            faults: self.faults.clone(),
        }
    }

    fn input_fingerprint(&self) -> Option<u32> {
        self.input.as_ref().map(|hash| hash.digest() as u32)
    }

    /// Says what came of the faults, and how to have it again. Gives the token, if it did not end well.
    fn settle_faults(
        &mut self,
        outcome: &Outcome,
        ending: &Ending,
    ) -> Result<Option<String>, Failure> {
        if *outcome == Outcome::PowerCut {
            tell(format_args!(
                "glassbox: the power was cut at {} s, after {} instructions\n",
                self.machine.now(),
                self.machine.retired()
            ));
        }
        let board = self.sites();
        let plan = self.machine.chooser();
        for (spec, (armed, strikes)) in self.faults.iter().zip(plan.armed()) {
            if strikes > 0 {
                continue;
            }
            let why = match armed.trigger {
                Trigger::Passes(site, _) => {
                    format!(
                        "{} was passed {} times",
                        board.site(site),
                        plan.passes(site)
                    )
                }
                Trigger::Moment(_) => "the run ended before".into(),
            };
            tell(format_args!("glassbox: {spec} never happened: {why}\n"));
        }
        if self.options.fault_list {
            tell(list::table(&board, plan));
        }
        if let Some(token) = self.token.take() {
            let end = self.end();
            compare(&token, self.input_fingerprint(), end);
            return Ok(None);
        }
        let Some(line) = self.line.clone() else {
            return Ok(None);
        };
        if !ending.is_bad(!self.faults.is_empty()) {
            return Ok(None);
        }
        let token = self.new_token(line)?.encode();
        tell(format_args!("glassbox: replay with --replay {token}\n"));
        Ok(Some(token))
    }

    /// Runs on. `None`: only a chunk of time has passed, go on after a look at the host's side.
    pub fn advance<O: Observer>(&mut self, report_idle: bool, observer: &mut O) -> Option<Outcome> {
        let outcome = self.guest.advance(self.next_hash, report_idle, observer);
        if outcome.is_none() {
            self.print_due_hash();
        }
        outcome
    }

    /// Executes `count` instructions; as [`Guest::step`].
    pub fn step<O: Observer>(&mut self, count: u64, observer: &mut O) -> Option<Outcome> {
        let target = self.machine.retired().saturating_add(count);
        while self.machine.retired() < target {
            let part = target.min(self.next_hash) - self.machine.retired();
            let outcome = self.guest.step(part, observer);
            if outcome.is_some() {
                return outcome;
            }
            self.print_due_hash();
        }
        None
    }

    /// Prints the hash, if the user wants it at this instruction.
    fn print_due_hash(&mut self) {
        if self.machine.retired() < self.next_hash {
            return;
        }
        self.next_hash += self.options.hash_every.unwrap_or(u64::MAX);
        let hash = self.machine.hash();
        tell(format_args!(
            "hash {hash} at {} instructions\n",
            self.machine.retired()
        ));
    }

    /// Settles the end: diagnosis, files out of the disk, the image, hash and report. Gives the exit status.
    pub fn finish(&mut self, outcome: &Outcome) -> Result<u8, Failure> {
        let ending = Ending::of(outcome, Kernel::of(&self.guest));
        if ending.diagnose {
            tell(diagnose::describe(&self.guest, outcome));
        }
        let replay = self.settle_faults(outcome, &ending)?;
        let report = self.options.report.is_some();
        let hash = (self.options.hash || report).then(|| self.machine.hash());
        if self.options.hash
            && let Some(hash) = hash
        {
            tell(format_args!(
                "hash {hash} at {} instructions\n",
                self.machine.retired()
            ));
        }
        if let Some(disk) = &mut self.disk {
            for (page, data) in self.guest.machine.board.disk_pages() {
                disk.put_page(page, data);
            }
            if !self.get.is_empty() {
                transfer::get(disk.clone(), &self.get)
                    .map_err(|e| Failure::input(format!("--get: {e}")))?;
            }
            if self.options.persist {
                let path = self.options.disk.as_deref().unwrap_or(Path::new("disk"));
                disk.persist().map_err(|e| Failure::file(path, e))?;
            }
        }
        if let Some(path) = &self.options.report {
            let report = Report {
                outcome: ending.outcome,
                status: ending.status,
                signal: ending.signal,
                instructions: self.machine.retired(),
                virtual_ns: self.machine.now().0,
                hash: hash.map(|h| h.to_string()).unwrap_or_default(),
                replay,
            };
            report.write(path)?;
        }
        Ok(ending.status)
    }

    /// The disk as it was at power-on; once the session is finished, with what the guest has written.
    pub const fn disk(&self) -> Option<&Layer> {
        self.disk.as_ref()
    }

    /// What a trace of this machine is of: the line, at most `strings` bytes of each string, and these kinds.
    pub fn meta(&self, line: &str, strings: usize, kinds: Kinds) -> Meta {
        Meta {
            arch: self.options.arch.name().to_owned(),
            cpus: self.options.cpus as u8,
            line: line.to_owned(),
            strings,
            calendar: self.calendar,
            events: kinds.iter().map(|kind| kind.name().to_owned()).collect(),
        }
    }

    /// Whether the user wants the kernel's log.
    pub const fn verbose(&self) -> bool {
        self.options.verbose
    }
}

impl Deref for Session<'_> {
    type Target = Guest;

    fn deref(&self) -> &Guest {
        &self.guest
    }
}

impl DerefMut for Session<'_> {
    fn deref_mut(&mut self) -> &mut Guest {
        &mut self.guest
    }
}

fn read(path: impl AsRef<Path>) -> Result<Vec<u8>, Failure> {
    let path = path.as_ref();
    std::fs::read(path).map_err(|e| Failure::file(path, e))
}

/// What runs first.
fn boot(options: &MachineOptions) -> Result<Boot, Failure> {
    let only = [
        ("--sbi", options.sbi),
        ("--bios", options.bios.is_some()),
        ("--load", !options.load.is_empty()),
        ("--legacy-virtio", options.legacy_virtio),
    ];
    if options.arch != Arch::Riscv64
        && let Some((option, _)) = only.iter().find(|(_, given)| *given)
    {
        return Err(Failure::usage(format!("{option} is for --arch riscv64")));
    }
    Ok(match &options.bios {
        Some(path) => Boot::Firmware(read(path)?),
        None if options.sbi => Boot::Supervisor,
        None => Boot::Machine,
    })
}

/// `FILE@ADDR`: the last @ separates; the address may be hexadecimal.
fn parse_load(specs: &[String]) -> Result<Vec<(u64, PathBuf)>, Failure> {
    let parse = |spec: &String| {
        let (file, addr) = spec.rsplit_once('@')?;
        let at = match addr.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => addr.parse(),
        };
        Some((at.ok()?, PathBuf::from(file)))
    };
    let wrong = |spec| {
        Failure::usage(format!(
            "--load {spec}: FILE@ADDR, as in dtb.bin@0x82000000"
        ))
    };
    let parsed = specs
        .iter()
        .map(|spec| parse(spec).ok_or_else(|| wrong(spec)));
    parsed.collect()
}

/// The calendar at power-on, in seconds since 1970.
pub fn calendar(options: &MachineOptions) -> Result<u64, Failure> {
    match options.rtc.as_deref() {
        None => Ok(EPOCH),
        Some("now") => Ok(std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(EPOCH, |since| since.as_secs())),
        Some(text) => text
            .parse()
            .map_err(|_| Failure::usage(format!("--rtc {text}: neither 'now' nor seconds"))),
    }
}

/// `HOST[:GUEST]`: the last colon separates, if what follows it is absolute.
pub fn parse_put(specs: &[String]) -> Result<Vec<(PathBuf, Vec<u8>)>, Failure> {
    let parse = |spec: &String| {
        if let Some((host, guest)) = spec.rsplit_once(":/") {
            return Ok((PathBuf::from(host), format!("/{guest}").into_bytes()));
        }
        let host = PathBuf::from(spec);
        let name = host.file_name().ok_or_else(|| {
            Failure::usage(format!(
                "--put {spec}: name the guest's path too, as in --put {spec}:/NAME"
            ))
        })?;
        let guest = format!("/{}", name.to_string_lossy()).into_bytes();
        Ok((host, guest))
    };
    specs.iter().map(parse).collect()
}

/// `GUEST[:HOST]`: the first colon separates.
fn parse_get(specs: &[String]) -> Result<Vec<(Vec<u8>, PathBuf)>, Failure> {
    let parse = |spec: &String| {
        let (guest, host) = match spec.split_once(':') {
            Some((guest, host)) => (guest, Some(PathBuf::from(host))),
            None => (spec.as_str(), None),
        };
        let name = guest
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .filter(|n| !n.is_empty());
        let host = match (host, name) {
            (Some(host), Some(name)) if host.is_dir() => host.join(name),
            (Some(host), _) => host,
            (None, Some(name)) => PathBuf::from(name),
            (None, None) => {
                return Err(Failure::usage(format!(
                    "--get {spec}: name the host's path too"
                )));
            }
        };
        let guest = if guest.starts_with('/') {
            guest.to_owned()
        } else {
            format!("/{guest}")
        };
        Ok((guest.into_bytes(), host))
    };
    specs.iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn put_and_get_name_both_sides() {
        let put = |s: &str| parse_put(&[s.to_owned()]).unwrap().remove(0);
        assert_eq!(put("a/b.c"), (PathBuf::from("a/b.c"), b"/b.c".to_vec()));
        assert_eq!(put("x:/tmp/y"), (PathBuf::from("x"), b"/tmp/y".to_vec()));
        assert!(parse_put(&["..".to_owned()]).is_err());
        let get = |s: &str| parse_get(&[s.to_owned()]).unwrap().remove(0);
        assert_eq!(get("/tmp/y"), (b"/tmp/y".to_vec(), PathBuf::from("y")));
        assert_eq!(
            get("out:here.txt"),
            (b"/out".to_vec(), PathBuf::from("here.txt"))
        );
        assert!(parse_get(&["/".to_owned()]).is_err());
    }
}
