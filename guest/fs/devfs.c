/* devfs.c - /dev: a tmpfs that starts with a node for each device that has registered, and
 * with the usual links and directories; some nodes are there from the moment somebody looks for them. */
#include "fs/devfs.h"
#include "fs/dentry.h"
#include "fs/device.h"
#include "fs/fs_type.h"
#include "fs/inode.h"
#include "fs/path.h"
#include "fs/stored.h"
#include "fs/tmpfs.h"
#include "fs/tmpfs_mount.h"
#include "lib/string.h"

static const struct {
    const char *name, *link; /* NULL: a directory */
    uint32_t mode;
} others[] = {
    { "shm", NULL, S_IFDIR | 01777 },
    { "pts", NULL, S_IFDIR | 0755 },
    { "fd", "/proc/self/fd", S_IFLNK | 0777 },
    { "stdin", "/proc/self/fd/0", S_IFLNK | 0777 },
    { "stdout", "/proc/self/fd/1", S_IFLNK | 0777 },
    { "stderr", "/proc/self/fd/2", S_IFLNK | 0777 },
};

/* --- nodes that are made when somebody looks for them ------------------------------------------ */

static struct device_table *later;
/* A bit for each first letter of their names; most that are looked for have others. */
static uint32_t first_letters;
static uint32_t
    made; /* a bit for each, in the list's order, that has been made, and may be gone again */

void devfs_later(struct device_table *t)
{
    t->next = later;
    later = t;
    for (unsigned i = 0; i < t->n; i++)
        first_letters |= 1u << (t->device[i].name[0] & 31);
}

/* The i-th. */
static int make(struct dentry *dir, const struct device *device, unsigned i)
{
    struct new_node n = { .mode = device->mode, .rdev = device->rdev };
    struct inode *in = tmpfs_inode(dir->inode->sb, &n, NULL);
    struct dentry *d;
    int err;

    if (!in)
        return -ENOMEM;
    in->uid = in->gid = 0; /* not of who looks */
    in->atime = in->mtime = in->ctime = dir->inode->ctime;
    err = dentry_new(dir, device->name, strlen(device->name), in, &d);
    if (err)
        return err;
    dentry_hang(d);
    dentry_put(d);
    made |= 1u << i;
    return 0;
}

static inline bool is_named(const struct device *d, const char *name, size_t len)
{
    size_t i = 0;

    while (i < len && d->name[i] == name[i])
        i++;
    return i == len && !d->name[i];
}

static int make_named(struct dentry *dir, uint64_t key __attribute__((unused)), const char *name,
                      size_t len)
{
    unsigned i = 0;

    if (!(first_letters >> (name[0] & 31) & 1))
        return 0;
    for (const struct device_table *t = later; t; t = t->next)
        for (const struct device *d = t->device; d < t->device + t->n; d++, i++)
            if (is_named(d, name, len))
                return made >> i & 1 ? 0 : make(dir, d, i);
    return 0;
}

static int make_all(struct dentry *dir)
{
    unsigned i = 0;

    for (const struct device_table *t = later; t; t = t->next)
        for (const struct device *d = t->device; d < t->device + t->n; d++, i++) {
            int err = made >> i & 1 ? 0 : make(dir, d, i);

            if (err)
                return err;
        }
    dir->stored = NULL;
    return 0;
}

const struct stored_ops devfs_later_ops = { .take = make_named, .take_all = make_all };
static struct stored_names not_yet = { .ops = &devfs_later_ops };

/* --- the others -------------------------------------------------------------------------------- */

static int add(struct path *dir, const char *name, const struct new_node *n)
{
    return tmpfs_create(dir, name, strlen(name), n, NULL);
}

static int fill(struct path *dir)
{
    int err = 0;

    for (const struct device_table *t = devices; t; t = t->next)
        for (const struct device *d = t->device; d < t->device + t->n && !err; d++)
            err = add(dir, d->name, &(struct new_node){ .mode = d->mode, .rdev = d->rdev });
    for (unsigned i = 0; i < ARRAY_SIZE(others) && !err; i++) {
        const char *link = others[i].link;

        err = add(dir, others[i].name,
                  &(struct new_node){ .mode = others[i].mode,
                                      .target = link,
                                      .target_len = link ? strlen(link) : 0 });
    }
    return err;
}

static int get_devtmpfs(char *data __attribute__((unused)), struct superblock **out)
{
    static struct superblock *the_one; /* [fs_tree] */
    struct superblock *sb;
    int err;

    if (!the_one) {
        err = tmpfs_new("devtmpfs", 0755, &sb);
        if (err)
            return err;
        sb->permanent = true;
        sb->max_pages = tmpfs_share();
        err = fill(&(struct path){ NULL, sb->root });
        sb->root->stored = &not_yet;
        the_one = sb;
        if (err)
            return err;
    }
    *out = the_one;
    return 0;
}

void devfs_register(void)
{
    static struct fs_type type = { .name = "devtmpfs", .get = get_devtmpfs };

    fs_type_register(&type);
}
