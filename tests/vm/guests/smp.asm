; Starts the second CPU with INIT and SIPI; it ends the VM with status 42.
%include "pvh.inc"
global start
APIC    equ 0xfee00000
start:  mov     esi, trampoline         ; real mode code at 0x8000
        mov     edi, 0x8000
        mov     ecx, trampoline_end - trampoline
        cld
        rep     movsb
        mov     dword [APIC + 0xf0], 0x1ff      ; enable
        mov     dword [APIC + 0x310], 1 << 24   ; APIC ID 1
        mov     dword [APIC + 0x300], 0x4500    ; INIT
        mov     dword [APIC + 0x310], 1 << 24
        mov     dword [APIC + 0x300], 0x4608    ; SIPI, vector 8
.wait:  pause
        jmp     .wait

bits 16
trampoline:
        mov     edi, 42
        xor     esi, esi
        mov     eax, HC_EXIT
        out     HC_PORT, eax
        hlt
trampoline_end:
