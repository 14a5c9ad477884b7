/* mount.c - mounts: which file system covers which directory.
 * A mount holds its parent mount and the covered dentry; each path into it
 * holds the mount.  So one with no reference but that of the list is not in
 * use.  With the last mount of a file system all its names and files go.
 * dentry.mounted only hints that some mount covers a dentry; the list says which
 * one does so seen from a given mount (a bind mount shows the same dentries). */
#include "fs/mount.h"
#include "fs/dentry.h"
#include "fs/devfs.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "fs/tmpfs.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "procfs/procfs.h"
#include "sched/task.h"

struct list mounts = LIST_INIT(mounts);
struct mount *root_mount;
static uint32_t last_id = 19;      /* [fs_tree] as mountinfo numbers them */
static struct superblock *proc_sb; /* [fs_tree] the only instance, once there */

void mount_get(struct mount *m) { __atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED); }

static void sb_put(struct superblock *sb)
{
    if (__atomic_sub_fetch(&sb->refs, 1, __ATOMIC_ACQ_REL) != 0 || sb->permanent)
        return;
    dentry_free_tree(sb->root);
    kfree(sb);
}

void mount_put(struct mount *m)
{
    if (__atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    dentry_put(m->root);
    sb_put(m->sb);
    kfree(m);
}

struct mount *mount_on(const struct mount *parent, const struct dentry *d)
{
    struct mount *m;

    list_for_each(m, &mounts, link)
        if (m->on == d && m->parent == parent)
            return m;
    return NULL;
}

int mount_add(struct superblock *sb, struct dentry *root, const struct path *on, uint32_t flags,
              const char *source)
{
    struct mount *m = kzalloc(sizeof(*m));

    if (!m)
        return -ENOMEM;
    m->sb = sb;
    m->root = root;
    m->flags = flags;
    m->refs = 1;
    m->id = ++last_id;
    strlcpy(m->source, source, sizeof(m->source));
    dentry_get(root);
    __atomic_add_fetch(&sb->refs, 1, __ATOMIC_RELAXED);
    list_push_back(&mounts, &m->link);
    if (on) {
        path_get(on);
        m->parent = on->mnt;
        m->on = on->dentry;
        m->on->mounted = m;
    } else {
        root_mount = m;
    }
    return 0;
}

/* m covers nothing any more; nobody new finds it. */
static void detach(struct mount *m)
{
    struct path on = { m->parent, m->on };
    struct mount *other;

    list_remove(&m->link);
    on.dentry->mounted = NULL;
    list_for_each(other, &mounts, link)
        if (other->on == on.dentry)
            on.dentry->mounted = other;
    spin_lock(&names_lock);
    m->parent = NULL;
    m->on = NULL;
    spin_unlock(&names_lock);
    path_put(&on);
    mount_put(m);
}

static struct mount *child_of(const struct mount *m)
{
    struct mount *c;

    list_for_each(c, &mounts, link)
        if (c->parent == m)
            return c;
    return NULL;
}

/* The caller has a reference to m.  Lazily: all mounts below it go, too; the
 * files in use stay until they are closed. */
int mount_remove(struct mount *m, bool lazy)
{
    struct mount *below, *c;

    if (m == root_mount)
        return -EBUSY;
    if (!m->parent)
        return -EINVAL;
    if (!lazy && __atomic_load_n(&m->refs, __ATOMIC_RELAXED) > 2)
        return -EBUSY;
    while ((below = child_of(m)) != NULL) { /* the deepest first */
        while ((c = child_of(below)) != NULL)
            below = c;
        detach(below);
    }
    detach(m);
    return 0;
}

uint64_t mounted_pages(void)
{
    struct mount *m, *other;
    uint64_t pages = 0;

    mutex_lock(&fs_tree);
    list_for_each(m, &mounts, link) {
        list_for_each(other, &mounts, link)
            if (other->sb == m->sb)
                break;
        pages += other == m ? m->sb->pages : 0;
    }
    mutex_unlock(&fs_tree);
    return pages;
}

/* --- file system types --- */

/* "12", "64k", "1m", "50%" of RAM: bytes; false: not a size. */
static bool parse_size(const char *s, uint64_t *bytes)
{
    uint64_t n = 0;

    if (*s < '0' || *s > '9')
        return false;
    for (; *s >= '0' && *s <= '9'; s++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *s - '0', &n))
            return false;
    if (*s == '%') {
        struct frame_counts c;

        frame_count(&c);
        n = c.total * n / 100 * PAGE_SIZE;
        s++;
    } else if (*s) {
        const char *units = "kmg", *u = strchr(units, *s | 0x20);

        if (!u || n >> (54 - 10 * (u - units)))
            return false;
        n <<= 10 * (u - units + 1);
        s++;
    }
    *bytes = n;
    return *s == 0;
}

