; stub.asm - all of ring 0 that is left when the kernel runs in ring 3: docs/native.md.
;
; It lies where it is linked, in root slot 511 of every root, supervisor, and so does
; the page of each CPU that it works on (ring3.h: struct stub_page).  The kernel sees the
; same pages in its own slot.  The stub makes one decision: a breakpoint with interrupts
; off is the kernel's, as programs cannot turn them off.
;
;   in    a trap pushes its frame below T, always at the same place (#DB: `debug`); the stub saves RAX
;         below it, loads the kernel's root, and IRETs to the kernel by a frame that
;         stands ready above T.  All other registers go through untouched.
;   out   INT3 with IF=0, CF=0: RAX is the root to load; a program's RAX and frame stand
;         above T.
;   call  INT3 with IF=0, CF=1: R11 is where in this file to go on; ends with IRET.
;
; No interrupt comes while the kernel runs, which has IF=0.  `halt` lets one in, in
; ring 0, with RSP at T: its frame lies where it always does, and its CS tells the
; kernel that it was the stub that was interrupted.  Nothing here faults.  A double fault
; or machine check ends the machine; an NMI, which nobody sends, is forgotten.
%include "asm_offsets.inc"
%include "gate.inc"

LINK_BASE  equ 0xffffffff80000000
LOAD       equ 0x100000                         ; kernel.ld asserts it
MSR_STAR   equ 0xc0000081
MSR_LSTAR  equ 0xc0000082
MSR_CSTAR  equ 0xc0000083
MSR_SFMASK equ 0xc0000084
MSR_KERNEL_GS_BASE equ 0xc0000102
GATE_BYTES equ 32

extern boot_pml4
extern boot_stack_top
extern cpus
extern start3
extern entry3_fault
extern entry3_trap
extern entry3_syscall

section .text.stub progbits alloc exec nowrite align=4096
%define AT(label) (LINK_BASE + LOAD + (label - idt3))   ; of a label in this section
%define PHYS(sym) (sym - idt3 + LOAD)                   ; of any

; One gate for each vector.
global idt3
idt3:
%assign v 0
%rep 256
        GATE_KIND v
        %if v == TRAP_PF
            %define at AT(fault)
        %elif v == TRAP_BP
            %define at AT(breakpoint)
        %elif v == TRAP_DB
            %define at AT(debug)
        %elif v == TRAP_NMI
            %define at AT(nmi)
        %elif v == TRAP_DF || v == TRAP_MC
            %define at AT(dead)
        %elif v < 48
            %define at (AT(gates) + v * GATE_BYTES)
        %elif v >= 0xf0
            %define at (AT(gates) + (v - 0xf0 + 48) * GATE_BYTES)
        %else                                   ; nobody sends them: spurious
            %define at (AT(gates) + 63 * GATE_BYTES)
        %endif
        dw      at & 0xffff
        dw      KERNEL_CS
        db      ist, type
        dw      (at >> 16) & 0xffff
        dd      0xffffffff
        dd      0
        %assign v v + 1
%endrep

; Into the kernel.  1: for EAX; 2: the ready frame, from T; 3: how far below T RSP is.
; The load of the root flushes as well.
%macro ENTER 3
        mov     eax, PHYS(boot_pml4)
        mov     cr3, rax
        mov     eax, %1
        add     rsp, %3 + %2
        iretq
%endmacro

; fault - #PF, or SYSCALL in disguise: see syscall3.
        align   16
fault:  push    rax                             ; [T-56]
        mov     rax, cr2
        push    rax                             ; [T-64]
        mov     eax, PHYS(boot_pml4)
        mov     cr3, rax
        add     rsp, 64 + STUB_FAULT
        iretq

; breakpoint - out, a call, or a program's own.
        align   16
breakpoint:
        test    dword [rsp + 16], 0x201         ; rflags: IF, CF
        jnz     .other
        mov     cr3, rax
        add     rsp, 40 + STUB_OUT
        pop     rax
        iretq
.other: test    byte [rsp + 17], 2
        jnz     .users
        jmp     r11
.users: mov     [rsp - 16], rax                 ; [T-56]
        ENTER   TRAP_BP, STUB_TRAP, 40

; debug - on a stack of its own; a program's goes on as if its frame lay where all do.  In
; ring 0 it is what MOV SS has put off until the stub's first instruction: nobody's.
DEBUG_FRAME equ STUB_IST + IST_DB * 128 - 40
TO_T        equ STUB_T - 40 - DEBUG_FRAME
        align   16
debug:  push    rax
        test    byte [rsp + 16], 3
        jz      .late
%assign i 8
%rep 5
        mov     rax, [rsp + i]
        mov     [rsp + i + TO_T], rax
        %assign i i + 8
%endrep
        mov     rax, [rsp]
        mov     [rsp + 8 + TO_T - 16], rax      ; [T-56]
        add     rsp, 8 + TO_T
        ENTER   TRAP_DB, STUB_TRAP, 40
.late:  mov     eax, DR6_NOTHING
        mov     dr6, rax
        pop     rax
        iretq

; syscall3 - SYSCALL, where that leads to ring 0.  Where it stays in ring 3, the fetch of
; this page faults, and the frame that `fault` hands on has this address as its rip.
;   in    rcx rip, r11 rflags, the others the program's; the inactive GS base is T
        align   16
global syscall3
syscall3:
        swapgs
        mov     [gs:-16], rsp
        mov     [gs:-56], rax
        rdgsbase rsp
        swapgs
        mov     qword [rsp - 24], 0x202         ; IF on, like a program's; R11 has the rest
        ENTER   TRAP_SYSCALL, STUB_SYSCALL, 0

; The same by 32-bit code, where the processor knows it (AMD): there are no such calls.
syscall3_32:
        mov     eax, -38                        ; ENOSYS
        o32 sysret

; --- calls -------------------------------------------------------------------------
%macro CALLED 1
        align   8
global stub_%1
stub_%1:
%endmacro

CALLED wrmsr                                    ; ecx, edx:eax
        wrmsr
        iretq
CALLED rdmsr
        rdmsr
        iretq
CALLED cpuid                                    ; eax, ecx -> eax ebx ecx edx
        cpuid
        iretq
CALLED read_cr4                                 ; -> rax
        mov     rax, cr4
        iretq
CALLED write_cr4                                ; rax
        mov     cr4, rax
        iretq
CALLED xsetbv                                   ; ecx, edx:eax
        xsetbv
        iretq
CALLED take_dr6                                 ; rcx -> rax
        mov     rax, dr6
        mov     dr6, rcx
        iretq
CALLED load_debug                               ; rcx: four addresses; rdx: DR7; rax is lost
        xor     eax, eax
        mov     dr7, rax
        mov     rax, [rcx]
        mov     dr0, rax
        mov     rax, [rcx + 8]
        mov     dr1, rax
        mov     rax, [rcx + 16]
        mov     dr2, rax
        mov     rax, [rcx + 24]
        mov     dr3, rax
        mov     dr7, rdx
        iretq
CALLED lldt                                     ; ax
        lldt    ax
        iretq
CALLED flush                                    ; rax is lost
        mov     rax, cr3
        mov     cr3, rax
        iretq
CALLED in                                       ; dx -> al
        in      al, dx
        iretq
CALLED out                                      ; dx, al
        out     dx, al
        iretq
CALLED hypercall                                ; as shared/hypercall.h says
        out     HC_PORT, eax
        iretq
CALLED halt                                     ; until an interrupt comes
        add     rsp, 40
        sti
        hlt
        cli                                     ; an NMI was all
        sub     rsp, 40
        iretq
CALLED stop
        cli
        hlt
        jmp     stub_stop

; stub_start - a CPU leaves its boot code, and ring 0.
;   in    rsi its page; rdi for the kernel; cr3 the kernel's root
;   out   by the page's start frame
CALLED start
        lgdt    [rsi + STUB_GDTR]
        lidt    [rsi + STUB_IDTR]
        mov     eax, TSS_SEL
        ltr     ax
        xor     eax, eax
        lldt    ax
        mov     rax, [rsi + STUB_CR4]
        mov     cr4, rax
        mov     ecx, MSR_LSTAR
        mov     eax, AT(syscall3) & 0xffffffff
        mov     edx, 0xffffffff
        wrmsr
        mov     ecx, MSR_CSTAR
        mov     eax, AT(syscall3_32) & 0xffffffff
        wrmsr
        mov     ecx, MSR_STAR
        xor     eax, eax
        mov     edx, USER_CS32 << 16 | KERNEL_CS
        wrmsr
        mov     ecx, MSR_SFMASK
        mov     eax, RFLAGS_CLEARED_BY_SYSCALL
        xor     edx, edx
        wrmsr
        mov     ecx, MSR_KERNEL_GS_BASE
        lea     rax, [rsi + STUB_T]
        mov     edx, 0xffffffff
        wrmsr
        lea     rsp, [rsi + STUB_START]
nmi:    iretq

dead:   mov     eax, HC_PANIC
        mov     edi, PHYS(dead_text)
        mov     esi, dead_end - dead_text
        out     HC_PORT, eax
        jmp     stub_stop
dead_text:
        db      "double fault or machine check"
dead_end:

; The other vectors: 0 to 47, then 0xf0 to 0xff.
        align   GATE_BYTES
gates:
%assign v 0
%rep 64
        align   GATE_BYTES
    %if v >= 48
        mov     [rsp - 16], rax                 ; [T-56]
        ENTER   v - 48 + 0xf0, STUB_TRAP, 40
    %elif v == TRAP_TS || v == TRAP_NP || v == TRAP_SS || v == TRAP_GP || v == TRAP_AC || v == 21 || v == 29 || v == 30
        push    rax                             ; [T-56]
        ENTER   v | STUB_ERROR, STUB_TRAP, 56
    %else
        mov     [rsp - 16], rax                 ; [T-56]
        ENTER   v, STUB_TRAP, 40
    %endif
    %assign v v + 1
%endrep
        align   4096

; The boot CPU's page (ring3.h).  The others' are copies of it, with other addresses.
PAGE0   equ STUB_PAGES
%macro FRAME 2                                  ; rip, rsp
        dq      %1, USER_CS, 2, %2, USER_SS
%endmacro
%macro FIELD 1                                  ; its offset
        times %1 - ($ - stub_page0) db 0
%endmacro
%assign TSS_LOW (TSS_BYTES - 1) | (((PAGE0 + STUB_TSS) & 0xffffff) << 16) | (0x89 << 40) | ((((PAGE0 + STUB_TSS) >> 24) & 0xff) << 56)

section .data.stub progbits alloc noexec write align=4096
global stub_page0
stub_page0:
        dq      0, 0
        dq      0x00af9b000000ffff              ; KERNEL_CS
        dq      0x00cf93000000ffff              ; KERNEL_SS
        dq      0x00cffb000000ffff              ; USER_CS32
        dq      0x00cff3000000ffff              ; USER_SS
        dq      0x00affb000000ffff              ; USER_CS
        dq      0
        dq      TSS_LOW
        dq      0xffffffff
        dq      0, 0                            ; LDT_SEL
        FIELD   STUB_GDTR
        dw      95
        dq      PAGE0
        FIELD   STUB_IDTR
        dw      4095
        dq      LINK_BASE + LOAD
        FIELD   STUB_CR4
        dq      RING3_CR4
        FIELD   STUB_START
        FRAME   start3, boot_stack_top
        FIELD   STUB_TSS + 4
        dq      PAGE0 + STUB_T
        FIELD   STUB_TSS + 36
        dq      PAGE0 + STUB_IST + 128, PAGE0 + STUB_IST + 256, PAGE0 + STUB_IST + 384, PAGE0 + STUB_IST + 512
        FIELD   STUB_TSS + 102
        dw      TSS_BYTES                       ; no I/O bitmap
        FIELD   STUB_T
        FRAME   entry3_fault, stub_page0 + STUB_T
        FRAME   entry3_trap, stub_page0 + STUB_T
        FRAME   entry3_syscall, stub_page0 + STUB_T
        FIELD   STUB_T + STUB_CPU
        dq      cpus
        FIELD   4096
