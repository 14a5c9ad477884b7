/* cpio.c - the newc reader.  A header is six bytes of magic and thirteen numbers
 * of eight hexadecimal digits; each is converted eight digits at a time, for
 * this runs over the whole root image at boot.  Names and data are padded to
 * four bytes, counted from the archive's start. */
#include "fs/cpio.h"
#include "lib/string.h"

#include <linux/limits.h>
#include <linux/stat.h>

#define HEADER_BYTES 110
#define AT_INO       6
#define AT_MODE      14
#define AT_UID       22
#define AT_GID       30
#define AT_NLINK     38
#define AT_MTIME     46
#define AT_SIZE      54
#define AT_DEVMAJOR  62
#define AT_DEVMINOR  70
#define AT_RDEVMAJOR 78
#define AT_RDEVMINOR 86
#define AT_NAMESIZE  94

#define RUN_MAX 16384 /* then a bit for each fits into one heap object */

#define EACH_BYTE(b) (0x0101010101010101ull * (b))

typedef uint64_t __attribute__((may_alias, aligned(1))) word_t;
typedef uint32_t __attribute__((may_alias, aligned(1))) half_t;

/* Most numbers have two digits.  -1: not a digit. */
static inline int digit(unsigned char c)
{
    unsigned n = c - '0';

    if (n < 10)
        return (int)n;
    n = (c | 0x20u) - 'a';
    return n < 6 ? (int)n + 10 : -1;
}

/* Eight hexadecimal digits.  Per byte: l is 1 for a letter, v the digit's value. */
static bool hex8(const char *p, uint32_t *out)
{
    uint64_t x = *(const word_t *)p, l, v;

    if (x == EACH_BYTE('0')) {
        *out = 0;
        return true;
    }
    if (((x ^ EACH_BYTE('0')) << 16) == 0) {
        int high = digit((unsigned char)p[6]), low = digit((unsigned char)p[7]);

        *out = (uint32_t)high * 16 + (uint32_t)low;
        return high >= 0 && low >= 0;
    }
    l = x >> 6 & EACH_BYTE(1);
    v = (x & EACH_BYTE(0x0f)) + l * 9;
    if (((x | l << 5) & EACH_BYTE(0xf0)) != EACH_BYTE(0x30) + l * 0x30)
        return false; /* the high half is 3 for digits, 4 or 6 for letters */
    if (v & EACH_BYTE(0xf0) || ((v + EACH_BYTE(6)) >> 4 & EACH_BYTE(1)) != l)
        return false; /* digits are below ten, letters from ten to fifteen */
    v = __builtin_bswap64(v);
    v = (v | v >> 4) & 0x00ff00ff00ff00ffull;
    v = (v | v >> 8) & 0x0000ffff0000ffffull;
    *out = (uint32_t)(v | v >> 16);
    return true;
}

static const char *align4(const char *base, const char *p) { return p + (-(size_t)(p - base) & 3); }

/* The first byte from p on that is not zero, or end. */
static const char *skip_zeros(const char *p, const char *end)
{
    while (end - p >= 8 && *(const word_t *)p == 0)
        p += 8;
    while (p < end && !*p)
        p++;
    return p;
}

/* Is this where the next header begins? */
static bool header_at(const char *p, const char *end)
{
    return end - p >= HEADER_BYTES && *(const half_t *)p == 0x37303730; /* "0707" */
}

/* No byte of a header is zero, so one look for each HEADER_BYTES finds whether one lies there. */
static bool no_header_in(const char *p, const char *end)
{
    for (; end - p >= 4 * HEADER_BYTES; p += 4 * HEADER_BYTES)
        if (p[HEADER_BYTES - 1] | p[2 * HEADER_BYTES - 1] | p[3 * HEADER_BYTES - 1] |
            p[4 * HEADER_BYTES - 1])
            return false;
    for (; end - p >= HEADER_BYTES; p += HEADER_BYTES)
        if (p[HEADER_BYTES - 1])
            return false;
    return true;
}

/* What follows p, which is not a header: zeros up to the next one.  Most often that
 * is at the next page, behind a file whose pages can be mapped: then what lies
 * between needs no more than a few looks. */
static const char *skip_to_header(const char *base, const char *p, const char *end)
{
    const char *page = base + page_up((size_t)(p - base));
    bool there = page <= end && (page == end || header_at(page, end));

    return there && no_header_in(p, page) ? page : skip_zeros(p, end);
}

