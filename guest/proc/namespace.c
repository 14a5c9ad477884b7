/* namespace.c - namespaces: sets of them, and /proc/PID/ns/NAME and what it leads to.
 *
 * A namespace lives as long as sets or inodes have it.  An inode is made for each open; number and device make it
 * the same file to whoever compares.  Of some kinds there is the first one only, and no way to make another (clone and
 * unshare give EINVAL, as Linux without them does). */
#include "proc/namespace.h"
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/fs_ctx.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "lib/printf.h"
#include "mm/heap.h"
#include "proc/fork.h"
#include "proc/pid.h"
#include "proc/pid_ns.h"
#include "proc/process.h"
#include "proc/undo.h"
#include "proc/uts.h"
#include "proc/watched.h"
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <linux/sched.h>

static const struct {
    const char *name;
    uint64_t flag;
} kinds[NS_KINDS] = {
    [NS_MNT] = { "mnt", CLONE_NEWNS },     [NS_NET] = { "net", CLONE_NEWNET },
    [NS_TIME] = { "time", CLONE_NEWTIME }, [NS_CGROUP] = { "cgroup", CLONE_NEWCGROUP },
    [NS_PID] = { "pid", CLONE_NEWPID },    [NS_USER] = { "user", CLONE_NEWUSER },
    [NS_UTS] = { "uts", CLONE_NEWUTS },    [NS_IPC] = { "ipc", CLONE_NEWIPC },
};
#define CAN_BE_MADE ((uint64_t)(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID))

static struct ns *first_of(enum ns_kind kind);

static struct ns only[NS_KINDS] = {
    [NS_NET] = FIRST_NS(NS_NET),
    [NS_TIME] = FIRST_NS(NS_TIME),
    [NS_CGROUP] = FIRST_NS(NS_CGROUP),
    [NS_USER] = FIRST_NS(NS_USER),
};
#define NS_SECOND_INO 0xf0000000ul

/* After Linux 6.1's headers. */
#define GET_MNTNS_ID 0x8008b705u /* NS_GET_MNTNS_ID */
#define PID_FROM     0x8004b706u /* NS_GET_PID_FROM_PIDNS, and three more that ask the same here */
#define PID_LAST     0x8004b709u
#define MNT_INFO     0x8010b70au /* NS_MNT_GET_INFO */
#define MNT_NEXT     0x8010b70bu /* NS_MNT_GET_NEXT */
#define MNT_PREV     0x8010b70cu /* NS_MNT_GET_PREV */
#define GET_ID       0x8008b70du /* NS_GET_ID */

static struct superblock ns_sb = { .type = "nsfs",
                                   .magic = NSFS_MAGIC,
                                   .dev = DEV_OF_KIND(KIND_NAMESPACES),
                                   .permanent = true,
                                   .refuses = -EPERM };

uint64_t ns_flag(enum ns_kind kind) { return kinds[kind].flag; }

/* As Linux 6.18 counts the first ones, and then on. */
uint64_t ns_id(const struct ns *ns)
{
    static const uint8_t first[NS_KINDS] = {
        [NS_MNT] = 8, [NS_NET] = 7,  [NS_TIME] = 6, [NS_CGROUP] = 5,
        [NS_PID] = 4, [NS_USER] = 3, [NS_UTS] = 2,  [NS_IPC] = 1
    };

    return ns == first_of(ns->kind) ? first[ns->kind] : ns->ino - NS_SECOND_INO + NS_KINDS;
}

bool namespace_known(uint64_t flags)
{
    for (unsigned i = 0; i < NS_KINDS; i++)
        flags &= ~kinds[i].flag;
    return flags == 0;
}

bool namespace_made(uint64_t flags) { return (flags & ~CAN_BE_MADE) == 0; }

/* --- life ------------------------------------------------------------------------------ */

static struct ns *first_of(enum ns_kind kind)
{
    switch (kind) {
    case NS_MNT: return &first_mount_ns.ns;
    case NS_UTS: return &first_uts_ns.ns;
    case NS_IPC: return undo_hooks->first_space;
    case NS_PID: return &first_pid_ns;
    default: return &only[kind];
    }
}

