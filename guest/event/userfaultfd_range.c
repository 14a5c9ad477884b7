/* userfaultfd_range.c - what userfaultfd(2)'s ioctls do to ranges of memory: they are registered, filled, protected.
 *
 * A range that is filled lies in one mapping of the descriptor's own.  Pages come one by one, each under mm->lock; what
 * fails after the first leaves those before it where they are and tells how many bytes that was, with EAGAIN. */
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "event/userfaultfd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "mm/fill.h"
#include "mm/frame.h"
#include "mm/share.h"
#include "mm/vma.h"

#include <linux/ioctl.h>
#include <linux/magic.h>
#include <linux/userfaultfd.h>

/* Newer than some systems' headers. */
#define FEATURE_POISON  (1ul << 14)
#define FEATURE_MOVE    (1ul << 16)
#define NR_MOVE         5
#define NR_POISON       8
#define IOC_MOVE        0xc028aa05u
#define IOC_POISON      0xc020aa08u
#define MOVE_DONTWAKE   1ul
#define MOVE_ALLOW_HOLE 2ul
struct move {
    uint64_t dst, src, len, mode;
    int64_t moved;
};

#define FEATURES \
    (UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_SIGBUS | \
     UFFD_FEATURE_THREAD_ID | UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_EXACT_ADDRESS | \
     FEATURE_POISON | FEATURE_MOVE)
#define ON_RANGES \
    (1ul << _UFFDIO_WAKE | 1ul << _UFFDIO_COPY | 1ul << _UFFDIO_ZEROPAGE | 1ul << NR_MOVE | \
     1ul << _UFFDIO_WRITEPROTECT | 1ul << _UFFDIO_CONTINUE | 1ul << NR_POISON)
#define WORK_PAGE 900u /* instructions, about (arch/preempt.h) */

static bool is_range(uaddr_t start, uint64_t len)
{
    return !(start & ~PAGE_MASK) && !(len & ~PAGE_MASK) && len != 0 && start >= MMAP_MIN_ADDR &&
           start + len > start && start + len <= USER_END;
}

/* --- which memory --------------------------------------------------------------------------------- */

static bool is_shared_memory(const struct vma *v)
{
    const struct inode *in = v->file ? v->file->inode : NULL;
    return in && S_ISREG(in->mode) && in->sb->magic == TMPFS_MAGIC && in->borrowed_pages == 0;
}

/* May u ask about v?  0 or -errno. */
static int may_ask(const struct userfault *u, const struct vma *v, uint32_t what)
{
    bool anonymous = !v->file && !(v->flags & VM_SHARED);

    if (!anonymous && (what & VM_ASK_WRITE || !is_shared_memory(v)))
        return -EINVAL;
    if (anonymous && what & VM_ASK_MINOR)
        return -EINVAL;
    if (v->flags & VM_READONLY && !(v->flags & VM_WRITE))
        return -EPERM; /* nor may it be made writable */
    return v->flags & VM_ASK_ALL && !userfault_has(u, v) ? -EBUSY : 0;
}

/* Each VMA of the range, which is split at its ends, asks `what` of u from now on.  mm->lock held. */
static int set_asked(const struct userfault *u, struct mm *mm, uaddr_t start, uaddr_t end,
                     uint32_t what)
{
    uint32_t on = what ? what | u->number << VM_ASKED : 0;
    uint32_t marked = what & VM_ASK_WRITE ? VM_MARKED : 0;
    int err = vma_split_ends(mm, start, end);

    if (!err && marked)
        err = share_own_range(mm, start, end);
    for (struct vma *v = vma_find(mm, start); !err && v && v->start < end; v = vma_next(v)) {
        if (what || userfault_has(u, v)) {
            if (v->flags & VM_ASK_WRITE || marked)
                fill_protect(v, v->start, v->end,
                             false); /* what a fork has left is not this one's */
            vma_set_flags(v, (v->flags & ~VM_ASK_ALL) | on | marked);
        }
        preempt_work(WORK_VMA);
    }
    vma_merge(mm, start, end);
    return err;
}

void userfault_forget(struct userfault *u, struct mm *mm)
{
    for (struct vma *v = vma_find(mm, 0); v; v = vma_next(v)) {
        if (v->flags & VM_ASK_ALL && userfault_has(u, v))
            vma_set_flags(v, v->flags & ~VM_ASK_ALL);
        preempt_work(WORK_VMA / 4);
    }
    vma_merge(mm, 0, USER_END);
}

