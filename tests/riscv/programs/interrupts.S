# Interrupts: where they come from, who gets them and in which order, waiting for them, timers.

    .include "macros.S"

    .equ    MSIP, 0x2000000
    .equ    MTIMECMP, 0x2004000
    .equ    MTIME, 0x200bff8
    .equ    PLIC, 0xc000000
    .equ    SOURCE, 10              # the serial port's
    .equ    IER, UART + 1

    .equ    SSI, 1
    .equ    MSI, 3
    .equ    STI, 5
    .equ    MTI, 7
    .equ    SEI, 9
    .equ    MEI, 11

    .equ    STCE, 1 << 63

    .macro  store width, value, address
    li      t0, \value
    li      t1, \address
    s\width t0, 0(t1)
    .endm

# In this mode, an interrupt with this number comes at once, to M-mode.
    .macro  interrupted mode, number
    la      s11, 9f
    la      t5, 8f
    mv      s10, t5
    enter   \mode
8:  j       8b
9:  check   s0, INTERRUPT | \number
    check   s1, 0
    same    s2, s10
    .endm
# It comes to S-mode.
    .macro  interrupted_supervisor mode, number
    la      s11, 9f
    la      t5, 8f
    mv      s10, t5
    enter   \mode
8:  j       8b
9:  check   s0, ECALL_S
    check   s4, INTERRUPT | \number
    check   s5, 0
    same    s6, s10
    .endm

# The lines of all six: the serial port has nothing to send, which interrupts.
    .macro  all_lines
    store   w, 1, MSIP
    store   d, 0, MTIMECMP
    store   w, 7, PLIC + 4 * SOURCE
    store   w, 1 << SOURCE, PLIC + 0x2000
    store   w, 1 << SOURCE, PLIC + 0x2080
    store   b, 2, IER
    write   mip, 1 << SSI | 1 << STI
    .endm
    .macro  no_lines
    store   w, 0, MSIP
    store   d, -1, MTIMECMP
    store   b, 0, IER
    csrw    mip, zero
    .endm

main:
    store   d, -1, MTIMECMP
    csrr    a0, mip
    check_clear a0, 0xaaa

    # The lines are seen in mip, and writing there does not take them back (3.1.9).
    all_lines
    csrr    a0, mip
    check_set a0, 0xaaa
    csrw    mip, zero
    csrr    a0, mip
    check_set a0, 0xa88
    # An instruction that changes bits of mip does not take the line for what software set.
    csrsi   mip, 1 << SSI
    store   b, 0, IER
    store   w, 0, PLIC + 4 * SOURCE
    csrr    a0, mip
    check_clear a0, 0xa00
    check_set a0, 1 << SSI
    # Nor does the line's fall take that.
    write   mip, 1 << SEI
    all_lines
    store   w, 0, PLIC + 4 * SOURCE
    li      a1, 1 << SEI
    csrc    mip, a1
    csrr    a0, mip
    check_clear a0, 1 << SEI
    no_lines
    # (a claim and its completion bring the controller back to rest)
    li      a1, PLIC + 0x200004
    lw      a0, 0(a1)
    sw      a0, 0(a1)

    # All at once: the order is MEI, MSI, MTI, SEI, SSI, STI (3.1.9).
    all_lines
    .ifndef QEMU                    # takes the lowest number first
    .irp    mode, M, S, U
    write   mie, 0xaaa
    .irp    number, MEI, MSI, MTI, SEI, SSI, STI
    set_bits mstatus, MPIE
    interrupted \mode, \number
    clear_bits mie, 1 << \number
    .endr
    .endr
    .endif
    .irp    number, MEI, MSI, MTI, SEI, SSI, STI
    write   mie, 1 << \number
    set_bits mstatus, MPIE
    interrupted M, \number
    interrupted S, \number
    interrupted U, \number
    .endr
    csrw    mie, zero
    # With none enabled nothing comes.
    set_bits mstatus, MPIE
    legal   M, nop
    legal   U, nop

    # M-mode takes none while mstatus.MIE is clear; lower modes do not ask it.
    write   mie, 1 << MSI
    clear_bits mstatus, MPIE
    legal   M, nop
    clear_bits mstatus, MPIE
    interrupted S, MSI
    clear_bits mstatus, MPIE
    interrupted U, MSI

    # What is delegated never interrupts M-mode; S-mode if sstatus.SIE is set, U-mode always (3.1.9, 4.1.3).
    write   mideleg, 0x222
    write   mie, 0x222
    set_bits mstatus, MPIE
    legal   M, nop
    clear_bits mstatus, SIE
    legal   S, nop
    .irp    number, SEI, SSI, STI
    .ifdef  QEMU
    write   mie, 1 << \number
    .endif
    set_bits mstatus, SIE
    interrupted_supervisor S, \number
    check_set s7, SPP | SPIE
    check_clear s7, SIE
    clear_bits mstatus, SIE
    interrupted_supervisor U, \number
    check_clear s7, SPP | SPIE
    clear_bits mie, 1 << \number
    .endr
    # M-mode's come first, whatever their number.
    write   mie, 0x222 | 1 << MTI
    set_bits mstatus, SIE
    interrupted S, MTI
    interrupted U, MTI
    write   mie, 0x220
    write   mideleg, 0x020
    interrupted U, SEI
    csrw    mie, zero
    csrw    mideleg, zero

    # Vectored: an interrupt enters at four times its number, an exception at the base (3.1.7).
    la      t0, vectors
    addi    t0, t0, 1
    csrw    mtvec, t0
    .irp    number, MEI, MTI, STI
    write   mie, 1 << \number
    li      s8, 0
    interrupted U, \number
    check   s8, \number
    .endr
    csrw    mie, zero
    li      s8, -1
    from    U, BREAKPOINT, ebreak
    check   s8, 0
    la      t0, handler
    csrw    mtvec, t0
    la      t0, vectors
    addi    t0, t0, 1
    csrw    stvec, t0
    write   mideleg, 1 << SSI
    write   mie, 1 << SSI
    la      s11, 1f
    la      t5, 2f
    enter   U
