/* archive.c - see archive.h.  The rules are those of guest/fs/cpio.c and of Linux:
 * headers begin at multiples of four, counted from the start; all thirteen fields are eight
 * hexadecimal digits; a name ends in a NUL.  What either would leave out, or would give
 * up at, is wrong here: a kernel without its files only panics later.
 *
 * Only headers and names are read: of a large archive that is mapped few pages are
 * touched. */
#include "vmm/archive.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define HEADER_BYTES 110
#define PAGE         4096u
#define NAME_PART    255

enum { MODE = 1, FILESIZE = 6, NAMESIZE = 11, FIELDS = 13 };

static bool read_fields(const uint8_t *p, uint32_t *field)
{
    for (unsigned i = 0; i < FIELDS; i++) {
        uint32_t n = 0;
        for (unsigned k = 0; k < 8; k++) {
            uint8_t c = p[6 + 8 * i + k], low = c | 0x20;
            unsigned digit = 16;
            if (c >= '0' && c <= '9')
                digit = c - (unsigned)'0';
            else if (low >= 'a' && low <= 'f')
                digit = low - (unsigned)'a' + 10;
            if (digit == 16)
                return false;
            n = n << 4 | digit;
        }
        field[i] = n;
    }
    return true;
}

static size_t align4(size_t n) { return (n + 3) & ~(size_t)3; }

static size_t skip_zeros(const uint8_t *p, size_t at, size_t end)
{
    uint64_t word;
    while (end - at >= 8 && (memcpy(&word, p + at, 8), word == 0))
        at += 8;
    while (at < end && p[at] == 0)
        at++;
    return at;
}

/* NULL, or what is wrong with a name of len bytes. */
static const char *check_name(const char *name, size_t len)
{
    if (len >= PATH_MAX)
        return "a name is too long";
    while (len > 0) {
        const char *slash = memchr(name, '/', len);
        size_t part = slash != NULL ? (size_t)(slash - name) : len;
        if (part == 2 && memcmp(name, "..", 2) == 0)
            return "a name has '..' in it";
        if (part > NAME_PART)
            return "a name is too long";
        part += slash != NULL;
        name += part;
        len -= part;
    }
    return NULL;
}

static const char *other_format(const uint8_t *p, size_t left)
{
    if (left >= 6 && memcmp(p, "070707", 6) == 0)
        return "an archive in odc format; make it with 'cpio -H newc'";
    if (left >= 2 && (memcmp(p, "\xc7\x71", 2) == 0 || memcmp(p, "\x71\xc7", 2) == 0))
        return "an archive in cpio's old binary format; make it with 'cpio -H newc'";
    if (left >= 262 && memcmp(p + 257, "ustar", 5) == 0)
        return "a tar archive; make it with 'cpio -H newc'";
    return NULL;
}

/* The entry at a->at; false: it is none, or there is something wrong with it. */
static bool look_at_entry(struct archive *a, const uint8_t *image, size_t bytes)
{
    const uint8_t *p = image + a->at;
    size_t left = bytes - a->at;
    uint32_t field[FIELDS];

    if (left < 6 || memcmp(p, "07070", 5) != 0 || (p[5] != '1' && p[5] != '2')) {
        a->wrong =
            left < 6 && memcmp(p, "070701", left) == 0 ? "it is cut off" : other_format(p, left);
        return false;
    }
    if (left < HEADER_BYTES) {
        a->wrong = "it is cut off";
        return false;
    }
    if (a->at % 4 != 0 || !read_fields(p, field) || field[NAMESIZE] == 0) {
        a->wrong = "no valid header";
        return false;
    }
    size_t name_at = a->at + HEADER_BYTES, name_size = field[NAMESIZE], size = field[FILESIZE];
    if (name_size > bytes - name_at || align4(name_at + name_size) > bytes ||
        size > bytes - align4(name_at + name_size)) {
        a->wrong = "it is cut off";
        return false;
    }
    const char *name = (const char *)image + name_at;
    size_t len = strnlen(name, name_size), data_at = align4(name_at + name_size);
    a->wrong = len == name_size ? "a name has no end" : check_name(name, len);
    if (a->wrong == NULL && S_ISLNK(field[MODE]) && (size == 0 || size >= PATH_MAX))
        a->wrong = "a symbolic link leads nowhere";
    if (a->wrong != NULL)
        return false;
    a->open = strcmp(name, "TRAILER!!!") != 0;
    a->entries++;
    if (S_ISREG(field[MODE]))
        a->copied += (data_at % PAGE != 0 ? size + PAGE - 1 : 0) & ~(uint64_t)(PAGE - 1);
    a->at = align4(data_at + size);
    if (a->at > bytes)
        a->at = bytes;
    return true;
}

void archive_look(struct archive *a, const uint8_t *image, size_t bytes)
{
    *a = (struct archive){ .wrong = NULL };
    do {
        a->at = skip_zeros(image, a->at, bytes);
    } while (a->at < bytes && look_at_entry(a, image, bytes));
}
