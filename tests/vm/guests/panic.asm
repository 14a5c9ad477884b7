; HC_PANIC ends in the full report, with the message.
%include "pvh.inc"
global start
start:  mov     edi, text
        mov     esi, text.end - text
        hc      HC_PANIC
        hlt
section .rodata
text:   db "all is lost", 27, "[2J"
.end:
