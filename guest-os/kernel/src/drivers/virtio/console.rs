//! The virtio console device with several ports (virtio 1.2, 5.3).
//!
//! A port is a pair of queues, one for each direction. With the feature MULTIPORT two more queues carry control
//! messages, by which device and driver tell each other of ports (5.3.6.2):
//!
//! ```text
//! driver                              device
//!   DEVICE_READY(1)  ---------------->
//!                    <----------------  PORT_ADD         for each port
//!   PORT_READY(1), PORT_OPEN(1) ----->
//!                    <----------------  PORT_NAME        /dev/virtio-ports/NAME
//!                    <----------------  PORT_OPEN(0|1)   the host's side is closed or open
//! ```
//!
//! Here is the device with its control queues; `port` moves the bytes.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use abi::Errno;

use super::mmio::Transport;
use super::port::Port;
use super::queue::{Queue, Segment};
use crate::arch::irq::{self, Trigger};
use crate::fs::devfs::{self, Kind};
use crate::mm::dma::DmaBuffer;
use crate::sync::SpinLock;
use crate::time::now_ns;

/// Feature bit (5.3.3), and where the number of ports is in the configuration (5.3.4).
const F_MULTIPORT: u64 = 1 << 1;
const CONFIG_MAX_PORTS: usize = 4;
/// Ports there is room for; a device's others are left alone.
const MAX_PORTS: u32 = 8;

/// Queues of port 0 and of the control messages; port `n` has 2n + 2 and 2n + 3 (5.3.2).
const CONTROL_RECEIVE: u16 = 2;
const CONTROL_TRANSMIT: u16 = 3;
const QUEUE_SIZE: u16 = 16;

/// Control messages: `struct virtio_console_control` { id u32, event u16, value u16 }, for names with the bytes.
const DEVICE_READY: u16 = 0;
const PORT_ADD: u16 = 1;
const PORT_REMOVE: u16 = 2;
const PORT_READY: u16 = 3;
const PORT_OPEN: u16 = 6;
const PORT_NAME: u16 = 7;
const MESSAGE_HEADER: usize = 8;
/// Bytes of a place for a message.
const PLACE: usize = 128;

/// How long start-up listens for more ports after the last news, in nanoseconds.
const QUIET: u64 = 100_000;

/// Linux's number for devices of this kind.
const MAJOR: u64 = 242;

struct Console {
    /// How many console devices came before it.
    number: usize,
    transport: Arc<Transport>,
    ports: Vec<Arc<Port>>,
    control: Option<SpinLock<Control>>,
}

struct Control {
    receive: Queue,
    /// A place for each message the device may send.
    incoming: DmaBuffer,
    /// The place of each head of the receive queue.
    place_of_head: [usize; QUEUE_SIZE as usize],
    transmit: Queue,
    outgoing: DmaBuffer,
    sent: usize,
}

/// A message from the device.
struct Message {
    port: u32,
    event: u16,
    value: u16,
    text: Vec<u8>,
}

/// Takes over a console device and adds its ports to /dev.
pub fn attach(transport: Transport) -> Result<(), Errno> {
    static CONSOLES: AtomicUsize = AtomicUsize::new(0);
    let multiport = transport.start(F_MULTIPORT)? & F_MULTIPORT != 0;
    let transport = Arc::new(transport);
    let count = if multiport {
        transport.config_u32(CONFIG_MAX_PORTS).clamp(1, MAX_PORTS)
    } else {
        1
    };
    let mut ports = Vec::new();
    for port in 0..count as u16 {
        let index = if port == 0 { 0 } else { 2 * port + 2 };
        let (receive, transmit) = (
            transport.queue(index, QUEUE_SIZE)?,
            transport.queue(index + 1, QUEUE_SIZE)?,
        );
        ports.push(Arc::new(Port::new(transport.clone(), receive, transmit)));
    }
    let control = if multiport {
        Some(SpinLock::new(c"console_control", Control::new(&transport)?))
    } else {
        None
    };
    let number = CONSOLES.fetch_add(1, Ordering::Relaxed);
    let console = Arc::new(Console {
        number,
        transport,
        ports,
        control,
    });
    let for_interrupt = console.clone();
    irq::register(
        console.transport.irq(),
        c"virtio_console",
        Trigger::Level,
        Box::new(move || for_interrupt.interrupt()),
    );
    console.transport.drive();
    console.start();
    Ok(())
}

impl Console {
    fn start(&self) {
        let Some(control) = &self.control else {
            return self.add_port(0);
        };
        let mut guard = control.lock();
        self.transport.notify(&guard.receive);
        guard.send(&self.transport, 0, DEVICE_READY, 1);
        drop(guard);
        // The first program shall find all ports, so their messages are awaited here.
        let mut last_news = now_ns();
        while now_ns() - last_news < QUIET {
            if self.listen() {
                last_news = now_ns();
            }
        }
    }

