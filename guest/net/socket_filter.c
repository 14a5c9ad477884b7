/* socket_filter.c - SO_ATTACH_FILTER: a program of classic BPF says which messages a socket gets, and how much of each.
 *
 * It sees what it sees on Linux: of UDP the datagram with its header, of raw sockets the packet, of AF_UNIX what was sent; and
 * IP's header by SKF_NET_OFF.  It runs where a message is queued, with unix_lock held, so it has LENGTH_MAX instructions
 * at most.  A stream of TCP keeps a program and never runs it, as there are no segments for it (tcp.c). */
#include "arch/cpu.h"
#include "arch/random.h"
#include "arch/uaccess.h"
#include "lib/bpf.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "net/inet.h"

#define _SYS_SOCKET_H /* as in interface.c */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#define LENGTH_MAX 512u

static uint16_t be16(uint16_t x) { return __builtin_bswap16(x); }

/* --- running ------------------------------------------------------------------------------ */

struct packet {
    struct unix_message *m;
    uint32_t before;  /* bytes of `head`, before m's */
    uint32_t data;    /* where what the program sees begins, of both */
    uint32_t network; /* where IP's header is; UINT32_MAX: nowhere */
    uint8_t head[sizeof(struct ipv6hdr) + sizeof(struct udphdr)];
};

static uint32_t length(const struct packet *p) { return p->before + (uint32_t)p->m->len - p->data; }

/* p->m came by IP, whose header, and that of UDP, it has not got. */
static void put_heads(struct packet *p, const struct unix_socket *to)
{
    struct unix_message *m = p->m;
    bool udp = to->type == SOCK_DGRAM && !is_ping(to->in);
    uint32_t len = (uint32_t)m->len + (udp ? sizeof(struct udphdr) : 0);
    struct iphdr v4 = { .version = 4, .ihl = 5, .tos = m->source.traffic, .ttl = m->source.hops };
    struct ipv6hdr v6 = { .version = 6, .hop_limit = m->source.hops };

    v4.protocol = v6.nexthdr = (uint8_t)to->in->protocol;
    v4.tot_len = be16((uint16_t)(len + sizeof(v4)));
    v4.saddr = m->source.a[3];
    v4.daddr = m->to.a[3];
    v6.payload_len = be16((uint16_t)len);
    memcpy(&v6.saddr, m->source.a, sizeof(v6.saddr));
    memcpy(&v6.daddr, m->to.a, sizeof(v6.daddr));
    p->data = inet_is_v4(&m->to) ? sizeof(v4) : sizeof(v6);
    memcpy(p->head, inet_is_v4(&m->to) ? (void *)&v4 : (void *)&v6, p->data);
    p->before = p->data;
    if (udp) {
        struct udphdr h = { be16(m->source.port), be16(m->to.port), be16((uint16_t)len), 0 };
        memcpy(p->head + p->data, &h, sizeof(h));
        p->before += sizeof(h);
    }
}

static uint32_t extension(const struct packet *p, uint32_t number)
{
    uint32_t value = 0;

    switch (number) {
    case SKF_AD_PROTOCOL:
        return p->network == UINT32_MAX ? 0 : inet_is_v4(&p->m->to) ? ETH_P_IP : ETH_P_IPV6;
    case SKF_AD_IFINDEX: return p->network != UINT32_MAX ? LO_INDEX : 0;
    case SKF_AD_HATYPE: return p->network != UINT32_MAX ? ARPHRD_LOOPBACK : 0;
    case SKF_AD_CPU: return HERE->id;
    case SKF_AD_RANDOM: random_bytes(&value, sizeof(value)); break;
    }
    return value; /* no mark, no queue, no VLAN */
}

static bool load(void *packet, uint32_t at, unsigned size, uint32_t *value)
{
    struct packet *p = packet;
    uint64_t from = (uint64_t)at + p->data;

    if (at >= (uint32_t)SKF_AD_OFF) {
        *value = extension(p, at - (uint32_t)SKF_AD_OFF);
        return true;
    }
    if (at >= (uint32_t)SKF_NET_OFF && p->network != UINT32_MAX)
        from = (uint64_t)p->network + at - (uint32_t)SKF_NET_OFF;
    if (from + size > p->before + p->m->len)
        return false;
    for (*value = 0; size > 0; size--, from++) {
        size_t one = 1;
        uint8_t byte = from < p->before ? p->head[from]
                                        : (uint8_t)*unix_message_at(p->m, from - p->before, &one);
        *value = *value << 8 | byte;
    }
    return true;
}

