; A triple fault: an exception without an IDT.
%include "pvh.inc"
global start
global bad_place:function
start:  lidt    [no_idt]
        mov     ecx, 0x1234567
bad_place:
        ud2
        hlt
no_idt: dw 0, 0, 0
