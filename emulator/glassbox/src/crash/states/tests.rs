//! A small recording on a small image, crashed everywhere.

use super::*;
use crate::disk::Image;
use std::io::Write;
use tempfile::NamedTempFile;

const SIZE: usize = PAGE_SIZE as usize;

/// A disk of four pages of 0x11.
fn image() -> (NamedTempFile, Layer) {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&[0x11; 4 * SIZE]).unwrap();
    let layer = Layer::new(Image::open(file.path()).unwrap());
    (file, layer)
}

fn write(sector: u64, value: u8, sectors: usize, printed: usize) -> Step {
    Step::Write {
        offset: sector * SECTOR,
        bytes: vec![value; sectors * SECTOR as usize],
        printed,
    }
}

/// One page, a flush, two pages of which the second is torn over a page's end, one sector.
fn recording() -> Recording {
    Recording {
        steps: vec![
            write(0, 1, 8, 0),
            Step::Flush { printed: 0 },
            write(8, 2, 1, 3),
            write(15, 3, 2, 3),
            Step::Flush { printed: 5 },
        ],
        printed: b"abcde".to_vec(),
    }
}

/// The first byte of each sector up to the last that is not the image's.
fn sectors(states: &States<'_>, cut: &str) -> Vec<u8> {
    let pages = states.disk(&cut.parse().unwrap()).unwrap();
    let mut sectors = vec![0x11; 32];
    for (number, page) in pages.iter() {
        for (index, sector) in page.chunks(SECTOR as usize).enumerate() {
            assert!(sector.iter().all(|byte| *byte == sector[0]));
            sectors[number as usize * 8 + index] = sector[0];
        }
    }
    let last = sectors.iter().rposition(|&byte| byte != 0x11);
    sectors.truncate(last.map_or(0, |last| last + 1));
    sectors
}

#[test]
fn what_was_flushed_is_there_and_the_rest_as_the_cut_says() {
    let (_file, layer) = image();
    let recording = recording();
    let states = States::new(&recording, &layer, false, 0).unwrap();
    let one = [1; 8].to_vec();
    assert!(sectors(&states, "cut@disk.write#1").is_empty());
    assert_eq!(sectors(&states, "cut@disk.write#1:torn@1024"), [1, 1]);
    assert_eq!(sectors(&states, "cut@disk.write#2"), one);
    assert_eq!(sectors(&states, "cut@disk.write#3"), one);
    let two = [&one[..], &[2]].concat();
    assert_eq!(sectors(&states, "cut@disk.write#3:kept"), two);
    let torn = [&one[..], &[0x11; 7], &[3]].concat();
    assert_eq!(sectors(&states, "cut@disk.write#3:torn@512"), torn);
    let all = [&two[..], &[0x11; 6], &[3, 3]].concat();
    assert_eq!(sectors(&states, "cut@disk.write#3:torn@1024:kept"), all);
    assert_eq!(sectors(&states, "cut@end"), all);
}

#[test]
fn a_disk_that_lies_has_nothing_to_show() {
    let (_file, layer) = image();
    let recording = recording();
    let states = States::new(&recording, &layer, true, 0).unwrap();
    assert!(sectors(&states, "cut@end").is_empty());
    assert_eq!(sectors(&states, "cut@disk.write#2:torn@512").len(), 9);
    assert_eq!(sectors(&states, "cut@end:kept").len(), 17);
}

#[test]
fn all_cuts_are_listed_once_and_equal_disks_are_found() {
    let (_file, layer) = image();
    let recording = recording();
    let states = States::new(&recording, &layer, false, 0).unwrap();
    let cuts: Vec<String> = states.cuts(0).iter().map(Cut::to_string).collect();
    assert_eq!(cuts.len(), 9 + 2 + 2 + (3 + 2) + 2 + 1);
    assert_eq!(cuts[9..11], ["cut@disk.flush#1", "cut@disk.flush#1:kept"]);
    assert_eq!(cuts[17], "cut@disk.write#3:torn@512:kept");
    assert_eq!(cuts[20], "cut@end");
    let distinct = states.distinct(&states.cuts(0), false).unwrap();
    let found: usize = distinct.iter().map(|state| 1 + state.others).sum();
    assert_eq!((found, distinct.len()), (21, 14));
    // The first write whole; kept at the flush; the second not begun; lost when the third began, and at its flush.
    assert_eq!(distinct[8].cut.to_string(), "cut@disk.write#1:torn@4096");
    assert_eq!(distinct[8].others, 4);
}

