; boot.asm - from the PVH entry point to kmain(), from SIPI to ap_main(), and the tables
; that a CPU starts with.
;
; The direct map's table (boot.h) and the IDT are data that the assembler fills in:
; where ring 0 is interpreted, building them would cost more than all the rest of
; the way to C.  The other tables have one or two entries, and are stored here.
;
; The kernel is linked position-independent.  What needs an absolute address in 32 bits
; takes it relative to boot_base, which kernel.ld puts where the image is loaded; the
; gates' addresses are known because trap_stubs comes STUBS_OFFSET behind it.
;
; Needed of the CPU, and not checked: long mode, NX, FXSAVE.
%include "asm_offsets.inc"
%include "gate.inc"
default rel

KERNEL_BASE  equ 0xffffffff80000000
START        equ 0x102000                       ; kernel.ld asserts these three
STUBS_OFFSET equ 0x400
STUBS        equ KERNEL_BASE + START + STUBS_OFFSET
STUB_CODE    equ 0x100000                       ; stub.asm's, two pages
%define PHYS(sym) (sym - boot_base + START)     ; only in .text.boot
BOOT_CS32   equ 0x20                            ; only in boot_gdt

PG_TABLE equ PTE_P | PTE_W | PTE_A

CR0_PE  equ 1 << 0
CR0_MP  equ 1 << 1
CR0_ET  equ 1 << 4
CR0_NE  equ 1 << 5
CR0_WP  equ 1 << 16
CR0_PG  equ 1 << 31
CR4_PAE equ 1 << 5
MSR_EFER equ 0xc0000080
EFER_SCE equ 1 << 0
EFER_LME equ 1 << 8
EFER_NXE equ 1 << 11

extern kmain
extern ap_main
extern ap_index
extern ap_stack
extern ap_tables
extern kernel_base
extern stub_page0
extern stub_start

; XEN_ELFNOTE_PHYS32_ENTRY: this is how a PVH loader knows where to start.
section .note.pvh note alloc noexec nowrite align=4
        dd      4, 8, 18
        db      "Xen", 0
        dq      START                           ; pvh_start

; shared/kernel_note.h: a VMM may move the image, and the kernel then runs in ring 3.
        dd      10, 16, 2
        db      "Forkscope", 0, 0, 0
        dq      KERNEL_BASE, KERNEL_BASE + (1 << 47)

section .text.boot progbits alloc exec nowrite align=16
boot_base:

; pvh_start - the loader jumps here.
;   in    32-bit protected mode, flat segments, no paging, interrupts off;
;         ebx physical address of struct hvm_start_info
;   out   kmain(start info) in long mode on the boot stack
bits 32
global pvh_start
pvh_start:
%macro entry 3          ; table, index, the entry: its upper half is 0 in .bss
        mov     dword [PHYS(%1) + (%2) * 8], %3
%endmacro
        entry   boot_pml4, 0, PHYS(boot_pdpt_low) + PG_TABLE
        entry   boot_pdpt_low, 0, PHYS(boot_pd_kernel) + PG_TABLE
        entry   boot_pdpt_kernel, 0, PHYS(boot_pd_direct) + PG_TABLE + PTE_U
        entry   boot_pdpt_kernel, 510, PHYS(boot_pd_kernel) + PG_TABLE + PTE_U
        entry   boot_pd_kernel, 0, PTE_P | PTE_W | PTE_U | PTE_A | PTE_D | PTE_PS
        entry   boot_pd_kernel, 1, 0x200000 | PTE_P | PTE_W | PTE_U | PTE_A | PTE_D | PTE_PS
        cmp     dword [PHYS(kernel_base) + 4], 0
        jge     .ring3
        entry   boot_pml4, 511, PHYS(boot_pdpt_kernel) + PG_TABLE
        jmp     .tables
.ring3: entry   boot_pml4, 255, PHYS(boot_pdpt_kernel) + PG_TABLE + PTE_U
        entry   boot_pml4, 511, PHYS(boot_pdpt_stub) + PG_TABLE
        entry   boot_pdpt_stub, 510, PHYS(boot_pd_stub) + PG_TABLE
        entry   boot_pd_stub, 0, PHYS(boot_pt_stub) + PG_TABLE
        entry   boot_pt_stub, STUB_CODE >> 12, STUB_CODE | PTE_P | PTE_A
        entry   boot_pt_stub, (STUB_CODE >> 12) + 1, (STUB_CODE + 0x1000) | PTE_P | PTE_A
        entry   boot_pt_stub, (STUB_PAGES - KERNEL_BASE) >> 12, PHYS(stub_page0) + PTE_P + PTE_W + PTE_A + PTE_D
        mov     dword [PHYS(boot_pt_stub) + ((STUB_PAGES - KERNEL_BASE) >> 12) * 8 + 4], 0x80000000
.tables:
        mov     edx, PHYS(boot_pml4)
        mov     ebp, PHYS(boot_high)

; To 64-bit code in the kernel's half.
;   in    32-bit code, flat data, no paging; edx: root of tables that have the image
;         at its physical address, too; ebp: physical address of where to go
;   out   there, interrupts off, no stack; ebx as it was
enter_long_mode:
        mov     cr3, edx
        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     ecx, MSR_EFER
        mov     eax, EFER_SCE | EFER_LME | EFER_NXE
        xor     edx, edx
        wrmsr
        mov     eax, CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG
        mov     cr0, eax
        lgdt    [PHYS(boot_gdt_pointer)]
        jmp     KERNEL_CS:PHYS(boot64)

bits 64
boot64: mov     ecx, ebp                        ; leave the identity map
        add     rcx, [kernel_base]
        xor     eax, eax
        mov     ds, eax
        mov     es, eax
        mov     fs, eax
        mov     gs, eax
        mov     eax, KERNEL_SS                  ; IRET pushes and reloads it
        mov     ss, eax
        xor     ebp, ebp
        jmp     rcx

boot_high:
        mov     rsi, STUB_PAGES
        cmp     dword [kernel_base + 4], 0
        jge     to_ring3
        lea     rsp, [boot_stack_top]
        mov     edi, ebx
        call    kmain
        ud2

; Where the kernel runs in ring 3: there by the stub.
;   in    rsi the CPU's stub page; edi, ebx as at start3 and ap_main
to_ring3:
        lea     rax, [stub_start]
        movsxd  rax, eax                        ; where the stub is mapped
        mov     edi, ebx
        jmp     rax

; ap_trampoline - SIPI starts a processor here, in a copy below 1 MiB (smp.c).
;   in    real mode, ip 0, cs the copy's page; the rest as after INIT
;   out   ap_start; nothing in the copy depends on where it is
bits 16
global ap_trampoline
global ap_trampoline_end
ap_trampoline:
        cli
        mov     ax, cs
        mov     ds, ax
        o32 lgdt [.gdt_pointer - ap_trampoline]
        mov     eax, CR0_PE
        mov     cr0, eax
        jmp     dword BOOT_CS32:PHYS(ap_start)
.gdt_pointer:
        dw      boot_gdt_end - boot_gdt - 1
        dd      PHYS(boot_gdt)
ap_trampoline_end:

; ap_start - every started processor at the same time: no stack yet.
;   out   ap_main(its number) on the stack of its idle task; one that smp.c does not
;         expect waits for ever
bits 32
ap_start:
        mov     eax, KERNEL_SS
        mov     ds, eax
        mov     edx, [PHYS(ap_tables)]
        mov     ebp, PHYS(ap_high)
        jmp     enter_long_mode
bits 64
ap_high:
        mov     eax, PHYS(boot_pml4)            ; the kernel's root, without low addresses
        mov     cr3, rax
        mov     eax, 1
        cpuid
        shr     ebx, 24                         ; the APIC ID
        lea     rax, [ap_index]
        movzx   edi, byte [rax + rbx]
        test    edi, edi
        jz      .unknown
        mov     rsi, STUB_PAGES
        mov     ebx, edi
        mov     eax, edi
        shl     eax, 12
        add     rsi, rax
        cmp     dword [kernel_base + 4], 0
        jge     to_ring3
        lea     rax, [ap_stack]
        mov     rsp, [rax + rdi * 8]
        call    ap_main
.unknown:
        cli
        hlt
        jmp     .unknown

        align   8
boot_gdt:                                       ; selectors as in regs.h
        dq      0, 0
        dq      0x00af9b000000ffff              ; KERNEL_CS
        dq      0x00cf93000000ffff              ; KERNEL_SS
        dq      0x00cf9b000000ffff              ; BOOT_CS32
boot_gdt_end:
boot_gdt_pointer:
        dw      boot_gdt_end - boot_gdt - 1
        dq      PHYS(boot_gdt)

section .rodata
; Interrupt gates, one for each vector.
        align   16
global idt
idt:
%assign v 0
%rep 256
        GATE_KIND v
        dw      (STUBS + v * STUB_BYTES) & 0xffff
        dw      KERNEL_CS
        db      ist, type
        dw      ((STUBS + v * STUB_BYTES) >> 16) & 0xffff
        dd      (STUBS >> 32) & 0xffffffff
        dd      0
        %assign v v + 1
%endrep

section .data.pagetables progbits alloc noexec write align=4096
global boot_pd_direct
boot_pd_direct:
%assign at 0
%rep 512
        dq      at | PTE_P | PTE_W | PTE_U | PTE_A | PTE_D | PTE_PS | PTE_G | PTE_NX
        %assign at at + 0x200000
%endrep

section .bss
        alignb  4096
global boot_pml4
global boot_pdpt_kernel
global boot_pd_kernel
global boot_pdpt_low
global boot_pd_window
global boot_pt_stub
boot_pml4:        resb 4096
boot_pdpt_kernel: resb 4096
boot_pd_kernel:   resb 4096
boot_pdpt_low:    resb 4096
boot_pd_window:   resb 4096
boot_pdpt_stub:   resb 4096
boot_pd_stub:     resb 4096
boot_pt_stub:     resb 4096
boot_stack:     resb 12288                      ; later the boot CPU's idle task
global boot_stack_top
boot_stack_top:
