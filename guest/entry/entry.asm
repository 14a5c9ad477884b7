; entry.asm - every way into the kernel, and every way out of it, where it runs in ring 0;
; and how tasks switch.  In ring 3: ring3.asm.
;
; Whatever the way in, the user's registers end up as struct regs (regs.h) at
; the top of the task's kernel stack, GS is the kernel's and interrupts are off.
; RFLAGS is set, not only DF cleared: a user's AC would defeat SMAP.
%include "asm_offsets.inc"

extern trap_user
extern trap_kernel
extern trap_paranoid
extern debug_entry
extern trap_return_work
extern syscall_dispatch
extern schedule_tail
extern kernel_base
extern return3

MSR_GS_BASE equ 0xc0000101
STUBS       equ 0xffffffff80102400              ; kernel.ld asserts it

%include "frame.inc"

%macro KERNEL_RFLAGS 0
        push    2
        popfq
%endmacro

; One stub for each vector, STUB_BYTES apart; the IDT in boot.asm counts on it.
;   in    the CPU's frame: [error] rip cs rflags rsp ss
;   out   vector and error code on the stack: 7 words
section .text.stubs progbits alloc exec nowrite align=16
global trap_stubs
trap_stubs:
%assign v 0
%rep 256
        align   STUB_BYTES
    %if v == TRAP_PF
        jmp     page_fault_entry
    %elif v == TRAP_DB
        jmp     debug_entry
    %elif v == TRAP_NP || v == TRAP_SS || v == TRAP_GP
        push    qword v
        jmp     protection_entry
    %elif v == TRAP_DF
        push    qword v
        jmp     paranoid_entry
    %elif v == TRAP_NMI || v == TRAP_MC
        push    qword 0
        push    qword v
        jmp     paranoid_entry
    %else
        %if v != TRAP_TS && v != TRAP_AC && v != 21 && v != 29 && v != 30
        push    qword 0                         ; the CPU pushes none
        %endif
        push    qword v
        jmp     trap_entry
    %endif
    %assign v v + 1
%endrep

; Code in this section lies at a known distance from the first stub, and so, as kernel.ld
; puts that at STUBS, at an address that an instruction can hold.
%define AT(label) (STUBS + (label - trap_stubs))

; page_fault_entry - #PF, which may be a system call in disguise.
;   in    the CPU's frame with the error code; GPRs the user's or the kernel's
; Where SYSCALL jumps to LSTAR without leaving ring 3 (docs/hosts.md: pvm), the fetch
; at syscall_entry faults: a supervisor page.  Ring 0 never faults there, so RIP
; alone tells.  RCX and R11 are what SYSCALL left, or what a program that jumped
; there likes: R11 is filtered, and IRET checks RCX.
        align   16
page_fault_entry:
        cmp     qword [rsp + 8], AT(syscall_entry)
        jne     .fault
        swapgs
        and     r11d, RFLAGS_USER
        or      r11d, RFLAGS_ALWAYS
        mov     [rsp], rax                      ; regs.error: the number
        mov     [rsp + 8], rcx                  ; regs.rip
        mov     [rsp + 24], r11                 ; regs.rflags
        push    qword TRAP_SYSCALL
        PUSH_GPRS
        KERNEL_RFLAGS
        mov     rdi, rsp
        call    syscall_dispatch
        jmp     trap_return
.fault: push    qword TRAP_PF

; trap_entry - exceptions and interrupts.
;   in    vector, error code and the CPU's frame on the stack
;   out   to user mode through trap_return, to the kernel by IRET
trap_entry:
        test    byte [rsp + 24], 3              ; cs
        jz      trap_from_kernel
        swapgs
global trap_from_user
trap_from_user:
        PUSH_GPRS
        KERNEL_RFLAGS
        mov     rdi, rsp                        ; 22 words: aligned for the call
        call    trap_user
        jmp     trap_return
trap_from_kernel:
        PUSH_GPRS
        KERNEL_RFLAGS
        mov     rdi, rsp
        call    trap_kernel
        POP_GPRS
        add     rsp, 16
        iretq

