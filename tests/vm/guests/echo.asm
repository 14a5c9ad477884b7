; Copies COM1's input to its output until Control-D.  With the receiver's
; interrupt enabled (so that the far end sends) but polled.
%include "pvh.inc"
COM1    equ 0x3f8
global start
start:  mov     dx, COM1 + 2            ; FIFO on, cleared
        mov     al, 7
        out     dx, al
        mov     dx, COM1 + 4            ; DTR, RTS, OUT2
        mov     al, 0x0b
        out     dx, al
        mov     dx, COM1 + 1            ; receiver's interrupt
        mov     al, 1
        out     dx, al
.wait:  mov     dx, COM1 + 5
        in      al, dx
        test    al, 1
        jz      .wait
        mov     dx, COM1
        in      al, dx
        cmp     al, 4
        je      .done
        out     dx, al
        jmp     .wait
.done:  quit    0
