//! The time that recording takes, as a ratio to the same run unwatched, and the space.
//!
//! Each program is run in turn unwatched and with each set of events recorded to a file, so that a disturbance of the
//! host meets all of them; the times are CPU times.

use anyhow::Result;

use super::{ALL, INSTRUCTIONS, KERNEL, LINE, Scratch, mix, verdict};
use crate::bench::Subject;
use crate::bench::cost::Cost;
use crate::bench::sample::{Samples, geometric_mean};

/// What is recorded, its name, and how many times the unwatched run's time it may take.
const SETS: [(&str, &str, f64); 3] = [
    ("kernel", KERNEL, 1.10),
    ("all", ALL, 1.5),
    ("instructions", INSTRUCTIONS, 4.0),
];

/// Most megabytes that a boot and one command may take, everything but single instructions recorded.
const MOST_MEGABYTES: f64 = 5.0;

/// The bench.
pub fn run(subject: &Subject) -> Result<()> {
    let file = Scratch::new(subject, "bench.gbt")?;
    let record = |events: &str, line: &str| {
        let options = ["-e", events, "-o", &file.argument()];
        subject.line("trace", &options, line)
    };
    let mut medians = SETS.map(|_| Vec::new());
    for program in mix(subject)? {
        let mut unwatched = Samples::default();
        let mut watched = SETS.map(|_| Samples::default());
        for _ in 0..subject.repeat {
            unwatched.push(Cost::of(&mut subject.line("run", &[], &program), 0)?.cpu);
            for (samples, (_, events, _)) in watched.iter_mut().zip(SETS) {
                samples.push(Cost::of(&mut record(events, &program), 0)?.cpu);
            }
        }
        println!("  {program:<28} {unwatched}   s unwatched");
        for ((samples, (name, _, limit)), medians) in watched.iter().zip(SETS).zip(&mut medians) {
            let ratio = samples.over(&unwatched);
            let median = ratio.median();
            println!("    {name:<26} {ratio}   times, {}", verdict(median, limit));
            medians.push(median);
        }
    }
    println!("  geometric mean");
    for ((name, _, limit), medians) in SETS.iter().zip(&medians) {
        let mean = geometric_mean(medians);
        println!(
            "    {name:<26} {mean:9.3}   times, {}",
            verdict(mean, *limit)
        );
    }
    println!("  recording of a boot and `{LINE}`, MB");
    for (name, events, _) in SETS {
        Cost::of(&mut record(events, LINE), 0)?;
        let size = file.megabytes()?;
        let said = match name {
            "instructions" => String::new(),
            _ => format!("   {}", verdict(size, MOST_MEGABYTES)),
        };
        println!("    {name:<26} {size:9.3}{said}");
    }
    Ok(())
}
