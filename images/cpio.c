/* cpio.c - the newc writer behind cpio.h.
 *
 * An entry is a header of 110 ASCII bytes, the name with its NUL, zeros to a
 * multiple of 4, the data, zeros to a multiple of 4.  Two things that readers
 * of an initramfs accept make room for alignment: c_namesize may count more
 * NULs than one, and zeros may stand between entries (the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst: an archive may
 * lack its trailer, and zeros may follow an archive).  So data is pushed to a
 * page boundary by NULs after its name, and the rest of its last page is zeros
 * in front of the next header.
 *
 * Symlinks wait for the archive's end and go out directory by directory, sorted.
 * Those of one directory are a run: entries of one length (NULs after the names
 * see to it), so that a reader may skip them at first and find one by bisection.
 * The first entry of a run says how many they are and how long, in the last 16
 * bytes of its name field: behind the name's NUL, where nobody else looks. */
#include "images/cpio.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define PAGE_SIZE   4096
#define HEADER_SIZE 110
#define RUN_TEXT    192 /* longer names and targets would make all entries of a run long */

struct link {
    char *path, *target; /* target "": another entry has taken the name */
    struct stat st;
    size_t number; /* later ones replace earlier ones of the same name */
};

struct cpio {
    FILE *out;
    uint64_t pos; /* bytes written so far */
    uint32_t next_ino;
    struct link *links;
    size_t nlinks, room;
};

