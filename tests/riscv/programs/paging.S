# Address translation: each permission, each size of page, each level; bits A and D; what is reserved; the forms of
# SFENCE.VMA and what an address space is.

    .include "macros.S"
    .include "tables.S"

    .equ    NOWHERE, 0x90000000

main:
    make_tables
    la      a0, target
    lw      a1, call
    sw      a1, 0(a0)

# Permissions (4.3.1, 4.4.1). Under each mode and at each level a leaf leads to the target, with all combinations of
# rights; U-mode and S-mode load, store and fetch there, with SUM and MXR and without.
#
# s9 row of places, a5 the entry's place, a6 virtual address, a7 where the page begins
# s8 combination: 0 V, 1 R, 2 W, 3 X, 4 U; 5 SUM, 6 MXR, 7 S-mode
    la      s9, places
next_place:
    ld      a4, 0(s9)
    beqz    a4, places_end
    ld      a0, 8(s9)
    srli    a0, a0, 12
    or      a0, a0, a4
    csrw    satp, a0
    ld      a5, 16(s9)
    ld      a6, 24(s9)
    ld      a7, 32(s9)
    addi    s9, s9, 40
    la      a0, target
    sub     a0, a0, a7
    add     a6, a6, a0
    ld      a3, 0(a5)                   # what was there
    li      s8, 0
next_rights:
    andi    a0, s8, 31
    ori     a0, a0, A | D
    srli    a1, a7, 2
    or      a0, a0, a1
    sd      a0, 0(a5)
    sfence.vma
    clear_bits mstatus, SUM | MXR
    .macro  bit register, number
    srli    \register, s8, \number
    andi    \register, \register, 1
    .endm
    bit     a0, 5
    slli    a0, a0, 18
    csrs    mstatus, a0
    bit     a0, 6
    slli    a0, a0, 19
    csrs    mstatus, a0

    # a0 = V and (R or X) and not (W without R): it is a leaf. a1 = S-mode
    bit     a1, 1
    bit     a2, 3
    or      a0, a1, a2
    bit     a2, 0
    and     a0, a0, a2
    bit     a2, 2
    xori    a1, a1, 1
    and     a2, a2, a1
    xori    a2, a2, 1
    and     a0, a0, a2
    bit     a1, 7
    # t3 = data may be touched: in U-mode U, in S-mode not U, or SUM
    bit     t0, 4
    xor     t0, t0, a1                  # U xor S-mode: a page of its own
    bit     t1, 5
    and     t1, t1, a1
    or      t3, t0, t1
    and     t3, t3, a0
    # t4 = it may be fetched
    bit     t4, 3
    and     t4, t4, t0
    and     t4, t4, a0
    # a2 = it may be read, t3 = written
    bit     a2, 3
    bit     t0, 6
    and     a2, a2, t0
    bit     t0, 1
    or      a2, a2, t0
    and     a2, a2, t3
    bit     t0, 2
    and     t3, t3, t0

    .macro  expect may, cause
    li      t0, -1
    bnez    \may, 1f
    li      t0, \cause
    same    s1, a6
1:  same    s0, t0
    .endm
    .macro  as_mode insn:vararg
    la      s11, 2f
    li      s0, -1
    clear_bits mstatus, MPP
    slli    t0, a1, 11
    csrs    mstatus, t0
    set_bits mstatus, MPRV
    \insn
2:  clear_bits mstatus, MPRV
    .endm
    as_mode lw t1, 0(a6)
    expect  a2, LOAD_PAGE
    beqz    a2, 1f
    lw      t0, call
    same    t1, t0
1:  lw      t1, call
    as_mode sw t1, 0(a6)
    expect  t3, STORE_PAGE
    as_mode amoor.w t1, zero, (a6)
    .ifndef QEMU                        # takes an atomic for a load first
    expect  t3, STORE_PAGE
    .endif

    # The target holds an ECALL.
    clear_bits mstatus, MPP
    slli    t0, a1, 11
    csrs    mstatus, t0
    csrw    mepc, a6
    la      s11, 1f
    mret
1:  same    s2, a6
    addi    t0, a1, ECALL_U
    bnez    t4, 1f
    li      t0, FETCH_PAGE
    same    s1, a6
