# Ends as it is told: by the test finisher with FINISH, or by a word in tohost, as the customary ISA tests do, who write
# it in HALVES.

    .text
    .globl  _start
_start:
    .ifdef  FINISH
    li      t0, FINISH
    li      t1, 0x100000
    sw      t0, 0(t1)
    .else
    li      t0, TOHOST
    la      t1, tohost
    .ifdef  HALVES
    sw      zero, 4(t1)
    sw      t0, 0(t1)
    .else
    sd      t0, 0(t1)
    .endif
    .endif
    j       .

    .data
    .balign 64
    .globl  tohost, fromhost
tohost:
    .dword  0
    .balign 64
fromhost:
    .dword  0
