/* inet_port.c - ports: who has one, who may have it too, and who is meant by an address.
 *
 * A socket stands in a table by its port, from bind(2) or its first connection on, until it
 * ends.  The ends that accept(2) gives out do not: they have the port of who listened, and are
 * found by their peers.  A bit for each port says whether anybody has it, so that a free one is
 * found a word at a time.
 *
 * All this is under unix_lock; so a port has SHARERS_MAX sockets at most and a bucket BUCKET_MAX,
 * and none of the loops is longer than that.  A bucket has that many only if hundreds of ports
 * are shared: all that are given out, each by one socket, are 110 in a bucket. */
#include "arch/random.h"
#include "net/inet.h"
#include "sched/task.h"

#define BUCKETS     256u
#define SHARERS_MAX 256u /* sockets at a port; one more: -EADDRINUSE */
#define BUCKET_MAX  512u /* at about 50 instructions each */
#define PORTS       65536u
#define BITS        64u
#define STREAMS     0
#define DATAGRAMS   1

uint32_t inet_port_range[2] = { 32768, 60999 };

static struct list buckets[BUCKETS];   /* [u] */
static uint16_t in_bucket[BUCKETS];    /* [u] how many */
static uint64_t used[2][PORTS / BITS]; /* [u] of streams, of datagrams */

static struct list *bucket(uint16_t port)
{
    struct list *b = &buckets[port % BUCKETS];

    if (b->next == NULL)
        list_init(b);
    return b;
}

static uint64_t *word_of(int type, uint32_t port)
{
    return &used[type == SOCK_DGRAM ? DATAGRAMS : STREAMS][port / BITS];
}

static bool is_used(int type, uint32_t port) { return *word_of(type, port) >> port % BITS & 1; }

/* Does what goes to b's address concern a's? */
static bool overlap(const struct inet *a, const struct inet_end *at, const struct inet *b)
{
    const struct inet_end *other = &b->local;
    bool v4 = inet_is_v4(at), other_v4 = inet_is_v4(other);
    bool both = !v4 && inet_is_any(at) && !a->value[INET_V6ONLY];
    bool other_both = !other_v4 && inet_is_any(other) && !b->value[INET_V6ONLY];

    if (v4 != other_v4)
        return both ? true : other_both;
    return inet_is_any(at) || inet_is_any(other) || inet_same(at, other);
}

static bool has(const struct unix_socket *s, int option) { return s->options >> option & 1; }

/* May s have the port beside o, at an address that concerns both? */
static bool may_share(const struct unix_socket *s, const struct unix_socket *o, bool listen)
{
    if (has(s, SO_REUSEPORT) && has(o, SO_REUSEPORT) && s->in->uid == o->in->uid)
        return true;
    if (!has(s, SO_REUSEADDR) || !has(o, SO_REUSEADDR))
        return false;
    return s->type == SOCK_DGRAM || (!listen && o->state != UNIX_LISTENING);
}

static bool is_free(struct unix_socket *s, const struct inet_end *at, bool listen)
{
    struct inet *o;
    unsigned sharers = 0;

    ASSERT_SPIN_HELD(&unix_lock);
    list_for_each(o, bucket(at->port), port_link) {
        if (o->socket == s || o->protocol != s->in->protocol || o->local.port != at->port)
            continue;
        if (++sharers >= SHARERS_MAX)
            return false;
        if (listen && o->socket->state != UNIX_LISTENING)
            continue;
        if (overlap(s->in, at, o) && !may_share(s, o->socket, listen))
            return false;
    }
    return true;
}

bool inet_may_listen(struct unix_socket *s) { return is_free(s, &s->in->local, true); }

/* From `from` up to, not with, `to`; 0: none. */
static uint32_t free_between(int type, uint32_t from, uint32_t to)
{
    while (from < to) {
        uint64_t word = ~*word_of(type, from) >> from % BITS;
        if (word != 0) {
            from += (uint32_t)__builtin_ctzl(word);
            return from < to ? from : 0;
        }
        from = (from / BITS + 1) * BITS;
    }
    return 0;
}

static uint32_t any_port(int type)
{
    uint32_t low = MAX(inet_port_range[0], 1u), high = MIN(inet_port_range[1], PORTS - 1), start;

    if (high < low)
        return 0;
    random_bytes(&start, sizeof(start));
    start = low + start % (high - low + 1);
    uint32_t port = free_between(type, start, high + 1);
    return port != 0 ? port : free_between(type, low, start);
}

int inet_take_port(struct unix_socket *s, const struct inet_end *at)
{
    struct inet_end want = *at;

    if (want.port == 0)
        want.port = (uint16_t)any_port(s->type);
    if (want.port == 0 || in_bucket[want.port % BUCKETS] >= BUCKET_MAX ||
        (is_used(s->type, want.port) && !is_free(s, &want, false)))
        return -EADDRINUSE;
    in_bucket[want.port % BUCKETS]++;
    s->in->local = want;
    s->in->in_table = true;
    list_push_back(bucket(want.port), &s->in->port_link);
    *word_of(s->type, want.port) |= 1ul << want.port % BITS;
    return 0;
}

void inet_leave_port(struct unix_socket *s)
{
    uint16_t port = s->in->local.port;
    struct inet *o;

    ASSERT_SPIN_HELD(&unix_lock);
    if (!s->in->in_table)
        return;
    list_remove(&s->in->port_link);
    list_init(&s->in->port_link);
    s->in->in_table = false;
    in_bucket[port % BUCKETS]--;
    list_for_each(o, bucket(port), port_link)
        if (o->local.port == port && o->socket->type == s->type)
            return;
    *word_of(s->type, port) &= ~(1ul << port % BITS);
}

/* How well o is meant; 0: it is not. */
static unsigned score(const struct inet *o, int protocol, const struct inet_end *to,
                      const struct inet_end *from)
{
    bool any = inet_is_any(&o->local);
    unsigned n = 1;

    if (o->local.port != to->port || o->protocol != protocol)
        return 0;
    if (protocol == IPPROTO_TCP && (o->socket->state != UNIX_LISTENING || o->socket->shut))
        return 0;
    if (!any && !inet_same(&o->local, to))
        return 0;
    if (any && inet_is_v4(&o->local) != inet_is_v4(to) &&
        (inet_is_v4(&o->local) || o->value[INET_V6ONLY]))
        return 0;
    if (o->connected && !is_ping(o) &&
        (o->remote.port != from->port || !inet_same(&o->remote, from)))
        return 0;
    n += o->connected ? 4 : 0;
    n += any ? 0 : 2;
    return n * 2 + (inet_is_v4(to) == (o->family == AF_INET));
}

bool inet_is_for(const struct inet *o, int protocol, const struct inet_end *to,
                 const struct inet_end *from)
{
    return score(o, protocol, to, from) > 0;
}

struct unix_socket *inet_find(int protocol, const struct inet_end *to, const struct inet_end *from)
{
    struct inet *best = NULL, *o;
    unsigned most = 0, equals = 0;

    ASSERT_SPIN_HELD(&unix_lock);
    list_for_each(o, bucket(to->port), port_link) {
        unsigned n = score(o, protocol, to, from);
        if (n == 0 || n < most)
            continue;
        equals = n > most ? 1 : equals + 1;
        /* Of those that share a port, each has a part of who comes; else the last one has all. */
        if (n > most || !has(o->socket, SO_REUSEPORT) ||
            (from->port * 40503u >> 4 & 0xffff) % equals == 0)
            best = o;
        most = n;
    }
    return best != NULL ? best->socket : NULL;
}