1:  same    s0, t0

    addi    s8, s8, 1
    li      t0, 256
    bne     s8, t0, next_rights
    sd      a3, 0(a5)
    j       next_place
places_end:
    clear_bits mstatus, SUM | MXR
    space   SV39, root

# Code and data of real S-mode and U-mode, too.
    leads   table0, 1, page_a, V | R | W | A | D
    leads   table0, 2, page_b, V | R | W | A | D | USER
    sfence.vma
    li      a1, 0x1000
    li      a2, 0x2000
    legal   S, ld a0, 0(a1)
    from    S, LOAD_PAGE, ld a0, 8(a2)
    check   s1, 0x2008
    from    S, STORE_PAGE, sd a0, 8(a2)
    from_at USER_HERE, U, LOAD_PAGE, ld a0, 16(a1)
    check   s1, 0x1010
    from_at USER_HERE, U, ECALL_U, sd a0, 16(a2)
    set_bits mstatus, SUM
    legal   S, ld a0, 8(a2)
    clear_bits mstatus, SUM
    # M-mode is not translated, and MPRV with MPP = M changes nothing.
    entry   table1, 1, 0x80000000, V | R | A
    sfence.vma
    li      a1, 0x200000
    lent_well S, ld a0, 0(a1)
    from    M, LOAD_ACCESS, ld a0, 0(a1)
    lent_fault M, LOAD_ACCESS, 0x200000, ld a0, 0(a1)

# What a mode may do changes with mstatus at once, though nothing is fenced.
    leads   table0, 3, page_a, V | X | A
    leads   table0, 4, page_a, V | R | W | A | D | USER
    sfence.vma
    li      a3, 0x3000
    li      a4, 0x4000
    .rept   2
    set_bits mstatus, MXR
    lent_well S, ld a0, 0(a3)
    clear_bits mstatus, MXR
    lent_fault S, LOAD_PAGE, 0x3000, ld a0, 0(a3)
    lent_well U, sd a0, 0(a4)
    lent_fault S, LOAD_PAGE, 0x4000, ld a0, 0(a4)
    lent_fault S, STORE_PAGE, 0x4000, sd a0, 0(a4)
    set_bits mstatus, SUM
    lent_well S, sd a0, 0(a4)
    clear_bits mstatus, SUM
    lent_fault S, STORE_PAGE, 0x4000, sd a0, 0(a4)
    lent_fault M, STORE_ACCESS, 0x200000, sd a0, 0(a1)
    .endr

# What is reserved in an entry: the bits above the page number, and A, D, U in a pointer (4.4.1).
    li      a3, 0x3000
    .irp    bit, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63
    leads   table0, 3, page_a, V | R | W | A | D | 1 << \bit
    sfence.vma
    lent_fault S, LOAD_PAGE, 0x3000, ld a0, 0(a3)
    .endr
    leads   table0, 3, page_a, V | R | W | A | D
    .irp    flag, A, D, USER, 1 << 54, 1 << 63
    leads   table1, 0, table0, V | \flag
    sfence.vma
    lent_fault S, LOAD_PAGE, 0x3000, ld a0, 0(a3)
    .endr
    leads   table1, 0, table0, V | 3 << 8 | G
    sfence.vma
    lent_well S, ld a0, 0(a3)
    leads   table1, 0, table0, V

# Superpages lie at a multiple of their size.
    li      a4, 0x200000
    li      a5, 0xc0000000
    entry   table1, 1, 0x80000000, V | R | A
    entry   root, 3, 0x80000000, V | R | A
    sfence.vma
    lent_well S, ld a0, 8(a4)
    lent_well S, ld a0, 8(a5)
    .irp    bit, 12, 13, 20
    entry   table1, 1, 0x80000000 | 1 << \bit, V | R | A
    sfence.vma
    lent_fault S, LOAD_PAGE, 0x200008, ld a0, 8(a4)
    .endr
    .irp    bit, 12, 20, 21, 29
    entry   root, 3, 0x80000000 | 1 << \bit, V | R | A
    sfence.vma
    lent_fault S, LOAD_PAGE, 0xc0000008, ld a0, 8(a5)
    .endr

# Tables where nothing is are an access fault of the original access.
    .ifndef QEMU                        # says that it is a page fault
    entry   root, 3, NOWHERE, V
    sfence.vma
    lent_fault S, LOAD_ACCESS, 0xc0000008, ld a0, 8(a5)
    lent_fault S, STORE_ACCESS, 0xc0000008, sd a0, 8(a5)
    la      s11, 1f
    mv      t5, a5
    enter   S
1:  check   s0, FETCH_ACCESS
    check   s1, 0xc0000000
    .endif

# Addresses repeat their highest bit.
    li      a5, 1 << 38
    lent_fault S, LOAD_PAGE, 1 << 38, ld a0, 0(a5)
    li      a5, 1 << 63
    lent_fault S, STORE_PAGE, 1 << 63, sd a0, 0(a5)
    entry   root, 256, 0x80000000, V | R | A
    sfence.vma
    li      a5, -1 << 38
    lent_well S, ld a0, 0(a5)
    space   SV48, root4
    li      a5, 1 << 47
    lent_fault S, LOAD_PAGE, 1 << 47, ld a0, 0(a5)
    li      a5, -1 << 47
    lent_fault S, LOAD_PAGE, -1 << 47, ld a0, 0(a5)
    entry   root4, 256, 0, V | R | A
    sfence.vma
    la      a0, page_a
    add     a5, a5, a0
    lent_well S, ld a0, 0(a5)
    space   SV39, root

# Bits A and D are set by the walk (menvcfg.ADUE; always on QEMU 7.2) ...
    .macro  flags_are expected
    la      t0, table0
    lbu     a0, 8 * 3(t0)
    check   a0, \expected
    .endm
    .macro  flags_before flags
    leads   table0, 3, page_a, \flags
    sfence.vma
    .endm
    flags_before V | R | W | X
    lent_well S, ld a0, 0(a3)
    flags_are V | R | W | X | A
    lent_well S, sd a0, 0(a3)
    flags_are V | R | W | X | A | D
    flags_before V | R | W
    lent_well S, sd a0, 0(a3)
    flags_are V | R | W | A | D
    flags_before V | R | W | A
    lent_well S, amoadd.d a0, zero, (a3)
    flags_are V | R | W | A | D
    flags_before V | R | W | A
    lent_well S, ld a0, 0(a3)
    flags_are V | R | W | A
    # not where the access faults ...
    flags_before V | R
    lent    S, sd a0, 0(a3)
    check   s0, STORE_PAGE
    .ifndef QEMU                        # sets A, which it may: A is speculative
    flags_are V | R
    .endif
    # nor by a walk that may not, which faults (4.3.1).
    .ifndef QEMU
    clear_bits menvcfg, 1 << 61
    flags_before V | R | W | X
    lent_fault S, LOAD_PAGE, 0x3000, ld a0, 0(a3)
    lent_fault S, STORE_PAGE, 0x3000, sd a0, 0(a3)
    la      s11, 1f
    mv      t5, a3
    enter   S
1:  check   s0, FETCH_PAGE
    flags_are V | R | W | X
    flags_before V | R | W | A
    lent_well S, ld a0, 0(a3)
    lent_fault S, STORE_PAGE, 0x3000, sd a0, 0(a3)
    flags_are V | R | W | A
    set_bits menvcfg, 1 << 61
    .endif

# An access over a page's end faults for the part that is missing, and stores nothing.
    leads   table0, 3, page_a, V | R | W | X | A | D
    entry   table0, 4, 0, 0
    sfence.vma
    li      a3, 0x4000
    la      a4, page_a + 4088
    sd      zero, 0(a4)
    li      a0, -1
    lent_fault S, STORE_PAGE, 0x4000, sd a0, -4(a3)
    ld      a0, 0(a4)
    check   a0, 0
    lent_fault S, LOAD_PAGE, 0x4000, ld a0, -1(a3)
    lent_fault S, LOAD_PAGE, 0x4000, lhu a0, -1(a3)
    lent_well S, lw a0, -4(a3)
    # An instruction, too.
    li      a0, 0x0073                  # half an ECALL
    sh      a0, 6(a4)
    fence.i
    .macro  straddle cause
    la      s11, 1f
    li      t5, 0x3ffe
    enter   S
1:  check   s0, \cause
    check   s2, 0x3ffe
    .endm
    straddle FETCH_PAGE
    check   s1, 0x4000
    leads   table0, 4, page_b, V | R | A
    sfence.vma
    straddle FETCH_PAGE
    check   s1, 0x4000
    leads   table0, 4, page_b, V | X | A
    sfence.vma
    la      a0, page_b
    sh      zero, 0(a0)
    fence.i
    straddle ECALL_S
    .ifndef QEMU                        # aborts
    entry   table0, 4, NOWHERE, V | X | A
    sfence.vma
    straddle FETCH_ACCESS
    check   s1, 0x4000
    .endif

# SFENCE.VMA, all four forms: what was translated before is forgotten (4.2.1).
    la      a0, page_a
    li      a1, 0xa
    sd      a1, 0(a0)
    la      a0, page_b
    li      a1, 0xb
    sd      a1, 0(a0)
    li      a3, 0x5000
    li      a4, 7
    .macro  reads value
    lent_well S, ld a0, 0(a3)
    check   a0, \value
    .endm
    .macro  forgets flags, fence:vararg
    leads   table0, 5, page_a, V | R | A | \flags
    sfence.vma
    reads   0xa
    leads   table0, 5, page_b, V | R | A | \flags
    \fence
    reads   0xb
    .endm
    space   SV39, root, 7
    forgets 0, sfence.vma
    forgets 0, sfence.vma a3
    forgets 0, sfence.vma x0, a4
    forgets 0, sfence.vma a3, a4
    forgets G, sfence.vma
    forgets G, sfence.vma a3
    # Any address of a superpage names all of it; a space named by x0 is all spaces, by a register with 0 is space 0.
    entry   table1, 1, 0x80000000, V | R | A
    sfence.vma
    la      a5, page_a
    li      a6, 0x200000 - 0x80000000
    add     a5, a5, a6
    li      a6, 0x200000
    lent_well S, ld a0, 0(a5)
    check   a0, 0xa
    lent_well S, ld a0, 0(a6)
    entry   table1, 1, 0x80200000, V | R | A
    sfence.vma a6
    lent_well S, ld a0, 0(a5)
    check   a0, 0
    space   SV39, root, 0
    li      a4, 0
    forgets 0, sfence.vma x0, a4
    forgets 0, sfence.vma a3, a4

# Spaces do not see each other's translations, but global ones; a change of satp needs no fence (4.1.11, 4.2.1).
    leads   other, 0, other1, V
    leads   other1, 0, other0, V
    leads   other0, 5, page_b, V | R | A
    leads   other0, 6, page_b, V | R | A
    leads   table0, 5, page_a, V | R | A
    leads   table0, 6, page_a, V | R | A
    sfence.vma
    space   SV39, root, 1
    reads   0xa
    space   SV39, other, 2
    reads   0xb
    space   SV39, root, 1
    reads   0xa
    # Bare is without any translation, global ones included.
    la      a3, page_a
    leads   other, 2, other1, V
    la      t0, page_a
    srli    t0, t0, 12
    andi    t0, t0, 511
    slli    t0, t0, 3
    la      t1, other0
    add     t0, t0, t1
    la      t1, page_b
    srli    t1, t1, 2
    ori     t1, t1, V | R | A | G
    sd      t1, 0(t0)
    sfence.vma
    space   SV39, other, 2
    reads   0xb
    csrw    satp, zero
    reads   0xa
    space   SV39, other, 2
    reads   0xb
    j       pass

    .balign 8
call:
    ecall
    nop
# mode, table, the entry's place, virtual address and physical address of the page
places:
    .dword  SV39, root, table0 + 8, 0x1000, target
    .dword  SV39, root, table1 + 8, 0x200000, 0x80000000
    .dword  SV39, root, root + 8 * 3, 0xc0000000, 0x80000000
    .dword  SV48, root4, table0 + 8, 0x1000, target
    .dword  SV48, root4, table1 + 8, 0x200000, 0x80000000
    .dword  SV48, root4, root + 8 * 3, 0xc0000000, 0x80000000
    .dword  SV48, root4, root4 + 8, 1 << 39, 0
    .dword  0

    .bss
    .balign 4096
target:
    .zero   4096
page_a:
    .zero   4096
page_b:
    .zero   4096
other:
    .zero   4096
other1:
    .zero   4096
other0:
    .zero   4096
