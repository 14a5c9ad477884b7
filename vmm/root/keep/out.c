/* out.c - `--out`: a file or directory of the guest in the host's tree.
 *
 * Names come from the guest.  Each is made, never opened if it is there, beneath the directory that was made for
 * it, and no symlink is followed.  Files are the caller's; modes keep their nine bits, so nothing is
 * setuid; devices, sockets and FIFOs are left out. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmm/root/keep/keep.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

static int open_beneath(int dir, const char *path, int flags)
{
    struct open_how how = { .flags = (uint64_t)(flags | O_NOFOLLOW | O_CLOEXEC),
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
    return (int)syscall(SYS_openat2, dir, *path != '\0' ? path : ".", &how, sizeof(how));
}

/* The directory that path's last part is in, and that part.  -1: see errno. */
static int open_parent(const struct target *t, const char *path, const char **last)
{
    const char *slash = strrchr(path, '/');
    *last = slash != NULL ? slash + 1 : path;
    char *dir = strndup(path, slash != NULL ? (size_t)(slash - path) : 0);
    int fd = dir != NULL ? open_beneath(t->tree, dir, O_PATH | O_DIRECTORY) : -1;
    free(dir);
    return fd;
}

static bool note_late(struct target *t, const struct entry *e)
{
    if (t->nlate == t->late_room) {
        t->late_room = t->late_room > 0 ? 2 * t->late_room : 64;
        void *more = realloc(t->late, t->late_room * sizeof(*t->late));
        if (more == NULL)
            return target_fail(t, "out of memory");
        t->late = more;
    }
    t->late[t->nlate] = (struct late){ strdup(e->path), e->is };
    return t->late[t->nlate++].path != NULL || target_fail(t, "out of memory");
}

static int make(int dir, const char *name, const struct entry *e, struct target *t)
{
    if (S_ISDIR(e->is.mode))
        return mkdirat(dir, name, 0700);
    if (S_ISLNK(e->is.mode))
        return symlinkat(e->link, dir, name);
    t->fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return t->fd;
}

/* --- the target itself ------------------------------------------------------------------- */

static const struct entry *top_entry; /* for make_top() */

static int make_top(struct target *t) { return make(t->dir, t->temp, top_entry, t); }

static bool begin_top(struct target *t, const struct entry *e)
{
    if (!S_ISREG(e->is.mode) && !S_ISDIR(e->is.mode))
        return target_fail(t, "is neither a file nor a directory");
    if (t->has_temp || (e->is.more & KEEP_HARD_LINK))
        return target_fail(t, "comes twice");
    top_entry = e;
    if (!target_make_temp(t, make_top))
        return target_fail_errno(t, NULL);
    if (!S_ISDIR(e->is.mode))
        return true;
    t->tree = openat(t->dir, t->temp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return t->tree >= 0 ? note_late(t, e) : target_fail_errno(t, NULL);
}

/* --- what is below it -------------------------------------------------------------------- */

static int make_link(const struct target *t, int dir, const char *last, const char *to)
{
    const char *its_last;
    int its = open_parent(t, to, &its_last);
    if (its < 0)
        return -1;
    int ret = linkat(its, its_last, dir, last, 0);
    int err = errno;
    close(its);
    errno = err;
    return ret;
}

bool out_entry(struct target *t, const struct entry *e)
{
    const char *last;
    if (*e->path == '\0')
        return begin_top(t, e);
    if (t->tree < 0)
        return target_fail(t, "is no directory, but has names in it");
    if (!S_ISREG(e->is.mode) && !S_ISDIR(e->is.mode) && !S_ISLNK(e->is.mode)) {
        t->skipping = true;
        t->special++;
        return true;
    }
    int dir = open_parent(t, e->path, &last);
    if (dir < 0)
        return target_fail_errno(t, e->path);
    int ret =
        e->is.more & KEEP_HARD_LINK ? make_link(t, dir, last, e->link) : make(dir, last, e, t);
    int err = errno;
    close(dir);
    errno = err;
    if (ret < 0)
        return target_fail_errno(t, e->path);
    return !S_ISDIR(e->is.mode) || note_late(t, e);
}

bool out_data(struct target *t, struct entry *e, uint64_t offset, const void *at, size_t n)
{
    if (t->fd < 0 || offset < e->at || offset > e->is.size || n > e->is.size - offset)
        return target_fail(t, "%.200s: its data is not where the file is", e->path);
    if (lseek(t->fd, (off_t)offset, SEEK_SET) < 0 || !keep_write(t->fd, at, n))
        return target_fail_errno(t, e->path);
    e->at = offset + n;
    return true;
}

static void times_of(const struct keep_entry *is, struct timespec ts[2])
{
    ts[0] = ts[1] = (struct timespec){ is->mtime, (long)is->mtime_ns };
}

bool out_end_entry(struct target *t, struct entry *e)
{
    struct timespec ts[2];
    if (t->fd < 0)
        return true;
    times_of(&e->is, ts);
    bool ok = ftruncate(t->fd, (off_t)e->is.size) == 0 && fchmod(t->fd, e->is.mode & 0777) == 0;
    futimens(t->fd, ts); /* one that the file system does not know stays now */
    ok = close(t->fd) == 0 && ok;
    t->fd = -1;
    return ok || target_fail_errno(t, e->path);
}

/* The deepest first: afterwards a directory may be closed to us. */
static bool finish_dirs(struct target *t)
{
    struct timespec ts[2];
    while (t->nlate > 0) {
        struct late *l = &t->late[--t->nlate];
        int fd = open_beneath(t->tree, l->path, O_RDONLY | O_DIRECTORY);
        times_of(&l->is, ts);
        if (fd < 0 || futimens(fd, ts) != 0 || fchmod(fd, l->is.mode & 0777) != 0) {
            target_fail_errno(t, l->path);
            free(l->path);
            if (fd >= 0)
                close(fd);
            return false;
        }
        free(l->path);
        close(fd);
    }
    return true;
}

bool out_whole(struct target *t)
{
    if (!t->has_temp)
        return target_fail(t, "has nothing to it");
    if (t->tree >= 0 && !finish_dirs(t))
        return false;
    if (renameat2(t->dir, t->temp, t->dir, t->base, t->tree >= 0 ? RENAME_NOREPLACE : 0) != 0)
        return target_fail_errno(t, NULL);
    t->has_temp = false;
    return true;
}

/* --- the way back ------------------------------------------------------------------------ */

static void empty(int fd, unsigned depth)
{
    DIR *d = fdopendir(fd);
    struct dirent *e;
    if (d == NULL) {
        close(fd);
        return;
    }
    fchmod(dirfd(d), 0700);
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(d), e->d_name, 0) == 0 || depth == 0)
            continue;
        int sub = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub >= 0)
            empty(sub, depth - 1);
        unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
    }
    closedir(d);
}

void out_remove(struct target *t)
{
    if (t->fd >= 0)
        close(t->fd);
    t->fd = -1;
    for (size_t i = 0; i < t->nlate; i++)
        free(t->late[i].path);
    t->nlate = 0;
    if (t->has_temp && t->tree >= 0) {
        empty(t->tree, 1000);
        unlinkat(t->dir, t->temp, AT_REMOVEDIR);
    } else if (t->has_temp) {
        unlinkat(t->dir, t->temp, 0);
    }
    free(t->late);
    t->late = NULL;
}