static uint64_t align_up(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

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

    snprintf(header, sizeof(header), "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X",
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

static int put_entry(struct cpio *c, const char *path, const struct stat *st, const void *data,
                     size_t len)
{
    int err = 0;
    size_t namesize = strlen(path) + 1;
    bool aligned =
        S_ISREG(st->st_mode) && len >= CPIO_ALIGN_MIN && HEADER_SIZE + namesize <= PAGE_SIZE;

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

/* --- symlinks ----------------------------------------------------------------- */

static int link_add(struct cpio *c, const char *path, const struct stat *st, const char *target,
                    size_t len)
{
    if (c->nlinks == c->room) {
        size_t room = c->room != 0 ? c->room * 2 : 64;
        struct link *more = realloc(c->links, room * sizeof(*more));
        if (more == NULL)
            return -ENOMEM;
        c->links = more;
        c->room = room;
    }
    struct link *l = &c->links[c->nlinks];
    *l = (struct link){ strdup(path), strndup(target, len), *st, c->nlinks };
    c->nlinks++;
    return l->path != NULL && l->target != NULL ? 0 : -ENOMEM;
}

static void links_forget(struct cpio *c, const char *path)
{
    for (size_t i = 0; i < c->nlinks; i++)
        if (strcmp(c->links[i].path, path) == 0)
            c->links[i].target[0] = '\0';
}

static void links_free(struct cpio *c)
{
    for (size_t i = 0; i < c->nlinks; i++) {
        free(c->links[i].path);
        free(c->links[i].target);
    }
    free(c->links);
}

static size_t dir_length(const struct link *l)
{
    const char *slash = strrchr(l->path, '/');

    return slash != NULL ? (size_t)(slash - l->path) + 1 : 0;
}

static int compare_dirs(const struct link *a, const struct link *b)
{
    size_t n = dir_length(a), m = dir_length(b);

    return n != m ? (n < m ? -1 : 1) : memcmp(a->path, b->path, n);
}

/* By directory, by name, the youngest first. */
static int link_order(const void *a, const void *b)
{
    const struct link *p = a, *q = b;
    int order = compare_dirs(p, q);

    if (order == 0)
        order = strcmp(p->path, q->path);
    return order != 0 ? order : p->number > q->number ? -1 : 1;
}

static bool is_youngest(const struct link *first, const struct link *l)
{
    return l->target[0] != '\0' && (l == first || strcmp(l[-1].path, l->path) != 0);
}

static bool in_run(const struct link *l)
{
    return strlen(l->path) < RUN_TEXT && strlen(l->target) < RUN_TEXT;
}

/* Behind a name there are 8 NULs at least: it may be read as words. */
static uint32_t run_entry_length(const struct link *l)
{
    return align_up(HEADER_SIZE + strlen(l->path) + 8 + CPIO_RUN_MARK, 4) +
           align_up(strlen(l->target), 4);
}

/* length: of the entry.  count: the entry is the first of so many, or 0. */
static int put_run_entry(struct cpio *c, const struct link *l, uint32_t length, uint32_t count)
{
    size_t target = strlen(l->target);
    uint64_t end = c->pos + length, data_at = end - align_up(target, 4);
    uint32_t mark[2] = { htole32(count), htole32(length) };
    int err = put_header(c, &l->st, target, data_at - c->pos - HEADER_SIZE);

    if (err == 0)
        err = put(c, l->path, strlen(l->path));
    if (err == 0)
        err = put_zeros_to(c, count != 0 ? data_at - CPIO_RUN_MARK : data_at);
    if (err == 0 && count != 0)
        err = put(c, CPIO_RUN_MAGIC, 8);
    if (err == 0 && count != 0)
        err = put(c, mark, sizeof(mark));
    if (err == 0)
        err = put(c, l->target, target);
    return err != 0 ? err : put_zeros_to(c, end);
}

/* The links of one directory, in order; each name once. */
static int put_dir_links(struct cpio *c, const struct link *l, size_t n)
{
    uint32_t length = 0, count = 0;
    int err = 0;

    for (size_t i = 0; i < n; i++)
        if (in_run(&l[i])) {
            uint32_t own = run_entry_length(&l[i]);
            length = own > length ? own : length;
            count++;
        }
    for (size_t i = 0; i < n && err == 0; i++)
        if (in_run(&l[i])) {
            err = put_run_entry(c, &l[i], length, count);
            count = 0;
        }
    for (size_t i = 0; i < n && err == 0; i++)
        if (!in_run(&l[i]))
            err = put_entry(c, l[i].path, &l[i].st, l[i].target, strlen(l[i].target));
    return err;
}

static int put_links(struct cpio *c)
{
    size_t kept = 0, n;
    int err = 0;

    if (c->nlinks == 0)
        return 0;
    qsort(c->links, c->nlinks, sizeof(*c->links), link_order);
    struct link *young = malloc(c->nlinks * sizeof(*young));
    if (young == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < c->nlinks; i++)
        if (is_youngest(c->links, &c->links[i]))
            young[kept++] = c->links[i];
    for (size_t i = 0; i < kept && err == 0; i += n) {
        for (n = 1; i + n < kept && compare_dirs(&young[i], &young[i + n]) == 0;)
            n++;
        err = put_dir_links(c, &young[i], n);
    }
    free(young);
    return err;
}

/* --- the interface -------------------------------------------------------------- */

int cpio_entry(struct cpio *c, const char *path, const struct stat *st, const void *data,
               size_t len)
{
    path = relative(path);
    if (*path == '\0')
        return -EINVAL;
    if (strlen(path) >= PATH_MAX)
        return -ENAMETOOLONG;
    if (len > UINT32_MAX)
        return -EFBIG;
    if (S_ISLNK(st->st_mode))
        return link_add(c, path, st, data, len);
    links_forget(c, path);
    return put_entry(c, path, st, data, len);
}

int cpio_close(struct cpio *c)
{
    struct stat none = { 0 };
    int err = put_links(c);

    if (err == 0)
        err = put_entry(c, "TRAILER!!!", &none, NULL, 0);
    if (err == 0)
        err = put_zeros_to(c, align_up(c->pos, PAGE_SIZE));
    errno = 0;
    if (err == 0 && fflush(c->out) != 0)
        err = errno != 0 ? -errno : -EIO;
    links_free(c);
    free(c);
    return err;
}
