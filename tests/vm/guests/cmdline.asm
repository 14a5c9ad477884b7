; Prints the kernel command line and the module list's words, then ends with 0.
%include "pvh.inc"
global start
start:  mov     esp, stack_top
        mov     edi, [ebx + 24]         ; start info: command line
        call    print
        mov     ecx, [ebx + 12]         ; modules
        mov     ebp, [ebx + 16]         ; their list
.next:  jecxz   .done
        mov     edi, newline
        call    print
        mov     edi, [ebp + 16]
        call    print
        add     ebp, 32
        dec     ecx
        jmp     .next
.done:  quit    0

; the string at EDI; keeps all but EAX, ESI, EDI
print:  push    ecx
        mov     esi, edi
.scan:  cmp     byte [esi], 0
        je      .end
        inc     esi
        jmp     .scan
.end:   sub     esi, edi
        hc      HC_CONSOLE_WRITE
        pop     ecx
        ret

section .rodata
newline: db 10, 0
section .bss
        resb 256
stack_top:
