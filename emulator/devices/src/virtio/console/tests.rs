//! The console as its driver and the host see it.

use super::*;
use crate::testing::round_trip;
use crate::virtio::testing::Driver;
use base::Device;

const PORTS: [(&str, Role); 3] = [
    ("", Role::Console),
    ("in", Role::Input),
    ("out", Role::Output),
];
const STDIN: usize = 1;
const STDOUT: usize = 2;
const QUEUES: u32 = 8;

fn console() -> Mmio<Console> {
    Mmio::new(Console::new(&PORTS))
}

fn started() -> (Driver, Mmio<Console>) {
    let (mut driver, mut device) = (Driver::new(16), console());
    driver.start(&mut device, MULTIPORT, QUEUES);
    (driver, device)
}

fn send(driver: &mut Driver, device: &mut Mmio<Console>, queue: u32, bytes: &[u8]) {
    driver.fill(0x2_0000, bytes);
    driver
        .select(queue.into())
        .offer(&[(0x2_0000, bytes.len() as u32, false)]);
    driver.notify(device, queue);
}

fn control(driver: &mut Driver, device: &mut Mmio<Console>, port: u32, event: u16, value: u16) {
    send(
        driver,
        device,
        3,
        &Message { port, event, value }.encode(""),
    );
}

/// Offers a buffer for a control message and gives what comes in it.
fn next_message(driver: &mut Driver, device: &mut Mmio<Console>) -> Option<(Message, Vec<u8>)> {
    driver.select(2).offer(&[(0x3_0000, 64, true)]);
    driver.notify(device, 2);
    let (_, len) = driver.used().pop()?;
    let bytes = driver.bytes(0x3_0000, len.into());
    Some((Message::decode(&bytes)?, bytes[8..].to_vec()))
}

/// Opens the input port, as the guest does for a program that reads, and posts a buffer of `len` bytes.
fn post_input(driver: &mut Driver, device: &mut Mmio<Console>, len: u32) {
    control(driver, device, STDIN as u32, event::PORT_OPEN, 1);
    driver.select(4).offer(&[(0x4_0000, len, true)]);
    driver.notify(device, 4);
}

#[test]
fn queues_and_ports_belong_together_as_the_standard_lists_them() {
    let purposes: Vec<Purpose> = (0..8).map(Purpose::of).collect();
    assert_eq!(
        purposes,
        [
            Purpose::Receive(0),
            Purpose::Transmit(0),
            Purpose::ControlReceive,
            Purpose::ControlTransmit,
            Purpose::Receive(1),
            Purpose::Transmit(1),
            Purpose::Receive(2),
            Purpose::Transmit(2),
        ]
    );
    for port in 0..3 {
        assert_eq!(
            Purpose::of(Purpose::receive_queue(port)),
            Purpose::Receive(port)
        );
    }
}

#[test]
fn ports_are_introduced_with_their_names() {
    let (mut driver, mut device) = started();
    assert_eq!(driver.read32(&mut device, 0x104), 3);
    control(&mut driver, &mut device, u32::MAX, event::DEVICE_READY, 1);
    control(&mut driver, &mut device, 0, event::PORT_READY, 1);
    control(&mut driver, &mut device, 1, event::PORT_READY, 1);
    let mut told = Vec::new();
    while let Some((message, name)) = next_message(&mut driver, &mut device) {
        told.push((message.event, message.port, message.value, name));
    }
    let plain = |event, port| (event, port, 1, Vec::new());
    assert_eq!(
        told,
        [
            plain(event::PORT_ADD, 0),
            plain(event::PORT_ADD, 1),
            plain(event::PORT_ADD, 2),
            plain(event::CONSOLE_PORT, 0),
            plain(event::PORT_OPEN, 0),
            (event::PORT_NAME, 1, 1, b"in".to_vec()),
            plain(event::PORT_OPEN, 1),
        ]
    );
}

#[test]
fn output_is_kept_apart_by_port() {
    let (mut driver, mut device) = started();
    let all: Vec<u8> = (0..=255).collect();
    send(&mut driver, &mut device, 7, &all);
    assert_eq!(driver.used().len(), 1);
    send(&mut driver, &mut device, 1, b"kernel");
    assert!(device.has_output());
    assert_eq!(device.take_output(STDOUT, &mut driver.io()), all);
    assert_eq!(device.take_output(0, &mut driver.io()), b"kernel");
    assert!(!device.has_output());
    assert_eq!(device.take_output(99, &mut driver.io()), []);
}

