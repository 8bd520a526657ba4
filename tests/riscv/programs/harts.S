# Two harts: reservations that the other one breaks, atomics that lose nothing, interrupts from one to the other.

    .equ    HARTS, 2
    .include "macros.S"

    .equ    MSIP, 0x2000000
    .equ    TURNS, 3000
    # A store of what is there already breaks a reservation, too; QEMU compares values.
    .ifdef  QEMU
    .equ    THIRD, 6
    .else
    .equ    THIRD, 5
    .endif

# Waits until the word at the label has this value.
    .macro  await label, value
    la      t0, \label
    li      t1, \value
1:  lw      t2, 0(t0)
    bne     t2, t1, 1b
    fence
    .endm
    .macro  say label, value
    fence
    la      t0, \label
    li      t1, \value
    sw      t1, 0(t0)
    .endm

main:
    # SC fails behind a store of the other hart, to all of what was reserved or to a part.
    la      a1, shared
    .irp    round, 1, 2, 3
    lr.d    a0, (a1)
    say     step, \round
    await   answer, \round
    li      a2, 77
    sc.d    a0, a2, (a1)
    sltiu   a0, a0, 1
    check   a0, 0
    .endr
    ld      a0, 0(a1)
    check   a0, THIRD << 32 | 4
    # It fails where nothing is reserved, and at another place than what is.
    la      a2, other
    lr.w    a0, (a1)
    sc.w    a0, a1, (a2)
    sltiu   a0, a0, 1
    check   a0, 0
    lw      a0, 0(a2)
    check   a0, 0
    sc.w    a0, a1, (a1)
    sltiu   a0, a0, 1
    check   a0, 0

    # Both count.
    say     step, 4
    call    count
    await   answer, 4
    la      a1, counters
    .irp    n, 0, 1, 2, 3
    lw      a0, 4 * \n(a1)
    check   a0, 2 * TURNS
    .endr

    # The other one waits, and is woken.
    say     step, 5
    await   answer, 5
    li      t0, MSIP + 4
    li      t1, 1
    sw      t1, 0(t0)
    await   answer, 6
    j       pass

others:
    csrr    a0, mhartid
    check   a0, 1
    la      a1, shared
    await   step, 1
    li      a0, 4
    sd      a0, 0(a1)
    say     answer, 1
    await   step, 2
    li      a0, 5
    sw      a0, 4(a1)
    say     answer, 2
    await   step, 3
    li      a0, THIRD
    sw      a0, 4(a1)
    say     answer, 3
    await   step, 4
    call    count
    say     answer, 4
    await   step, 5
    la      s11, 1f
    li      t0, 1 << 3
    csrw    mie, t0
    csrsi   mstatus, 1 << 3
    say     answer, 5
2:  wfi
    j       2b
1:  check   s0, INTERRUPT | 3
    li      t0, MSIP + 4
    sw      zero, 0(t0)
    csrr    a0, mip
    check_clear a0, 1 << 3
    say     answer, 6
    j       .

# Counts to TURNS in four ways.
count:
    la      a1, counters
    la      a5, lock
    li      a2, TURNS
1:  lr.w    a0, (a1)                # LR and SC
    addi    a0, a0, 1
    sc.w    a3, a0, (a1)
    bnez    a3, 1b
    addi    a4, a1, 4
    li      a0, 1
    amoadd.w a3, a0, (a4)           # an AMO
2:  amoswap.w.aq a3, a0, (a5)       # under a lock
    bnez    a3, 2b
    lw      a3, 8(a1)
    addi    a3, a3, 1
    sw      a3, 8(a1)
    amoswap.w.rl x0, x0, (a5)
3:  lr.d    a3, (a1)                # the neighbour's bytes change, too
    addi    a4, a1, 12
    lr.w    a3, (a4)
    addi    a3, a3, 1
    sc.w    a3, a3, (a4)
    bnez    a3, 3b
    addi    a2, a2, -1
    bnez    a2, 1b
    ret

    .data
    .balign 64
shared:
    .dword  3
    .balign 64
other:
    .dword  0
    .balign 64
counters:
    .word   0, 0, 0, 0
    .balign 64
lock:
    .word   0
step:
    .word   0
answer:
    .word   0
