/* unix_recv.c - receiving.
 *
 * Messages leave a queue with read_lock held, a mutex; so who has it copies from the first
 * one without unix_lock.  It is given back for as long as there is nothing. */
#include "arch/preempt.h"
#include "fs/uio.h"
#include "mm/frame.h"
#include "net/rights.h"
#include "net/socket.h"
#include "net/unix.h"

#define WORK_COPY 700u /* instructions a page, about (arch/preempt.h) */

/* Up to n bytes of m from `at` on: how many, or -EFAULT if none. */
static long copy_out(const struct unix_message *m, size_t at, size_t n, struct uio *u)
{
    long done = 0;

    while (n > 0 && u->left > 0) {
        size_t off = m->npages ? at % PAGE_SIZE : at;
        size_t piece = m->npages ? MIN(n, PAGE_SIZE - off) : n;
        const char *from = m->npages ? (const char *)frame_va(m->page[at / PAGE_SIZE]) : m->bytes;
        long got = uio_put(u, from + off, MIN(piece, u->left));
        if (got < 0)
            return done > 0 ? done : got;
        done += got;
        at += (size_t)got;
        n -= (size_t)got;
        preempt_work(WORK_COPY);
        if ((size_t)got < piece)
            break;
    }
    return done;
}

/* The message behind m, NULL: behind the end; m NULL: the first one. */
static struct unix_message *next_message(struct unix_socket *s, struct unix_message *m)
{
    spin_lock(&unix_lock);
    struct list *l = m != NULL ? m->link.next : s->queue.next;
    spin_unlock(&unix_lock);
    return l != &s->queue ? list_entry(l, struct unix_message, link) : NULL;
}

static void take_off(struct unix_socket *s, struct unix_message *m)
{
    spin_lock(&unix_lock);
    list_remove(&m->link);
    bool was_full = unix_full(s);
    if (!m->hole)
        s->queued -= m->len - m->at;
    if (m == s->oob)
        s->oob = NULL;
    __atomic_store_n(&s->nqueued, s->nqueued - 1, __ATOMIC_RELEASE);
    spin_unlock(&unix_lock);
    if (was_full)
        waitq_wake(&unix_full_wait);
}

/* Has something come since there were `arrived`?  A look that passes an urgent byte leaves it in the queue. */
static bool something(const struct unix_socket *s, unsigned arrived)
{
    return __atomic_load_n(&s->arrived, __ATOMIC_ACQUIRE) != arrived || (s->shut & SHUT_RD) ||
           s->error != 0;
}

/* Why there is nothing to read: 1 for the end, 0 for not yet, or -errno. */
static int ended(struct unix_socket *s)
{
    int err = s->fin ? 0 : unix_take_error(s);

    return err != 0 ? err : (s->shut & SHUT_RD) != 0;
}

/* read_lock held, given back and taken again.  0 or what ends the wait. */
static int wait_for_more(struct unix_socket *s, uint32_t flags, uint64_t deadline, unsigned arrived)
{
    if (flags & MSG_DONTWAIT)
        return -EAGAIN;
    mutex_unlock(&s->read_lock);
    int err = WAIT_EVENT(&s->read_wait, something(s, arrived), BLOCK_socket, 0, BLOCK_INTERRUPTIBLE,
                         deadline);
    mutex_lock(&s->read_lock);
    return unix_wait_error(err, s->rcvtimeo);
}

/* SO_PEEK_OFF: where a look begins; it goes on where the last one ended, and what is read moves it back. */
static size_t peek_at(const struct unix_socket *s, bool peek)
{
    return peek ? (size_t)MAX(~s->not_peek_at, 0) : 0;
}

static void move_peek(struct unix_socket *s, bool peek, size_t n)
{
    int64_t at = ~s->not_peek_at;

    if (at >= 0)
        s->not_peek_at = ~(int)MIN(MAX(peek ? at + (int64_t)n : at - (int64_t)n, 0), INT32_MAX);
}

static int take_rights(struct unix_message *m, bool peek, struct unix_received *r)
{
    int err = 0;

    spin_lock(&unix_lock);
    if (m->rights != NULL && peek) {
        r->control.rights = rights_copy(m->rights);
        err = r->control.rights != NULL ? 0 : -ENOMEM;
    } else if (m->rights != NULL) {
        r->control.rights = rights_land(m);
    }
    spin_unlock(&unix_lock);
    return err;
}

static void take_name(const struct unix_message *m, struct unix_received *r)
{
    r->source = m->source;
    r->to = m->to;
    if (r->name != NULL || m->name == NULL)
        return;
    r->name = m->name;
    ref_get(&r->name->refs);
}

/* --- streams ------------------------------------------------------------------------------- */

/* Bytes of one sender only, if it is asked who that is. */
static bool other_sender(const struct unix_socket *s, const struct unix_message *m,
                         struct unix_received *r)
{
    const struct unix_cred *a = &r->control.cred, *b = &m->cred;

    if (!(s->options & 1ull << SO_PASSCRED))
        return false;
    if (r->along & RECEIVED_CRED)
        return a->pid != b->pid || a->uid != b->uid || a->gid != b->gid;
    r->along |= RECEIVED_CRED;
    r->control.cred = m->cred;
    return false;
}

/* Some of m, from `skip` on.  1: go on with the next one; 0: enough; -errno. */
static int read_some(struct unix_socket *s, struct unix_message *m, size_t skip, struct uio *u,
                     bool peek, struct unix_received *r, long *done)
{
    long n = copy_out(m, m->at + skip, m->len - m->at - skip, u);

    if (n < 0)
        return *done > 0 ? 0 : (int)n;
    *done += n;
    move_peek(s, peek, (size_t)n);
    take_name(m, r);
    bool had_rights = m->rights != NULL;
    if (had_rights && take_rights(m, peek, r) != 0)
        return -ENOMEM;
    bool whole = m->at + skip + (size_t)n == m->len;
    if (!peek) {
        spin_lock(&unix_lock);
        m->at += (size_t)n;
        if (!m->hole)
            s->queued -= (size_t)n;
        if (s->oob != NULL && m != s->oob)
            s->to_oob -= (size_t)n;
        spin_unlock(&unix_lock);
        if (whole) {
            take_off(s, m);
            unix_message_free(m);
        }
    }
    return whole && !had_rights;
}

enum { URGENT_NOT, URGENT_STOP, URGENT_PASS, URGENT_DROP };

/* What becomes of m, of which a read that has `done` bytes has come to: the mark ends a read, and the byte itself is passed
 * by, but in line. */
static int at_urgent(struct unix_socket *s, const struct unix_message *m, bool peek, long done)
{
    if (likely(s->oob == NULL && !m->hole))
        return URGENT_NOT;
    spin_lock(&unix_lock);
    bool mark = m == s->oob, hole = m->hole;
    bool stop = done > 0 && (mark || (hole && s->in == NULL && s->oob == NULL));
    if (mark && !stop && !peek && unix_in_line(s))
        s->oob = NULL;
    spin_unlock(&unix_lock);
    if (stop)
        return URGENT_STOP;
    if (!hole && (!mark || unix_in_line(s)))
        return URGENT_NOT;
    return peek ? URGENT_PASS : URGENT_DROP;
}

static long recv_stream(struct unix_socket *s, struct uio *u, uint32_t flags,
                        struct unix_received *r)
{
    uint64_t deadline = unix_deadline(s->rcvtimeo);
    size_t target = flags & MSG_WAITALL ? u->left : MIN((size_t)MAX(s->lowat, 1u), u->left);
    bool peek = flags & MSG_PEEK;
    struct unix_message *m = NULL;
    unsigned arrived;
    size_t skip = 0;
    long done = 0;
    int err = 0;

    do {
        arrived = __atomic_load_n(&s->arrived, __ATOMIC_ACQUIRE);
        if (m == NULL) /* it begins, or has waited */
            skip = done == 0 ? peek_at(s, peek) : 0;
        m = next_message(s, peek ? m : NULL);
        int urgent = m != NULL ? at_urgent(s, m, peek, done) : URGENT_NOT;
        if (unlikely(urgent != URGENT_NOT)) {
            if (urgent == URGENT_STOP)
                break;
            if (urgent == URGENT_DROP) {
                take_off(s, m);
                unix_message_free(m);
            }
            continue;
        }
        if (m != NULL && skip > 0 && skip >= m->len - m->at) {
            skip -= m->len - m->at;
            continue;
        }
        if (m != NULL) {
            err = other_sender(s, m, r) ? 0 : read_some(s, m, skip, u, peek, r, &done);
            skip = 0;
            if (err <= 0 || u->left == 0)
                break;
            continue;
        }
        if ((size_t)done >= target)
            break;
        err = ended(s);
        if (err == 0)
            err = wait_for_more(s, flags, deadline, arrived);
        if (err != 0)
            break;
        if (peek && done > 0) { /* a wait gave the place up: it begins anew */
            err = 0;
            break;
        }
    } while (true);
    return done > 0 ? done : err > 0 ? 0 : err;
}

/* --- datagrams ------------------------------------------------------------------------------ */

/* The one to be received; *skip: of its bytes, not. */
static struct unix_message *choose_message(struct unix_socket *s, bool peek, size_t *skip)
{
    struct unix_message *m = next_message(s, NULL);

    *skip = 0;
    if (likely(!peek || s->not_peek_at == 0))
        return m;
    *skip = peek_at(s, peek);
    while (m != NULL && *skip >= m->len && (m->len > 0 || *skip > 0 || m->peeked)) {
        *skip -= m->len;
        m = next_message(s, m);
    }
    if (m != NULL)
        m->peeked = m->len == 0;
    return m;
}

static long recv_message(struct unix_socket *s, struct uio *u, uint32_t flags,
                         struct unix_received *r)
{
    uint64_t deadline = unix_deadline(s->rcvtimeo);
    bool peek = flags & MSG_PEEK;
    struct unix_message *m;
    unsigned arrived;
    size_t skip;

    int err = unix_take_error(s);
    if (err != 0)
        return err;
    while (arrived = __atomic_load_n(&s->arrived, __ATOMIC_ACQUIRE),
           (m = choose_message(s, peek, &skip)) == NULL) {
        err = ended(s);
        if (err == 0)
            err = wait_for_more(s, flags, deadline, arrived);
        if (err != 0)
            return err > 0 ? 0 : err;
    }
    size_t len = m->len - skip, n = MIN(len, u->left);
    long got = copy_out(m, skip, n, u);
    if (got >= 0 && (size_t)got < n)
        got = -EFAULT;
    if (got >= 0 && take_rights(m, peek, r) != 0)
        got = -ENOMEM;
    if (got >= 0) {
        r->along = s->options & 1ull << SO_PASSCRED ? RECEIVED_CRED : 0;
        if (s->options & OPTION_STAMPS)
            r->along |= RECEIVED_TIME;
        r->came_ns = m->came_ns;
        r->control.cred = m->cred;
        take_name(m, r);
        move_peek(s, peek,
                  peek || s->in != NULL ? n : len); /* UDP: what was cut off is not counted */
        r->flags |= n < len ? MSG_TRUNC : 0;
    }
    if (!peek) {
        take_off(s, m);
        unix_message_free(m);
    }
    if (got < 0)
        return got;
    return flags & MSG_TRUNC ? (long)len : (long)n;
}

/* --- the urgent byte ------------------------------------------------------------------------- */

bool unix_in_line(const struct unix_socket *s) { return s->options >> SO_OOBINLINE & 1; }

/* read_lock and unix_lock held: of AF_UNIX it is a hole from now on, of TCP it is still the mark. */
static void take_urgent(struct unix_socket *s)
{
    if (s->in != NULL) {
        s->oob_taken = true;
        return;
    }
    s->oob->hole = true;
    s->queued--;
    s->oob = NULL;
}

long unix_recv_urgent(struct unix_socket *s, struct uio *u, uint32_t flags, struct unix_received *r)
{
    bool room = u->left > 0;
    char byte = 0;

    mutex_lock(&s->read_lock);
    spin_lock(&unix_lock);
    bool there = s->oob != NULL && !s->oob_taken && !unix_in_line(s);
    if (there) {
        byte = s->oob->bytes[0];
        if (!(flags & MSG_PEEK))
            take_urgent(s);
    }
    spin_unlock(&unix_lock);
    mutex_unlock(&s->read_lock);
    if (!there)
        return -EINVAL;
    r->flags |= MSG_OOB | (room ? 0 : MSG_TRUNC);
    if (room && !(flags & MSG_TRUNC) && uio_put(u, &byte, 1) != 1)
        return -EFAULT;
    return room;
}

bool unix_at_mark(struct unix_socket *s)
{
    if (s->in != NULL)
        return s->oob != NULL && s->to_oob == 0;
    if (list_empty(&s->queue))
        return false;
    struct unix_message *m = list_first(&s->queue, struct unix_message, link);
    return m == s->oob || (m->hole && (s->oob == NULL || m->link.next == &s->oob->link));
}

long unix_recv(struct unix_socket *s, struct uio *u, uint32_t flags, struct unix_received *r)
{
    if ((flags & MSG_OOB) && s->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    if (s->state != UNIX_CONNECTED && s->type != SOCK_DGRAM && s->type != SOCK_RAW)
        return s->type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
    if (flags & MSG_OOB)
        return unix_recv_urgent(s, u, flags, r);
    mutex_lock(&s->read_lock);
    long n = s->type == SOCK_STREAM ? recv_stream(s, u, flags, r) : recv_message(s, u, flags, r);
    mutex_unlock(&s->read_lock);
    return n;
}
