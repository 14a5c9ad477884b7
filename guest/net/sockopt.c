/* sockopt.c - options of sockets: getsockopt(2), setsockopt(2). */
#include "arch/clock.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "lib/string.h"
#include "net/inet.h"
#include "net/netlink.h"
#include "net/socket.h"
#include "net/unix.h"
#include "sched/task.h"

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/time.h>
#include <linux/time_types.h>

#define SNDBUF_MIN    4608u /* Linux's */
#define RCVBUF_MIN    2304u
#define RCVBUF_STREAM 131072u /* of a stream whose buffer nobody has set */
#define RCVBUF_GROWN  6291456u
#define NAME_ROOM     16      /* of an interface's name */
#define PRIORITY_FREE 6       /* nobody needs a right for it */
#define BUF_MAX       212992u /* net.core.wmem_max, before it is doubled */

/* Those that are on or off.  Many are about what a loopback interface has not, and change nothing. */
#define BIT(option) (1ull << (option))
#define SWITCHES \
    (BIT(SO_DEBUG) | BIT(SO_REUSEADDR) | BIT(SO_DONTROUTE) | BIT(SO_BROADCAST) | \
     BIT(SO_KEEPALIVE) | BIT(SO_OOBINLINE) | BIT(SO_NO_CHECK) | BIT(SO_REUSEPORT) | \
     BIT(SO_PASSCRED) | BIT(SO_TIMESTAMP_OLD) | BIT(SO_PASSSEC) | BIT(SO_TIMESTAMPNS_OLD) | \
     BIT(SO_RXQ_OVFL) | BIT(SO_WIFI_STATUS) | BIT(SO_NOFCS) | BIT(SO_SELECT_ERR_QUEUE) | \
     BIT(SO_TIMESTAMP_NEW))
#define STAMPS OPTION_STAMPS /* of these, one at a time is on */

/* Its bit in unix_socket.options; 0: it is no switch. */
static uint64_t switch_of(int option)
{
    if (option == SO_TIMESTAMPNS_NEW)
        return OPTION_TIMESTAMPNS_NEW;
    if (option == SO_RCVMARK)
        return OPTION_RCVMARK;
    return option >= 0 && option < 64 ? BIT(option) & SWITCHES : 0;
}

/* Does s know it?  on: it is to be turned on, or it is asked for. */
static bool has_switch(const struct unix_socket *s, uint64_t bit, bool on)
{
    if (bit & (BIT(SO_PASSCRED) | BIT(SO_PASSSEC)))
        return s->in == NULL;
    return !(bit & BIT(SO_REUSEPORT)) || !on || s->in != NULL;
}

static int set_switch(struct unix_socket *s, uint64_t bit, bool on)
{
    if (!has_switch(s, bit, on))
        return -EOPNOTSUPP;
    if (on && (bit & BIT(SO_DEBUG)) && !has_cap(CAP_NET_ADMIN))
        return -EACCES;
    if (on && (bit & STAMPS))
        __atomic_fetch_and(&s->options, ~STAMPS, __ATOMIC_RELAXED);
    if (on)
        __atomic_fetch_or(&s->options, bit, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&s->options, bit & STAMPS ? ~STAMPS : ~bit, __ATOMIC_RELAXED);
    return 0;
}

static int set_timeo(uint64_t *to, uaddr_t at, unsigned len)
{
    struct __kernel_old_timeval tv; /* the new one has the same two words here */

    if (len < sizeof(tv))
        return -EINVAL;
    if (get_user(tv, at) != 0)
        return -EFAULT;
    if ((uint64_t)tv.tv_usec >= 1000000)
        return -EDOM;
    if (tv.tv_sec < 0)
        *to = 1; /* over at once */
    else if ((uint64_t)tv.tv_sec >= INT64_MAX / NSEC_PER_SEC)
        *to = 0;
    else
        *to = (uint64_t)tv.tv_sec * NSEC_PER_SEC + (uint64_t)tv.tv_usec * 1000;
    return 0;
}

static int set_buffer(size_t *to, int value, unsigned least, bool force)
{
    if (force && !has_cap(CAP_NET_ADMIN))
        return -EPERM;
    unsigned n = value < 0 ? 0 : (unsigned)value;
    if (!force)
        n = MIN((unsigned)value, BUF_MAX);
    *to = MAX((size_t)MIN(n, (unsigned)INT32_MAX / 2) * 2, (size_t)least);
    return 0;
}

/* Of one that closes: AF_UNIX loses nothing by it, so that it is kept and told, there, only. */
static int set_linger(struct unix_socket *s, uaddr_t at, unsigned len)
{
    struct linger l;

    if (len < sizeof(l))
        return -EINVAL;
    if (get_user(l, at) != 0)
        return -EFAULT;
    l.l_onoff = l.l_onoff != 0;
    if (!l.l_onoff)
        l.l_linger = s->linger.l_linger;
    s->linger = l;
    return 0;
}

static bool may_admin(void) { return has_cap(CAP_NET_ADMIN) || has_cap(CAP_NET_RAW); }

static bool has_peek_off(const struct unix_socket *s)
{
    return s->netlink == NULL && (s->in == NULL || s->type != SOCK_RAW);
}

/* Those that are kept and told: there is one interface, and no queue in front of it. */
static int set_kept(struct unix_socket *s, int option, int value)
{
    switch (option) {
    case SO_BSDCOMPAT: return 0;
    case SO_PRIORITY:
        if ((value < 0 || value > PRIORITY_FREE) && !may_admin())
            return -EPERM;
        s->priority = value;
        return 0;
    case SO_MARK:
        if (!may_admin())
            return -EPERM;
        s->mark = value;
        return 0;
    case SO_BUSY_POLL:
        if (value < 0)
            return -EINVAL;
        s->busy_poll = value;
        return 0;
    case SO_INCOMING_CPU: s->not_cpu = ~value; return 0;
    case SO_PEEK_OFF:
        if (!has_peek_off(s))
            return -EOPNOTSUPP;
        s->not_peek_at = ~value;
        return 0;
    case SO_MAX_PACING_RATE: s->not_pacing = ~(uint64_t)(int64_t)value; return 0;
    case SO_BINDTOIFINDEX:
        if (value < 0)
            return -EINVAL;
        if (value > LO_INDEX)
            return -ENODEV;
        s->device = value;
        return 0;
    }
    return -ENOPROTOOPT;
}

static int set_device(struct unix_socket *s, uaddr_t at, unsigned len)
{
    char name[NAME_ROOM] = "";

    if (copy_from_user(name, at, MIN((size_t)len, sizeof(name) - 1)) != 0)
        return -EFAULT;
    if (name[0] != 0 && strcmp(name, LO_NAME) != 0)
        return -ENODEV;
    s->device = name[0] != 0 ? LO_INDEX : 0;
    return 0;
}

/* A stream's is bounded by what its buffer can grow to, or has been set to. */
static void set_lowat(struct unix_socket *s, int value)
{
    uint32_t most = s->in == NULL || s->type != SOCK_STREAM ? INT32_MAX
                    : s->rcvbuf != RCVBUF_STREAM            ? (uint32_t)s->rcvbuf / 2
                                                            : RCVBUF_GROWN / 2;

    s->lowat = value < 0 ? INT32_MAX : value == 0 ? 1 : (uint32_t)value;
    s->lowat = MIN(s->lowat, most);
}

