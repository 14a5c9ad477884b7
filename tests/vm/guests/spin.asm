; Starts all other CPUs with INIT and SIPI; then every CPU loops with interrupts off.
%include "pvh.inc"
global start
APIC    equ 0xfee00000
start:  mov     esi, trampoline         ; real mode code at 0x8000
        mov     edi, 0x8000
        mov     ecx, trampoline_end - trampoline
        cld
        rep     movsb
        mov     dword [APIC + 0xf0], 0x1ff      ; enable
        mov     dword [APIC + 0x300], 0xc4500   ; INIT, to all but this one
        mov     dword [APIC + 0x300], 0xc4608   ; SIPI, vector 8
stuck:  cli
.loop:  jmp     .loop

bits 16
trampoline:
        cli
.loop:  jmp     .loop
trampoline_end:
