/* icmp.c - what IP brings to this machine besides segments of TCP: copies for raw sockets, echoes, and what ICMP says of a
 * datagram that nobody takes.
 *
 * A packet is a message with the bytes that IP carries, and where they come from and go to; IPv4's header is beside it, as
 * raw sockets see it.  Who sends a packet hands it in, and what it leads to has happened when ip_input() returns: an answer is
 * a packet that leads to no other.  Copies are made without unix_lock, and each receiver is looked at again under it.
 *
 * Where there is no raw socket, a datagram of UDP is no packet, and costs nothing here; segments of TCP are none
 * at all (tcp.c), so no raw socket sees one. */
#include "arch/preempt.h"
#include "lib/string.h"
#include "net/inet.h"
#include "sched/task.h"

#define _SYS_SOCKET_H /* as in interface.c */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#define WORK_LOOK   150u  /* instructions a socket, about (arch/preempt.h) */
#define WORK_SUM    1500u /* a page */
#define CODE_NOBODY 2     /* ICMP_PROT_UNREACH; there is no such protocol here */
#define QUOTED_V4   548u  /* bytes behind the header that an error has at most: Linux's */
#define QUOTED_V6   1192u
#define ICMP_TOS    0xc0
#define DONT_CUT    0x4000

unsigned raw_sockets;

static uint16_t be16(uint16_t x) { return __builtin_bswap16(x); }

/* --- checksums ------------------------------------------------------------------------- */

/* RFC 1071; p lies at an even place of what is summed. */
static uint32_t sum_of(uint32_t sum, const void *p, size_t n)
{
    const uint8_t *b = p;

    for (; n >= 2; n -= 2, b += 2)
        sum += (uint32_t)(b[0] | b[1] << 8);
    return n != 0 ? sum + b[0] : sum;
}

static uint16_t fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

uint16_t ip_checksum(struct unix_message *m, int protocol, bool pseudo)
{
    size_t n, first = inet_is_v4(&m->to) ? 3 : 0; /* words of an address that IPv4 has not */
    uint32_t sum = 0;

    if (pseudo) {
        sum = sum_of(sum, m->source.a + first, (4 - first) * 4);
        sum = sum_of(sum, m->to.a + first, (4 - first) * 4);
        sum += be16((uint16_t)protocol) + (uint32_t)be16((uint16_t)m->len);
    }
    for (size_t at = 0; at < m->len; at += n) {
        n = m->len - at;
        const char *p = unix_message_at(m, at, &n);
        sum = sum_of(sum, p, n);
        sum = (sum & 0xffff) + (sum >> 16);
        preempt_work(WORK_SUM);
    }
    return fold(sum);
}

void ip_finish_head(struct iphdr *h, const struct unix_message *m, int protocol)
{
    if (h->version == 0) { /* not its user's */
        *h = (struct iphdr){ .version = 4,
                             .ihl = 5,
                             .tos = m->source.traffic,
                             .frag_off = h->frag_off,
                             .ttl = m->source.hops,
                             .protocol = (uint8_t)protocol,
                             .saddr = m->source.a[3],
                             .daddr = m->to.a[3] };
    }
    h->tot_len = be16((uint16_t)(h->ihl * 4 + m->len));
    h->check = 0;
    h->check = fold(sum_of(0, h, sizeof(*h)));
}

/* --- raw sockets ---------------------------------------------------------------------------- */

static bool is_for(const struct unix_socket *s, struct unix_message *m, int protocol)
{
    const struct inet *in = s->in;
    bool v4 = inet_is_v4(&m->to);

    if (in == NULL || s->type != SOCK_RAW || in->protocol != protocol ||
        (in->family == AF_INET) != v4)
        return false;
    if (!inet_is_any(&in->local) && !inet_same(&in->local, &m->to))
        return false;
    if (in->connected && !inet_same(&in->remote, &m->source))
        return false;
    if (m->len > 0 && protocol == (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
        size_t n = 1;
        uint8_t type = (uint8_t)*unix_message_at(m, 0, &n);
        return (v4 && type >= 32) || !(in->filter[type / 32] >> type % 32 & 1);
    }
    return v4 || ~in->not_checksum_at < 0 || ip_checksum(m, protocol, true) == 0;
}

void ip_give(struct unix_socket *s, struct unix_message *copy)
{
    bool room = false;

    if (copy == NULL)
        return;
    spin_lock(&unix_lock);
    if (!s->dead && !(s->shut & SHUT_RD) && s->sent + copy->charge <= s->rcvbuf + s->rcvbuf / 4) {
        unix_charge(copy, s);
        room = unix_enqueue(copy, s) == 0;
    }
    spin_unlock(&unix_lock);
    if (!room)
        unix_message_free(copy);
}

/* Was there one for it? */
static bool give_raw(struct unix_message *m, int protocol, const struct iphdr *head)
{
    struct unix_socket *s = NULL;
    bool any = false;

    if (__atomic_load_n(&raw_sockets, __ATOMIC_RELAXED) == 0)
        return false;
    while ((s = unix_next(s)) != NULL) {
        preempt_work(WORK_LOOK);
        if (!is_for(s, m, protocol))
            continue;
        ip_give(s, unix_message_behind(head, head != NULL ? sizeof(*head) : 0, m, 0, m->len));
        any = true;
    }
    return any;
}

/* --- ICMP ------------------------------------------------------------------------------------ */

/* An answer to m, or what is said of it: `first`, with a checksum, and then m's bytes from `skip` on. */
static void answer(struct unix_message *m, void *first, size_t n, size_t skip, size_t most,
                   uint8_t traffic)
{
    bool v4 = inet_is_v4(&m->to);
    int protocol = v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    struct unix_message *a = unix_message_behind(first, n, m, skip, most);
    struct iphdr h = { .ihl = 5 };

    if (a == NULL)
        return;
    a->source = m->to;
    a->to = m->source;
    a->source.hops = 64;
    a->source.traffic = traffic;
    a->source.port = a->to.port = 0;
    n = sizeof(struct icmphdr);
    ((struct icmphdr *)unix_message_at(a, 0, &n))->checksum = ip_checksum(a, protocol, !v4);
    ip_finish_head(&h, a, protocol);
    ip_input(a, protocol, v4 ? &h : NULL);
    unix_message_free(a);
}

/* To who asked. */
static void echo_reply(struct unix_message *m, const struct icmphdr *h, int protocol)
{
    struct inet_end to = m->to;

    to.port = be16(h->un.echo.id);
    spin_lock(&unix_lock);
    struct unix_socket *s = inet_find(protocol, &to, &m->source);
    if (s != NULL)
        unix_get(s);
    spin_unlock(&unix_lock);
    if (s == NULL)
        return;
    ip_give(s, unix_message_behind(NULL, 0, m, 0, m->len));
    unix_put(s);
}

/* ICMPv6 has an echo's fields in the same places. */
static void icmp_input(struct unix_message *m, int protocol)
{
    bool v4 = protocol == IPPROTO_ICMP;
    struct icmphdr h;
    size_t n = sizeof(h);

    if (m->len < n || ip_checksum(m, protocol, !v4) != 0)
        return;
    h = *(struct icmphdr *)unix_message_at(m, 0, &n);
    if (h.type == (v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST)) {
        if (inet_is_for_many(&m->to))
            return;
        h.type = v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;
        h.code = 0;
        h.checksum = 0;
        answer(m, &h, sizeof(h), sizeof(h), m->len, m->source.traffic);
    } else if (h.type == (v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY)) {
        echo_reply(m, &h, protocol);
    }
}

/* Nobody takes m: its sender hears of it, if he listens by a raw socket. */
static void say_unreachable(struct unix_message *m, int protocol, const struct iphdr *head)
{
    struct {
        struct icmphdr icmp;
        union {
            struct iphdr v4;
            struct ipv6hdr v6;
        };
    } e = { .icmp.type = ICMP_DEST_UNREACH };
    bool port = protocol == IPPROTO_UDP;

    if (inet_is_for_many(&m->to))
        return;
    if (head != NULL) {
        e.icmp.code = port ? ICMP_PORT_UNREACH : CODE_NOBODY;
        e.v4 = *head;
        answer(m, &e, sizeof(e.icmp) + sizeof(e.v4), 0, QUOTED_V4 - sizeof(e.v4),
               (head->tos & 0x1e) | ICMP_TOS);
        return;
    }
    e.icmp.type = port ? ICMPV6_DEST_UNREACH : ICMPV6_PARAMPROB;
    e.icmp.code = port ? ICMPV6_PORT_UNREACH : ICMPV6_UNK_NEXTHDR;
    e.icmp.un.gateway = port ? 0 : __builtin_bswap32(offsetof(struct ipv6hdr, nexthdr));
    e.v6 = (struct ipv6hdr){ .version = 6,
                             .nexthdr = (uint8_t)protocol,
                             .hop_limit = m->source.hops,
                             .payload_len = be16((uint16_t)m->len) };
    memcpy(&e.v6.saddr, m->source.a, sizeof(e.v6.saddr));
    memcpy(&e.v6.daddr, m->to.a, sizeof(e.v6.daddr));
    answer(m, &e, sizeof(e), 0, QUOTED_V6, 0);
}

/* --- UDP --------------------------------------------------------------------------------------- */

static bool has_taker(struct unix_message *m)
{
    spin_lock(&unix_lock);
    bool has = inet_find(IPPROTO_UDP, &m->to, &m->source) != NULL;
    spin_unlock(&unix_lock);
    return has;
}

/* A datagram that a raw socket has sent.  False: nobody takes it. */
static bool udp_input(struct unix_message *m)
{
    struct udphdr h;
    size_t n = sizeof(h);

    if (m->len < n)
        return true; /* lost */
    h = *(struct udphdr *)unix_message_at(m, 0, &n);
    n = be16(h.len);
    if (n < sizeof(h) || n > m->len || (h.check != 0 && ip_checksum(m, IPPROTO_UDP, true) != 0))
        return true;
    struct unix_message *d = unix_message_behind(NULL, 0, m, sizeof(h), n - sizeof(h));
    if (d == NULL)
        return true;
    d->source.port = be16(h.source);
    d->to.port = be16(h.dest);
    spin_lock(&unix_lock);
    struct unix_socket *s = inet_find(IPPROTO_UDP, &d->to, &d->source);
    if (s != NULL)
        unix_get(s);
    spin_unlock(&unix_lock);
    if (s != NULL) {
        ip_give(s, d);
        unix_put(s);
    } else {
        unix_message_free(d);
    }
    return s != NULL;
}

void ip_see_udp(const struct unix_socket *s, struct unix_message *m)
{
    struct udphdr h = { .source = be16(m->source.port),
                        .dest = be16(m->to.port),
                        .len = be16((uint16_t)(sizeof(h) + m->len)) };
    struct unix_message *p = unix_message_behind(&h, sizeof(h), m, 0, m->len);
    size_t n = sizeof(h);
    struct iphdr ip = { .ihl = 5,
                        .frag_off = be16(s->in->value[INET_MTU_DISCOVER] ? DONT_CUT : 0) };
    bool v4 = inet_is_v4(&m->to);

    if (p == NULL)
        return;
    ((struct udphdr *)unix_message_at(p, 0, &n))->check = ip_checksum(p, IPPROTO_UDP, true);
    ip_finish_head(&ip, p, IPPROTO_UDP);
    give_raw(p, s->in->protocol, v4 ? &ip : NULL);
    if (s->in->protocol == IPPROTO_UDP && !has_taker(m))
        say_unreachable(p, IPPROTO_UDP, v4 ? &ip : NULL);
    unix_message_free(p);
}

/* --- all of them ---------------------------------------------------------------------------------- */

void ip_input(struct unix_message *m, int protocol, const struct iphdr *head)
{
    bool v4 = head != NULL, taken = give_raw(m, protocol, head);

    spin_lock(&unix_lock);
    lo_count(m->len, v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
    spin_unlock(&unix_lock);
    if (protocol == (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
        icmp_input(m, protocol);
    else if (protocol == IPPROTO_UDP ? !udp_input(m) : !taken && protocol != IPPROTO_TCP)
        say_unreachable(m, protocol, head);
}
