//! What a crash leaves behind: the promises at the head of `fs/log.rs`, tested by brute force.
//!
//! A workload runs on a disk that records every write and flush (`recorder`), next to a model of
//! what the tree of files should be after each operation (`world`). Then the machine "crashes" after
//! every single write: of the writes since the last flush, each may be on the disk, missing, or torn
//! at 512 bytes (`crashes`). Each disk that can come about is checked, mounted, compared with the
//! model and checked again (`verdict`).

mod crashes;
mod recorder;
mod verdict;
mod world;

use abi::layout::LOG_START;
use crashes::{Tally, crash_everywhere};
use recorder::Event;
use world::World;

/// Runs a workload and crashes it everywhere.
fn check(blocks: u32, workload: impl Fn(&mut World)) {
    let mut world = World::new(blocks);
    workload(&mut world);
    let tally = survive(&world, &world.events());
    println!("{tally:?}");
    assert!(
        tally.crashes > 100,
        "a workload that writes too little proves nothing: {tally:?}"
    );
}

fn survive(world: &World, events: &[Event]) -> Tally {
    match crash_everywhere(world, events) {
        Ok(tally) => tally,
        Err(report) => panic!("{report}"),
    }
}

const DISK: u32 = 160;

#[test]
fn files_that_were_synced_are_there() {
    check(DISK, |world| {
        for i in 0..6 {
            let name = format!("file{i}");
            world.create(&name);
            world.write(&name, 0, 3000 + i * 2500);
            if i % 2 == 1 {
                world.sync();
            }
        }
        world.unlink("file1");
        world.sync();
        world.write("file3", 1000, 9000);
        world.unlink("file4");
        world.create("late");
        world.write("late", 0, 5000);
        world.sync();
    });
}

#[test]
fn a_file_replaced_by_rename_is_old_or_new() {
    check(DISK, |world| {
        world.create("config");
        world.write("config", 0, 6000);
        world.sync();
        for round in 0..5 {
            world.create("config.new");
            world.write("config.new", 0, 5000 + round * 1000);
            if round % 2 == 0 {
                world.sync();
            }
            world.rename("config.new", "config");
        }
        world.sync();
    });
}

#[test]
fn a_log_file_grows_without_showing_what_was_there_before() {
    check(DISK, |world| {
        // Something to show by mistake: freed blocks full of old data.
        world.create("old");
        for i in 0..6 {
            world.write("old", i * 60_000, 60_000);
        }
        world.sync();
        world.unlink("old");
        world.sync();
        world.create("log");
        let mut end = 0;
        for i in 0..24 {
            let length = 100 + i * 397;
            world.write("log", end, length);
            end += length;
            if i % 5 == 4 {
                world.sync();
            }
        }
    });
}

#[test]
fn directories_move_as_a_whole() {
    check(DISK, |world| {
        world.mkdir("a");
        world.mkdir("a/b");
        world.mkdir("c");
        world.create("a/b/file");
        world.write("a/b/file", 0, 2000);
        world.sync();
        world.link("a/b/file", "c/hard");
        world.symlink("a/link", "b/file");
        world.rename("a/b", "c/b");
        world.sync();
        world.mkdir("a/empty");
        world.exchange("a", "c/b");
        world.rename("c/hard", "a/hard");
        world.sync();
        world.rmdir("c/b/empty");
        world.unlink("c/b/link");
        world.rename("c/b", "d");
        world.mkdir("e");
        world.rename("e", "d");
        world.sync();
        world.rename("a", "d/a");
        world.rmdir("c");
        world.sync();
    });
}

#[test]
fn blocks_of_a_deleted_file_are_not_reused_too_early() {
    check(DISK, |world| {
        world.create("keep");
        world.write("keep", 0, 60_000);
        world.create("other");
        world.write("other", 0, 40_000);
        world.sync();
        // Until the next commit the disk still says that the blocks are theirs.
        world.unlink("keep");
        world.truncate("other", 0);
        world.fill("new");
        world.unlink("new");
        world.create("newer");
        world.write("newer", 0, 60_000);
        world.sync();
    });
}

#[test]
fn cutting_and_growing_leaves_no_mixture() {
    check(DISK, |world| {
        world.create("f");
        world.write("f", 0, 20_000);
        world.sync();
        world.truncate("f", 6_001);
        world.write("f", 6_500, 100);
        world.truncate("f", 10_000);
        world.sync();
        world.truncate("f", 4_096);
        world.truncate("f", 30_000);
        world.write("f", 25_000, 7_000);
        world.write("f", 3_000, 3_000);
        world.sync();
        world.truncate("f", 100);
        world.truncate("f", 200);
        world.write("f", 50, 100);
        world.write("f", 70_000, 10_000);
        world.sync();
    });
}

#[test]
fn operations_that_overflow_the_log_stay_whole() {
    check(DISK, |world| {
        for i in 0..40 {
            let dir = format!("d{}", i / 10);
            if i % 10 == 0 {
                world.mkdir(&dir);
            }
            world.create(&format!("{dir}/a-rather-long-name-{i}"));
            world.symlink(&format!("{dir}/s{i}"), "somewhere/else");
        }
        for i in (0..40).step_by(3) {
            world.rename(&format!("d{}/s{i}", i / 10), &format!("d0/r{i}"));
        }
    });
}

#[test]
fn open_files_without_a_name_vanish_and_leave_nothing() {
    check(DISK, |world| {
        world.create("open");
        world.write("open", 0, 20_000);
        world.create("stays");
        world.sync();
        let orphan = world.unlink_open("open");
        world.sync();
        world.write_orphan(orphan, 60_000);
        world.write("stays", 0, 9_000);
        world.sync();
        world.reap(orphan);
        world.create("next");
        world.sync();
    });
}

#[test]
fn huge_files_are_cut_in_steps_that_mounting_completes() {
    check(3000, |world| {
        world.create("huge");
        for i in 0..40 {
            world.write("huge", i * 245_760, 245_760);
        }
        world.create("big");
        world.write("big", 0, 60_000);
        world.sync();
        world.forget_the_past();
        world.truncate("huge", 50_000);
        world.write("huge", 40_000, 20_000);
        world.rename("big", "bigger");
        world.write("huge", 300_000, 5_000);
        world.sync();
        world.unlink("huge");
        for i in 0..8 {
            world.create(&format!("after{i}"));
            world.write(&format!("after{i}"), 0, 9_000);
            world.sync();
        }
    });
}

#[test]
fn random_operations_survive() {
    for seed in 0..4 {
        check(DISK, |world| world.random_operations(seed, 90));
    }
}

/// The three flushes of a commit, by what stands around them in the recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// After the blocks of the last transaction were installed.
    BeforeBodies,
    /// Before the header is written.
    BeforeHeader,
    /// After the header was written.
    AfterHeader,
}

fn role(before: Option<&Event>, after: Option<&Event>) -> Option<Role> {
    let writes = |event: Option<&Event>, to: u32| matches!(event, Some(Event::Write(block, _)) if *block == to);
    if writes(before, LOG_START) {
        Some(Role::AfterHeader)
    } else if writes(after, LOG_START) {
        Some(Role::BeforeHeader)
    } else if writes(after, LOG_START + 1) {
        Some(Role::BeforeBodies)
    } else {
        None
    }
}

#[test]
fn without_any_one_of_its_three_flushes_the_journal_breaks_its_promises() {
    let mut world = World::new(DISK);
    world.create("old");
    world.write("old", 0, 60_000);
    world.sync();
    world.unlink("old");
    world.sync();
    for i in 0..4 {
        world.create(&format!("f{i}"));
        world.write(&format!("f{i}"), 0, 20_000);
        world.mkdir(&format!("d{i}"));
        world.sync();
    }
    let events = world.events();
    survive(&world, &events);
    for lost in [Role::BeforeBodies, Role::BeforeHeader, Role::AfterHeader] {
        // Marks stand between the writes; the roles are about writes and flushes only.
        let solid = |e: &&Event| !matches!(e, Event::Begun(_) | Event::Durable(_));
        let kept: Vec<Event> = (0..events.len())
            .filter(|at| {
                let is_lost = matches!(events[*at], Event::Flush) && {
                    let before = events[..*at].iter().rev().find(solid);
                    let after = events[*at + 1..].iter().find(solid);
                    role(before, after) == Some(lost)
                };
                !is_lost
            })
            .map(|at| events[at].clone())
            .collect();
        assert!(
            kept.len() < events.len(),
            "{lost:?} was not found in the recording"
        );
        assert!(
            crash_everywhere(&world, &kept).is_err(),
            "{lost:?} seems to be superfluous"
        );
    }
}