static long set_range(struct userfault *u, uaddr_t start, uint64_t len, uint32_t what)
{
    struct mm *mm = userfault_mm(u);
    int err = 0;

    if (!mm)
        return -ENOMEM;
    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, start);
    if (!v || v->start >= start + len)
        err = -EINVAL;
    for (; !err && v && v->start < start + len; v = vma_next(v)) {
        if (what)
            err = may_ask(u, v, what);
        else if ((v->flags & VM_ASK_ALL && !userfault_has(u, v)) ||
                 (v->file && !is_shared_memory(v)))
            err = -EINVAL;
        preempt_work(WORK_VMA / 4);
    }
    if (!err)
        err = set_asked(u, mm, start, start + len, what);
    mutex_unlock(&mm->lock);
    mm_put(mm, PT_exit_teardown);
    return err;
}

static long do_register(struct userfault *u, uaddr_t arg)
{
    struct uffdio_register r;
    const uint64_t all =
        UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MINOR;

    if (copy_from_user(&r, arg, offsetof(struct uffdio_register, ioctls)) != 0)
        return -EFAULT;
    if (r.mode == 0 || r.mode & ~all || !is_range(r.range.start, r.range.len))
        return -EINVAL;
    uint32_t what = (r.mode & UFFDIO_REGISTER_MODE_MISSING ? VM_ASK_MISSING : 0) |
                    (r.mode & UFFDIO_REGISTER_MODE_WP ? VM_ASK_WRITE : 0) |
                    (r.mode & UFFDIO_REGISTER_MODE_MINOR ? VM_ASK_MINOR : 0);
    long err = set_range(u, r.range.start, r.range.len, what);
    if (err)
        return err;
    uint64_t can = ON_RANGES;
    if (!(what & VM_ASK_WRITE))
        can &= ~(1ul << _UFFDIO_WRITEPROTECT);
    if (!(what & VM_ASK_MINOR))
        can &= ~(1ul << _UFFDIO_CONTINUE);
    return put_user(can, arg + offsetof(struct uffdio_register, ioctls)) ? -EFAULT : 0;
}

static long on_range(struct userfault *u, uaddr_t arg, bool forget)
{
    struct uffdio_range r;

    if (copy_from_user(&r, arg, sizeof r) != 0)
        return -EFAULT;
    if (!is_range(r.start, r.len))
        return -EINVAL;
    long err = forget ? set_range(u, r.start, r.len, 0) : 0;
    if (!err)
        userfault_wake(u, r.start, r.start + r.len);
    return err;
}

/* --- filling it -------------------------------------------------------------------------------------- */

struct fill {
    struct userfault *u;
    uaddr_t dst, src;
    uint64_t len, mode;
    uint32_t cmd;
};

/* u's mapping with all of the range; NULL: there is none.  mm->lock held. */
static struct vma *goal_of(struct mm *mm, const struct fill *f)
{
    struct vma *v = vma_find(mm, f->dst);
    return v && v->start <= f->dst && v->end >= f->dst + f->len && v->flags & VM_ASK_ALL &&
                   userfault_has(f->u, v)
               ? v
               : NULL;
}

/* Both private memory of the same rights, and not the same pages. */
static struct vma *source_of(struct mm *mm, const struct fill *f, const struct vma *to, int *err)
{
    const uint32_t same = VM_READ | VM_WRITE | VM_EXEC | VM_LOCKED;
    struct vma *v = vma_find(mm, f->src);

    *err = -EINVAL;
    if (!v || v->start > f->src || v->end < f->src + f->len) {
        *err = -ENOENT;
        return NULL;
    }
    bool apart = f->src + f->len <= f->dst || f->dst + f->len <= f->src;
    if ((v->flags ^ to->flags) & same || !(v->flags & VM_WRITE) || v->file || to->file ||
        (v->flags | to->flags) & VM_SHARED || !apart)
        return NULL;
    return v;
}

/* Page `off` of the range.  *pfn: what it is to hold; 0: it has been used.  mm->lock held. */
static int fill_one(struct mm *mm, const struct fill *f, uint64_t off, pfn_t *pfn)
{
    struct vma *v = goal_of(mm, f), *from;
    bool protect = f->cmd == UFFDIO_COPY && f->mode & UFFDIO_COPY_MODE_WP;
    int err;

    if (!v)
        return -ENOENT;
    switch (f->cmd) {
    case UFFDIO_CONTINUE: return v->file ? fill_from_file(v, f->dst + off) : -EINVAL;
    case IOC_POISON: return fill_lost(v, f->dst + off);
    case IOC_MOVE:
        from = source_of(mm, f, v, &err);
        if (!from)
            return err;
        err = fill_by_move(v, f->dst + off, from, f->src + off);
        return err == -ENOENT && f->mode & MOVE_ALLOW_HOLE ? 0 : err;
    }
    if (protect && !(v->flags & VM_ASK_WRITE))
        return -EINVAL;
    err = fill_page(v, f->dst + off, *pfn, protect);
    if (!err)
        *pfn = 0;
    return err;
}

/* What UFFDIO_COPY and UFFDIO_ZEROPAGE put there: 0 and *pfn, or -errno.  Others have none. */
static int content(const struct fill *f, uint64_t off, pfn_t *pfn)
{
    *pfn = 0;
    if (f->cmd != UFFDIO_COPY && f->cmd != UFFDIO_ZEROPAGE)
        return 0;
    *pfn = f->cmd == UFFDIO_COPY ? frame_alloc() : frame_alloc_zeroed();
    if (!*pfn)
        return -ENOMEM;
    if (f->cmd == UFFDIO_COPY && copy_from_user(frame_va(*pfn), f->src + off, PAGE_SIZE) != 0) {
        frame_put(*pfn);
        return -EFAULT;
    }
    return 0;
}

/* How many bytes, or why none. */
static long fill(const struct fill *f, struct mm *mm)
{
    uint64_t off = 0;
    int err = 0;

    while (!err && off < f->len) {
        pfn_t pfn;
        err = content(f, off, &pfn);
        if (err)
            break;
        mutex_lock(&mm->lock);
        err = fill_one(mm, f, off, &pfn);
        mutex_unlock(&mm->lock);
        if (pfn)
            frame_put(pfn);
        off += err ? 0 : PAGE_SIZE;
        if (!err && preempt_ends(WORK_PAGE))
            err = -EINTR;
    }
    return off ? (long)off : err;
}

/* The answer goes to the program's word at `told`, too. */
static long run(const struct fill *f, uaddr_t told, uint64_t dont_wake)
{
    struct mm *mm = userfault_mm(f->u);

    if (!mm)
        return -ESRCH;
    long ret = fill(f, mm);
    mm_put(mm, PT_exit_teardown);
    if (put_user(ret, told) != 0)
        return -EFAULT;
    if (ret < 0)
        return ret;
    if (!(f->mode & dont_wake))
        userfault_wake(f->u, f->dst, f->dst + (uint64_t)ret);
    return (uint64_t)ret == f->len ? 0 : -EAGAIN;
}

static long copy(struct userfault *u, uaddr_t arg)
{
    struct uffdio_copy c;

    if (copy_from_user(&c, arg, offsetof(struct uffdio_copy, copy)) != 0)
        return -EFAULT;
    if (!is_range(c.dst, c.len) || c.src + c.len <= c.src ||
        c.mode & ~(UFFDIO_COPY_MODE_DONTWAKE | UFFDIO_COPY_MODE_WP))
        return -EINVAL;
    return run(&(struct fill){ u, c.dst, c.src, c.len, c.mode, UFFDIO_COPY },
               arg + offsetof(struct uffdio_copy, copy), UFFDIO_COPY_MODE_DONTWAKE);
}

/* UFFDIO_ZEROPAGE, _CONTINUE and _POISON look alike. */
static long plain_fill(struct userfault *u, uint32_t cmd, uaddr_t arg)
{
    struct uffdio_zeropage z;

    if (copy_from_user(&z, arg, offsetof(struct uffdio_zeropage, zeropage)) != 0)
        return -EFAULT;
    if (!is_range(z.range.start, z.range.len) || z.mode & ~UFFDIO_ZEROPAGE_MODE_DONTWAKE)
        return -EINVAL;
    return run(&(struct fill){ u, z.range.start, 0, z.range.len, z.mode, cmd },
               arg + offsetof(struct uffdio_zeropage, zeropage), UFFDIO_ZEROPAGE_MODE_DONTWAKE);
}