#[test]
fn a_disk_with_another_promise_is_another_state() {
    let (_file, layer) = image();
    let recording = recording();
    let states = States::new(&recording, &layer, false, 0).unwrap();
    let told = states.distinct(&states.cuts(0), true).unwrap();
    let one_page = states.disk(&"cut@disk.write#2".parse().unwrap()).unwrap();
    let hash = states.hash(&one_page);
    let promises = told.iter().filter(|state| state.hash == hash);
    let promises: Vec<(usize, String)> = promises
        .map(|state| (state.printed, state.cut.to_string()))
        .collect();
    let expected = [
        (0, "cut@disk.write#1:torn@4096"),
        (3, "cut@disk.write#2"),
        (5, "cut@disk.flush#2"),
    ];
    assert_eq!(
        promises,
        expected.map(|(printed, cut)| (printed, cut.to_owned()))
    );
}

#[test]
fn a_page_that_is_again_what_the_image_has_makes_no_difference() {
    let (_file, layer) = image();
    let recording = Recording {
        steps: vec![write(0, 0x11, 8, 0), write(8, 2, 1, 0)],
        printed: Vec::new(),
    };
    let states = States::new(&recording, &layer, false, 0).unwrap();
    let cuts = ["cut@disk.write#1", "cut@disk.write#2:kept"].map(|cut| cut.parse().unwrap());
    assert_eq!(states.distinct(&cuts, false).unwrap().len(), 1);
}

#[test]
fn draws_follow_the_seed_and_differ_from_each_other() {
    let (_file, layer) = image();
    let steps = (0..20).map(|n| write(n, n as u8, 1, 0)).collect();
    let recording = Recording {
        steps,
        printed: Vec::new(),
    };
    let disks = |seed| -> Vec<Vec<u8>> {
        let states = States::new(&recording, &layer, false, seed).unwrap();
        let cuts = states.cuts(3);
        assert_eq!(
            cuts.iter().filter(|cut| cut.at == At::End).count(),
            1 + 1 + 3
        );
        let draws = cuts.iter().filter(|cut| cut.at == At::End);
        draws
            .map(|cut| sectors(&states, &cut.to_string()))
            .collect()
    };
    let first = disks(1);
    assert_eq!(first, disks(1));
    assert_ne!(first, disks(2));
    assert!(first[2] != first[3] && first[2] != first[0] && first[2] != first[1]);
}

#[test]
fn a_sample_is_drawn_by_the_seed_and_keeps_the_order() {
    let (_file, layer) = image();
    let recording = recording();
    let states = States::new(&recording, &layer, false, 0).unwrap();
    let cuts = states.cuts(0);
    let some = sample(&cuts, 5, 1);
    assert_eq!(some, sample(&cuts, 5, 1));
    assert_ne!(some, sample(&cuts, 5, 2));
    assert_eq!(some.len(), 5);
    let mut position = cuts.iter();
    assert!(some.iter().all(|cut| position.any(|other| other == cut)));
    assert_eq!(sample(&cuts, 1000, 1), cuts);
}

#[test]
fn a_cut_that_has_no_place_is_refused() {
    let (_file, layer) = image();
    let recording = recording();
    let states = States::new(&recording, &layer, false, 0).unwrap();
    let refused = |cut: &str| states.disk(&cut.parse().unwrap()).err();
    assert_eq!(refused("cut@disk.write#4"), Some(BadCut::NoSuchWrite(3)));
    assert_eq!(refused("cut@disk.flush#3"), Some(BadCut::NoSuchFlush(2)));
    assert_eq!(
        refused("cut@disk.write#2:torn@1024"),
        Some(BadCut::TornBeyond(512))
    );
    let nothing = Recording::default();
    let states = States::new(&nothing, &layer, false, 0).unwrap();
    let cuts: Vec<String> = states.cuts(7).iter().map(Cut::to_string).collect();
    assert_eq!(cuts, ["cut@end"]);
}
