; vdso_image.asm - the two pages that mm/vdso.c maps into programs: data (vvar.h), and behind
; it, read and executed by programs only, $O/vdso.so.
section .data.vdso progbits alloc noexec write align=4096
global vvar
vvar:   times 4096 db 0
        incbin  "vdso.so"
        align   4096, db 0