static bool parse_number(const char *s, unsigned base, uint32_t *out)
{
    uint64_t n = 0;

    if (!*s)
        return false;
    for (; *s; s++) {
        unsigned digit = (unsigned)(*s - '0');

        if (digit >= base)
            return false;
        n = n * base + digit;
        if (n > UINT32_MAX)
            return false;
    }
    *out = (uint32_t)n;
    return true;
}

/* What options say, before anything is done about it. */
struct tmpfs_options {
    uint64_t max_pages;
    uint32_t mode, uid, gid;
};

static int tmpfs_option(struct tmpfs_options *o, const char *key, const char *value)
{
    uint64_t bytes;
    bool ok;

    if (strcmp(key, "size") == 0) {
        ok = parse_size(value, &bytes);
        if (ok)
            o->max_pages = page_up(bytes) >> PAGE_SHIFT;
    } else if (strcmp(key, "nr_blocks") == 0) {
        ok = parse_size(value, &o->max_pages);
    } else if (strcmp(key, "mode") == 0) {
        ok = parse_number(value, 8, &o->mode);
    } else if (strcmp(key, "uid") == 0) {
        ok = parse_number(value, 10, &o->uid);
    } else if (strcmp(key, "gid") == 0) {
        ok = parse_number(value, 10, &o->gid);
    } else {
        ok = strcmp(key, "nr_inodes") == 0 && parse_size(value, &bytes); /* memory is the limit */
    }
    return ok ? 0 : -EINVAL;
}

static int tmpfs_parse(struct tmpfs_options *o, char *data)
{
    while (data && *data) {
        char *next = strchr(data, ','), *value;
        int err;

        if (next)
            *next++ = 0;
        value = strchr(data, '=');
        if (value)
            *value++ = 0;
        err = *data ? tmpfs_option(o, data, value ? value : "") : 0;
        if (err)
            return err;
        data = next;
    }
    return 0;
}

int tmpfs_remount(struct superblock *sb, char *data)
{
    struct tmpfs_options o = { .max_pages = sb->max_pages };
    int err = tmpfs_parse(&o, data);

    if (err)
        return err;
    if (o.max_pages && o.max_pages != sb->max_pages && sb->pages > o.max_pages)
        return -EINVAL;
    sb->max_pages = o.max_pages;
    return 0;
}

uint64_t tmpfs_share(void)
{
    struct frame_counts c;

    frame_count(&c);
    return (c.total - c.image) / 2;
}

static int tmpfs_create_sized(char *data, struct superblock **out)
{
    struct tmpfs_options o = { .max_pages = tmpfs_share(),
                               .mode = 01777,
                               .uid = current->cred.fsuid,
                               .gid = current->cred.fsgid };
    int err = tmpfs_parse(&o, data);

    if (!err)
        err = tmpfs_new("tmpfs", o.mode & 07777, out);
    if (err)
        return err;
    (*out)->max_pages = o.max_pages;
    (*out)->root->inode->uid = o.uid;
    (*out)->root->inode->gid = o.gid;
    return 0;
}

static int proc_get(struct superblock **out)
{
    struct inode *root;
    int err;

    if (!proc_sb) {
        struct superblock *sb;

        err = procfs_mount(&sb, &root);
        if (err)
            return err;
        sb->permanent = true;
        err = dentry_new(NULL, "", 0, root, &sb->root);
        if (err)
            return err;
        proc_sb = sb;
    }
    *out = proc_sb;
    return 0;
}

int fs_type_create(const char *type, char *data, struct superblock **out)
{
    if (strcmp(type, "tmpfs") == 0)
        return tmpfs_create_sized(data, out);
    if (strcmp(type, "ramfs") == 0)
        return tmpfs_new("ramfs", 0755, out);
    if (strcmp(type, "proc") == 0)
        return proc_get(out);
    if (strcmp(type, "devtmpfs") == 0)
        return devfs_get(out);
    return -ENODEV;
}
