# Prints through HTIF as the customary benchmark programs do, and ends there, too: with STATUS, or the number of the check
# that fails.

    .equ    WRITE, 64
    .equ    EXIT, 93
    .equ    CONSOLE, 1 << 56            # its device
    .equ    PUT, 1 << 48                # its commands
    .equ    GET, 0
    .equ    NOWHERE, 0x1000

# A call of the host's, whose result is this.
    .macro  call number, first, second, third, result
    la      a0, words
    li      t0, \number
    li      t1, \first
    la      t2, \second
    li      t3, \third
    .irp    n, 0, 1, 2, 3
    sd      t\n, 8 * \n(a0)
    .endr
    jal     ask
    ld      t1, words
    li      t0, \result
    jal     same
    .endm

    .text
    .globl  _start
_start:
    li      s1, 0                       # the checks so far
    # Each character when the one before is taken.
    la      s0, text
next_character:
    lbu     a0, 0(s0)
    beqz    a0, 1f
    li      t0, CONSOLE | PUT
    or      a0, a0, t0
    jal     ask
    addi    s0, s0, 1
    j       next_character
1:
    call    WRITE, 1, line, 5, 5
    call    WRITE, 2, line, 5, 5
    call    WRITE, 1, line, 5000, 4096
    call    WRITE, 3, line, 5, -9
    call    WRITE, 1, NOWHERE, 5, -14
    call    80, 1, line, 5, -38
    # A request to read is taken, and never answered.
    li      a0, CONSOLE | GET
    la      t0, tohost
    sd      a0, 0(t0)
    ld      t1, 0(t0)
    li      t0, 0
    jal     same
    ld      t1, fromhost
    jal     same
    la      a0, words
    li      t0, EXIT
    sd      t0, 0(a0)
    li      t0, STATUS
    sd      t0, 8(a0)
    jal     ask

# Asks a0 of the host, and waits until that is taken and answered.
ask:
    la      t0, tohost
    sd      a0, 0(t0)
1:  ld      t1, 0(t0)
    bnez    t1, 1b
    ld      t1, fromhost
    beqz    t1, 1b
    la      t0, fromhost
    sd      zero, 0(t0)
    ret

# t0 and t1 are alike.
same:
    addi    s1, s1, 1
    bne     t0, t1, 1f
    ret
1:  slli    s1, s1, 1
    ori     s1, s1, 1
    la      t0, tohost
    sd      s1, 0(t0)
    j       .

    .data
text:
    .asciz  "character by character\n"
line:
    .ascii  "line\n"
    .fill   5000, 1, '.'
    .balign 64
words:
    .zero   64
    .globl  tohost, fromhost
tohost:
    .dword  0
    .balign 64
fromhost:
    .dword  0
