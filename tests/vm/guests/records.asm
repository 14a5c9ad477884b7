; Publishes as many task records as there can be, each of a task that waits for one that is not
; there, in a chain of pages that is a ring; then loops.
%include "pvh.inc"
HC_INSPECT      equ 10
RECORD_BYTES    equ 56
RECORDS         equ 72
BLOCKED         equ 3
global start

start:  mov     edi, 0x300020                   ; a page: next, three words, records
        mov     ecx, RECORDS
.more:  mov     dword [edi], ecx                ; pid
        mov     dword [edi + 4], ecx            ; tgid
        mov     byte [edi + 12], BLOCKED
        mov     byte [edi + 13], 1              ; the reason
        mov     dword [edi + 24], 0x7fffffff    ; on_pid
        mov     dword [edi + 40], 'task'
        add     edi, RECORD_BYTES
        loop    .more
        mov     dword [0x300000], 0x300000
        mov     dword [0x200000], 'FRKS'        ; struct inspect_root
        mov     dword [0x200004], 'TASK'
        mov     dword [0x200008], 0x300000
        mov     edi, 0x200000
        hc      HC_INSPECT
        jmp     $
