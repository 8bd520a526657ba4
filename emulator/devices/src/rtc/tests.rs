//! The clock as a kernel reads and sets it.

use super::*;
use crate::testing::{Bench, round_trip};

/// 2026-01-31 23:59:58, a Saturday.
const START: i64 = 1_769_903_998;

fn clock() -> (Bench, Rtc) {
    (Bench::new(), Rtc::new(START))
}

fn read(bench: &mut Bench, rtc: &mut Rtc, index: u8) -> u8 {
    bench.write8(rtc, 0, index);
    bench.read8(rtc, 1)
}

fn write(bench: &mut Bench, rtc: &mut Rtc, index: u8, value: u8) {
    bench.write8(rtc, 0, index);
    bench.write8(rtc, 1, value);
}

/// Century, year, month, day, weekday, hours, minutes, seconds.
fn date(bench: &mut Bench, rtc: &mut Rtc) -> [u8; 8] {
    [CENTURY, 9, 8, 7, 6, 4, 2, 0].map(|index| read(bench, rtc, index))
}

#[test]
fn the_date_is_the_start_plus_virtual_time() {
    let (mut bench, mut rtc) = clock();
    let shown = date(&mut bench, &mut rtc);
    assert_eq!(shown, [0x20, 0x26, 0x01, 0x31, 0x07, 0x23, 0x59, 0x58]);
    bench.now = Time::secs(3);
    let shown = date(&mut bench, &mut rtc);
    assert_eq!(shown, [0x20, 0x26, 0x02, 0x01, 0x01, 0x00, 0x00, 0x01]);
}

#[test]
fn binary_and_twelve_hours_are_other_faces_of_the_same_time() {
    let (mut bench, mut rtc) = clock();
    write(&mut bench, &mut rtc, 0x0b, 0x04);
    assert_eq!(
        (read(&mut bench, &mut rtc, 4), read(&mut bench, &mut rtc, 2)),
        (0x8b, 59)
    );
    bench.now = Time::secs(2);
    assert_eq!(read(&mut bench, &mut rtc, 4), 12, "midnight is 12 AM");
    for hour in 0..24 {
        let byte = rtc.encode_hour(hour);
        assert_eq!(rtc.decode_hour(byte), hour);
    }
}

#[test]
fn setting_holds_the_clock_and_then_lets_it_go_on_from_there() {
    let (mut bench, mut rtc) = clock();
    write(&mut bench, &mut rtc, 0x0b, 0x82);
    bench.now = Time::secs(10);
    for (index, value) in [
        (CENTURY, 0x19),
        (9, 0x99),
        (8, 0x12),
        (7, 0x31),
        (4, 0x23),
        (2, 0x59),
        (0, 0x59),
    ] {
        write(&mut bench, &mut rtc, index, value);
    }
    write(&mut bench, &mut rtc, 0x0b, 0x02);
    bench.now = Time::secs(11);
    let shown = date(&mut bench, &mut rtc);
    assert_eq!(shown, [0x20, 0x00, 0x01, 0x01, 0x07, 0x00, 0x00, 0x00]);
}

#[test]
fn uip_warns_of_each_update() {
    let (mut bench, mut rtc) = clock();
    for (at, updating) in [
        (0, false),
        (999_755_999, false),
        (999_756_000, true),
        (SECOND, false),
    ] {
        bench.now = Time(at);
        assert_eq!(read(&mut bench, &mut rtc, 0x0a) >> 7 != 0, updating, "{at}");
    }
}

#[test]
fn the_update_interrupt_comes_each_second_and_reading_c_ends_it() {
    let (mut bench, mut rtc) = clock();
    assert_eq!(rtc.deadline(), Time::NEVER);
    bench.now = Time(SECOND / 2);
    write(&mut bench, &mut rtc, 0x0b, 0x12);
    assert_eq!(rtc.deadline(), Time(SECOND));
    bench.run(&mut rtc, Time(SECOND));
    assert!(rtc.irq());
    assert_eq!(read(&mut bench, &mut rtc, 0x0c) & 0x90, 0x90);
    assert!(!rtc.irq());
    assert_eq!(rtc.deadline(), Time(2 * SECOND));
}

#[test]
fn the_periodic_interrupt_has_the_selected_rate() {
    let (mut bench, mut rtc) = clock();
    write(&mut bench, &mut rtc, 0x0b, 0x42);
    // 1024 Hz.
    assert_eq!(rtc.deadline(), Time(976_562));
    write(&mut bench, &mut rtc, 0x0a, 0x2f);
    assert_eq!(rtc.deadline(), Time(SECOND / 2));
    bench.run(&mut rtc, Time(SECOND / 2));
    assert!(rtc.irq());
    assert_eq!(
        rtc.deadline(),
        Time::NEVER,
        "nothing more to say until C is read"
    );
}

#[test]
fn the_alarm_goes_off_at_its_time() {
    let (mut bench, mut rtc) = clock();
    for (index, value) in [(1, 0x01), (3, 0x00), (5, 0xff), (0x0b, 0x22)] {
        write(&mut bench, &mut rtc, index, value);
    }
    bench.run(&mut rtc, Time::secs(2));
    assert!(!rtc.irq());
    bench.run(&mut rtc, Time::secs(3));
    assert!(rtc.irq());
}

#[test]
fn absurd_dates_do_no_harm() {
    let (mut bench, mut rtc) = clock();
    for b in [0x00, 0x02, 0x04, 0x06, 0x84] {
        write(&mut bench, &mut rtc, 0x0b, b);
        for index in [CENTURY, 9, 8, 7, 6, 4, 2, 0] {
            write(&mut bench, &mut rtc, index, 0xff);
        }
        bench.now = bench.now + Time::secs(1 << 33);
        date(&mut bench, &mut rtc);
        read(&mut bench, &mut rtc, 0x0c);
    }
}

#[test]
fn the_state_comes_back() {
    let (mut bench, mut rtc) = clock();
    bench.now = Time::secs(5);
    write(&mut bench, &mut rtc, 0x0b, 0xf2);
    write(&mut bench, &mut rtc, 0x40, 0x77);
    round_trip(&mut rtc, &mut Rtc::new(0));
}
