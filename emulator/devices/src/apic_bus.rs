//! What interrupt controllers say to each other, and who hears it (SDM vol. 3, 11.6 and 11.11).
//!
//! Key types: [`Message`], and [`deliver`], which plays the bus between the local APICs. Messages come from a local
//! APIC's interrupt command register and from the I/O APIC; the board carries them here.

use crate::local_apic::LocalApic;
use base::{Codec, CodecError};

/// How the receiver is to take a message (SDM vol. 3, 11.6.1; 82093AA, 3.2.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// The vector goes into IRR.
    #[default]
    Fixed,
    /// As fixed, to the one receiver that runs at the lowest priority.
    LowestPriority,
    /// System management interrupt: accepted and ignored, there is no SMM.
    Smi,
    /// Non-maskable interrupt.
    Nmi,
    /// Resets the CPU, which then waits for a start-up message.
    Init,
    /// Starts a waiting CPU at `vector` * 4 KiB.
    StartUp,
    /// The vector comes from the 8259 pair.
    ExtInt,
}

impl Delivery {
    /// The meaning of the three-bit field.
    pub const fn decode(bits: u64) -> Option<Self> {
        match bits & 7 {
            0 => Some(Self::Fixed),
            1 => Some(Self::LowestPriority),
            2 => Some(Self::Smi),
            4 => Some(Self::Nmi),
            5 => Some(Self::Init),
            6 => Some(Self::StartUp),
            7 => Some(Self::ExtInt),
            _ => None,
        }
    }
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The one with this APIC id.
    Physical(u32),
    /// All whose logical address matches this one.
    Logical(u32),
    /// Everybody.
    All,
    /// Everybody but the sender.
    Others,
}

impl Default for Destination {
    fn default() -> Self {
        Self::Physical(0)
    }
}

/// One interrupt message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// For whom.
    pub destination: Destination,
    /// What to do with it.
    pub delivery: Delivery,
    /// The vector (the page number of a start-up message).
    pub vector: u8,
    /// Level-triggered: the sender waits for the end of this interrupt.
    pub level: bool,
}

impl Message {
    /// The fields for the state codec, packed the way the registers have them.
    pub(crate) fn state(&mut self, codec: &mut Codec<'_>) -> Result<(), CodecError> {
        let (mut kind, mut address) = match self.destination {
            Destination::Physical(id) => (0, id),
            Destination::Logical(address) => (1, address),
            Destination::All => (2, 0),
            Destination::Others => (3, 0),
        };
        codec.u8(&mut kind)?;
        codec.u32(&mut address)?;
        self.destination = match kind {
            0 => Destination::Physical(address),
            1 => Destination::Logical(address),
            2 => Destination::All,
            3 => Destination::Others,
            _ => {
                return Err(CodecError::BadValue {
                    field: "apic destination",
                });
            }
        };
        let mut delivery = match self.delivery {
            Delivery::Fixed => 0,
            Delivery::LowestPriority => 1,
            Delivery::Smi => 2,
            Delivery::Nmi => 4,
            Delivery::Init => 5,
            Delivery::StartUp => 6,
            Delivery::ExtInt => 7,
        };
        codec.u8(&mut delivery)?;
        self.delivery = Delivery::decode(u64::from(delivery)).ok_or(CodecError::BadValue {
            field: "apic delivery",
        })?;
        codec.u8(&mut self.vector)?;
        codec.bool(&mut self.level)
    }
}

/// Hands `message` to everyone it is for. `sender` is the index of the local APIC it came from, if it was one.
pub fn deliver(apics: &mut [LocalApic], sender: Option<usize>, message: &Message) {
    let is_receiver = |index: usize, apic: &LocalApic| match message.destination {
        Destination::All => apic.is_enabled(),
        Destination::Others => apic.is_enabled() && Some(index) != sender,
        addressed => apic.is_addressed(addressed),
    };
    if message.delivery == Delivery::LowestPriority {
        // Arbitration: the lowest processor priority wins, then the lowest index, so that runs repeat.
        let lowest = apics
            .iter_mut()
            .enumerate()
            .filter(|(index, apic)| is_receiver(*index, apic) && apic.accepts_vectors())
            .min_by_key(|(_, apic)| apic.priority());
        if let Some((_, apic)) = lowest {
            apic.receive(message);
        }
        return;
    }
    for (index, apic) in apics.iter_mut().enumerate() {
        if is_receiver(index, apic) {
            apic.receive(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;
    use base::Device;

    /// Three enabled APICs with logical addresses 1, 2 and 4.
    fn three() -> (Bench, Vec<LocalApic>) {
        let mut bench = Bench::new();
        let apics = (0..3)
            .map(|id| {
                let mut apic = LocalApic::new(id);
                bench.write32(&mut apic, 0xf0, 0x1ff);
                bench.write32(&mut apic, 0xd0, 1 << (24 + id));
                apic
            })
            .collect();
        (bench, apics)
    }

    fn who_got(destination: Destination, delivery: Delivery) -> Vec<u32> {
        let (_, mut apics) = three();
        let message = Message {
            destination,
            delivery,
            vector: 0x40,
            level: false,
        };
        deliver(&mut apics, Some(1), &message);
        let got = apics.iter().filter(|a| a.pending() == Some(0x40));
        got.map(LocalApic::id).collect()
    }

    #[test]
    fn each_destination_reaches_its_receivers() {
        let fixed = |destination| who_got(destination, Delivery::Fixed);
        assert_eq!(fixed(Destination::Physical(2)), [2]);
        assert_eq!(fixed(Destination::Physical(7)), [0; 0]);
        assert_eq!(fixed(Destination::Logical(0b101)), [0, 2]);
        assert_eq!(fixed(Destination::All), [0, 1, 2]);
        assert_eq!(fixed(Destination::Others), [0, 2]);
        let lowest = Destination::Logical(0b110);
        assert_eq!(who_got(lowest, Delivery::LowestPriority), [1]);
    }

    #[test]
    fn the_lowest_priority_is_looked_for() {
        let (mut bench, mut apics) = three();
        bench.write32(&mut apics[0], 0x80, 0x50);
        bench.write32(&mut apics[1], 0x80, 0x30);
        bench.write32(&mut apics[2], 0x80, 0x40);
        let message = Message {
            destination: Destination::All,
            delivery: Delivery::LowestPriority,
            vector: 0x80,
            level: false,
        };
        deliver(&mut apics, None, &message);
        assert!(!apics[0].irq() && apics[1].irq() && !apics[2].irq());
    }
}
