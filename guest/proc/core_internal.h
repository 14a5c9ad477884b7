/* core_internal.h - between core.c (when, and in which order), core_name.c, core_map.c
 * (the memory) and core_notes.c (everything else that is in a core file). */
#ifndef PROC_CORE_INTERNAL_H
#define PROC_CORE_INTERNAL_H

#include "proc/core.h"

struct file;
struct mm;

/* Bytes, one piece after the other, in pages of the heap.  All zero: empty. */
struct spool_page;
struct spool {
    struct spool_page *first, *last;
    size_t bytes;
    bool failed; /* no memory: something is missing */
};
struct spool_reader {
    const struct spool_page *page;
    size_t at;
};

/* The file, from its beginning to its end. */
struct core_file {
    struct file *file;
    uint64_t pos;
    uint64_t left; /* of RLIMIT_CORE: bytes that may be written.  Holes do not count */
    bool hole;     /* right before pos */
};
#define CORE_VMAS_MAX 65530u /* an ELF file has no more segments; the last mappings are left out */

/* One mapping, as it was when the dump began. */
struct core_vma {
    uaddr_t start, end;
    uint64_t dump; /* bytes of it, from start on, that are to be in the file */
    uint64_t pgoff;
    struct file *file; /* a reference; NULL: anonymous */
    uint32_t flags;
};
struct core_map {
    struct spool vmas; /* struct core_vma */
    unsigned count;
};

/* core.c */
/* False: no further: the limit, the file system, or SIGKILL. */
bool core_write(struct core_file *c, const void *data, size_t n);
/* The thread after t of those that stand still; t current: the first.  NULL: no more. */
struct task *core_next_thread(struct task *t);
/* False: no memory, and the spool has failed. */
bool spool_put(struct spool *s, const void *data, size_t n);
bool spool_append(struct spool *s, const struct spool *more);
void spool_get(struct spool_reader *r, void *to, size_t n); /* there are n more */
struct spool_reader spool_read(const struct spool *s);
void spool_free(struct spool *s);

/* core_name.c: a string for kfree(); NULL: no memory. */
char *core_name(int sig);

/* core_map.c */
bool core_map_take(struct core_map *m, struct mm *mm); /* false: no memory; free it all the same */
void core_map_free(struct core_map *m);
bool core_map_write(struct core_file *c, struct mm *mm, const struct core_map *m);

/* core_notes.c: all notes.  False: no memory. */
bool core_notes(struct spool *to, const struct regs *r, const siginfo_t *info,
                const struct core_map *m);

#endif
