/* mount_fd.c - mounts by descriptors: open_tree(2), move_mount(2), mount_setattr(2), and a file system step by step:
 * fsopen(2), fsconfig(2), fsmount(2), fspick(2).
 *
 * What they make is a tree of mounts without a place (fs/mount.h: loose).  The O_PATH descriptor that was got with
 * it is its owner: when the last one of that is closed, and move_mount() has given it no place, the tree goes. */
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/anon_inode.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/file_open.h"
#include "fs/fs_type.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "fs/tmpfs.h"
#include "fs/tmpfs_mount.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/ending.h"
#include "sched/task.h"

#include <linux/fs.h>
#include <linux/magic.h>

#ifndef MOVE_MOUNT_BENEATH /* after Linux 6.1 */
#define MOVE_MOUNT_BENEATH       0x200
#define FSCONFIG_CMD_CREATE_EXCL 8
#endif
#define MOVE_FLAGS (MOVE_MOUNT__MASK | MOVE_MOUNT_BENEATH)
#define ATTR_KNOWN \
    (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | \
     MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW)

/* The flags of a mount for attributes, which have numbers of their own. */
static uint32_t flags_of(uint64_t attr)
{
    uint64_t times = attr & MOUNT_ATTR__ATIME;

    return (attr & MOUNT_ATTR_RDONLY ? MS_RDONLY : 0) | (attr & MOUNT_ATTR_NOSUID ? MS_NOSUID : 0) |
           (attr & MOUNT_ATTR_NODEV ? MS_NODEV : 0) | (attr & MOUNT_ATTR_NOEXEC ? MS_NOEXEC : 0) |
           (attr & MOUNT_ATTR_NODIRATIME ? MS_NODIRATIME : 0) |
           (attr & MOUNT_ATTR_NOSYMFOLLOW ? MS_NOSYMFOLLOW : 0) |
           (times == MOUNT_ATTR_NOATIME       ? MS_NOATIME
            : times == MOUNT_ATTR_STRICTATIME ? MS_STRICTATIME
                                              : MS_RELATIME);
}

static bool times_are_wrong(uint64_t attr)
{
    uint64_t times = attr & MOUNT_ATTR__ATIME;

    return times != MOUNT_ATTR_RELATIME && times != MOUNT_ATTR_NOATIME &&
           times != MOUNT_ATTR_STRICTATIME;
}

/* A descriptor of the place p, which nobody reads or writes. */
static long place_fd(const struct path *p, bool cloexec)
{
    struct file *f;
    int err = file_open_path(p, O_PATH, &f);

    return err ? err : fd_open_add(f, cloexec ? O_CLOEXEC : 0);
}

static void tree_ends(struct ending *l)
{
    struct mount *m = container_of(l, struct mount, ending);

    mutex_lock(&fs_tree);
    mount_undo(m);
    mutex_unlock(&fs_tree);
    mount_put(m);
}

static void tree_release(struct file *f)
{
    mount_get(f->path.mnt);
    end_later(&f->path.mnt->ending, tree_ends);
}

static const struct file_ops tree_ops = { .poll = path_only_poll, .release = tree_release };

/* The same of a loose tree, of which it is the owner. */
static long tree_fd(struct mount *top, bool cloexec)
{
    struct file *f;
    int err = file_open_path(&(struct path){ top, top->root }, O_PATH, &f);

    if (err) {
        mutex_lock(&fs_tree);
        mount_undo(top);
        mutex_unlock(&fs_tree);
        return err;
    }
    f->ops = &tree_ops;
    return fd_open_add(f, cloexec ? O_CLOEXEC : 0);
}

/* --- trees -------------------------------------------------------------------------------------- */

/* follow: a link at the end of the name; empty: the name may be, and means dfd itself. */
static long find_place(int dfd, uaddr_t name, bool follow, bool empty, struct path *out)
{
    return path_lookup_user(dfd, name, (follow ? WALK_FOLLOW : 0) | (empty ? WALK_EMPTY : 0), out);
}

SYSCALL3(open_tree, int, dfd, uaddr_t, name, uint32_t, flags)
{
    const uint32_t known = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW |
                           OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    struct path p;

    if (flags & ~known || (flags & (AT_RECURSIVE | OPEN_TREE_CLONE)) == AT_RECURSIVE)
        return -EINVAL;
    if (flags & OPEN_TREE_CLONE && !capable())
        return -EPERM;
    long err = find_place(dfd, name, !(flags & AT_SYMLINK_NOFOLLOW), flags & AT_EMPTY_PATH, &p);
    if (err)
        return err;
    if (flags & OPEN_TREE_CLONE) {
        mutex_lock(&fs_tree);
        struct mount *copy;
        err = mount_copy(&p, flags & AT_RECURSIVE, &copy);
        mutex_unlock(&fs_tree);
        if (!err)
            err = tree_fd(copy, flags & OPEN_TREE_CLOEXEC);
    } else {
        err = place_fd(&p, flags & OPEN_TREE_CLOEXEC);
    }
    path_put(&p);
    return err;
}

static bool is_mount_root(const struct path *p) { return p->mnt && p->dentry == p->mnt->root; }

/* fs_tree held */
static long move(const struct path *from, struct path *to, uint32_t flags)
{
    if (!is_mount_root(from) || !mount_can_cover(to))
        return -EINVAL;
    if (flags & MOVE_MOUNT_SET_GROUP)
        return is_mount_root(to) && from->mnt->ns == to->mnt->ns
                   ? propagation_join(to->mnt, from->mnt)
                   : -EINVAL;
    if (!mount_is_loose(from->mnt) && from->mnt->ns != to->mnt->ns)
        return -EINVAL;
    if (flags & MOVE_MOUNT_BENEATH)
        return is_mount_root(to) ? mount_beneath(from->mnt, to->mnt) : -EINVAL;
    mount_top(to);
    if (!mount_is_loose(from->mnt))
        return mount_move(from->mnt, to);
    int err = mount_attach(from->mnt, to);
    return err == -ENOTDIR ? -EINVAL : err;
}

SYSCALL5(move_mount, int, from_fd, uaddr_t, from_name, int, to_fd, uaddr_t, to_name, uint32_t,
         flags)
{
    const uint32_t both = MOVE_MOUNT_BENEATH | MOVE_MOUNT_SET_GROUP;
    struct path from, to;

    if (!capable())
        return -EPERM;
    if (flags & ~(uint32_t)MOVE_FLAGS || (flags & both) == both)
        return -EINVAL;
    long err = find_place(to_fd, to_name, flags & MOVE_MOUNT_T_SYMLINKS,
                          flags & MOVE_MOUNT_T_EMPTY_PATH, &to);
    if (err)
        return err;
    err = find_place(from_fd, from_name, flags & MOVE_MOUNT_F_SYMLINKS,
                     flags & MOVE_MOUNT_F_EMPTY_PATH, &from);
    if (!err) {
        mutex_lock(&fs_tree);
        err = move(&from, &to, flags);
        mutex_unlock(&fs_tree);
        path_put(&from);
    }
    path_put(&to);
    return err;
}

/* --- attributes ------------------------------------------------------------------------------------ */

static long check_attr(const struct mount_attr *a)
{
    uint64_t set = a->attr_set, clear = a->attr_clr;

    if ((set | clear) & ~(uint64_t)ATTR_KNOWN)
        return -EINVAL;
    if (a->propagation & ~(uint64_t)PROPAGATION || a->propagation & (a->propagation - 1))
        return -EINVAL; /* there is but one kind */
    if (clear & MOUNT_ATTR__ATIME)
        return (clear & MOUNT_ATTR__ATIME) != MOUNT_ATTR__ATIME || times_are_wrong(set) ? -EINVAL
                                                                                        : 0;
    return set & MOUNT_ATTR__ATIME ? -EINVAL : 0; /* those there were are to be cleared */
}

static void change(struct mount *m, const struct mount_attr *a)
{
    uint32_t set = flags_of(a->attr_set), clear = flags_of(a->attr_clr);

    if (a->attr_clr & MOUNT_ATTR__ATIME) {
        clear |= MOUNT_ATIME;
    } else {
        set &= ~(uint32_t)MOUNT_ATIME;
        clear &= ~(uint32_t)MOUNT_ATIME;
    }
    m->flags = (m->flags & ~clear) | set;
    if (a->propagation)
        propagation_set(m, (uint32_t)a->propagation);
}

/* fs_tree held.  All or none. */
static long change_tree(struct mount *top, const struct mount_attr *a, bool all)
{
    struct mount *m;

    list_for_each(m, &mounts, link)
        if ((m == top || (all && mount_is_below(m, top))) && a->attr_set & MOUNT_ATTR_RDONLY &&
            !mount_readonly(m) && mount_alone(m) && mount_has_writers(m))
            return -EBUSY;
    change(top, a);
    list_for_each(m, &mounts, link)
        if (all && m != top && mount_is_below(m, top))
            change(m, a);
    return 0;
}

SYSCALL5(mount_setattr, int, dfd, uaddr_t, name, uint32_t, flags, uaddr_t, at, size_t, size)
{
    struct mount_attr a;
    struct path p;

    if (flags & ~(uint32_t)(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    if (size < MOUNT_ATTR_SIZE_VER0)
        return -EINVAL;
    if (!capable())
        return -EPERM;
    long err = copy_struct_from_user(&a, sizeof(a), at, size);
    if (err || (!a.attr_set && !a.attr_clr && !a.propagation))
        return err;
    err = check_attr(&a);
    if (!err)
        err = find_place(dfd, name, !(flags & AT_SYMLINK_NOFOLLOW), flags & AT_EMPTY_PATH, &p);
    if (err)
        return err;
    mutex_lock(&fs_tree);
    err = is_mount_root(&p) && (p.mnt->ns == mount_ns_here() || mount_is_loose(p.mnt))
              ? change_tree(p.mnt, &a, flags & AT_RECURSIVE)
              : -EINVAL;
    mutex_unlock(&fs_tree);
    path_put(&p);
    return err;
}

/* --- a file system, step by step --------------------------------------------------------------------- */

struct context {
    struct mutex lock;
    const char *type;        /* [k] */
    struct path picked;      /* [k] fspick(2)'s, with a reference */
    struct superblock *sb;   /* [lock] made, and not mounted yet */
    struct mount *unmounted; /* [lock] holds sb for us */
    bool done;               /* [lock] it has been mounted */
    uint32_t flags;          /* [lock] MS_* */
    size_t len;              /* [lock] of: */
    char *data;              /* [lock] a page: options, with commas */
    char source[64];         /* [lock] */
};

static struct superblock context_sb = ANON_INODES("[fscontext]");

static void context_release(struct file *f)
{
    struct context *c = f->private;

    if (c->unmounted)
        mount_put(c->unmounted);
    path_put(&c->picked);
    kfree(c->data);
    kfree(c);
}

/* What went wrong, in words, of which there are none. */
static long context_read(struct file *f __attribute__((unused)),
                         struct uio *u __attribute__((unused)),
                         uint64_t *pos __attribute__((unused)))
{
    return -ENODATA;
}

static const struct file_ops context_ops = {
    .read = context_read,
    .release = context_release,
    .nonseekable = true,
};

static long context_fd(const char *type, const struct path *picked, bool cloexec)
{
    struct context *c = kzalloc(sizeof(*c));

    if (!c || !(c->data = kzalloc(PAGE_SIZE))) {
        kfree(c);
        return -ENOMEM;
    }
    mutex_init(&c->lock, LOCK_file);
    c->type = type;
    if (picked) {
        c->picked = *picked;
        path_get(picked);
    }
    long fd = anon_inode_fd(&context_sb, &context_ops, O_RDWR | (cloexec ? O_CLOEXEC : 0), c);
    if (fd < 0) {
        path_put(&c->picked);
        kfree(c->data);
        kfree(c);
    }
    return fd;
}

SYSCALL2(fsopen, uaddr_t, name, uint32_t, flags)
{
    const char *type = NULL;
    struct user_name n;

    if (!capable())
        return -EPERM;
    if (flags & ~(uint32_t)FSOPEN_CLOEXEC)
        return -EINVAL;
    long err = name_get(&n, name);
    if (err)
        return err == -ENAMETOOLONG ? -EINVAL : err;
    for (unsigned i = 0; (type = fs_type_name(i)) != NULL && strcmp(type, n.text) != 0;)
        i++;
    name_put(&n);
    return type ? context_fd(type, NULL, flags & FSOPEN_CLOEXEC) : -ENODEV;
}

SYSCALL3(fspick, int, dfd, uaddr_t, name, uint32_t, flags)
{
    struct path p;

    if (!capable())
        return -EPERM;
    if (flags & ~(uint32_t)(FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT |
                            FSPICK_EMPTY_PATH))
        return -EINVAL;
    long err =
        find_place(dfd, name, !(flags & FSPICK_SYMLINK_NOFOLLOW), flags & FSPICK_EMPTY_PATH, &p);
    if (err)
        return err;
    err = is_mount_root(&p) ? context_fd(p.mnt->sb->type, &p, flags & FSPICK_CLOEXEC) : -EINVAL;
    path_put(&p);
    return err;
}

/* Which of key, value and aux a command has: all others must be 0. */
static bool arguments_fit(uint32_t cmd, uaddr_t key, uaddr_t value, int aux)
{
    switch (cmd) {
    case FSCONFIG_SET_FLAG: return key && !value && !aux;
    case FSCONFIG_SET_STRING: return key && value && !aux;
    case FSCONFIG_SET_BINARY: return key && value && aux > 0 && aux <= 1024 * 1024;
    case FSCONFIG_SET_PATH:
    case FSCONFIG_SET_PATH_EMPTY: return key && value && (aux == AT_FDCWD || aux >= 0);
    case FSCONFIG_SET_FD: return key && !value && aux >= 0;
    default: return !key && !value && !aux;
    }
}

/* Flags that every file system has. */
static bool set_flag(struct context *c, const char *key)
{
    static const struct {
        const char *name;
        uint32_t set, clear;
    } named[] = {
        { "ro", MS_RDONLY, 0 },         { "rw", 0, MS_RDONLY }, { "sync", MS_SYNCHRONOUS, 0 },
        { "async", 0, MS_SYNCHRONOUS }, { "dirsync", 0, 0 },    { "lazytime", 0, 0 },
        { "nolazytime", 0, 0 },         { "mand", 0, 0 },       { "nomand", 0, 0 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(named); i++)
        if (strcmp(key, named[i].name) == 0) {
            c->flags = (c->flags & ~named[i].clear) | named[i].set;
            return true;
        }
    return false;
}

/* Does the kind of file system take it? */
static long try_option(const struct context *c, const char *key, const char *value)
{
    char text[600];
    size_t n = strlcpy(text, key, sizeof(text));

    if (value && n + 1 < sizeof(text)) {
        text[n++] = '=';
        n += strlcpy(text + n, value, sizeof(text) - n);
    }
    return n >= sizeof(text) ? -EINVAL : fs_type_check(c->type, text);
}

static long set_option(struct context *c, const char *key, const char *value)
{
    size_t n = strlen(key) + (value ? strlen(value) + 1 : 0) + 1;

    if (set_flag(c, key))
        return 0;
    if (strcmp(key, "source") == 0) {
        if (!value || c->source[0])
            return -EINVAL;
        strlcpy(c->source, value, sizeof(c->source));
        return 0;
    }
    long err = try_option(c, key, value);
    if (err)
        return err;
    if (c->len + n >= PAGE_SIZE)
        return -EINVAL;
    c->len += strlcpy(c->data + c->len, key, PAGE_SIZE - c->len);
    if (value) {
        c->data[c->len++] = '=';
        c->len += strlcpy(c->data + c->len, value, PAGE_SIZE - c->len);
    }
    c->data[c->len++] = ',';
    c->data[c->len] = 0;
    return 0;
}

static uint32_t fs_flags(const struct context *c)
{
    return (c->flags & MS_RDONLY ? MOUNT_FS_RDONLY : 0) | (c->flags & MS_SYNCHRONOUS);
}

/* fs_tree held */
static long create(struct context *c)
{
    if (c->picked.mnt || c->unmounted || c->done)
        return -EBUSY;
    long err = fs_type_get(c->type, c->data, &c->sb);
    if (err)
        return err;
    c->unmounted =
        mount_new(c->sb, c->sb->root, MS_RELATIME | fs_flags(c), c->source[0] ? c->source : "none");
    if (!c->unmounted && !c->sb->permanent)
        sb_free(c->sb);
    return c->unmounted ? 0 : -ENOMEM;
}

/* fs_tree held */
static long reconfigure(struct context *c)
{
    struct mount *m;

    if (!c->picked.mnt)
        return -EBUSY;
    struct superblock *sb = c->picked.mnt->sb;
    if (c->flags & MS_RDONLY && !mount_readonly(c->picked.mnt) && mount_has_writers(c->picked.mnt))
        return -EBUSY;
    long err = is_tmpfs(sb) ? tmpfs_remount(sb, c->data) : 0;
    if (err)
        return err;
    list_for_each(m, &mounts, link)
        if (m->sb == sb)
            m->flags = (m->flags & ~(uint32_t)MOUNT_OF_FS) | fs_flags(c);
    c->len = 0;
    c->data[0] = 0;
    return 0;
}

static long configure(struct context *c, uint32_t cmd, const char *key, const char *value)
{
    long err;

    if (cmd == FSCONFIG_SET_FLAG || cmd == FSCONFIG_SET_STRING) {
        mutex_lock(&c->lock);
        err = c->unmounted || c->done ? -EBUSY : set_option(c, key, value);
        mutex_unlock(&c->lock);
        return err;
    }
    if (cmd < FSCONFIG_CMD_CREATE)
        return -EINVAL; /* no kind of file system here takes such a value */
    mutex_lock(&c->lock);
    mutex_lock(&fs_tree);
    err = cmd == FSCONFIG_CMD_RECONFIGURE ? reconfigure(c) : create(c);
    mutex_unlock(&fs_tree);
    mutex_unlock(&c->lock);
    return err;
}

SYSCALL5(fsconfig, int, fd, uint32_t, cmd, uaddr_t, key_at, uaddr_t, value_at, int, aux)
{
    char key[256] = "", value[256] = "";

    if (fd < 0)
        return -EINVAL;
    if (cmd > FSCONFIG_CMD_CREATE_EXCL)
        return -EOPNOTSUPP;
    if (!arguments_fit(cmd, key_at, value_at, aux))
        return -EINVAL;
    WITH_FILE(f, fd);
    if (!f)
        return -EBADF;
    if (f->ops != &context_ops)
        return -EINVAL;
    long n = key_at ? strncpy_from_user(key, key_at, sizeof(key)) : 0;
    if (n >= 0 && cmd == FSCONFIG_SET_STRING)
        n = strncpy_from_user(value, value_at, sizeof(value));
    if (n < 0)
        return n == -ENAMETOOLONG ? -EINVAL : n;
    return configure(f->private, cmd, key, cmd == FSCONFIG_SET_STRING ? value : NULL);
}

SYSCALL3(fsmount, int, fd, uint32_t, flags, uint32_t, attr)
{
    if (!capable())
        return -EPERM;
    if (flags & ~(uint32_t)FSMOUNT_CLOEXEC || attr & ~(uint32_t)ATTR_KNOWN || times_are_wrong(attr))
        return -EINVAL;
    WITH_FILE(f, fd);
    if (!f)
        return -EBADF;
    if (f->ops != &context_ops)
        return -EINVAL;
    struct context *c = f->private;
    mutex_lock(&c->lock);
    struct mount *m = c->unmounted;
    if (m) {
        m->flags = flags_of(attr) | fs_flags(c);
        c->unmounted = NULL;
        c->done = true;
    }
    bool had = c->done || c->picked.mnt;
    mutex_unlock(&c->lock);
    if (!m)
        return had ? -EBUSY : -EINVAL;
    mutex_lock(&fs_tree);
    int err = mount_list(m);
    mutex_unlock(&fs_tree);
    mount_put(m);
    return err ? err : tree_fd(m, flags & FSMOUNT_CLOEXEC);
}
