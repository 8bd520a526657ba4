# What QEMU 7.2 does not have or gets wrong, or has more of, against its definition: Zicond, Zicboz, CTZW, triggers.

    .include "macros.S"
    .include "tables.S"

    .equ    CBZE, 1 << 7

    .macro  zero_if name, funct3, value, condition, expected
    li      a1, \value
    li      a2, \condition
    .insn   r 0x33, \funct3, 7, a0, a1, a2
    check   a0, \expected
    .insn   r 0x33, \funct3, 7, a1, a1, a2
    check   a1, \expected
    .endm
    .macro  ctz value, expected
    li      a1, \value
    ctzw    a0, a1
    check   a0, \expected
    .endm

main:
    # CZERO.EQZ and CZERO.NEZ look at all 64 bits of the condition.
    zero_if czero.eqz, 5, 0x123456789, 0, 0
    zero_if czero.eqz, 5, 0x123456789, 1, 0x123456789
    zero_if czero.eqz, 5, 0x123456789, 1 << 63, 0x123456789
    zero_if czero.nez, 7, 0x123456789, 0, 0x123456789
    zero_if czero.nez, 7, 0x123456789, 1, 0
    zero_if czero.nez, 7, 0x123456789, 1 << 32, 0
    li      a2, 7
    .insn   r 0x33, 5, 7, a2, a2, a2
    check   a2, 7
    .insn   r 0x33, 7, 7, a2, a2, a2
    check   a2, 0

    # CTZW counts in the low word alone.
    ctz     0, 32
    ctz     1 << 40, 32
    ctz     -1 << 32, 32
    ctz     1 << 31, 31
    ctz     -1 << 7, 7
    ctz     1, 0

    # CBO.ZERO clears the 64 bytes around an address, and nothing beside them.
    la      a3, block
    li      a0, -1
    .irp    at, -8, 0, 8, 16, 24, 32, 40, 48, 56, 64
    sd      a0, \at(a3)
    .endr
    addi    a1, a3, 13
    cbo.zero 0(a1)
    .irp    at, 0, 8, 16, 24, 32, 40, 48, 56
    ld      a0, \at(a3)
    check   a0, 0
    .endr
    ld      a0, -8(a3)
    check   a0, -1
    ld      a0, 64(a3)
    check   a0, -1
    # It is open to S-mode by menvcfg, to U-mode by senvcfg, too (CMO, 2.6).
    illegal S, cbo.zero 0(a1)
    write   senvcfg, CBZE
    illegal U, cbo.zero 0(a1)
    write   menvcfg, CBZE | 1 << 61
    csrw    senvcfg, zero
    legal   S, cbo.zero 0(a1)
    illegal U, cbo.zero 0(a1)
    write   senvcfg, CBZE
    legal   U, cbo.zero 0(a1)
    # It faults as a store does, at the address that it was given (CMO, 2.5.3).
    li      a1, 0x9000000d
    from    M, STORE_ACCESS, cbo.zero 0(a1)
    same    s1, a1
    make_tables
    leads   table0, 1, block, V | R | A
    sfence.vma
    space   SV39, root
    li      a1, 0x104d
    from    S, STORE_PAGE, cbo.zero 0(a1)
    same    s1, a1

    # There is no trigger (Debug, "Trigger Module"): tselect holds 0 alone, and there the type is 0.
    .irp    register, tselect, tdata1, tdata2, tdata3
    write   \register, -1
    csrr    a0, \register
    check   a0, 0
    .endr
    j       pass

    .bss
    .balign 4096
    .zero   4096
block:
    .zero   128
