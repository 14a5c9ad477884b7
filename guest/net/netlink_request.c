/* netlink_request.c - what a netlink socket has sent, message by message, and the answers to it.
 *
 * An answer is a datagram in the sender's own queue, charged to its receive buffer; what does not
 * fit is lost, and the next call is told (ENOBUFS).  An answer of many (a dump) comes in two parts,
 * what there is and then NLMSG_DONE, and the second is made when the first is looked at; until then the
 * socket can ask for no other (EBUSY).  Of sockets (sock_diag.c) there may be more than go into one part: then another one is
 * made each time.
 *
 * A request is copied as a whole before it is read, so nobody can change it meanwhile, and every
 * length in it is held against what is really there. */
#include "arch/preempt.h"
#include "fs/uio.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/heap.h"
#include "net/netlink.h"

#define WORK_REQUEST 8000u /* instructions, about (arch/preempt.h) */
#define WORK_ATTR    150u

/* --- what is asked -------------------------------------------------------------------------- */

static void copy_from_message(const struct unix_message *m, size_t at, char *to, size_t n)
{
    ASSERT(at <= m->len && n <= m->len - at);
    if (m->npages == 0) {
        memcpy(to, m->bytes + at, n);
        return;
    }
    while (n > 0) {
        size_t off = at % PAGE_SIZE, piece = MIN(n, PAGE_SIZE - off);
        memcpy(to, (const char *)frame_va(m->page[at / PAGE_SIZE]) + off, piece);
        at += piece;
        to += piece;
        n -= piece;
    }
}

bool request_get(const struct netlink_request *r, size_t at, void *to, size_t n)
{
    if (at > r->len || n > r->len - at)
        return false;
    copy_from_message(r->from, r->at + at, to, n);
    return true;
}

bool request_attr(const struct netlink_request *r, size_t *at, struct nlattr *a, size_t *data)
{
    preempt_work(WORK_ATTR);
    if (!request_get(r, *at, a, sizeof(*a)) || a->nla_len < NLA_HDRLEN || a->nla_len > r->len - *at)
        return false;
    a->nla_type &= NLA_TYPE_MASK;
    *data = *at + NLA_HDRLEN;
    a->nla_len -= NLA_HDRLEN;
    *at = MIN(*data + NLA_ALIGN(a->nla_len), r->len);
    return true;
}

int request_u32(const struct netlink_request *r, const struct nlattr *a, size_t data, uint32_t *to)
{
    return a->nla_len >= sizeof(*to) && request_get(r, data, to, sizeof(*to)) ? 0 : -ERANGE;
}

/* --- what is answered ------------------------------------------------------------------------ */

static char *answer_room(struct answer *a, size_t n)
{
    char *at = a->bytes + a->len;
    size_t whole = NLMSG_ALIGN(n);

    ASSERT(whole <= sizeof(a->bytes) - a->len);
    memset(at + n, 0, whole - n);
    a->len += whole;
    return at;
}

void answer_begin(struct answer *a, unsigned type, const void *fixed, size_t n)
{
    struct nlmsghdr h = { 0, (uint16_t)type, a->flags, a->seq, a->port };

    a->begun = a->len;
    memcpy(answer_room(a, sizeof(h)), &h, sizeof(h));
    memcpy(answer_room(a, n), fixed, n);
}

void answer_attr(struct answer *a, unsigned type, const void *data, size_t n)
{
    struct nlattr h = { (uint16_t)(NLA_HDRLEN + n), (uint16_t)type };

    memcpy(answer_room(a, sizeof(h)), &h, sizeof(h));
    memcpy(answer_room(a, n), data, n);
}

void answer_u32(struct answer *a, unsigned type, uint32_t value)
{
    answer_attr(a, type, &value, sizeof(value));
}

void answer_u8(struct answer *a, unsigned type, uint8_t value)
{
    answer_attr(a, type, &value, sizeof(value));
}

void answer_end(struct answer *a)
{
    uint32_t len = (uint32_t)(a->len - a->begun);

    memcpy(a->bytes + a->begun + offsetof(struct nlmsghdr, nlmsg_len), &len, sizeof(len));
}

/* Something was lost.  unix_lock held. */
static void overrun(struct unix_socket *s)
{
    s->netlink->drops++;
    if (s->netlink->congested || netlink_has(s, NETLINK_NO_ENOBUFS))
        return;
    s->netlink->congested = true;
    s->error = ENOBUFS;
    waitq_wake(&s->read_wait);
}

/* What a has goes into s's queue, and the dump is in state `then` if it fits, else it is over; but
 * for DUMP_AS_IT_IS. */
static void deliver(struct unix_socket *s, struct answer *a, enum dump_state then)
{
    struct netlink *n = s->netlink;
    struct unix_message *m = NULL;
    struct uio u;

    uio_kernel(&u, a->bytes, a->len);
    bool made = unix_message_make(a->len, &u, &m) == 0;
    spin_lock(&unix_lock);
    if (s->nqueued == 0)
        n->congested = false;
    bool fits = made && !n->congested && (s->sent == 0 || s->sent + m->charge <= s->rcvbuf);
    if (fits) {
        unix_charge(m, s);
        (void)unix_enqueue(m, s); /* it carries no files: nothing is in the way */
    } else {
        overrun(s);
    }
    if (then != DUMP_AS_IT_IS)
        n->dump = fits ? (uint8_t)then : DUMP_NONE;
    spin_unlock(&unix_lock);
    if (made && !fits)
        unix_message_free(m);
}

