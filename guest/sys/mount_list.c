/* mount_list.c - what is mounted, by numbers that never come again: listmount(2), statmount(2). */
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/dentry.h"
#include "fs/fs_ctx.h"
#include "fs/inode.h"
#include "fs/mount.h"
#include "fs/path.h"
#include "fs/path_name.h"
#include "fs/tmpfs_mount.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/namespace.h"
#include "sched/task.h"

#define NUMBERS_BEGIN (1ull << 31) /* mount_unique_id() */
#define LIST_MAX      1000000u
#define WORK_MOUNT    100u /* instructions, about (arch/preempt.h) */

/* --- after Linux 6.1's headers ------------------------------------------------------------------ */
struct request { /* struct mnt_id_req */
    uint32_t size, spare;
    uint64_t mnt_id, param, mnt_ns_id;
};
#define REQUEST_SIZE_VER0 24u
#define LIST_ROOT         UINT64_MAX /* LSMT_ROOT */
#define LIST_REVERSE      1u         /* LISTMOUNT_REVERSE */
struct answer {                      /* struct statmount, up to what is known here */
    uint32_t size, mnt_opts;
    uint64_t mask;
    uint32_t sb_dev_major, sb_dev_minor;
    uint64_t sb_magic;
    uint32_t sb_flags, fs_type;
    uint64_t mnt_id, mnt_parent_id;
    uint32_t mnt_id_old, mnt_parent_id_old;
    uint64_t mnt_attr, mnt_propagation, mnt_peer_group, mnt_master, propagate_from;
    uint32_t mnt_root, mnt_point;
    uint64_t mnt_ns_id;
    uint32_t fs_subtype, sb_source, opt_num, opt_array, opt_sec_num, opt_sec_array;
    uint64_t supported_mask;
    uint32_t mnt_uidmap_num, mnt_uidmap, mnt_gidmap_num, mnt_gidmap;
    uint64_t spare[43];
};
_Static_assert(sizeof(struct answer) == 512, "Linux's");
#define SB_BASIC       0x1u
#define MNT_BASIC      0x2u
#define PROPAGATE_FROM 0x4u
#define MNT_ROOT       0x8u
#define MNT_POINT      0x10u
#define FS_TYPE        0x20u
#define MNT_NS_ID      0x40u
#define MNT_OPTS       0x80u
#define FS_SUBTYPE     0x100u
#define SB_SOURCE      0x200u
#define OPT_ARRAY      0x400u
#define OPT_SEC_ARRAY  0x800u
#define SUPPORTED_MASK 0x1000u
#define UIDMAP         0x2000u
#define GIDMAP         0x4000u
#define ALL_OF_THEM    0x7fffu
/* Those of which no mount here has one. */
#define NEVER (FS_SUBTYPE | OPT_SEC_ARRAY | UIDMAP | GIDMAP)
#define TEXTS (MNT_ROOT | MNT_POINT | FS_TYPE | SB_SOURCE | MNT_OPTS | OPT_ARRAY | NEVER)

static long request_get(struct request *r, uaddr_t at)
{
    uint32_t size;

    if (get_user(size, at) != 0)
        return -EFAULT;
    if (size > PAGE_SIZE)
        return -E2BIG;
    if (size < REQUEST_SIZE_VER0)
        return -EINVAL;
    long err = copy_struct_from_user(r, sizeof(*r), at, size);
    if (err)
        return err;
    return r->spare != 0 || r->mnt_id <= NUMBERS_BEGIN ? -EINVAL : 0;
}

/* fs_tree held */
static struct mount *by_number(uint64_t number)
{
    struct mount *m;

    list_for_each(m, &mounts, link)
        if (mount_unique_id(m->id) == number && m->ns == mount_ns_here())
            return m;
    return NULL;
}

/* fs_tree held.  The one that follows the number, that lies below `from`, and is not `itself`; NULL: none. */
static struct mount *next_mount(const struct path *from, const struct mount *itself, uint64_t after,
                                bool reverse)
{
    struct mount *m, *best = NULL;

    list_for_each(m, &mounts, link) {
        uint64_t n = mount_unique_id(m->id);
        bool follows = reverse ? n < after : n > after;
        if (m == itself || !follows || (best && (reverse ? m->id < best->id : m->id > best->id)))
            continue;
        if (mount_reaches(m, from))
            best = m;
        preempt_work(WORK_MOUNT);
    }
    return best;
}

