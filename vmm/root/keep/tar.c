/* tar.c - `--save FILE`: a pax tar, with libarchive.  It has a name of its own until it is whole. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/root_index.h"
#include "vmm/root/keep/keep.h"

#define ZEROS (1u << 20)

static la_ssize_t write_some(struct archive *a, void *arg, const void *at, size_t n)
{
    const struct target *t = arg;
    if (keep_write(t->fd, at, n))
        return (la_ssize_t)n;
    archive_set_error(a, errno, "%s", strerror(errno));
    return -1;
}

static int make_file(struct target *t)
{
    return t->fd =
               openat(t->dir, t->temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool tar_begin(struct target *t)
{
    if (!target_make_temp(t, make_file))
        return target_fail_errno(t, NULL);
    t->tar = archive_write_new();
    /* Extended attributes in the form that others know, not in libarchive's own beside it. */
    if (t->tar == NULL || archive_write_set_format_pax(t->tar) != ARCHIVE_OK ||
        archive_write_set_options(t->tar, "xattrheader=SCHILY") != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(t->tar, 1) != ARCHIVE_OK ||
        archive_write_open(t->tar, t, NULL, write_some, NULL) != ARCHIVE_OK)
        return target_fail(t, "out of memory");
    return true;
}

static bool check(struct target *t, int ret)
{
    return ret >= ARCHIVE_WARN || target_fail(t, "%s", archive_error_string(t->tar));
}

static void set_attributes(struct archive_entry *is, const struct entry *e)
{
    archive_entry_set_mode(is, e->is.mode);
    archive_entry_set_uid(is, e->is.uid);
    archive_entry_set_gid(is, e->is.gid);
    archive_entry_set_mtime(is, e->is.mtime, (long)e->is.mtime_ns);
    if (S_ISCHR(e->is.mode) || S_ISBLK(e->is.mode)) {
        archive_entry_set_rdevmajor(is, (e->is.rdev >> 8) & 0xfff);
        archive_entry_set_rdevminor(is, (e->is.rdev & 0xff) | ((e->is.rdev >> 12) & 0xfff00));
    }
    if (e->is.more & KEEP_HARD_LINK)
        archive_entry_set_hardlink(is, e->link);
    else if (S_ISLNK(e->is.mode))
        archive_entry_set_symlink(is, e->link);
    else if (S_ISREG(e->is.mode))
        archive_entry_set_size(is, (int64_t)e->is.size);
    for (size_t i = 0; i < e->nextents; i++)
        archive_entry_sparse_add_entry(is, (int64_t)e->extent[i].offset,
                                       (int64_t)e->extent[i].bytes);
    /* Of a file that is nothing but a hole libarchive wants to hear where the hole ends. */
    if (e->is.more & KEEP_SPARSE && e->nextents == 0)
        archive_entry_sparse_add_entry(is, (int64_t)e->is.size, 0);
}

static void set_xattrs(struct archive_entry *is, const struct xattrs *x)
{
    char name[256];
    for (size_t at = 0; at < x->bytes;) {
        struct root_xattr r;
        memcpy(&r, x->at + at, sizeof(r));
        at += sizeof(r);
        memcpy(name, x->at + at, r.name_len);
        name[r.name_len] = '\0';
        archive_entry_xattr_add_entry(is, name, x->at + at + r.name_len, r.size);
        at += r.name_len + r.size;
    }
}

bool tar_entry(struct target *t, const struct entry *e)
{
    if (*e->path == '\0' && (!S_ISDIR(e->is.mode) || (e->is.more & KEEP_HARD_LINK)))
        return target_fail(t, "its root is no directory");
    struct archive_entry *is = archive_entry_new();
    if (is == NULL)
        return target_fail(t, "out of memory");
    archive_entry_set_pathname(is, *e->path != '\0' ? e->path : "./");
    set_attributes(is, e);
    set_xattrs(is, &e->xattrs);
    bool ok = check(t, archive_write_header(t->tar, is));
    archive_entry_free(is);
    return ok;
}

static bool put(struct target *t, const void *at, size_t n)
{
    la_ssize_t done = archive_write_data(t->tar, at, n);
    return done == (la_ssize_t)n || target_fail(t, "%s", archive_error_string(t->tar));
}

/* Zeros, of which libarchive leaves out what it knows to be a hole. */
static bool fill(struct target *t, struct entry *e, uint64_t to)
{
    static const uint8_t zeros[ZEROS];
    while (e->at < to) {
        uint64_t n = to - e->at < ZEROS ? to - e->at : ZEROS;
        if (!put(t, zeros, (size_t)n))
            return false;
        e->at += n;
    }
    return true;
}

bool tar_data(struct target *t, struct entry *e, uint64_t offset, const void *at, size_t n)
{
    if (offset < e->at || offset > e->is.size || n > e->is.size - offset)
        return target_fail(t, "%.200s: its data is not where the file is", e->path);
    if (!fill(t, e, offset) || !put(t, at, n))
        return false;
    e->at += n;
    return true;
}

bool tar_end_entry(struct target *t, struct entry *e)
{
    if (S_ISREG(e->is.mode) && !(e->is.more & KEEP_HARD_LINK) && !fill(t, e, e->is.size))
        return false;
    return check(t, archive_write_finish_entry(t->tar));
}

bool tar_whole(struct target *t)
{
    if (!check(t, archive_write_close(t->tar)))
        return false;
    int ok = fchmod(t->fd, 0644);
    int closed = close(t->fd);
    t->fd = -1;
    if (ok != 0 || closed != 0 || renameat(t->dir, t->temp, t->dir, t->base) != 0)
        return target_fail_errno(t, NULL);
    t->has_temp = false;
    return true;
}

void tar_free(struct target *t)
{
    if (t->tar != NULL)
        archive_write_free(t->tar);
    if (t->fd >= 0)
        close(t->fd);
    if (t->has_temp)
        unlinkat(t->dir, t->temp, 0);
}
