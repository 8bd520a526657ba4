//! Places in the guest's code that somebody watches, in the words of an assembler: the board knows what a register is.

use crate::loader::sdt::Site;
use ::base::Width;
use cpu::probes::{Base, Injection, Operand, Probe};
use ir::Reg;
use std::fmt;

/// A value's place, in the operand's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A register, by the name that an assembler has for it (x86: without the percent sign).
    Register(String),
    /// A constant.
    Constant(i64),
    /// Memory, `offset` bytes from where another place points.
    Memory {
        /// What points there; read as an address of 8 bytes.
        base: Box<Place>,
        /// Bytes.
        offset: i64,
    },
    /// An address that is not read: `offset` bytes from where another place points.
    Plus {
        /// What points there.
        base: Box<Place>,
        /// Bytes.
        offset: i64,
    },
    /// Not understood; reads as zero.
    Unknown,
}

/// A value to read: how many bytes, whether signed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Bytes, 1 to 8.
    pub bytes: u8,
    /// Whether to sign-extend.
    pub signed: bool,
    /// Where.
    pub place: Place,
}

/// A place in the code, and what to read there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Virtual address of the instruction; the values are read before it executes.
    pub address: u64,
    /// The number by which its event ([`base::Event::Probe`]) is known.
    pub site: u32,
    /// What to read, at most [`base::event::PROBE_ARGS`] values.
    pub arguments: Vec<Argument>,
}

/// A register's name that the ISA does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRegister(pub String);

impl fmt::Display for UnknownRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no register '{}'", self.0)
    }
}

impl std::error::Error for UnknownRegister {}

/// The probe by which a kernel of ours says which process a CPU goes over to; it is always watched, because a diagnosis
/// wants to name the process.
pub const SWITCH: &str = "sched_switch";

/// What the CPUs look out for: `watches`, and the switches of `sites` with numbers that no watch has.
///
/// # Errors
/// A watch names a register that `register` does not know.
pub fn probes(
    watches: &[Watch],
    sites: &[Site],
    register: fn(&str) -> Option<Reg>,
) -> Result<Vec<Probe>, UnknownRegister> {
    let mut probes = Vec::new();
    for watch in watches {
        probes.push(Probe {
            address: watch.address,
            site: watch.site,
            operands: watch
                .arguments
                .iter()
                .map(|argument| operand(argument, register))
                .collect::<Result<_, _>>()?,
            switches: false,
            injection: None,
        });
    }
    for site in sites.iter().filter(|site| site.name == SWITCH) {
        match probes.iter_mut().find(|p| p.address == site.address) {
            Some(probe) => probe.switches = true,
            None => probes.push(Probe {
                address: site.address,
                site: u32::MAX,
                operands: site
                    .arguments
                    .iter()
                    .map(|argument| operand(argument, register))
                    .collect::<Result<_, _>>()?,
                switches: true,
                injection: None,
            }),
        }
    }
    Ok(probes)
}

/// What the provider of an injection point's note ends in. Its first argument is the register that the emulator may write
/// there, a second one what the kernel says of this pass.
const INJECT: &str = ".inject";

/// The names of the injection points among `sites`, in an order that is the same however the kernel was linked.
pub fn points(sites: &[Site]) -> Vec<String> {
    let mut names: Vec<String> = injecting(sites).map(|site| site.name.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn injecting(sites: &[Site]) -> impl Iterator<Item = &Site> {
    sites.iter().filter(|site| site.provider.ends_with(INJECT))
}

/// What the CPUs do at the injection points among `sites`; `points` has their names by number.
///
/// # Errors
/// A note names a register that `register` does not know, or `output`, which knows those to write.
pub fn injections(
    sites: &[Site],
    points: &[String],
    register: fn(&str) -> Option<Reg>,
    output: fn(&str) -> Option<Reg>,
) -> Result<Vec<Probe>, UnknownRegister> {
    let mut probes = Vec::new();
    for site in injecting(sites) {
        let number = points.iter().position(|name| *name == site.name);
        let number = number.and_then(|number| u16::try_from(number).ok());
        let (Some(point), Some(written)) = (number, site.arguments.first()) else {
            continue;
        };
        let Place::Register(name) = &written.place else {
            continue;
        };
        let key = site.arguments.get(1);
        probes.push(Probe {
            address: site.address,
            site: u32::MAX,
            operands: Vec::new(),
            switches: false,
            injection: Some(Injection {
                point,
                register: output(name).ok_or_else(|| UnknownRegister(name.clone()))?,
                key: key.map(|key| operand(key, register)).transpose()?,
            }),
        });
    }
    Ok(probes)
}

fn operand(
    argument: &Argument,
    register: fn(&str) -> Option<Reg>,
) -> Result<Operand, UnknownRegister> {
    let (mut place, plus) = match &argument.place {
        Place::Plus { base, offset } => (&**base, *offset),
        place => (place, 0),
    };
    let mut loads = Vec::new();
    let base = loop {
        match place {
            Place::Register(name) => {
                let found = register(name).ok_or_else(|| UnknownRegister(name.clone()))?;
                break Base::Register(found);
            }
            Place::Constant(value) => break Base::Constant(*value as u64),
            Place::Unknown | Place::Plus { .. } => break Base::Constant(0),
            Place::Memory { base, offset } => {
                let width = match loads.len() {
                    0 if plus == 0 => {
                        Width::from_bytes(u64::from(argument.bytes)).unwrap_or(Width::B8)
                    }
                    _ => Width::B8,
                };
                loads.push((*offset, width));
                place = base;
            }
        }
    };
    loads.reverse();
    Ok(Operand {
        base,
        loads,
        plus,
        bytes: argument.bytes.clamp(1, 8),
        signed: argument.signed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injection_points_are_numbered_by_name_and_those_without_a_register_are_none() {
        let site = |provider: &str, name: &str, place| Site {
            address: 0x1000,
            provider: provider.into(),
            name: name.into(),
            arguments: vec![Argument {
                bytes: 8,
                signed: false,
                place,
            }],
        };
        let rax = || Place::Register("rax".into());
        let sites = [
            site("silica.inject", "syscall", rax()),
            site("silica.inject", "alloc", rax()),
            site("silica", "frame_alloc", rax()),
            site("silica.inject", "syscall", Place::Unknown),
        ];
        let points = points(&sites);
        assert_eq!(points, ["alloc", "syscall"]);
        let found: Vec<u16> = injections(&sites, &points, |_| Some(0), |_| Some(1))
            .unwrap()
            .iter()
            .filter_map(|probe| Some(probe.injection.as_ref()?.point))
            .collect();
        assert_eq!(found, [1, 0]);
    }

    #[test]
    fn nested_memory_is_loaded_from_the_inside_outwards() {
        let inner = Place::Memory {
            base: Box::new(Place::Register("gs_base".into())),
            offset: 16,
        };
        let argument = Argument {
            bytes: 4,
            signed: true,
            place: Place::Memory {
                base: Box::new(inner),
                offset: 48,
            },
        };
        let operand = operand(&argument, |name| (name == "gs_base").then_some(7)).unwrap();
        assert_eq!(operand.base, Base::Register(7));
        assert_eq!(operand.loads, [(16, Width::B8), (48, Width::B4)]);
    }
}
