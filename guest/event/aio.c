/* aio.c - asynchronous I/O: io_setup(2) and its relatives.
 *
 * A request is done when io_submit() returns, as on Linux where what it asks for is in memory: files here are,
 * and of pipes, sockets and terminals Linux waits in io_submit(), too.  So nothing is ever under way, io_cancel()
 * finds nothing, and what is to be kept of a context is its ring: what was done and not fetched yet.
 *
 * The ring is memory that the program may look at without a call, and take from by moving `head` (libaio
 * looks, others take).  It is a file's, shared and mapped, and the context is the file: whoever unmaps it, runs
 * another program or ends has ended the context, and a child, whose address space is another, has
 * the memory and no context.  What the program writes into the ring's head is taken modulo its length,
 * and else nothing in it is believed.
 *
 * The name of a context is the address of its ring.
 *
 * Left out: IOCB_CMD_POLL, the one request that would wait behind io_submit's back (EINVAL, as on a Linux
 * without it). */
#include "event/aio.h"
#include "arch/clock.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "event/eventfd.h"
#include "fs/anon_file.h"
#include "fs/fd.h"
#include "fs/inode.h"
#include "fs/notify.h"
#include "fs/pages_io.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "mm/map.h"
#include "mm/mm.h"
#include "mm/vma.h"
#include "proc/signal.h"

#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/ioprio.h>
#include <linux/mman.h>

#define RING_MAGIC    0xa10a10a1u
#define REQUESTS_MOST (0x10000000u / sizeof(struct io_event))
#define KEY           0u /* what io_submit writes into a request's aio_key */
#define WORK_REQUEST  1500u
#define WORK_EVENT    100u

struct ring { /* at the beginning of the first page; the events follow */
    uint32_t id, nr, head, tail;
    uint32_t magic, compat_features, incompat_features, header_bytes;
};
/* The header takes as much room. */
#define EVENTS_BEFORE (sizeof(struct ring) / sizeof(struct io_event))
#define PAGE_EVENTS   (PAGE_SIZE / sizeof(struct io_event))
#define PAGES_MOST    (KMALLOC_MAX / sizeof(pfn_t))

struct aio { /* file.private of the ring's file; its lock: one fetches at a time */
    struct spinlock lock;
    uint32_t mm_id;    /* [k] whose it is */
    uint32_t requests; /* [k] that were asked for */
    uint32_t nr;       /* [k] places in the ring; one stays free */
    uint32_t
        tail; /* [lock] where the next event goes; of what the ring has this is the copy to believe */
    uint32_t pages; /* [k] */
    pfn_t *page;    /* [k] the ring's, each with a reference */
    bool ended;     /* [a] by io_destroy() */
    struct waitq wait;
};

uint32_t aio_max_requests = 65536;
static uint32_t requests_now; /* [a] */

uint32_t aio_requests(void) { return __atomic_load_n(&requests_now, __ATOMIC_RELAXED); }

/* --- a context ------------------------------------------------------------------------- */

static void aio_free(struct aio *a)
{
    for (uint32_t i = 0; i < a->pages; i++)
        frame_put(a->page[i]);
    kfree(a->page);
    __atomic_sub_fetch(&requests_now, a->requests, __ATOMIC_RELAXED);
    kfree(a);
}

static void ring_release(struct file *f)
{
    if (f->private)
        aio_free(f->private);
}

static const struct file_ops ring_ops = { .release = ring_release };

static bool has_ended(const struct aio *a) { return __atomic_load_n(&a->ended, __ATOMIC_ACQUIRE); }

/* The ring of that context of current's, with a reference, or NULL. */
static struct file *ring_get(uaddr_t id)
{
    struct mm *mm = current->mm;
    struct file *f = NULL;

    mutex_lock(&mm->lock);
    struct vma *v = vma_find(mm, id);
    if (v && v->start == id && v->pgoff == 0 && v->file && v->file->ops == &ring_ops) {
        struct aio *a = v->file->private;
        if (a->mm_id == mm->id && !has_ended(a)) {
            f = v->file;
            file_get(f);
        }
    }
    mutex_unlock(&mm->lock);
    return f;
}

