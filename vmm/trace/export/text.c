/* text.c - see text.h. */
#include "vmm/trace/export/text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define REPLACEMENT 0xfffdu

/* Takes a character from *s, at least one byte; REPLACEMENT where it is none.  Overlong forms,
 * surrogates and what is above U+10FFFF are not valid. */
static uint32_t take(const char **s, const char *end)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const uint8_t *p = (const uint8_t *)*s;
    unsigned n = *p < 0x80                 ? 1
                 : *p >= 0xc2 && *p < 0xe0 ? 2
                 : (*p & 0xf0) == 0xe0     ? 3
                 : *p >= 0xf0 && *p < 0xf5 ? 4
                                           : 0;
    uint32_t c = n == 1 ? *p : n == 0 ? REPLACEMENT : *p & (0x7fu >> n);
    bool good = n != 0 && (size_t)(end - *s) >= n;
    for (unsigned i = 1; good && i < n; i++) {
        good = (p[i] & 0xc0) == 0x80;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (!good || c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
        (*s)++;
        return REPLACEMENT;
    }
    *s += n;
    return c;
}

static void put(FILE *out, uint32_t c)
{
    if (c < 0x80) {
        putc((int)c, out);
        return;
    }
    if (c < 0x800) {
        putc((int)(0xc0 | c >> 6), out);
    } else if (c < 0x10000) {
        putc((int)(0xe0 | c >> 12), out);
        putc((int)(0x80 | (c >> 6 & 0x3f)), out);
    } else {
        putc((int)(0xf0 | c >> 18), out);
        putc((int)(0x80 | (c >> 12 & 0x3f)), out);
        putc((int)(0x80 | (c >> 6 & 0x3f)), out);
    }
    putc((int)(0x80 | (c & 0x3f)), out);
}

/* C0, DEL and C1. */
static bool is_control(uint32_t c) { return c < ' ' || (c >= 0x7f && c < 0xa0); }

void text_json(FILE *out, const char *s, size_t n)
{
    putc('"', out);
    for (const char *end = s + n; s < end;) {
        uint32_t c = take(&s, end);
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", (char)c);
        else if (is_control(c) || c == '<' || c == '>' || c == '&' || c == 0x2028 || c == 0x2029)
            fprintf(out, "\\u%04x", c);
        else
            put(out, c);
    }
    putc('"', out);
}

void text_csv(FILE *out, const char *s, size_t n)
{
    putc('"', out);
    for (const char *end = s + n; s < end;) {
        uint32_t c = take(&s, end);
        if (c == '"')
            putc('"', out);
        put(out, c);
    }
    putc('"', out);
}

void text_dot(FILE *out, const char *s, size_t n)
{
    putc('"', out);
    for (const char *end = s + n; s < end;) {
        uint32_t c = take(&s, end);
        if (c == '"' || c == '\\')
            putc('\\', out);
        put(out, is_control(c) ? REPLACEMENT : c);
    }
    putc('"', out);
}

static bool is_plain(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c < 0x80 && c != 0 && strchr(" .,:/-_[]>", (int)c) != NULL);
}

void text_mermaid(FILE *out, const char *s, size_t n)
{
    putc('"', out);
    for (const char *end = s + n; s < end;) {
        uint32_t c = take(&s, end);
        if (is_plain(c))
            putc((int)c, out);
        else
            fprintf(out, "#%u;", is_control(c) ? REPLACEMENT : c);
    }
    putc('"', out);
}

void text_folded(FILE *out, const char *s, size_t n)
{
    for (const char *end = s + n; s < end;) {
        uint32_t c = take(&s, end);
        put(out, c == ';' || is_control(c) ? '?' : c);
    }
}

void text_plain(FILE *out, const char *s, size_t n)
{
    for (const char *end = s + n; s < end;)
        put(out, take(&s, end));
}
