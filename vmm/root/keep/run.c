/* run.c - the records that come, one after the other, and what each means to its target. */
#include "vmm/root/keep/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/root/keep/keep.h"

#define EXTENTS_MAX (4u << 20)

struct run {
    struct target *target, *now;
    unsigned n, whole;
    struct entry entry;
    enum { OUTSIDE, HEAD, DATA } state; /* of the entry: none, what it is, what is in it */
    uint32_t bytes;
    uint8_t body[KEEP_RECORD_MAX + 1];
};

static bool read_all(int fd, void *at, size_t n)
{
    while (n > 0) {
        ssize_t got = read(fd, at, n);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        if (got > 0) {
            at = (char *)at + got;
            n -= (size_t)got;
        }
    }
    return true;
}

/* Relative, without "." and "..": nothing that leads anywhere else. */
static bool path_is_good(const char *path)
{
    while (*path != '\0') {
        size_t n = strcspn(path, "/");
        if (n == 0 || n > 255 || (n == 1 && path[0] == '.') ||
            (n == 2 && path[0] == '.' && path[1] == '.') || (path[n] == '/' && path[n + 1] == '\0'))
            return false;
        path += n + (path[n] == '/');
    }
    return true;
}

static void end_target(struct run *r, bool whole)
{
    struct target *t = r->now;
    if (whole && !t->failed && (t->is_tar ? tar_whole(t) : out_whole(t)))
        r->whole++;
    if (t->special > 0)
        fprintf(stderr, "vmm: %s: %llu devices, sockets and FIFOs are left out\n", t->what,
                (unsigned long long)t->special);
    if (t->is_tar)
        tar_free(t);
    else
        out_remove(t);
    t->has_temp = false;
    t->tar = NULL;
    t->special = 0;
    t->ended = true;
    r->now = NULL;
}

/* --- one record -------------------------------------------------------------------------- */

static bool begin(struct run *r)
{
    uint32_t number;
    if (r->now != NULL || r->bytes != sizeof(number))
        return false;
    memcpy(&number, r->body, sizeof(number));
    if (number >= r->n || r->target[number].ended)
        return false;
    r->now = &r->target[number];
    return true;
}

static bool begin_entry(struct run *r)
{
    struct entry *e = &r->entry;
    if (r->bytes < sizeof(e->is))
        return false;
    memcpy(&e->is, r->body, sizeof(e->is));
    size_t len = r->bytes - sizeof(e->is);
    free(e->path);
    free(e->link);
    e->link = NULL;
    e->path = strndup((char *)r->body + sizeof(e->is), len);
    e->nextents = 0;
    e->xattrs.bytes = 0;
    e->at = 0;
    r->now->skipping = false;
    r->state = HEAD;
    return e->path != NULL && strlen(e->path) == len && path_is_good(e->path) &&
           e->is.size <= KEEP_FILE_MAX && e->is.mtime_ns < 1000000000;
}

static bool take_link(struct run *r)
{
    struct entry *e = &r->entry;
    bool hard = e->is.more & KEEP_HARD_LINK;
    if (e->link != NULL || r->bytes == 0)
        return false;
    e->link = strndup((char *)r->body, r->bytes);
    return e->link != NULL && strlen(e->link) == r->bytes &&
           (hard ? path_is_good(e->link) : S_ISLNK(e->is.mode) && r->bytes < 4096);
}

static bool take_extent(struct run *r)
{
    struct entry *e = &r->entry;
    uint64_t range[2];
    if (r->bytes != sizeof(range) || !(e->is.more & KEEP_SPARSE))
        return false;
    memcpy(range, r->body, sizeof(range));
    struct extent *last = e->nextents > 0 ? &e->extent[e->nextents - 1] : NULL;
    if (range[0] > e->is.size || range[1] == 0 || range[1] > e->is.size - range[0] ||
        (last != NULL && range[0] < last->offset + last->bytes))
        return false;
    if (last != NULL && range[0] == last->offset + last->bytes) {
        last->bytes += range[1];
        return true;
    }
    if (e->nextents == e->extents_room) {
        size_t more = e->extents_room > 0 ? 2 * e->extents_room : 64;
        void *at = more <= EXTENTS_MAX ? realloc(e->extent, more * sizeof(*e->extent)) : NULL;
        if (at == NULL)
            return false;
        e->extent = at;
        e->extents_room = more;
    }
    e->extent[e->nextents++] = (struct extent){ range[0], range[1] };
    return true;
}

