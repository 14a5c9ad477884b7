; XSAVE, XSAVEOPT, XRSTOR, XGETBV in ring 0: on hosts that cannot execute them
; there the VMM does, and nobody sees a difference.  Ends with 0, or the number
; of the check that failed; 99 when CPUID offers no XSAVE with AVX.
%include "pvh.inc"
global start

%macro check 2          ; check NUMBER, CONDITION: go on if it holds
        mov     edi, %1
        j%2     %%ok
        jmp     failed
%%ok:
%endmacro

start:  mov     eax, 1
        cpuid
        and     ecx, 1 << 26 | 1 << 28
        cmp     ecx, 1 << 26 | 1 << 28
        mov     edi, 99
        jne     failed
        mov     dword [pml4], pdpt + 7          ; the first GiB, identity
        mov     dword [pdpt], pd + 7
        mov     ecx, 0
        mov     eax, 0x87
.fill:  mov     [pd + ecx * 8], eax
        add     eax, 0x200000
        inc     ecx
        cmp     ecx, 512
        jne     .fill
        mov     eax, pml4
        mov     cr3, eax
        mov     eax, 1 << 5 | 1 << 9 | 1 << 18  ; PAE, OSFXSR, OSXSAVE
        mov     cr4, eax
        mov     ecx, 0xc0000080
        rdmsr
        or      eax, 1 << 8
        wrmsr
        mov     eax, 1 << 31 | 1
        mov     cr0, eax
        lgdt    [gdt_pointer]
        jmp     8:long_mode

bits 64
failed: xor     esi, esi
        hc      HC_EXIT
        hlt

long_mode:
        mov     rsp, stack_top
        xor     ecx, ecx                        ; enabled already, or let us do it
        xgetbv
        test    al, 4
        jnz     .enabled
        mov     eax, 7
        xor     edx, edx
        xsetbv
        xgetbv
        test    al, 4
.enabled:
        check   1, nz

        ; restore what memory holds; save elsewhere; both are the same
        mov     rdi, src
        mov     ecx, 1024
.pattern:
        mov     [rdi + rcx - 1], cl
        loop    .pattern
        mov     dword [rdi], 0x37f              ; x87: control word, nothing else set
        mov     dword [rdi + 4], 0
        mov     dword [rdi + 24], 0x1f80        ; MXCSR
        mov     qword [rdi + 512], 7            ; XSTATE_BV: x87 SSE AVX
        mov     ecx, 7
        xor     eax, eax
        lea     rdi, [src + 520]
        rep     stosq
        mov     eax, 7
        xor     edx, edx
        xrstor64 [src]
        mov     eax, 7
        xsave64 [dst]
        mov     rax, [dst + 512]
        and     eax, 7
        cmp     eax, 7
        check   2, e
        mov     ecx, 255
        mov     rsi, src + 160
        mov     rdi, dst + 160
        repe    cmpsb
        check   3, e                            ; XMM
        mov     ecx, 255
        mov     rsi, src + 576
        mov     rdi, dst + 576
        repe    cmpsb
        check   4, e                            ; upper halves of YMM

        ; a component that is not asked for stays as it is, in both directions
        mov     qword [dst2 + 512], 0
        mov     byte [dst2 + 576], 0x5a
        mov     eax, 3
        xsave   [dst2]
        cmp     byte [dst2 + 576], 0x5a
        check   5, e
        mov     rax, [dst2 + 512]
        test    al, 4
        check   6, z
        ; base, index and displacement are understood
        mov     rbx, dst2 - 64
        mov     ecx, 8
        mov     eax, 4
        xsaveopt [rbx + rcx * 8]
        cmp     byte [dst2 + 576], 0x5a
        check   7, ne
        ; a component whose bit in XSTATE_BV is 0 comes back as at reset
        mov     qword [dst + 512], 3
        mov     eax, 7
        xrstor  [dst]
        mov     qword [dst + 512], 0
        mov     eax, 7
        xsave   [dst]
        mov     rax, [dst + 576]
        test    qword [dst + 512], 4
        jz      .not_in_use
        test    rax, rax
        check   8, z
.not_in_use:
        mov     rax, [dst + 160]
        cmp     rax, [src + 160]
        check   9, e
        quit    0

section .data
gdt:    dq 0, 0x00209b0000000000
gdt_pointer:
        dw 15
        dd gdt

section .bss
alignb 4096
pml4:   resb 4096
pdpt:   resb 4096
pd:     resb 4096
src:   resb 4096
dst:     resb 4096
dst2:    resb 4096
        resb 4096
stack_top:
