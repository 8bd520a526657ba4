//! The disk as its driver sees it.

use super::*;
use crate::testing::round_trip;
use crate::virtio::testing::Driver;
use base::{Cut, Device, Seeded, Width};

const HEADER_AT: u64 = 0x8000;
const STATUS_AT: u64 = 0x9000;
const DATA_AT: u64 = 0xa000;

/// A medium of 64 sectors, each filled with its number, whose last sector cannot be read.
struct Worn {
    read_only: bool,
}

impl Medium for Worn {
    fn len(&self) -> u64 {
        64 * SECTOR
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<(), MediumError> {
        for (byte, at) in buffer.iter_mut().zip(offset..) {
            if at / SECTOR == 63 {
                return Err(MediumError);
            }
            *byte = (at / SECTOR) as u8;
        }
        Ok(())
    }

    fn read_only(&self) -> bool {
        self.read_only
    }
}

fn drive(read_only: bool, latency: Latency) -> Mmio<Block> {
    Mmio::new(Block::new(Box::new(Worn { read_only }), "glass", latency))
}

/// A started drive that was told of `features`.
fn started(features: u64) -> (Driver, Mmio<Block>) {
    let (mut driver, mut device) = (Driver::new(16), drive(false, Latency::default()));
    driver.start(&mut device, features, 1);
    (driver, device)
}

/// Posts a request whose header and status stand at slot `slot` of their pages.
fn request(driver: &mut Driver, slot: u64, kind: u32, sector: u64, data: Option<(u64, u32)>) {
    let (header, status) = (HEADER_AT + 16 * slot, STATUS_AT + slot);
    driver.fill(header, &[kind.to_le_bytes(), [0; 4]].concat());
    driver.fill(header + 8, &sector.to_le_bytes());
    driver.fill(status, &[0xff]);
    let mut chain = vec![(header, 16, false)];
    chain.extend(data.map(|(addr, len)| (addr, len, kind != kind::OUT)));
    chain.push((status, 1, true));
    driver.offer(&chain);
}

/// Does one request to its end and gives its status and the bytes used.
fn perform(
    driver: &mut Driver,
    device: &mut Mmio<Block>,
    kind: u32,
    sector: u64,
    data: Option<(u64, u32)>,
) -> (u8, u32) {
    request(driver, 0, kind, sector, data);
    driver.notify(device, 0);
    driver.settle(device);
    let used = driver.used();
    assert_eq!(used.len(), 1);
    (driver.bytes(STATUS_AT, 1)[0], used[0].1)
}

#[test]
fn what_is_written_is_read_back_over_the_medium() {
    let (mut driver, mut device) = started(feature::FLUSH);
    driver.fill(DATA_AT, &[0xab; 512]);
    assert_eq!(
        perform(&mut driver, &mut device, kind::OUT, 3, Some((DATA_AT, 512))),
        (0, 1)
    );
    assert_eq!(
        perform(&mut driver, &mut device, kind::IN, 2, Some((DATA_AT, 1536))),
        (0, 1537)
    );
    let bytes = driver.bytes(DATA_AT, 1536);
    assert!(bytes[..512].iter().all(|&b| b == 2));
    assert!(bytes[512..1024].iter().all(|&b| b == 0xab));
    assert!(bytes[1024..].iter().all(|&b| b == 4));
    let counters = device.backend().counters();
    assert_eq!(
        (
            counters.reads,
            counters.sectors_read,
            counters.sectors_written
        ),
        (1, 3, 1)
    );
}

#[test]
fn a_write_survives_a_power_cut_only_after_a_flush() {
    for (features, flush, survives) in [
        (feature::FLUSH, false, false),
        (feature::FLUSH, true, true),
        (0, false, true),
    ] {
        let (mut driver, mut device) = started(features);
        driver.fill(DATA_AT, &[0xab; 512]);
        perform(&mut driver, &mut device, kind::OUT, 3, Some((DATA_AT, 512)));
        if flush {
            assert_eq!(
                perform(&mut driver, &mut device, kind::FLUSH, 0, None),
                (0, 1)
            );
        }
        device.backend_mut().disk_mut().drop_cache();
        perform(&mut driver, &mut device, kind::IN, 3, Some((DATA_AT, 512)));
        assert_eq!(driver.bytes(DATA_AT, 1)[0] == 0xab, survives);
    }
}

#[test]
fn switching_the_cache_off_makes_writes_durable() {
    let (mut driver, mut device) = started(feature::FLUSH | feature::CONFIG_WCE);
    perform(&mut driver, &mut device, kind::OUT, 3, Some((DATA_AT, 512)));
    assert!(!device.backend().disk().is_flushed());
    device.write(0x120, Width::B1, 0, &mut driver.io());
    assert!(device.backend().disk().is_flushed());
    perform(&mut driver, &mut device, kind::OUT, 4, Some((DATA_AT, 512)));
    assert!(device.backend().disk().is_flushed());
}

#[test]
fn errors_are_statuses_and_change_nothing() {
    let (mut driver, mut device) = started(0);
    let rows = [
        (kind::IN, 63, 512, 1),
        (kind::IN, 62, 1536, 1),
        (kind::IN, u64::MAX, 512, 1),
        (kind::IN, 0, 511, 1),
        (kind::OUT, 64, 512, 1),
        (11, 0, 512, 2),
    ];
    for (kind, sector, len, status) in rows {
        let done = perform(&mut driver, &mut device, kind, sector, Some((DATA_AT, len)));
        assert_eq!(done, (status, 1), "{kind} {sector} {len}");
    }
    assert_eq!(device.backend().disk().modified(View::Cached).count(), 0);
    assert_eq!(device.backend().counters().errors, 6);
}

#[test]
fn a_read_only_medium_says_so_and_refuses_writes() {
    let (mut driver, mut device) = (Driver::new(16), drive(true, Latency::default()));
    driver.start(&mut device, feature::RO, 1);
    assert_eq!(
        perform(&mut driver, &mut device, kind::OUT, 3, Some((DATA_AT, 512))).0,
        1
    );
}

#[test]
fn the_serial_number_and_the_capacity_are_told() {
    let (mut driver, mut device) = started(0);
    perform(
        &mut driver,
        &mut device,
        kind::GET_ID,
        0,
        Some((DATA_AT, 20)),
    );
    assert_eq!(driver.bytes(DATA_AT, 6), b"glass\0");
    assert_eq!(device.read(0x100, Width::B8, &mut driver.io()), 64);
    assert_eq!(driver.read32(&mut device, 0x10c), 254);
}

#[test]
fn several_requests_are_in_flight_and_none_completes_at_once() {
    let (mut driver, mut device) = started(0);
    for slot in 0..3 {
        request(
            &mut driver,
            slot,
            kind::IN,
            slot,
            Some((DATA_AT + 512 * slot, 512)),
        );
    }
    driver.notify(&mut device, 0);
    assert_eq!(device.backend().in_flight(), 3);
    assert_eq!(driver.used(), []);
    assert_eq!(device.deadline(), Time(51_000));
    driver.now = Time(52_000);
    device.advance(&mut driver.io());
    assert_eq!(driver.used().len(), 2);
    assert!(device.irq());
    driver.settle(&mut device);
    assert_eq!(driver.used().len(), 1);
}

#[test]
fn the_varying_part_is_the_choosers_and_is_added_once() {
    let latency = Latency {
        jitter: 1000,
        ..Latency::default()
    };
    let (mut driver, mut device) = (Driver::new(16), drive(false, latency));
    driver.start(&mut device, 0, 1);
    request(&mut driver, 0, kind::IN, 0, Some((DATA_AT, 512)));
    driver.notify(&mut device, 0);
    let plain = device.deadline();
    device.vary(&mut Seeded::new(3), Time(0));
    let varied = device.deadline();
    assert!(varied > plain && varied < plain + Time(1000));
    device.vary(&mut Seeded::new(4), Time(0));
    assert_eq!(device.deadline(), varied);
}

#[test]
fn a_request_without_header_or_status_stops_the_device() {
    for chain in [
        vec![(HEADER_AT, 15, false), (STATUS_AT, 1, true)],
        vec![(HEADER_AT, 16, false)],
    ] {
        let (mut driver, mut device) = started(0);
        driver.offer(&chain);
        driver.notify(&mut device, 0);
        assert!(device.fault().is_some());
        assert_eq!(device.deadline(), Time::NEVER);
    }
}

#[test]
fn a_driver_that_posts_one_request_for_ever_is_held_back() {
    let (mut driver, mut device) = started(0);
    request(&mut driver, 0, kind::IN, 0, Some((DATA_AT, 512)));
    for _ in 0..1000 {
        driver.notify(&mut device, 0);
        driver.post(0);
    }
    assert_eq!(device.backend().in_flight(), 256);
}

#[test]
fn the_state_comes_back_with_requests_in_flight() {
    let (mut driver, mut device) = started(feature::FLUSH);
    perform(&mut driver, &mut device, kind::OUT, 3, Some((DATA_AT, 512)));
    request(&mut driver, 0, kind::IN, 3, Some((DATA_AT, 512)));
    driver.notify(&mut device, 0);
    let mut fresh = drive(false, Latency::default());
    round_trip(&mut device, &mut fresh);
    driver.fill(DATA_AT, &[0xff; 512]);
    driver.settle(&mut fresh);
    assert_eq!(driver.bytes(DATA_AT, 1), [0]);
}

/// Has the same go wrong with the `on`-th request of the kind that it is about, and nothing else.
struct Plan {
    op: DiskOp,
    fault: Fault,
    passed: u64,
    on: u64,
}

impl State for Plan {
    fn state(&mut self, _: &mut Codec<'_>) -> Result<(), CodecError> {
        Ok(())
    }
}

impl Chooser for Plan {
    fn choose(&mut self, _: Site, _: u64) -> u64 {
        0
    }

    fn pass(&mut self, site: Site) -> Option<Struck> {
        self.passed += u64::from(site == Site::Disk(self.op));
        let strikes = site == Site::Disk(self.op) && self.passed == self.on;
        strikes.then_some(Struck {
            count: self.passed,
            fault: self.fault,
        })
    }
}

/// Does one request, with `plan` asked about it, and gives its status.
fn under(
    plan: &mut Plan,
    driver: &mut Driver,
    device: &mut Mmio<Block>,
    kind: u32,
    sector: u64,
    len: u32,
) -> u8 {
    let data = (kind != kind::FLUSH).then_some((DATA_AT, len));
    request(driver, 0, kind, sector, data);
    driver.notify(device, 0);
    device.vary(plan, driver.now);
    driver.settle(device);
    driver.used();
    driver.bytes(STATUS_AT, 1)[0]
}

const PENDING: u8 = 0xff;

fn plan(op: DiskOp, fault: Fault, on: u64) -> Plan {
    Plan {
        op,
        fault,
        passed: 0,
        on,
    }
}

#[test]
fn a_write_can_fail_be_torn_or_be_lost_and_the_next_one_is_whole() {
    for (fault, status, stored) in [
        (Fault::Error, 1, 0),
        (Fault::Torn(512), 0, 512),
        (Fault::Lost, 0, 0),
    ] {
        let (mut driver, mut device) = started(feature::FLUSH);
        let mut plan = plan(DiskOp::Write, fault, 1);
        driver.fill(DATA_AT, &[0xab; 1024]);
        let done = under(&mut plan, &mut driver, &mut device, kind::OUT, 4, 1024);
        assert_eq!(done, status, "{fault:?}");
        let mut bytes = [0; 1024];
        let disk = device.backend_mut().disk_mut();
        disk.read(View::Cached, 4 * SECTOR, &mut bytes).unwrap();
        assert_eq!(bytes.iter().filter(|&&b| b == 0xab).count(), stored);
        assert!(bytes[..stored].iter().all(|&b| b == 0xab));
        under(&mut plan, &mut driver, &mut device, kind::OUT, 4, 1024);
        let disk = device.backend_mut().disk_mut();
        disk.read(View::Cached, 4 * SECTOR, &mut bytes).unwrap();
        assert!(bytes.iter().all(|&b| b == 0xab));
    }
}

#[test]
fn a_torn_read_leaves_the_rest_of_the_buffer_alone() {
    let (mut driver, mut device) = started(0);
    let mut plan = plan(DiskOp::Read, Fault::Torn(512), 1);
    driver.fill(DATA_AT, &[0xab; 1024]);
    let done = under(&mut plan, &mut driver, &mut device, kind::IN, 4, 1024);
    assert_eq!(done, 0);
    let bytes = driver.bytes(DATA_AT, 1024);
    assert!(bytes[..512].iter().all(|&b| b == 4));
    assert!(bytes[512..].iter().all(|&b| b == 0xab));
}

#[test]
fn a_lost_flush_makes_nothing_durable() {
    let (mut driver, mut device) = started(feature::FLUSH);
    let mut plan = plan(DiskOp::Flush, Fault::Lost, 1);
    under(&mut plan, &mut driver, &mut device, kind::OUT, 4, 512);
    let flush = under(&mut plan, &mut driver, &mut device, kind::FLUSH, 0, 0);
    assert_eq!((flush, device.backend().disk().is_flushed()), (0, false));
    under(&mut plan, &mut driver, &mut device, kind::FLUSH, 0, 0);
    assert!(device.backend().disk().is_flushed());
}

#[test]
fn a_late_request_is_carried_out_later_and_its_neighbour_is_not() {
    let (mut driver, mut device) = started(0);
    let mut plan = plan(DiskOp::Read, Fault::Late(Time::millis(20)), 1);
    for slot in 0..2 {
        request(&mut driver, slot, kind::IN, slot, Some((DATA_AT, 512)));
    }
    driver.notify(&mut device, 0);
    device.vary(&mut plan, driver.now);
    assert!(!device.has_new());
    assert_eq!(device.deadline(), Time(52_000));
    driver.now = Time(52_000);
    device.advance(&mut driver.io());
    assert_eq!(device.deadline(), Time::millis(20) + Time(51_000));
}

#[test]
fn a_cut_loses_the_cache_tears_the_write_and_ends_all_service() {
    for (torn, kept) in [(0, false), (512, false), (0, true)] {
        let (mut driver, mut device) = started(feature::FLUSH);
        let mut plan = plan(DiskOp::Write, Fault::Cut(Cut { torn, kept }), 3);
        for (byte, sector) in [(1, 0), (2, 8), (3, 16)] {
            driver.fill(DATA_AT, &[0xa0 + byte; 1024]);
            let done = under(&mut plan, &mut driver, &mut device, kind::OUT, sector, 1024);
            assert_eq!(done, if byte == 3 { PENDING } else { 0 });
            if byte == 1 {
                under(&mut plan, &mut driver, &mut device, kind::FLUSH, 0, 0);
            }
        }
        assert!(device.backend().is_off());
        assert_eq!(device.deadline(), Time::NEVER);
        assert_eq!(
            under(&mut plan, &mut driver, &mut device, kind::IN, 0, 512),
            PENDING
        );
        let disk = device.backend_mut().disk_mut();
        let mut first = |view, sector: u64| {
            let mut bytes = [0; 1024];
            disk.read(view, sector * SECTOR, &mut bytes).unwrap();
            [bytes[0], bytes[512]]
        };
        assert_eq!(first(View::Durable, 0), [0xa1; 2]);
        let cached = if kept { [0xa2; 2] } else { [8, 9] };
        assert_eq!(first(View::Durable, 8), cached);
        let last = if torn == 512 { [0xa3, 17] } else { [16, 17] };
        assert_eq!(first(View::Durable, 16), last);
        assert_eq!(first(View::Cached, 16), last);
    }
}

#[test]
fn the_state_comes_back_with_what_is_to_go_wrong() {
    let (mut driver, mut device) = started(feature::FLUSH);
    let mut plan = plan(DiskOp::Write, Fault::Torn(512), 1);
    driver.fill(DATA_AT, &[0xab; 1024]);
    request(&mut driver, 0, kind::OUT, 4, Some((DATA_AT, 1024)));
    driver.notify(&mut device, 0);
    device.vary(&mut plan, driver.now);
    let mut fresh = drive(false, Latency::default());
    round_trip(&mut device, &mut fresh);
    driver.settle(&mut fresh);
    let mut bytes = [0; 1024];
    let disk = fresh.backend_mut().disk_mut();
    disk.read(View::Cached, 4 * SECTOR, &mut bytes).unwrap();
    assert_eq!([bytes[0], bytes[512]], [0xab, 5]);
}
