/* pseudofs.c - texts as files of a file system: inodes, directories, open files.
 *
 * Inodes are made when they are looked up, and hold a node and no reference to what it
 * is about.  A file's text is made by the first
 * read and whenever somebody reads from its beginning, and stays as it is for
 * reads further on; so a reader that takes it in pieces gets one consistent text.
 *
 * No lock is held while a text is copied out but the file's own, and none at all
 * between two calls: whoever reads about a task that is blocked (in vfork, say)
 * keeps nobody from running. */
#include "pseudofs/pseudofs.h"
#include "arch/preempt.h"
#include "fs/dentry.h"
#include "fs/dirent.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/uio.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"

#define FIRST_POS   2u    /* 0 and 1 are "." and ".." */
#define NUMBERS_POS 1024u /* position of number 0 in a directory that has such */
#define WORK_NAME   1200u /* instructions a number, about (arch/preempt.h) */

/* --- nodes --------------------------------------------------------------- */

static const struct inode_ops pfs_dir_ops, pfs_file_iops, pfs_link_ops, pfs_magic_ops;
static const struct file_ops pfs_fops;

static struct pfs_node *node_of(struct inode *in) { return in->private; }
static struct pseudofs *fs_of(struct inode *in)
{
    return container_of(in->sb, struct pseudofs, sb);
}

static uint64_t node_number(const struct pfs_node *n)
{
    uint64_t entry = ((uintptr_t)n->entry >> 3) & 0xfffff;
    return ((uint64_t)n->nr << 40 | (uint64_t)(n->sub & 0xfffff) << 20 | entry) ^
           (n->from >> PAGE_SHIFT << 20);
}

static const struct pfs_numbered *numbered_of(const struct pfs_node *n)
{
    return n->entry->flags & PFS_IS_NAMED ? NULL : n->entry->numbered;
}

static uint32_t subdirs(const struct pfs_node *n)
{
    const struct pfs_numbered *members = numbered_of(n);
    uint32_t dirs = 0, from = 0, nr;
    for (const struct pfs_entry *e = n->entry->children; e && e->name; e++)
        dirs += S_ISDIR(e->mode);
    for (; members && members->numbers(n, from, &nr, 1) == 1; from = nr + 1) {
        struct pfs_node child = *n;
        if (members->number(n, nr, &child) == 0)
            dirs += S_ISDIR(child.entry->mode);
        preempt_work(WORK_NAME);
    }
    return dirs;
}

static void set_owner_and_size(struct inode *in)
{
    const struct pseudofs *fs = fs_of(in);
    if (fs->set_owner)
        fs->set_owner(in, node_of(in));
    if (S_ISREG(in->mode))
        in->size = fs->file_bytes;
}

static void pfs_refresh(struct inode *in)
{
    set_owner_and_size(in);
    if (fs_of(in)->counts_links && is_dir(in))
        in->nlink = 2 + subdirs(node_of(in));
}

/* What is in tables only, from the top on: no process, which may end, and nothing that is there at times. */
static bool pfs_stays(struct inode *in) { return node_of(in)->nr == 0 && node_of(in)->sub == 0; }

static void pfs_evict(struct inode *in)
{
    const struct pseudofs *fs = fs_of(in);

    if (!in->sb->permanent && node_of(in)->entry == fs->top)
        fs->ended(node_of(in)->space);
    kfree(in->private);
}

static int node_inode(struct superblock *sb, const struct pfs_node *n, struct inode **out)
{
    struct pfs_node *own = kmalloc(sizeof *own);
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
        in->ops = &pfs_dir_ops;
        in->fops = &dir_file_ops;
    } else if (S_ISLNK(in->mode)) {
        in->ops = n->entry->kind == PFS_IS_GOAL ? &pfs_magic_ops : &pfs_link_ops;
    } else {
        in->ops = &pfs_file_iops;
        in->fops = &pfs_fops;
    }
    set_owner_and_size(in);
    *out = in;
    return 0;
}

/* The number behind the prefix, decimal and without leading zeros, or false. */
static bool parse_member(const char *prefix, const char *s, size_t len, uint32_t *out)
{
    size_t before = strlen(prefix);
    uint64_t value = 0;
    if (len <= before || len > before + 9 || strncmp(s, prefix, before) != 0)
        return false;
    s += before;
    len -= before;
    if (len > 1 && *s == '0')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(s[i] - '0');
    }
    *out = (uint32_t)value;
    return true;
}

static void member_name(const struct pfs_numbered *members, uint32_t nr, char name[PFS_NAME_MAX])
{
    if (members->prefix)
        ksnprintf(name, PFS_NAME_MAX, "%s%u", members->prefix, nr);
    else
        members->name(nr, name);
}

/* The number of the member of that name, or false. */
static bool find_member(const struct pfs_node *n, const char *s, size_t len, uint32_t *nr)
{
    const struct pfs_numbered *members = n->entry->numbered;
    if (members->prefix)
        return parse_member(members->prefix, s, len, nr);
    for (uint32_t from = 0; members->numbers(n, from, nr, 1) == 1; from = *nr + 1) {
        char name[PFS_NAME_MAX];
        member_name(members, *nr, name);
        if (strlen(name) == len && strncmp(name, s, len) == 0)
            return true;
    }
    return false;
}

/* A child of n by its entry in the table. */
static struct pfs_node table_child(const struct pfs_node *n, const struct pfs_entry *e)
{
    struct pfs_node child = *n;
    child.entry = e;
    if (e->flags & PFS_SETS_NR)
        child.nr = (uint32_t)e->value;
    return child;
}

static int pfs_lookup(struct inode *dir, const char *name, size_t len, struct inode **out)
{
    const struct pfs_node *n = node_of(dir);
    const struct pfs_numbered *members = numbered_of(n);
    struct pfs_node child;
    uint32_t nr;
    const struct pseudofs *fs = fs_of(dir);
    const char first = name[0];
    int err = fs->may ? fs->may(n, O_RDONLY, false) : 0;
    if (err)
        return err;
    const struct pfs_entry *e = n->entry->children;
    if (members && first >= '0' && first <= '9')
        e = NULL; /* beside members there are names that begin with letters */
    for (; e && e->name; e++) {
        if (e->name[0] == first && strncmp(e->name, name, len) == 0 && e->name[len] == 0) {
            child = table_child(n, e);
            return node_inode(dir->sb, &child, out);
        }
    }
    child = *n;
    if (n->entry->flags & PFS_IS_NAMED)
        err = n->entry->named->find(n, name, len, &child);
    else if (members && find_member(n, name, len, &nr))
        err = members->number(n, nr, &child);
    else
        err = -ENOENT;
    return err ? err : node_inode(dir->sb, &child, out);
}

static bool emit(struct dirent_sink *sink, const char *name, const struct pfs_node *n,
                 uint64_t after)
{
    return dirent_emit(sink, name, strlen(name), node_number(n), (n->entry->mode >> 12) & 15,
                       after);
}

static void read_members(const struct pfs_node *n, uint64_t *pos, struct dirent_sink *sink)
{
    const struct pfs_numbered *members = n->entry->numbered;
    uint32_t nr[32];
    unsigned got;
    while ((got = members->numbers(n, (uint32_t)(*pos - NUMBERS_POS), nr, ARRAY_SIZE(nr))) > 0) {
        for (unsigned k = 0; k < got; k++) {
            struct pfs_node child = *n;
            char name[PFS_NAME_MAX];
            member_name(members, nr[k], name);
            if (members->number(n, nr[k], &child) != 0)
                continue; /* gone since */
            uint64_t after = NUMBERS_POS + nr[k] + 1ull;
            if (!emit(sink, name, &child, after))
                return;
            *pos = after;
            preempt_work(WORK_NAME);
        }
    }
}

