/* socket.c - the socket calls: addresses and descriptors from and to the user.
 * What a program is told of a family that is not there is what Linux says of one that is not
 * configured, and programs that can do without go on. */
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
#include <linux/fcntl.h>

int socket_of(const struct file *f, struct unix_socket **s)
{
    if (f == NULL || (f->flags & O_PATH))
        return -EBADF;
    *s = unix_of(f);
    return *s != NULL ? 0 : -ENOTSOCK;
}

int socket_address_in(uaddr_t from, int len, union socket_address *a)
{
    memset(a, 0, sizeof(*a));
    if (len < 0 || len > (int)sizeof(struct __kernel_sockaddr_storage))
        return -EINVAL;
    return len == 0 ? 0 : copy_from_user(a, from, (size_t)len);
}

int socket_address_out(const union socket_address *a, int len, uaddr_t to, uaddr_t tolen)
{
    int room;

    if (get_user(room, tolen) != 0)
        return -EFAULT;
    if (room < 0)
        return -EINVAL;
    if (copy_to_user(to, a, (size_t)MIN(room, len)) != 0)
        return -EFAULT;
    return put_user(len, tolen);
}

/* --- making ------------------------------------------------------------------------------- */

static int check_unix(int *type, int protocol)
{
    if (protocol != 0 && protocol != AF_UNIX)
        return -EPROTONOSUPPORT;
    if (*type == SOCK_RAW) /* as Linux believes that BSD has it */
        *type = SOCK_DGRAM;
    return *type == SOCK_STREAM || *type == SOCK_DGRAM || *type == SOCK_SEQPACKET
               ? 0
               : -ESOCKTNOSUPPORT;
}

static int check_inet(int family, int type, int protocol)
{
    if (protocol < 0 || protocol >= IPPROTO_MAX)
        return -EINVAL;
    if (type == SOCK_RAW && protocol != 0)
        return has_cap(CAP_NET_RAW) ? 0 : -EPERM;
    if (type == SOCK_DGRAM && protocol == (family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6))
        return ping_allowed() ? 0 : -EACCES;
    if (type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP))
        return 0;
    if (type == SOCK_DGRAM &&
        (protocol == 0 || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE))
        return 0;
    return type >= SOCK_STREAM && type <= SOCK_RAW ? -EPROTONOSUPPORT : -ESOCKTNOSUPPORT;
}

static int check_netlink(int type, int protocol)
{
    if (type != SOCK_RAW && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    return protocol == NETLINK_ROUTE || protocol == NETLINK_SOCK_DIAG ? 0 : -EPROTONOSUPPORT;
}

static bool is_inet(int family) { return family == AF_INET || family == AF_INET6; }

static int check_type(int family, int *type, uint32_t *flags, int protocol)
{
    *flags = (uint32_t)*type & ~(uint32_t)SOCK_TYPE_MASK;
    *type &= SOCK_TYPE_MASK;
    if (*flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    if (family != AF_UNIX && family != AF_NETLINK && !is_inet(family))
        return -EAFNOSUPPORT;
    if (*type > SOCK_SEQPACKET + 5)
        return -EINVAL;
    if (family == AF_NETLINK)
        return check_netlink(*type, protocol);
    return is_inet(family) ? check_inet(family, *type, protocol) : check_unix(type, protocol);
}

SYSCALL3(socket, int, family, int, type, int, protocol)
{
    struct unix_socket *s;
    struct file *f;
    uint32_t flags;
    int err = check_type(family, &type, &flags, protocol);

    if (err != 0)
        return err;
    if (is_inet(family))
        err = inet_make(family, type,
                        protocol != 0         ? protocol
                        : type == SOCK_STREAM ? IPPROTO_TCP
                                              : IPPROTO_UDP,
                        &s);
    else if (family == AF_NETLINK)
        err = netlink_make(type, protocol, &s);
    else
        err = (s = unix_alloc(type)) != NULL ? 0 : -ENOMEM;
    if (err == 0)
        err = unix_file(s, flags, &f);
    return err != 0 ? err : fd_open_add(f, flags);
}

/* Two new ones that are peers. */
static int make_pair(int type, uint32_t flags, struct file *f[2])
{
    struct unix_socket *a = unix_alloc(type), *b = unix_alloc(type);

    if (a == NULL || b == NULL) {
        if (a != NULL)
            unix_put(a);
        if (b != NULL)
            unix_put(b);
        return -ENOMEM;
    }
    unix_pair(a, b);
    int err = unix_file(a, flags, &f[0]);
    if (err != 0) {
        unix_end(b, true);
        return err;
    }
    err = unix_file(b, flags, &f[1]);
    if (err != 0)
        file_put(f[0]);
    return err;
}

SYSCALL4(socketpair, int, family, int, type, int, protocol, uaddr_t, to)
{
    struct file *f[2];
    uint32_t flags;
    int fd[2], err = check_type(family, &type, &flags, protocol);

    if (err == 0 && family != AF_UNIX)
        err = -EOPNOTSUPP;
    if (err == 0)
        err = make_pair(type, flags, f);
    if (err != 0)
        return err;
    fd[0] = fd_alloc(0, flags & O_CLOEXEC);
    fd[1] = fd[0] < 0 ? fd[0] : fd_alloc(0, flags & O_CLOEXEC);
    err = fd[1] < 0 ? fd[1] : copy_to_user(to, fd, sizeof(fd));
    for (int i = 0; i < 2; i++) {
        if (err == 0) {
            fd_install(fd[i], f[i]);
            continue;
        }
        if (fd[i] >= 0)
            fd_cancel(fd[i]);
        file_put(f[i]);
    }
    return err;
}

/* --- names and connections -------------------------------------------------------------------- */

SYSCALL3(bind, int, fd, uaddr_t, at, int, len)
{
    union socket_address a;
    struct unix_socket *s;

    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    if (err == 0)
        err = socket_address_in(at, len, &a);
    return err != 0 ? err : s->family->bind(s, &a, len);
}

SYSCALL2(listen, int, fd, int, backlog)
{
    struct unix_socket *s;

    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    return err != 0 ? err : s->family->listen(s, backlog);
}

SYSCALL3(connect, int, fd, uaddr_t, at, int, len)
{
    union socket_address a;
    struct unix_socket *s;

    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    if (err == 0)
        err = socket_address_in(at, len, &a);
    if (err == 0 && len < (int)sizeof(a.un.sun_family))
        err = -EINVAL;
    return err != 0 ? err : s->family->connect(s, &a, len, f->flags & O_NONBLOCK);
}

static long accept_on(int fd, uaddr_t at, uaddr_t len, uint32_t flags)
{
    struct unix_socket *s, *end;
    union socket_address a;
    struct file *new;

    if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
        return -EINVAL;
    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    if (err != 0)
        return err;
    int got = fd_alloc(0, flags & O_CLOEXEC);
    if (got < 0)
        return got;
    err = unix_accept(s, f->flags & O_NONBLOCK, &end);
    if (err == 0)
        err = unix_file(end, flags, &new);
    if (err == 0 && at != 0) {
        int n = end->family->caller(end, &a);
        err = n < 0 ? n : socket_address_out(&a, n, at, len);
        if (err != 0)
            file_put(new);
    }
    if (err != 0) {
        fd_cancel(got);
        return err;
    }
    fd_install(got, new);
    return got;
}

SYSCALL3(accept, int, fd, uaddr_t, at, uaddr_t, len) { return accept_on(fd, at, len, 0); }

SYSCALL4(accept4, int, fd, uaddr_t, at, uaddr_t, len, uint32_t, flags)
{
    return accept_on(fd, at, len, flags);
}

SYSCALL3(getsockname, int, fd, uaddr_t, at, uaddr_t, len)
{
    union socket_address a;
    struct unix_socket *s;

    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    if (err != 0)
        return err;
    int n = s->family->name(s, false, &a);
    return n < 0 ? n : socket_address_out(&a, n, at, len);
}

SYSCALL3(getpeername, int, fd, uaddr_t, at, uaddr_t, len)
{
    union socket_address a;
    struct unix_socket *s;

    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    if (err != 0)
        return err;
    int n = s->family->name(s, true, &a);
    return n < 0 ? n : socket_address_out(&a, n, at, len);
}

SYSCALL2(shutdown, int, fd, int, how)
{
    struct unix_socket *s;

    WITH_FILE(f, fd);
    int err = socket_of(f, &s);
    if (err != 0)
        return err;
    return how < 0 || how > 2 ? -EINVAL : s->family->shutdown(s, (uint32_t)how + 1);
}