2:  j       2b
1:  check   s8, SSI
    csrw    mie, zero
    csrw    mideleg, zero
    la      t0, supervisor_handler
    csrw    stvec, t0

    # The interrupt controller: priority, threshold, claim, completion.
    .equ    THRESHOLD, PLIC + 0x200000
    .equ    CLAIM, PLIC + 0x200004
    csrr    a0, mip
    check_set a0, 1 << MEI | 1 << SEI
    store   w, 7, THRESHOLD
    csrr    a0, mip
    check_clear a0, 1 << MEI
    check_set a0, 1 << SEI
    store   w, 6, THRESHOLD
    csrr    a0, mip
    check_set a0, 1 << MEI
    li      a1, PLIC + 0x1000
    lw      a0, 0(a1)
    check   a0, 1 << SOURCE
    li      a1, CLAIM
    lw      a0, 0(a1)
    check   a0, SOURCE
    csrr    a0, mip
    check_clear a0, 1 << MEI | 1 << SEI
    lw      a0, 0(a1)
    check   a0, 0
    li      a0, SOURCE
    .ifndef QEMU                    # forgets a level that stays
    sw      a0, 0(a1)               # still there
    csrr    a0, mip
    check_set a0, 1 << MEI | 1 << SEI
    lw      a0, 0(a1)
    check   a0, SOURCE
    .endif
    store   b, 0, IER
    li      a0, SOURCE
    sw      a0, 0(a1)               # gone
    csrr    a0, mip
    check_clear a0, 1 << MEI | 1 << SEI
    no_lines

    # WFI ends when an interrupt waits that is enabled one by one, taken or not (3.3.3).
    store   w, 1, MSIP
    write   mie, 1 << MSI
    clear_bits mstatus, MIE
    wfi
    store   w, 0, MSIP
    .macro  soon register
    li      t0, MTIME
    ld      \register, 0(t0)
    addi    \register, \register, 100
    .endm
    soon    a1
    li      t0, MTIMECMP
    sd      a1, 0(t0)
    write   mie, 1 << MTI
1:  wfi
    csrr    a0, mip
    andi    a0, a0, 1 << MTI
    beqz    a0, 1b
    rdtime  a0
    bltu    a0, a1, fail
    store   d, -1, MTIMECMP
    csrr    a0, mip
    check_clear a0, 1 << MTI
    # Interrupted behind it, if it may be.
    soon    a1
    li      t0, MTIMECMP
    sd      a1, 0(t0)
    la      s11, 1f
    set_bits mstatus, MIE
2:  wfi
    j       2b
1:  check   s0, INTERRUPT | MTI
    store   d, -1, MTIMECMP
    csrw    mie, zero

    # time is the CLINT's, and follows what is written there.
    rdtime  a0
    li      t0, MTIME
    ld      a1, 0(t0)
    rdtime  a2
    bltu    a1, a0, fail
    bltu    a2, a1, fail
    li      a0, 1 << 40
    sd      a0, 0(t0)
    rdtime  a1
    sub     a2, a1, a0
    li      a3, 10000000
    bgeu    a2, a3, fail
    ld      a2, 0(t0)
    bltu    a2, a1, fail
    sd      zero, 0(t0)

    # stimecmp: S-mode's own timer, if M-mode lends it (Sstc).
    write   mcounteren, 2
    clear_bits menvcfg, STCE
    illegal S, csrr a0, stimecmp
    set_bits menvcfg, STCE
    write   stimecmp, -1
    csrr    a0, mip
    check_clear a0, 1 << STI
    legal   S, csrr a0, stimecmp
    legal   S, csrw stimecmp, a0
    illegal U, csrr a0, stimecmp
    csrw    mcounteren, zero
    illegal S, csrr a0, stimecmp
    write   stimecmp, 0
    csrr    a0, mip
    check_set a0, 1 << STI
    csrw    mip, zero
    csrr    a0, mip
    check_set a0, 1 << STI
    write   stimecmp, -1
    write   mip, 1 << STI
    csrr    a0, mip
    check_clear a0, 1 << STI
    write   mideleg, 1 << STI
    write   mie, 1 << STI
    rdtime  a1
    addi    a1, a1, 100
    csrw    stimecmp, a1
1:  wfi
    csrr    a0, mip
    andi    a0, a0, 1 << STI
    beqz    a0, 1b
    rdtime  a0
    bltu    a0, a1, fail
    interrupted_supervisor U, STI
    # It follows the CLINT's time, too.
    write   stimecmp, 1 << 41
    csrr    a0, mip
    check_clear a0, 1 << STI
    li      t0, MTIME
    li      a0, 1 << 41
    sd      a0, 0(t0)
    .ifdef  QEMU                    # sees it when the comparator is written
    csrr    a0, stimecmp
    csrw    stimecmp, a0
    .endif
    csrr    a0, mip
    check_set a0, 1 << STI
    j       pass

    .option push
    .option norvc
    .balign 64
vectors:
    .irp    number, 0,1,2,3,4,5,6,7,8,9,10,11
    j       vector\number
    .endr
    .irp    number, 0,1,2,3,4,5,6,7,8,9,10,11
vector\number:
    li      s8, \number
    .if     \number == SSI
    ecall
    .else
    j       handler
    .endif
    .endr
    .option pop
