/* addfiles.c - see addfiles.h.
 *
 * First all that was asked for goes into the archive, then what its programs
 * need and the guest has not: a directory that brings its own libraries keeps
 * them, and so does the tree of --root, whose programs would not run with a part of the host's.
 * A path is taken through the symlinks of what is there, so /lib/x goes into the /usr/lib that
 * /lib may lead to.  Each directory on the way that is not there is an entry,
 * too, before the first thing in it.  Sockets are left out; hard links become
 * files of their own.  Owners and times are the host's. */
#include "vmm/addfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "images/cpio.h"
#include "vmm/libs.h"
#include "vmm/say.h"

struct program {
    char *host, *guest;
    bool named; /* by itself, and not found in a directory */
};

struct pack {
    struct cpio *cpio;
    struct there *there;     /* with all that is in the archive */
    struct program *program; /* dynamically linked ones */
    size_t nprogram;
};

static bool refused(const char *path, int err)
{
    say("--add: %s: %s", path, strerror(err));
    return false;
}

/* host: of a file's data; data: also a symlink's target. */
static bool emit(struct pack *p, const char *guest, const struct stat *st, const char *host,
                 const void *data, size_t len)
{
    if (there_was_added(p->there, guest))
        return true;
    char text[PATH_MAX];
    snprintf(text, sizeof(text), "%.*s", (int)len, S_ISLNK(st->st_mode) ? (const char *)data : "");
    if (!there_add(p->there, guest, st->st_mode, host, S_ISLNK(st->st_mode) ? text : NULL))
        return refused(guest, ENOMEM);
    int err = cpio_entry(p->cpio, guest, st, data, len);
    return err == 0 || refused(guest, -err);
}

/* The directories above a path.  The two that everybody may write to keep
 * their usual mode, others get 0755. */
static bool emit_parents(struct pack *p, const char *guest)
{
    char dir[PATH_MAX];
    for (const char *s = strchr(guest + 1, '/'); s != NULL; s = strchr(s + 1, '/')) {
        snprintf(dir, sizeof(dir), "%.*s", (int)(s - guest), guest);
        bool open_to_all = strcmp(dir, "/tmp") == 0 || strcmp(dir, "/var/tmp") == 0;
        struct stat st = { .st_mode = S_IFDIR | (open_to_all ? 01777 : 0755), .st_nlink = 2 };
        struct there_found f;
        if (!there_find(p->there, dir, THERE_NOFOLLOW, &f))
            return refused(dir, ELOOP);
        if (f.kind == THERE_NOTHING && !emit(p, dir, &st, NULL, NULL, 0))
            return false;
    }
    return true;
}

static bool emit_file(struct pack *p, const char *host, const char *guest, const struct stat *st)
{
    void *data = NULL;
    size_t len = (size_t)st->st_size;
    int fd = open(host, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refused(host, errno);
    if (len > 0)
        data = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (data == MAP_FAILED)
        return refused(host, errno);
    bool ok = emit(p, guest, st, host, data, len);
    if (data != NULL)
        munmap(data, len);
    return ok;
}

static bool remember_program(struct pack *p, const char *host, const char *guest, bool named)
{
    struct program *more = realloc(p->program, (p->nprogram + 1) * sizeof(*more));
    if (more == NULL)
        return refused(host, ENOMEM);
    p->program = more;
    more[p->nprogram] = (struct program){ strdup(host), strdup(guest), named };
    p->nprogram++;
    return more[p->nprogram - 1].host != NULL && more[p->nprogram - 1].guest != NULL;
}

static bool add_tree(struct pack *p, const char *host, const char *guest, bool follow);

static bool add_directory(struct pack *p, const char *host, const char *guest)
{
    DIR *dir = opendir(host);
    struct dirent *e;
    bool ok = true;
    if (dir == NULL)
        return refused(host, errno);
    while (ok && (e = readdir(dir)) != NULL) {
        char h[PATH_MAX], g[PATH_MAX];
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        const char *top = strcmp(guest, "/") == 0 ? "" : guest;
        if (snprintf(h, sizeof(h), "%s/%s", host, e->d_name) >= (int)sizeof(h) ||
            snprintf(g, sizeof(g), "%s/%s", top, e->d_name) >= (int)sizeof(g))
            ok = refused(host, ENAMETOOLONG);
        else
            ok = add_tree(p, h, g, false);
    }
    closedir(dir);
    return ok;
}

/* follow: what the user named himself is meant, even through a symbolic link. */
static bool add_tree(struct pack *p, const char *host, const char *guest, bool follow)
{
    struct stat st;
    char target[PATH_MAX];
    if ((follow ? stat(host, &st) : lstat(host, &st)) != 0)
        return refused(host, errno);
    switch (st.st_mode & S_IFMT) {
    case S_IFREG:
        return emit_file(p, host, guest, &st) && (!(st.st_mode & 0111) || !libs_is_dynamic(host) ||
                                                  remember_program(p, host, guest, follow));
    case S_IFDIR: {
        struct there_found f;
        if (!there_find(p->there, guest, THERE_FOLLOW, &f))
            return refused(guest, ELOOP);
        if (f.kind == THERE_DIRECTORY && strcmp(f.path, guest) != 0) /* through a symlink */
            return add_directory(p, host, f.path);
        return (strcmp(guest, "/") == 0 || emit(p, guest, &st, NULL, NULL, 0)) &&
               add_directory(p, host, guest);
    }
    case S_IFLNK: {
        ssize_t n = readlink(host, target, sizeof(target));
        return n < 0 ? refused(host, errno) : emit(p, guest, &st, NULL, target, (size_t)n);
    }
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO: return emit(p, guest, &st, NULL, NULL, 0);
    }
    if (follow) /* a socket, named by itself */
        say("--add: %s: a socket cannot be added", host);
    return !follow;
}

static bool add_library(void *ctx, const char *host, const char *guest)
{
    struct pack *p = ctx;
    struct stat st;
    struct there_found f;
    if (stat(host, &st) != 0)
        return refused(host, errno);
    if (!there_find(p->there, guest, THERE_FOLLOW, &f))
        return refused(guest, ELOOP);
    return f.kind == THERE_OTHER || (emit_parents(p, f.path) && emit_file(p, host, f.path, &st));
}

/* Absolute, without "//", "/./" and a "/" at the end; ".." stays out. */
static bool clean_path(char *out, size_t room, const char *path)
{
    size_t used = 0;
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        if (len == 2 && memcmp(path, "..", 2) == 0)
            return false;
        if (len > 0 && !(len == 1 && *path == '.')) {
            if (used + len + 2 > room)
                return false;
            out[used++] = '/';
            memcpy(out + used, path, len);
            used += len;
        }
        path += len;
        path += *path == '/';
    }
    if (used == 0)
        out[used++] = '/';
    out[used] = '\0';
    return true;
}

static bool is_directory(const char *host)
{
    struct stat st;
    return stat(host, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Where HOST goes.  An empty GUEST is the root, and without a ':' a path from the root stays what
 * it is, a relative one has no place there but its name.  "/" is the place for a directory's contents, but not for a
 * file. */
static bool choose_guest(char *out, size_t room, const char *host, const char *to)
{
    char path[2 * PATH_MAX];
    const char *name = strrchr(host, '/');
    name = name != NULL ? name + 1 : host;
    size_t len = strlen(to);
    bool into = len == 0 || (to[len - 1] == '/' && (strcmp(to, "/") != 0 || !is_directory(host)));
    if (snprintf(path, sizeof(path), "%s/%s", to, into ? name : "") >= (int)sizeof(path))
        return false;
    return clean_path(out, room, path);
}

static bool add_spec(struct pack *p, const char *spec)
{
    char host[PATH_MAX], guest[PATH_MAX];
    size_t len = strcspn(spec, ":");
    if (len == 0 || len >= sizeof(host)) {
        say("--add '%s': wants HOST or HOST:GUEST", spec);
        return false;
    }
    memcpy(host, spec, len);
    host[len] = '\0';
    while (len > 1 && host[len - 1] == '/')
        host[--len] = '\0';
    const char *to = strchr(spec, ':');
    if (!choose_guest(guest, sizeof(guest), host,
                      to != NULL       ? to + 1
                      : host[0] == '/' ? host
                                       : "")) {
        say("--add '%s': not a path for the guest", spec);
        return false;
    }
    struct there_found f;
    if (!there_find(p->there, guest, THERE_NOFOLLOW, &f))
        return refused(guest, ELOOP);
    return emit_parents(p, f.path) && add_tree(p, host, f.path, true);
}

static void free_pack(struct pack *p)
{
    there_free(p->there);
    for (size_t i = 0; i < p->nprogram; i++) {
        free(p->program[i].host);
        free(p->program[i].guest);
    }
    free(p->program);
}

bool addfiles_pack(const char *const *specs, unsigned n, const struct root_image *root, int *fd,
                   uint64_t *bytes)
{
    struct pack p = { .there = there_new(root) };
    struct stat st;
    *fd = memfd_create("added files", MFD_CLOEXEC);
    int copy = *fd >= 0 ? dup(*fd) : -1;
    FILE *out = copy >= 0 ? fdopen(copy, "w") : NULL;
    if (out == NULL || p.there == NULL || (p.cpio = cpio_open(out)) == NULL)
        return refused("archive", errno);
    bool ok = true;
    for (unsigned i = 0; ok && i < n; i++)
        ok = add_spec(&p, specs[i]);
    for (size_t i = 0; ok && i < p.nprogram; i++)
        ok = libs_walk(p.program[i].host, p.program[i].guest, p.there,
                       p.program[i].named ? LIBS_ALL : LIBS_THOSE_FOUND, add_library, &p);
    int err = cpio_close(p.cpio);
    if (fclose(out) != 0 && err == 0)
        err = -errno;
    free_pack(&p);
    if (ok && (err != 0 || fstat(*fd, &st) != 0))
        return refused("archive", err != 0 ? -err : errno);
    *bytes = ok ? (uint64_t)st.st_size : 0;
    return ok;
}
