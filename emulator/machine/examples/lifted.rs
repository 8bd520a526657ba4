//! Prints the code that the engine runs while Silica does a shell line: every block that is lifted, in order.
//!
//! ```text
//! cargo run --release -p machine --example lifted -- images/x86_64/kernel.elf images/x86_64/fs.img 'ls /' [WATCHED]
//! ```
//!
//! WATCHED is `nothing`, `probes` (all of the kernel's) or `instructions` (each one, and all probes).

// An example is a program: it meets the host, as the command line does.
#![allow(clippy::disallowed_methods)]

use base::event::{Event, Peek};
use base::{Observer, Seeded, Silent, Stamp, Time};
use machine::pc::{Config, Medium, MediumError, Pc, Shape};
use machine::{Board, Limits, Machine, Outcome, Watch};
use std::error::Error;
use std::io::{BufWriter, Write, stdout};

/// A disk image in memory.
struct Image(Vec<u8>);

impl Medium for Image {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), MediumError> {
        let from = offset as usize;
        let held = self.0.get(from..from + buffer.len()).ok_or(MediumError)?;
        buffer.copy_from_slice(held);
        Ok(())
    }
}

/// Somebody who is told everything and does nothing.
struct Deaf;

impl Observer for Deaf {
    const ON: bool = true;
    fn event(&mut self, _: Stamp, _: &Event, _: &dyn Peek) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kernel, disk, line, watched @ ..] = &arguments[..] else {
        return Err("usage: lifted KERNEL DISK LINE [nothing|probes|instructions]".into());
    };
    let kernel = std::fs::read(kernel)?;
    let command_line = format!("run=\"{line}\"");
    let pc = Pc::new(Config {
        cpus: 1,
        memory: 128 << 20,
        kernel: &kernel,
        command_line: command_line.as_bytes(),
        initrd: None,
        disk: Some(Box::new(Image(std::fs::read(disk)?))),
        stdio: true,
        seed: 0,
        calendar: 1_767_225_600,
        tlb: Shape::default(),
    })
    .map_err(|e| e.to_string())?;
    let machine = Machine::new(pc, Seeded::new(0));
    match watched {
        [] => show(machine, &mut Silent),
        [word] if word == "nothing" => show(machine, &mut Silent),
        [word] if word == "probes" => show(watch(machine, false)?, &mut Deaf),
        [word] if word == "instructions" => show(watch(machine, true)?, &mut Deaf),
        _ => Err("what is watched is nothing, probes or instructions".into()),
    }
}

/// Watches all of the kernel's probes.
fn watch(
    mut machine: Machine<Pc, Seeded>,
    instructions: bool,
) -> Result<Machine<Pc, Seeded>, Box<dyn Error>> {
    let watches: Vec<Watch> = (0u32..)
        .zip(machine.board.sites())
        .map(|(site, probe)| Watch {
            address: probe.address,
            site,
            arguments: probe.arguments.clone(),
        })
        .collect();
    machine.board.watch(&watches, instructions)?;
    Ok(machine)
}

/// Runs to the end and prints what is lifted on the way.
fn show<O: Observer>(
    mut machine: Machine<Pc, Seeded>,
    observer: &mut O,
) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(stdout().lock());
    machine.board.take_lifts();
    loop {
        let limits = Limits {
            time: machine.now() + Time::millis(10),
            ..Limits::default()
        };
        let outcome = machine.run(&limits, observer);
        for (place, block) in machine.board.take_lifts() {
            let kept = if block.cacheable { "" } else { ", for once" };
            writeln!(out, "{}: {} bytes{kept}", place.phys, block.bytes)?;
            write!(out, "{block}")?;
        }
        machine.board.chips.take_output();
        match outcome {
            Outcome::TimeUp => {}
            Outcome::Input { port, .. } => machine.supply(port, &[]),
            Outcome::Exit(_) => return Ok(out.flush()?),
            other => return Err(format!("{other:?}").into()),
        }
    }
}