/* NLMSG_ERROR, also for what went well.  The request goes with an error, if it is not too long. */
static void acknowledge(struct unix_socket *s, const struct netlink_request *r, struct answer *a,
                        int err)
{
    struct {
        struct nlmsgerr e;
        char rest[ANSWER_ROOM - 2 * sizeof(struct nlmsghdr) - sizeof(int)];
    } fixed;
    size_t rest =
        err != 0 && !netlink_has(s, NETLINK_CAP_ACK) && r->len <= sizeof(fixed.rest) ? r->len : 0;

    fixed.e = (struct nlmsgerr){ err, r->head };
    (void)request_get(r, 0, fixed.rest, rest);
    a->len = 0;
    a->flags = err != 0 && rest == r->len && !netlink_has(s, NETLINK_CAP_ACK) ? 0 : NLM_F_CAPPED;
    answer_begin(a, NLMSG_ERROR, &fixed, sizeof(fixed.e) + rest);
    answer_end(a);
    deliver(s, a, DUMP_AS_IT_IS);
}

static void put_done(struct answer *a, int err)
{
    a->len = 0;
    answer_begin(a, NLMSG_DONE, &err, sizeof(err));
    answer_end(a);
}

/* The first part, and the end if that is all: 0 or -EBUSY. */
static int begin_dump(struct unix_socket *s, struct netlink_request *r, struct answer *a)
{
    struct netlink *n = s->netlink;
    struct diag *left = NULL;
    int err = 0;

    spin_lock(&unix_lock);
    if (n->dump != DUMP_NONE) {
        err = -EBUSY;
    } else {
        n->dump = DUMP_BUSY;
        n->due = (struct nlmsghdr){ .nlmsg_flags = NLM_F_MULTI | r->dump_flags,
                                    .nlmsg_seq = a->seq,
                                    .nlmsg_pid = a->port };
        n->due_error = r->dump_error;
        left = n->diag; /* of one that did not fit */
        n->diag = NULL;
        if (a->len > 0) {
            n->diag = r->diag;
            r->diag = NULL;
        }
    }
    spin_unlock(&unix_lock);
    diag_free(left);
    if (err != 0)
        return err;
    if (a->len > 0) {
        deliver(s, a, DUMP_END_IS_DUE);
    } else {
        a->flags = NLM_F_MULTI | r->dump_flags;
        put_done(a, r->dump_error);
        deliver(s, a, DUMP_NONE);
    }
    return 0;
}

void netlink_go_on(struct unix_socket *s)
{
    struct netlink *n = s->netlink;
    struct nlmsghdr due;

    if (__atomic_load_n(&n->dump, __ATOMIC_RELAXED) != DUMP_END_IS_DUE)
        return;
    struct answer *a = kmalloc(sizeof(*a));
    spin_lock(&unix_lock);
    bool mine = n->dump == DUMP_END_IS_DUE && s->sent <= s->rcvbuf / 2;
    if (mine)
        n->dump = a != NULL ? DUMP_BUSY : DUMP_NONE;
    if (mine && a == NULL)
        overrun(s);
    due = n->due;
    int err = n->due_error;
    spin_unlock(&unix_lock);
    if (mine && a != NULL) {
        a->flags = due.nlmsg_flags;
        a->seq = due.nlmsg_seq;
        a->port = due.nlmsg_pid;
        a->len = 0;
        if (n->diag != NULL)
            diag_go_on(n->diag, a);
        if (a->len > 0) {
            deliver(s, a, DUMP_END_IS_DUE);
        } else {
            diag_free(n->diag);
            n->diag = NULL;
            put_done(a, err);
            deliver(s, a, DUMP_NONE);
        }
    }
    kfree(a);
}

static void handle(struct unix_socket *s, struct netlink_request *r, struct answer *a)
{
    int err = 0;

    a->seq = r->head.nlmsg_seq;
    a->flags = 0;
    a->len = 0;
    r->strict = netlink_has(s, NETLINK_GET_STRICT_CHK);
    if ((r->head.nlmsg_flags & NLM_F_REQUEST) && r->head.nlmsg_type >= NLMSG_MIN_TYPE)
        err = s->netlink->protocol == NETLINK_ROUTE ? rtnetlink_request(r, a) : diag_request(r, a);
    if (err == 0 && r->dump) {
        err = begin_dump(s, r, a);
        diag_free(r->diag);
        if (err == 0)
            return; /* its end is the acknowledgement */
    } else if (err == 0 && a->len > 0) {
        deliver(s, a, DUMP_AS_IT_IS);
    }
    if (err != 0 || (r->head.nlmsg_flags & NLM_F_ACK))
        acknowledge(s, r, a, err);
}

int netlink_requests(struct unix_socket *s, const struct unix_message *m, uint32_t port)
{
    struct answer *a = kmalloc(sizeof(*a));
    size_t at = 0;

    if (a == NULL)
        return -ENOBUFS;
    a->port = port;
    while (m->len - at >= NLMSG_HDRLEN) {
        struct netlink_request r = { .from = m, .at = at + NLMSG_HDRLEN };
        copy_from_message(m, at, (char *)&r.head, sizeof(r.head));
        if (r.head.nlmsg_len < NLMSG_HDRLEN || r.head.nlmsg_len > m->len - at)
            break;
        r.len = r.head.nlmsg_len - NLMSG_HDRLEN;
        handle(s, &r, a);
        at += MIN((size_t)NLMSG_ALIGN(r.head.nlmsg_len), m->len - at);
        preempt_work(WORK_REQUEST);
    }
    kfree(a);
    return 0;
}