    fn interrupt(&self) {
        self.transport.acknowledge_interrupt();
        self.ports.iter().for_each(|port| port.collect());
        while self.listen() {}
    }

    /// Acts upon the next control message, if there is one.
    fn listen(&self) -> bool {
        let Some(control) = &self.control else {
            return false;
        };
        let Some(message) = control.lock().next_message(&self.transport) else {
            return false;
        };
        let Some(port) = self.ports.get(message.port as usize) else {
            return true;
        };
        match message.event {
            PORT_ADD => {
                self.add_port(message.port);
                let mut control = control.lock();
                control.send(&self.transport, message.port, PORT_READY, 1);
                control.send(&self.transport, message.port, PORT_OPEN, 1);
            }
            PORT_NAME => {
                let name = String::from_utf8_lossy(&message.text);
                let name = name.trim_end_matches('\0');
                if !name.is_empty() && !name.contains('/') {
                    self.name_port(message.port, &format!("virtio-ports/{name}"));
                }
            }
            PORT_OPEN => port.set_host_open(message.value != 0),
            PORT_REMOVE => port.set_host_open(false),
            _ => {}
        }
        true
    }

    fn add_port(&self, port: u32) {
        self.name_port(port, &format!("vport{}p{port}", self.number));
    }

    fn name_port(&self, port: u32, path: &str) {
        let minor = self.number as u64 * u64::from(MAX_PORTS) + u64::from(port);
        devfs::add(
            path,
            Kind::Char(MAJOR, minor),
            self.ports[port as usize].clone(),
        );
    }
}

impl Control {
    fn new(transport: &Transport) -> Result<Self, Errno> {
        let mut control = Control {
            receive: transport.queue(CONTROL_RECEIVE, QUEUE_SIZE)?,
            incoming: DmaBuffer::new(usize::from(QUEUE_SIZE) * PLACE)?,
            place_of_head: [0; QUEUE_SIZE as usize],
            transmit: transport.queue(CONTROL_TRANSMIT, QUEUE_SIZE)?,
            outgoing: DmaBuffer::new(usize::from(QUEUE_SIZE) * PLACE)?,
            sent: 0,
        };
        for place in 0..usize::from(control.receive.size()) {
            control.post(place);
        }
        Ok(control)
    }

    /// Offers a place for a message to the device.
    fn post(&mut self, place: usize) {
        let at = self.incoming.phys().plus((place * PLACE) as u64);
        let segment = Segment {
            at,
            len: PLACE as u32,
            for_device_to_write: true,
        };
        // SAFETY: the places live as long as the driver, which is for good, and this one is not with the device.
        if let Some(head) = unsafe { self.receive.add(&[segment]) } {
            self.place_of_head[usize::from(head)] = place;
        }
    }

    fn next_message(&mut self, transport: &Transport) -> Option<Message> {
        let (head, len) = self.receive.take_used()?;
        let place = self.place_of_head[usize::from(head)];
        let mut bytes = [0; PLACE];
        // SAFETY: the place is within the buffer, and the device is done with it.
        unsafe {
            bytes
                .as_mut_ptr()
                .copy_from_nonoverlapping(self.incoming.as_ptr().add(place * PLACE), PLACE)
        };
        self.post(place);
        transport.notify(&self.receive);
        Some(Message {
            port: u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            event: u16::from_le_bytes([bytes[4], bytes[5]]),
            value: u16::from_le_bytes([bytes[6], bytes[7]]),
            text: bytes[MESSAGE_HEADER..len.clamp(MESSAGE_HEADER, PLACE)].to_vec(),
        })
    }

    /// Sends a message. Devices take them at once, so a full queue is waited for.
    fn send(&mut self, transport: &Transport, port: u32, event: u16, value: u16) {
        while self.transmit.take_used().is_some() || self.transmit.room() == 0 {
            core::hint::spin_loop();
        }
        let offset = self.sent % usize::from(QUEUE_SIZE) * PLACE;
        self.sent += 1;
        let mut message = [0; MESSAGE_HEADER];
        message[0..4].copy_from_slice(&port.to_le_bytes());
        message[4..6].copy_from_slice(&event.to_le_bytes());
        message[6..8].copy_from_slice(&value.to_le_bytes());
        // SAFETY: within the buffer; with room in the queue, the place is no longer the device's.
        unsafe {
            self.outgoing
                .as_ptr()
                .add(offset)
                .copy_from_nonoverlapping(message.as_ptr(), MESSAGE_HEADER)
        };
        let at = self.outgoing.phys().plus(offset as u64);
        let segment = Segment {
            at,
            len: MESSAGE_HEADER as u32,
            for_device_to_write: false,
        };
        // SAFETY: the buffer lives as long as the driver, and this place is written again only much later.
        unsafe { self.transmit.add(&[segment]) };
        transport.notify(&self.transmit);
    }
}
