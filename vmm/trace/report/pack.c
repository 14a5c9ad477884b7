/* pack.c - see pack.h. */
#include "vmm/trace/report/pack.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "vmm/trace/lib/status.h"

#define BLOCK_ROWS  65536u
#define BLOCK_BYTES (8u << 20)
#define DEFLATED    49152u /* at a time; a multiple of 3, so that base64 has no gaps */

/* --- columns ----------------------------------------------------------------------------- */

unsigned pack_column(struct pack *p, const char *name, char kind)
{
    if (p->columns == PACK_COLUMNS)
        abort(); /* the schema has outgrown the table: seen at the first run */
    p->column[p->columns] = (struct column){ .name = need(strdup(name)), .kind = kind };
    return p->columns++;
}

void pack_init(struct pack *p, FILE *out, unsigned trace, const char *table, const char *columns)
{
    memset(p, 0, sizeof(*p));
    p->out = out;
    p->trace = trace;
    p->table = table;
    for (const char *at = columns, *colon; (colon = strchr(at, ':')) != NULL;) {
        char *name = need(strndup(at, (size_t)(colon - at)));
        pack_column(p, name, colon[1]);
        free(name);
        at = colon + 2 + (colon[2] == ' ');
    }
}

void pack_free(struct pack *p)
{
    for (unsigned i = 0; i < p->columns; i++) {
        free(p->column[i].name);
        free(p->column[i].at);
    }
}

static uint8_t *room(struct pack *p, struct column *c, size_t n)
{
    if (c->capacity - c->n < n) {
        c->capacity = 2 * c->capacity + n + 256;
        c->at = need(realloc(c->at, c->capacity));
    }
    p->bytes += n;
    return c->at + c->n;
}

static void put(struct pack *p, struct column *c, uint64_t zigzag)
{
    uint8_t *from = room(p, c, 10), *at = from;
    for (; zigzag > 0x7f; zigzag >>= 7)
        *at++ = (uint8_t)(zigzag | 0x80);
    *at++ = (uint8_t)zigzag;
    p->bytes -= 10 - (size_t)(at - from);
    c->n += (size_t)(at - from);
}

static void put_half(struct pack *p, struct column *c, unsigned half, uint32_t v)
{
    int32_t d = (int32_t)(v - (uint32_t)c->last[half]);
    c->last[half] = v;
    put(p, c, (uint32_t)d << 1 ^ (uint32_t)(d >> 31));
}

void pack_u(struct pack *p, unsigned column, uint32_t v)
{
    struct column *c = &p->column[column];
    put_half(p, c, 0, v);
    c->rows++;
}

void pack_w(struct pack *p, unsigned column, uint64_t v)
{
    struct column *c = &p->column[column];
    put_half(p, c, 0, (uint32_t)v);
    put_half(p, c, 1, (uint32_t)(v >> 32));
    c->rows++;
}

void pack_t(struct pack *p, unsigned column, uint64_t v)
{
    struct column *c = &p->column[column];
    int64_t d = (int64_t)(v - c->last[0]);
    c->last[0] = v;
    put(p, c, (uint64_t)d << 1 ^ (uint64_t)(d >> 63));
    c->rows++;
}

void pack_s(struct pack *p, unsigned column, const char *s, size_t size)
{
    struct column *c = &p->column[column];
    size_t n = strnlen(s, size);
    uint8_t *at = room(p, c, n + 1);
    memcpy(at, s, n);
    at[n] = '\0';
    c->n += n + 1;
    c->rows++;
}

/* --- blocks ------------------------------------------------------------------------------ */

struct writer {
    FILE *out;
    z_stream z;
    uint8_t buf[DEFLATED];
};

static void base64(FILE *out, const uint8_t *at, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (; n > 0; at += 3, n -= n < 3 ? n : 3) {
        uint32_t v = (uint32_t)at[0] << 16 | (n > 1 ? at[1] : 0u) << 8 | (n > 2 ? at[2] : 0u);
        char four[4] = { digits[v >> 18], digits[v >> 12 & 63], n > 1 ? digits[v >> 6 & 63] : '=',
                         n > 2 ? digits[v & 63] : '=' };
        fwrite(four, 1, 4, out);
    }
}

static void squeeze(struct writer *w, const void *data, size_t n, int flush)
{
    int err;
    w->z.next_in = (Bytef *)(uintptr_t)data;
    w->z.avail_in = (uInt)n;
    do {
        err = deflate(&w->z, flush);
        if (w->z.avail_out == 0 || err == Z_STREAM_END) {
            base64(w->out, w->buf, sizeof(w->buf) - w->z.avail_out);
            w->z.next_out = w->buf;
            w->z.avail_out = sizeof(w->buf);
        }
    } while (w->z.avail_in > 0 || (flush == Z_FINISH && err != Z_STREAM_END));
}

static void write_block(struct pack *p)
{
    static struct writer w;
    w.out = p->out;
    memset(&w.z, 0, sizeof(w.z));
    if (deflateInit(&w.z, Z_DEFAULT_COMPRESSION) != Z_OK)
        out_of_memory();
    w.z.next_out = w.buf;
    w.z.avail_out = sizeof(w.buf);
    for (unsigned i = 0; i < p->columns; i++) {
        uint32_t head[2] = { p->column[i].rows, (uint32_t)p->column[i].n };
        squeeze(&w, head, sizeof(head), Z_NO_FLUSH);
    }
    for (unsigned i = 0; i < p->columns; i++)
        squeeze(&w, p->column[i].at, p->column[i].n, Z_NO_FLUSH);
    squeeze(&w, NULL, 0, Z_FINISH);
    deflateEnd(&w.z);
}

void pack_flush(struct pack *p)
{
    if (p->rows == 0)
        return;
    fprintf(p->out,
            "<script type=\"application/octet-stream\" data-trace=\"%u\" data-table=\"%s\" "
            "data-rows=\"%u\" data-columns=\"",
            p->trace, p->table, p->rows);
    for (unsigned i = 0; i < p->columns; i++)
        fprintf(p->out, "%s%s:%c", i > 0 ? " " : "", p->column[i].name, p->column[i].kind);
    fputs("\">", p->out);
    write_block(p);
    fputs("</script>\n", p->out);
    for (unsigned i = 0; i < p->columns; i++) {
        struct column *c = &p->column[i];
        c->rows = 0;
        c->n = 0;
        c->last[0] = c->last[1] = 0;
    }
    p->rows = 0;
    p->bytes = 0;
}

void pack_row(struct pack *p)
{
    p->rows++;
    if (p->rows >= BLOCK_ROWS || p->bytes >= BLOCK_BYTES)
        pack_flush(p);
}