#[test]
fn output_beyond_the_limit_waits_until_some_is_taken() {
    let (mut driver, mut device) = started();
    for _ in 0..3 {
        driver.select(7).offer(&[(0, OUTPUT_LIMIT as u32, false)]);
    }
    driver.notify(&mut device, 7);
    for left in [1, 1, 1] {
        assert_eq!(driver.used().len(), left);
        assert_eq!(
            device.take_output(STDOUT, &mut driver.io()).len(),
            OUTPUT_LIMIT
        );
    }
    assert!(!device.has_output());
}

#[test]
fn input_is_wanted_only_while_a_buffer_is_posted() {
    let (mut driver, mut device) = started();
    assert_eq!(device.wants_input(), None);
    assert_eq!(device.supply(STDIN, b"early", &mut driver.io()), 0);
    post_input(&mut driver, &mut device, 4);
    assert_eq!(device.wants_input(), Some((STDIN, 4)));
    assert_eq!(device.supply(STDIN, b"", &mut driver.io()), 0);
    assert_eq!(device.supply(STDIN, b"hello", &mut driver.io()), 4);
    assert!(device.irq());
    assert_eq!(driver.select(4).used(), [(0, 4)]);
    assert_eq!(driver.bytes(0x4_0000, 4), b"hell");
    assert_eq!(device.wants_input(), None);
}

#[test]
fn a_port_that_no_program_has_open_wants_nothing() {
    let (mut driver, mut device) = started();
    driver.select(4).offer(&[(0x4_0000, 16, true)]);
    driver.notify(&mut device, 4);
    assert_eq!(device.wants_input(), None);
    control(&mut driver, &mut device, STDIN as u32, event::PORT_OPEN, 1);
    assert_eq!(device.wants_input(), Some((STDIN, 16)));
    control(&mut driver, &mut device, STDIN as u32, event::PORT_OPEN, 0);
    assert_eq!(device.wants_input(), None);
}

#[test]
fn the_end_empties_this_buffer_and_every_later_one() {
    let (mut driver, mut device) = started();
    post_input(&mut driver, &mut device, 16);
    device.end(STDIN, &mut driver.io());
    assert_eq!(driver.select(4).used(), [(0, 0)]);
    let (message, _) = next_message(&mut driver, &mut device).expect("the guest is told");
    assert_eq!(
        (message.event, message.port, message.value),
        (event::PORT_OPEN, 1, 0)
    );
    post_input(&mut driver, &mut device, 16);
    assert_eq!(device.wants_input(), None);
    driver.select(0);
    assert_eq!(device.backend().ports[STDIN].posted, None);
    device.end(STDIN, &mut driver.io());
    assert_eq!(
        next_message(&mut driver, &mut device),
        None,
        "one end is told once"
    );
}

#[test]
fn a_driver_without_multiport_has_port_zero() {
    let (mut driver, mut device) = (Driver::new(16), console());
    driver.start(&mut device, 0, 2);
    send(&mut driver, &mut device, 1, b"plain");
    driver.notify(&mut device, 3);
    driver.notify(&mut device, 77);
    assert_eq!(device.take_output(0, &mut driver.io()), b"plain");
    device.end(STDIN, &mut driver.io());
    assert!(device.fault().is_none());
}

#[test]
fn a_reset_forgets_the_driver_but_not_the_host() {
    let (mut driver, mut device) = started();
    post_input(&mut driver, &mut device, 16);
    send(&mut driver, &mut device, 7, b"said");
    driver.write32(&mut device, 0x70, 0);
    assert_eq!(device.wants_input(), None);
    assert_eq!(device.take_output(STDOUT, &mut driver.io()), b"said");
}

#[test]
fn the_state_comes_back_with_what_waits() {
    let (mut driver, mut device) = started();
    control(&mut driver, &mut device, 0, event::DEVICE_READY, 1);
    post_input(&mut driver, &mut device, 16);
    send(&mut driver, &mut device, 7, b"said");
    let mut fresh = console();
    round_trip(&mut device, &mut fresh);
    assert_eq!(fresh.wants_input(), Some((STDIN, 16)));
    assert_eq!(fresh.take_output(STDOUT, &mut driver.io()), b"said");
}
