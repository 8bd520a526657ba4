# Names of what the manual numbers, checks, and the ways to end.
#
# A check that fails prints its number (there is a symbol check.NUMBER at it), what is and what should be, in hexadecimal,
# and ends the program with code 1. t5, t6 and gp are the macros' own.

    .equ FINISHER, 0x100000
    .equ UART, 0x10000000
    .equ PASS, 0x5555
    .equ FAIL, 0x3333

    .equ U, 0
    .equ S, 1
    .equ M, 3

    .equ FETCH_ACCESS, 1
    .equ ILLEGAL, 2
    .equ BREAKPOINT, 3
    .equ LOAD_MISALIGNED, 4
    .equ LOAD_ACCESS, 5
    .equ STORE_MISALIGNED, 6
    .equ STORE_ACCESS, 7
    .equ ECALL_U, 8
    .equ ECALL_S, 9
    .equ ECALL_M, 11
    .equ FETCH_PAGE, 12
    .equ LOAD_PAGE, 13
    .equ STORE_PAGE, 15
    .equ INTERRUPT, 1 << 63

    .equ SIE, 1 << 1
    .equ MIE, 1 << 3
    .equ SPIE, 1 << 5
    .equ MPIE, 1 << 7
    .equ SPP, 1 << 8
    .equ MPP, 3 << 11
    .equ FS, 3 << 13
    .equ MPRV, 1 << 17
    .equ SUM, 1 << 18
    .equ MXR, 1 << 19
    .equ TVM, 1 << 20
    .equ TW, 1 << 21
    .equ TSR, 1 << 22

    .equ menvcfg, 0x30a
    .equ senvcfg, 0x10a
    .equ stimecmp, 0x14d

# The register has this value.
    .macro  check register, value
    mv      t5, \register
    li      t6, \value
    check_t5
    .endm

# The registers are alike.
    .macro  same register, other
    mv      t5, \register
    mv      t6, \other
    check_t5
    .endm

# All of these bits are set in the register, or none is.
    .macro  check_set register, bits
    li      t6, \bits
    and     t5, t6, \register
    check_t5
    .endm
    .macro  check_clear register, bits
    li      t6, \bits
    and     t5, t6, \register
    li      t6, 0
    check_t5
    .endm

    .macro  check_t5
check.\@:
    li      gp, \@
    bne     t5, t6, fail
    .endm

# Sets and clears bits of a CSR that have no short immediate.
    .macro  set_bits csr, bits
    li      t6, \bits
    csrs    \csr, t6
    .endm
    .macro  clear_bits csr, bits
    li      t6, \bits
    csrc    \csr, t6
    .endm
    .macro  write csr, value
    li      t6, \value
    csrw    \csr, t6
    .endm

    .text
fail:
    mv      a0, gp
    call    print
    mv      a0, t5
    call    print
    mv      a0, t6
    call    print
    li      gp, 1 << 16 | FAIL
    j       finish
pass:
    li      gp, PASS
finish:
    li      t6, FINISHER
    sw      gp, 0(t6)
    j       .

print:                              # a0 in hexadecimal, and a blank
    li      a1, UART
    li      a2, 60
1:  srl     a3, a0, a2
    andi    a3, a3, 15
    addi    a3, a3, '0'
    li      a4, '9'
    ble     a3, a4, 2f
    addi    a3, a3, 'a' - '0' - 10
2:  sb      a3, 0(a1)
    addi    a2, a2, -4
    bgez    a2, 1b
    li      a3, ' '
    sb      a3, 0(a1)
    ret
