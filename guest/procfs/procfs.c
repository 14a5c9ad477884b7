/* procfs.c - /proc as a file system: inodes, directories, open files.
 *
 * Inodes are made when they are looked up, and hold a node (entry, task number,
 * descriptor) and no reference to a task.  A file's text is made by the first
 * read and whenever somebody reads from its beginning, and stays as it is for
 * reads further on; so a reader that takes it in pieces gets one consistent text.
 *
 * No lock is held while a text is copied out but the file's own, and none at all
 * between two calls: whoever reads about a task that is blocked (in vfork, say)
 * keeps nobody from running. */
#include "procfs/procfs.h"
#include "arch/preempt.h"
#include "fs/dentry.h"
#include "fs/dirent.h"
#include "fs/file.h"
#include "fs/fs_type.h"
#include "fs/inode.h"
#include "fs/uio.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/task.h"
#include "procfs/internal.h"
#include <linux/magic.h>

#define FIRST_POS   2u    /* 0 and 1 are "." and ".." */
#define NUMBERS_POS 1024u /* position of number 0 in a directory that has such */

/* --- nodes --------------------------------------------------------------- */

static const struct inode_ops proc_dir_ops, proc_file_iops, proc_link_ops, proc_magic_ops;
static const struct file_ops proc_fops;

static struct proc_node *node_of(struct inode *in) { return in->private; }

static uint64_t node_number(const struct proc_node *n)
{
    uint64_t entry = ((uintptr_t)n->entry >> 3) & 0xfffff;
    return (uint64_t)n->tid << 40 | (uint64_t)(n->fd & 0xfffff) << 20 | entry;
}

static void proc_refresh(struct inode *in)
{
    const struct proc_node *n = node_of(in);
    struct task *t = n->tid ? proc_task(n) : NULL;
    if (t) {
        in->uid = t->cred.euid;
        in->gid = t->cred.egid;
        task_put(t);
    }
}

static void proc_evict(struct inode *in) { kfree(in->private); }

static int node_inode(struct superblock *sb, const struct proc_node *n, struct inode **out)
{
    struct proc_node *own = kmalloc(sizeof *own);
    struct inode *in = own ? inode_alloc(sb, n->entry->mode) : NULL;
    if (!in) {
        kfree(own);
        return -ENOMEM;
    }
    *own = *n;
    in->private = own;
    in->ino = node_number(n);
    in->uid = in->gid = 0;
    if (S_ISDIR(in->mode)) {
        in->nlink = 2;
        in->ops = &proc_dir_ops;
        in->fops = &dir_file_ops;
    } else if (S_ISLNK(in->mode)) {
        in->ops = n->entry->kind == PROC_IS_GOAL ? &proc_magic_ops : &proc_link_ops;
    } else {
        in->ops = &proc_file_iops;
        in->fops = &proc_fops;
    }
    proc_refresh(in);
    *out = in;
    return 0;
}

/* A decimal number without leading zeros, or false. */
static bool parse_number(const char *s, size_t len, uint32_t *out)
{
    uint64_t value = 0;
    if (len == 0 || len > 9 || (len > 1 && *s == '0'))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(s[i] - '0');
    }
    *out = (uint32_t)value;
    return true;
}

static int proc_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    const struct proc_node *n = node_of(dir);
    struct proc_node child = *n;
    uint32_t nr;
    for (const struct proc_entry *e = n->entry->children; e && e->name; e++) {
        if (e->name[0] == name[0] && strncmp(e->name, name, len) == 0 && e->name[len] == 0) {
            child.entry = e;
            return node_inode(dir->sb, &child, out);
        }
    }
    if (!n->entry->number || !parse_number(name, len, &nr))
        return -ENOENT;
    int err = n->entry->number(n, nr, &child);
    return err ? err : node_inode(dir->sb, &child, out);
}

#define WORK_NAME 1200u /* instructions a number, about (arch/preempt.h) */

/* The table's names first, then the numbers in ascending order. */
static int proc_readdir(struct inode *dir, uint64_t *pos, struct dirent_sink *sink)
{
    const struct proc_node *n = node_of(dir);
    const struct proc_entry *e = n->entry->children;
    struct proc_node child = *n;
    uint64_t i = FIRST_POS;
    for (; e && e->name; e++, i++) {
        if (i < *pos)
            continue;
        child.entry = e;
        if (!dirent_emit(sink, e->name, strlen(e->name), node_number(&child), (e->mode >> 12) & 15,
                         i + 1))
            return 0;
        *pos = i + 1;
    }
    if (!n->entry->numbers)
        return 0;
    *pos = MAX(*pos, (uint64_t)NUMBERS_POS);
    uint32_t nr[32];
    unsigned got;
    while ((got = n->entry->numbers(n, (uint32_t)(*pos - NUMBERS_POS), nr, ARRAY_SIZE(nr))) > 0) {
        for (unsigned k = 0; k < got; k++) {
            char text[12];
            int len = ksnprintf(text, sizeof text, "%u", nr[k]);
            child = *n;
            if (n->entry->number(n, nr[k], &child) != 0)
                continue; /* gone since */
            uint64_t after = NUMBERS_POS + nr[k] + 1ull;
            if (!dirent_emit(sink, text, (size_t)len, node_number(&child),
                             (child.entry->mode >> 12) & 15, after))
                return 0;
            *pos = after;
            preempt_work(WORK_NAME);
        }
    }
    return 0;
}

static long proc_readlink(struct inode *in, char *buf, size_t room)
{
    const struct proc_node *n = node_of(in);
    struct proc_goal g = { 0 };
    if (n->entry->kind == PROC_IS_LINK)
        return n->entry->readlink(buf, room);
    long ret = n->entry->goal(n, &g);
    if (ret == 0) {
        ret = goal_name(&g, buf, room);
        goal_put(&g);
    }
    return ret;
}

static int proc_follow(struct inode *in, struct path *out)
{
    const struct proc_node *n = node_of(in);
    struct proc_goal g = { 0 };
    int err = n->entry->goal(n, &g);
    if (err == 0) {
        err = goal_follow(&g, out);
        goal_put(&g);
    }
    return err;
}

static const struct inode_ops proc_dir_ops = {
    .lookup = proc_lookup,
    .readdir = proc_readdir,
    .evict = proc_evict,
    .refresh = proc_refresh,
};
static const struct inode_ops proc_file_iops = { .evict = proc_evict, .refresh = proc_refresh };
static const struct inode_ops proc_link_ops = {
    .readlink = proc_readlink,
    .evict = proc_evict,
    .refresh = proc_refresh,
};
static const struct inode_ops proc_magic_ops = {
    .readlink = proc_readlink,
    .follow = proc_follow,
    .evict = proc_evict,
    .refresh = proc_refresh,
};

/* --- files --------------------------------------------------------------- */

/* Asked at each access: what the task runs, and as whom, may have changed. */
static int check_private(const struct proc_node *n)
{
    if (!(n->entry->flags & PROC_PRIVATE))
        return 0;
    struct task *t = proc_task(n);
    if (!t)
        return -ESRCH;
    bool may = proc_may_look(t);
    task_put(t);
    return may ? 0 : -EACCES;
}

struct open_text {
    struct mutex lock; /* all of it; taken before any other lock */
    bool made;
    struct text text;
};

static int proc_open(struct inode *in, struct file *f)
{
    const struct proc_node *n = node_of(in);
    int err = check_private(n);
    if (err)
        return err;
    if (n->entry->flags & PROC_ADMIN && file_writable(f) && !capable())
        return -EACCES;
    struct open_text *o = kzalloc(sizeof *o);
    if (!o)
        return -ENOMEM;
    mutex_init(&o->lock, LOCK_proc_text);
    f->private = o;
    return 0;
}

static void proc_release(struct file *f)
{
    struct open_text *o = f->private;
    text_clear(&o->text);
    kfree(o);
}

static long proc_read(struct file *f, struct uio *u, uint64_t *pos)
{
    const struct proc_node *n = node_of(f->inode);
    struct open_text *o = f->private;
    long ret = check_private(n);
    if (ret)
        return ret;
    if (n->entry->kind == PROC_IS_MEMORY)
        return n->entry->read(n, u, pos);
    mutex_lock(&o->lock);
    if (!o->made || *pos == 0) {
        text_clear(&o->text);
        ret = proc_make_text(&o->text, n);
        o->made = ret == 0;
    }
    if (ret == 0)
        ret = text_read(&o->text, u, pos);
    mutex_unlock(&o->lock);
    return ret;
}

static long proc_write(struct file *f, struct uio *u, uint64_t *pos)
{
    const struct proc_node *n = node_of(f->inode);
    char line[128];
    int err = check_private(n);
    if (err)
        return err;
    if (n->entry->kind == PROC_IS_MEMORY)
        return n->entry->write ? n->entry->write(n, u, pos) : -EINVAL;
    if (!n->entry->store)
        return -EIO;
    size_t bytes = u->left;
    long got = uio_get(u, line, MIN(bytes, sizeof line - 1));
    if (got < 0)
        return got;
    if ((size_t)got < bytes)
        return -EINVAL;
    line[got] = 0;
    err = proc_store(n, line);
    if (err)
        return err;
    *pos += (uint64_t)got;
    return got;
}

static int proc_mmap(struct file *f __attribute__((unused)), struct vma *v __attribute__((unused)))
{
    return -ENODEV;
}

static const struct file_ops proc_fops = {
    .open = proc_open,
    .read = proc_read,
    .write = proc_write,
    .mmap = proc_mmap,
    .release = proc_release,
};

/* The only instance, once there. */
static struct superblock *proc_sb; /* [fs_tree] */

static int make(struct superblock **out)
{
    struct proc_node n = { .entry = &proc_root_entry };
    struct superblock *sb = sb_create("proc", PROC_SUPER_MAGIC);
    struct inode *root;
    if (!sb)
        return -ENOMEM;
    sb->permanent = true;
    int err = node_inode(sb, &n, &root);
    if (!err) {
        root->ino = 1;
        err = dentry_new(NULL, "", 0, root, &sb->root);
    }
    if (err)
        kfree(sb);
    else
        *out = sb;
    return err;
}

static int get_proc(char *data __attribute__((unused)), struct superblock **out)
{
    int err = proc_sb ? 0 : make(&proc_sb);
    *out = proc_sb;
    return err;
}

void procfs_register(void)
{
    static struct fs_type type = { .name = "proc", .get = get_proc };
    fs_type_register(&type);
}
