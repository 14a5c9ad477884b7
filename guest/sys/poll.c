/* poll.c - poll, ppoll, select, pselect6.
 * What is left of a time-out is written back where Linux does. */
#include "arch/clock.h"
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "fs/poll.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "proc/signal.h"
#include "sched/task.h"
#include "arch/syscall.h"
#include <linux/personality.h>
#include <linux/time_types.h>

#define FDS_FIRST 16 /* on the stack, more in the heap */
#define FDS_MORE  ((KMALLOC_MAX - sizeof(struct fds)) / sizeof(struct pollfd))

/* --- time-outs -------------------------------------------------------------------- */

static uint64_t deadline_of(uint64_t sec, uint64_t nsec)
{
    if (sec == 0 && nsec == 0)
        return 0;
    if (sec > NO_DEADLINE / NSEC_PER_SEC / 2)
        return NO_DEADLINE;
    return clock_mono_ns() + sec * NSEC_PER_SEC + nsec;
}

/* at 0: none.  unit: nanoseconds a step of the second field. */
static int read_timeout(uaddr_t at, uint64_t unit, uint64_t *deadline)
{
    struct __kernel_timespec t; /* a timeval has the same two words */
    *deadline = NO_DEADLINE;
    if (at == 0)
        return 0;
    if (copy_from_user(&t, at, sizeof(t)) != 0)
        return -EFAULT;
    uint64_t sec = (uint64_t)t.tv_sec, part = (uint64_t)t.tv_nsec;
    if (unit > 1 && t.tv_sec >= 0 && t.tv_nsec >= 0) { /* select lets microseconds run over */
        sec += part / (NSEC_PER_SEC / unit);
        part %= NSEC_PER_SEC / unit;
    }
    if ((int64_t)sec < 0 || part >= NSEC_PER_SEC / unit)
        return -EINVAL;
    *deadline = deadline_of(sec, part * unit);
    return 0;
}

/* What is left; as in Linux, that it cannot be written is no error. */
static void write_timeout(uaddr_t at, uint64_t unit, uint64_t deadline)
{
    if (at == 0 || deadline == NO_DEADLINE || current->cred.personality & STICKY_TIMEOUTS)
        return;
    uint64_t now = clock_mono_ns(), left = deadline > now ? deadline - now : 0;
    struct __kernel_timespec t = { (int64_t)(left / NSEC_PER_SEC),
                                   (int64_t)(left % NSEC_PER_SEC / unit) };
    copy_to_user(at, &t, sizeof(t));
}

/* --- masks ------------------------------------------------------------------------ */

/* A signal that ended the call is delivered under the temporary mask. */
static void give_mask_back(uaddr_t mask, long result)
{
    if (mask != 0 && result != -ERESTARTNOHAND)
        signal_restore_temp_mask();
}

/* --- poll ------------------------------------------------------------------------- */

struct fds {
    struct fds *next;
    unsigned n;
    struct pollfd fd[];
};

static long poll_pass(void *what, struct poll_table *pt)
{
    long found = 0;
    for (struct fds *s = what; s != NULL; s = s->next) {
        for (struct pollfd *p = s->fd; p < s->fd + s->n; p++) {
            p->revents = 0;
            if (p->fd < 0)
                continue;
            long ready = poll_ask(p->fd, pt);
            uint32_t wanted = (uint16_t)p->events | EPOLLERR | EPOLLHUP | EPOLLNVAL;
            p->revents = ready < 0 ? POLLNVAL : (short)((uint32_t)ready & wanted);
            if (p->revents != 0) {
                found++;
                pt = NULL; /* it will not sleep */
            }
        }
    }
    return found;
}

static void fds_free(struct fds *s)
{
    while (s != NULL) {
        struct fds *next = s->next;
        kfree(s);
        s = next;
    }
}

/* The user's array behind `first`, which has room for FDS_FIRST. */
static int fds_read(struct fds *first, uaddr_t at, unsigned n)
{
    struct fds *s = first;
    unsigned room = FDS_FIRST;
    first->next = NULL;
    for (;;) {
        s->n = MIN(n, room);
        if (copy_from_user(s->fd, at, s->n * sizeof(struct pollfd)) != 0)
            return -EFAULT;
        at += s->n * sizeof(struct pollfd);
        n -= s->n;
        if (n == 0)
            return 0;
        s->next = kmalloc(KMALLOC_MAX);
        if (s->next == NULL)
            return -ENOMEM;
        s = s->next;
        s->next = NULL;
        room = FDS_MORE;
    }
}

#define WORK_WRITE 20u /* instructions a descriptor, about */

static int fds_write(const struct fds *s, uaddr_t at)
{
    for (; s != NULL; s = s->next) {
        for (unsigned i = 0; i < s->n; i++, at += sizeof(struct pollfd))
            if (put_user(s->fd[i].revents, at + offsetof(struct pollfd, revents)) != 0)
                return -EFAULT;
        preempt_work(s->n * WORK_WRITE);
    }
    return 0;
}

static long poll_fds(uaddr_t ufds, unsigned n, uint64_t deadline)
{
    uint64_t room[sizeof(struct fds) / 8 + FDS_FIRST];
    struct fds *first = (struct fds *)room;
    if (n > current->proc->rlim[RLIMIT_NOFILE].rlim_cur)
        return -EINVAL;
    long found = fds_read(first, ufds, n);
    if (found == 0)
        found = poll_files(poll_pass, first, BLOCK_poll, deadline);
    if (found >= 0 && fds_write(first, ufds) != 0)
        found = -EFAULT;
    fds_free(first->next);
    return found;
}

/* After a signal without a handler, or a stop: the same moment is waited for. */
static long poll_restart(struct task *t);

static long poll_restartable(uaddr_t fds, unsigned n, uint64_t deadline)
{
    long found = poll_fds(fds, n, deadline);
    if (found != -ERESTARTNOHAND)
        return found;
    current->restart.fn = poll_restart;
    current->restart.deadline = deadline;
    current->restart.user = fds;
    current->restart.arg = n;
    return -ERESTART_RESTARTBLOCK;
}

static long poll_restart(struct task *t)
{
    return poll_restartable(t->restart.user, (unsigned)t->restart.arg, t->restart.deadline);
}

SYSCALL3(poll, uaddr_t, fds, unsigned, n, int, ms)
{
    uint64_t deadline =
        ms < 0 ? NO_DEADLINE : deadline_of((unsigned)ms / 1000, (unsigned)ms % 1000 * 1000000ull);
    return poll_restartable(fds, n, deadline);
}

SYSCALL5(ppoll, uaddr_t, fds, unsigned, n, uaddr_t, timeout, uaddr_t, mask, size_t, bytes)
{
    uint64_t deadline;
    long found = read_timeout(timeout, 1, &deadline);
    if (found == 0)
        found = signal_take_temp_mask(mask, bytes);
    if (found != 0)
        return found;
    found = poll_fds(fds, n, deadline);
    give_mask_back(mask, found);
    write_timeout(timeout, 1, deadline);
    return found;
}

/* --- select ------------------------------------------------------------------------ */

#define WORD_BITS  64u
#define SELECT_MAX (KMALLOC_MAX / 48 * WORD_BITS) /* six sets in one kmalloc */

struct sets {
    unsigned nfds, nwords;
    uint64_t *wanted[3], *found[3]; /* readable, writable, exceptional */
};

/* What makes a file count in each of the sets. */
static const uint32_t counts_as[3] = {
    EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLHUP | EPOLLERR,
    EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | EPOLLERR,
    EPOLLPRI,
};

