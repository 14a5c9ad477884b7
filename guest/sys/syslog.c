/* syslog.c - syslog(2): the log as lines, for all who ask together.
 * READ goes on where the last READ has ended, whoever made it; READ_ALL has no place of its own. */
#include "arch/klog.h"
#include "arch/preempt.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/kmsg.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "sched/task.h"
#include "sync/lock.h"

enum {
    CLOSE,
    OPEN,
    READ,
    READ_ALL,
    READ_CLEAR,
    CLEAR,
    CONSOLE_OFF,
    CONSOLE_ON,
    CONSOLE_LEVEL,
    SIZE_UNREAD,
    SIZE_BUFFER,
};
#define LEVEL_LEAST   1u
#define LEVEL_DEFAULT 7u
#define WORK_RECORD   1500u /* instructions, about (arch/preempt.h) */

static struct mutex lock = MUTEX_INIT(lock, LOCK_syslog);
static uint64_t read_at;     /* [lock] the record that READ comes to next, */
static size_t read_part;     /* [lock] and how much of its lines it has given */
static uint32_t level_saved; /* [lock] by CONSOLE_OFF; 0: none */

/* Where lines go: to user memory, after the first `skip` bytes, up to `room`; `all` counts. */
struct out {
    uaddr_t to;
    size_t skip, room, all;
};

static long emit(struct out *o, const char *s, size_t n)
{
    size_t skip = MIN(o->skip, n), part = MIN(n - skip, o->room);

    o->all += n;
    o->skip -= skip;
    if (copy_to_user(o->to, s + skip, part) != 0)
        return -EFAULT;
    o->to += part;
    o->room -= part;
    return 0;
}

/* Each line of its text has the priority and the time in front of it. */
static long emit_record(struct out *o, const struct klog_record *r)
{
    char head[48];
    size_t n = (size_t)ksnprintf(head, sizeof(head), "<%u>[%5lu.%06lu] ", r->priority,
                                 r->ns / 1000000000, r->ns / 1000 % 1000000);
    const char *at = r->text, *last = r->text + r->len;
    long err;

    do {
        const char *stop = at;
        while (stop < last && *stop != '\n')
            stop++;
        if ((err = emit(o, head, n)) != 0 || (err = emit(o, at, (size_t)(stop - at))) != 0 ||
            (err = emit(o, "\n", 1)) != 0)
            return err;
        at = stop + 1;
    } while (at < last);
    preempt_work(WORK_RECORD);
    return 0;
}

/* All from that place on, which moves to the first that does not fit.  Bytes put, or -EFAULT. */
static long emit_all(uint64_t *at, size_t *part, struct out *o, struct klog_record *r)
{
    uaddr_t from = o->to;

    for (;;) {
        uint64_t next = MAX(*at, klog_first());
        if (next != *at)
            *part = 0;
        *at = next;
        if (o->room == 0 || klog_next(&next, r) != 0)
            return (long)(o->to - from);
        o->skip = *part;
        o->all = 0;
        size_t room = o->room;
        long err = emit_record(o, r);
        if (err != 0)
            return err;
        *part += room - o->room;
        if (*part == o->all) {
            *at = next;
            *part = 0;
        }
    }
}

/* The bytes of all lines from that place on. */
static size_t count(uint64_t at, struct klog_record *r)
{
    struct out o = { 0 };

    at = MAX(at, klog_first());
    while (klog_next(&at, r) == 0)
        emit_record(&o, r);
    return o.all;
}

static long read_more(uaddr_t buf, size_t n, struct klog_record *r)
{
    struct out o = { .to = buf, .room = n };
    long done;

    do {
        mutex_lock(&lock);
        uint64_t at = read_at;
        mutex_unlock(&lock);
        if ((done = kmsg_wait(at)) != 0)
            return done;
        mutex_lock(&lock);
        done = emit_all(&read_at, &read_part, &o, r);
        mutex_unlock(&lock);
    } while (done == 0); /* another one has read it */
    return done;
}

/* The newest whole records that fit. */
static long read_all(uaddr_t buf, size_t n, bool clear, struct klog_record *r)
{
    struct out o = { .to = buf, .room = n }, one = { 0 };
    uint64_t at = MAX(klog_cleared(), klog_first()), end = klog_end();
    size_t all = count(at, r), part = 0;

    for (; all > n && klog_next(&at, r) == 0; all -= one.all) {
        one.all = 0;
        emit_record(&one, r);
    }
    long done = emit_all(&at, &part, &o, r);
    if (done >= 0 && clear)
        klog_clear(end);
    return done;
}

static void set_level(uint32_t level)
{
    __atomic_store_n(&kmsg_console_level, level, __ATOMIC_RELAXED);
}

static long console(int action, int n)
{
    mutex_lock(&lock);
    if (action == CONSOLE_LEVEL) {
        set_level(MAX((uint32_t)n, LEVEL_LEAST));
        level_saved = 0;
    } else if (action == CONSOLE_OFF) {
        if (level_saved == 0)
            level_saved = kmsg_console_level;
        set_level(LEVEL_LEAST);
    } else if (level_saved != 0) {
        set_level(level_saved);
        level_saved = 0;
    }
    mutex_unlock(&lock);
    return 0;
}

static long with_record(int action, uaddr_t buf, size_t n, struct klog_record *r)
{
    if (action == READ)
        return read_more(buf, n, r);
    if (action != SIZE_UNREAD)
        return read_all(buf, n, action == READ_CLEAR, r);
    mutex_lock(&lock);
    size_t all = count(read_at, r), part = read_at >= klog_first() ? read_part : 0;
    mutex_unlock(&lock);
    return (long)(all - MIN(all, part));
}

SYSCALL3(syslog, int, action, uaddr_t, buf, int, n)
{
    if (!has_cap(CAP_SYSLOG) && !capable() && action != READ_ALL && action != SIZE_BUFFER)
        return -EPERM;
    switch (action) {
    case CLOSE:
    case OPEN: return 0;
    case READ:
    case READ_ALL:
    case READ_CLEAR:
        if (buf == 0 || n < 0)
            return -EINVAL;
        if (n == 0)
            return 0;
        if (!user_range(buf, (size_t)n))
            return -EFAULT;
        break;
    case SIZE_UNREAD: break;
    case CLEAR: klog_clear(klog_end()); return 0;
    case CONSOLE_LEVEL:
        if (n < 1 || n > 8)
            return -EINVAL;
        /* fall through */
    case CONSOLE_OFF:
    case CONSOLE_ON: return console(action, n);
    case SIZE_BUFFER: return KLOG_BYTES;
    default: return -EINVAL;
    }
    struct klog_record *r = kmalloc(sizeof(*r));
    long done = r != NULL ? with_record(action, buf, (size_t)n, r) : -ENOMEM;
    kfree(r);
    return done;
}