static long list(const struct path *from, const struct mount *itself, uint64_t after, bool reverse,
                 uaddr_t to, size_t n)
{
    const struct mount *m;
    uint64_t number;
    size_t i;

    for (i = 0; i < n; i++) {
        mutex_lock(&fs_tree);
        m = next_mount(from, itself, after, reverse);
        number = m ? mount_unique_id(m->id) : 0;
        mutex_unlock(&fs_tree);
        if (!m)
            break;
        if (put_user(number, to + i * sizeof(number)) != 0)
            return -EFAULT;
        after = number;
    }
    return (long)i;
}

SYSCALL4(listmount, uaddr_t, at, uaddr_t, to, size_t, n, uint32_t, flags)
{
    struct mount *itself = NULL;
    struct request r;
    struct path from;

    if (flags & ~LIST_REVERSE)
        return -EINVAL;
    if (n > LIST_MAX)
        return -EOVERFLOW;
    if (!user_range(to, n * sizeof(uint64_t)))
        return -EFAULT;
    long err = request_get(&r, at);
    if (err)
        return err;
    if (r.param != 0 && r.param <= NUMBERS_BEGIN)
        return -EINVAL;
    fs_get_root(&from);
    mutex_lock(&fs_tree);
    err = mount_waiting(NULL);
    if (!err && r.mnt_id != LIST_ROOT) {
        itself = by_number(r.mnt_id);
        err = !itself ? -ENOENT : !mount_reaches(itself, &from) && !capable() ? -EPERM : 0;
    }
    if (!err && itself) {
        path_put(&from);
        from = (struct path){ itself, itself->root };
        path_get(&from);
    }
    mutex_unlock(&fs_tree);
    bool reverse = flags & LIST_REVERSE;
    if (!err)
        err = list(&from, itself, r.param == 0 && reverse ? UINT64_MAX : r.param, reverse, to, n);
    path_put(&from);
    return err;
}

/* --- one of them ------------------------------------------------------------------------------------ */

static uint64_t attributes(uint32_t flags)
{
    return (flags & MS_RDONLY ? MOUNT_ATTR_RDONLY : 0) |
           (flags & MS_NOSUID ? MOUNT_ATTR_NOSUID : 0) | (flags & MS_NODEV ? MOUNT_ATTR_NODEV : 0) |
           (flags & MS_NOEXEC ? MOUNT_ATTR_NOEXEC : 0) |
           (flags & MS_NODIRATIME ? MOUNT_ATTR_NODIRATIME : 0) |
           (flags & MS_NOSYMFOLLOW ? MOUNT_ATTR_NOSYMFOLLOW : 0) |
           (flags & MS_NOATIME       ? MOUNT_ATTR_NOATIME
            : flags & MS_STRICTATIME ? MOUNT_ATTR_STRICTATIME
                                     : 0);
}

/* fs_tree held */
static void numbers(const struct mount *m, const struct path *root, uint64_t mask, struct answer *a)
{
    const struct mount *parent = m->parent ? m->parent : m;

    if (mask & SB_BASIC) {
        a->sb_dev_major = DEV_MAJOR(m->sb->dev);
        a->sb_dev_minor = DEV_MINOR(m->sb->dev);
        a->sb_magic = m->sb->magic;
        a->sb_flags = (m->flags & MOUNT_FS_RDONLY ? MS_RDONLY : 0) | (m->flags & MS_SYNCHRONOUS);
    }
    if (mask & MNT_BASIC) {
        a->mnt_id = mount_unique_id(m->id);
        a->mnt_parent_id = mount_unique_id(parent->id);
        a->mnt_id_old = m->id;
        a->mnt_parent_id_old = parent->id;
        a->mnt_attr = attributes(m->flags);
        a->mnt_propagation = propagation_of(m);
        a->mnt_peer_group = m->group;
        a->mnt_master = m->master;
    }
    if (mask & PROPAGATE_FROM)
        a->propagate_from = propagation_from(m, root);
    if (mask & MNT_NS_ID)
        a->mnt_ns_id = ns_id(&m->ns->ns);
    if (mask & SUPPORTED_MASK)
        a->supported_mask = ALL_OF_THEM;
}

/* Texts behind the answer: a page for all of them, and one to make names in. */
struct texts {
    char *all, *page;
    size_t len;
};

