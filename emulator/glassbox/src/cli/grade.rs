//! `glassbox grade`: a submitted kernel, judged by a lab.

use super::options::GradeOptions;
use super::progress::Progress;
use super::{Failure, print};
use crate::disk::{Image, Layer, transfer};
use crate::grade::{Images, Lab, Refusal, Report, Survey, Test, Verdict, judge};
use machine::ConfigError;
use machine::loader::LoadError;
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
    let lab = Lab::parse(&text, options.seed, options.arch).map_err(|e| Failure::file(path, e))?;
    let tests = tests(options, &lab)?;
    if let Some(reason) = &options.refused {
        let compiler = options.compiler.as_ref();
        let words = compiler.map(|path| read(path)).transpose()?;
        let words = words.as_ref().map(|words| String::from_utf8_lossy(words));
        return refuse(
            options,
            &lab,
            &tests,
            Refusal::new(reason, words.as_deref()),
        );
    }
    let images = match images(options, &lab, &tests)? {
        Ok(images) => images,
        Err(error) => {
            let reason = format!("the kernel cannot be loaded: {error}");
            return refuse(options, &lab, &tests, Refusal::new(&reason, None));
        }
    };
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
    tell(options, &Report::new(&lab, &images.survey, &verdicts))
}

/// Reports 0 points.
fn refuse(
    options: &GradeOptions,
    lab: &Lab,
    tests: &[&Test],
    refusal: Refusal,
) -> Result<u8, Failure> {
    tell(options, &Report::refused(lab, tests, refusal))
}

/// Prints a report and writes it to the files that are wanted; gives the exit status.
fn tell(options: &GradeOptions, report: &Report) -> Result<u8, Failure> {
    print(report)?;
    if let Some(path) = &options.json {
        let json = serde_json::to_string_pretty(report).map_err(|e| Failure::file(path, e))?;
        write(path, &(json + "\n"))?;
    }
    if let Some(path) = &options.junit {
        write(path, &report.junit())?;
    }
    Ok(if report.is_full() { 0 } else { LOST })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| Failure::file(path, e))
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

/// What is judged, and what is trusted; or why the kernel cannot be loaded.
fn images(
    options: &GradeOptions,
    lab: &Lab,
    tests: &[&Test],
) -> Result<Result<Images, LoadError>, Failure> {
    let folder = options.images.as_ref();
    let folder = folder.ok_or_else(|| Failure::usage("--images DIR is missing"))?;
    let kernel = read(&folder.join("kernel.elf"))?.into();
    // What fits into the smallest machine fits into all.
    let smallest = tests.iter().min_by_key(|test| test.machine.memory);
    let smallest = smallest.ok_or_else(|| Failure::file(&options.lab, "no tests"))?;
    let survey = match Survey::new(&kernel, lab.arch, smallest.machine.memory, &lab.open) {
        Ok(survey) => survey,
        Err(ConfigError::Kernel(error)) => return Ok(Err(error)),
        Err(error) => {
            let what = format!("test {}: machine: {error}", smallest.name);
            return Err(Failure::file(&options.lab, what));
        }
    };
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
    Ok(Ok(Images {
        survey,
        kernel,
        disk,
        programs,
    }))
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
