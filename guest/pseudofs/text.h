/* text.h - the text of a file while it is made: kept in pages, 64 MiB at most (the smaps of 65,530 mappings).
 * Running out of memory is remembered; the read fails then. */
#ifndef PROCFS_TEXT_H
#define PROCFS_TEXT_H

#include "lib/base.h"

struct uio;

struct text {
    char **chunk; /* pages: the first TEXT_CHUNKS, which is nearly always all */
    char ***more; /* tables of as many: the others */
    size_t bytes;
    bool failed;
};
struct text_row {
    const char *name;
    uint64_t value;
};

void text_clear(struct text *t);
void text_put(struct text *t, const char *s, size_t n);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_escaped(struct text *t, const char *s); /* blanks and backslashes as \ooo */
void text_counts(struct text *t, const struct text_row *row, size_t n); /* "name value" */
/* "before" "name   value kB" */
void text_sizes(struct text *t, const char *before, const struct text_row *row, size_t n);
char *text_page(struct text *t); /* room for a path name, PAGE_SIZE; kfree(); NULL: t has failed */
long text_read(const struct text *t, struct uio *u, uint64_t *pos); /* from *pos on: bytes */

/* cpus.c */
void text_cpu_map(struct text *t, uint64_t mask);  /* "3", a line */
void text_cpu_list(struct text *t, uint64_t mask); /* "0-1", a line */

#endif