/* Where it begins.  -EOVERFLOW: there are too many. */
static long put_text(struct texts *t, const char *text, uint32_t *begin)
{
    size_t n = strlen(text) + 1;

    if (t->len + n > PAGE_SIZE)
        return -EOVERFLOW;
    memcpy(t->all + t->len, text, n);
    *begin = (uint32_t)t->len;
    t->len += n;
    return 0;
}

/* The options as one text, and as one each; those that there are none of are not said to be told. */
static long put_options(const struct superblock *sb, uint64_t mask, struct answer *a,
                        struct texts *t)
{
    char options[SB_OPTIONS_ROOM];
    long err = 0;

    sb_options(sb, options);
    if (!options[0])
        a->mask &= ~(uint64_t)(MNT_OPTS | OPT_ARRAY);
    if (options[0] && mask & MNT_OPTS)
        err = put_text(t, options + 1, &a->mnt_opts);
    if (!options[0] || err || !(mask & OPT_ARRAY))
        return err;
    err = put_text(t, options + 1, &a->opt_array);
    for (char *c = t->all + a->opt_array; !err && c < t->all + t->len; c++)
        if (*c == ',' || !*c) {
            *c = 0;
            a->opt_num++;
        }
    return err;
}

/* fs_tree held */
static long put_texts(const struct mount *m, uint64_t mask, struct answer *a, struct texts *t)
{
    struct path top = { NULL, m->root }, point = { (struct mount *)m, m->root };
    const char *name;
    long err = 0;

    if (mask & FS_TYPE)
        err = put_text(t, m->sb->type, &a->fs_type);
    if (!err && mask & MNT_ROOT) {
        name = path_name(&top, t->page, PAGE_SIZE);
        err = put_text(t, name ? name : "/", &a->mnt_root);
    }
    if (!err && mask & MNT_POINT) {
        name = path_name(&point, t->page, PAGE_SIZE);
        err = put_text(t, name ? name : "/", &a->mnt_point);
    }
    if (!err && mask & SB_SOURCE)
        err = put_text(t, m->source[0] ? m->source : "none", &a->sb_source);
    return err ? err : put_options(m->sb, mask, a, t);
}

static long ask(uint64_t number, uint64_t mask, struct answer *a, struct texts *t)
{
    struct path root;

    fs_get_root(&root);
    mutex_lock(&fs_tree);
    long err = mount_waiting(NULL);
    const struct mount *m = by_number(number);
    if (!err && !m)
        err = -ENOENT;
    if (!err && !mount_reaches(m, &root) && !capable())
        err = -EPERM;
    if (!err)
        numbers(m, &root, mask, a);
    t->len = mask & TEXTS
                 ? 1
                 : 0; /* where a text would be that is not asked for there is an empty one */
    if (!err && mask & TEXTS)
        err = put_texts(m, mask, a, t);
    mutex_unlock(&fs_tree);
    path_put(&root);
    return err;
}

SYSCALL4(statmount, uaddr_t, at, uaddr_t, to, size_t, size, uint32_t, flags)
{
    struct answer a = { 0 };
    struct texts t = { NULL, NULL, 0 };
    struct request r;

    if (flags)
        return -EINVAL;
    long err = request_get(&r, at);
    if (err)
        return err;
    uint64_t mask = r.param & ALL_OF_THEM;
    a.mask = mask & ~(uint64_t)NEVER;
    if (mask & TEXTS) {
        if (size == sizeof(a))
            return -EOVERFLOW; /* there is room for numbers only */
        t.all = kzalloc(PAGE_SIZE);
        t.page = kmalloc(PAGE_SIZE);
        err = t.all && t.page ? 0 : -ENOMEM;
    }
    if (!err)
        err = ask(r.mnt_id, mask, &a, &t);
    if (!err && t.len > 0 && size < sizeof(a) + t.len)
        err = -EOVERFLOW;
    a.size = (uint32_t)(MIN(size, sizeof(a)) + t.len);
    size_t n = MIN(size, sizeof(a));
    if (!err && (copy_to_user(to, &a, n) != 0 ||
                 (t.len > 0 && copy_to_user(to + sizeof(a), t.all, t.len) != 0)))
        err = -EFAULT;
    kfree(t.all);
    kfree(t.page);
    return err;
}