static int set_option(struct unix_socket *s, int option, uaddr_t at, unsigned len)
{
    int value;

    if (option == SO_BINDTODEVICE)
        return set_device(s, at, len);
    if (len < sizeof(value))
        return -EINVAL;
    if (get_user(value, at) != 0)
        return -EFAULT;
    if (option == SO_RCVTIMEO_OLD || option == SO_RCVTIMEO_NEW)
        return set_timeo(&s->rcvtimeo, at, len);
    if (option == SO_SNDTIMEO_OLD || option == SO_SNDTIMEO_NEW)
        return set_timeo(&s->sndtimeo, at, len);
    if (option == SO_LINGER)
        return set_linger(s, at, len);
    if (option == SO_ATTACH_FILTER && s->netlink == NULL)
        return socket_filter_attach(s, at, len);
    if (option == SO_DETACH_FILTER && s->netlink == NULL)
        return socket_filter_detach(s);
    if (option == SO_LOCK_FILTER)
        return socket_filter_lock(s, value != 0);
    uint64_t bit = switch_of(option);
    if (bit != 0)
        return set_switch(s, bit, value != 0);
    switch (option) {
    case SO_SNDBUF: s->sized = true; return set_buffer(&s->sndbuf, value, SNDBUF_MIN, false);
    case SO_SNDBUFFORCE: return set_buffer(&s->sndbuf, value, SNDBUF_MIN, true);
    case SO_RCVBUF: return set_buffer(&s->rcvbuf, value, RCVBUF_MIN, false);
    case SO_RCVBUFFORCE: return set_buffer(&s->rcvbuf, value, RCVBUF_MIN, true);
    case SO_RCVLOWAT: set_lowat(s, value); return 0;
    }
    return set_kept(s, option, value);
}

SYSCALL5(setsockopt, int, fd, int, level, int, option, uaddr_t, at, int, len)
{
    struct unix_socket *s;

    if (len < 0)
        return -EINVAL;
    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    if (err != 0)
        return err;
    if (level == SOL_SOCKET)
        return set_option(s, option, at, (unsigned)len);
    if (s->family->set_option == NULL)
        return -EOPNOTSUPP;
    return s->family->set_option(s, level, option, at, (unsigned)len);
}

static int get_timeo(union option_value *v, uint64_t ns)
{
    v->time = (struct __kernel_old_timeval){ (long)(ns / NSEC_PER_SEC),
                                             (long)(ns % NSEC_PER_SEC / 1000) };
    return sizeof(v->time);
}

static int get_peer(struct unix_socket *s, union option_value *v)
{
    spin_lock(&unix_lock);
    struct unix_cred c = s->peer_cred;
    spin_unlock(&unix_lock);
    v->cred = unix_cred_told(&c);
    if (c.pid == 0)
        v->cred.uid = v->cred.gid = UINT32_MAX;
    return sizeof(v->cred);
}

/* A number that no other socket has had. */
uint64_t socket_cookie(struct unix_socket *s)
{
    static uint64_t last;
    uint64_t none = 0, mine;

    if (__atomic_load_n(&s->cookie, __ATOMIC_RELAXED) == 0) {
        mine = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
        __atomic_compare_exchange_n(&s->cookie, &none, mine, false, __ATOMIC_RELAXED,
                                    __ATOMIC_RELAXED);
    }
    return s->cookie;
}

static int get_memory(const struct unix_socket *s, union option_value *v)
{
    v->meminfo[SK_MEMINFO_RMEM_ALLOC] = (uint32_t)s->queued;
    v->meminfo[SK_MEMINFO_RCVBUF] = (uint32_t)s->rcvbuf;
    v->meminfo[SK_MEMINFO_WMEM_ALLOC] = v->meminfo[SK_MEMINFO_WMEM_QUEUED] = (uint32_t)s->sent;
    v->meminfo[SK_MEMINFO_SNDBUF] = (uint32_t)s->sndbuf;
    return sizeof(v->meminfo);
}

static int get_kept(struct unix_socket *s, int option, union option_value *v)
{
    switch (option) {
    case SO_BSDCOMPAT:
    case SO_INCOMING_NAPI_ID: break; /* 0 */
    case SO_PRIORITY: v->number = s->priority; break;
    case SO_MARK: v->number = s->mark; break;
    case SO_BUSY_POLL: v->number = s->busy_poll; break;
    case SO_INCOMING_CPU: v->number = ~s->not_cpu; break;
    case SO_PEEK_OFF:
        if (!has_peek_off(s))
            return -EOPNOTSUPP;
        v->number = ~s->not_peek_at;
        break;
    case SO_BINDTOIFINDEX: v->number = s->device; break;
    case SO_BINDTODEVICE:
        memcpy(v->text, LO_NAME, sizeof(LO_NAME));
        return s->device != 0 ? (int)sizeof(LO_NAME) : 0;
    case SO_MAX_PACING_RATE: v->words = ~s->not_pacing; return sizeof(v->words);
    case SO_LOCK_FILTER: v->number = s->filter_locked; break;
    case SO_BPF_EXTENSIONS: v->number = SKF_AD_MAX; break;
    case SO_NETNS_COOKIE: v->words = 1; return sizeof(v->words); /* there is one network */
    case SO_COOKIE: v->words = socket_cookie(s); return sizeof(v->words);
    case SO_MEMINFO: return get_memory(s, v);
    case SO_PEERGROUPS: return s->peer_cred.pid == 0 ? -ENODATA : -ENOPROTOOPT;
    default: return -ENOPROTOOPT;
    }
    return sizeof(v->number);
}

/* Its length, or -ENOPROTOOPT. */
static int get_option(struct unix_socket *s, int option, union option_value *v)
{
    uint64_t bit = switch_of(option);

    if (bit != 0) {
        v->number = (s->options & bit) != 0;
        return has_switch(s, bit, false) ? (int)sizeof(v->number) : -EOPNOTSUPP;
    }
    switch (option) {
    case SO_TYPE: v->number = s->type; break;
    case SO_DOMAIN: v->number = s->family->number; break;
    case SO_PROTOCOL:
        v->number = s->in != NULL ? s->in->protocol : s->netlink != NULL ? s->netlink->protocol : 0;
        break;
    case SO_LINGER: v->linger = s->linger; return sizeof(v->linger);
    case SO_ERROR: v->number = -unix_take_error(s); break;
    case SO_ACCEPTCONN: v->number = s->state == UNIX_LISTENING; break;
    case SO_SNDBUF: v->number = (int)s->sndbuf; break;
    case SO_RCVBUF: v->number = (int)s->rcvbuf; break;
    case SO_RCVLOWAT: v->number = (int)s->lowat; break;
    case SO_SNDLOWAT: v->number = 1; break;
    case SO_RCVTIMEO_OLD:
    case SO_RCVTIMEO_NEW: return get_timeo(v, s->rcvtimeo);
    case SO_SNDTIMEO_OLD:
    case SO_SNDTIMEO_NEW: return get_timeo(v, s->sndtimeo);
    case SO_PEERCRED: return get_peer(s, v);
    default: return get_kept(s, option, v);
    }
    return sizeof(v->number);
}

/* As long as who asks says it is, which it must not be less than. */
static int give_peer_name(struct unix_socket *s, uaddr_t at, int room)
{
    union socket_address a;
    int len = s->family->name(s, true, &a);

    if (len < 0)
        return -ENOTCONN;
    if (len < room)
        return -EINVAL;
    return copy_to_user(at, &a, (size_t)room) != 0 ? -EFAULT : 0;
}

SYSCALL5(getsockopt, int, fd, int, level, int, option, uaddr_t, at, uaddr_t, atlen)
{
    struct unix_socket *s;
    union option_value v;
    int room;

    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    if (err != 0)
        return err;
    if (level != SOL_SOCKET && s->family->get_option == NULL)
        return -EOPNOTSUPP;
    if (get_user(room, atlen) != 0)
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if (level == SOL_SOCKET && option == SO_BINDTODEVICE && s->device != 0 && room < NAME_ROOM)
        return -EINVAL;
    if (level == SOL_SOCKET && option == SO_NETNS_COOKIE && room != sizeof(v.words))
        return -EINVAL;
    if (level == SOL_SOCKET && option == SO_GET_FILTER) {
        int n = socket_filter_get(s, at, room);
        return n < 0 ? n : put_user(n, atlen);
    }
    if (level == SOL_SOCKET && option == SO_PEERNAME)
        return give_peer_name(s, at, room);
    memset(&v, 0, sizeof(v));
    int got = level == SOL_SOCKET ? get_option(s, option, &v)
                                  : s->family->get_option(s, level, option, &v);
    if (got < 0)
        return got;
    size_t n = MIN((size_t)got, (size_t)room);
    if (copy_to_user(at, &v, n) != 0)
        return -EFAULT;
    return put_user((int)n, atlen);
}
