//! M-mode, where the board starts in it: the little firmware that the kernel brings along.
//!
//! All harts begin at `machine_start`. Each opens memory, traps, interrupts and counters to S-mode; hart 0 enters the
//! kernel at `supervisor_start`, as any firmware would, and the others wait to be started. From then on M-mode is only
//! entered for what S-mode cannot do itself, and answers the three calls that the kernel makes (`sbi`; RISC-V SBI
//! specification 2.0):
//!
//! | call              | how                                                        |
//! |-------------------|------------------------------------------------------------|
//! | TIME, set_timer   | CLINT's comparator; its interrupt becomes S-mode's (STIP)  |
//! | IPI, send_ipi     | CLINT's software interrupt, which becomes S-mode's (SSIP)  |
//! | HSM, hart_start   | a waiting hart finds where to go in its block, and is poked |
//!
//! A machine with firmware enters the kernel in S-mode, and this code is left alone: whether somebody has entered
//! `machine_start` itself in S-mode shows as the first read of an M-mode register traps.
//!
//! Firmware knows its board: addresses are those of `virt` (SiFive U54-MC manual, 9, has the CLINT's registers).

use core::arch::global_asm;

use crate::sched::MAX_CPUS;

/// The core-local interruptor: a software interrupt a hart from here on, 4 bytes each.
const CLINT: usize = 0x0200_0000;
/// Its comparators, 8 bytes a hart.
const MTIMECMP: usize = CLINT + 0x4000;

/// Exceptions that S-mode handles itself: all but calls from S-mode (9).
const DELEGATED_EXCEPTIONS: u64 = 0xb1ff;
/// Interrupts of S-mode: software (1), timer (5), external (9).
const DELEGATED_INTERRUPTS: u64 = 1 << 1 | 1 << 5 | 1 << 9;
/// PMP entry 0: naturally aligned, read, write, execute. With an address of all ones that is everything.
const PMP_ALL: u64 = 0x1f;
/// `mstatus.MPP`: MRET goes to S-mode.
const MPP_SUPERVISOR: u64 = 1 << 11;
/// `mstatus.MPP`, both bits.
const MPP: u64 = 3 << 11;

// A hart's block, 64 bytes, which `mscratch` points to:
//   0 t1 of the interrupted program   8 its t2   16 where to start in S-mode, 0 for nowhere   24 with what in a1
global_asm!(
    r#"
.section .machine, "awx", @progbits
.balign 4
.globl machine_start
machine_start:
    la      t0, supervisor_start
    csrw    stvec, t0               # where the next instruction goes in S-mode
    csrr    a0, mhartid
    li      t0, {harts}
    bgeu    a0, t0, 9f
    csrw    satp, zero
    csrw    mie, zero
    li      t0, -1
    csrw    pmpaddr0, t0
    li      t0, {pmp_all}
    csrw    pmpcfg0, t0
    li      t0, {exceptions}
    csrw    medeleg, t0
    li      t0, {interrupts}
    csrw    mideleg, t0
    li      t0, 7                   # cycle, time, instret
    csrw    mcounteren, t0
    la      t0, 1f
    csrw    mtvec, t0
    li      t0, 1 << 63             # STCE: S-mode's own comparator, where there is one
    csrs    0x30a, t0               # menvcfg, where there is one
.balign 4
1:  la      t0, machine_trap
    csrw    mtvec, t0
    la      t0, machine_harts
    slli    t1, a0, 6
    add     t0, t0, t1
    csrw    mscratch, t0
    li      t1, 1 << 3              # MSIE
    csrw    mie, t1
    bnez    a0, 2f
    la      t1, supervisor_start
    j       3f

2:  wfi                             # MIE is off: a software interrupt wakes, and does not trap
    csrr    t1, mip
    andi    t1, t1, 1 << 3
    beqz    t1, 2b
    li      t1, {clint}
    slli    t2, a0, 2
    add     t1, t1, t2
    sw      zero, 0(t1)
    fence
    ld      t1, 16(t0)
    beqz    t1, 2b
    ld      a1, 24(t0)

3:  csrw    mepc, t1                # into S-mode with the hart's number in a0
    li      t1, {mpp}
    csrc    mstatus, t1
    li      t1, {mpp_supervisor}
    csrs    mstatus, t1
    mret

9:  wfi                             # more harts than the kernel has room for
    j       9b

.balign 4
machine_trap:
    csrrw   t0, mscratch, t0
    sd      t1, 0(t0)
    sd      t2, 8(t0)
    csrr    t1, mcause
    bltz    t1, 5f

    li      t2, 9                   # a call from S-mode
9:  bne     t1, t2, 9b              # nothing else comes here
    csrr    t1, mepc
    addi    t1, t1, 4
    csrw    mepc, t1
    li      t1, {time}
    beq     a7, t1, 1f
    li      t1, {ipi}
    beq     a7, t1, 2f
    li      t1, {hsm}
    beq     a7, t1, 4f
    li      a0, -2                  # not supported
    j       8f

1:  csrr    t1, mhartid             # set_timer(time)
    slli    t1, t1, 3
    li      t2, {mtimecmp}
    add     t1, t1, t2
    sd      a0, 0(t1)
    li      t1, 1 << 5
    csrc    mip, t1                 # STIP
    li      t1, 1 << 7
    csrs    mie, t1                 # MTIE
    li      a0, 0
    j       8f

2:  slli    t2, a1, 2               # send_ipi(harts, number of the first)
    li      t1, {clint}
    add     t2, t2, t1
    fence   rw, ow
3:  andi    t1, a0, 1
    beqz    t1, 6f
    sw      t1, 0(t2)
6:  addi    t2, t2, 4
    srli    a0, a0, 1
    bnez    a0, 3b
    j       8f

4:  li      t1, {harts}             # hart_start(hart, address, a1)
    bgeu    a0, t1, 7f
    la      t2, machine_harts
    slli    t1, a0, 6
    add     t2, t2, t1
    sd      a2, 24(t2)
    sd      a1, 16(t2)
    fence   rw, ow
    slli    t1, a0, 2
    li      t2, {clint}
    add     t2, t2, t1
    li      t1, 1
    sw      t1, 0(t2)
    li      a0, 0
    j       8f
7:  li      a0, -3                  # invalid parameter
    j       8f

5:  slli    t1, t1, 1               # an interrupt: timer is 7, software 3
    li      t2, 7 << 1
    beq     t1, t2, 6f
    csrr    t1, mhartid
    slli    t1, t1, 2
    li      t2, {clint}
    add     t1, t1, t2
    sw      zero, 0(t1)
    csrsi   mip, 1 << 1             # SSIP
    j       8f
6:  li      t1, 1 << 7
    csrc    mie, t1                 # MTIE, until the next set_timer
    li      t1, 1 << 5
    csrs    mip, t1                 # STIP

8:  ld      t1, 0(t0)
    ld      t2, 8(t0)
    csrrw   t0, mscratch, t0
    mret

.balign 8
machine_harts:
    .skip   64 * {harts}
"#,
    harts = const MAX_CPUS,
    clint = const CLINT,
    mtimecmp = const MTIMECMP,
    exceptions = const DELEGATED_EXCEPTIONS,
    interrupts = const DELEGATED_INTERRUPTS,
    pmp_all = const PMP_ALL,
    mpp = const MPP,
    mpp_supervisor = const MPP_SUPERVISOR,
    time = const super::sbi::TIME,
    ipi = const super::sbi::IPI,
    hsm = const super::sbi::HSM,
);
