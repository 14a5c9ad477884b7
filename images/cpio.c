/* cpio.c - the newc writer behind cpio.h.
 *
 * An entry is a header of 110 ASCII bytes, the name with its NUL, zeros to a
 * multiple of 4, the data, zeros to a multiple of 4.  Two things that readers
 * of an initramfs accept make room for alignment: c_namesize may count more
 * NULs than one, and zeros may stand between entries (the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst: an archive may
 * lack its trailer, and zeros may follow an archive).  So data is pushed to a
 * page boundary by NULs after its name, and the rest of its last page is zeros
 * in front of the next header. */
#include "images/cpio.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define PAGE_SIZE   4096
#define HEADER_SIZE 110

struct cpio {
    FILE    *out;
    uint64_t pos;       /* bytes written so far */
    uint32_t next_ino;
};

static uint64_t align_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

static int put(struct cpio *c, const void *data, size_t len)
{
    errno = 0;
    if (len != 0 && fwrite(data, 1, len, c->out) != len)
        return errno != 0 ? -errno : -EIO;
    c->pos += len;
    return 0;
}

static int put_zeros_to(struct cpio *c, uint64_t pos)
{
    static const char zeros[PAGE_SIZE];
    int err = 0;

    while (err == 0 && c->pos < pos) {
        uint64_t left = pos - c->pos;
        err = put(c, zeros, left < PAGE_SIZE ? left : PAGE_SIZE);
    }
    return err;
}

static int put_header(struct cpio *c, const struct stat *st, size_t len, size_t namesize)
{
    char header[HEADER_SIZE + 1];
    unsigned nlink = S_ISDIR(st->st_mode) ? 2 : 1;
    unsigned mtime = st->st_mtime > 0 ? (unsigned)st->st_mtime : 0;

    snprintf(header, sizeof(header),
             "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
             c->next_ino++, (unsigned)st->st_mode, (unsigned)st->st_uid, (unsigned)st->st_gid,
             nlink, mtime, len, 0u, 0u, major(st->st_rdev), minor(st->st_rdev), namesize, 0u);
    return put(c, header, HEADER_SIZE);
}

static const char *relative(const char *path)
{
    for (;;) {
        if (path[0] == '/')
            path++;
        else if (path[0] == '.' && path[1] == '/')
            path += 2;
        else
            return path;
    }
}

struct cpio *cpio_open(FILE *out)
{
    struct cpio *c = calloc(1, sizeof(*c));

    if (c != NULL) {
        c->out = out;
        c->next_ino = 1;
    }
    return c;
}

int cpio_entry(struct cpio *c, const char *path, const struct stat *st, const void *data,
               size_t len)
{
    int err = 0;

    path = relative(path);
    size_t namesize = strlen(path) + 1;
    bool aligned = S_ISREG(st->st_mode) && len >= CPIO_ALIGN_MIN &&
                   HEADER_SIZE + namesize <= PAGE_SIZE;
    if (namesize == 1)
        return -EINVAL;
    if (namesize > PATH_MAX)
        return -ENAMETOOLONG;
    if (len > UINT32_MAX)
        return -EFBIG;

    /* A name may not be longer than PATH_MAX with its NULs; from the start of
     * a page on it never has to be. */
    uint64_t data_at = align_up(c->pos + HEADER_SIZE + namesize, aligned ? PAGE_SIZE : 4);
    if (aligned && data_at - c->pos - HEADER_SIZE > PATH_MAX) {
        err = put_zeros_to(c, align_up(c->pos, PAGE_SIZE));
        data_at = align_up(c->pos + HEADER_SIZE + namesize, PAGE_SIZE);
    }
    uint64_t name_end = c->pos + HEADER_SIZE + namesize;
    if (aligned)
        name_end = data_at;
    if (err == 0)
        err = put_header(c, st, len, name_end - c->pos - HEADER_SIZE);
    if (err == 0)
        err = put(c, path, namesize);
    if (err == 0)
        err = put_zeros_to(c, data_at);
    if (err == 0)
        err = put(c, data, len);
    if (err == 0)
        err = put_zeros_to(c, align_up(c->pos, aligned ? PAGE_SIZE : 4));
    return err;
}

int cpio_close(struct cpio *c)
{
    struct stat none = { 0 };
    int err = cpio_entry(c, "TRAILER!!!", &none, NULL, 0);

    if (err == 0)
        err = put_zeros_to(c, align_up(c->pos, PAGE_SIZE));
    errno = 0;
    if (err == 0 && fflush(c->out) != 0)
        err = errno != 0 ? -errno : -EIO;
    free(c);
    return err;
}
