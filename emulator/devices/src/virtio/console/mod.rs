//! The console device (5.3) with several named ports: how bytes pass between a guest's program and the host,
//! apart from the kernel's serial line and 8-bit clean.
//!
//! Key type: [`Console`], inside `Mmio<Console>`, whose methods are the host's side. Output is taken from the
//! driver at once and waits for the board; when [`OUTPUT_LIMIT`] bytes wait, the driver's next buffers have to wait
//! too. Input is *pulled*: [`Mmio::wants_input`] names a port on which the guest has posted a buffer, and the board
//! supplies bytes or the end before virtual time goes on. Neighbour: `control` has the messages about ports.

mod control;

use super::queue::{Chain, QueueError};
use super::{Backend, Link, Mmio};
use base::{Codec, CodecError, Io, State};
use control::{Message, Outbox, event};

/// Feature bit: there are control queues and any number of ports (5.3.3).
const MULTIPORT: u64 = 1 << 1;

/// Where `max_nr_ports` stands in the configuration space (5.3.4).
const MAX_NR_PORTS: usize = 4;
const CONFIG_LEN: usize = 12;

const QUEUE_SIZE: u16 = 128;

/// Bytes of output that may wait on a port before the driver's buffers do.
pub const OUTPUT_LIMIT: usize = 1 << 20;

/// What a port is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A terminal for the kernel; nothing is fed to it.
    Console,
    /// The host feeds it.
    Input,
    /// The host listens to it.
    Output,
}

/// What a queue is for (5.3.2): those of port 0 come first, then the control queues, then the other ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Receive(usize),
    Transmit(usize),
    ControlReceive,
    ControlTransmit,
}

const CONTROL_RECEIVE: usize = 2;
const CONTROL_TRANSMIT: usize = 3;

impl Purpose {
    const fn of(queue: usize) -> Self {
        match (queue, queue % 2) {
            (CONTROL_RECEIVE, _) => Self::ControlReceive,
            (CONTROL_TRANSMIT, _) => Self::ControlTransmit,
            (0 | 1, 0) => Self::Receive(0),
            (0 | 1, _) => Self::Transmit(0),
            (_, 0) => Self::Receive(queue / 2 - 1),
            (_, _) => Self::Transmit(queue / 2 - 1),
        }
    }

    /// The receive queue of a port.
    const fn receive_queue(port: usize) -> usize {
        if port == 0 { 0 } else { 2 * port + 2 }
    }
}

/// One port.
#[derive(Clone, Debug)]
struct Port {
    name: &'static str,
    role: Role,
    /// The guest has told that a program has it open.
    guest_open: bool,
    /// The host has no more input.
    ended: bool,
    /// The buffer that is to be filled next.
    posted: Option<Chain>,
    output: Vec<u8>,
}

impl Port {
    fn wants_input(&self) -> bool {
        self.guest_open && !self.ended && self.posted.is_some()
    }
}

/// A console with several ports.
#[derive(Clone, Debug)]
pub struct Console {
    ports: Vec<Port>,
    config: [u8; CONFIG_LEN],
    multiport: bool,
    outbox: Outbox,
}

impl Console {
    /// A console with these ports, by name (empty for none) and purpose. The first is port 0, the only one that a
    /// driver without MULTIPORT sees.
    pub fn new(ports: &[(&'static str, Role)]) -> Self {
        let mut config = [0; CONFIG_LEN];
        config[MAX_NR_PORTS..MAX_NR_PORTS + 4].copy_from_slice(&(ports.len() as u32).to_le_bytes());
        let port = |&(name, role)| Port {
            name,
            role,
            guest_open: false,
            ended: false,
            posted: None,
            output: Vec::new(),
        };
        Self {
            ports: ports.iter().map(port).collect(),
            config,
            multiport: false,
            outbox: Outbox::default(),
        }
    }

    /// Takes output off a port's transmit queue, as much as may wait.
    fn transmit(
        &mut self,
        port: usize,
        queue: usize,
        link: &mut Link<'_>,
    ) -> Result<(), QueueError> {
        while self.ports[port].output.len() < OUTPUT_LIMIT {
            let Some(chain) = link.pop(queue)? else {
                break;
            };
            let bytes = chain.gather(link.ram, 0, chain.readable_len());
            self.ports[port].output.extend_from_slice(&bytes);
            link.complete(queue, chain.head, 0)?;
        }
        Ok(())
    }

    /// Looks for a buffer on a port that the host feeds. After the end of input, buffers come back empty.
    fn receive(&mut self, port: usize, link: &mut Link<'_>) -> Result<(), QueueError> {
        let (port, queue) = (&mut self.ports[port], Purpose::receive_queue(port));
        if port.role != Role::Input || !port.guest_open {
            return Ok(());
        }
        while port.posted.is_none() {
            let Some(chain) = link.pop(queue)? else {
                break;
            };
            if port.ended || chain.writable_len() == 0 {
                link.complete(queue, chain.head, 0)?;
            } else {
                port.posted = Some(chain);
            }
        }
        Ok(())
    }

    /// Acts upon the driver's control messages.
    fn listen(&mut self, link: &mut Link<'_>) -> Result<(), QueueError> {
        while let Some(chain) = link.pop(CONTROL_TRANSMIT)? {
            let bytes = chain.gather(link.ram, 0, Message::LEN);
            link.complete(CONTROL_TRANSMIT, chain.head, 0)?;
            if let Some(message) = Message::decode(&bytes) {
                self.obey(message, link)?;
            }
        }
        self.tell(link)
    }

    fn obey(&mut self, message: Message, link: &mut Link<'_>) -> Result<(), QueueError> {
        if message.event == event::DEVICE_READY && message.value == 1 {
            for number in 0..self.ports.len() {
                self.outbox.post(number, event::PORT_ADD, 1, "");
            }
        }
        let number = message.port as usize;
        let Some(port) = self.ports.get_mut(number) else {
            return Ok(());
        };
        match message.event {
            event::PORT_READY if message.value == 1 => {
                if port.role == Role::Console {
                    self.outbox.post(number, event::CONSOLE_PORT, 1, "");
                }
                if !port.name.is_empty() {
                    self.outbox.post(number, event::PORT_NAME, 1, port.name);
                }
                let open = u16::from(!port.ended);
                self.outbox.post(number, event::PORT_OPEN, open, "");
            }
            event::PORT_OPEN => {
                port.guest_open = message.value != 0;
                self.receive(number, link)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Hands waiting control messages to the driver, as many as it has buffers for.
    fn tell(&mut self, link: &mut Link<'_>) -> Result<(), QueueError> {
        while !self.outbox.0.is_empty() {
            let Some(chain) = link.pop(CONTROL_RECEIVE)? else {
                break;
            };
            let message = self.outbox.0.pop_front().unwrap_or_default();
            let written = chain.scatter(link.ram, 0, &message);
            link.complete(CONTROL_RECEIVE, chain.head, written as u32)?;
        }
        Ok(())
    }
}

/// The host's side.
impl Mmio<Console> {
    /// Whether any port has output to take.
    pub fn has_output(&self) -> bool {
        self.backend()
            .ports
            .iter()
            .any(|port| !port.output.is_empty())
    }

    /// Takes a port's output, and lets the driver's buffers that waited for room follow.
    pub fn take_output(&mut self, port: usize, io: &mut Io<'_>) -> Vec<u8> {
        let Some(waiting) = self.backend_mut().ports.get_mut(port) else {
            return Vec::new();
        };
        let output = std::mem::take(&mut waiting.output);
        if output.len() >= OUTPUT_LIMIT {
            let queue = Purpose::receive_queue(port) + 1;
            self.work(io, |console, link| console.transmit(port, queue, link));
        }
        output
    }

    /// The first port on which the guest waits for input, and how many bytes it has room for.
    pub fn wants_input(&self) -> Option<(usize, usize)> {
        let ports = &self.backend().ports;
        let port = ports.iter().position(Port::wants_input)?;
        let room = ports[port].posted.as_ref().map_or(0, Chain::writable_len);
        Some((port, room as usize))
    }

    /// Fills the buffer that the guest has posted on `port`, and says how many of `bytes` it took. Nothing at all
    /// is no input: see [`Mmio::end`].
    pub fn supply(&mut self, port: usize, bytes: &[u8], io: &mut Io<'_>) -> usize {
        if bytes.is_empty() {
            return 0;
        }
        self.work(io, |console, link| {
            let waiting = console
                .ports
                .get_mut(port)
                .filter(|port| port.wants_input());
            let Some(chain) = waiting.and_then(|port| port.posted.take()) else {
                return Ok(0);
            };
            let written = chain.scatter(link.ram, 0, bytes);
            link.complete(Purpose::receive_queue(port), chain.head, written as u32)?;
            console.receive(port, link)?;
            Ok(written as usize)
        })
    }

    /// Ends the input of `port`: the posted buffer and all later ones come back empty, and the guest is told that
    /// the host's side is closed.
    pub fn end(&mut self, port: usize, io: &mut Io<'_>) {
        let console = self.backend_mut();
        let Some(ending) = console.ports.get_mut(port).filter(|port| !port.ended) else {
            return;
        };
        ending.ended = true;
        let posted = ending.posted.take();
        self.work(io, |console, link| {
            if let Some(chain) = posted {
                link.complete(Purpose::receive_queue(port), chain.head, 0)?;
            }
            console.receive(port, link)?;
            if console.multiport {
                console.outbox.post(port, event::PORT_OPEN, 0, "");
                console.tell(link)?;
            }
            Ok(())
        });
    }
}

impl Backend for Console {
    fn name(&self) -> &'static str {
        "virtio_console"
    }

    fn device_id(&self) -> u32 {
        3
    }

    fn features(&self) -> u64 {
        MULTIPORT
    }

    fn queue_sizes(&self) -> Vec<u16> {
        vec![QUEUE_SIZE; 2 * self.ports.len() + 2]
    }

    fn config(&self) -> &[u8] {
        &self.config
    }

    fn activate(&mut self, features: u64) {
        self.multiport = features & MULTIPORT != 0;
    }

    fn notify(&mut self, queue: usize, link: &mut Link<'_>) -> Result<(), QueueError> {
        match Purpose::of(queue) {
            Purpose::Receive(0) => self.receive(0, link),
            Purpose::Transmit(0) => self.transmit(0, queue, link),
            // The rest exists only for drivers that know of it.
            _ if !self.multiport => Ok(()),
            Purpose::Receive(port) => self.receive(port, link),
            Purpose::Transmit(port) => self.transmit(port, queue, link),
            Purpose::ControlReceive => self.tell(link),
            Purpose::ControlTransmit => self.listen(link),
        }
    }

    /// Output that was taken, and the end of input, are the host's: they stay.
    fn reset(&mut self) {
        self.multiport = false;
        self.outbox.0.clear();
        for port in &mut self.ports {
            port.guest_open = false;
            port.posted = None;
        }
    }

    fn reset_queue(&mut self, queue: usize) {
        if let Purpose::Receive(port) = Purpose::of(queue) {
            self.ports[port].posted = None;
        }
    }
}

impl State for Console {
    fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        codec.section("virtio_console", 1)?;
        for port in &mut self.ports {
            codec.bool(&mut port.guest_open)?;
            codec.bool(&mut port.ended)?;
            codec.option(&mut port.posted, |c, chain| chain.state(c))?;
            codec.blob(&mut port.output)?;
        }
        codec.bool(&mut self.multiport)?;
        let mut waiting = Vec::from(std::mem::take(&mut self.outbox.0));
        codec.list(&mut waiting, |c, message| c.blob(message))?;
        self.outbox.0 = waiting.into();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
