//! Grading: whether a submitted kernel does what a lab asks for, judged by the machine's state and not by its words.
//!
//! ```text
//! lab      what is judged: tests, their points and checks (a TOML file)
//! random   names and data of a test, drawn from the seed
//! sites    which of the kernel's probes are believed
//! run      one test: a boot from power-on with trusted programs on the disk, watched to its end
//! judge    each check against what the run left behind; points
//! report   the verdicts: a table for people, JSON and JUnit for programs
//! ```
//!
//! Trusted are the lab, the disk image, the programs and this emulator; the kernel is hostile. What it prints is bounded
//! and escaped, what it says through probes counts only from places that its author could not change, system calls are
//! seen by the hardware, the line's output counts only as far as programs wrote it ([`said`]), and the end of a run counts only
//! if the trusted first program asked for it ([`witness`]); and nothing counts if a program did not run as it is
//! written ([`course`]). A verdict depends on lab, images and seed alone. Nothing here knows threads: who has several gives each some tests.

mod check;
mod course;
mod disk;
mod expand;
mod glob;
mod judge;
mod junit;
mod lab;
mod measure;
mod predicate;
mod random;
mod report;
mod run;
mod said;
mod shared;
mod shown;
mod sites;
mod table;
mod witness;

pub use judge::judge;
pub use lab::{Lab, Test};
pub use report::{Refusal, Report, Verdict};
pub use run::{Images, Ran, first_disk, run};
pub use sites::Survey;
