# Prints how often the serial port's line interrupts in 30 microseconds after it has risen once, and after how many ticks
# of 100 ns it does first; what goes wrong on the line is decided outside.

    .include "macros.S"

    .equ    PLIC, 0xc000000
    .equ    CLAIM, PLIC + 0x200004
    .equ    SOURCE, 10
    .equ    IIR, 2
    .equ    TICKS, 300

main:
    li      a1, PLIC
    li      a0, 1
    sw      a0, 4 * SOURCE(a1)
    li      a1, PLIC + 0x2000
    li      a0, 1 << SOURCE
    sw      a0, 0(a1)
    li      a4, UART
    li      a5, CLAIM
    li      s8, 0                   # interrupts
    li      s9, 0                   # when the first one came
    rdtime  s10
    li      a0, 2
    sb      a0, 1(a4)               # nothing to send: the line rises
1:  rdtime  a3
    sub     a3, a3, s10
    li      a0, TICKS
    bgeu    a3, a0, 3f
    csrr    a0, mip
    li      a1, 1 << 11
    and     a0, a0, a1
    beqz    a0, 1b
    bnez    s8, 2f
    mv      s9, a3
2:  addi    s8, s8, 1
    lw      a0, 0(a5)
    lb      a2, IIR(a4)             # which lowers it
    sw      a0, 0(a5)
    j       1b
3:  mv      a0, s8
    call    print
    mv      a0, s9
    call    print
    j       pass
