//! `cargo xtask readme`: are the README's transcripts what the commands print?
//!
//! Each line `$ COMMAND` of a block that runs the emulator is run again and compared. Instruction counts
//! and replay tokens follow the guest's code, so after a change of the guest they are other ones:
//! `--accept` puts the new ones in. This is no test: another compiler gives another guest.

mod transcript;

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::layout::{Arch, Layout, write_whole};
use crate::process::{Reported, progress};
use crate::{boot, guest, image};
use transcript::Transcript;

/// Options of the subcommand.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// Put what is printed now into the README
    #[arg(long)]
    accept: bool,
}

/// The subcommand.
pub fn run(layout: &Layout, options: &Options) -> Result<()> {
    for arch in Arch::ALL {
        let built = guest::build(layout, &guest::Options::release(arch))?;
        image::build(layout, &built, &layout.images())?;
    }
    boot::build_emulator(layout)?;

    let path = layout.root.join("README.md");
    let text = std::fs::read_to_string(&path).context("README.md")?;
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    let (mut differing, mut stuck) = (0, 0);
    // From the last to the first, so that the places of those before stay right.
    for transcript in transcript::all(&lines).into_iter().rev() {
        progress(&transcript.command);
        let printed = printed(layout, &transcript)?;
        let shown = &lines[transcript.shown.clone()];
        if transcript::agree(shown, &printed) {
            continue;
        }
        differing += 1;
        println!("differs: {}", transcript.command);
        match transcript::renewed(shown, &printed) {
            Some(new) => {
                for (old, new) in shown.iter().zip(&new).filter(|(old, new)| old != new) {
                    println!("    -{old}\n    +{new}");
                }
                lines.splice(transcript.shown, new);
            }
            None => {
                stuck += 1;
                println!("    by more than numbers: change it by hand");
            }
        }
    }
    if options.accept && differing > stuck {
        write_whole(&path, (lines.join("\n") + "\n").as_bytes())?;
    }
    if stuck > 0 || differing > 0 && !options.accept {
        return Err(Reported::default().into());
    }
    Ok(())
}

/// What the command prints, on either output, when run in the checkout with the emulator at hand.
fn printed(layout: &Layout, transcript: &Transcript) -> Result<Vec<String>> {
    let folder = layout.emulator();
    let folder = folder.parent().context("the emulator lies in a folder")?;
    let path = std::env::var("PATH").unwrap_or_default();
    let script = format!("exec 2>&1\n{}", transcript.command);
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).current_dir(&layout.root);
    bash.env("PATH", format!("{}:{path}", folder.display()));
    let output = bash
        .stdin(Stdio::null())
        .output()
        .context("cannot start bash")?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text
        .lines()
        .map(|line| line.trim_end().to_string())
        .collect())
}
