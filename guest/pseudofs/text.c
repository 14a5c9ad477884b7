/* text.c - the text of a file while it is made. */
#include "pseudofs/text.h"
#include "arch/preempt.h"
#include "fs/uio.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"

#define CHUNKS    (PAGE_SIZE / sizeof(char *))
#define WORK_PAGE 700u /* instructions to copy one, about (arch/preempt.h) */

void text_clear(struct text *t)
{
    for (size_t i = 0; t->chunk && i < (t->bytes + PAGE_SIZE - 1) / PAGE_SIZE; i++)
        kfree(t->chunk[i]);
    kfree(t->chunk);
    *t = (struct text){ 0 };
}

/* Where the next byte goes; NULL: no memory. */
static char *next_byte(struct text *t)
{
    size_t i = t->bytes / PAGE_SIZE, off = t->bytes % PAGE_SIZE;
    if (!t->chunk && !(t->chunk = kmalloc(PAGE_SIZE)))
        return NULL;
    if (off == 0 && (i == CHUNKS || !(t->chunk[i] = kmalloc(PAGE_SIZE))))
        return NULL;
    return t->chunk[i] + off;
}

void text_put(struct text *t, const char *s, size_t n)
{
    while (n > 0 && !t->failed) {
        size_t part = MIN(n, PAGE_SIZE - t->bytes % PAGE_SIZE);
        char *to = next_byte(t);
        if (!to) {
            t->failed = true;
            break;
        }
        memcpy(to, s, part);
        t->bytes += part;
        s += part;
        n -= part;
    }
}

void text_printf(struct text *t, const char *fmt, ...)
{
    char line[320];
    va_list ap;
    va_start(ap, fmt);
    int n = kvsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    text_put(t, line, MIN((size_t)n, sizeof line - 1));
}

void text_escaped(struct text *t, const char *s)
{
    for (; *s; s++) {
        if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\')
            text_printf(t, "\\%03o", (unsigned char)*s);
        else
            text_put(t, s, 1);
    }
}

void text_counts(struct text *t, const struct text_row *row, size_t n)
{
    for (; n > 0; n--, row++)
        text_printf(t, "%s %lu\n", row->name, row->value);
}

void text_sizes(struct text *t, const char *before, const struct text_row *row, size_t n)
{
    for (; n > 0; n--, row++)
        text_printf(t, "%s%-16s%8lu kB\n", before, row->name, row->value);
}

char *text_page(struct text *t)
{
    char *page = kmalloc(PAGE_SIZE);
    t->failed |= !page;
    return page;
}

long text_read(const struct text *t, struct uio *u, uint64_t *pos)
{
    long done = 0;
    while (*pos < t->bytes && u->left > 0) {
        size_t off = *pos % PAGE_SIZE, part = MIN(t->bytes - *pos, PAGE_SIZE - off);
        long n = uio_put(u, t->chunk[*pos / PAGE_SIZE] + off, part);
        if (n < 0)
            return done ? done : n;
        *pos += (uint64_t)n;
        done += n;
        if ((size_t)n < part)
            break;
        preempt_work(WORK_PAGE);
    }
    return done;
}