; protection_entry - #GP, #SS, #NP: also what IRET raises in ring 0, with the
; user's GS already back, when the user's RIP is not canonical.  Then the frame
; that IRET could not load is still at the top of the kernel stack: the fault is
; made to look as if the user's instruction had raised it.
protection_entry:
        cmp     qword [rsp + 16], AT(iret_to_user)  ; rip
        jne     trap_entry
        swapgs
        mov     rsp, [gs:CPU_KSTACK_TOP]
        sub     rsp, 40
        push    qword 0                         ; regs.error
        push    qword TRAP_GP                   ; regs.vector
        jmp     trap_from_user

; paranoid_entry - NMI, double fault, machine check: they come at any moment,
; between SWAPGS and the switch of stacks too, so nothing tells whose GS it is.
; The IST stack's top word holds the address of this CPU's struct cpu.
paranoid_entry:
        PUSH_GPRS
        KERNEL_RFLAGS
        mov     ecx, MSR_GS_BASE
        rdmsr
        mov     ebx, eax                        ; r12:rbx, kept over the call
        mov     r12d, edx
        mov     rax, [rsp + REGS_BYTES]
        mov     rdx, rax
        shr     rdx, 32
        wrmsr
        mov     rdi, rsp
        call    trap_paranoid
        mov     ecx, MSR_GS_BASE
        mov     eax, ebx
        mov     edx, r12d
        wrmsr
        POP_GPRS
        add     rsp, 16
        iretq

; syscall_entry - SYSCALL from user mode lands here.
;   in    rax nr; rdi rsi rdx r10 r8 r9 args; rcx user rip; r11 user rflags;
;         rsp and gs still the user's; IF, DF, TF and AC cleared by SFMASK
;   out   by SYSRET if nothing changed what it restores, else trap_return
        align   16
global syscall_entry
syscall_entry:
        swapgs
        mov     [gs:CPU_USER_RSP], rsp
        mov     rsp, [gs:CPU_KSTACK_TOP]        ; 16-aligned
        push    qword USER_SS                   ; regs.ss
        push    qword [gs:CPU_USER_RSP]         ; regs.rsp
        push    r11                             ; regs.rflags
        push    qword USER_CS                   ; regs.cs
        push    rcx                             ; regs.rip
        push    rax                             ; regs.error: the number
        push    qword TRAP_SYSCALL              ; regs.vector
        PUSH_GPRS                               ; 22 words: aligned for the call
        mov     rdi, rsp
        call    syscall_dispatch
        RETURN_WORK
        ; A signal frame, exec or rt_sigreturn replaces these; and SYSRET to an
        ; address that is not canonical would fault in ring 0 on the user's stack.
        mov     rcx, [rsp + REGS_RIP]
        cmp     rcx, [rsp + REGS_RCX]
        jne     exit_by_iret
        mov     r11, [rsp + REGS_RFLAGS]
        cmp     r11, [rsp + REGS_R11]
        jne     exit_by_iret
        mov     rax, rcx
        shr     rax, 47
        jnz     exit_by_iret
        test    r11d, RFLAGS_TF                 ; it would trap before the first instruction
        jnz     exit_by_iret
        POP_GPRS
        mov     rsp, [rsp + 40]                 ; above vector error rip cs rflags
        swapgs
        o64 sysret

; syscall_entry_32 - SYSCALL of 32-bit code, where the processor knows one (AMD): there are no such calls.
global syscall_entry_32
syscall_entry_32:
        mov     eax, -38                        ; ENOSYS
        o32 sysret

; trap_return - to user mode with the struct regs at rsp.
global trap_return
trap_return:
        RETURN_WORK
exit_by_iret:
        POP_GPRS
        add     rsp, 16                         ; vector, error
        swapgs
iret_to_user:
        iretq

; switch_stacks(save: rdi, load: rsi) - the other stack's owner returns from its
; own call of this, or begins in one of the two below.
global switch_stacks
switch_stacks:
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [rdi], rsp
        mov     rsp, rsi
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret

; ret_from_fork - a new user task's first instruction; rsp at its struct regs.
global ret_from_fork
ret_from_fork:
        call    schedule_tail
        jmp     to_user

; ret_from_kernel_fork - a new kernel task's: rbx is its function.  That returns
; only when the task has become a user task and its struct regs is filled in.
global ret_from_kernel_fork
ret_from_kernel_fork:
        call    schedule_tail
        call    rbx
to_user:
        cmp     dword [rel kernel_base + 4], 0  ; ring3()
        jge     return3
        jmp     trap_return