static void read_named(const struct pfs_node *n, uint64_t *pos, struct dirent_sink *sink)
{
    struct pfs_node child = *n;
    char name[PFS_NAME_MAX];
    uint64_t place = *pos - NUMBERS_POS;
    while (n->entry->named->next(n, &place, name, &child) &&
           emit(sink, name, &child, NUMBERS_POS + place)) {
        *pos = NUMBERS_POS + place;
        child = *n;
        preempt_work(WORK_NAME);
    }
}

/* The table's names first, then the numbers in ascending order. */
static int pfs_readdir(struct inode *dir, uint64_t *pos, struct dirent_sink *sink)
{
    const struct pfs_node *n = node_of(dir);
    const struct pfs_entry *e = n->entry->children;
    uint64_t i = FIRST_POS;
    for (; e && e->name; e++, i++) {
        if (i < *pos)
            continue;
        struct pfs_node child = table_child(n, e);
        if (!emit(sink, e->name, &child, i + 1))
            return 0;
        *pos = i + 1;
    }
    if (n->entry->numbered) {
        *pos = MAX(*pos, (uint64_t)NUMBERS_POS);
        (n->entry->flags & PFS_IS_NAMED ? read_named : read_members)(n, pos, sink);
    }
    return 0;
}

static long pfs_readlink(struct inode *in, char *buf, size_t room)
{
    const struct pfs_node *n = node_of(in);
    struct pfs_goal g = { 0 };
    if (n->entry->kind == PFS_IS_LINK)
        return n->entry->readlink(n, buf, room);
    long ret = n->entry->goal(n, &g);
    if (ret == 0) {
        ret = goal_name(&g, buf, room);
        goal_put(&g);
    }
    return ret;
}

static int pfs_follow(struct inode *in, struct path *out)
{
    const struct pfs_node *n = node_of(in);
    struct pfs_goal g = { 0 };
    int err = n->entry->goal(n, &g);
    if (err == 0) {
        err = goal_follow(&g, out);
        goal_put(&g);
    }
    return err;
}

static const struct inode_ops pfs_dir_ops = {
    .lookup = pfs_lookup,
    .readdir = pfs_readdir,
    .evict = pfs_evict,
    .refresh = pfs_refresh,
    .stays = pfs_stays,
};
static const struct inode_ops pfs_file_iops = { .evict = pfs_evict,
                                                .refresh = pfs_refresh,
                                                .stays = pfs_stays };
static const struct inode_ops pfs_link_ops = {
    .readlink = pfs_readlink,
    .evict = pfs_evict,
    .refresh = pfs_refresh,
    .stays = pfs_stays,
};
static const struct inode_ops pfs_magic_ops = {
    .readlink = pfs_readlink,
    .follow = pfs_follow,
    .evict = pfs_evict,
    .refresh = pfs_refresh,
    .stays = pfs_stays,
};

/* --- files --------------------------------------------------------------- */

static int may(struct file *f, bool opening)
{
    const struct pseudofs *fs = fs_of(f->inode);
    return fs->may ? fs->may(node_of(f->inode), f->flags, opening) : 0;
}

struct open_text {
    struct mutex lock; /* all of it; taken before any other lock */
    bool made;
    size_t counted; /* bytes of it in `kept` */
    struct text text;
};

/* Texts stay from one read to the next.  As anybody may leave as many as he has descriptors, those of more than a page
 * take a part of memory at most, together; beyond it they are made again. */
#define KEPT_PART 8
static uint64_t kept; /* [a] bytes */

static void forget(struct open_text *o)
{
    __atomic_sub_fetch(&kept, o->counted, __ATOMIC_RELAXED);
    o->counted = 0;
    o->made = false;
    text_clear(&o->text);
}

static void keep(struct open_text *o)
{
    size_t bytes = o->text.bytes;

    if (bytes <= PAGE_SIZE || o->counted != 0)
        return;
    o->counted = bytes;
    if (__atomic_add_fetch(&kept, bytes, __ATOMIC_RELAXED) > frames_total * PAGE_SIZE / KEPT_PART)
        forget(o);
}

