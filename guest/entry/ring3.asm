; ring3.asm - the ways in and out of a kernel that runs in ring 3: docs/native.md.
;
; The stub (arch/stub.asm) has left the trap's frame, RAX and CR2 in the CPU's page, and
; comes here with RSP at T, in the kernel's view of it (ring3.h: struct stub_page).  Whose
; trap it is tells the frame's IF: it is always off in the kernel and always on in a
; program, which cannot change it.  CS tells nothing, but that it was the stub itself,
; if it is ring 0's.  Frame and saved words are copied before anything else can trap.
%include "asm_offsets.inc"
%include "frame.inc"
default rel

extern kmain
extern ap_main
extern trap_user
extern trap_kernel
extern trap_return_work
extern syscall_dispatch
extern syscall3

%define FRAME_SS     -8
%define FRAME_RSP    -16
%define FRAME_RFLAGS -24
%define FRAME_CS     -32
%define FRAME_RIP    -40
%define FRAME_ERROR  -48
%define SAVED_RAX    -56
%define SAVED_CR2    -64

section .text

; From a program: to the task's kernel stack, with the kernel's GS.
;   in    rsp = T; rax free
;   out   rcx = T; the program's RCX is in the page
%macro FROM_PROGRAM 0
        mov     [rsp + STUB_RCX], rcx
        rdgsbase rcx
        mov     rax, [rsp + STUB_CPU]
        mov     [rax + CPU_USER_GS], rcx
        wrgsbase rax
        mov     rcx, rsp
        mov     rsp, [rax + CPU_KSTACK_TOP]
%endmacro
%macro PUSH_FRAME 0
        push    qword [rcx + FRAME_SS]
        push    qword [rcx + FRAME_RSP]
        push    qword [rcx + FRAME_RFLAGS]
        push    qword [rcx + FRAME_CS]
        push    qword [rcx + FRAME_RIP]
%endmacro
%macro PUSH_REST 0                              ; rcx = T
        mov     rax, [rcx + SAVED_RAX]
        mov     rcx, [rcx + STUB_RCX]
        PUSH_GPRS
        mov     rdi, rsp
%endmacro

global entry3_fault
entry3_fault:
        lea     rax, [syscall3]
        movsxd  rax, eax                        ; where the stub has it
        cmp     [rsp + FRAME_RIP], rax
        je      entry3_syscall                  ; IF is as SYSCALL masks it
        test    byte [rsp + FRAME_RFLAGS + 1], 2
        jz      kernel_fault
        FROM_PROGRAM
        PUSH_FRAME
        push    qword [rcx + FRAME_ERROR]
        push    qword TRAP_PF
        mov     rax, [rcx + SAVED_CR2]
        mov     [gs:CPU_CR2], rax
to_trap_user:
        PUSH_REST
        call    trap_user
        jmp     return3

; RCX and R11 are what SYSCALL left, or what a program that jumped to syscall3 likes.
global entry3_syscall
entry3_syscall:
        FROM_PROGRAM
        push    qword USER_SS
        push    qword [rcx + FRAME_RSP]
        and     r11d, RFLAGS_USER
        or      r11d, RFLAGS_ALWAYS
        push    r11
        push    qword USER_CS
        push    qword [rcx + STUB_RCX]          ; rip
        push    qword [rcx + SAVED_RAX]         ; regs.error: the number
        push    qword TRAP_SYSCALL
        PUSH_REST
        call    syscall_dispatch

; return3 - to the program whose struct regs is at rsp.
global return3
return3:
        RETURN_WORK
        mov     rax, [rsp + REGS_RIP]
        shr     rax, 47
        jnz     .bad_rip
        mov     rdx, [gs:CPU_STUB]
        mov     rcx, [rsp + REGS_RAX]
        mov     [rdx + STUB_OUT], rcx
        mov     rcx, [rsp + REGS_RIP]
        mov     [rdx + STUB_OUT + 8], rcx
        mov     rcx, [rsp + REGS_CS]
        mov     [rdx + STUB_OUT + 16], rcx
        mov     rcx, [rsp + REGS_RFLAGS]
        and     ecx, RFLAGS_USER
        or      ecx, RFLAGS_ALWAYS
        mov     [rdx + STUB_OUT + 24], rcx
        mov     rcx, [rsp + REGS_RSP]
        mov     [rdx + STUB_OUT + 32], rcx
        mov     rcx, [rsp + REGS_SS]
        mov     [rdx + STUB_OUT + 40], rcx
        mov     rax, [gs:CPU_USER_ROOT]
        mov     rcx, [gs:CPU_USER_GS]
        wrgsbase rcx
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rcx                             ; the program's RAX
        pop     rcx
        pop     rdx
        pop     rsi
        pop     rdi
        clc
        int3
; IRET would fault in ring 0.  It is made to look as if the program's instruction had.
.bad_rip:
        mov     qword [rsp + REGS_VECTOR], TRAP_GP
        mov     qword [rsp + REGS_ERROR], 0
        mov     rdi, rsp
        call    trap_user
        jmp     return3

; All but page faults.  eax: the vector, and STUB_ERROR.
global entry3_trap
entry3_trap:
        mov     [rsp + STUB_VECTOR], rax
        test    byte [rsp + FRAME_CS], 3
        jz      .stub
        test    byte [rsp + FRAME_RFLAGS + 1], 2
        jz      kernel_trap
        FROM_PROGRAM
        PUSH_FRAME
        mov     rax, [rcx + STUB_VECTOR]
        test    eax, STUB_ERROR
        jz      .no_error
        push    qword [rcx + FRAME_ERROR]
        jmp     .vector
.no_error:
        push    qword 0
.vector:
        movzx   eax, ax
        push    rax
        jmp     to_trap_user

; An interrupt that `halt` let in: as if it had come behind the call, whose
; caller keeps what C functions keep.
.stub:  cmp     eax, IRQ_BASE
        jb      kernel_trap
        mov     [rsp + STUB_RCX], rcx
        mov     rcx, rsp
        mov     rsp, [rcx + STUB_HALT_RSP]
        PUSH_FRAME
        push    qword 0
        push    qword [rcx + STUB_VECTOR]
        PUSH_REST
        call    trap_kernel
        add     rsp, REGS_BYTES
        ret

; The kernel, or the stub, has a bug.  The stack may be the reason.
kernel_fault:
        mov     qword [rsp + STUB_VECTOR], TRAP_PF | STUB_ERROR
kernel_trap:
        mov     [rsp + STUB_RCX], rcx
        mov     rcx, rsp
        mov     rsp, [gs:CPU_EMERGENCY]
        PUSH_FRAME
        push    qword [rcx + FRAME_ERROR]
        mov     rax, [rcx + STUB_VECTOR]
        movzx   eax, ax
        push    rax
        mov     rax, [rcx + SAVED_CR2]
        mov     [gs:CPU_CR2], rax
        PUSH_REST
        call    trap_kernel                     ; does not return
        ud2

; --- how a CPU begins ----------------------------------------------------------------
global start3
start3: lea     rax, [cpus]
        wrgsbase rax
        call    kmain
        ud2
extern cpus

global start3_ap
start3_ap:                                      ; edi: its number
        call    ap_main
        ud2
