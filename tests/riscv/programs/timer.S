# Prints how often a timer interrupts in 30 microseconds, set once to go off after 5, and after how many ticks of 100 ns it
# does first: the CLINT's or, with OWN, the hart's own (Sstc). What goes wrong with it is decided outside.

    .include "macros.S"

    .equ    MTIMECMP, 0x2004000
    .equ    AFTER, 50
    .equ    TICKS, 300

    .macro  set_timer register
    .ifdef  OWN
    csrw    stimecmp, \register
    .else
    li      t0, MTIMECMP
    sd      \register, 0(t0)
    .endif
    .endm

main:
    li      a0, -1
    set_timer a0
    li      s8, 0                   # interrupts
    li      s9, 0                   # when the first one came
    .ifdef  OWN
    set_bits menvcfg, 1 << 63
    write   mie, 1 << 5
    .else
    write   mie, 1 << 7
    .endif
    la      s11, 2f
    rdtime  s10
    addi    a0, s10, AFTER
    set_timer a0
1:  csrsi   mstatus, MIE
    rdtime  a3
    sub     a3, a3, s10
    li      a0, TICKS
    bltu    a3, a0, 1b
    csrci   mstatus, MIE
    mv      a0, s8
    call    print
    mv      a0, s9
    call    print
    j       pass
2:  bnez    s8, 3f                  # interrupted
    rdtime  s9
    sub     s9, s9, s10
3:  addi    s8, s8, 1
    li      a0, -1
    set_timer a0
    j       1b
