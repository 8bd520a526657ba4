//! Prints the code that the engine runs while Silica does a shell line: every block that is lifted, in order.
//!
//! ```text
//! cargo run --release -p glassbox --example lifted -- ARCH 'ls /' [WATCHED]
//! ```
//!
//! WATCHED is `nothing`, `probes` (all of the kernel's) or `instructions` (each one, and all probes).

use glassbox::base::event::{Event, Observer, Peek, Silent, Stamp};
use glassbox::guest::{Guest, Options, Outcome};
use glassbox::trace::kind::{Kind, Kinds};
use std::error::Error;
use std::io::{BufWriter, Write, stdout};

/// Somebody who is told everything and does nothing.
struct Deaf;

impl Observer for Deaf {
    const ON: bool = true;
    fn event(&mut self, _: Stamp, _: &Event, _: &dyn Peek) {}
}

#[allow(clippy::disallowed_methods, reason = "a program reads its arguments")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [arch, line, watched @ ..] = &arguments[..] else {
        return Err("usage: lifted ARCH LINE [nothing|probes|instructions]".into());
    };
    let image = |name| std::fs::read(format!("images/{arch}/{name}"));
    let mut options = Options::new(image("kernel.elf")?);
    options.arch = arch.parse()?;
    options.disk = Some(Box::new(image("fs.img")?));
    options.line = Some(line.clone());
    let mut guest = Guest::new(options)?;
    let wanted = match watched {
        [] => Kinds::NONE,
        [word] if word == "nothing" => Kinds::NONE,
        [word] if word == "probes" => Kinds::all(),
        [word] if word == "instructions" => Kind::all().collect(),
        _ => return Err("what is watched is nothing, probes or instructions".into()),
    };
    if wanted == Kinds::NONE {
        return show(&mut guest, &mut Silent);
    }
    guest.watch(wanted)?;
    show(&mut guest, &mut Deaf)
}

/// Runs to the end and prints what is lifted on the way.
fn show<O: Observer>(guest: &mut Guest, observer: &mut O) -> Result<(), Box<dyn Error>> {
    let mut out = BufWriter::new(stdout().lock());
    guest.machine.board.take_lifts();
    loop {
        let outcome = guest.advance(u64::MAX, false, observer);
        for (place, block) in guest.machine.board.take_lifts() {
            let kept = if block.cacheable { "" } else { ", for once" };
            writeln!(out, "{}: {} bytes{kept}", place.phys, block.bytes)?;
            write!(out, "{block}")?;
        }
        guest.machine.board.take_output();
        match outcome {
            None => {}
            Some(Outcome::Input { port, .. }) => guest.machine.supply(port, &[]),
            Some(Outcome::Exit(_)) => return Ok(out.flush()?),
            Some(other) => return Err(format!("{other:?}").into()),
        }
    }
}
