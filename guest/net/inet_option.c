/* inet_option.c - options of TCP, IP and IPv6.
 * Most are a number that is kept and told.  Those that say how segments are cut, acknowledged,
 * repeated or marked change nothing, as there are none (tcp.c); what they were set to stays true. */
#include "arch/uaccess.h"
#include "lib/string.h"
#include "net/inet.h"
#include "sched/task.h"

#include <linux/tcp.h>

#define ANY_FAMILY 0
#define LO_MSS     32768 /* Linux's by lo, about half of its MTU of 64 KiB */

static const struct option {
    int level, number, least, most, first;
    int family; /* whose sockets have it */
    bool small; /* a byte is enough of a value */
} options[INET_VALUES] = {
    [INET_V6ONLY] = { SOL_IPV6, IPV6_V6ONLY, 0, 1, 0, AF_INET6, false },
    [INET_NODELAY] = { SOL_TCP, TCP_NODELAY, 0, 1, 0, ANY_FAMILY, false },
    [INET_CORK] = { SOL_TCP, TCP_CORK, 0, 1, 0, ANY_FAMILY, false },
    [INET_MAXSEG] = { SOL_TCP, TCP_MAXSEG, 88, 32767, 536, ANY_FAMILY, false },
    [INET_KEEPIDLE] = { SOL_TCP, TCP_KEEPIDLE, 1, 32767, 7200, ANY_FAMILY, false },
    [INET_KEEPINTVL] = { SOL_TCP, TCP_KEEPINTVL, 1, 32767, 75, ANY_FAMILY, false },
    [INET_KEEPCNT] = { SOL_TCP, TCP_KEEPCNT, 1, 127, 9, ANY_FAMILY, false },
    [INET_SYNCNT] = { SOL_TCP, TCP_SYNCNT, 1, 127, 6, ANY_FAMILY, false },
    [INET_LINGER2] = { SOL_TCP, TCP_LINGER2, -1, 120, 60, ANY_FAMILY, false },
    [INET_DEFER_ACCEPT] = { SOL_TCP, TCP_DEFER_ACCEPT, 0, INT32_MAX, 0, ANY_FAMILY, false },
    [INET_WINDOW_CLAMP] = { SOL_TCP, TCP_WINDOW_CLAMP, 0, INT32_MAX, 0, ANY_FAMILY, false },
    [INET_QUICKACK] = { SOL_TCP, TCP_QUICKACK, 0, 1, 1, ANY_FAMILY, false },
    [INET_USER_TIMEOUT] = { SOL_TCP, TCP_USER_TIMEOUT, 0, INT32_MAX, 0, ANY_FAMILY, false },
    [INET_NOTSENT_LOWAT] = { SOL_TCP, TCP_NOTSENT_LOWAT, INT32_MIN, INT32_MAX, 0, ANY_FAMILY,
                             false },
    [INET_TOS] = { SOL_IP, IP_TOS, INT32_MIN, INT32_MAX, 0, ANY_FAMILY, true },
    [INET_TTL] = { SOL_IP, IP_TTL, 1, 255, 64, ANY_FAMILY, true },
    [INET_RECVERR] = { SOL_IP, IP_RECVERR, 0, 1, 0, ANY_FAMILY, true },
    [INET_MTU_DISCOVER] = { SOL_IP, IP_MTU_DISCOVER, 0, 5, 1, ANY_FAMILY, true },
    [INET_MULTICAST_TTL] = { SOL_IP, IP_MULTICAST_TTL, 0, 255, 1, ANY_FAMILY, true },
    [INET_MULTICAST_LOOP] = { SOL_IP, IP_MULTICAST_LOOP, 0, 1, 1, ANY_FAMILY, true },
    [INET_TCLASS] = { SOL_IPV6, IPV6_TCLASS, 0, 255, 0, AF_INET6, false },
    [INET_HOPS] = { SOL_IPV6, IPV6_UNICAST_HOPS, 0, 255, 64, AF_INET6, false },
    [INET_RECVERR6] = { SOL_IPV6, IPV6_RECVERR, 0, 1, 0, AF_INET6, false },
    [INET_MTU_DISCOVER6] = { SOL_IPV6, IPV6_MTU_DISCOVER, 0, 5, 1, AF_INET6, false },
    [INET_MULTICAST_HOPS] = { SOL_IPV6, IPV6_MULTICAST_HOPS, 0, 255, 1, AF_INET6, false },
    [INET_MULTICAST_LOOP6] = { SOL_IPV6, IPV6_MULTICAST_LOOP, 0, 1, 1, AF_INET6, false },
};

void inet_options_begin(struct inet *in)
{
    for (unsigned i = 0; i < INET_VALUES; i++)
        in->value[i] = options[i].first;
}

/* -1: there is none such for s. */
static int find(const struct unix_socket *s, int level, int number)
{
    if (level == SOL_TCP && s->type != SOCK_STREAM)
        return -1;
    for (int i = 0; i < INET_VALUES; i++)
        if (options[i].level == level && options[i].number == number)
            return options[i].family == ANY_FAMILY || options[i].family == s->in->family ? i : -1;
    return -1;
}

static int get_number(const struct option *o, uaddr_t at, unsigned len, int *value)
{
    uint8_t byte;

    if (len >= sizeof(*value))
        return get_user(*value, at) != 0 ? -EFAULT : 0;
    if (!o->small || len == 0)
        return -EINVAL;
    if (get_user(byte, at) != 0)
        return -EFAULT;
    *value = byte;
    return 0;
}

static bool has_level(const struct unix_socket *s, int level)
{
    return level == SOL_IP || (level == SOL_TCP && s->type == SOCK_STREAM) ||
           (level == SOL_IPV6 && s->in->family == AF_INET6);
}

/* No group can be joined: lo does no multicast. */
static bool is_group(int level, int option)
{
    if (level == SOL_IP)
        return option >= IP_ADD_MEMBERSHIP && option <= IP_DROP_SOURCE_MEMBERSHIP;
    return level == SOL_IPV6 && (option == IPV6_ADD_MEMBERSHIP || option == IPV6_DROP_MEMBERSHIP);
}

int inet_set_option(struct unix_socket *s, int level, int option, uaddr_t at, unsigned len)
{
    int value, i = find(s, level, option);

    if (i < 0 && is_group(level, option))
        return -ENODEV;
    if (i < 0)
        return -ENOPROTOOPT;
    const struct option *o = &options[i];
    int err = get_number(o, at, len, &value);
    if (err != 0)
        return err;
    if (value == -1 && (i == INET_TTL || i == INET_HOPS || i == INET_TCLASS ||
                        i == INET_MULTICAST_TTL || i == INET_MULTICAST_HOPS))
        value = o->first;
    if (o->least == 0 && o->most == 1)
        value = value != 0;
    if (i == INET_TOS)
        value &= 0xff;
    if (value < o->least || value > o->most)
        return -EINVAL;
    if (i == INET_V6ONLY && s->in->in_table)
        return -EINVAL;
    s->in->value[i] = value;
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

int inet_get_option(struct unix_socket *s, int level, int option, union option_value *v)
{
    int i = find(s, level, option);

    if (level == SOL_TCP && option == TCP_INFO && s->type == SOCK_STREAM)
        return get_info(s, v);
    if (level == SOL_TCP && option == TCP_CONGESTION && s->type == SOCK_STREAM) {
        memcpy(v->text, "reno", 5);
        return sizeof(v->text);
    }
    if (i < 0)
        return has_level(s, level) ? -ENOPROTOOPT : -EOPNOTSUPP;
    v->number = s->in->value[i];
    if (i == INET_MAXSEG && s->state == UNIX_CONNECTED)
        v->number = LO_MSS;
    return sizeof(v->number);
}