static inline void ring_leave(struct file **f)
{
    if (*f)
        file_put(*f);
}
#define WITH_RING(name, id) struct file *name __attribute__((cleanup(ring_leave))) = ring_get(id)

static struct ring *header(const struct aio *a) { return frame_va(a->page[0]); }

static struct io_event *place(const struct aio *a, uint32_t n)
{
    uint64_t at = n + EVENTS_BEFORE;
    return (struct io_event *)frame_va(a->page[at / PAGE_EVENTS]) + at % PAGE_EVENTS;
}

static uint32_t head_now(const struct aio *a)
{
    return __atomic_load_n(&header(a)->head, __ATOMIC_ACQUIRE) % a->nr;
}

static uint32_t tail_now(const struct aio *a)
{
    return __atomic_load_n(&a->tail, __ATOMIC_ACQUIRE);
}

/* So many requests are within the limit, and count.  0 or -EAGAIN. */
static int count_requests(uint32_t n)
{
    uint32_t most = __atomic_load_n(&aio_max_requests, __ATOMIC_RELAXED);
    uint32_t before = __atomic_fetch_add(&requests_now, n, __ATOMIC_RELAXED);

    if (n <= most && before <= most - n)
        return 0;
    __atomic_sub_fetch(&requests_now, n, __ATOMIC_RELAXED);
    return -EAGAIN;
}

/* All of the ring's pages are there from now on, whatever becomes of the file. */
static int take_pages(struct aio *a, struct file *f, uint32_t pages)
{
    int err = 0;

    a->page = kmalloc(pages * sizeof(pfn_t));
    if (!a->page)
        return -ENOMEM;
    while (!err && a->pages < pages) {
        err = file_get_page(f, a->pages, true, &a->page[a->pages]);
        a->pages += !err;
        preempt_work(WORK_REQUEST);
    }
    return err;
}

static struct aio *aio_new(uint32_t requests)
{
    struct aio *a = kzalloc(sizeof(*a));

    if (!a)
        return NULL;
    spin_class(&a->lock, LOCK_event);
    waitq_init(&a->wait);
    a->mm_id = current->mm->id;
    a->requests = requests;
    return a;
}

/* The file of a ring with room for n events at least. */
static int ring_create(struct aio *a, uint32_t n, struct file **out)
{
    uint64_t events = MIN(n + 2 + EVENTS_BEFORE, PAGES_MOST * PAGE_EVENTS);
    uint32_t pages = (uint32_t)((events + PAGE_EVENTS - 1) / PAGE_EVENTS);
    struct file *f;
    int err = anon_file_create("[aio]", 0600, pages * PAGE_SIZE, &f);

    if (err)
        return err;
    err = take_pages(a, f, pages);
    if (err) {
        file_put(f);
        return err;
    }
    a->nr = (uint32_t)(pages * PAGE_EVENTS - EVENTS_BEFORE);
    *header(a) = (struct ring){ .id = 1,
                                .nr = a->nr,
                                .magic = RING_MAGIC,
                                .compat_features = 1,
                                .header_bytes = sizeof(struct ring) };
    f->ops = &ring_ops; /* nobody else has it yet */
    f->private = a;
    *out = f;
    return 0;
}

/* A context with its ring mapped: its name, or -errno. */
static long create(uint32_t requests)
{
    uint32_t room = MAX(requests, ncpus * 4) * 2; /* as Linux has it; it may wrap */
    struct file *f;

    if (room > REQUESTS_MOST)
        return -EINVAL;
    int err = room == 0 ? -EAGAIN : count_requests(requests);
    if (err)
        return err;
    struct aio *a = aio_new(requests);
    if (!a) {
        __atomic_sub_fetch(&requests_now, requests, __ATOMIC_RELAXED);
        return -ENOMEM;
    }
    err = ring_create(a, room, &f);
    if (err) {
        aio_free(a);
        return err == -ENOMEM ? -ENOMEM : -EAGAIN;
    }
    long id =
        mm_map(current->mm, 0, a->pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
    file_put(f); /* the mapping has it */
    return id;
}

SYSCALL2(io_setup, uint32_t, requests, uaddr_t, to)
{
    uint64_t id;

    if (get_user(id, to) != 0)
        return -EFAULT;
    if (id != 0 || requests == 0)
        return -EINVAL;
    long made = create(requests);
    if (made < 0)
        return made;
    id = (uint64_t)made;
    if (put_user(id, to) == 0)
        return 0;
    WITH_RING(f, id);
    if (f)
        mm_unmap(current->mm, id, ((struct aio *)f->private)->pages * PAGE_SIZE);
    return -EFAULT;
}

SYSCALL1(io_destroy, uaddr_t, id)
{
    WITH_RING(f, id);

    if (!f)
        return -EINVAL;
    struct aio *a = f->private;
    if (__atomic_exchange_n(&a->ended, true, __ATOMIC_ACQ_REL))
        return -EINVAL;
    mm_unmap(current->mm, id, a->pages * PAGE_SIZE);
    waitq_wake(&a->wait);
    return 0;
}

/* --- requests -------------------------------------------------------------------------- */

static void finish(struct aio *a, const struct io_event *e)
{
    spin_lock(&a->lock);
    *place(a, a->tail) = *e;
    __atomic_store_n(&a->tail, (a->tail + 1) % a->nr, __ATOMIC_RELEASE);
    __atomic_store_n(&header(a)->tail, a->tail, __ATOMIC_RELEASE);
    spin_unlock(&a->lock);
    waitq_wake(&a->wait);
}

static uint32_t events_there(const struct aio *a)
{
    return (tail_now(a) + a->nr - head_now(a)) % a->nr;
}

/* What Linux asks before it begins: 0 or -errno. */
static int check_priority(uint32_t value)
{
    uint32_t class = IOPRIO_PRIO_CLASS(value), level = value & ((1u << IOPRIO_CLASS_SHIFT) - 1);

    switch (class) {
    case IOPRIO_CLASS_RT: return has_cap(CAP_SYS_ADMIN) || has_cap(CAP_SYS_NICE) ? 0 : -EPERM;
    case IOPRIO_CLASS_BE:
    case IOPRIO_CLASS_IDLE: return 0;
    case IOPRIO_CLASS_NONE: return level != 0 ? -EINVAL : 0;
    }
    return -EINVAL;
}

static int check_transfer(const struct file *f, const struct iocb *io, bool write)
{
    if (io->aio_flags & IOCB_FLAG_IOPRIO) {
        int err = check_priority((uint16_t)io->aio_reqprio);
        if (err)
            return err;
    }
    /* as preadv2() has them */
    if ((uint32_t)io->aio_rw_flags & ~(uint32_t)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC))
        return -EOPNOTSUPP;
    if (write ? !file_writable(f) : !file_readable(f))
        return -EBADF;
    return (write ? f->ops->write : f->ops->read) ? 0 : -EINVAL;
}

/* Does it: the result is *done's.  -errno: it is refused, and there is no result. */
static int transfer(struct file *f, const struct iocb *io, bool write, struct uio *u, int64_t *done)
{
    uint64_t pos = (uint64_t)io->aio_offset;

    if (io->aio_offset < 0 || (int64_t)(pos + u->left) < 0)
        return -EINVAL;
    *done = write ? f->ops->write(f, u, &pos) : f->ops->read(f, u, &pos);
    if (*done > 0 && notify_wanted())
        notify_file(f, write ? IN_MODIFY : IN_ACCESS);
    if (*done <= -ERESTARTSYS) /* the request is over, however that signal is handled */
        *done = -EINTR;
    return 0;
}

static int one_piece(struct file *f, const struct iocb *io, bool write, int64_t *done)
{
    struct iovec one;
    struct uio u;
    int err = check_transfer(f, io, write);

    if (err)
        return err;
    if (!user_range(io->aio_buf, io->aio_nbytes))
        return -EFAULT;
    uio_user(&u, &one, io->aio_buf, MIN(io->aio_nbytes, UIO_BYTES_MAX));
    return transfer(f, io, write, &u, done);
}

static int pieces(struct file *f, const struct iocb *io, bool write, int64_t *done)
{
    int err = check_transfer(f, io, write);
    struct uio_vector v;

    if (err)
        return err;
    if (io->aio_nbytes > UIO_MAXIOV)
        return -EINVAL;
    long bytes = uio_vector_get(&v, io->aio_buf, io->aio_nbytes);
    if (bytes < 0)
        return (int)bytes;
    err = transfer(f, io, write, &v.u, done);
    uio_vector_put(&v);
    return err;
}

/* Memory is what is stored. */
static int sync_file(const struct file *f, const struct iocb *io, int64_t *done)
{
    if (io->aio_buf || io->aio_offset || io->aio_nbytes || io->aio_rw_flags)
        return -EINVAL;
    if (!S_ISREG(f->inode->mode) && !S_ISDIR(f->inode->mode))
        return -EINVAL;
    *done = 0;
    return 0;
}

static int perform(struct file *f, const struct iocb *io, int64_t *done)
{
    switch (io->aio_lio_opcode) {
    case IOCB_CMD_PREAD: return one_piece(f, io, false, done);
    case IOCB_CMD_PWRITE: return one_piece(f, io, true, done);
    case IOCB_CMD_PREADV: return pieces(f, io, false, done);
    case IOCB_CMD_PWRITEV: return pieces(f, io, true, done);
    case IOCB_CMD_FSYNC:
    case IOCB_CMD_FDSYNC: return sync_file(f, io, done);
    }
    return -EINVAL;
}

static int submit_to(struct aio *a, uaddr_t at, const struct iocb *io, struct file *teller)
{
    struct io_event e = { .data = io->aio_data, .obj = at };
    WITH_FILE(f, (int)io->aio_fildes);

    if (!f || f->flags & O_PATH)
        return -EBADF;
    if (put_user((uint32_t)KEY, at + offsetof(struct iocb, aio_key)) != 0)
        return -EFAULT;
    int64_t done;
    int err = perform(f, io, &done);
    if (err)
        return err;
    e.res = done;
    finish(a, &e);
    if (teller)
        eventfd_tell(teller);
    return 0;
}

static int submit_one(struct aio *a, uaddr_t at)
{
    struct iocb io;

    if (get_user(io, at) != 0)
        return -EFAULT;
    if (io.aio_reserved2 != 0 || (int64_t)io.aio_nbytes < 0)
        return -EINVAL;
    if (events_there(a) >= a->nr - 1)
        return -EAGAIN;
    if (!(io.aio_flags & IOCB_FLAG_RESFD))
        return submit_to(a, at, &io, NULL);
    WITH_FILE(teller, (int)io.aio_resfd);
    if (!teller)
        return -EBADF;
    return eventfd_is(teller) ? submit_to(a, at, &io, teller) : -EINVAL;
}

SYSCALL3(io_submit, uaddr_t, id, int64_t, n, uaddr_t, list)
{
    WITH_RING(f, id);
    int64_t i = 0;
    int err = 0;

    if (n < 0 || !f)
        return -EINVAL;
    struct aio *a = f->private;
    for (n = MIN(n, (int64_t)a->nr); i < n; i++) {
        uint64_t at;
        err = get_user(at, list + (uint64_t)i * sizeof(at)) != 0 ? -EFAULT : submit_one(a, at);
        if (err)
            break;
        preempt_work(WORK_REQUEST);
    }
    return i > 0 ? i : err;
}

/* What is under way could be cancelled; nothing is. */
SYSCALL3(io_cancel, uaddr_t, id, uaddr_t, request, uaddr_t, result)
{
    uint32_t key;

    (void)id;
    (void)result;
    if (get_user(key, request + offsetof(struct iocb, aio_key)) != 0)
        return -EFAULT;
    return -EINVAL;
}

/* --- fetching -------------------------------------------------------------------------- */

/* Up to n events that are there.  How many, or -EFAULT, and then none has gone. */
static long fetch(struct file *f, uaddr_t to, uint64_t n)
{
    struct aio *a = f->private;
    uint64_t got = 0;
    long err = 0;

    mutex_lock(&f->lock);
    uint32_t head = head_now(a), tail = tail_now(a);
    for (; !err && got < n && head != tail; got++) {
        struct io_event e = *place(a, head);
        err = copy_to_user(to + got * sizeof(e), &e, sizeof(e)) != 0 ? -EFAULT : 0;
        head = (head + 1) % a->nr;
        preempt_work(WORK_EVENT);
    }
    if (!err && got > 0)
        __atomic_store_n(&header(a)->head, head, __ATOMIC_RELEASE);
    mutex_unlock(&f->lock);
    return err ? err : (long)got;
}

static bool something(const struct aio *a) { return has_ended(a) || events_there(a) > 0; }

/* At least `least`, unless the time or a signal comes before; then what there was. */
static long get_events(struct file *f, int64_t least, int64_t n, uaddr_t to, uint64_t deadline)
{
    struct aio *a = f->private;
    int64_t got = 0;
    int err = 0;

    for (;;) {
        long more = fetch(f, to + (uint64_t)got * sizeof(struct io_event), (uint64_t)(n - got));
        if (more < 0)
            return got > 0 ? got : more;
        got += more;
        if (got >= least || err || deadline == 0)
            break;
        if (has_ended(a))
            return got > 0 ? got : -EINVAL;
        err = WAIT_EVENT(&a->wait, something(a), BLOCK_aio, 0, BLOCK_INTERRUPTIBLE, deadline);
    }
    return got == 0 && err && err != -ETIMEDOUT ? -EINTR : got;
}

/* Linux does not check these times: less than none is for ever. */
static int read_deadline(uaddr_t timeout, uint64_t *deadline)
{
    struct __kernel_timespec t;

    *deadline = NO_DEADLINE;
    if (timeout == 0)
        return 0;
    if (get_user(t, timeout) != 0)
        return -EFAULT;
    int64_t ns, at;
    if (__builtin_mul_overflow(t.tv_sec, (int64_t)NSEC_PER_SEC, &ns) ||
        __builtin_add_overflow(ns, t.tv_nsec, &ns) || ns < 0)
        return 0;
    if (ns == 0)
        *deadline = 0;
    else if (!__builtin_add_overflow(ns, (int64_t)clock_mono_ns(), &at))
        *deadline = (uint64_t)at;
    return 0;
}

static long get_by(uaddr_t id, int64_t least, int64_t n, uaddr_t to, uint64_t deadline)
{
    WITH_RING(f, id);

    if (!f || least > n || least < 0)
        return -EINVAL;
    return get_events(f, least, n, to, deadline);
}

SYSCALL5(io_getevents, uaddr_t, id, int64_t, least, int64_t, n, uaddr_t, to, uaddr_t, timeout)
{
    uint64_t deadline;
    int err = read_deadline(timeout, &deadline);

    return err ? err : get_by(id, least, n, to, deadline);
}

SYSCALL6(io_pgetevents, uaddr_t, id, int64_t, least, int64_t, n, uaddr_t, to, uaddr_t, timeout,
         uaddr_t, sig)
{
    struct {
        uaddr_t mask;
        size_t bytes;
    } m = { 0, 0 };
    uint64_t deadline;
    int err = read_deadline(timeout, &deadline);

    if (!err && sig != 0 && copy_from_user(&m, sig, sizeof(m)) != 0)
        err = -EFAULT;
    if (!err)
        err = signal_take_temp_mask(m.mask, m.bytes);
    if (err)
        return err;
    long got = get_by(id, least, n, to, deadline);
    if (got != -EINTR) /* a signal is delivered under the temporary mask */
        signal_restore_temp_mask();
    return got;
}
