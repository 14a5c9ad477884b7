/* devpts.c - the names of pseudo-terminals.
 *
 * On Linux they are in a file system of their own, and there are none until that is mounted.
 * Here they are in devtmpfs's directory as well, so a machine that boots straight into a
 * command has them; a mounted devpts shows the same.  As there, a node is its opener's, of the
 * group tty (5, as every distribution mounts it), for the owner to read and the group to write. */
#include "fs/devpts.h"
#include "fs/dentry.h"
#include "fs/device.h"
#include "fs/fs_type.h"
#include "fs/inode.h"
#include "fs/tmpfs.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "sched/task.h"
#include <linux/magic.h>
#include <linux/major.h>

#define GROUP_TTY 5u
#define PTMX      DEV(TTYAUX_MAJOR, 2)

static struct superblock *own; /* [fs_tree] a mounted devpts; NULL: nobody has asked for it */

static int add_to(struct dentry *dir, const char *name, uint32_t mode, uint32_t rdev, bool mine)
{
    struct new_node n = { .mode = S_IFCHR | mode, .rdev = rdev };
    struct inode *in = tmpfs_inode(dir->inode->sb, &n, dir->inode);
    struct dentry *d;
    if (in == NULL)
        return -ENOMEM;
    in->uid = mine ? current->cred.fsuid : 0;
    in->gid = mine ? GROUP_TTY : 0;
    int err = dentry_new(dir, name, strlen(name), in, &d);
    if (err != 0)
        return err;
    dentry_hang(d);
    dentry_put(d);
    return 0;
}

static void remove_from(struct dentry *dir, const char *name)
{
    struct dentry *d = dentry_peek(dir, name, strlen(name));
    if (d == NULL)
        return;
    d->inode->nlink = 0;
    dentry_drop(d);
}

/* devtmpfs's directory, with a reference; NULL: somebody has removed it. */
static struct dentry *directory(void)
{
    struct superblock *sb;
    struct dentry *d;
    if (fs_type_get("devtmpfs", NULL, &sb) != 0 || dentry_find(sb->root, "pts", 3, &d) != 0)
        return NULL;
    return d;
}

int devpts_add(unsigned n, uint32_t rdev)
{
    char name[12];
    int err = 0;
    ksnprintf(name, sizeof name, "%u", n);
    mutex_lock(&fs_tree);
    struct dentry *dir = directory();
    if (dir != NULL)
        err = add_to(dir, name, 0620, rdev, true);
    if (err == 0 && own != NULL)
        err = add_to(own->root, name, 0620, rdev, true);
    if (err != 0 && dir != NULL)
        remove_from(dir, name);
    if (dir != NULL)
        dentry_put(dir);
    mutex_unlock(&fs_tree);
    return err;
}

void devpts_remove(unsigned n)
{
    char name[12];
    ksnprintf(name, sizeof name, "%u", n);
    mutex_lock(&fs_tree);
    struct dentry *dir = directory();
    if (dir != NULL) {
        remove_from(dir, name);
        dentry_put(dir);
    }
    if (own != NULL)
        remove_from(own->root, name);
    mutex_unlock(&fs_tree);
}

/* What there is already; and ptmx, as on Linux. */
static int fill(struct superblock *sb)
{
    struct dentry *dir = directory(), *d;
    int err = add_to(sb->root, "ptmx", 0666, PTMX, false);
    if (dir == NULL)
        return err;
    list_for_each(d, &dir->by_order, sibling)
        if (err == 0)
            err = add_to(sb->root, d->name, d->inode->mode & 07777, d->inode->rdev, true);
    dentry_put(dir);
    return err;
}

static int get_devpts(char *data __attribute__((unused)), struct superblock **out)
{
    struct superblock *sb;
    int err = 0;
    if (own == NULL) {
        err = tmpfs_new("devpts", 0755, &sb);
        if (err != 0)
            return err;
        sb->permanent = true;
        sb->magic = DEVPTS_SUPER_MAGIC;
        sb->max_pages = 1;
        err = fill(sb);
        own = sb;
    }
    *out = own;
    return err;
}

void devpts_register(void)
{
    static struct fs_type type = { .name = "devpts", .get = get_devpts };
    fs_type_register(&type);
}
