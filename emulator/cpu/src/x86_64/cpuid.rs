//! CPUID: exactly what is implemented, nothing else (SDM vol. 2, CPUID).

use super::paging::PHYS_BITS;
use super::state::{Topology, bits};

/// The time-stamp counter's rate: one tick a virtual nanosecond.
pub const TSC_HZ: u64 = 1_000_000_000;

const BRAND: &[u8; 48] = b"Glassbox deterministic virtual x86-64 CPU\0\0\0\0\0\0\0";

/// EAX, EBX, ECX, EDX for a leaf and subleaf.
pub fn leaf(topology: Topology, leaf: u32, subleaf: u32) -> [u32; 4] {
    let word =
        |at: usize| u32::from_le_bytes([BRAND[at], BRAND[at + 1], BRAND[at + 2], BRAND[at + 3]]);
    match leaf {
        0 => [
            0x16,
            u32::from_le_bytes(*b"Glas"),
            u32::from_le_bytes(*b"CPU!"),
            u32::from_le_bytes(*b"sbox"),
        ],
        1 => {
            let ebx = u32::from(topology.apic_id) << 24 | u32::from(topology.cpus) << 16 | 8 << 8;
            [0x0006_0f01, ebx, FEATURES_ECX, FEATURES_EDX]
        }
        // FSGSBASE, SMEP, INVPCID, no FCS and FDS, SMAP.
        7 if subleaf == 0 => [0, 1 | 1 << 7 | 1 << 10 | 1 << 13 | 1 << 20, 0, 0],
        0xb => {
            let shift = u32::from(topology.cpus.next_power_of_two().trailing_zeros() as u8);
            match subleaf {
                0 => [0, 1, 1 << 8, u32::from(topology.apic_id)],
                1 => [
                    shift,
                    u32::from(topology.cpus),
                    2 << 8 | 1,
                    u32::from(topology.apic_id),
                ],
                _ => [0, 0, subleaf & 0xff, u32::from(topology.apic_id)],
            }
        }
        // The counter runs at the crystal's rate times EBX / EAX.
        0x15 => [1, 1, TSC_HZ as u32, 0],
        0x16 => [
            (TSC_HZ / 1_000_000) as u32,
            (TSC_HZ / 1_000_000) as u32,
            100,
            0,
        ],
        0x8000_0000 => [0x8000_0008, 0, 0, 0],
        // SYSCALL, NX, 1 GiB pages, RDTSCP, long mode; LAHF in long mode.
        0x8000_0001 => [0, 0, 1, 1 << 11 | 1 << 20 | 1 << 26 | 1 << 27 | 1 << 29],
        0x8000_0002..=0x8000_0004 => {
            let at = (leaf - 0x8000_0002) as usize * 16;
            [word(at), word(at + 4), word(at + 8), word(at + 12)]
        }
        // The time-stamp counter runs at one rate in every state.
        0x8000_0007 => [0, 0, 0, 1 << 8],
        0x8000_0008 => [PHYS_BITS | 48 << 8, 0, 0, 0],
        _ => [0; 4],
    }
}

/// FPU, DE, PSE, TSC, MSR, PAE, CX8, APIC, PGE, CMOV, PAT, CLFLUSH, FXSR, SSE, SSE2.
const FEATURES_EDX: u32 = 1
    | 1 << 2
    | 1 << 3
    | 1 << 4
    | 1 << 5
    | 1 << 6
    | 1 << 8
    | 1 << 9
    | 1 << 13
    | 1 << 15
    | 1 << 16
    | 1 << 19
    | 1 << 24
    | 1 << 25
    | 1 << 26;

/// CX16, PCID, x2APIC, POPCNT, TSC-deadline, hypervisor.
const FEATURES_ECX: u32 = 1 << 13 | 1 << 17 | 1 << 21 | 1 << 23 | 1 << 24 | 1 << 31;

/// CR4 bits that may be set.
pub const CR4_ALLOWED: u64 = bits::CR4_TSD
    | bits::CR4_DE
    | bits::CR4_PSE
    | bits::CR4_PAE
    | bits::CR4_MCE
    | bits::CR4_PGE
    | bits::CR4_PCE
    | bits::CR4_OSFXSR
    | bits::CR4_OSXMMEXCPT
    | bits::CR4_FSGSBASE
    | bits::CR4_PCIDE
    | bits::CR4_SMEP
    | bits::CR4_SMAP;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x86_64::fpu::Fpu;
    use crate::x86_64::fpu::image::{Layout, save};

    #[test]
    fn an_fxsave_without_selectors_is_announced() {
        let fpu = Fpu {
            instruction: u64::MAX,
            operand: u64::MAX,
            ..Fpu::default()
        };
        let short = Layout {
            wide: false,
            long: true,
        };
        let image = save(&fpu, &[0; 256], short);
        let topology = Topology {
            apic_id: 0,
            cpus: 1,
        };
        // SDM vol. 1, 8.1.8: FCS and FDS are saved as zero where this bit is set.
        assert_eq!((image[1] | image[2]) >> 32, 0);
        assert_ne!(leaf(topology, 7, 0)[1] & 1 << 13, 0);
    }
}
