//! The kernel's own probes, and how what is watched becomes what the CPUs look out for.

use crate::loader::sdt::Site;
use crate::watch::{Argument, Place, UnknownRegister, Watch};
use base::Width;
use cpu::probes::{Base, Injection, Operand, Probe};
use cpu::x86_64::reg;
use ir::Reg;

/// The probe by which a kernel of ours says which process a CPU goes over to; it is always watched, because a diagnosis
/// wants to name the process.
pub const SWITCH: &str = "sched_switch";

/// What the CPUs look out for: `watches`, and the switches of `sites` with numbers that no watch has.
pub fn probes(watches: &[Watch], sites: &[Site]) -> Result<Vec<Probe>, UnknownRegister> {
    let mut probes = Vec::new();
    for watch in watches {
        probes.push(Probe {
            address: watch.address,
            site: watch.site,
            operands: watch
                .arguments
                .iter()
                .map(operand)
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
                    .map(operand)
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
pub fn injections(sites: &[Site], points: &[String]) -> Result<Vec<Probe>, UnknownRegister> {
    let mut probes = Vec::new();
    for site in injecting(sites) {
        let number = points.iter().position(|name| *name == site.name);
        let (Some(number), Some(output)) = (number, site.arguments.first()) else {
            continue;
        };
        let Place::Register(name) = &output.place else {
            continue;
        };
        probes.push(Probe {
            address: site.address,
            site: u32::MAX,
            operands: Vec::new(),
            switches: false,
            injection: Some(Injection {
                point: number as u16,
                register: register(name)?,
                key: site.arguments.get(1).map(operand).transpose()?,
            }),
        });
    }
    Ok(probes)
}

fn operand(argument: &Argument) -> Result<Operand, UnknownRegister> {
    let (mut place, plus) = match &argument.place {
        Place::Plus { base, offset } => (&**base, *offset),
        place => (place, 0),
    };
    let mut loads = Vec::new();
    let base = loop {
        match place {
            Place::Register(name) => break Base::Register(register(name)?),
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

/// The register behind an assembler name of any width (high bytes excepted, which no compiler gives a probe), or the
/// base of a segment.
fn register(name: &str) -> Result<Reg, UnknownRegister> {
    const NAMES: [[&str; 4]; 8] = [
        ["rax", "eax", "ax", "al"],
        ["rcx", "ecx", "cx", "cl"],
        ["rdx", "edx", "dx", "dl"],
        ["rbx", "ebx", "bx", "bl"],
        ["rsp", "esp", "sp", "spl"],
        ["rbp", "ebp", "bp", "bpl"],
        ["rsi", "esi", "si", "sil"],
        ["rdi", "edi", "di", "dil"],
    ];
    if let Some(index) = NAMES.iter().position(|names| names.contains(&name)) {
        return Ok(index as Reg);
    }
    match name {
        "fs_base" => return Ok(reg::FS_BASE),
        "gs_base" => return Ok(reg::GS_BASE),
        _ => {}
    }
    let number = name
        .strip_prefix('r')
        .map(|rest| rest.trim_end_matches(['b', 'w', 'd']))
        .and_then(|digits| digits.parse().ok());
    number
        .filter(|number| (8..16).contains(number))
        .ok_or_else(|| UnknownRegister(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_have_their_encoding() {
        assert_eq!(register("rdi"), Ok(7));
        assert_eq!(register("r10d"), Ok(10));
        assert_eq!(register("bl"), Ok(3));
        assert_eq!(register("gs_base"), Ok(reg::GS_BASE));
        assert!(register("r16").is_err());
        assert!(register("xmm0").is_err());
    }

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
        let found: Vec<u16> = injections(&sites, &points)
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
        let operand = operand(&argument).unwrap();
        assert_eq!(operand.base, Base::Register(reg::GS_BASE));
        assert_eq!(operand.loads, [(16, Width::B8), (48, Width::B4)]);
    }
}