/* Where the first zero of the name is; room if there is none. */
static size_t name_length(const char *name, size_t room, const char *end)
{
    size_t n = 0;

    for (; n < room && end - name - n >= 8; n += 8) {
        uint64_t word = *(const word_t *)(name + n);
        uint64_t zero = (word - EACH_BYTE(1)) & ~word & EACH_BYTE(0x80);

        if (zero) {
            n += (unsigned)__builtin_ctzll(zero) / 8;
            return n < room ? n : room;
        }
    }
    return n < room ? n + strnlen(name + n, room - n) : room;
}

static bool read_mode(struct cpio_reader *r, const char *p, uint32_t *mode)
{
    uint64_t text = *(const word_t *)p;

    if (text != r->mode_text) {
        if (!hex8(p, &r->mode))
            return false;
        r->mode_text = text;
    }
    *mode = r->mode;
    return true;
}

void cpio_open(struct cpio_reader *r, const char *image, size_t bytes)
{
    r->base = r->at = image;
    r->end = image + bytes;
    r->mode_text = 0;
    r->mode = 0;
    r->trailers = 0;
}

int cpio_next(struct cpio_reader *r, struct cpio_entry *e)
{
    uint32_t size, name_size;
    size_t room;

    for (;;) {
        const char *h = r->at;

        if (!header_at(h, r->end)) {
            h = skip_to_header(r->base, h, r->end);
            if (h == r->end)
                return 0;
            h = r->base + ((size_t)(h - r->base) & ~3ul); /* headers start at multiples of four */
        }
        room = (size_t)(r->end - h);
        if (!header_at(h, r->end) || h[4] != '0' || (h[5] != '1' && h[5] != '2') ||
            !read_mode(r, h + AT_MODE, &e->mode) || !hex8(h + AT_SIZE, &size) ||
            !hex8(h + AT_NAMESIZE, &name_size) || name_size == 0 || name_size > room - HEADER_BYTES)
            return -EINVAL;
        e->header = h;
        e->name = h + HEADER_BYTES;
        e->name_len = name_length(e->name, name_size, r->end);
        e->data = align4(r->base, e->name + name_size);
        if (e->name_len == name_size || e->data > r->end || size > (size_t)(r->end - e->data))
            return -EINVAL;
        e->size = size;
        e->next = e->data + size;
        r->at = align4(r->base, e->next);
        if (r->at > r->end)
            r->at = r->end;
        if (!header_at(r->at, r->end)) {
            const char *p = skip_to_header(r->base, e->next, r->end);

            if (p >= r->at)
                e->next = r->at = p;
            /* else the padding is not zero, which is no matter */
        }
        if (e->name_len != 10 || memcmp(e->name, "TRAILER!!!", 10) != 0)
            return 1;
        r->trailers++;
    }
}

bool cpio_is_symlink(const struct cpio_entry *e)
{
    return S_ISLNK(e->mode) && e->size > 0 && e->size < PATH_MAX;
}

bool cpio_run_at(const struct cpio_reader *r, const struct cpio_entry *e, struct cpio_run *run)
{
    size_t room = (size_t)(e->data - e->name);
    struct {
        char magic[8];
        uint32_t n, bytes;
    } mark; /* at the end of the name's field */

    if (!cpio_is_symlink(e) || room < e->name_len + sizeof(mark))
        return false;
    __builtin_memcpy(&mark, e->data - sizeof(mark), sizeof(mark));
    if (memcmp(mark.magic, "\0symruns", sizeof(mark.magic)) != 0 || mark.bytes % 4 != 0 ||
        mark.bytes < HEADER_BYTES || mark.n == 0 || mark.n > RUN_MAX ||
        mark.bytes > (size_t)(r->end - e->header) / mark.n)
        return false;
    *run = (struct cpio_run){ e->header, mark.n, mark.bytes, 0 };
    return true;
}

void cpio_skip_run(struct cpio_reader *r, const struct cpio_run *run)
{
    r->at = run->first + (size_t)run->n * run->bytes;
}

static uint32_t number(const char *p)
{
    uint32_t n = 0;

    return hex8(p, &n) ? n : 0;
}

/* As the kernel's ABI encodes device numbers in 32 bits. */
static uint32_t device(uint32_t major, uint32_t minor)
{
    return (minor & 0xff) | (major & 0xfff) << 8 | (minor & 0xfff00) << 12;
}

void cpio_attributes(const char *h, struct cpio_attributes *a)
{
    a->uid = number(h + AT_UID);
    a->gid = number(h + AT_GID);
    a->nlink = number(h + AT_NLINK);
    a->mtime = number(h + AT_MTIME);
}

void cpio_identity(const char *h, struct cpio_identity *a)
{
    a->ino = number(h + AT_INO);
    a->dev = device(number(h + AT_DEVMAJOR), number(h + AT_DEVMINOR));
    a->rdev = device(number(h + AT_RDEVMAJOR), number(h + AT_RDEVMINOR));
}
