; ring3_calls.asm - what only ring 0 can do, done by the stub (stub.asm): ring3.h has the
; prototypes.
%include "asm_offsets.inc"
default rel

section .text
%macro STUB 1
extern stub_%1
        lea     r11, [stub_%1]
        movsxd  r11, r11d                       ; where the stub is mapped
        stc
        int3
%endmacro

global ring3_wrmsr
ring3_wrmsr:  ; (edi msr, rsi value)
        mov     ecx, edi
        mov     eax, esi
        mov     rdx, rsi
        shr     rdx, 32
        STUB    wrmsr
        ret

global ring3_rdmsr
ring3_rdmsr:  ; (edi msr)
        mov     ecx, edi
        STUB    rdmsr
        shl     rdx, 32
        or      rax, rdx
        ret

global ring3_cpuid
ring3_cpuid:  ; (edi leaf, esi sub, rdx out)
        push    rbx
        mov     r8, rdx
        mov     eax, edi
        mov     ecx, esi
        STUB    cpuid
        mov     [r8], eax
        mov     [r8 + 4], ebx
        mov     [r8 + 8], ecx
        mov     [r8 + 12], edx
        pop     rbx
        ret

global ring3_read_cr4
ring3_read_cr4:
        STUB    read_cr4
        ret

global ring3_write_cr4
ring3_write_cr4:
        mov     rax, rdi
        STUB    write_cr4
        ret

global ring3_xsetbv
ring3_xsetbv:  ; (edi register, rsi value)
        mov     ecx, edi
        mov     eax, esi
        mov     rdx, rsi
        shr     rdx, 32
        STUB    xsetbv
        ret

global ring3_take_dr6
ring3_take_dr6:  ; (rdi after)
        mov     rcx, rdi
        STUB    take_dr6
        ret

global ring3_load_debug
ring3_load_debug:  ; (rdi addresses, rsi control)
        mov     rcx, rdi
        mov     rdx, rsi
        STUB    load_debug
        ret

global ring3_lldt
ring3_lldt:  ; (di selector)
        mov     eax, edi
        STUB    lldt
        ret

global ring3_flush
ring3_flush:
        STUB    flush
        ret

global ring3_in
ring3_in:  ; (di port)
        mov     edx, edi
        STUB    in
        ret

global ring3_out
ring3_out:  ; (di port, sil value)
        mov     edx, edi
        mov     eax, esi
        STUB    out
        ret

global ring3_stub_hypercall
ring3_stub_hypercall:  ; (nr, a, b, c, d)
        mov     rax, rdi
        mov     rdi, rsi
        mov     rsi, rdx
        mov     rdx, rcx
        mov     r10, r8
        STUB    hypercall
        ret

global ring3_halt
ring3_halt:
        mov     rax, [gs:CPU_STUB]
        lea     rcx, [.interrupted]
        push    rcx
        mov     [rax + STUB_HALT_RSP], rsp
        STUB    halt
        pop     rcx
.interrupted:
        ret

global ring3_stop
ring3_stop:
        STUB    stop
