/* printf.c - formatted text.  One conversion is parsed into a struct spec; a
 * number becomes digits in a small buffer, and one function lays out sign,
 * prefix, precision zeros, digits and padding.  Output past `room` is counted and
 * dropped.  No floating point, no %n, no wide characters. */
#include "lib/printf.h"
#include "lib/string.h"

struct out {
    char *to;
    size_t room, n;
}; /* n: length so far, kept or not */

struct spec {
    bool left, zero, plus, space, alt;
    int width, precision; /* precision < 0: none given */
    int size;             /* bytes of an integer argument */
};

static void put(struct out *o, char c)
{
    if (o->n + 1 < o->room)
        o->to[o->n] = c;
    o->n++;
}

static void put_repeated(struct out *o, char c, int times)
{
    while (times-- > 0)
        put(o, c);
}

static void put_bytes(struct out *o, const char *s, size_t n)
{
    if (o->n + n < o->room)
        memcpy(o->to + o->n, s, n);
    else if (o->n + 1 < o->room)
        memcpy(o->to + o->n, s, o->room - 1 - o->n);
    o->n += n;
}

static void put_text(struct out *o, const struct spec *s, const char *text, size_t n)
{
    int pad = s->width > (int)n ? s->width - (int)n : 0;
    if (!s->left)
        put_repeated(o, ' ', pad);
    put_bytes(o, text, n);
    if (s->left)
        put_repeated(o, ' ', pad);
}

static void put_number(struct out *o, const struct spec *s, uint64_t v, unsigned base, bool upper,
                       const char *prefix)
{
    char digits[24];
    int n = 0;
    bool is_zero = v == 0;
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    for (; v != 0; v /= base)
        digits[n++] = set[v % base];
    int wanted = s->precision < 0 ? 1 : s->precision;
    if (base == 8 && s->alt && wanted <= n)
        wanted = n + 1;
    if (base == 16 && is_zero)
        prefix = "";
    int zeros = wanted > n ? wanted - n : 0;
    int before = (int)strlen(prefix);
    int pad = s->width - before - zeros - n;
    if (s->zero && !s->left && s->precision < 0 && pad > 0) {
        zeros += pad;
        pad = 0;
    }
    if (!s->left)
        put_repeated(o, ' ', pad);
    put_bytes(o, prefix, (size_t)before);
    put_repeated(o, '0', zeros);
    while (n > 0)
        put(o, digits[--n]);
    if (s->left)
        put_repeated(o, ' ', pad);
}

static uint64_t truncated(uint64_t v, int size)
{
    return size == 8 ? v : v & ((1ull << (8 * size)) - 1);
}

static int64_t sign_extended(uint64_t v, int size)
{
    int unused = 64 - 8 * size;
    return (int64_t)(v << unused) >> unused;
}

static const char *parse_number(const char *f, int *n)
{
    for (*n = 0; *f >= '0' && *f <= '9'; f++)
        if (*n < 100000)
            *n = *n * 10 + (*f - '0');
    return f;
}

/* f: behind the '%'.  Returns what follows the flags. */
static const char *parse_flags(const char *f, struct spec *s)
{
    for (;; f++) {
        switch (*f) {
        case '-': s->left = true; break;
        case '0': s->zero = true; break;
        case '+': s->plus = true; break;
        case ' ': s->space = true; break;
        case '#': s->alt = true; break;
        default: return f;
        }
    }
}

static const char *parse_size(const char *f, struct spec *s)
{
    s->size = 4;
    if (f[0] == 'h') {
        s->size = f[1] == 'h' ? 1 : 2;
        return f + (f[1] == 'h' ? 2 : 1);
    }
    if (f[0] == 'l' || f[0] == 'z' || f[0] == 'j' || f[0] == 't') {
        s->size = 8;
        return f + (f[0] == 'l' && f[1] == 'l' ? 2 : 1);
    }
    return f;
}

static void put_signed(struct out *o, const struct spec *s, int64_t v)
{
    const char *sign = v < 0 ? "-" : s->plus ? "+" : s->space ? " " : "";
    put_number(o, s, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, false, sign);
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
    if (text == NULL)
        text = "(null)";
    put_text(o, s, text, s->precision < 0 ? strlen(text) : strnlen(text, (size_t)s->precision));
}

int kvsnprintf(char *to, size_t room, const char *f, va_list ap)
{
    struct out o = { to, room, 0 };
    while (*f != '\0') {
        const char *from = f;
        while (*f != '\0' && *f != '%')
            f++;
        put_bytes(&o, from, (size_t)(f - from));
        if (*f++ == '\0')
            break;
        struct spec s = { .precision = -1 };
        f = parse_flags(f, &s);
        if (*f == '*') {
            s.width = va_arg(ap, int);
            if (s.width < 0) {
                s.left = true;
                s.width = -s.width;
            }
            f++;
        } else {
            f = parse_number(f, &s.width);
        }
        if (*f == '.') {
            if (f[1] == '*') {
                s.precision = va_arg(ap, int);
                f += 2;
            } else {
                f = parse_number(f + 1, &s.precision);
            }
        }
        f = parse_size(f, &s);
        uint64_t v;
        switch (*f) {
        case 'd':
        case 'i':
            v = s.size == 8 ? va_arg(ap, uint64_t) : va_arg(ap, unsigned);
            put_signed(&o, &s, sign_extended(v, s.size));
            break;
        case 'u':
        case 'x':
        case 'X':
        case 'o':
            v = s.size == 8 ? va_arg(ap, uint64_t) : va_arg(ap, unsigned);
            put_number(&o, &s, truncated(v, s.size),
                       *f == 'u'   ? 10
                       : *f == 'o' ? 8
                                   : 16,
                       *f == 'X',
                       !s.alt      ? ""
                       : *f == 'x' ? "0x"
                       : *f == 'X' ? "0X"
                                   : "");
            break;
        case 'p':
            s.precision = 1;
            put_number(&o, &s, (uint64_t)va_arg(ap, void *), 16, false, "0x");
            break;
        case 'c': {
            char c = (char)va_arg(ap, int);
            put_text(&o, &s, &c, 1);
            break;
        }
        case 's': put_string(&o, &s, va_arg(ap, const char *)); break;
        case '%': put(&o, '%'); break;
        default: /* unknown: shown as it stands */ put(&o, '%'); continue;
        }
        f++;
    }
    if (room > 0)
        to[MIN(o.n, room - 1)] = '\0';
    return (int)o.n;
}

int ksnprintf(char *to, size_t room, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = kvsnprintf(to, room, fmt, ap);
    va_end(ap);
    return n;
}
