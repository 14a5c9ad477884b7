; debug.asm - #DB where the kernel runs in ring 0.
%include "asm_offsets.inc"

extern trap_from_user

section .text
; debug_entry - #DB, on a stack of its own (gate.inc); a program's frame goes to the task's.  In
; the kernel it is what MOV SS has put off until the first instruction here, or the kernel has
; used memory that is watched: nobody is told, as on Linux.
global debug_entry
debug_entry:
        push    rax
        test    byte [rsp + 16], 3              ; cs
        jz      .kernel
        swapgs
        mov     rax, rsp
        mov     rsp, [gs:CPU_KSTACK_TOP]
        push    qword [rax + 40]                ; ss rsp rflags cs rip
        push    qword [rax + 32]
        push    qword [rax + 24]
        push    qword [rax + 16]
        push    qword [rax + 8]
        push    qword 0
        push    qword TRAP_DB
        mov     rax, [rax]
        jmp     trap_from_user
.kernel:
        mov     eax, DR6_NOTHING
        mov     dr6, rax
        pop     rax
        iretq
