//! Many iterations of a string instruction at once, on RAM itself.

use super::{Run, address, advance_all, id};
use crate::x86_64::cpu::Cpu;
use crate::x86_64::reg::{RAX, RDI, RSI};
use base::event::Access;
use base::{Bus, Observer, PAGE_SIZE, Phys, Width};

/// Up to `wanted` iterations at once, which are known to stay in their pages; returns how many were done. It does
/// none where the fast table does not serve a side, or the direction is down.
pub fn run<B: Bus, O: Observer>(cpu: &mut Cpu<'_, B, O>, run: &mut Run, wanted: u64) -> u64 {
    if run.backward || run.id == id::LODS {
        return 0;
    }
    let counts = cpu.hart.tlb.counts;
    let writes = matches!(run.id, id::MOVS | id::STOS);
    let Some((source, destination)) = places(cpu, run, writes) else {
        cpu.hart.tlb.counts = counts; // the iterations will look up for themselves
        return 0;
    };
    let width = run.shape.width;
    let done = match (run.id, source) {
        (id::MOVS, Some(source)) => copy(cpu, width, source, destination, wanted),
        (id::STOS, _) => fill(cpu, width, destination, wanted),
        _ => compare(cpu, run, source, destination, wanted),
    };
    // Each iteration looks both sides up; the two look-ups above count as the first's.
    let lookups = &mut cpu.hart.tlb.counts.lookups;
    if source.is_some() {
        lookups[Access::Read as usize] += done - 1;
    }
    let side = if writes { Access::Write } else { Access::Read };
    lookups[side as usize] += done - 1;
    advance_all(cpu, run, done);
    done
}

/// Where in RAM the source (if there is one) and the destination lie, if the fast table serves both.
fn places<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    run: &Run,
    writes: bool,
) -> Option<(Option<u64>, u64)> {
    let (view, width) = (cpu.hart.view(), run.shape.width);
    let source = if run.reads_source() {
        let addr = address(cpu, run, RSI);
        Some(cpu.hart.tlb.fast_read(view, addr, width)? as u64)
    } else {
        None
    };
    let addr = address(cpu, run, RDI);
    let destination = if writes {
        cpu.hart.tlb.fast_write(view, addr, width)?
    } else {
        cpu.hart.tlb.fast_read(view, addr, width)?
    };
    Some((source, destination as u64))
}

fn copy<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    width: Width,
    source: u64,
    destination: u64,
    n: u64,
) -> u64 {
    let (size, len) = (width.bytes(), n * width.bytes());
    if source < destination && destination < source + len {
        // What was written is read again: element by element, as the processor does.
        for element in 0..n {
            let value = cpu.ram.read_at((source + element * size) as usize, width);
            cpu.ram
                .write_fast((destination + element * size) as usize, width, value);
        }
        return n;
    }
    let base = cpu.ram.base().0;
    let mut buffer = [0; PAGE_SIZE as usize];
    let buffer = &mut buffer[..len as usize];
    if let Some(bytes) = cpu.ram.slice(Phys(base + source), len) {
        buffer.copy_from_slice(bytes);
        cpu.ram.write_bytes(Phys(base + destination), buffer);
    }
    n
}

fn fill<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    width: Width,
    destination: u64,
    n: u64,
) -> u64 {
    let value = cpu.hart.regs[usize::from(RAX)];
    let phys = Phys(cpu.ram.base().0 + destination);
    if width == Width::B1 {
        cpu.ram.fill(phys, n, value as u8);
        return n;
    }
    let size = width.bytes() as usize;
    let mut buffer = [0; PAGE_SIZE as usize];
    let buffer = &mut buffer[..n as usize * size];
    for element in buffer.chunks_exact_mut(size) {
        element.copy_from_slice(&value.to_le_bytes()[..size]);
    }
    cpu.ram.write_bytes(phys, buffer);
    n
}

/// Compares until the repetition ends; the iteration that ends it counts.
fn compare<B: Bus, O: Observer>(
    cpu: &mut Cpu<'_, B, O>,
    run: &mut Run,
    source: Option<u64>,
    destination: u64,
    n: u64,
) -> u64 {
    let width = run.shape.width;
    let rax = cpu.hart.regs[usize::from(RAX)] & width.mask();
    for element in 0..n {
        let at = |side: u64| {
            cpu.ram
                .read_at((side + element * width.bytes()) as usize, width)
        };
        run.compared = Some((source.map_or(rax, at), at(destination)));
        if run.satisfied() {
            return element + 1;
        }
    }
    n
}
