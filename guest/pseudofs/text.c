/* text.c - the text of a file while it is made. */
#include "pseudofs/text.h"
#include "arch/preempt.h"
#include "fs/uio.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"

#define TEXT_CHUNKS (PAGE_SIZE / sizeof(char *))
#define TEXT_TABLES 31u  /* of further ones */
#define WORK_PAGE   700u /* instructions to copy one, about (arch/preempt.h) */

/* The table with page i, which is there. */
static char **table_of(const struct text *t, size_t i)
{
    return i < TEXT_CHUNKS ? t->chunk : t->more[i / TEXT_CHUNKS - 1];
}

static char *chunk_at(const struct text *t, size_t i) { return table_of(t, i)[i % TEXT_CHUNKS]; }

void text_clear(struct text *t)
{
    size_t pages = (t->bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    for (size_t i = 0; t->chunk && i < pages; i++) {
        kfree(chunk_at(t, i));
        preempt_work(WORK_PAGE / 8);
    }
    for (unsigned i = 0; t->more && i < TEXT_TABLES; i++)
        kfree(t->more[i]);
    kfree(t->more);
    kfree(t->chunk);
    *t = (struct text){ 0 };
}

/* Room for the table with page i, the first in it. */
static bool add_table(struct text *t, size_t i)
{
    size_t n = i / TEXT_CHUNKS;
    if (n == 0)
        return t->chunk || (t->chunk = kmalloc(PAGE_SIZE));
    if (n > TEXT_TABLES || (!t->more && !(t->more = kzalloc(TEXT_TABLES * sizeof *t->more))))
        return false;
    return t->more[n - 1] || (t->more[n - 1] = kmalloc(PAGE_SIZE));
}

/* Where the next byte goes; NULL: no memory. */
static char *next_byte(struct text *t)
{
    size_t i = t->bytes / PAGE_SIZE, off = t->bytes % PAGE_SIZE;
    if (off != 0)
        return chunk_at(t, i) + off;
    if (i % TEXT_CHUNKS == 0 && !add_table(t, i))
        return NULL;
    return table_of(t, i)[i % TEXT_CHUNKS] = kmalloc(PAGE_SIZE);
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
        long n = uio_put(u, chunk_at(t, *pos / PAGE_SIZE) + off, part);
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
