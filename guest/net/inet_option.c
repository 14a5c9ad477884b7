/* inet_option.c - options of TCP, IP and IPv6.
 * Most are a number that is kept and told.  Those that say how segments are cut, acknowledged,
 * repeated or marked change nothing, as there are none (tcp.c); what they were set to stays true. */
#include "arch/uaccess.h"
#include "lib/string.h"
#include "net/inet.h"
#include "sched/task.h"

#include <linux/capability.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#define ANY_FAMILY 0
#define CLAMP_MIN  1152  /* of a window: half of the smallest receive buffer */
#define LO_MSS     32768 /* Linux's by lo, about half of its MTU of 64 KiB */

/* In the order of enum inet_value. */
static const struct option {
    int level, number, least, most;
    int family;  /* whose sockets have it */
    bool strict; /* one that is on or off takes 0 and 1 only */
} options[] = {
    /* clang-format off */
    { SOL_IPV6, IPV6_V6ONLY, 0, 1, AF_INET6, false },
    { SOL_TCP, TCP_NODELAY, 0, 1, ANY_FAMILY, false },
    { SOL_TCP, TCP_CORK, 0, 1, ANY_FAMILY, false },
    { SOL_TCP, TCP_MAXSEG, 88, 32767, ANY_FAMILY, false },
    { SOL_TCP, TCP_KEEPIDLE, 1, 32767, ANY_FAMILY, false },
    { SOL_TCP, TCP_KEEPINTVL, 1, 32767, ANY_FAMILY, false },
    { SOL_TCP, TCP_KEEPCNT, 1, 127, ANY_FAMILY, false },
    { SOL_TCP, TCP_SYNCNT, 1, 127, ANY_FAMILY, false },
    { SOL_TCP, TCP_LINGER2, INT32_MIN, INT32_MAX, ANY_FAMILY, false },
    { SOL_TCP, TCP_DEFER_ACCEPT, INT32_MIN, INT32_MAX, ANY_FAMILY, false },
    { SOL_TCP, TCP_WINDOW_CLAMP, INT32_MIN, INT32_MAX, ANY_FAMILY, false },
    { SOL_TCP, TCP_QUICKACK, 0, 1, ANY_FAMILY, false },
    { SOL_TCP, TCP_USER_TIMEOUT, 0, INT32_MAX, ANY_FAMILY, false },
    { SOL_TCP, TCP_NOTSENT_LOWAT, INT32_MIN, INT32_MAX, ANY_FAMILY, false },
    { SOL_TCP, TCP_THIN_LINEAR_TIMEOUTS, 0, 1, ANY_FAMILY, true },
    { SOL_TCP, TCP_FASTOPEN, 0, INT32_MAX, ANY_FAMILY, false },
    { SOL_UDP, UDP_CORK, 0, 1, ANY_FAMILY, false },
    { SOL_UDP, UDP_NO_CHECK6_TX, 0, 1, ANY_FAMILY, false },
    { SOL_UDP, UDP_NO_CHECK6_RX, 0, 1, ANY_FAMILY, false },
    { SOL_UDP, UDP_GRO, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_TOS, INT32_MIN, INT32_MAX, ANY_FAMILY, false },
    { SOL_IP, IP_TTL, 1, 255, ANY_FAMILY, false },
    { SOL_IP, IP_RECVOPTS, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_RETOPTS, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_PKTINFO, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_MTU_DISCOVER, 0, 5, ANY_FAMILY, false },
    { SOL_IP, IP_RECVERR, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_RECVTTL, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_RECVTOS, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_FREEBIND, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_PASSSEC, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_TRANSPARENT, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_MINTTL, 0, 255, ANY_FAMILY, false },
    { SOL_IP, IP_CHECKSUM, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_BIND_ADDRESS_NO_PORT, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_MULTICAST_TTL, 0, 255, ANY_FAMILY, false },
    { SOL_IP, IP_MULTICAST_LOOP, 0, 1, ANY_FAMILY, false },
    { SOL_IP, IP_MULTICAST_ALL, 0, 1, ANY_FAMILY, true },
    { SOL_IPV6, IPV6_TCLASS, 0, 255, AF_INET6, false },
    { SOL_IPV6, IPV6_UNICAST_HOPS, 0, 255, AF_INET6, false },
    { SOL_IPV6, IPV6_RECVERR, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_MTU_DISCOVER, 0, 5, AF_INET6, false },
    { SOL_IPV6, IPV6_MULTICAST_HOPS, 0, 255, AF_INET6, false },
    { SOL_IPV6, IPV6_MULTICAST_LOOP, 0, 1, AF_INET6, true },
    { SOL_IPV6, IPV6_MULTICAST_ALL, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_FLOWINFO_SEND, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_RECVPKTINFO, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_RECVHOPLIMIT, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_RECVHOPOPTS, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_RECVRTHDR, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_RECVDSTOPTS, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_RECVPATHMTU, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_DONTFRAG, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_RECVTCLASS, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_AUTOFLOWLABEL, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_MINHOPCOUNT, 0, 255, AF_INET6, false },
    { SOL_IPV6, IPV6_TRANSPARENT, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_FREEBIND, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_2292PKTINFO, 0, 1, AF_INET6, false },
    { SOL_IPV6, IPV6_2292HOPLIMIT, 0, 1, AF_INET6, false },
    /* clang-format on */
};
_Static_assert(sizeof(options) == INET_VALUES * sizeof(options[0]), "one each");
static const int first[INET_VALUES] = {
    [INET_MAXSEG] = 536,        [INET_KEEPIDLE] = 7200,    [INET_KEEPINTVL] = 75,
    [INET_KEEPCNT] = 9,         [INET_SYNCNT] = 6,         [INET_LINGER2] = 60,
    [INET_QUICKACK] = 1,        [INET_TTL] = 64,           [INET_MTU_DISCOVER] = 1,
    [INET_MULTICAST_TTL] = 1,   [INET_MULTICAST_LOOP] = 1, [INET_MULTICAST_ALL] = 1,
    [INET_HOPS] = 64,           [INET_MTU_DISCOVER6] = 1,  [INET_MULTICAST_HOPS] = 1,
    [INET_MULTICAST_LOOP6] = 1, [INET_MULTICAST_ALL6] = 1, [INET_AUTOFLOWLABEL6] = 1,
};

void inet_options_begin(struct inet *in)
{
    memcpy(in->value, first, sizeof(in->value));
    if (in->family == AF_INET6)
        in->value[INET_MULTICAST_ALL] = 0;
}

/* -1: there is none such for s. */
static int find(const struct unix_socket *s, int level, int number)
{
    if ((level == SOL_TCP && s->type != SOCK_STREAM) || (level == SOL_UDP && s->type != SOCK_DGRAM))
        return -1;
    for (int i = 0; i < INET_VALUES; i++)
        if (options[i].number == number && options[i].level == level)
            return options[i].family == ANY_FAMILY || options[i].family == s->in->family ? i : -1;
    return -1;
}

static int get_number(int level, uaddr_t at, unsigned len, int *value)
{
    uint8_t byte;

    if (len >= sizeof(*value))
        return get_user(*value, at) != 0 ? -EFAULT : 0;
    if (level != SOL_IP || len == 0) /* a byte is enough of a value of IP's */
        return -EINVAL;
    if (get_user(byte, at) != 0)
        return -EFAULT;
    *value = byte;
    return 0;
}

static bool has_level(const struct unix_socket *s, int level)
{
    return level == SOL_IP || (level == SOL_TCP && s->type == SOCK_STREAM) ||
           (level == SOL_UDP && s->type == SOCK_DGRAM) || s->in->family == AF_INET6;
}

/* What a number becomes that stands for something else: by option. */
static int meant(const struct unix_socket *s, int i, int value)
{
    bool stream = s->type == SOCK_STREAM;

    switch (i) {
    case INET_TTL:
    case INET_HOPS:
    case INET_TCLASS:
    case INET_MULTICAST_TTL:
    case INET_MULTICAST_HOPS: return value == -1 ? first[i] : value;
    case INET_TOS: return value & (stream ? 0xfc : 0xff); /* TCP has two bits for itself */
    case INET_DEFER_ACCEPT: return MAX(value, 0);
    case INET_LINGER2: return value < 0 ? -1 : value == 0 || value > 120 ? first[i] : value;
    case INET_WINDOW_CLAMP: return value != 0 ? MAX(value, CLAMP_MIN) : 0;
    }
    if (!options[i].strict && options[i].least == 0 && options[i].most == 1)
        return value != 0;
    return value;
}

/* Some that only datagrams have a use for are there for streams to be asked, not to be set. */
static int check(const struct unix_socket *s, int i, int value)
{
    bool may = has_cap(CAP_NET_ADMIN) || has_cap(CAP_NET_RAW);

    if (s->type == SOCK_STREAM && i == INET_MULTICAST_TTL)
        return -EINVAL;
    if (s->type == SOCK_STREAM && i == INET_MULTICAST_HOPS)
        return -ENOPROTOOPT;
    if ((i == INET_TRANSPARENT || i == INET_TRANSPARENT6) && value != 0 && !may)
        return -EPERM;
    if (i == INET_V6ONLY && s->in->in_table)
        return -EINVAL;
    if (i == INET_MAXSEG && value == 0)
        return 0;
    return value < options[i].least || value > options[i].most ? -EINVAL : 0;
}

static void changed(struct unix_socket *s, int i)
{
    const int *v = s->in->value;

    s->in->tells = v[INET_PKTINFO] || v[INET_RECVTTL] || v[INET_RECVTOS] || v[INET_RECVPKTINFO6] ||
                   v[INET_RECVHOPS6] || v[INET_RECVTCLASS6] || v[INET_OLD_PKTINFO6] ||
                   v[INET_OLD_HOPS6];
    if ((i == INET_RECVERR || i == INET_RECVERR6) && !v[i]) {
        struct list dropped = LIST_INIT(dropped);
        spin_lock(&unix_lock);
        inet_drop_errors(s, &dropped);
        spin_unlock(&unix_lock);
        unix_messages_free(&dropped);
    }
    if (i == INET_CORK || i == INET_UDP_CORK || i == INET_NODELAY)
        cork_changed(s);
}

static bool is_connected(const struct unix_socket *s)
{
    return s->type == SOCK_STREAM ? tcp_state(s) == TCP_STATE_ESTABLISHED : s->in->connected;
}

/* A socket of IPv6 whose peer has an address of IPv4 becomes one of IPv4. */
static int set_family(struct unix_socket *s, uaddr_t at, unsigned len)
{
    int value, err = get_number(SOL_IPV6, at, len, &value);

    if (err != 0)
        return err;
    if (value != AF_INET)
        return -EINVAL;
    spin_lock(&unix_lock);
    if (!is_connected(s))
        err = -ENOTCONN;
    else if (s->in->value[INET_V6ONLY] || !inet_is_v4(&s->in->remote))
        err = -EADDRNOTAVAIL;
    if (err == 0) {
        s->in->family = AF_INET;
        s->family = &inet_family;
    }
    spin_unlock(&unix_lock);
    return err;
}

/* The algorithms differ in when segments go, and there are none. */
static const char algorithms[2][16] = { "cubic", "reno" };

static int set_algorithm(struct unix_socket *s, uaddr_t at, unsigned len)
{
    char name[sizeof(algorithms[0])] = "";

    if (len < 1)
        return -EINVAL;
    if (copy_from_user(name, at, MIN((size_t)len, sizeof(name) - 1)) != 0)
        return -EFAULT;
    for (unsigned i = 0; i < 2; i++)
        if (strcmp(name, algorithms[i]) == 0) {
            s->in->algorithm = (uint8_t)i;
            return 0;
        }
    return -ENOENT;
}

int inet_set_option(struct unix_socket *s, int level, int option, uaddr_t at, unsigned len)
{
    int value, err, i = find(s, level, option);

    if (i < 0 && level == SOL_TCP && s->type == SOCK_STREAM && option == TCP_CONGESTION)
        return set_algorithm(s, at, len);
    if (i < 0 && level == SOL_IPV6 && option == IPV6_ADDRFORM && s->in->family == AF_INET6)
        return set_family(s, at, len);
    if (i < 0 && (err = raw_set_option(s, level, option, at, len)) != -ENOTTY)
        return err;
    if (i < 0)
        return level == SOL_IP || level == SOL_IPV6 ? inet_group_option(s, level, option, at, len)
                                                    : -ENOPROTOOPT;
    err = get_number(level, at, len, &value);
    if (err != 0)
        return err;
    value = meant(s, i, value);
    err = check(s, i, value);
    if (err != 0)
        return err;
    s->in->value[i] = value;
    changed(s, i);
    return 0;
}

static int get_info(struct unix_socket *s, union option_value *v)
{
    struct tcp_info *t = &v->tcp;

    spin_lock(&unix_lock);
    t->tcpi_state = (uint8_t)tcp_state(s);
    t->tcpi_unacked = s->state == UNIX_LISTENING ? s->nqueued : 0;
    t->tcpi_sacked = s->state == UNIX_LISTENING ? s->backlog : 0;
    spin_unlock(&unix_lock);
    t->tcpi_rto = 200000;
    t->tcpi_snd_mss = t->tcpi_rcv_mss = t->tcpi_advmss = LO_MSS;
    t->tcpi_pmtu = 65536;
    t->tcpi_snd_cwnd = 10;
    return sizeof(*t);
}

/* Those that are no number that was set. */
static int get_special(struct unix_socket *s, int level, int option, union option_value *v)
{
    bool stream = s->type == SOCK_STREAM;
    int raw = raw_get_option(s, level, option, v);

    if (raw != -ENOTTY)
        return raw;
    if (level == SOL_TCP && stream && option == TCP_INFO)
        return get_info(s, v);
    if (level == SOL_TCP && stream && option == TCP_CONGESTION) {
        memcpy(v->text, algorithms[s->in->algorithm], sizeof(v->text));
        return sizeof(v->text);
    }
    if ((level == SOL_IP && option == IP_MTU) ||
        (level == SOL_IPV6 && option == IPV6_MTU && s->in->family == AF_INET6)) {
        if (!is_connected(s))
            return -ENOTCONN;
        v->number = LO_MTU;
        return sizeof(v->number);
    }
    if (level == SOL_IPV6 && option == IPV6_ADDRFORM && s->in->family == AF_INET6) {
        if (!is_connected(s))
            return -ENOTCONN;
        v->number = AF_INET6;
        return sizeof(v->number);
    }
    if (level == SOL_IPV6 && option == IPV6_MULTICAST_IF && s->in->family == AF_INET6) {
        v->number = s->in->group_interface;
        return sizeof(v->number);
    }
    if (level == SOL_IP && option == IP_OPTIONS)
        return 0;
    if (level == SOL_IP && option == IP_MULTICAST_IF) {
        v->number = (int)s->in->group_source;
        return sizeof(v->number);
    }
    if ((level == SOL_IP && (option == IP_HDRINCL || option == IP_ROUTER_ALERT)) ||
        (level == SOL_UDP && !stream && option == UDP_ENCAP))
        return sizeof(v->number); /* 0 */
    return has_level(s, level) ? -ENOPROTOOPT : -EOPNOTSUPP;
}

int inet_get_option(struct unix_socket *s, int level, int option, union option_value *v)
{
    int i = find(s, level, option);

    if (i < 0)
        return get_special(s, level, option, v);
    v->number = s->in->value[i];
    if (i == INET_MAXSEG && s->state == UNIX_CONNECTED)
        v->number = LO_MSS;
    if (i == INET_MAXSEG && v->number == 0)
        v->number = first[i];
    return sizeof(v->number);
}