/* The guest's may be of any name. */
static bool take_xattr(struct run *r)
{
    const char *name = (const char *)r->body;
    size_t len = strnlen(name, r->bytes);
    return len < r->bytes &&
           xattrs_add(&r->entry.xattrs, name, r->body + len + 1, r->bytes - len - 1);
}

/* What it is has come: its data, or its end, follows. */
static bool start_contents(struct run *r)
{
    struct entry *e = &r->entry;
    if (r->state != HEAD)
        return true;
    bool needs_link = (e->is.more & KEEP_HARD_LINK) || S_ISLNK(e->is.mode);
    if (needs_link != (e->link != NULL))
        return false;
    r->state = DATA;
    if (!r->now->failed)
        (void)(r->now->is_tar ? tar_entry(r->now, e) : out_entry(r->now, e));
    return true;
}

static bool take_data(struct run *r)
{
    struct target *t = r->now;
    struct entry *e = &r->entry;
    uint64_t offset;
    if (r->bytes <= sizeof(offset) || !S_ISREG(e->is.mode) || (e->is.more & KEEP_HARD_LINK))
        return false;
    memcpy(&offset, r->body, sizeof(offset));
    const uint8_t *at = r->body + sizeof(offset);
    size_t n = r->bytes - sizeof(offset);
    if (!t->failed && !t->skipping)
        (void)(t->is_tar ? tar_data(t, e, offset, at, n) : out_data(t, e, offset, at, n));
    return true;
}

static bool end_entry(struct run *r)
{
    struct target *t = r->now;
    r->state = OUTSIDE;
    if (!t->failed && !t->skipping)
        (void)(t->is_tar ? tar_end_entry(t, &r->entry) : out_end_entry(t, &r->entry));
    return true;
}

/* False: it is none that can come now. */
static bool take(struct run *r, uint32_t what)
{
    if (what == KEEP_BEGIN)
        return begin(r);
    if (r->now == NULL)
        return false;
    switch (what) {
    case KEEP_ENTRY: return r->state == OUTSIDE && begin_entry(r);
    case KEEP_LINK: return r->state == HEAD && take_link(r);
    case KEEP_XATTR: return r->state == HEAD && take_xattr(r);
    case KEEP_EXTENT: return r->state == HEAD && take_extent(r);
    case KEEP_DATA: return r->state != OUTSIDE && start_contents(r) && take_data(r);
    case KEEP_END: return r->state != OUTSIDE && start_contents(r) && end_entry(r);
    case KEEP_WHOLE:
    case KEEP_TORN:
        if (r->state != OUTSIDE)
            return false;
        end_target(r, what == KEEP_WHOLE);
        return true;
    }
    return false;
}

bool keep_run(int in, struct target *target, unsigned n)
{
    struct run *r = calloc(1, sizeof(*r));
    struct keep_head h;
    bool ok = r != NULL;
    if (!ok)
        return false;
    r->target = target;
    r->n = n;
    while (ok && read_all(in, &h, sizeof(h))) {
        ok = h.bytes <= KEEP_RECORD_MAX && read_all(in, r->body, h.bytes);
        r->bytes = h.bytes;
        if (ok && !take(r, h.what)) {
            fputs("vmm: vmm-root --keep: a record that cannot be\n", stderr);
            ok = false;
        }
    }
    ok = ok && r->whole == n;
    for (unsigned i = 0; i < n; i++) { /* what never was whole */
        r->now = &target[i];
        if (!target[i].ended)
            end_target(r, false);
    }
    free(r->entry.path);
    free(r->entry.link);
    free(r->entry.extent);
    free(r->entry.xattrs.at);
    free(r);
    return ok;
}
