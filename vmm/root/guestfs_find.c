/* guestfs_find.c - see guestfs_find.h. */
#include "vmm/root/guestfs_find.h"

#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX  40
#define DEPTH_MAX  256 /* of a path that is looked up */
#define MOUNTS_MAX 4096

struct step { /* a directory on the way */
    struct guest_file is;
    uint64_t mount;
};

struct finding {
    struct guestfs *fs;
    struct step step[DEPTH_MAX];
    unsigned depth; /* step[depth] is where the path has led */
    unsigned links;
    const char *why;
    const char *name; /* that is looked for */
    size_t len;
    bool found;
    struct guest_file got;
};

static bool give_up(struct finding *f, const char *why)
{
    f->why = why;
    return false;
}

/* The mount on this dentry, seen from a mount; 0: none. */
static uint64_t mount_on(struct guestfs *fs, uint64_t parent, uint64_t dentry, struct view *m)
{
    uint64_t head = fs->layout.mounts, before = head;
    struct fs_list link;
    if (!guestfs_copy(fs, &link, head, sizeof(link)))
        return 0;
    for (unsigned n = 0; n < MOUNTS_MAX && link.next != head; n++) {
        uint64_t node = link.next, at = node - fs->layout.field[FS_mount_link];
        if (!guestfs_get(fs, m, FS_mount, at))
            return 0;
        link = guestfs_list(m, FS_mount_link);
        if (link.prev != before)
            return 0;
        if (guestfs_number(m, FS_mount_on) == dentry &&
            guestfs_number(m, FS_mount_parent) == parent)
            return at;
        before = node;
    }
    return 0;
}

/* The root of a mount, or of what is mounted on that. */
static bool enter_mount(struct finding *f, struct step *s, uint64_t mount, struct view *m)
{
    struct view d, sb;
    for (unsigned n = 0; mount != 0 && n < MOUNTS_MAX; n++) {
        s->mount = mount;
        if (!guestfs_get(f->fs, &sb, FS_superblock, guestfs_number(m, FS_mount_sb)))
            break;
        if (guestfs_number(&sb, FS_superblock_magic) != TMPFS_MAGIC)
            return give_up(f, "is on a file system that has no files in memory");
        if (!guestfs_dentry(f->fs, guestfs_number(m, FS_mount_root), &d, &s->is))
            break;
        mount = s->is.mounted != 0 ? mount_on(f->fs, mount, s->is.dentry, m) : 0;
        if (mount == 0)
            return true;
    }
    return give_up(f, "cannot be found: the guest's mounts are damaged");
}

static bool begin_at_root(struct finding *f)
{
    struct view m;
    uint64_t mount;
    f->depth = 0;
    if (!guestfs_copy(f->fs, &mount, f->fs->layout.root_mount, sizeof(mount)) ||
        !guestfs_get(f->fs, &m, FS_mount, mount))
        return give_up(f, "cannot be found: nothing is mounted");
    return enter_mount(f, &f->step[0], mount, &m);
}

static bool is_it(void *arg, const char *name, const struct guest_file *file)
{
    struct finding *f = arg;
    if (strlen(name) != f->len || memcmp(name, f->name, f->len) != 0)
        return true;
    f->found = true;
    f->got = *file;
    return false;
}

static bool follow_path(struct finding *f, const char *path);

/* One component from step[depth] on. */
static bool take_step(struct finding *f, const char *name, size_t len)
{
    struct step *at = &f->step[f->depth];
    if (len == 1 && *name == '.')
        return true;
    if (len == 2 && memcmp(name, "..", 2) == 0) {
        f->depth -= f->depth > 0;
        return true;
    }
    if (!S_ISDIR(at->is.mode))
        return give_up(f, "is no file of the guest: a part of it is no directory");
    f->found = false;
    f->name = name;
    f->len = len;
    guestfs_names(f->fs, &at->is, is_it, f);
    if (!f->found)
        return give_up(f, "is no file of the guest");
    if (S_ISLNK(f->got.mode)) {
        char text[4096];
        if (++f->links > LINKS_MAX || !guestfs_link(f->fs, &f->got, text))
            return give_up(f, "has too many symlinks on its way");
        return (*text != '/' || begin_at_root(f)) && follow_path(f, text);
    }
    if (f->depth + 1 == DEPTH_MAX)
        return give_up(f, "lies too deep");
    f->step[++f->depth] = (struct step){ f->got, at->mount };
    struct view m;
    uint64_t mount = f->got.mounted != 0 ? mount_on(f->fs, at->mount, f->got.dentry, &m) : 0;
    return mount == 0 || enter_mount(f, &f->step[f->depth], mount, &m);
}

static bool follow_path(struct finding *f, const char *path)
{
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        if (len > 0 && !take_step(f, path, len))
            return false;
        path += len + (path[len] == '/');
    }
    return true;
}

bool guestfs_find(struct guestfs *fs, const char *path, struct guest_file *out, const char **why)
{
    struct finding *f = calloc(1, sizeof(*f));
    *why = "out of memory";
    if (f == NULL)
        return false;
    f->fs = fs;
    bool ok = begin_at_root(f) && follow_path(f, path);
    *out = f->step[f->depth].is;
    *why = f->why;
    free(f);
    return ok;
}
