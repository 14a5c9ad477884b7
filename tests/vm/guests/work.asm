; A boot that is LOOPS times round a loop of two instructions, then says "ready" on
; COM1 and ends: by HC_EXIT, or on QEMU by isa-debug-exit.
%include "pvh.inc"
COM1        equ 0x3f8
DEBUG_EXIT  equ 0xf4
global start, ready
start:  mov     ecx, LOOPS
.work:  dec     ecx
        jnz     .work
ready:  mov     esi, text
        mov     ecx, text_end - text
        mov     edx, COM1
        cld
.next:  lodsb                   ; one at a time: not every host executes REP OUTS
        out     dx, al
        loop    .next
        mov     dx, DEBUG_EXIT
        xor     eax, eax
        out     dx, al
        quit    0
section .rodata
text:   db      "ready", 10
text_end:
