# Calls of an S-mode kernel to its firmware (SBI specification 1.0), on two harts: what OpenSBI 1.1 answers, and we.

    .text
    j       _start

    .include "checks.S"

    .equ    BASE, 0x10
    .equ    TIME, 0x54494d45
    .equ    IPI, 0x735049
    .equ    RFENCE, 0x52464e43
    .equ    HSM, 0x48534d
    .equ    SRST, 0x53525354

    .equ    NOT_SUPPORTED, -2
    .equ    INVALID_PARAM, -3
    .equ    INVALID_ADDRESS, -5
    .equ    ALREADY_AVAILABLE, -6

    .equ    SSIP, 1 << 1
    .equ    STIP, 1 << 5
    .equ    NOWHERE, 0x90000000

# Calls; all registers but a0 and a1 are kept (3).
    .macro  sbi extension, function
    li      a7, \extension
    li      a6, \function
    li      t0, 0x1234
    ecall
    check   t0, 0x1234
    check   a6, \function
    .endm
    .macro  succeeds extension, function
    sbi     \extension, \function
    check   a0, 0
    .endm
    .macro  fails error, extension, function
    sbi     \extension, \function
    check   a0, \error
    .endm
    .macro  await label, value
    la      t0, \label
    li      t1, \value
1:  ld      t2, 0(t0)
    bne     t2, t1, 1b
    fence
    .endm
# The instruction traps, to us.
    .macro  traps cause, insn:vararg
    la      s11, 9f
    li      s0, -1
8:  \insn
9:  check   s0, \cause
    la      t0, 8b
    same    s1, t0
    .endm

# s8 our hart, s9 the other one
_start:
    mv      s8, a0
    xori    s9, a0, 1
    mv      s10, a1
    la      sp, stack_end
    la      t0, handler
    csrw    stvec, t0
    # A kernel begins without translation and interrupts; a1 has the device tree.
    csrr    a0, satp
    check   a0, 0
    csrr    a0, sstatus
    check_clear a0, SIE
    lwu     a0, 0(s10)
    check   a0, 0xedfe0dd0

    # Base (4).
    succeeds BASE, 0
    srli    a1, a1, 24
    beqz    a1, fail
    li      a0, TIME
    succeeds BASE, 3
    check   a1, 1
    li      a0, 0x12345678
    succeeds BASE, 3
    check   a1, 0
    fails   NOT_SUPPORTED, 0x12345678, 0
    fails   NOT_SUPPORTED, BASE, 99
    fails   NOT_SUPPORTED, TIME, 1

    # What the kernel has to handle reaches it, though firmware might have seen it first.
    traps   ILLEGAL, .4byte 0xffffffff
    li      a2, NOWHERE
    traps   LOAD_ACCESS, ld a0, 8(a2)
    addi    a3, a2, 8
    same    s2, a3
    traps   STORE_ACCESS, sd a0, 8(a2)
    traps   BREAKPOINT, .4byte 0x00100073
    # The counters are open.
    rdtime  a0
    rdcycle a0
    rdinstret a0

    # The timer, and taking it back (6).
    rdtime  s3
    li      a0, 5000
    add     a0, a0, s3
    mv      s3, a0
    li      a1, 0
    li      t0, STIP
    csrs    sie, t0
    succeeds TIME, 0
1:  wfi
    csrr    a0, sip
    andi    a0, a0, STIP
    beqz    a0, 1b
    rdtime  a0
    bltu    a0, s3, fail
    li      a0, -1
    succeeds TIME, 0
    csrr    a0, sip
    check_clear a0, STIP
    csrw    sie, zero

    # Interrupts to ourselves, named by mask and base, and to all (7).
    .macro  ipi mask, base
    csrci   sip, SSIP
    mv      a0, \mask
    mv      a1, \base
    succeeds IPI, 0
    .endm
    .macro  interrupted
1:  csrr    a0, sip
    andi    a0, a0, SSIP
    beqz    a0, 1b
    csrci   sip, SSIP
    .endm
    li      s3, 1
    sll     s3, s3, s8
    ipi     s3, zero
    interrupted
    li      s3, 1
    ipi     s3, s8
    interrupted
    li      a0, 1
    li      a1, 77
    fails   INVALID_PARAM, IPI, 0
    csrr    a0, sip
    check_clear a0, SSIP

    # Harts: started once, with their number and a word; stopped by themselves (9).
    mv      a0, s9
    succeeds HSM, 2
    check   a1, 1
    mv      a0, s8
    succeeds HSM, 2
    check   a1, 0
    li      a0, 77
    fails   INVALID_PARAM, HSM, 2
    li      a0, 77
    la      a1, other
    fails   INVALID_PARAM, HSM, 0
    mv      a0, s8
    la      a1, other
    fails   ALREADY_AVAILABLE, HSM, 0
    .irp    round, 1, 2
    mv      a0, s9
    la      a1, other
    li      a2, 0x1111 * \round
    succeeds HSM, 0
    await   word, 0x1111 * \round
    mv      a0, s9
    succeeds HSM, 2
    check   a1, 0
    # It is interrupted, and has its translations dropped (7, 8).
    li      a0, 0
    li      a1, -1
    li      a2, 0
    li      a3, -1
    succeeds RFENCE, 1
    li      a0, 0
    li      a1, -1
    succeeds RFENCE, 0
    li      a0, 1
    mv      a1, s9
    li      a2, 0x1000
    li      a3, 0x1000
    li      a4, 1
    succeeds RFENCE, 2
    li      a0, 1
    li      a1, 77
    fails   INVALID_PARAM, RFENCE, 0
    li      s3, 1
    ipi     s3, s9
    await   word, 0
1:  mv      a0, s9
    succeeds HSM, 2
    li      a0, 1
    bne     a1, a0, 1b
    .endr

    # The old calls (5): no character waits; a timer.
    li      a7, 2
    ecall
    check   a0, -1
    li      a0, 0
    li      a7, 0
    ecall
    check   a0, 0
1:  csrr    a0, sip
    andi    a0, a0, STIP
    beqz    a0, 1b

    # The end (10): not for a reason that does not exist, but then it is.
    li      a0, 0x1000
    li      a1, 0
    sbi     SRST, 0
    beqz    a0, fail
    li      a0, 0
    li      a1, 0
    sbi     SRST, 0
    j       fail

    .balign 4
handler:
    csrr    s0, scause
    csrr    s1, sepc
    csrr    s2, stval
    jr      s11

# The other hart: says what it was given, waits for an interrupt, and stops.
other:
    mv      s8, a0
    la      t0, handler
    csrw    stvec, t0
    csrr    t0, satp
    check   t0, 0
    csrr    t0, sstatus
    check_clear t0, SIE
    la      t0, word
    sd      a1, 0(t0)
    csrsi   sie, SSIP
1:  wfi
    csrr    t1, sip
    andi    t1, t1, SSIP
    beqz    t1, 1b
    csrci   sip, SSIP
    csrw    sie, zero
    la      t0, word
    sd      zero, 0(t0)
    sbi     HSM, 1
    j       fail

    .data
    .balign 64
word:
    .dword  0

    .bss
    .balign 16
    .zero   4096
stack_end:
