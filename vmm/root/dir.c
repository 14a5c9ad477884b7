/* dir.c - a root image out of a directory of the host.
 *
 * Each file is opened by its name in a directory that is open, without following a symlink, so
 * nothing outside of the tree is reached, whoever changes it meanwhile.  Other file systems that are
 * mounted in it are not entered.  A file's data is mapped, private, at its place in one range of
 * addresses that was found free: to map over a reservation takes half as long again.  So start-up time
 * goes with the number of files.  A process may have 65,530 mappings: beyond
 * MAPPED_FIRST of them small files are read, beyond MAPPED_MOST all are. */
#include "vmm/root/image.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "shared/root_index.h"
#include "vmm/gmem.h"
#include "vmm/root/dir_xattrs.h"
#include "vmm/root/tree.h"
#include "vmm/say.h"

#define RESERVE_MAX  (256ull << 30)
#define RESERVE_MIN  (1ull << 30)
#define DEPTH_MAX    200 /* directories open at once */
#define MAPPED_FIRST 30000u
#define MAPPED_MOST  60000u
#define SMALL_FILE   (64u << 10)

struct known { /* a file with several names */
    uint64_t dev, ino;
    uint32_t node;
};

struct scan {
    struct root_tree *tree;
    const char *path;
    uint8_t *base;
    uint64_t room, used;
    unsigned mapped, unreadable, acls;
    struct root_file *file; /* those that are mapped; inode: their node */
    uint32_t files_room;
    dev_t dev;
    int home;     /* of dir_xattrs */
    bool is_root; /* owners are as they are */
    uid_t uid;
    gid_t gid;
    struct known *known;
    size_t nknown, known_room; /* a power of two; at most half full */
};

static bool refuse(const struct scan *s, const char *name, const char *why)
{
    say("--root %s: %s%s%s", s->path, name, *name != '\0' ? ": " : "", why);
    return false;
}

/* --- hard links -------------------------------------------------------------------------- */

static struct known *known_at(const struct scan *s, uint64_t dev, uint64_t ino)
{
    uint64_t h = (ino * 0x9e3779b97f4a7c15u) ^ dev;
    for (h ^= h >> 29;; h++) {
        struct known *k = &s->known[h & (s->known_room - 1)];
        if (k->node == 0 || (k->dev == dev && k->ino == ino))
            return k;
    }
}

static bool more_known(struct scan *s)
{
    struct known *old = s->known;
    size_t n = s->known_room;
    if (n > 0 && s->nknown * 2 < n)
        return true;
    s->known_room = n > 0 ? n * 2 : 256;
    s->known = calloc(s->known_room, sizeof(*s->known));
    if (s->known == NULL) {
        s->known = old;
        s->known_room = n;
        return refuse(s, "", "out of memory");
    }
    for (size_t i = 0; i < n; i++)
        if (old[i].node != 0)
            *known_at(s, old[i].dev, old[i].ino) = old[i];
    free(old);
    return true;
}

/* --- one file ---------------------------------------------------------------------------- */

static struct root_attributes attributes(const struct scan *s, const struct stat *st)
{
    unsigned major = major(st->st_rdev), minor = minor(st->st_rdev);
    struct root_attributes a = {
        .mode = st->st_mode,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .rdev = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12,
        .mtime = st->st_mtim.tv_sec,
        .mtime_ns = (uint32_t)st->st_mtim.tv_nsec,
    };
    if (!s->is_root) { /* who packs is root inside */
        a.uid = st->st_uid == s->uid ? 0 : a.uid;
        a.gid = st->st_gid == s->gid ? 0 : a.gid;
    }
    return a;
}

static bool read_data(int fd, uint8_t *to, uint64_t n, uint64_t *got)
{
    for (*got = 0; *got < n;) {
        ssize_t r = pread(fd, to + *got, n - *got, (off_t)*got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return false;
        if (r == 0)
            break;
        *got += (uint64_t)r;
    }
    return true;
}

/* Pages of the range, from a file (-1: none).  NULL: see errno. */
static uint8_t *map_next(struct scan *s, uint64_t bytes, int fd)
{
    int flags = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED_NOREPLACE | (fd < 0 ? MAP_ANONYMOUS : 0);
    uint8_t *to = s->base + s->used;
    if (bytes > s->room - s->used) {
        errno = EFBIG;
        return NULL;
    }
    void *at = mmap(to, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (at != MAP_FAILED && at != to) { /* Linux before 4.17: only a hint */
        munmap(at, bytes);
        errno = EEXIST;
        at = MAP_FAILED;
    }
    if (at == MAP_FAILED)
        return NULL;
    s->used += bytes;
    return to;
}

static bool note_mapped(struct scan *s, uint64_t page, uint64_t pages, uint32_t node)
{
    if (s->mapped == s->files_room) {
        s->files_room = s->files_room != 0 ? s->files_room * 2 : 256;
        void *more = realloc(s->file, s->files_room * sizeof(*s->file));
        if (more == NULL)
            return false;
        s->file = more;
    }
    s->file[s->mapped++] = (struct root_file){ page, (uint32_t)pages, node };
    return true;
}

/* The file's data at the range's next free page. */
static bool place_data(struct scan *s, uint32_t node, int fd, const char *name, uint64_t size)
{
    uint64_t at = s->used, bytes = (size + GMEM_PAGE - 1) & ~(GMEM_PAGE - 1);
    if (size > s->room)
        return refuse(s, name, "the tree is larger than what can be mapped");
    if ((s->mapped < MAPPED_FIRST || (size > SMALL_FILE && s->mapped < MAPPED_MOST)) &&
        map_next(s, bytes, fd) != NULL) {
        if (!note_mapped(s, at / GMEM_PAGE, bytes / GMEM_PAGE, node))
            return refuse(s, name, "out of memory");
    } else {
        uint8_t *to = map_next(s, bytes, -1);
        if (to == NULL || !read_data(fd, to, size, &size))
            return refuse(s, name, strerror(errno));
    }
    root_tree_set_data(s->tree, node, at / GMEM_PAGE, size);
    return true;
}

/* The name's node.  *is_new: false if the file has one already, by another of its names. */
static uint32_t add_name(struct scan *s, uint32_t dir, const char *name, const struct stat *st,
                         const struct root_attributes *a, bool *is_new)
{
    struct known *k = NULL;
    *is_new = true;
    if (st->st_nlink > 1) {
        if (!more_known(s))
            return ROOT_NODE_NONE;
        k = known_at(s, st->st_dev, st->st_ino);
        *is_new = k->node == 0;
        if (!*is_new)
            return root_tree_link(s->tree, dir, name, strlen(name), k->node);
    }
    uint32_t node = root_tree_add(s->tree, dir, name, strlen(name), a);
    if (k != NULL && node != ROOT_NODE_NONE) {
        *k = (struct known){ st->st_dev, st->st_ino, node };
        s->nknown++;
    }
    return node;
}

static bool add_xattrs(struct scan *s, uint32_t node, int fd, const char *name,
                       struct root_attributes a)
{
    return dir_xattrs(s->tree, node, s->home, fd, name, a, &s->acls) ||
           (root_tree_wrong(s->tree) == NULL &&
            refuse(s, name, "has too many extended attributes"));
}

static bool add_regular(struct scan *s, uint32_t dir, const char *name, int fd,
                        const struct stat *st)
{
    struct root_attributes a = attributes(s, st);
    bool is_new;
    uint32_t node = add_name(s, dir, name, st, &a, &is_new);
    if (node == ROOT_NODE_NONE || !is_new)
        return node != ROOT_NODE_NONE;
    return add_xattrs(s, node, fd, "", a) &&
           (st->st_size == 0 || place_data(s, node, fd, name, (uint64_t)st->st_size));
}

/* A symlink, a device, a FIFO or a socket: never opened. */
static bool add_other(struct scan *s, uint32_t dir, int dirfd, const char *name,
                      const struct stat *st)
{
    char text[ROOT_LINK_MAX + 1];
    struct root_attributes a = attributes(s, st);
    bool is_new;
    uint32_t node = add_name(s, dir, name, st, &a, &is_new);
    if (node == ROOT_NODE_NONE || !is_new)
        return node != ROOT_NODE_NONE;
    if (!add_xattrs(s, node, dirfd, name, a))
        return false;
    if (!S_ISLNK(st->st_mode))
        return true;
    ssize_t n = readlinkat(dirfd, name, text, sizeof(text));
    if (n <= 0 || !root_tree_set_text(s->tree, node, text, (size_t)n))
        return refuse(s, name, n < 0 ? strerror(errno) : "a symlink of no or too many bytes");
    return true;
}

/* --- directories ------------------------------------------------------------------------- */

static bool add_dir(struct scan *s, uint32_t node, int fd, unsigned depth);

static bool add_subdir(struct scan *s, uint32_t dir, const char *name, int fd,
                       const struct stat *st, unsigned depth)
{
    struct root_attributes a = attributes(s, st);
    uint32_t node = root_tree_add(s->tree, dir, name, strlen(name), &a);
    if (node == ROOT_NODE_NONE) {
        close(fd);
        return false;
    }
    if (!add_xattrs(s, node, fd, "", a)) {
        close(fd);
        return false;
    }
    if (st->st_dev != s->dev) { /* mounted there: empty, as without it */
        close(fd);
        return true;
    }
    if (depth == DEPTH_MAX) {
        close(fd);
        return refuse(s, name, "directories lie too deep");
    }
    return add_dir(s, node, fd, depth + 1);
}

/* Opened if it is a file or directory; that can fail where the file is not ours. */
static bool add_entry(struct scan *s, uint32_t dir, int dirfd, const struct dirent *e,
                      unsigned depth)
{
    struct stat st;
    int fd = -1;
    if (e->d_type == DT_REG || e->d_type == DT_DIR || e->d_type == DT_UNKNOWN)
        fd = openat(dirfd, e->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    int err = fd >= 0 ? fstat(fd, &st) : fstatat(dirfd, e->d_name, &st, AT_SYMLINK_NOFOLLOW);
    if (err != 0) {
        if (fd >= 0)
            close(fd);
        return errno == ENOENT || refuse(s, e->d_name, strerror(errno)); /* just removed */
    }
    if (fd >= 0 && S_ISDIR(st.st_mode))
        return add_subdir(s, dir, e->d_name, fd, &st, depth);
    bool ok = true;
    if (fd >= 0 && S_ISREG(st.st_mode))
        ok = add_regular(s, dir, e->d_name, fd, &st);
    else if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        s->unreadable++;
    else
        ok = add_other(s, dir, dirfd, e->d_name, &st);
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool add_dir(struct scan *s, uint32_t node, int fd, unsigned depth)
{
    DIR *d = fdopendir(fd);
    struct dirent *e;
    bool ok = true;
    if (d == NULL) {
        close(fd);
        return refuse(s, "", strerror(errno));
    }
    while (ok && (e = readdir(d)) != NULL)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            ok = add_entry(s, node, dirfd(d), e, depth);
    closedir(d);
    return ok;
}

static bool scan(struct scan *s)
{
    struct stat st;
    int fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) {
        refuse(s, "", strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    struct root_attributes a = attributes(s, &st);
    root_tree_set(s->tree, ROOT_NODE_TOP, &a);
    s->dev = st.st_dev;
    s->home = dir_xattrs_begin();
    bool ok = add_xattrs(s, ROOT_NODE_TOP, fd, "", a) && add_dir(s, ROOT_NODE_TOP, fd, 0);
    dir_xattrs_end(s->home);
    if (!ok && root_tree_wrong(s->tree) != NULL)
        refuse(s, "", root_tree_wrong(s->tree));
    return ok;
}

/* --- the image --------------------------------------------------------------------------- */

static bool find_range(struct scan *s)
{
    for (s->room = RESERVE_MAX; s->room >= RESERVE_MIN; s->room /= 2) {
        void *at =
            mmap(NULL, s->room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at != MAP_FAILED) {
            s->base = at;
            return munmap(at, s->room) == 0;
        }
    }
    return refuse(s, "", strerror(errno));
}

static bool add_index(struct scan *s, struct root_image *im)
{
    size_t n = root_tree_index_bytes(s->tree);
    uint64_t data = s->used, bytes = (n + GMEM_PAGE - 1) & ~(GMEM_PAGE - 1);
    uint8_t *index = n != 0 ? map_next(s, bytes, -1) : NULL;
    if (index == NULL)
        return refuse(s, "", n == 0 ? "out of memory" : strerror(errno));
    root_tree_index_write(s->tree, data / GMEM_PAGE, index);
    *im = (struct root_image){ .at = s->base, .bytes = s->used, .data = data, .name = s->path };
    for (unsigned i = 0; i < s->mapped; i++)
        s->file[i].inode = root_tree_number(s->tree, s->file[i].inode);
    im->file = s->file;
    im->nfiles = s->mapped;
    s->file = NULL;
    madvise(s->base, s->used, MADV_DONTDUMP);
    return true;
}

bool root_image_of_dir(struct root_image *im, const char *path)
{
    struct scan s = { .path = path, .uid = geteuid(), .gid = getegid() };
    s.is_root = s.uid == 0;
    if (!find_range(&s))
        return false;
    s.tree = root_tree_new();
    bool ok = s.tree != NULL ? scan(&s) && add_index(&s, im) : refuse(&s, "", "out of memory");
    if (!ok && s.used > 0)
        munmap(s.base, s.used);
    else if (s.unreadable > 0)
        say_note("--root %s: %u files that this user may not read are left out", path,
                 s.unreadable);
    if (ok && s.acls > 0)
        say_note("--root %s: %u ACLs are left out, and with them what only they gave", path,
                 s.acls);
    root_tree_free(s.tree);
    free(s.known);
    free(s.file);
    return ok;
}
