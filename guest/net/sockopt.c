/* sockopt.c - options of sockets: getsockopt(2), setsockopt(2). */
#include "arch/clock.h"
#include "arch/syscall.h"
#include "arch/uaccess.h"
#include "fs/fd.h"
#include "lib/string.h"
#include "net/socket.h"
#include "net/unix.h"
#include "sched/task.h"

#include <linux/time.h>
#include <linux/time_types.h>

#define SNDBUF_MIN 4608u /* Linux's */
#define RCVBUF_MIN 2304u
#define BUF_MAX    212992u /* net.core.wmem_max, before it is doubled */

/* Those that are on or off.  SO_PASSCRED has a meaning for AF_UNIX, SO_REUSE* for AF_INET*. */
#define BIT(option) (1ull << (option))
#define SWITCHES \
    (BIT(SO_REUSEADDR) | BIT(SO_DONTROUTE) | BIT(SO_BROADCAST) | BIT(SO_KEEPALIVE) | \
     BIT(SO_OOBINLINE) | BIT(SO_PASSCRED) | BIT(SO_REUSEPORT))

static bool is_switch(int option)
{
    return option >= 0 && option < 64 && (BIT(option) & SWITCHES) != 0;
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

static int set_option(struct unix_socket *s, int option, uaddr_t at, unsigned len)
{
    int value;

    if (option == SO_RCVTIMEO_OLD || option == SO_RCVTIMEO_NEW)
        return set_timeo(&s->rcvtimeo, at, len);
    if (option == SO_SNDTIMEO_OLD || option == SO_SNDTIMEO_NEW)
        return set_timeo(&s->sndtimeo, at, len);
    if (option == SO_LINGER)
        return set_linger(s, at, len);
    if (len < sizeof(value))
        return -EINVAL;
    if (get_user(value, at) != 0)
        return -EFAULT;
    if (is_switch(option)) {
        if (value)
            __atomic_fetch_or(&s->options, BIT(option), __ATOMIC_RELAXED);
        else
            __atomic_fetch_and(&s->options, ~BIT(option), __ATOMIC_RELAXED);
        return 0;
    }
    switch (option) {
    case SO_SNDBUF: s->sized = true; return set_buffer(&s->sndbuf, value, SNDBUF_MIN, false);
    case SO_SNDBUFFORCE: return set_buffer(&s->sndbuf, value, SNDBUF_MIN, true);
    case SO_RCVBUF: return set_buffer(&s->rcvbuf, value, RCVBUF_MIN, false);
    case SO_RCVBUFFORCE: return set_buffer(&s->rcvbuf, value, RCVBUF_MIN, true);
    case SO_RCVLOWAT: s->lowat = value < 0 ? INT32_MAX : value == 0 ? 1 : (uint32_t)value; return 0;
    }
    return -ENOPROTOOPT;
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
    v->cred = s->peer_cred;
    spin_unlock(&unix_lock);
    if (v->cred.pid == 0)
        v->cred.uid = v->cred.gid = UINT32_MAX;
    return sizeof(v->cred);
}

/* Its length, or -ENOPROTOOPT. */
static int get_option(struct unix_socket *s, int option, union option_value *v)
{
    if (is_switch(option)) {
        v->number = (s->options & BIT(option)) != 0;
        return sizeof(v->number);
    }
    switch (option) {
    case SO_TYPE: v->number = s->type; break;
    case SO_DOMAIN: v->number = s->family->number; break;
    case SO_PROTOCOL:
        v->number = s->in == NULL ? 0 : s->type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
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
    default: return -ENOPROTOOPT;
    }
    return sizeof(v->number);
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