bool socket_filter_passes(const struct unix_socket *to, struct unix_message *m)
{
    struct packet p = { .m = m, .network = UINT32_MAX };

    ASSERT_SPIN_HELD(&unix_lock);
    if (to->type == SOCK_STREAM)
        return true;
    if (to->in != NULL) {
        p.network = 0;
        if (to->type != SOCK_RAW || to->in->family == AF_INET6)
            put_heads(&p, to);
    }
    uint32_t keep = bpf_run_packet(to->filter, load, &p, length(&p));
    if (keep == 0)
        return false;
    keep = MAX(keep, p.before - p.data); /* UDP's header stays */
    if (keep < length(&p))
        m->len = keep - (p.before - p.data);
    return true;
}

/* --- options --------------------------------------------------------------------------------- */

void socket_filter_free(struct bpf_prog *p)
{
    if (p != NULL)
        kfree(p->page[0]);
    kfree(p);
}

/* What was there, for socket_filter_free(); or the new one, if it may not be. */
static struct bpf_prog *replace(struct unix_socket *s, struct bpf_prog *p, int *err)
{
    struct bpf_prog *old = p;

    spin_lock(&unix_lock);
    *err = s->filter_locked ? -EPERM : p == NULL && s->filter == NULL ? -ENOENT : 0;
    if (*err == 0) {
        old = s->filter;
        s->filter = p;
    }
    spin_unlock(&unix_lock);
    return old;
}

/* 0, or an error with what there is so far to be freed. */
static int read_program(struct bpf_prog *p, uaddr_t from, unsigned n)
{
    uint16_t *scratch = kmalloc(n * sizeof(*scratch));

    p->n = n;
    p->page[0] = kmalloc(n * sizeof(struct sock_filter));
    int err = p->page[0] == NULL || scratch == NULL                                   ? -ENOMEM
              : copy_from_user(p->page[0], from, n * sizeof(struct sock_filter)) != 0 ? -EFAULT
              : !bpf_valid(p, 0, &scratch)                                            ? -EINVAL
                                                                                      : 0;
    kfree(scratch);
    return err;
}

int socket_filter_attach(struct unix_socket *s, uaddr_t at, unsigned len)
{
    struct sock_fprog program;

    if (len != sizeof(program))
        return -EINVAL;
    if (get_user(program, at) != 0)
        return -EFAULT;
    if (s->filter_locked)
        return -EPERM;
    if (program.len == 0 || program.len > BPF_MAXINSNS || program.filter == NULL)
        return -EINVAL;
    struct bpf_prog *p = program.len <= LENGTH_MAX ? kzalloc(sizeof(*p)) : NULL;
    if (p == NULL)
        return -ENOMEM;
    int err = read_program(p, (uaddr_t)program.filter, program.len);
    socket_filter_free(err == 0 ? replace(s, p, &err) : p);
    return err;
}

int socket_filter_detach(struct unix_socket *s)
{
    int err;

    socket_filter_free(replace(s, NULL, &err));
    return err;
}

int socket_filter_lock(struct unix_socket *s, bool on)
{
    if (s->filter_locked && !on)
        return -EPERM;
    s->filter_locked = on;
    return 0;
}

/* Under unix_lock nothing can be given to the user: a copy is. */
int socket_filter_get(struct unix_socket *s, uaddr_t to, int room)
{
    struct sock_filter *copy = kmalloc(LENGTH_MAX * sizeof(*copy));
    int n = 0;

    if (copy == NULL)
        return -ENOMEM;
    spin_lock(&unix_lock);
    if (s->filter != NULL) {
        n = (int)s->filter->n;
        memcpy(copy, s->filter->page[0], s->filter->n * sizeof(*copy));
    }
    spin_unlock(&unix_lock);
    int err = room < n && room != 0 ? -EINVAL : 0;
    if (err == 0 && room != 0 && n != 0 && copy_to_user(to, copy, (size_t)n * sizeof(*copy)) != 0)
        err = -EFAULT;
    kfree(copy);
    return err != 0 ? err : n;
}