struct ns *ns_make(enum ns_kind kind, struct fs_ctx *fs, int *err)
{
    static uint64_t last_ino = NS_SECOND_INO;
    struct mount_ns *mnt;
    struct ns *ns = NULL;

    *err = -ENOMEM;
    if (kind == NS_UTS)
        ns = uts_ns_copy();
    else if (kind == NS_IPC)
        ns = undo_hooks->make_space();
    else if (kind == NS_PID)
        ns = pid_ns_make(err);
    else if (kind == NS_MNT && (*err = mount_ns_copy(mount_ns_here(), fs, &mnt)) == 0)
        ns = &mnt->ns;
    if (ns == NULL)
        return NULL;
    ref_init(&ns->refs, 1);
    ns->kind = kind;
    ns->ino = __atomic_add_fetch(&last_ino, 1, __ATOMIC_RELAXED);
    ns->owner = current->cred.euid;
    *err = 0;
    return ns;
}

void ns_put(struct ns *ns)
{
    if (!ref_put(&ns->refs))
        return;
    switch (ns->kind) {
    case NS_MNT: mount_ns_end(ns); break;
    case NS_UTS: uts_ns_end(ns); break;
    case NS_IPC: undo_hooks->end_space(ns); break;
    case NS_PID: pid_ns_end(ns); break;
    default: panic("the end of the only namespace of kind %u", ns->kind);
    }
}

/* --- sets ------------------------------------------------------------------------------ */

struct ns *ns_of(enum ns_kind kind)
{
    return current->ns != NULL ? current->ns->of[kind] : first_of(kind);
}

struct ns_set *ns_set_copy(const struct ns_set *s)
{
    struct ns_set *copy = kmalloc(sizeof *copy);

    if (copy == NULL)
        return NULL;
    ref_init(&copy->refs, 1);
    for (unsigned i = 0; i < NS_KINDS; i++) {
        copy->of[i] = s != NULL ? s->of[i] : first_of(i);
        ref_get(&copy->of[i]->refs);
    }
    copy->pid_children = s != NULL ? s->pid_children : &first_pid_ns;
    ref_get(&copy->pid_children->refs);
    return copy;
}

void ns_set_replace(struct ns_set *s, struct ns *ns)
{
    struct ns **at = ns->kind == NS_PID ? &s->pid_children : &s->of[ns->kind];

    ns_put(*at);
    *at = ns;
}

void ns_set_put(struct ns_set *s)
{
    if (s == NULL || !ref_put(&s->refs))
        return;
    for (unsigned i = 0; i < NS_KINDS; i++)
        ns_put(s->of[i]);
    ns_put(s->pid_children);
    kfree(s);
}

struct ns_set *task_ns_set(struct task *t)
{
    spin_lock(&t->lock);
    struct ns_set *s = t->ns;
    if (s != NULL)
        ref_get(&s->refs);
    spin_unlock(&t->lock);
    return s;
}

struct ns *task_ns(struct task *t, enum ns_kind kind)
{
    struct ns *ns = NULL;
    spin_lock(&tree_lock);
    spin_lock(&t->lock);
    if (t->fs != NULL || kind == NS_PID || kind == NS_USER) { /* who has ended has these two */
        ns = t->ns != NULL ? t->ns->of[kind] : first_of(kind);
        if (kind == NS_PID)
            ns = pid_ns_ns(pid_ns_of(t->tid));
        ref_get(&ns->refs);
    }
    spin_unlock(&t->lock);
    spin_unlock(&tree_lock);
    return ns;
}

struct ns *task_pid_children(struct task *t, bool begun)
{
    struct ns *ns = NULL;
    spin_lock(&t->lock);
    if (t->fs != NULL)
        ns = t->ns != NULL ? t->ns->pid_children : &first_pid_ns;
    if (ns != NULL && (!begun || pid_ns_begun(ns)))
        ref_get(&ns->refs);
    else
        ns = NULL;
    spin_unlock(&t->lock);
    return ns;
}

struct fs_ctx *task_fs(struct task *t)
{
    spin_lock(&t->lock);
    struct fs_ctx *c = t->fs;
    if (c != NULL)
        fs_ctx_get(c);
    spin_unlock(&t->lock);
    return c;
}

int task_root(struct task *t, struct path *out)
{
    struct fs_ctx *c = task_fs(t);
    if (c == NULL)
        return -ENOENT;
    spin_lock(&c->lock);
    *out = c->root;
    path_get(out);
    spin_unlock(&c->lock);
    fs_ctx_put(c);
    return 0;
}

/* The last put comes when nobody can ask for it any more. */
static void set_ns(struct task *t, struct ns_set *s)
{
    struct ns_set *old = t->ns;

    spin_lock(&tree_lock);
    spin_lock(&t->lock);
    t->ns = s;
    spin_unlock(&t->lock);
    task_watch(t);
    spin_unlock(&tree_lock);
    ns_set_put(old);
}

void ns_set_enter(struct ns_set *s) { set_ns(current, s); }

void ns_leave(struct task *t)
{
    if (t->ns != NULL)
        set_ns(t, NULL);
}

/* The one of a child, which is born in the namespace of PIDs that the set names for it.  NULL: no memory. */
static struct ns_set *set_of_child(struct ns_set *s)
{
    if (s->pid_children == s->of[NS_PID]) {
        ref_get(&s->refs);
        return s;
    }
    if ((s = ns_set_copy(s)) == NULL)
        return NULL;
    ref_get(&s->pid_children->refs);
    ns_put(s->of[NS_PID]);
    s->of[NS_PID] = s->pid_children;
    return s;
}

/* tree_lock held; current makes it.  After an error the child's PID is to be freed. */
int ns_inherit(struct task *child, const struct clone_request *rq)
{
    struct ns_made *made = current->ns_made;
    struct ns_set *s = made != NULL ? made->set : current->ns;
    int err = 0;

    if (s == NULL)
        return 0;
    if (rq->flags & CLONE_THREAD && s->pid_children != s->of[NS_PID])
        return -EINVAL;
    if ((s = set_of_child(s)) == NULL)
        return -ENOMEM;
    struct pid_ns *ns = pid_ns_at(s->of[NS_PID]);
    if (ns != NULL && (err = pid_ns_join(child, ns, rq->set_tid)) != 0) {
        ns_set_put(s);
        return err;
    }
    child->ns = s;
    if (made != NULL && made->fs != NULL) {
        struct fs_ctx *copied = child->fs;
        child->fs = made->fs;
        made->fs = copied; /* who made it puts that, where a last put may be */
    }
    return 0;
}

/* --- its file ----------------------------------------------------------------------- */

static int ns_open(struct inode *in, struct file *f)
{
    (void)in;
    return file_writable(f) ? -EPERM : 0; /* nobody may change it, root neither */
}

int namespace_open(struct ns *ns)
{
    struct path p;
    struct file *f;
    int err = namespace_path(ns, &p);

    if (err != 0)
        return err;
    err = file_new(&p, O_RDONLY, &f);
    path_put(&p);
    return err != 0 ? err : fd_open_add(f, O_CLOEXEC);
}

static int open_owner(void)
{
    struct ns *user = first_of(NS_USER);

    ref_get(&user->refs);
    return namespace_open(user);
}

struct mnt_info { /* struct mnt_ns_info */
    uint32_t size, mounts;
    uint64_t id;
};

static long tell_mounts(const struct ns *ns, uaddr_t to)
{
    struct mnt_info info = { sizeof(info), 0, ns_id(ns) };
    struct mount *m;

    mutex_lock(&fs_tree);
    list_for_each(m, &mounts, link)
        info.mounts += m->ns && &m->ns->ns == ns;
    mutex_unlock(&fs_tree);
    return copy_to_user(to, &info, sizeof(info));
}

/* fs_tree held.  The namespace of mounts with the next number, or the one before, with a reference; NULL: none. */
static struct ns *neighbour(const struct ns *ns, bool next)
{
    struct ns *n, *best = NULL;
    struct mount *m;

    list_for_each(m, &mounts, link) {
        n = m->ns ? &m->ns->ns : NULL;
        if (!n || n == ns || (ns_id(n) > ns_id(ns)) != next ||
            (best && (ns_id(n) < ns_id(best)) != next) || n == best ||
            !ref_get_unless_dead(&n->refs))
            continue;
        if (best)
            ns_put(best);
        best = n;
    }
    return best;
}

static long open_neighbour(const struct ns *ns, bool next, uaddr_t to)
{
    mutex_lock(&fs_tree);
    struct ns *n = capable() ? neighbour(ns, next) : NULL;
    mutex_unlock(&fs_tree);
    if (!n)
        return -ENOENT;
    long err = to ? tell_mounts(n, to) : 0;
    if (!err)
        return namespace_open(n);
    ns_put(n);
    return err;
}

/* What only some kinds are asked. */
static long ask_kind(struct ns *ns, uint32_t cmd, uaddr_t arg)
{
    if (cmd == GET_MNTNS_ID)
        return ns->kind == NS_MNT ? put_user(ns_id(ns), arg) : -EINVAL;
    if (cmd == MNT_INFO)
        return ns->kind == NS_MNT ? tell_mounts(ns, arg) : -EINVAL;
    if (cmd == MNT_NEXT || cmd == MNT_PREV)
        return ns->kind == NS_MNT ? open_neighbour(ns, cmd == MNT_NEXT, arg) : -EINVAL;
    if (cmd >= PID_FROM && cmd <= PID_LAST)
        return ns->kind == NS_PID
                   ? pid_ns_ask(ns, (cmd - PID_FROM) & 1, cmd - PID_FROM >= 2, (uint32_t)arg)
                   : -EINVAL;
    return -ENOTTY;
}

/* Who is not below current's own namespace has no parent to be seen. */
static long open_parent(struct ns *ns)
{
    if (ns->kind != NS_PID)
        return ns->kind == NS_USER ? -EPERM : -EINVAL;
    if ((ns = pid_ns_parent(ns)) == NULL)
        return -EPERM;
    ref_get(&ns->refs);
    return namespace_open(ns);
}

/* The first user namespace owns all others. */
static long ns_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    struct ns *ns = namespace_of(f);
    bool user = ns->kind == NS_USER;

    switch (cmd) {
    case NS_GET_NSTYPE: return (long)ns_flag(ns->kind);
    case NS_GET_USERNS: return user ? -EPERM : open_owner();
    case NS_GET_PARENT: return open_parent(ns);
    case NS_GET_OWNER_UID: return user ? put_user((uint32_t)0, arg) : -EINVAL;
    case GET_ID: return put_user(ns_id(ns), arg);
    }
    return ask_kind(ns, cmd, arg);
}

static void ns_evict(struct inode *in) { ns_put(in->private); }

static const struct file_ops ns_fops = { .open = ns_open, .ioctl = ns_ioctl, .nonseekable = true };
static const struct inode_ops ns_iops = { .evict = ns_evict };

struct ns *namespace_of(const struct file *f)
{
    return f->inode->sb == &ns_sb ? f->inode->private : NULL;
}

int namespace_path(struct ns *ns, struct path *out)
{
    struct inode *in = inode_alloc(&ns_sb, S_IFREG | 0444);
    char name[32];

    if (in == NULL) {
        ns_put(ns);
        return -ENOMEM;
    }
    int n = ksnprintf(name, sizeof(name), "%s:[%lu]", kinds[ns->kind].name, ns->ino);
    in->ops = &ns_iops;
    in->fops = &ns_fops;
    in->ino = ns->ino;
    in->uid = in->gid = 0;
    in->private = ns;
    out->mnt = NULL;
    return dentry_new(NULL, name, (size_t)n, in, &out->dentry);
}
