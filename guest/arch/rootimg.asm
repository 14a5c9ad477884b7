; rootimg.asm - the root image, as part of the kernel's file.
; Page-aligned, so that the pages of files in it are pages of memory.  Nothing
; writes to it: the file system lends these pages out, copy-on-write.
section .rootimg progbits alloc noexec nowrite align=4096
global rootimg_start
global rootimg_end
rootimg_start:
        incbin  "root.img"
        align   4096, db 0
rootimg_end:
