# Physical memory protection (3.7): ranges of each kind, rights of each kind, who is bound, what is locked.

    .include "macros.S"
    .include "tables.S"

    .equ    TOR, 1 << 3
    .equ    NA4, 2 << 3
    .equ    NAPOT, 3 << 3
    .equ    LOCK, 1 << 7

# Configuration bytes of entries 0 to 3.
    .macro  configure c0, c1=0, c2=0, c3=0
    write   pmpcfg0, (\c0) | (\c1) << 8 | (\c2) << 16 | (\c3) << 24
    sfence.vma
    .endm
# pmpaddrN is this label's address, and so many bytes on.
    .macro  border n, label, offset=0
    la      t0, \label
    addi    t0, t0, \offset
    srli    t0, t0, 2
    csrw    pmpaddr\n, t0
    .endm

main:
    # There are 16 entries, of addresses of 56 bits; two configuration registers.
    .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    write   pmpaddr\n, -1
    csrr    a0, pmpaddr\n
    .ifndef QEMU                        # has all 64 bits
    check   a0, (1 << 54) - 1
    .endif
    .endr
    # The last one opens what the others leave.
    write   pmpcfg2, 0x1f << 56
    csrr    a0, pmpcfg2
    check   a0, 0x1f << 56
    write   pmpcfg0, 0
    illegal M, csrr a0, pmpcfg1
    illegal M, csrr a0, pmpcfg3
    illegal S, csrr a0, pmpcfg0
    illegal S, csrw pmpaddr0, a0
    # Writable without readable is reserved; the reserved bits are zero.
    .ifndef QEMU                        # takes it
    configure NAPOT | 2
    csrr    a0, pmpcfg0
    check   a0, 0
    configure NAPOT | 7 | 3 << 5
    csrr    a0, pmpcfg0
    check   a0, NAPOT | 7
    .endif
    la      a3, buffer

    # NA4: the four bytes are closed to S-mode and U-mode; M-mode is not bound.
    border  0, buffer, 8
    configure NA4
    .irp    mode, U, S
    lent_well \mode, ld a0, 0(a3)
    lent_well \mode, lw a0, 4(a3)
    lent_well \mode, ld a0, 12(a3)
    lent    \mode, lbu a0, 8(a3)
    check   s0, LOAD_ACCESS
    addi    a0, a3, 8
    same    s1, a0
    lent    \mode, lbu a0, 11(a3)
    check   s0, LOAD_ACCESS
    lent    \mode, sb a0, 9(a3)
    check   s0, STORE_ACCESS
    addi    a0, a3, 9
    same    s1, a0
    # An access that an entry covers in part fails, whatever the rights, in M-mode, too.
    lent    \mode, ld a0, 8(a3)
    check   s0, LOAD_ACCESS
    .endr
    from    M, LOAD_ACCESS, ld a0, 8(a3)
    from    M, STORE_ACCESS, sd a0, 4(a3)
    lw      a0, 8(a3)
    sw      a0, 8(a3)
    configure NA4 | 7
    lent_well S, lw a0, 8(a3)
    lent    S, ld a0, 8(a3)
    check   s0, LOAD_ACCESS
    lent    S, sd a0, 8(a3)
    check   s0, STORE_ACCESS
    configure 0
    lent_well S, sd a0, 8(a3)

    # NAPOT of 8 bytes.
    border  0, buffer, 16
    configure NAPOT
    lent_well S, ld a0, 8(a3)
    lent_well S, ld a0, 24(a3)
    lent    S, lw a0, 16(a3)
    check   s0, LOAD_ACCESS
    lent    S, lw a0, 20(a3)
    check   s0, LOAD_ACCESS

    # Each right, in a page of its own.
    la      a4, code
    .macro  rights cfg, read, store, fetch
    la      t0, code
    srli    t0, t0, 2
    ori     t0, t0, 0x1ff
    csrw    pmpaddr0, t0
    configure NAPOT | \cfg
    .irp    mode, U, S
    lent    \mode, lw a0, 0(a4)
    check   s0, \read
    lent    \mode, sw zero, 16(a4)
    check   s0, \store
    lent    \mode, lr.w a0, (a4)
    check   s0, \read
    la      s11, 1f
    mv      t5, a4
    enter   \mode
1:  .if     \fetch
    check   s0, \fetch
    same    s1, a4
    .else
    check   s0, ECALL_U + \mode
    .endif
    .endr
    .endm
    rights  0, LOAD_ACCESS, STORE_ACCESS, FETCH_ACCESS
    rights  1, -1, STORE_ACCESS, FETCH_ACCESS
    rights  3, -1, -1, FETCH_ACCESS
    rights  4, LOAD_ACCESS, STORE_ACCESS, 0
    rights  5, -1, STORE_ACCESS, 0
    rights  7, -1, -1, 0
    configure NAPOT | 1
    addi    a5, a4, 128
    lent    S, amoadd.w a0, zero, (a5)
    .ifndef QEMU                        # takes an atomic for a load first
    check   s0, STORE_ACCESS
    .endif
    ld      a0, 0(a4)

    # TOR: from the entry before, or from 0. The first entry that matches decides.
    border  0, buffer, 32
    border  1, buffer, 64
    configure 0, TOR | 1
    lent_well S, sd a0, 24(a3)
    lent_well S, ld a0, 32(a3)
    lent_well S, ld a0, 56(a3)
    lent    S, sd a0, 32(a3)
    check   s0, STORE_ACCESS
    lent    S, sd a0, 56(a3)
    check   s0, STORE_ACCESS
    lent_well S, sd a0, 64(a3)
    border  2, buffer, 48
    border  3, buffer, 2040
    configure 0, 0, 0, TOR
    lent_well S, ld a0, 40(a3)
    lent    S, ld a0, 48(a3)
    check   s0, LOAD_ACCESS
    configure 0, TOR | 3, 0, TOR
    lent_well S, sd a0, 48(a3)
    lent    S, sd a0, 64(a3)
    check   s0, STORE_ACCESS
    # An empty range matches nothing.
    border  0, buffer, 8
    border  1, buffer, 8
    configure 0, TOR
    lent_well S, ld a0, 4(a3)
    lent_well S, ld a0, 8(a3)
    border  0, buffer, 64
    configure 0, TOR
    lent_well S, ld a0, 4(a3)
    lent_well S, ld a0, 32(a3)
    border  0, buffer, 8
    configure TOR
    lent    S, ld a0, 0(a3)
    check   s0, LOAD_ACCESS
    lent_well S, ld a0, 8(a3)
    configure 0

    # Page tables are read with S-mode's rights: an access fault of the original access, at its address.
    make_tables
    leads   table0, 1, buffer, V | R | W
    space   SV39, root
    li      a5, 0x1000
    lent_well S, ld a0, 0(a5)
    border  0, table0, 8
    configure NAPOT
    lent_fault S, LOAD_ACCESS, 0x1008, ld a0, 8(a5)
    lent_fault S, STORE_ACCESS, 0x1008, sd a0, 8(a5)
    la      s11, 1f
    mv      t5, a5
    enter   S
1:  check   s0, FETCH_ACCESS
    check   s1, 0x1000
    # Where they may only be read, a bit that must be set is an access fault, too.
    leads   table0, 1, buffer, V | R | W | A
    configure NAPOT | 1
    lent_well S, ld a0, 0(a5)
    .ifndef QEMU                        # a page fault there
    lent_fault S, STORE_ACCESS, 0x1000, sd a0, 0(a5)
    .endif
    # And what a translation leads to is guarded, too.
    border  0, buffer, 8
    configure NA4
    lent_well S, ld a0, 0(a5)
    lent_fault S, LOAD_ACCESS, 0x1008, lw a0, 8(a5)
    csrw    satp, zero
    configure 0

    # Code runs up to the border and no further, though M-mode has run over it.
    .ifndef QEMU                        # looks once a page
    la      a4, code
    addi    a4, a4, 32
    jalr    ra, 0(a4)
    border  0, code, 48
    configure NA4 | 3
    la      s11, 1f
    mv      t5, a4
    enter   S
1:  check   s0, FETCH_ACCESS
    addi    a0, a4, 16
    same    s2, a0
    same    s1, a0
    # An instruction of which half lies behind it.
    border  0, code, 72
    configure NA4 | 3
    la      s11, 1f
    addi    t5, a4, 32
    enter   S
1:  check   s0, FETCH_ACCESS
    addi    a0, a4, 38
    same    s2, a0
    addi    a0, a4, 40
    same    s1, a0
    configure 0
    la      s11, 1f
    addi    t5, a4, 32
    enter   S
1:  check   s0, ECALL_S
    .endif

    # What is locked binds M-mode, and stays; a locked TOR keeps the address below it, too.
    border  0, buffer, 8
    border  1, buffer, 16
    configure 0, TOR | LOCK | 1
    ld      a0, 8(a3)
    from    M, STORE_ACCESS, sd a0, 8(a3)
    from    M, STORE_ACCESS, sb a0, 15(a3)
    legal   M, sd a0, 16(a3)
    configure 7, 7
    csrr    a0, pmpcfg0
    check   a0, 7 | (TOR | LOCK | 1) << 8
    csrr    a1, pmpaddr0
    csrw    pmpaddr0, zero
    csrr    a0, pmpaddr0
    same    a0, a1
    csrr    a1, pmpaddr1
    csrw    pmpaddr1, zero
    csrr    a0, pmpaddr1
    same    a0, a1
    csrw    pmpaddr2, zero
    csrr    a0, pmpaddr2
    check   a0, 0

    # Where no entry matches M-mode may do everything and the others nothing.
    write   pmpcfg2, 0
    sfence.vma
    ld      a0, 24(a3)
    lent    S, ld a0, 24(a3)
    check   s0, LOAD_ACCESS
    lent_well S, ld a0, 8(a3)
    la      s11, 1f
    la      t5, 1f
    enter   U
1:  check   s0, FETCH_ACCESS
    j       pass

    .option push
    .option norvc
    .balign 4096
code:
    ecall
    .balign 32
    nop                                 # code + 32
    nop
    nop
    nop
    ret                                 # code + 48
    .zero   12
    .option rvc
    nop                                 # code + 64
    nop
    nop
    .option norvc
    lui     a0, 1                       # code + 70
    ecall
    .option pop

    .balign 4096
    .bss
    .balign 4096
buffer:
    .zero   4096
