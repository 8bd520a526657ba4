//! Counts page walks per process: an observer of one's own, hooked into a machine.
//!
//! ```text
//! cargo run --release -p glassbox --example hook -- [--arch riscv64] 'ls /'
//! ```

use glassbox::base::event::{Event, Observer, Peek, Stamp};
use glassbox::guest::{Arch, Guest, Options, Stream};
use glassbox::trace::follow::Follower;
use std::collections::BTreeMap;
use std::error::Error;

/// Hears every event; the follower in it knows who runs.
struct Walks {
    who: Follower,
    walks: BTreeMap<u32, u64>,
}

impl Observer for Walks {
    const ON: bool = true;

    fn event(&mut self, stamp: Stamp, event: &Event, memory: &dyn Peek) {
        self.who.event(stamp, event, memory);
        if let Event::PageWalk { .. } = event {
            let pid = self.who.tasks().running(stamp.cpu);
            *self.walks.entry(pid).or_default() += 1;
        }
    }
}

/// Runs a shell line on these images and gives what it printed, and the table.
pub fn count(
    arch: Arch,
    kernel: Vec<u8>,
    disk: Vec<u8>,
    line: &str,
) -> Result<(Vec<u8>, String), Box<dyn Error>> {
    let mut options = Options::new(kernel);
    options.arch = arch;
    options.disk = Some(Box::new(disk));
    options.line = Some(line.to_owned());
    let mut guest = Guest::new(options)?;
    let mut walks = Walks {
        who: guest.follow()?,
        walks: BTreeMap::new(),
    };
    let mut printed = Vec::new();
    guest.run(&mut walks, &mut |stream, text| {
        if stream != Stream::Console {
            printed.extend_from_slice(text);
        }
    });
    let mut table = String::from("  WALKS    PID  NAME\n");
    for (pid, count) in &walks.walks {
        table += &format!("{count:>7}  {pid:>5}  {}\n", walks.who.tasks().comm(*pid));
    }
    Ok((printed, table))
}

#[allow(clippy::disallowed_methods, reason = "a program reads its arguments")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut arch = Arch::default();
    if let [option, name, ..] = &words[..]
        && option == "--arch"
    {
        arch = name.parse()?;
        words.drain(..2);
    }
    let image = |name| std::fs::read(format!("images/{arch}/{name}"));
    let (printed, table) = count(
        arch,
        image("kernel.elf")?,
        image("fs.img")?,
        &words.join(" "),
    )?;
    print!("{}{table}", String::from_utf8_lossy(&printed));
    Ok(())
}