static long select_fd(struct sets *s, unsigned fd, struct poll_table *pt)
{
    unsigned w = fd / WORD_BITS;
    uint64_t bit = 1ull << fd % WORD_BITS;
    long ready = poll_ask((int)fd, pt), found = 0;
    if (ready < 0)
        return ready;
    for (int i = 0; i < 3; i++) {
        if ((s->wanted[i][w] & bit) && ((uint32_t)ready & counts_as[i])) {
            s->found[i][w] |= bit;
            found++;
        }
    }
    return found;
}

static long select_pass(void *what, struct poll_table *pt)
{
    struct sets *s = what;
    long found = 0;
    for (unsigned w = 0; w < s->nwords; w++) {
        uint64_t left = s->wanted[0][w] | s->wanted[1][w] | s->wanted[2][w];
        for (; left != 0; left &= left - 1) {
            long n = select_fd(s, w * WORD_BITS + (unsigned)__builtin_ctzll(left), pt);
            if (n < 0)
                return n;
            found += n;
            if (n > 0)
                pt = NULL;
        }
    }
    return found;
}

/* The sets at the user's addresses; bits from nfds on do not count. */
static int sets_read(struct sets *s, const uaddr_t at[3])
{
    for (int i = 0; i < 3; i++) {
        if (at[i] == 0 || s->nwords == 0)
            continue;
        if (copy_from_user(s->wanted[i], at[i], s->nwords * 8) != 0)
            return -EFAULT;
        if (s->nfds % WORD_BITS != 0)
            s->wanted[i][s->nwords - 1] &= (1ull << s->nfds % WORD_BITS) - 1;
    }
    return 0;
}

static int sets_write(const struct sets *s, const uaddr_t at[3])
{
    for (int i = 0; i < 3; i++)
        if (at[i] != 0 && copy_to_user(at[i], s->found[i], s->nwords * 8) != 0)
            return -EFAULT;
    return 0;
}

static long select_fds(int nfds, const uaddr_t at[3], uint64_t deadline)
{
    if (nfds < 0 || (unsigned)nfds > SELECT_MAX)
        return -EINVAL;
    struct sets s = { .nfds = (unsigned)nfds,
                      .nwords = ((unsigned)nfds + WORD_BITS - 1) / WORD_BITS };
    uint64_t *words = kzalloc(6 * s.nwords * 8 + 8);
    if (words == NULL)
        return -ENOMEM;
    for (int i = 0; i < 3; i++) {
        s.wanted[i] = words + (unsigned)i * s.nwords;
        s.found[i] = words + (unsigned)(3 + i) * s.nwords;
    }
    long found = sets_read(&s, at);
    if (found == 0)
        found = poll_files(select_pass, &s, BLOCK_select, deadline);
    if (found >= 0 && sets_write(&s, at) != 0)
        found = -EFAULT;
    kfree(words);
    return found;
}

SYSCALL5(select, int, n, uaddr_t, in, uaddr_t, out, uaddr_t, ex, uaddr_t, timeout)
{
    const uaddr_t at[3] = { in, out, ex };
    uint64_t deadline;
    long found = read_timeout(timeout, 1000, &deadline);
    if (found != 0)
        return found;
    found = select_fds(n, at, deadline);
    write_timeout(timeout, 1000, deadline);
    return found;
}

SYSCALL6(pselect6, int, n, uaddr_t, in, uaddr_t, out, uaddr_t, ex, uaddr_t, timeout, uaddr_t, sig)
{
    const uaddr_t at[3] = { in, out, ex };
    struct {
        uaddr_t mask;
        size_t bytes;
    } m = { 0, 0 };
    uint64_t deadline;
    if (sig != 0 && copy_from_user(&m, sig, sizeof(m)) != 0)
        return -EFAULT;
    long found = read_timeout(timeout, 1, &deadline);
    if (found == 0)
        found = signal_take_temp_mask(m.mask, m.bytes);
    if (found != 0)
        return found;
    found = select_fds(n, at, deadline);
    give_mask_back(m.mask, found);
    write_timeout(timeout, 1, deadline);
    return found;
}
