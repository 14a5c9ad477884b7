; Hypercalls with arguments that are not right are refused, and the VM goes on.
; Ends with 0, or with the number of the first line that was not refused so.
%include "pvh.inc"
EINVAL  equ -22
EFAULT  equ -14
ENODEV  equ -19
ENOSYS  equ -38
global start

; expect LINE, CALL, EDI, ESI, RESULT
%macro expect 5
        mov     edi, %3
        mov     esi, %4
        xor     edx, edx
        hc      %2
        cmp     eax, %5
        mov     edi, %1
        jne     failed
%endmacro

start:  expect  1, 0, 0, 0, ENOSYS
        expect  2, 77, 0, 0, ENOSYS
        expect  3, 0xffffffff, 0, 0, ENOSYS
        expect  4, 1, 256, 0, EINVAL                    ; EXIT: status
        expect  5, 1, 0, 3, EINVAL                      ; EXIT: kind
        expect  6, 2, 0xc0000000, 1, EFAULT             ; CONSOLE_WRITE: the hole
        expect  7, 2, 0, 0xffffffff, EFAULT             ; longer than RAM
        expect  8, 3, 99, 0, EINVAL                     ; BOOT_STAGE
        expect  9, 3, 0, 0, EINVAL                      ; one of the VMM's
        expect  10, 4, 0, 0, ENODEV                     ; TRACE_OPEN, no trace
        expect  11, 5, 0, 0, ENODEV
        expect  12, 6, 0x200001, 0x201000, EINVAL       ; PAGE_COPY: alignment
        expect  13, 6, 0xfffff000, 0x201000, EFAULT
        expect  14, 7, 0x200000, 0xffffffff, EFAULT     ; PAGE_CLEAR: too many
        expect  15, 7, 0xfee00000, 1, EFAULT
        expect  16, 8, 0x200000, 0, EINVAL              ; ENTROPY: none
        expect  17, 8, 0x200000, 257, EINVAL            ; too much
        expect  18, 8, 0x200000, 256, 256
        expect  19, 10, 0xfffffff0, 0, EFAULT           ; INSPECT
        expect  20, 13, 0xfee00000, 16, EFAULT          ; CLEAR: no RAM
        expect  21, 13, 0x200000, 0xffffffff, EFAULT    ; longer than RAM
        xor     edi, edi
failed: xor     esi, esi
        hc      HC_EXIT
        hlt
