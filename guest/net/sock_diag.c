/* sock_diag.c - NETLINK_SOCK_DIAG: which sockets of AF_INET and AF_INET6 there are, for `ss`.
 *
 * A dump goes over all sockets, as many at a time as an answer has room for, and holds the one that it has come to.  Each is as it
 * was at one moment; they are of different moments, as on Linux.  Other families are not there (ENOENT), and `ss` looks
 * for them in /proc.
 *
 * A dump may bring a program that chooses among sockets (INET_DIAG_REQ_BYTECODE).  Its jumps go forward and to where an instruction
 * begins, which is checked once: so it ends, and reads nothing but itself. */
#include "arch/preempt.h"
#include "fs/file.h"
#include "fs/inode.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/inet.h"
#include "net/netlink.h"
#include "sched/task.h"

#include <linux/capability.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#define ROOM_FOR_ONE 640u /* in an answer */
#define CODE_MAX     256u /* bytes of a program; more: -EOPNOTSUPP */
#define FAMILIES     46u  /* AF_MAX */
#define WORK_LOOK    300u /* instructions a socket, about (arch/preempt.h) */

struct diag {
    struct inet_diag_req_v2 want;
    uint32_t ncode; /* bytes of the program; 0: none */
    _Alignas(4) uint8_t code[CODE_MAX];
    struct unix_socket *at; /* the last one that was looked at, with a reference; NULL: none yet */
    bool over;
};

static uint16_t be16(uint16_t x) { return __builtin_bswap16(x); }

/* --- one socket --------------------------------------------------------------------------- */

static int protocol_of(const struct unix_socket *s)
{
    return s->type == SOCK_RAW ? IPPROTO_RAW : s->in->protocol;
}

static void put_end(uint32_t to[4], const struct inet_end *e, int family)
{
    memset(to, 0, sizeof(e->a));
    if (family == AF_INET)
        to[0] = e->a[3];
    else
        memcpy(to, e->a, sizeof(e->a));
}

static unsigned state_of(const struct unix_socket *s)
{
    return s->type == SOCK_STREAM ? (unsigned)tcp_state(s) : s->in->connected ? 1 : 7;
}

/* Is it one that is wanted?  Then *m says all about it. */
static bool look(const struct inet_diag_req_v2 *want, struct unix_socket *s,
                 struct inet_diag_msg *m)
{
    const struct inet *in = s->in;

    if (in == NULL || in->family != want->sdiag_family || protocol_of(s) != want->sdiag_protocol)
        return false;
    uint64_t cookie = socket_cookie(s);
    spin_lock(&unix_lock);
    unsigned state = state_of(s);
    bool listens = state == TCP_LISTEN_STATE;
    *m = (struct inet_diag_msg){
        .idiag_family = (uint8_t)in->family,
        .idiag_state = (uint8_t)state,
        .id = { .idiag_sport = be16(in->local.port),
                .idiag_dport = be16(in->remote.port),
                .idiag_if = (uint32_t)s->device,
                .idiag_cookie = { (uint32_t)cookie, (uint32_t)(cookie >> 32) } },
        .idiag_rqueue = (uint32_t)(s->type != SOCK_STREAM ? s->sent
                                   : listens              ? s->nqueued
                                                          : s->queued),
        .idiag_wqueue = listens ? s->backlog : 0,
        .idiag_uid = in->uid,
        .idiag_inode = s->file != NULL ? (uint32_t)s->file->inode->ino : 0,
    };
    put_end(m->id.idiag_src, &in->local, in->family);
    put_end(m->id.idiag_dst, &in->remote, in->family);
    bool there = !s->dead && in->local.port != 0;
    spin_unlock(&unix_lock);
    return there && (want->idiag_states >> state & 1) &&
           (want->id.idiag_sport == 0 || want->id.idiag_sport == m->id.idiag_sport) &&
           (want->id.idiag_dport == 0 || want->id.idiag_dport == m->id.idiag_dport);
}

static void put_memory(struct answer *a, const struct unix_socket *s)
{
    uint32_t v[SK_MEMINFO_VARS] = { [SK_MEMINFO_RMEM_ALLOC] = (uint32_t)s->queued,
                                    [SK_MEMINFO_RCVBUF] = (uint32_t)s->rcvbuf,
                                    [SK_MEMINFO_SNDBUF] = (uint32_t)s->sndbuf };

    answer_attr(a, INET_DIAG_SKMEMINFO, v, sizeof(v));
}

static void put_option(struct answer *a, struct unix_socket *s, unsigned type, int option)
{
    union option_value v;

    memset(&v, 0, sizeof(v));
    int n = inet_get_option(s, SOL_TCP, option, &v);
    if (n > 0 && option == TCP_CONGESTION)
        answer_attr(a, type, v.text, strlen(v.text) + 1);
    else if (n > 0)
        answer_attr(a, type, &v, (size_t)n);
}

static void put(struct answer *a, struct unix_socket *s, const struct inet_diag_msg *m,
                unsigned wanted)
{
    const int *value = s->in->value;

    answer_begin(a, SOCK_DIAG_BY_FAMILY, m, sizeof(*m));
    answer_u8(a, INET_DIAG_SHUTDOWN, (uint8_t)s->shut);
    if (wanted >> (INET_DIAG_TOS - 1) & 1)
        answer_u8(a, INET_DIAG_TOS, (uint8_t)value[INET_TOS]);
    if (m->idiag_family == AF_INET6) {
        if (wanted >> (INET_DIAG_TCLASS - 1) & 1)
            answer_u8(a, INET_DIAG_TCLASS, (uint8_t)value[INET_TCLASS]);
        if (m->idiag_state == TCP_LISTEN_STATE || m->idiag_state == TCP_CLOSE_STATE)
            answer_u8(a, INET_DIAG_SKV6ONLY, value[INET_V6ONLY] != 0);
    }
    if (has_cap(CAP_NET_ADMIN))
        answer_u32(a, INET_DIAG_MARK, (uint32_t)s->mark);
    if (wanted >> (INET_DIAG_SKMEMINFO - 1) & 1)
        put_memory(a, s);
    if (s->type == SOCK_STREAM && (wanted >> (INET_DIAG_INFO - 1) & 1))
        put_option(a, s, INET_DIAG_INFO, TCP_INFO);
    if (s->type == SOCK_STREAM && (wanted >> (INET_DIAG_CONG - 1) & 1))
        put_option(a, s, INET_DIAG_CONG, TCP_CONGESTION);
    answer_end(a);
}

/* --- programs that choose -------------------------------------------------------------------------- */

typedef struct inet_diag_bc_op op;

/* Bytes of the instruction at `at`, of which so many are there; 0: it is none. */
static uint32_t size_of(const uint8_t *at, uint32_t left)
{
    const op *o = (const op *)at;
    const struct inet_diag_hostcond *c = (const struct inet_diag_hostcond *)(o + 1);
    uint32_t address;

    switch (o->code) {
    case INET_DIAG_BC_NOP:
    case INET_DIAG_BC_JMP: return sizeof(*o);
    case INET_DIAG_BC_S_GE:
    case INET_DIAG_BC_S_LE:
    case INET_DIAG_BC_S_EQ:
    case INET_DIAG_BC_D_GE:
    case INET_DIAG_BC_D_LE:
    case INET_DIAG_BC_D_EQ: return left < 2 * sizeof(*o) ? 0 : 2 * sizeof(*o);
    case INET_DIAG_BC_DEV_COND: return left < 2 * sizeof(*o) ? 0 : 2 * sizeof(*o);
    case INET_DIAG_BC_S_COND:
    case INET_DIAG_BC_D_COND:
        if (left < sizeof(*o) + sizeof(*c))
            return 0;
        address = c->family == AF_INET ? 4 : c->family == AF_INET6 ? 16 : 0;
        if ((address == 0 && c->family != AF_UNSPEC) || c->prefix_len > 8 * address)
            return 0;
        address += sizeof(*o) + sizeof(*c);
        return left < address ? 0 : address;
    }
    return 0;
}

/* Does an instruction begin there, or the program end, or, beyond that, "no"? */
static bool is_place(const struct diag *d, uint32_t place)
{
    uint32_t at = 0;

    while (at < place && at < d->ncode)
        at += ((const op *)(d->code + at))->yes;
    return at == place || place == d->ncode + sizeof(op);
}

static bool valid(const struct diag *d)
{
    for (uint32_t at = 0; at < d->ncode;) {
        const op *o = (const op *)(d->code + at);
        uint32_t left = d->ncode - at, size = left < sizeof(*o) ? 0 : size_of(d->code + at, left);
        if (size == 0 || o->yes < size || o->yes % 4 != 0 || o->yes > left + sizeof(*o))
            return false;
        if (o->code != INET_DIAG_BC_NOP &&
            (o->no < size || o->no % 4 != 0 || o->no > left + sizeof(*o)))
            return false;
        at += o->yes;
        preempt_work(WORK_LOOK);
    }
    for (uint32_t at = 0; at < d->ncode; at += ((const op *)(d->code + at))->yes) {
        const op *o = (const op *)(d->code + at);
        if (o->code != INET_DIAG_BC_NOP && !is_place(d, at + o->no))
            return false;
        preempt_work(WORK_LOOK * 4);
    }
    return true;
}

static bool same_bits(const uint32_t *a, const uint32_t *b, unsigned bits)
{
    unsigned words = bits / 32, rest = bits % 32;

    if (memcmp(a, b, words * 4) != 0)
        return false;
    return rest == 0 ||
           (__builtin_bswap32(a[words]) ^ __builtin_bswap32(b[words])) >> (32 - rest) == 0;
}

static bool host_holds(const struct inet_diag_hostcond *c, const struct inet_diag_msg *m,
                       uint16_t port, const uint32_t *address)
{
    if (c->port != -1 && c->port != port)
        return false;
    if (c->family != AF_UNSPEC && c->family != m->idiag_family) {
        if (c->family != AF_INET || address[0] != 0 || address[1] != 0 ||
            address[2] != __builtin_bswap32(0xffff))
            return false;
        address += 3; /* one of IPv4 in one of IPv6 */
    }
    return same_bits(address, c->addr, c->prefix_len);
}

static bool holds(const op *o, const struct inet_diag_msg *m)
{
    const struct inet_diag_hostcond *c = (const struct inet_diag_hostcond *)(o + 1);
    uint16_t sport = be16(m->id.idiag_sport), dport = be16(m->id.idiag_dport);

    switch (o->code) {
    case INET_DIAG_BC_JMP: return false;
    case INET_DIAG_BC_S_GE: return sport >= o[1].no;
    case INET_DIAG_BC_S_LE: return sport <= o[1].no;
    case INET_DIAG_BC_S_EQ: return sport == o[1].no;
    case INET_DIAG_BC_D_GE: return dport >= o[1].no;
    case INET_DIAG_BC_D_LE: return dport <= o[1].no;
    case INET_DIAG_BC_D_EQ: return dport == o[1].no;
    case INET_DIAG_BC_DEV_COND: return m->id.idiag_if == *(const uint32_t *)(o + 1);
    case INET_DIAG_BC_S_COND: return host_holds(c, m, sport, m->id.idiag_src);
    case INET_DIAG_BC_D_COND: return host_holds(c, m, dport, m->id.idiag_dst);
    }
    return true;
}

static bool chosen(const struct diag *d, const struct inet_diag_msg *m)
{
    uint32_t at = 0;

    while (at < d->ncode) {
        const op *o = (const op *)(d->code + at);
        at += holds(o, m) ? o->yes : o->no;
    }
    return at == d->ncode;
}

/* --- requests ----------------------------------------------------------------------------------- */

void diag_free(struct diag *d)
{
    if (d != NULL && d->at != NULL)
        unix_put(d->at);
    kfree(d);
}

void diag_go_on(struct diag *d, struct answer *a)
{
    struct inet_diag_msg m;

    while (!d->over && sizeof(a->bytes) - a->len >= ROOM_FOR_ONE) {
        d->at = unix_next(d->at);
        d->over = d->at == NULL;
        if (!d->over && look(&d->want, d->at, &m) && chosen(d, &m))
            put(a, d->at, &m, d->want.idiag_ext);
        preempt_work(WORK_LOOK);
    }
}

/* The one socket with these ends. */
static int get_one(const struct inet_diag_req_v2 *want, struct answer *a)
{
    struct inet_diag_req_v2 any = *want;
    struct unix_socket *s = NULL;
    struct inet_diag_msg m;

    any.idiag_states = UINT32_MAX;
    while ((s = unix_next(s)) != NULL) {
        preempt_work(WORK_LOOK);
        if (!look(&any, s, &m) || m.id.idiag_sport != want->id.idiag_sport ||
            m.id.idiag_dport != want->id.idiag_dport ||
            memcmp(m.id.idiag_src, want->id.idiag_src, sizeof(m.id.idiag_src)) != 0 ||
            memcmp(m.id.idiag_dst, want->id.idiag_dst, sizeof(m.id.idiag_dst)) != 0)
            continue;
        put(a, s, &m, want->idiag_ext);
        unix_put(s);
        return 0;
    }
    return -ENOENT;
}

static int check(const struct netlink_request *r, struct inet_diag_req_v2 *want)
{
    if (!request_get(r, 0, want, sizeof(*want)))
        return -EINVAL;
    switch (want->sdiag_protocol) {
    case IPPROTO_TCP:
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
    case IPPROTO_RAW: break;
    default: return -ENOENT;
    }
    return 0;
}

static int read_program(const struct netlink_request *r, struct diag *d)
{
    size_t at = sizeof(d->want), data;
    struct nlattr attr;

    while (request_attr(r, &at, &attr, &data)) {
        if (attr.nla_type != INET_DIAG_REQ_BYTECODE)
            continue;
        if (attr.nla_len > sizeof(d->code))
            return -EOPNOTSUPP;
        d->ncode = attr.nla_len;
        if (!request_get(r, data, d->code, d->ncode) || !valid(d))
            return -EINVAL;
    }
    return 0;
}

int diag_request(struct netlink_request *r, struct answer *a)
{
    struct inet_diag_req_v2 want;
    struct sock_diag_req head;

    if (r->head.nlmsg_type == SOCK_DESTROY && !has_cap(CAP_NET_ADMIN))
        return -EPERM;
    if (r->head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
        return r->head.nlmsg_type == SOCK_DESTROY ? -EOPNOTSUPP : -EINVAL;
    if (!request_get(r, 0, &head, sizeof(head)))
        return -EINVAL;
    if (head.sdiag_family != AF_INET && head.sdiag_family != AF_INET6)
        return head.sdiag_family < FAMILIES ? -ENOENT : -EINVAL;
    bool dump = r->head.nlmsg_flags & NLM_F_DUMP;
    int err = check(r, &want);
    if (err == -ENOENT && dump) { /* told at its end */
        r->dump = true;
        r->dump_error = err;
        return 0;
    }
    if (err != 0 || !dump)
        return err != 0 ? err : get_one(&want, a);
    struct diag *d = kzalloc(sizeof(*d));
    if (d == NULL)
        return -ENOMEM;
    d->want = want;
    err = read_program(r, d);
    if (err != 0) {
        diag_free(d);
        return err;
    }
    r->dump = true;
    r->diag = d;
    a->flags = NLM_F_MULTI;
    diag_go_on(d, a);
    return 0;
}
