# Exceptions: causes, xtval and xepc, who handles them, and the way back.

    .include "macros.S"

    .equ    NOWHERE, 0x90000000     # behind memory

main:
    # Calls say where they come from, and have no value (3.1.15, 3.1.16).
    .irp    mode, U, S, M
    from    \mode, ECALL_U + \mode, nop
    check   s1, 0
    .endr

    # An illegal instruction's bits are in mtval, of 16 and of 32 bits, at any alignment.
    from    M, ILLEGAL, .insn 0x0000
    check   s1, 0
    from    U, ILLEGAL, .insn 0x8002            # c.jr x0
    check   s1, 0x8002
    from    S, ILLEGAL, .insn 0x9c41            # reserved beside c.subw
    check   s1, 0x9c41
    from    U, ILLEGAL, .4byte 0xffffffff
    check   s1, 0xffffffff
    illegal M, .insn 0x0000707b                 # custom-3
    .option push
    .option rvc
    la      s11, 1f
    .balign 4
    c.nop
    .option norvc
    .4byte  0x0000307f                          # reserved, longer
    nop
1:  check   s0, ILLEGAL
    .option pop

    # Breakpoints.
    from    U, BREAKPOINT, ebreak
    .ifndef QEMU                                # leaves mtval zero, which it may
    same    s1, s10
    .endif
    from    S, BREAKPOINT, .insn 0x9002         # c.ebreak
    check_clear s3, MPP & ~(S << 11)

    # Atomics fault where they are misaligned; loads and stores do not.
    la      a1, buffer + 2
    .ifndef QEMU                                # takes an atomic for a load here
    from    M, STORE_MISALIGNED, amoadd.w a0, a2, (a1)
    same    s1, a1
    from    U, STORE_MISALIGNED, amoswap.d a0, a2, (a1)
    same    s1, a1
    .endif
    from    S, LOAD_MISALIGNED, lr.w a0, (a1)
    same    s1, a1
    la      a1, buffer
    li      a2, 0x1122334455667788
    sd      a2, 3(a1)
    lwu     a0, 5(a1)
    check   a0, 0x33445566
    lh      a0, 9(a1)
    check   a0, 0x1122
    legal   U, sd a2, 5(a1)
    ld      a0, 5(a1)
    same    a0, a2
    # Over the end of a page.
    la      a1, page_end
    sd      a2, -3(a1)
    ld      a0, -3(a1)
    same    a0, a2
    lbu     a0, 0(a1)
    check   a0, 0x55
    lhu     a0, -1(a1)
    check   a0, 0x5566

    # Where nothing is, an access faults, and the value is its address.
    li      a1, NOWHERE
    from    M, LOAD_ACCESS, lb a0, 5(a1)
    check   s1, NOWHERE + 5
    from    S, LOAD_ACCESS, lr.d a0, (a1)
    check   s1, NOWHERE
    from    U, STORE_ACCESS, sd a0, 8(a1)
    check   s1, NOWHERE + 8
    .ifndef QEMU                                # and here
    from    M, STORE_ACCESS, amoor.w a0, a2, (a1)
    check   s1, NOWHERE
    .endif
    .irp    mode, U, S, M
    la      s11, 1f
    li      t5, NOWHERE + 4
    enter   \mode
1:  check   s0, FETCH_ACCESS
    check   s1, NOWHERE + 4
    check   s2, NOWHERE + 4
    .endr

    # A trap to M-mode stacks the mode and the interrupt enable (3.1.6.1).
    csrw    mie, zero
    set_bits mstatus, MIE
    la      s11, 1f
    ecall
1:  check_set s3, MPIE | MPP
    check_clear s3, MIE
    la      s11, 1f
    ecall
1:  check_set s3, MPP
    check_clear s3, MIE | MPIE

    # MRET undoes it; MPRV stays only if the mode does (3.1.6.1, 3.1.6.3).
    set_bits mstatus, MPIE | MPRV
    la      t5, 1f
    enter   M
1:  csrr    a0, mstatus
    check_set a0, MIE | MPIE | MPRV
    check_clear a0, MPP
    set_bits mstatus, MPP
    clear_bits mstatus, MIE | MPIE | MPRV
    la      t5, 1f
    enter   M
1:  csrr    a0, mstatus
    check_set a0, MPIE
    check_clear a0, MPP | MIE
    .ifndef QEMU                                # leaves it
    set_bits mstatus, MPRV
    legal   S, nop
    check_clear s3, MPRV
    .endif

    # SRET, from M-mode, too.
    set_bits mstatus, SPP | SPIE | MPP | MPRV
    clear_bits mstatus, SIE
    la      t5, 1f
    csrw    sepc, t5
    la      s11, 2f
    sret
1:  ecall
2:  check   s0, ECALL_S
    check_set s3, SIE | SPIE | 1 << 11
    check_clear s3, SPP
    .ifndef QEMU                                # leaves it
    check_clear s3, MPRV
    .endif
    clear_bits mstatus, SPP | SPIE
    set_bits mstatus, SIE
    la      s11, 2f
    sret
1:  ecall
2:  check   s0, ECALL_U
    check_set s3, SPIE
    check_clear s3, SPP | SIE

    # Delegated exceptions go to S-mode, unless they come from M-mode (3.1.8).
    write   medeleg, 1 << ILLEGAL | 1 << BREAKPOINT | 1 << ECALL_U | 1 << LOAD_ACCESS
    set_bits mstatus, SIE
    to_supervisor U, ILLEGAL, csrw mscratch, a0
    lwu     a0, 0(s6)
    same    s5, a0
    check_clear s7, SPP | SIE
    check_set s7, SPIE
    clear_bits mstatus, SIE
    to_supervisor S, ILLEGAL, csrw mscratch, a0
    check_set s7, SPP
    check_clear s7, SIE | SPIE
    to_supervisor U, ECALL_U, ecall
    check   s5, 0
    li      a1, NOWHERE
    to_supervisor S, LOAD_ACCESS, lw a0, 4(a1)
    check   s5, NOWHERE + 4
    illegal M, csrw mhartid, a0
    from    S, STORE_ACCESS, sw a0, 4(a1)
    # Nothing of M-mode's changes when S-mode traps.
    write   mscratch, 5
    write   mtval, 1
    write   sscratch, 6
    li      a0, 0
    to_supervisor U, BREAKPOINT, ebreak
    csrr    a0, sscratch
    check   a0, 6
    csrw    medeleg, zero

    # Code that is written is executed, behind a FENCE.I (Zifencei).
    la      a1, buffer
    li      a2, 0x00008067              # ret
    sw      a2, 4(a1)
    .irp    value, 1, 2, 3
    li      a2, 0x00000513 | \value << 20      # li a0, value
    sw      a2, 0(a1)
    fence.i
    jalr    ra, 0(a1)
    check   a0, \value
    .endr
    j       pass

    .bss
    .balign 4096
buffer:
    .zero   4096
page_end:
    .zero   4096
