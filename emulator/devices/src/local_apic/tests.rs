//! The local APIC as its CPU and its kernel see it.

use super::*;
use crate::testing::{Bench, round_trip};

const ID: u64 = 0x20;
const TPR: u64 = 0x80;
const PPR: u64 = 0xa0;
const EOI: u64 = 0xb0;
const SVR: u64 = 0xf0;
const ESR: u64 = 0x280;
const ICR: u64 = 0x300;
const ICR2: u64 = 0x310;
const LVT_TIMER: u64 = 0x320;
const LVT_LINT0: u64 = 0x350;
const LVT_LINT1: u64 = 0x360;
const LVT_ERROR: u64 = 0x370;
const TMICT: u64 = 0x380;
const TMCCT: u64 = 0x390;
const TDCR: u64 = 0x3e0;

/// A software-enabled APIC with spurious vector 0xff.
fn enabled(id: u32) -> (Bench, LocalApic) {
    let (mut bench, mut apic) = (Bench::new(), LocalApic::new(id));
    bench.write32(&mut apic, SVR, 0x1ff);
    (bench, apic)
}

fn fixed(vector: u8, level: bool) -> Message {
    Message {
        vector,
        level,
        ..Message::default()
    }
}

#[test]
fn the_higher_class_interrupts_and_the_same_class_waits_for_eoi() {
    let (mut bench, mut apic) = enabled(0);
    apic.receive(&fixed(0x41, false));
    assert_eq!(apic.acknowledge(), 0x41);
    apic.receive(&fixed(0x4f, false));
    assert_eq!(apic.pending(), None);
    apic.receive(&fixed(0x50, false));
    assert_eq!(apic.acknowledge(), 0x50);
    assert_eq!(bench.read32(&mut apic, PPR), 0x50);
    bench.write32(&mut apic, EOI, 0);
    assert_eq!(apic.pending(), None);
    bench.write32(&mut apic, EOI, 0);
    assert_eq!(apic.pending(), Some(0x4f));
}

#[test]
fn tpr_holds_back_its_class_and_below_and_cr8_is_the_same_register() {
    let (mut bench, mut apic) = enabled(0);
    apic.receive(&fixed(0x31, false));
    apic.write_msr(0x808, 0x30, Time(0));
    assert!(!apic.irq());
    assert_eq!(bench.read32(&mut apic, TPR), 0x30);
    assert_eq!(apic.acknowledge(), 0xff, "the spurious vector");
    assert_eq!(apic.isr.highest(), None);
    bench.write32(&mut apic, TPR, 0x2f);
    assert_eq!(apic.pending(), Some(0x31));
}

#[test]
fn a_level_triggered_interrupt_tells_of_its_end_and_an_edge_does_not() {
    let (mut bench, mut apic) = enabled(0);
    for (level, told) in [(true, Some(Outgoing::EndOfInterrupt(0x30))), (false, None)] {
        apic.receive(&fixed(0x30, level));
        apic.acknowledge();
        bench.write32(&mut apic, EOI, 0);
        assert_eq!(apic.take_outgoing(), told);
    }
}

#[test]
fn a_software_disabled_apic_takes_signals_but_no_vectors_and_masks_its_lvt() {
    let (mut bench, mut apic) = enabled(0);
    bench.write32(&mut apic, LVT_TIMER, 0x30);
    bench.write32(&mut apic, SVR, 0xff);
    assert_eq!(bench.read32(&mut apic, LVT_TIMER), 0x1_0030);
    apic.receive(&fixed(0x30, false));
    assert!(!apic.irq());
    apic.receive(&Message {
        delivery: Delivery::Nmi,
        ..Message::default()
    });
    assert_eq!(apic.take_signal(), Some(Signal::Nmi));
    assert_eq!(apic.take_signal(), None);
}

#[test]
fn the_periodic_timer_fires_each_period() {
    let (mut bench, mut apic) = enabled(0);
    bench.write32(&mut apic, TDCR, 0b1011);
    bench.write32(&mut apic, LVT_TIMER, 0x2_0040);
    bench.write32(&mut apic, TMICT, 10_000);
    for _ in 0..3 {
        let until = bench.now + Time(10_000);
        bench.run(&mut apic, until);
        assert!(!apic.irq(), "somebody has to take it up");
        assert!(apic.take_expiry());
        apic.timer_interrupt();
        assert!(!apic.take_expiry());
        assert_eq!(apic.acknowledge(), 0x40);
        bench.write32(&mut apic, EOI, 0);
    }
    bench.now = bench.now + Time(4_000);
    assert_eq!(bench.read32(&mut apic, TMCCT), 6_000);
    bench.write32(&mut apic, TMICT, 0);
    assert_eq!(apic.deadline(), Time::NEVER);
}

#[test]
fn a_look_changes_nothing_though_a_masked_timer_is_overdue() {
    let (mut bench, mut apic) = enabled(0);
    bench.write32(&mut apic, LVT_TIMER, 0x1_0030);
    bench.write32(&mut apic, TDCR, 0xb);
    bench.write32(&mut apic, TMICT, 100);
    let before = base::codec::save(&mut apic);
    assert_eq!(apic.peek(0x39, Time(40)), 60);
    assert_eq!(apic.peek(0x39, Time(1000)), 0);
    assert_eq!(apic.peek(0x32, Time(1000)), 0x1_0030);
    assert_eq!(base::codec::save(&mut apic), before);
}

#[test]
fn a_masked_timer_counts_but_what_it_missed_does_not_come_later() {
    let (mut bench, mut apic) = enabled(0);
    bench.write32(&mut apic, LVT_TIMER, 0x1_0040);
    bench.write32(&mut apic, TMICT, 1000);
    assert_eq!(apic.deadline(), Time::NEVER);
    bench.now = Time(5000);
    bench.write32(&mut apic, LVT_TIMER, 0x40);
    assert!(!apic.has_expired());
    assert_eq!(apic.deadline(), Time::NEVER);
}

#[test]
fn the_tsc_deadline_fires_once_at_its_time_and_at_once_if_past() {
    let (mut bench, mut apic) = enabled(0);
    apic.write_msr(IA32_TSC_DEADLINE, 500, Time(0));
    assert_eq!(apic.deadline(), Time::NEVER, "not in deadline mode");
    bench.write32(&mut apic, LVT_TIMER, 0x4_0040);
    apic.write_msr(IA32_TSC_DEADLINE, 5_000, Time(0));
    assert_eq!(apic.read_msr(IA32_TSC_DEADLINE, Time(0)), 5_000);
    bench.run(&mut apic, Time(5_000));
    assert!(apic.take_expiry());
    apic.timer_interrupt();
    assert_eq!(apic.acknowledge(), 0x40);
    assert_eq!(apic.read_msr(IA32_TSC_DEADLINE, bench.now), 0);
    bench.write32(&mut apic, EOI, 0);
    apic.write_msr(IA32_TSC_DEADLINE, 4_000, bench.now);
    assert!(apic.take_expiry());
}

#[test]
fn the_command_register_sends_to_ids_logical_addresses_and_by_shorthand() {
    let rows = [
        (
            0x0000_0030,
            Some((Destination::Physical(2), Delivery::Fixed)),
        ),
        (
            0x0000_0831,
            Some((Destination::Logical(2), Delivery::Fixed)),
        ),
        (
            0x0000_0130,
            Some((Destination::Physical(2), Delivery::LowestPriority)),
        ),
        (0x0008_0032, Some((Destination::All, Delivery::Fixed))),
        (0x000c_0400, Some((Destination::Others, Delivery::Nmi))),
        (
            0x0000_4500,
            Some((Destination::Physical(2), Delivery::Init)),
        ),
        (0x0000_8500, None),
        (
            0x0000_0608,
            Some((Destination::Physical(2), Delivery::StartUp)),
        ),
        (0x0004_0033, None),
    ];
    for (icr, expected) in rows {
        let (mut bench, mut apic) = enabled(0);
        bench.write32(&mut apic, ICR2, 2 << 24);
        bench.write32(&mut apic, ICR, icr);
        let sent = match apic.take_outgoing() {
            Some(Outgoing::Ipi(message)) => Some((message.destination, message.delivery)),
            _ => None,
        };
        assert_eq!(sent, expected, "{icr:#x}");
        assert_eq!(apic.pending(), (icr >> 18 == 1).then_some(0x33));
    }
}

#[test]
fn init_resets_all_but_the_identity_and_start_up_follows() {
    let (mut bench, mut apic) = enabled(3);
    apic.receive(&fixed(0x40, false));
    for (delivery, vector) in [(Delivery::Init, 0), (Delivery::StartUp, 8)] {
        apic.receive(&Message {
            delivery,
            vector,
            ..Message::default()
        });
    }
    assert!(!apic.irq() && apic.has_signal());
    assert_eq!(apic.take_signal(), Some(Signal::Init));
    assert_eq!(apic.take_signal(), Some(Signal::StartUp(8)));
    assert_eq!(bench.read32(&mut apic, SVR), 0xff);
    assert_eq!(bench.read32(&mut apic, ID), 3 << 24);
}

#[test]
fn x2apic_mode_moves_the_registers_to_msrs() {
    let (mut bench, mut apic) = enabled(0x23);
    let base = apic.read_msr(IA32_APIC_BASE, Time(0));
    apic.write_msr(IA32_APIC_BASE, base | 0x400, Time(0));
    assert_eq!(apic.mmio_base(), None);
    assert_eq!(bench.read32(&mut apic, ID), 0);
    assert_eq!(apic.read_msr(0x802, Time(0)), 0x23);
    assert_eq!(apic.read_msr(0x80d, Time(0)), 0x2_0008);
    assert!(apic.is_addressed(Destination::Logical(0x2_000c)));
    assert!(!apic.is_addressed(Destination::Logical(0x1_0008)));
    apic.write_msr(0x830, 0x1_0002_0000_0041, Time(0));
    let Some(Outgoing::Ipi(message)) = apic.take_outgoing() else {
        panic!("one write of ICR sends");
    };
    assert_eq!(message.destination, Destination::Physical(0x1_0002));
    apic.write_msr(0x83f, 0x55, Time(0));
    assert_eq!(apic.acknowledge(), 0x55);
    apic.write_msr(0x80b, 0, Time(0));
    // Straight back to xAPIC mode is forbidden, by way of "off" it is not.
    apic.write_msr(IA32_APIC_BASE, base, Time(0));
    assert_eq!(apic.mmio_base(), None);
    apic.write_msr(IA32_APIC_BASE, base & !0x800, Time(0));
    assert!(!apic.is_enabled());
    apic.write_msr(IA32_APIC_BASE, base, Time(0));
    assert_eq!(apic.mmio_base(), Some(Phys(0xfee0_0000)));
    assert_eq!(bench.read32(&mut apic, SVR), 0xff, "being off forgets");
}

#[test]
fn logical_cluster_addresses_match_cluster_and_bit() {
    let (mut bench, mut apic) = enabled(0);
    bench.write32(&mut apic, 0xe0, 0);
    bench.write32(&mut apic, 0xd0, 0x24 << 24);
    for (address, matches) in [
        (0x24, true),
        (0x2f, true),
        (0x28, false),
        (0x34, false),
        (0xff, true),
    ] {
        assert_eq!(
            apic.is_addressed(Destination::Logical(address)),
            matches,
            "{address:#x}"
        );
    }
}

#[test]
fn lint0_passes_the_8259_and_lint1_is_an_nmi() {
    let (mut bench, mut apic) = enabled(0);
    apic.set_lint(0, true);
    assert!(!apic.irq(), "masked");
    bench.write32(&mut apic, LVT_LINT0, 0x700);
    assert!(apic.irq() && apic.external_pending() && apic.pending().is_none());
    apic.set_lint(0, false);
    assert!(!apic.irq());
    bench.write32(&mut apic, LVT_LINT1, 0x400);
    apic.set_lint(1, true);
    apic.set_lint(1, true);
    assert_eq!(apic.take_signal(), Some(Signal::Nmi));
    assert_eq!(apic.take_signal(), None, "one edge, one NMI");
}

#[test]
fn virtual_wire_mode_passes_the_8259_from_the_start() {
    let mut apic = LocalApic::new(0);
    apic.set_lint(0, true);
    assert!(!apic.irq());
    apic.enter_virtual_wire_mode();
    assert!(apic.external_pending());
}

#[test]
fn errors_are_latched_by_a_write_and_raise_their_vector() {
    let (mut bench, mut apic) = enabled(0);
    bench.write32(&mut apic, LVT_ERROR, 0x77);
    bench.write32(&mut apic, ICR, 0x0f);
    assert_eq!(apic.take_outgoing(), None);
    assert_eq!(apic.acknowledge(), 0x77);
    assert_eq!(bench.read32(&mut apic, ESR), 0);
    bench.write32(&mut apic, ESR, 0);
    assert_eq!(bench.read32(&mut apic, ESR), 1 << 5);
    apic.receive(&fixed(3, false));
    bench.read32(&mut apic, 0x40);
    bench.write32(&mut apic, ESR, 0);
    assert_eq!(bench.read32(&mut apic, ESR), 0b11 << 6);
}

#[test]
fn the_state_comes_back_with_what_is_pending() {
    let (mut bench, mut apic) = enabled(0);
    bench.write32(&mut apic, LVT_TIMER, 0x2_0040);
    bench.write32(&mut apic, TMICT, 77);
    bench.write32(&mut apic, ICR, 0x000c_0400);
    apic.receive(&fixed(0x99, true));
    let mut fresh = LocalApic::new(0);
    round_trip(&mut apic, &mut fresh);
    assert_eq!(fresh.pending(), Some(0x99));
    assert_eq!(fresh.take_outgoing(), apic.take_outgoing());
}
