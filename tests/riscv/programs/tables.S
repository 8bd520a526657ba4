# Page tables for programs: three levels for Sv39 and one more for Sv48.
#
#   0x0000_0000   4 KiB pages of table0          0x4000_0000   all memory again, for U-mode
#   0x0020_0000   table1's next entry            0x8000_0000   all memory, for S-mode
#                                                0xc000_0000   root's next entry

    .equ    V, 1 << 0
    .equ    R, 1 << 1
    .equ    W, 1 << 2
    .equ    X, 1 << 3
    .equ    USER, 1 << 4
    .equ    G, 1 << 5
    .equ    A, 1 << 6
    .equ    D, 1 << 7
    .equ    ALL, V | R | W | X | A | D

    .equ    SV39, 8 << 60
    .equ    SV48, 9 << 60
    # From an address of the program to where U-mode has it.
    .equ    USER_HERE, -0x40000000

# Entry number `index` of `table` leads to `place`.
    .macro  entry table, index, place, flags
    la      t0, \table
    li      t1, 8 * \index
    add     t0, t0, t1
    li      t1, \place
    srli    t1, t1, 2
    li      t2, \flags
    or      t1, t1, t2
    sd      t1, 0(t0)
    .endm

# The same, where the place is a label.
    .macro  leads table, index, label, flags
    la      t0, \table
    li      t1, 8 * \index
    add     t0, t0, t1
    la      t1, \label
    srli    t1, t1, 2
    li      t2, \flags
    or      t1, t1, t2
    sd      t1, 0(t0)
    .endm

# satp = this mode and space, and the table at the label.
    .macro  space mode, label, asid=0
    la      t0, \label
    srli    t0, t0, 12
    li      t1, \mode | \asid << 44
    or      t0, t0, t1
    csrw    satp, t0
    .endm

# The tables as above.
    .macro  make_tables
    leads   root4, 0, root, V
    leads   root, 0, table1, V
    entry   root, 1, 0x80000000, ALL | USER
    entry   root, 2, 0x80000000, ALL
    leads   table1, 0, table0, V
    sfence.vma
    .endm

    .bss
    .balign 4096
root4:
    .zero   4096
root:
    .zero   4096
table1:
    .zero   4096
table0:
    .zero   4096
    .text

# A data access as S-mode or U-mode would make it: M-mode with MPRV (3.1.6.3). s0 is -1 if it completes.
    .macro  lent mode, insn:vararg
    la      s11, 9f
    li      s0, -1
    clear_bits mstatus, MPP
    set_bits mstatus, \mode << 11 | MPRV
    \insn
9:  clear_bits mstatus, MPRV
    .endm
    .macro  lent_well mode, insn:vararg
    lent    \mode, \insn
    check   s0, -1
    .endm
    .macro  lent_fault mode, cause, value, insn:vararg
    lent    \mode, \insn
    check   s0, \cause
    check   s1, \value
    .endm
