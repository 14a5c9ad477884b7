/* protobuf.c - see protobuf.h.  A message's length comes before it, so four bytes are left for
 * it: a varint may be longer than it need be, and no message here has 2^28 bytes. */
#include "vmm/trace/export/protobuf.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/trace/export/text.h"
#include "vmm/trace/lib/status.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

#define LENGTH_BYTES 4

static uint8_t *more(struct protobuf *p, size_t n)
{
    if (p->capacity - p->n < n) {
        p->capacity = 2 * p->capacity + n + 256;
        p->at = need(realloc(p->at, p->capacity));
    }
    p->n += n;
    return p->at + p->n - n;
}

static void varint(struct protobuf *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *more(p, 1) = (uint8_t)(v | 0x80);
    *more(p, 1) = (uint8_t)v;
}

static void key(struct protobuf *p, unsigned field, unsigned wire) { varint(p, field << 3 | wire); }

void protobuf_number(struct protobuf *p, unsigned field, uint64_t v)
{
    key(p, field, WIRE_VARINT);
    varint(p, v);
}

void protobuf_fixed64(struct protobuf *p, unsigned field, uint64_t v)
{
    key(p, field, WIRE_FIXED64);
    memcpy(more(p, sizeof(v)), &v, sizeof(v));
}

void protobuf_text(struct protobuf *p, unsigned field, const char *s)
{
    char *text;
    size_t size;
    FILE *out = need(open_memstream(&text, &size));
    text_plain(out, s, strlen(s));
    if (fclose(out) != 0)
        out_of_memory();
    key(p, field, WIRE_BYTES);
    varint(p, size);
    memcpy(more(p, size), text, size);
    free(text);
}

size_t protobuf_begin(struct protobuf *p, unsigned field)
{
    key(p, field, WIRE_BYTES);
    more(p, LENGTH_BYTES);
    return p->n;
}

void protobuf_end(struct protobuf *p, size_t begin)
{
    uint8_t *length = p->at + begin - LENGTH_BYTES;
    size_t n = p->n - begin;
    for (unsigned i = 0; i < LENGTH_BYTES; i++, n >>= 7)
        length[i] = (uint8_t)((n & 0x7f) | (i + 1 < LENGTH_BYTES ? 0x80 : 0));
}

void protobuf_write(struct protobuf *p, FILE *out)
{
    fwrite(p->at, 1, p->n, out);
    p->n = 0;
}

void protobuf_free(struct protobuf *p) { free(p->at); }