static int pfs_open(struct inode *in __attribute__((unused)), struct file *f)
{
    int err = may(f, true);
    if (err)
        return err;
    struct open_text *o = kzalloc(sizeof *o);
    if (!o)
        return -ENOMEM;
    mutex_init(&o->lock, LOCK_pfs_text);
    f->private = o;
    return 0;
}

static void pfs_release(struct file *f)
{
    struct open_text *o = f->private;
    forget(o);
    kfree(o);
}

static int make_text(struct text *t, struct inode *in)
{
    const struct pfs_node *n = node_of(in);
    const struct pfs_entry *e = n->entry;
    int err = 0;
    switch (e->kind) {
    case PFS_IS_TEXT: text_put(t, e->text, strlen(e->text)); break;
    case PFS_IS_SHOWN: err = e->show(t, n); break;
    default: err = fs_of(in)->make_text(t, n); break;
    }
    return t->failed ? -ENOMEM : err;
}

static long pfs_read(struct file *f, struct uio *u, uint64_t *pos)
{
    const struct pfs_node *n = node_of(f->inode);
    struct open_text *o = f->private;
    long ret = may(f, false);
    if (ret)
        return ret;
    if (n->entry->kind == PFS_IS_BYTES)
        return n->entry->read(n, u, pos);
    mutex_lock(&o->lock);
    if (!o->made || *pos == 0) {
        forget(o);
        ret = make_text(&o->text, f->inode);
        o->made = ret == 0;
    }
    if (ret == 0)
        ret = text_read(&o->text, u, pos);
    keep(o);
    mutex_unlock(&o->lock);
    return ret;
}

static int store(struct inode *in, char *line)
{
    const struct pfs_node *n = node_of(in);
    char *end = strchr(line, '\n');
    if (end)
        *end = 0;
    return n->entry->kind < PFS_KINDS ? n->entry->store(n, line) : fs_of(in)->store_line(n, line);
}

static long pfs_write(struct file *f, struct uio *u, uint64_t *pos)
{
    const struct pfs_node *n = node_of(f->inode);
    char line[128];
    int err = may(f, false);
    if (err)
        return err;
    if (n->entry->kind == PFS_IS_BYTES)
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
    err = store(f->inode, line);
    if (err)
        return err;
    *pos += (uint64_t)got;
    return got;
}

static int pfs_mmap(struct file *f __attribute__((unused)), struct vma *v __attribute__((unused)))
{
    return -ENODEV;
}

static long pfs_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    const struct pseudofs *fs = fs_of(f->inode);
    long err = may(f, false);

    if (err)
        return err;
    return fs->ioctl ? fs->ioctl(node_of(f->inode), cmd, arg) : -ENOTTY;
}

static const struct file_ops pfs_fops = {
    .open = pfs_open,
    .read = pfs_read,
    .write = pfs_write,
    .mmap = pfs_mmap,
    .ioctl = pfs_ioctl,
    .release = pfs_release,
};

/* --- the instance --------------------------------------------------------- */

static int make_root(struct pseudofs *fs, const void *space)
{
    struct pfs_node n = { .entry = fs->top, .space = space };
    struct inode *root;

    sb_init(&fs->sb, fs->type, fs->magic);
    fs->sb.permanent = true;
    fs->sb.no_storage = true;
    fs->sb.names_closed = fs->names_closed;
    int err = node_inode(&fs->sb, &n, &root);
    if (!err) {
        root->ino = 1;
        err = dentry_new(NULL, "", 0, root, &fs->sb.root);
    }
    return err;
}

int pseudofs_get(struct pseudofs *fs, struct superblock **out)
{
    *out = &fs->sb;
    return fs->sb.root ? 0 : make_root(fs, NULL);
}

int pseudofs_new(const struct pseudofs *like, const void *space, struct superblock **out)
{
    struct pseudofs *fs = kmalloc(sizeof *fs);
    if (!fs)
        return -ENOMEM;
    *fs = *like;
    int err = make_root(fs, space);
    fs->sb.permanent = false;
    *out = &fs->sb;
    if (err)
        kfree(fs);
    return err;
}
