/* access.h - an address space from outside. */
#ifndef MM_ACCESS_H
#define MM_ACCESS_H

#include "mm/mm.h"

/* Zeroes another mm's writable memory from `at` to its page's end (the tail of an ELF data
 * segment), which is a private mapping of a file. 0 or -EFAULT/-ENOMEM. */
int mm_clear_tail(struct mm *mm, uaddr_t at);
/* Copies between kernel memory and any mm (procfs cmdline, environ, mem). Bytes done or -errno. */
long mm_read(struct mm *mm, uaddr_t at, void *buf, size_t n);
long mm_write(struct mm *mm, uaddr_t at, const void *buf, size_t n);
/* The same for a debugger: whatever the rights, but of PROT_NONE; what is private becomes the
 * process's own and stays read-only for it. */
long mm_read_any(struct mm *mm, uaddr_t at, void *buf, size_t n);
long mm_write_any(struct mm *mm, uaddr_t at, const void *buf, size_t n);
/* What runs there, /proc/PID/exe: a reference, or NULL. */
struct file *mm_get_exe(struct mm *mm);

#endif