static long move(struct userfault *u, uaddr_t arg)
{
    struct move m;

    if (copy_from_user(&m, arg, offsetof(struct move, moved)) != 0)
        return -EFAULT;
    if (!is_range(m.dst, m.len) || !is_range(m.src, m.len) ||
        m.mode & ~(MOVE_DONTWAKE | MOVE_ALLOW_HOLE))
        return -EINVAL;
    return run(&(struct fill){ u, m.dst, m.src, m.len, m.mode, IOC_MOVE },
               arg + offsetof(struct move, moved), MOVE_DONTWAKE);
}

/* --- protecting it --------------------------------------------------------------------------------------- */

/* mm->lock held.  -ENOENT: a page of the range is in no mapping that asks about writes. */
static int protect_range(const struct userfault *u, struct mm *mm, uaddr_t at, uaddr_t end, bool on)
{
    int err = share_own_range(mm, at, end);

    while (!err && at < end) {
        struct vma *v = vma_find(mm, at);
        if (!v || v->start > at || !(v->flags & VM_ASK_WRITE) || !userfault_has(u, v))
            return -ENOENT;
        fill_protect(v, at, MIN(end, v->end), on);
        at = v->end;
        preempt_work(WORK_VMA);
    }
    return err;
}

static long protect(struct userfault *u, uaddr_t arg)
{
    struct uffdio_writeprotect w;
    const uint64_t both = UFFDIO_WRITEPROTECT_MODE_WP | UFFDIO_WRITEPROTECT_MODE_DONTWAKE;

    if (copy_from_user(&w, arg, sizeof w) != 0)
        return -EFAULT;
    if (!is_range(w.range.start, w.range.len) || w.mode & ~both || (w.mode & both) == both)
        return -EINVAL;
    struct mm *mm = userfault_mm(u);
    if (!mm)
        return -ESRCH;
    bool on = w.mode & UFFDIO_WRITEPROTECT_MODE_WP;
    mutex_lock(&mm->lock);
    int err = protect_range(u, mm, w.range.start, w.range.start + w.range.len, on);
    mutex_unlock(&mm->lock);
    mm_put(mm, PT_exit_teardown);
    if (!err && !on && !(w.mode & UFFDIO_WRITEPROTECT_MODE_DONTWAKE))
        userfault_wake(u, w.range.start, w.range.start + w.range.len);
    return err;
}

/* --- the calls ----------------------------------------------------------------------------------------------- */

/* What there is, and from now on the rest; once. */
static long agree(struct userfault *u, uaddr_t arg)
{
    struct uffdio_api a;

    if (copy_from_user(&a, arg, sizeof a) != 0)
        return -EFAULT;
    bool fits = a.api == UFFD_API && !(a.features & ~FEATURES);
    if (fits) {
        spin_lock(&u->lock);
        fits = !u->ready;
        u->features = fits ? a.features : u->features;
        __atomic_store_n(&u->ready, true, __ATOMIC_RELEASE);
        spin_unlock(&u->lock);
    }
    a = fits ? (struct uffdio_api){ UFFD_API, FEATURES, UFFD_API_IOCTLS }
             : (struct uffdio_api){ 0, 0, 0 };
    if (copy_to_user(arg, &a, sizeof a) != 0)
        return -EFAULT;
    return fits ? 0 : -EINVAL;
}

long userfaultfd_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
    struct userfault *u = f->private;

    if (cmd != UFFDIO_API && !__atomic_load_n(&u->ready, __ATOMIC_ACQUIRE))
        return -EINVAL;
    switch (cmd) {
    case UFFDIO_API: return agree(u, arg);
    case UFFDIO_REGISTER: return do_register(u, arg);
    case UFFDIO_UNREGISTER: return on_range(u, arg, true);
    case UFFDIO_WAKE: return on_range(u, arg, false);
    case UFFDIO_COPY: return copy(u, arg);
    case UFFDIO_ZEROPAGE:
    case UFFDIO_CONTINUE:
    case IOC_POISON: return plain_fill(u, cmd, arg);
    case IOC_MOVE: return move(u, arg);
    case UFFDIO_WRITEPROTECT: return protect(u, arg);
    }
    return -EINVAL;
}
