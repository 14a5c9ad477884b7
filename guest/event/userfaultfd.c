/* userfaultfd.c - memory whose faults a program decides itself: userfaultfd(2), the descriptor.
 *
 * A program registers ranges of its memory (userfaultfd_range.c): the VMAs have VM_ASK_* and the number that
 * the descriptor has in its address space.  A fault on what is asked about ends with FAULT_ASK, and comes here:
 *
 *   who faults                              who decides
 *   mm->lock: is it still to be asked?      reads the question from the descriptor
 *   queued in `unread`, mm->lock goes       mm->lock: puts a page there, or lets writes through
 *   sleeps in `askers`                      marks all questions in that range done, wakes
 *   tries again
 *
 * A question is queued under the lock under which pages are put, so an answer finds it, or the fault
 * finds the page.  Whoever is woken tries again and may ask again: an answer is nothing but a wake.
 *
 * A fault in a system call waits likewise, with whatever the call holds, as on Linux; so it takes
 * CAP_SYS_PTRACE (or UFFD_USER_MODE_ONLY, which makes such a fault an error), and a fatal signal ends it.  A signal ends
 * the wait of a program's own fault, which comes back after the handler.
 *
 * Life.  The file has a reference, who waits another.  The descriptor's end takes its number from all mappings
 * and wakes everybody; the address space's end takes u->mm away under u->lock, so that
 * mm_get_unless_dead() in userfault_mm() never looks at freed memory.
 *
 * Left out: events of fork, mremap, munmap (UFFD_FEATURE_EVENT_*: EINVAL), write-protecting shared memory and what
 * is not there yet, huge pages.  What others do with the memory (ptrace, process_vm_readv, mlock) is not asked about and
 * fails where nothing is (EFAULT). */
#include "event/userfaultfd.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/anon_inode.h"
#include "fs/devfs.h"
#include "fs/device.h"
#include "fs/fd.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "fs/pages_io.h"
#include "fs/poll.h"
#include "mm/fault.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/pt.h"
#include "mm/vma.h"
#include "proc/pid_ns.h"

#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/ioctl.h>
#include <linux/magic.h>
#include <linux/userfaultfd.h>

#define MISC_MAJOR 10
#define MISC_MINOR 126

struct question {
    struct list link; /* u->lock, as all but what is [k] */
    uaddr_t at;       /* [k] */
    uint64_t flags;   /* [k] UFFD_PAGEFAULT_FLAG_* */
    uint32_t tid;     /* [k] */
    bool done;        /* read without, too */
};

/* In mm->askers; mm->lock. */
struct askers {
    struct mm_askers head;
    struct userfault *of[VM_ASKED_MOST + 1]; /* by number; 0 is nobody's */
};

uint32_t userfaultfd_unprivileged;
static struct superblock userfault_sb = ANON_INODES("[userfaultfd]");

static void put(struct userfault *u)
{
    if (ref_put(&u->refs))
        kfree(u);
}

struct mm *userfault_mm(struct userfault *u)
{
    spin_lock(&u->lock);
    struct mm *mm = u->mm && mm_get_unless_dead(u->mm) ? u->mm : NULL;
    spin_unlock(&u->lock);
    return mm;
}

static struct askers *askers_of(const struct mm *mm)
{
    return container_of(mm->askers, struct askers, head);
}

/* --- asking -------------------------------------------------------------------------------- */

/* Flags of the question that an access to va is, or -1: it is none any more. */
static int64_t question_now(const struct vma *v, uaddr_t va, uint32_t error)
{
    pte_t e = pt_entry(v->mm, va);
    uint64_t write = error & FAULT_WRITE ? UFFD_PAGEFAULT_FLAG_WRITE : 0;
    pfn_t pfn = 0;

    if (e != 0)
        return write && e & PTE_WP && v->flags & VM_ASK_WRITE
                   ? (int64_t)(write | UFFD_PAGEFAULT_FLAG_WP)
                   : -1;
    if (v->file && file_get_page(v->file, vma_file_page(v, va), false, &pfn) != 0)
        return -1;
    if (pfn)
        frame_put(pfn);
    if (!(v->flags & (pfn ? VM_ASK_MINOR : VM_ASK_MISSING)))
        return -1;
    return (int64_t)(write | (pfn ? UFFD_PAGEFAULT_FLAG_MINOR : 0));
}

/* mm->lock held.  u with a reference, and q is queued; NULL: *err says how the fault ends. */
static struct userfault *ask(struct mm *mm, uaddr_t at, uint32_t error, bool user,
                             struct question *q, int *err)
{
    struct vma *v = vma_find(mm, at);
    uint32_t number = v && v->start <= at ? (v->flags & VM_ASK_ALL) >> VM_ASKED : 0;
    struct userfault *u = number ? askers_of(mm)->of[number] : NULL;
    int64_t flags = u ? question_now(v, page_down(at), error) : -1;

    *err = 0;
    if (flags < 0)
        return NULL;
    spin_lock(&u->lock);
    if (u->features & UFFD_FEATURE_SIGBUS || (u->user_only && !user)) {
        *err = SIGBUS;
        u = (spin_unlock(&u->lock), NULL);
    } else {
        q->at = u->features & UFFD_FEATURE_EXACT_ADDRESS ? at : page_down(at);
        q->flags = (uint64_t)flags;
        q->tid = u->features & UFFD_FEATURE_THREAD_ID ? pid_told(current->tid) : 0;
        list_push_back(&u->unread, &q->link);
        u->waiting++;
        ref_get(&u->refs);
        spin_unlock(&u->lock);
    }
    return u;
}

static bool is_done(const struct question *q)
{
    return __atomic_load_n(&q->done, __ATOMIC_ACQUIRE);
}

int userfaultfd_ask(struct mm *mm, uaddr_t at, uint32_t error, bool user, int *code)
{
    struct question q = { .done = false };
    int err;

    *code = BUS_ADRERR;
    mutex_lock(&mm->lock);
    struct userfault *u = ask(mm, at, error, user, &q, &err);
    mutex_unlock(&mm->lock);
    if (!u)
        return err;
    waitq_wake_for(&u->readers, EPOLLIN);
    err = WAIT_EVENT(&u->askers, is_done(&q), BLOCK_userfault, 0,
                     user ? BLOCK_INTERRUPTIBLE : BLOCK_KILLABLE, NO_DEADLINE);
    spin_lock(&u->lock);
    if (!q.done) {
        list_remove(&q.link);
        u->waiting--;
    }
    spin_unlock(&u->lock);
    put(u);
    return err && !user ? -EINTR : 0; /* a program's own comes again, if it lives */
}

/* u->lock held. */
static void answer(struct userfault *u, struct list *questions, uaddr_t start, uaddr_t end)
{
    struct question *q, *next;

    list_for_each_safe(q, next, questions, link) {
        if (q->at < start || q->at >= end)
            continue;
        list_remove(&q->link);
        u->waiting--;
        __atomic_store_n(&q->done, true, __ATOMIC_RELEASE); /* its memory may be gone at once */
    }
}

void userfault_wake(struct userfault *u, uaddr_t start, uaddr_t end)
{
    spin_lock(&u->lock);
    answer(u, &u->unread, start, end);
    answer(u, &u->read, start, end);
    spin_unlock(&u->lock);
    waitq_wake(&u->askers);
}

/* --- the descriptor -------------------------------------------------------------------------- */

static bool any_unread(const struct userfault *u)
{
    return __atomic_load_n(&u->unread.next, __ATOMIC_ACQUIRE) != &u->unread;
}

static bool take(struct userfault *u, struct uffd_msg *m)
{
    *m = (struct uffd_msg){ .event = UFFD_EVENT_PAGEFAULT };
    spin_lock(&u->lock);
    bool any = !list_empty(&u->unread);
    if (any) {
        struct question *q = list_first(&u->unread, struct question, link);
        m->arg.pagefault.address = q->at;
        m->arg.pagefault.flags = q->flags;
        m->arg.pagefault.feat.ptid = q->tid;
        list_remove(&q->link);
        list_push_back(&u->read, &q->link);
    }
    spin_unlock(&u->lock);
    return any;
}

static long userfault_read(struct file *f, struct uio *to, uint64_t *pos __attribute__((unused)))
{
    struct userfault *u = f->private;
    struct uffd_msg m;
    long done = 0;

    if (!__atomic_load_n(&u->ready, __ATOMIC_ACQUIRE) || to->left < sizeof m)
        return -EINVAL;
    while (to->left >= sizeof m) {
        if (take(u, &m)) {
            if (uio_put(to, &m, sizeof m) != sizeof m)
                return done ? done : -EFAULT;
            done += sizeof m;
            continue;
        }
        if (done || f->flags & O_NONBLOCK)
            return done ? done : -EAGAIN;
        int err = WAIT_EVENT(&u->readers, any_unread(u), BLOCK_userfault_read, 0,
                             BLOCK_INTERRUPTIBLE, NO_DEADLINE);
        if (err)
            return err;
    }
    return done;
}

/* As on Linux one that would block a reader cannot be polled: what was there may be gone when it is read. */
static uint32_t userfault_poll(struct file *f, struct poll_table *pt)
{
    struct userfault *u = f->private;

    poll_wait(pt, &u->readers);
    if (!__atomic_load_n(&u->ready, __ATOMIC_ACQUIRE) || !(f->flags & O_NONBLOCK))
        return EPOLLERR;
    return any_unread(u) ? EPOLLIN : 0;
}

static void userfault_info(struct file *f, struct file_info *to)
{
    struct userfault *u = f->private;
    struct question *q;
    unsigned pending = 0;

    spin_lock(&u->lock);
    list_for_each(q, &u->unread, link)
        pending++;
    unsigned total = u->waiting;
    uint64_t features = u->features;
    spin_unlock(&u->lock);
    file_info_printf(to, "pending:\t%u\ntotal:\t%u\nAPI:\t%llx:%x:%llx\n", pending, total, UFFD_API,
                     (unsigned)UFFD_API_FEATURES, (unsigned long long)features);
}

/* Nobody maps such a file, so no address space's lock is held. */
static void userfault_release(struct file *f)
{
    struct userfault *u = f->private;
    struct mm *mm = userfault_mm(u);

    if (mm) {
        mutex_lock(&mm->lock);
        userfault_forget(u, mm);
        askers_of(mm)->of[u->number] = NULL;
        spin_lock(&u->lock);
        u->mm = NULL;
        spin_unlock(&u->lock);
        mutex_unlock(&mm->lock);
        mm_put(mm, PT_exit_teardown);
    }
    userfault_wake(u, 0, UINT64_MAX);
    put(u);
}

static const struct file_ops userfault_ops = {
    .read = userfault_read,
    .poll = userfault_poll,
    .ioctl = userfaultfd_ioctl,
    .release = userfault_release,
    .info = userfault_info,
    .seek = anon_inode_seek,
    .nonseekable = true,
};

/* --- a new one -------------------------------------------------------------------------------- */

/* The memory goes without a fault more: who waits for one has a reference to it. */
static void memory_ends(struct mm *mm)
{
    struct askers *a = askers_of(mm);

    for (unsigned i = 1; i <= VM_ASKED_MOST; i++) {
        struct userfault *u = a->of[i];
        if (u == NULL)
            continue;
        spin_lock(&u->lock);
        u->mm = NULL;
        spin_unlock(&u->lock);
    }
    mm->askers = NULL;
    kfree(a);
}

/* A number in current's address space for u: 0, -ENOMEM, -EMFILE. */
static int enter(struct userfault *u)
{
    struct mm *mm = current->mm;
    struct askers *fresh = kzalloc(sizeof *fresh);
    unsigned n = 1;

    if (!fresh)
        return -ENOMEM;
    fresh->head.end = memory_ends;
    mutex_lock(&mm->lock);
    if (!mm->askers) {
        mm->askers = &fresh->head;
        fresh = NULL;
    }
    struct askers *a = askers_of(mm);
    while (n <= VM_ASKED_MOST && a->of[n])
        n++;
    if (n <= VM_ASKED_MOST) {
        a->of[n] = u;
        u->number = n;
        u->mm = mm;
    }
    mutex_unlock(&mm->lock);
    kfree(fresh);
    return n <= VM_ASKED_MOST ? 0 : -EMFILE;
}

static long create(uint32_t flags)
{
    struct file *f;

    if (flags & ~(uint32_t)(UFFD_USER_MODE_ONLY | O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    struct userfault *u = kzalloc(sizeof *u);
    if (!u)
        return -ENOMEM;
    spin_class(&u->lock, LOCK_event);
    ref_init(&u->refs, 1);
    u->user_only = flags & UFFD_USER_MODE_ONLY;
    list_init(&u->unread);
    list_init(&u->read);
    waitq_init(&u->readers);
    waitq_init(&u->askers);
    int err =
        anon_inode_open(&userfault_sb, &userfault_ops, O_RDONLY | (flags & O_NONBLOCK), u, &f);
    if (err) {
        kfree(u);
        return err;
    }
    err = enter(u);
    if (err) {
        file_put(f);
        return err;
    }
    return fd_open_add(f, flags & O_CLOEXEC);
}

SYSCALL1(userfaultfd, uint32_t, flags)
{
    if (!(flags & UFFD_USER_MODE_ONLY) && !has_cap(CAP_SYS_PTRACE) &&
        !__atomic_load_n(&userfaultfd_unprivileged, __ATOMIC_RELAXED))
        return -EPERM;
    return create(flags);
}

/* /dev/userfaultfd: who may open it may have one. */
static long device_ioctl(struct file *f __attribute__((unused)), uint32_t cmd, uaddr_t arg)
{
    return cmd == USERFAULTFD_IOC_NEW ? create((uint32_t)arg) : -EINVAL;
}

static const struct file_ops device_ops = { .ioctl = device_ioctl, .seek = anon_inode_seek };

static const struct device device = { "userfaultfd", S_IFCHR | 0600, DEV(MISC_MAJOR, MISC_MINOR),
                                      &device_ops, NULL };

static const struct device *find_device(uint32_t minor)
{
    return minor == MISC_MINOR ? &device : NULL;
}

void userfaultfd_init(void)
{
    static struct device_major major = { .major = MISC_MAJOR, .find = find_device };
    static struct device_table table = { .device = &device, .n = 1 };

    device_register_major(&major);
    devfs_later(&table);
}
