//! Host memory at the guest's prompt: all of it, and without the pages that the guest has touched.
//!
//! The host itself says both (proc(5)): the guest's memory is the one mapping that is as large as
//! the machine was told, and its resident part is what has been touched.

use anyhow::{Context, Result};

use super::Subject;
use super::prompt::{self, MEMORY_MIB};
use super::sample::Samples;

/// The bench.
pub fn run(subject: &Subject) -> Result<()> {
    let (mut all, mut own) = (Samples::default(), Samples::default());
    for _ in 0..subject.repeat {
        let (mut child, _) = prompt::start(&mut prompt::glassbox(subject))?;
        let maps = std::fs::read_to_string(format!("/proc/{}/smaps", child.id()));
        child.kill()?;
        child.wait()?;
        let (resident, guest) = resident(&maps.context("cannot read /proc/<pid>/smaps")?);
        all.push(resident / 1024.0);
        own.push((resident - guest) / 1024.0);
    }
    println!("  at the prompt, MiB           {all}");
    println!("  without the guest's pages    {own}");
    Ok(())
}

/// Resident KiB of all mappings, and of those as large as the guest's memory.
fn resident(maps: &str) -> (f64, f64) {
    let (mut all, mut guest, mut size) = (0.0, 0.0, 0.0);
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (name, value) = (
            words.next(),
            words.next().and_then(|value| value.parse::<f64>().ok()),
        );
        match (name, value) {
            (Some("Size:"), Some(value)) => size = value,
            (Some("Rss:"), Some(value)) => {
                all += value;
                guest += if size >= f64::from(MEMORY_MIB) * 1024.0 {
                    value
                } else {
                    0.0
                };
            }
            _ => {}
        }
    }
    (all, guest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guests_mapping_is_told_by_its_size() {
        let maps = "7f00-7f01 rw-p 0 00:00 0\nSize: 131076 kB\nRss: 4000 kB\n\
                    5500-5501 r-xp 0 00:00 1 /bin/x\nSize: 8 kB\nRss: 4 kB\n";
        assert_eq!(resident(maps), (4004.0, 4000.0));
    }
}
