//! Host time of the guest's own tests of every system call.

use anyhow::Result;

use super::Subject;
use super::counters::Counters;
use super::sample::Samples;

/// The bench.
pub fn run(subject: &Subject) -> Result<()> {
    let (mut seconds, mut mips) = (Samples::default(), Samples::default());
    for _ in 0..subject.repeat {
        let counters = Counters::of(subject, "usertests")?;
        let took = counters.number("host_ns")? / 1e9;
        seconds.push(took);
        mips.push(counters.number("instructions")? / took / 1e6);
    }
    println!("  usertests, s                 {seconds}");
    println!("  usertests, MIPS              {mips}");
    Ok(())
}
