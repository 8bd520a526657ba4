# Every number of a control and status register, read in every mode: which exist, and who may read them.

    .include "macros.S"

main:
    write   mcounteren, -1
    write   scounteren, -1
    write   menvcfg, 1 << 63
    set_bits mstatus, FS
    li      s8, 0
next_number:
    # csrr a0, s8
    slli    a0, s8, 20
    li      a1, 0x2573
    or      a0, a0, a1
    la      a1, patched
    sw      a0, 0(a1)
    fence.i
    # a2 = it exists
    la      a1, ranges
    li      a2, 0
1:  lhu     a3, 0(a1)
    lhu     a4, 2(a1)
    addi    a1, a1, 4
    bltu    s8, a3, 2f
    bgtu    s8, a4, 1b
    li      a2, 1
2:  srli    a3, s8, 8
    andi    a3, a3, 3                   # the least privilege (2.1)
    .irp    mode, U, S, M
    la      s11, 9f
    la      t5, patched
    enter   \mode
9:  li      a4, ILLEGAL
    li      a5, \mode
    bltu    a5, a3, 8f
    beqz    a2, 8f
    li      a4, ECALL_U + \mode
8:  same    s0, a4
    .endr
    addi    s8, s8, 1
    li      a0, 0x1000
    bne     s8, a0, next_number
    j       pass

    .balign 4
patched:
    .4byte  0
    ecall

    .macro  range first, last
    .half   \first, \last
    .endm
ranges:
    range   0x001, 0x003                # fflags, frm, fcsr
    range   0x100, 0x100                # sstatus
    range   0x104, 0x106                # sie, stvec, scounteren
    range   0x10a, 0x10a                # senvcfg
    range   0x140, 0x144                # sscratch to sip
    range   0x14d, 0x14d                # stimecmp
    range   0x180, 0x180                # satp
    range   0x300, 0x306                # mstatus to mcounteren
    range   0x30a, 0x30a                # menvcfg
    range   0x320, 0x320                # mcountinhibit
    range   0x323, 0x33f                # mhpmevent3 to 31
    range   0x340, 0x344                # mscratch to mip
    range   0x3a0, 0x3a0                # pmpcfg0, pmpcfg2
    range   0x3a2, 0x3a2
    range   0x3b0, 0x3bf                # pmpaddr0 to 15
    range   0x7a0, 0x7a3                # tselect to tdata3
    range   0xb00, 0xb00                # mcycle
    range   0xb02, 0xb1f                # minstret to mhpmcounter31
    range   0xc00, 0xc1f                # cycle to hpmcounter31
    range   0xf11, 0xf15                # mvendorid to mconfigptr
    range   0xffff, 0xffff
