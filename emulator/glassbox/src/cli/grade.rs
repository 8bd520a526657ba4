//! `glassbox grade`: a submitted kernel, judged by a lab.

use super::options::GradeOptions;
use super::progress::Progress;
use super::{Failure, print};
use crate::disk::{Image, Layer, transfer};
use crate::grade::{Images, Lab, Report, Survey, Test, Verdict, judge};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

/// Points were lost.
const LOST: u8 = 1;

/// Runs the command.
pub fn grade(options: &GradeOptions) -> Result<u8, Failure> {
    let path = &options.lab;
    let text = std::fs::read_to_string(path).map_err(|e| Failure::file(path, e))?;
    let lab = Lab::parse(&text, options.seed).map_err(|e| Failure::file(path, e))?;
    let tests = tests(options, &lab)?;
    let images = images(options, &lab, &tests)?;
    if let Some(path) = &options.save {
        let &[test] = &tests[..] else {
            return Err(Failure::usage("--save: say which test with one --test"));
        };
        crate::grade::first_disk(test, &images)
            .map_err(|e| Failure::file(&options.lab, format!("test {}: {e}", test.name)))?
            .save(path)
            .map_err(|e| Failure::file(path, e))?;
    }
    let verdicts = run(options, &lab, &tests, &images)?;
    let report = Report::new(&lab, &images.survey, &verdicts);
    print(&report)?;
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(&report).map_err(|e| Failure::file(path, e))?;
        write(path, &(json + "\n"))?;
    }
    if let Some(path) = &options.junit {
        write(path, &report.junit())?;
    }
    Ok(if report.is_full() { 0 } else { LOST })
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|e| Failure::file(path, e))
}

/// The tests to be run, in the lab's order.
fn tests<'a>(options: &GradeOptions, lab: &'a Lab) -> Result<Vec<&'a Test>, Failure> {
    if let Some(name) = options.test.iter().find(|name| lab.test(name).is_none()) {
        let names: Vec<&str> = lab.tests.iter().map(|test| &test.name[..]).collect();
        return Err(Failure::usage(format!(
            "--test {name}: the lab has no such test; it has {}",
            names.join(", ")
        )));
    }
    let wanted = |test: &&Test| options.test.is_empty() || options.test.contains(&test.name);
    Ok(lab.tests.iter().filter(wanted).collect())
}

/// What is judged, and what is trusted.
fn images(options: &GradeOptions, lab: &Lab, tests: &[&Test]) -> Result<Images, Failure> {
    let folder = &options.images;
    let read = |path: &Path| std::fs::read(path).map_err(|e| Failure::file(path, e));
    let kernel_path = folder.join("kernel.elf");
    let kernel = read(&kernel_path)?.into();
    let disk_path = folder.join("fs.img");
    let image = Image::open(&disk_path).map_err(|e| Failure::file(&disk_path, e))?;
    let disk = Layer::new(image);
    transfer::check(disk.clone()).map_err(|e| Failure::file(&disk_path, e))?;
    let mut programs = BTreeMap::new();
    for test in tests {
        for (_, program) in &test.put {
            let path = folder.join("programs").join(program);
            let data = std::fs::read(&path).map_err(|e| {
                Failure::file(
                    &options.lab,
                    format!(
                        "test {}: put: program {program}: {}: {e}",
                        test.name,
                        path.display()
                    ),
                )
            })?;
            programs.insert(program.clone(), data);
        }
    }
    Ok(Images {
        survey: Survey::new(&kernel, &lab.open).map_err(|e| Failure::file(&kernel_path, e))?,
        kernel,
        disk,
        programs,
    })
}

/// Runs all tests, several at a time. The verdicts are in the order of the tests, whoever came first.
fn run(
    options: &GradeOptions,
    lab: &Lab,
    tests: &[&Test],
    images: &Images,
) -> Result<Vec<Verdict>, Failure> {
    let next = AtomicUsize::new(0);
    let mut verdicts = BTreeMap::new();
    let mut progress = Progress::new(tests.len());
    let threads = (options.jobs as usize).min(tests.len());
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        for _ in 0..threads {
            let (sender, next) = (sender.clone(), &next);
            scope.spawn(move || {
                while let Some(test) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = judge(lab, test, images).map_err(|e| {
                        Failure::file(&options.lab, format!("test {}: {e}", test.name))
                    });
                    if sender.send((&test.name, verdict)).is_err() {
                        return; // nobody wants to know any more
                    }
                }
            });
        }
        drop(sender);
        for (name, verdict) in receiver {
            verdicts.insert(name, verdict);
            progress.step(format_args!("tests: {name}"));
        }
    });
    // Of several failures the first test's is told, so that it is the same one every time.
    let in_order = tests.iter().filter_map(|test| verdicts.remove(&test.name));
    in_order.collect()
}
